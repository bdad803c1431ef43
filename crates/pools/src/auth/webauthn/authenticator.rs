//! An authenticator in software, for tests: it makes passkeys and answers ceremonies, rightly or with whatever is to be
//! wrong about the answer.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaPublicKeyComponents,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use ciborium::Value as Cbor;
use serde_json::{Value, json};

pub const PRESENT: u8 = 0x01;
pub const VERIFIED: u8 = 0x04;
pub const BACKUP_ELIGIBLE: u8 = 0x08;
pub const BACKED_UP: u8 = 0x10;
const HAS_CREDENTIAL: u8 = 0x40;

/// What a ceremony is about; a test spoils what it likes.
#[derive(Clone, Debug)]
pub struct Ceremony {
    pub kind: &'static str,
    pub challenge: String,
    pub origin: String,
    pub party: String,
    pub flags: u8,
    pub count: u32,
    pub is_framed: bool,
    /// Bytes put behind the authenticator's data, and then signed like all of it.
    pub behind: Vec<u8>,
}

impl Ceremony {
    pub fn create(challenge: &str, party: &str) -> Ceremony {
        Ceremony::of("webauthn.create", challenge, party)
    }

    pub fn get(challenge: &str, party: &str) -> Ceremony {
        Ceremony::of("webauthn.get", challenge, party)
    }

    fn of(kind: &'static str, challenge: &str, party: &str) -> Ceremony {
        let scheme = if party == "localhost" { "http" } else { "https" };
        Ceremony {
            kind,
            challenge: challenge.to_owned(),
            origin: format!("{scheme}://{party}"),
            party: party.to_owned(),
            flags: PRESENT | VERIFIED,
            count: 0,
            is_framed: false,
            behind: Vec::new(),
        }
    }

    fn client_data(&self) -> Vec<u8> {
        let mut words = json!({
            "type": self.kind,
            "challenge": self.challenge,
            "origin": self.origin,
            "crossOrigin": self.is_framed,
        });
        if self.is_framed {
            words["topOrigin"] = "https://evil.example".into();
        }
        words.to_string().into_bytes()
    }

    fn data(&self, credential: &[u8]) -> Vec<u8> {
        let flags = if credential.is_empty() { self.flags } else { self.flags | HAS_CREDENTIAL };
        let party = hash(self.party.as_bytes());
        [&party[..], &[flags], &self.count.to_be_bytes(), credential, &self.behind].concat()
    }
}

/// How a new passkey is attested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attested {
    No,
    ByItself,
    ByCertificate {
        /// The model that the certificate names.
        model: [u8; 16],
        is_authority: bool,
    },
}

pub enum Key {
    Es256(EcdsaKeyPair),
    Rs256(RsaKeyPair),
}

/// A passkey in the authenticator's keeping.
pub struct Passkey {
    pub id: Vec<u8>,
    pub model: [u8; 16],
    pub user_handle: Option<Vec<u8>>,
    /// What it calls its algorithm.
    pub algorithm: i64,
    pub key: Key,
}

impl Passkey {
    pub fn fresh() -> Passkey {
        Passkey::with(-7, Key::Es256(ec_key()))
    }

    pub fn rsa() -> Passkey {
        Passkey::with(-257, Key::Rs256(RsaKeyPair::generate(KeySize::Rsa2048).expect("an RSA key")))
    }

    fn with(algorithm: i64, key: Key) -> Passkey {
        let public = match &key {
            Key::Es256(key) => key.public_key().as_ref().to_vec(),
            Key::Rs256(key) => key.public_key().as_ref().to_vec(),
        };
        Passkey { id: hash(&public)[..20].to_vec(), model: [7; 16], user_handle: None, algorithm, key }
    }

    /// A COSE_Key.
    pub fn public_key(&self) -> Vec<u8> {
        let number = |n: i64| Cbor::from(n);
        let pairs = match &self.key {
            Key::Es256(key) => {
                let point = key.public_key().as_ref();
                vec![
                    (number(1), number(2)),
                    (number(3), number(self.algorithm)),
                    (number(-1), number(1)),
                    (number(-2), Cbor::from(&point[1..33])),
                    (number(-3), Cbor::from(&point[33..])),
                ]
            }
            Key::Rs256(key) => {
                let parts = RsaPublicKeyComponents::<Vec<u8>>::from(key.public_key());
                vec![
                    (number(1), number(3)),
                    (number(3), number(self.algorithm)),
                    (number(-1), Cbor::from(parts.n)),
                    (number(-2), Cbor::from(parts.e)),
                ]
            }
        };
        cbor(&Cbor::Map(pairs))
    }

    /// Answers a registration.
    pub fn registers(&self, ceremony: &Ceremony, attested: Attested) -> Value {
        let length = (self.id.len() as u16).to_be_bytes();
        let credential = [&self.model[..], &length, &self.id, &self.public_key()].concat();
        let data = ceremony.data(&credential);
        let client_data = ceremony.client_data();
        let signed = [&data[..], &hash(&client_data)].concat();
        let text = |name: &str| Cbor::from(name);
        let (format, statement) = match attested {
            Attested::No => ("none", vec![]),
            Attested::ByItself => (
                "packed",
                vec![
                    (text("alg"), Cbor::from(self.algorithm)),
                    (text("sig"), Cbor::from(self.signature(&signed))),
                ],
            ),
            Attested::ByCertificate { model, is_authority } => {
                let key = ec_key();
                let certificate = certificate(&key, model, is_authority);
                let statement = vec![
                    (text("alg"), Cbor::from(-7)),
                    (text("sig"), Cbor::from(ec_signature(&key, &signed))),
                    (text("x5c"), Cbor::Array(vec![Cbor::from(certificate)])),
                ];
                ("packed", statement)
            }
        };
        let object = Cbor::Map(vec![
            (text("fmt"), text(format)),
            (text("attStmt"), Cbor::Map(statement)),
            (text("authData"), Cbor::from(data)),
        ]);
        self.envelope(json!({
            "clientDataJSON": BASE64URL.encode(client_data),
            "attestationObject": BASE64URL.encode(cbor(&object)),
            "transports": ["internal", "hybrid"],
        }))
    }

    /// Answers an assertion.
    pub fn asserts(&self, ceremony: &Ceremony) -> Value {
        let data = ceremony.data(&[]);
        let client_data = ceremony.client_data();
        let signature = self.signature(&[&data[..], &hash(&client_data)].concat());
        self.envelope(json!({
            "clientDataJSON": BASE64URL.encode(client_data),
            "authenticatorData": BASE64URL.encode(data),
            "signature": BASE64URL.encode(signature),
            "userHandle": self.user_handle.as_ref().map(|handle| BASE64URL.encode(handle)),
        }))
    }

    fn envelope(&self, response: Value) -> Value {
        json!({
            "id": BASE64URL.encode(&self.id),
            "rawId": BASE64URL.encode(&self.id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": response,
        })
    }

    fn signature(&self, signed: &[u8]) -> Vec<u8> {
        match &self.key {
            Key::Es256(key) => ec_signature(key, signed),
            Key::Rs256(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                let random = SystemRandom::new();
                key.sign(&RSA_PKCS1_SHA256, &random, signed, &mut signature).expect("a signature");
                signature
            }
        }
    }
}

fn ec_key() -> EcdsaKeyPair {
    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("an elliptic curve key")
}

fn ec_signature(key: &EcdsaKeyPair, signed: &[u8]) -> Vec<u8> {
    key.sign(&SystemRandom::new(), signed).expect("a signature").as_ref().to_vec()
}

fn hash(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}

/// Writes an item.
pub fn cbor(value: &Cbor) -> Vec<u8> {
    let mut out = Vec::new();
    ciborium::into_writer(value, &mut out).expect("CBOR can be written");
    out
}

/// A certificate for attestation, by its own key.
fn certificate(key: &EcdsaKeyPair, model: [u8; 16], is_authority: bool) -> Vec<u8> {
    let oid = |bytes: &[u8]| der(0x06, &[bytes]);
    let name = |last: u8, text: &str| {
        der(0x31, &[&der(0x30, &[&oid(&[0x55, 0x04, last]), &der(0x0C, &[text.as_bytes()])])])
    };
    let names = der(
        0x30,
        &[
            &name(6, "SE"),
            &name(10, "Example"),
            &name(11, "Authenticator Attestation"),
            &name(3, "An authenticator"),
        ],
    );
    let ecdsa_with_sha256 = der(0x30, &[&oid(&[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02])]);
    let time = |text: &str| der(0x17, &[text.as_bytes()]);
    let constraints = match is_authority {
        true => der(0x30, &[&[0x01, 0x01, 0xFF]]),
        false => der(0x30, &[]),
    };
    let extensions = der(
        0x30,
        &[
            &der(0x30, &[&oid(&[0x55, 0x1D, 0x13]), &der(0x04, &[&constraints])]),
            &der(
                0x30,
                &[
                    &oid(&[0x2B, 0x06, 0x01, 0x04, 0x01, 0x82, 0xE5, 0x1C, 0x01, 0x01, 0x04]),
                    &der(0x04, &[&der(0x04, &[&model])]),
                ],
            ),
        ],
    );
    let public: PublicKeyX509Der<'_> = key.public_key().as_der().expect("a public key");
    let signed = der(
        0x30,
        &[
            &der(0xA0, &[&[0x02, 0x01, 0x02]]),
            &[0x02, 0x01, 0x01],
            &ecdsa_with_sha256,
            &names,
            &der(0x30, &[&time("250101000000Z"), &time("450101000000Z")]),
            &names,
            public.as_ref(),
            &der(0xA3, &[&extensions]),
        ],
    );
    let signature = [&[0][..], &ec_signature(key, &signed)].concat();
    der(0x30, &[&signed, &ecdsa_with_sha256, &der(0x03, &[&signature])])
}

fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = content.len();
    let head = match length {
        0..=0x7F => vec![tag, length as u8],
        0x80..=0xFF => vec![tag, 0x81, length as u8],
        _ => vec![tag, 0x82, (length >> 8) as u8, length as u8],
    };
    [head, content].concat()
}
