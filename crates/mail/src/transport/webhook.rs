//! How calls to webhooks are signed, so that whoever is called can tell that it is us, now, with these very words: the
//! headers of the Standard Webhooks specification (standardwebhooks.com), which has libraries in most languages.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use postern_store::Timestamp;

use super::web::headers;

/// The headers that go with a body: its id, when it was sent, and the keyed hash over both and the body.
pub fn signature(secret: &[u8], id: &str, now: Timestamp, body: &[u8]) -> HeaderMap {
    let seconds = now.seconds().to_string();
    let signed = [id.as_bytes(), b".", seconds.as_bytes(), b".", body].concat();
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), &signed);
    let signature = format!("v1,{}", STANDARD.encode(tag.as_ref()));
    headers([("webhook-id", id), ("webhook-timestamp", &seconds), ("webhook-signature", &signature)])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's own libraries.
    #[test]
    fn a_signature_is_that_of_the_specification() {
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("base64");
        let signed = signature(
            &secret,
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            Timestamp::from_ms(1_614_265_330_000),
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(signed["webhook-signature"], "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(signed["webhook-timestamp"], "1614265330");
    }
}
