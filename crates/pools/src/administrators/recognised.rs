//! Browsers in which an administrator signed in are recognised, as those of users are (rule C10): a stranger who uses up the
//! guesses at an address shuts nobody out there. Being recognised opens nothing.

use super::Doorstep;
use crate::Pools;
use crate::recognised::MARK_MS;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use postern_model::Answer;
use postern_store::{Keys, Purpose, Timestamp, Tx};

impl Pools {
    /// The mark for the cookie of a browser in which an administrator has just signed in. Another address makes it void.
    pub fn mark_console_browser(&self, keys: &Keys, user_id: &str, now: Timestamp) -> String {
        let made = now.ms().to_be_bytes();
        let mac = keys.mac(Purpose::Handle, &parts(user_id, &made));
        BASE64URL.encode([&made[..], &mac].concat())
    }

    /// Tells whether a browser is one in which an administrator has signed in before.
    pub(super) fn recognises_administrator(
        &self,
        tx: &mut Tx<'_>,
        door: &Doorstep,
        user_id: Option<&str>,
    ) -> Answer<bool> {
        let (Some(user_id), Some(mark)) = (user_id, &door.mark) else { return Ok(false) };
        let Ok(bytes) = BASE64URL.decode(mark) else { return Ok(false) };
        let Some((made, mac)) = bytes.split_first_chunk::<8>() else { return Ok(false) };
        let since = Timestamp::from_ms(i64::from_be_bytes(*made));
        let is_ours = tx.keys().mac_matches(Purpose::Handle, &parts(user_id, made), mac);
        let address = tx.administrator_email(user_id)?;
        Ok(is_ours
            && door.now.since(since) < MARK_MS
            && address.is_some_and(|address| address.created <= since))
    }
}

fn parts<'a>(user_id: &'a str, made: &'a [u8; 8]) -> [&'a [u8]; 3] {
    [b"recognised console browser", user_id.as_bytes(), made]
}
