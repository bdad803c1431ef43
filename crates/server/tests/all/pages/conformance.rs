//! The modules of OpenID's conformance plans "Basic OP", "Config OP" and "RP-Initiated Logout OP", each by its name:
//! what the suite's relying party does and demands.

use super::browser::{Browser, Shown};
use super::scene::{Scene, VERIFIER, another, text};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use postern_pools::keys::TokenUse;
use postern_pools::oauth::pairs::query;
use postern_pools::oauth::pkce::challenge_of;
use postern_server::seed::ALICE;
use serde_json::{Value, json};

const CALLBACK: &str = "https://suite.example/callback";
const SIGNED_OUT: &str = "https://suite.example/post_logout";

/// The suite's relying party: an app with a secret, and a person with a browser.
struct Party {
    scene: Scene,
    id: String,
    secret: String,
    browser: Browser,
}

impl Party {
    async fn new() -> Party {
        let scene = Scene::new().await;
        let (id, secret) = Party::client(&scene).await;
        let browser = scene.browser();
        Party { scene, id, secret, browser }
    }

    async fn client(scene: &Scene) -> (String, String) {
        let asked = json!({
            "UserPoolId": scene.demo.pool_id, "ClientName": "Suite", "GenerateSecret": true,
            "ExplicitAuthFlows": ["ALLOW_USER_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
            "AllowedOAuthFlowsUserPoolClient": true, "AllowedOAuthFlows": ["code"],
            "AllowedOAuthScopes": ["openid", "email", "phone", "profile"],
            "CallbackURLs": [CALLBACK, "https://suite.example/other"], "LogoutURLs": [SIGNED_OUT],
        });
        let made = scene.server.signed("CreateUserPoolClient", asked).await.ok();
        (made.text_at("UserPoolClient.ClientId"), made.text_at("UserPoolClient.ClientSecret"))
    }

    fn authorize(&self, more: &[(&str, &str)]) -> String {
        let mut pairs = vec![
            ("response_type", "code"),
            ("client_id", self.id.as_str()),
            ("redirect_uri", CALLBACK),
            ("scope", "openid"),
            ("state", "st"),
            ("nonce", "no"),
        ];
        pairs.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
        pairs.extend(more.iter().filter(|(_, value)| !value.is_empty()));
        format!("/oauth2/authorize?{}", query(&pairs))
    }

    /// The person goes where the app sends them and signs in; the answer to the app is given.
    async fn signs_in(&self, more: &[(&str, &str)]) -> Shown {
        let page = self.browser.visit(&self.authorize(more)).await;
        self.completes(page).await
    }

    async fn completes(&self, page: Shown) -> Shown {
        assert_eq!(page.heading(), "Sign in");
        let page = self.browser.press(&page, "/login", &[("username", ALICE)]).await;
        let code = self.scene.code(ALICE).await;
        let home = self.browser.press_once(&page, "/login/code", &[("code", &code)]).await;
        assert!(home.to().starts_with(CALLBACK), "{}", home.to());
        assert_eq!(home.parameter("state"), "st");
        home
    }

    async fn token(&self, code: &str, more: &[(&str, &str)]) -> (u16, Value) {
        let mut fields =
            vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)];
        fields.extend_from_slice(more);
        self.posts(&fields).await
    }

    async fn posts(&self, fields: &[(&str, &str)]) -> (u16, Value) {
        let basic = format!("Basic {}", STANDARD.encode(format!("{}:{}", self.id, self.secret)));
        let answer = self.scene.browser().post("/oauth2/token", fields, &[("authorization", &basic)]).await;
        assert_eq!(answer.header("content-type"), "application/json");
        (answer.status, serde_json::from_str(&answer.html).expect("JSON"))
    }

    /// A whole sign-in; gives the tokens.
    async fn tokens(&self, more: &[(&str, &str)]) -> Value {
        let code = self.signs_in(more).await.parameter("code");
        let (status, tokens) = self.token(&code, &[]).await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }

    async fn id_claims(&self, tokens: &Value) -> Value {
        self.scene.verified(text(tokens, "id_token"), TokenUse::Id).await
    }

    async fn user_info(&self, tokens: &Value) -> Value {
        let shown = self.scene.user_info(&format!("Bearer {}", text(tokens, "access_token"))).await;
        assert_eq!((shown.status, shown.header("content-type")), (200, "application/json"));
        serde_json::from_str(&shown.html).expect("JSON")
    }

    async fn answer(&self, more: &[(&str, &str)]) -> Shown {
        self.browser.open(&self.authorize(more)).await
    }

    async fn is_signed_in(&self) -> bool {
        self.answer(&[("prompt", "none")]).await.answer().has("code")
    }
}

#[tokio::test]
async fn oidcc_server() {
    let party = Party::new().await;
    let home = party.signs_in(&[]).await;
    assert_eq!(
        home.parameter("iss"),
        format!("{}/{}", party.scene.server.app.public_url, party.scene.demo.pool_id)
    );
    let (_, tokens) = party.token(&home.parameter("code"), &[]).await;
    let id = party.id_claims(&tokens).await;
    assert_eq!((&id["aud"], &id["nonce"]), (&json!(party.id), &json!("no")));
    let (iat, exp) = (id["iat"].as_i64().expect("a number"), id["exp"].as_i64().expect("a number"));
    assert!(iat < exp && id["auth_time"].is_i64() && id["sub"].as_str().expect("a text").len() <= 255);
    assert_eq!((&tokens["token_type"], tokens["expires_in"].is_i64()), (&json!("Bearer"), true));
}

#[tokio::test]
async fn oidcc_response_type_missing() {
    let party = Party::new().await;
    let shown = party.answer(&[("response_type", "")]).await;
    assert_eq!((shown.parameter("error"), shown.parameter("state")), ("invalid_request".into(), "st".into()));
}

#[tokio::test]
async fn oidcc_idtoken_signature() {
    let party = Party::new().await;
    let tokens = party.tokens(&[]).await;
    let header = text(&tokens, "id_token").split('.').next().expect("a header");
    let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(header).expect("base64url");
    let header: Value = serde_json::from_slice(&header).expect("JSON");
    assert_eq!(header["alg"], json!("RS256"));
    let keys = party.browser.open(&format!("/{}/.well-known/jwks.json", party.scene.demo.pool_id)).await.html;
    assert!(keys.contains(header["kid"].as_str().expect("a text")));
}

#[tokio::test]
async fn oidcc_userinfo_get_post_header_and_post_body() {
    let party = Party::new().await;
    let tokens = party.tokens(&[]).await;
    let expected = party.user_info(&tokens).await;
    assert_eq!(expected["sub"], party.id_claims(&tokens).await["sub"]);
    let bearer = format!("Bearer {}", text(&tokens, "access_token"));
    let by_header = party.browser.send("POST", "/oauth2/userInfo", "", &[("authorization", &bearer)]).await;
    let fields = [("access_token", text(&tokens, "access_token"))];
    let by_body = party.browser.post("/oauth2/userInfo", &fields, &[]).await;
    for shown in [by_header, by_body] {
        assert_eq!(serde_json::from_str::<Value>(&shown.html).expect("JSON"), expected);
    }
    let in_address = format!("/oauth2/userInfo?{}", query(&fields));
    assert_eq!(party.browser.open(&in_address).await.status, 400);
}

#[tokio::test]
async fn oidcc_ensure_request_without_nonce_succeeds_for_code_flow() {
    let party = Party::new().await;
    let tokens = party.tokens(&[("nonce", "")]).await;
    assert!(party.id_claims(&tokens).await.get("nonce").is_none());
}

#[tokio::test]
async fn oidcc_scope_profile_email_phone_and_all() {
    let party = Party::new().await;
    let attributes = json!([
        { "Name": "name", "Value": "Alice Liddell" }, { "Name": "phone_number", "Value": "+15555550100" }
    ]);
    party
        .scene
        .admin("AdminUpdateUserAttributes", json!({ "Username": ALICE, "UserAttributes": attributes }))
        .await;
    party.signs_in(&[]).await;
    for (scope, has, has_not) in [
        ("openid profile", &["name"][..], &["email", "phone_number"][..]),
        ("openid email", &["email", "email_verified"], &["name", "phone_number"]),
        ("openid phone", &["phone_number"], &["name", "email"]),
        ("openid profile email phone", &["name", "email", "phone_number"], &[]),
    ] {
        let code = party.answer(&[("scope", scope)]).await.parameter("code");
        let (_, tokens) = party.token(&code, &[]).await;
        for said in [party.user_info(&tokens).await, party.id_claims(&tokens).await] {
            assert!(has.iter().all(|claim| said.get(claim).is_some()), "{scope} {said}");
            assert!(has_not.iter().all(|claim| said.get(claim).is_none()), "{scope} {said}");
        }
    }
    // This provider has no scope "address", and says so.
    assert_eq!(party.answer(&[("scope", "openid address")]).await.parameter("error"), "invalid_scope");
}

#[tokio::test]
async fn oidcc_display_page_popup_and_not_known_query_parameters() {
    let party = Party::new().await;
    for more in [("display", "page"), ("display", "popup"), ("extra", "foobar"), ("claims_locales", "se")] {
        party.browser.visit(&party.authorize(&[more])).await.says("<h1>Sign in</h1>");
    }
    party.tokens(&[("display", "popup"), ("extra", "foobar")]).await;
}

#[tokio::test]
async fn oidcc_prompt_login() {
    let party = Party::new().await;
    let first = party.tokens(&[]).await;
    party.scene.server.clock.advance(2_000);
    let second = party.tokens(&[("prompt", "login")]).await;
    let (first, second) = (party.id_claims(&first).await, party.id_claims(&second).await);
    assert!(second["auth_time"].as_i64() > first["auth_time"].as_i64());
}

#[tokio::test]
async fn oidcc_prompt_none_not_logged_in() {
    let party = Party::new().await;
    let shown = party.answer(&[("prompt", "none")]).await;
    assert_eq!((shown.status, shown.parameter("error")), (302, "login_required".to_owned()));
}

#[tokio::test]
async fn oidcc_prompt_none_logged_in() {
    let party = Party::new().await;
    let first = party.tokens(&[]).await;
    let code = party.answer(&[("prompt", "none")]).await.parameter("code");
    let (_, second) = party.token(&code, &[]).await;
    let (first, second) = (party.id_claims(&first).await, party.id_claims(&second).await);
    assert_eq!((&first["sub"], &first["auth_time"]), (&second["sub"], &second["auth_time"]));
}

#[tokio::test]
async fn oidcc_max_age_1_and_10000() {
    let party = Party::new().await;
    let first = party.id_claims(&party.tokens(&[]).await).await;
    party.scene.server.clock.advance(2_000);
    let code = party.answer(&[("max_age", "10000")]).await.parameter("code");
    let same = party.id_claims(&party.token(&code, &[]).await.1).await;
    assert_eq!(same["auth_time"], first["auth_time"]);
    let later = party.id_claims(&party.tokens(&[("max_age", "1")]).await).await;
    assert!(later["auth_time"].as_i64() > first["auth_time"].as_i64());
}

#[tokio::test]
async fn oidcc_id_token_hint() {
    let party = Party::new().await;
    let tokens = party.tokens(&[]).await;
    let hint = text(&tokens, "id_token");
    let code = party.answer(&[("prompt", "none"), ("id_token_hint", hint)]).await.parameter("code");
    let (_, again) = party.token(&code, &[]).await;
    assert_eq!(party.id_claims(&again).await["sub"], party.id_claims(&tokens).await["sub"]);
}

#[tokio::test]
async fn oidcc_login_hint_ui_locales_claims_locales_and_acr_values() {
    let party = Party::new().await;
    let page = party.browser.visit(&party.authorize(&[("login_hint", ALICE)])).await;
    page.says(&format!("value=\"{ALICE}\""));
    party.tokens(&[("ui_locales", "xx yy"), ("claims_locales", "se"), ("acr_values", "1 2")]).await;
}

#[tokio::test]
async fn oidcc_codereuse_and_codereuse_30seconds() {
    let party = Party::new().await;
    party.signs_in(&[]).await;
    for wait_ms in [0, 30_000] {
        let code = party.answer(&[]).await.parameter("code");
        let (_, tokens) = party.token(&code, &[]).await;
        party.scene.server.clock.advance(wait_ms);
        assert_eq!(party.token(&code, &[]).await, (400, json!({ "error": "invalid_grant" })));
        let bearer = format!("Bearer {}", text(&tokens, "access_token"));
        assert_eq!(party.scene.user_info(&bearer).await.status, 401);
    }
}

#[tokio::test]
async fn oidcc_ensure_registered_redirect_uri() {
    let party = Party::new().await;
    let shown = party.answer(&[("redirect_uri", "https://suite.example/callback/x")]).await;
    assert_eq!((shown.status, shown.leads_to()), (400, None));
}

#[tokio::test]
async fn oidcc_ensure_post_request_succeeds() {
    let party = Party::new().await;
    let path = party.authorize(&[]);
    let body = path.split_once('?').expect("parameters").1;
    let shown = party.browser.send("POST", "/oauth2/authorize", body, &[]).await;
    let page = party.browser.follow(shown).await;
    let code = party.completes(page).await.parameter("code");
    assert_eq!(party.token(&code, &[]).await.0, 200);
}

#[tokio::test]
async fn oidcc_server_client_secret_post() {
    let party = Party::new().await;
    let code = party.signs_in(&[]).await.parameter("code");
    let fields = |secret| {
        vec![
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", CALLBACK),
            ("client_id", party.id.as_str()),
            ("client_secret", secret),
        ]
    };
    let wrong = another(&party.secret);
    let refused = party.browser.post("/oauth2/token", &fields(&wrong), &[]).await;
    assert_eq!((refused.status, refused.html.as_str()), (400, "{\"error\":\"invalid_client\"}"));
    assert_eq!(party.browser.post("/oauth2/token", &fields(&party.secret), &[]).await.status, 200);
}

#[tokio::test]
async fn oidcc_unsigned_request_object_and_request_uri() {
    let party = Party::new().await;
    let shown = party.answer(&[("request", "eyJhbGciOiJub25lIn0.e30.")]).await;
    assert_eq!(shown.parameter("error"), "request_not_supported");
    let shown = party.answer(&[("request_uri", "https://suite.example/request.jwt")]).await;
    assert_eq!(shown.parameter("error"), "request_uri_not_supported");
}

#[tokio::test]
async fn oidcc_claims_essential() {
    let party = Party::new().await;
    let claims = json!({ "userinfo": { "name": { "essential": true } } }).to_string();
    party.tokens(&[("claims", &claims)]).await;
}

#[tokio::test]
async fn oidcc_ensure_request_object_with_redirect_uri() {
    let party = Party::new().await;
    // What a request object says of redirects is not followed.
    let object = "eyJhbGciOiJub25lIn0.eyJyZWRpcmVjdF91cmkiOiJodHRwczovL2V2aWwuZXhhbXBsZS8ifQ.";
    let shown = party.answer(&[("request", object)]).await;
    assert!(shown.to().starts_with(CALLBACK));
}

#[tokio::test]
async fn oidcc_refresh_token() {
    let party = Party::new().await;
    let tokens = party.tokens(&[]).await;
    let fields = [("grant_type", "refresh_token"), ("refresh_token", text(&tokens, "refresh_token"))];
    let (status, fresh) = party.posts(&fields).await;
    assert_eq!(status, 200, "{fresh}");
    let (before, after) = (party.id_claims(&tokens).await, party.id_claims(&fresh).await);
    for same in ["iss", "sub", "aud", "auth_time"] {
        assert_eq!(before[same], after[same], "{same}");
    }
    // Another client gets nothing for it.
    let (id, secret) = Party::client(&party.scene).await;
    let other = Party { id, secret, browser: party.browser.clone(), scene: party.scene };
    assert_eq!(other.posts(&fields).await.0, 400);
}

#[tokio::test]
async fn oidcc_ensure_request_with_valid_pkce_succeeds() {
    let party = Party::new().await;
    let challenge = challenge_of(VERIFIER);
    let more = [("code_challenge", challenge.as_str()), ("code_challenge_method", "S256")];
    let code = party.signs_in(&more).await.parameter("code");
    assert_eq!(party.token(&code, &[]).await.0, 400);
    let code = party.answer(&more).await.parameter("code");
    assert_eq!(party.token(&code, &[("code_verifier", VERIFIER)]).await.0, 200);
}

#[tokio::test]
async fn oidcc_form_post_response_mode() {
    let party = Party::new().await;
    let more = [("response_mode", "form_post"), ("state", "a\"<b")];
    let page = party.browser.visit(&party.authorize(&more)).await;
    let page = party.browser.press(&page, "/login", &[("username", ALICE)]).await;
    let code = party.scene.code(ALICE).await;
    let page = party.browser.press(&page, "/login/code", &[("code", &code)]).await;
    assert_eq!((page.status, page.heading().as_str()), (200, "Back to Suite"));
    assert!(page.header("content-security-policy").contains("form-action 'self' *;"));
    page.says("name=\"state\" value=\"a&#34;&#60;b\"").says("data-post");
    let hidden = page.hidden(CALLBACK);
    let code = hidden.iter().find(|(name, _)| name == "code").expect("a code").1.clone();
    assert!(hidden.iter().any(|(name, _)| name == "iss"));
    assert_eq!(party.token(&code, &[]).await.0, 200);
    let error = party.answer(&[("response_mode", "form_post"), ("scope", "unknown")]).await;
    error.says("name=\"error\" value=\"invalid_scope\"");
}

#[tokio::test]
async fn oidcc_resource_indicators() {
    let party = Party::new().await;
    let api = "https://api.example/v1";
    let code = party.signs_in(&[("resource", api)]).await.parameter("code");
    let other = [("resource", "https://other.example")];
    assert_eq!(party.token(&code, &other).await.1["error"], json!("invalid_target"));
    let code = party.answer(&[("resource", api)]).await.parameter("code");
    let (_, tokens) = party.token(&code, &[("resource", api)]).await;
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", text(&tokens, "refresh_token"))];
    let (_, fresh) = party.posts(&refresh).await;
    for tokens in [&tokens, &fresh] {
        let access = party.scene.verified(text(tokens, "access_token"), TokenUse::Access).await;
        assert_eq!((&access["aud"], &access["client_id"]), (&json!(api), &json!(party.id)));
        assert_eq!(party.id_claims(tokens).await["aud"], json!(party.id));
    }
    let wider = [refresh[0], refresh[1], other[0]];
    assert_eq!(party.posts(&wider).await.1["error"], json!("invalid_target"));
}

#[tokio::test]
async fn oidcc_discovery_endpoint_verification() {
    let party = Party::new().await;
    let url = &party.scene.server.app.public_url;
    let pool = &party.scene.demo.pool_id;
    let shown = party.browser.open(&format!("/{pool}/.well-known/openid-configuration")).await;
    assert_eq!((shown.status, shown.header("content-type")), (200, "application/json"));
    assert_eq!(shown.header("access-control-allow-origin"), "*");
    let said: Value = serde_json::from_str(&shown.html).expect("JSON");
    assert_eq!(said["issuer"], json!(format!("{url}/{pool}")));
    for (name, path) in [
        ("authorization_endpoint", "/oauth2/authorize"),
        ("token_endpoint", "/oauth2/token"),
        ("userinfo_endpoint", "/oauth2/userInfo"),
        ("revocation_endpoint", "/oauth2/revoke"),
        ("end_session_endpoint", "/logout"),
    ] {
        assert_eq!(said[name], json!(format!("{url}{path}")), "{name}");
    }
    for (name, member) in [
        ("response_types_supported", "code"),
        ("response_modes_supported", "form_post"),
        ("scopes_supported", "openid"),
        ("claims_supported", "sub"),
        ("subject_types_supported", "public"),
        ("id_token_signing_alg_values_supported", "RS256"),
        ("code_challenge_methods_supported", "S256"),
        ("token_endpoint_auth_methods_supported", "client_secret_basic"),
    ] {
        assert!(said[name].as_array().expect(name).contains(&json!(member)), "{name}");
    }
    assert_eq!(
        (&said["request_uri_parameter_supported"], &said["claims_parameter_supported"]),
        (&json!(false), &json!(false))
    );
    let keys =
        party.browser.open(said["jwks_uri"].as_str().expect("a text").trim_start_matches(url.as_str())).await;
    let keys: Value = serde_json::from_str(&keys.html).expect("JSON");
    for key in keys["keys"].as_array().expect("a list") {
        assert_eq!((&key["kty"], &key["use"], &key["alg"]), (&json!("RSA"), &json!("sig"), &json!("RS256")));
        assert!(key["d"].is_null() && key["p"].is_null() && key["kid"].is_string());
    }
    assert_eq!(party.browser.open("/us-east-1_000000000/.well-known/openid-configuration").await.status, 404);
}

/// The address of a sign-out with these parameters.
fn end_session(pairs: &[(&str, &str)]) -> String {
    format!("/logout?{}", query(pairs))
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_and_no_state() {
    let party = Party::new().await;
    let tokens = party.tokens(&[]).await;
    let hint = ("id_token_hint", text(&tokens, "id_token"));
    let shown = party
        .browser
        .open(&end_session(&[hint, ("post_logout_redirect_uri", SIGNED_OUT), ("state", "s")]))
        .await;
    assert_eq!((shown.status, shown.to()), (302, format!("{SIGNED_OUT}?state=s")));
    assert!(!party.is_signed_in().await);
    party.signs_in(&[]).await;
    let shown = party.browser.open(&end_session(&[hint, ("post_logout_redirect_uri", SIGNED_OUT)])).await;
    assert_eq!(shown.to(), SIGNED_OUT);
    // By POST, as the specification allows.
    party.signs_in(&[]).await;
    let fields = [hint, ("post_logout_redirect_uri", SIGNED_OUT)];
    let shown = party.browser.post("/logout", &fields, &[]).await;
    let shown = party.browser.open(&shown.leads_to().expect("a redirect")).await;
    assert_eq!(shown.to(), SIGNED_OUT);
    assert!(!party.is_signed_in().await);
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_bad_and_query_added_redirect() {
    let party = Party::new().await;
    let tokens = party.tokens(&[]).await;
    let hint = ("id_token_hint", text(&tokens, "id_token"));
    for sent in ["https://suite.example/bad", "https://suite.example/post_logout?x=1"] {
        let shown = party.browser.open(&end_session(&[hint, ("post_logout_redirect_uri", sent)])).await;
        assert_eq!((shown.status, shown.leads_to()), (400, None), "{sent}");
    }
    assert!(party.is_signed_in().await);
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_modified_bad_and_missing_id_token_hint() {
    let party = Party::new().await;
    let tokens = party.tokens(&[]).await;
    let modified = another(text(&tokens, "id_token"));
    for hint in [modified.as_str(), "not.a.token", text(&tokens, "access_token")] {
        let pairs = [("id_token_hint", hint), ("post_logout_redirect_uri", SIGNED_OUT)];
        let shown = party.browser.open(&end_session(&pairs)).await;
        assert_eq!((shown.status, shown.leads_to()), (400, None), "{hint}");
    }
    assert!(party.is_signed_in().await);
    // Without a hint the person is asked; with the client's name the way back is known.
    let pairs = [("post_logout_redirect_uri", SIGNED_OUT), ("state", "s"), ("client_id", party.id.as_str())];
    let page = party.browser.open(&end_session(&pairs)).await;
    assert_eq!((page.status, page.heading().as_str()), (200, "Do you want to sign out?"));
    assert!(party.is_signed_in().await);
    let forged = party.browser.post("/logout/confirm", &[("client_id", &party.id)], &[]).await;
    assert_eq!(forged.status, 400);
    assert!(party.is_signed_in().await);
    let shown = party.browser.press_once(&page, "/logout/confirm", &[]).await;
    assert_eq!(shown.to(), format!("{SIGNED_OUT}?state=s"));
    assert!(!party.is_signed_in().await);
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_no_params_only_state_and_no_redirect() {
    let party = Party::new().await;
    for pairs in [&[][..], &[("state", "s")], &[("post_logout_redirect_uri", SIGNED_OUT)]] {
        party.signs_in(&[]).await;
        let page = party.browser.open(&end_session(pairs)).await;
        assert_eq!(page.heading(), "Do you want to sign out?");
        let page = party.browser.press(&page, "/logout/confirm", &[]).await;
        assert_eq!((page.status, page.heading().as_str()), (200, "You're signed out"), "{pairs:?}");
        assert!(!party.is_signed_in().await);
        assert_eq!(party.browser.open(&page.path).await.heading(), "You're signed out");
    }
    let tokens = party.tokens(&[]).await;
    let page = party.browser.open(&end_session(&[("id_token_hint", text(&tokens, "id_token"))])).await;
    assert_eq!(page.heading(), "You're signed out");
    assert_eq!(page.link("Sign in again"), "https://suite.example/");
    assert!(!party.is_signed_in().await);
}

#[tokio::test]
async fn somebody_elses_id_token_signs_nobody_out_unasked() {
    let party = Party::new().await;
    let hers = party.tokens(&[]).await;
    let browser = party.scene.browser();
    let his = Party { browser, id: party.id.clone(), secret: party.secret.clone(), scene: party.scene };
    let page = his.browser.visit(&his.authorize(&[])).await;
    let page = his.browser.press(&page, "/login", &[("username", postern_server::seed::BOB)]).await;
    let code = his.scene.code(postern_server::seed::BOB).await;
    his.browser.press_once(&page, "/login/code", &[("code", &code)]).await.parameter("code");
    let pairs = [("id_token_hint", text(&hers, "id_token")), ("post_logout_redirect_uri", SIGNED_OUT)];
    let shown = his.browser.open(&end_session(&pairs)).await;
    assert_eq!((shown.status, shown.heading().as_str()), (200, "Do you want to sign out?"));
    assert!(his.is_signed_in().await);
}
