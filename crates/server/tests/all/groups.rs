//! Groups: made, filled, shown, and what tokens say of them.

use crate::story::{App, claims, text};
use crate::support::TestServer;
use serde_json::{Value, json};

const ALICE: &str = "alice@example.com";
const BOB: &str = "bob@example.com";

fn role(name: &str) -> String {
    format!("arn:aws:iam::000000000000:role/{name}")
}

impl App<'_> {
    async fn group(&self, name: &str, more: Value) -> Value {
        let mut body = json!({ "GroupName": name });
        for (name, value) in more.as_object().expect("members") {
            body[name] = value.clone();
        }
        self.signed("CreateGroup", body).await.ok()["Group"].clone()
    }

    async fn joins(&self, who: &str, group: &str) {
        let body = json!({ "Username": who, "GroupName": group });
        assert_eq!(self.signed("AdminAddUserToGroup", body).await.ok(), json!({}));
    }
}

#[tokio::test]
async fn a_group_is_made_changed_listed_and_removed() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    let made = app.group("admins", json!({ "Description": "All power", "Precedence": 3 })).await;
    let date = server.clock.now().seconds();
    assert_eq!(
        made,
        json!({
            "GroupName": "admins", "UserPoolId": app.pool_id, "Description": "All power", "Precedence": 3,
            "CreationDate": date, "LastModifiedDate": date,
        })
    );
    let words = "A group with the name already exists.";
    app.signed("CreateGroup", json!({ "GroupName": "admins" })).await.refused("GroupExistsException", words);
    // Names mind case.
    app.group("Admins", json!({})).await;

    server.clock.advance(5000);
    let changed = app
        .signed("UpdateGroup", json!({ "GroupName": "admins", "Description": "", "RoleArn": role("boss") }))
        .await
        .ok();
    assert_eq!(changed["Group"]["Description"], Value::Null);
    assert_eq!(
        (&changed["Group"]["Precedence"], &changed["Group"]["RoleArn"]),
        (&json!(3), &json!(role("boss")))
    );
    assert_eq!(changed["Group"]["CreationDate"], json!(date));
    assert_eq!(changed["Group"]["LastModifiedDate"], json!(date + 5));
    assert_eq!(app.signed("GetGroup", json!({ "GroupName": "admins" })).await.ok(), changed);

    app.group("zebras", json!({})).await;
    let first = app.signed("ListGroups", json!({ "Limit": 2 })).await.ok();
    let names = |page: &Value| -> Vec<String> {
        page["Groups"].as_array().expect("groups").iter().map(|group| text(group, "/GroupName")).collect()
    };
    assert_eq!(names(&first), ["Admins", "admins"]);
    let token = text(&first, "/NextToken");
    let second = app.signed("ListGroups", json!({ "Limit": 2, "NextToken": token })).await.ok();
    assert_eq!((names(&second), &second["NextToken"]), (vec!["zebras".to_owned()], &Value::Null));
    let other = App::new(&server).await;
    let words = "Invalid pagination token.";
    other
        .signed("ListGroups", json!({ "NextToken": token }))
        .await
        .refused("InvalidParameterException", words);

    assert_eq!(app.signed("DeleteGroup", json!({ "GroupName": "admins" })).await.ok(), json!({}));
    for operation in ["GetGroup", "UpdateGroup", "DeleteGroup", "ListUsersInGroup"] {
        app.signed(operation, json!({ "GroupName": "admins" }))
            .await
            .refused("ResourceNotFoundException", "Group not found.");
        // Another pool's group is nobody's here.
        other
            .signed(operation, json!({ "GroupName": "zebras" }))
            .await
            .refused("ResourceNotFoundException", "Group not found.");
    }
}

#[tokio::test]
async fn a_group_of_no_pool_or_of_a_bad_name_is_refused() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    for operation in ["CreateGroup", "GetGroup", "UpdateGroup", "DeleteGroup", "ListUsersInGroup"] {
        let body = json!({ "UserPoolId": "us-east-1_Nowhere00", "GroupName": "g" });
        let words = server.signed(operation, body).await.refused("ResourceNotFoundException");
        assert_eq!(words, "User pool us-east-1_Nowhere00 does not exist.");
    }
    app.signed("CreateGroup", json!({ "GroupName": "two words" }))
        .await
        .refused_as("InvalidParameterException");
    app.signed("CreateGroup", json!({ "GroupName": "g", "Precedence": -1 }))
        .await
        .refused_as("InvalidParameterException");
    app.signed("CreateGroup", json!({ "GroupName": "g", "RoleArn": "not an arn, surely" }))
        .await
        .refused_as("InvalidParameterException");
}

#[tokio::test]
async fn users_join_and_leave() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    let alice = app.person(ALICE).await;
    let bob = app.person(BOB).await;
    app.group("readers", json!({})).await;
    app.group("writers", json!({})).await;
    app.joins(ALICE, "readers").await;
    app.joins(ALICE, "readers").await;
    app.joins(&alice, "writers").await;
    app.joins(BOB, "readers").await;

    let of = |who: &'static str, more: Value| {
        let app = &app;
        async move {
            let mut body = json!({ "Username": who });
            for (name, value) in more.as_object().expect("members") {
                body[name] = value.clone();
            }
            app.signed("AdminListGroupsForUser", body).await.ok()
        }
    };
    let first = of(ALICE, json!({ "Limit": 1 })).await;
    assert_eq!(first["Groups"][0]["GroupName"], "readers");
    let second = of(ALICE, json!({ "Limit": 1, "NextToken": first["NextToken"] })).await;
    assert_eq!(second["Groups"][0]["GroupName"], "writers");
    assert_eq!(second["NextToken"], Value::Null);

    let members = app.signed("ListUsersInGroup", json!({ "GroupName": "readers", "Limit": 1 })).await.ok();
    let rest = json!({ "GroupName": "readers", "NextToken": members["NextToken"] });
    let rest = app.signed("ListUsersInGroup", rest).await.ok();
    let mut found = [text(&members["Users"][0], "/Username"), text(&rest["Users"][0], "/Username")];
    let mut both = [alice.clone(), bob];
    found.sort();
    both.sort();
    assert_eq!(found, both);
    assert_eq!(rest["NextToken"], Value::Null);

    let leaves = json!({ "Username": ALICE, "GroupName": "readers" });
    assert_eq!(app.signed("AdminRemoveUserFromGroup", leaves.clone()).await.ok(), json!({}));
    app.signed("AdminRemoveUserFromGroup", leaves).await.ok();
    assert_eq!(of(ALICE, json!({})).await["Groups"].as_array().map(Vec::len), Some(1));
    // Who is deleted is in no group, and neither is who comes after them under the same name.
    app.signed("AdminDeleteUser", json!({ "Username": BOB })).await.ok();
    app.person(BOB).await;
    let members = app.signed("ListUsersInGroup", json!({ "GroupName": "readers" })).await.ok();
    assert_eq!(members["Users"], json!([]));
    app.signed("DeleteGroup", json!({ "GroupName": "writers" })).await.ok();
    assert_eq!(of(ALICE, json!({})).await["Groups"], json!([]));

    for operation in ["AdminAddUserToGroup", "AdminRemoveUserFromGroup"] {
        app.signed(operation, json!({ "Username": "nobody", "GroupName": "readers" }))
            .await
            .refused("UserNotFoundException", "User does not exist.");
        app.signed(operation, json!({ "Username": ALICE, "GroupName": "writers" }))
            .await
            .refused("ResourceNotFoundException", "Group not found.");
    }
    app.signed("AdminListGroupsForUser", json!({ "Username": "nobody" }))
        .await
        .refused("UserNotFoundException", "User does not exist.");
}

#[tokio::test]
async fn tokens_name_groups_by_precedence_and_the_preferred_role() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    app.person(ALICE).await;
    let tokens = app.signs_in(ALICE).await["AuthenticationResult"].clone();
    let id = claims(&text(&tokens, "/IdToken"));
    assert_eq!((&id["cognito:groups"], &id["cognito:roles"]), (&Value::Null, &Value::Null));

    app.group("readers", json!({ "RoleArn": role("reader") })).await;
    app.group("writers", json!({ "RoleArn": role("writer"), "Precedence": 7 })).await;
    app.group("guests", json!({ "Precedence": 1 })).await;
    for group in ["readers", "writers", "guests"] {
        app.joins(ALICE, group).await;
    }
    // The tokens in hand stay as they are; the next ones tell.
    let refreshed = app
        .public(
            "InitiateAuth",
            json!({
                "AuthFlow": "REFRESH_TOKEN_AUTH",
                "AuthParameters": { "REFRESH_TOKEN": tokens["RefreshToken"] },
            }),
        )
        .await
        .ok();
    let id = claims(&text(&refreshed, "/AuthenticationResult/IdToken"));
    let access = claims(&text(&refreshed, "/AuthenticationResult/AccessToken"));
    let groups = json!(["guests", "writers", "readers"]);
    assert_eq!((&id["cognito:groups"], &access["cognito:groups"]), (&groups, &groups));
    assert_eq!(id["cognito:roles"], json!([role("writer"), role("reader")]));
    assert_eq!(id["cognito:preferred_role"], json!(role("writer")));
    assert_eq!(access["cognito:roles"], Value::Null);

    app.group("editors", json!({ "RoleArn": role("editor"), "Precedence": 7 })).await;
    app.joins(ALICE, "editors").await;
    let again = app.signs_in(ALICE).await;
    let id = claims(&text(&again, "/AuthenticationResult/IdToken"));
    assert_eq!(id["cognito:groups"], json!(["guests", "editors", "writers", "readers"]));
    assert_eq!(id["cognito:preferred_role"], Value::Null);

    for group in ["readers", "writers", "guests", "editors"] {
        app.signed("DeleteGroup", json!({ "GroupName": group })).await.ok();
    }
    let last = app.signs_in(ALICE).await;
    assert_eq!(claims(&text(&last, "/AuthenticationResult/IdToken"))["cognito:groups"], Value::Null);
}

#[tokio::test]
async fn a_user_is_in_a_hundred_groups_at_most() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    app.person(ALICE).await;
    for number in 0..=100 {
        app.group(&format!("g{number}"), json!({})).await;
    }
    for number in 0..100 {
        app.joins(ALICE, &format!("g{number}")).await;
    }
    app.joins(ALICE, "g0").await;
    app.signed("AdminAddUserToGroup", json!({ "Username": ALICE, "GroupName": "g100" }))
        .await
        .refused("InvalidParameterException", "A user can be in at most 100 groups.");
    let all = app.signed("AdminListGroupsForUser", json!({ "Username": ALICE, "Limit": 60 })).await.ok();
    let rest = json!({ "Username": ALICE, "Limit": 60, "NextToken": all["NextToken"] });
    let rest = app.signed("AdminListGroupsForUser", rest).await.ok();
    assert_eq!(rest["Groups"].as_array().map(Vec::len), Some(40));
}
