//! The function that customises tokens (PreTokenGeneration), in its versions, at every way to tokens.

use super::{app, house};
use crate::story::{App, text};
use crate::support::{Does, Lambda, TestServer, answering};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use postern_pools::oauth::pairs::query;
use serde_json::{Value, json};

/// What a token says.
fn claims(answer: &Value, token: &str) -> Value {
    let token = text(answer, &format!("/AuthenticationResult/{token}"));
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).expect("three parts")).expect("base64url");
    serde_json::from_slice(&payload).expect("JSON")
}

async fn versioned<'a>(server: &'a TestServer, lambda: &Lambda, version: &str) -> App<'a> {
    let config = json!({ "LambdaVersion": version, "LambdaArn": lambda.arn("mint") });
    App::with(server, json!({ "LambdaConfig": { "PreTokenGenerationConfig": config } }), json!({})).await
}

#[tokio::test]
async fn the_first_version_changes_what_id_tokens_say() {
    let (lambda, server) = house().await;
    let app = app(&server, &lambda, &[("PreTokenGeneration", "mint")]).await;
    let sub = app.person("ann@example.com").await;
    lambda.fills(
        "mint",
        json!({ "claimsOverrideDetails": {
            "claimsToAddOrOverride": { "tier": "gold", "sub": "forged" },
            "claimsToSuppress": ["email"],
            "groupOverrideDetails": { "groupsToOverride": ["staff"] },
        } }),
    );
    let answer = app.signs_in("ann@example.com").await;
    let id = claims(&answer, "IdToken");
    assert_eq!((&id["tier"], &id["cognito:groups"]), (&json!("gold"), &json!(["staff"])));
    assert_eq!((text(&id, "/sub"), id.get("email")), (sub, None));
    assert_eq!(claims(&answer, "AccessToken").get("tier"), None);

    let events = lambda.events("mint");
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["version"], "1");
    assert_eq!(events[0]["triggerSource"], "TokenGeneration_Authentication");
    assert_eq!(
        events[0]["request"]["groupConfiguration"],
        json!({ "groupsToOverride": [], "iamRolesToOverride": [], "preferredRole": null })
    );
    assert_eq!(events[0]["request"]["userAttributes"]["cognito:user_status"], "CONFIRMED");
    assert_eq!(events[0]["request"].get("scopes"), None);
    assert_eq!(events[0]["response"], json!({ "claimsOverrideDetails": null }));
}

#[tokio::test]
async fn the_second_version_changes_access_tokens_and_their_scopes() {
    let (lambda, server) = house().await;
    let app = versioned(&server, &lambda, "V2_0").await;
    app.person("ann@example.com").await;
    lambda.fills(
        "mint",
        json!({ "claimsAndScopeOverrideDetails": {
            "idTokenGeneration": { "claimsToAddOrOverride": { "plan": { "seats": 3 } } },
            "accessTokenGeneration": {
                "claimsToAddOrOverride": { "plan": { "seats": 3 } },
                "scopesToAdd": ["shop/read"],
                "scopesToSuppress": ["aws.cognito.signin.user.admin"],
            },
        } }),
    );
    let answer = app.signs_in("ann@example.com").await;
    let access = claims(&answer, "AccessToken");
    assert_eq!(access["scope"], "shop/read");
    assert_eq!(access["plan"]["seats"], 3);
    assert_eq!(claims(&answer, "IdToken")["plan"]["seats"], 3);
    let events = lambda.events("mint");
    assert_eq!(events[0]["version"], "2");
    assert_eq!(events[0]["request"]["scopes"], json!(["aws.cognito.signin.user.admin"]));
    // A token that lacks the scope does not act on its user.
    let token = text(&answer, "/AuthenticationResult/AccessToken");
    let reply = app.server.api("GetUser", json!({ "AccessToken": token })).await;
    assert_eq!(reply.refused("NotAuthorizedException"), "Access Token does not have required scopes");
}

#[tokio::test]
async fn tokens_are_customised_anew_at_each_refresh() {
    let (lambda, server) = house().await;
    let app = versioned(&server, &lambda, "V3_0").await;
    app.person("ann@example.com").await;
    let answer = app.signs_in("ann@example.com").await;
    let refresh_token = text(&answer, "/AuthenticationResult/RefreshToken");
    lambda.forget();
    lambda.on("mint", |event| {
        let day = event["request"]["clientMetadata"]["day"].clone();
        answering(
            event,
            &json!({ "claimsAndScopeOverrideDetails": {
                "accessTokenGeneration": { "claimsToAddOrOverride": { "day": day } },
            } }),
        )
    });
    let body = json!({ "RefreshToken": refresh_token, "ClientMetadata": { "day": "Friday" } });
    let refreshed = app.public("GetTokensFromRefreshToken", body.clone()).await.ok();
    assert_eq!(claims(&refreshed, "AccessToken")["day"], "Friday");
    assert_eq!(lambda.sources(), ["TokenGeneration_RefreshTokens"]);
    assert_eq!(lambda.events("mint")[0]["version"], "3");

    lambda.on("mint", |_| Does::Throws("Not on Saturdays"));
    app.public("GetTokensFromRefreshToken", body.clone())
        .await
        .refused("UserLambdaValidationException", "PreTokenGeneration failed with error Not on Saturdays.");
    // Nothing is lost by it.
    lambda.on("mint", Does::Answers);
    app.public("GetTokensFromRefreshToken", body).await.ok();
}

#[tokio::test]
async fn what_an_app_says_of_its_own_token_is_heard() {
    let (lambda, server) = house().await;
    let mut app = versioned(&server, &lambda, "V3_0").await;
    let api = json!({ "Identifier": "api", "Name": "API", "Scopes": [{ "ScopeName": "read", "ScopeDescription": "Read" }] });
    app.signed("CreateResourceServer", api).await.ok();
    let machine = json!({
        "ClientName": "machine", "GenerateSecret": true, "AllowedOAuthFlows": ["client_credentials"],
        "AllowedOAuthFlowsUserPoolClient": true, "AllowedOAuthScopes": ["api/read"],
    });
    let made = app.signed("CreateUserPoolClient", machine).await.ok();
    app.client_id = text(&made, "/UserPoolClient/ClientId");
    let secret = text(&made, "/UserPoolClient/ClientSecret");

    let body = json!({ "Secret": secret, "ClientMetadata": { "day": "Friday" } });
    app.public("GetClientToken", body).await.ok();
    let asks = async |metadata: &str| {
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", app.client_id.as_str()),
            ("client_secret", secret.as_str()),
            ("aws_client_metadata", metadata),
        ];
        let request = server
            .client
            .request("POST", "/oauth2/token")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(query(&fields).into())
            .expect("a request");
        server.client.send(request).await.status
    };
    assert_eq!(asks("{\"day\":\"Monday\"}").await, 200);
    let heard: Vec<Value> =
        lambda.events("mint").iter().map(|event| event["request"]["clientMetadata"]["day"].clone()).collect();
    assert_eq!(heard, ["Friday", "Monday"]);
    assert_eq!(asks("not json").await, 400);
    assert_eq!(asks("{\"day\":1}").await, 400);
}

#[tokio::test]
async fn a_function_that_refuses_tokens_or_answers_nonsense_lets_nobody_in() {
    let (lambda, server) = house().await;
    let app = app(&server, &lambda, &[("PreTokenGeneration", "mint")]).await;
    app.person("ann@example.com").await;
    app.password("ann@example.com", "Correct1!").await;
    let by_password = json!({
        "AuthFlow": "USER_PASSWORD_AUTH",
        "AuthParameters": { "USERNAME": "ann@example.com", "PASSWORD": "Correct1!" },
    });
    lambda.on("mint", |_| Does::Throws("No"));
    app.public("InitiateAuth", by_password.clone())
        .await
        .refused("UserLambdaValidationException", "PreTokenGeneration failed with error No.");
    for nonsense in [json!([]), json!({ "claimsToAddOrOverride": { "age": 7 } })] {
        lambda.fills("mint", json!({ "claimsOverrideDetails": nonsense }));
        app.public("InitiateAuth", by_password.clone())
            .await
            .refused("InvalidLambdaResponseException", "Unrecognizable lambda output");
    }
    // A right password is not taken for a wrong one because of that.
    for _ in 0..6 {
        app.public("InitiateAuth", by_password.clone()).await.refused_as("InvalidLambdaResponseException");
    }
    lambda.on("mint", Does::Answers);
    app.public("InitiateAuth", by_password).await.ok();
}

#[tokio::test]
async fn the_versions_of_one_function_agree() {
    let (lambda, server) = house().await;
    let config = json!({
        "PreTokenGeneration": lambda.arn("one"),
        "PreTokenGenerationConfig": { "LambdaVersion": "V2_0", "LambdaArn": lambda.arn("other") },
    });
    let answer =
        server.signed("CreateUserPool", json!({ "PoolName": "people", "LambdaConfig": config })).await;
    answer.refused("InvalidParameterException");
}
