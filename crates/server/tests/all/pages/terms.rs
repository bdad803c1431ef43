//! The documents that an app points people to before they make an account.

use super::browser::Shown;
use super::scene::Scene;
use serde_json::{Value, json};

/// Makes a document of the demo's app; gives its id.
async fn document(scene: &Scene, name: &str, links: Value) -> String {
    let mut input = json!({ "UserPoolId": scene.demo.pool_id, "ClientId": scene.demo.client_id });
    for (member, value) in [
        ("TermsName", name.into()),
        ("TermsSource", "LINK".into()),
        ("Enforcement", "NONE".into()),
        ("Links", links),
    ] {
        input[member] = value;
    }
    scene.server.signed("CreateTerms", input).await.ok().text_at("Terms.TermsId")
}

async fn sign_up_page(scene: &Scene, lang: &str) -> Shown {
    let browser = scene.browser();
    let page = browser.visit(&scene.authorize(&[("lang", lang)])).await;
    let href = page.html.split("href=\"").find(|part| part.starts_with("/signup")).expect("a way to sign up");
    browser.open(&href[..href.find('"').expect("it ends")].replace("&amp;", "&").replace("&#38;", "&")).await
}

#[tokio::test]
async fn both_documents_together_are_agreed_to_on_the_sign_up_page_in_each_language() {
    let scene = Scene::new().await;
    let terms = document(
        &scene,
        "terms-of-use",
        json!({ "cognito:default": "https://shop.example/terms", "cognito:german": "https://shop.example/agb" }),
    )
    .await;
    // One alone is not shown.
    sign_up_page(&scene, "en").await.says_not("shop.example/terms");
    let privacy =
        document(&scene, "privacy-policy", json!({ "cognito:default": "https://shop.example/privacy" }))
            .await;
    let page = sign_up_page(&scene, "en").await;
    page.says(
        "By creating an account, you agree to the <a href=\"https://shop.example/terms\" rel=\"noreferrer\">Terms of \
         use</a> and the <a href=\"https://shop.example/privacy\" rel=\"noreferrer\">Privacy policy</a>.",
    );
    sign_up_page(&scene, "de")
        .await
        .says("stimmen Sie den <a href=\"https://shop.example/agb\" rel=\"noreferrer\">Nutzungsbedingungen</a> und der")
        .says("https://shop.example/privacy");
    for lang in ["es", "fr", "id", "it", "ja", "ko", "pt-BR", "zh-CN", "zh-TW"] {
        sign_up_page(&scene, lang)
            .await
            .says("https://shop.example/terms")
            .says("https://shop.example/privacy");
    }

    // What is listed, changed and taken away shows at once.
    let pool = json!({ "UserPoolId": scene.demo.pool_id });
    let listed = scene.server.signed("ListTerms", pool.clone()).await.ok().body["Terms"].clone();
    assert_eq!(listed.as_array().map(Vec::len), Some(2));
    let page_of = json!({ "UserPoolId": scene.demo.pool_id, "MaxResults": 1 });
    let first = scene.server.signed("ListTerms", page_of.clone()).await.ok().body;
    let mut next = page_of;
    next["NextToken"] = first["NextToken"].clone();
    let second = scene.server.signed("ListTerms", next).await.ok().body;
    assert_ne!(first["Terms"][0]["TermsId"], second["Terms"][0]["TermsId"]);
    assert!(second.get("NextToken").is_none_or(Value::is_null));
    let mut change = pool.clone();
    change["TermsId"] = terms.clone().into();
    change["Links"] = json!({ "cognito:default": "https://shop.example/terms/2" });
    let changed = scene.server.signed("UpdateTerms", change).await.ok().body["Terms"].clone();
    assert_eq!(changed["TermsName"], "terms-of-use");
    sign_up_page(&scene, "de").await.says("https://shop.example/terms/2").says_not("/agb");
    let mut gone = pool;
    gone["TermsId"] = privacy.into();
    scene.server.signed("DeleteTerms", gone).await.ok();
    sign_up_page(&scene, "en").await.says_not("shop.example/terms");
}
