//! The attack cases for pages, OAuth and tokens, by their numbers in the security specification.

use super::browser::{Browser, Shown};
use super::scene::{Scene, VERIFIER, another, text};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD as BASE64URL};
use postern_pools::oauth::pairs::query;
use postern_server::seed::{ALICE, BOB};
use serde_json::{Value, json};

/// Addresses that look like a registered one, and are none.
fn look_alikes(registered: &str) -> Vec<String> {
    let (scheme, rest) = registered.split_once("://").expect("an address");
    let (host, path) = rest.split_once('/').expect("a path");
    vec![
        format!("//{rest}"),
        format!("{scheme}:\\\\{rest}"),
        format!("{scheme}://{host}@evil.example/{path}"),
        format!("{scheme}://evil.example/{rest}"),
        format!("{scheme}://{host}%2fevil.example/{path}"),
        format!("{scheme}://{host}%00.evil.example/{path}"),
        format!("{scheme}://{host}.evil.example/{path}"),
        format!("{scheme}://{}/{path}", host.to_uppercase()),
        format!("{}://{host}/{path}", scheme.to_uppercase()),
        format!("{scheme}://{host}/{}", path.to_uppercase()),
        format!("{registered}/"),
        format!("{registered}/.."),
        format!("{registered}/sub"),
        format!("{registered};x=1"),
        format!("{registered}?x=1"),
        format!("{registered}#x"),
        format!("{registered}\t"),
        format!(" {registered}"),
        format!("{registered}\r\nlocation: https://evil.example"),
        format!("{scheme}://*/{path}"),
        format!("{scheme}://localhost:1/{path}"),
        "javascript:alert(1)".to_owned(),
        "data:text/html,x".to_owned(),
    ]
}

async fn signed_in_still(scene: &Scene, browser: &Browser) -> bool {
    browser.open(&scene.authorize(&[("prompt", "none")])).await.answer().has("code")
}

fn user_info_of(tokens: &Value) -> String {
    format!("Bearer {}", text(tokens, "access_token"))
}

/// A client of the demo pool with a secret.
async fn confidential(scene: &Scene, more: Value) -> (String, String) {
    let mut asked = json!({
        "UserPoolId": scene.demo.pool_id, "ClientName": "Confidential", "GenerateSecret": true,
        "ExplicitAuthFlows": ["ALLOW_USER_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        "AllowedOAuthFlowsUserPoolClient": true, "AllowedOAuthFlows": ["code"],
        "AllowedOAuthScopes": ["openid", "email"], "CallbackURLs": [scene.callback()],
    });
    let Value::Object(more) = more else { panic!("members") };
    asked.as_object_mut().expect("a structure").extend(more);
    let made = scene.server.signed("CreateUserPoolClient", asked).await.ok();
    (made.text_at("UserPoolClient.ClientId"), made.text_at("UserPoolClient.ClientSecret"))
}

async fn post_token(scene: &Scene, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Shown {
    scene.browser().post("/oauth2/token", fields, headers).await
}

#[tokio::test]
async fn case_50_a_planted_session_is_of_no_use() {
    let scene = Scene::new().await;
    let attacker = scene.browser();
    scene.signed_in(&attacker, BOB).await;
    // The victim's browser has the attacker's session, and signs in as somebody else.
    let victim = attacker.copy();
    let page = victim.visit(&scene.authorize(&[("prompt", "login")])).await;
    let page = victim.press(&page, "/login", &[("username", ALICE)]).await;
    let code = scene.code(ALICE).await;
    let home = victim.press_once(&page, "/login/code", &[("code", &code)]).await;
    assert_eq!(scene.redeem(&home.parameter("code")).await.0, 200);
    assert!(signed_in_still(&scene, &victim).await);
    assert!(!signed_in_still(&scene, &attacker).await);
}

#[tokio::test]
async fn case_51_another_site_cannot_complete_a_sign_in() {
    let scene = Scene::new().await;
    let attacker = scene.browser();
    let page = scene.named(&attacker, BOB).await;
    let code = scene.code(BOB).await;
    let mut fields = page.hidden("/login/code");
    fields.push(("code".to_owned(), code.clone()));
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    // In the victim's browser, which has cookies of its own, and in the attacker's, from another site.
    let victim = scene.browser();
    victim.visit(&scene.authorize(&[])).await;
    assert_eq!(victim.post("/login/code", &fields, &[("origin", &scene.server.url)]).await.status, 400);
    for headers in [[("origin", "https://evil.example")], [("sec-fetch-site", "same-site")]] {
        assert_eq!(attacker.post("/login/code", &fields, &headers).await.status, 400);
    }
    assert!(!signed_in_still(&scene, &victim).await && !signed_in_still(&scene, &attacker).await);
}

#[tokio::test]
async fn cases_52_64_and_72_nobody_is_sent_to_an_address_that_is_not_registered() {
    let scene = Scene::new().await;
    let browser = scene.browser();
    scene.signed_in(&browser, ALICE).await;
    let long = "x".repeat(20_000);
    for sent in look_alikes(&scene.callback()) {
        for more in [("prompt", "none"), ("state", long.as_str()), ("scope", "unknown")] {
            let shown = browser.open(&scene.authorize(&[("redirect_uri", &sent), more])).await;
            assert!(shown.status == 400 || shown.status == 431, "{sent} {}", shown.status);
            assert_eq!(shown.leads_to(), None, "{sent}");
        }
    }
    let bye = format!("{}/demo/signed-out", scene.server.app.public_url);
    for sent in look_alikes(&bye) {
        for name in ["logout_uri", "post_logout_redirect_uri"] {
            let pairs = [("client_id", scene.demo.client_id.as_str()), (name, sent.as_str())];
            let shown = browser.open(&format!("/logout?{}", query(&pairs))).await;
            assert_eq!((shown.status, shown.leads_to()), (400, None), "{name} {sent}");
        }
    }
    for path in
        ["/error?error=x&redirect_uri=https://evil.example", "/login?redirect_uri=https://evil.example"]
    {
        assert_eq!(browser.open(path).await.leads_to(), None);
    }
    assert!(signed_in_still(&scene, &browser).await);
}

#[tokio::test]
async fn case_58_what_has_ended_opens_nothing() {
    let scene = Scene::new().await;
    for (operation, back, input) in [
        ("AdminUserGlobalSignOut", None, json!({})),
        ("AdminDisableUser", Some("AdminEnableUser"), json!({})),
        ("AdminDeleteUser", None, json!({})),
    ] {
        let browser = scene.browser();
        let tokens = scene.tokens(&browser, ALICE).await;
        scene.server.clock.advance(1_000);
        let mut input = input;
        input["Username"] = json!(ALICE);
        scene.admin(operation, input).await;
        assert!(!signed_in_still(&scene, &browser).await, "{operation}");
        assert_eq!(scene.refresh(text(&tokens, "refresh_token")).await.0, 400, "{operation}");
        assert_eq!(scene.user_info(&user_info_of(&tokens)).await.status, 401, "{operation}");
        if let Some(back) = back {
            scene.admin(back, json!({ "Username": ALICE })).await;
        }
        scene.server.clock.advance(60_000);
    }
    // Signing out of the pages ends the browser's session on all nodes; another browser's stays.
    let (browser, other) = (scene.browser(), scene.browser());
    scene.signed_in(&browser, BOB).await;
    scene.server.clock.advance(60_000);
    scene.signed_in(&other, BOB).await;
    let bye = format!("{}/demo/signed-out", scene.server.app.public_url);
    let kept = browser.copy();
    let pairs = [("client_id", scene.demo.client_id.as_str()), ("logout_uri", bye.as_str())];
    browser.open(&format!("/logout?{}", query(&pairs))).await;
    assert!(!signed_in_still(&scene, &kept).await && signed_in_still(&scene, &other).await);
    let audit = scene.server.app.store.read(|tx| tx.newest_audit(100)).await.expect("the audit");
    assert_eq!(audit.iter().filter(|one| one.action == "SignOut" && one.who.starts_with("user ")).count(), 1);
}

#[tokio::test]
async fn case_59_no_page_can_be_framed_and_none_runs_what_was_typed() {
    let scene = Scene::new().await;
    let browser = scene.browser();
    let markup = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>";
    let first = browser.visit(&scene.authorize(&[("login_hint", markup), ("state", markup)])).await;
    let mut pages = vec![first.clone(), browser.press(&first, "/login", &[("username", markup)]).await];
    let sign_up = browser.visit(&first.link("Create an account")).await;
    pages.push(browser.press(&sign_up, "/signup", &[("email", markup)]).await);
    pages.push(sign_up);
    let code = scene.named(&browser, ALICE).await;
    pages.push(browser.press(&code, "/login/code", &[("code", markup)]).await);
    pages.push(code);
    for wrong in [
        scene.authorize(&[("redirect_uri", markup)]),
        scene.authorize(&[("client_id", markup)]),
        format!("/error?{}", query(&[("error", markup), ("client_id", markup)])),
        format!("/logout?{}", query(&[("client_id", markup)])),
        format!("/login?{}", query(&[("flow", markup)])),
        format!("/logout?{}", query(&[("state", markup)])),
    ] {
        pages.push(browser.open(&wrong).await);
    }
    for page in pages {
        assert!(!page.html.contains("<script>alert") && !page.html.contains("<img src=x"), "{}", page.path);
        let policy = page.header("content-security-policy");
        assert!(
            policy.contains("frame-ancestors 'none'") && policy.contains("default-src 'none'"),
            "{}",
            page.path
        );
        assert!(!policy.contains("unsafe"), "{}", page.path);
        assert_eq!(page.header("x-content-type-options"), "nosniff");
    }
}

#[tokio::test]
async fn case_61_a_code_works_once_and_in_its_minute() {
    let scene = Scene::new().await;
    let browser = scene.browser();
    scene.signed_in(&browser, ALICE).await;
    for (wait_ms, status) in [(59_000, 200), (61_000, 400)] {
        let code = browser.open(&scene.authorize(&[])).await.parameter("code");
        scene.server.clock.advance(wait_ms);
        assert_eq!(scene.redeem(&code).await.0, status, "{wait_ms}");
    }
    let code = browser.open(&scene.authorize(&[])).await.parameter("code");
    let (_, tokens) = scene.redeem(&code).await;
    assert_eq!(scene.redeem(&code).await.0, 400);
    assert_eq!(scene.refresh(text(&tokens, "refresh_token")).await.0, 400);
    let audit = scene.server.app.store.read(|tx| tx.newest_audit(100)).await.expect("the audit");
    for (outcome, times) in [("redeemed", 2), ("reused", 1)] {
        let known = audit.iter().filter(|one| one.action == "RedeemCode" && one.outcome == outcome);
        assert_eq!(known.count(), times, "{outcome}");
    }
}

#[tokio::test]
async fn case_62_a_code_of_another_sign_in_or_app_cannot_be_slipped_in() {
    let scene = Scene::new().await;
    let (other, secret) = confidential(&scene, json!({})).await;
    let browser = scene.browser();
    scene.signed_in(&browser, ALICE).await;
    let callback = scene.callback();
    let mine = "m".repeat(43);
    let challenge = postern_pools::oauth::pkce::challenge_of(&mine);
    // The attacker's code, with the victim's verifier.
    let stolen = browser.open(&scene.authorize(&[("code_challenge", &challenge)])).await.parameter("code");
    assert_eq!(scene.redeem(&stolen).await.0, 400);
    // A code of one app at another.
    let code = browser.open(&scene.authorize(&[])).await.parameter("code");
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", &callback),
        ("code_verifier", VERIFIER),
        ("client_id", &other),
        ("client_secret", &secret),
    ];
    let refused = post_token(&scene, &fields, &[]).await;
    assert_eq!((refused.status, refused.html.as_str()), (400, "{\"error\":\"invalid_grant\"}"));
    assert_eq!(scene.redeem(&code).await.0, 400);
}

#[tokio::test]
async fn case_63_pkce_cannot_be_taken_away() {
    let scene = Scene::new().await;
    let browser = scene.browser();
    scene.signed_in(&browser, ALICE).await;
    for more in [
        &[("code_challenge", ""), ("code_challenge_method", "")][..],
        &[("code_challenge_method", "plain")],
        &[("code_challenge_method", "s256")],
        &[("code_challenge_method", "")],
        &[("code_challenge", "short")],
    ] {
        let shown = browser.open(&scene.authorize(more)).await;
        assert_eq!(shown.parameter("error"), "invalid_request", "{more:?}");
    }
    let callback = scene.callback();
    for verifier in ["", "short", &"a".repeat(43), &"a".repeat(129)] {
        let code = browser.open(&scene.authorize(&[])).await.parameter("code");
        let mut fields =
            vec![("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", &callback)];
        fields.extend((!verifier.is_empty()).then_some(("code_verifier", verifier)));
        assert_eq!(scene.token(&fields).await.0, 400, "{verifier}");
    }
    // An app with a secret may leave PKCE out; a verifier without a challenge is still refused.
    let (id, secret) = confidential(&scene, json!({})).await;
    let without = [("client_id", id.as_str()), ("code_challenge", ""), ("code_challenge_method", "")];
    let code = browser.open(&scene.authorize(&without)).await.parameter("code");
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", &callback),
        ("code_verifier", VERIFIER),
        ("client_id", &id),
        ("client_secret", &secret),
    ];
    assert_eq!(post_token(&scene, &fields, &[]).await.status, 400);
}

#[tokio::test]
async fn case_65_a_refresh_token_that_was_changed_away_ends_its_family() {
    let scene = Scene::new().await;
    let rotation = json!({
        "ExplicitAuthFlows": ["ALLOW_USER_AUTH"],
        "RefreshTokenRotation": { "Feature": "ENABLED", "RetryGracePeriodSeconds": 10 },
    });
    let (id, secret) = confidential(&scene, rotation).await;
    let (other, others_secret) = confidential(&scene, json!({})).await;
    let browser = scene.browser();
    scene.signed_in(&browser, ALICE).await;
    let callback = scene.callback();
    let fresh = || async {
        let code = browser.open(&scene.authorize(&[("client_id", &id)])).await.parameter("code");
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", &callback),
            ("code_verifier", VERIFIER),
            ("client_id", &id),
            ("client_secret", &secret),
        ];
        let answer = post_token(&scene, &fields, &[]).await;
        let tokens: Value = serde_json::from_str(&answer.html).expect("JSON");
        text(&tokens, "refresh_token").to_owned()
    };
    let refresh = |token: String, id: String, secret: String| {
        let browser = scene.browser();
        async move {
            let fields = [
                ("grant_type", "refresh_token"),
                ("refresh_token", token.as_str()),
                ("client_id", &id),
                ("client_secret", &secret),
            ];
            let answer = browser.post("/oauth2/token", &fields, &[]).await;
            (answer.status, serde_json::from_str::<Value>(&answer.html).expect("JSON"))
        }
    };
    let own = |token: &str| refresh(token.to_owned(), id.clone(), secret.clone());
    let first = fresh().await;
    let (_, answer) = own(&first).await;
    let second = text(&answer, "refresh_token").to_owned();
    assert_ne!(first, second);
    scene.server.clock.advance(11_000);
    assert_eq!(own(&first).await.0, 400);
    assert_eq!(own(&second).await.0, 400);
    let stolen = fresh().await;
    assert_eq!(refresh(stolen.clone(), other, others_secret).await.0, 400);
    assert_eq!(own(&another(&stolen)).await.0, 400);
    assert_eq!(own(&stolen).await.0, 200);
    let late = fresh().await;
    scene.server.clock.advance(31 * 86_400_000);
    assert_eq!(own(&late).await.0, 400);
}

/// A token with another head or body, and the signature that it had.
fn changed(token: &str, part: usize, change: impl FnOnce(&mut Value)) -> String {
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    let mut value: Value =
        serde_json::from_slice(&BASE64URL.decode(&parts[part]).expect("base64url")).expect("JSON");
    change(&mut value);
    parts[part] = BASE64URL.encode(value.to_string());
    parts.join(".")
}

#[tokio::test]
async fn cases_66_and_67_forged_and_confused_tokens_open_nothing() {
    let scene = Scene::new().await;
    let tokens = scene.tokens(&scene.browser(), ALICE).await;
    let access = text(&tokens, "access_token");
    let none = |token: &str| {
        let head = BASE64URL.encode("{\"alg\":\"none\"}");
        format!("{head}.{}.", token.split('.').nth(1).expect("a body"))
    };
    let doubled = {
        let body = access.split('.').nth(1).expect("a body");
        let body = String::from_utf8(BASE64URL.decode(body).expect("base64url")).expect("UTF-8");
        let body = body.replacen('{', "{\"token_use\":\"id\",", 1);
        let mut parts: Vec<&str> = access.split('.').collect();
        let body = BASE64URL.encode(body);
        parts[1] = &body;
        parts.join(".")
    };
    let mut deep = json!(1);
    for _ in 0..100 {
        deep = json!([deep]);
    }
    let forged = [
        none(access),
        changed(access, 0, |head| head["alg"] = json!("HS256")),
        changed(access, 0, |head| head["alg"] = json!("ES256")),
        changed(access, 0, |head| head["kid"] = json!("unknown")),
        changed(access, 0, |head| head["jku"] = json!("https://evil.example/jwks.json")),
        changed(access, 0, |head| head["x5u"] = json!("https://evil.example/x")),
        changed(access, 0, |head| head["jwk"] = json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB" })),
        changed(access, 1, |body| body["username"] = json!(BOB)),
        changed(access, 1, |body| body["iss"] = json!("https://evil.example")),
        changed(access, 1, |body| body["exp"] = json!(9_999_999_999_i64)),
        changed(access, 1, |body| body["deep"] = deep),
        doubled,
        format!("{}.{}", access.rsplit_once('.').expect("a signature").0, BASE64URL.encode([0; 256])),
        format!("{access}."),
        format!("{access}{}", "A".repeat(5_000)),
        "...".to_owned(),
        // Of the wrong kind.
        text(&tokens, "id_token").to_owned(),
        text(&tokens, "refresh_token").to_owned(),
    ];
    for token in &forged {
        let refused = scene.user_info(&format!("Bearer {token}")).await;
        assert!(refused.status == 401 || refused.status == 431, "{} {token}", refused.status);
        let refused = scene.server.api("GetUser", json!({ "AccessToken": token })).await;
        assert!(refused.status >= 400, "{token}");
    }
    // Another pool does not know the token, whatever its own tokens look like; and it ends with its hour.
    let other = Scene::new().await;
    assert_eq!(other.user_info(&format!("Bearer {access}")).await.status, 401);
    assert_eq!(scene.user_info(&format!("Bearer {access}")).await.status, 200);
    scene.server.clock.advance(3_600_000);
    assert_eq!(scene.user_info(&format!("Bearer {access}")).await.status, 401);
}

#[tokio::test]
async fn case_68_a_client_with_a_secret_has_to_show_it() {
    let scene = Scene::new().await;
    let (id, secret) = confidential(&scene, json!({})).await;
    let (_, others) = confidential(&scene, json!({})).await;
    let browser = scene.browser();
    scene.signed_in(&browser, ALICE).await;
    let callback = scene.callback();
    let basic = |id: &str, secret: &str| format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    let code = browser.open(&scene.authorize(&[("client_id", &id)])).await.parameter("code");
    let grant = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", &callback),
        ("code_verifier", VERIFIER),
    ];
    let with = |more: &[(&'static str, &str)]| -> Vec<(String, String)> {
        grant.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let bodies = [
        with(&[("client_id", &id)]),
        with(&[("client_id", &id), ("client_secret", "")]),
        with(&[("client_id", &id), ("client_secret", &others)]),
        with(&[("client_id", &id), ("client_secret", &another(&secret))]),
    ];
    for body in &bodies {
        let body: Vec<(&str, &str)> =
            body.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(post_token(&scene, &body, &[]).await.html, "{\"error\":\"invalid_client\"}", "{body:?}");
    }
    for header in [basic(&id, ""), basic(&id, &others), basic("unknown", &secret), "Basic !".to_owned()] {
        let refused = post_token(&scene, &grant, &[("authorization", &header)]).await;
        assert_eq!((refused.status, refused.html.as_str()), (401, "{\"error\":\"invalid_client\"}"));
        assert!(refused.header("www-authenticate").starts_with("Basic"));
    }
    // Not in an address, where logs would keep it.
    let address = format!("/oauth2/token?{}", query(&[("client_id", &id), ("client_secret", &secret)]));
    assert_eq!(scene.browser().post(&address, &grant, &[]).await.status, 400);
    // None of this spent the code.
    let header = basic(&id, &secret);
    assert_eq!(post_token(&scene, &grant, &[("authorization", &header)]).await.status, 200);
    // Nor may an app without a secret show one.
    let code = browser.open(&scene.authorize(&[])).await.parameter("code");
    let header = basic(&scene.demo.client_id, &secret);
    let grant = [grant[0], ("code", code.as_str()), grant[2], grant[3]];
    assert_eq!(post_token(&scene, &grant, &[("authorization", &header)]).await.status, 401);
}

#[tokio::test]
async fn case_69_nobody_is_signed_out_by_another_site() {
    let scene = Scene::new().await;
    let browser = scene.browser();
    let tokens = scene.tokens(&browser, ALICE).await;
    let bye = format!("{}/demo/signed-out", scene.server.app.public_url);
    let client = ("client_id", scene.demo.client_id.as_str());
    let hint = text(&tokens, "id_token");
    let out = format!("/logout?{}", query(&[client, ("logout_uri", &bye)]));
    for headers in [
        [("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")],
        [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")],
        [("sec-fetch-mode", "cors"), ("sec-fetch-dest", "empty")],
    ] {
        assert_eq!(browser.send("GET", &out, "", &headers).await.status, 400);
    }
    for pairs in [
        &[("id_token_hint", another(hint)), ("post_logout_redirect_uri", bye.clone())][..],
        &[
            ("id_token_hint", hint.to_owned()),
            ("post_logout_redirect_uri", "https://evil.example/".to_owned()),
        ],
        &[("id_token_hint", hint.to_owned()), ("client_id", "unknown".to_owned())],
    ] {
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let shown = browser.open(&format!("/logout?{}", query(&pairs))).await;
        assert_eq!((shown.status, shown.leads_to()), (400, None), "{pairs:?}");
    }
    for pairs in [&[][..], &[client], &[client, ("post_logout_redirect_uri", bye.as_str())]] {
        let shown = browser.open(&format!("/logout?{}", query(pairs))).await;
        assert_eq!(shown.heading(), "Do you want to sign out?", "{pairs:?}");
    }
    assert_eq!(browser.post("/logout/confirm", &[client], &[]).await.status, 400);
    assert!(signed_in_still(&scene, &browser).await);
}

#[tokio::test]
async fn case_70_scopes_do_not_rise() {
    let scene = Scene::new().await;
    let (id, secret) = confidential(&scene, json!({})).await;
    let browser = scene.browser();
    scene.signed_in(&browser, ALICE).await;
    for scope in
        ["unknown", "openid unknown", "openid phone", "openid aws.cognito.signin.user.admin", "email"]
    {
        let shown = browser.open(&scene.authorize(&[("client_id", &id), ("scope", scope)])).await;
        assert_eq!(shown.parameter("error"), "invalid_scope", "{scope}");
    }
    let code =
        browser.open(&scene.authorize(&[("client_id", &id), ("scope", "openid")])).await.parameter("code");
    let callback = scene.callback();
    let who = [("client_id", id.as_str()), ("client_secret", secret.as_str())];
    let grant = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", &callback),
        ("code_verifier", VERIFIER),
        who[0],
        who[1],
    ];
    let tokens: Value = serde_json::from_str(&post_token(&scene, &grant, &[]).await.html).expect("JSON");
    let refresh = ("refresh_token", text(&tokens, "refresh_token"));
    for scope in ["openid email", "aws.cognito.signin.user.admin", "openid unknown"] {
        let fields = [("grant_type", "refresh_token"), refresh, ("scope", scope), who[0], who[1]];
        let refused = post_token(&scene, &fields, &[]).await;
        assert_eq!(refused.status, 400, "{scope}");
        assert!(refused.html.contains("invalid_scope"), "{}", refused.html);
    }
    // Without the scope for it, a token does nothing to its user.
    let refused = scene.server.api("GetUser", json!({ "AccessToken": text(&tokens, "access_token") })).await;
    assert_eq!(refused.refused("NotAuthorizedException"), "Access Token does not have required scopes");
}

#[tokio::test]
async fn case_71_answers_say_whose_they_are_and_issuers_have_one_spelling() {
    let scene = Scene::new().await;
    let browser = scene.browser();
    let issuer = format!("{}/{}", scene.server.app.public_url, scene.demo.pool_id);
    assert_eq!(scene.signed_in(&browser, BOB).await.parameter("iss"), issuer);
    let error = browser.open(&scene.authorize(&[("scope", "unknown")])).await;
    assert_eq!(error.parameter("iss"), issuer);
    let pool = &scene.demo.pool_id;
    for path in [
        format!("/{}/.well-known/openid-configuration", pool.to_uppercase()),
        format!("/{pool}/../{pool}/.well-known/openid-configuration"),
        format!("/{pool}//.well-known/openid-configuration"),
        format!("/{pool}/.well-known/openid-configuration/"),
        format!("/%2e%2e/{pool}/.well-known/openid-configuration"),
        format!("/{pool}%00/.well-known/openid-configuration"),
    ] {
        assert_eq!(browser.open(&path).await.status, 404, "{path}");
    }
}
