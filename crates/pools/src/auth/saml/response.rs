//! How a provider's answer is judged (SAML Core §3.3.3 and the web browser profile, SAML Profiles §4.1.4): what is read is
//! what was signed, and it was said to this service, about this request, now.

use super::logout::{Name, Session};
use super::signature::{self, Signed};
use super::{ASSERTION, PROTOCOL, SUCCESS, children, encryption, moment, only, read, text};
use postern_store::Timestamp;
use roxmltree::Node;
use std::collections::BTreeMap;

const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
/// How far the provider's clock may be from ours.
const SKEW_MS: i64 = 60_000;
/// How long an assertion may be good for at most, whatever it says: so long it is remembered that it was used.
const LIFE_MAX_MS: i64 = 24 * 3_600_000;
/// Characters of a subject at most (SAML Core §8.3.7 has 256).
const SUBJECT_MAX: usize = 256;

/// What an answer must say.
pub struct Expected<'a> {
    /// The provider's entity id.
    pub issuer: &'a str,
    /// Its keys, as its metadata has them.
    pub keys: &'a [Vec<u8>],
    /// This service's entity id.
    pub audience: &'a str,
    /// Where the answer was posted.
    pub answer_to: &'a str,
    /// The request that it answers; nothing for one that nobody asked for.
    pub request_id: Option<&'a str>,
    /// What opens its assertion (PKCS #8), which then has to be encrypted; nothing where it must not be.
    pub opened_by: Option<&'a [u8]>,
    pub now: Timestamp,
}

/// Why an answer is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Unreadable,
    /// The provider says that nobody signed in.
    Status,
    Signature,
    Issuer,
    Destination,
    InResponseTo,
    Audience,
    Time,
    Subject,
    Encrypted,
    NotEncrypted,
    /// It does not open, or what is in it is signed by nobody: which of them is not told.
    Sealed,
}

impl Fault {
    /// What is wrong, in a few words.
    pub fn words(self) -> &'static str {
        match self {
            Fault::Unreadable => "the response cannot be read",
            Fault::Status => "the status is not success",
            Fault::Signature => "the signature is not valid",
            Fault::Issuer => "the issuer is another",
            Fault::Destination => "the destination is another",
            Fault::InResponseTo => "InResponseTo is not the request",
            Fault::Audience => "the audience is another",
            Fault::Time => "the assertion is not valid now",
            Fault::Subject => "the subject is missing",
            Fault::Encrypted => "encrypted assertions are not taken",
            Fault::NotEncrypted => "the assertion is not encrypted",
            Fault::Sealed => "the encrypted assertion is not valid",
        }
    }
}

/// Somebody, as a provider asserts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asserted {
    /// The assertion's id: it is good once.
    pub id: String,
    /// Until when it would be.
    pub expires: Timestamp,
    pub subject: String,
    /// Their session at the provider, for when it is to end.
    pub session: Session,
    /// Values by name; several of one name as `[a, b]`.
    pub attributes: BTreeMap<String, String>,
}

/// Judges an answer.
pub fn judge(answer: &str, expected: &Expected<'_>) -> Result<Asserted, Fault> {
    let document = read(answer).ok_or(Fault::Unreadable)?;
    let response = document.root_element();
    if !response.has_tag_name((PROTOCOL, "Response")) || response.attribute("Version") != Some("2.0") {
        return Err(Fault::Unreadable);
    }
    // Whatever is signed is signed well, and the assertion is: by itself, or as part of the whole.
    let whole = signature::judge(response, expected.keys).map_err(|_| Fault::Signature)?;
    is_success(response)?;
    let Some(key) = expected.opened_by else {
        if children(response, ASSERTION, "EncryptedAssertion").next().is_some() {
            return Err(Fault::Encrypted);
        }
        let assertion = only(response, ASSERTION, "Assertion").ok_or(Fault::Unreadable)?;
        return believed(response, whole, assertion, Fault::Signature, expected);
    };
    let envelope = only(response, ASSERTION, "EncryptedAssertion").ok_or(Fault::NotEncrypted)?;
    let opened = encryption::opened(envelope, key).ok_or(Fault::Sealed)?;
    let document = read(&opened).ok_or(Fault::Sealed)?;
    let assertion = document.root_element();
    if !assertion.has_tag_name((ASSERTION, "Assertion")) {
        return Err(Fault::Sealed);
    }
    believed(response, whole, assertion, Fault::Sealed, expected)
}

/// Judges an assertion that is signed, by itself or as part of the whole answer; `unsigned` is what is said of others.
fn believed(
    response: Node<'_, '_>,
    whole: Signed,
    assertion: Node<'_, '_>,
    unsigned: Fault,
    expected: &Expected<'_>,
) -> Result<Asserted, Fault> {
    let part = signature::judge(assertion, expected.keys).map_err(|_| unsigned)?;
    if whole == Signed::Not && part == Signed::Not {
        return Err(unsigned);
    }
    if response.attribute("Destination").is_some_and(|to| to != expected.answer_to) {
        return Err(Fault::Destination);
    }
    if response.attribute("InResponseTo").is_some_and(|id| Some(id) != expected.request_id) {
        return Err(Fault::InResponseTo);
    }
    if children(response, ASSERTION, "Issuer").any(|issuer| text(issuer).trim() != expected.issuer) {
        return Err(Fault::Issuer);
    }
    asserted(assertion, expected)
}

fn is_success(response: Node<'_, '_>) -> Result<(), Fault> {
    let status = only(response, PROTOCOL, "Status").ok_or(Fault::Unreadable)?;
    let code = only(status, PROTOCOL, "StatusCode").ok_or(Fault::Unreadable)?;
    if code.attribute("Value") == Some(SUCCESS) { Ok(()) } else { Err(Fault::Status) }
}

fn asserted(assertion: Node<'_, '_>, expected: &Expected<'_>) -> Result<Asserted, Fault> {
    let issuer = only(assertion, ASSERTION, "Issuer").ok_or(Fault::Issuer)?;
    if text(issuer).trim() != expected.issuer {
        return Err(Fault::Issuer);
    }
    let until = conditions(assertion, expected)?;
    let subject = only(assertion, ASSERTION, "Subject").ok_or(Fault::Subject)?;
    let confirmed_until = confirmations(subject, expected)?;
    let name = only(subject, ASSERTION, "NameID").map(Name::read).ok_or(Fault::Subject)?;
    if name.text.is_empty() || name.text.chars().count() > SUBJECT_MAX {
        return Err(Fault::Subject);
    }
    // A session that is over at the provider begins none here.
    let is_over = |statement: &Node<'_, '_>| {
        statement.attribute("SessionNotOnOrAfter").is_some_and(|end| !is_before(expected.now, end))
    };
    let statements: Vec<Node<'_, '_>> = children(assertion, ASSERTION, "AuthnStatement").collect();
    let first = statements.first().ok_or(Fault::Time)?;
    if statements.iter().any(is_over) {
        return Err(Fault::Time);
    }
    let last = expected.now.plus_ms(LIFE_MAX_MS);
    Ok(Asserted {
        id: assertion.attribute("ID").filter(|id| !id.is_empty()).ok_or(Fault::Unreadable)?.to_owned(),
        expires: until.unwrap_or(confirmed_until).max(confirmed_until).min(last).plus_ms(SKEW_MS),
        subject: name.text.clone(),
        session: Session { name, index: first.attribute("SessionIndex").map(str::to_owned) },
        attributes: attributes(assertion),
    })
}

/// The conditions: said to this service, and good now (SAML Core §2.5.1).
fn conditions(assertion: Node<'_, '_>, expected: &Expected<'_>) -> Result<Option<Timestamp>, Fault> {
    let conditions = only(assertion, ASSERTION, "Conditions").ok_or(Fault::Audience)?;
    if !is_in_time(conditions, expected.now) {
        return Err(Fault::Time);
    }
    let mut restrictions = children(conditions, ASSERTION, "AudienceRestriction").peekable();
    let names_us = |restriction: Node<'_, '_>| {
        children(restriction, ASSERTION, "Audience").any(|one| text(one).trim() == expected.audience)
    };
    if restrictions.peek().is_none() || !restrictions.all(names_us) {
        return Err(Fault::Audience);
    }
    Ok(conditions.attribute("NotOnOrAfter").and_then(moment))
}

/// The confirmation: whoever brings it here now, in answer to the request, is its subject (SAML Profiles §3.3).
fn confirmations(subject: Node<'_, '_>, expected: &Expected<'_>) -> Result<Timestamp, Fault> {
    let mut fault = Fault::Subject;
    for confirmation in children(subject, ASSERTION, "SubjectConfirmation") {
        let data = only(confirmation, ASSERTION, "SubjectConfirmationData");
        let Some(data) = data.filter(|_| confirmation.attribute("Method") == Some(BEARER)) else { continue };
        let until = data.attribute("NotOnOrAfter").and_then(moment);
        match until {
            _ if data.attribute("Recipient") != Some(expected.answer_to) => fault = Fault::Destination,
            _ if data.attribute("InResponseTo") != expected.request_id => fault = Fault::InResponseTo,
            Some(until) if is_in_time(data, expected.now) => return Ok(until),
            _ => fault = Fault::Time,
        }
    }
    Err(fault)
}

fn is_in_time(node: Node<'_, '_>, now: Timestamp) -> bool {
    node.attribute("NotBefore")
        .is_none_or(|from| moment(from).is_some_and(|from| from <= now.plus_ms(SKEW_MS)))
        && node.attribute("NotOnOrAfter").is_none_or(|until| is_before(now, until))
}

/// Whether it is before a moment; at none that cannot be read.
fn is_before(now: Timestamp, until: &str) -> bool {
    moment(until).is_some_and(|until| now < until.plus_ms(SKEW_MS))
}

fn attributes(assertion: Node<'_, '_>) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for statement in children(assertion, ASSERTION, "AttributeStatement") {
        for attribute in children(statement, ASSERTION, "Attribute") {
            let Some(name) = attribute.attribute("Name") else { continue };
            let values = children(attribute, ASSERTION, "AttributeValue").map(text);
            all.entry(name.to_owned()).or_default().extend(values);
        }
    }
    all.into_iter()
        .filter_map(|(name, mut values)| match values.len() {
            0 => None,
            1 => Some((name, values.remove(0))),
            _ => Some((name, format!("[{}]", values.join(", ")))),
        })
        .collect()
}

#[cfg(test)]
#[path = "response_tests.rs"]
mod tests;
