//! The attack cases about codes where they are typed on pages, by their numbers in the security specification.

use super::browser::{Browser, Shown};
use super::neutral;
use super::scene::{Scene, another};
use crate::story::{mail_settles, text};
use postern_server::seed::{ALICE, BOB};
use serde_json::json;

/// Codes that an account is sent in a day while each is guessed at.
const CODES: usize = 10;
const ATTEMPTS: usize = 5;

async fn codes_to(scene: &Scene, name: &str) -> usize {
    mail_settles(&scene.server).await;
    scene.server.mails_to(name).await.iter().filter(|mail| mail["code"].is_string()).count()
}

async fn gives(browser: &Browser, page: &Shown, code: &str) -> Shown {
    browser.press(page, "/login/code", &[("code", code)]).await
}

fn reached_the_app(shown: &Shown) -> bool {
    shown.to().contains("code=")
}

#[tokio::test]
async fn case_7_pages_and_api_share_one_budget() {
    let scene = Scene::new().await;
    for round in 0..CODES + 4 {
        scene.server.clock.advance(31_000);
        if round % 2 == 0 {
            let browser = scene.browser();
            let mut page = scene.named(&browser, ALICE).await;
            for _ in 0..ATTEMPTS {
                page = gives(&browser, &page, "0000000x").await;
            }
        } else {
            let parameters = json!({ "USERNAME": ALICE, "PREFERRED_CHALLENGE": "EMAIL_OTP" });
            let client = &scene.demo.client_id;
            let begin = json!({ "ClientId": client, "AuthFlow": "USER_AUTH", "AuthParameters": parameters });
            let asked = scene.server.api("InitiateAuth", begin).await.ok().body;
            for _ in 0..ATTEMPTS {
                let answer = json!({
                    "ClientId": client, "ChallengeName": "EMAIL_OTP", "Session": asked["Session"],
                    "ChallengeResponses": { "USERNAME": ALICE, "EMAIL_OTP_CODE": "0000000x" },
                });
                scene.server.api("RespondToAuthChallenge", answer).await;
            }
        }
    }
    assert_eq!(codes_to(&scene, ALICE).await, CODES);
}

#[tokio::test]
async fn case_4_sending_again_between_the_guesses_brings_no_more_of_them() {
    let scene = Scene::new().await;
    let mut looked_at = 0;
    for _ in 0..CODES + 4 {
        scene.server.clock.advance(31_000);
        let browser = scene.browser();
        let before = codes_to(&scene, ALICE).await;
        let mut page = scene.named(&browser, ALICE).await;
        let mut was_sent = codes_to(&scene, ALICE).await > before;
        for guess in 0..ATTEMPTS {
            page = gives(&browser, &page, "0000000x").await;
            looked_at += usize::from(was_sent && page.html.contains("That code isn&#39;t right"));
            if guess < 2 {
                scene.server.clock.advance(31_000);
                page = browser.press(&page, "/login/resend", &[]).await;
                was_sent = codes_to(&scene, ALICE).await > before;
            }
        }
    }
    assert!((ATTEMPTS..=CODES * ATTEMPTS).contains(&looked_at), "{looked_at}");
}

#[tokio::test]
async fn case_13_of_three_codes_in_one_flow_the_newest_two_are_good_and_share_their_tries() {
    let scene = Scene::new().await;
    let sent_three = async |browser: &Browser| {
        let mut page = scene.named(browser, ALICE).await;
        let mut codes = vec![scene.code(ALICE).await];
        for _ in 0..2 {
            scene.server.clock.advance(31_000);
            page = browser.press(&page, "/login/resend", &[]).await;
            codes.push(scene.code(ALICE).await);
        }
        (page, codes)
    };
    for good in [1, 2] {
        let browser = scene.browser();
        let (page, codes) = sent_three(&browser).await;
        let page = gives(&browser, &page, &codes[0]).await;
        page.says("That code isn't right.");
        let home = browser.press_once(&page, "/login/code", &[("code", &codes[good])]).await;
        assert!(reached_the_app(&home), "{good}: {}", home.html);
        scene.server.clock.advance(31_000);
    }
    // A new code brings no new tries.
    let browser = scene.browser();
    let mut page = scene.named(&browser, ALICE).await;
    let first = scene.code(ALICE).await;
    for _ in 0..ATTEMPTS - 1 {
        page = gives(&browser, &page, &another(&first)).await;
    }
    scene.server.clock.advance(31_000);
    page = browser.press(&page, "/login/resend", &[]).await;
    let second = scene.code(ALICE).await;
    let page = gives(&browser, &page, &another(&second)).await;
    page.says("Too many wrong codes.");
    let fields: Vec<(&str, &str)> = vec![("code", &second)];
    let flow = page.path.split_once("flow=").map_or("", |(_, flow)| flow);
    let shown = browser.post("/login/code", &[&fields[..], &[("flow", flow)]].concat(), &[]).await;
    assert!(!reached_the_app(&shown));
}

#[tokio::test]
async fn case_17_a_code_may_be_typed_with_spaces_and_no_other_passes_for_it() {
    let scene = Scene::new().await;
    type Typed = fn(&str) -> String;
    let good: [Typed; 5] = [
        |code| format!("  {code} "),
        |code| format!("{} {}", &code[..4], &code[4..]),
        |code| format!("{}-{}", &code[..4], &code[4..]),
        |code| code.chars().flat_map(|digit| [digit, ' ']).collect(),
        // The same digits as another keyboard writes them.
        |code| code.chars().map(|c| char::from_u32(c as u32 - 0x30 + 0xFF10).unwrap_or(c)).collect(),
    ];
    for typed in good {
        scene.server.clock.advance(31_000);
        let browser = scene.browser();
        let page = scene.named(&browser, ALICE).await;
        let code = typed(&scene.code(ALICE).await);
        let home = browser.press_once(&page, "/login/code", &[("code", &code)]).await;
        assert!(reached_the_app(&home), "{code:?}");
    }
    let browser = scene.browser();
    scene.server.clock.advance(31_000);
    let page = scene.named(&browser, ALICE).await;
    let code = scene.code(ALICE).await;
    for typed in [format!("{code}0"), code[..7].to_owned(), format!("{code}x"), "9".repeat(60_000)] {
        let shown = browser.press_once(&page, "/login/code", &[("code", &typed)]).await;
        assert!(shown.status < 500 && !reached_the_app(&shown), "{}", shown.status);
    }
    let home = browser.press_once(&page, "/login/code", &[("code", &code)]).await;
    assert!(reached_the_app(&home), "none of these was more than a try");
}

#[tokio::test]
async fn case_20_restored_cookies_bring_no_tries_and_no_second_sign_in() {
    let scene = Scene::new().await;
    let browser = scene.browser();
    let page = scene.named(&browser, ALICE).await;
    let code = scene.code(ALICE).await;
    let (kept, kept_page) = (browser.copy(), page.clone());
    let mut now = page;
    for _ in 0..ATTEMPTS {
        now = gives(&browser, &now, &another(&code)).await;
    }
    now.says("Too many wrong codes.");
    let shown = kept.press_once(&kept_page, "/login/code", &[("code", &code)]).await;
    assert!(!reached_the_app(&kept.follow(shown).await));

    scene.server.clock.advance(31_000);
    let browser = scene.browser();
    let page = scene.named(&browser, BOB).await;
    let code = scene.code(BOB).await;
    let kept = browser.copy();
    let home = browser.press_once(&page, "/login/code", &[("code", &code)]).await;
    assert!(reached_the_app(&home));
    let shown = kept.press_once(&page, "/login/code", &[("code", &code)]).await;
    assert!(!reached_the_app(&kept.follow(shown).await));
    let shown = kept.open(&scene.authorize(&[("prompt", "none")])).await;
    assert_eq!(shown.parameter("error"), "login_required");
}

#[tokio::test]
async fn case_25_pages_do_not_tell_who_is_unconfirmed_disabled_or_nobody() {
    let scene = Scene::new().await;
    let [new, disabled, nobody] = ["kent@example.com", "kate@example.com", "kyle@example.com"];
    let account = json!({
        "ClientId": scene.demo.client_id, "Username": new, "UserAttributes": [{ "Name": "email", "Value": new }],
    });
    scene.server.api("SignUp", account).await.ok();
    scene.temporary(disabled, "First-Horse-6").await;
    scene.admin("AdminDisableUser", json!({ "Username": disabled })).await;
    scene.server.clock.advance(31_000);
    let mut all = Vec::new();
    for name in [ALICE, nobody, disabled, new] {
        let browser = scene.browser();
        let mut seen = Vec::new();
        let mut page = scene.named(&browser, name).await;
        for _ in 0..=ATTEMPTS {
            seen.push((page.status, neutral(&page, name)));
            page = gives(&browser, &page, "00000000").await;
        }
        page = browser.press(&page, "/login/resend", &[]).await;
        seen.push((page.status, neutral(&page, name)));
        // Whoever signs up, is told alike as well.
        let sign_up = browser.visit(&scene.authorize(&[])).await;
        let sign_up = browser.visit(&sign_up.link("Create an account")).await;
        let sign_up = browser.press(&sign_up, "/signup", &[("email", name)]).await;
        seen.push((sign_up.status, neutral(&sign_up, name)));
        all.push(seen);
    }
    for (number, seen) in all.iter().enumerate().skip(1) {
        for (one, other) in all[0].iter().zip(seen) {
            assert_eq!(one, other, "{number}");
        }
    }
}

#[tokio::test]
async fn case_41_pages_that_mail_take_no_host_from_a_request() {
    let scene = Scene::new().await;
    let headers = [
        ("x-forwarded-host", "evil.test"),
        ("x-forwarded-proto", "http"),
        ("forwarded", "host=evil.test"),
        ("origin", scene.server.url.as_str()),
        ("sec-fetch-site", "same-origin"),
    ];
    let browser = scene.browser();
    let page = browser.visit(&scene.authorize(&[])).await;
    let mut fields = page.hidden("/login");
    fields.push(("username".to_owned(), ALICE.to_owned()));
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let shown = browser.post("/login", &fields, &headers).await;
    assert!(!shown.to().contains("evil.test") && !shown.html.contains("evil.test"));
    let page = browser.follow(shown).await;
    assert_eq!(page.heading(), "Check your email");
    mail_settles(&scene.server).await;
    let mail = scene.server.mails_to(ALICE).await.remove(0);
    assert!(!text(&mail, "/text").contains("evil.test") && !text(&mail, "/html").contains("evil.test"));
    // Under another name there is no form of ours to press.
    let elsewhere = browser.at("evil.test");
    let shown = elsewhere.open(&scene.authorize(&[])).await;
    assert!(!shown.to().contains("evil.test") && !shown.html.contains("evil.test"));
}

#[tokio::test]
async fn case_48_a_page_confirms_the_sign_up_that_was_made_on_it_and_no_strangers_password() {
    const DORA: &str = "dora@example.com";
    const STRANGERS: &str = "Strangers-own-1";
    let scene = Scene::new().await;
    let signs_up = async |browser: &Browser, password: &str| {
        let page = browser.visit(&scene.authorize(&[])).await;
        let page = browser.visit(&page.link("Create an account")).await;
        let page = browser.press(&page, "/signup", &[("email", DORA), ("password", password)]).await;
        assert_eq!(page.heading(), "Confirm your account");
        scene.server.wait_mail(DORA).await;
        scene.server.clock.advance(31_000);
        page
    };
    let opens = async |password: &str| {
        let flows = json!({ "USERNAME": DORA, "PASSWORD": password });
        let body = json!({
            "ClientId": scene.demo.client_id, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": flows,
        });
        scene.server.api("InitiateAuth", body).await.status == 200
    };
    signs_up(&scene.browser(), STRANGERS).await;
    let browser = scene.browser();
    let page = signs_up(&browser, "Doras-own-1").await;
    let page = browser.press(&page, "/login/resend", &[]).await;
    let code = scene.code(DORA).await;
    let home = browser.press_once(&page, "/confirm", &[("code", &code)]).await;
    assert_eq!(scene.redeem(&home.parameter("code")).await.0, 200);
    assert!(!opens(STRANGERS).await);
}
