//! Forgotten, changed and reset passwords, as an app sees them.

use crate::story::{App, Reply, another, newest_mail, text};
use crate::support::TestServer;
use serde_json::{Value, json};

const BOB: &str = "bob@example.com";
const NOBODY: &str = "nobody@example.com";
const OLD: &str = "Correct-horse-1";
const NEW: &str = "Battery-staple-2";
const WRONG: (&str, &str) = ("NotAuthorizedException", "Incorrect username or password.");
const MISMATCH: (&str, &str) =
    ("CodeMismatchException", "Invalid verification code provided, please try again.");
const EXPIRED: (&str, &str) = ("ExpiredCodeException", "Invalid code provided, please request a code again.");

async fn place<'a>(server: &'a TestServer, pool: Value, client: Value) -> App<'a> {
    let app = App::with(server, pool, client).await;
    app.person(BOB).await;
    app.password(BOB, OLD).await;
    app
}

async fn signs_in(app: &App<'_>, name: &str, password: &str) -> Reply {
    let parameters = json!({ "USERNAME": name, "PASSWORD": password });
    let body = json!({ "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
    app.public("InitiateAuth", body).await
}

async fn tokens(app: &App<'_>, password: &str) -> (Value, Value) {
    let result = signs_in(app, BOB, password).await.ok()["AuthenticationResult"].clone();
    (result["AccessToken"].clone(), result["RefreshToken"].clone())
}

async fn forgets(app: &App<'_>, name: &str) -> Reply {
    app.server.clock.advance(1);
    app.public("ForgotPassword", json!({ "Username": name })).await
}

async fn resets(app: &App<'_>, name: &str, code: &str, password: &str) -> Reply {
    let body = json!({ "Username": name, "ConfirmationCode": code, "Password": password });
    app.public("ConfirmForgotPassword", body).await
}

async fn changes(app: &App<'_>, token: &Value, previous: Option<&str>, proposed: &str) -> Reply {
    let mut body = json!({ "AccessToken": token, "ProposedPassword": proposed });
    if let Some(previous) = previous {
        body["PreviousPassword"] = previous.into();
    }
    app.server.api("ChangePassword", body).await.into()
}

async fn who(app: &App<'_>, token: &Value) -> Reply {
    app.server.api("GetUser", json!({ "AccessToken": token })).await.into()
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_by_the_code_from_the_mail_once() {
    let server = TestServer::start().await;
    let app = place(&server, json!({}), json!({})).await;
    let (access, refresh) = tokens(&app, OLD).await;
    let sent = forgets(&app, BOB).await.ok();
    assert_eq!(
        sent["CodeDeliveryDetails"],
        json!({ "Destination": "b***@e***", "DeliveryMedium": "EMAIL", "AttributeName": "email" })
    );
    let mail = newest_mail(&server, BOB).await;
    let code = text(&mail, "/code");
    assert_eq!((code.len(), text(&mail, "/subject").as_str()), (6, "Your verification code"));

    resets(&app, BOB, &another(&code), NEW).await.refused(MISMATCH.0, MISMATCH.1);
    resets(&app, BOB, &code, "short").await.refused(
        "InvalidPasswordException",
        "Password did not conform with policy: Password not long enough",
    );
    assert_eq!(resets(&app, BOB, &code, NEW).await.ok(), json!({}));
    signs_in(&app, BOB, OLD).await.refused(WRONG.0, WRONG.1);
    signs_in(&app, BOB, NEW).await.ok();
    resets(&app, BOB, &code, OLD).await.refused(EXPIRED.0, EXPIRED.1);

    who(&app, &access).await.refused("NotAuthorizedException", "Access Token has been revoked");
    let parameters = json!({ "REFRESH_TOKEN": refresh });
    app.public("InitiateAuth", json!({ "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": parameters }))
        .await
        .refused("NotAuthorizedException", "Refresh Token has been revoked");
}

#[tokio::test]
async fn a_reset_code_works_for_an_hour_in_five_tries_for_nothing_else() {
    let server = TestServer::start().await;
    let app = place(&server, json!({}), json!({})).await;
    forgets(&app, BOB).await.ok();
    let code = app.code(BOB).await;
    server.clock.advance(3_600_000);
    resets(&app, BOB, &code, NEW).await.refused(EXPIRED.0, EXPIRED.1);

    forgets(&app, BOB).await.ok();
    let code = app.code(BOB).await;
    let confirm = json!({ "Username": BOB, "ConfirmationCode": code });
    app.public("ConfirmSignUp", confirm).await.refused(MISMATCH.0, MISMATCH.1);
    let other = app.second_client().await;
    resets(&other, BOB, &code, NEW).await.refused(MISMATCH.0, MISMATCH.1);
    app.person("alice@example.com").await;
    resets(&app, "alice@example.com", &code, NEW).await.refused(EXPIRED.0, EXPIRED.1);
    for _ in 0..5 {
        resets(&app, BOB, &another(&code), NEW).await.refused(MISMATCH.0, MISMATCH.1);
    }
    resets(&app, BOB, &code, NEW).await.refused(EXPIRED.0, EXPIRED.1);
    signs_in(&app, BOB, OLD).await.ok();
}

#[tokio::test]
async fn wrong_reset_codes_are_borne_ten_times_a_day() {
    let server = TestServer::start().await;
    let app = place(&server, json!({}), json!({})).await;
    for name in [BOB, NOBODY] {
        for _ in 0..2 {
            forgets(&app, name).await.ok();
            for _ in 0..5 {
                resets(&app, name, "000000x", NEW).await.refused(MISMATCH.0, MISMATCH.1);
            }
        }
        // Whoever has none left is told for how long, and gets no code that could not be answered.
        for no in [forgets(&app, name).await, resets(&app, name, "000000x", NEW).await] {
            assert_eq!(no.headers["retry-after"], "86400");
            no.refused("LimitExceededException", "Attempt limit exceeded, please try after some time.");
        }
    }
    server.clock.advance(86_400_000);
    forgets(&app, BOB).await.ok();
    let code = app.code(BOB).await;
    resets(&app, BOB, &code, NEW).await.ok();
}

#[tokio::test]
async fn who_cannot_have_a_code_is_answered_like_who_can() {
    let server = TestServer::start().await;
    let app = place(&server, json!({}), json!({})).await;
    let attributes = json!([{ "Name": "email", "Value": "new@example.com" }]);
    let body = json!({ "Username": "new@example.com", "Password": OLD, "UserAttributes": attributes });
    app.public("SignUp", body).await.ok();
    app.person("off@example.com").await;
    app.signed("AdminDisableUser", json!({ "Username": "off@example.com" })).await.ok();
    let invited = json!({ "Username": "invited@example.com", "TemporaryPassword": OLD, "MessageAction": "SUPPRESS",
        "UserAttributes": [{ "Name": "email", "Value": "invited@example.com" },
                           { "Name": "email_verified", "Value": "true" }] });
    app.signed("AdminCreateUser", invited).await.ok();
    newest_mail(&server, "new@example.com").await;

    for name in [NOBODY, "new@example.com", "off@example.com", "invited@example.com"] {
        let before = server.mails_to(name).await.len();
        let sent = forgets(&app, name).await.ok();
        let first = &name[..1];
        assert_eq!(
            sent["CodeDeliveryDetails"],
            json!({ "Destination": format!("{first}***@e***"), "DeliveryMedium": "EMAIL",
                "AttributeName": "email" })
        );
        crate::story::mail_settles(&server).await;
        assert_eq!(server.mails_to(name).await.len(), before, "{name}");
        resets(&app, name, "123456", NEW).await.refused(MISMATCH.0, MISMATCH.1);
    }
    resets(&app, "unasked@example.com", "123456", NEW).await.refused(EXPIRED.0, EXPIRED.1);
}

#[tokio::test]
async fn a_client_that_does_not_hide_says_what_is_the_matter() {
    let server = TestServer::start().await;
    let telling = json!({ "PreventUserExistenceErrors": "LEGACY" });
    let app = place(&server, json!({}), telling).await;
    let unknown = ("UserNotFoundException", "Username/client id combination not found.");
    forgets(&app, NOBODY).await.refused(unknown.0, unknown.1);
    resets(&app, NOBODY, "123456", NEW).await.refused(unknown.0, unknown.1);

    let made = json!({ "Username": "a@example.com", "TemporaryPassword": OLD, "MessageAction": "SUPPRESS",
        "UserAttributes": [{ "Name": "email", "Value": "a@example.com" }] });
    app.signed("AdminCreateUser", made).await.ok();
    forgets(&app, "a@example.com")
        .await
        .refused("NotAuthorizedException", "User password cannot be reset in the current state.");
    app.password("a@example.com", OLD).await;
    let nowhere =
        "Cannot reset password for the user as there is no registered/verified email or phone_number";
    forgets(&app, "a@example.com").await.refused("InvalidParameterException", nowhere);
    app.signed("AdminResetUserPassword", json!({ "Username": "a@example.com" }))
        .await
        .refused("InvalidParameterException", nowhere);
    app.signed("AdminDisableUser", json!({ "Username": BOB })).await.ok();
    forgets(&app, BOB).await.refused("NotAuthorizedException", "User is disabled.");

    let attributes = json!([{ "Name": "email", "Value": "new@example.com" }]);
    let body = json!({ "Username": "new@example.com", "Password": OLD, "UserAttributes": attributes });
    app.public("SignUp", body).await.ok();
    signs_in(&app, "new@example.com", "Wrong-horse-1")
        .await
        .refused("UserNotConfirmedException", "User is not confirmed.");
}

#[tokio::test]
async fn a_pool_may_leave_resets_to_its_administrators() {
    let server = TestServer::start().await;
    let only = json!({ "AccountRecoverySetting": { "RecoveryMechanisms": [{ "Priority": 1, "Name": "admin_only" }] } });
    let app = place(&server, only, json!({})).await;
    for name in [BOB, NOBODY] {
        forgets(&app, name)
            .await
            .refused("NotAuthorizedException", "Contact administrator to reset password.");
    }
    app.signed("AdminResetUserPassword", json!({ "Username": BOB }))
        .await
        .refused("NotAuthorizedException", "Contact administrator to reset password.");
}

#[tokio::test]
async fn an_administrator_makes_somebody_choose_a_new_password() {
    let server = TestServer::start().await;
    let app = place(&server, json!({}), json!({})).await;
    let (access, _) = tokens(&app, OLD).await;
    server.clock.advance(1);
    app.signed("AdminResetUserPassword", json!({ "Username": NOBODY }))
        .await
        .refused("UserNotFoundException", "User does not exist.");
    app.signed("AdminResetUserPassword", json!({ "Username": BOB })).await.ok();
    let code = app.code(BOB).await;
    let shown = app.signed("AdminGetUser", json!({ "Username": BOB })).await.ok();
    assert_eq!(shown["UserStatus"], "RESET_REQUIRED");
    who(&app, &access).await.refused("NotAuthorizedException", "Access Token has been revoked");
    signs_in(&app, BOB, OLD)
        .await
        .refused("PasswordResetRequiredException", "Password reset required for the user");
    signs_in(&app, BOB, "Wrong-horse-1").await.refused(WRONG.0, WRONG.1);
    // A code of an administrator's is good at any client of the pool.
    let other = app.second_client().await;
    resets(&other, BOB, &code, NEW).await.ok();
    signs_in(&app, BOB, NEW).await.ok();
    let shown = app.signed("AdminGetUser", json!({ "Username": BOB })).await.ok();
    assert_eq!(shown["UserStatus"], "CONFIRMED");
}

#[tokio::test]
async fn changing_a_password_ends_the_other_sign_ins() {
    let server = TestServer::start().await;
    let app = place(&server, json!({}), json!({})).await;
    let (here, refresh) = tokens(&app, OLD).await;
    let (elsewhere, _) = tokens(&app, OLD).await;
    server.clock.advance(1_000);
    changes(&app, &here, Some("Wrong-horse-1"), NEW).await.refused(WRONG.0, WRONG.1);
    changes(&app, &here, None, NEW)
        .await
        .refused("InvalidParameterException", "Missing required parameter PreviousPassword");
    changes(&app, &here, Some(OLD), "short").await.refused_as("InvalidPasswordException");
    assert_eq!(changes(&app, &here, Some(OLD), NEW).await.ok(), json!({}));

    who(&app, &here).await.ok();
    let parameters = json!({ "REFRESH_TOKEN": refresh });
    app.public("InitiateAuth", json!({ "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": parameters }))
        .await
        .ok();
    who(&app, &elsewhere).await.refused("NotAuthorizedException", "Access Token has been revoked");
    changes(&app, &elsewhere, Some(NEW), OLD).await.refused_as("NotAuthorizedException");
    signs_in(&app, BOB, OLD).await.refused(WRONG.0, WRONG.1);
    signs_in(&app, BOB, NEW).await.ok();
    changes(&app, &json!("not.a.token"), Some(NEW), OLD)
        .await
        .refused("NotAuthorizedException", "Invalid Access Token");
}

#[tokio::test]
async fn wrong_previous_passwords_lock_like_any_others() {
    let server = TestServer::start().await;
    let app = place(&server, json!({}), json!({})).await;
    let (token, _) = tokens(&app, OLD).await;
    for _ in 0..5 {
        changes(&app, &token, Some("Wrong-horse-1"), NEW).await.refused(WRONG.0, WRONG.1);
    }
    let locked = ("NotAuthorizedException", "Password attempts exceeded");
    changes(&app, &token, Some(OLD), NEW).await.refused(locked.0, locked.1);
    signs_in(&app, BOB, OLD).await.refused(locked.0, locked.1);
    server.clock.advance(1_100);
    changes(&app, &token, Some(OLD), NEW).await.ok();
}

#[tokio::test]
async fn who_has_no_password_gets_one_without_a_previous() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    app.person("codes@example.com").await;
    let signed_in = app.signs_in("codes@example.com").await;
    let token = &signed_in["AuthenticationResult"]["AccessToken"];
    changes(&app, token, Some("Anything-1"), NEW).await.refused(WRONG.0, WRONG.1);
    changes(&app, token, None, NEW).await.ok();
    signs_in(&app, "codes@example.com", NEW).await.ok();
}

#[tokio::test]
async fn a_password_is_changed_five_times_an_hour() {
    let server = TestServer::strict().await;
    let app = place(&server, json!({}), json!({})).await;
    let (token, _) = tokens(&app, OLD).await;
    let mut current = OLD.to_owned();
    for number in 0..5 {
        let next = format!("Battery-staple-{number}");
        changes(&app, &token, Some(&current), &next).await.ok();
        current = next;
    }
    changes(&app, &token, Some(&current), NEW)
        .await
        .refused("LimitExceededException", "Attempt limit exceeded, please try after some time.");
    server.clock.advance(3_600_000 - 5_000);
    let (token, _) = tokens(&app, &current).await;
    changes(&app, &token, Some(&current), NEW).await.ok();
}

#[tokio::test]
async fn the_newest_passwords_cannot_be_chosen_again() {
    let server = TestServer::start().await;
    let history = json!({ "Policies": {
        "PasswordPolicy": { "MinimumLength": 8, "PasswordHistorySize": 2 },
        "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"] },
    } });
    let app = place(&server, history, json!({})).await;
    let again = ("PasswordHistoryPolicyViolationException", "Password has previously been used");
    let (token, _) = tokens(&app, OLD).await;
    changes(&app, &token, Some(OLD), OLD).await.refused(again.0, again.1);
    changes(&app, &token, Some(OLD), NEW).await.ok();
    changes(&app, &token, Some(NEW), OLD).await.refused(again.0, again.1);
    let set = |password: &str| json!({ "Username": BOB, "Password": password, "Permanent": true });
    app.signed("AdminSetUserPassword", set(OLD)).await.refused(again.0, again.1);

    // Whoever lacks the code learns nothing of earlier passwords; the code is not lost by choosing one.
    forgets(&app, BOB).await.ok();
    let code = app.code(BOB).await;
    resets(&app, BOB, &another(&code), OLD).await.refused(MISMATCH.0, MISMATCH.1);
    resets(&app, BOB, &code, OLD).await.refused(again.0, again.1);
    resets(&app, BOB, &code, "Third-password-3").await.ok();
    // The oldest of three is free again.
    app.signed("AdminSetUserPassword", set(OLD)).await.ok();
}

#[tokio::test]
async fn a_password_that_everybody_tries_first_is_refused() {
    let known = postern_pools::auth::known_passwords::KnownPasswords::shipped();
    let server = TestServer::with(|settings| settings.rules.known_passwords = known.into()).await;
    let app = App::new(&server).await;
    app.person(BOB).await;
    let words = "Provided password cannot be used for security reasons.";
    let set = json!({ "Username": BOB, "Password": "Password1!", "Permanent": true });
    app.signed("AdminSetUserPassword", set).await.refused("InvalidPasswordException", words);
    let attributes = json!([{ "Name": "email", "Value": "new@example.com" }]);
    let body =
        json!({ "Username": "new@example.com", "Password": "P@ssw0rd123", "UserAttributes": attributes });
    app.public("SignUp", body).await.refused("InvalidPasswordException", words);
    forgets(&app, BOB).await.ok();
    let code = app.code(BOB).await;
    resets(&app, BOB, &code, "Welcome2024!").await.refused("InvalidPasswordException", words);
    resets(&app, BOB, &code, NEW).await.ok();
}
