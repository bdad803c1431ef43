//! What the browser says of a ceremony (`clientDataJSON`, WebAuthn §5.8.1).

use super::{Fault, RelyingParty};
use aws_lc_rs::digest::{SHA256, digest};
use serde::Deserialize;

/// The browser's words, with the hash that the authenticator signed.
#[derive(Debug)]
pub struct ClientData {
    pub challenge: String,
    pub hash: [u8; 32],
    ceremony: String,
    origin: String,
    is_framed: bool,
}

#[derive(Deserialize)]
struct Words {
    #[serde(rename = "type")]
    ceremony: String,
    challenge: String,
    origin: String,
    #[serde(rename = "crossOrigin", default)]
    cross_origin: Option<bool>,
    #[serde(rename = "topOrigin", default)]
    top_origin: Option<String>,
}

impl ClientData {
    pub fn read(bytes: Vec<u8>) -> Result<ClientData, Fault> {
        let words: Words = serde_json::from_slice(&bytes).map_err(|_| Fault::Malformed)?;
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, &bytes).as_ref());
        Ok(ClientData {
            is_framed: words.cross_origin == Some(true) || words.top_origin.is_some(),
            ceremony: words.ceremony,
            challenge: words.challenge,
            origin: words.origin,
            hash,
        })
    }

    pub fn judge(&self, ceremony: &str, challenge: &str, party: &RelyingParty) -> Result<(), Fault> {
        if self.ceremony != ceremony {
            Err(Fault::Ceremony)
        } else if self.challenge != challenge {
            Err(Fault::Challenge)
        } else if !party.allows(&self.origin) {
            Err(Fault::Origin)
        } else if self.is_framed {
            Err(Fault::Framed)
        } else {
            Ok(())
        }
    }
}
