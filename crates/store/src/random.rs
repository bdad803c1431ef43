//! The one place that makes randomness: the operating system's generator, without modulo bias.

use crate::Timestamp;
use aws_lc_rs::rand;

/// The bytes of a moment at the beginning of what is drawn in order.
pub const MOMENT_LEN: usize = 6;

/// Fills an array with random bytes.
#[expect(clippy::disallowed_methods, reason = "the one place that draws randomness")]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut out = [0; N];
    rand::fill(&mut out).expect("the operating system's random generator always answers");
    out
}

/// Draws bytes that begin with a moment (48 bits of milliseconds), so that what is made at one time lies together in an
/// index; all behind it is random.
pub fn ordered<const N: usize>(now: Timestamp) -> [u8; N] {
    let mut out = bytes::<N>();
    out[..MOMENT_LEN].copy_from_slice(&now.ms().to_be_bytes()[8 - MOMENT_LEN..]);
    out
}

/// Draws a number below `bound`, each as likely as the other (values that would bias are drawn again).
pub fn below(bound: u64) -> u64 {
    assert!(bound > 0, "a bound of zero leaves nothing to draw");
    let zone = u64::MAX - u64::MAX % bound;
    loop {
        let drawn = u64::from_be_bytes(bytes());
        if drawn < zone {
            return drawn % bound;
        }
    }
}

/// Draws `length` decimal digits, leading zeros kept.
pub fn digits(length: u32) -> String {
    let bound = 10_u64.pow(length);
    format!("{:0width$}", below(bound), width = length as usize)
}

/// Draws `length` characters of an alphabet of ASCII letters or digits.
pub fn text(alphabet: &[u8], length: usize) -> String {
    (0..length).map(|_| alphabet[below(alphabet.len() as u64) as usize] as char).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_in_order_sorts_by_time_and_is_never_the_same() {
        let at = |ms| ordered::<16>(Timestamp::from_ms(ms));
        assert!(at(1_767_323_045_000) < at(1_767_323_045_001));
        assert_ne!(at(1)[MOMENT_LEN..], at(1)[MOMENT_LEN..]);
    }

    /// A million codes: every digit at every place, and every pair of neighbours, is as frequent as the others, and no more
    /// codes are the same than chance brings. The bounds are the chi-square values that nine and ninety-nine degrees of
    /// freedom pass with p = 0.9999 and 0.999999; eight places leave one false alarm in over a thousand runs.
    #[test]
    fn codes_have_no_favourites_and_keep_their_leading_zeros() {
        const CODES: usize = 1_000_000;
        let (mut seen, mut pairs) = ([[0_u32; 10]; 8], [[0_u32; 100]; 7]);
        let mut all = Vec::with_capacity(CODES);
        for _ in 0..CODES {
            let code = digits(8);
            assert_eq!(code.len(), 8);
            let code: Vec<usize> = code.bytes().map(|byte| usize::from(byte - b'0')).collect();
            for (place, digit) in code.iter().enumerate() {
                seen[place][*digit] += 1;
            }
            for (place, pair) in code.windows(2).enumerate() {
                pairs[place][pair[0] * 10 + pair[1]] += 1;
            }
            all.push(code.iter().fold(0, |number, digit| number * 10 + digit));
        }
        let chi = |counts: &[u32]| -> f64 {
            let expected = CODES as f64 / counts.len() as f64;
            counts.iter().map(|n| (f64::from(*n) - expected).powi(2) / expected).sum()
        };
        for place in &seen {
            assert!(chi(place) < 33.7, "digits are uneven: {place:?}");
        }
        for place in &pairs {
            assert!(chi(place) < 180.0, "pairs are uneven: {place:?}");
        }
        all.sort_unstable();
        all.dedup();
        // About five thousand, give or take six times seventy.
        let doubles = CODES - all.len();
        assert!((4_550..5_450).contains(&doubles), "{doubles} codes came twice");
    }
}
