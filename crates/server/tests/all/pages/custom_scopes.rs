//! Scopes of resource servers, asked for on the way through the pages.

use super::scene::{Scene, text};
use postern_pools::keys::TokenUse;
use postern_server::seed::ALICE;
use serde_json::json;

#[tokio::test]
async fn an_app_gets_the_custom_scopes_it_asked_for_while_they_are_there() {
    let scene = Scene::new().await;
    let api = |scopes: &[&str]| {
        let described = |name: &&str| json!({ "ScopeName": name, "ScopeDescription": name });
        json!({ "Identifier": "api", "Name": "API", "Scopes": scopes.iter().map(described).collect::<Vec<_>>() })
    };
    scene.admin("CreateResourceServer", api(&["read", "write"])).await;
    scene
        .admin(
            "UpdateUserPoolClient",
            json!({
                "ClientId": scene.demo.client_id,
                "ExplicitAuthFlows": ["ALLOW_USER_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
                "AllowedOAuthFlows": ["code"], "AllowedOAuthFlowsUserPoolClient": true,
                "AllowedOAuthScopes": ["openid", "email", "api/read", "api/write"],
                "CallbackURLs": [scene.callback()],
            }),
        )
        .await;
    let browser = scene.browser();
    let supported = async || scene.discovery().await["scopes_supported"].clone();
    let standard = json!(["openid", "email", "phone", "profile", "aws.cognito.signin.user.admin"]);
    let with = |more: &[&str]| {
        json!([standard.as_array().expect("a list"), &json!(more).as_array().expect("a list")[..]].concat())
    };
    assert_eq!(supported().await, with(&["api/read", "api/write"]));
    scene.signed_in(&browser, ALICE).await;
    let asked = scene.authorize(&[("scope", "openid api/read api/write")]);
    let tokens = scene.redeem(&browser.open(&asked).await.parameter("code")).await.1;
    let access = scene.verified(text(&tokens, "access_token"), TokenUse::Access).await;
    assert_eq!(access["scope"], "openid api/read api/write");
    // One that is not the client's fails the request.
    let other = browser.open(&scene.authorize(&[("scope", "openid api/delete")])).await;
    assert_eq!(other.parameter("error"), "invalid_scope");

    // One that its API no longer has is left out.
    scene.admin("UpdateResourceServer", api(&["read"])).await;
    assert_eq!(supported().await, with(&["api/read"]));
    let (status, fresh) = scene.refresh(text(&tokens, "refresh_token")).await;
    assert_eq!(status, 200, "{fresh}");
    let access = scene.verified(text(&fresh, "access_token"), TokenUse::Access).await;
    assert_eq!(access["scope"], "openid api/read");

    // The scopes that were granted may be named, or some of them; no other.
    let refresh = |scope: &'static str| {
        let (scene, token) = (&scene, text(&tokens, "refresh_token"));
        async move {
            let fields = [("grant_type", "refresh_token"), ("refresh_token", token), ("scope", scope)];
            let (status, fresh) = scene.token(&fields).await;
            if status != 200 {
                return fresh["error"].clone();
            }
            scene.verified(text(&fresh, "access_token"), TokenUse::Access).await["scope"].clone()
        }
    };
    assert_eq!(refresh("openid api/read api/write").await, "openid api/read");
    assert_eq!(refresh("openid").await, "openid");
    assert_eq!(refresh("openid email").await, "invalid_scope");
}
