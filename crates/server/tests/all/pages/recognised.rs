//! A browser in which somebody signed in before is recognised: strangers' guesses do not shut its owner out (attack case
//! 9).

use super::scene::{Scene, another};
use crate::support::TestServer;
use serde_json::{Value, json};

const ALICE: &str = "alice@example.com";
const BOB: &str = "bob@example.com";
/// Wrong guesses that an account bears in a day, and its recognised devices besides.
const CODES_OF_STRANGERS: usize = 10;
const CODES_OF_THE_RECOGNISED: usize = 2;
const ATTEMPTS: usize = 5;

async fn api(scene: &Scene, operation: &str, mut body: Value) -> Value {
    body["ClientId"] = scene.demo.client_id.clone().into();
    scene.server.api(operation, body).await.body
}

/// A stranger at the API uses up the guesses of a day.
async fn uses_up_guesses(scene: &Scene, name: &str) {
    for _ in 0..CODES_OF_STRANGERS {
        scene.server.clock.advance(1);
        let parameters = json!({ "USERNAME": name, "PREFERRED_CHALLENGE": "EMAIL_OTP" });
        let begun =
            api(scene, "InitiateAuth", json!({ "AuthFlow": "USER_AUTH", "AuthParameters": parameters }))
                .await;
        for _ in 0..ATTEMPTS {
            let responses = json!({ "USERNAME": name, "EMAIL_OTP_CODE": "00000000" });
            let body = json!({
                "ChallengeName": "EMAIL_OTP", "Session": begun["Session"], "ChallengeResponses": responses,
            });
            api(scene, "RespondToAuthChallenge", body).await;
        }
    }
}

/// The mails to somebody that carry a code.
async fn codes(server: &TestServer, name: &str) -> Vec<String> {
    crate::story::mail_settles(server).await;
    let mails = server.mails_to(name).await;
    mails.iter().filter_map(|mail| mail["code"].as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn case_9_a_recognised_browser_gets_codes_when_strangers_used_up_the_guesses() {
    let scene = Scene::new().await;
    let (known, other) = (scene.browser(), scene.browser());
    scene.signed_in(&known, ALICE).await;
    scene.signed_in(&other, BOB).await;
    uses_up_guesses(&scene, ALICE).await;
    let sent = codes(&scene.server, ALICE).await.len();

    // A stranger's browser, and one that knows somebody else, get no code; the page says what it always says.
    for browser in [scene.browser(), other] {
        let page = browser.visit(&scene.authorize(&[("prompt", "login")])).await;
        let page = browser.press(&page, "/login", &[("username", ALICE)]).await;
        assert_eq!(page.heading(), "Check your email");
        assert_eq!(codes(&scene.server, ALICE).await.len(), sent);
    }

    // Hers gets two codes a day, each with its attempts, and no more.
    let again = || async {
        scene.server.clock.advance(1);
        let page = known.visit(&scene.authorize(&[("prompt", "login")])).await;
        known.press(&page, "/login", &[("username", ALICE)]).await
    };
    let mut page = again().await;
    let code = codes(&scene.server, ALICE).await.remove(0);
    for _ in 0..ATTEMPTS {
        page = known.press(&page, "/login/code", &[("code", &another(&code))]).await;
    }
    page.says("Too many wrong codes.");
    let page = again().await;
    assert_eq!(codes(&scene.server, ALICE).await.len(), sent + CODES_OF_THE_RECOGNISED);
    let code = codes(&scene.server, ALICE).await.remove(0);
    let home = known.press_once(&page, "/login/code", &[("code", &code)]).await;
    assert!(home.leads_to().is_some(), "{}", home.html);
    assert!(home.leads_to().expect("a redirect").contains("code="));
}

#[tokio::test]
async fn signing_out_everywhere_makes_browsers_unknown() {
    let scene = Scene::new().await;
    let browser = scene.browser();
    scene.signed_in(&browser, ALICE).await;
    scene.admin("AdminUserGlobalSignOut", json!({ "Username": ALICE })).await;
    uses_up_guesses(&scene, ALICE).await;
    let sent = codes(&scene.server, ALICE).await.len();
    let page = browser.visit(&scene.authorize(&[("prompt", "login")])).await;
    browser.press(&page, "/login", &[("username", ALICE)]).await;
    assert_eq!(codes(&scene.server, ALICE).await.len(), sent);
}
