//! A provider of these tests' own, and tokens that it should never have signed.

use super::*;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::json;

const NOW: i64 = 1_767_323_045;

struct Signer {
    pair: EcdsaKeyPair,
    id: &'static str,
}

impl Signer {
    fn new(id: &'static str) -> Signer {
        Signer { pair: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"), id }
    }

    fn key(&self) -> Value {
        let public = self.pair.public_key().as_ref();
        json!({
            "kty": "EC", "crv": "P-256", "kid": self.id, "use": "sig",
            "x": BASE64URL.encode(&public[1..33]), "y": BASE64URL.encode(&public[33..]),
        })
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| BASE64URL.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).expect("a signature");
        format!("{signed}.{}", BASE64URL.encode(signature.as_ref()))
    }

    fn token(&self, change: Value) -> String {
        let mut claims = json!({
            "iss": "https://id.example.com", "aud": "postern", "sub": "a-1", "nonce": "n-1",
            "iat": NOW, "exp": NOW + 300,
        });
        for (name, value) in change.as_object().expect("an object") {
            match value.is_null() {
                true => claims.as_object_mut().expect("an object").remove(name),
                false => claims.as_object_mut().expect("an object").insert(name.clone(), value.clone()),
            };
        }
        self.sign(&json!({ "alg": "ES256", "kid": self.id }), &claims)
    }
}

fn judged(token: &str, keys: &Value) -> Result<String, Fault> {
    let expected = Expected {
        issuer: "https://id.example.com",
        client_id: "postern",
        nonce: "n-1",
        now: Timestamp::from_ms(NOW * 1000),
    };
    judge(token, keys, &expected).map(|claims| claims["sub"].as_str().expect("a text").to_owned())
}

#[test]
fn a_token_is_taken_for_this_client_and_this_sign_in_only() {
    let signer = Signer::new("k1");
    let keys = json!({ "keys": [signer.key()] });
    let with = |change: Value| judged(&signer.token(change), &keys);
    assert_eq!(with(json!({})), Ok("a-1".to_owned()));
    assert_eq!(with(json!({ "aud": ["postern"] })), Ok("a-1".to_owned()));
    assert_eq!(with(json!({ "aud": ["postern", "b"], "azp": "postern" })), Ok("a-1".to_owned()));
    assert_eq!(with(json!({ "iss": "https://id.example.com/" })), Ok("a-1".to_owned()));
    assert_eq!(with(json!({ "exp": NOW - 59 })), Ok("a-1".to_owned()));
    for (change, fault) in [
        (json!({ "iss": "https://evil.example.com" }), Fault::Issuer),
        (json!({ "iss": null }), Fault::Issuer),
        (json!({ "aud": "another" }), Fault::Audience),
        (json!({ "aud": null }), Fault::Audience),
        (json!({ "aud": ["postern", "another"] }), Fault::Audience),
        (json!({ "azp": "another" }), Fault::Audience),
        (json!({ "exp": NOW - 60 }), Fault::Expired),
        (json!({ "exp": null }), Fault::Expired),
        (json!({ "iat": NOW + 61 }), Fault::NotYet),
        (json!({ "nbf": NOW + 61 }), Fault::NotYet),
        (json!({ "iat": null }), Fault::NotYet),
        (json!({ "nonce": "n-2" }), Fault::Nonce),
        (json!({ "nonce": null }), Fault::Nonce),
        (json!({ "sub": "" }), Fault::Subject),
        (json!({ "sub": 7 }), Fault::Subject),
        (json!({ "sub": "x".repeat(256) }), Fault::Subject),
    ] {
        assert_eq!(with(change.clone()), Err(fault), "{change}");
    }
}

#[test]
fn only_the_providers_own_keys_sign_and_only_in_their_way() {
    let (signer, stranger) = (Signer::new("k1"), Signer::new("k1"));
    let keys = json!({ "keys": [signer.key()] });
    assert_eq!(judged(&stranger.token(json!({})), &keys), Err(Fault::Signature));
    assert_eq!(judged(&Signer::new("k2").token(json!({})), &keys), Err(Fault::Key));
    assert_eq!(judged(&signer.token(json!({})), &json!({ "keys": [] })), Err(Fault::Key));
    let twins = json!({ "keys": [signer.key(), stranger.key()] });
    assert_eq!(judged(&signer.token(json!({})), &twins), Err(Fault::Key));

    let token = signer.token(json!({}));
    let (signed, signature) = token.rsplit_once('.').expect("dots");
    let (_, payload) = signed.split_once('.').expect("dots");
    for (header, fault) in [
        (json!({ "alg": "none", "kid": "k1" }), Fault::Algorithm),
        (json!({ "alg": "HS256", "kid": "k1" }), Fault::Algorithm),
        (json!({ "kid": "k1" }), Fault::Algorithm),
        (json!({ "alg": "RS256", "kid": "k1" }), Fault::Key),
        (json!({ "alg": "ES384", "kid": "k1" }), Fault::Key),
        (json!({ "alg": "ES256", "kid": "k1", "crit": ["x"] }), Fault::Unreadable),
        (json!({ "alg": "ES256", "kid": "k1", "jwk": stranger.key() }), Fault::Signature),
    ] {
        let header = BASE64URL.encode(header.to_string());
        assert_eq!(judged(&format!("{header}.{payload}.{signature}"), &keys), Err(fault));
    }
    let zero = BASE64URL.encode([0; 64]);
    assert_eq!(judged(&format!("{signed}.{zero}"), &keys), Err(Fault::Signature));
    for text in ["", "a.b.c", "..", &token[1..]] {
        assert!(judged(text, &keys).is_err(), "{text}");
    }
    // A key that is for something else does not sign.
    let mut sealing = signer.key();
    sealing["use"] = "enc".into();
    assert_eq!(judged(&token, &json!({ "keys": [sealing] })), Err(Fault::Key));
}

#[test]
fn rsa_keys_sign_as_most_providers_do() {
    use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
    use aws_lc_rs::signature::RSA_PKCS1_SHA256;
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
    let public = pair.public_key();
    let keys = json!({ "keys": [{
        "kty": "RSA", "alg": "RS256",
        "n": BASE64URL.encode(public.modulus().big_endian_without_leading_zero()),
        "e": BASE64URL.encode(public.exponent().big_endian_without_leading_zero()),
    }] });
    let claims = json!({
        "iss": "https://id.example.com", "aud": "postern", "sub": "a-1", "nonce": "n-1",
        "iat": NOW, "exp": NOW + 300,
    });
    let sign = |alg: &str| {
        let part = |value: &Value| BASE64URL.encode(value.to_string());
        let signed = format!("{}.{}", part(&json!({ "alg": alg })), part(&claims));
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).expect("signs");
        format!("{signed}.{}", BASE64URL.encode(signature))
    };
    assert_eq!(judged(&sign("RS256"), &keys), Ok("a-1".to_owned()));
    // The key is for one algorithm.
    assert_eq!(judged(&sign("RS512"), &keys), Err(Fault::Key));
}
