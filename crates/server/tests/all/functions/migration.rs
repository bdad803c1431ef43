//! Users taken over from elsewhere (UserMigration), at a password sign-in and when a password was forgotten.

use super::{app, by_password, config, house};
use crate::story::{App, another, challenge, code_in, mail_settles, newest_mail, text};
use crate::support::{Does, answering};
use crate::texts::{NUMBER, good_role, sms};
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

#[tokio::test]
async fn who_forgot_a_password_elsewhere_becomes_a_user_and_sets_one_here() {
    let (lambda, server) = house().await;
    let app = app(&server, &lambda, &[MIGRATION]).await;
    lambda.on("elsewhere", |event| match event["userName"].as_str() {
        Some("ann@example.com") => answering(
            event,
            &json!({
                "userAttributes": { "email": "ann@example.com", "email_verified": "true" },
                "messageAction": "SUPPRESS",
            }),
        ),
        _ => Does::Throws("Nobody"),
    });
    let forgets = |name: &'static str| {
        let app = &app;
        async move {
            app.server.clock.advance(1);
            let body = json!({ "Username": name, "ClientMetadata": { "shop": "north" } });
            app.public("ForgotPassword", body).await
        }
    };
    let sent = forgets("ann@example.com").await.ok();
    assert_eq!(sent["CodeDeliveryDetails"]["Destination"], "a***@e***");
    let events = lambda.events("elsewhere");
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["triggerSource"], "UserMigration_ForgotPassword");
    assert_eq!(
        events[0]["request"],
        json!({ "validationData": null, "clientMetadata": { "shop": "north" } })
    );
    let user = app.signed("AdminGetUser", json!({ "Username": "ann@example.com" })).await.ok();
    assert_eq!(user["UserStatus"], "RESET_REQUIRED");
    let code = app.code("ann@example.com").await;
    let set = |code: &str| json!({ "Username": "ann@example.com", "ConfirmationCode": code, "Password": "Correct1!" });
    app.public("ConfirmForgotPassword", set(&another(&code))).await.refused_as("CodeMismatchException");
    app.public("ConfirmForgotPassword", set(&code)).await.ok();
    by_password(&app, "ann@example.com", "Correct1!").await.ok();

    // Whom the function does not know is answered alike, and whoever is here is not asked about again.
    lambda.forget();
    let sent = forgets("ben@example.com").await.ok();
    assert_eq!(sent["CodeDeliveryDetails"]["Destination"], "b***@e***");
    assert_eq!(lambda.events("elsewhere").len(), 1);
    forgets("ann@example.com").await.ok();
    assert_eq!(lambda.events("elsewhere").len(), 1);
    mail_settles(&server).await;
    assert!(server.mails_to("ben@example.com").await.is_empty());
    app.signed("AdminGetUser", json!({ "Username": "ben@example.com" }))
        .await
        .refused_as("UserNotFoundException");
}

#[tokio::test]
async fn an_alias_comes_along_only_if_the_function_says_so() {
    let (lambda, server) = house().await;
    let pool = json!({
        "UsernameAttributes": null,
        "AliasAttributes": ["email"],
        "LambdaConfig": config(&lambda, &[MIGRATION]),
    });
    let app = App::with(&server, pool, json!({})).await;
    let verified = json!([{ "Name": "email", "Value": "ann@example.com" }, { "Name": "email_verified", "Value": "true" }]);
    let old = json!({ "Username": "old", "MessageAction": "SUPPRESS", "UserAttributes": verified });
    app.signed("AdminCreateUser", old).await.ok();
    let described = |force: bool| {
        json!({
            "userAttributes": { "email": "ann@example.com", "email_verified": "true" },
            "finalUserStatus": "CONFIRMED", "messageAction": "SUPPRESS", "forceAliasCreation": force,
        })
    };
    lambda.fills("elsewhere", described(false));
    by_password(&app, "new", "old password").await.refused(WRONG.0, WRONG.1);
    app.signed("AdminGetUser", json!({ "Username": "new" })).await.refused_as("UserNotFoundException");
    let named = |answer: &serde_json::Value| text(answer, "/Username");
    let by_alias = app.signed("AdminGetUser", json!({ "Username": "ann@example.com" })).await.ok();
    assert_eq!(named(&by_alias), "old");

    lambda.fills("elsewhere", described(true));
    by_password(&app, "new", "old password").await.ok();
    let by_alias = app.signed("AdminGetUser", json!({ "Username": "ann@example.com" })).await.ok();
    assert_eq!(named(&by_alias), "new");
    let old = app.signed("AdminGetUser", json!({ "Username": "old" })).await.ok();
    let unverified = json!({ "Name": "email_verified", "Value": "false" });
    assert!(old["UserAttributes"].as_array().expect("attributes").contains(&unverified), "{old}");
}

#[tokio::test]
async fn who_is_to_be_asked_for_a_text_but_cannot_be_is_not_migrated() {
    let (lambda, server) = house().await;
    let app = app(&server, &lambda, &[MIGRATION]).await;
    let described = json!({
        "userAttributes": { "email": "ann@example.com", "email_verified": "true" },
        "finalUserStatus": "CONFIRMED", "enableSMSMFA": true,
    });
    lambda.fills("elsewhere", described);
    by_password(&app, "ann@example.com", "old password").await.refused(WRONG.0, WRONG.1);
    app.signed("AdminGetUser", json!({ "Username": "ann@example.com" }))
        .await
        .refused_as("UserNotFoundException");
}

#[tokio::test]
async fn who_is_to_be_asked_for_a_text_is_asked_from_the_first_sign_in_on() {
    let (lambda, server) = house().await;
    let factors = json!({ "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD"] } });
    let triggers = config(&lambda, &[MIGRATION]);
    let app = App::with(&server, json!({ "Policies": factors, "LambdaConfig": triggers }), json!({})).await;
    let block = json!({ "SmsConfiguration": sms(&good_role(&server).await) });
    app.signed(
        "SetUserPoolMfaConfig",
        json!({ "MfaConfiguration": "OPTIONAL", "SmsMfaConfiguration": block }),
    )
    .await
    .ok();
    let described = json!({
        "userAttributes": {
            "email": "ann@example.com", "email_verified": "true",
            "phone_number": NUMBER, "phone_number_verified": "true",
        },
        "finalUserStatus": "CONFIRMED", "messageAction": "SUPPRESS", "enableSMSMFA": true,
    });
    lambda.fills("elsewhere", described);
    let asked = by_password(&app, "ann@example.com", "old password").await.ok();
    assert_eq!(asked["ChallengeName"], "SMS_MFA");
    let code = code_in(&newest_mail(&server, NUMBER).await);
    let answer = json!({ "USERNAME": "ann@example.com", "SMS_MFA_CODE": code });
    app.replies(&challenge(&asked), answer).await.ok();
    let user = app.signed("AdminGetUser", json!({ "Username": "ann@example.com" })).await.ok();
    assert_eq!(user["UserMFASettingList"], json!(["SMS_MFA"]));
}

#[tokio::test]
async fn who_comes_from_elsewhere_is_welcomed_by_the_media_that_the_function_names() {
    let (lambda, server) = house().await;
    let app = app(&server, &lambda, &[MIGRATION]).await;
    for (name, media, welcomes) in [
        ("ann@example.com", json!(["EMAIL"]), 1),
        ("ben@example.com", json!(["SMS"]), 0),
        ("eve@example.com", json!(null), 0),
    ] {
        let described = json!({
            "userAttributes": { "email": name, "email_verified": "true" },
            "finalUserStatus": "CONFIRMED", "desiredDeliveryMediums": media,
        });
        lambda.fills("elsewhere", described);
        by_password(&app, name, "old password").await.ok();
        mail_settles(&server).await;
        assert_eq!(server.mails_to(name).await.len(), welcomes, "{name}");
    }
    let welcome = newest_mail(&server, "ann@example.com").await;
    assert_eq!(welcome["subject"], "Your new account");
}
