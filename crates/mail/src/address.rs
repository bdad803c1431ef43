//! One strict parser for e-mail addresses, used by identity, limits, storage and the envelope alike,
//! and the forms of an address that each of them needs.

use std::fmt;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::header;

/// Octets of a local part, RFC 5321 §4.5.3.1.1.
const LOCAL_MAX: usize = 64;
/// Octets of a whole address: a path of 256 less its angle brackets, RFC 5321 §4.5.3.1.3.
const ADDRESS_MAX: usize = 254;
/// Octets of a display name; longer ones do not help a reader.
const NAME_MAX: usize = 256;

/// One mailbox: a local part as it was spelled and a domain in A-labels, lower case.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Address {
    local: String,
    domain: String,
}

/// Why a text is not one mailbox, in the words of SES.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadAddress {
    NoFinalDomain,
    NoDomain,
    DomainCharacter,
    DomainSpace,
    LocalCharacter,
    TooLong,
}

impl BadAddress {
    /// Gives the sentence SES answers with (`InvalidParameterValue`, `BadRequestException`).
    pub fn words(self) -> &'static str {
        match self {
            BadAddress::NoFinalDomain => "Missing final '@domain'",
            BadAddress::NoDomain => "Missing domain",
            BadAddress::DomainCharacter => "Domain contains illegal character",
            BadAddress::DomainSpace => "Domain contains control or whitespace",
            BadAddress::LocalCharacter => "Local address contains illegal character",
            BadAddress::TooLong => "Address is too long",
        }
    }
}

impl fmt::Display for BadAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

impl std::error::Error for BadAddress {}

impl Address {
    /// Reads one mailbox or refuses: no lists, comments, quotes, display names, spaces or controls.
    pub fn parse(text: &str) -> Result<Address, BadAddress> {
        if text.len() > ADDRESS_MAX * 2 {
            return Err(BadAddress::TooLong);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(BadAddress::NoFinalDomain)?;
        if local.is_empty() || !local.split('.').all(is_atom) {
            return Err(BadAddress::LocalCharacter);
        }
        let domain = domain_of(domain)?;
        if local.len() > LOCAL_MAX || local.len() + 1 + domain.len() > ADDRESS_MAX {
            return Err(BadAddress::TooLong);
        }
        Ok(Address { local: local.to_owned(), domain })
    }

    /// The form to send to: the person's own spelling of the local part.
    pub fn spelling(&self) -> String {
        format!("{}@{}", self.local, self.domain)
    }

    /// The form to compare and to be unique by. Folds ASCII letters only, so that no other letter becomes one.
    pub fn canonical(&self) -> String {
        format!("{}@{}", self.local.to_ascii_lowercase(), self.domain)
    }

    /// The form to count by: labels behind a plus share one mailbox, so they share its limits.
    pub fn limit_key(&self) -> String {
        format!("{}@{}", self.base_local().to_ascii_lowercase(), self.domain)
    }

    /// The address without its label, spelled as given: `user+label@…` is covered by `user@…`.
    pub fn without_label(&self) -> Address {
        Address { local: self.base_local().to_owned(), domain: self.domain.clone() }
    }

    /// Hides the middle: `a***@e***`, as the service shows where a code went.
    pub fn masked(&self) -> String {
        let first = |part: &str| part.chars().next().map(String::from).unwrap_or_default();
        format!("{}***@{}***", first(&self.local), first(&self.domain))
    }

    /// The domain, A-labels in lower case.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The local part as it was spelled.
    pub fn local(&self) -> &str {
        &self.local
    }

    fn base_local(&self) -> &str {
        match self.local.split_once('+') {
            Some((base, _)) if !base.is_empty() => base,
            _ => &self.local,
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({})", self.masked())
    }
}

/// Whether a piece between dots is an RFC 5322 atom in ASCII.
fn is_atom(piece: &str) -> bool {
    !piece.is_empty()
        && piece.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte))
}

/// Reads a domain name into lower-case A-labels (UTS 46, non-transitional), refusing every spelling
/// that the mapping would silently turn into another name, such as full-width letters.
pub fn domain_of(text: &str) -> Result<String, BadAddress> {
    if text.is_empty() {
        return Err(BadAddress::NoDomain);
    }
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(BadAddress::DomainSpace);
    }
    if text.len() > 1024 || text.chars().any(folds_into_ascii) {
        return Err(BadAddress::DomainCharacter);
    }
    let name = Uts46::new()
        .to_ascii(text.as_bytes(), AsciiDenyList::STD3, Hyphens::Check, DnsLength::Verify)
        .map_err(|_| BadAddress::DomainCharacter)?
        .into_owned();
    let last = name.rsplit('.').next().unwrap_or_default();
    if (!name.contains('.') && name != "localhost") || last.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(BadAddress::DomainCharacter);
    }
    let typed: String = text.chars().flat_map(char::to_lowercase).nfc().collect();
    if typed != name {
        let (shown, _) = Uts46::new().to_unicode(name.as_bytes(), AsciiDenyList::STD3, Hyphens::Check);
        if shown != typed {
            return Err(BadAddress::DomainCharacter);
        }
    }
    Ok(name)
}

fn folds_into_ascii(c: char) -> bool {
    !c.is_ascii() && std::iter::once(c).nfkc().flat_map(char::to_lowercase).all(|folded| folded.is_ascii())
}

/// An address with the name to show beside it, as in `Jane Doe <jane@example.com>`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Mailbox {
    pub name: Option<String>,
    pub address: Address,
}

impl Mailbox {
    /// Reads `a@b` or `Name <a@b>`; the name may be quoted, and holds no control characters.
    pub fn parse(text: &str) -> Result<Mailbox, BadAddress> {
        let Some(open) = text.rfind('<') else {
            return Ok(Mailbox { name: None, address: Address::parse(text)? });
        };
        let inner = text[open + 1..].strip_suffix('>').ok_or(BadAddress::NoFinalDomain)?;
        let address = Address::parse(inner)?;
        let name = name_of(text[..open].trim_matches(' '))?;
        Ok(Mailbox { name: (!name.is_empty()).then_some(name), address })
    }

    /// Gives the header form: the name as an atom, quoted, or in encoded words (RFC 2047).
    pub fn header(&self) -> String {
        match &self.name {
            Some(name) => format!("{} <{}>", header::phrase(name), self.address.spelling()),
            None => self.address.spelling(),
        }
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.spelling()
    }
}

impl TryFrom<String> for Address {
    type Error = BadAddress;

    fn try_from(text: String) -> Result<Self, BadAddress> {
        Address::parse(&text)
    }
}

impl From<Mailbox> for String {
    fn from(mailbox: Mailbox) -> Self {
        mailbox.header()
    }
}

impl TryFrom<String> for Mailbox {
    type Error = BadAddress;

    fn try_from(text: String) -> Result<Self, BadAddress> {
        Mailbox::parse(&text)
    }
}

impl From<Address> for Mailbox {
    fn from(address: Address) -> Self {
        Mailbox { name: None, address }
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

/// Reads a display name, taking off quotes and their escapes and decoding encoded words.
fn name_of(text: &str) -> Result<String, BadAddress> {
    if text.len() > NAME_MAX * 4 || text.chars().any(header::is_unsafe) {
        return Err(BadAddress::LocalCharacter);
    }
    let name = match text.strip_prefix('"') {
        Some(rest) => {
            let quoted = rest.strip_suffix('"').ok_or(BadAddress::LocalCharacter)?;
            unescape(quoted).ok_or(BadAddress::LocalCharacter)?
        }
        None if text.contains(['"', '<', '>']) => return Err(BadAddress::LocalCharacter),
        None => header::decode_words(text),
    };
    if name.len() > NAME_MAX || name.chars().any(header::is_unsafe) {
        return Err(BadAddress::LocalCharacter);
    }
    Ok(name)
}

fn unescape(quoted: &str) -> Option<String> {
    let mut name = String::new();
    let mut rest = quoted.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => name.push(rest.next()?),
            '"' => return None,
            c => name.push(c),
        }
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> Address {
        Address::parse(text).expect("an address")
    }

    #[test]
    fn one_mailbox_is_read_and_keeps_its_spelling() {
        let address = parsed("Alice.B+shop@Example.COM");
        assert_eq!(address.spelling(), "Alice.B+shop@example.com");
        assert_eq!(address.canonical(), "alice.b+shop@example.com");
        assert_eq!(address.limit_key(), "alice.b@example.com");
        assert_eq!(address.masked(), "A***@e***");
        assert_eq!(parsed("jane@bücher.example").spelling(), "jane@xn--bcher-kva.example");
        assert_eq!(parsed("jane@xn--bcher-kva.example"), parsed("jane@BÜCHER.example"));
        assert_eq!(parsed("jane@faß.example").domain(), "xn--fa-hia.example");
        assert_eq!(parsed("dev@localhost").domain(), "localhost");
    }

    #[test]
    fn anything_but_one_plain_mailbox_is_refused() {
        for text in [
            "",
            "alice",
            "@example.com",
            "alice@",
            "a@x.test,b@y.test",
            "a@x.test;b@y.test",
            "a@x.test b@y.test",
            "\"a@evil.test x\"@ok.test",
            "a@ok.test@evil.test",
            "<a@x.test>",
            "a(c)@x.test",
            "@x.test:a@y.test",
            "=?utf-8?q?a?=@x test",
            " a@x.test",
            "a@x.test ",
            "a@x.test\r\nBcc: b@y.test",
            "a\0@x.test",
            "a@x\u{2028}.test",
            "a..b@x.test",
            ".a@x.test",
            "a.@x.test",
            "a@x..test",
            "a@x.test.",
            "a@[127.0.0.1]",
            "a@127.0.0.1",
            "a@intranet",
            "a@-x.test",
            "a@x_y.test",
        ] {
            assert!(Address::parse(text).is_err(), "{text:?} was taken");
        }
    }

    #[test]
    fn letters_that_fold_into_others_are_refused() {
        for text in [
            "m\u{131}ke@x.test",
            "\u{212a}elly@x.test",
            "\u{17f}am@x.test",
            "ａlice@x.test",
            "alice@ban\u{212a}.test",
            "alice@ｘ.test",
            "alice@exam\u{ad}ple.test",
            "alice@x\u{3002}test",
            "alice@\u{200b}x.test",
        ] {
            assert!(Address::parse(text).is_err(), "{text:?} was taken");
        }
        assert_ne!(parsed("a@m\u{131}ke.test").domain(), "mike.test");
    }

    #[test]
    fn lengths_are_bounded() {
        let domain = format!("{}.{}.{}.test", "d".repeat(60), "d".repeat(60), "d".repeat(58));
        assert!(Address::parse(&format!("{}@x.test", "a".repeat(64))).is_ok());
        assert!(Address::parse(&format!("{}@x.test", "a".repeat(65))).is_err());
        assert!(Address::parse(&format!("{}@{domain}", "a".repeat(64))).is_ok());
        assert!(Address::parse(&format!("{}@d{domain}", "a".repeat(64))).is_ok());
        assert!(Address::parse(&format!("{}@dddd.{domain}", "a".repeat(64))).is_err());
    }

    #[test]
    fn refusals_speak_as_ses_does() {
        assert_eq!(Address::parse("bad").expect_err("no").words(), "Missing final '@domain'");
        assert_eq!(Address::parse("a@").expect_err("no").words(), "Missing domain");
        assert_eq!(
            Address::parse("a@b c.test").expect_err("no").words(),
            "Domain contains control or whitespace"
        );
        assert_eq!(Address::parse("a@b!.test").expect_err("no").words(), "Domain contains illegal character");
        assert_eq!(
            Address::parse("a b@c.test").expect_err("no").words(),
            "Local address contains illegal character"
        );
    }

    #[test]
    fn a_mailbox_may_carry_a_name() {
        let read = |text: &str| {
            let mailbox = Mailbox::parse(text).expect("a mailbox");
            (mailbox.name.clone().unwrap_or_default(), mailbox.header())
        };
        assert_eq!(read("a@b.test"), (String::new(), "a@b.test".to_owned()));
        assert_eq!(read("John Doe <a@b.test>"), ("John Doe".into(), "John Doe <a@b.test>".into()));
        assert_eq!(
            read("\"Doe, \\\"J\\\"\" <a@b.test>"),
            ("Doe, \"J\"".into(), "\"Doe, \\\"J\\\"\" <a@b.test>".into())
        );
        assert_eq!(read("José 東京 <a@b.test>").1, "=?utf-8?B?Sm9zw6kg5p2x5Lqs?= <a@b.test>");
        assert_eq!(read("=?utf-8?B?Sm9zw6kg5p2x5Lqs?= <a@b.test>").0, "José 東京");
        for text in [
            "A\r\nBcc: x@y.test <a@b.test>",
            "<a@b.test",
            "A <a@b.test> B",
            "A <b> <a@b.test>",
            "\"A <a@b.test>",
        ] {
            assert!(Mailbox::parse(text).is_err(), "{text:?} was taken");
        }
        let hidden = "=?utf-8?B?QQ0KQmNjOiB4QHkudGVzdA==?= <a@b.test>";
        assert!(Mailbox::parse(hidden).is_err());
    }

    #[test]
    fn debugging_shows_no_address() {
        assert_eq!(format!("{:?}", parsed("alice@example.com")), "Address(a***@e***)");
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in ".{0,80}") {
            let _ = Mailbox::parse(&text);
            if let Ok(address) = Address::parse(&text) {
                prop_assert!(!address.spelling().contains(['\r', '\n', ' ', '\0']));
                prop_assert!(address.spelling().is_ascii());
            }
        }

        #[test]
        fn the_canonical_form_is_its_own(local in "[A-Za-z0-9+_-]{1,20}", domain in "[a-zA-Z0-9äßé]{1,8}\\.(test|Example|COM)") {
            if let Ok(address) = Address::parse(&format!("{local}@{domain}")) {
                let canonical = address.canonical();
                let again = Address::parse(&canonical).expect("a canonical form is an address");
                prop_assert_eq!(again.canonical(), canonical.clone());
                prop_assert_eq!(again.spelling(), canonical);
            }
        }
    }
}
