//! The password policy, and passwords made to fit it.

use postern_store::random;

/// What a pool demands of passwords.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    pub length_min: usize,
    pub uppercase: bool,
    pub lowercase: bool,
    pub numbers: bool,
    pub symbols: bool,
}

/// The symbols of the Developer Guide's list of special characters.
const SYMBOLS: &str = "^$*.[]{}()?-\"!@#%&/\\,><':;|_~`+= ";
const LENGTH_MAX: usize = 256;

/// Says what a password lacks, in the service's words; nothing when it conforms.
pub fn fault(policy: Policy, password: &str) -> Option<&'static str> {
    let has = |test: fn(char) -> bool| password.chars().any(test);
    if password.chars().count() < policy.length_min {
        Some("Password did not conform with policy: Password not long enough")
    } else if password.chars().count() > LENGTH_MAX {
        Some("Password did not conform with policy: Password is too long")
    } else if password.starts_with(' ') || password.ends_with(' ') {
        Some("Password did not conform with policy: Password must not begin or end with a space")
    } else if policy.uppercase && !has(|c| c.is_uppercase()) {
        Some("Password did not conform with policy: Password must have uppercase characters")
    } else if policy.lowercase && !has(|c| c.is_lowercase()) {
        Some("Password did not conform with policy: Password must have lowercase characters")
    } else if policy.numbers && !has(|c| c.is_ascii_digit()) {
        Some("Password did not conform with policy: Password must have numeric characters")
    } else if policy.symbols && !has(|c| SYMBOLS.contains(c)) {
        Some("Password did not conform with policy: Password must have symbol characters")
    } else {
        None
    }
}

/// Makes a temporary password that any policy accepts.
pub fn temporary(policy: Policy) -> String {
    const UPPER: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";
    const LOWER: &[u8] = b"abcdefghijkmnpqrstuvwxyz";
    const NUMBERS: &[u8] = b"23456789";
    const MARKS: &[u8] = b"!@#%*-_+=?";
    let length = policy.length_min.max(12);
    let mut characters: Vec<char> = [UPPER, LOWER, NUMBERS, MARKS]
        .iter()
        .flat_map(|set| random::text(set, 1).chars().collect::<Vec<_>>())
        .collect();
    let all = [UPPER, LOWER, NUMBERS, MARKS].concat();
    characters.extend(random::text(&all, length - characters.len()).chars());
    for last in (1..characters.len()).rev() {
        characters.swap(last, random::below(last as u64 + 1) as usize);
    }
    characters.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRICT: Policy =
        Policy { length_min: 8, uppercase: true, lowercase: true, numbers: true, symbols: true };

    #[test]
    fn each_lack_is_named() {
        let lacks =
            |password| fault(STRICT, password).unwrap_or("none").rsplit(": ").next().unwrap_or_default();
        assert_eq!(lacks("Ab1!"), "Password not long enough");
        assert_eq!(lacks("abcdef1!"), "Password must have uppercase characters");
        assert_eq!(lacks("ABCDEF1!"), "Password must have lowercase characters");
        assert_eq!(lacks("Abcdefg!"), "Password must have numeric characters");
        assert_eq!(lacks("Abcdefg1"), "Password must have symbol characters");
        assert_eq!(lacks("Abcdef1!"), "none");
        let lax =
            Policy { length_min: 6, uppercase: false, lowercase: false, numbers: false, symbols: false };
        assert_eq!(fault(lax, "aaaaaa"), None);
    }

    #[test]
    fn a_password_may_be_long_and_of_any_letters() {
        let lax =
            Policy { length_min: 8, uppercase: false, lowercase: false, numbers: false, symbols: false };
        for password in ["aaaaaaaa", "correct horse battery staple", "Пароль-пароль", "密码密码密码密码"]
        {
            assert_eq!(fault(lax, password), None, "{password}");
        }
        for length in [64, 128, 256] {
            assert_eq!(fault(STRICT, &format!("Aa1!{}", "x".repeat(length - 4))), None, "{length}");
        }
        let too_long = Some("Password did not conform with policy: Password is too long");
        assert_eq!(fault(STRICT, &format!("Aa1!{}", "x".repeat(253))), too_long);
    }

    #[test]
    fn a_temporary_password_fits_and_is_never_the_same() {
        let long = Policy { length_min: 40, ..STRICT };
        for policy in [STRICT, long] {
            let password = temporary(policy);
            assert_eq!(fault(policy, &password), None, "{password}");
            assert_ne!(password, temporary(policy));
        }
    }
}
