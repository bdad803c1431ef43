//! What functions hear when passwords are reset and when an administrator changes an address.

use super::{app, by_password, house};
use crate::story::another;
use crate::support::Does;
use serde_json::json;

const ANN: &str = "ann@example.com";

#[tokio::test]
async fn a_new_password_by_code_is_told_to_functions_with_what_the_app_says() {
    let (lambda, server) = house().await;
    let app = app(&server, &lambda, &[("CustomMessage", "words"), ("PostConfirmation", "after")]).await;
    app.person(ANN).await;
    app.password(ANN, "Correct1!").await;
    let asked = json!({ "Username": ANN, "ClientMetadata": { "shop": "north" } });
    app.public("ForgotPassword", asked).await.ok();
    let events = lambda.events("words");
    assert_eq!(events[0]["triggerSource"], "CustomMessage_ForgotPassword");
    assert_eq!(events[0]["request"]["clientMetadata"], json!({ "shop": "north" }));

    let code = app.code(ANN).await;
    let set = |code: &str| {
        json!({
            "Username": ANN, "ConfirmationCode": code, "Password": "Correct2!",
            "ClientMetadata": { "shop": "south" },
        })
    };
    app.public("ConfirmForgotPassword", set(&another(&code))).await.refused_as("CodeMismatchException");
    assert!(lambda.events("after").is_empty());
    app.public("ConfirmForgotPassword", set(&code)).await.ok();
    let events = lambda.events("after");
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["triggerSource"], "PostConfirmation_ConfirmForgotPassword");
    assert_eq!(events[0]["callerContext"]["clientId"], app.client_id);
    let request = &events[0]["request"];
    assert_eq!(request["clientMetadata"], json!({ "shop": "south" }));
    assert_eq!(request["userAttributes"]["cognito:user_status"], "CONFIRMED");
}

#[tokio::test]
async fn a_function_that_fails_after_a_reset_takes_nothing_back() {
    let (lambda, server) = house().await;
    let app = app(&server, &lambda, &[("PostConfirmation", "after")]).await;
    app.person(ANN).await;
    app.password(ANN, "Correct1!").await;
    lambda.on("after", |_| Does::Throws("Asleep"));
    app.public("ForgotPassword", json!({ "Username": ANN })).await.ok();
    let set = json!({ "Username": ANN, "ConfirmationCode": app.code(ANN).await, "Password": "Correct2!" });
    app.public("ConfirmForgotPassword", set.clone())
        .await
        .refused("UserLambdaValidationException", "PostConfirmation failed with error Asleep.");
    by_password(&app, ANN, "Correct2!").await.ok();
    app.public("ConfirmForgotPassword", set).await.refused_as("ExpiredCodeException");
}

#[tokio::test]
async fn what_an_administrator_says_goes_along_with_the_codes_that_follow() {
    let (lambda, server) = house().await;
    let app = app(&server, &lambda, &[("CustomMessage", "words")]).await;
    app.person(ANN).await;
    app.password(ANN, "Correct1!").await;
    let said = json!({ "clerk": "ben" });
    let reset = json!({ "Username": ANN, "ClientMetadata": said });
    app.signed("AdminResetUserPassword", reset).await.ok();
    let update = json!({
        "Username": ANN, "ClientMetadata": said,
        "UserAttributes": [{ "Name": "email", "Value": "new@example.com" }],
    });
    app.signed("AdminUpdateUserAttributes", update).await.ok();
    assert_eq!(lambda.sources(), ["CustomMessage_ForgotPassword", "CustomMessage_UpdateUserAttribute"]);
    for event in lambda.events("words") {
        assert_eq!(event["request"]["clientMetadata"], said);
        assert_eq!(event["callerContext"]["clientId"], "CLIENT_ID_NOT_APPLICABLE");
    }
}
