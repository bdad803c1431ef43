//! The implicit grant, for old apps whose client allows it: tokens behind the `#` of a registered address, and nowhere else.

use super::browser::{Browser, Shown};
use super::scene::Scene;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use postern_pools::keys::TokenUse;
use postern_pools::oauth::pairs::Pairs;
use postern_server::seed::ALICE;
use serde_json::{Value, json};

/// The demo app, with a client that is allowed some flows.
async fn scene(flows: &[&str]) -> Scene {
    let scene = Scene::new().await;
    let client = json!({
        "ClientId": scene.demo.client_id,
        "ExplicitAuthFlows": ["ALLOW_USER_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        "AllowedOAuthFlows": flows, "AllowedOAuthFlowsUserPoolClient": true,
        "AllowedOAuthScopes": ["openid", "email", "aws.cognito.signin.user.admin"],
        "CallbackURLs": [scene.callback()],
    });
    scene.admin("UpdateUserPoolClient", client).await;
    scene
}

/// What an old app asks for: no PKCE.
fn asks(scene: &Scene, more: &[(&str, &str)]) -> String {
    let old = [("response_type", "token"), ("code_challenge", ""), ("code_challenge_method", "")];
    let kept: Vec<(&str, &str)> =
        old.into_iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name)).collect();
    scene.authorize(&[&kept[..], more].concat())
}

/// What came behind the `#`, where nothing came before it.
#[track_caller]
fn fragment(scene: &Scene, shown: &Shown) -> Pairs {
    assert_eq!(shown.status, 302, "{}", shown.html);
    let to = shown.to();
    let (address, fragment) = to.split_once('#').unwrap_or_else(|| panic!("no fragment in {to}"));
    assert_eq!(address, scene.callback());
    assert_eq!(shown.header("cache-control"), "no-store");
    Pairs::parse(fragment).expect("UTF-8")
}

fn one(pairs: &Pairs, name: &str) -> String {
    pairs.once(name).expect("once").unwrap_or_else(|| panic!("no {name}")).to_owned()
}

async fn signs_in(scene: &Scene, browser: &Browser, start: &str) -> Shown {
    let page = browser.visit(start).await;
    let page = browser.press(&page, "/login", &[("username", ALICE)]).await;
    let code = scene.code(ALICE).await;
    let between = browser.press_once(&page, "/login/code", &[("code", &code)]).await;
    assert!(!between.to().contains("token="), "no token is in a page of ours: {}", between.to());
    browser.follow(between).await
}

#[tokio::test]
async fn an_old_app_gets_tokens_behind_the_address_and_none_to_refresh() {
    let scene = scene(&["code", "implicit"]).await;
    let browser = scene.browser();
    let came = fragment(&scene, &signs_in(&scene, &browser, &asks(&scene, &[])).await);
    let names: Vec<&str> = came.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["id_token", "access_token", "expires_in", "token_type", "state", "iss"]);
    assert_eq!((one(&came, "state"), one(&came, "token_type")), ("a&b".to_owned(), "Bearer".to_owned()));
    assert_eq!(one(&came, "expires_in"), "3600");
    let (id_token, access_token) = (one(&came, "id_token"), one(&came, "access_token"));
    let id = scene.verified(&id_token, TokenUse::Id).await;
    let hash = BASE64URL.encode(&digest(&SHA256, access_token.as_bytes()).as_ref()[..16]);
    assert_eq!((&id["nonce"], &id["at_hash"], &id["email"]), (&json!("n-1"), &json!(hash), &json!(ALICE)));
    let access = scene.verified(&access_token, TokenUse::Access).await;
    assert_eq!((&access["scope"], &access["origin_jti"]), (&json!("openid email"), &id["origin_jti"]));
    let bearer = format!("Bearer {access_token}");
    assert_eq!(scene.user_info(&bearer).await.status, 200);

    // Who is signed in gets others at once, with what was asked for and no more.
    let other = [("scope", "aws.cognito.signin.user.admin"), ("prompt", "none"), ("state", "")];
    let came = fragment(&scene, &browser.open(&asks(&scene, &other)).await);
    assert!(!came.has("id_token") && !came.has("state") && came.has("access_token"));
    assert_ne!(one(&came, "access_token"), access_token);
    // They end with the sign-ins of their user.
    scene.admin("AdminUserGlobalSignOut", json!({ "Username": ALICE })).await;
    assert_eq!(scene.user_info(&bearer).await.status, 401);
}

#[tokio::test]
async fn tokens_go_nowhere_but_to_registered_addresses_of_a_client_that_may() {
    let with_codes = scene(&["code"]).await;
    let browser = with_codes.browser();
    with_codes.signed_in(&browser, ALICE).await;
    let came = fragment(&with_codes, &browser.open(&asks(&with_codes, &[])).await);
    assert_eq!(
        (one(&came, "error"), one(&came, "state")),
        ("unauthorized_client".to_owned(), "a&b".to_owned())
    );
    assert!(!came.has("access_token"));

    let scene = scene(&["implicit"]).await;
    let browser = scene.browser();
    let nobody = fragment(&scene, &browser.open(&asks(&scene, &[("prompt", "none")])).await);
    assert_eq!(one(&nobody, "error"), "login_required");
    fragment(&scene, &signs_in(&scene, &browser, &asks(&scene, &[])).await);
    for address in
        ["https://evil.example/cb", &format!("{}/", scene.callback()), &format!("{}#x", scene.callback())]
    {
        let shown = browser.open(&asks(&scene, &[("redirect_uri", address)])).await;
        assert_eq!((shown.status, shown.leads_to()), (400, None), "{address}");
    }
    for (more, error) in [
        (&[("response_mode", "query")][..], "invalid_request"),
        (&[("scope", "openid phone")], "invalid_scope"),
        (&[("response_type", "code id_token token")], "unsupported_response_type"),
        (&[("response_type", "id_token")], "unsupported_response_type"),
    ] {
        let came = fragment(&scene, &browser.open(&asks(&scene, more)).await);
        assert_eq!(one(&came, "error"), error, "{more:?}");
        assert!(!came.has("access_token") && !came.has("id_token"), "{more:?}");
    }
    // It has no codes, neither to ask for nor to change.
    let refused = browser.open(&scene.authorize(&[])).await;
    assert_eq!(refused.parameter("error"), "unauthorized_client");
    let (status, said) = scene.redeem("a-code").await;
    assert_eq!((status, &said["error"]), (400, &json!("unauthorized_client")));
}

#[tokio::test]
async fn tokens_may_be_posted_to_the_app() {
    let scene = scene(&["implicit"]).await;
    let browser = scene.browser();
    let page = signs_in(&scene, &browser, &asks(&scene, &[("response_mode", "form_post")])).await;
    let fields = page.hidden(&scene.callback());
    let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["id_token", "access_token", "expires_in", "token_type", "state", "iss"]);
}

#[tokio::test]
async fn what_a_pool_says_it_supports_is_what_works() {
    let scene = scene(&["implicit"]).await;
    let said = scene.discovery().await;
    let lists =
        |name: &str, member: &str| said[name].as_array().expect("a list").contains(&Value::from(member));
    assert_eq!(said["response_types_supported"], json!(["code", "token"]));
    assert!(
        lists("grant_types_supported", "implicit") && lists("grant_types_supported", "client_credentials")
    );
    for mode in said["response_modes_supported"].as_array().expect("a list") {
        let mode = mode.as_str().expect("a text");
        let shown = scene.browser().open(&asks(&scene, &[("response_mode", mode)])).await;
        let asked_to_sign_in = shown.to().starts_with("/login?");
        assert_eq!(asked_to_sign_in, mode != "query", "{mode}");
    }
}
