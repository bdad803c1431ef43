//! The function that chooses the words of messages (CustomMessage), at every occasion.

use super::{app, house};
use crate::story::{mail_settles, newest_mail, text};
use crate::support::{Does, answering};
use serde_json::json;

#[tokio::test]
async fn a_function_chooses_the_words_of_a_code_mail() {
    let (lambda, server) = house().await;
    let app = app(&server, &lambda, &[("CustomMessage", "words")]).await;
    let sub = app.person("ann@example.com").await;
    lambda.on("words", |event| {
        let code = event["request"]["codeParameter"].as_str().expect("a parameter");
        let email = format!("<p>Your magic number: <b>{code}</b></p>");
        answering(event.clone(), &json!({ "emailSubject": "Open sesame", "emailMessage": email }))
    });
    let challenge = app.asked("ann@example.com").await;
    let mail = newest_mail(&server, "ann@example.com").await;
    let code = text(&mail, "/code");
    assert_eq!(mail["subject"], "Open sesame");
    assert_eq!(mail["html"], format!("<p>Your magic number: <b>{code}</b></p>"));
    app.answers("ann@example.com", &challenge, &code).await.ok();

    let events = lambda.events("words");
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["triggerSource"], "CustomMessage_Authentication");
    assert_eq!(events[0]["userName"], sub.as_str());
    assert_eq!(events[0]["request"]["codeParameter"], "{####}");
    assert_eq!(events[0]["request"]["linkParameter"], "{##Click Here##}");
    assert_eq!(events[0]["request"]["usernameParameter"], json!(null));
    // The code itself is never shown to the function.
    assert!(!events[0].to_string().contains(&code));
    assert_eq!(
        events[0]["response"],
        json!({ "smsMessage": null, "emailMessage": null, "emailSubject": null })
    );
}

#[tokio::test]
async fn every_occasion_has_its_source() {
    let (lambda, server) = house().await;
    let app = app(&server, &lambda, &[("CustomMessage", "words")]).await;
    let sign_up = json!({
        "Username": "ann@example.com",
        "Password": "Correct1!",
        "UserAttributes": [{ "Name": "email", "Value": "ann@example.com" }],
        "ClientMetadata": { "shop": "north" },
    });
    app.public("SignUp", sign_up.clone()).await.ok();
    server.clock.advance(60_000);
    app.public("ResendConfirmationCode", json!({ "Username": "ann@example.com" })).await.ok();
    server.clock.advance(60_000);
    let ben = json!({
        "Username": "ben@example.com",
        "TemporaryPassword": "Correct1!",
        "UserAttributes": [{ "Name": "email", "Value": "ben@example.com" }],
    });
    app.signed("AdminCreateUser", ben).await.ok();
    assert_eq!(
        lambda.sources(),
        ["CustomMessage_SignUp", "CustomMessage_ResendCode", "CustomMessage_AdminCreateUser"]
    );
    let events = lambda.events("words");
    assert_eq!(events[0]["request"]["clientMetadata"], json!({ "shop": "north" }));
    assert_eq!(events[2]["request"]["usernameParameter"], "{username}");
    // Without words of the function's own, the usual ones go out.
    let mail = newest_mail(&server, "ben@example.com").await;
    assert_eq!(mail["subject"], "Your temporary password");

    // Somebody who is there already is asked about like somebody new, and told what the house says.
    lambda.forget();
    lambda.fills("words", json!({ "emailMessage": "Welcome! {####}" }));
    app.public("SignUp", sign_up).await.ok();
    assert_eq!(lambda.sources(), ["CustomMessage_SignUp"]);
    let mail = newest_mail(&server, "ann@example.com").await;
    assert_eq!(mail["subject"], "You already have an account");
    assert!(!mail.to_string().contains("Welcome!"));
}

#[tokio::test]
async fn nobody_is_asked_about_like_somebody() {
    let (lambda, server) = house().await;
    let app = app(&server, &lambda, &[("CustomMessage", "words")]).await;
    app.asked("nobody@example.com").await;
    let events = lambda.events("words");
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["request"]["userAttributes"]["email"], "nobody@example.com");
    assert_eq!(events[0]["request"]["userNotFound"], true);
    mail_settles(&server).await;
    assert!(server.mails_to("nobody@example.com").await.is_empty());
}

#[tokio::test]
async fn words_that_cannot_be_sent_stop_the_call_and_nothing_is_sent() {
    let (lambda, server) = house().await;
    let app = app(&server, &lambda, &[("CustomMessage", "words")]).await;
    app.person("ann@example.com").await;
    lambda.fills("words", json!({ "emailMessage": "Hello!" }));
    app.asks("ann@example.com")
        .await
        .refused("InvalidLambdaResponseException", "CustomMessage: emailMessage does not contain {####}.");
    lambda.on("words", |_| Does::Throws("Out of words"));
    app.asks("ann@example.com")
        .await
        .refused("UserLambdaValidationException", "CustomMessage failed with error Out of words.");
    mail_settles(&server).await;
    assert!(server.mails_to("ann@example.com").await.is_empty());
    // Who is refused so often can still ask: nothing was counted.
    lambda.on("words", Does::Answers);
    app.signs_in("ann@example.com").await;
}
