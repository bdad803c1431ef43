//! How the ID token of an outside provider is judged (OpenID Connect Core §3.1.3.7): rules without effects.

use aws_lc_rs::constant_time;
use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, EcdsaVerificationAlgorithm, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RsaParameters,
    UnparsedPublicKey,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use postern_store::Timestamp;
use serde_json::{Map, Value};

/// How far the provider's clock may be from ours, in seconds.
const SKEW_S: i64 = 60;
/// Bytes of an RSA modulus at most: larger keys cost their verifier too much.
const MODULUS_MAX: usize = 1024;
/// Characters of a subject at most (OpenID Connect Core §2).
const SUBJECT_MAX: usize = 255;

/// What a token must say.
pub struct Expected<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    pub nonce: &'a str,
    pub now: Timestamp,
}

/// Why a token is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Unreadable,
    Algorithm,
    /// No key of the provider's is named, or none of this name fits.
    Key,
    Signature,
    Issuer,
    Audience,
    Expired,
    NotYet,
    Nonce,
    Subject,
}

impl Fault {
    /// What is wrong, in a word.
    pub fn word(self) -> &'static str {
        match self {
            Fault::Unreadable => "format",
            Fault::Algorithm => "algorithm",
            Fault::Key => "key",
            Fault::Signature => "signature",
            Fault::Issuer => "issuer",
            Fault::Audience => "audience",
            Fault::Expired => "exp",
            Fault::NotYet => "iat",
            Fault::Nonce => "nonce",
            Fault::Subject => "sub",
        }
    }
}

/// Judges a token by the provider's keys and gives what it says.
pub fn judge(token: &str, keys: &Value, expected: &Expected<'_>) -> Result<Map<String, Value>, Fault> {
    let claims = verified(token, keys)?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("iss").map(|issuer| issuer.trim_end_matches('/')) != Some(expected.issuer.trim_end_matches('/')) {
        return Err(Fault::Issuer);
    }
    let audiences: Vec<&str> = match claims.get("aud") {
        Some(Value::String(one)) => vec![one.as_str()],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let is_only = audiences == [expected.client_id];
    let is_party = text("azp") == Some(expected.client_id);
    if !audiences.contains(&expected.client_id) || !(is_party || (is_only && text("azp").is_none())) {
        return Err(Fault::Audience);
    }
    let now = expected.now.seconds();
    let moment = |name: &str| claims.get(name).and_then(Value::as_f64).map(|seconds| seconds as i64);
    match moment("exp") {
        Some(expires) if now < expires.saturating_add(SKEW_S) => {}
        _ => return Err(Fault::Expired),
    }
    let is_later = |name: &str| moment(name).is_some_and(|from| from > now + SKEW_S);
    if moment("iat").is_none() || is_later("iat") || is_later("nbf") {
        return Err(Fault::NotYet);
    }
    let nonce = text("nonce").unwrap_or_default();
    if constant_time::verify_slices_are_equal(nonce.as_bytes(), expected.nonce.as_bytes()).is_err() {
        return Err(Fault::Nonce);
    }
    match text("sub") {
        Some(subject) if !subject.is_empty() && subject.chars().count() <= SUBJECT_MAX => Ok(claims),
        _ => Err(Fault::Subject),
    }
}

/// The claims of a token that one of these keys signed. The key says which algorithms may be; the token chooses among
/// them.
fn verified(token: &str, keys: &Value) -> Result<Map<String, Value>, Fault> {
    let (signed, signature) = token.rsplit_once('.').ok_or(Fault::Unreadable)?;
    let (header, payload) = signed.split_once('.').ok_or(Fault::Unreadable)?;
    let header = object(header)?;
    if header.contains_key("crit") {
        return Err(Fault::Unreadable);
    }
    let name = header.get("alg").and_then(Value::as_str).ok_or(Fault::Algorithm)?;
    let algorithm = Algorithm::named(name).ok_or(Fault::Algorithm)?;
    let id = header.get("kid").and_then(Value::as_str);
    let fits = |key: &&Value| {
        let says = |member: &str, value: &str| key.get(member).is_none_or(|said| said == value);
        algorithm.takes(key)
            && says("use", "sig")
            && says("alg", name)
            && id.is_none_or(|id| key.get("kid").and_then(Value::as_str) == Some(id))
    };
    let known = keys.get("keys").and_then(Value::as_array).ok_or(Fault::Key)?;
    let mut fitting = known.iter().filter(fits);
    let key = fitting.next().ok_or(Fault::Key)?;
    if fitting.next().is_some() {
        return Err(Fault::Key);
    }
    let signature = BASE64URL.decode(signature).map_err(|_| Fault::Unreadable)?;
    algorithm.verify(key, signed.as_bytes(), &signature)?;
    object(payload)
}

fn object(part: &str) -> Result<Map<String, Value>, Fault> {
    let bytes = BASE64URL.decode(part).map_err(|_| Fault::Unreadable)?;
    serde_json::from_slice(&bytes).map_err(|_| Fault::Unreadable)
}

/// Algorithms that are taken (RFC 7518 §3.1): none that both sides share a key for, and not `none`.
enum Algorithm {
    Rsa(&'static RsaParameters),
    Curve(&'static EcdsaVerificationAlgorithm, &'static str, usize),
}

impl Algorithm {
    fn named(name: &str) -> Option<Algorithm> {
        Some(match name {
            "RS256" => Algorithm::Rsa(&RSA_PKCS1_2048_8192_SHA256),
            "RS384" => Algorithm::Rsa(&RSA_PKCS1_2048_8192_SHA384),
            "RS512" => Algorithm::Rsa(&RSA_PKCS1_2048_8192_SHA512),
            "PS256" => Algorithm::Rsa(&RSA_PSS_2048_8192_SHA256),
            "ES256" => Algorithm::Curve(&ECDSA_P256_SHA256_FIXED, "P-256", 32),
            "ES384" => Algorithm::Curve(&ECDSA_P384_SHA384_FIXED, "P-384", 48),
            _ => return None,
        })
    }

    fn takes(&self, key: &Value) -> bool {
        match self {
            Algorithm::Rsa(_) => key["kty"] == "RSA",
            Algorithm::Curve(_, curve, _) => key["kty"] == "EC" && key["crv"] == *curve,
        }
    }

    fn verify(&self, key: &Value, signed: &[u8], signature: &[u8]) -> Result<(), Fault> {
        let part = |name: &str| {
            let text = key.get(name).and_then(Value::as_str).ok_or(Fault::Key)?;
            BASE64URL.decode(text).map_err(|_| Fault::Key)
        };
        let verified = match self {
            Algorithm::Rsa(parameters) => {
                let (n, e) = (part("n")?, part("e")?);
                if n.len() > MODULUS_MAX || e.len() > 8 {
                    return Err(Fault::Key);
                }
                PublicKeyComponents { n: &n, e: &e }.verify(parameters, signed, signature)
            }
            Algorithm::Curve(algorithm, _, length) => {
                let (x, y) = (part("x")?, part("y")?);
                if x.len() != *length || y.len() != *length {
                    return Err(Fault::Key);
                }
                let point = [&[4], &x[..], &y[..]].concat();
                UnparsedPublicKey::new(*algorithm, point).verify(signed, signature)
            }
        };
        verified.map_err(|_| Fault::Signature)
    }
}

#[cfg(test)]
#[path = "id_token_tests.rs"]
mod tests;
