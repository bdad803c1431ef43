//! For how long a browser stays signed in, as each app says.

use super::scene::Scene;
use crate::support::TestServer;
use postern_server::seed::ALICE;
use serde_json::json;

const MINUTE_MS: i64 = 60_000;

/// Tells whether the browser is asked to sign in.
async fn is_asked(scene: &Scene, browser: &super::browser::Browser) -> bool {
    !browser.open(&scene.authorize(&[])).await.to().contains("code=")
}

#[tokio::test]
async fn a_browser_stays_signed_in_for_as_long_as_the_app_says() {
    let scene = Scene::new().await;
    let set = |minutes: i64| {
        let scene = &scene;
        async move {
            let body =
                json!({ "ClientId": scene.demo.client_id, "SSOSession": { "MaxValidityMinutes": minutes } });
            scene.admin("SetUserPoolClientSessionConfiguration", body).await;
        }
    };
    let browser = scene.browser();
    scene.signed_in(&browser, ALICE).await;
    scene.server.clock.advance(59 * MINUTE_MS);
    assert!(!is_asked(&scene, &browser).await);
    scene.server.clock.advance(2 * MINUTE_MS);
    assert!(is_asked(&scene, &browser).await);

    set(180).await;
    let browser = scene.browser();
    scene.signed_in(&browser, ALICE).await;
    scene.server.clock.advance(179 * MINUTE_MS);
    assert!(!is_asked(&scene, &browser).await);
    scene.server.clock.advance(2 * MINUTE_MS);
    assert!(is_asked(&scene, &browser).await);

    set(0).await;
    let browser = scene.browser();
    scene.signed_in(&browser, ALICE).await;
    assert!(is_asked(&scene, &browser).await);
}

#[tokio::test]
async fn the_life_of_a_browsers_session_is_a_setting_of_the_client() {
    let server = TestServer::start().await;
    let app = crate::story::App::new(&server).await;
    let client = json!({ "ClientId": app.client_id });
    let shown = |minutes: i64| {
        json!({
            "UserPoolId": app.pool_id, "ClientId": app.client_id, "SSOSession": { "MaxValidityMinutes": minutes },
        })
    };
    assert_eq!(app.signed("GetUserPoolClientSessionConfiguration", client.clone()).await.ok(), shown(60));
    let body = json!({ "ClientId": app.client_id, "SSOSession": { "MaxValidityMinutes": 129_600 } });
    assert_eq!(app.signed("SetUserPoolClientSessionConfiguration", body).await.ok(), shown(129_600));
    assert_eq!(app.signed("GetUserPoolClientSessionConfiguration", client).await.ok(), shown(129_600));
    let body = json!({ "ClientId": app.client_id, "SSOSession": { "MaxValidityMinutes": 129_601 } });
    app.signed("SetUserPoolClientSessionConfiguration", body).await.refused_as("InvalidParameterException");
    for operation in ["GetUserPoolClientSessionConfiguration", "SetUserPoolClientSessionConfiguration"] {
        let nobody = json!({ "ClientId": "nobody", "SSOSession": { "MaxValidityMinutes": 1 } });
        app.signed(operation, nobody)
            .await
            .refused("ResourceNotFoundException", "User pool client nobody does not exist.");
    }
}
