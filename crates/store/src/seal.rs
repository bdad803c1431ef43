//! Keys that are not in the database, and what is done with them: sealing what must be read again
//! (AES-256-GCM), and keyed hashes of what must only be recognised (HMAC-SHA-256).

use anyhow::{Context, Result, bail, ensure};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{constant_time, hkdf, hmac};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroize;

/// What a sealed value or keyed hash is for: one purpose's bytes mean nothing to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Codes that were mailed or texted.
    Code,
    /// Handles given to clients: `Session` values, page cookies, mail links.
    Handle,
    /// Refresh tokens and authorization codes.
    Token,
    /// What stands for an account that does not exist.
    Decoy,
    /// Access-key secrets, client secrets.
    Secret,
    /// Private keys.
    PrivateKey,
    /// Mails that wait.
    Mail,
    /// What passwords are proven against, and proofs under way.
    Password,
}

const PURPOSES: [Purpose; 8] = [
    Purpose::Code,
    Purpose::Handle,
    Purpose::Token,
    Purpose::Decoy,
    Purpose::Secret,
    Purpose::PrivateKey,
    Purpose::Mail,
    Purpose::Password,
];

/// The keys derived from one master key, one pair for each purpose.
struct Derived {
    id: [u8; 4],
    seals: Vec<LessSafeKey>,
    macs: Vec<hmac::Key>,
}

/// The master keys: the first seals and hashes, the others still open and recognise.
#[derive(Clone)]
pub struct Keys(Arc<Vec<Derived>>);

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({})", self.0.len())
    }
}

impl Keys {
    /// Takes master keys of 32 bytes each, the current one first.
    pub fn new(masters: &[[u8; 32]]) -> Result<Self> {
        ensure!(!masters.is_empty(), "there is no master key");
        Ok(Keys(Arc::new(masters.iter().map(derive).collect::<Result<_>>()?)))
    }

    /// Reads master keys from text: base64, one a line, the current one first.
    pub fn from_text(text: &str) -> Result<Self> {
        let mut masters = Vec::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let mut bytes = STANDARD.decode(line).context("a master key is not base64")?;
            let key: [u8; 32] =
                bytes.as_slice().try_into().ok().context("a master key is not 32 bytes long")?;
            bytes.zeroize();
            masters.push(key);
        }
        let keys = Keys::new(&masters);
        masters.zeroize();
        keys
    }

    /// Makes the text of a fresh master key, for a new key file.
    pub fn fresh_text() -> String {
        STANDARD.encode(crate::random::bytes::<32>())
    }

    /// Seals a value that only the same purpose opens.
    pub fn seal(&self, purpose: Purpose, plain: &[u8]) -> Vec<u8> {
        let current = &self.0[0];
        let nonce: [u8; NONCE_LEN] = crate::random::bytes();
        let mut sealed = Vec::with_capacity(4 + NONCE_LEN + plain.len() + 16);
        sealed.extend_from_slice(&current.id);
        sealed.extend_from_slice(&nonce);
        let mut body = plain.to_vec();
        current.seals[purpose as usize]
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut body)
            .expect("a value below the cipher's limit of 64 GiB can be sealed");
        sealed.extend_from_slice(&body);
        sealed
    }

    /// Opens what [`Keys::seal`] sealed with this or a previous key.
    pub fn open(&self, purpose: Purpose, sealed: &[u8]) -> Result<Vec<u8>> {
        ensure!(sealed.len() > 4 + NONCE_LEN, "a sealed value is too short");
        let (id, rest) = sealed.split_at(4);
        let (nonce, body) = rest.split_at(NONCE_LEN);
        let Some(key) = self.0.iter().find(|key| key.id == id) else {
            bail!("a value was sealed with a master key that is not here");
        };
        let mut body = body.to_vec();
        let plain_len = key.seals[purpose as usize]
            .open_in_place(Nonce::try_assume_unique_for_key(nonce)?, Aad::empty(), &mut body)
            .ok()
            .context("a sealed value was changed, or sealed for another purpose")?
            .len();
        body.truncate(plain_len);
        Ok(body)
    }

    /// The keyed hash of some parts, under the current key.
    pub fn mac(&self, purpose: Purpose, parts: &[&[u8]]) -> [u8; 32] {
        self.0[0].mac(purpose, parts)
    }

    /// The keyed hashes under every key that is still known, the current one first: for look-ups.
    pub fn macs(&self, purpose: Purpose, parts: &[&[u8]]) -> Vec<[u8; 32]> {
        self.0.iter().map(|key| key.mac(purpose, parts)).collect()
    }

    /// Tells in constant time whether a stored hash is that of these parts, under any known key.
    pub fn mac_matches(&self, purpose: Purpose, parts: &[&[u8]], stored: &[u8]) -> bool {
        self.0.iter().fold(false, |found, key| {
            found | constant_time::verify_slices_are_equal(&key.mac(purpose, parts), stored).is_ok()
        })
    }
}

impl Derived {
    /// Each part is led by its length, so that no two lists of parts hash alike.
    fn mac(&self, purpose: Purpose, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.macs[purpose as usize]);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut out = [0; 32];
        out.copy_from_slice(context.sign().as_ref());
        out
    }
}

fn derive(master: &[u8; 32]) -> Result<Derived> {
    let root = hkdf::Salt::new(hkdf::HKDF_SHA256, b"postern master key").extract(master);
    let expand = |label: String| -> Result<[u8; 32]> {
        let info = [label.as_bytes()];
        let mut out = [0; 32];
        root.expand(&info, hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut out))
            .ok()
            .context("a key cannot be derived")?;
        Ok(out)
    };
    let mut id = [0; 4];
    id.copy_from_slice(&expand("id".into())?[..4]);
    let mut seals = Vec::new();
    let mut macs = Vec::new();
    for purpose in PURPOSES {
        let mut seal = expand(format!("seal {purpose:?}"))?;
        seals.push(LessSafeKey::new(
            UnboundKey::new(&AES_256_GCM, &seal).ok().context("a key cannot be made")?,
        ));
        seal.zeroize();
        let mut mac = expand(format!("mac {purpose:?}"))?;
        macs.push(hmac::Key::new(hmac::HMAC_SHA256, &mac));
        mac.zeroize();
    }
    Ok(Derived { id, seals, macs })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_only_for_its_purpose_and_unchanged() {
        let keys = Keys::new(&[[7; 32]]).expect("keys");
        let sealed = keys.seal(Purpose::Mail, b"12345678");
        assert_eq!(keys.open(Purpose::Mail, &sealed).expect("opens"), b"12345678");
        assert!(keys.open(Purpose::Secret, &sealed).is_err());
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(keys.open(Purpose::Mail, &changed).is_err());
        }
    }

    #[test]
    fn a_previous_key_still_opens_and_recognises() {
        let old = Keys::new(&[[1; 32]]).expect("keys");
        let both = Keys::new(&[[2; 32], [1; 32]]).expect("keys");
        let new = Keys::new(&[[2; 32]]).expect("keys");
        let sealed = old.seal(Purpose::Secret, b"x");
        assert!(both.open(Purpose::Secret, &sealed).is_ok() && new.open(Purpose::Secret, &sealed).is_err());
        let mac = old.mac(Purpose::Code, &[b"a", b"b"]);
        assert!(both.mac_matches(Purpose::Code, &[b"a", b"b"], &mac));
        assert!(!new.mac_matches(Purpose::Code, &[b"a", b"b"], &mac));
        assert!(!both.mac_matches(Purpose::Code, &[b"ab", b""], &mac));
    }
}
