//! Signing up by a link in a mail. Attack cases 42 to 45: whoever opens the link, only its button confirms, once, and
//! nobody is signed in by it.

use super::browser::{Browser, Shown};
use super::scene::{Scene, another};
use crate::story::{App, newest_mail, text};
use crate::support::TestServer;
use serde_json::{Value, json};

const DORA: &str = "dora@example.com";
const EVE: &str = "eve@example.com";
const PASSWORD: &str = "Correct-horse-1";

fn by_link(more: Value) -> Value {
    let mut template = json!({ "DefaultEmailOption": "CONFIRM_WITH_LINK" });
    for (name, value) in more.as_object().into_iter().flatten() {
        template[name] = value.clone();
    }
    json!({ "VerificationMessageTemplate": template })
}

/// A pool that mails links, whose app has an address.
async fn place(server: &TestServer, template: Value) -> App<'_> {
    let client = json!({ "CallbackURLs": ["https://app.example/callback"] });
    App::with(server, by_link(template), client).await
}

async fn signs_up(app: &App<'_>, email: &str) -> String {
    app.server.clock.advance(1);
    let body = json!({ "Username": email, "Password": PASSWORD });
    text(&app.public("SignUp", body).await.ok(), "/UserSub")
}

/// The path of the link in a mail.
fn link_in(mail: &Value) -> String {
    let body = text(mail, "/text");
    let start = body.find("http").expect("a link");
    let link = body[start..].split_whitespace().next().expect("a link");
    link[link.find("/confirmUser").expect("a link of ours")..].to_owned()
}

async fn link_to(server: &TestServer, email: &str) -> String {
    link_in(&newest_mail(server, email).await)
}

async fn status(app: &App<'_>, email: &str) -> String {
    text(&app.signed("AdminGetUser", json!({ "Username": email })).await.ok(), "/UserStatus")
}

async fn presses(browser: &Browser, page: &Shown) -> Shown {
    browser.press(page, "/confirmUser", &[]).await
}

#[tokio::test]
async fn a_sign_up_is_confirmed_by_the_button_behind_its_link_once() {
    let server = TestServer::start().await;
    let app = place(&server, json!({})).await;
    let sub = signs_up(&app, DORA).await;
    let mail = newest_mail(&server, DORA).await;
    assert_eq!(mail["subject"], "Your verification link");
    assert_eq!(mail["code"], json!(null));
    let link = link_in(&mail);
    assert!(link.starts_with(&format!(
        "/confirmUser?client_id={}&user_name={sub}&confirmation_code=",
        app.client_id
    )));

    let browser = Browser::new(&server.url);
    let page = browser.open(&link).await;
    assert_eq!((page.status, page.heading().as_str()), (200, "Confirm your account"));
    assert_eq!(status(&app, DORA).await, "UNCONFIRMED");
    let done = presses(&browser, &page).await;
    assert_eq!((done.status, done.heading().as_str()), (200, "Your account is confirmed"));
    assert_eq!(done.link("Back to app"), "https://app.example/");
    assert_eq!(status(&app, DORA).await, "CONFIRMED");
    let user = app.signed("AdminGetUser", json!({ "Username": DORA })).await.ok();
    let verified = json!({ "Name": "email_verified", "Value": "true" });
    assert!(user["UserAttributes"].as_array().expect("attributes").contains(&verified));

    let again = presses(&browser, &page).await;
    assert_eq!((again.status, again.heading().as_str()), (404, "This link has expired"));
    let parameters = json!({ "USERNAME": DORA, "PASSWORD": PASSWORD });
    let body = json!({ "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
    app.public("InitiateAuth", body).await.ok();
}

#[tokio::test]
async fn case_42_scanners_that_open_the_link_change_nothing_and_get_no_session() {
    let server = TestServer::start().await;
    let app = place(&server, json!({})).await;
    signs_up(&app, DORA).await;
    let link = link_to(&server, DORA).await;
    let with_cookies = Browser::new(&server.url);
    with_cookies.open(&format!("/login?client_id={}", app.client_id)).await;
    for round in 0..20 {
        let scanner = if round % 2 == 0 { Browser::new(&server.url) } else { with_cookies.clone() };
        let method = if round % 3 == 0 { "HEAD" } else { "GET" };
        let opened = scanner.send(method, &link, "", &[]).await;
        assert_eq!(opened.status, 200);
        assert_eq!(opened.header("set-cookie"), "");
    }
    assert_eq!(status(&app, DORA).await, "UNCONFIRMED");
    let browser = Browser::new(&server.url);
    let page = browser.open(&link).await;
    assert_eq!(presses(&browser, &page).await.heading(), "Your account is confirmed");
}

#[tokio::test]
async fn case_43_link_and_code_are_one_and_serve_once_also_in_parallel() {
    let server = TestServer::start().await;
    let app = place(&server, json!({})).await;
    let code_in = |link: &str| link.rsplit_once("confirmation_code=").expect("a code").1.to_owned();
    let confirms = |email: &'static str, code: String| {
        app.public("ConfirmSignUp", json!({ "Username": email, "ConfirmationCode": code }))
    };
    let browser = Browser::new(&server.url);
    // The link, then the code.
    signs_up(&app, DORA).await;
    let link = link_to(&server, DORA).await;
    presses(&browser, &browser.open(&link).await).await.says("Your account is confirmed");
    confirms(DORA, code_in(&link)).await.refused_as("CodeMismatchException");
    // The code, then the link.
    signs_up(&app, EVE).await;
    let link = link_to(&server, EVE).await;
    let page = browser.open(&link).await;
    confirms(EVE, code_in(&link)).await.ok();
    assert_eq!(presses(&browser, &page).await.heading(), "This link has expired");
    // Both at once, many times.
    signs_up(&app, "finn@example.com").await;
    let link = link_to(&server, "finn@example.com").await;
    let page = browser.open(&link).await;
    let mut pressing = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (browser, page) = (browser.clone(), page.clone());
        pressing
            .spawn(async move { presses(&browser, &page).await.heading() == "Your account is confirmed" });
    }
    let by_code = confirms("finn@example.com", code_in(&link)).await.status == 200;
    let by_link = pressing.join_all().await.into_iter().filter(|confirmed| *confirmed).count();
    assert_eq!(by_link + usize::from(by_code), 1);
}

#[tokio::test]
async fn case_44_a_forwarded_link_signs_nobody_in_and_the_browser_that_waits_goes_on_by_itself() {
    let scene = Scene::new().await;
    let mut update = by_link(json!({}));
    update["AutoVerifiedAttributes"] = json!(["email"]);
    scene.admin("UpdateUserPool", update).await;
    let browser = scene.browser();
    let page = browser.visit(&scene.authorize(&[])).await;
    let page = browser.visit(&page.link("Create an account")).await;
    let waits = browser.press(&page, "/signup", &[("email", DORA)]).await;
    assert_eq!(waits.heading(), "Check your email");
    waits
        .says("We sent a link to <strong>d***@e***</strong>.")
        .says("Send a new link")
        .says_not("name=\"code\"");
    // Somebody who has an account is told nothing else.
    let other = scene.browser();
    let page = other.visit(&scene.authorize(&[])).await;
    let page = other.visit(&page.link("Create an account")).await;
    let known = other.press(&page, "/signup", &[("email", postern_server::seed::ALICE)]).await;
    assert_eq!(known.heading(), "Check your email");
    known.says("We sent a link to <strong>a***@e***</strong>.");

    let link = link_to(&scene.server, DORA).await;
    let elsewhere = scene.browser();
    let confirmed = presses(&elsewhere, &elsewhere.open(&link).await).await;
    assert_eq!(confirmed.heading(), "Your account is confirmed");
    // There nobody is signed in.
    let page = elsewhere.visit(&scene.authorize(&[])).await;
    assert_eq!(page.heading(), "Sign in");

    scene.server.clock.advance(60_000);
    let page = browser.press(&waits, "/confirm", &[]).await;
    assert_eq!(page.heading(), "Check your email");
    page.says("We sent a code to <strong>d***@e***</strong>.");
    let code = scene.code(DORA).await;
    let home = browser.press_once(&page, "/login/code", &[("code", &code)]).await;
    assert!(home.to().starts_with(&format!("{}?code=", scene.callback())));
}

#[tokio::test]
async fn a_new_link_is_sent_where_the_browser_waits_and_going_on_too_early_is_no_way_in() {
    let scene = Scene::new().await;
    let mut update = by_link(json!({}));
    update["AutoVerifiedAttributes"] = json!(["email"]);
    scene.admin("UpdateUserPool", update).await;
    let browser = scene.browser();
    let page = browser.visit(&scene.authorize(&[])).await;
    let page = browser.visit(&page.link("Create an account")).await;
    let waits = browser.press(&page, "/signup", &[("email", DORA)]).await;
    let first = link_to(&scene.server, DORA).await;
    scene.server.clock.advance(60_000);
    let waits = browser.press(&waits, "/login/resend", &[]).await;
    waits.says("New link sent. Use the newest one.");
    let second = link_to(&scene.server, DORA).await;
    assert_ne!(first, second);

    scene.server.clock.advance(60_000);
    let early = browser.press(&waits, "/confirm", &[]).await;
    early.says("We sent a code to <strong>d***@e***</strong>.");
    // The newest two links are good; one of them confirms.
    let elsewhere = scene.browser();
    let confirmed = presses(&elsewhere, &elsewhere.open(&first).await).await;
    assert_eq!(confirmed.heading(), "Your account is confirmed");
    let again = presses(&elsewhere, &elsewhere.open(&second).await).await;
    assert_eq!(again.heading(), "This link has expired");
}

#[tokio::test]
async fn case_45_the_pages_of_a_link_tell_nobody_its_code() {
    let server = TestServer::start().await;
    let app = place(&server, json!({})).await;
    signs_up(&app, DORA).await;
    let link = link_to(&server, DORA).await;
    let code = link.rsplit_once("confirmation_code=").expect("a code").1.to_owned();
    let browser = Browser::new(&server.url);
    let page = browser.open(&link).await;
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    assert_eq!(page.header("cache-control"), "no-store");
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!page.html.contains("src=\"http") && !page.html.contains("rel=\"stylesheet\" href=\"http"));
    let answer = browser.press_once(&page, "/confirmUser", &[]).await;
    // What stays in the address bar and the history has no code in it.
    assert!(!answer.to().contains(&code));
    assert!(!browser.follow(answer).await.html.contains(&code));
}

#[tokio::test]
async fn a_link_that_is_wrong_late_somebody_elses_or_another_apps_confirms_nobody() {
    let server = TestServer::start().await;
    let app = place(&server, json!({})).await;
    let dora = signs_up(&app, DORA).await;
    let eve = signs_up(&app, EVE).await;
    let (doras, eves) = (link_to(&server, DORA).await, link_to(&server, EVE).await);
    let code = doras.rsplit_once("confirmation_code=").expect("a code").1;
    let other = app.second_client().await;
    let browser = Browser::new(&server.url);
    for wrong in [
        doras.replace(code, &another(code)),
        eves.replace(&eve, &dora),
        doras.replace(&dora, "nobody"),
        doras.replace(&app.client_id, &other.client_id),
    ] {
        // It looks like any other until it is pressed.
        let page = browser.open(&wrong).await;
        assert_eq!((page.status, page.heading().as_str()), (200, "Confirm your account"));
        let told = presses(&browser, &page).await;
        assert_eq!((told.status, told.heading().as_str()), (404, "This link has expired"), "{wrong}");
    }
    for broken in ["/confirmUser", "/confirmUser?client_id=nobody&user_name=a&confirmation_code=1"] {
        assert_eq!(browser.open(broken).await.status, 400, "{broken}");
    }
    let without_code = doras.replace(&format!("&confirmation_code={code}"), "");
    browser.open(&without_code).await.says("Required parameter confirmation_code is not present");
    assert_eq!(
        (status(&app, DORA).await.as_str(), status(&app, EVE).await.as_str()),
        ("UNCONFIRMED", "UNCONFIRMED")
    );

    let page = browser.open(&eves).await;
    server.clock.advance(24 * 3_600_000);
    assert_eq!(presses(&browser, &page).await.heading(), "This link has expired");
    assert_eq!(status(&app, EVE).await, "UNCONFIRMED");
}

#[tokio::test]
async fn guesses_at_links_are_counted_like_those_at_codes() {
    let server = TestServer::start().await;
    let app = place(&server, json!({})).await;
    signs_up(&app, DORA).await;
    let link = link_to(&server, DORA).await;
    let code = link.rsplit_once("confirmation_code=").expect("a code").1;
    let browser = Browser::new(&server.url);
    let wrong = browser.open(&link.replace(code, &another(code))).await;
    for _ in 0..5 {
        presses(&browser, &wrong).await;
    }
    let right = browser.open(&link).await;
    assert_eq!(presses(&browser, &right).await.heading(), "This link has expired");
    assert_eq!(status(&app, DORA).await, "UNCONFIRMED");
}

#[tokio::test]
async fn the_pools_own_words_stand_around_the_link_and_other_mails_keep_their_codes() {
    let server = TestServer::start().await;
    let template = json!({
        "EmailMessageByLink": "<p>Welcome! {##Let me in##}</p>", "EmailSubjectByLink": "Welcome to Acme",
        "EmailMessage": "Code {####}", "EmailSubject": "A code",
    });
    let app = place(&server, template).await;
    let signed_up = signs_up(&app, DORA).await;
    let mail = newest_mail(&server, DORA).await;
    assert_eq!(mail["subject"], "Welcome to Acme");
    let html = text(&mail, "/html");
    assert!(
        html.starts_with("<p>Welcome! <a href=\"http") && html.ends_with("\">Let me in</a></p>"),
        "{html}"
    );
    assert!(html.contains(&signed_up) && text(&mail, "/text").contains("Let me in http"));
    server.clock.advance(60_000);
    app.public("ResendConfirmationCode", json!({ "Username": DORA })).await.ok();
    assert_eq!(newest_mail(&server, DORA).await["subject"], "Welcome to Acme");
    let browser = Browser::new(&server.url);
    let page = browser.open(&link_to(&server, DORA).await).await;
    presses(&browser, &page).await.says("Your account is confirmed");

    server.clock.advance(60_000);
    app.public("ForgotPassword", json!({ "Username": DORA })).await.ok();
    let mail = newest_mail(&server, DORA).await;
    assert_eq!(mail["subject"], "A code");
    assert_eq!(mail["text"], format!("Code {}\r\n", text(&mail, "/code")));

    // A template without a place for the link is none.
    let bad = by_link(json!({ "EmailMessageByLink": "Welcome!" }));
    app.signed("UpdateUserPool", bad).await.refused_as("InvalidParameterException");
}

#[tokio::test]
async fn the_page_speaks_the_readers_language() {
    let server = TestServer::start().await;
    let app = place(&server, json!({})).await;
    signs_up(&app, DORA).await;
    let link = link_to(&server, DORA).await;
    let browser = Browser::new(&server.url);
    let page = browser.send("GET", &link, "", &[("accept-language", "de")]).await;
    page.says("Sie haben ein neues Konto bei <strong>app</strong>.");
    let page = browser.open(&format!("{link}&lang=ja")).await;
    page.says("アカウント");
}
