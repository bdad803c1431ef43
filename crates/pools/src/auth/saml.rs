//! SAML 2.0 as a service provider needs it: what a provider's metadata says, what is asked of it, and how its answers are
//! judged. The verifier of signatures is this house's own and as small as the profile lets it be: one way to canonicalise
//! (exclusive, without comments), one reference to the very element that is read, keys from metadata only. The libraries
//! there are either stand on libxml2 and xmlsec or call themselves early.

mod canonical;
mod encryption;
pub mod logout;
mod metadata;
mod response;
mod signature;
#[cfg(test)]
pub mod signer;

pub use metadata::Metadata;
pub use response::{Asserted, Expected, Fault, judge};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use postern_store::Timestamp;
use roxmltree::{Document, Node, ParsingOptions};
use std::collections::BTreeSet;

const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
const SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";
const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";

/// Elements and texts of a document at most.
const NODES_MAX: u32 = 20_000;
/// Bytes of a message that comes packed at most.
const LENGTH_MAX: usize = 64 * 1024;
/// How deep its elements may lie in one another: reading them descends as deep.
const DEPTH_MAX: usize = 64;
/// Prefixes that a document declares at most, and the length of the name that each stands for.
const PREFIXES_MAX: usize = 64;
const NAMESPACE_LENGTH_MAX: usize = 256;
/// Attributes of an element at most.
const ATTRIBUTES_MAX: usize = 256;

/// The name of a pool as a service provider.
pub fn entity_id(pool_id: &str) -> String {
    format!("urn:amazon:cognito:sp:{pool_id}")
}

/// What every message to a provider says of itself.
pub struct Head<'a> {
    pub id: &'a str,
    pub issuer: &'a str,
    pub destination: &'a str,
    pub now: &'a str,
}

impl Head<'_> {
    fn write(&self, kind: &str, more: &str, content: &str) -> String {
        let text = |text: &str| canonical::attribute_text(text);
        format!(
            "<samlp:{kind} xmlns:samlp=\"{PROTOCOL}\" xmlns:saml=\"{ASSERTION}\" ID=\"{}\" Version=\"2.0\" \
             IssueInstant=\"{}\" Destination=\"{}\"{more}><saml:Issuer>{}</saml:Issuer>{content}</samlp:{kind}>",
            text(self.id),
            text(self.now),
            text(self.destination),
            text(self.issuer),
        )
    }
}

/// What is asked of a provider (SAML Core §3.4.1), to be sent by the redirect binding.
pub fn authn_request(head: &Head<'_>, answer_to: &str, asks_again: bool) -> String {
    let force = if asks_again { " ForceAuthn=\"true\"" } else { "" };
    let answer_to = canonical::attribute_text(answer_to);
    let more = format!(" AssertionConsumerServiceURL=\"{answer_to}\" ProtocolBinding=\"{POST}\"{force}");
    head.write("AuthnRequest", &more, "")
}

/// Packs a text as the redirect binding wants it (SAML Bindings §3.4.4.1): DEFLATE, here in blocks that are stored as they
/// are (RFC 1951 §3.2.4).
pub fn deflated(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 16);
    let mut blocks = text.as_bytes().chunks(usize::from(u16::MAX)).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        out.push(u8::from(blocks.peek().is_none()));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
    }
    out
}

/// Unpacks what somebody else has packed so.
pub fn inflated(packed: &[u8]) -> Option<String> {
    let text = miniz_oxide::inflate::decompress_to_vec_with_limit(packed, LENGTH_MAX).ok()?;
    String::from_utf8(text).ok()
}

/// Reads a document that has nothing in it to be afraid of: no DTD, so no entities; no instructions; and nothing that takes
/// longer to read, or to canonicalise, than its length allows.
fn read(text: &str) -> Option<Document<'_>> {
    if !is_modest(text) {
        return None;
    }
    let options = ParsingOptions { allow_dtd: false, nodes_limit: NODES_MAX, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).ok()?;
    let is_plain =
        |node: Node<'_, '_>| !node.is_pi() && node.ancestors().take(DEPTH_MAX + 1).count() <= DEPTH_MAX;
    let is_short = |node: Node<'_, '_>| {
        let mut namespaces = node.namespaces();
        namespaces.all(|namespace| namespace.uri().len() <= NAMESPACE_LENGTH_MAX)
    };
    let is_all_plain = document.descendants().all(|node| is_plain(node) && is_short(node));
    is_all_plain.then_some(document)
}

/// Tells of a text, before it is read, that it has few of what is compared each with each: prefixes in scope, and attributes
/// of one element.
fn is_modest(text: &str) -> bool {
    let prefixes: BTreeSet<&str> = text
        .split("xmlns")
        .skip(1)
        .filter_map(|declared| declared.split(|c: char| c == '=' || c.is_ascii_whitespace()).next())
        .collect();
    prefixes.len() <= PREFIXES_MAX && text.split('<').all(|tag| tag.matches('=').count() <= ATTRIBUTES_MAX)
}

/// The children of an element by their full name.
fn children<'a, 'i: 'a>(
    node: Node<'a, 'i>,
    namespace: &'static str,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |child| child.has_tag_name((namespace, name)))
}

/// The one child of that name, if there is one and no other.
fn only<'a, 'i: 'a>(node: Node<'a, 'i>, namespace: &'static str, name: &'static str) -> Option<Node<'a, 'i>> {
    let mut found = children(node, namespace, name);
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// All the text of an element that has nothing but text.
fn text(node: Node<'_, '_>) -> String {
    node.children().filter(Node::is_text).filter_map(|child| child.text()).collect()
}

/// The bytes that an element has in Base64, wrapped however it is.
fn decoded(node: Node<'_, '_>) -> Option<Vec<u8>> {
    let text: String = text(node).chars().filter(|c| !c.is_ascii_whitespace()).collect();
    STANDARD.decode(text).ok()
}

/// Reads a moment (XML Schema `dateTime`, in UTC or with its offset).
fn moment(text: &str) -> Option<Timestamp> {
    let moment = time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).ok()?;
    i64::try_from(moment.unix_timestamp_nanos() / 1_000_000).ok().map(Timestamp::from_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_that_could_do_harm_are_not_read() {
        assert!(read("<a><!-- x --><b/></a>").is_some());
        for text in [
            "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
            "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>",
            "<a><?php x ?></a>",
            "<a>&b;</a>",
            "<a>",
            "",
            &format!("{}{}", "<a>".repeat(65), "</a>".repeat(65)),
            &format!("<a>{}</a>", "<b/>".repeat(20_001)),
            &with_many(" xmlns:", 65),
            &with_many(" xmlns:", 5_000),
            &with_many(" ", 257),
            &format!("<a xmlns='{}'/>", "u".repeat(257)),
        ] {
            assert!(read(text).is_none(), "{}", &text[..text.len().min(60)]);
        }
        for text in
            [with_many(" xmlns:", 64), with_many(" ", 256), format!("<a xmlns='{}'/>", "u".repeat(256))]
        {
            assert!(read(&text).is_some(), "{}", &text[..60]);
        }
    }

    /// An element with so many attributes.
    fn with_many(before: &str, many: usize) -> String {
        let attributes: String = (0..many).map(|at| format!("{before}a{at}='u'")).collect();
        format!("<a{attributes}/>")
    }

    #[test]
    fn a_request_is_packed_so_that_anybody_can_unpack_it() {
        let packed = deflated("abc");
        assert_eq!(packed, [1, 3, 0, 0xfc, 0xff, b'a', b'b', b'c']);
        assert_eq!(deflated(&"x".repeat(70_000)).len(), 70_010);
        assert_eq!(inflated(&packed).as_deref(), Some("abc"));
        // What somebody else packed better.
        assert_eq!(inflated(&[0x4b, 0x4c, 0x84, 0x01, 0x00]).as_deref(), Some("aaaaaaaaaa"));
        assert_eq!(inflated(&deflated(&"x".repeat(70_000))), None);
        assert_eq!(inflated(b"no"), None);
    }

    #[test]
    fn moments_are_read_in_any_offset() {
        let at = |text| moment(text).map(Timestamp::ms);
        assert_eq!(at("2026-01-02T03:04:05Z"), Some(1_767_323_045_000));
        assert_eq!(at("2026-01-02T03:04:05.250Z"), Some(1_767_323_045_250));
        assert_eq!(at("2026-01-02T05:04:05+02:00"), Some(1_767_323_045_000));
        assert_eq!(at("yesterday"), None);
    }
}
