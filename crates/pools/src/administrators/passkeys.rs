//! Passkeys of administrators: made by who has lately signed in, used at the console's door. A challenge is a moment and a
//! keyed hash over the browser that asked; it is used up by one conditional write when it comes back.

use super::{CHANGE, Doorstep, POOL, SIGN_IN};
use crate::Pools;
use crate::auth::webauthn::{Assertion, Fault, Registration, RelyingParty};
use crate::messages::Occasion;
use crate::passkeys::{
    CHALLENGE_MS, creation_options, host, judged, refuse_more, refused_registration, request_options, row_of,
    text_of,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use postern_access::Principal;
use postern_mail::address::Address;
use postern_model::cognito_idp::errors::*;
use postern_model::{Answer, Error, refusal};
use postern_store::passkeys::PasskeyRow;
use postern_store::{Keys, Purpose, Timestamp, Tx};
use serde_json::Value;

/// How far two nodes' clocks may be apart.
const SKEW_MS: i64 = 60_000;

/// What a challenge is for.
#[derive(Clone, Copy)]
enum Ceremony {
    Use,
    Add,
}

impl Ceremony {
    fn mac_parts<'a>(self, door: &'a Doorstep, made: &'a [u8; 8]) -> [&'a [u8]; 4] {
        let ceremony: &[u8] = match self {
            Ceremony::Use => b"use",
            Ceremony::Add => b"add",
        };
        [b"console passkey", ceremony, door.browser.as_bytes(), made]
    }

    fn challenge(self, keys: &Keys, door: &Doorstep) -> String {
        let made = door.now.ms().to_be_bytes();
        let mac = keys.mac(Purpose::Handle, &self.mac_parts(door, &made));
        BASE64URL.encode([&made[..], &mac].concat())
    }

    /// Uses a challenge up: true once, for the browser that was given it, and in time.
    fn spend(self, tx: &mut Tx<'_>, door: &Doorstep, challenge: &str) -> anyhow::Result<bool> {
        let Ok(bytes) = BASE64URL.decode(challenge) else { return Ok(false) };
        let Some((made, mac)) = bytes.split_first_chunk::<8>() else { return Ok(false) };
        let made_at = Timestamp::from_ms(i64::from_be_bytes(*made));
        let is_live = (-SKEW_MS..CHALLENGE_MS).contains(&door.now.since(made_at))
            && tx.keys().mac_matches(Purpose::Handle, &self.mac_parts(door, made), mac);
        if !is_live {
            return Ok(false);
        }
        let used = tx.keys().mac(Purpose::Handle, &[b"console passkey used", &bytes]);
        tx.use_assertion(&used, made_at.plus_ms(CHALLENGE_MS + SKEW_MS))
    }
}

impl Pools {
    /// What a browser is to ask its passkeys at the console's door. None is named: all of ours can be found without.
    pub fn administrator_request(&self, keys: &Keys, door: &Doorstep) -> Value {
        request_options(&party(door), &[], &Ceremony::Use.challenge(keys, door))
    }

    /// Judges what a browser answered there; gives whose passkey it is, and its id.
    pub fn administrator_by_passkey(
        &self,
        tx: &mut Tx<'_>,
        door: &Doorstep,
        answer: &str,
    ) -> Answer<Result<(String, Vec<u8>), Fault>> {
        let judged = match Assertion::parse(answer) {
            Ok(assertion) => self.judge_administrator_passkey(tx, door, &assertion)?,
            Err(fault) => Err(fault),
        };
        if let Err(fault) = &judged {
            self.note_at_door(tx, door, None, SIGN_IN, "refused", &fault.to_string())?;
        }
        Ok(judged)
    }

    fn judge_administrator_passkey(
        &self,
        tx: &mut Tx<'_>,
        door: &Doorstep,
        assertion: &Assertion,
    ) -> Answer<Result<(String, Vec<u8>), Fault>> {
        if !Ceremony::Use.spend(tx, door, assertion.challenge())? {
            return Ok(Err(Fault::Challenge));
        }
        let party = party(door);
        let row = tx.find_administrator_passkey(&assertion.id)?.filter(|row| {
            row.rp_id == party.id && assertion.user_handle.as_deref() == Some(row.user_id.as_bytes())
        });
        let Some(row) = row else { return Ok(Err(Fault::Owner)) };
        let (seen, facts) = match judged(&row, &party, assertion.challenge(), assertion)? {
            Ok(seen) => seen,
            Err(fault) => return Ok(Err(fault)),
        };
        let facts = text_of(&facts)?;
        if !tx.note_administrator_passkey_use(&row, i64::from(seen.sign_count), &facts, door.now)? {
            return Ok(Err(Fault::Counter));
        }
        Ok(Ok((row.user_id, row.id)))
    }

    /// What a browser needs to make a passkey for who is signed in.
    pub fn administrator_creation(
        &self,
        tx: &mut Tx<'_>,
        door: &Doorstep,
        signed_in: Timestamp,
    ) -> Answer<Value> {
        let (user_id, name) = user(door)?;
        self.may_change_own_sign_in(tx, door, signed_in)?;
        let there = tx.passkeys_of_administrator(user_id)?;
        refuse_more(&there)?;
        let challenge = Ceremony::Add.challenge(tx.keys(), door);
        Ok(creation_options(&party(door), user_id, name, &there, &challenge))
    }

    /// Keeps a passkey that a browser made. What is wrong with it is the inner refusal, so that the challenge stays used.
    pub fn add_administrator_passkey(
        &self,
        tx: &mut Tx<'_>,
        door: &Doorstep,
        signed_in: Timestamp,
        answer: &str,
    ) -> Answer<Result<(), Error>> {
        let (user_id, _) = user(door)?;
        self.may_change_own_sign_in(tx, door, signed_in)?;
        let registration = serde_json::from_str(answer)
            .map_err(|_| Fault::Malformed)
            .and_then(|credential| Registration::read(&credential));
        let registration = match registration {
            Ok(registration) => registration,
            Err(fault) => return Ok(Err(refused_registration(fault))),
        };
        let challenge = registration.challenge().to_owned();
        if !Ceremony::Add.spend(tx, door, &challenge)? {
            return Ok(Err(refused_registration(Fault::Challenge)));
        }
        let party = party(door);
        let registered = match registration.judge(&party, &challenge) {
            Ok(registered) => registered,
            Err(fault) => return Ok(Err(refused_registration(fault))),
        };
        // Others who change this administrator wait from here on, so that the count holds.
        tx.lock_iam()?;
        if let Err(too_many) = refuse_more(&tx.passkeys_of_administrator(user_id)?) {
            return Ok(Err(too_many));
        }
        let row = row_of(&registered, &party, POOL, user_id, door.now)?;
        if !tx.add_administrator_passkey(&row)? {
            return Ok(Err(refusal(InvalidParameterException, "This passkey is registered already.")));
        }
        self.passkey_changed(tx, door, user_id, Occasion::PasskeyAdded)?;
        Ok(Ok(()))
    }

    /// Removes a passkey of who is signed in; the sessions that it opened end with it.
    pub fn remove_administrator_passkey(
        &self,
        tx: &mut Tx<'_>,
        door: &Doorstep,
        signed_in: Timestamp,
        id: &str,
    ) -> Answer<()> {
        let (user_id, _) = user(door)?;
        self.may_change_own_sign_in(tx, door, signed_in)?;
        let is_gone = match BASE64URL.decode(id) {
            Ok(id) => tx.delete_administrator_passkey(user_id, &id)?,
            Err(_) => false,
        };
        if !is_gone {
            return Err(refusal(ResourceNotFoundException, "The passkey does not exist."));
        }
        self.passkey_changed(tx, door, user_id, Occasion::PasskeyRemoved)
    }

    /// Writes a change down, and tells its administrator where there is an address.
    fn passkey_changed(
        &self,
        tx: &mut Tx<'_>,
        door: &Doorstep,
        user_id: &str,
        occasion: Occasion,
    ) -> Answer<()> {
        self.note_at_door(tx, door, Some(&door.caller.principal), CHANGE, "ok", occasion.title())?;
        let email = tx.administrator_email(user_id)?.and_then(|email| Address::parse(&email.email).ok());
        match email {
            Some(to) => self.tell_administrator(tx, door, occasion, &to),
            None => Ok(()),
        }
    }

    /// What an administrator's passkey is called.
    pub fn name_of_passkey(row: &PasskeyRow) -> String {
        let facts: Option<crate::passkeys::Facts> = serde_json::from_str(&row.facts).ok();
        facts.map(|facts| facts.name).unwrap_or_default()
    }
}

/// The console asks for passkeys of its own host, and for a verified person.
fn party(door: &Doorstep) -> RelyingParty {
    RelyingParty { id: host(&door.url).to_owned(), own_origin: door.url.clone(), verifies_user: true }
}

/// The user who is signed in: id and name. Nobody else signs in at the console.
fn user(door: &Doorstep) -> Answer<(&str, &str)> {
    match &door.caller.principal {
        Principal::User { id, name, .. } => Ok((id, name)),
        _ => Err(refusal(NotAuthorizedException, "Only a user has ways to sign in.")),
    }
}
