//! Browsers stay signed in for longer by being used, where the server says so.

use super::browser::Browser;
use super::scene::Scene;
use postern_server::seed::ALICE;

const MINUTE_MS: i64 = 60_000;

impl Scene {
    async fn is_in(&self, browser: &Browser) -> bool {
        browser.open(&self.authorize(&[("prompt", "none")])).await.answer().has("code")
    }
}

#[tokio::test]
async fn a_session_slides_only_where_the_server_says_so() {
    for slides in [false, true] {
        let scene = Scene::with(|settings| settings.rules.sliding_sessions = slides).await;
        let browser = scene.browser();
        scene.signed_in(&browser, ALICE).await;
        for _ in 0..3 {
            scene.server.clock.advance(40 * MINUTE_MS);
            assert_eq!(
                scene.is_in(&browser).await,
                slides || scene.server.clock.now().since(crate::support::START) < 60 * MINUTE_MS
            );
        }
        scene.server.clock.advance(61 * MINUTE_MS);
        assert!(!scene.is_in(&browser).await);
    }
}
