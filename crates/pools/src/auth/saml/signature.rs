//! Enveloped signatures (XML-DSig §8.1) in the one form that SAML asks for (SAML Core §5.4): a single reference to the
//! element that the signature stands in. What was verified is that element, and nothing else is believed.

use super::canonical::{Way, canonical};
use super::{SIGNATURE, children, decoded, only};
use aws_lc_rs::constant_time;
use aws_lc_rs::digest::{self, SHA256, SHA384, SHA512};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, UnparsedPublicKey, VerificationAlgorithm,
};
use roxmltree::Node;
use std::collections::BTreeSet;

const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const EXCLUSIVE_WITH_COMMENTS: &str = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments";
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
/// Prefixes that a way of canonicalising lists at most: each is looked for at each element.
const LISTED_MAX: usize = 32;

/// How an element is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed {
    /// By one of the keys.
    Well,
    /// Not at all.
    Not,
}

/// Something is there that looks like a signature and is not a good one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bad;

/// Judges the signature of an element by keys (`SubjectPublicKeyInfo`, DER) that are known beforehand; what it says of
/// its own key is not looked at.
pub fn judge(node: Node<'_, '_>, keys: &[Vec<u8>]) -> Result<Signed, Bad> {
    if children(node, SIGNATURE, "Signature").next().is_none() {
        return Ok(Signed::Not);
    }
    let signature = only(node, SIGNATURE, "Signature").ok_or(Bad)?;
    let info = only(signature, SIGNATURE, "SignedInfo").ok_or(Bad)?;
    let way = way(only(info, SIGNATURE, "CanonicalizationMethod").ok_or(Bad)?).ok_or(Bad)?;
    let reference = only(info, SIGNATURE, "Reference").ok_or(Bad)?;
    if !is_referred_to(node, reference) {
        return Err(Bad);
    }
    let transform = transform(reference).ok_or(Bad)?;
    // Comments are in no bytes that are signed, so they must be in none that are read.
    if node.descendants().any(|inside| inside.is_comment()) {
        return Err(Bad);
    }
    let bytes = canonical(node, &transform, Some(signature));
    let method = only(reference, SIGNATURE, "DigestMethod").and_then(|method| method.attribute("Algorithm"));
    let digest = digest::digest(hash(method.ok_or(Bad)?).ok_or(Bad)?, bytes.as_bytes());
    let said = decoded(only(reference, SIGNATURE, "DigestValue").ok_or(Bad)?).ok_or(Bad)?;
    constant_time::verify_slices_are_equal(digest.as_ref(), &said).map_err(|_| Bad)?;

    let method = only(info, SIGNATURE, "SignatureMethod").and_then(|method| method.attribute("Algorithm"));
    let value = decoded(only(signature, SIGNATURE, "SignatureValue").ok_or(Bad)?).ok_or(Bad)?;
    let signed = canonical(info, &way, None);
    is_by_one_of(keys, method.ok_or(Bad)?, signed.as_bytes(), &value).then_some(Signed::Well).ok_or(Bad)
}

/// Whether one of some keys signed these bytes, by an algorithm that is taken.
pub fn is_by_one_of(keys: &[Vec<u8>], method: &str, signed: &[u8], signature: &[u8]) -> bool {
    let Some(algorithm) = algorithm(method) else { return false };
    let is_by =
        |key: &Vec<u8>| UnparsedPublicKey::new(algorithm, key.as_slice()).verify(signed, signature).is_ok();
    keys.iter().any(is_by)
}

/// Whether a reference is to this very element: by an id that no other element of the document has.
fn is_referred_to(node: Node<'_, '_>, reference: Node<'_, '_>) -> bool {
    let Some(id) = node.attribute("ID").filter(|id| !id.is_empty()) else { return false };
    let is_named = |other: &Node<'_, '_>| {
        other
            .attributes()
            .any(|attribute| attribute.name().eq_ignore_ascii_case("id") && attribute.value() == id)
    };
    reference.attribute("URI").and_then(|uri| uri.strip_prefix('#')) == Some(id)
        && node.document().descendants().filter(is_named).count() == 1
}

/// The two transforms that there may be: the signature itself is left out, and the rest canonicalised.
fn transform<'a>(reference: Node<'a, '_>) -> Option<Way<'a>> {
    let list = only(reference, SIGNATURE, "Transforms")?;
    let transforms: Vec<Node<'a, '_>> = list.children().filter(Node::is_element).collect();
    let [first, second] = transforms.as_slice() else { return None };
    let is_transform = |node: &Node<'_, '_>| node.has_tag_name((SIGNATURE, "Transform"));
    if !is_transform(first) || !is_transform(second) || first.attribute("Algorithm") != Some(ENVELOPED) {
        return None;
    }
    way(*second)
}

/// How to canonicalise, if it is the way that is known here.
fn way<'a>(method: Node<'a, '_>) -> Option<Way<'a>> {
    let algorithm = method.attribute("Algorithm")?;
    if ![EXCLUSIVE, EXCLUSIVE_WITH_COMMENTS].contains(&algorithm) {
        return None;
    }
    let listed = only(method, "http://www.w3.org/2001/10/xml-exc-c14n#", "InclusiveNamespaces");
    let prefixes = listed.and_then(|listed| listed.attribute("PrefixList")).unwrap_or_default();
    let inclusive: BTreeSet<&str> = prefixes.split_whitespace().collect();
    (inclusive.len() <= LISTED_MAX).then(|| Way { inclusive: inclusive.into_iter().collect() })
}

/// Hashes that are taken; SHA-1 is not among them.
fn hash(name: &str) -> Option<&'static digest::Algorithm> {
    match name {
        "http://www.w3.org/2001/04/xmlenc#sha256" => Some(&SHA256),
        "http://www.w3.org/2001/04/xmldsig-more#sha384" => Some(&SHA384),
        "http://www.w3.org/2001/04/xmlenc#sha512" => Some(&SHA512),
        _ => None,
    }
}

fn algorithm(name: &str) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match name {
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256" => &RSA_PKCS1_2048_8192_SHA256,
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384" => &RSA_PKCS1_2048_8192_SHA384,
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512" => &RSA_PKCS1_2048_8192_SHA512,
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256" => &ECDSA_P256_SHA256_FIXED,
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384" => &ECDSA_P384_SHA384_FIXED,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use roxmltree::Document;

    #[test]
    fn only_few_prefixes_are_listed_each_once() {
        let listed = |prefixes: &[String]| {
            let text = format!(
                "<m Algorithm='{EXCLUSIVE}'><i:InclusiveNamespaces xmlns:i='{EXCLUSIVE}' PrefixList='{}'/></m>",
                prefixes.join(" ")
            );
            let document = Document::parse(&text).expect("XML");
            way(document.root_element()).map(|way| way.inclusive.len())
        };
        let prefixes: Vec<String> = (0..33).map(|at| format!("p{at}")).collect();
        assert_eq!(listed(&prefixes[..32]), Some(32));
        assert_eq!(listed(&prefixes), None);
        assert_eq!(listed(&vec!["xs".to_owned(); 5_000]), Some(1));
    }
}
