//! Refusals that follow from what an operation takes: a member that must be given, a pool, an app or a person that is not
//! there, a token that is no good, a pace that is passed. They are made of the calls that succeed.

use super::world::World;
use super::{differs, lists, members, model, no_differences, takes, written, yes};
use crate::support::TestServer;
use postern_server::rate::Pace;
use serde_json::{Value, json};

const NOWHERE: &str = "us-east-1_Unknown99";
const NO_POOL: &str = "User pool us-east-1_Unknown99 does not exist.";
const NO_CLIENT: &str = "User pool client unknownclient does not exist.";
const NOBODY: &str = "User does not exist.";
const BAD_TOKENS: [(&str, &str); 3] = [
    ("nonsense", "Invalid Access Token"),
    ("$expired", "Access Token has expired"),
    ("$revoked", "Access Token has been revoked"),
];

/// The first member that an operation must be given, as its refusal spells it.
fn first_required(operation: &str) -> Option<String> {
    members(operation).into_iter().find(|(_, required)| *required).map(|(name, _)| name)
}

fn is_about_a_pool(operation: &str) -> bool {
    takes(operation, "UserPoolId") && lists(operation, "ResourceNotFoundException")
        // These speak of the domain.
        && !["UpdateUserPoolDomain", "DeleteUserPoolDomain"].contains(&operation)
}

fn is_of_an_app(operation: &str) -> bool {
    takes(operation, "ClientId")
        && !takes(operation, "UserPoolId")
        && lists(operation, "ResourceNotFoundException")
}

fn is_about_a_user(operation: &str) -> bool {
    takes(operation, "UserPoolId") && takes(operation, "Username") && operation != "AdminCreateUser"
}

fn is_of_a_user(operation: &str) -> bool {
    takes(operation, "AccessToken")
}

/// What the tests below provoke.
pub fn provoked() -> Vec<(&'static str, &'static str)> {
    let mut all = Vec::new();
    for operation in written() {
        let mut add = |applies: bool, error: &'static str| all.extend(applies.then_some((operation, error)));
        add(first_required(operation).is_some(), "InvalidParameterException");
        add(is_about_a_pool(operation) || is_of_an_app(operation), "ResourceNotFoundException");
        add(is_about_a_user(operation) && lists(operation, "UserNotFoundException"), "UserNotFoundException");
        add(is_of_a_user(operation), "UserNotFoundException");
        add(!model(operation).public, "AccessDeniedException");
        add(is_of_a_user(operation), "NotAuthorizedException");
        add(model(operation).public, "TooManyRequestsException");
    }
    all
}

/// Sends each good call with some members changed, and compares what comes back.
async fn changed(
    world: &World,
    applies: impl Fn(&str) -> bool,
    change: impl Fn(&str, &mut Value),
    expected: impl Fn(&str) -> (&'static str, String),
) {
    let mut differences = Vec::new();
    for (operation, input) in yes::CALLS.iter().filter(|(operation, _)| applies(operation)) {
        let mut input = input(world);
        change(operation, &mut input);
        let answer = world.call(operation, input).await;
        let (error, words) = expected(operation);
        differences.extend(differs(operation, error, &words, &answer));
    }
    no_differences(differences);
}

#[tokio::test]
async fn what_an_operation_must_be_given_is_asked_for_by_name() {
    let world = World::new().await;
    let missing = |operation: &str| first_required(operation).unwrap_or_default();
    changed(
        &world,
        |operation| first_required(operation).is_some(),
        |operation, input| input[missing(operation)] = Value::Null,
        |operation| {
            let name = missing(operation);
            let name = format!("{}{}", name[..1].to_lowercase(), &name[1..]);
            let words = format!(
                "1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must \
                 not be null"
            );
            ("InvalidParameterException", words)
        },
    )
    .await;
}

#[tokio::test]
async fn a_pool_an_app_or_a_person_that_is_not_there_is_told_by_its_name() {
    let world = World::new().await;
    changed(
        &world,
        is_about_a_pool,
        |_, input| input["UserPoolId"] = NOWHERE.into(),
        |_| ("ResourceNotFoundException", NO_POOL.to_owned()),
    )
    .await;
    changed(
        &world,
        is_of_an_app,
        |_, input| input["ClientId"] = "unknownclient".into(),
        |_| ("ResourceNotFoundException", NO_CLIENT.to_owned()),
    )
    .await;
    changed(
        &world,
        is_about_a_user,
        |_, input| input["Username"] = "nobody@example.com".into(),
        // Some models have no word for it.
        |operation| match lists(operation, "UserNotFoundException") {
            true => ("UserNotFoundException", NOBODY.to_owned()),
            false => ("ResourceNotFoundException", NOBODY.to_owned()),
        },
    )
    .await;
}

#[tokio::test]
async fn a_token_that_is_no_good_opens_no_operation() {
    let world = World::new().await;
    for (token, words) in BAD_TOKENS {
        changed(
            &world,
            is_of_a_user,
            |_, input| input["AccessToken"] = world.filled(token).into(),
            |_| ("NotAuthorizedException", words.to_owned()),
        )
        .await;
    }
    // Of somebody who is gone. Some models have no word for that.
    changed(
        &world,
        is_of_a_user,
        |_, input| input["AccessToken"] = world["gone_token"].into(),
        |operation| match lists(operation, "UserNotFoundException") {
            true => ("UserNotFoundException", NOBODY.to_owned()),
            false => ("NotAuthorizedException", "Access Token has been revoked".to_owned()),
        },
    )
    .await;
    // Who is to choose a new password has no sign-in left.
    world.call("AdminResetUserPassword", json!({ "Username": "leaver@example.com" })).await.ok();
    let answer = world.call("GetUser", json!({ "AccessToken": &world["leaver_token"] })).await;
    assert_eq!(answer.refused("NotAuthorizedException"), "Access Token has been revoked");
}

#[tokio::test]
async fn who_needs_no_signature_is_held_to_a_pace_by_every_operation() {
    let server = TestServer::with(|settings| settings.pace = Some(Pace { burst: 1, per_second: 1 })).await;
    server.api("GetUser", json!({ "AccessToken": "x" })).await;
    let mut differences = Vec::new();
    for operation in written().filter(|operation| model(operation).public) {
        let answer = server.api(operation, json!({})).await;
        differences.extend(differs(operation, "TooManyRequestsException", "Rate exceeded", &answer));
    }
    no_differences(differences);
    // The audit is told once, however often somebody is held back.
    let told = async || {
        let all = server.app.store.read(|tx| tx.newest_audit(1000)).await.expect("the audit");
        all.into_iter().filter(|record| record.action == "Throttle" && record.resource == "pace").count()
    };
    assert_eq!(told().await, 1);
    server.clock.advance(11 * 60_000);
    for _ in 0..3 {
        server.api("GetUser", json!({ "AccessToken": "x" })).await;
    }
    assert_eq!(told().await, 2);
}

/// Not in the models: who signs and may not do it.
#[tokio::test]
async fn every_signed_operation_asks_the_policies_first() {
    let server = TestServer::start().await;
    let key = server.user_with_policy("paul", &crate::support::allowing(&["iam:GetUser"], &["*"])).await;
    for operation in written().filter(|operation| !model(operation).public) {
        let words = server.signed_by(&key, operation, json!({})).await.refused("AccessDeniedException");
        let action = format!("is not authorized to perform: cognito-idp:{operation} on resource: ");
        assert!(words.contains(&action), "{operation}: {words}");
    }
}
