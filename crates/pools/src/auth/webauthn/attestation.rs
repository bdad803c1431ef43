//! What an authenticator says of itself at a registration (WebAuthn §6.5): `none`, and `packed` by its own key or by a
//! certificate. None is asked for, so no maker is trusted for it; but what is said must hold.

use super::cose::{self, PublicKey};
use super::{Fault, cbor};
use aws_lc_rs::signature::ParsedPublicKey;
use x509_cert::Certificate;
use x509_cert::certificate::Version;
use x509_cert::der::asn1::OctetStringRef;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{Decode, Encode, Tag, Tagged};
use x509_cert::ext::pkix::BasicConstraints;

/// `id-fido-gen-ce-aaguid`: the model that a certificate was made for.
const MODEL: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.45724.1.1.4");
const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const COUNTRY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.6");
const ORGANIZATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");
const UNIT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.11");
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
/// What the unit of an attestation certificate is called (WebAuthn §8.2.1).
const UNIT_NAME: &[u8] = b"Authenticator Attestation";

/// An attestation object, taken apart.
pub struct Statement {
    pub authenticator_data: Vec<u8>,
    format: Format,
}

enum Format {
    None,
    /// Signed, by the new key itself where there is no certificate.
    Packed {
        algorithm: i64,
        signature: Vec<u8>,
        certificate: Option<Vec<u8>>,
    },
}

impl Statement {
    pub fn read(object: &[u8]) -> Result<Statement, Fault> {
        let object = cbor::Map::of(cbor::whole(object)?)?;
        let authenticator_data = object.bytes("authData").ok_or(Fault::Malformed)?.to_vec();
        let statement = cbor::Map::of(object.get("attStmt").ok_or(Fault::Malformed)?.clone())?;
        let format = match object.get("fmt").and_then(cbor::Value::as_text).ok_or(Fault::Malformed)? {
            "none" if statement.is_empty() => Format::None,
            "packed" => Format::Packed {
                algorithm: statement.integer("alg").ok_or(Fault::Attestation)?,
                signature: statement.bytes("sig").ok_or(Fault::Attestation)?.to_vec(),
                certificate: match statement.get("x5c") {
                    None => None,
                    Some(chain) => {
                        let leaf = chain.as_array().and_then(|chain| chain.first()?.as_bytes());
                        Some(leaf.ok_or(Fault::Attestation)?.clone())
                    }
                },
            },
            _ => return Err(Fault::Attestation),
        };
        Ok(Statement { authenticator_data, format })
    }

    /// Judges what is said of a new key of a model of authenticator (WebAuthn §8.2, §8.7).
    pub fn judge(&self, key: &PublicKey, model: [u8; 16], client_data_hash: &[u8]) -> Result<(), Fault> {
        let Format::Packed { algorithm, signature, certificate } = &self.format else { return Ok(()) };
        let signed = [&self.authenticator_data[..], client_data_hash].concat();
        let no = |_| Fault::Attestation;
        match certificate {
            None if *algorithm != key.algorithm => Err(Fault::Attestation),
            None => key.verify(&signed, signature).map_err(no),
            Some(certificate) => {
                let certificate = Certificate::from_der(certificate).map_err(|_| Fault::Attestation)?;
                is_for_attestation(&certificate, model)?;
                let its_key = certificate.tbs_certificate.subject_public_key_info.to_der();
                let its_key = its_key.map_err(|_| Fault::Attestation)?;
                let verification = cose::verification(*algorithm).ok_or(Fault::Attestation)?;
                let its_key = ParsedPublicKey::new(verification, its_key).map_err(|_| Fault::Attestation)?;
                its_key.verify_sig(&signed, signature).map_err(|_| Fault::Attestation)
            }
        }
    }
}

/// Checks what a certificate that attests must be (WebAuthn §8.2.1).
fn is_for_attestation(certificate: &Certificate, model: [u8; 16]) -> Result<(), Fault> {
    let certificate = &certificate.tbs_certificate;
    let mut names = certificate.subject.0.iter().flat_map(|names| names.0.iter());
    let has_names = [COUNTRY, ORGANIZATION, COMMON_NAME].iter().all(|oid| {
        certificate.subject.0.iter().flat_map(|names| names.0.iter()).any(|name| name.oid == *oid)
    });
    let is_unit = names.any(|name| {
        let is_text = matches!(name.value.tag(), Tag::Utf8String | Tag::PrintableString);
        name.oid == UNIT && is_text && name.value.value() == UNIT_NAME
    });
    let mut may_sign_certificates = true;
    let mut is_of_model = true;
    for extension in certificate.extensions.iter().flatten() {
        let value = extension.extn_value.as_bytes();
        if extension.extn_id == BASIC_CONSTRAINTS {
            let constraints = BasicConstraints::from_der(value).map_err(|_| Fault::Attestation)?;
            may_sign_certificates = constraints.ca;
        } else if extension.extn_id == MODEL {
            let said = OctetStringRef::from_der(value).map_err(|_| Fault::Attestation)?;
            is_of_model = !extension.critical && said.as_bytes() == model;
        }
    }
    match certificate.version == Version::V3 && has_names && is_unit && is_of_model && !may_sign_certificates
    {
        true => Ok(()),
        false => Err(Fault::Attestation),
    }
}
