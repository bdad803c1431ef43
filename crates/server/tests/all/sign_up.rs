//! Signing up and being invited: in which order it is refused, and what is said of codes that are not there.

use crate::story::{App, another};
use crate::support::TestServer;
use serde_json::{Value, json};

const ALICE: &str = "alice@example.com";
const WEAK: &str = "weak";
const MISMATCH: (&str, &str) =
    ("CodeMismatchException", "Invalid verification code provided, please try again.");
const EXPIRED: (&str, &str) = ("ExpiredCodeException", "Invalid code provided, please request a code again.");

#[tokio::test]
async fn who_may_not_sign_up_at_all_is_told_so_before_their_password_is_judged() {
    let server = TestServer::start().await;
    let body = json!({ "Username": ALICE, "Password": WEAK });
    let secret = App::with(&server, json!({}), json!({ "GenerateSecret": true })).await;
    let words =
        format!("Client {} is configured with secret but SECRET_HASH was not received", secret.client_id);
    secret.public("SignUp", body.clone()).await.refused("NotAuthorizedException", &words);
    let closed = json!({ "AdminCreateUserConfig": { "AllowAdminCreateUserOnly": true } });
    let closed = App::with(&server, closed, json!({})).await;
    closed
        .public("SignUp", body.clone())
        .await
        .refused("NotAuthorizedException", "SignUp is not permitted for this user pool");
    let open = App::new(&server).await;
    open.public("SignUp", body).await.refused(
        "InvalidPasswordException",
        "Password did not conform with policy: Password not long enough",
    );
}

#[tokio::test]
async fn where_no_code_works_any_more_an_app_that_asked_to_be_told_is_told() {
    let server = TestServer::start().await;
    for (existence, words) in [("LEGACY", EXPIRED), ("ENABLED", MISMATCH)] {
        let app = App::with(&server, json!({}), json!({ "PreventUserExistenceErrors": existence })).await;
        let confirms = async |code: &str| {
            app.public("ConfirmSignUp", json!({ "Username": ALICE, "ConfirmationCode": code })).await
        };
        app.public("SignUp", json!({ "Username": ALICE, "Password": "Correct-horse-9" })).await.ok();
        let code = app.code(ALICE).await;
        confirms(&another(&code)).await.refused(MISMATCH.0, MISMATCH.1);
        server.clock.advance(24 * 3_600_000);
        confirms(&another(&code)).await.refused(words.0, words.1);
        confirms(&code).await.refused(EXPIRED.0, EXPIRED.1);
    }

    // Nor was one ever sent where the pool verifies nothing.
    let telling = json!({ "PreventUserExistenceErrors": "LEGACY" });
    let app = App::with(&server, json!({ "AutoVerifiedAttributes": null }), telling).await;
    app.public("SignUp", json!({ "Username": ALICE, "Password": "Correct-horse-9" })).await.ok();
    app.public("ConfirmSignUp", json!({ "Username": ALICE, "ConfirmationCode": "123456" }))
        .await
        .refused(EXPIRED.0, EXPIRED.1);
    app.public("ResendConfirmationCode", json!({ "Username": ALICE }))
        .await
        .refused("InvalidParameterException", "Auto verification not turned on.");
}

#[tokio::test]
async fn an_invitation_that_could_reach_nobody_makes_no_user() {
    let server = TestServer::start().await;
    let app = App::with(&server, json!({ "UsernameAttributes": null }), json!({})).await;
    let invite = |media: Value| json!({ "Username": "alice", "TemporaryPassword": "Temporary-1", "DesiredDeliveryMediums": media });
    app.signed("AdminCreateUser", invite(json!(["EMAIL"])))
        .await
        .refused("InvalidParameterException", "User has no email to be invited by.");
    app.signed("AdminGetUser", json!({ "Username": "alice" })).await.refused_as("UserNotFoundException");
    // One that nobody is told of reaches whom the administrator tells.
    let mut silent = invite(json!(["EMAIL"]));
    silent["MessageAction"] = "SUPPRESS".into();
    app.signed("AdminCreateUser", silent).await.ok();
    let mut again = invite(json!(["EMAIL"]));
    again["MessageAction"] = "RESEND".into();
    app.signed("AdminCreateUser", again)
        .await
        .refused("InvalidParameterException", "User has no email to be invited by.");
}
