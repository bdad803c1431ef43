//! Apps that say whom they expect (`id_token_hint`): nobody else is answered for, at any door.

use super::browser::{Browser, Shown};
use super::scene::{Scene, text};
use postern_pools::oauth::pairs::query;
use postern_server::seed::{ALICE, BOB};

const HOUR_MS: i64 = 3_600_000;

/// Signs in on a page that an address leads to.
async fn comes_by(scene: &Scene, browser: &Browser, address: &str, name: &str) -> Shown {
    let page = browser.visit(address).await;
    assert_eq!(page.heading(), "Sign in");
    let page = browser.press(&page, "/login", &[("username", name)]).await;
    let home = browser.press_once(&page, "/login/code", &[("code", &scene.code(name).await)]).await;
    match home.to().starts_with("/oauth2/authorize?") {
        true => browser.open(&home.to()).await,
        false => home,
    }
}

/// What the app is answered, in an address or in a form.
fn answered(home: &Shown) -> (bool, bool) {
    let names = |name: &str| {
        let in_form = home.html.contains(&format!("name=\"{name}\""));
        in_form || home.leads_to().is_some() && home.answer().has(name)
    };
    (names("code"), names("error"))
}

#[tokio::test]
async fn who_is_not_meant_is_not_signed_in_to_the_app() {
    let scene = Scene::new().await;
    let tokens = scene.tokens(&scene.browser(), ALICE).await;
    let hint = ("id_token_hint", text(&tokens, "id_token"));
    for more in [&[hint][..], &[hint, ("prompt", "login")], &[hint, ("response_mode", "form_post")]] {
        let browser = scene.browser();
        let address = scene.authorize(more);
        let home = comes_by(&scene, &browser, &address, BOB).await;
        assert_eq!(answered(&home), (false, true), "{} {}", home.to(), home.html);
        assert!(format!("{} {}", home.to(), home.html).contains("login_required"));
        // Nor is he signed in for the next request.
        let silent = browser.open(&scene.authorize(&[("prompt", "none")])).await;
        assert_eq!(silent.parameter("error"), "login_required");
        // Whom it means may sign in there.
        let home = comes_by(&scene, &browser, &address, ALICE).await;
        assert_eq!(answered(&home), (true, false), "{} {}", home.to(), home.html);
    }
    // Somebody else is signed in already: she is asked for.
    let browser = scene.browser();
    scene.signed_in(&browser, BOB).await;
    let silent = browser.open(&scene.authorize(&[hint, ("prompt", "none")])).await;
    assert_eq!(silent.parameter("error"), "login_required");
    let home = comes_by(&scene, &browser, &scene.authorize(&[hint]), ALICE).await;
    assert_eq!(scene.redeem(&home.parameter("code")).await.0, 200);
}

#[tokio::test]
async fn a_sign_in_that_took_too_long_begins_again_for_the_same_person() {
    let scene = Scene::new().await;
    let tokens = scene.tokens(&scene.browser(), ALICE).await;
    let browser = scene.browser();
    let page = browser.visit(&scene.authorize(&[("id_token_hint", text(&tokens, "id_token"))])).await;
    scene.server.clock.advance(HOUR_MS + 1000);
    let late = browser.press(&page, "/login", &[("username", BOB)]).await;
    let again = late.link("Back to Demo app");
    assert!(!again.contains(text(&tokens, "id_token")));
    let home = comes_by(&scene, &browser, &again, BOB).await;
    assert_eq!(home.parameter("error"), "login_required");
}

#[tokio::test]
async fn an_id_token_that_was_posted_stands_in_no_address() {
    let scene = Scene::new().await;
    let browser = scene.browser();
    let tokens = scene.tokens(&browser, ALICE).await;
    let id_token = text(&tokens, "id_token");
    let path = scene.authorize(&[("prompt", "none"), ("id_token_hint", id_token)]);
    let (_, body) = path.split_once('?').expect("parameters");
    let shown = browser.send("POST", "/oauth2/authorize", body, &[]).await;
    let to = shown.leads_to().expect("a redirect");
    assert!(to.starts_with("/oauth2/authorize?") && !to.contains(id_token), "{to}");
    let home = browser.open(&to).await;
    assert_eq!(scene.redeem(&home.parameter("code")).await.0, 200);
    // What is in the address counts with what is in the form, and a parameter in both is one too many.
    let path = scene.authorize(&[("prompt", "none")]);
    let home = browser.follow(browser.send("POST", &path, "", &[]).await).await;
    assert!(home.answer().has("code"), "{}", home.to());
    let twice = browser.follow(browser.send("POST", &path, "prompt=none", &[]).await).await;
    assert_eq!(twice.parameter("error"), "invalid_request");

    let bye = format!("{}/demo/signed-out", scene.server.app.public_url);
    let form = [("id_token_hint", id_token), ("post_logout_redirect_uri", bye.as_str())];
    let to = browser.post("/logout", &form, &[]).await.leads_to().expect("a redirect");
    assert!(!to.contains(id_token), "{to}");
    assert_eq!(browser.open(&to).await.to(), bye);
}

#[tokio::test]
async fn a_token_by_a_key_that_was_retired_still_says_who_is_meant() {
    let scene = Scene::new().await;
    let old = scene.tokens(&scene.browser(), ALICE).await;
    let pools = &scene.server.app.pools;
    assert!(pools.rotate_keys(&scene.demo.pool_id, None).await.expect("rotated"));
    scene.server.clock.advance(60 * HOUR_MS);
    assert_eq!(pools.tend_keys(0).await.expect("tended"), 1);

    let hint = ("id_token_hint", text(&old, "id_token"));
    let (hers, his) = (scene.browser(), scene.browser());
    scene.signed_in(&hers, ALICE).await;
    scene.signed_in(&his, BOB).await;
    let silent = scene.authorize(&[hint, ("prompt", "none")]);
    assert!(hers.open(&silent).await.answer().has("code"));
    assert_eq!(his.open(&silent).await.parameter("error"), "login_required");
    // It proves nothing, so the person is asked before they are signed out.
    let bye = format!("{}/demo/signed-out", scene.server.app.public_url);
    let out = format!("/logout?{}", query(&[hint, ("post_logout_redirect_uri", &bye)]));
    let page = hers.open(&out).await;
    assert_eq!(page.heading(), "Do you want to sign out?");
    assert_eq!(hers.press_once(&page, "/logout/confirm", &[]).await.to(), bye);
}
