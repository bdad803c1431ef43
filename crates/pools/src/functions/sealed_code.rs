//! Codes for custom senders, encrypted so that only whoever shares a key with the operator can read them: messages of
//! the AWS Encryption SDK, whose libraries open them (its message format, version 2, with the algorithm suite 0x0478:
//! AES-256-GCM, HKDF with SHA-512 and key commitment; the data key wrapped by a raw AES keyring).

use anyhow::{Result, anyhow};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA512, KeyType, Salt};
use postern_mail::transport::functions::CodeKey;
use postern_store::random;

/// The namespace of the raw AES keyring; the key's name in it is the ARN that the pool's `KMSKeyID` says.
pub const NAMESPACE: &str = "postern";

const VERSION: u8 = 2;
const SUITE: [u8; 2] = [0x04, 0x78];
const FRAMED: u8 = 2;
const FRAME_LENGTH: u32 = 4096;
const TAG: usize = 16;
const NONCE: usize = 12;

/// Encrypts a text under a shared key, with a context that whoever opens it can compare.
pub fn seal(key: &CodeKey, key_name: &str, context: &[(&str, &str)], text: &str) -> Result<Vec<u8>> {
    let context = serialized(context);
    let data_key: [u8; 32] = random::bytes();
    let message_id: [u8; 32] = random::bytes();
    let mut message = vec![VERSION];
    message.extend_from_slice(&SUITE);
    message.extend_from_slice(&message_id);
    push_sized(&mut message, &context);
    push_wrapped_key(&mut message, key, key_name, &context, data_key)?;
    message.push(FRAMED);
    message.extend_from_slice(&FRAME_LENGTH.to_be_bytes());
    message.extend_from_slice(&derived(&data_key, &message_id, &[b"COMMITKEY"])?);
    let key = derived(&data_key, &message_id, &[&SUITE, b"DERIVEKEY"])?;
    // The header is bound by the tag of an empty text.
    let tag = encrypt(&key, [0; NONCE], &message, Vec::new())?;
    message.extend_from_slice(&tag);
    push_final_frame(&mut message, &key, &message_id, text.as_bytes())?;
    Ok(message)
}

/// One frame, the last, holds all: codes are short.
fn push_final_frame(message: &mut Vec<u8>, key: &[u8; 32], message_id: &[u8], text: &[u8]) -> Result<()> {
    const NUMBER: u32 = 1;
    let length = u32::try_from(text.len())?;
    anyhow::ensure!(length <= FRAME_LENGTH, "a code has more than {FRAME_LENGTH} bytes");
    let mut nonce = [0; NONCE];
    nonce[NONCE - 4..].copy_from_slice(&NUMBER.to_be_bytes());
    let bound = [
        message_id,
        b"AWSKMSEncryptionClient Final Frame",
        &NUMBER.to_be_bytes(),
        &u64::from(length).to_be_bytes(),
    ]
    .concat();
    message.extend_from_slice(&u32::MAX.to_be_bytes());
    message.extend_from_slice(&NUMBER.to_be_bytes());
    message.extend_from_slice(&nonce);
    message.extend_from_slice(&length.to_be_bytes());
    message.extend_from_slice(&encrypt(key, nonce, &bound, text.to_vec())?);
    Ok(())
}

/// The data key, wrapped as a raw AES keyring does it: its name, the lengths of tag and nonce, and the nonce.
fn push_wrapped_key(
    message: &mut Vec<u8>,
    key: &CodeKey,
    key_name: &str,
    context: &[u8],
    data_key: [u8; 32],
) -> Result<()> {
    let nonce: [u8; NONCE] = random::bytes();
    let wrapped = encrypt(&key.0, nonce, context, data_key.to_vec())?;
    let mut info = key_name.as_bytes().to_vec();
    info.extend_from_slice(&(TAG as u32 * 8).to_be_bytes());
    info.extend_from_slice(&(NONCE as u32).to_be_bytes());
    info.extend_from_slice(&nonce);
    message.extend_from_slice(&1_u16.to_be_bytes());
    push_sized(message, NAMESPACE.as_bytes());
    push_sized(message, &info);
    push_sized(message, &wrapped);
    Ok(())
}

/// Pairs in order of their names, each part behind its length.
fn serialized(context: &[(&str, &str)]) -> Vec<u8> {
    let mut pairs = context.to_vec();
    pairs.sort_unstable();
    let mut bytes = Vec::new();
    if !pairs.is_empty() {
        bytes.extend_from_slice(&(pairs.len() as u16).to_be_bytes());
    }
    for (name, value) in pairs {
        push_sized(&mut bytes, name.as_bytes());
        push_sized(&mut bytes, value.as_bytes());
    }
    bytes
}

fn push_sized(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend_from_slice(&(part.len() as u16).to_be_bytes());
    bytes.extend_from_slice(part);
}

fn encrypt(key: &[u8; 32], nonce: [u8; NONCE], bound: &[u8], mut text: Vec<u8>) -> Result<Vec<u8>> {
    let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| anyhow!("a key for codes cannot be used"))?;
    LessSafeKey::new(key)
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(bound), &mut text)
        .map_err(|_| anyhow!("a code cannot be encrypted"))?;
    Ok(text)
}

struct Length;

impl KeyType for Length {
    fn len(&self) -> usize {
        32
    }
}

fn derived(data_key: &[u8], message_id: &[u8], info: &[&[u8]]) -> Result<[u8; 32]> {
    let mut key = [0; 32];
    Salt::new(HKDF_SHA512, message_id)
        .extract(data_key)
        .expand(info, Length)
        .and_then(|derived| derived.fill(&mut key))
        .map_err(|_| anyhow!("a key cannot be derived"))?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_its_key_and_context_and_hides_the_text() {
        let key = CodeKey([7; 32]);
        let context = [("userpool-id", "us-east-1_x")];
        let sealed = seal(&key, "arn:aws:kms:us-east-1:1:key/k", &context, "12345678").expect("sealed");
        assert_eq!(sealed[..3], [2, 0x04, 0x78]);
        let has = |text: &str| sealed.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(has("userpool-id") && has("us-east-1_x") && has("postern") && has("arn:aws:kms:"));
        assert!(!has("12345678"));
        assert_ne!(
            sealed,
            seal(&key, "arn:aws:kms:us-east-1:1:key/k", &context, "12345678").expect("sealed")
        );
    }
}
