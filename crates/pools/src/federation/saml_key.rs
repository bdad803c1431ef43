//! The key that a pool's SAML requests are signed by (`RequestSigningAlgorithm`), and the certificate that providers know
//! it by: made when it is first asked for, and kept, since providers are told of it by hand.

use crate::Pools;
use crate::auth::saml::entity_id;
use crate::provider::EncryptionKey;
use anyhow::{Context as _, Result};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use postern_model::cognito_idp::errors::TooManyRequestsException;
use postern_model::{Answer, refusal};
use postern_store::identity_providers::RequestKeyRow;
use postern_store::{Timestamp, random};
use time::OffsetDateTime;

/// How long a certificate says that it is good, in years.
const YEARS: i32 = 10;
/// `sha256WithRSAEncryption`, with its NULL.
const RSA_SHA256: &[u8] =
    &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00];
/// `id-at-commonName`.
const COMMON_NAME: &[u8] = &[0x06, 0x03, 0x55, 0x04, 0x03];

impl Pools {
    /// A pool's key with its certificate, made now if it has none.
    pub async fn request_key(&self, pool_id: &str) -> Answer<RequestKeyRow> {
        let id = pool_id.to_owned();
        let found: Result<Option<RequestKeyRow>> = self.store.read(move |tx| tx.find_request_key(&id)).await;
        if let Some(row) = found? {
            return Ok(row);
        }
        let made = self.made(pool_id).await?;
        let id = pool_id.to_owned();
        let stands: Result<RequestKeyRow> = self
            .store
            .write(move |tx| {
                // Whoever was first made the one that stands.
                tx.add_request_key(&id, &made)?;
                tx.find_request_key(&id)?.context("a key that was just made is there")
            })
            .await;
        Ok(stands?)
    }
}

impl Pools {
    /// Makes a key that a provider of a pool encrypts to.
    pub(crate) async fn fresh_encryption_key(&self, pool_id: &str) -> Answer<EncryptionKey> {
        Ok(EncryptionKey::of(&self.made(pool_id).await?))
    }

    async fn made(&self, pool_id: &str) -> Answer<RequestKeyRow> {
        let (now, name) = (self.clock.now(), entity_id(pool_id));
        let made = self.signers.run(move || make(&name, now)).await;
        Ok(made.map_err(|_| refusal(TooManyRequestsException, "Too many requests"))??)
    }
}

/// Makes a key and a certificate of it, signed by itself. Takes about a tenth of a second of one core.
fn make(name: &str, now: Timestamp) -> Result<RequestKeyRow> {
    let pair = KeyPair::generate(KeySize::Rsa2048).ok().context("an RSA key cannot be made")?;
    let private: Pkcs8V1Der<'_> = pair.as_der().ok().context("an RSA key cannot be encoded")?;
    let public: PublicKeyX509Der<'_> =
        pair.public_key().as_der().ok().context("a public key cannot be encoded")?;
    let from = OffsetDateTime::from_unix_timestamp(now.seconds())?;
    let later = |from: OffsetDateTime| from.replace_year(from.year() + YEARS);
    // Ten years after a leap day there is none.
    let until = later(from).or_else(|_| from.replace_day(28).and_then(later))?;
    let validity = tlv(0x30, &[&moment(from), &moment(until)]);
    let name = tlv(0x30, &[&tlv(0x31, &[&tlv(0x30, &[COMMON_NAME, &tlv(0x0c, &[name.as_bytes()])])])]);
    // Positive, and never zero.
    let mut serial = random::bytes::<16>();
    serial[0] = serial[0] & 0x7f | 1;
    let version = tlv(0xa0, &[&tlv(2, &[&[2]])]);
    let parts: [&[u8]; 7] =
        [&version, &tlv(2, &[&serial]), RSA_SHA256, &name, &validity, &name, public.as_ref()];
    let certified = tlv(0x30, &parts);
    let signature = tlv(3, &[&[0], &sign(&pair, &certified)?]);
    Ok(RequestKeyRow {
        private_key: private.as_ref().to_vec(),
        certificate: tlv(0x30, &[&certified, RSA_SHA256, &signature]),
        created: now,
    })
}

/// Signs by a stored key (RSASSA-PKCS1-v1_5 with SHA-256).
pub fn sign_by(private_key: &[u8], bytes: &[u8]) -> Result<Vec<u8>> {
    let pair = KeyPair::from_pkcs8(private_key).ok().context("a key of SAML requests cannot be read")?;
    sign(&pair, bytes)
}

fn sign(pair: &KeyPair, bytes: &[u8]) -> Result<Vec<u8>> {
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), bytes, &mut signature)
        .ok()
        .context("a SAML request cannot be signed")?;
    Ok(signature)
}

/// A moment as certificates write it: `UTCTime` until 2049, `GeneralizedTime` from then on (RFC 5280 §4.1.2.5).
fn moment(at: OffsetDateTime) -> Vec<u8> {
    let rest = format!(
        "{:02}{:02}{:02}{:02}{:02}Z",
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    );
    match at.year() {
        1950..2050 => tlv(0x17, &[format!("{:02}{rest}", at.year() % 100).as_bytes()]),
        year => tlv(0x18, &[format!("{year:04}{rest}").as_bytes()]),
    }
}

/// An element of DER (X.690 §8.1).
fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = vec![tag];
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let bytes = length.to_be_bytes();
            let significant = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
            out.push(0x80 | significant.len() as u8);
            out.extend(significant);
        }
    }
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
    use x509_cert::Certificate;
    use x509_cert::der::{Decode, Encode};

    #[test]
    fn a_certificate_is_of_the_key_and_signed_by_it() {
        let now = Timestamp::from_ms(1_767_323_045_000);
        let row = make("urn:amazon:cognito:sp:us-east-1_A", now).expect("a key");
        let certificate = Certificate::from_der(&row.certificate).expect("a certificate");
        let of = &certificate.tbs_certificate;
        assert_eq!(of.subject.to_string(), "CN=urn:amazon:cognito:sp:us-east-1_A");
        assert_eq!(of.subject, of.issuer);
        assert_eq!(of.validity.not_before.to_unix_duration().as_secs(), 1_767_323_045);
        assert_eq!(of.validity.not_after.to_unix_duration().as_secs(), 2_082_855_845);
        let key = of.subject_public_key_info.to_der().expect("DER");
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key);
        let signed = of.to_der().expect("DER");
        key.verify(&signed, certificate.signature.raw_bytes()).expect("its own signature");
        key.verify(b"x", &sign_by(&row.private_key, b"x").expect("a signature")).expect("a good signature");
        assert!(key.verify(b"y", &sign_by(&row.private_key, b"x").expect("a signature")).is_err());
    }

    #[test]
    fn moments_are_written_as_certificates_do() {
        let at = |seconds| {
            String::from_utf8(
                moment(OffsetDateTime::from_unix_timestamp(seconds).expect("a time"))[2..].to_vec(),
            )
        };
        assert_eq!(at(1_767_323_045).as_deref(), Ok("260102030405Z"));
        assert_eq!(at(2_524_608_000).as_deref(), Ok("20500101000000Z"));
    }
}
