//! Encrypted assertions (SAML Core §6.1, XML Encryption 1.1 §3): a key of one use, itself encrypted to the pool's certificate,
//! opens them. That something is wrong is all that is ever told, so that nobody learns from wrong guesses.

use super::{SIGNATURE, decoded, only};
use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::cipher::{
    AES_128, AES_256, AES_CBC_IV_LEN, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey,
};
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm, OaepPrivateDecryptingKey, PrivateDecryptingKey,
};
use roxmltree::Node;

const XENC: &str = "http://www.w3.org/2001/04/xmlenc#";
const SHA1: &str = "http://www.w3.org/2000/09/xmldsig#sha1";
const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
const MGF1_SHA256: &str = "http://www.w3.org/2009/xmlenc11#mgf1sha256";

/// Opens an `EncryptedAssertion` by a private key (PKCS #8); gives the text of what is in it.
pub fn opened(envelope: Node<'_, '_>, private_key: &[u8]) -> Option<String> {
    let data = only(envelope, XENC, "EncryptedData")?;
    // The key lies in what it opens, or beside it.
    let inside = only(data, SIGNATURE, "KeyInfo").and_then(|info| only(info, XENC, "EncryptedKey"));
    let key = inside.or_else(|| only(envelope, XENC, "EncryptedKey"))?;
    let content_key = content_key(key, private_key)?;
    String::from_utf8(content(algorithm(data)?, &content_key, ciphertext(data)?)?).ok()
}

fn content_key(encrypted: Node<'_, '_>, private_key: &[u8]) -> Option<Vec<u8>> {
    let key = PrivateDecryptingKey::from_pkcs8(private_key).ok()?;
    let key = OaepPrivateDecryptingKey::new(key).ok()?;
    let mut out = vec![0; key.min_output_size()];
    let opened = key.decrypt(oaep(encrypted)?, &ciphertext(encrypted)?, &mut out, None).ok()?;
    Some(opened.to_vec())
}

/// How a key is encrypted. RSA as PKCS #1 1.5 has it is not taken: its wrong guesses tell too much.
fn oaep(encrypted: Node<'_, '_>) -> Option<&'static OaepAlgorithm> {
    let method = only(encrypted, XENC, "EncryptionMethod")?;
    let digest = only(method, SIGNATURE, "DigestMethod").and_then(|digest| digest.attribute("Algorithm"));
    let mask =
        only(method, "http://www.w3.org/2009/xmlenc11#", "MGF").and_then(|mask| mask.attribute("Algorithm"));
    match (method.attribute("Algorithm")?, digest, mask) {
        ("http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p", None | Some(SHA1), None) => {
            Some(&OAEP_SHA1_MGF1SHA1)
        }
        ("http://www.w3.org/2009/xmlenc11#rsa-oaep", Some(SHA256), Some(MGF1_SHA256)) => {
            Some(&OAEP_SHA256_MGF1SHA256)
        }
        _ => None,
    }
}

fn algorithm<'a>(encrypted: Node<'a, '_>) -> Option<&'a str> {
    only(encrypted, XENC, "EncryptionMethod")?.attribute("Algorithm")
}

fn ciphertext(encrypted: Node<'_, '_>) -> Option<Vec<u8>> {
    decoded(only(only(encrypted, XENC, "CipherData")?, XENC, "CipherValue")?)
}

/// What was encrypted, by an algorithm and its key; what it starts from stands before it.
fn content(algorithm: &str, key: &[u8], mut sealed: Vec<u8>) -> Option<Vec<u8>> {
    let by_gcm = |algorithm, key, mut sealed: Vec<u8>| {
        let key = LessSafeKey::new(UnboundKey::new(algorithm, key).ok()?);
        let mut rest = sealed.split_off(NONCE_LEN.min(sealed.len()));
        let nonce = Nonce::try_assume_unique_for_key(&sealed).ok()?;
        Some(key.open_in_place(nonce, Aad::empty(), &mut rest).ok()?.to_vec())
    };
    let cbc = match algorithm {
        "http://www.w3.org/2009/xmlenc11#aes128-gcm" => return by_gcm(&AES_128_GCM, key, sealed),
        "http://www.w3.org/2009/xmlenc11#aes256-gcm" => return by_gcm(&AES_256_GCM, key, sealed),
        "http://www.w3.org/2001/04/xmlenc#aes128-cbc" => &AES_128,
        "http://www.w3.org/2001/04/xmlenc#aes256-cbc" => &AES_256,
        _ => return None,
    };
    let key = PaddedBlockDecryptingKey::cbc_iso10126(UnboundCipherKey::new(cbc, key).ok()?).ok()?;
    let mut rest = sealed.split_off(AES_CBC_IV_LEN.min(sealed.len()));
    let start: [u8; AES_CBC_IV_LEN] = sealed.try_into().ok()?;
    let opened = key.decrypt(&mut rest, DecryptionContext::Iv128(start.into())).ok()?;
    Some(opened.to_vec())
}
