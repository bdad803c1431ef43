//! A forgotten password, from its page to the app.

use super::browser::{Browser, Shown};
use super::scene::{Scene, another, text};
use crate::support::authenticator::Authenticator;
use postern_pools::keys::TokenUse;
use postern_server::seed::{ALICE, BOB, BOBS_PASSWORD};
use serde_json::json;

const NEW: &str = "Another-Horse-8";
const NOBODY: &str = "nobody@example.com";

/// After which an address gets another code.
const PAUSE_MS: i64 = 31_000;

/// Opens the page at which somebody forgot their password, straight from the app.
async fn opened(scene: &Scene, browser: &Browser) -> Shown {
    let page = browser.visit(&start(scene)).await;
    assert_eq!(page.heading(), "Reset your password");
    page
}

fn start(scene: &Scene) -> String {
    scene.authorize(&[]).replace("/oauth2/authorize", "/forgotPassword")
}

/// Asks for a code, and opens the page that takes it.
async fn asked(scene: &Scene, browser: &Browser, name: &str) -> Shown {
    let page = opened(scene, browser).await;
    let page = browser.press(&page, "/forgotPassword", &[("username", name)]).await;
    assert_eq!(page.heading(), "Choose a new password");
    page
}

async fn answered(browser: &Browser, page: &Shown, code: &str, password: &str) -> Shown {
    browser.press(page, "/confirmforgotPassword", &[("code", code), ("password", password)]).await
}

/// Opens the page for a password, of a person who gets a code first.
async fn at_password(scene: &Scene, browser: &Browser) -> Shown {
    let page = scene.named(browser, BOB).await;
    scene.code(BOB).await;
    let page = browser.visit(&page.link("Try another way")).await;
    browser.press(&page, "/login/choose", &[("factor", "PASSWORD")]).await
}

/// Whether a password leads back to the app.
async fn opens(scene: &Scene, password: &str) -> bool {
    scene.server.clock.advance(PAUSE_MS);
    let browser = scene.browser();
    let page = at_password(scene, &browser).await;
    let shown = browser.press_once(&page, "/login/password", &[("password", password)]).await;
    shown.to().contains("code=")
}

#[tokio::test]
async fn whoever_must_reset_their_password_is_led_there_by_the_old_one() {
    let scene = Scene::new().await;
    scene.server.clock.advance(PAUSE_MS);
    scene.admin("AdminResetUserPassword", json!({ "Username": BOB })).await;
    scene.server.clock.advance(PAUSE_MS);
    let browser = scene.browser();
    let page = at_password(&scene, &browser).await;
    let wrong = browser.press(&page, "/login/password", &[("password", "Wrong-horse-1")]).await;
    assert_eq!(wrong.heading(), "Enter your password");
    let page = browser.press(&wrong, "/login/password", &[("password", BOBS_PASSWORD)]).await;
    assert_eq!(page.heading(), "Reset your password");
    page.says(&format!("value=\"{BOB}\"")).says_not("role=\"alert\"");
    scene.server.clock.advance(PAUSE_MS);
    let page = browser.press(&page, "/forgotPassword", &[("username", BOB)]).await;
    let code = scene.code(BOB).await;
    let home =
        browser.press_once(&page, "/confirmforgotPassword", &[("code", &code), ("password", NEW)]).await;
    assert!(home.to().contains("code="), "{}", home.to());
}

#[tokio::test]
async fn whoever_forgot_their_password_chooses_a_new_one_and_is_in() {
    let scene = Scene::new().await;
    let before = scene.tokens(&scene.browser(), BOB).await;
    scene.server.clock.advance(PAUSE_MS);
    let browser = scene.browser();
    let page = at_password(&scene, &browser).await;
    let page = browser.visit(&page.link("Forgot your password?")).await;
    assert_eq!(page.heading(), "Reset your password");
    page.says(&format!("value=\"{BOB}\""));
    assert_eq!(browser.visit(&page.link("Back")).await.heading(), "Enter your password");
    let page = browser.press(&page, "/forgotPassword", &[("username", BOB)]).await;
    assert_eq!(page.heading(), "Choose a new password");
    page.says("If there is an account, we sent a code to").says("b***@e***");
    let code = scene.code(BOB).await;
    assert_eq!(code.len(), 6);

    // Opening it again sends nothing; neither the code nor the password alone will do.
    let mails = scene.server.mails_to(BOB).await.len();
    assert_eq!(browser.open(&page.path).await.heading(), "Choose a new password");
    assert_eq!(scene.server.mails_to(BOB).await.len(), mails);
    let page = answered(&browser, &page, &code, "").await;
    page.says("Enter your password.").says_not("Enter the code from the email.");
    let page = answered(&browser, &page, "", NEW).await;
    page.says("Enter the code from the email.").says_not("Enter your password.").says_not(NEW);
    let page = answered(&browser, &page, &another(&code), NEW).await;
    page.says("That code isn't right.").says_not(NEW).says_not(&code);
    let page = answered(&browser, &page, &code, "short").await;
    page.says("That password doesn't have everything on the list.").says_not("That code isn't right.");

    let typed = format!("{} {}", &code[..3], &code[3..]);
    let fields = [("code", typed.as_str()), ("password", NEW)];
    let home = browser.press_once(&page, "/confirmforgotPassword", &fields).await;
    assert_eq!(home.parameter("state"), "a&b");
    let (status, tokens) = scene.redeem(&home.parameter("code")).await;
    assert_eq!(status, 200, "{tokens}");
    let id = scene.verified(text(&tokens, "id_token"), TokenUse::Id).await;
    assert_eq!(id["amr"], json!(["pwd"]));
    // The sign-ins before have ended, and so has the old password.
    assert_eq!(scene.refresh(text(&before, "refresh_token")).await.0, 400);
    assert!(!opens(&scene, BOBS_PASSWORD).await);
    assert!(opens(&scene, NEW).await);
}

#[tokio::test]
async fn a_forgotten_password_tells_nobody_who_has_an_account() {
    let scene = Scene::new().await;
    scene.temporary("carol@example.com", "First-Horse-6").await;
    let mut seen = Vec::new();
    for name in [BOB, NOBODY, "carol@example.com"] {
        let browser = scene.browser();
        let mut page = asked(&scene, &browser, name).await;
        page.says(&format!("{}***@e***", &name[..1]));
        let mut said = vec![plain(&page, name)];
        for code in ["000000", "111111"] {
            page = answered(&browser, &page, code, NEW).await;
            page.says("That code isn't right.");
            said.push(plain(&page, name));
        }
        page = browser.press(&page, "/resendcode", &[]).await;
        page.says("You can ask again in 30 seconds.").says_not("That code isn't right.");
        said.push(plain(&page, name));
        scene.server.clock.advance(PAUSE_MS);
        page = browser.press(&page, "/resendcode", &[]).await;
        page.says("New code sent. Use the newest one.");
        said.push(plain(&page, name));
        seen.push(said);
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0], seen[2]);
    assert!(scene.server.mails_to(NOBODY).await.is_empty());
    assert_eq!(scene.server.mails_to(BOB).await.len(), 2);
}

/// What a page says, without what differs for everybody.
fn plain(page: &Shown, name: &str) -> String {
    let masked = format!("{}***@e***", &name[..1]);
    page.html
        .replace(&page.field("flow"), "FLOW")
        .replace(&page.field("csrf"), "CSRF")
        .replace(name, "NAME")
        .replace(&masked, "DESTINATION")
}

#[tokio::test]
async fn a_code_for_a_new_password_is_good_once_in_its_time_and_for_one_person() {
    let scene = Scene::new().await;
    let (alices, bobs) = (scene.browser(), scene.browser());
    let page_of_alice = asked(&scene, &alices, ALICE).await;
    let code_of_alice = scene.code(ALICE).await;
    let page = asked(&scene, &bobs, BOB).await;
    let first = scene.code(BOB).await;
    answered(&bobs, &page, &code_of_alice, NEW).await.says("That code isn't right.");
    // Another browser cannot press the button of this one's form.
    let fields = [("code", first.as_str()), ("password", NEW)];
    assert_eq!(alices.press_once(&page, "/confirmforgotPassword", &fields).await.status, 400);

    // Late: an hour is over.
    scene.server.clock.advance(59 * 60_000);
    let page = bobs.press(&bobs.open(&page.path).await, "/resendcode", &[]).await;
    page.says("New code sent.");
    let second = scene.code(BOB).await;
    scene.server.clock.advance(55 * 60_000);
    bobs.open(&page.path).await;
    let late = answered(&alices, &page_of_alice, &code_of_alice, NEW).await;
    assert_eq!(late.status, 400);
    late.says("This page has expired.");

    let home =
        bobs.press_once(&page, "/confirmforgotPassword", &[("code", &second), ("password", NEW)]).await;
    assert!(home.to().contains("code="));
    // Twice: the flow is over, and in a new one the code is worth nothing.
    let again =
        bobs.press_once(&page, "/confirmforgotPassword", &[("code", &second), ("password", NEW)]).await;
    assert!(again.to().starts_with("/oauth2/authorize?"));
    let browser = scene.browser();
    let page = asked(&scene, &browser, BOB).await;
    scene.code(BOB).await;
    answered(&browser, &page, &second, "Third-Horse-9").await.says("That code isn't right.");
    assert!(opens(&scene, NEW).await);
}

#[tokio::test]
async fn a_late_code_asks_for_a_new_one() {
    let scene = Scene::new().await;
    let browser = scene.browser();
    let page = asked(&scene, &browser, BOB).await;
    let code = scene.code(BOB).await;
    scene.server.clock.advance(30 * 60_000);
    // The flow is kept alive by presses; the code is not.
    let page = answered(&browser, &page, "", NEW).await;
    scene.server.clock.advance(31 * 60_000);
    let page = answered(&browser, &page, &code, NEW).await;
    page.says("That code has expired. Send a new one.").says_not("Enter the code");
    let page = browser.press(&page, "/resendcode", &[]).await;
    page.says("New code sent.").says_not("That code has expired.");
    let code = scene.code(BOB).await;
    let home =
        browser.press_once(&page, "/confirmforgotPassword", &[("code", &code), ("password", NEW)]).await;
    assert_eq!(scene.redeem(&home.parameter("code")).await.0, 200);
}

#[tokio::test]
async fn a_code_is_not_found_by_guessing() {
    let scene = Scene::new().await;
    let browser = scene.browser();
    let mut page = asked(&scene, &browser, BOB).await;
    let code = scene.code(BOB).await;
    page.says("It works for 1 hour.");
    for said in ["newest email", "newest email", "2 tries left.", "1 try left.", "Too many wrong codes."] {
        page = answered(&browser, &page, &another(&code), NEW).await;
        page.says(said);
    }
    // Five wrong ones, and the right one is no better.
    page = answered(&browser, &page, &code, NEW).await;
    page.says("That code has expired. Send a new one.");
    scene.server.clock.advance(PAUSE_MS);
    page = browser.press(&page, "/resendcode", &[]).await;
    let code = scene.code(BOB).await;
    for _ in 0..4 {
        page = answered(&browser, &page, &another(&code), NEW).await;
        page.says("That code isn't right.");
    }
    // Ten in a day, whatever code is sent.
    page = answered(&browser, &page, &code, NEW).await;
    page.says("Too many tries. Wait 1440 minutes.").says_not("That code isn't right.");
    assert!(opens(&scene, BOBS_PASSWORD).await);
}

#[tokio::test]
async fn a_new_password_does_not_stand_for_a_second_factor() {
    let scene = Scene::new().await;
    let factors = json!({ "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD"] } });
    scene.admin("UpdateUserPool", json!({ "Policies": factors, "AutoVerifiedAttributes": ["email"] })).await;
    let totp = json!({ "SoftwareTokenMfaConfiguration": { "Enabled": true }, "MfaConfiguration": "ON" });
    scene.admin("SetUserPoolMfaConfig", totp).await;
    let browser = scene.browser();
    let page = scene.named(&browser, BOB).await;
    let page = browser.press(&page, "/login/password", &[("password", BOBS_PASSWORD)]).await;
    let key = page.html.split("<p class=\"key\"><code>").nth(1).and_then(|rest| rest.split('<').next());
    let authenticator = Authenticator::new(key.expect("a key"));
    let code = authenticator.code(&scene.server);
    let home = browser.press_once(&page, "/login/set-up", &[("code", &code)]).await;
    assert!(home.to().contains("code="));

    let browser = scene.browser();
    let page = scene.named(&browser, BOB).await;
    let page = browser.visit(&page.link("Forgot your password?")).await;
    let page = browser.press(&page, "/forgotPassword", &[("username", BOB)]).await;
    let code = scene.code(BOB).await;
    let page = answered(&browser, &page, &code, NEW).await;
    assert_eq!(page.heading(), "Enter your authenticator code");
    // Nobody is signed in yet.
    assert_eq!(browser.visit(&scene.authorize(&[])).await.heading(), "Sign in");
    let code = authenticator.next_code(&scene.server);
    let home = browser.press_once(&page, "/login/authenticator", &[("code", &code)]).await;
    let (_, tokens) = scene.redeem(&home.parameter("code")).await;
    let id = scene.verified(text(&tokens, "id_token"), TokenUse::Id).await;
    assert_eq!(id["amr"], json!(["pwd", "otp", "mfa"]));
}

#[tokio::test]
async fn only_names_that_can_be_somebodys_are_looked_for() {
    let scene = Scene::new().await;
    let browser = scene.browser();
    let mut page = opened(&scene, &browser).await;
    for (typed, says) in [
        ("", "Enter your email address."),
        ("bob", "Enter an email address like name@example.com."),
        ("<script>", "value=\"&#60;script&#62;\""),
    ] {
        page = browser.press(&page, "/forgotPassword", &[("username", typed)]).await;
        assert_eq!(page.heading(), "Reset your password");
        page.says(says).says("aria-invalid=\"true\"");
    }
    // The page of the code is not there before one was asked for, nor in another browser.
    let flow = page.path.split_once('?').expect("a flow").1.to_owned();
    let ahead = browser.visit(&format!("/confirmforgotPassword?{flow}")).await;
    assert_eq!(ahead.heading(), "Reset your password");
    assert_eq!(browser.visit(&format!("/resendcode?{flow}")).await.heading(), "Reset your password");
    scene.browser().open(&page.path).await.says_not("username");
    let stolen = [("username", BOB)];
    assert_eq!(scene.browser().press_once(&page, "/forgotPassword", &stolen).await.status, 400);
    assert!(scene.server.mails_to(BOB).await.is_empty());
}

#[tokio::test]
async fn an_address_gets_no_two_codes_at_once() {
    let scene = Scene::with(|settings| settings.rules.address_limits = true).await;
    let browser = scene.browser();
    let page = at_password(&scene, &browser).await;
    let page = browser.visit(&page.link("Forgot your password?")).await;
    let page = browser.press(&page, "/forgotPassword", &[("username", BOB)]).await;
    assert_eq!(page.heading(), "Reset your password");
    page.says("You can ask again in 30 seconds.").says(&format!("value=\"{BOB}\""));
    scene.server.clock.advance(PAUSE_MS);
    let page = browser.press(&page, "/forgotPassword", &[("username", BOB)]).await;
    assert_eq!(page.heading(), "Choose a new password");
    // Another browser asks too: this one is told how long to wait.
    scene.server.clock.advance(PAUSE_MS);
    asked(&scene, &scene.browser(), BOB).await;
    let page = browser.press(&page, "/resendcode", &[]).await;
    page.says("You can ask again in 30 seconds.").says_not("New code sent.");
    assert_eq!(scene.server.mails_to(BOB).await.len(), 3);
}

#[tokio::test]
async fn where_only_administrators_reset_passwords_nobody_else_does() {
    let scene = Scene::new().await;
    let begun = opened(&scene, &scene.browser()).await;
    let only = json!({ "RecoveryMechanisms": [{ "Name": "admin_only", "Priority": 1 }] });
    let browser = scene.browser();
    let waiting = opened(&scene, &browser).await;
    scene
        .admin(
            "UpdateUserPool",
            json!({ "AccountRecoverySetting": only, "AutoVerifiedAttributes": ["email"] }),
        )
        .await;
    // A page that was open leads back to the beginning; so does its address.
    let shown = browser.press(&waiting, "/forgotPassword", &[("username", BOB)]).await;
    assert_eq!(shown.heading(), "Sign in");
    assert_eq!(scene.browser().visit(&start(&scene)).await.heading(), "Sign in");
    assert_eq!(scene.browser().open(&begun.path).await.status, 400);
    let browser = scene.browser();
    at_password(&scene, &browser).await.says_not("Forgot your password?");
    assert_eq!(scene.server.mails_to(BOB).await.len(), 1);
}

#[tokio::test]
async fn a_password_from_before_is_not_taken_again() {
    let scene = Scene::new().await;
    let policy = json!({ "PasswordPolicy": { "MinimumLength": 8, "PasswordHistorySize": 2 } });
    scene.admin("UpdateUserPool", json!({ "Policies": policy, "AutoVerifiedAttributes": ["email"] })).await;
    let browser = scene.browser();
    let page = asked(&scene, &browser, BOB).await;
    let code = scene.code(BOB).await;
    let page = answered(&browser, &page, &code, BOBS_PASSWORD).await;
    page.says("You've used that password before. Choose another one.").says_not("That code isn't right.");
    // The code is not used up by that.
    let home =
        browser.press_once(&page, "/confirmforgotPassword", &[("code", &code), ("password", NEW)]).await;
    assert_eq!(scene.redeem(&home.parameter("code")).await.0, 200);
}
