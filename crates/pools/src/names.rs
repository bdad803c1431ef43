//! The names that users are found by, in the one form in which they are compared.

use postern_mail::address::Address;

/// What an alias or username attribute may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameKind {
    Username,
    Email,
    PhoneNumber,
    PreferredUsername,
}

impl NameKind {
    pub fn as_str(self) -> &'static str {
        match self {
            NameKind::Username => "username",
            NameKind::Email => "email",
            NameKind::PhoneNumber => "phone_number",
            NameKind::PreferredUsername => "preferred_username",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "email" => Some(NameKind::Email),
            "phone_number" => Some(NameKind::PhoneNumber),
            "preferred_username" => Some(NameKind::PreferredUsername),
            _ => None,
        }
    }
}

/// Gives the form in which a typed name is compared. An address has its domain as an A-label and, unless the pool
/// minds case, its local part folded; any other name is folded the same way. Only ASCII letters fold, so that no
/// look-alike of another script ever becomes a `k` or an `i` (rule A2).
pub fn name_key(typed: &str, case_sensitive: bool) -> String {
    match Address::parse(typed) {
        Ok(address) if case_sensitive => format!("{}@{}", address.local(), address.domain()),
        Ok(address) => address.canonical(),
        Err(_) if case_sensitive => typed.to_owned(),
        Err(_) => typed.to_ascii_lowercase(),
    }
}

/// Tells whether a text is a phone number as E.164 writes it: `+` and up to fifteen digits.
pub fn is_phone_number(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (2..=15).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0')
    })
}

/// Hides a phone number but for its last four digits: `+*******9934`.
pub fn masked_phone(number: &str) -> String {
    let digits = number.trim_start_matches('+');
    let shown = &digits[digits.len().saturating_sub(4)..];
    format!("+{}{shown}", "*".repeat(digits.len() - shown.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_ascii_case_and_nothing_more() {
        for (typed, key) in [
            ("Alice", "alice"),
            ("ALICE@Example.COM", "alice@example.com"),
            ("\u{212A}elly", "\u{212A}elly"),
            ("m\u{131}ke", "m\u{131}ke"),
        ] {
            assert_eq!(name_key(typed, false), key);
        }
        assert_eq!(name_key("Alice@Example.COM", true), "Alice@example.com");
        assert_eq!(name_key("Alice", true), "Alice");
    }

    #[test]
    fn a_phone_number_is_e164() {
        assert!(is_phone_number("+15555551234"));
        for text in ["15555551234", "+1 555", "+", "+0123456", "+1234567890123456", "+12a"] {
            assert!(!is_phone_number(text), "{text}");
        }
        assert_eq!(masked_phone("+15555559934"), "+*******9934");
    }
}
