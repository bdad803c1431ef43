//! Pages of a list, and the tokens that lead to the next: where the last page ended, vouched for by a keyed hash.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use postern_model::cognito_idp::errors::InvalidParameterException;
use postern_model::{Answer, refusal};
use postern_store::{Keys, Purpose};

/// Rows on a page unless the caller asks for fewer.
pub const PAGE_SIZE: i64 = 60;

/// The page of a list that a caller asks for.
pub struct Page {
    place: String,
    size: i64,
    /// The key behind which the page begins.
    pub after: String,
}

impl Page {
    /// Reads which page of a place's list (a pool's groups, say) is asked for.
    pub fn asked(keys: &Keys, place: String, token: Option<&str>, size: Option<i64>) -> Answer<Page> {
        let after = match token {
            Some(token) => read(keys, &place, token)?,
            None => String::new(),
        };
        Ok(Page { place, size: size.filter(|size| *size > 0).unwrap_or(PAGE_SIZE), after })
    }

    /// Rows to look for: one more than are shown, to see whether there are more.
    pub fn rows(&self) -> i64 {
        self.size + 1
    }

    /// Cuts the rows that were found to the page, and makes the token of the next one if there is any.
    pub fn cut<T>(&self, keys: &Keys, rows: &mut Vec<T>, key: impl Fn(&T) -> String) -> Option<String> {
        let size = usize::try_from(self.size).unwrap_or(0);
        let more = rows.len() > size;
        rows.truncate(size);
        rows.last().filter(|_| more).map(|last| write(keys, &self.place, &key(last)))
    }
}

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
