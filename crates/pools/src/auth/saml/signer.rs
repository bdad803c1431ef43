//! A SAML provider for tests. It writes everything as it is signed, byte by byte, so that it shares no code with what
//! reads it.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey,
};
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
    /// The session at the provider.
    pub session: String,
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

    /// Signs bytes that stand beside a message.
    pub fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.0.sign(&SystemRandom::new(), bytes).expect("a signature").as_ref().to_vec()
    }

    /// Metadata with a place to sign out.
    pub fn metadata_with_logout(&self, entity_id: &str, sign_in: &str, sign_out: &str) -> String {
        let service = format!(
            "<md:SingleLogoutService Binding=\"{BINDING}:HTTP-Redirect\" Location=\"{sign_out}\" \
             ResponseLocation=\"{sign_out}/done\"/><md:SingleSignOnService"
        );
        self.metadata(entity_id, sign_in).replace("<md:SingleSignOnService", &service)
    }

    /// A request to end sessions, by the provider `https://idp.example.com`.
    pub fn logout_request(&self, to: &str, subject: &str, indexes: &[&str]) -> String {
        self.signed(&Signer::unsigned_logout_request(to, subject, indexes), "q1")
    }

    pub fn unsigned_logout_request(to: &str, subject: &str, indexes: &[&str]) -> String {
        let indexes: String =
            indexes.iter().map(|index| format!("<samlp:SessionIndex>{index}</samlp:SessionIndex>")).collect();
        let content = format!("<saml:NameID xmlns:saml=\"{SAML}\">{subject}</saml:NameID>{indexes}");
        about_logout("LogoutRequest", "q1", to, "", &content)
    }

    /// What the provider says when it was asked to end a session.
    pub fn logout_answer(&self, to: &str, request_id: &str, status: &str) -> String {
        let status = format!(
            "<samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:{status}\">\
             </samlp:StatusCode></samlp:Status>"
        );
        let to_request = format!(" InResponseTo=\"{request_id}\"");
        self.signed(&about_logout("LogoutResponse", "l1", to, &to_request, &status), "l1")
    }

    /// An answer whose assertion is signed, and encrypted to a key (`SubjectPublicKeyInfo`, DER).
    pub fn sealed_answer(&self, says: &Says, way: Way, key: &[u8]) -> String {
        says.response(&sealed(&self.signed(&says.assertion(), &says.id), way, key))
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
        let Says { id, issuer, audience, answer_to, subject, session, from, until, .. } = self;
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
             <saml:AuthnStatement AuthnInstant=\"{from}\" SessionIndex=\"{session}\"></saml:AuthnStatement>\
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

/// How something is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// AES-256 in CBC mode, its key by RSA-OAEP with SHA-1: what most providers do.
    Cbc,
    /// AES-256-GCM, its key by RSA-OAEP with SHA-256.
    Gcm,
}

/// An element encrypted to a key.
pub fn sealed(element: &str, way: Way, key: &[u8]) -> String {
    let content_key = [7; 32];
    let mut text = element.as_bytes().to_vec();
    let (data, transport, hashes, start) = match way {
        Way::Cbc => {
            // As XML Encryption pads: the last byte tells how many, the others are any.
            let more = 16 - text.len() % 16;
            text.extend(vec![0xaa; more - 1]);
            text.push(u8::try_from(more).expect("a block"));
            let key = EncryptingKey::cbc(UnboundCipherKey::new(&AES_256, &content_key).expect("a key"));
            let context = EncryptionContext::Iv128([9; 16].into());
            key.expect("a key").less_safe_encrypt(&mut text, context).expect("whole blocks");
            ("2001/04/xmlenc#aes256-cbc", "2001/04/xmlenc#rsa-oaep-mgf1p", "", 16)
        }
        Way::Gcm => {
            let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &content_key).expect("a key"));
            let nonce = Nonce::assume_unique_for_key([9; 12]);
            key.seal_in_place_append_tag(nonce, Aad::empty(), &mut text).expect("a seal");
            let hashes = "<ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"></ds:DigestMethod><xenc11:MGF \
                 xmlns:xenc11=\"http://www.w3.org/2009/xmlenc11#\" \
                 Algorithm=\"http://www.w3.org/2009/xmlenc11#mgf1sha256\"></xenc11:MGF>";
            ("2009/xmlenc11#aes256-gcm", "2009/xmlenc11#rsa-oaep", hashes, 12)
        }
    };
    let oaep = if way == Way::Cbc { &OAEP_SHA1_MGF1SHA1 } else { &OAEP_SHA256_MGF1SHA256 };
    let key =
        OaepPublicEncryptingKey::new(PublicEncryptingKey::from_der(key).expect("a key")).expect("a key");
    let mut out = vec![0; key.ciphertext_size()];
    let carried = STANDARD.encode(key.encrypt(oaep, &content_key, &mut out, None).expect("an encrypted key"));
    let text = STANDARD.encode([&vec![9; start], &text[..]].concat());
    let method = |algorithm: &str, more: &str| {
        format!(
            "<xenc:EncryptionMethod Algorithm=\"http://www.w3.org/{algorithm}\">{more}</xenc:EncryptionMethod>"
        )
    };
    let value = |value: &str| {
        format!("<xenc:CipherData><xenc:CipherValue>{value}</xenc:CipherValue></xenc:CipherData>")
    };
    format!(
        "<saml:EncryptedAssertion xmlns:saml=\"{SAML}\"><xenc:EncryptedData \
         xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\">{}<ds:KeyInfo xmlns:ds=\"{DS}\"><xenc:EncryptedKey>{}{}\
         </xenc:EncryptedKey></ds:KeyInfo>{}</xenc:EncryptedData></saml:EncryptedAssertion>",
        method(data, ""),
        method(transport, hashes),
        value(&carried),
        value(&text),
    )
}

/// A message about a sign-out.
fn about_logout(kind: &str, id: &str, to: &str, more: &str, content: &str) -> String {
    format!(
        "<samlp:{kind} xmlns:samlp=\"{SAMLP}\" Destination=\"{to}\" ID=\"{id}\"{more} \
         IssueInstant=\"2026-01-02T03:04:00Z\" Version=\"2.0\"><saml:Issuer xmlns:saml=\"{SAML}\">\
         https://idp.example.com</saml:Issuer>{content}</samlp:{kind}>"
    )
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
