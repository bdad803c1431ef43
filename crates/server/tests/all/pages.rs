//! Signing in on the pages, as a person with a browser sees it.

mod attacks;
mod branding;
#[path = "../support/browser.rs"]
pub mod browser;
mod browser_sessions;
mod code_attacks;
mod conformance;
mod custom_scopes;
mod domains;
mod federation;
mod forgot;
mod functions;
mod fuzz;
mod hints;
mod hitches;
mod implicit;
mod language;
mod levels;
mod links;
mod oauth;
mod passkeys;
mod recognised;
mod saml;
mod scene;
mod second_factor;
mod sso;
mod terms;
mod texts;
mod threats;
mod token_attacks;

use crate::support::TestServer;
use browser::{Browser, Shown};
use postern_pools::keys::TokenUse;
use postern_server::seed::{ALICE, BOB, BOBS_PASSWORD};
use scene::{Scene, another, text};
use serde_json::json;

const NOBODY: &str = "nobody@example.com";

#[tokio::test]
async fn a_person_signs_in_by_mailed_code_and_the_app_gets_verified_tokens() {
    let scene = Scene::new().await;
    let browser = scene.browser();
    let page = scene.named(&browser, &format!(" {} ", ALICE.to_uppercase())).await;
    assert_eq!(page.heading(), "Check your email");
    page.says("a***@e***").says("It works for 3 minutes.").says_not("Try another way");
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"));

    let code = scene.code(ALICE).await;
    let typed = format!("{} - {}", &code[..4], &code[4..]);
    let home = browser.press_once(&page, "/login/code", &[("code", &typed)]).await;
    let issuer = format!("{}/{}", scene.server.app.public_url, scene.demo.pool_id);
    assert!(home.to().starts_with(&format!("{}?code=", scene.callback())));
    assert_eq!((home.parameter("state"), home.parameter("iss")), ("a&b".to_owned(), issuer.clone()));

    let (status, tokens) = scene.redeem(&home.parameter("code")).await;
    assert_eq!(status, 200, "{tokens}");
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(3600)));
    let id = scene.verified(text(&tokens, "id_token"), TokenUse::Id).await;
    let access = scene.verified(text(&tokens, "access_token"), TokenUse::Access).await;
    assert_eq!((&id["email"], &id["nonce"], &id["iss"]), (&json!(ALICE), &json!("n-1"), &json!(issuer)));
    assert!(id["at_hash"].is_string() && id["aud"] == json!(scene.demo.client_id));
    assert_eq!((&access["scope"], &access["version"]), (&json!("openid email"), &json!(2)));
    assert_eq!(id["sub"], access["sub"]);

    let (status, fresh) = scene.refresh(text(&tokens, "refresh_token")).await;
    assert_eq!(status, 200, "{fresh}");
    assert!(fresh.get("refresh_token").is_none());
    let again = scene.verified(text(&fresh, "id_token"), TokenUse::Id).await;
    assert_eq!((&again["origin_jti"], &again["auth_time"]), (&id["origin_jti"], &id["auth_time"]));
    assert!(again["at_hash"].is_null() && again["nonce"].is_null());
}

#[tokio::test]
async fn a_wrong_code_can_be_tried_again_until_its_tries_are_spent() {
    let scene = Scene::new().await;
    let browser = scene.browser();
    let mut page = scene.named(&browser, ALICE).await;
    let code = scene.code(ALICE).await;
    page = browser.press(&page, "/login/code", &[("code", "")]).await;
    page.says("aria-invalid=\"true\"").says_not("That code isn't right");
    for said in [
        "That code isn't right. Check the newest email and try again.",
        "That code isn't right. Check the newest email and try again.",
        "2 tries left.",
        "1 try left.",
        "Too many wrong codes. Send a new code to keep going.",
    ] {
        page = browser.press(&page, "/login/code", &[("code", &another(&code))]).await;
        assert_eq!(page.heading(), "Check your email");
        page.says(said).says_not(&code);
    }
    page = browser.press(&page, "/login/code", &[("code", &code)]).await;
    page.says("Too many wrong codes.");
    page = browser.press(&page, "/login/resend", &[]).await;
    page.says("New code sent. Use the newest one.").says_not("Too many wrong codes.");
    let code = scene.code(ALICE).await;
    let home = browser.press_once(&page, "/login/code", &[("code", &code)]).await;
    assert_eq!(scene.redeem(&home.parameter("code")).await.0, 200);
}

#[tokio::test]
async fn pages_can_be_opened_again_and_send_no_mail() {
    let scene = Scene::new().await;
    let browser = scene.browser();
    let page = scene.named(&browser, ALICE).await;
    let code = scene.code(ALICE).await;
    for _ in 0..3 {
        let again = browser.open(&page.path).await;
        assert_eq!((again.status, again.heading()), (200, "Check your email".to_owned()));
    }
    // Back to the first page, and to pages that do not fit: all lead to where the person stands.
    let flow = page.path.split_once('?').expect("a flow").1.to_owned();
    for path in ["/login", "/login/choose", "/login/password", "/login/new-password", "/confirm"] {
        let shown = browser.visit(&format!("{path}?{flow}")).await;
        assert_eq!(shown.path, page.path, "{path}");
    }
    let other = browser.visit(&page.link("Use a different account")).await;
    assert_eq!(other.heading(), "Sign in");
    other.says_not(ALICE);
    // The code that was sent first is still good.
    let home = browser.press_once(&page, "/login/code", &[("code", &code)]).await;
    assert_eq!(scene.redeem(&home.parameter("code")).await.0, 200);
    scene.signed_in(&scene.browser(), ALICE).await;
    assert_eq!(scene.server.mails_to(ALICE).await.len(), 2);
}

#[tokio::test]
async fn an_unknown_name_looks_like_a_known_one_to_the_end() {
    let scene = Scene::new().await;
    let mut transcripts = Vec::new();
    for name in [ALICE, NOBODY] {
        let browser = scene.browser();
        let mut transcript = Vec::new();
        let mut page = scene.named(&browser, name).await;
        for _ in 0..6 {
            transcript.push((page.status, neutral(&page, name)));
            page = browser.press(&page, "/login/code", &[("code", "00000000")]).await;
        }
        page = browser.press(&page, "/login/resend", &[]).await;
        transcript.push((page.status, neutral(&page, name)));
        scene.server.clock.advance(181_000);
        page = browser.open(&page.path).await;
        transcript.push((page.status, neutral(&page, name)));
        transcripts.push(transcript);
    }
    assert!(transcripts[0] == transcripts[1], "{transcripts:#?}");
    assert!(scene.server.mails_to(NOBODY).await.is_empty());
}

/// A page without what is random or typed.
fn neutral(page: &Shown, name: &str) -> String {
    let flow = page.path.split_once("flow=").map_or("", |(_, flow)| flow);
    let html = page.html.replace(flow, "FLOW").replace(name, "NAME");
    let masked = format!("{}***@", &name[..1]);
    let csrf = html.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    // Some who have no account seem to have a password, too, as some do who have one.
    let other_way = "<p><a href=\"/login/choose?flow=FLOW\">Try another way</a></p>\n";
    html.replace(csrf.unwrap_or("-"), "CSRF").replace(&masked, "MASKED").replace(other_way, "")
}

#[tokio::test]
async fn a_session_ends_with_the_sign_ins_of_its_person() {
    let scene = Scene::new().await;
    for (operation, back) in [
        ("AdminUserGlobalSignOut", None),
        ("AdminDisableUser", Some("AdminEnableUser")),
        ("AdminDeleteUser", None),
    ] {
        let browser = scene.browser();
        let code = scene.signed_in(&browser, ALICE).await.parameter("code");
        scene.server.clock.advance(1_000);
        scene.admin(operation, json!({ "Username": ALICE })).await;
        assert_eq!(scene.redeem(&code).await.0, 400, "{operation}");
        let shown = browser.open(&scene.authorize(&[("prompt", "none")])).await;
        assert_eq!(shown.parameter("error"), "login_required", "{operation}");
        if let Some(back) = back {
            scene.admin(back, json!({ "Username": ALICE })).await;
        }
        scene.server.clock.advance(60_000);
    }
}

#[tokio::test]
async fn a_flow_belongs_to_its_browser_and_its_forms_to_us() {
    let scene = Scene::new().await;
    let browser = scene.browser();
    let page = scene.named(&browser, ALICE).await;
    let code = scene.code(ALICE).await;
    // Another browser, with a flow of its own, gets nothing by knowing the id.
    let stranger = scene.browser();
    stranger.visit(&scene.authorize(&[])).await;
    assert_eq!(stranger.visit(&page.path).await.status, 400);
    let refused = stranger.press_once(&page, "/login/code", &[("code", &code)]).await;
    assert_eq!(refused.status, 400);
    // A form of another site, and one without its token.
    let flow = page.path.split_once("flow=").expect("a flow").1;
    let fields = [("flow", flow), ("code", &code)];
    assert_eq!(browser.post("/login/code", &fields, &[]).await.status, 400);
    for headers in
        [[("origin", "https://evil.example")], [("origin", "null")], [("sec-fetch-site", "cross-site")]]
    {
        let token = page.html.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        let fields = [("flow", flow), ("csrf", token.expect("a token")), ("code", &code)];
        assert_eq!(browser.post("/login/code", &fields, &headers).await.status, 400, "{headers:?}");
    }
    // None of this spent anything.
    let home = browser.press_once(&page, "/login/code", &[("code", &code)]).await;
    assert_eq!(scene.redeem(&home.parameter("code")).await.0, 200);
}

#[tokio::test]
async fn cookies_that_somebody_planted_are_worth_nothing_after_a_sign_in() {
    let scene = Scene::new().await;
    let attacker = scene.browser();
    let page = attacker.visit(&scene.authorize(&[])).await;
    let victim = attacker.copy();
    let page = victim.press(&page, "/login", &[("username", ALICE)]).await;
    let code = scene.code(ALICE).await;
    victim.press_once(&page, "/login/code", &[("code", &code)]).await.parameter("code");
    let shown = attacker.visit(&page.path).await;
    assert_eq!(shown.heading(), "Sign in");
    let again = attacker.press_once(&page, "/login/code", &[("code", &code)]).await;
    assert_eq!(attacker.follow(again).await.heading(), "Sign in");
}

#[tokio::test]
async fn a_second_press_and_a_second_tab_carry_on_to_the_app() {
    let scene = Scene::new().await;
    let browser = scene.browser();
    let page = scene.named(&browser, ALICE).await;
    let code = scene.code(ALICE).await;
    let second_tab = browser.visit(&scene.authorize(&[("state", "second")])).await;
    browser.press_once(&page, "/login/code", &[("code", &code)]).await.parameter("code");
    // The same form once more, and the page opened again.
    let again = browser.press(&page, "/login/code", &[("code", &code)]).await;
    assert_eq!(scene.redeem(&again.parameter("code")).await.0, 200);
    let opened = browser.visit(&page.path).await;
    assert_eq!(scene.redeem(&opened.parameter("code")).await.0, 200);
    // The other tab was not disturbed.
    let shown = browser.open(&second_tab.path).await;
    assert_eq!((shown.status, shown.heading()), (200, "Sign in".to_owned()));
}

#[tokio::test]
async fn a_new_code_can_be_had_and_the_one_before_stays_good() {
    let scene = Scene::new().await;
    let browser = scene.browser();
    let page = scene.named(&browser, ALICE).await;
    let first = scene.code(ALICE).await;
    scene.server.clock.advance(12_000);
    let page = browser.press(&page, "/login/resend", &[]).await;
    page.says("We sent one 12 seconds ago. You can ask again in 18 seconds.");
    scene.server.clock.advance(18_000);
    let page = browser.press(&page, "/login/resend", &[]).await;
    page.says("New code sent. Use the newest one.");
    let second = scene.code(ALICE).await;
    assert_ne!(first, second);
    let home = browser.press_once(&page, "/login/code", &[("code", &first)]).await;
    assert_eq!(scene.redeem(&home.parameter("code")).await.0, 200);

    let browser = scene.browser();
    let mut page = scene.named(&browser, ALICE).await;
    for _ in 0..2 {
        scene.server.clock.advance(31_000);
        page = browser.press(&page, "/login/resend", &[]).await;
        page.says("New code sent.");
    }
    scene.server.clock.advance(31_000);
    page = browser.press(&page, "/login/resend", &[]).await;
    page.says("We've sent 3 codes.").says_not("action=\"/login/resend\"");
}

#[tokio::test]
async fn a_code_expires_and_the_flow_does_not() {
    let scene = Scene::new().await;
    let browser = scene.browser();
    let page = scene.named(&browser, ALICE).await;
    let code = scene.code(ALICE).await;
    scene.server.clock.advance(1_801_000);
    let page = browser.press(&page, "/login/code", &[("code", &code)]).await;
    page.says("That code has expired. Send a new one.");
    let page = browser.press(&page, "/login/resend", &[]).await;
    page.says("New code sent.");
    let home = browser.press_once(&page, "/login/code", &[("code", &scene.code(ALICE).await)]).await;
    assert_eq!(scene.redeem(&home.parameter("code")).await.0, 200);

    let page = scene.named(&scene.browser(), "not an address").await;
    page.says("Enter an email address like name@example.com.").says("not an address");
    let browser = scene.browser();
    let page = scene.named(&browser, ALICE).await;
    scene.server.clock.advance(3_601_000);
    let shown = browser.open(&page.path).await;
    shown.says("This page has expired.");
    assert_eq!(browser.visit(&shown.link("Back to Demo app")).await.heading(), "Sign in");
}

#[tokio::test]
async fn somebody_with_a_password_can_try_another_way() {
    let scene = Scene::new().await;
    let browser = scene.browser();
    let page = scene.named(&browser, BOB).await;
    let code = scene.code(BOB).await;
    let choose = browser.visit(&page.link("Try another way")).await;
    assert_eq!(choose.heading(), "Choose how to sign in");
    let back = browser.visit(&choose.link("Back")).await;
    assert_eq!(back.path, page.path);
    let page = browser.press(&choose, "/login/choose", &[("factor", "PASSWORD")]).await;
    assert_eq!(page.heading(), "Enter your password");
    let page = browser.press(&page, "/login/password", &[("password", "wrong")]).await;
    page.says("Incorrect username or password.");
    let home = browser.press_once(&page, "/login/password", &[("password", BOBS_PASSWORD)]).await;
    let (status, tokens) = scene.redeem(&home.parameter("code")).await;
    assert_eq!(status, 200);
    let id = scene.verified(text(&tokens, "id_token"), TokenUse::Id).await;
    assert_eq!(id["amr"], json!(["pwd"]));

    // The code that was sent before the password was chosen works, too.
    let browser = scene.browser();
    let page = scene.named(&browser, BOB).await;
    let fresh = scene.code(BOB).await;
    assert_ne!(code, fresh);
    let choose = browser.visit(&page.link("Try another way")).await;
    browser.press(&choose, "/login/choose", &[("factor", "PASSWORD")]).await;
    let home = browser.press_once(&page, "/login/code", &[("code", &fresh)]).await;
    assert_eq!(scene.redeem(&home.parameter("code")).await.0, 200);
}

#[tokio::test]
async fn a_first_password_is_replaced_on_the_way_in() {
    let scene = Scene::new().await;
    scene.temporary("carol@example.com", "First-one-1").await;
    let browser = scene.browser();
    let page = scene.named(&browser, "carol@example.com").await;
    let choose = browser.visit(&page.link("Try another way")).await;
    let page = browser.press(&choose, "/login/choose", &[("factor", "PASSWORD")]).await;
    let page = browser.press(&page, "/login/password", &[("password", "First-one-1")]).await;
    assert_eq!(page.heading(), "Choose a new password");
    let page = browser.press(&page, "/login/new-password", &[("password", "short")]).await;
    assert_eq!(page.heading(), "Choose a new password");
    page.says("aria-invalid=\"true\"");
    let home = browser.press_once(&page, "/login/new-password", &[("password", "Second-one-2")]).await;
    assert_eq!(scene.redeem(&home.parameter("code")).await.0, 200);
}

#[tokio::test]
async fn a_new_person_signs_up_without_a_password_and_is_in() {
    let scene = Scene::new().await;
    let browser = scene.browser();
    let page = browser.visit(&scene.authorize(&[])).await;
    let page = browser.visit(&page.link("Create an account")).await;
    page.says_not("name=\"password\"");
    let page = browser.press(&page, "/signup", &[("email", "not an address")]).await;
    page.says("Enter an email address like name@example.com.");
    let page = browser.press(&page, "/signup", &[("email", "dora@example.com")]).await;
    assert_eq!(page.heading(), "Confirm your account");
    let code = scene.code("dora@example.com").await;
    let page = browser.press(&page, "/confirm", &[("code", &another(&code))]).await;
    page.says("That code isn't right.");
    let home = browser.press_once(&page, "/confirm", &[("code", &code)]).await;
    let (status, tokens) = scene.redeem(&home.parameter("code")).await;
    assert_eq!(status, 200, "{tokens}");
    let id = scene.verified(text(&tokens, "id_token"), TokenUse::Id).await;
    assert_eq!((&id["email"], &id["email_verified"]), (&json!("dora@example.com"), &json!(true)));

    // Somebody who has an account is told so by mail, not by the page.
    let browser = scene.browser();
    let page = browser.visit(&scene.authorize(&[])).await;
    let page = browser.visit(&page.link("Create an account")).await;
    let page = browser.press(&page, "/signup", &[("email", ALICE)]).await;
    assert_eq!(page.heading(), "Confirm your account");
    assert!(scene.server.wait_mail(ALICE).await["code"].is_null());
}

#[tokio::test]
async fn whoever_went_away_before_confirming_signs_in_by_code() {
    let scene = Scene::new().await;
    let browser = scene.browser();
    let page = browser.visit(&scene.authorize(&[])).await;
    let page = browser.visit(&page.link("Create an account")).await;
    browser.press(&page, "/signup", &[("email", "dora@example.com")]).await;
    scene.code("dora@example.com").await;
    let home = scene.signed_in(&scene.browser(), "dora@example.com").await;
    assert_eq!(scene.redeem(&home.parameter("code")).await.0, 200);
}

#[tokio::test]
async fn the_demo_app_shows_what_its_tokens_say_and_can_be_opened_again() {
    let scene = Scene::new().await;
    let browser = scene.browser();
    let page = browser.visit("/demo").await;
    let page = browser.press(&page, "/login", &[("username", ALICE)]).await;
    let home = browser.press_once(&page, "/login/code", &[("code", &scene.code(ALICE).await)]).await;
    let callback = home.to().replace(&scene.server.app.public_url, "");
    let shown = browser.visit(&callback).await;
    assert_eq!((shown.path.as_str(), shown.heading()), ("/demo/callback", "You're signed in".to_owned()));
    shown.says(ALICE).says("email_verified");
    assert_eq!(browser.open("/demo/callback").await.heading(), "You're signed in");
    let fresh = browser.press(&shown, "/demo/refresh", &[]).await;
    fresh.says("Fresh tokens.");
    let out = browser.visit(&fresh.link("Sign out")).await;
    assert_eq!(out.heading(), "You're signed out");
    assert_eq!(browser.visit("/demo/callback").await.heading(), "Sign in");
    // Somebody else's answer is not taken.
    assert_eq!(scene.browser().open(&callback).await.status, 400);
}

#[tokio::test]
async fn the_demo_stays_the_same_however_many_pools_there_are() {
    let scene = Scene::new().await;
    for number in 0..21 {
        scene.server.signed("CreateUserPool", json!({ "PoolName": format!("pool-{number}") })).await.ok();
    }
    assert_eq!(scene.server.demo().await.pool_id, scene.demo.pool_id);
}

#[tokio::test]
async fn outside_development_there_is_no_demo() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server.url);
    for path in ["/demo", "/demo/callback", "/demo/signed-out"] {
        assert_eq!(browser.open(path).await.status, 404, "{path}");
    }
}
