//! Levels of authentication on the pages (`acr_values`): who has not reached one is asked again, by ways that lead there; and
//! as it is a wish, the tokens tell what came of it.

use super::scene::{Scene, text};
use crate::story::claims;
use postern_server::seed::{BOB, BOBS_PASSWORD};
use serde_json::{Value, json};

/// What the tokens for a code say of the level.
async fn levels(scene: &Scene, code: &str) -> [Value; 2] {
    let (status, tokens) = scene.redeem(code).await;
    assert_eq!(status, 200, "{tokens}");
    let (_, refreshed) = scene.refresh(text(&tokens, "refresh_token")).await;
    let level = |tokens: &Value| claims(text(tokens, "access_token"))["acr"].clone();
    assert_eq!(level(&refreshed), level(&tokens), "it stays");
    [claims(text(&tokens, "id_token"))["acr"].clone(), level(&tokens)]
}

#[tokio::test]
async fn who_has_not_reached_a_level_is_asked_again_by_ways_that_lead_there() {
    let scene = Scene::new().await;
    let browser = scene.browser();
    let page = scene.named(&browser, BOB).await;
    scene.code(BOB).await;
    let choose = browser.visit(&page.link("Try another way")).await;
    let page = browser.press(&choose, "/login/choose", &[("factor", "PASSWORD")]).await;
    let home = browser.press_once(&page, "/login/password", &[("password", BOBS_PASSWORD)]).await;
    assert_eq!(levels(&scene, &home.parameter("code")).await, [Value::Null, Value::Null]);

    // As much as he has proven is enough for the first level, and not for the second.
    let home = browser.open(&scene.authorize(&[("acr_values", "urn:cognito:loa:1")])).await;
    assert_eq!(levels(&scene, &home.parameter("code")).await, ["urn:cognito:loa:1", "urn:cognito:loa:1"]);
    let silent = [("acr_values", "urn:cognito:loa:2"), ("prompt", "none")];
    let home = browser.open(&scene.authorize(&silent)).await;
    assert_eq!(home.parameter("error"), "login_required");
    let best = "urn:cognito:loa:4 urn:cognito:loa:2";
    let page = browser.visit(&scene.authorize(&[("acr_values", best)])).await;
    assert_eq!(page.heading(), "Sign in");
    let page = browser.press(&page, "/login", &[("username", BOB)]).await;
    assert_eq!(page.heading(), "Check your email");
    assert!(!page.html.contains("Try another way"), "a password does not lead there");
    let code = scene.code(BOB).await;
    let home = browser.press_once(&page, "/login/code", &[("code", &code)]).await;
    assert_eq!(levels(&scene, &home.parameter("code")).await, ["urn:cognito:loa:2", "urn:cognito:loa:2"]);

    // What nobody can reach here, and what means nothing, keep nobody out.
    for wish in ["urn:cognito:loa:4", "gold"] {
        let home = browser.open(&scene.authorize(&[("acr_values", wish)])).await;
        assert_eq!(levels(&scene, &home.parameter("code")).await[0], "urn:cognito:loa:2", "{wish}");
    }
}

#[tokio::test]
async fn discovery_names_the_levels_that_can_be_reached_as_the_pool_names_them() {
    let scene = Scene::new().await;
    let said = scene.discovery().await;
    assert_eq!(said["acr_values_supported"], json!(["urn:cognito:loa:1", "urn:cognito:loa:2"]));
    assert!(said["claims_supported"].as_array().expect("a list").contains(&json!("acr")));

    let named = json!({
        "AutoVerifiedAttributes": ["email"],
        "Policies": { "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD", "WEB_AUTHN"] } },
        "AcrConfiguration": { "Level1": { "AcrValue": "bronze" }, "Level2": { "AcrValue": "silver" } },
    });
    scene.admin("UpdateUserPool", named).await;
    assert_eq!(
        scene.discovery().await["acr_values_supported"],
        json!(["bronze", "silver", "urn:cognito:loa:3"])
    );
    let lite = json!({ "PoolName": "lite", "UserPoolTier": "LITE" });
    let lite = scene.server.signed("CreateUserPool", lite).await.ok().text_at("UserPool.Id");
    let path = format!("/{lite}/.well-known/openid-configuration");
    let said: Value = serde_json::from_str(&scene.browser().open(&path).await.html).expect("JSON");
    assert_eq!(said.get("acr_values_supported"), None);
    assert!(!said["claims_supported"].as_array().expect("a list").contains(&json!("acr")));
}
