//! The one place that makes randomness: the operating system's generator, without modulo bias.

use aws_lc_rs::rand;

/// Fills an array with random bytes.
#[expect(clippy::disallowed_methods, reason = "the one place that draws randomness")]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut out = [0; N];
    rand::fill(&mut out).expect("the operating system's random generator always answers");
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

    /// A million codes: every digit at every place is as frequent as the others. The bound is the
    /// chi-square value that nine degrees of freedom pass with p = 0.9999; eight places leave one
    /// false alarm in over a thousand runs.
    #[test]
    fn codes_have_no_favourite_digit_and_keep_their_leading_zeros() {
        const CODES: usize = 1_000_000;
        let mut seen = [[0_u32; 10]; 8];
        for _ in 0..CODES {
            let code = digits(8);
            assert_eq!(code.len(), 8);
            for (place, digit) in code.bytes().enumerate() {
                seen[place][usize::from(digit - b'0')] += 1;
            }
        }
        let expected = CODES as f64 / 10.0;
        for place in seen {
            let chi: f64 = place.iter().map(|n| (f64::from(*n) - expected).powi(2) / expected).sum();
            assert!(chi < 33.7, "digits are uneven: {place:?}");
        }
    }
}
