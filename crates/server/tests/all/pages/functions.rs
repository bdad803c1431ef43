//! Functions at the steps that people take on the pages: what they refuse is said there, in their words.

use super::scene::{Scene, text};
use crate::support::{Does, Lambda};
use postern_pools::keys::TokenUse;
use serde_json::json;

async fn scene() -> (Lambda, Scene) {
    let lambda = Lambda::start().await;
    let scene = Scene::with(|settings| lambda.serve(settings)).await;
    (lambda, scene)
}

async fn triggers(scene: &Scene, lambda: &Lambda, triggers: &[(&str, &str)]) {
    let config = crate::functions::config(lambda, triggers);
    let body = json!({ "AutoVerifiedAttributes": ["email"], "LambdaConfig": config });
    scene.admin("UpdateUserPool", body).await;
}

#[tokio::test]
async fn a_function_keeps_somebody_out_in_its_own_words() {
    let (lambda, scene) = scene().await;
    triggers(&scene, &lambda, &[("PreAuthentication", "door")]).await;
    lambda.on("door", |_| Does::Throws("Closed <today>"));
    let browser = scene.browser();
    let page = scene.named(&browser, "alice@example.com").await;
    assert_eq!(page.heading(), "Sign in");
    assert!(
        page.html.contains("Closed &#60;today&#62;") || page.html.contains("Closed &lt;today&gt;"),
        "{}",
        page.html
    );
    page.says("<title>Error: Sign in");
    // It could not be asked: the page says no more than that.
    lambda.on("door", |_| Does::Says(403, &[], "{}"));
    let page = browser.press(&page, "/login", &[("username", "alice@example.com")]).await;
    assert!(
        page.html.contains("That didn&#39;t work.") || page.html.contains("That didn't work."),
        "{}",
        page.html
    );
    // And once it lets people in, they get on.
    lambda.on("door", Does::Answers);
    let page = browser.press(&page, "/login", &[("username", "alice@example.com")]).await;
    assert_eq!(page.heading(), "Check your email");
}

#[tokio::test]
async fn a_function_refuses_a_right_code_which_is_used_up() {
    let (lambda, scene) = scene().await;
    triggers(&scene, &lambda, &[("PostAuthentication", "bell")]).await;
    lambda.on("bell", |_| Does::Throws("Your account is being looked at"));
    let browser = scene.browser();
    let page = scene.named(&browser, "alice@example.com").await;
    let code = scene.code("alice@example.com").await;
    let page = browser.press(&page, "/login/code", &[("code", &code)]).await;
    assert!(page.html.contains("Your account is being looked at"), "{}", page.html);
    lambda.on("bell", Does::Answers);
    let page = browser.press(&page, "/login/code", &[("code", &code)]).await;
    assert_eq!(page.heading(), "Check your email", "a used code opens nothing");
    assert_eq!(lambda.calls().len(), 1);
}

#[tokio::test]
async fn a_function_shapes_the_tokens_of_an_app() {
    let (lambda, scene) = scene().await;
    triggers(&scene, &lambda, &[("PreTokenGeneration", "mint")]).await;
    lambda.fills("mint", json!({ "claimsOverrideDetails": { "claimsToAddOrOverride": { "tier": "gold" } } }));
    let browser = scene.browser();
    let tokens = scene.tokens(&browser, "alice@example.com").await;
    let claims = scene.verified(text(&tokens, "id_token"), TokenUse::Id).await;
    assert_eq!(claims["tier"], "gold");
    assert_eq!(lambda.sources(), ["TokenGeneration_HostedAuth"]);

    let (status, _) = scene.refresh(text(&tokens, "refresh_token")).await;
    assert_eq!(status, 200);
    assert_eq!(lambda.sources()[1], "TokenGeneration_RefreshTokens");

    // A code that a function refuses tokens for is used up.
    lambda.on("mint", |_| Does::Throws("No tokens today"));
    let home = scene.signed_in(&scene.browser(), "alice@example.com").await;
    let code = home.parameter("code");
    let (status, refused) = scene.redeem(&code).await;
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_grant")));
    assert_eq!(refused["error_description"], "PreTokenGeneration failed with error No tokens today.");
    lambda.on("mint", Does::Answers);
    assert_eq!(scene.redeem(&code).await.0, 400);
}
