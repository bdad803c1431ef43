//! What a challenge is, how a code is bound to it, and how an answer is judged.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use postern_store::auth::ChallengeRow;
use postern_store::random::MOMENT_LEN;
use postern_store::{Keys, Purpose, Timestamp, random};

/// Digits of a first-factor code, and of one for sign-up, verification or reset.
pub const ACCOUNT_DIGITS: u32 = 6;

/// An unguessable name for a challenge, given to whoever asked; we keep its keyed hash only. Both begin with the moment
/// they were made, so that challenges of one time lie together in the store.
pub struct Handle {
    pub text: String,
    pub mac: [u8; 32],
}

const HANDLE_START: &str = "AYABe";

impl Handle {
    /// Draws a fresh handle; 208 bits of it are random.
    pub fn fresh(keys: &Keys, now: Timestamp) -> Self {
        Handle::of(keys, format!("{HANDLE_START}{}", BASE64URL.encode(random::ordered::<32>(now))))
    }

    /// The handle of a text that nobody can guess.
    pub fn of(keys: &Keys, text: String) -> Self {
        Handle { mac: placed(&text, keys.mac(Purpose::Handle, &[text.as_bytes()])), text }
    }

    /// The hashes under which a handle that came back may be kept.
    pub fn macs(keys: &Keys, text: &str) -> Vec<[u8; 32]> {
        let macs = keys.macs(Purpose::Handle, &[text.as_bytes()]);
        macs.into_iter().map(|mac| placed(text, mac)).collect()
    }
}

/// Puts a handle's moment in the place of the first bytes of its hash.
fn placed(text: &str, mut mac: [u8; 32]) -> [u8; 32] {
    let drawn = text.strip_prefix(HANDLE_START).and_then(|text| BASE64URL.decode(text).ok());
    if let Some(moment) = drawn.as_ref().and_then(|bytes| bytes.get(..MOMENT_LEN)) {
        mac[..MOMENT_LEN].copy_from_slice(moment);
    }
    mac
}

/// What a code is good for, and nothing else (rules C3 and C5).
pub struct CodeBinding<'a> {
    pub pool_id: &'a str,
    pub client_id: &'a str,
    pub subject: &'a str,
    pub purpose: &'a str,
    pub destination: &'a str,
    /// The challenge's handle hash, or what else tells this asking from others.
    pub asking: &'a [u8],
}

impl<'a> CodeBinding<'a> {
    pub fn mac(&self, keys: &Keys, code: &str) -> [u8; 32] {
        keys.mac(Purpose::Code, &self.parts(code))
    }

    /// What a challenge's code is bound to.
    pub fn of(challenge: &'a ChallengeRow) -> Self {
        CodeBinding {
            pool_id: &challenge.pool_id,
            client_id: &challenge.client_id,
            subject: challenge.user_id.as_deref().unwrap_or(&challenge.name_key),
            purpose: &challenge.kind,
            destination: challenge.destination.as_deref().unwrap_or_default(),
            asking: &challenge.handle_mac,
        }
    }

    pub fn matches(&self, keys: &Keys, code: &str, stored: &[u8]) -> bool {
        keys.mac_matches(Purpose::Code, &self.parts(code), stored)
    }

    fn parts<'b>(&'b self, code: &'b str) -> [&'b [u8]; 7] {
        [
            self.pool_id.as_bytes(),
            self.client_id.as_bytes(),
            self.subject.as_bytes(),
            self.purpose.as_bytes(),
            self.destination.as_bytes(),
            self.asking,
            code.as_bytes(),
        ]
    }
}

/// How a challenge stands before its answer is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Live,
    Expired,
    /// Answered rightly before.
    Used,
    /// No attempts left.
    Exhausted,
}

/// Tells how a challenge stands. Whoever then answers a live one must spend an attempt by a conditional write
/// before comparing anything.
pub fn standing(challenge: &ChallengeRow, now: Timestamp) -> Standing {
    if challenge.spent {
        Standing::Used
    } else if now >= challenge.expires {
        Standing::Expired
    } else if challenge.attempts >= challenge.attempts_max {
        Standing::Exhausted
    } else {
        Standing::Live
    }
}

/// Tells whether a code is one of the newest two of a challenge. Both are compared in any case, and so is
/// something when there is none, so that time tells nothing.
pub fn code_is_right(challenge: &ChallengeRow, keys: &Keys, code: &str, now: Timestamp) -> bool {
    const NONE: [u8; 32] = [0; 32];
    let binding = CodeBinding::of(challenge);
    let newest = challenge.code_mac.as_deref();
    let older = challenge.code_mac_old.as_deref().filter(|_| now < challenge.old_expires);
    let newest_matches = binding.matches(keys, code, newest.unwrap_or(&NONE)) & newest.is_some();
    let older_matches = binding.matches(keys, code, older.unwrap_or(&NONE)) & older.is_some();
    newest_matches | older_matches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn challenge(keys: &Keys, code: &str) -> ChallengeRow {
        let mut row = ChallengeRow {
            handle_mac: vec![1; 32],
            pool_id: "us-east-1_a".into(),
            client_id: "client".into(),
            user_id: Some("user".into()),
            name_key: "alice@example.com".into(),
            kind: "EMAIL_OTP".into(),
            code_mac: None,
            code_mac_old: None,
            old_expires: Timestamp::from_ms(0),
            destination: Some("alice@example.com".into()),
            attempts: 0,
            attempts_max: 5,
            sends: 1,
            sent: Timestamp::from_ms(0),
            spent: false,
            facts: "{}".into(),
            created: Timestamp::from_ms(0),
            expires: Timestamp::from_ms(180_000),
        };
        row.code_mac = Some(mac(keys, &row, code));
        row
    }

    fn mac(keys: &Keys, row: &ChallengeRow, code: &str) -> Vec<u8> {
        CodeBinding {
            pool_id: &row.pool_id,
            client_id: &row.client_id,
            subject: "user",
            purpose: &row.kind,
            destination: "alice@example.com",
            asking: &row.handle_mac,
        }
        .mac(keys, code)
        .to_vec()
    }

    #[test]
    fn a_handle_is_found_by_its_text_alone_and_later_ones_lie_behind() {
        let keys = Keys::new(&[[1; 32]]).expect("keys");
        let handle = Handle::fresh(&keys, Timestamp::from_ms(1_767_323_045_000));
        assert_eq!(Handle::macs(&keys, &handle.text), [handle.mac]);
        let later = Handle::fresh(&keys, Timestamp::from_ms(1_767_323_045_001));
        assert!(handle.mac < later.mac && handle.text.len() == later.text.len());
        for other in ["", "AYABe", "AYABe!", &handle.text[..40], &format!("{}A", handle.text)] {
            assert!(Handle::macs(&keys, other)[0] != handle.mac);
        }
    }

    #[test]
    fn a_code_is_right_only_in_its_own_challenge() {
        let keys = Keys::new(&[[1; 32]]).expect("keys");
        let now = Timestamp::from_ms(1);
        let row = challenge(&keys, "12345678");
        assert!(code_is_right(&row, &keys, "12345678", now));
        assert!(!code_is_right(&row, &keys, "12345679", now));
        assert!(!code_is_right(&row, &keys, "", now));
        type Change = fn(&mut ChallengeRow);
        let changes: [Change; 6] = [
            |row| row.pool_id = "other".into(),
            |row| row.client_id = "other".into(),
            |row| row.user_id = Some("other".into()),
            |row| row.kind = "SMS_OTP".into(),
            |row| row.destination = Some("other@example.com".into()),
            |row| row.handle_mac = vec![2; 32],
        ];
        for change in changes {
            let mut other = row.clone();
            change(&mut other);
            assert!(!code_is_right(&other, &keys, "12345678", now));
        }
    }

    #[test]
    fn the_newest_two_codes_are_good_until_each_expires() {
        let keys = Keys::new(&[[1; 32]]).expect("keys");
        let mut row = challenge(&keys, "22222222");
        row.code_mac_old = Some(mac(&keys, &row, "11111111"));
        row.old_expires = Timestamp::from_ms(100);
        assert!(code_is_right(&row, &keys, "11111111", Timestamp::from_ms(99)));
        assert!(!code_is_right(&row, &keys, "11111111", Timestamp::from_ms(100)));
        assert!(code_is_right(&row, &keys, "22222222", Timestamp::from_ms(100)));
    }

    #[test]
    fn a_challenge_without_a_code_has_no_right_answer() {
        let keys = Keys::new(&[[1; 32]]).expect("keys");
        let mut row = challenge(&keys, "1");
        row.code_mac = None;
        assert!(!code_is_right(&row, &keys, "00000000", Timestamp::from_ms(1)));
    }

    #[test]
    fn a_challenge_dies_by_time_by_use_and_by_attempts() {
        let keys = Keys::new(&[[1; 32]]).expect("keys");
        let row = challenge(&keys, "1");
        assert_eq!(standing(&row, Timestamp::from_ms(179_999)), Standing::Live);
        assert_eq!(standing(&row, Timestamp::from_ms(180_000)), Standing::Expired);
        let used = ChallengeRow { spent: true, ..row.clone() };
        assert_eq!(standing(&used, Timestamp::from_ms(1)), Standing::Used);
        let tired = ChallengeRow { attempts: 5, ..row };
        assert_eq!(standing(&tired, Timestamp::from_ms(1)), Standing::Exhausted);
    }
}
