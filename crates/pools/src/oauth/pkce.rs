//! Proof Key for Code Exchange (RFC 7636), with the method S256 only.

use aws_lc_rs::{constant_time, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;

/// Tells whether a text can be the SHA-256 of a verifier (RFC 7636 §4.2).
pub fn is_challenge(text: &str) -> bool {
    BASE64URL.decode(text).is_ok_and(|hash| hash.len() == digest::SHA256_OUTPUT_LEN)
}

/// The challenge that belongs to a verifier.
pub fn challenge_of(verifier: &str) -> String {
    BASE64URL.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}

/// Tells whether a token request proves what its authorization request announced. A challenge needs its verifier,
/// and a verifier without a challenge is a downgrade (rule O2).
pub fn proves(challenge: Option<&str>, verifier: Option<&str>) -> bool {
    match (challenge, verifier) {
        (None, None) => true,
        (Some(challenge), Some(verifier)) if is_verifier(verifier) => {
            constant_time::verify_slices_are_equal(challenge_of(verifier).as_bytes(), challenge.as_bytes())
                .is_ok()
        }
        _ => false,
    }
}

/// 43 to 128 unreserved characters (RFC 7636 §4.1).
fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn only_the_verifier_of_the_challenge_proves_it() {
        let other = "a".repeat(43);
        let long = "a".repeat(129);
        let cases = [
            (Some(CHALLENGE), Some(VERIFIER), true),
            (None, None, true),
            (Some(CHALLENGE), None, false),
            (None, Some(VERIFIER), false),
            (Some(CHALLENGE), Some(other.as_str()), false),
            (Some(CHALLENGE), Some(CHALLENGE), false),
            (Some(CHALLENGE), Some(""), false),
        ];
        for (challenge, verifier, proven) in cases {
            assert_eq!(proves(challenge, verifier), proven, "{challenge:?} {verifier:?}");
        }
        for verifier in ["short", long.as_str(), &format!("{}ä", "a".repeat(42))] {
            assert!(!proves(Some(&challenge_of(verifier)), Some(verifier)), "{verifier}");
        }
    }

    #[test]
    fn a_challenge_is_a_hash_in_base64url() {
        assert!(is_challenge(CHALLENGE));
        for text in ["", "abc", VERIFIER.trim_end_matches('k'), &CHALLENGE.replace('-', "+"), &"A".repeat(44)]
        {
            assert!(!is_challenge(text), "{text}");
        }
    }
}
