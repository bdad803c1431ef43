//! Signing in by a password that is proven and never sent, as an app sees it.

use crate::story::{App, Reply, text};
use crate::support::{SrpClient, TestServer};
use serde_json::{Value, json};

const BOB: &str = "bob@example.com";
const NOBODY: &str = "nobody@example.com";
const RIGHT: &str = "Correct-horse-1";

/// A pool whose app proves passwords, and Bob who has one.
async fn place(server: &TestServer) -> App<'_> {
    let flows = json!(["ALLOW_USER_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH"]);
    let app = App::with(server, json!({}), json!({ "ExplicitAuthFlows": flows })).await;
    app.person(BOB).await;
    app.password(BOB, RIGHT).await;
    app
}

async fn begins(app: &App<'_>, client: &SrpClient, name: &str) -> Reply {
    let parameters = json!({ "USERNAME": name, "SRP_A": client.value });
    app.public("InitiateAuth", json!({ "AuthFlow": "USER_SRP_AUTH", "AuthParameters": parameters })).await
}

async fn answers(app: &App<'_>, session: Option<&Value>, responses: &Value) -> Reply {
    let mut body = json!({ "ChallengeName": "PASSWORD_VERIFIER", "ChallengeResponses": responses });
    if let Some(session) = session {
        body["Session"] = session.clone();
    }
    app.public("RespondToAuthChallenge", body).await
}

/// Goes through both steps with a password.
async fn signs_in(app: &App<'_>, name: &str, password: &str) -> Reply {
    let client = SrpClient::new();
    let asked = begins(app, &client, name).await.ok();
    let now = app.server.clock.now();
    let proof = client.proves(&app.pool_id, &asked["ChallengeParameters"], password, now);
    answers(app, None, &proof).await
}

const WRONG: (&str, &str) = ("NotAuthorizedException", "Incorrect username or password.");

#[tokio::test]
async fn a_proven_password_signs_in_without_a_session() {
    let server = TestServer::start().await;
    let app = place(&server).await;
    let client = SrpClient::new();
    let asked = begins(&app, &client, BOB).await.ok();
    assert_eq!(asked["ChallengeName"], "PASSWORD_VERIFIER");
    assert_eq!(asked.get("Session"), None);
    let parameters = &asked["ChallengeParameters"];
    let me = app.signed("AdminGetUser", json!({ "Username": BOB })).await.ok();
    assert_eq!(parameters["USER_ID_FOR_SRP"], me["Username"]);
    let proof = client.proves(&app.pool_id, parameters, RIGHT, server.clock.now());
    let answer = answers(&app, None, &proof).await.ok();
    assert!(answer["AuthenticationResult"]["IdToken"].is_string());
    assert_eq!(answer["ChallengeParameters"], json!({}));

    let again = answers(&app, None, &proof).await;
    again.refused("NotAuthorizedException", "Invalid session for the user, session can only be used once.");
}

#[tokio::test]
async fn a_wrong_password_proves_nothing_and_has_one_try() {
    let server = TestServer::start().await;
    let app = place(&server).await;
    signs_in(&app, BOB, "Correct-horse-2").await.refused(WRONG.0, WRONG.1);

    let client = SrpClient::new();
    let asked = begins(&app, &client, BOB).await.ok();
    let parameters = &asked["ChallengeParameters"];
    let wrong = client.proves(&app.pool_id, parameters, "Correct-horse-2", server.clock.now());
    let right = client.proves(&app.pool_id, parameters, RIGHT, server.clock.now());
    answers(&app, None, &wrong).await.refused(WRONG.0, WRONG.1);
    answers(&app, None, &right)
        .await
        .refused("NotAuthorizedException", "Invalid session for the user, session is expired.");
    signs_in(&app, BOB, RIGHT).await.ok();
}

#[tokio::test]
async fn a_proof_is_good_in_its_own_challenge_only() {
    let server = TestServer::start().await;
    let app = place(&server).await;
    app.person("alice@example.com").await;
    app.password("alice@example.com", RIGHT).await;
    let other = app.second_client().await;
    let client = SrpClient::new();
    let asked = begins(&app, &client, BOB).await.ok();
    let proof = client.proves(&app.pool_id, &asked["ChallengeParameters"], RIGHT, server.clock.now());
    let with = |name: &str, value: &str| {
        let mut changed = proof.clone();
        changed[name] = value.into();
        changed
    };

    answers(&other, None, &proof).await.refused("NotAuthorizedException", "Invalid session for the user.");
    answers(&app, None, &with("USERNAME", "alice@example.com"))
        .await
        .refused("NotAuthorizedException", "Invalid session for the user.");
    let session = json!("AYABeSomebodyElsesSessionOfTwentyOrMore");
    answers(&app, Some(&session), &proof)
        .await
        .refused("NotAuthorizedException", "Invalid session for the user.");
    for block in ["", "AAAA", "not base64", &proof["PASSWORD_CLAIM_SIGNATURE"].to_string()] {
        answers(&app, None, &with("PASSWORD_CLAIM_SECRET_BLOCK", block)).await.refused(WRONG.0, WRONG.1);
    }
    answers(&app, None, &with("PASSWORD_CLAIM_SIGNATURE", "%%%")).await.refused(WRONG.0, WRONG.1);
    answers(&app, None, &with("TIMESTAMP", "now")).await.refused_as("InvalidParameterException");
    let stale = with("TIMESTAMP", "Fri Jan 2 02:04:05 UTC 2026");
    answers(&app, None, &stale).await.refused(WRONG.0, WRONG.1);
    // None of that has spent the challenge.
    answers(&app, None, &proof).await.ok();
}

#[tokio::test]
async fn a_proof_comes_in_time() {
    let server = TestServer::start().await;
    let app = place(&server).await;
    let client = SrpClient::new();
    let asked = begins(&app, &client, BOB).await.ok();
    server.clock.advance(181_000);
    let proof = client.proves(&app.pool_id, &asked["ChallengeParameters"], RIGHT, server.clock.now());
    answers(&app, None, &proof)
        .await
        .refused("NotAuthorizedException", "Invalid session for the user, session is expired.");
}

#[tokio::test]
async fn a_value_that_would_give_the_key_away_is_refused() {
    let server = TestServer::start().await;
    let app = place(&server).await;
    let client = SrpClient::new();
    let prime = SrpClient::prime_text();
    for value in ["0", "00000000", &prime, "", "xyz", "-1"] {
        let mut client = SrpClient::new();
        client.value = value.into();
        begins(&app, &client, BOB).await.refused_as("InvalidParameterException");
    }
    let parameters = json!({ "USERNAME": BOB });
    app.public("InitiateAuth", json!({ "AuthFlow": "USER_SRP_AUTH", "AuthParameters": parameters }))
        .await
        .refused("InvalidParameterException", "Missing required parameter SRP_A");
    let other = app.second_client().await;
    begins(&other, &client, BOB)
        .await
        .refused("InvalidParameterException", "USER_SRP_AUTH flow not enabled for this client");
}

#[tokio::test]
async fn a_password_is_proven_by_choice_in_each_way() {
    let server = TestServer::start().await;
    let app = place(&server).await;
    let client = SrpClient::new();
    let prove = async |asked: &Value| {
        assert_eq!(asked["ChallengeName"], "PASSWORD_VERIFIER");
        let proof = client.proves(&app.pool_id, &asked["ChallengeParameters"], RIGHT, server.clock.now());
        answers(&app, Some(&asked["Session"]), &proof).await.ok()
    };
    let reply = async |asked: &Value, responses: Value| {
        let body = json!({
            "ChallengeName": asked["ChallengeName"], "Session": asked["Session"],
            "ChallengeResponses": responses,
        });
        app.public("RespondToAuthChallenge", body).await.ok()
    };
    let begin = async |parameters: Value| {
        let body = json!({ "AuthFlow": "USER_AUTH", "AuthParameters": parameters });
        app.public("InitiateAuth", body).await.ok()
    };
    let value = &client.value;
    let preferred = "PASSWORD_SRP";

    let asked = begin(json!({ "USERNAME": BOB, "PREFERRED_CHALLENGE": preferred, "SRP_A": value })).await;
    prove(&asked).await;

    let asked = begin(json!({ "USERNAME": BOB, "PREFERRED_CHALLENGE": preferred })).await;
    assert_eq!(asked["ChallengeName"], "PASSWORD_SRP");
    prove(&reply(&asked, json!({ "USERNAME": BOB, "SRP_A": value })).await).await;

    let choice = begin(json!({ "USERNAME": BOB })).await;
    assert_eq!(choice["AvailableChallenges"], json!(["PASSWORD_SRP", "PASSWORD", "EMAIL_OTP"]));
    let responses = json!({ "USERNAME": BOB, "ANSWER": preferred, "SRP_A": value });
    prove(&reply(&choice, responses).await).await;

    let choice = begin(json!({ "USERNAME": BOB })).await;
    let asked = reply(&choice, json!({ "USERNAME": BOB, "ANSWER": preferred })).await;
    assert_eq!(asked["ChallengeName"], "PASSWORD_SRP");
    prove(&reply(&asked, json!({ "USERNAME": BOB, "SRP_A": value })).await).await;
}

#[tokio::test]
async fn nobody_is_asked_like_somebody_and_fails_and_locks_alike() {
    let server = TestServer::start().await;
    let app = place(&server).await;
    app.person("codes@example.com").await;
    let shape = |asked: &Value| {
        let parameters = asked["ChallengeParameters"].as_object().expect("parameters");
        let told: Vec<(String, bool)> = parameters
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().is_some_and(|value| !value.is_empty())))
            .collect();
        (asked["ChallengeName"].clone(), told, text(asked, "/ChallengeParameters/SALT").len())
    };
    let client = SrpClient::new();
    let bob = begins(&app, &client, BOB).await.ok();
    let id = text(&bob, "/ChallengeParameters/USER_ID_FOR_SRP");
    for name in [NOBODY, "codes@example.com"] {
        let first = begins(&app, &client, name).await.ok();
        let second = begins(&app, &client, name).await.ok();
        assert_eq!(shape(&first), shape(&bob));
        for steady in ["SALT", "USER_ID_FOR_SRP"] {
            assert_eq!(first["ChallengeParameters"][steady], second["ChallengeParameters"][steady]);
        }
        assert_ne!(first["ChallengeParameters"]["SRP_B"], second["ChallengeParameters"]["SRP_B"]);
        assert_eq!(text(&first, "/ChallengeParameters/USER_ID_FOR_SRP").len(), id.len());
    }
    for name in [NOBODY, BOB] {
        for _ in 0..5 {
            signs_in(&app, name, "Wrong-horse-1").await.refused(WRONG.0, WRONG.1);
        }
        begins(&app, &client, name).await.refused("NotAuthorizedException", "Password attempts exceeded");
    }
    // Both ways of giving a password count together.
    let parameters = json!({ "USERNAME": BOB, "PASSWORD": RIGHT });
    app.public("InitiateAuth", json!({ "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters }))
        .await
        .refused("NotAuthorizedException", "Password attempts exceeded");
    server.clock.advance(1_100);
    signs_in(&app, BOB, RIGHT).await.ok();
}

#[tokio::test]
async fn a_temporary_password_is_proven_and_replaced() {
    let server = TestServer::start().await;
    let app = place(&server).await;
    let given = json!({ "Username": BOB, "Password": "Temporary-1", "Permanent": false });
    let client = SrpClient::new();
    let old = begins(&app, &client, BOB).await.ok();
    app.signed("AdminSetUserPassword", given).await.ok();
    // The challenge of before the change proves nothing any more.
    let proof = client.proves(&app.pool_id, &old["ChallengeParameters"], RIGHT, server.clock.now());
    answers(&app, None, &proof).await.refused(WRONG.0, WRONG.1);

    let asked = signs_in(&app, BOB, "Temporary-1").await.ok();
    assert_eq!(asked["ChallengeName"], "NEW_PASSWORD_REQUIRED");
    let responses = json!({ "USERNAME": BOB, "NEW_PASSWORD": "Brand-new-1" });
    let body = json!({
        "ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": asked["Session"], "ChallengeResponses": responses,
    });
    app.public("RespondToAuthChallenge", body).await.ok();
    signs_in(&app, BOB, "Brand-new-1").await.ok();
    signs_in(&app, BOB, "Temporary-1").await.refused(WRONG.0, WRONG.1);
}

#[tokio::test]
async fn an_administrator_proves_a_password_for_somebody_who_signed_up() {
    let server = TestServer::start().await;
    let app = place(&server).await;
    let attributes = json!([{ "Name": "email", "Value": "new@example.com" }]);
    let body = json!({ "Username": "new@example.com", "Password": RIGHT, "UserAttributes": attributes });
    app.public("SignUp", body).await.ok();
    app.signed("AdminConfirmSignUp", json!({ "Username": "new@example.com" })).await.ok();

    let client = SrpClient::new();
    let parameters = json!({ "USERNAME": "new@example.com", "SRP_A": client.value });
    let body = json!({
        "ClientId": app.client_id, "AuthFlow": "USER_SRP_AUTH", "AuthParameters": parameters,
    });
    let asked = app.signed("AdminInitiateAuth", body).await.ok();
    let proof = client.proves(&app.pool_id, &asked["ChallengeParameters"], RIGHT, server.clock.now());
    let body = json!({
        "ClientId": app.client_id, "ChallengeName": "PASSWORD_VERIFIER", "ChallengeResponses": proof,
    });
    let answer = app.signed("AdminRespondToAuthChallenge", body).await.ok();
    assert!(answer["AuthenticationResult"]["AccessToken"].is_string());
}
