//! The attack cases about forged tokens and ended sign-ins that need more than a line: tokens that are really signed, by
//! the wrong key (66), very large ones, and what a new password or factor ends on the pages (58).

use super::browser::Browser;
use super::scene::{Scene, text};
use crate::support::authenticator::Authenticator;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use aws_lc_rs::{hmac, rand};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use postern_server::seed::{ALICE, BOB, BOBS_PASSWORD};
use serde_json::{Value, json};

async fn opens_nothing(scene: &Scene, token: &str) {
    let refused = scene.user_info(&format!("Bearer {token}")).await;
    assert!(refused.status == 401 || refused.status == 431, "{} {}", refused.status, token.len());
    let refused = scene.server.api("GetUser", json!({ "AccessToken": token })).await;
    assert!(refused.status == 400 || refused.status == 413, "{} {}", refused.status, token.len());
}

#[tokio::test]
async fn case_66_a_token_that_brings_its_own_key_or_is_signed_by_a_public_one_opens_nothing() {
    let scene = Scene::new().await;
    let tokens = scene.tokens(&scene.browser(), ALICE).await;
    let access = text(&tokens, "access_token");
    let body = access.split('.').nth(1).expect("a body");
    let keys = scene.browser().open(&format!("/{}/.well-known/jwks.json", scene.demo.pool_id)).await;
    let keys: Value = serde_json::from_str(&keys.html).expect("JSON");
    let ours = &keys["keys"][0];
    let (id, modulus) = (text(ours, "kid"), text(ours, "n"));

    // The public key as the secret of an HMAC, in each form in which a verifier might hold it.
    let head = BASE64URL.encode(json!({ "alg": "HS256", "kid": id, "typ": "JWT" }).to_string());
    let bytes = BASE64URL.decode(modulus).expect("base64url");
    for key in [modulus.as_bytes(), &bytes, ours.to_string().as_bytes(), b""] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        let signed = hmac::sign(&key, format!("{head}.{body}").as_bytes());
        opens_nothing(&scene, &format!("{head}.{body}.{}", BASE64URL.encode(signed))).await;
    }

    // A good signature, by a key that the token itself brings or points to.
    let random = rand::SystemRandom::new();
    let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, made.as_ref()).expect("a key");
    let point = pair.public_key().as_ref();
    let own = json!({
        "kty": "EC", "crv": "P-256", "x": BASE64URL.encode(&point[1..33]), "y": BASE64URL.encode(&point[33..]),
    });
    for more in [
        json!({ "jwk": own, "kid": id }),
        json!({ "jwk": own }),
        json!({ "jku": "https://evil.example/jwks.json", "kid": id }),
        json!({ "x5u": "https://evil.example/x", "kid": id }),
    ] {
        let mut head = more;
        head["alg"] = "ES256".into();
        let head = BASE64URL.encode(head.to_string());
        let signed = pair.sign(&random, format!("{head}.{body}").as_bytes()).expect("a signature");
        opens_nothing(&scene, &format!("{head}.{body}.{}", BASE64URL.encode(signed))).await;
        // The signature of zeros that some verifiers took for a good one.
        opens_nothing(&scene, &format!("{head}.{body}.{}", BASE64URL.encode([0; 64]))).await;
    }

    // A megabyte, in each part, and as a claim.
    let [first, _, last] = access.splitn(3, '.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    let large = "A".repeat(1 << 20);
    for token in [
        large.clone(),
        format!("{large}.{body}.{last}"),
        format!("{first}.{large}.{last}"),
        format!("{first}.{body}.{large}"),
        ".".repeat(1 << 20),
    ] {
        opens_nothing(&scene, &token).await;
    }
    // In a form, too, where it is shorter than the largest body.
    let large = "A".repeat(60_000);
    for (path, fields) in [
        ("/oauth2/userInfo", vec![("access_token", large.as_str())]),
        ("/oauth2/revoke", vec![("token", large.as_str()), ("client_id", &scene.demo.client_id)]),
        (
            "/oauth2/token",
            vec![
                ("grant_type", "refresh_token"),
                ("refresh_token", large.as_str()),
                ("client_id", &scene.demo.client_id),
            ],
        ),
    ] {
        let shown = scene.browser().post(path, &fields, &[]).await;
        assert!(shown.status < 500, "{path} {}", shown.status);
        assert!(!shown.html.contains("access_token\""), "{path}");
    }
    assert_eq!(scene.user_info(&format!("Bearer {access}")).await.status, 200);
}

/// Signs Bob in through the API by his password, whatever else is asked.
async fn bobs_access_token(scene: &Scene) -> String {
    scene.server.clock.advance(31_000);
    let parameters = json!({ "USERNAME": BOB, "PREFERRED_CHALLENGE": "PASSWORD", "PASSWORD": BOBS_PASSWORD });
    let begin = json!({
        "ClientId": scene.demo.client_id, "AuthFlow": "USER_AUTH", "AuthParameters": parameters,
    });
    let tokens = scene.server.api("InitiateAuth", begin).await.ok().body;
    text(&tokens["AuthenticationResult"], "AccessToken").to_owned()
}

/// Somebody else's browser with a session of Bob, and the tokens of its app.
async fn elsewhere(scene: &Scene) -> (Browser, Value) {
    scene.server.clock.advance(31_000);
    let browser = scene.browser();
    let tokens = scene.tokens(&browser, BOB).await;
    scene.server.clock.advance(1_000);
    (browser, tokens)
}

async fn has_ended(scene: &Scene, (browser, tokens): (Browser, Value), how: &str) {
    let shown = browser.open(&scene.authorize(&[("prompt", "none")])).await;
    assert!(shown.to().contains("error=login_required"), "{how}: {}", shown.to());
    assert_eq!(scene.refresh(text(&tokens, "refresh_token")).await.0, 400, "{how}");
    let bearer = format!("Bearer {}", text(&tokens, "access_token"));
    assert_eq!(scene.user_info(&bearer).await.status, 401, "{how}");
}

#[tokio::test]
async fn case_58_a_new_password_or_factor_ends_sessions_of_browsers() {
    let scene = Scene::new().await;
    let factor =
        json!({ "MfaConfiguration": "OPTIONAL", "SoftwareTokenMfaConfiguration": { "Enabled": true } });
    scene.admin("SetUserPoolMfaConfig", factor).await;
    let server = &scene.server;

    let theirs = elsewhere(&scene).await;
    let set = json!({ "Username": BOB, "Password": BOBS_PASSWORD, "Permanent": true });
    scene.admin("AdminSetUserPassword", set.clone()).await;
    has_ended(&scene, theirs, "a password from an administrator").await;

    let theirs = elsewhere(&scene).await;
    let token = bobs_access_token(&scene).await;
    let change = json!({
        "AccessToken": token, "PreviousPassword": BOBS_PASSWORD, "ProposedPassword": "Battery-staple-2",
    });
    server.api("ChangePassword", change).await.ok();
    has_ended(&scene, theirs, "a password of one's own").await;

    scene.admin("AdminSetUserPassword", set.clone()).await;
    let theirs = elsewhere(&scene).await;
    scene.admin("AdminResetUserPassword", json!({ "Username": BOB })).await;
    has_ended(&scene, theirs, "a reset").await;

    scene.server.clock.advance(31_000);
    scene.admin("AdminSetUserPassword", set).await;
    let theirs = elsewhere(&scene).await;
    let token = bobs_access_token(&scene).await;
    let made = server.api("AssociateSoftwareToken", json!({ "AccessToken": token })).await.ok();
    let authenticator = Authenticator::new(&made.text_at("SecretCode"));
    let verify = json!({ "AccessToken": token, "UserCode": authenticator.code(server) });
    server.api("VerifySoftwareToken", verify).await.ok();
    let on = json!({ "AccessToken": token, "SoftwareTokenMfaSettings": { "Enabled": true } });
    server.api("SetUserMFAPreference", on).await.ok();
    has_ended(&scene, theirs, "an authenticator that was added").await;
}
