//! Each operation of the Cognito API has a call that succeeds and, for every error that its model lists, a call that is
//! refused with it, in the service's words; or a reason why nobody can meet that error here. All of it stands in tables:
//! `yes.rs` for the good calls, a file per topic for the refusals, `never.rs` for the reasons. The other services' stand
//! below `services.rs`.

mod clients;
mod deliveries;
mod derived;
mod functions;
mod limits;
mod never;
mod own;
mod pools;
mod services;
mod sign_in;
mod users;
mod world;
mod yes;

use crate::support::Answer;
use postern_model::{Kind, OperationModel, Service, ServiceModel};
use postern_server::api::BEYOND_MODELS;
use postern_server::api::tables::is_written;
use serde_json::Value;
use std::collections::BTreeSet;
use world::World;

/// A call that is refused: the operation, the error, its words, and what is sent. `$name` in the words is what the world
/// calls by that name. `UserPoolId`, `ClientId` and `AccessToken` are filled in where they are left out.
type Refusal = (&'static str, &'static str, &'static str, fn(&World) -> Value);

/// The tables of refusals by one call in the world of `world.rs`.
const TABLES: [&[Refusal]; 5] =
    [pools::REFUSALS, clients::REFUSALS, users::REFUSALS, own::REFUSALS, sign_in::REFUSALS];

fn model(operation: &str) -> &'static OperationModel {
    let model = ServiceModel::of(Service::CognitoIdp).operation(operation);
    model.unwrap_or_else(|| panic!("{operation} is no operation"))
}

/// The members that an operation takes, and whether each must be given.
fn members(operation: &str) -> Vec<(String, bool)> {
    let Some(shape) = model(operation).input else { return Vec::new() };
    match &ServiceModel::of(Service::CognitoIdp).shape(shape).kind {
        Kind::Structure { members } => {
            members.iter().map(|member| (member.name.clone(), member.required)).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether an operation may answer an error: its model lists it, or the service answers it all the same.
fn lists(operation: &str, error: &str) -> bool {
    model(operation).errors.iter().any(|listed| listed == error)
        || BEYOND_MODELS.iter().any(|(name, kind)| *name == operation && kind.code == error)
}

fn takes(operation: &str, member: &str) -> bool {
    members(operation).iter().any(|(name, _)| name == member)
}

/// The names of all operations that are written, in the order of the model.
fn written() -> impl Iterator<Item = &'static str> {
    ServiceModel::of(Service::CognitoIdp)
        .operations()
        .iter()
        .map(|operation| operation.name.as_str())
        .filter(|name| is_written(Service::CognitoIdp, name))
}

/// Compares a refusal with what was expected, and says what was another.
fn differs(operation: &str, error: &str, words: &str, answer: &Answer) -> Option<String> {
    let (kind, said) = (&answer.body["__type"], &answer.body["message"]);
    let as_expected = answer.status == 400 && kind == error && said == words;
    (!as_expected)
        .then(|| format!("{operation}\n  expected {error}: {words}\n  got {} {}", answer.status, answer.text))
}

fn no_differences(all: Vec<String>) {
    assert!(all.is_empty(), "{} answers differ:\n{}", all.len(), all.join("\n"));
}

#[tokio::test]
async fn each_refusal_has_the_words_of_the_service() {
    let world = World::new().await;
    let mut differences = Vec::new();
    for (operation, error, words, input) in TABLES.into_iter().flatten() {
        let answer = world.call(operation, input(&world)).await;
        differences.extend(differs(operation, error, &world.filled(words), &answer));
    }
    no_differences(differences);
}

#[tokio::test]
async fn each_operation_has_a_call_that_succeeds() {
    let world = World::new().await;
    let mut failed = Vec::new();
    for (operation, input) in yes::CALLS {
        let answer = world.call(operation, input(&world)).await;
        if answer.status != 200 {
            failed.push(format!("{operation}: {} {}", answer.status, answer.text));
        }
    }
    no_differences(failed);
    let called: BTreeSet<&str> = yes::CALLS.iter().map(|(operation, _)| *operation).collect();
    let missing: Vec<&str> = written().filter(|name| !called.contains(name)).collect();
    assert!(missing.is_empty(), "nobody calls {missing:?}");
}

/// Public operations that change nothing.
const READS: [&str; 6] = [
    "GetDevice",
    "GetUser",
    "GetUserAuthFactors",
    "ListDevices",
    "ListUserSessions",
    "ListWebAuthnCredentials",
];

#[tokio::test]
async fn whatever_is_done_without_a_signature_is_in_the_audit() {
    let world = World::new().await;
    let known = async || {
        let all = world.server.app.store.read(|tx| tx.audit_before(None, None, 10_000)).await;
        all.expect("the audit").len()
    };
    let mut silent = Vec::new();
    for (operation, input) in yes::CALLS {
        let before = known().await;
        world.call(operation, input(&world)).await;
        let is_silent = known().await == before;
        if model(operation).public && is_silent != READS.contains(operation) {
            silent.push(*operation);
        }
    }
    assert!(silent.is_empty(), "{silent:?}");
}

/// The list that guards the promise above: what a model lists is provoked, or nobody can provoke it.
#[test]
fn every_error_of_the_models_is_provoked_or_has_a_reason_why_not() {
    let mut provoked: BTreeSet<(&str, &str)> =
        TABLES.into_iter().flatten().map(|(operation, error, ..)| (*operation, *error)).collect();
    provoked.extend(derived::provoked());
    provoked.extend(functions::provoked());
    provoked.extend(deliveries::provoked());
    provoked.extend(limits::provoked());
    provoked.extend(never::PROVOKED_ELSEWHERE.iter().map(|(operation, error, _)| (*operation, *error)));
    let mut missing = Vec::new();
    let mut idle: BTreeSet<(&str, &str)> = never::NEVER
        .iter()
        .flat_map(|(error, operations, _)| operations.iter().map(|name| (*error, *name)))
        .collect();
    for operation in written() {
        for error in &model(operation).errors {
            let is_listed = idle.remove(&(error.as_str(), operation));
            match (provoked.contains(&(operation, error.as_str())), is_listed) {
                (false, false) if never::excuse(operation, error).is_none() => {
                    missing.push(format!("{operation} {error}"));
                }
                (true, true) => {
                    missing.push(format!("{operation} {error} is provoked, and listed as impossible"))
                }
                _ => {}
            }
        }
    }
    assert!(missing.is_empty(), "{} are missing:\n{}", missing.len(), missing.join("\n"));
    assert!(idle.is_empty(), "nothing lists these: {idle:?}");
    for (operation, kind) in BEYOND_MODELS {
        assert!(
            !model(operation).errors.iter().any(|error| error == kind.code),
            "{operation} lists {kind:?}"
        );
        assert!(provoked.contains(&(operation, kind.code)), "nobody provokes {kind:?} of {operation}");
    }
    let tests = crate::lists::functions();
    for (_, _, test) in never::PROVOKED_ELSEWHERE {
        let name = test.rsplit("::").next().expect("a name");
        assert!(tests.iter().any(|one| one == name), "there is no {test}");
    }
}
