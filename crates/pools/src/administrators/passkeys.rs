//! Passkeys of administrators: made by who has lately signed in, used at the console's door. A challenge is a moment and a
//! keyed hash over the browser that asked; it is used up by one conditional write when it comes back.

use super::{CHANGE, Doorstep, POOL, SIGN_IN};
use crate::Pools;
use crate::auth::webauthn::{Assertion, Fault, Registration, RelyingParty};
use crate::messages::Occasion;
use crate::passkeys::{
    Ceremony, creation_options, host, judged, refuse_more, refused_registration, request_options, row_of,
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

/// What a challenge at the console's door is bound to.
fn bound(door: &Doorstep) -> [&[u8]; 2] {
    [b"console", door.browser.as_bytes()]
}

fn challenge(ceremony: Ceremony, keys: &Keys, door: &Doorstep) -> String {
    ceremony.challenge(keys, &bound(door), door.now)
}

/// Uses a challenge up: true once, for the browser that was given it, and in time.
fn spend(ceremony: Ceremony, tx: &mut Tx<'_>, door: &Doorstep, challenge: &str) -> anyhow::Result<bool> {
    let until = ceremony.live_until(tx.keys(), &bound(door), challenge, door.now);
    let Some(until) = until else { return Ok(false) };
    let used = tx.keys().mac(Purpose::Handle, &[b"console passkey used", challenge.as_bytes()]);
    tx.use_assertion(&used, until)
}

impl Pools {
    /// What a browser is to ask its passkeys at the console's door. None is named: all of ours can be found without.
    pub fn administrator_request(&self, keys: &Keys, door: &Doorstep) -> Value {
        request_options(&party(door), &[], &challenge(Ceremony::Use, keys, door))
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
        if !spend(Ceremony::Use, tx, door, assertion.challenge())? {
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
        let challenge = challenge(Ceremony::Add, tx.keys(), door);
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
        if !spend(Ceremony::Add, tx, door, &challenge)? {
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
