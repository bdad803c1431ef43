//! A SAML provider for tests. It writes everything as it is signed, byte by byte, so that it shares no code with what
//! reads it.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
const SAML: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const SAMLP: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
const MD: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
const BINDING: &str = "urn:oasis:names:tc:SAML:2.0:bindings";
const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
/// What comes before the point of a P-256 key in a `SubjectPublicKeyInfo`.
const P256: &str = "3059301306072a8648ce3d020106082a8648ce3d030107034200";

/// The key of a provider.
pub struct Signer(EcdsaKeyPair);

/// What an assertion says. Moments are written as they are.
#[derive(Clone)]
pub struct Says {
    pub id: String,
    pub issuer: String,
    pub audience: String,
    pub answer_to: String,
    pub request_id: Option<String>,
    pub subject: String,
    pub from: String,
    pub until: String,
    pub attributes: Vec<(String, String)>,
}

impl Signer {
    pub fn fresh() -> Signer {
        Signer(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"))
    }

    /// The public key: `SubjectPublicKeyInfo`, DER.
    pub fn key(&self) -> Vec<u8> {
        [&hex::decode(P256).expect("hex"), self.0.public_key().as_ref()].concat()
    }

    /// A certificate of the key, which nobody has signed.
    fn certificate(&self) -> String {
        let algorithm = tlv(0x30, &[&hex::decode("06082a8648ce3d040302").expect("hex")]);
        let validity = tlv(0x30, &[&tlv(0x17, &[b"250101000000Z"]), &tlv(0x17, &[b"350101000000Z"])]);
        let name = tlv(0x30, &[]);
        let version = tlv(0xa0, &[&[2, 1, 2]]);
        let parts: [&[u8]; 7] = [&version, &[2, 1, 1], &algorithm, &name, &validity, &name, &self.key()];
        let certified = tlv(0x30, &parts);
        STANDARD.encode(tlv(0x30, &[&certified, &algorithm, &tlv(3, &[&[0, 0]])]))
    }

    pub fn metadata(&self, entity_id: &str, sign_in: &str) -> String {
        format!(
            "<md:EntityDescriptor xmlns:md=\"{MD}\" xmlns:ds=\"{DS}\" entityID=\"{entity_id}\"><!-- ours -->\
             <md:IDPSSODescriptor protocolSupportEnumeration=\"{SAMLP}\"><md:KeyDescriptor use=\"signing\">\
             <ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>\
             </md:KeyDescriptor><md:SingleSignOnService Binding=\"{BINDING}:HTTP-Redirect\" \
             Location=\"{sign_in}\"/></md:IDPSSODescriptor></md:EntityDescriptor>",
            self.certificate()
        )
    }

    /// Signs an element that is written as it is signed: the signature comes behind its first issuer.
    pub fn signed(&self, element: &str, id: &str) -> String {
        let hash = STANDARD.encode(digest(&SHA256, element.as_bytes()));
        let info = format!(
            "<ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"></ds:CanonicalizationMethod>\
             <ds:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256\">\
             </ds:SignatureMethod><ds:Reference URI=\"#{id}\"><ds:Transforms>\
             <ds:Transform Algorithm=\"{DS}enveloped-signature\"></ds:Transform>\
             <ds:Transform Algorithm=\"{EXCLUSIVE}\"></ds:Transform></ds:Transforms>\
             <ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"></ds:DigestMethod>\
             <ds:DigestValue>{hash}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
        );
        let bytes = format!("<ds:SignedInfo xmlns:ds=\"{DS}\">{info}");
        let value = self.0.sign(&SystemRandom::new(), bytes.as_bytes()).expect("a signature");
        let signature = format!(
            "<ds:Signature xmlns:ds=\"{DS}\"><ds:SignedInfo>{info}<ds:SignatureValue>{}</ds:SignatureValue>\
             </ds:Signature>",
            STANDARD.encode(value.as_ref())
        );
        element.replacen("</saml:Issuer>", &format!("</saml:Issuer>{signature}"), 1)
    }

    /// An answer whose assertion is signed.
    pub fn answer(&self, says: &Says) -> String {
        says.response(&self.signed(&says.assertion(), &says.id))
    }

    /// An answer that is signed as a whole.
    pub fn signed_answer(&self, says: &Says) -> String {
        self.signed(&says.response(&says.assertion()), "r1")
    }
}

impl Says {
    fn in_response_to(&self) -> String {
        self.request_id.as_ref().map(|id| format!(" InResponseTo=\"{id}\"")).unwrap_or_default()
    }

    pub fn assertion(&self) -> String {
        let Says { id, issuer, audience, answer_to, subject, from, until, .. } = self;
        let attributes: String = self
            .attributes
            .iter()
            .map(|(name, value)| {
                format!(
                    "<saml:Attribute Name=\"{name}\"><saml:AttributeValue>{value}</saml:AttributeValue>\
                     </saml:Attribute>"
                )
            })
            .collect();
        format!(
            "<saml:Assertion xmlns:saml=\"{SAML}\" ID=\"{id}\" IssueInstant=\"{from}\" Version=\"2.0\">\
             <saml:Issuer>{issuer}</saml:Issuer><saml:Subject><saml:NameID>{subject}</saml:NameID>\
             <saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\">\
             <saml:SubjectConfirmationData{} NotOnOrAfter=\"{until}\" Recipient=\"{answer_to}\">\
             </saml:SubjectConfirmationData></saml:SubjectConfirmation></saml:Subject>\
             <saml:Conditions NotBefore=\"{from}\" NotOnOrAfter=\"{until}\"><saml:AudienceRestriction>\
             <saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions>\
             <saml:AuthnStatement AuthnInstant=\"{from}\"></saml:AuthnStatement>\
             <saml:AttributeStatement>{attributes}</saml:AttributeStatement></saml:Assertion>",
            self.in_response_to()
        )
    }

    /// An answer around an assertion.
    pub fn response(&self, assertion: &str) -> String {
        let Says { issuer, answer_to, from, .. } = self;
        format!(
            "<samlp:Response xmlns:samlp=\"{SAMLP}\" Destination=\"{answer_to}\" ID=\"r1\"{} \
             IssueInstant=\"{from}\" Version=\"2.0\"><saml:Issuer xmlns:saml=\"{SAML}\">{issuer}</saml:Issuer>\
             <samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\">\
             </samlp:StatusCode></samlp:Status>{assertion}</samlp:Response>",
            self.in_response_to()
        )
    }
}

/// A DER element of any length below 64 KiB.
fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let length = u16::try_from(body.len()).expect("a short body").to_be_bytes();
    let head = match body.len() {
        0..128 => vec![tag, length[1]],
        128..256 => vec![tag, 0x81, length[1]],
        _ => vec![tag, 0x82, length[0], length[1]],
    };
    [head, body].concat()
}
