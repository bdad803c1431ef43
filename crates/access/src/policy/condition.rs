//! The `Condition` element: operators, and what they make of the request's keys.
//! Where the documentation is silent, the details follow recorded answers of the service.

use super::context::{Context, Values};
use super::pattern::{BadVariable, Pattern, Reading, arn_parts};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::cmp::Ordering;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quantifier {
    /// The key must have one value, not a set.
    Scalar,
    ForAll,
    ForAny,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compare {
    Text,
    TextIgnoreCase,
    Like,
    Number(Order),
    Date(Order),
    Bool,
    Binary,
    Ip,
    Arn,
    Null,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Operator, comparison, negated.
const OPERATORS: &[(&str, Compare, bool)] = &[
    ("StringEquals", Compare::Text, false),
    ("StringNotEquals", Compare::Text, true),
    ("StringEqualsIgnoreCase", Compare::TextIgnoreCase, false),
    ("StringNotEqualsIgnoreCase", Compare::TextIgnoreCase, true),
    ("StringLike", Compare::Like, false),
    ("StringNotLike", Compare::Like, true),
    ("NumericEquals", Compare::Number(Order::Equal), false),
    ("NumericNotEquals", Compare::Number(Order::Equal), true),
    ("NumericLessThan", Compare::Number(Order::Less), false),
    ("NumericLessThanEquals", Compare::Number(Order::LessOrEqual), false),
    ("NumericGreaterThan", Compare::Number(Order::Greater), false),
    ("NumericGreaterThanEquals", Compare::Number(Order::GreaterOrEqual), false),
    ("DateEquals", Compare::Date(Order::Equal), false),
    ("DateNotEquals", Compare::Date(Order::Equal), true),
    ("DateLessThan", Compare::Date(Order::Less), false),
    ("DateLessThanEquals", Compare::Date(Order::LessOrEqual), false),
    ("DateGreaterThan", Compare::Date(Order::Greater), false),
    ("DateGreaterThanEquals", Compare::Date(Order::GreaterOrEqual), false),
    ("Bool", Compare::Bool, false),
    ("BinaryEquals", Compare::Binary, false),
    ("IpAddress", Compare::Ip, false),
    ("NotIpAddress", Compare::Ip, true),
    ("ArnEquals", Compare::Arn, false),
    ("ArnLike", Compare::Arn, false),
    ("ArnNotEquals", Compare::Arn, true),
    ("ArnNotLike", Compare::Arn, true),
    ("Null", Compare::Null, false),
];

/// One key under one operator.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Condition {
    /// As written, for the trace.
    pub(super) operator: String,
    pub(super) key: String,
    quantifier: Quantifier,
    compare: Compare,
    negated: bool,
    if_exists: bool,
    wanted: Vec<Pattern>,
}

/// Why a condition cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BadCondition {
    Operator,
    Variable,
}

impl From<BadVariable> for BadCondition {
    fn from(_: BadVariable) -> Self {
        BadCondition::Variable
    }
}

impl Condition {
    pub(super) fn parse(
        operator: &str,
        key: &str,
        values: &[String],
        variables: bool,
    ) -> Result<Self, BadCondition> {
        let (quantifier, rest) = match operator.split_once(':') {
            None => (Quantifier::Scalar, operator),
            Some(("ForAllValues", rest)) => (Quantifier::ForAll, rest),
            Some(("ForAnyValue", rest)) => (Quantifier::ForAny, rest),
            Some(_) => return Err(BadCondition::Operator),
        };
        let (name, if_exists) = match rest.strip_suffix("IfExists") {
            Some(name) => (name, true),
            None => (rest, false),
        };
        let &(_, compare, negated) =
            OPERATORS.iter().find(|(known, _, _)| *known == name).ok_or(BadCondition::Operator)?;
        if compare == Compare::Null && (if_exists || quantifier != Quantifier::Scalar) {
            return Err(BadCondition::Operator);
        }
        let reading = match compare {
            Compare::Like | Compare::Arn => Reading::Wild,
            _ => Reading::Exact,
        };
        let variables = variables
            && matches!(compare, Compare::Text | Compare::TextIgnoreCase | Compare::Like | Compare::Arn);
        let wanted = values
            .iter()
            .map(|value| Pattern::parse(value, reading, variables))
            .collect::<Result<_, BadVariable>>()?;
        Ok(Condition {
            operator: operator.to_owned(),
            key: key.to_owned(),
            quantifier,
            compare,
            negated,
            if_exists,
            wanted,
        })
    }

    /// Tells whether the condition holds; nothing when one of its variables is unknown.
    pub(super) fn holds(&self, context: &Context) -> Option<bool> {
        if self.compare == Compare::Null {
            let absent = !context.has(&self.key);
            return self
                .wanted
                .iter()
                .try_fold(false, |found, wanted| Some(found | (is_true(&wanted.text(context)?) == absent)));
        }
        let Some(values) = context.values(&self.key) else {
            return Some(
                self.if_exists
                    || match self.quantifier {
                        Quantifier::Scalar => self.negated,
                        Quantifier::ForAll => true,
                        Quantifier::ForAny => false,
                    },
            );
        };
        let values = match values {
            Values::One(value) => std::slice::from_ref(value),
            Values::Many(_) if self.quantifier == Quantifier::Scalar => return Some(false),
            Values::Many(values) => values,
        };
        let mut verdicts = Vec::with_capacity(values.len());
        for value in values {
            verdicts.push(self.holds_for(value, context)?);
        }
        Some(match self.quantifier {
            Quantifier::ForAny => verdicts.contains(&true),
            Quantifier::Scalar | Quantifier::ForAll => !verdicts.contains(&false),
        })
    }

    /// Positive operators want one match, negated ones none. A malformed address or ARN in the request never
    /// satisfies either.
    fn holds_for(&self, value: &str, context: &Context) -> Option<bool> {
        let well_formed = match self.compare {
            Compare::Ip => value.parse::<IpAddr>().is_ok(),
            Compare::Arn => arn_parts(value).is_some(),
            _ => true,
        };
        let mut found = false;
        for wanted in &self.wanted {
            found |= self.equals(wanted, value, context)?;
        }
        Some(well_formed && found != self.negated)
    }

    fn equals(&self, wanted: &Pattern, value: &str, context: &Context) -> Option<bool> {
        Some(match self.compare {
            Compare::Text | Compare::Like => wanted.matches(value, context)?,
            Compare::Arn => {
                let parts = arn_parts(value).unwrap_or([""; 6]);
                wanted.matches_arn(&parts, context)?
            }
            Compare::TextIgnoreCase => wanted.text(context)?.to_lowercase() == value.to_lowercase(),
            Compare::Number(order) => ordered(order, number(value), number(&wanted.text(context)?)),
            Compare::Date(order) => ordered(order, date_ms(value), date_ms(&wanted.text(context)?)),
            Compare::Bool => is_true(value) == is_true(&wanted.text(context)?),
            Compare::Binary => {
                let wanted = STANDARD.decode(wanted.text(context)?).ok();
                wanted.is_some() && wanted == STANDARD.decode(value).ok()
            }
            Compare::Ip => in_network(value, &wanted.text(context)?),
            Compare::Null => false,
        })
    }
}

/// Anything but `true`, in any case, is false.
fn is_true(text: &str) -> bool {
    text.eq_ignore_ascii_case("true")
}

/// What cannot be read is equal to nothing, and neither less nor greater.
fn ordered<T: PartialOrd>(order: Order, value: Option<T>, wanted: Option<T>) -> bool {
    let (Some(value), Some(wanted)) = (value, wanted) else { return false };
    let Some(is) = value.partial_cmp(&wanted) else { return false };
    match order {
        Order::Equal => is == Ordering::Equal,
        Order::Less => is == Ordering::Less,
        Order::LessOrEqual => is != Ordering::Greater,
        Order::Greater => is == Ordering::Greater,
        Order::GreaterOrEqual => is != Ordering::Less,
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Reads ISO 8601, or seconds since the epoch.
fn date_ms(text: &str) -> Option<i128> {
    if let Ok(seconds) = text.parse::<i64>() {
        return Some(i128::from(seconds) * 1000);
    }
    let whole = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        _ => text.to_owned(),
    };
    OffsetDateTime::parse(&whole, &Rfc3339).ok().map(|moment| moment.unix_timestamp_nanos() / 1_000_000)
}

fn in_network(address: &str, network: &str) -> bool {
    let (base, length) = match network.split_once('/') {
        Some((base, length)) => (base, length.parse::<u32>().ok()),
        None => (network, Some(128)),
    };
    let (Ok(address), Ok(base), Some(length)) = (address.parse::<IpAddr>(), base.parse::<IpAddr>(), length)
    else {
        return false;
    };
    match (address.to_canonical(), base) {
        (IpAddr::V4(address), IpAddr::V4(base)) => {
            let length = if network.contains('/') { length } else { Ipv4Addr::BITS };
            let mask = leading_ones(length, Ipv4Addr::BITS).map(|mask| (mask >> 96) as u32);
            mask.is_some_and(|mask| address.to_bits() & mask == base.to_bits() & mask)
        }
        (IpAddr::V6(address), IpAddr::V6(base)) => {
            // A network that is written with host bits set matches nobody.
            leading_ones(length, Ipv6Addr::BITS)
                .is_some_and(|mask| address.to_bits() & mask == base.to_bits())
        }
        _ => false,
    }
}

/// A mask of `length` leading ones, the first at the top of 128 bits.
fn leading_ones(length: u32, length_max: u32) -> Option<u128> {
    match length {
        0 => Some(0),
        _ if length <= length_max => Some(u128::MAX << (128 - length)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "arn:aws:iam::123456789012:role/a";

    fn holds(operator: &str, values: &[&str], context: &Context) -> Option<bool> {
        let values: Vec<String> = values.iter().map(ToString::to_string).collect();
        Condition::parse(operator, "k", &values, true).expect("a condition").holds(context)
    }

    /// Operator, policy values, request value, holds.
    const SCALARS: &[(&str, &[&str], &str, bool)] = &[
        ("StringEquals", &["a", "b"], "b", true),
        ("StringEquals", &["a*"], "ab", false),
        ("StringEquals", &["A"], "a", false),
        ("StringNotEquals", &["a", "b"], "b", false),
        ("StringNotEquals", &["a", "b"], "c", true),
        ("StringEqualsIgnoreCase", &["ÀB"], "àb", true),
        ("StringEqualsIgnoreCase", &["STRASSE"], "straße", false),
        ("StringNotEqualsIgnoreCase", &["AB"], "ab", false),
        ("StringLike", &["a*c", "x"], "abc", true),
        ("StringLike", &["??"], "😀", true),
        ("StringNotLike", &["a*"], "abc", false),
        ("NumericEquals", &["1"], "1.0", true),
        ("NumericEquals", &["x"], "x", false),
        ("NumericNotEquals", &["x"], "1", true),
        ("NumericNotEquals", &["1"], "x", true),
        ("NumericLessThan", &["10"], "9", true),
        ("NumericLessThan", &["10"], "10", false),
        ("NumericLessThanEquals", &["10"], "10", true),
        ("NumericGreaterThan", &["10"], "10", false),
        ("NumericGreaterThanEquals", &["10"], "10", true),
        ("NumericGreaterThan", &["nan"], "10", false),
        ("DateEquals", &["2026-01-02T03:04:05Z"], "1767323045", true),
        ("DateLessThan", &["2026-01-02"], "2026-01-01T23:59:59.999Z", true),
        ("DateGreaterThan", &["2026-01-02"], "2026-01-02T01:00:00+02:00", false),
        ("DateNotEquals", &["yesterday"], "2026-01-02", true),
        ("Bool", &["true"], "TRUE", true),
        ("Bool", &["false"], "maybe", true),
        ("Bool", &["true"], "1", false),
        ("BinaryEquals", &["QmluYXJ5"], "QmluYXJ5", true),
        ("BinaryEquals", &["!"], "!", false),
        ("IpAddress", &["203.0.113.0/24"], "203.0.113.9", true),
        ("IpAddress", &["203.0.113.7/24"], "203.0.113.9", true),
        ("IpAddress", &["203.0.113.9"], "::ffff:203.0.113.9", true),
        ("IpAddress", &["0.0.0.0/0"], "203.0.113.9", true),
        ("IpAddress", &["0.0.0.0/33"], "203.0.113.9", false),
        ("IpAddress", &["::/0"], "203.0.113.9", false),
        ("IpAddress", &["2001:db8::/32"], "2001:db8::1", true),
        ("IpAddress", &["2001:db8::1/32"], "2001:db8::1", false),
        ("NotIpAddress", &["203.0.113.0/24"], "203.0.113.9", false),
        ("NotIpAddress", &["203.0.113.0/24"], "198.51.100.1", true),
        ("NotIpAddress", &["203.0.113.0/24"], "no address", false),
        ("ArnEquals", &["arn:aws:iam::*:role/*"], A, true),
        ("ArnLike", &["arn:aws:iam::123456789012:role/b"], A, false),
        ("ArnNotLike", &["arn:aws:iam::123456789012:role/b"], A, true),
        ("ArnNotEquals", &["arn:aws:iam::123456789012:role/b"], "no arn", false),
        ("Null", &["true"], "", false),
        ("Null", &["false"], "", true),
    ];

    #[test]
    fn operators_compare_one_value_as_the_service_does() {
        for (operator, values, value, expected) in SCALARS {
            let context = Context::new().with("K", *value);
            assert_eq!(holds(operator, values, &context), Some(*expected), "{operator} {values:?} {value}");
        }
    }

    #[test]
    fn a_missing_key_satisfies_only_what_asks_for_nothing() {
        let context = Context::new();
        for (operator, expected) in [
            ("StringEquals", false),
            ("StringNotEquals", true),
            ("StringEqualsIfExists", true),
            ("ForAllValues:StringEquals", true),
            ("ForAnyValue:StringEquals", false),
            ("ForAnyValue:StringNotEquals", false),
            ("NotIpAddress", true),
        ] {
            assert_eq!(holds(operator, &["a"], &context), Some(expected), "{operator}");
        }
        assert_eq!(holds("Null", &["true"], &context), Some(true));
        assert_eq!(holds("Null", &["false"], &context), Some(false));
    }

    #[test]
    fn a_set_matches_no_operator_for_one_value() {
        let context = Context::new().with_many("k", vec!["a".into()]);
        for operator in ["StringEquals", "StringNotEquals", "StringEqualsIfExists", "StringLike"] {
            assert_eq!(holds(operator, &["a"], &context), Some(false), "{operator}");
        }
    }

    #[test]
    fn sets_are_asked_for_all_or_any() {
        let context = Context::new().with_many("k", vec!["a".into(), "b".into()]);
        for (operator, values, expected) in [
            ("ForAllValues:StringEquals", &["a", "b", "c"][..], true),
            ("ForAllValues:StringEquals", &["a"], false),
            ("ForAnyValue:StringEquals", &["a"], true),
            ("ForAnyValue:StringEquals", &["c"], false),
            ("ForAllValues:StringNotEquals", &["c"], true),
            ("ForAllValues:StringNotEquals", &["a"], false),
            ("ForAnyValue:StringNotEquals", &["a"], true),
        ] {
            assert_eq!(holds(operator, values, &context), Some(expected), "{operator} {values:?}");
        }
    }

    #[test]
    fn an_unknown_variable_gives_no_verdict_and_numbers_have_no_variables() {
        let context = Context::new().with("k", "a").with("aws:username", "a");
        assert_eq!(holds("StringEquals", &["${aws:username}"], &context), Some(true));
        assert_eq!(holds("StringNotEquals", &["${aws:nobody}"], &context), None);
        assert_eq!(holds("NumericNotEquals", &["${aws:nobody}"], &context), Some(true));
    }

    #[test]
    fn unknown_operators_are_refused() {
        for operator in
            ["StringMatches", "ForSomeValues:StringEquals", "NullIfExists", "ForAnyValue:Null", ""]
        {
            assert_eq!(Condition::parse(operator, "k", &[], true), Err(BadCondition::Operator), "{operator}");
        }
    }
}
