//! What people type, made into what they meant. The API itself takes everything to the letter.

use crate::pages::login::NameKind;
use postern_mail::address::Address;
use postern_pools::names::{self, is_phone_number};
use postern_pools::pool::Pool;

/// The longest name that a user can have (`UsernameType` of the service model).
const NAME_MAX: usize = 128;

/// The field of a code, under which its faults are kept.
pub const CODE: &str = "code";

/// Takes from a code what is not part of it: spaces, dashes and invisible characters; and writes full-width and
/// Arabic-Indic digits as plain ones.
pub fn code(typed: &str) -> String {
    typed
        .chars()
        .filter(|c| !c.is_whitespace() && !is_dash(*c) && !is_invisible(*c))
        .map(|c| match c {
            '\u{FF10}'..='\u{FF19}' => digit(c, 0xFF10),
            '\u{0660}'..='\u{0669}' => digit(c, 0x0660),
            '\u{06F0}'..='\u{06F9}' => digit(c, 0x06F0),
            other => other,
        })
        .collect()
}

fn digit(c: char, zero: u32) -> char {
    char::from_digit(u32::from(c) - zero, 10).unwrap_or(c)
}

/// Takes spaces and invisible characters from around a name.
pub fn name(typed: &str) -> &str {
    typed.trim_matches(|c: char| c.is_whitespace() || is_invisible(c))
}

fn is_dash(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FE58}' | '\u{FE63}' | '\u{FF0D}')
}

fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\0'..='\u{1F}' | '\u{7F}'..='\u{9F}' | '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{180E}'
            | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}'
    )
}

/// What a pool lets people type to say who they are.
pub fn name_kind(pool: &Pool) -> NameKind {
    let is = |list: &[names::NameKind], kind| list.contains(&kind);
    let (email, phone) = (names::NameKind::Email, names::NameKind::PhoneNumber);
    let username = &pool.username_attributes;
    let alias = &pool.alias_attributes;
    match (is(username, email), is(username, phone)) {
        (true, false) => NameKind::Email,
        (false, true) => NameKind::Phone,
        (true, true) => NameKind::EmailOrPhone,
        (false, false) => match (is(alias, email), is(alias, phone)) {
            (true, false) => NameKind::EmailOrUsername,
            (false, true) => NameKind::PhoneOrUsername,
            (true, true) => NameKind::Any,
            (false, false) => NameKind::Username,
        },
    }
}

/// Why a name cannot be anybody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameFault {
    Empty,
    NotAnAddress,
    NotAPhone,
}

/// Says what is wrong with a name before anybody is looked for.
pub fn name_fault(kind: NameKind, name: &str) -> Option<NameFault> {
    if name.is_empty() {
        return Some(NameFault::Empty);
    }
    let is_address = Address::parse(name).is_ok();
    let fits = name.chars().count() <= NAME_MAX;
    match kind {
        NameKind::Email => (!is_address).then_some(NameFault::NotAnAddress),
        NameKind::Phone => (!is_phone_number(name)).then_some(NameFault::NotAPhone),
        NameKind::EmailOrPhone if is_address || is_phone_number(name) => None,
        NameKind::EmailOrPhone if name.starts_with('+') => Some(NameFault::NotAPhone),
        NameKind::EmailOrPhone => Some(NameFault::NotAnAddress),
        NameKind::Username | NameKind::EmailOrUsername | NameKind::PhoneOrUsername | NameKind::Any => {
            (!fits).then_some(NameFault::Empty)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_what_was_meant() {
        for typed in [
            "12345678",
            " 1234 5678\n",
            "1234-5678",
            "12\u{2013}34\u{2212}5678",
            "\u{200B}1234\u{FEFF}5678\u{202C}",
            "１２３４５６７８",
            "١٢٣٤٥٦٧٨",
            "۱۲۳۴۵۶۷۸",
        ] {
            assert_eq!(code(typed), "12345678", "{typed:?}");
        }
        assert_eq!(code(" - "), "");
        assert_eq!(code("1234567O"), "1234567O");
    }

    #[test]
    fn a_name_loses_what_is_around_it_only() {
        assert_eq!(name(" \u{200B}Alice@Example.com\u{A0}\t"), "Alice@Example.com");
        assert_eq!(name("two words"), "two words");
    }

    #[test]
    fn names_that_nobody_has_are_named_before_anybody_is_looked_for() {
        let cases = [
            (NameKind::Email, "", Some(NameFault::Empty)),
            (NameKind::Email, "alice", Some(NameFault::NotAnAddress)),
            (NameKind::Email, "a@example.com,b@example.com", Some(NameFault::NotAnAddress)),
            (NameKind::Email, "a@example.com", None),
            (NameKind::Phone, "555", Some(NameFault::NotAPhone)),
            (NameKind::EmailOrPhone, "+1555x", Some(NameFault::NotAPhone)),
            (NameKind::EmailOrPhone, "+15555551234", None),
            (NameKind::Username, "alice", None),
            (NameKind::Any, "a@example.com", None),
        ];
        for (kind, name, fault) in cases {
            assert_eq!(name_fault(kind, name), fault, "{kind:?} {name}");
        }
        assert_eq!(name_fault(NameKind::Username, &"a".repeat(129)), Some(NameFault::Empty));
    }
}
