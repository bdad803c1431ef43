//! Devices that signed in before are recognised, so that a stranger who uses up an account's guesses does not shut its
//! owner out (rule C10): they have a small budget of their own. Being recognised opens nothing.

use crate::Pools;
use crate::step::{At, Device};
use crate::user::User;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use postern_model::Answer;
use postern_store::{Keys, Purpose, Timestamp, Tx};

/// How long a browser is recognised after a sign-in.
pub const MARK_MS: i64 = 30 * 86_400_000;

impl Pools {
    /// The mark for the cookie of a browser in which somebody has just signed in: a moment, and a keyed hash that
    /// vouches for it and for whom. Signing out everywhere makes it void.
    pub fn mark_browser(&self, keys: &Keys, at: &At, user: &User) -> String {
        let made = at.now.ms().to_be_bytes();
        let mac = keys.mac(Purpose::Handle, &parts(user, &made));
        BASE64URL.encode([&made[..], &mac].concat())
    }

    /// Tells whether a request comes from a device in which a user has signed in before.
    pub(crate) fn recognises(&self, tx: &mut Tx<'_>, at: &At, user: &User) -> Answer<bool> {
        Ok(match &at.device {
            None => false,
            Some(Device::Browser(mark)) => is_marked(tx.keys(), at, user, mark),
            Some(Device::Key(key)) => tx.find_device(&user.pool_id, &user.id, key)?.is_some(),
        })
    }
}

fn is_marked(keys: &Keys, at: &At, user: &User, mark: &str) -> bool {
    let Ok(bytes) = BASE64URL.decode(mark) else { return false };
    let Some((made, mac)) = bytes.split_first_chunk::<8>() else { return false };
    let since = Timestamp::from_ms(i64::from_be_bytes(*made));
    keys.mac_matches(Purpose::Handle, &parts(user, made), mac)
        && at.now.since(since) < MARK_MS
        && since > user.signed_out
}

fn parts<'a>(user: &'a User, made: &'a [u8; 8]) -> [&'a [u8]; 4] {
    [b"recognised browser", user.pool_id.as_bytes(), user.id.as_bytes(), made]
}
