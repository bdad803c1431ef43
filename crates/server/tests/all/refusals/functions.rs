//! Refusals of operations that call a function of the pool (a Lambda trigger): it throws, it may not be called, or it
//! talks nonsense.

use super::deliveries::{Way, about_to_send};
use super::{differs, model, no_differences};
use crate::functions::config;
use crate::story::{App, challenge, text};
use crate::support::{Does, Lambda, TestServer};
use serde_json::{Value, json};

/// Operations, and the function each is made to fail at.
const CALLING: [(&str, &str); 16] = [
    ("AdminConfirmSignUp", "PostConfirmation"),
    ("AdminCreateUser", "PreSignUp"),
    ("AdminInitiateAuth", "PreAuthentication"),
    ("AdminResetUserPassword", "CustomMessage"),
    ("AdminRespondToAuthChallenge", "PostAuthentication"),
    ("AdminUpdateUserAttributes", "CustomMessage"),
    ("ConfirmForgotPassword", "PostConfirmation"),
    ("ConfirmSignUp", "PostConfirmation"),
    ("ForgotPassword", "CustomMessage"),
    ("GetTokensFromRefreshToken", "PreTokenGeneration"),
    ("GetUserAttributeVerificationCode", "CustomMessage"),
    ("InitiateAuth", "PreAuthentication"),
    ("ResendConfirmationCode", "CustomMessage"),
    ("RespondToAuthChallenge", "PostAuthentication"),
    ("SignUp", "PreSignUp"),
    ("UpdateUserAttributes", "CustomMessage"),
];

/// What a function does, the error that it makes, and its words.
type Fails = (fn() -> Does, &'static str, &'static str);

const FAILS: [Fails; 3] = [
    (|| Does::Throws("Closed"), "UserLambdaValidationException", "$trigger failed with error Closed."),
    (
        || Does::Says(403, &[("x-amzn-errortype", "AccessDeniedException")], "{}"),
        "UnexpectedLambdaException",
        "$trigger invocation failed due to error AccessDeniedException.",
    ),
    (|| Does::Says(200, &[], "hello"), "InvalidLambdaResponseException", "Unrecognizable lambda output"),
];

pub fn provoked() -> impl Iterator<Item = (&'static str, &'static str)> {
    CALLING.iter().flat_map(|(operation, _)| FAILS.iter().map(|(_, error, _)| (*operation, *error)))
}

/// Makes ready what an operation needs, and gives its input.
async fn ready(app: &App<'_>, operation: &str, number: usize) -> Value {
    let name = Way::Mail.address(number);
    let pool = json!({ "UserPoolId": app.pool_id });
    let mut input = match operation {
        "AdminConfirmSignUp" | "ConfirmSignUp" => {
            let account = about_to_send(app, "SignUp", Way::Mail, number).await;
            app.public("SignUp", account).await.ok();
            json!({ "Username": name, "ConfirmationCode": app.code(&name).await })
        }
        "ConfirmForgotPassword" => {
            let input = about_to_send(app, "ForgotPassword", Way::Mail, number).await;
            app.public("ForgotPassword", input).await.ok();
            json!({
                "Username": name, "ConfirmationCode": app.code(&name).await, "Password": "Battery-staple-2",
            })
        }
        "RespondToAuthChallenge" | "AdminRespondToAuthChallenge" => {
            let input = about_to_send(app, "InitiateAuth", Way::Mail, number).await;
            let asked = challenge(&app.public("InitiateAuth", input).await.ok());
            let responses = json!({ "USERNAME": name, "EMAIL_OTP_CODE": app.code(&name).await });
            json!({ "ChallengeName": asked.name, "Session": asked.session, "ChallengeResponses": responses })
        }
        "GetTokensFromRefreshToken" => {
            app.person(&name).await;
            let tokens = app.signs_in(&name).await;
            json!({ "RefreshToken": text(&tokens, "/AuthenticationResult/RefreshToken") })
        }
        other => return about_to_send(app, other, Way::Mail, number).await,
    };
    if model(operation).public || operation == "AdminRespondToAuthChallenge" {
        input["ClientId"] = app.client_id.clone().into();
    }
    if !model(operation).public {
        input["UserPoolId"] = pool["UserPoolId"].clone();
    }
    if operation == "AdminConfirmSignUp" {
        input.as_object_mut().expect("an object").remove("ConfirmationCode");
    }
    input
}

#[tokio::test]
async fn a_function_that_fails_is_told_by_every_operation_that_calls_one() {
    let lambda = Lambda::start().await;
    let server = TestServer::with(|settings| lambda.serve(settings)).await;
    let triggers = [
        "PreSignUp",
        "PostConfirmation",
        "PreAuthentication",
        "PostAuthentication",
        "CustomMessage",
        "PreTokenGeneration",
    ]
    .map(|trigger| (trigger, trigger));
    let settings = json!({ "LambdaConfig": config(&lambda, &triggers) });
    let app = App::with(&server, settings, json!({})).await;
    let mut differences = Vec::new();
    let mut number = 0;
    for (operation, trigger) in CALLING {
        for (does, error, words) in FAILS {
            number += 1;
            server.clock.advance(1);
            let input = ready(&app, operation, number).await;
            lambda.on(trigger, move |_| does());
            let answer = match model(operation).public {
                true => server.api(operation, input).await,
                false => server.signed(operation, input).await,
            };
            lambda.on(trigger, Does::Answers);
            differences.extend(differs(operation, error, &words.replace("$trigger", trigger), &answer));
        }
    }
    no_differences(differences);
    let ready = ready(&app, "SignUp", 999).await;
    app.public("SignUp", ready).await.ok();
}

#[test]
fn every_operation_that_lists_errors_of_functions_is_here() {
    for operation in super::written() {
        let lists = model(operation).errors.iter().any(|error| error == "UserLambdaValidationException");
        assert_eq!(lists, CALLING.iter().any(|(name, _)| *name == operation), "{operation}");
    }
}
