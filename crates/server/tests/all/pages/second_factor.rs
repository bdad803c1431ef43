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

/// A scene where Bob has an authenticator from a sign-in through the API, and codes by mail.
async fn two_steps(prefers_authenticator: bool) -> (Scene, Authenticator) {
    let scene = strict_scene(json!({
        "EmailMfaConfiguration": {},
        "SoftwareTokenMfaConfiguration": { "Enabled": true },
    }))
    .await;
    let token = scene.access_token_by_mail(BOB, BOBS_PASSWORD).await;
    let server = &scene.server;
    let made = server.api("AssociateSoftwareToken", json!({ "AccessToken": token })).await.ok().body;
    let authenticator = Authenticator::new(text(&made, "SecretCode"));
    let verify = json!({ "AccessToken": token, "UserCode": authenticator.code(server) });
    server.api("VerifySoftwareToken", verify).await.ok();
    let prefer = json!({
        "AccessToken": token,
        "SoftwareTokenMfaSettings": { "Enabled": true, "PreferredMfa": prefers_authenticator },
        "EmailMfaSettings": { "Enabled": true },
    });
    server.api("SetUserMFAPreference", prefer).await.ok();
    (scene, authenticator)
}

async fn another_way(browser: &Browser, page: &Shown) -> Shown {
    let page = browser.visit(&page.link("Try another way")).await;
    assert_eq!(page.heading(), "Choose a second step");
    page
}

#[tokio::test]
async fn whoever_has_two_second_steps_chooses_one() {
    let (scene, authenticator) = two_steps(false).await;
    let browser = scene.browser();
    let page = by_password(&scene, &browser).await;
    assert_eq!(page.heading(), "Choose a second step");
    page.says("value=\"SOFTWARE_TOKEN_MFA\"")
        .says("value=\"EMAIL_OTP\"")
        .says_not("SMS_MFA")
        .says_not(">Back<");
    let page = browser.press(&page, "/login/second", &[("factor", "SMS_MFA")]).await;
    assert_eq!(page.heading(), "Choose a second step");
    let page = browser.press(&page, "/login/second", &[("factor", "SOFTWARE_TOKEN_MFA")]).await;
    assert_eq!(page.heading(), "Enter your authenticator code");
    let code = authenticator.next_code(&scene.server);
    let home = browser.press_once(&page, "/login/authenticator", &[("code", &code)]).await;
    assert_eq!(scene.redeem(&home.parameter("code")).await.0, 200);
}

#[tokio::test]
async fn a_second_step_can_be_changed_for_another_and_back_without_a_second_mail() {
    let (scene, authenticator) = two_steps(true).await;
    let browser = scene.browser();
    let page = by_password(&scene, &browser).await;
    assert_eq!(page.heading(), "Enter your authenticator code");
    let sent = scene.server.mails_to(BOB).await.len();
    // A look at the other ways asks for nothing, and leads back.
    let choose = another_way(&browser, &page).await;
    assert_eq!(browser.visit(&choose.link("Back")).await.heading(), "Enter your authenticator code");
    assert_eq!(scene.server.mails_to(BOB).await.len(), sent);

    let page = browser.press(&choose, "/login/second", &[("factor", "EMAIL_OTP")]).await;
    assert_eq!(page.heading(), "Check your email");
    let code = scene.code(BOB).await;
    assert_eq!(scene.server.mails_to(BOB).await.len(), sent + 1);
    // To the authenticator, and to the code that was sent.
    let choose = another_way(&browser, &page).await;
    let totp = browser.press(&choose, "/login/second", &[("factor", "SOFTWARE_TOKEN_MFA")]).await;
    assert_eq!(totp.heading(), "Enter your authenticator code");
    let totp = browser.press(&totp, "/login/authenticator", &[("code", "000 000")]).await;
    totp.says("That code isn't right.");
    let choose = another_way(&browser, &totp).await;
    for _ in 0..2 {
        let page = browser.press(&choose, "/login/second", &[("factor", "EMAIL_OTP")]).await;
        assert_eq!(page.heading(), "Check your email");
        page.says("b***@e***");
    }
    assert_eq!(scene.server.mails_to(BOB).await.len(), sent + 1);
    let home = browser.press_once(&page, "/login/code", &[("code", &code)]).await;
    let (_, tokens) = scene.redeem(&home.parameter("code")).await;
    let id = scene.verified(text(&tokens, "id_token"), TokenUse::Id).await;
    assert_eq!(id["amr"], json!(["pwd", "otp", "email_otp", "mfa"]));
    // The other one is over with it.
    let code = authenticator.next_code(&scene.server);
    let late = browser.press_once(&totp, "/login/authenticator", &[("code", &code)]).await;
    assert!(late.to().starts_with("/oauth2/authorize?"));
}

#[tokio::test]
async fn another_second_step_gives_no_more_tries_and_no_more_time() {
    let (scene, authenticator) = two_steps(true).await;
    let change = async |browser: &Browser, page: &Shown| {
        let choose = another_way(browser, page).await;
        browser.press(&choose, "/login/second", &[("factor", "EMAIL_OTP")]).await
    };
    // All tries are used up: the way on begins with the password.
    let browser = scene.browser();
    let mut page = by_password(&scene, &browser).await;
    for _ in 0..5 {
        page = browser.press(&page, "/login/authenticator", &[("code", "000000")]).await;
    }
    assert_eq!(change(&browser, &page).await.heading(), "Enter your password");
    // So it does when the time is over.
    let browser = scene.browser();
    let page = by_password(&scene, &browser).await;
    scene.server.clock.advance(4 * 60_000);
    assert_eq!(change(&browser, &page).await.heading(), "Enter your password");
    // And nobody changes anything before the password.
    let browser = scene.browser();
    let page = scene.named(&browser, BOB).await;
    let flow = page.path.split_once('?').expect("a flow").1.to_owned();
    assert_eq!(browser.visit(&format!("/login/second?{flow}")).await.heading(), "Enter your password");
    let mut fields = page.hidden("/login/password");
    fields.push(("factor".to_owned(), "EMAIL_OTP".to_owned()));
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let sent = scene.server.mails_to(BOB).await.len();
    let forced = browser.post("/login/second", &fields, &[("origin", &scene.server.url)]).await;
    assert!(!forced.to().contains("code="), "{}", forced.to());
    assert_eq!(scene.server.mails_to(BOB).await.len(), sent);
    // A way that the person has not chosen is none of theirs.
    let token = json!({ "Username": BOB, "EmailMfaSettings": { "Enabled": false } });
    scene.admin("AdminSetUserMFAPreference", token).await;
    scene.server.clock.advance(60_000);
    let browser = scene.browser();
    let page = by_password(&scene, &browser).await;
    page.says_not("Try another way");
    let code = authenticator.next_code(&scene.server);
    let home = browser.press_once(&page, "/login/authenticator", &[("code", &code)]).await;
    assert_eq!(scene.redeem(&home.parameter("code")).await.0, 200);
}

#[tokio::test]
async fn who_takes_too_long_over_a_first_second_step_is_told_how_to_go_on() {
    let scene = strict_scene(totp()).await;
    let browser = scene.browser();
    let page = browser.visit(&scene.authorize(&[])).await;
    let page = browser.visit(&page.link("Create an account")).await;
    let fields = [("email", "dora@example.com"), ("password", "Correct-horse-1")];
    let page = browser.press(&page, "/signup", &fields).await;
    let code = scene.code("dora@example.com").await;
    let page = browser.press(&page, "/confirm", &[("code", &code)]).await;
    assert_eq!(page.heading(), "Set up a second step");
    scene.server.clock.advance(4 * 60_000);
    let late = browser.open(&page.path).await;
    late.says("this key no longer works.").says("<title>Error: ").says_not("otpauth://");
    assert_eq!(browser.visit(&late.link("Sign in again")).await.heading(), "Sign in");
    let late = browser.press(&page, "/login/set-up", &[("code", "000000")]).await;
    assert_eq!(late.heading(), "Sign in");
    late.says("That took too long. Sign in again.").says_not("We couldn't send");
}
