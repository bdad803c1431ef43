//! Tokens that lead to a list's next page: where the last page ended, vouched for by a keyed hash.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use postern_model::cognito_idp::errors::InvalidParameterException;
use postern_model::{Answer, refusal};
use postern_store::{Keys, Purpose};

/// Makes the token that goes on behind `last` in the list of a place (a pool, or all pools).
pub fn write(keys: &Keys, place: &str, last: &str) -> String {
    let mac = keys.mac(Purpose::Handle, &[b"page", place.as_bytes(), last.as_bytes()]);
    BASE64URL.encode([&mac[..], last.as_bytes()].concat())
}

/// Reads such a token of the same place.
pub fn read(keys: &Keys, place: &str, token: &str) -> Answer<String> {
    let read = || {
        let bytes = BASE64URL.decode(token).ok()?;
        let (mac, last) = bytes.split_first_chunk::<32>()?;
        keys.mac_matches(Purpose::Handle, &[b"page", place.as_bytes(), last], mac)
            .then(|| String::from_utf8(last.to_vec()).ok())?
    };
    read().ok_or_else(|| refusal(InvalidParameterException, "Invalid pagination token."))
}
