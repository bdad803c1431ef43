//! The same for the services beside Cognito: each operation of SES, IAM, STS and SNS has a call that succeeds and, for
//! every error that its model lists, one that is refused with it, or a reason why nobody can meet it here.

mod account;
mod iam;
mod never;
mod ses;
mod sns;

use super::no_differences;
use crate::support::{Answer, TestServer, allowing};
use account::Account;
use postern_model::{Kind, OperationModel, Service, ServiceModel, front};
use postern_server::api::tables::is_written;
use postern_store::access::UserRow;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A call: the operation, and what is sent.
type Call = (&'static str, fn(&Account) -> Value);

/// A call that is refused: the operation, the error's shape, its words, and what is sent. `$name` in the words is what the
/// account calls by that name.
type Refusal = (&'static str, &'static str, &'static str, fn(&Account) -> Value);

/// A service, the calls that succeed in their order, and those that are refused.
type Table = (Service, &'static [Call], &'static [Refusal]);

const TABLES: [Table; 4] = [
    (Service::Iam, iam::CALLS, iam::REFUSALS),
    (Service::Sts, iam::SESSIONS, iam::SESSION_REFUSALS),
    (Service::SesV2, ses::CALLS, ses::REFUSALS),
    (Service::Sns, sns::CALLS, sns::REFUSALS),
];

/// What is named and not there: the service, the member that names it and how, the error and its words, and operations
/// to which the member is something else.
type Absent = (Service, &'static str, &'static str, &'static str, &'static str, &'static [&'static str]);

const ABSENT: [Absent; 6] = [
    (
        Service::Iam,
        "UserName",
        "nobody",
        "NoSuchEntityException",
        "The user with name nobody cannot be found.",
        &["CreateUser"],
    ),
    (
        Service::Iam,
        "RoleName",
        "nobody",
        "NoSuchEntityException",
        "The role with name nobody cannot be found.",
        &["CreateRole"],
    ),
    (
        Service::Iam,
        "PolicyArn",
        "arn:aws:iam::123456789012:policy/nothing",
        "NoSuchEntityException",
        "Policy arn:aws:iam::123456789012:policy/nothing was not found.",
        &["AttachRolePolicy", "AttachUserPolicy"],
    ),
    (
        Service::Iam,
        "PolicyArn",
        "arn:aws:iam::123456789012:user/ann",
        "InvalidInputException",
        "ARN arn:aws:iam::123456789012:user/ann is not valid.",
        &[],
    ),
    (
        Service::SesV2,
        "EmailIdentity",
        "nobody@example.com",
        "NotFoundException",
        "Email identity nobody@example.com does not exist.",
        &["CreateEmailIdentity", "PutEmailIdentityDkimAttributes"],
    ),
    (
        Service::SesV2,
        "ConfigurationSetName",
        "nothing",
        "NotFoundException",
        "Configuration set <nothing> does not exist.",
        &["CreateConfigurationSet"],
    ),
];

fn model(service: Service, operation: &str) -> &'static OperationModel {
    let model = ServiceModel::of(service).operation(operation);
    model.unwrap_or_else(|| panic!("{operation} is no operation"))
}

fn takes(service: Service, operation: &str, member: &str) -> bool {
    match model(service, operation).input.map(|shape| &ServiceModel::of(service).shape(shape).kind) {
        Some(Kind::Structure { members }) => members.iter().any(|one| one.name == member),
        _ => false,
    }
}

/// The operations of a service that are written, in the order of its model.
fn written(service: Service) -> impl Iterator<Item = &'static str> {
    let names = ServiceModel::of(service).operations().iter().map(|operation| operation.name.as_str());
    names.filter(move |name| is_written(service, name))
}

fn concerns(absent: &Absent, operation: &str) -> bool {
    let (service, member, .., elsewhere) = absent;
    takes(*service, operation, member) && !elsewhere.contains(&operation)
}

/// What an answer says: the code and the words, as its protocol has them.
fn said(answer: &Answer) -> (String, String) {
    if answer.text.starts_with("<ErrorResponse") {
        return (answer.xml("Code"), answer.xml("Message"));
    }
    let text = |name: &str| answer.body[name].as_str().unwrap_or_default().to_owned();
    (answer.header("x-amzn-errortype").to_owned(), text("message"))
}

/// Compares a refusal with what was expected, and says what was another.
fn differs(service: Service, operation: &str, error: &str, words: &str, answer: &Answer) -> Option<String> {
    let known = ServiceModel::of(service).errors().iter().find(|known| known.name == error);
    let known = known.unwrap_or_else(|| panic!("{service} has no {error}"));
    let listed = model(service, operation).errors.iter().any(|listed| listed == error);
    let as_expected =
        answer.status == known.status && said(answer) == (known.code.clone(), words.to_owned()) && listed;
    (!as_expected).then(|| {
        let got = format!("{} {}", answer.status, answer.text);
        format!("{service} {operation}\n  expected {error}: {words}\n  got {got}")
    })
}

#[tokio::test]
async fn each_refusal_of_the_other_services_has_their_words() {
    let account = Account::new().await;
    let mut differences = Vec::new();
    for (service, _, refusals) in TABLES {
        for (operation, error, words, input) in refusals {
            let answer = account.call(service, operation, input(&account)).await;
            differences.extend(differs(service, operation, error, &account.filled(words), &answer));
        }
    }
    for absent in &ABSENT {
        let (service, member, value, error, words, _) = absent;
        let (_, calls, _) = TABLES.iter().find(|(of, ..)| of == service).expect("a table");
        for (operation, input) in calls.iter().filter(|(operation, _)| concerns(absent, operation)) {
            let mut input = input(&account);
            input[*member] = (*value).into();
            let answer = account.call(*service, operation, input).await;
            differences.extend(differs(*service, operation, error, words, &answer));
        }
    }
    no_differences(differences);
}

#[tokio::test]
async fn each_operation_of_the_other_services_has_a_call_that_succeeds() {
    let account = Account::new().await;
    account.call(Service::Postern, "ReviewProductionAccess", json!({ "Decision": "GRANT" })).await.ok();
    let mut failed = Vec::new();
    for (service, calls, _) in TABLES {
        for (operation, input) in calls {
            let answer = account.call(service, operation, input(&account)).await;
            if answer.status >= 300 {
                failed.push(format!("{service} {operation}: {} {}", answer.status, answer.text));
            }
        }
        let missing = written(service).filter(|name| !calls.iter().any(|(called, _)| called == name));
        failed.extend(missing.map(|name| format!("nobody calls {service} {name}")));
    }
    no_differences(failed);
}

/// Whoever signs and may not do it is told so before anything else. Only SNS lists that.
#[tokio::test]
async fn every_operation_of_the_other_services_asks_the_policies_first() {
    let account = Account::new().await;
    let iam_only = allowing(&["iam:GetUser"], &["arn:aws:iam::123456789012:user/paul"]);
    let paul = account.server.user_with_policy("paul", &iam_only).await;
    let mut failed = Vec::new();
    for (service, calls, _) in TABLES {
        // Who one is can always be asked.
        for (operation, input) in calls.iter().filter(|(name, _)| *name != "GetCallerIdentity") {
            let answer = account.server.client.call(service, operation, &input(&account), Some(&paul)).await;
            let denied = front(service).denied;
            let (code, words) = said(&answer);
            if answer.status != denied.status
                || code != denied.code
                || !words.contains("user/paul")
                || !words.contains(operation)
            {
                failed.push(format!("{service} {operation}: {} {}", answer.status, answer.text));
            }
        }
    }
    no_differences(failed);
}

#[tokio::test]
async fn of_mails_in_a_second_codes_in_a_day_and_users_there_can_be_so_many() {
    let server = TestServer::strict().await;
    crate::story::own_sender(&server, account::SENDER).await;
    let send = |recipients: usize| {
        let to: Vec<String> = (0..recipients).map(|number| format!("reader{number}@example.com")).collect();
        json!({
            "FromEmailAddress": account::SENDER, "Destination": { "ToAddresses": to },
            "Content": { "Simple": { "Subject": { "Data": "Hello" }, "Body": { "Text": { "Data": "Hello" } } } },
        })
    };
    let call = async |service, operation, input: Value| {
        server.client.call(service, operation, &input, Some(&server.key)).await
    };
    call(Service::SesV2, "SendEmail", send(50)).await.ok();
    let answer = call(Service::SesV2, "SendEmail", send(1)).await;
    let words = "Maximum sending rate exceeded.";
    let mut differences = Vec::new();
    differences.extend(differs(Service::SesV2, "SendEmail", "TooManyRequestsException", words, &answer));

    let number = json!({ "PhoneNumber": "+15555550199" });
    for _ in 0..5 {
        call(Service::Sns, "CreateSMSSandboxPhoneNumber", number.clone()).await.ok();
    }
    let answer = call(Service::Sns, "CreateSMSSandboxPhoneNumber", number).await;
    let words = "Too many codes were sent to this phone number today.";
    differences.extend(differs(
        Service::Sns,
        "CreateSMSSandboxPhoneNumber",
        "ThrottledException",
        words,
        &answer,
    ));

    let now = server.clock.now();
    let row = move |number: usize| UserRow {
        name: format!("user{number}"),
        id: format!("AIDA{number:017}"),
        path: "/".into(),
        boundary: None,
        tags: "{}".into(),
        created: now,
    };
    server
        .app
        .store
        .write(move |tx| (0..5000).try_for_each(|number| tx.add_iam_user(&row(number)).map(drop)))
        .await
        .expect("the store answers");
    let answer = call(Service::Iam, "CreateUser", json!({ "UserName": "one-more" })).await;
    let words = "Cannot exceed quota for UsersPerAccount: 5000";
    differences.extend(differs(Service::Iam, "CreateUser", "LimitExceededException", words, &answer));
    no_differences(differences);
}

/// What the test above provokes.
const COUNTED: [(Service, &str, &str); 3] = [
    (Service::SesV2, "SendEmail", "TooManyRequestsException"),
    (Service::Sns, "CreateSMSSandboxPhoneNumber", "ThrottledException"),
    (Service::Iam, "CreateUser", "LimitExceededException"),
];

/// The list that guards the promise: what a model lists is provoked, or nobody can provoke it.
#[test]
fn every_error_of_the_other_models_is_provoked_or_has_a_reason_why_not() {
    let mut provoked: BTreeSet<(Service, &str, &str)> = COUNTED.into_iter().collect();
    for (service, _, refusals) in TABLES {
        provoked.extend(refusals.iter().map(|(operation, error, ..)| (service, *operation, *error)));
        if service == Service::Sns {
            provoked.extend(written(service).map(|name| (service, name, "AuthorizationErrorException")));
        }
    }
    for absent in &ABSENT {
        let (service, _, _, error, ..) = *absent;
        let concerned = written(service).filter(|operation| concerns(absent, operation));
        provoked.extend(concerned.map(|operation| (service, operation, error)));
    }
    let mut idle: BTreeSet<(Service, &str, &str)> = never::NEVER
        .iter()
        .flat_map(|(service, error, operations, _)| operations.iter().map(|name| (*service, *name, *error)))
        .collect();
    let mut wrong = Vec::new();
    for (service, ..) in TABLES {
        for operation in written(service) {
            for error in &model(service, operation).errors {
                let pair = (service, operation, error.as_str());
                let (is_provoked, is_listed) = (provoked.contains(&pair), idle.remove(&pair));
                let is_excused = is_listed || never::is_nowhere(service, error);
                match (is_provoked, is_excused) {
                    (false, false) => wrong.push(format!("{service} {operation} {error} is missing")),
                    (true, true) if is_listed => {
                        wrong.push(format!(
                            "{service} {operation} {error} is provoked, and listed as impossible"
                        ));
                    }
                    _ => {}
                }
            }
        }
    }
    no_differences(wrong);
    assert!(idle.is_empty(), "nothing lists these: {idle:?}");
}
