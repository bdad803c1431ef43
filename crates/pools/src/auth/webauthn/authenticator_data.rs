//! What the authenticator says of a ceremony (WebAuthn §6.1).

use super::{Fault, RelyingParty, cbor};
use aws_lc_rs::digest::{SHA256, digest};

const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const BACKUP_ELIGIBLE: u8 = 0x08;
const BACKED_UP: u8 = 0x10;
const HAS_CREDENTIAL: u8 = 0x40;
const HAS_EXTENSIONS: u8 = 0x80;

/// The authenticator's words.
#[derive(Debug)]
pub struct AuthenticatorData<'a> {
    pub sign_count: u32,
    pub verified_user: bool,
    pub may_be_backed_up: bool,
    pub is_backed_up: bool,
    pub credential: Option<Credential<'a>>,
    party_hash: &'a [u8],
    user_present: bool,
}

/// A new passkey inside the authenticator's words.
#[derive(Debug)]
pub struct Credential<'a> {
    pub model: [u8; 16],
    pub id: &'a [u8],
    /// COSE_Key.
    pub public_key: &'a [u8],
}

impl<'a> AuthenticatorData<'a> {
    /// Reads all bytes; what does not belong there spoils it.
    pub fn read(bytes: &'a [u8]) -> Result<AuthenticatorData<'a>, Fault> {
        let (party_hash, rest) = bytes.split_at_checked(32).ok_or(Fault::Malformed)?;
        let (flags, rest) = rest.split_first().ok_or(Fault::Malformed)?;
        let (count, mut rest) = rest.split_first_chunk::<4>().ok_or(Fault::Malformed)?;
        let has = |flag: u8| flags & flag != 0;
        let credential = match has(HAS_CREDENTIAL) {
            true => {
                let (credential, behind) = Credential::read(rest)?;
                rest = behind;
                Some(credential)
            }
            false => None,
        };
        if has(HAS_EXTENSIONS) {
            let (extensions, behind) = cbor::first(rest)?;
            cbor::Map::of(extensions)?;
            rest = behind;
        }
        if !rest.is_empty() {
            return Err(Fault::Malformed);
        }
        Ok(AuthenticatorData {
            party_hash,
            sign_count: u32::from_be_bytes(*count),
            user_present: has(USER_PRESENT),
            verified_user: has(USER_VERIFIED),
            may_be_backed_up: has(BACKUP_ELIGIBLE),
            is_backed_up: has(BACKED_UP),
            credential,
        })
    }

    pub fn judge(&self, party: &RelyingParty) -> Result<(), Fault> {
        if self.party_hash != digest(&SHA256, party.id.as_bytes()).as_ref() {
            Err(Fault::RelyingParty)
        } else if !self.user_present {
            Err(Fault::NotPresent)
        } else if party.verifies_user && !self.verified_user {
            Err(Fault::NotVerified)
        } else if self.is_backed_up && !self.may_be_backed_up {
            Err(Fault::BackupFlags)
        } else {
            Ok(())
        }
    }
}

impl<'a> Credential<'a> {
    /// Reads a credential and gives it with the bytes behind it.
    fn read(bytes: &'a [u8]) -> Result<(Credential<'a>, &'a [u8]), Fault> {
        let (model, rest) = bytes.split_first_chunk::<16>().ok_or(Fault::Malformed)?;
        let (length, rest) = rest.split_first_chunk::<2>().ok_or(Fault::Malformed)?;
        let (id, key_and_more) =
            rest.split_at_checked(usize::from(u16::from_be_bytes(*length))).ok_or(Fault::Malformed)?;
        let (_, behind) = cbor::first(key_and_more)?;
        let public_key = &key_and_more[..key_and_more.len() - behind.len()];
        Ok((Credential { model: *model, id, public_key }, behind))
    }
}
