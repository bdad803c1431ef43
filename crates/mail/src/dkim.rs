//! Signs mails with an identity's key: rsa-sha256, relaxed/relaxed (RFC 6376), over-signed where a second
//! copy of a field would change what a reader sees.

use anyhow::{Context as _, Result, anyhow};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_store::Timestamp;

use crate::header::{self, Field};

/// The fields signed; a name given twice also vouches that there is no second one.
const SIGNED: &str = "From:From:To:Subject:Subject:Date:Message-ID:MIME-Version:Content-Type:Reply-To:Reply-To:\
    Auto-Submitted";
/// Seconds a signature is good for: retries and slow relays fit in, a replay next week does not.
const LIFE_S: i64 = 3 * 24 * 3600;

/// A private key with the names under which its public half is published.
pub struct Key {
    pub domain: String,
    pub selector: String,
    pair: RsaKeyPair,
}

/// Makes a new RSA key of 2048 bits, as PKCS#8. Takes some 100 ms: never on an async thread.
pub fn generate() -> Result<Vec<u8>> {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).context("no RSA key was made")?;
    let der: Pkcs8V1Der<'_> = pair.as_der().context("the key has no PKCS#8 form")?;
    Ok(der.as_ref().to_vec())
}

/// Reads a private key as PKCS#8 or PKCS#1, of 2048 bits or more.
fn read(der: &[u8]) -> Result<RsaKeyPair> {
    RsaKeyPair::from_pkcs8(der)
        .or_else(|_| RsaKeyPair::from_der(der))
        .map_err(|why| anyhow!("not an RSA key: {why}"))
}

/// Gives the public half as a TXT record names it (`p=`), base64 of SubjectPublicKeyInfo.
pub fn public_half(private_der: &[u8]) -> Result<String> {
    let pair = read(private_der)?;
    let der: PublicKeyX509Der<'_> = pair.public_key().as_der().context("the key has no public form")?;
    Ok(STANDARD.encode(der.as_ref()))
}

impl Key {
    /// Reads a key for a domain and selector.
    pub fn new(domain: &str, selector: &str, private_der: &[u8]) -> Result<Key> {
        Ok(Key { domain: domain.to_owned(), selector: selector.to_owned(), pair: read(private_der)? })
    }

    /// Gives the message with its signature in front.
    pub fn sign(&self, message: &[u8], now: Timestamp) -> Result<Vec<u8>> {
        let (fields, body) = header::split(message).context("a message of ours comes apart")?;
        let now_s = now.seconds();
        let body_hash = STANDARD.encode(digest(&SHA256, &relaxed_body(body)));
        let unsigned = format!(
            "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d={}; s={};\r\n\tt={now_s}; x={};\r\n\th={};\r\n\tbh={body_hash};\r\n\tb=",
            self.domain,
            self.selector,
            now_s + LIFE_S,
            SIGNED.replace("Message-ID:", "Message-ID:\r\n\t "),
        );
        let mut signed = signed_fields(&fields);
        signed.extend_from_slice(relaxed_field(unsigned.as_bytes()).trim_ascii_end());

        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), &signed, &mut signature)
            .context("the key did not sign")?;
        let signature = STANDARD.encode(&signature);
        let lines = signature.as_bytes().chunks(72).map(String::from_utf8_lossy).collect::<Vec<_>>();
        Ok([unsigned.as_bytes(), lines.join("\r\n\t").as_bytes(), b"\r\n", message].concat())
    }
}

/// Collects the signed fields in order, the lowest first where a name is given again (RFC 6376 §5.4.2).
fn signed_fields(fields: &[Field<'_>]) -> Vec<u8> {
    let mut left: Vec<Field<'_>> = fields.to_vec();
    let mut out = Vec::new();
    for name in SIGNED.split(':') {
        if let Some(at) = left.iter().rposition(|field| field.is(name)) {
            out.extend_from_slice(&relaxed_field(left.remove(at).raw));
        }
    }
    out
}

/// Lower-cases the name, unfolds, and makes every run of white space one space (RFC 6376 §3.4.2).
fn relaxed_field(raw: &[u8]) -> Vec<u8> {
    let colon = raw.iter().position(|&byte| byte == b':').unwrap_or(raw.len());
    let mut out = raw[..colon].trim_ascii().to_ascii_lowercase();
    out.push(b':');
    let unfolded: Vec<u8> =
        raw[(colon + 1).min(raw.len())..].iter().copied().filter(|byte| !b"\r\n".contains(byte)).collect();
    out.extend_from_slice(collapse(&unfolded).trim_ascii());
    out.extend_from_slice(b"\r\n");
    out
}

/// Makes runs of white space one space, drops them at line ends, and drops empty lines at the end (§3.4.4).
fn relaxed_body(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut kept = 0;
    for line in body.split(|&byte| byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line = collapse(line);
        let line = line.strip_suffix(b" ").unwrap_or(&line);
        out.extend_from_slice(line);
        out.extend_from_slice(b"\r\n");
        if !line.is_empty() {
            kept = out.len();
        }
    }
    out.truncate(kept);
    out
}

fn collapse(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for &byte in text {
        match byte {
            b' ' | b'\t' if out.last() == Some(&b' ') => {}
            b' ' | b'\t' => out.push(b' '),
            byte => out.push(byte),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};

    use super::*;

    const MAIL: &[u8] = b"From: Shop <a@shop.example>\r\nTo: b@x.test\r\nSubject: Hi\r\n there\r\n\
        Date: Tue, 14 Nov 2023 22:13:20 +0000\r\nMessage-ID: <1@shop.example>\r\n\r\nYour  code \r\n\r\n\r\n";

    #[test]
    fn white_space_is_relaxed_as_the_rfc_shows() {
        // RFC 6376 §3.4.5, example 1.
        assert_eq!(relaxed_field(b"A: X\r\n"), b"a:X\r\n");
        assert_eq!(relaxed_field(b"B : Y\t\r\n\tZ  \r\n"), b"b:Y Z\r\n");
        assert_eq!(relaxed_body(b" C \r\nD \t E\r\n\r\n\r\n"), b" C\r\nD E\r\n");
        assert_eq!(relaxed_body(b""), b"");
        // The hash of an empty relaxed body, RFC 6376 §3.4.4.
        assert_eq!(
            STANDARD.encode(digest(&SHA256, &relaxed_body(b"\r\n\r\n"))),
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
        );
    }

    /// Verifies as a receiver does: reads the fields that `h=` names from the mail it got.
    fn verifies(mail: &[u8], public: &[u8]) -> bool {
        let (fields, body) = header::split(mail).expect("a mail");
        let own = fields.iter().find(|field| field.is("DKIM-Signature")).expect("a signature");
        let value = own.value().replace(['\t', ' '], "");
        let tag = |name: &str| {
            value.split(';').find_map(|tag| tag.strip_prefix(&format!("{name}="))).expect("a tag").to_owned()
        };
        let mut left = fields.clone();
        let mut data = Vec::new();
        for name in tag("h").split(':') {
            if let Some(at) = left.iter().rposition(|field| field.is(name)) {
                data.extend_from_slice(&relaxed_field(left.remove(at).raw));
            }
        }
        let raw = std::str::from_utf8(own.raw).expect("ASCII");
        let blank = &raw[..raw.rfind("\tb=").expect("b=") + 3];
        data.extend_from_slice(relaxed_field(blank.as_bytes()).trim_ascii_end());
        let signature = STANDARD.decode(tag("b")).expect("base64");
        let key = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public).expect("a key");
        STANDARD.encode(digest(&SHA256, &relaxed_body(body))) == tag("bh")
            && key.verify_sig(&data, &signature).is_ok()
    }

    #[test]
    fn a_signature_holds_until_the_mail_is_changed() {
        let private = generate().expect("a key");
        let public = STANDARD.decode(public_half(&private).expect("public")).expect("base64");
        let key = Key::new("shop.example", "sel", &private).expect("a key");
        let signed = key.sign(MAIL, Timestamp::from_ms(1_700_000_000_000)).expect("signed");
        let text = String::from_utf8(signed.clone()).expect("ASCII");
        assert!(text.lines().all(|line| line.len() <= 100));
        assert!(verifies(&signed, &public));

        let changed = |from: &str, to: &str| verifies(text.replace(from, to).as_bytes(), &public);
        assert!(changed("Hi\r\n there", "Hi   there"), "refolding does no harm");
        assert!(changed("Your  code ", "Your code"), "white space does no harm");
        assert!(!changed("Your  code", "Your  coda"));
        assert!(!changed("Subject: Hi", "Subject: Ho"));
        assert!(!changed("To: b@x.test\r\n", "To: b@x.test\r\nReply-To: evil@x.test\r\n"));
        assert!(!changed("Subject: Hi", "Subject: Ho\r\nSubject: Hi"));
    }

    #[test]
    fn only_an_rsa_key_is_a_key() {
        assert!(Key::new("shop.example", "sel", b"nonsense").is_err());
        assert!(public_half(&[]).is_err());
    }
}
