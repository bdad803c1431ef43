//! Tracked sign-ins: listed, evicted, ended one by one. Also the rotation of refresh tokens, and of signing keys.

use crate::story::{App, call, claims, text};
use crate::support::TestServer;
use serde_json::{Value, json};

const ALICE: &str = "alice@example.com";
const BOB: &str = "bob@example.com";

async fn tracking(app: &App<'_>, max: i64) {
    let body = json!({ "UserSessionTracking": "ENABLED", "TokenSession": { "MaxPerUser": max } });
    let set = app.signed("SetUserPoolSessionConfiguration", body.clone()).await.ok();
    let mut expected = body;
    expected["UserPoolId"] = app.pool_id.clone().into();
    assert_eq!(set, expected);
    assert_eq!(app.signed("GetUserPoolSessionConfiguration", json!({})).await.ok(), expected);
}

async fn token(app: &App<'_>, email: &str) -> String {
    app.server.clock.advance(60_000);
    text(&app.signs_in(email).await, "/AuthenticationResult/AccessToken")
}

async fn sessions(app: &App<'_>, token: &str) -> Vec<Value> {
    let listed = call(app.server, "ListUserSessions", json!({ "AccessToken": token })).await.ok();
    listed["Sessions"].as_array().expect("sessions").clone()
}

#[tokio::test]
async fn people_see_where_they_are_signed_in_and_end_one_of_them() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    app.person(ALICE).await;
    app.person(BOB).await;
    let untracked = token(&app, ALICE).await;
    let off = "User session tracking is not enabled for the user pool.";
    let fresh = app.signed("GetUserPoolSessionConfiguration", json!({})).await.ok();
    assert_eq!(
        (&fresh["UserSessionTracking"], &fresh["TokenSession"]["MaxPerUser"]),
        (&json!("DISABLED"), &json!(20))
    );
    call(&server, "ListUserSessions", json!({ "AccessToken": untracked }))
        .await
        .refused("OperationNotEnabledException", off);
    app.signed("AdminListUserSessions", json!({ "Username": ALICE }))
        .await
        .refused("OperationNotEnabledException", off);

    tracking(&app, 20).await;
    let (one, two, bobs) = (token(&app, ALICE).await, token(&app, ALICE).await, token(&app, BOB).await);
    let all = sessions(&app, &two).await;
    assert_eq!(all.len(), 2);
    assert_eq!((&all[0]["IsCurrentSession"], &all[1]["IsCurrentSession"]), (&json!(true), &json!(false)));
    assert_eq!((&all[0]["SessionType"], &all[0]["ClientId"]), (&json!("TOKEN"), &json!(app.client_id)));
    assert_eq!(all[0]["LastIPAddress"], "127.0.0.1");
    assert_eq!(sessions(&app, &bobs).await.len(), 1);

    let first = text(&all[1], "/SessionId");
    assert!(first.len() == 28 && first.starts_with("tkn"), "{first}");
    let gone = json!({ "AccessToken": bobs, "SessionId": first });
    call(&server, "RevokeUserSession", gone)
        .await
        .refused("ResourceNotFoundException", "Session does not exist.");
    call(&server, "RevokeUserSession", json!({ "AccessToken": two, "SessionId": first })).await.ok();
    call(&server, "GetUser", json!({ "AccessToken": one }))
        .await
        .refused("NotAuthorizedException", "Access Token has been revoked");
    assert_eq!(sessions(&app, &two).await.len(), 1);
    call(&server, "RevokeUserSession", json!({ "AccessToken": two, "SessionId": first }))
        .await
        .refused("ResourceNotFoundException", "Session does not exist.");

    let listed = app.signed("AdminListUserSessions", json!({ "Username": ALICE })).await.ok();
    let last = text(&listed, "/Sessions/0/SessionId");
    assert_eq!(listed["Sessions"][0]["IsCurrentSession"], Value::Null);
    app.signed("AdminRevokeUserSession", json!({ "Username": ALICE, "SessionId": last })).await.ok();
    call(&server, "ListUserSessions", json!({ "AccessToken": two }))
        .await
        .refused("NotAuthorizedException", "Access Token has been revoked");
    app.signed("AdminRevokeUserSession", json!({ "Username": "nobody", "SessionId": last }))
        .await
        .refused("UserNotFoundException", "User does not exist.");
    app.signed(
        "AdminRevokeUserSession",
        json!({ "Username": BOB, "SessionId": "sso0000000000000000000000000" }),
    )
    .await
    .refused("ResourceNotFoundException", "Session does not exist.");
    app.signed(
        "SetUserPoolSessionConfiguration",
        json!({
            "UserSessionTracking": "ENABLED", "TokenSession": { "MaxPerUser": 101 },
        }),
    )
    .await
    .refused_as("InvalidParameterException");
}

#[tokio::test]
async fn the_oldest_sign_in_goes_when_there_are_too_many() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    app.person(ALICE).await;
    tracking(&app, 2).await;
    let tokens = [token(&app, ALICE).await, token(&app, ALICE).await, token(&app, ALICE).await];
    call(&server, "GetUser", json!({ "AccessToken": tokens[0] }))
        .await
        .refused("NotAuthorizedException", "Access Token has been revoked");
    assert_eq!(sessions(&app, &tokens[2]).await.len(), 2);
    call(&server, "GlobalSignOut", json!({ "AccessToken": tokens[2] })).await.ok();
    let listed = app.signed("AdminListUserSessions", json!({ "Username": ALICE })).await.ok();
    assert_eq!(listed["Sessions"], json!([]));
    // Who is deleted leaves no session behind.
    token(&app, ALICE).await;
    app.signed("AdminDeleteUser", json!({ "Username": ALICE })).await.ok();
    app.person(ALICE).await;
    let listed = app.signed("AdminListUserSessions", json!({ "Username": ALICE })).await.ok();
    assert_eq!(listed["Sessions"], json!([]));
}

#[tokio::test]
async fn keys_change_without_a_token_that_is_not_recognised() {
    let server = TestServer::start().await;
    let app = App::with(&server, json!({}), json!({ "AccessTokenValidity": 24 })).await;
    app.person(ALICE).await;
    let kids = || async {
        let path = format!("/{}/.well-known/jwks.json", app.pool_id);
        let jwks = server.client.get(&path).await.ok().body;
        let keys = jwks["keys"].as_array().expect("keys").clone();
        keys.iter().map(|key| text(key, "/kid")).collect::<Vec<_>>()
    };
    let kid = |token: &str| {
        use base64::Engine;
        let header = token.split('.').next().expect("a header").to_owned();
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(header).expect("base64");
        text(&serde_json::from_slice(&bytes).expect("JSON"), "/kid")
    };
    let hour = 3_600_000;
    let before = kids().await;
    assert_eq!(before.len(), 2);
    assert!(server.app.pools.rotate_keys(&app.pool_id, None).await.expect("rotated"));
    // Published at once, used a day later.
    assert_eq!(kids().await.len(), 4);
    let audit = server.app.store.read(|tx| tx.newest_audit(50)).await.expect("the audit");
    let rotated = audit.iter().find(|record| record.action == "RotateKeys").expect("a record");
    assert!(rotated.who == "postern" && rotated.resource.ends_with(&app.pool_id), "{rotated:?}");
    assert!(before.contains(&kid(&token(&app, ALICE).await)));
    server.clock.advance(24 * hour);
    let last_of_old = token(&app, ALICE).await;
    assert!(before.contains(&kid(&last_of_old)));
    server.clock.advance(2 * hour);
    let new = token(&app, ALICE).await;
    assert!(!before.contains(&kid(&new)));
    assert_eq!(kids().await.len(), 4);
    call(&server, "GetUser", json!({ "AccessToken": last_of_old })).await.ok();
    // Long after, the old ones are gone.
    server.clock.advance(30 * hour);
    let after = kids().await;
    assert_eq!(after.len(), 2);
    assert!(after.iter().all(|kid| !before.contains(kid)));
    assert_eq!(server.app.pools.tend_keys(0).await.expect("tended"), 1);
    assert_eq!(server.app.pools.tend_keys(0).await.expect("tended"), 0);
    assert_eq!(kids().await, after);
    assert!(after.contains(&kid(&token(&app, ALICE).await)));

    // By their age, once.
    assert_eq!(server.app.pools.tend_keys(90).await.expect("tended"), 0);
    server.clock.advance(90 * 24 * hour);
    assert_eq!(server.app.pools.tend_keys(90).await.expect("tended"), 1);
    assert_eq!(server.app.pools.tend_keys(90).await.expect("tended"), 0);
    assert_eq!(kids().await.len(), 4);
    assert_eq!(claims(&new)["token_use"], "access");
    assert!(!server.app.pools.rotate_keys("us-east-1_Nowhere00", None).await.expect("an answer"));
}

#[tokio::test]
async fn what_was_signed_out_stays_so_when_the_clock_goes_back() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    app.person(ALICE).await;
    let (lost, own) = (token(&app, ALICE).await, token(&app, ALICE).await);
    server.clock.advance(5_000);
    call(&server, "GlobalSignOut", json!({ "AccessToken": own })).await.ok();
    // Somebody signs her out once more, by a clock that stands before her sign-ins.
    server.clock.step_wall(-20_000);
    app.signed("AdminUserGlobalSignOut", json!({ "Username": ALICE })).await.ok();
    app.signed("AdminDisableUser", json!({ "Username": ALICE })).await.ok();
    app.signed("AdminEnableUser", json!({ "Username": ALICE })).await.ok();
    for token in [lost, own] {
        call(&server, "GetUser", json!({ "AccessToken": token }))
            .await
            .refused("NotAuthorizedException", "Access Token has been revoked");
    }
}

#[tokio::test]
async fn issuers_are_shaped_like_those_of_aws_where_the_server_says_so_and_move_with_the_pool() {
    let server = TestServer::with(|settings| {
        settings.issuer = "https://cognito-idp.{region}.amazonaws.com/{pool}".to_owned();
    })
    .await;
    let app = App::new(&server).await;
    app.person(ALICE).await;
    let discovered = || async {
        let path = format!("/{}/.well-known/openid-configuration", app.pool_id);
        text(&server.client.get(&path).await.ok().body, "/issuer")
    };
    let old = token(&app, ALICE).await;
    let original = format!("https://cognito-idp.us-east-1.amazonaws.com/{}", app.pool_id);
    assert_eq!((text(&claims(&old), "/iss"), discovered().await), (original.clone(), original));
    app.signed("UpdateUserPool", json!({ "IssuerConfiguration": { "Type": "UPDATED" } })).await.ok();
    let new = token(&app, ALICE).await;
    let updated = format!("https://issuer-cognito-idp.us-east-1.amazonaws.com/{}", app.pool_id);
    assert_eq!((text(&claims(&new), "/iss"), discovered().await), (updated.clone(), updated));
    for token in [old, new] {
        call(&server, "GetUser", json!({ "AccessToken": token })).await.ok();
    }
    let plain = TestServer::start().await;
    let app = App::new(&plain).await;
    app.signed("UpdateUserPool", json!({ "IssuerConfiguration": { "Type": "UPDATED" } })).await.refused(
        "InvalidParameterException",
        "IssuerConfiguration UPDATED needs a server whose issuers are shaped like those of AWS (setting issuer).",
    );
}
