//! What a provider says of itself (SAML Metadata §2.4): its name, where its people sign in, and the keys it signs with.

use super::{METADATA, REDIRECT, SIGNATURE, children, read, text};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use roxmltree::Node;
use x509_cert::Certificate;
use x509_cert::der::{Decode, Encode};

/// Keys of one provider at most.
const KEYS_MAX: usize = 8;

/// A provider, as its metadata says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    pub entity_id: String,
    /// Where a browser is sent, by the redirect binding.
    pub sign_in: String,
    /// The same to end a session there, and to say that one has ended here.
    pub sign_out: Option<String>,
    pub signed_out: Option<String>,
    /// `SubjectPublicKeyInfo`, DER.
    pub keys: Vec<Vec<u8>>,
}

impl Metadata {
    /// Reads the metadata of one provider; nothing where anything that is needed is not there.
    pub fn read(metadata: &str) -> Option<Metadata> {
        let document = read(metadata)?;
        let root = document.root_element();
        let entity = match root.has_tag_name((METADATA, "EntitiesDescriptor")) {
            true => {
                children(root, METADATA, "EntityDescriptor").find(|entity| provider(*entity).is_some())?
            }
            false => Some(root).filter(|root| root.has_tag_name((METADATA, "EntityDescriptor")))?,
        };
        let provider = provider(entity)?;
        let at = |name: &'static str, attributes: &[&str]| {
            let is_by_redirect = |service: &Node<'_, '_>| service.attribute("Binding") == Some(REDIRECT);
            let service = children(provider, METADATA, name).find(is_by_redirect)?;
            attributes.iter().find_map(|attribute| service.attribute(*attribute)).map(str::to_owned)
        };
        let keys: Vec<Vec<u8>> = children(provider, METADATA, "KeyDescriptor")
            .filter(|key| key.attribute("use").is_none_or(|use_| use_ == "signing"))
            .flat_map(|key| {
                key.descendants().filter(|node| node.has_tag_name((SIGNATURE, "X509Certificate")))
            })
            .take(KEYS_MAX)
            .filter_map(|certificate| key_of(&text(certificate)))
            .collect();
        Some(Metadata {
            entity_id: entity.attribute("entityID").filter(|id| !id.is_empty())?.to_owned(),
            sign_in: at("SingleSignOnService", &["Location"])?,
            sign_out: at("SingleLogoutService", &["Location"]),
            signed_out: at("SingleLogoutService", &["ResponseLocation", "Location"]),
            keys: Some(keys).filter(|keys| !keys.is_empty())?,
        })
    }
}

fn provider<'a, 'i: 'a>(entity: Node<'a, 'i>) -> Option<Node<'a, 'i>> {
    children(entity, METADATA, "IDPSSODescriptor").next()
}

/// The key in a certificate. Whether it is in date, or by whom it was issued, says nothing here: metadata vouches for it.
fn key_of(certificate: &str) -> Option<Vec<u8>> {
    let base64: String = certificate.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let certificate = Certificate::from_der(&STANDARD.decode(base64).ok()?).ok()?;
    certificate.tbs_certificate.subject_public_key_info.to_der().ok()
}

#[cfg(test)]
mod tests {
    use super::super::signer::Signer;
    use super::*;

    #[test]
    fn a_provider_is_read_whole_or_not_at_all() {
        let signer = Signer::fresh();
        let text = signer.metadata("https://idp.example.com", "https://idp.example.com/sso");
        let metadata = Metadata::read(&text).expect("metadata");
        assert_eq!(metadata.entity_id, "https://idp.example.com");
        assert_eq!(metadata.sign_in, "https://idp.example.com/sso");
        assert_eq!(metadata.keys, [signer.key()]);
        for (was, is) in [
            ("HTTP-Redirect", "SOAP"),
            ("IDPSSODescriptor", "SPSSODescriptor"),
            ("entityID=\"https://idp.example.com\"", ""),
            ("use=\"signing\"", "use=\"encryption\""),
            ("<ds:X509Certificate>", "<ds:X509Certificate>AAAA"),
        ] {
            assert_eq!(Metadata::read(&text.replace(was, is)), None, "{was}");
        }
        let many = format!("<md:EntitiesDescriptor xmlns:md=\"{METADATA}\">{text}</md:EntitiesDescriptor>");
        assert_eq!(Metadata::read(&many), Some(metadata));
    }
}
