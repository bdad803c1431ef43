//! Codes about an account, which no session holds: what strangers can do to those that somebody waits for (attack cases 7
//! to 9), and where they go.

use super::{ALICE, ATTEMPTS, BOB, behind_a_proxy, sent};
use crate::story::{App, Reply, another, mail_settles, text};
use crate::support::TestServer;
use crate::texts::{good_role, sms};
use serde_json::{Value, json};

const PASSWORD: &str = "Correct-horse-1";
const NEW: &str = "Battery-staple-2";
const HERS: &str = "203.0.113.1";
const STRANGERS: &str = "203.0.113.66";

/// Calls a public operation from somewhere.
async fn from(app: &App<'_>, source: &str, operation: &str, mut body: Value) -> Reply {
    app.server.clock.advance(1);
    body["ClientId"] = app.client_id.clone().into();
    sent(app.server, operation, &body, &[("x-forwarded-for".to_owned(), source.to_owned())]).await
}

async fn resets(app: &App<'_>, source: &str, name: &str, code: &str) -> Reply {
    let body = json!({ "Username": name, "ConfirmationCode": code, "Password": NEW });
    from(app, source, "ConfirmForgotPassword", body).await
}

async fn confirms(app: &App<'_>, source: &str, name: &str, code: &str) -> Reply {
    from(app, source, "ConfirmSignUp", json!({ "Username": name, "ConfirmationCode": code })).await
}

async fn told_of_guesses(server: &TestServer, name: &str) -> usize {
    mail_settles(server).await;
    let mails = server.mails_to(name).await;
    mails.iter().filter(|mail| text(mail, "/subject").contains("Wrong codes")).count()
}

#[tokio::test]
async fn case_8_a_strangers_guesses_spend_nothing_of_who_asked_for_the_code() {
    let server = TestServer::with(behind_a_proxy).await;
    let app = App::new(&server).await;
    app.person(ALICE).await;
    app.password(ALICE, PASSWORD).await;
    from(&app, HERS, "ForgotPassword", json!({ "Username": ALICE })).await.ok();
    let code = app.code(ALICE).await;
    for _ in 0..ATTEMPTS {
        resets(&app, STRANGERS, ALICE, &another(&code)).await.refused_as("CodeMismatchException");
    }
    for _ in 0..20 {
        let no = resets(&app, STRANGERS, ALICE, &code).await;
        assert!(no.headers.contains_key("retry-after"), "{:?}", no.headers);
        no.refused_as("LimitExceededException");
    }
    assert_eq!(told_of_guesses(&server, ALICE).await, 1);
    // Nor does a stranger's asking push her code out, here or at another app.
    let other = app.second_client().await;
    for _ in 0..3 {
        from(&other, STRANGERS, "ForgotPassword", json!({ "Username": ALICE })).await.ok();
    }
    resets(&app, HERS, ALICE, &another(&code)).await.refused_as("CodeMismatchException");
    resets(&app, HERS, ALICE, &code).await.ok();
}

#[tokio::test]
async fn case_8_and_so_it_is_with_the_code_of_a_sign_up() {
    let server = TestServer::with(behind_a_proxy).await;
    let app = App::new(&server).await;
    let attributes = json!([{ "Name": "email", "Value": BOB }]);
    from(&app, HERS, "SignUp", json!({ "Username": BOB, "UserAttributes": attributes })).await.ok();
    let code = app.code(BOB).await;
    for name in [BOB, "nobody@example.com"] {
        for _ in 0..ATTEMPTS {
            confirms(&app, STRANGERS, name, &another(&code)).await.refused_as("CodeMismatchException");
        }
        confirms(&app, STRANGERS, name, &code).await.refused_as("LimitExceededException");
    }
    for _ in 0..3 {
        from(&app, STRANGERS, "ResendConfirmationCode", json!({ "Username": BOB })).await.ok();
    }
    confirms(&app, HERS, BOB, &code).await.ok();
}

#[tokio::test]
async fn case_7_a_code_that_had_its_attempts_is_not_looked_at_again() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    app.person(ALICE).await;
    app.password(ALICE, PASSWORD).await;
    from(&app, HERS, "ForgotPassword", json!({ "Username": ALICE })).await.ok();
    let code = app.code(ALICE).await;
    for _ in 0..ATTEMPTS {
        resets(&app, HERS, ALICE, &another(&code)).await.refused_as("CodeMismatchException");
    }
    for given in [&code, &another(&code)] {
        resets(&app, HERS, ALICE, given)
            .await
            .refused("ExpiredCodeException", "Invalid code provided, please request a code again.");
    }
}

#[tokio::test]
async fn case_29_who_signed_up_with_a_taken_name_guesses_as_long_as_who_did_not() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    app.person(ALICE).await;
    let mut all = Vec::new();
    for name in [ALICE, "anna@example.com"] {
        let attributes = json!([{ "Name": "email", "Value": name }]);
        from(&app, HERS, "SignUp", json!({ "Username": name, "UserAttributes": attributes })).await.ok();
        let mut answers = Vec::new();
        for _ in 0..12 {
            answers.push(confirms(&app, HERS, name, "00000x").await.body.to_string());
        }
        all.push(answers);
    }
    assert_eq!(all[0], all[1]);
}

#[tokio::test]
async fn a_code_that_went_to_an_address_before_does_not_verify_the_one_that_is_there_now() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    let attributes = json!([{ "Name": "email", "Value": ALICE }]);
    let body = json!({ "Username": ALICE, "Password": PASSWORD, "UserAttributes": attributes });
    app.public("SignUp", body).await.ok();
    let code = app.code(ALICE).await;
    let moved = json!({ "Username": ALICE, "UserAttributes": [{ "Name": "email", "Value": BOB }] });
    app.signed("AdminUpdateUserAttributes", moved).await.ok();
    confirms(&app, HERS, BOB, &code).await.refused_as("ExpiredCodeException");
    let bob = app.signed("AdminGetUser", json!({ "Username": BOB })).await.ok();
    assert_eq!(bob["UserStatus"], "UNCONFIRMED");
    server.clock.advance(1);
    app.public("ResendConfirmationCode", json!({ "Username": BOB })).await.ok();
    confirms(&app, HERS, BOB, &app.code(BOB).await).await.ok();
}

#[tokio::test]
async fn nothing_is_sent_again_to_who_has_no_address() {
    let server = TestServer::start().await;
    let pool = json!({
        "UsernameAttributes": null, "AutoVerifiedAttributes": ["phone_number"],
        "SmsConfiguration": sms(&good_role(&server).await),
    });
    let app = App::with(&server, pool, json!({})).await;
    let loud = App::with(
        &server,
        json!({ "UsernameAttributes": null }),
        json!({ "PreventUserExistenceErrors": "LEGACY" }),
    )
    .await;
    for app in [&app, &loud] {
        let plain = json!({ "Username": "plain@example.com", "Password": PASSWORD });
        app.public("SignUp", plain).await.ok();
    }
    app.public("ResendConfirmationCode", json!({ "Username": "plain@example.com" })).await.ok();
    loud.public("ResendConfirmationCode", json!({ "Username": "plain@example.com" }))
        .await
        .refused_as("InvalidParameterException");
    mail_settles(&server).await;
    let all = server.client.get("/inbox/api/messages").await.ok().body;
    assert_eq!(all, json!([]), "nobody has got anything");
}
