//! What text messages cost, as the operator estimates it, and the month's most. Pure. Money is in millionths of a dollar.

use std::collections::BTreeMap;

use postern_store::Timestamp;

use crate::text::{Text, size};

const MICRO: f64 = 1_000_000.0;
/// The largest sum that anybody means.
const MOST: f64 = 1_000_000.0;
const DAY_MS: i64 = 24 * 3_600_000;

/// Prices of one part, by how numbers begin; the longest beginning holds.
#[derive(Clone, Debug, Default)]
pub struct Prices(BTreeMap<String, i64>);

impl Prices {
    /// Takes prices in dollars; nothing when one is no price, or no beginning of a number.
    pub fn new(dollars: &BTreeMap<String, f64>) -> Option<Prices> {
        let is_beginning = |text: &str| {
            text.strip_prefix('+').is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let prices = dollars.iter().map(|(beginning, price)| {
            is_beginning(beginning).then_some(()).and(micros(*price)).map(|price| (beginning.clone(), price))
        });
        prices.collect::<Option<_>>().map(Prices)
    }

    /// What a text costs: its parts, each at the price of its number.
    pub fn of(&self, text: &Text) -> i64 {
        let fitting = self.0.iter().filter(|(beginning, _)| text.to.starts_with(beginning.as_str()));
        let price = fitting.max_by_key(|(beginning, _)| beginning.len()).map_or(0, |(_, price)| *price);
        size(&text.text).parts as i64 * price
    }
}

/// Reads a sum of dollars as SNS takes one, in millionths; nothing when it is none.
pub fn read(dollars: &str) -> Option<i64> {
    let is_plain = !dollars.is_empty() && dollars.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    dollars.parse().ok().filter(|_| is_plain).and_then(micros)
}

fn micros(dollars: f64) -> Option<i64> {
    (0.0..=MOST).contains(&dollars).then(|| (dollars * MICRO).round() as i64)
}

/// When the month of a moment began, and when the one after the next does, in UTC.
pub fn month(now: Timestamp) -> (Timestamp, Timestamp) {
    let days = now.ms().div_euclid(DAY_MS);
    let start = days - day_of_month(days);
    (Timestamp::from_ms(start * DAY_MS), Timestamp::from_ms((start + 62) * DAY_MS))
}

/// How many days of a month are past, of days since 1970 (Howard Hinnant's `civil_from_days`).
fn day_of_month(days: i64) -> i64 {
    let since_march = days + 719_468;
    let of_era = since_march.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    of_year - (153 * month + 2) / 5
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::TextKind;

    fn text(to: &str, words: &str) -> Text {
        Text { to: to.to_owned(), text: words.to_owned(), sender_id: None, kind: TextKind::Transactional }
    }

    #[test]
    fn the_longest_beginning_and_each_part_make_the_price() {
        let dollars = [("+", 0.05), ("+1", 0.0075), ("+1242", 0.1)];
        let dollars = dollars.map(|(beginning, price)| (beginning.to_owned(), price)).into();
        let prices = Prices::new(&dollars).expect("prices");
        assert_eq!(prices.of(&text("+4915112345678", "x")), 50_000);
        assert_eq!(prices.of(&text("+15555550123", "x")), 7_500);
        assert_eq!(prices.of(&text("+12425550123", "x")), 100_000);
        assert_eq!(prices.of(&text("+15555550123", &"x".repeat(161))), 15_000);
        assert_eq!(Prices::default().of(&text("+15555550123", "x")), 0);
        for (beginning, price) in [("1", 0.1), ("+1a", 0.1), ("+1", -0.1), ("+1", f64::NAN), ("+1", 1e9)] {
            assert!(Prices::new(&[(beginning.to_owned(), price)].into()).is_none(), "{beginning} {price}");
        }
    }

    #[test]
    fn a_sum_is_digits_and_a_point() {
        assert_eq!(read("1"), Some(1_000_000));
        assert_eq!(read("0.25"), Some(250_000));
        assert_eq!(read("0"), Some(0));
        for wrong in ["", "-1", "1e3", "inf", "NaN", "a", "1.2.3", "1000001", "+1"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_month_begins_on_its_first() {
        let day = |days: i64| Timestamp::from_ms(days * DAY_MS);
        // 2026-01-02, 2024-02-29 and 2024-03-01, with some hours of the day.
        for (now, start) in [(20_455, 20_454), (19_782, 19_754), (19_783, 19_783)] {
            assert_eq!(month(day(now).plus_ms(12_345_678)).0, day(start));
        }
        assert_eq!(month(day(0)).0, day(0));
    }
}
