//! Refusals that count: codes asked for too often, passwords changed too often, more of a thing than there may be.

use super::deliveries::{Way, about_to_send};
use super::world::ROLE;
use super::{differs, no_differences};
use crate::identity_providers::corp;
use crate::story::{App, text};
use crate::support::TestServer;
use postern_store::clients::ClientRow;
use postern_store::groups::GroupRow;
use postern_store::identity_providers::ProviderRow;
use postern_store::import_jobs::ImportJobRow;
use postern_store::pools::PoolRow;
use serde_json::{Value, json};

const LIMIT: &str = "LimitExceededException";
const WORDS: &str = "Attempt limit exceeded, please try after some time.";
const PASSWORD: &str = "Correct-horse-1";

/// Operations that can be called too often, by how often one may at once.
const OFTEN: [(&str, usize); 13] = [
    ("AdminInitiateAuth", 1),
    ("AdminRespondToAuthChallenge", 0),
    ("InitiateAuth", 1),
    ("RespondToAuthChallenge", 0),
    ("AdminResetUserPassword", 1),
    ("ChangePassword", 5),
    // Nobody asked for that code.
    ("ConfirmForgotPassword", 5),
    ("ConfirmSignUp", 10),
    ("ForgotPassword", 1),
    ("GetUserAttributeVerificationCode", 1),
    ("ResendConfirmationCode", 0),
    ("SignUp", 1),
    ("VerifyUserAttribute", 10),
];

/// What there can be so many of, in what follows it.
const MANY: [(&str, usize, &str); 4] = [
    ("AddUserPoolClientSecret", 1, "Client secrets cannot exceed limit of 2 secrets."),
    ("CreateManagedLoginBranding", 20, "A user pool can have at most 20 managed login styles."),
    ("CreateResourceServer", 25, "A user pool can have at most 25 resource servers."),
    ("CreateTerms", 40, "A user pool can have at most 40 terms documents."),
];

/// What there can be so many of that they are written down rather than called for.
const VERY_MANY: [(&str, &str); 4] = [
    ("CreateGroup", "A user pool can have at most 10000 groups."),
    ("CreateIdentityProvider", "A user pool can have at most 300 identity providers."),
    ("CreateUserPoolClient", "A user pool can have at most 1000 app clients."),
    ("CreateUserImportJob", "A user pool can have at most 1000 import jobs."),
];

pub fn provoked() -> impl Iterator<Item = (&'static str, &'static str)> {
    OFTEN
        .iter()
        .map(|(operation, _)| (*operation, LIMIT))
        .chain(MANY.iter().map(|(operation, ..)| (*operation, LIMIT)))
        .chain(VERY_MANY.iter().map(|(operation, _)| (*operation, LIMIT)))
        .chain(["AdminCreateUser", "CreateUserPool", "CreateUserPoolDomain"].map(|name| (name, LIMIT)))
}

async fn signs_up(app: &App<'_>, name: &str) {
    let attributes = json!([{ "Name": "email", "Value": name }]);
    let input = json!({ "Username": name, "Password": PASSWORD, "UserAttributes": attributes });
    app.public("SignUp", input).await.ok();
}

/// Makes somebody ready, and gives the input.
async fn ready(app: &App<'_>, operation: &str, number: usize) -> Value {
    match operation {
        "AdminInitiateAuth" | "InitiateAuth" => {
            return about_to_send(app, operation, Way::Mail, number).await;
        }
        "AdminRespondToAuthChallenge" | "RespondToAuthChallenge" => {
            let input = about_to_send(app, operation, Way::Mail, number).await;
            app.asked(&Way::Mail.address(number)).await;
            return input;
        }
        _ => {}
    }
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
    for (number, (operation, most)) in OFTEN.into_iter().enumerate() {
        let input = ready(&app, operation, number).await;
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
    let new_client = async || {
        let made = app.signed("CreateUserPoolClient", json!({ "ClientName": "app" })).await;
        text(&made.ok(), "/UserPoolClient/ClientId")
    };
    for (operation, most, words) in MANY {
        for number in 0..=most {
            let input = match operation {
                "AddUserPoolClientSecret" => json!({ "ClientId": app.client_id }),
                "CreateManagedLoginBranding" => {
                    json!({ "ClientId": new_client().await, "UseCognitoProvidedValues": true })
                }
                "CreateTerms" => {
                    if number % 2 == 0 {
                        client = new_client().await;
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

#[tokio::test]
async fn a_pool_has_so_many_groups_providers_clients_and_imports() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    let trust = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "Service": "cognito-idp.amazonaws.com" }, "Action": "sts:AssumeRole",
    }] });
    let role = [("RoleName", "logs"), ("AssumeRolePolicyDocument", &trust.to_string())];
    server.iam("CreateRole", &role).await.ok();
    let input = |operation: &str| match operation {
        "CreateGroup" => json!({ "GroupName": "staff" }),
        "CreateUserPoolClient" => json!({ "ClientName": "more" }),
        "CreateUserImportJob" => json!({ "JobName": "more", "CloudWatchLogsRoleArn": ROLE }),
        _ => corp(),
    };
    for (operation, _) in VERY_MANY {
        app.signed(operation, input(operation)).await.ok();
    }
    let (pool, client) = (app.pool_id.clone(), app.client_id.clone());
    server
        .app
        .store
        .write(move |tx| {
            let group = tx.find_group(&pool, "staff")?.expect("a group");
            for number in 1..10_000 {
                tx.add_group(&GroupRow { name: format!("group{number}"), ..group.clone() })?;
            }
            let provider = tx.find_provider(&pool, "Corp")?.expect("a provider");
            for number in 1..300 {
                tx.add_provider(&ProviderRow { name: format!("Corp{number}"), ..provider.clone() })?;
            }
            let client = tx.find_client(&client)?.expect("a client");
            // Two are there already.
            for number in 2..1_000 {
                tx.add_client(&ClientRow { id: format!("client{number}"), ..client.clone() })?;
            }
            let job = tx.list_import_jobs(&pool, "", 1)?.remove(0);
            for number in 1..1_000 {
                tx.add_import_job(&ImportJobRow { id: format!("import-{number}"), ..job.clone() })?;
            }
            anyhow::Ok(())
        })
        .await
        .expect("the store answers");
    let mut differences = Vec::new();
    for (operation, words) in VERY_MANY {
        let mut input = input(operation);
        for (member, name) in [("GroupName", "more"), ("ProviderName", "More")] {
            if super::takes(operation, member) {
                input[member] = name.into();
            }
        }
        let answer = app.signed(operation, input).await;
        differences.extend(differs(operation, LIMIT, words, &answer));
    }
    no_differences(differences);
}

#[tokio::test]
async fn an_account_has_so_many_pools_and_custom_domains() {
    let server = TestServer::start().await;
    let mut differences = Vec::new();
    for number in 0..=4 {
        let app = App::new(&server).await;
        let certificate =
            "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012";
        let domain = json!({
            "Domain": format!("id{number}.shop.test"), "CustomDomainConfig": { "CertificateArn": certificate },
        });
        let answer = app.signed("CreateUserPoolDomain", domain).await;
        if number == 4 {
            let words = "An account can have at most 4 custom domains.";
            differences.extend(differs("CreateUserPoolDomain", LIMIT, words, &answer));
            // Prefixes are not among them.
            app.signed("CreateUserPoolDomain", json!({ "Domain": "fifth" })).await.ok();
        } else {
            answer.ok();
        }
    }
    let there = server.app.store.write(|tx| {
        let pool = tx.list_pools("", 1)?.remove(0);
        for number in tx.count_pools()?..1_000 {
            tx.add_pool(&PoolRow { id: format!("us-east-1_many{number}"), ..pool.clone() })?;
        }
        anyhow::Ok(tx.count_pools()?)
    });
    assert_eq!(there.await.expect("the store answers"), 1_000);
    let answer = server.signed("CreateUserPool", json!({ "PoolName": "more" })).await;
    let words = "An account can have at most 1000 user pools.";
    differences.extend(differs("CreateUserPool", LIMIT, words, &answer));
    no_differences(differences);
}

#[tokio::test]
async fn the_default_sender_invites_so_many_a_day() {
    const SPENT: &str = "Exceeded daily email limit for the operation or the account. If a higher limit is required, \
                         please configure your user pool to use your own Amazon SES configuration for sending email.";
    let server = TestServer::strict_with(|settings| settings.ses.default_sender_daily = 1).await;
    let app = App::new(&server).await;
    let operation = "AdminCreateUser";
    let first = about_to_send(&app, operation, Way::Mail, 1).await;
    app.signed(operation, first).await.ok();
    let second = about_to_send(&app, operation, Way::Mail, 2).await;
    let answer = app.signed(operation, second).await;
    no_differences(differs(operation, LIMIT, SPENT, &answer).into_iter().collect());
}
