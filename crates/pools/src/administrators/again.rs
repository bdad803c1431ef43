//! Another code for an administrator who waits for one.

use super::{
    CODE_LIFE_MS, CodeFor, DIGITS, Doorstep, GUESSES, Letter, POOL, guesses_key, live, own_address, pause_ms,
    words,
};
use crate::Pools;
use crate::auth::challenge::CodeBinding;
use crate::limits::{Guesses, SENDS_MAX};
use crate::step::Resent;
use postern_mail::address::Address;
use postern_model::Answer;
use postern_store::{Tx, random};

impl Pools {
    /// Sends another code that signs in, in the same challenge; the one before stays good, and tries count for both. Where
    /// none was sent before, or the address is not theirs any more, all is done alike and nothing is sent.
    pub fn send_administrator_code_again(
        &self,
        tx: &mut Tx<'_>,
        door: &Doorstep,
        handle: &str,
    ) -> Answer<Resent> {
        let purpose = CodeFor::SignIn;
        let Some(challenge) = live(tx, purpose, handle, door.now)? else { return Ok(Resent::Over) };
        if challenge.sends >= SENDS_MAX {
            return Ok(Resent::NoMore);
        }
        let left_ms = pause_ms(&challenge, door.now);
        if left_ms > 0 {
            return Ok(Resent::Wait { sent_ms_ago: door.now.since(challenge.sent), left_ms });
        }
        let typed = own_address(challenge.destination.as_deref().unwrap_or_default())?;
        self.note_administrator_code(tx, door, &typed)?;
        let found = tx.administrator_by_email(&challenge.name_key)?;
        let to = found
            .filter(|email| Some(&email.user_id) == challenge.user_id.as_ref())
            .and_then(|email| Address::parse(&email.email).ok())
            .filter(|_| challenge.code_mac.is_some());
        let expires = door.now.plus_ms(CODE_LIFE_MS);
        let code = random::digits(DIGITS);
        let mac = CodeBinding::of(&challenge).mac(tx.keys(), &code);
        let mac = to.is_some().then_some(&mac[..]);
        if !tx.renew_challenge_code(&challenge.handle_mac, mac, door.now, expires, SENDS_MAX)? {
            return Ok(Resent::Over);
        }
        let key = guesses_key(&challenge);
        let mut guesses = Guesses::read(&tx.ledger(POOL, GUESSES, &key)?);
        guesses.extend(&challenge.handle_mac, expires);
        tx.put_ledger(POOL, GUESSES, &key, &guesses.write(), guesses.expires())?;
        let letter = Letter {
            title: purpose.occasion().title(),
            words: words(door, purpose.occasion(), Some(&code), CODE_LIFE_MS),
            to: to.as_ref().unwrap_or(&typed),
            code: Some(&code),
            not_after: expires,
            decoy: to.is_none(),
        };
        self.mail_administrator(tx, door, letter)?;
        let outcome = if to.is_some() { "sent again" } else { "withheld" };
        self.note_at_door(tx, door, None, "postern:SendCode", outcome, "")?;
        Ok(Resent::Sent { expires })
    }
}
