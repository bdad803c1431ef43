//! Checks that what a sign-in gave are real tokens, by the keys that the server publishes.

use crate::site::Site;
use crate::wire::Connection;
use anyhow::{Context as _, Result, ensure};
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde::Deserialize;
use serde_json::Value;

/// The tokens of one sign-in. Programs that get one for themselves have no ID token.
pub struct Tokens {
    pub id: Option<String>,
    pub access: String,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<PublicKey>,
}

#[derive(Deserialize)]
struct PublicKey {
    kid: String,
    n: String,
    e: String,
}

/// Fails unless the tokens are signed by a published key and say who issued them, for whom and for what.
pub async fn verify(site: &Site, pool: &str, client: &str, tokens: &Tokens) -> Result<()> {
    let mut connection = Connection::open(site.address).await?;
    let keys = connection.get(&format!("/{}/.well-known/jwks.json", pool)).await?.good()?;
    let keys: KeySet = serde_json::from_slice(&keys)?;
    let issuer = format!("{}/{}", site.url(), pool);
    let id = tokens.id.as_ref().map(|id| (id, "id", "aud"));
    for (token, token_use, whose) in id.into_iter().chain([(&tokens.access, "access", "client_id")]) {
        let claims = claims(&keys, token).with_context(|| format!("the {token_use} token"))?;
        for (name, expected) in [("iss", issuer.as_str()), ("token_use", token_use), (whose, client)] {
            ensure!(claims[name] == expected, "the {token_use} token says {name} is {}", claims[name]);
        }
    }
    Ok(())
}

fn claims(keys: &KeySet, token: &str) -> Result<Value> {
    let (signed, signature) = token.rsplit_once('.').context("it has no signature")?;
    let (header, payload) = signed.split_once('.').context("it has no header")?;
    let header: Value = serde_json::from_slice(&BASE64URL.decode(header)?)?;
    ensure!(header["alg"] == "RS256", "it is signed by {}", header["alg"]);
    let key = keys.keys.iter().find(|key| header["kid"] == *key.kid).context("its key is not published")?;
    let components = RsaPublicKeyComponents { n: BASE64URL.decode(&key.n)?, e: BASE64URL.decode(&key.e)? };
    let verdict =
        components.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &BASE64URL.decode(signature)?);
    verdict.ok().context("its signature is wrong")?;
    Ok(serde_json::from_slice(&BASE64URL.decode(payload)?)?)
}
