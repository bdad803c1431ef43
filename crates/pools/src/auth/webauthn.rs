//! Passkeys: what a browser's answer to a ceremony must say and prove (WebAuthn Level 3, §7.1 and §7.2). Bytes in, verdict
//! out; whose ceremony it was, and that it is used once, is seen to by whoever asks.

mod attestation;
#[cfg(test)]
pub mod authenticator;
mod authenticator_data;
mod cbor;
mod client_data;
mod cose;
#[cfg(test)]
mod tests;

use authenticator_data::AuthenticatorData;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use client_data::ClientData;
use cose::PublicKey;
use serde_json::Value;
use std::fmt;

/// The signature algorithms that are offered and taken, by their numbers in COSE: ES256 and RS256.
pub const ALGORITHMS: [i64; 2] = [-7, -257];

/// Bytes of a credential's id at most (WebAuthn §7.1, step 25).
const ID_MAX: usize = 1023;
/// Bytes of a user handle at most (WebAuthn §5.4.3).
const USER_HANDLE_MAX: usize = 64;

/// Who asks for a passkey, and how much it asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelyingParty {
    /// A host name that the passkeys belong to.
    pub id: String,
    /// The origin of our own pages, which may have a port.
    pub own_origin: String,
    /// The person must be verified, not merely present.
    pub verifies_user: bool,
}

impl RelyingParty {
    /// Tells whether a page of an origin may use this party's passkeys: by `https` on the party's own host or one below
    /// it, or on the developer's own machine.
    pub fn allows(&self, origin: &str) -> bool {
        let is_ours = |host: &str| {
            host == self.id || host.strip_suffix(&self.id).is_some_and(|rest| rest.ends_with('.'))
        };
        match origin.split_once("://") {
            Some(("http", authority)) if self.id == "localhost" => {
                let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
                host == "localhost" && (port.is_empty() && host == authority || is_port(port))
            }
            Some(("https", authority)) if origin == self.own_origin => {
                is_ours(authority.split_once(':').map_or(authority, |(host, _)| host))
            }
            Some(("https", host)) => is_host(host) && is_ours(host),
            _ => false,
        }
    }
}

fn is_host(host: &str) -> bool {
    !host.starts_with('.')
        && !host.contains("..")
        && host
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte))
}

fn is_port(port: &str) -> bool {
    !port.is_empty() && !port.starts_with('0') && port.parse::<u16>().is_ok() && !port.starts_with('+')
}

/// What is wrong with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not JSON, base64url or CBOR of the right shape; cut short, or longer than it says.
    Malformed,
    /// Made for another ceremony.
    Ceremony,
    /// Made for another challenge.
    Challenge,
    Origin,
    /// Made inside a frame of another origin.
    Framed,
    RelyingParty,
    NotPresent,
    NotVerified,
    BackupFlags,
    /// A key of an algorithm that was not offered, or no key at all.
    Key,
    Attestation,
    /// Another credential than the one that was expected, or another user's.
    Owner,
    Signature,
    /// The sign counter did not go forward: there may be a copy of the key.
    Counter,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::Malformed => "the answer cannot be read",
            Fault::Ceremony => "it was made for another ceremony",
            Fault::Challenge => "it was made for another challenge",
            Fault::Origin => "its origin is not allowed",
            Fault::Framed => "it was made in a frame of another origin",
            Fault::RelyingParty => "it was made for another relying party",
            Fault::NotPresent => "nobody was present",
            Fault::NotVerified => "the person was not verified",
            Fault::BackupFlags => "its backup flags contradict themselves or the registration",
            Fault::Key => "its public key is not of an algorithm on offer",
            Fault::Attestation => "its attestation does not hold",
            Fault::Owner => "the passkey is another, or somebody else's",
            Fault::Signature => "its signature does not hold",
            Fault::Counter => "its sign counter did not go forward",
        })
    }
}

/// A passkey as it was registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    pub id: Vec<u8>,
    /// COSE_Key, as the authenticator wrote it.
    pub public_key: Vec<u8>,
    pub sign_count: u32,
    /// The model of the authenticator; zeros where it does not say.
    pub model: [u8; 16],
    pub may_be_backed_up: bool,
    pub is_backed_up: bool,
    pub verified_user: bool,
    /// `platform` or `cross-platform`, where the browser says so.
    pub attachment: Option<String>,
    pub transports: Vec<String>,
}

/// A registration as a browser answered it (`RegistrationResponseJSON`), read but not judged.
#[derive(Debug)]
pub struct Registration {
    id: Vec<u8>,
    client_data: ClientData,
    attestation: Vec<u8>,
    attachment: Option<String>,
    transports: Vec<String>,
}

impl Registration {
    pub fn read(credential: &Value) -> Result<Registration, Fault> {
        let (id, response) = envelope(credential)?;
        let transports = match response.get("transports") {
            None | Some(Value::Null) => Vec::new(),
            Some(list) => list
                .as_array()
                .ok_or(Fault::Malformed)?
                .iter()
                .map(|one| one.as_str().map(str::to_owned).ok_or(Fault::Malformed))
                .collect::<Result<_, _>>()?,
        };
        let known = ["usb", "nfc", "ble", "smart-card", "hybrid", "internal"];
        Ok(Registration {
            id,
            client_data: ClientData::read(bytes(response, "clientDataJSON")?)?,
            attestation: bytes(response, "attestationObject")?,
            attachment: credential
                .get("authenticatorAttachment")
                .and_then(Value::as_str)
                .filter(|name| ["platform", "cross-platform"].contains(name))
                .map(str::to_owned),
            transports: transports.into_iter().filter(|one| known.contains(&one.as_str())).collect(),
        })
    }

    /// The challenge that it says it answers.
    pub fn challenge(&self) -> &str {
        &self.client_data.challenge
    }

    /// Judges it as the answer to a party's challenge (WebAuthn §7.1).
    pub fn judge(self, party: &RelyingParty, challenge: &str) -> Result<Registered, Fault> {
        self.client_data.judge("webauthn.create", challenge, party)?;
        let statement = attestation::Statement::read(&self.attestation)?;
        let data = AuthenticatorData::read(&statement.authenticator_data)?;
        data.judge(party)?;
        let credential = data.credential.ok_or(Fault::Malformed)?;
        if credential.id.len() > ID_MAX || credential.id != self.id {
            return Err(Fault::Owner);
        }
        let key = PublicKey::read(credential.public_key)?;
        statement.judge(&key, credential.model, &self.client_data.hash)?;
        Ok(Registered {
            id: self.id,
            public_key: credential.public_key.to_vec(),
            sign_count: data.sign_count,
            model: credential.model,
            may_be_backed_up: data.may_be_backed_up,
            is_backed_up: data.is_backed_up,
            verified_user: data.verified_user,
            attachment: self.attachment,
            transports: self.transports,
        })
    }
}

/// A passkey that is known, as the rules need it.
#[derive(Clone, Debug)]
pub struct Known<'a> {
    pub public_key: &'a [u8],
    pub sign_count: u32,
    pub may_be_backed_up: bool,
    /// The handle of the user it belongs to.
    pub user_handle: &'a [u8],
}

/// What a right answer shows of the passkey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    pub sign_count: u32,
    pub is_backed_up: bool,
    pub verified_user: bool,
}

/// An assertion as a browser answered it (`AuthenticationResponseJSON`), read but not judged.
#[derive(Debug)]
pub struct Assertion {
    pub id: Vec<u8>,
    /// Whose passkey it is, as the authenticator remembers.
    pub user_handle: Option<Vec<u8>>,
    client_data: ClientData,
    authenticator_data: Vec<u8>,
    signature: Vec<u8>,
}

impl Assertion {
    /// Reads the text of an answer.
    pub fn parse(text: &str) -> Result<Assertion, Fault> {
        Assertion::read(&serde_json::from_str(text).map_err(|_| Fault::Malformed)?)
    }

    pub fn read(credential: &Value) -> Result<Assertion, Fault> {
        let (id, response) = envelope(credential)?;
        let user_handle = match response.get("userHandle") {
            None | Some(Value::Null) => None,
            Some(_) => Some(bytes(response, "userHandle")?),
        };
        if user_handle.as_ref().is_some_and(|handle| handle.is_empty() || handle.len() > USER_HANDLE_MAX) {
            return Err(Fault::Malformed);
        }
        Ok(Assertion {
            id,
            user_handle,
            client_data: ClientData::read(bytes(response, "clientDataJSON")?)?,
            authenticator_data: bytes(response, "authenticatorData")?,
            signature: bytes(response, "signature")?,
        })
    }

    /// The challenge that it says it answers.
    pub fn challenge(&self) -> &str {
        &self.client_data.challenge
    }

    /// Judges it as the answer of a known passkey to a party's challenge (WebAuthn §7.2).
    pub fn judge(&self, party: &RelyingParty, challenge: &str, known: &Known<'_>) -> Result<Seen, Fault> {
        if self.user_handle.as_ref().is_some_and(|handle| handle != known.user_handle) {
            return Err(Fault::Owner);
        }
        self.client_data.judge("webauthn.get", challenge, party)?;
        let data = AuthenticatorData::read(&self.authenticator_data)?;
        data.judge(party)?;
        if data.may_be_backed_up != known.may_be_backed_up {
            return Err(Fault::BackupFlags);
        }
        let signed = [&self.authenticator_data[..], &self.client_data.hash[..]].concat();
        PublicKey::read(known.public_key)?.verify(&signed, &self.signature)?;
        let counts = data.sign_count != 0 || known.sign_count != 0;
        if counts && data.sign_count <= known.sign_count {
            return Err(Fault::Counter);
        }
        Ok(Seen {
            sign_count: data.sign_count,
            is_backed_up: data.is_backed_up,
            verified_user: data.verified_user,
        })
    }
}

/// Reads what both answers share: the credential's id, and the response inside.
fn envelope(credential: &Value) -> Result<(Vec<u8>, &Value), Fault> {
    let text = |name: &str| credential.get(name).and_then(Value::as_str);
    if text("type") != Some("public-key") {
        return Err(Fault::Malformed);
    }
    let id = bytes(credential, "rawId")?;
    if id.is_empty() || id.len() > ID_MAX || text("id") != Some(&BASE64URL.encode(&id)) {
        return Err(Fault::Malformed);
    }
    Ok((id, credential.get("response").filter(|response| response.is_object()).ok_or(Fault::Malformed)?))
}

fn bytes(of: &Value, name: &str) -> Result<Vec<u8>, Fault> {
    let text = of.get(name).and_then(Value::as_str).ok_or(Fault::Malformed)?;
    BASE64URL.decode(text).map_err(|_| Fault::Malformed)
}
