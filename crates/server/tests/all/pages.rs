//! Signing in on the pages, as a person with a browser and an app with its back channel see it.

#[path = "../support/browser.rs"]
mod browser;

use crate::support::TestServer;
use browser::{Browser, Shown};
use postern_model::Service;
use postern_pools::keys::{TokenUse, of_pool};
use postern_pools::oauth::pairs::query;
use postern_pools::oauth::pkce::challenge_of;
use postern_server::api::{Call, perform};
use postern_server::seed::{self, ALICE, BOB, BOBS_PASSWORD, Demo};
use serde_json::{Value, json};

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const NOBODY: &str = "nobody@example.com";

/// A server with the demo pool, and the demo client as an app of our own.
struct Scene {
    server: TestServer,
    demo: Demo,
}

impl Scene {
    async fn new() -> Scene {
        let server = TestServer::with(|settings| settings.development.demo = true).await;
        let demo = seed::demo(&server.app).await.expect("the demo can be made");
        Scene { server, demo }
    }

    fn browser(&self) -> Browser {
        Browser::new(&self.server.url)
    }

    fn callback(&self) -> String {
        format!("{}/demo/callback", self.server.app.public_url)
    }

    /// The address that the app sends people to.
    fn authorize(&self, more: &[(&str, &str)]) -> String {
        let (callback, challenge) = (self.callback(), challenge_of(VERIFIER));
        let mut pairs = vec![
            ("response_type", "code"),
            ("client_id", self.demo.client_id.as_str()),
            ("redirect_uri", &callback),
            ("state", "a&b"),
            ("nonce", "n-1"),
            ("scope", "openid email"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        pairs.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
        pairs.extend(more.iter().filter(|(_, value)| !value.is_empty()));
        format!("/oauth2/authorize?{}", query(&pairs))
    }

    /// Opens the sign-in page and types a name.
    async fn named(&self, browser: &Browser, name: &str) -> Shown {
        let page = browser.visit(&self.authorize(&[])).await;
        assert_eq!(page.heading(), "Sign in");
        browser.press(&page, "/login", &[("username", name)]).await
    }

    /// The code in the newest mail.
    async fn code(&self, address: &str) -> String {
        self.server.wait_mail(address).await["code"].as_str().expect("a code").to_owned()
    }

    /// Signs in by code; gives the redirect to the app.
    async fn signed_in(&self, browser: &Browser, name: &str) -> Shown {
        let page = self.named(browser, name).await;
        let code = self.code(name).await;
        let home = browser.press_once(&page, "/login/code", &[("code", &code)]).await;
        assert_eq!(home.status, 303, "{}", home.html);
        home
    }

    async fn token(&self, fields: &[(&str, &str)]) -> (u16, Value) {
        let mut fields = fields.to_vec();
        fields.push(("client_id", &self.demo.client_id));
        let answer = self.browser().post("/oauth2/token", &fields, &[]).await;
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!(answer.header("cache-control"), "no-store");
        (answer.status, serde_json::from_str(&answer.html).expect("JSON"))
    }

    async fn redeem(&self, code: &str) -> (u16, Value) {
        let callback = self.callback();
        self.token(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &callback),
            ("code_verifier", VERIFIER),
        ])
        .await
    }

    async fn refresh(&self, token: &str) -> (u16, Value) {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    async fn tokens(&self, browser: &Browser, name: &str) -> Value {
        let home = self.signed_in(browser, name).await;
        let (status, tokens) = self.redeem(&home.parameter("code")).await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }

    async fn user_info(&self, authorization: &str) -> Shown {
        let headers = [("authorization", authorization)];
        self.browser().send("GET", "/oauth2/userInfo", "", &headers).await
    }

    async fn verified(&self, token: &str, token_use: TokenUse) -> Value {
        let (pool_id, token) = (self.demo.pool_id.clone(), token.to_owned());
        let claims: anyhow::Result<Option<Value>> =
            self.server.app.store.read(move |tx| Ok(of_pool(tx, &pool_id)?.verified(&token, token_use))).await;
        claims.expect("keys").expect("a good signature")
    }

    /// Calls an administrator's operation on the pool.
    async fn admin(&self, operation: &str, mut input: Value) {
        input["UserPoolId"] = self.demo.pool_id.clone().into();
        let call = Call::find(Service::CognitoIdp, operation).expect("an operation");
        let app = &self.server.app;
        perform(app, &app.own_caller(), call, &input).await.unwrap_or_else(|error| panic!("{error}"));
    }

    async fn temporary(&self, name: &str, password: &str) {
        self.admin(
            "AdminCreateUser",
            json!({
                "Username": name,
                "TemporaryPassword": password,
                "MessageAction": "SUPPRESS",
                "UserAttributes": [{ "Name": "email", "Value": name }],
            }),
        )
        .await;
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}

/// Gives a code that is surely not this one.
fn another(code: &str) -> String {
    let last = if code.ends_with('0') { '1' } else { '0' };
    format!("{}{last}", &code[..code.len() - 1])
}

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
    assert!(home.header("location").starts_with(&format!("{}?code=", scene.callback())));
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
    assert_eq!(transcripts[0], transcripts[1]);
    assert!(scene.server.mails_to(NOBODY).await.is_empty());
}

/// A page without what is random or typed.
fn neutral(page: &Shown, name: &str) -> String {
    let flow = page.path.split_once("flow=").map_or("", |(_, flow)| flow);
    let html = page.html.replace(flow, "FLOW").replace(name, "NAME");
    let masked = format!("{}***@", &name[..1]);
    let csrf = html.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    html.replace(csrf.unwrap_or("-"), "CSRF").replace(&masked, "MASKED")
}

#[tokio::test]
async fn nobody_is_sent_to_an_address_that_is_not_registered() {
    let scene = Scene::new().await;
    let browser = scene.browser();
    for sent in [
        "https://evil.example/",
        &format!("{}/", scene.callback()),
        &format!("{}?x=1", scene.callback()),
        &scene.callback().replace("http://", "http://x@"),
    ] {
        for more in [("prompt", "none"), ("response_type", "token"), ("scope", "openid")] {
            let shown = browser.open(&scene.authorize(&[("redirect_uri", sent), more])).await;
            assert_eq!((shown.status, shown.leads_to()), (400, None), "{sent}");
            shown.says("redirect_mismatch");
        }
    }
    let shown = browser.open(&scene.authorize(&[("client_id", "unknown")])).await;
    assert_eq!((shown.status, shown.leads_to()), (400, None));
    shown.says("This app isn't set up here.");
    let twice = format!("{}&client_id=x", scene.authorize(&[]));
    assert_eq!(browser.open(&twice).await.status, 400);
    assert_eq!(browser.open("/oauth2/authorize").await.status, 400);
}

#[tokio::test]
async fn what_else_is_wrong_goes_back_to_the_app() {
    let scene = Scene::new().await;
    let browser = scene.browser();
    for (more, error) in [
        (&[("code_challenge", ""), ("code_challenge_method", "")][..], "invalid_request"),
        (&[("code_challenge_method", "plain")], "invalid_request"),
        (&[("response_type", "token")], "unsupported_response_type"),
        (&[("scope", "openid other")], "invalid_scope"),
        (&[("prompt", "none")], "login_required"),
    ] {
        let shown = browser.open(&scene.authorize(more)).await;
        assert_eq!(shown.status, 302, "{more:?}");
        assert!(shown.header("location").starts_with(&scene.callback()));
        assert_eq!((shown.parameter("error").as_str(), shown.parameter("state").as_str()), (error, "a&b"));
        assert!(shown.answer().has("iss") && !shown.answer().has("code"));
    }
    let shown = browser.open(&scene.authorize(&[("code_challenge", ""), ("code_challenge_method", "")])).await;
    assert!(shown.parameter("error_description").contains("oauth.pkce"));
}

#[tokio::test]
async fn a_code_that_comes_back_ends_what_was_made_of_it() {
    let scene = Scene::new().await;
    let home = scene.signed_in(&scene.browser(), ALICE).await;
    let code = home.parameter("code");
    let (status, tokens) = scene.redeem(&code).await;
    assert_eq!(status, 200);
    assert_eq!(scene.redeem(&code).await, (400, json!({ "error": "invalid_grant" })));
    let (status, refused) = scene.refresh(text(&tokens, "refresh_token")).await;
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_grant")));
    assert_eq!(scene.user_info(&bearer(&tokens)).await.status, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_redeem_a_code_at_once_none_keeps_tokens_that_work() {
    let scene = Scene::new().await;
    let code = scene.signed_in(&scene.browser(), ALICE).await.parameter("code");
    let callback = scene.callback();
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (browser, client_id) = (scene.browser(), scene.demo.client_id.clone());
        let (code, callback) = (code.clone(), callback.clone());
        running.spawn(async move {
            let fields = [
                ("grant_type", "authorization_code"),
                ("client_id", &client_id),
                ("code", &code),
                ("redirect_uri", &callback),
                ("code_verifier", VERIFIER),
            ];
            let answer = browser.post("/oauth2/token", &fields, &[]).await;
            serde_json::from_str::<Value>(&answer.html).expect("JSON")
        });
    }
    let answers = running.join_all().await;
    let got: Vec<&Value> = answers.iter().filter(|answer| answer.get("access_token").is_some()).collect();
    assert_eq!(got.len(), 1);
    assert_eq!(scene.refresh(text(got[0], "refresh_token")).await.0, 400);
}

fn bearer(tokens: &Value) -> String {
    format!("Bearer {}", text(tokens, "access_token"))
}

#[tokio::test]
async fn a_code_is_worth_nothing_without_its_verifier_its_address_its_client_or_in_time() {
    let scene = Scene::new().await;
    let callback = scene.callback();
    let wrong_verifier = "a".repeat(43);
    let cases: [&[(&str, &str)]; 5] = [
        &[("redirect_uri", &callback), ("code_verifier", &wrong_verifier)],
        &[("redirect_uri", &callback)],
        &[("redirect_uri", "http://localhost/other"), ("code_verifier", VERIFIER)],
        &[("code_verifier", VERIFIER)],
        &[("redirect_uri", &callback), ("code_verifier", VERIFIER), ("code_verifier", VERIFIER)],
    ];
    let browser = scene.browser();
    scene.signed_in(&browser, ALICE).await;
    for case in cases {
        // Signed in already: each request brings a code at once.
        let code = browser.open(&scene.authorize(&[])).await.parameter("code");
        let mut fields = vec![("grant_type", "authorization_code"), ("code", code.as_str())];
        fields.extend_from_slice(case);
        let (status, refused) = scene.token(&fields).await;
        assert_eq!(status, 400, "{case:?} {refused}");
    }
    let code = browser.open(&scene.authorize(&[])).await.parameter("code");
    scene.server.clock.advance(61_000);
    assert_eq!(scene.redeem(&code).await, (400, json!({ "error": "invalid_grant" })));
    let code = browser.open(&scene.authorize(&[])).await.parameter("code");
    scene.server.clock.advance(59_000);
    assert_eq!(scene.redeem(&code).await.0, 200);
    assert_eq!(scene.redeem("00000000-0000-0000-0000-000000000000").await.0, 400);
    let (_, refused) = scene.token(&[("grant_type", "password")]).await;
    assert_eq!(refused, json!({ "error": "unsupported_grant_type" }));
    let (_, refused) = scene.token(&[("grant_type", "client_credentials")]).await;
    assert_eq!(refused, json!({ "error": "unauthorized_client" }));
    let fields = [("grant_type", "refresh_token"), ("refresh_token", "x"), ("client_id", "unknown")];
    let unknown = scene.browser().post("/oauth2/token", &fields, &[]).await;
    assert_eq!(unknown.html, json!({ "error": "invalid_client" }).to_string());
}

#[tokio::test]
async fn who_is_signed_in_goes_straight_back_to_the_app_for_an_hour() {
    let scene = Scene::new().await;
    let browser = scene.browser();
    scene.signed_in(&browser, ALICE).await;
    scene.server.clock.advance(1_800_000);
    for more in [&[][..], &[("prompt", "none")], &[("max_age", "1800")], &[("login_hint", BOB)]] {
        let home = browser.open(&scene.authorize(more)).await;
        assert_eq!(home.status, 302, "{more:?}");
        assert_eq!(scene.redeem(&home.parameter("code")).await.0, 200, "{more:?}");
    }
    for more in [&[("prompt", "login")][..], &[("max_age", "1799")], &[("prompt", "select_account")]] {
        let page = browser.visit(&scene.authorize(more)).await;
        assert_eq!(page.heading(), "Sign in", "{more:?}");
    }
    let late = browser.open(&scene.authorize(&[("prompt", "none"), ("max_age", "10")])).await;
    assert_eq!(late.parameter("error"), "login_required");
    assert_eq!(scene.browser().visit(&scene.authorize(&[])).await.heading(), "Sign in");
    scene.server.clock.advance(1_801_000);
    assert_eq!(browser.visit(&scene.authorize(&[])).await.heading(), "Sign in");
}

#[tokio::test]
async fn a_session_ends_with_the_sign_ins_of_its_person() {
    let scene = Scene::new().await;
    for (operation, back) in
        [("AdminUserGlobalSignOut", None), ("AdminDisableUser", Some("AdminEnableUser")), ("AdminDeleteUser", None)]
    {
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
    for headers in [[("origin", "https://evil.example")], [("origin", "null")], [("sec-fetch-site", "cross-site")]] {
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
async fn signing_out_ends_the_session_and_goes_to_registered_addresses_only() {
    let scene = Scene::new().await;
    let browser = scene.browser();
    let tokens = scene.tokens(&browser, ALICE).await;
    let bye = format!("{}/demo/signed-out", scene.server.app.public_url);
    let client_id = scene.demo.client_id.as_str();
    let path = |pairs: &[(&str, &str)]| format!("/logout?{}", query(pairs));
    let signed_in = || async {
        let shown = browser.open(&scene.authorize(&[("prompt", "none")])).await;
        shown.answer().has("code")
    };
    for wrong in [
        path(&[("client_id", client_id), ("logout_uri", "https://evil.example/")]),
        path(&[("client_id", "unknown"), ("logout_uri", &bye)]),
        path(&[("id_token_hint", "x.y.z"), ("post_logout_redirect_uri", &bye)]),
        path(&[("client_id", client_id), ("redirect_uri", &bye)]),
    ] {
        assert_eq!(browser.open(&wrong).await.status, 400, "{wrong}");
    }
    let out = path(&[("client_id", client_id), ("logout_uri", &bye)]);
    let picture = [("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")];
    assert_eq!(browser.send("GET", &out, "", &picture).await.status, 400);
    assert!(signed_in().await);
    let left = browser.copy();
    let shown = browser.open(&out).await;
    assert_eq!((shown.status, shown.header("location")), (302, bye.as_str()));
    assert!(!signed_in().await);
    // Who kept the cookie has nothing.
    let shown = left.open(&scene.authorize(&[("prompt", "none")])).await;
    assert_eq!(shown.parameter("error"), "login_required");

    scene.signed_in(&browser, ALICE).await;
    let hint = text(&tokens, "id_token");
    let pairs = [("id_token_hint", hint), ("post_logout_redirect_uri", &bye), ("state", "s")];
    let shown = browser.open(&path(&pairs)).await;
    assert_eq!(shown.header("location"), format!("{bye}?state=s"));
    assert!(!signed_in().await);
    scene.signed_in(&browser, ALICE).await;
    assert_eq!(browser.open("/logout").await.heading(), "You're signed out");
    assert!(!signed_in().await);
}

#[tokio::test]
async fn user_info_says_what_the_scopes_cover() {
    let scene = Scene::new().await;
    let tokens = scene.tokens(&scene.browser(), ALICE).await;
    let me = scene.user_info(&bearer(&tokens)).await;
    assert_eq!(me.status, 200, "{}", me.html);
    let me: Value = serde_json::from_str(&me.html).expect("JSON");
    assert_eq!((&me["email"], &me["email_verified"]), (&json!(ALICE), &json!("true")));
    assert!(me["sub"].is_string() && me["username"].is_string());
    for (token, status) in [
        (format!("Bearer {}", text(&tokens, "id_token")), 401),
        ("Bearer x".to_owned(), 401),
        ("Basic x".to_owned(), 400),
        (String::new(), 400),
    ] {
        let refused = scene.user_info(&token).await;
        assert_eq!(refused.status, status, "{token}");
        assert!(refused.header("www-authenticate").starts_with("Bearer error="));
    }
}

#[tokio::test]
async fn revoking_ends_refresh_and_access() {
    let scene = Scene::new().await;
    let tokens = scene.tokens(&scene.browser(), ALICE).await;
    let revoke = |token: String| {
        let (browser, client_id) = (scene.browser(), scene.demo.client_id.clone());
        async move { browser.post("/oauth2/revoke", &[("token", &token), ("client_id", &client_id)], &[]).await }
    };
    assert_eq!(revoke(text(&tokens, "access_token").to_owned()).await.status, 400);
    assert_eq!(revoke(String::new()).await.status, 400);
    assert_eq!(revoke("unknown".to_owned()).await.status, 200);
    assert_eq!(scene.refresh(text(&tokens, "refresh_token")).await.0, 200);
    for _ in 0..2 {
        let revoked = revoke(text(&tokens, "refresh_token").to_owned()).await;
        assert_eq!((revoked.status, revoked.html.as_str()), (200, ""));
    }
    assert_eq!(scene.refresh(text(&tokens, "refresh_token")).await.0, 400);
    assert_eq!(scene.user_info(&bearer(&tokens)).await.status, 401);
}

#[tokio::test]
async fn the_demo_app_shows_what_its_tokens_say_and_can_be_opened_again() {
    let scene = Scene::new().await;
    let browser = scene.browser();
    let page = browser.visit("/demo").await;
    let page = browser.press(&page, "/login", &[("username", ALICE)]).await;
    let home = browser.press_once(&page, "/login/code", &[("code", &scene.code(ALICE).await)]).await;
    let callback = home.header("location").replace(&scene.server.app.public_url, "");
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
async fn an_authorization_request_may_be_posted() {
    let scene = Scene::new().await;
    let path = scene.authorize(&[]);
    let body = path.split_once('?').expect("parameters").1;
    let browser = scene.browser();
    let shown = browser.send("POST", "/oauth2/authorize", body, &[("sec-fetch-site", "cross-site")]).await;
    assert_eq!(browser.follow(shown).await.heading(), "Sign in");
}

#[tokio::test]
async fn outside_development_there_is_no_demo() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server.url);
    for path in ["/demo", "/demo/callback", "/demo/signed-out"] {
        assert_eq!(browser.open(path).await.status, 404, "{path}");
    }
}
