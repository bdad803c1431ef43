//! A pool's signing keys: made, kept sealed, signed with, published, and used to recognise our own tokens.

use anyhow::{Context, Result, anyhow, ensure};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{self, KeyPair as _, RsaPublicKeyComponents};
use aws_lc_rs::{digest, rand};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD as BASE64URL};
use postern_store::pools::SigningKeyRow;
use postern_store::{Timestamp, Tx};
use serde_json::json;
use std::sync::Arc;

/// Which kind of token a key signs; Cognito keeps one for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenUse {
    Id,
    Access,
}

impl TokenUse {
    pub fn as_str(self) -> &'static str {
        match self {
            TokenUse::Id => "id",
            TokenUse::Access => "access",
        }
    }
}

/// How long a new key is published before it signs: longer than anybody may keep the document that publishes it.
pub const LEAD_MS: i64 = 25 * 3_600_000;
/// How long a key is recognised once another one signs: longer than any ID or access token lives.
pub const OVERLAP_MS: i64 = 25 * 3_600_000;

/// A key ready to sign, with the token header that names it already encoded.
pub struct SigningKey {
    pub id: String,
    pub token_use: String,
    active: Timestamp,
    pair: KeyPair,
    modulus: Vec<u8>,
    exponent: Vec<u8>,
    header: String,
}

/// All keys of a pool, those that begin to sign last first.
pub struct PoolKeys {
    keys: Vec<SigningKey>,
}

/// Where the RSA keys of new signing keys come from.
#[derive(Clone)]
pub struct KeySource(Arc<dyn Fn() -> Result<KeyPair> + Send + Sync>);

impl KeySource {
    /// Makes each anew, of 2048 bits. That takes about a tenth of a second of one core.
    pub fn fresh() -> Self {
        KeySource::of(|| KeyPair::generate(KeySize::Rsa2048).ok().context("an RSA key cannot be made"))
    }

    /// Takes them from somebody else, for tests that make many pools. No two may be the same.
    pub fn of(draw: impl Fn() -> Result<KeyPair> + Send + Sync + 'static) -> Self {
        KeySource(Arc::new(draw))
    }

    /// Draws a key that signs from a moment on.
    pub fn draw(&self, token_use: TokenUse, now: Timestamp, active: Timestamp) -> Result<SigningKeyRow> {
        let pair = (self.0)()?;
        let private: Pkcs8V1Der<'_> = pair.as_der().ok().context("an RSA key cannot be encoded")?;
        let public_key = pair.public_key().as_ref().to_vec();
        Ok(SigningKeyRow {
            // Cognito's key ids are the base64 of 32 bytes; ours are the hash of the public key.
            id: STANDARD.encode(digest::digest(&digest::SHA256, &public_key)),
            token_use: token_use.as_str().into(),
            private_key: private.as_ref().to_vec(),
            public_key,
            created: now,
            active,
        })
    }
}

/// Reads a pool's keys.
pub fn of_pool(tx: &mut Tx<'_>, pool_id: &str) -> Result<Arc<PoolKeys>> {
    let version = tx.pool_version(pool_id)?.with_context(|| format!("there is no pool {pool_id}"))?;
    of_version(tx, pool_id, version)
}

/// The same for a pool that was just read. Keys are parsed once for each version of their pool, which is drawn anew
/// when they change.
pub fn of_version(tx: &mut Tx<'_>, pool_id: &str, version: i64) -> Result<Arc<PoolKeys>> {
    let found = tx.cached("signing keys", pool_id, version, |tx| {
        let rows = tx.signing_keys(pool_id)?;
        if rows.is_empty() { Ok(None) } else { PoolKeys::parse(rows).map(Some) }
    })?;
    found.ok_or_else(|| anyhow!("pool {pool_id} has no signing keys"))
}

impl PoolKeys {
    fn parse(rows: Vec<SigningKeyRow>) -> Result<Self> {
        Ok(PoolKeys { keys: rows.into_iter().map(SigningKey::parse).collect::<Result<Vec<_>>>()? })
    }

    /// The document that publishes the keys by which tokens can be recognised now or soon (RFC 7517 §5).
    pub fn jwks(&self, now: Timestamp) -> String {
        let published: Vec<_> = self
            .keys
            .iter()
            .filter(|key| !self.is_retired(key, now))
            .map(|key| {
                json!({
                    "alg": "RS256",
                    "e": BASE64URL.encode(&key.exponent),
                    "kid": key.id,
                    "kty": "RSA",
                    "n": BASE64URL.encode(&key.modulus),
                    "use": "sig",
                })
            })
            .collect();
        json!({ "keys": published }).to_string()
    }

    /// The key that signs tokens of a kind now.
    pub fn signing(&self, token_use: TokenUse, now: Timestamp) -> Result<&SigningKey> {
        self.keys
            .iter()
            .find(|key| key.token_use == token_use.as_str() && key.active <= now)
            .context("a pool lacks a signing key")
    }

    /// The keys that nothing in use is signed by any more.
    pub fn retired(&self, now: Timestamp) -> impl Iterator<Item = &str> {
        self.keys.iter().filter(move |key| self.is_retired(key, now)).map(|key| key.id.as_str())
    }

    /// Tells whether another key has long signed in the place of this one.
    fn is_retired(&self, key: &SigningKey, now: Timestamp) -> bool {
        self.keys.iter().any(|other| {
            other.token_use == key.token_use
                && other.active > key.active
                && other.active.plus_ms(OVERLAP_MS) <= now
        })
    }

    /// What a token says of itself that names a key which is not here, as one that was retired: nothing of it is proven.
    pub fn unproven(&self, token: &str, token_use: TokenUse) -> Option<serde_json::Value> {
        let mut parts = token.split('.');
        let (header, claims) = (json_part(parts.next()?)?, json_part(parts.next()?)?);
        let is_known = self.keys.iter().any(|key| header["kid"] == key.id.as_str());
        let says_so = header["kid"].is_string() && claims["token_use"] == token_use.as_str();
        (says_so && !is_known).then_some(claims)
    }

    /// Gives the claims of a token that one of these keys signed for this use; nothing for any other text.
    /// The algorithm is the key's, whatever the token says.
    pub fn verified(&self, token: &str, token_use: TokenUse) -> Option<serde_json::Value> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        let header = json_part(header)?;
        if header.get("alg")?.as_str()? != "RS256" {
            return None;
        }
        let kid = header.get("kid")?.as_str()?;
        let key = self.keys.iter().find(|key| key.id == kid && key.token_use == token_use.as_str())?;
        RsaPublicKeyComponents { n: &key.modulus, e: &key.exponent }
            .verify(
                &signature::RSA_PKCS1_2048_8192_SHA256,
                signed.as_bytes(),
                &BASE64URL.decode(signature).ok()?,
            )
            .ok()?;
        let claims = json_part(payload)?;
        (claims.get("token_use")?.as_str()? == token_use.as_str()).then_some(claims)
    }
}

fn json_part(part: &str) -> Option<serde_json::Value> {
    serde_json::from_slice(&BASE64URL.decode(part).ok()?).ok()
}

impl SigningKey {
    fn parse(row: SigningKeyRow) -> Result<Self> {
        let pair = KeyPair::from_pkcs8(&row.private_key).map_err(|e| anyhow!("a signing key: {e}"))?;
        let public = pair.public_key();
        let modulus = public.modulus().big_endian_without_leading_zero().to_vec();
        let exponent = public.exponent().big_endian_without_leading_zero().to_vec();
        ensure!(modulus.len() >= 256, "a signing key is shorter than 2048 bits");
        let header = BASE64URL.encode(json!({ "kid": row.id, "alg": "RS256" }).to_string());
        Ok(SigningKey {
            id: row.id,
            token_use: row.token_use,
            active: row.active,
            pair,
            modulus,
            exponent,
            header,
        })
    }

    /// Signs claims as a compact RS256 token (RFC 7515). Takes about 0.3 ms of one core.
    pub fn sign(&self, claims: &serde_json::Value) -> Result<String> {
        let payload = serde_json::to_vec(claims)?;
        let mut token = String::with_capacity(self.header.len() + payload.len() * 4 / 3 + 350);
        token.push_str(&self.header);
        token.push('.');
        BASE64URL.encode_string(payload, &mut token);
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&signature::RSA_PKCS1_SHA256, &rand::SystemRandom::new(), token.as_bytes(), &mut signature)
            .ok()
            .context("a token cannot be signed")?;
        token.push('.');
        BASE64URL.encode_string(signature, &mut token);
        Ok(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> PoolKeys {
        let now = Timestamp::from_ms(0);
        let source = KeySource::fresh();
        let rows = [TokenUse::Id, TokenUse::Access]
            .map(|token_use| source.draw(token_use, now, now).expect("a key"));
        PoolKeys::parse(rows.into()).expect("keys")
    }

    #[test]
    fn a_token_is_recognised_for_its_use_only_and_unchanged() {
        let keys = keys();
        let claims = json!({ "sub": "a", "token_use": "access" });
        let token = keys
            .signing(TokenUse::Access, Timestamp::from_ms(0))
            .and_then(|key| key.sign(&claims))
            .expect("a token");
        assert_eq!(keys.verified(&token, TokenUse::Access), Some(claims.clone()));
        assert_eq!(keys.verified(&token, TokenUse::Id), None);
        // Signed by the other key, though it says what is asked for.
        let wrong_key = keys
            .signing(TokenUse::Id, Timestamp::from_ms(0))
            .and_then(|key| key.sign(&claims))
            .expect("a token");
        assert_eq!(keys.verified(&wrong_key, TokenUse::Access), None);
        let (signed, signature) = token.rsplit_once('.').expect("two dots");
        let (header, _) = signed.split_once('.').expect("two dots");
        let other = BASE64URL.encode(json!({ "sub": "b", "token_use": "access" }).to_string());
        assert_eq!(keys.verified(&format!("{header}.{other}.{signature}"), TokenUse::Access), None);
        let none = BASE64URL.encode(json!({ "alg": "none", "kid": keys.keys[0].id }).to_string());
        assert_eq!(keys.verified(&format!("{none}.{other}."), TokenUse::Access), None);
        for text in ["", ".", "..", "a.b.c"] {
            assert_eq!(keys.verified(text, TokenUse::Access), None);
        }
    }
    #[test]
    fn a_new_key_is_published_before_it_signs_and_the_old_one_long_after() {
        let at = |hours: i64| Timestamp::from_ms(hours * 3_600_000);
        let source = KeySource::fresh();
        let old = source.draw(TokenUse::Id, at(0), at(0)).expect("a key");
        let new = source.draw(TokenUse::Id, at(100), at(125)).expect("a key");
        let keys = PoolKeys::parse(vec![new.clone(), old.clone()]).expect("keys");
        let signing = |hours| keys.signing(TokenUse::Id, at(hours)).expect("a key").id.clone();
        assert_eq!((signing(124), signing(125)), (old.id.clone(), new.id.clone()));
        for (hours, has_old) in [(100, true), (125, true), (149, true), (150, false)] {
            let jwks = keys.jwks(at(hours));
            assert!(jwks.contains(&new.id), "{hours}");
            assert_eq!(jwks.contains(&old.id), has_old, "{hours}");
            assert_eq!(keys.retired(at(hours)).count(), usize::from(!has_old));
        }
    }
}
