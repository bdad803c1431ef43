//! Passkeys on the pages, as the script drives them: used by name and without one, offered after a sign-in, and not fooled.

use super::browser::{Browser, Shown};
use super::scene::Scene;
use crate::support::passkey::{Attested, Ceremony, PRESENT, Passkey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use postern_pools::oauth::pairs::query;
use serde_json::{Value, json};

const ALICE: &str = "alice@example.com";
const BOB: &str = "bob@example.com";
const PARTY: &str = "localhost";
const OFFER: &str = "Sign in faster next time";

async fn scene() -> Scene {
    let scene = Scene::new().await;
    let factors = json!({ "AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP", "WEB_AUTHN"] });
    let policies = json!({ "Policies": { "SignInPolicy": factors }, "AutoVerifiedAttributes": ["email"] });
    scene.admin("UpdateUserPool", policies).await;
    let settings = json!({ "WebAuthnConfiguration": { "RelyingPartyId": PARTY } });
    scene.admin("SetUserPoolMfaConfig", settings).await;
    scene
}

/// Types a name in a browser that can do so much with passkeys.
async fn named(scene: &Scene, browser: &Browser, name: &str, can: &str) -> Shown {
    let page = browser.visit(&scene.authorize(&[])).await;
    let fields = [("username", name), ("passkey", can)];
    browser.press(&page, "/login", &fields).await
}

/// What the script is told to ask.
async fn options(browser: &Browser, page: &Shown) -> Value {
    let (_, rest) = page.html.split_once("data-options=\"").expect("a form for passkeys");
    let href = rest.split_once('"').expect("an address").0.replace("&#38;", "&").replace("&amp;", "&");
    let answer = browser.open(&href).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"), "{}", answer.html);
    serde_json::from_str(&answer.html).expect("JSON")
}

/// The browser answers for its authenticator.
fn at(scene: &Scene, ceremony: Ceremony) -> Ceremony {
    Ceremony { origin: scene.server.app.public_url.clone(), ..ceremony }
}

async fn get(scene: &Scene, browser: &Browser, page: &Shown) -> Ceremony {
    let challenge = options(browser, page).await["challenge"].as_str().expect("a challenge").to_owned();
    at(scene, Ceremony::get(&challenge, PARTY))
}

/// Signs in by code up to the offer.
async fn offered(scene: &Scene, browser: &Browser, name: &str) -> Shown {
    let page = named(scene, browser, name, "keep").await;
    assert_eq!(page.heading(), "Check your email");
    let code = scene.code(name).await;
    let page = browser.press(&page, "/login/code", &[("code", &code)]).await;
    assert_eq!(page.heading(), OFFER);
    page
}

/// Makes a passkey on the offer.
async fn made(scene: &Scene, browser: &Browser, page: &Shown) -> (Passkey, Shown) {
    let options = options(browser, page).await;
    let text = |pointer: &str| options.pointer(pointer).and_then(Value::as_str).expect("a text").to_owned();
    let handle = BASE64URL.decode(text("/user/id")).expect("base64url");
    let passkey = Passkey { user_handle: Some(handle), ..Passkey::fresh() };
    let ceremony = at(scene, Ceremony::create(&text("/challenge"), PARTY));
    let credential = passkey.registers(&ceremony, Attested::No).to_string();
    let shown = browser.press(page, "/passkeys/add", &[("credential", &credential)]).await;
    (passkey, shown)
}

fn is_back_in_the_app(shown: &Shown) -> bool {
    shown.leads_to().is_some_and(|to| to.contains("/demo/callback?code="))
}

#[tokio::test]
async fn a_passkey_is_offered_after_a_code_made_and_used_from_then_on() {
    let scene = scene().await;
    let browser = scene.browser();
    let page = offered(&scene, &browser, ALICE).await;
    let (passkey, home) = made(&scene, &browser, &page).await;
    assert!(is_back_in_the_app(&home), "{home:?}");
    assert_eq!(scene.redeem(&home.parameter("code")).await.0, 200);

    // In another browser, by name.
    let browser = scene.browser();
    let page = named(&scene, &browser, ALICE, "use").await;
    assert_eq!(page.heading(), "Use your passkey");
    page.says(ALICE).says("Try another way");
    let ceremony = get(&scene, &browser, &page).await;
    let credential = passkey.asserts(&ceremony).to_string();
    let home = browser.press_once(&page, "/login/passkey", &[("credential", &credential)]).await;
    assert!(is_back_in_the_app(&home), "{home:?}");
    // The same answer a second time meets a flow that is over.
    let again = browser.press_once(&page, "/login/passkey", &[("credential", &credential)]).await;
    assert!(again.leads_to().expect("a redirect").starts_with("/oauth2/authorize?"));

    // And in a third, without a name: the passkey says whose it is.
    let browser = scene.browser();
    let page = browser.visit(&scene.authorize(&[])).await;
    page.says("Sign in with a passkey");
    let ceremony = get(&scene, &browser, &page).await;
    let credential = passkey.asserts(&ceremony).to_string();
    let home = browser.press_once(&page, "/login/passkey", &[("credential", &credential)]).await;
    assert!(is_back_in_the_app(&home), "{home:?}");
    let (status, tokens) = scene.redeem(&home.parameter("code")).await;
    assert_eq!(status, 200, "{tokens}");
}

#[tokio::test]
async fn case_58_a_passkey_that_is_made_ends_sessions_of_other_browsers() {
    let scene = scene().await;
    let other = scene.browser();
    scene.tokens(&other, ALICE).await;
    scene.server.clock.advance(31_000);
    let browser = scene.browser();
    let page = offered(&scene, &browser, ALICE).await;
    let (_, home) = made(&scene, &browser, &page).await;
    assert_eq!(scene.redeem(&home.parameter("code")).await.0, 200);
    let shown = other.open(&scene.authorize(&[("prompt", "none")])).await;
    assert!(shown.to().contains("error=login_required"), "{}", shown.to());
    let shown = browser.open(&scene.authorize(&[("prompt", "none")])).await;
    assert!(shown.to().contains("code="), "{}", shown.to());
}

#[tokio::test]
async fn an_offer_leaves_no_browser_signed_in_that_its_app_does_not_let_stay() {
    let scene = scene().await;
    for (minutes, stays) in [(0, false), (60, true)] {
        let keep =
            json!({ "ClientId": scene.demo.client_id, "SSOSession": { "MaxValidityMinutes": minutes } });
        scene.admin("SetUserPoolClientSessionConfiguration", keep).await;
        scene.server.clock.advance(60_000);
        let browser = scene.browser();
        let page = offered(&scene, &browser, ALICE).await;
        let later = browser.press(&page, "/passkeys/add", &[("later", "1")]).await;
        assert!(is_back_in_the_app(&later), "{later:?}");
        scene.server.clock.advance(31_000);
        let shown = browser.open(&scene.authorize(&[("prompt", "none")])).await;
        assert_eq!(shown.to().contains("code="), stays, "{minutes}: {}", shown.to());
    }
}

#[tokio::test]
async fn who_has_a_passkey_or_is_in_a_hurry_or_said_not_now_is_not_offered_one() {
    let scene = scene().await;
    let browser = scene.browser();
    let page = offered(&scene, &browser, ALICE).await;
    let later = browser.press_once(&page, "/passkeys/add", &[("later", "1")]).await;
    assert!(later.header("set-cookie").contains("Max-Age=2592000"), "{:?}", later.headers);
    assert!(is_back_in_the_app(&browser.follow(later).await));
    // For 30 days, in this browser.
    browser.lose("postern-session-");
    let page = named(&scene, &browser, ALICE, "keep").await;
    let code = scene.code(ALICE).await;
    let home = browser.press_once(&page, "/login/code", &[("code", &code)]).await;
    assert!(is_back_in_the_app(&home), "{home:?}");

    for (more, can) in [(("prompt", "login"), "keep"), (("max_age", "60"), "keep"), (("lang", "en"), "use")] {
        let browser = scene.browser();
        let page = browser.visit(&scene.authorize(&[more])).await;
        let page = browser.press(&page, "/login", &[("username", BOB), ("passkey", can)]).await;
        let code = scene.code(BOB).await;
        let home = browser.press_once(&page, "/login/code", &[("code", &code)]).await;
        assert!(is_back_in_the_app(&home), "{more:?} {home:?}");
    }

    let browser = scene.browser();
    let page = offered(&scene, &browser, BOB).await;
    made(&scene, &browser, &page).await;
    let browser = scene.browser();
    let page = named(&scene, &browser, BOB, "keep").await;
    let choose = browser.visit(&page.link("Try another way")).await;
    choose.says("Use a passkey").says("Email a code").says("b***@e***");
    let page = browser.press(&choose, "/login/choose", &[("factor", "EMAIL_OTP")]).await;
    let code = scene.code(BOB).await;
    let home = browser.press_once(&page, "/login/code", &[("code", &code)]).await;
    assert!(is_back_in_the_app(&home), "{home:?}");
}

#[tokio::test]
async fn a_wrong_passkey_stays_on_the_page_and_a_challenge_takes_one_answer() {
    let scene = scene().await;
    let browser = scene.browser();
    let page = offered(&scene, &browser, ALICE).await;
    let (alices, _) = made(&scene, &browser, &page).await;
    let browser = scene.browser();
    let page = offered(&scene, &browser, BOB).await;
    let (bobs, _) = made(&scene, &browser, &page).await;

    // Bob's passkey under Alice's name.
    let browser = scene.browser();
    let page = named(&scene, &browser, ALICE, "use").await;
    let ceremony = get(&scene, &browser, &page).await;
    let credential = bobs.asserts(&ceremony).to_string();
    let page = browser.press(&page, "/login/passkey", &[("credential", &credential)]).await;
    page.says("That passkey didn't work.");
    assert_eq!(page.heading(), "Use your passkey");
    // The right one for the challenge that was answered already.
    let late = alices.asserts(&ceremony).to_string();
    let page = browser.press(&page, "/login/passkey", &[("credential", &late)]).await;
    page.says("That passkey didn't work.");
    // Another flow's challenge, another origin, another party, another ceremony, and nothing at all.
    let elsewhere = scene.browser();
    let other = named(&scene, &elsewhere, ALICE, "use").await;
    let foreign = get(&scene, &elsewhere, &other).await;
    let mut page = page;
    type Spoil = fn(Ceremony, Ceremony) -> Ceremony;
    let spoils: [Spoil; 5] = [
        |_, foreign| foreign,
        |own, _| Ceremony { origin: "https://evil.example".into(), ..own },
        |own, _| Ceremony { party: "example.com".into(), ..own },
        |own, _| Ceremony { kind: "webauthn.create", ..own },
        |own, _| Ceremony { is_framed: true, ..own },
    ];
    for spoil in spoils {
        let own = get(&scene, &browser, &page).await;
        let credential = alices.asserts(&spoil(own, foreign.clone())).to_string();
        page = browser.press(&page, "/login/passkey", &[("credential", &credential)]).await;
        page.says("That passkey didn't work.");
    }
    let page = browser.press(&page, "/login/passkey", &[("credential", "")]).await;
    page.says("That passkey didn't work.");
    // Five minutes are the most that a challenge waits.
    let ceremony = get(&scene, &browser, &page).await;
    scene.server.clock.advance(5 * 60_000);
    let late = alices.asserts(&ceremony).to_string();
    let page = browser.press(&page, "/login/passkey", &[("credential", &late)]).await;
    page.says("That passkey didn't work.");
    let ceremony = get(&scene, &browser, &page).await;
    let credential = alices.asserts(&ceremony).to_string();
    let home = browser.press_once(&page, "/login/passkey", &[("credential", &credential)]).await;
    assert!(is_back_in_the_app(&home), "{home:?}");
}

#[tokio::test]
async fn a_passkey_is_added_only_by_who_has_just_signed_in_here() {
    let scene = scene().await;
    let browser = scene.browser();
    let page = offered(&scene, &browser, ALICE).await;
    // Too late: the sign-in is no longer fresh.
    let options = options(&browser, &page).await;
    let challenge = options["challenge"].as_str().expect("a challenge");
    let ceremony = at(&scene, Ceremony::create(challenge, PARTY));
    let credential = Passkey::fresh().registers(&ceremony, Attested::No).to_string();
    scene.server.clock.advance(5 * 60_000 + 1000);
    let page = browser.press(&page, "/passkeys/add", &[("credential", &credential)]).await;
    page.says("The passkey could not be saved.");
    // From a form of another site, or in another browser: nothing.
    let forged = browser.post("/passkeys/add", &[("credential", &credential)], &[]).await;
    assert_eq!(forged.status, 400);
    let stranger = scene.browser().open(&page.path).await;
    assert_eq!(stranger.status, 400);

    // An app sends people there any time: they sign in first where that was long ago.
    let add = scene.authorize(&[]).replace("/oauth2/authorize", "/passkeys/add");
    let page = browser.visit(&add).await;
    assert_eq!(page.heading(), "Sign in");
    let page = browser.press(&page, "/login", &[("username", ALICE)]).await;
    let code = scene.code(ALICE).await;
    let page = browser.press(&page, "/login/code", &[("code", &code)]).await;
    assert_eq!(page.heading(), OFFER);
    let (_, home) = made(&scene, &browser, &page).await;
    assert!(is_back_in_the_app(&home), "{home:?}");
    assert_eq!(browser.visit(&add).await.heading(), OFFER);
}

#[tokio::test]
async fn who_is_sent_to_add_a_passkey_comes_back_as_they_went() {
    let scene = scene().await;
    let callback = scene.callback();
    let add = |redirect_uri: &str, more: &[(&str, &str)]| {
        let pairs = [("client_id", scene.demo.client_id.as_str()), ("redirect_uri", redirect_uri)];
        format!("/passkeys/add?{}", query(&[&pairs[..], more].concat()))
    };
    let browser = scene.browser();
    let page = browser.visit(&add(&callback, &[("state", "s1")])).await;
    assert_eq!(page.heading(), "Sign in");
    let page = browser.press(&page, "/login", &[("username", ALICE)]).await;
    let page = browser.press(&page, "/login/code", &[("code", &scene.code(ALICE).await)]).await;
    assert_eq!(page.heading(), OFFER);
    let (_, home) = made(&scene, &browser, &page).await;
    assert_eq!(home.to(), format!("{callback}?state=s1"));
    // Signed in already, and not now.
    let page = browser.visit(&add(&callback, &[])).await;
    assert_eq!(page.heading(), OFFER);
    let home = browser.press_once(&page, "/passkeys/add", &[("later", "1")]).await;
    assert_eq!(home.to(), callback);
    // Nowhere else.
    assert_eq!(browser.open(&add("https://evil.example/", &[])).await.status, 400);
}

#[tokio::test]
async fn a_pool_without_passkeys_speaks_of_none() {
    let scene = Scene::new().await;
    let browser = scene.browser();
    let page = browser.visit(&scene.authorize(&[])).await;
    page.says_not("passkey");
    let page = browser.press(&page, "/login", &[("username", ALICE), ("passkey", "keep")]).await;
    let code = scene.code(ALICE).await;
    let home = browser.press_once(&page, "/login/code", &[("code", &code)]).await;
    assert!(is_back_in_the_app(&home), "{home:?}");
}

#[tokio::test]
async fn where_two_factors_are_demanded_a_passkey_that_verified_the_person_is_both() {
    let scene = scene().await;
    let browser = scene.browser();
    let page = offered(&scene, &browser, ALICE).await;
    let (passkey, _) = made(&scene, &browser, &page).await;
    let pool = json!({
        "Policies": { "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD", "WEB_AUTHN"] } },
        "AutoVerifiedAttributes": ["email"],
    });
    scene.admin("UpdateUserPool", pool).await;
    let demand = |factor: &str| {
        json!({
            "MfaConfiguration": "ON",
            "SoftwareTokenMfaConfiguration": { "Enabled": true },
            "WebAuthnConfiguration": { "RelyingPartyId": PARTY, "FactorConfiguration": factor },
        })
    };
    // As one factor of two it is not taken at all.
    scene.admin("SetUserPoolMfaConfig", demand("SINGLE_FACTOR")).await;
    let browser = scene.browser();
    let page = named(&scene, &browser, ALICE, "use").await;
    assert_ne!(page.heading(), "Use your passkey");

    scene.admin("SetUserPoolMfaConfig", demand("MULTI_FACTOR_WITH_USER_VERIFICATION")).await;
    let browser = scene.browser();
    let page = named(&scene, &browser, ALICE, "use").await;
    assert_eq!(page.heading(), "Use your passkey");
    let ceremony = get(&scene, &browser, &page).await;
    let unverified = Ceremony { flags: PRESENT, ..ceremony };
    let shown = browser
        .press(&page, "/login/passkey", &[("credential", &passkey.asserts(&unverified).to_string())])
        .await;
    assert_eq!(shown.heading(), "Use your passkey");
    let ceremony = get(&scene, &browser, &shown).await;
    let home = browser
        .press_once(&shown, "/login/passkey", &[("credential", &passkey.asserts(&ceremony).to_string())])
        .await;
    assert!(is_back_in_the_app(&home), "{home:?}");
    let (status, tokens) = scene.redeem(&home.parameter("code")).await;
    assert_eq!(status, 200, "{tokens}");
    let id = crate::story::claims(tokens["id_token"].as_str().expect("an ID token"));
    assert_eq!(id["amr"], json!(["hwk", "mfa"]));
}

#[tokio::test]
async fn where_no_relying_party_is_known_nobody_is_asked_for_a_passkey() {
    let scene = Scene::new().await;
    let factors = json!({ "AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP", "WEB_AUTHN"] });
    let policies = json!({ "Policies": { "SignInPolicy": factors }, "AutoVerifiedAttributes": ["email"] });
    scene.admin("UpdateUserPool", policies).await;
    let browser = scene.browser();
    let page = browser.visit(&scene.authorize(&[])).await;
    page.says_not("data-passkey").says_not("passkey");
    let page = browser.press(&page, "/login", &[("username", ALICE), ("passkey", "keep")]).await;
    assert_eq!(page.heading(), "Check your email");
    let code = scene.code(ALICE).await;
    let home = browser.press(&page, "/login/code", &[("code", &code)]).await;
    assert!(is_back_in_the_app(&home), "{home:?}");
}

#[tokio::test]
async fn a_passkey_is_offered_to_who_signs_up() {
    let scene = scene().await;
    for can in ["keep", "use"] {
        let browser = scene.browser();
        let page = browser.visit(&scene.authorize(&[])).await;
        let page = browser.visit(&page.link("Create an account")).await;
        page.says("data-passkey-can");
        let name = format!("{can}@example.com");
        let page = browser.press(&page, "/signup", &[("email", &name), ("passkey", can)]).await;
        let code = scene.code(&name).await;
        let page = browser.press(&page, "/confirm", &[("code", &code)]).await;
        match can {
            "keep" => assert_eq!(page.heading(), OFFER),
            _ => assert!(is_back_in_the_app(&page), "{page:?}"),
        }
    }
}
