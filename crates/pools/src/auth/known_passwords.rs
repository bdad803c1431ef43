//! Passwords that attackers try first: recognised in memory, eight bytes each, by the first half of their SHA-1, so that
//! a list of plain passwords and one of Have I Been Pwned's hashes are read alike.

use aws_lc_rs::digest;
use std::fmt;

/// Words that the commonest passwords are made of: alone, or with one of the endings.
const WORDS: &str = "password passw0rd p@ssword p@ssw0rd pa$$word pa$$w0rd p4ssw0rd qwerty qwertyuiop qwerty123 letmein \
     welcome admin administrator iloveyou monkey dragon football baseball basketball sunshine princess \
     superman batman master shadow michael jordan charlie hunter trustno1 abc123 abcd1234 changeme secret \
     summer winter spring autumn login starwars whatever freedom hello test tester default guest root \
     user server computer internet google facebook instagram linkedin microsoft apple samsung android \
     monday friday january december london paris berlin america liverpool arsenal chelsea mustang ferrari \
     porsche killer pepper ginger cookie chocolate flower butterfly jessica ashley nicole daniel andrew \
     thomas robert matthew jennifer access database system security zaq1zaq1 1q2w3e4r 1q2w3e4r5t 1qaz2wsx \
     q1w2e3r4 zxcvbnm asdfghjkl asdf1234 zaq12wsx lovely loveyou samantha charlotte victoria elizabeth alexander \
     christian benjamin anthony joshua patrick nicholas pokemon minecraft naruto spiderman snoopy scooter soccer \
     hockey yankees lakers tottenham mercedes corvette diamond forever sweetie rainbow rockstar purple orange";
/// What is put behind a word to please a policy.
const ENDINGS: &str = "1 12 123 1234 12345 ! 1! 12! 123! 1234! @1 @123 #1 #123 01 2020 2021 2022 2023 2024 2025 2026 2024! \
     2025! 2026!";
/// The commonest of other shapes.
const OTHERS: &str = "123456 1234567 12345678 123456789 1234567890 111111 000000 123123 123321 654321 666666 777777 888888 \
     999999 112233 121212 555555 696969 159753 987654321 11111111 00000000 88888888 123qwe 1234qwer \
     qwer1234 qazwsx 1qazxsw2 aa123456 a123456 a12345678 147258369 123654";

/// A set of passwords that nobody should have.
#[derive(Clone, Default)]
pub struct KnownPasswords {
    /// Sorted.
    commonest: Vec<u64>,
    listed: Vec<u64>,
}

impl fmt::Debug for KnownPasswords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KnownPasswords({})", self.commonest.len() + self.listed.len())
    }
}

impl KnownPasswords {
    /// The ones that are shipped: the commonest that a policy might still accept, whatever their case.
    pub fn shipped() -> Self {
        let endings = || std::iter::once("").chain(ENDINGS.split(' '));
        let words =
            WORDS.split(' ').flat_map(|word| endings().map(move |ending| tag(&format!("{word}{ending}"))));
        let commonest = words.chain(OTHERS.split(' ').map(tag)).collect();
        KnownPasswords { commonest: sorted(commonest), listed: Vec::new() }
    }

    /// Adds a list: one password a line, or one SHA-1 in hex with whatever follows a colon.
    pub fn with(mut self, list: &str) -> Self {
        self.listed.extend(list.lines().map(str::trim_end).filter(|line| !line.is_empty()).map(listed));
        self.listed = sorted(self.listed);
        self
    }

    pub fn contains(&self, password: &str) -> bool {
        self.commonest.binary_search(&tag(&password.to_ascii_lowercase())).is_ok()
            || self.listed.binary_search(&tag(password)).is_ok()
    }
}

fn listed(line: &str) -> u64 {
    let hash = line.split(':').next().unwrap_or_default();
    match hash.len() {
        40 => hex::decode(hash).map_or_else(|_| tag(line), |bytes| first(&bytes)),
        _ => tag(line),
    }
}

fn tag(password: &str) -> u64 {
    first(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes()).as_ref())
}

fn first(hash: &[u8]) -> u64 {
    hash.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

fn sorted(mut tags: Vec<u64>) -> Vec<u64> {
    tags.sort_unstable();
    tags.dedup();
    tags.shrink_to_fit();
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commonest_are_known_in_any_case_and_others_are_not() {
        let known = KnownPasswords::shipped();
        for password in ["Password1!", "pASSWORD1!", "P@ssw0rd", "123456", "Qwerty123!"] {
            assert!(known.contains(password), "{password}");
        }
        for password in ["", "Correct-horse-1", "Password1!!!x"] {
            assert!(!known.contains(password), "{password}");
        }
        assert!(!KnownPasswords::default().contains("123456"));
        let of_eight =
            WORDS.split(' ').flat_map(|word| ENDINGS.split(' ').map(move |ending| word.len() + ending.len()));
        let of_eight = of_eight.filter(|length| *length >= 8).count();
        assert!(of_eight >= 3000 && known.commonest.len() >= of_eight, "{of_eight}");
    }

    #[test]
    fn a_list_may_hold_passwords_and_hashes() {
        let list = "hunter2-Hunter2\r\n\n2750527BA909B2F7AB4B91AD4DACFD85CC90B91F:86495\n";
        let known = KnownPasswords::shipped().with(list);
        assert!(known.contains("hunter2-Hunter2") && known.contains("Nobody-ships-this"));
        assert!(!known.contains("Hunter2-hunter2") && !known.contains("nobody-ships-this"));
    }
}
