//! Single sign-out (SAML Core §3.7, SAML Profiles §4.4): what is written to a provider whose session is to end or has ended
//! here, and how what it writes is judged. Whoever asks or answers has to have signed it, to this service, now.

use super::response::Fault;
use super::signature::{self, Signed};
use super::{ASSERTION, Head, PROTOCOL, SUCCESS, canonical, children, moment, only, read, text};
use postern_store::Timestamp;
use roxmltree::{Document, Node};
use serde::{Deserialize, Serialize};

/// How old a message may be, and by how much its clock may be ahead of ours.
const AGE_MAX_MS: i64 = 5 * 60_000;
const SKEW_MS: i64 = 60_000;

/// A session that somebody has at a provider, as its assertion told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    pub name: Name,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<String>,
}

/// A `NameID`, with what qualifies it: a provider knows its people by all of that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Name {
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    format: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    qualifier: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    service: Option<String>,
}

impl Name {
    pub(super) fn read(node: Node<'_, '_>) -> Name {
        let attribute = |name: &str| node.attribute(name).map(str::to_owned);
        Name {
            text: text(node).trim().to_owned(),
            format: attribute("Format"),
            qualifier: attribute("NameQualifier"),
            service: attribute("SPNameQualifier"),
        }
    }

    fn write(&self) -> String {
        let attribute = |name: &str, value: &Option<String>| match value {
            Some(value) => format!(" {name}=\"{}\"", canonical::attribute_text(value)),
            None => String::new(),
        };
        format!(
            "<saml:NameID{}{}{}>{}</saml:NameID>",
            attribute("Format", &self.format),
            attribute("NameQualifier", &self.qualifier),
            attribute("SPNameQualifier", &self.service),
            canonical::attribute_text(&self.text),
        )
    }
}

/// Asks a provider to end a session.
pub fn request(head: &Head<'_>, session: &Session) -> String {
    let index = session.index.as_deref().map(canonical::attribute_text);
    let index = index.map(|index| format!("<samlp:SessionIndex>{index}</samlp:SessionIndex>"));
    head.write("LogoutRequest", "", &format!("{}{}", session.name.write(), index.unwrap_or_default()))
}

/// Tells a provider that what it asked for is done.
pub fn answer(head: &Head<'_>, request_id: &str) -> String {
    let done = format!("<samlp:Status><samlp:StatusCode Value=\"{SUCCESS}\"/></samlp:Status>");
    head.write(
        "LogoutResponse",
        &format!(" InResponseTo=\"{}\"", canonical::attribute_text(request_id)),
        &done,
    )
}

/// How a message is signed.
pub enum Proof {
    /// In itself, as the POST binding has it.
    Within,
    /// Beside it, over the parameters as they were sent (SAML Bindings §3.4.4.1).
    Beside { method: String, signed: String, signature: Vec<u8> },
}

/// What a message of a provider must be.
pub struct Expected<'a> {
    pub issuer: &'a str,
    pub keys: &'a [Vec<u8>],
    /// Where it was sent.
    pub destination: &'a str,
    pub now: Timestamp,
}

/// Sessions that a provider asks to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ends {
    /// The request's id: it is good once.
    pub id: String,
    /// Until when it would be.
    pub expires: Timestamp,
    /// Which of somebody's sessions; all of them where none is named.
    indexes: Vec<String>,
}

impl Ends {
    pub fn includes(&self, session: &Session) -> bool {
        self.indexes.is_empty() || session.index.as_ref().is_none_or(|index| self.indexes.contains(index))
    }
}

/// Who is meant by a request to end sessions, and by whom, as it says itself: to know whose keys to try.
pub fn named_in(message: &str) -> Option<(String, String)> {
    let document = read(message)?;
    let root = document.root_element();
    let issuer = only(root, ASSERTION, "Issuer")?;
    let name = only(root, ASSERTION, "NameID")?;
    Some((text(issuer).trim().to_owned(), Name::read(name).text))
}

/// Judges a request to end sessions.
pub fn asked(message: &str, proof: &Proof, expected: &Expected<'_>) -> Result<Ends, Fault> {
    let document = read(message).ok_or(Fault::Unreadable)?;
    let (root, issued) = judged(&document, "LogoutRequest", proof, expected)?;
    let is_over = |end: &str| moment(end).is_none_or(|end| expected.now >= end.plus_ms(SKEW_MS));
    if root.attribute("NotOnOrAfter").is_some_and(is_over) {
        return Err(Fault::Time);
    }
    Ok(Ends {
        id: root.attribute("ID").filter(|id| !id.is_empty()).ok_or(Fault::Unreadable)?.to_owned(),
        expires: issued.plus_ms(AGE_MAX_MS + SKEW_MS),
        indexes: children(root, PROTOCOL, "SessionIndex")
            .map(|index| text(index).trim().to_owned())
            .collect(),
    })
}

/// Judges an answer to a request to end a session; tells whether the provider has ended it everywhere.
pub fn answered(
    message: &str,
    proof: &Proof,
    expected: &Expected<'_>,
    request_id: &str,
) -> Result<bool, Fault> {
    let document = read(message).ok_or(Fault::Unreadable)?;
    let (root, _) = judged(&document, "LogoutResponse", proof, expected)?;
    if root.attribute("InResponseTo") != Some(request_id) {
        return Err(Fault::InResponseTo);
    }
    let status = only(root, PROTOCOL, "Status").ok_or(Fault::Unreadable)?;
    let code = only(status, PROTOCOL, "StatusCode").ok_or(Fault::Unreadable)?;
    Ok(code.attribute("Value") == Some(SUCCESS) && children(code, PROTOCOL, "StatusCode").next().is_none())
}

/// What every message has to be; with when it was issued.
fn judged<'a, 'i: 'a>(
    document: &'a Document<'i>,
    kind: &'static str,
    proof: &Proof,
    expected: &Expected<'_>,
) -> Result<(Node<'a, 'i>, Timestamp), Fault> {
    let root = document.root_element();
    if !root.has_tag_name((PROTOCOL, kind)) || root.attribute("Version") != Some("2.0") {
        return Err(Fault::Unreadable);
    }
    let within = signature::judge(root, expected.keys).map_err(|_| Fault::Signature)?;
    let is_signed = match proof {
        Proof::Within => within == Signed::Well,
        Proof::Beside { method, signed, signature } => {
            signature::is_by_one_of(expected.keys, method, signed.as_bytes(), signature)
        }
    };
    if !is_signed {
        return Err(Fault::Signature);
    }
    let issuer = only(root, ASSERTION, "Issuer").ok_or(Fault::Issuer)?;
    if text(issuer).trim() != expected.issuer {
        return Err(Fault::Issuer);
    }
    if root.attribute("Destination") != Some(expected.destination) {
        return Err(Fault::Destination);
    }
    let issued = root.attribute("IssueInstant").and_then(moment).ok_or(Fault::Time)?;
    let age_ms = expected.now.since(issued);
    if !(-SKEW_MS..=AGE_MAX_MS + SKEW_MS).contains(&age_ms) {
        return Err(Fault::Time);
    }
    Ok((root, issued))
}

#[cfg(test)]
#[path = "logout_tests.rs"]
mod tests;
