//! Challenges of pages that ask for passkeys: a moment, and a keyed hash over it and what the page is bound to. Nothing is
//! kept while one waits; whoever takes an answer sees to it that it is taken once.

use super::CHALLENGE_MS;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use postern_store::{Keys, Purpose, Timestamp};

/// How far two nodes' clocks may be apart.
const SKEW_MS: i64 = 60_000;

/// What a challenge is for.
#[derive(Clone, Copy, Debug)]
pub enum Ceremony {
    Use,
    Add,
}

impl Ceremony {
    /// The hash over a challenge's moment and what it is bound to.
    fn parts<'a>(self, bound: &[&'a [u8]], made: &'a [u8; 8]) -> Vec<&'a [u8]> {
        let ceremony: &[u8] = match self {
            Ceremony::Use => b"use",
            Ceremony::Add => b"add",
        };
        [b"passkey", ceremony, &made[..]].into_iter().chain(bound.iter().copied()).collect()
    }

    /// A challenge of this moment for what is bound to it.
    pub fn challenge(self, keys: &Keys, bound: &[&[u8]], now: Timestamp) -> String {
        let made = now.ms().to_be_bytes();
        let mac = keys.mac(Purpose::Handle, &self.parts(bound, &made));
        BASE64URL.encode([&made[..], &mac].concat())
    }

    /// Until when a challenge can come back; nothing of one that is not bound to this, or whose time is over.
    pub fn live_until(
        self,
        keys: &Keys,
        bound: &[&[u8]],
        challenge: &str,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let bytes = BASE64URL.decode(challenge).ok()?;
        let (made, mac) = bytes.split_first_chunk::<8>()?;
        let made_at = Timestamp::from_ms(i64::from_be_bytes(*made));
        let is_live = (-SKEW_MS..CHALLENGE_MS).contains(&now.since(made_at))
            && keys.mac_matches(Purpose::Handle, &self.parts(bound, made), mac);
        is_live.then(|| made_at.plus_ms(CHALLENGE_MS + SKEW_MS))
    }
}
