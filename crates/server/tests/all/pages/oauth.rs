//! The OAuth endpoints, as an app and its back channel see them.

use super::scene::{Scene, VERIFIER, text};
use postern_pools::oauth::pairs::query;
use postern_server::seed::{ALICE, BOB};
use serde_json::{Value, json};

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
        (&[("response_type", "none")], "unsupported_response_type"),
        (&[("scope", "openid other")], "invalid_scope"),
        (&[("prompt", "none")], "login_required"),
    ] {
        let shown = browser.open(&scene.authorize(more)).await;
        assert_eq!(shown.status, 302, "{more:?}");
        assert!(shown.to().starts_with(&scene.callback()));
        assert_eq!((shown.parameter("error").as_str(), shown.parameter("state").as_str()), (error, "a&b"));
        assert!(shown.answer().has("iss") && !shown.answer().has("code"));
    }
    let shown =
        browser.open(&scene.authorize(&[("code_challenge", ""), ("code_challenge_method", "")])).await;
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
    assert_eq!((shown.status, shown.to()), (302, bye.clone()));
    assert!(!signed_in().await);
    // Who kept the cookie has nothing.
    let shown = left.open(&scene.authorize(&[("prompt", "none")])).await;
    assert_eq!(shown.parameter("error"), "login_required");

    scene.signed_in(&browser, ALICE).await;
    let hint = text(&tokens, "id_token");
    let pairs = [("id_token_hint", hint), ("post_logout_redirect_uri", &bye), ("state", "s")];
    let shown = browser.open(&path(&pairs)).await;
    assert_eq!(shown.to(), format!("{bye}?state=s"));
    assert!(!signed_in().await);
    scene.signed_in(&browser, ALICE).await;
    let asked = browser.open("/logout").await;
    assert_eq!(asked.heading(), "Do you want to sign out?");
    assert!(signed_in().await);
    assert_eq!(browser.press(&asked, "/logout/confirm", &[]).await.heading(), "You're signed out");
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
async fn an_authorization_request_may_be_posted() {
    let scene = Scene::new().await;
    let path = scene.authorize(&[]);
    let body = path.split_once('?').expect("parameters").1;
    let browser = scene.browser();
    let shown = browser.send("POST", "/oauth2/authorize", body, &[("sec-fetch-site", "cross-site")]).await;
    assert_eq!(browser.follow(shown).await.heading(), "Sign in");
}

#[tokio::test]
async fn a_rotated_refresh_token_still_revokes_its_sign_in() {
    let scene = Scene::new().await;
    let client = json!({
        "ClientId": scene.demo.client_id, "CallbackURLs": [scene.callback()],
        "AllowedOAuthFlows": ["code"], "AllowedOAuthFlowsUserPoolClient": true,
        "AllowedOAuthScopes": ["openid", "email"], "ExplicitAuthFlows": ["ALLOW_USER_AUTH"],
        "RefreshTokenRotation": { "Feature": "ENABLED", "RetryGracePeriodSeconds": 60 },
    });
    scene.admin("UpdateUserPoolClient", client).await;
    for wait_ms in [0, 61_000] {
        let first = scene.tokens(&scene.browser(), ALICE).await;
        let (_, second) = scene.refresh(text(&first, "refresh_token")).await;
        scene.server.clock.advance(wait_ms);
        let form = [("token", text(&first, "refresh_token")), ("client_id", scene.demo.client_id.as_str())];
        assert_eq!(scene.browser().post("/oauth2/revoke", &form, &[]).await.status, 200);
        for token in [&first, &second] {
            assert_eq!(scene.refresh(text(token, "refresh_token")).await.0, 400);
            assert_eq!(scene.user_info(&bearer(token)).await.status, 401);
        }
    }
}

#[tokio::test]
async fn what_could_be_revoked_when_it_was_made_can_be_later() {
    let scene = Scene::new().await;
    let settings = |revocable: bool| {
        json!({
            "ClientId": scene.demo.client_id, "CallbackURLs": [scene.callback()],
            "AllowedOAuthFlows": ["code"], "AllowedOAuthFlowsUserPoolClient": true,
            "AllowedOAuthScopes": ["openid", "email"], "EnableTokenRevocation": revocable,
            "ExplicitAuthFlows": ["ALLOW_USER_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        })
    };
    let revoke = async |tokens: &Value| {
        let form = [("token", text(tokens, "refresh_token")), ("client_id", scene.demo.client_id.as_str())];
        scene.browser().post("/oauth2/revoke", &form, &[]).await.status
    };
    let before = scene.tokens(&scene.browser(), ALICE).await;
    scene.admin("UpdateUserPoolClient", settings(false)).await;
    let after = scene.tokens(&scene.browser(), ALICE).await;
    assert_eq!(revoke(&after).await, 400);
    assert_eq!(scene.refresh(text(&after, "refresh_token")).await.0, 200);
    assert_eq!(revoke(&before).await, 200);
    assert_eq!(scene.refresh(text(&before, "refresh_token")).await.0, 400);
}

#[tokio::test]
async fn no_age_at_all_asks_again_at_once() {
    let scene = Scene::new().await;
    let browser = scene.browser();
    scene.signed_in(&browser, ALICE).await;
    let page = browser.visit(&scene.authorize(&[("max_age", "0")])).await;
    assert_eq!(page.heading(), "Sign in");
    let page = browser.press(&page, "/login", &[("username", ALICE)]).await;
    let home = browser.press_once(&page, "/login/code", &[("code", &scene.code(ALICE).await)]).await;
    assert!(home.answer().has("code"));
}

#[tokio::test]
async fn any_header_may_come_with_the_calls_of_a_page() {
    let scene = Scene::new().await;
    for path in ["/oauth2/token", "/oauth2/revoke", "/oauth2/userInfo"] {
        let asked = [("access-control-request-headers", "traceparent,content-type")];
        let shown = scene.browser().send("OPTIONS", path, "", &asked).await;
        assert_eq!(shown.header("access-control-allow-headers"), "traceparent,content-type");
        let shown = scene.browser().send("OPTIONS", path, "", &[]).await;
        assert!(shown.header("access-control-allow-headers").contains("authorization"));
    }
}

#[tokio::test]
async fn user_info_has_the_types_of_openid_where_that_is_asked_for() {
    for (flags, verified) in [(false, json!("true")), (true, json!(true))] {
        let scene = Scene::with(|settings| settings.rules.user_info_flags = flags).await;
        let attributes = [("address", "1 Main St"), ("updated_at", "1700000000")];
        let attributes = attributes.map(|(name, value)| json!({ "Name": name, "Value": value }));
        scene
            .admin("AdminUpdateUserAttributes", json!({ "Username": ALICE, "UserAttributes": attributes }))
            .await;
        let browser = scene.browser();
        scene.signed_in(&browser, ALICE).await;
        let home = browser.open(&scene.authorize(&[("scope", "openid")])).await;
        let (_, tokens) = scene.redeem(&home.parameter("code")).await;
        let me: Value = serde_json::from_str(&scene.user_info(&bearer(&tokens)).await.html).expect("JSON");
        assert_eq!(me["email_verified"], verified);
        assert_eq!(me["address"], json!({ "formatted": "1 Main St" }));
        assert_eq!(me["updated_at"], json!(1_700_000_000));
    }
}
