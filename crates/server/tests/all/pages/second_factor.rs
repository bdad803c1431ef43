//! The second factor on the pages: asked for after the first, chosen, and set up on the way in.

use super::browser::{Browser, Shown};
use super::scene::{Scene, text};
use crate::support::authenticator::Authenticator;
use postern_pools::keys::TokenUse;
use postern_server::seed::{BOB, BOBS_PASSWORD};
use serde_json::json;

/// The demo pool with a second factor demanded of everybody.
async fn strict_scene(blocks: serde_json::Value) -> Scene {
    let scene = Scene::new().await;
    let factors = json!({ "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD"] } });
    let mut pool = json!({ "Policies": factors, "AutoVerifiedAttributes": ["email"] });
    if blocks.get("EmailMfaConfiguration").is_some() {
        pool["EmailConfiguration"] = crate::story::own_sender(&scene.server, "no-reply@example.com").await;
    }
    scene.admin("UpdateUserPool", pool).await;
    let mut set = blocks;
    set["MfaConfiguration"] = "ON".into();
    scene.admin("SetUserPoolMfaConfig", set).await;
    scene
}

fn totp() -> serde_json::Value {
    json!({ "SoftwareTokenMfaConfiguration": { "Enabled": true } })
}

async fn by_password(scene: &Scene, browser: &Browser) -> Shown {
    let page = scene.named(browser, BOB).await;
    assert_eq!(page.heading(), "Enter your password");
    browser.press(&page, "/login/password", &[("password", BOBS_PASSWORD)]).await
}

/// The key that a page shows to be typed.
fn key(page: &Shown) -> String {
    let rest = page.html.split("<p class=\"key\"><code>").nth(1).expect("a key");
    rest.split('<').next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn an_authenticator_is_set_up_by_a_picture_and_then_asked_for() {
    let scene = strict_scene(totp()).await;
    let browser = scene.browser();
    let page = by_password(&scene, &browser).await;
    assert_eq!(page.heading(), "Set up a second step");
    page.says("aria-label=\"QR code for your authenticator app\"").says("otpauth://totp/");
    assert_eq!(page.header("cache-control"), "no-store");
    let authenticator = Authenticator::new(&key(&page));
    // Opened again, it is the same key.
    assert_eq!(key(&browser.open(&page.path).await), key(&page));

    let page = browser.press(&page, "/login/set-up", &[("code", "")]).await;
    page.says("Enter the code from your authenticator app.").says("aria-invalid=\"true\"");
    let page = browser.press(&page, "/login/set-up", &[("code", "000 000")]).await;
    page.says("That code isn't right. Type the one your app shows now.");
    let code = authenticator.code(&scene.server);
    let home = browser.press_once(&page, "/login/set-up", &[("code", &code)]).await;
    let (status, tokens) = scene.redeem(&home.parameter("code")).await;
    assert_eq!(status, 200, "{tokens}");
    let id = scene.verified(text(&tokens, "id_token"), TokenUse::Id).await;
    assert_eq!(id["amr"], json!(["pwd", "otp", "mfa"]));

    let browser = scene.browser();
    let page = by_password(&scene, &browser).await;
    assert_eq!(page.heading(), "Enter your authenticator code");
    let page = browser.press(&page, "/login/authenticator", &[("code", &code)]).await;
    page.says("That code was used already.");
    // The pages of the first factor, and those that do not fit, lead back here.
    let flow = page.path.split_once('?').expect("a flow").1.to_owned();
    for other in ["/login/code", "/login/set-up", "/login/second", "/login/new-password", "/confirm"] {
        assert_eq!(
            browser.visit(&format!("{other}?{flow}")).await.heading(),
            "Enter your authenticator code"
        );
    }
    let code = authenticator.next_code(&scene.server);
    let typed = format!("{} {}", &code[..3], &code[3..]);
    let home = browser.press_once(&page, "/login/authenticator", &[("code", &typed)]).await;
    assert_eq!(scene.redeem(&home.parameter("code")).await.0, 200);
}

#[tokio::test]
async fn half_a_sign_in_is_none_and_ends_with_its_time() {
    let scene = strict_scene(totp()).await;
    let browser = scene.browser();
    let page = by_password(&scene, &browser).await;
    let authenticator = Authenticator::new(&key(&page));
    // The browser is not signed in: another request asks for a name again.
    assert_eq!(browser.visit(&scene.authorize(&[])).await.heading(), "Sign in");
    // Another browser has nothing of it.
    let stolen = scene.browser().open(&page.path).await;
    stolen.says_not("otpauth://");

    scene.server.clock.advance(4 * 60_000);
    let code = authenticator.code(&scene.server);
    let late = browser.press(&page, "/login/set-up", &[("code", &code)]).await;
    assert_eq!(late.heading(), "Enter your password");
    late.says("That took too long. Enter your password again.");
}

#[tokio::test]
async fn a_code_by_mail_is_the_second_step_of_who_has_an_address() {
    let scene = strict_scene(json!({ "EmailMfaConfiguration": {} })).await;
    let browser = scene.browser();
    let page = by_password(&scene, &browser).await;
    assert_eq!(page.heading(), "Check your email");
    page.says_not("Try another way");
    let code = scene.code(BOB).await;
    assert_eq!(code.len(), 6);
    let home = browser.press_once(&page, "/login/code", &[("code", &code)]).await;
    let (_, tokens) = scene.redeem(&home.parameter("code")).await;
    let id = scene.verified(text(&tokens, "id_token"), TokenUse::Id).await;
    assert_eq!(id["amr"], json!(["pwd", "otp", "email_otp", "mfa"]));
}

#[tokio::test]
async fn whoever_has_two_second_steps_chooses_one() {
    let scene = strict_scene(json!({
        "EmailMfaConfiguration": {},
        "SoftwareTokenMfaConfiguration": { "Enabled": true },
    }))
    .await;
    // Bob has an authenticator from a sign-in through the API.
    let token = scene.access_token_by_mail(BOB, BOBS_PASSWORD).await;
    let server = &scene.server;
    let made = server.api("AssociateSoftwareToken", json!({ "AccessToken": token })).await.ok().body;
    let authenticator = Authenticator::new(text(&made, "SecretCode"));
    let verify = json!({ "AccessToken": token, "UserCode": authenticator.code(server) });
    server.api("VerifySoftwareToken", verify).await.ok();
    let both = json!({ "Enabled": true });
    let prefer = json!({ "AccessToken": token, "SoftwareTokenMfaSettings": both, "EmailMfaSettings": both });
    server.api("SetUserMFAPreference", prefer).await.ok();

    let browser = scene.browser();
    let page = by_password(&scene, &browser).await;
    assert_eq!(page.heading(), "Choose a second step");
    page.says("value=\"SOFTWARE_TOKEN_MFA\"").says("value=\"EMAIL_OTP\"").says_not("SMS_MFA");
    let page = browser.press(&page, "/login/second", &[("factor", "SMS_MFA")]).await;
    assert_eq!(page.heading(), "Choose a second step");
    let page = browser.press(&page, "/login/second", &[("factor", "SOFTWARE_TOKEN_MFA")]).await;
    assert_eq!(page.heading(), "Enter your authenticator code");
    let code = authenticator.next_code(server);
    let home = browser.press_once(&page, "/login/authenticator", &[("code", &code)]).await;
    assert_eq!(scene.redeem(&home.parameter("code")).await.0, 200);
}
