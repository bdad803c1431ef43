//! Users taken over from elsewhere (UserMigration), at a password sign-in and when a password was forgotten.

use super::{app, by_password, house};
use crate::story::text;
use crate::support::{Does, answering};
use serde_json::json;

const MIGRATION: (&str, &str) = ("UserMigration", "elsewhere");
const WRONG: (&str, &str) = ("NotAuthorizedException", "Incorrect username or password.");

fn ann(event: serde_json::Value) -> Does {
    let request = &event["request"];
    let is_right = request["password"] == "old password";
    match (event["userName"].as_str(), is_right) {
        (Some("ann@example.com"), true) => answering(
            event,
            &json!({
                "userAttributes": { "email": "ann@example.com", "email_verified": "true", "name": "Ann" },
                "finalUserStatus": "CONFIRMED",
                "messageAction": "SUPPRESS",
            }),
        ),
        _ => Does::Throws("Bad password"),
    }
}

#[tokio::test]
async fn who_is_known_elsewhere_becomes_a_user_with_the_password_they_have() {
    let (lambda, server) = house().await;
    let app = app(&server, &lambda, &[MIGRATION, ("PreAuthentication", "door")]).await;
    lambda.on("elsewhere", ann);
    by_password(&app, "ann@example.com", "guess").await.refused(WRONG.0, WRONG.1);
    app.signed("AdminGetUser", json!({ "Username": "ann@example.com" }))
        .await
        .refused_as("UserNotFoundException");

    // What a pool asks of new passwords is not asked of those that come along.
    let signed_in = by_password(&app, "ann@example.com", "old password").await.ok();
    assert!(!text(&signed_in, "/AuthenticationResult/IdToken").is_empty());
    let user = app.signed("AdminGetUser", json!({ "Username": "ann@example.com" })).await.ok();
    assert_eq!(user["UserStatus"], "CONFIRMED");
    let events = lambda.events("elsewhere");
    assert_eq!(events[1]["triggerSource"], "UserMigration_Authentication");
    assert_eq!(
        events[1]["request"],
        json!({ "password": "old password", "validationData": { "shop": "north" } })
    );
    // The function at the door has seen the user, too.
    let seen = lambda.events("door");
    assert_eq!(seen.last().expect("an event")["request"]["userAttributes"]["name"], "Ann");

    // From now on the password is judged here.
    lambda.forget();
    by_password(&app, "ann@example.com", "guess").await.refused(WRONG.0, WRONG.1);
    by_password(&app, "ann@example.com", "old password").await.ok();
    assert!(lambda.events("elsewhere").is_empty());
}

#[tokio::test]
async fn guesses_at_passwords_elsewhere_are_counted_here() {
    let (lambda, server) = house().await;
    let app = app(&server, &lambda, &[MIGRATION]).await;
    lambda.on("elsewhere", ann);
    for _ in 0..5 {
        by_password(&app, "ann@example.com", "guess").await.refused(WRONG.0, WRONG.1);
    }
    by_password(&app, "ann@example.com", "old password")
        .await
        .refused("NotAuthorizedException", "Password attempts exceeded");
    assert_eq!(lambda.calls().len(), 5);
}

#[tokio::test]
async fn a_function_that_is_late_or_describes_nobody_migrates_nobody() {
    let (lambda, server) = house().await;
    let app = app(&server, &lambda, &[MIGRATION]).await;
    let table: [fn(serde_json::Value) -> Does; 4] = [
        |_| Does::Sleeps,
        Does::Answers,
        |_| Does::Says(200, &[], "hello"),
        |event| answering(event, &json!({ "userAttributes": { "no_such_attribute": "x" } })),
    ];
    for does in table {
        lambda.on("elsewhere", does);
        server.clock.advance(20 * 60_000);
        by_password(&app, "ann@example.com", "old password").await.refused(WRONG.0, WRONG.1);
    }
    app.signed("AdminGetUser", json!({ "Username": "ann@example.com" }))
        .await
        .refused_as("UserNotFoundException");
}

#[tokio::test]
async fn who_must_reset_a_password_from_elsewhere_is_told_so() {
    let (lambda, server) = house().await;
    let app = app(&server, &lambda, &[MIGRATION]).await;
    let described = json!({ "userAttributes": { "email": "ann@example.com", "email_verified": "true" } });
    lambda.fills("elsewhere", described);
    by_password(&app, "ann@example.com", "old password").await.refused_as("PasswordResetRequiredException");
    let user = app.signed("AdminGetUser", json!({ "Username": "ann@example.com" })).await.ok();
    assert_eq!(user["UserStatus"], "RESET_REQUIRED");
}
