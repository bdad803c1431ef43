//! Attack case 48, past sign-up: what a stranger set on an account whose address nobody had proven is gone with the first
//! code that proves it.

use super::{ALICE, BOB, NO, answers, app, asks, ceremony, register, token};
use crate::story::{App, Reply, call, challenge, mail_settles, text};
use crate::support::{Lambda, TestServer};
use crate::texts::{NUMBER, good_role, sms};
use serde_json::{Value, json};

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

/// A pool where codes go to mailboxes and telephones; these are verified at sign-up.
async fn with_texts<'a>(server: &'a TestServer, verified: Value) -> App<'a> {
    let factors = json!({ "AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP", "SMS_OTP"] });
    let pool = json!({
        "Policies": { "SignInPolicy": factors }, "AutoVerifiedAttributes": verified,
        "SmsConfiguration": sms(&good_role(server).await),
    });
    App::with(server, pool, json!({})).await
}

/// A stranger signs up with Alice's address and a telephone of their own.
async fn signed_up_with_number(app: &App<'_>) {
    let number = json!([{ "Name": "phone_number", "Value": NUMBER }]);
    let body = json!({ "Username": ALICE, "Password": PASSWORD, "UserAttributes": number });
    app.public("SignUp", body).await.ok();
}

async fn by_text(app: &App<'_>) -> Reply {
    app.server.clock.advance(1);
    super::begins_with(app, ALICE, "SMS_OTP").await
}

#[tokio::test]
async fn case_48_a_strangers_number_is_no_way_in_beside_the_address_that_was_proven() {
    let server = TestServer::start().await;
    let app = with_texts(&server, json!(["email"])).await;
    signed_up_with_number(&app).await;
    let early = challenge(&by_text(&app).await.ok());
    let code = app.code(NUMBER).await;
    app.signs_in(ALICE).await;
    app.replies(&early, json!({ "USERNAME": ALICE, "SMS_OTP_CODE": code }))
        .await
        .refused("NotAuthorizedException", NO);
    let texts = server.mails_to(NUMBER).await.len();
    by_text(&app).await;
    mail_settles(&server).await;
    assert_eq!(server.mails_to(NUMBER).await.len(), texts);
    let alice = app.signed("AdminGetUser", json!({ "Username": ALICE })).await.ok();
    assert!(!alice.to_string().contains(NUMBER), "{alice}");
}

#[tokio::test]
async fn case_48_a_stranger_who_proved_their_own_number_loses_the_account_of_somebody_elses_name() {
    let server = TestServer::start().await;
    let app = with_texts(&server, json!(["phone_number", "email"])).await;
    signed_up_with_number(&app).await;
    let confirm = json!({ "Username": ALICE, "ConfirmationCode": app.code(NUMBER).await });
    app.public("ConfirmSignUp", confirm).await.ok();
    let strangers = text(&by_password(&app, ALICE).await.ok(), "/AuthenticationResult/AccessToken");
    server.clock.advance(1);
    app.public("ForgotPassword", json!({ "Username": ALICE })).await.ok();
    let reset = app.code(NUMBER).await;

    app.signs_in(ALICE).await;
    by_password(&app, ALICE).await.refused("NotAuthorizedException", NO);
    call(&server, "GetUser", json!({ "AccessToken": strangers }))
        .await
        .refused("NotAuthorizedException", "Access Token has been revoked");
    let body = json!({ "Username": ALICE, "ConfirmationCode": reset, "Password": PASSWORD });
    app.public("ConfirmForgotPassword", body).await.refused_as("ExpiredCodeException");
    // Alice goes on as before: the next code takes nothing of hers.
    app.password(ALICE, PASSWORD).await;
    app.signs_in(ALICE).await;
    by_password(&app, ALICE).await.ok();
}

/// Signs up, and gives what ConfirmSignUp is to carry on.
async fn signs_up(app: &App<'_>, name: &str, password: &str) -> Value {
    app.server.clock.advance(1);
    let begun = app.public("SignUp", json!({ "Username": name, "Password": password })).await.ok();
    begun["Session"].clone()
}

async fn confirms(app: &App<'_>, name: &str, session: Option<Value>) {
    app.server.clock.advance(1);
    app.public("ResendConfirmationCode", json!({ "Username": name })).await.ok();
    let mut body = json!({ "Username": name, "ConfirmationCode": app.code(name).await });
    if let Some(session) = session {
        body["Session"] = session;
    }
    app.public("ConfirmSignUp", body).await.ok();
}

#[tokio::test]
async fn case_48_whoever_confirms_their_own_sign_up_confirms_no_strangers_password() {
    let server = TestServer::start().await;
    let app = app(&server, json!({})).await;
    for (name, shows_session) in [(ALICE, true), (BOB, false)] {
        signs_up(&app, name, PASSWORD).await;
        let own = signs_up(&app, name, "Owners-own-1").await;
        confirms(&app, name, shows_session.then_some(own)).await;
        by_password(&app, name).await.refused("NotAuthorizedException", NO);
        app.signs_in(name).await;
    }
    // Who carries on the sign-up that made the account keeps what it set, whoever signed up after them.
    let carol = "carol@example.com";
    let own = signs_up(&app, carol, PASSWORD).await;
    signs_up(&app, carol, "Strangers-own-2").await;
    confirms(&app, carol, Some(own)).await;
    by_password(&app, carol).await.ok();
    // And so does who signed up alone.
    let dave = "dave@example.com";
    signs_up(&app, dave, PASSWORD).await;
    confirms(&app, dave, None).await;
    by_password(&app, dave).await.ok();
}
