//! What goes wrong on the way in: the page says what it was, and leaves the ways open that still lead on.

use super::browser::{Browser, Shown};
use super::scene::{Scene, another};
use crate::story::own_sender;
use postern_server::seed::{ALICE, BOB, BOBS_PASSWORD, Demo};
use serde_json::json;

const DORA: &str = "dora@example.com";
const SENDER: &str = "no-reply@example.com";

/// The demo, whose mails come from an address that is no longer verified.
async fn scene_without_mail() -> Scene {
    let scene = Scene::new().await;
    let email = own_sender(&scene.server, SENDER).await;
    let factors = json!({ "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"] } });
    let settings =
        json!({ "Policies": factors, "AutoVerifiedAttributes": ["email"], "EmailConfiguration": email });
    scene.admin("UpdateUserPool", settings).await;
    scene.server.ses("DELETE", &format!("/identities/{SENDER}"), json!({})).await.ok();
    scene
}

/// Chooses the password where ways are to be chosen, and signs in by it.
async fn goes_in_by_password(scene: &Scene, browser: &Browser, choose: &Shown) {
    assert_eq!(choose.heading(), "Choose how to sign in");
    let page = browser.press(choose, "/login/choose", &[("factor", "PASSWORD")]).await;
    let home = browser.press_once(&page, "/login/password", &[("password", BOBS_PASSWORD)]).await;
    assert_eq!(scene.redeem(&home.parameter("code")).await.0, 200);
}

#[tokio::test]
async fn who_has_a_password_gets_in_although_no_mail_can_be_sent() {
    let scene = scene_without_mail().await;
    let browser = scene.browser();
    let page = scene.named(&browser, BOB).await;
    page.says("We couldn't send the email. Try again in a minute, or try another way.");
    // The page can be opened again, and the code asked for once more.
    let again = browser.visit(&page.path).await;
    let again = browser.press(&again, "/login/choose", &[("factor", "EMAIL_OTP")]).await;
    again.says("We couldn't send the email.");
    goes_in_by_password(&scene, &browser, &again).await;
    // Who has nothing but codes is told the same where they are.
    let page = scene.named(&scene.browser(), ALICE).await;
    assert_eq!(page.heading(), "Sign in");
    page.says("We couldn't send the email. Try again in a minute.").says(ALICE);
}

#[tokio::test]
async fn a_stranger_who_uses_up_the_codes_of_an_address_locks_no_password() {
    let scene = Scene::with(|settings| settings.rules.address_limits = true).await;
    for _ in 0..5 {
        assert_eq!(scene.named(&scene.browser(), BOB).await.heading(), "Check your email");
        scene.server.clock.advance(31_000);
    }
    let browser = scene.browser();
    let page = scene.named(&browser, BOB).await;
    page.says("Too many tries. Wait 13 minutes.");
    goes_in_by_password(&scene, &browser, &page).await;
}

#[tokio::test]
async fn who_starts_again_too_soon_is_told_when_the_next_code_can_be_had() {
    let scene = Scene::with(|settings| settings.rules.address_limits = true).await;
    scene.named(&scene.browser(), ALICE).await;
    scene.server.clock.advance(12_000);
    let page = scene.named(&scene.browser(), ALICE).await;
    page.says("We sent one 12 seconds ago. You can ask again in 18 seconds.").says_not("Too many tries");
}

#[tokio::test]
async fn whoever_lets_cookies_in_tries_again_and_gets_on() {
    let scene = Scene::new().await;
    for (begins, heading) in [("/oauth2/authorize", "Sign in"), ("/signup", "Create an account")] {
        let browser = scene.browser();
        let begun = browser.open(&scene.authorize(&[]).replacen("/oauth2/authorize", begins, 1)).await;
        browser.lose("");
        let page = browser.open(&begun.to()).await;
        page.says("Your browser blocks cookies for this site, so sign-in can't continue.");
        assert_eq!(page.status, 400);
        let page = browser.visit(&page.link("Try again")).await;
        assert_eq!(page.heading(), heading);
    }
    // Who had a cookie and lost it on the way is told nothing of what went before.
    let browser = scene.browser();
    let page = scene.named(&browser, ALICE).await;
    browser.lose("");
    let page = browser.open(&page.path).await;
    page.says("This page has expired.").says_not("blocks cookies").says_not("/oauth2/authorize");
}

#[tokio::test]
async fn who_takes_too_long_over_a_new_password_is_told_so() {
    let scene = Scene::new().await;
    scene.temporary("carol@example.com", "First-one-1").await;
    let browser = scene.browser();
    let page = scene.named(&browser, "carol@example.com").await;
    let choose = browser.visit(&page.link("Try another way")).await;
    let page = browser.press(&choose, "/login/choose", &[("factor", "PASSWORD")]).await;
    let page = browser.press(&page, "/login/password", &[("password", "First-one-1")]).await;
    scene.server.clock.advance(4 * 60_000);
    let page = browser.press(&page, "/login/new-password", &[("password", "Second-one-2")]).await;
    assert_eq!(page.heading(), "Enter your password");
    page.says("That took too long. Enter your password again.").says("<title>Error: ");
}

#[tokio::test]
async fn too_many_wrong_codes_of_a_sign_up_are_told_as_such() {
    let scene = Scene::new().await;
    let browser = scene.browser();
    let page = browser.visit(&scene.authorize(&[])).await;
    let page = browser.visit(&page.link("Create an account")).await;
    let mut page = browser.press(&page, "/signup", &[("email", DORA)]).await;
    page.says("It works for 24 hours.");
    let code = scene.code(DORA).await;
    for said in [
        "Check the newest email",
        "Check the newest email",
        "2 tries left.",
        "1 try left.",
        "Too many wrong codes.",
    ] {
        page = browser.press(&page, "/confirm", &[("code", &another(&code))]).await;
        page.says(said);
    }
    // A new one has tries of its own, up to the day's.
    scene.server.clock.advance(31_000);
    page = browser.press(&page, "/login/resend", &[]).await;
    page.says("New code sent.");
    let code = scene.code(DORA).await;
    for _ in 0..6 {
        page = browser.press(&page, "/confirm", &[("code", &another(&code))]).await;
    }
    page.says("Too many tries.").says("<title>Error: ").says("aria-invalid").says_not("We've sent");
}

#[tokio::test]
async fn a_name_that_was_typed_or_hinted_at_need_not_be_typed_again_to_sign_up() {
    let scene = Scene::new().await;
    let browser = scene.browser();
    let page = scene.named(&browser, DORA).await;
    let page = browser.visit(&page.link("Use a different account")).await;
    let page = browser.visit(&page.link("Create an account")).await;
    page.says(&format!("value=\"{DORA}\""));
    let hinted = scene.authorize(&[("login_hint", DORA)]).replacen("/oauth2/authorize", "/signup", 1);
    scene.browser().visit(&hinted).await.says(&format!("value=\"{DORA}\""));
    // What was typed there stays, whatever it is.
    let page = browser.press(&page, "/signup", &[("email", "dora@")]).await;
    page.says("value=\"dora@\"").says_not(DORA);
}

#[tokio::test]
async fn a_right_code_for_an_address_that_another_account_has_by_now_says_so() {
    let Scene { server, .. } = Scene::new().await;
    let pool = json!({
        "PoolName": "named",
        "AliasAttributes": ["email"],
        "AutoVerifiedAttributes": ["email"],
        "Policies": { "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"] } },
    });
    let made = server.signed("CreateUserPool", pool).await.ok().body;
    let pool_id = made["UserPool"]["Id"].as_str().expect("an id").to_owned();
    let client = json!({
        "UserPoolId": pool_id,
        "ClientName": "app",
        "ExplicitAuthFlows": ["ALLOW_USER_AUTH"],
        "SupportedIdentityProviders": ["COGNITO"],
        "AllowedOAuthFlowsUserPoolClient": true,
        "AllowedOAuthFlows": ["code"],
        "AllowedOAuthScopes": ["openid", "email"],
        "CallbackURLs": [format!("{}/demo/callback", server.app.public_url)],
    });
    let made = server.signed("CreateUserPoolClient", client).await.ok().body;
    let client_id = made["UserPoolClient"]["ClientId"].as_str().expect("an id").to_owned();
    let scene = Scene { server, demo: Demo { pool_id, client_id } };

    let browser = scene.browser();
    let page = browser.visit(&scene.authorize(&[])).await;
    let page = browser.visit(&page.link("Create an account")).await;
    let page = browser.press(&page, "/signup", &[("username", "dora"), ("email", DORA)]).await;
    let code = scene.code(DORA).await;
    let attributes = json!([
        { "Name": "email", "Value": DORA },
        { "Name": "email_verified", "Value": "true" },
    ]);
    let other = json!({ "Username": "doris", "MessageAction": "SUPPRESS", "UserAttributes": attributes });
    scene.admin("AdminCreateUser", other).await;
    let page = browser.press(&page, "/confirm", &[("code", &code)]).await;
    page.says("Another account has this email address or phone number already.");
    page.says("<title>Error: ").says_not("We couldn't send");
}

#[tokio::test]
async fn the_pages_of_a_code_begin_a_sign_in_where_none_was_begun() {
    let scene = Scene::new().await;
    for path in ["/login", "/confirm", "/confirmforgotPassword"] {
        let path = scene.authorize(&[]).replacen("/oauth2/authorize", path, 1);
        assert_eq!(scene.browser().visit(&path).await.heading(), "Sign in", "{path}");
    }
}

#[tokio::test]
async fn whoever_came_by_a_password_last_is_asked_for_it_first_in_that_browser() {
    let scene = Scene::with(|settings| settings.rules.address_limits = true).await;
    let browser = scene.browser();
    scene.named(&scene.browser(), BOB).await;
    let page = scene.named(&browser, BOB).await;
    goes_in_by_password(&scene, &browser, &page).await;
    browser.lose("postern-session-");
    let sent = scene.server.mails_to(BOB).await.len();
    let page = scene.named(&browser, BOB).await;
    assert_eq!(page.heading(), "Enter your password");
    assert_eq!(scene.server.mails_to(BOB).await.len(), sent);
    // Who has none is sent a code there, too.
    assert_eq!(scene.named(&browser, ALICE).await.heading(), "Check your email");
    // A code makes codes the first way again.
    scene.server.clock.advance(31_000);
    let choose = browser.visit(&page.link("Try another way")).await;
    let page = browser.press(&choose, "/login/choose", &[("factor", "EMAIL_OTP")]).await;
    let code = scene.code(BOB).await;
    let home = browser.press_once(&page, "/login/code", &[("code", &code)]).await;
    assert_eq!(scene.redeem(&home.parameter("code")).await.0, 200);
    browser.lose("postern-session-");
    scene.server.clock.advance(31_000);
    assert_eq!(scene.named(&browser, BOB).await.heading(), "Check your email");
}
