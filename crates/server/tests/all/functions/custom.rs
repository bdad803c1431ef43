//! Custom authentication: three functions that define, make and judge challenges of the pool's own, alone and behind a
//! password.

use super::{futures_of, house};
use crate::story::{App, Challenge, Reply, challenge};
use crate::support::{Does, Lambda, SrpClient, TestServer, answering};
use serde_json::{Value, json};

const DEFINE: (&str, &str) = ("DefineAuthChallenge", "define");
const CREATE: (&str, &str) = ("CreateAuthChallenge", "create");
const VERIFY: (&str, &str) = ("VerifyAuthChallengeResponse", "verify");
const WRONG: (&str, &str) = ("NotAuthorizedException", "Incorrect username or password.");

/// A pool that asks for a colour, three times at most.
async fn place<'a>(server: &'a TestServer, lambda: &Lambda) -> App<'a> {
    place_with(server, lambda, json!({})).await
}

async fn place_with<'a>(server: &'a TestServer, lambda: &Lambda, mut settings: Value) -> App<'a> {
    let config = super::config(lambda, &[DEFINE, CREATE, VERIFY]);
    let flows = json!(["ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_AUTH"]);
    let client = json!({ "ExplicitAuthFlows": flows });
    lambda.on("define", |event| {
        let past = event["request"]["session"].as_array().expect("a session").clone();
        let members = match past.last() {
            Some(last) if last["challengeName"] == "SRP_A" => json!({ "challengeName": "PASSWORD_VERIFIER" }),
            Some(last) if last["challengeName"] == "CUSTOM_CHALLENGE" && last["challengeResult"] == true => {
                json!({ "issueTokens": true })
            }
            _ if past.iter().filter(|past| past["challengeName"] == "CUSTOM_CHALLENGE").count() >= 3 => {
                json!({ "failAuthentication": true })
            }
            _ => json!({ "challengeName": "CUSTOM_CHALLENGE" }),
        };
        answering(event, &members)
    });
    lambda.fills(
        "create",
        json!({
            "publicChallengeParameters": { "question": "Your colour?" },
            "privateChallengeParameters": { "answer": "teal" },
            "challengeMetadata": "COLOUR",
        }),
    );
    lambda.on("verify", |event| {
        let right =
            event["request"]["challengeAnswer"] == event["request"]["privateChallengeParameters"]["answer"];
        answering(event, &json!({ "answerCorrect": right }))
    });
    settings["LambdaConfig"] = config;
    App::with(server, settings, client).await
}

async fn begins(app: &App<'_>, name: &str) -> Reply {
    app.public("InitiateAuth", json!({ "AuthFlow": "CUSTOM_AUTH", "AuthParameters": { "USERNAME": name } }))
        .await
}

async fn says(app: &App<'_>, challenge: &Challenge, name: &str, answer: &str) -> Reply {
    app.public(
        "RespondToAuthChallenge",
        json!({
            "ChallengeName": challenge.name,
            "Session": challenge.session,
            "ChallengeResponses": { "USERNAME": name, "ANSWER": answer },
            "ClientMetadata": { "shop": "north" },
        }),
    )
    .await
}

#[tokio::test]
async fn functions_ask_and_judge_until_somebody_is_in() {
    let (lambda, server) = house().await;
    let app = place(&server, &lambda).await;
    let ann = app.person("ann@example.com").await;
    let asked = begins(&app, "ann@example.com").await.ok();
    assert_eq!(asked["ChallengeName"], "CUSTOM_CHALLENGE");
    assert_eq!(asked["ChallengeParameters"], json!({ "question": "Your colour?", "USERNAME": ann }));
    let first = challenge(&asked);

    let again = says(&app, &first, "ann@example.com", "blue").await.ok();
    assert_eq!(again["ChallengeName"], "CUSTOM_CHALLENGE");
    let second = challenge(&again);
    assert_ne!(first.session, second.session);
    says(&app, &first, "ann@example.com", "teal")
        .await
        .refused("NotAuthorizedException", "Invalid session for the user, session can only be used once.");
    let signed_in = says(&app, &second, "ann@example.com", "teal").await.ok();
    assert!(signed_in["AuthenticationResult"]["IdToken"].is_string());

    let past = |right: bool| json!({ "challengeName": "CUSTOM_CHALLENGE", "challengeResult": right, "challengeMetadata": "COLOUR" });
    let defined = lambda.events("define");
    assert_eq!(defined[2]["request"]["session"], json!([past(false), past(true)]));
    assert_eq!(defined[2]["request"]["clientMetadata"], json!({ "shop": "north" }));
    assert_eq!(
        lambda.sources(),
        [
            "DefineAuthChallenge_Authentication",
            "CreateAuthChallenge_Authentication",
            "VerifyAuthChallengeResponse_Authentication",
            "DefineAuthChallenge_Authentication",
            "CreateAuthChallenge_Authentication",
            "VerifyAuthChallengeResponse_Authentication",
            "DefineAuthChallenge_Authentication",
        ]
    );
}

#[tokio::test]
async fn the_functions_say_when_it_is_enough() {
    let (lambda, server) = house().await;
    let app = place(&server, &lambda).await;
    app.person("ann@example.com").await;
    let mut asked = challenge(&begins(&app, "ann@example.com").await.ok());
    for _ in 0..2 {
        asked = challenge(&says(&app, &asked, "ann@example.com", "blue").await.ok());
    }
    says(&app, &asked, "ann@example.com", "blue").await.refused(WRONG.0, WRONG.1);
    says(&app, &asked, "ann@example.com", "teal").await.refused_as("NotAuthorizedException");
}

#[tokio::test]
async fn one_challenge_is_judged_once_however_many_answers_come_at_a_time() {
    let (lambda, server) = house().await;
    let app = place(&server, &lambda).await;
    app.person("ann@example.com").await;
    let asked = challenge(&begins(&app, "ann@example.com").await.ok());
    let guesses = ["red", "teal", "blue", "pink", "grey", "teal"];
    let replies = futures_of(guesses.iter().map(|guess| says(&app, &asked, "ann@example.com", guess))).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 1);
    assert_eq!(lambda.events("verify").len(), 1);
}

#[tokio::test]
async fn nobody_is_asked_like_somebody_and_never_gets_in() {
    let (lambda, server) = house().await;
    let app = place(&server, &lambda).await;
    let asked = begins(&app, "nobody@example.com").await.ok();
    assert_eq!(asked["ChallengeName"], "CUSTOM_CHALLENGE");
    assert!(lambda.events("define").iter().all(|event| event["request"]["userNotFound"] == true));
    says(&app, &challenge(&asked), "nobody@example.com", "teal").await.refused(WRONG.0, WRONG.1);
}

#[tokio::test]
async fn a_challenge_belongs_to_its_person_and_dies_in_time() {
    let (lambda, server) = house().await;
    let app = place(&server, &lambda).await;
    app.person("ann@example.com").await;
    app.person("ben@example.com").await;
    let asked = challenge(&begins(&app, "ann@example.com").await.ok());
    says(&app, &asked, "ben@example.com", "teal")
        .await
        .refused("NotAuthorizedException", "Invalid session for the user.");
    let as_code = Challenge { name: "EMAIL_OTP".into(), session: asked.session.clone() };
    app.answers("ann@example.com", &as_code, "12345678").await.refused_as("NotAuthorizedException");
    server.clock.advance(3 * 60_000 + 1);
    says(&app, &asked, "ann@example.com", "teal")
        .await
        .refused("NotAuthorizedException", "Invalid session for the user, session is expired.");
    assert!(lambda.events("verify").is_empty());
}

#[tokio::test]
async fn a_function_that_fails_or_talks_nonsense_lets_nobody_in() {
    let (lambda, server) = house().await;
    let app = place(&server, &lambda).await;
    app.person("ann@example.com").await;
    for nonsense in
        [json!({}), json!({ "challengeName": "NO_SUCH_CHALLENGE" }), json!({ "issueTokens": "yes" })]
    {
        let (other, server) = house().await;
        let app = place(&server, &other).await;
        app.person("ann@example.com").await;
        other.fills("define", nonsense);
        begins(&app, "ann@example.com")
            .await
            .refused("InvalidLambdaResponseException", "Unrecognizable lambda output");
    }
    let asked = challenge(&begins(&app, "ann@example.com").await.ok());
    lambda.on("verify", |_| Does::Throws("No idea"));
    says(&app, &asked, "ann@example.com", "teal")
        .await
        .refused("UserLambdaValidationException", "VerifyAuthChallengeResponse failed with error No idea.");
    lambda.fills("create", json!({ "publicChallengeParameters": { "n": 1 } }));
    begins(&app, "ann@example.com")
        .await
        .refused("InvalidLambdaResponseException", "Unrecognizable lambda output");
}

#[tokio::test]
async fn a_pool_without_the_functions_has_no_such_way() {
    let server = TestServer::start().await;
    let client = json!({ "ExplicitAuthFlows": ["ALLOW_CUSTOM_AUTH"] });
    let app = App::with(&server, json!({}), client).await;
    begins(&app, "ann@example.com").await.refused(
        "InvalidParameterException",
        "Custom auth lambda trigger is not configured for the user pool.",
    );
}

const PASSWORD: &str = "Correct-horse-1";

/// Begins with the opening of SRP, so that the functions can ask for a password first.
async fn begins_with_password(app: &App<'_>, client: &SrpClient, name: &str) -> Reply {
    let parameters = json!({ "USERNAME": name, "CHALLENGE_NAME": "SRP_A", "SRP_A": client.value });
    app.public("InitiateAuth", json!({ "AuthFlow": "CUSTOM_AUTH", "AuthParameters": parameters })).await
}

/// Goes as far as a password leads.
async fn by_password(app: &App<'_>, name: &str, password: &str) -> Reply {
    let client = SrpClient::new();
    let asked = begins_with_password(app, &client, name).await.ok();
    let now = app.server.clock.now();
    let proof = client.proves(&app.pool_id, &asked["ChallengeParameters"], password, now);
    app.replies(&challenge(&asked), proof).await
}

#[tokio::test]
async fn functions_ask_behind_a_password_that_is_proven() {
    let (lambda, server) = house().await;
    let app = place(&server, &lambda).await;
    app.person("ann@example.com").await;
    app.password("ann@example.com", PASSWORD).await;
    let client = SrpClient::new();
    let asked = begins_with_password(&app, &client, "ann@example.com").await.ok();
    assert_eq!(asked["ChallengeName"], "PASSWORD_VERIFIER");
    let opened = json!({ "challengeName": "SRP_A", "challengeResult": true, "challengeMetadata": null });
    assert_eq!(lambda.events("define")[0]["request"]["session"], json!([opened]));
    assert!(lambda.events("create").is_empty());

    let proof = client.proves(&app.pool_id, &asked["ChallengeParameters"], PASSWORD, server.clock.now());
    let next = app.replies(&challenge(&asked), proof.clone()).await.ok();
    assert_eq!(next["ChallengeName"], "CUSTOM_CHALLENGE");
    assert_eq!(next["ChallengeParameters"]["question"], "Your colour?");
    let proven =
        json!({ "challengeName": "PASSWORD_VERIFIER", "challengeResult": true, "challengeMetadata": null });
    assert_eq!(lambda.events("define")[1]["request"]["session"], json!([opened, proven]));
    // The proof serves once.
    app.replies(&challenge(&asked), proof)
        .await
        .refused("NotAuthorizedException", "Invalid session for the user, session can only be used once.");

    let again = says(&app, &challenge(&next), "ann@example.com", "blue").await.ok();
    assert_eq!(again["ChallengeName"], "CUSTOM_CHALLENGE");
    let signed_in = says(&app, &challenge(&again), "ann@example.com", "teal").await.ok();
    assert!(signed_in["AuthenticationResult"]["IdToken"].is_string());
    let session = lambda.events("define").last().expect("an event")["request"]["session"].clone();
    assert_eq!(session.as_array().map(Vec::len), Some(4));
    assert_eq!(session[1], proven);
}

#[tokio::test]
async fn a_wrong_password_ends_it_before_the_functions_are_asked_again() {
    let (lambda, server) = house().await;
    let app = place(&server, &lambda).await;
    app.person("ann@example.com").await;
    app.password("ann@example.com", PASSWORD).await;
    for name in ["ann@example.com", "nobody@example.com"] {
        lambda.forget();
        by_password(&app, name, "Wrong-horse-1").await.refused(WRONG.0, WRONG.1);
        assert_eq!(lambda.sources(), ["DefineAuthChallenge_Authentication"], "{name}");
    }
    // Wrong ones count like those of any password sign-in.
    for _ in 0..4 {
        by_password(&app, "ann@example.com", "Wrong-horse-1").await.refused(WRONG.0, WRONG.1);
    }
    begins_with_password(&app, &SrpClient::new(), "ann@example.com")
        .await
        .refused("NotAuthorizedException", "Password attempts exceeded");
}

#[tokio::test]
async fn a_temporary_password_is_replaced_and_the_functions_still_ask() {
    let (lambda, server) = house().await;
    let app = place(&server, &lambda).await;
    let invited = json!({
        "Username": "ann@example.com", "TemporaryPassword": PASSWORD, "MessageAction": "SUPPRESS",
        "UserAttributes": [{ "Name": "email", "Value": "ann@example.com" }],
    });
    app.signed("AdminCreateUser", invited).await.ok();
    let asked = by_password(&app, "ann@example.com", PASSWORD).await.ok();
    assert_eq!(asked["ChallengeName"], "NEW_PASSWORD_REQUIRED");
    let renewed = json!({ "USERNAME": "ann@example.com", "NEW_PASSWORD": "Battery-staple-2" });
    let next = app.replies(&challenge(&asked), renewed).await.ok();
    assert_eq!(next["ChallengeName"], "CUSTOM_CHALLENGE");
    says(&app, &challenge(&next), "ann@example.com", "teal").await.ok();
}

#[tokio::test]
async fn functions_cannot_ask_for_the_proof_of_a_password_that_was_never_opened() {
    let (lambda, server) = house().await;
    let app = place(&server, &lambda).await;
    app.person("ann@example.com").await;
    lambda.fills("define", json!({ "challengeName": "PASSWORD_VERIFIER" }));
    let words = ("InvalidLambdaResponseException", "Unrecognizable lambda output");
    begins(&app, "ann@example.com").await.refused(words.0, words.1);
    // Nor twice.
    app.password("ann@example.com", PASSWORD).await;
    by_password(&app, "ann@example.com", PASSWORD).await.refused(words.0, words.1);

    // They may do without it, and judge by themselves who gets in.
    lambda.fills("define", json!({ "challengeName": "CUSTOM_CHALLENGE" }));
    let asked = begins_with_password(&app, &SrpClient::new(), "ann@example.com").await.ok();
    assert_eq!(asked["ChallengeName"], "CUSTOM_CHALLENGE");
    let parameters = json!({ "USERNAME": "ann@example.com", "CHALLENGE_NAME": "SRP_A" });
    app.public("InitiateAuth", json!({ "AuthFlow": "CUSTOM_AUTH", "AuthParameters": parameters }))
        .await
        .refused("InvalidParameterException", "Missing required parameter SRP_A");
}

/// Gives the right answer from an address, which the app's server tells.
async fn gives_it_from(app: &App<'_>, name: &str, address: &str) -> Reply {
    let context =
        json!({ "IpAddress": address, "ServerName": "shop.example", "ServerPath": "/", "HttpHeaders": [] });
    app.server.clock.advance(1_000);
    let begin = json!({
        "ClientId": app.client_id, "AuthFlow": "CUSTOM_AUTH", "AuthParameters": { "USERNAME": name },
        "ContextData": context,
    });
    let asked = challenge(&app.signed("AdminInitiateAuth", begin).await.ok());
    let answer = json!({
        "ClientId": app.client_id, "ChallengeName": asked.name, "Session": asked.session,
        "ChallengeResponses": { "USERNAME": name, "ANSWER": "teal" }, "ContextData": context,
    });
    app.signed("AdminRespondToAuthChallenge", answer).await
}

#[tokio::test]
async fn sign_ins_by_functions_are_judged_in_a_mode_of_their_own() {
    let (lambda, server) = house().await;
    let watches = |custom: Value| {
        let mode = json!({ "AdvancedSecurityMode": "ENFORCED", "AdvancedSecurityAdditionalFlows": custom });
        json!({ "UserPoolTier": "PLUS", "UserPoolAddOns": mode })
    };
    for (custom, is_blocked, level) in [
        (json!({}), false, Value::Null),
        (json!({ "CustomAuthMode": "AUDIT" }), false, json!("Low")),
        (json!({ "CustomAuthMode": "ENFORCED" }), true, json!("Low")),
    ] {
        let app = place_with(&server, &lambda, watches(custom)).await;
        app.person("ann@example.com").await;
        let low = json!({ "LowAction": { "EventAction": "BLOCK", "Notify": false } });
        let set = json!({ "AccountTakeoverRiskConfiguration": { "Actions": low } });
        app.signed("SetRiskConfiguration", set).await.ok();
        gives_it_from(&app, "ann@example.com", "192.0.2.7").await.ok();
        let elsewhere = gives_it_from(&app, "ann@example.com", "198.51.100.9").await;
        match is_blocked {
            true => {
                elsewhere.refused("NotAuthorizedException", "Unable to login because of security reasons.")
            }
            false => assert!(elsewhere.ok()["AuthenticationResult"]["IdToken"].is_string()),
        }
        let listed =
            app.signed("AdminListUserAuthEvents", json!({ "Username": "ann@example.com" })).await.ok();
        assert_eq!(listed["AuthEvents"][0]["EventRisk"]["RiskLevel"], level);
    }
}
