//! Public keys of passkeys (COSE_Key, RFC 9052 §7), and what they sign.

use super::{Fault, cbor};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, VerificationAlgorithm,
};

/// ECDSA with SHA-256 on P-256.
pub const ES256: i64 = -7;
/// RSASSA-PKCS1-v1_5 with SHA-256.
pub const RS256: i64 = -257;

/// Bytes of an RSA modulus at most: larger keys cost their verifier too much.
const MODULUS_MAX: usize = 512;

/// How signatures of an algorithm are verified; nothing for one that is not on offer.
pub fn verification(algorithm: i64) -> Option<&'static dyn VerificationAlgorithm> {
    match algorithm {
        ES256 => Some(&ECDSA_P256_SHA256_ASN1),
        RS256 => Some(&RSA_PKCS1_2048_8192_SHA256),
        _ => None,
    }
}

/// A key of an algorithm on offer.
#[derive(Debug)]
pub struct PublicKey {
    pub algorithm: i64,
    /// A point of the curve, uncompressed, or an RSA key in DER; what a certificate for it would hold.
    key: ParsedPublicKey,
}

impl PublicKey {
    pub fn read(cose: &[u8]) -> Result<PublicKey, Fault> {
        const KEY_TYPE: i64 = 1;
        const ALGORITHM: i64 = 3;
        let map = cbor::Map::of(cbor::whole(cose)?)?;
        let algorithm = map.integer(ALGORITHM).ok_or(Fault::Key)?;
        let bytes = match (map.integer(KEY_TYPE), algorithm) {
            (Some(2), ES256) if map.integer(-1) == Some(1) => {
                let (x, y) = (coordinate(&map, -2)?, coordinate(&map, -3)?);
                [&[4], x, y].concat()
            }
            (Some(3), RS256) => {
                let n = map.bytes(-1).filter(|n| n.len() <= MODULUS_MAX).ok_or(Fault::Key)?;
                let e = map.bytes(-2).filter(|e| e.len() <= 8).ok_or(Fault::Key)?;
                PublicKeyComponents { n, e }.as_der().map_err(|_| Fault::Key)?.as_ref().to_vec()
            }
            _ => return Err(Fault::Key),
        };
        let verification = verification(algorithm).ok_or(Fault::Key)?;
        let key = ParsedPublicKey::new(verification, bytes).map_err(|_| Fault::Key)?;
        Ok(PublicKey { algorithm, key })
    }

    pub fn verify(&self, signed: &[u8], signature: &[u8]) -> Result<(), Fault> {
        self.key.verify_sig(signed, signature).map_err(|_| Fault::Signature)
    }
}

fn coordinate(map: &cbor::Map, key: i64) -> Result<&[u8], Fault> {
    map.bytes(key).filter(|bytes| bytes.len() == 32).ok_or(Fault::Key)
}
