//! Refusals that count: codes asked for too often, passwords changed too often, more of a thing than there may be.

use super::{differs, no_differences};
use crate::story::{App, text};
use crate::support::TestServer;
use serde_json::{Value, json};

const LIMIT: &str = "LimitExceededException";
const WORDS: &str = "Attempt limit exceeded, please try after some time.";
const PASSWORD: &str = "Correct-horse-1";

/// Operations that can be called too often, by how often one may at once.
const OFTEN: [(&str, usize); 9] = [
    ("AdminResetUserPassword", 1),
    ("ChangePassword", 5),
    ("ConfirmForgotPassword", 10),
    ("ConfirmSignUp", 10),
    ("ForgotPassword", 1),
    ("GetUserAttributeVerificationCode", 1),
    ("ResendConfirmationCode", 0),
    ("SignUp", 1),
    ("VerifyUserAttribute", 10),
];

/// What there can be so many of, in what follows it.
const MANY: [(&str, usize, &str); 3] = [
    ("AddUserPoolClientSecret", 1, "Client secrets cannot exceed limit of 2 secrets."),
    ("CreateResourceServer", 25, "A user pool can have at most 25 resource servers."),
    ("CreateTerms", 40, "A user pool can have at most 40 terms documents."),
];

pub fn provoked() -> impl Iterator<Item = (&'static str, &'static str)> {
    OFTEN
        .iter()
        .map(|(operation, _)| (*operation, LIMIT))
        .chain(MANY.iter().map(|(operation, ..)| (*operation, LIMIT)))
}

async fn signs_up(app: &App<'_>, name: &str) {
    let attributes = json!([{ "Name": "email", "Value": name }]);
    let input = json!({ "Username": name, "Password": PASSWORD, "UserAttributes": attributes });
    app.public("SignUp", input).await.ok();
}

/// Makes somebody ready, and gives the input.
async fn ready(app: &App<'_>, operation: &str) -> Value {
    let name = format!("{}@example.com", operation.to_lowercase());
    let mut input = json!({ "Username": name });
    match operation {
        "SignUp" => {
            input["Password"] = PASSWORD.into();
            input["UserAttributes"] = json!([{ "Name": "email", "Value": name }]);
            return input;
        }
        "ConfirmSignUp" | "ResendConfirmationCode" => {
            signs_up(app, &name).await;
            if operation == "ConfirmSignUp" {
                input["ConfirmationCode"] = "00000x".into();
            }
            return input;
        }
        _ => {}
    }
    app.person(&name).await;
    app.password(&name, PASSWORD).await;
    let parameters = json!({ "USERNAME": name, "PASSWORD": PASSWORD });
    let begin = json!({ "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
    let token = text(&app.public("InitiateAuth", begin).await.ok(), "/AuthenticationResult/AccessToken");
    match operation {
        "ConfirmForgotPassword" => {
            input["ConfirmationCode"] = "00000x".into();
            input["Password"] = "Battery-staple-2".into();
            input
        }
        "ChangePassword" => json!({
            "AccessToken": token, "PreviousPassword": PASSWORD, "ProposedPassword": PASSWORD,
        }),
        "GetUserAttributeVerificationCode" => json!({ "AccessToken": token, "AttributeName": "email" }),
        "VerifyUserAttribute" => json!({ "AccessToken": token, "AttributeName": "email", "Code": "00000x" }),
        _ => input,
    }
}

#[tokio::test]
async fn what_is_done_too_often_is_refused_for_a_while() {
    let server = TestServer::strict_with(|settings| settings.ses.limits = false).await;
    let app = App::new(&server).await;
    let mut differences = Vec::new();
    for (operation, most) in OFTEN {
        let input = ready(&app, operation).await;
        let call = async || match super::model(operation).public {
            true => app.public(operation, input.clone()).await,
            false => app.signed(operation, input.clone()).await,
        };
        for time in 0..most {
            let answer = call().await;
            assert_ne!(answer.body["__type"], LIMIT, "{operation} at time {time}");
        }
        let answer = call().await;
        differences.extend(differs(operation, LIMIT, WORDS, &answer));
    }
    no_differences(differences);
}

#[tokio::test]
async fn of_some_things_there_can_be_so_many() {
    let server = TestServer::start().await;
    let app = App::with(&server, json!({}), json!({ "GenerateSecret": true })).await;
    let mut differences = Vec::new();
    let mut client = String::new();
    for (operation, most, words) in MANY {
        for number in 0..=most {
            let input = match operation {
                "AddUserPoolClientSecret" => json!({ "ClientId": app.client_id }),
                "CreateTerms" => {
                    if number % 2 == 0 {
                        let made = app.signed("CreateUserPoolClient", json!({ "ClientName": "app" })).await;
                        client = text(&made.ok(), "/UserPoolClient/ClientId");
                    }
                    json!({
                        "ClientId": client, "TermsSource": "LINK", "Enforcement": "NONE",
                        "TermsName": if number % 2 == 0 { "terms-of-use" } else { "privacy-policy" },
                        "Links": { "cognito:default": "https://shop.example/terms" },
                    })
                }
                _ => json!({ "Identifier": format!("api{number}"), "Name": "API" }),
            };
            let answer = app.signed(operation, input).await;
            match number == most {
                true => differences.extend(differs(operation, LIMIT, words, &answer)),
                false => assert_eq!(answer.status, 200, "{operation}: {}", answer.text),
            }
        }
    }
    no_differences(differences);
}
