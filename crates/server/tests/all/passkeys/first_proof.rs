//! Attack case 48, past sign-up: what a stranger set on an account whose address nobody had proven is gone with the first
//! code that proves it.

use super::{ALICE, BOB, NO, answers, app, asks, ceremony, register, token};
use crate::story::{App, Reply, call, mail_settles, text};
use crate::support::{Lambda, TestServer};
use serde_json::json;

const PASSWORD: &str = "Strangers-own-1";

async fn by_password(app: &App<'_>, name: &str) -> Reply {
    let parameters = json!({ "USERNAME": name, "PASSWORD": PASSWORD });
    app.public("InitiateAuth", json!({ "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters }))
        .await
}

/// A stranger signs up with Alice's address, is let in without proving it, and sets what they can.
async fn hijacked(app: &App<'_>) -> (String, crate::support::passkey::Passkey) {
    app.public("SignUp", json!({ "Username": ALICE, "Password": PASSWORD })).await.ok();
    app.signed("AdminConfirmSignUp", json!({ "Username": ALICE })).await.ok();
    let signed_in = by_password(app, ALICE).await.ok();
    let strangers = text(&signed_in, "/AuthenticationResult/AccessToken");
    let passkey = register(app, &strangers).await;
    (strangers, passkey)
}

#[tokio::test]
async fn case_48_who_was_let_in_without_proving_the_address_loses_password_passkeys_and_sign_ins() {
    let server = TestServer::start().await;
    let app = app(&server, json!({})).await;
    let (strangers, passkey) = hijacked(&app).await;
    // Nothing is lost by asking for a code, nor by a wrong one.
    let challenge = app.asked(ALICE).await;
    app.answers(ALICE, &challenge, "00000000").await.refused_as("CodeMismatchException");
    by_password(&app, ALICE).await.ok();

    let code = app.code(ALICE).await;
    let alices = text(&app.answers(ALICE, &challenge, &code).await.ok(), "/AuthenticationResult/AccessToken");
    by_password(&app, ALICE).await.refused("NotAuthorizedException", NO);
    call(&server, "GetUser", json!({ "AccessToken": strangers }))
        .await
        .refused("NotAuthorizedException", "Access Token has been revoked");
    let choice = app.begins(ALICE).await.ok();
    assert_eq!(choice["AvailableChallenges"], json!(["EMAIL_OTP"]));
    let listed = call(&server, "ListWebAuthnCredentials", json!({ "AccessToken": alices })).await.ok();
    assert_eq!(listed["Credentials"], json!([]));
    mail_settles(&server).await;
    let told = server.mails_to(ALICE).await;
    assert!(told.iter().any(|mail| mail["subject"] == "A passkey was removed from your account"));

    // A passkey of Alice's own is asked for; the stranger's answers it in vain.
    register(&app, &alices).await;
    let (session, options) = asks(&app, ALICE).await;
    let signed = passkey.asserts(&ceremony(&options));
    answers(&app, ALICE, &session, &signed).await.refused("NotAuthorizedException", NO);

    // What Alice sets from now on stays, whatever codes she gives.
    app.password(ALICE, PASSWORD).await;
    app.signs_in(ALICE).await;
    by_password(&app, ALICE).await.ok();
    asks(&app, ALICE).await;
}

#[tokio::test]
async fn case_48_an_authenticator_that_a_stranger_set_up_is_gone_too() {
    let server = TestServer::start().await;
    let app = app(&server, json!({})).await;
    let optional = json!({
        "MfaConfiguration": "OPTIONAL", "SoftwareTokenMfaConfiguration": { "Enabled": true },
    });
    app.signed("SetUserPoolMfaConfig", optional).await.ok();
    app.public("SignUp", json!({ "Username": ALICE, "Password": PASSWORD })).await.ok();
    app.signed("AdminConfirmSignUp", json!({ "Username": ALICE })).await.ok();
    let strangers = text(&by_password(&app, ALICE).await.ok(), "/AuthenticationResult/AccessToken");
    crate::mfa::sets_up(&app, &strangers).await;
    // While there is one, codes are no first factor; the owner of the address asks those who run the pool for help.
    let gone = json!({ "Username": ALICE, "SoftwareTokenMfaSettings": { "Enabled": false } });
    app.signed("AdminSetUserMFAPreference", gone).await.ok();
    app.signs_in(ALICE).await;
    let back = json!({ "Username": ALICE, "SoftwareTokenMfaSettings": { "Enabled": true } });
    app.signed("AdminSetUserMFAPreference", back).await.refused_as("InvalidParameterException");
}

#[tokio::test]
async fn case_48_a_function_that_confirms_everybody_proves_no_address() {
    let lambda = Lambda::start().await;
    let server = TestServer::with(|settings| lambda.serve(settings)).await;
    lambda.fills("gate", json!({ "autoConfirmUser": true }));
    let pool = json!({ "LambdaConfig": { "PreSignUp": lambda.arn("gate") } });
    let app = App::with(&server, pool, json!({})).await;
    app.public("SignUp", json!({ "Username": ALICE, "Password": PASSWORD })).await.ok();
    by_password(&app, ALICE).await.ok();
    app.signs_in(ALICE).await;
    by_password(&app, ALICE).await.refused("NotAuthorizedException", NO);

    // One that vouches for the address as well is believed.
    lambda.fills("gate", json!({ "autoConfirmUser": true, "autoVerifyEmail": true }));
    app.public("SignUp", json!({ "Username": BOB, "Password": PASSWORD })).await.ok();
    app.signs_in(BOB).await;
    by_password(&app, BOB).await.ok();
}

#[tokio::test]
async fn who_had_proven_the_address_keeps_what_they_set_and_an_administrators_password_stays() {
    let server = TestServer::start().await;
    let app = app(&server, json!({})).await;
    app.person(ALICE).await;
    app.password(ALICE, PASSWORD).await;
    register(&app, &token(&app, ALICE).await).await;
    app.signs_in(ALICE).await;
    by_password(&app, ALICE).await.ok();
    asks(&app, ALICE).await;

    let invited = json!({
        "Username": BOB, "TemporaryPassword": PASSWORD, "MessageAction": "SUPPRESS",
        "UserAttributes": [{ "Name": "email", "Value": BOB }],
    });
    app.signed("AdminCreateUser", invited).await.ok();
    app.signs_in(BOB).await;
    let asked = by_password(&app, BOB).await.ok();
    assert_eq!(asked["ChallengeName"], "NEW_PASSWORD_REQUIRED");
}
