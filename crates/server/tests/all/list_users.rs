//! Users are listed by filters, a page at a time.

use crate::story::{App, text};
use crate::support::TestServer;
use serde_json::{Value, json};

/// A pool with people of many kinds, and names that mind no case.
async fn people<'a>(server: &'a TestServer) -> App<'a> {
    let app = App::with(server, json!({ "UsernameAttributes": null }), json!({})).await;
    for (username, attributes) in [
        ("ann", json!({ "email": "ann@example.com", "given_name": "Ann", "family_name": "Maier" })),
        ("bea", json!({ "email": "Bea@Example.com", "name": "Béatrice", "phone_number": "+4912345" })),
        ("bert", json!({ "email": "bert@example.org", "family_name": "maier", "phone_number": "+4912399" })),
        (
            "Bob",
            json!({ "preferred_username": "Bobby", "family_name": "O\"Neill", "email": "bob@example.com" }),
        ),
    ] {
        let attributes: Vec<Value> = attributes
            .as_object()
            .expect("members")
            .iter()
            .map(|(name, value)| json!({ "Name": name, "Value": value }))
            .collect();
        let body = json!({ "Username": username, "UserAttributes": attributes, "MessageAction": "SUPPRESS" });
        app.signed("AdminCreateUser", body).await.ok();
    }
    app
}

async fn found(app: &App<'_>, filter: &str) -> Vec<String> {
    let page = app.signed("ListUsers", json!({ "Filter": filter })).await.ok();
    let mut names: Vec<String> =
        page["Users"].as_array().expect("users").iter().map(|user| text(user, "/Username")).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_filter_finds_by_each_attribute_that_it_may_name() {
    let server = TestServer::start().await;
    let app = people(&server).await;
    app.signed("AdminDisableUser", json!({ "Username": "ann" })).await.ok();
    app.password("bert", "Correct-horse-9").await;
    let sub =
        text(&app.signed("AdminGetUser", json!({ "Username": "bea" })).await.ok(), "/UserAttributes/0/Value");
    for (filter, expected) in [
        (String::new(), vec!["Bob", "ann", "bea", "bert"]),
        (r#"username = "bea""#.into(), vec!["bea"]),
        (r#"username = "Bea""#.into(), vec![]),
        (r#"username ^= "be""#.into(), vec!["bea", "bert"]),
        (format!(r#"sub = "{sub}""#), vec!["bea"]),
        (format!(r#"sub ^= "{}""#, &sub[..13]), vec!["bea"]),
        (r#"email = "bea@example.com""#.into(), vec!["bea"]),
        (r#"email ^= "BE""#.into(), vec!["bea", "bert"]),
        (r#"phone_number = "+4912345""#.into(), vec!["bea"]),
        (r#"phone_number ^= "+49123""#.into(), vec!["bea", "bert"]),
        (r#"name = "béATRICE""#.into(), vec!["bea"]),
        (r#"name ^= "bé""#.into(), vec!["bea"]),
        (r#"given_name = "Ann""#.into(), vec!["ann"]),
        (r#""family_name" = "Maier""#.into(), vec!["ann", "bert"]),
        (r#"family_name ^= "o\"n""#.into(), vec!["Bob"]),
        (r#"preferred_username ^= "bob""#.into(), vec!["Bob"]),
        (r#"cognito:user_status = "CONFIRMED""#.into(), vec!["Bob", "ann", "bea", "bert"]),
        (r#"cognito:user_status = "UNCONFIRMED""#.into(), vec![]),
        (r#"status = "Disabled""#.into(), vec!["ann"]),
        (r#"status = "Enabled""#.into(), vec!["Bob", "bea", "bert"]),
        (r#"status ^= "dis""#.into(), vec!["ann"]),
        (r#"status ^= "Ena""#.into(), vec!["Bob", "bea", "bert"]),
        (r#"status ^= """#.into(), vec!["Bob", "ann", "bea", "bert"]),
        (r#"status = "Ena""#.into(), vec![]),
        (r#"status = "banana""#.into(), vec![]),
    ] {
        assert_eq!(found(&app, &filter).await, expected, "{filter}");
    }
    // What changes is found as it is now, and what is gone is not.
    let body = json!({ "Username": "ann", "UserAttributes": [{ "Name": "given_name", "Value": "Anna" }] });
    app.signed("AdminUpdateUserAttributes", body).await.ok();
    assert_eq!(found(&app, r#"given_name = "Ann""#).await, Vec::<String>::new());
    assert_eq!(found(&app, r#"given_name = "anna""#).await, ["ann"]);
    app.signed("AdminDeleteUser", json!({ "Username": "ann" })).await.ok();
    assert_eq!(found(&app, r#"given_name ^= "a""#).await, Vec::<String>::new());
    assert_eq!(found(&app, r#"family_name = "maier""#).await, ["bert"]);
}

#[tokio::test]
async fn a_filter_that_cannot_be_is_refused() {
    let server = TestServer::start().await;
    let app = people(&server).await;
    for filter in [r#"email = x"#, "email", r#"email > "x""#, r#"email = "x" and name = "y""#] {
        app.signed("ListUsers", json!({ "Filter": filter }))
            .await
            .refused("InvalidParameterException", "Error while parsing filter");
    }
    for name in ["nickname", "custom:x", "email_verified"] {
        app.signed("ListUsers", json!({ "Filter": format!(r#"{name} = "x""#) }))
            .await
            .refused("InvalidParameterException", &format!("Invalid search attribute: {name}"));
    }
    app.signed("ListUsers", json!({ "PaginationToken": "bm9uZQ" }))
        .await
        .refused("InvalidParameterException", "Invalid pagination token.");
    app.signed("ListUsers", json!({ "Limit": 61 })).await.refused_as("InvalidParameterException");
}

#[tokio::test]
async fn pages_of_a_filter_give_each_user_once() {
    let server = TestServer::start().await;
    let app = people(&server).await;
    for filter in [
        "",
        r#"username ^= """#,
        r#"sub ^= """#,
        r#"email ^= """#,
        r#"cognito:user_status = "CONFIRMED""#,
        r#"status = "Enabled""#,
    ] {
        let (mut seen, mut token) = (Vec::new(), Value::Null);
        loop {
            let body = json!({ "Filter": filter, "Limit": 1, "PaginationToken": token });
            let page = app.signed("ListUsers", body).await.ok();
            let users = page["Users"].as_array().expect("users").clone();
            seen.extend(users.iter().map(|user| text(user, "/Username")));
            token = page["PaginationToken"].clone();
            if token.is_null() {
                break;
            }
        }
        seen.sort();
        assert_eq!(seen, ["Bob", "ann", "bea", "bert"], "{filter}");
    }
    let first =
        app.signed("ListUsers", json!({ "Filter": r#"family_name = "maier""#, "Limit": 1 })).await.ok();
    let rest = json!({ "Filter": r#"family_name = "maier""#, "PaginationToken": first["PaginationToken"] });
    let rest = app.signed("ListUsers", rest).await.ok();
    assert_ne!(first["Users"][0]["Username"], rest["Users"][0]["Username"]);
    assert_eq!(rest["Users"].as_array().map(Vec::len), Some(1));
    // A token of one filter leads nowhere in another.
    let other = json!({ "Filter": r#"username ^= "b""#, "PaginationToken": first["PaginationToken"] });
    app.signed("ListUsers", other).await.refused("InvalidParameterException", "Invalid pagination token.");
}
