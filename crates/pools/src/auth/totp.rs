//! Codes of authenticator apps (TOTP, RFC 6238): six digits, SHA-1 and steps of 30 seconds, which is what all apps know.

use aws_lc_rs::{constant_time, hmac};

pub const DIGITS: u32 = 6;
const STEP_S: i64 = 30;
/// Steps by which an authenticator's clock may be behind or ahead (RFC 6238 §5.2 recommends one).
const DRIFT: i64 = 1;
/// Octets of a seed: as many as Cognito's.
pub const SEED_LEN: usize = 32;

/// What a code is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is that of this time step, which is now to be used up.
    Right {
        step: i64,
    },
    /// It was right, and a code of its step or a later one was used before.
    Used,
    Wrong,
}

/// Judges a code at a moment. The codes of all steps that count are compared in any case, and each in constant time.
pub fn judge(seed: &[u8], code: &str, now_s: i64, step_used: i64) -> Verdict {
    let current = now_s.div_euclid(STEP_S);
    let mut found = None;
    for step in current - DRIFT..=current + DRIFT {
        let expected = code_of(seed, step);
        if constant_time::verify_slices_are_equal(expected.as_bytes(), code.as_bytes()).is_ok() {
            found = Some(step);
        }
    }
    match found {
        Some(step) if step > step_used => Verdict::Right { step },
        Some(_) => Verdict::Used,
        None => Verdict::Wrong,
    }
}

/// The code that an authenticator shows at a moment.
pub fn code_at(seed: &[u8], now_s: i64) -> String {
    code_of(seed, now_s.div_euclid(STEP_S))
}

/// HOTP with the step as its counter (RFC 4226 §5.3).
fn code_of(seed: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, seed);
    let hash = hmac::sign(&key, &step.to_be_bytes());
    let hash = hash.as_ref();
    let offset = usize::from(hash[hash.len() - 1] & 0xf);
    let cut = [hash[offset] & 0x7f, hash[offset + 1], hash[offset + 2], hash[offset + 3]];
    let number = u32::from_be_bytes(cut) % 10_u32.pow(DIGITS);
    format!("{number:0width$}", width = DIGITS as usize)
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Writes a seed the way people type it into an authenticator: base32 without padding (RFC 4648 §6).
pub fn seed_text(seed: &[u8]) -> String {
    let mut text = String::with_capacity(seed.len().div_ceil(5) * 8);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in seed {
        bits = bits << 8 | u32::from(*byte);
        held += 8;
        while held >= 5 {
            held -= 5;
            text.push(char::from(BASE32[(bits >> held & 31) as usize]));
        }
    }
    if held > 0 {
        text.push(char::from(BASE32[(bits << (5 - held) & 31) as usize]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seed of RFC 6238's appendix B, whose codes of eight digits end in these six.
    const SEED: &[u8] = b"12345678901234567890";

    #[test]
    fn codes_are_those_of_the_rfc() {
        for (now_s, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code_at(SEED, now_s), code);
            assert_eq!(judge(SEED, code, now_s, 0), Verdict::Right { step: now_s / 30 });
        }
    }

    #[test]
    fn a_code_counts_for_its_step_and_the_ones_beside_it() {
        let now_s = 1_234_567_890;
        let step = now_s / 30;
        let code = code_at(SEED, now_s);
        for (at_s, verdict) in [
            (now_s - 31, Verdict::Wrong),
            (now_s - 30, Verdict::Right { step }),
            (now_s + 59, Verdict::Right { step }),
            (now_s + 60, Verdict::Wrong),
        ] {
            assert_eq!(judge(SEED, &code, at_s, 0), verdict, "{at_s}");
        }
    }

    #[test]
    fn a_code_counts_once_and_none_before_it_counts_after_it() {
        let now_s = 1_234_567_890;
        let step = now_s / 30;
        assert_eq!(judge(SEED, &code_at(SEED, now_s), now_s, step), Verdict::Used);
        assert_eq!(judge(SEED, &code_at(SEED, now_s - 30), now_s, step), Verdict::Used);
        assert_eq!(judge(SEED, &code_at(SEED, now_s + 30), now_s, step), Verdict::Right { step: step + 1 });
    }

    #[test]
    fn nothing_but_the_digits_is_right() {
        let now_s = 1_111_111_109;
        for code in ["", "81804", "0081804", " 081804", "081804 ", "081 804", "０８１８０４", "\u{0}81804"]
        {
            assert_eq!(judge(SEED, code, now_s, 0), Verdict::Wrong, "{code}");
        }
    }

    #[test]
    fn a_seed_is_written_in_base32() {
        for (seed, text) in [
            (&b""[..], ""),
            (b"f", "MY"),
            (b"fo", "MZXQ"),
            (b"foo", "MZXW6"),
            (b"foob", "MZXW6YQ"),
            (b"fooba", "MZXW6YTB"),
            (b"foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(seed_text(seed), text);
        }
        assert_eq!(seed_text(&[0xff; SEED_LEN]).len(), 52);
    }
}
