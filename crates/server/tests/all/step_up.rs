//! Levels of authentication as an app asks for them: reached by factors that lead there, told in the tokens, and never
//! given for less.

use crate::devices;
use crate::mfa::{ALICE, BOB, PASSWORD, access_token, pool, sets_up};
use crate::story::{App, Reply, challenge, claims, text};
use crate::support::TestServer;
use postern_pools::auth::challenge::Handle;
use postern_store::auth::ChallengeRow;
use serde_json::{Value, json};

const SHORT: (&str, &str) = ("InvalidParameterException", "User has no MFA method that can be used.");

/// Begins by choice, towards these levels.
async fn begins(app: &App<'_>, name: &str, targets: &str, more: Value) -> Reply {
    app.server.clock.advance(1);
    let mut parameters = json!({ "USERNAME": name, "TARGET_ACR_VALUES": targets });
    for (name, value) in more.as_object().expect("parameters") {
        parameters[name] = value.clone();
    }
    app.public("InitiateAuth", json!({ "AuthFlow": "USER_AUTH", "AuthParameters": parameters })).await
}

fn by_password() -> Value {
    json!({ "PREFERRED_CHALLENGE": "PASSWORD", "PASSWORD": PASSWORD })
}

/// What both tokens of an answer say of the level and the ways.
fn told(answer: &Value) -> [(Value, Value); 2] {
    ["IdToken", "AccessToken"].map(|token| {
        let claims = claims(&text(answer, &format!("/AuthenticationResult/{token}")));
        (claims["acr"].clone(), claims["amr"].clone())
    })
}

/// What a newer node asks for and this one cannot read is not dropped.
#[tokio::test]
async fn a_challenge_that_cannot_be_read_opens_nothing() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    let sign_up = json!({
        "Username": "new@example.com",
        "UserAttributes": [{ "Name": "email", "Value": "new@example.com" }],
    });
    app.public("SignUp", sign_up).await.ok();
    let confirm =
        json!({ "Username": "new@example.com", "ConfirmationCode": app.code("new@example.com").await });
    let session = text(&app.public("ConfirmSignUp", confirm).await.ok(), "/Session");
    let fresh = Handle::fresh(server.app.store.keys(), server.clock.now());
    let changed: anyhow::Result<()> = server
        .app
        .store
        .write(move |tx| {
            let macs = Handle::macs(tx.keys(), &session);
            let row = tx.find_challenge(&macs)?.expect("a challenge");
            let facts = r#"{"goal":{"level":"beyond","voluntary":false}}"#.to_owned();
            tx.add_challenge(&ChallengeRow { handle_mac: fresh.mac.to_vec(), facts, ..row })
        })
        .await;
    changed.expect("written");
    let begin = json!({
        "AuthFlow": "USER_AUTH", "AuthParameters": { "USERNAME": "new@example.com" }, "Session": fresh.text,
    });
    assert_eq!(app.public("InitiateAuth", begin).await.status, 500);
}

#[tokio::test]
async fn tokens_tell_the_level_to_who_asked_for_one_and_go_on_telling_it() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    app.person(ALICE).await;
    app.password(ALICE, PASSWORD).await;
    let signed_in = begins(&app, ALICE, "urn:cognito:loa:1", by_password()).await.ok();
    let said = (json!("urn:cognito:loa:1"), json!(["pwd"]));
    assert_eq!(told(&signed_in), [said.clone(), said.clone()]);
    let token = text(&signed_in, "/AuthenticationResult/RefreshToken");
    let refreshed = app.public("GetTokensFromRefreshToken", json!({ "RefreshToken": token })).await.ok();
    assert_eq!(told(&refreshed), [said.clone(), said]);

    // Whoever asks for nothing is told nothing new.
    let begin = json!({ "USERNAME": ALICE, "PREFERRED_CHALLENGE": "PASSWORD", "PASSWORD": PASSWORD });
    let body = json!({ "AuthFlow": "USER_AUTH", "AuthParameters": begin });
    let plain = app.public("InitiateAuth", body).await.ok();
    assert_eq!(told(&plain), [(Value::Null, json!(["pwd"])), (Value::Null, Value::Null)]);

    // The best that can be reached counts, and names that mean nothing are passed over.
    let asked = begins(&app, ALICE, "urn:cognito:loa:4 gold urn:cognito:loa:2", json!({})).await.ok();
    assert_eq!(asked["AvailableChallenges"], json!(["EMAIL_OTP"]), "a password does not lead there");
    let asked =
        begins(&app, ALICE, "urn:cognito:loa:2", json!({ "PREFERRED_CHALLENGE": "EMAIL_OTP" })).await.ok();
    let code = app.code(ALICE).await;
    let signed_in = app.answers(ALICE, &challenge(&asked), &code).await.ok();
    let said = (json!("urn:cognito:loa:2"), json!(["otp", "email_otp"]));
    assert_eq!(told(&signed_in), [said.clone(), said]);
}

#[tokio::test]
async fn the_fourth_level_takes_a_password_and_an_authenticator() {
    let server = TestServer::start().await;
    let app = pool(&server, "OPTIONAL").await;
    let authenticator = sets_up(&app, &access_token(&app, ALICE).await).await;
    // Hers is there, but she is not asked for it by herself.
    let off = json!({ "Username": ALICE, "SoftwareTokenMfaSettings": { "Enabled": false } });
    app.signed("AdminSetUserMFAPreference", off).await.ok();
    access_token(&app, ALICE).await;
    let asked = begins(&app, ALICE, "urn:cognito:loa:4", by_password()).await.ok();
    assert_eq!(asked["ChallengeName"], "SOFTWARE_TOKEN_MFA");
    let code = authenticator.next_code(&server);
    let answer = json!({ "USERNAME": ALICE, "SOFTWARE_TOKEN_MFA_CODE": code });
    let signed_in = app.replies(&challenge(&asked), answer).await.ok();
    let said = (json!("urn:cognito:loa:4"), json!(["pwd", "otp", "mfa"]));
    assert_eq!(told(&signed_in), [said.clone(), said]);

    // Who has none gets no further than the password; who has no password, or is nobody, is told nothing.
    begins(&app, BOB, "urn:cognito:loa:4", by_password()).await.refused(SHORT.0, SHORT.1);
    let wrong = json!({ "PREFERRED_CHALLENGE": "PASSWORD", "PASSWORD": "Wrong-horse-1" });
    for name in [ALICE, BOB, "nobody@example.com"] {
        begins(&app, name, "urn:cognito:loa:4", wrong.clone())
            .await
            .refused(devices::WRONG.0, devices::WRONG.1);
        let asked =
            begins(&app, name, "urn:cognito:loa:4", json!({ "PREFERRED_CHALLENGE": "PASSWORD" })).await.ok();
        assert_eq!(asked["ChallengeName"], "PASSWORD");
    }
}

/// F1: nothing that stands in for a factor lowers the level.
#[tokio::test]
async fn a_remembered_device_does_not_reach_a_level() {
    let server = TestServer::start().await;
    let app = devices::pool(&server, "OPTIONAL", devices::always()).await;
    let (authenticator, device) = devices::with_device(&app, ALICE).await;
    let mut on_it = by_password();
    on_it["DEVICE_KEY"] = device.key.clone().into();
    let asked = begins(&app, ALICE, "urn:cognito:loa:4", on_it.clone()).await.ok();
    assert_eq!(asked["ChallengeName"], "SOFTWARE_TOKEN_MFA");
    let code = authenticator.next_code(&server);
    let answer = json!({ "USERNAME": ALICE, "SOFTWARE_TOKEN_MFA_CODE": code });
    let asked = app.replies(&challenge(&asked), answer).await.ok();
    let signed_in = devices::proves(&app, ALICE, &asked, &device).await.ok();
    assert_eq!(told(&signed_in)[1].0, "urn:cognito:loa:4");
    // For the first level it does as ever, and the tokens say no more than that.
    let asked = begins(&app, ALICE, "urn:cognito:loa:1", on_it).await.ok();
    let signed_in = devices::proves(&app, ALICE, &asked, &device).await.ok();
    assert_eq!(told(&signed_in)[1].0, "urn:cognito:loa:1");
}

#[tokio::test]
async fn an_app_steps_up_from_a_sign_in_of_the_same_user_that_is_short_of_the_level() {
    let server = TestServer::start().await;
    let app = pool(&server, "OPTIONAL").await;
    let signed_in = begins(&app, ALICE, "urn:cognito:loa:1", by_password()).await.ok();
    let token = text(&signed_in, "/AuthenticationResult/AccessToken");
    let from = |token: &str, max_age: Option<&str>| {
        let mut more = by_password();
        more["ACCESS_TOKEN"] = token.into();
        if let Some(max_age) = max_age {
            more["MAX_AGE"] = max_age.into();
        }
        more
    };
    let satisfied = "The requested authentication level is already satisfied.";
    for max_age in [None, Some("60")] {
        begins(&app, ALICE, "urn:cognito:loa:1", from(&token, max_age))
            .await
            .refused("InvalidParameterException", satisfied);
    }
    server.clock.advance(61_000);
    begins(&app, ALICE, "urn:cognito:loa:1", from(&token, Some("60"))).await.ok();
    let authenticator = sets_up(&app, &access_token(&app, ALICE).await).await;
    let asked =
        begins(&app, ALICE, "urn:cognito:loa:4", from(&access_token_again(&app, &authenticator).await, None));
    asked.await.refused("InvalidParameterException", satisfied);
    // A token of somebody else, and none at all, step up nothing.
    let bobs = access_token(&app, BOB).await;
    for token in [bobs.as_str(), "nonsense"] {
        begins(&app, ALICE, "urn:cognito:loa:4", from(token, None))
            .await
            .refused("NotAuthorizedException", "Invalid Access Token");
    }
}

/// Signs Alice in with her authenticator.
async fn access_token_again(
    app: &App<'_>,
    authenticator: &crate::support::authenticator::Authenticator,
) -> String {
    let signed_in = devices::signs_in_by_code(app, ALICE, authenticator).await;
    text(&signed_in, "/AuthenticationResult/AccessToken")
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_refused() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    app.person(ALICE).await;
    for (targets, more, words) in [
        ("gold", json!({}), "TARGET_ACR_VALUES names no authentication level of the user pool."),
        ("", json!({}), "TARGET_ACR_VALUES names no authentication level of the user pool."),
        ("urn:cognito:loa:4", json!({}), "No level in TARGET_ACR_VALUES can be reached in the user pool."),
        ("urn:cognito:loa:1", json!({ "MAX_AGE": "soon" }), "MAX_AGE must be a number of seconds."),
    ] {
        begins(&app, ALICE, targets, more).await.refused("InvalidParameterException", words);
    }
    for (name, value) in [("ACCESS_TOKEN", "x"), ("MAX_AGE", "1")] {
        let mut parameters = json!({ "USERNAME": ALICE });
        parameters[name] = value.into();
        let words = format!("{name} can be used with TARGET_ACR_VALUES only.");
        app.public("InitiateAuth", json!({ "AuthFlow": "USER_AUTH", "AuthParameters": parameters }))
            .await
            .refused("InvalidParameterException", &words);
    }
    let parameters =
        json!({ "USERNAME": ALICE, "PASSWORD": PASSWORD, "TARGET_ACR_VALUES": "urn:cognito:loa:1" });
    app.public("InitiateAuth", json!({ "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters }))
        .await
        .refused("InvalidParameterException", "TARGET_ACR_VALUES can be used with the USER_AUTH flow only.");

    let factors = json!({ "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD"] } });
    let lite = App::with(&server, json!({ "UserPoolTier": "LITE", "Policies": factors }), json!({})).await;
    let words = "Step-up authentication is not available in the Lite tier.";
    begins(&lite, ALICE, "urn:cognito:loa:1", json!({}))
        .await
        .refused("FeatureUnavailableInTierException", words);
    let parameters = json!({ "USERNAME": ALICE, "TARGET_ACR_VALUES": "urn:cognito:loa:1" });
    let body = json!({
        "ClientId": lite.client_id, "AuthFlow": "USER_AUTH", "AuthParameters": parameters,
    });
    lite.signed("AdminInitiateAuth", body).await.refused("FeatureUnavailableInTierException", words);
}

#[tokio::test]
async fn a_pool_gives_its_levels_names_of_its_own() {
    let server = TestServer::start().await;
    let names = json!({ "Level1": { "AcrValue": "urn:acme:plain" } });
    let app = App::with(&server, json!({ "AcrConfiguration": names }), json!({})).await;
    let described = app.signed("DescribeUserPool", json!({})).await.ok();
    assert_eq!(described["UserPool"]["AcrConfiguration"], names);
    app.person(ALICE).await;
    app.password(ALICE, PASSWORD).await;
    let signed_in = begins(&app, ALICE, "urn:acme:plain", by_password()).await.ok();
    assert_eq!(told(&signed_in)[0].0, "urn:acme:plain");
    begins(&app, ALICE, "urn:cognito:loa:1", by_password()).await.refused_as("InvalidParameterException");

    let twice = json!({ "Level1": { "AcrValue": "same" }, "Level2": { "AcrValue": "same" } });
    app.signed("UpdateUserPool", json!({ "AcrConfiguration": twice })).await.refused(
        "InvalidParameterException",
        "AcrConfiguration must have a value of its own for each level.",
    );
    let factors = json!({ "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD"] } });
    let lite =
        json!({ "PoolName": "lite", "UserPoolTier": "LITE", "Policies": factors, "AcrConfiguration": names });
    let words = server.signed("CreateUserPool", lite).await.refused("FeatureUnavailableInTierException");
    assert_eq!(words, "AcrConfiguration is not available in the Lite tier.");
}
