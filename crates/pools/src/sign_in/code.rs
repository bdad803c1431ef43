//! Codes that are sent, by whatever medium and as whichever factor: made, remembered and sent; sent again; judged. What
//! the person proves by a right one.

use super::asking::{Facts, invalid_session};
use crate::Pools;
use crate::auth::challenge::{CodeBinding, Handle, Standing, code_is_right, standing};
use crate::auth::code::{CodeKind, Stage};
use crate::auth::factors::Has;
use crate::client::Client;
use crate::destination::{Destination, Medium};
use crate::limits::{
    ATTEMPTS_MAX, Guesses, SEND_PAUSE_MS, SENDS_MAX, guesses_of_recognised, guesses_per_day,
};
use crate::messages::Occasion;
use crate::names::is_phone_number;
use crate::outgoing::{Letter, too_often};
use crate::step::{Asked, At, Kind, Proof, Resent, SignedIn, Step, Subject};
use crate::user::{Status, User};
use postern_mail::address::Address;
use postern_model::cognito_idp::errors::*;
use postern_model::{Answer, Error, refusal, refuse};
use postern_store::auth::ChallengeRow;
use postern_store::timings::Series;
use postern_store::{Keys, Purpose, Tx, random};

/// Longest life of a sign-in code, whatever the app client's session lasts (rule C2).
const CODE_LIFE_MAX_MS: i64 = 10 * 60_000;

/// The usual length of a number, with its sign.
const NUMBER_LENGTH: usize = 12;

impl Pools {
    /// Judges a code of any of these kinds. A wrong one is remembered and leaves the session usable until its attempts
    /// are spent.
    pub fn answer_code(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        kinds: &[CodeKind],
        username: &str,
        session: &str,
        code: &str,
    ) -> Answer<Step<SignedIn>> {
        let accepted: Vec<Kind> = kinds.iter().copied().map(Kind::Code).collect();
        let challenge = self.challenge_among(tx, at, session, &accepted, username)?;
        let kind = CodeKind::parse(&challenge.kind).ok_or_else(invalid_session)?;
        self.live(&challenge, at.now)?;
        if !tx.spend_attempt(&challenge.handle_mac, at.now)? {
            return refuse(NotAuthorizedException, "Invalid session for the user, session is expired.");
        }
        let keys = tx.keys().clone();
        let right = code_is_right(&challenge, &keys, code, at.now);
        let subject = self.subject_of(tx, &challenge)?;
        let facts = Facts::of(&challenge)?;
        let guesses_key = guesses_key(&subject, facts.recognised);
        let topic = kind.guesses_topic();
        let mut guesses = Guesses::read(&tx.ledger(&at.pool.id, topic, &guesses_key)?);
        let must_write = !right || guesses.is_tight(guesses_per_day(kind.digits()), at.now);
        if right {
            self.consume(tx, &challenge, Kind::Code(kind), at.now)?;
            guesses.release(&challenge.handle_mac);
        } else {
            guesses.note_wrong(&challenge.handle_mac);
        }
        if must_write {
            tx.put_ledger(&at.pool.id, topic, &guesses_key, &guesses.write(), guesses.expires())?;
        }
        if !right {
            self.audit(tx, at, &subject, "SignIn", "wrong code", "")?;
            return Ok(Step::No(refusal(CodeMismatchException, "Invalid code or auth state for the user.")));
        }
        let address = challenge.destination.clone().unwrap_or_default();
        self.note_use(tx, at, &Destination { medium: kind.medium, address }, code)?;
        tx.timed(Series::Codes, kind.as_str(), at.now, at.now.since(challenge.sent));
        self.code_was_right(tx, at, subject, kind, &challenge)
    }

    /// A right code proves the mailbox or the telephone: it verifies the address, and confirms who was not.
    fn code_was_right(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: Subject,
        kind: CodeKind,
        challenge: &ChallengeRow,
    ) -> Answer<Step<SignedIn>> {
        let facts = Facts::of(challenge)?;
        let is_set_up = facts.address.is_some();
        // A factor that is set up has its address only once its code was given.
        let goes_there = |user: &User| {
            is_set_up || user.destination(kind.medium).map(|to| to.address) == challenge.destination
        };
        let Some(mut user) = subject.user.clone().filter(goes_there) else {
            self.audit(tx, at, &subject, "SignIn", "refused", "the account or its address is gone")?;
            return Ok(Step::No(refusal(NotAuthorizedException, "Incorrect username or password.")));
        };
        if !user.enabled {
            self.audit(tx, at, &subject, "SignIn", "refused", "disabled")?;
            return Ok(Step::No(refusal(NotAuthorizedException, "User is disabled.")));
        }
        if kind.stage == Stage::Second && !self.may_end_by(tx, at, &user, kind, challenge, &facts)? {
            self.audit(tx, at, &subject, "SignIn", "refused", "the factor is asked for no more")?;
            return Ok(Step::No(invalid_session()));
        }
        if is_set_up {
            user = self.set_up_address(tx, at, &user, kind.medium, challenge)?;
        }
        if !user.is_verified(kind.medium.attribute()) || user.status == Status::Unconfirmed {
            user = self.address_proven(tx, at, &subject, &user, kind)?;
        }
        let amr = facts.amr.into_iter().chain(kind.amr().map(str::to_owned)).collect();
        let proof = Proof { amr, told: kind.told() };
        match kind.stage {
            Stage::First => self.proven(tx, at, &subject, user, proof),
            Stage::Second => self.proven_second(tx, at, &subject, user, proof),
        }
    }

    /// Sends a new code in the same challenge; the one before stays good. Gives the masked destination, or says
    /// how long to wait.
    pub fn send_again(&self, tx: &mut Tx<'_>, at: &At, session: &str) -> Answer<Resent> {
        let macs = Handle::macs(tx.keys(), session);
        let challenge = tx
            .find_challenge(&macs)?
            .filter(|row| row.client_id == at.client.id)
            .ok_or_else(invalid_session)?;
        let kind = CodeKind::parse(&challenge.kind).ok_or_else(invalid_session)?;
        if standing(&challenge, at.now) != Standing::Live {
            return Ok(Resent::Over);
        }
        if challenge.sends >= SENDS_MAX {
            return Ok(Resent::NoMore);
        }
        let waited_ms = at.now.since(challenge.sent);
        if waited_ms < SEND_PAUSE_MS {
            return Ok(Resent::Wait { sent_ms_ago: waited_ms, left_ms: SEND_PAUSE_MS - waited_ms });
        }
        let subject = self.subject_of(tx, &challenge)?;
        let address = challenge.destination.clone().unwrap_or_default();
        let destination = Destination { medium: kind.medium, address };
        self.note_send(tx, at, &destination, challenge.code_mac.is_some())?;
        let expires = at.now.plus_ms(code_life_ms(&at.client));
        let code = random::digits(kind.digits());
        // A challenge that never had a code gets none by asking again.
        let code_mac = challenge
            .code_mac
            .is_some()
            .then(|| binding(&challenge, &subject, &destination.address).mac(tx.keys(), &code));
        let renewed = tx.renew_challenge_code(
            &challenge.handle_mac,
            code_mac.as_ref().map(|mac| &mac[..]),
            at.now,
            expires,
            SENDS_MAX,
        )?;
        if !renewed {
            return Ok(Resent::Over);
        }
        let facts = Facts::of(&challenge)?;
        let key = guesses_key(&subject, facts.recognised);
        let topic = kind.guesses_topic();
        let mut guesses = Guesses::read(&tx.ledger(&at.pool.id, topic, &key)?);
        guesses.extend(&challenge.handle_mac, expires);
        tx.put_ledger(&at.pool.id, topic, &key, &guesses.write(), guesses.expires())?;
        self.send(
            tx,
            at,
            Letter {
                occasion: Occasion::SignIn,
                to: &destination,
                code: Some(&code),
                user: subject.user.as_ref(),
                not_after: expires,
                decoy: code_mac.is_none(),
            },
        )?;
        self.audit(tx, at, &subject, "SendCode", "sent again", "")?;
        Ok(Resent::Sent { expires })
    }

    /// Makes a code, remembers its challenge, and sends it. What was proven before goes along in the facts.
    pub(super) fn ask_for_code(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        kind: CodeKind,
        facts: &Facts,
    ) -> Answer<Asked> {
        let user = subject.user.as_ref();
        let known = match &facts.address {
            Some(address) => Some(Destination { medium: kind.medium, address: address.clone() }),
            None => user.and_then(|user| user.destination(kind.medium)),
        };
        let is_real = known.is_some() && user.is_some_and(|user| user.enabled);
        let destination =
            known.unwrap_or_else(|| self.stand_in(tx.keys(), at, &subject.name_key, kind.medium));
        self.note_send(tx, at, &destination, is_real)?;
        let handle = Handle::fresh(tx.keys(), at.now);
        let expires = at.now.plus_ms(code_life_ms(&at.client));
        let code = random::digits(kind.digits());
        let mut challenge = self.row(at, subject, Kind::Code(kind), &handle, expires, facts)?;
        let mut held = self.hold_guesses(tx, at, subject, kind, &challenge, false)?;
        if let (0, true, Some(user)) = (held.attempts, is_real, user)
            && self.recognises(tx, at, user)?
        {
            held.attempts = self.hold_guesses(tx, at, subject, kind, &challenge, true)?.attempts;
            let facts = Facts { recognised: held.attempts > 0, ..facts.clone() };
            challenge.facts = facts.text(at)?;
        }
        let borne = held.attempts > 0;
        if !borne && kind.stage == Stage::Second {
            // Whoever has given the first factor may know that there is no code for now.
            return Err(too_often("guesses/sign-in", held.wait_ms));
        }
        // What a stand-in bears is that of anybody.
        challenge.attempts_max = if borne { held.attempts } else { ATTEMPTS_MAX };
        challenge.destination = Some(destination.address.clone());
        challenge.sends = 1;
        // A code is made and hashed in any case; whether it counts makes no difference to what is done.
        let code_mac = binding(&challenge, subject, &destination.address).mac(tx.keys(), &code);
        let counts = is_real && borne;
        challenge.code_mac = counts.then(|| code_mac.to_vec());
        tx.add_challenge(&challenge)?;
        self.send(
            tx,
            at,
            Letter {
                occasion: Occasion::SignIn,
                to: &destination,
                code: Some(&code),
                user,
                not_after: expires,
                decoy: !counts,
            },
        )?;
        if is_real && !borne && held.has_wrong {
            self.tell_of_guesses(tx, at, subject)?;
        }
        self.audit(tx, at, subject, "SendCode", if counts { "sent" } else { "withheld" }, "")?;
        Ok(Asked {
            kind: Kind::Code(kind),
            session: handle.text,
            available: Vec::new(),
            destination: Some(destination.masked()),
            expires,
            parameters: Vec::new(),
            user: None,
            missing: Vec::new(),
            second: Vec::new(),
            device: None,
        })
    }

    /// Holds the guesses at a new code back from the account's budget, or from that of its recognised devices. A second
    /// factor, whose budget is small, makes do with fewer than the usual ones.
    fn hold_guesses(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        kind: CodeKind,
        challenge: &ChallengeRow,
        recognised: bool,
    ) -> Answer<HeldBack> {
        let budget = match recognised {
            false => guesses_per_day(kind.digits()),
            true => guesses_of_recognised(kind.digits()),
        };
        let (topic, key) = (kind.guesses_topic(), guesses_key(subject, recognised));
        let mut guesses = Guesses::read(&tx.ledger(&at.pool.id, topic, &key)?);
        let least = if kind.stage == Stage::Second { 1 } else { ATTEMPTS_MAX };
        let range = least..=ATTEMPTS_MAX;
        let attempts = guesses.hold(&challenge.handle_mac, range, budget, at.now, challenge.expires);
        tx.put_ledger(&at.pool.id, topic, &key, &guesses.write(), guesses.expires())?;
        let wait_ms = guesses.wait_ms(budget, at.now);
        Ok(HeldBack { attempts, wait_ms, has_wrong: guesses.has_wrong() })
    }

    /// Tells a person once a day that codes are held back because of wrong guesses (rule C10). For nobody, and for who has
    /// no address, the same is done.
    pub(crate) fn tell_of_guesses(&self, tx: &mut Tx<'_>, at: &At, subject: &Subject) -> Answer<()> {
        const DAY_MS: i64 = 86_400_000;
        let key = subject.ledger_key();
        let told = tx.ledger(&at.pool.id, "told of guesses", &key)?;
        let told_ms = <[u8; 8]>::try_from(told.as_slice()).map_or(0, i64::from_be_bytes);
        if at.now.ms() - told_ms < DAY_MS {
            return Ok(());
        }
        let entry = at.now.ms().to_be_bytes();
        tx.put_ledger(&at.pool.id, "told of guesses", &key, &entry, at.now.plus_ms(DAY_MS))?;
        // By mail where there is an address: it says more than a text, and costs nothing.
        let user = subject.user.as_ref();
        let own = [Medium::Email, Medium::Sms].into_iter().find_map(|medium| user?.destination(medium));
        let own = own.filter(|to| to.medium == Medium::Email || self.may_text(at, &to.address));
        let decoy = own.is_none() || user.is_none_or(|user| !user.enabled);
        let to = own.unwrap_or_else(|| self.stand_in(tx.keys(), at, &subject.name_key, Medium::Email));
        let not_after = at.now.plus_ms(DAY_MS);
        let letter =
            Letter { occasion: Occasion::GuessesUsedUp, to: &to, code: None, user, not_after, decoy };
        match self.send(tx, at, letter) {
            // What was guessed stays counted, whether or not its mail is taken.
            Err(Error::Refused(refused)) => {
                let reason = refused.reason.unwrap_or_else(|| refused.message.into_owned());
                self.audit(tx, at, subject, "SendMail", refused.kind.code, &reason)
            }
            sent => sent,
        }
    }
}

/// What a budget bears of a new code.
struct HeldBack {
    attempts: i64,
    /// How long it is until it bears a guess again.
    wait_ms: i64,
    has_wrong: bool,
}

/// What the ledger of guesses knows an account by, or its recognised devices together.
fn guesses_key(subject: &Subject, recognised: bool) -> Vec<u8> {
    let mut key = subject.ledger_key();
    if recognised {
        key.extend_from_slice(b" recognised");
    }
    key
}

/// The life of a sign-in code at a client.
pub fn code_life_ms(client: &Client) -> i64 {
    client.session_ms.min(CODE_LIFE_MAX_MS)
}

fn binding<'a>(challenge: &'a ChallengeRow, subject: &'a Subject, destination: &'a str) -> CodeBinding<'a> {
    CodeBinding {
        pool_id: &challenge.pool_id,
        client_id: &challenge.client_id,
        subject: subject.bound(),
        purpose: &challenge.kind,
        destination,
        asking: &challenge.handle_mac,
    }
}

impl Pools {
    /// Where the code of somebody who cannot have one seems to go, steadily: to what they have, or else to what a stand-in
    /// seems to have, in the order in which a code is tried to be sent.
    pub(crate) fn seeming_destination(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        order: impl Iterator<Item = Medium>,
    ) -> Answer<Destination> {
        let order: Vec<Medium> = order.collect();
        let own = order.iter().filter_map(|medium| subject.user.as_ref()?.destination(*medium));
        let mut reached = own.filter(|to| to.medium == Medium::Email || self.may_text(at, &to.address));
        if let Some(own) = reached.next() {
            return Ok(own);
        }
        let seems = self.stand_in_has(tx.keys(), at, &subject.name_key);
        let has = |medium: &&Medium| match medium {
            Medium::Email => seems.email,
            Medium::Sms => seems.phone,
        };
        let medium = order.iter().find(has).or(order.first()).copied().unwrap_or(Medium::Email);
        Ok(self.stand_in(tx.keys(), at, &subject.name_key, medium))
    }

    /// What a stand-in seems to be reached by, steadily: by what its name is, and by the one or the other besides.
    pub(super) fn stand_in_has(&self, keys: &Keys, at: &At, name_key: &str) -> Has {
        let drawn = stand_in_draw(keys, at, name_key);
        let by_phone = is_phone_number(name_key);
        let by_email = !by_phone && Address::parse(name_key).is_ok();
        let texts = match by_phone {
            true => self.may_text(at, name_key),
            false => at.pool.sends_texts() && !self.rules.texts.countries.is_empty(),
        };
        let only = |medium| at.pool.allows_codes() && at.pool.code_media().all(|allowed| allowed == medium);
        let email = match by_phone {
            true => drawn[1] & 1 == 1 || only(Medium::Email),
            // Who has a name of their own may have no mailbox.
            false => by_email || drawn[3] & 7 > 0,
        };
        let phone = texts && (by_phone || drawn[1] & 1 == 1 || only(Medium::Sms));
        Has { email, phone, ..Has::default() }
    }

    /// Where a stand-in seems to be reached here; a drawn number is one that texts may go to.
    pub(crate) fn stand_in(&self, keys: &Keys, at: &At, name_key: &str, medium: Medium) -> Destination {
        let country = self.rules.texts.countries.first().map_or("+1", String::as_str);
        stand_in(keys, &at.pool.id, name_key, medium, country)
    }
}

/// What is drawn steadily for a name that is nobody's.
pub(super) fn stand_in_draw(keys: &Keys, at: &At, name_key: &str) -> [u8; 32] {
    keys.mac(Purpose::Decoy, &[b"factors", at.pool.id.as_bytes(), name_key.as_bytes()])
}

/// Where a stand-in seems to be reached: by what was typed if it is of that medium, else by what is drawn steadily from
/// the name.
fn stand_in(keys: &Keys, pool_id: &str, name_key: &str, medium: Medium, country: &str) -> Destination {
    let drawn = || keys.mac(Purpose::Decoy, &[b"address", pool_id.as_bytes(), name_key.as_bytes()]);
    match medium {
        Medium::Email => match Address::parse(name_key) {
            Ok(address) => Destination::email(&address),
            Err(_) => {
                let drawn = drawn();
                let letter = |byte: u8| char::from(b'a' + byte % 26);
                // All of it counts for the pace of sends: strangers' names must not share an address.
                let rest = u64::from_be_bytes(drawn[2..10].try_into().unwrap_or_default());
                let address = format!("{}{rest:016x}@{}.invalid", letter(drawn[0]), letter(drawn[1]));
                Destination { medium, address }
            }
        },
        Medium::Sms if is_phone_number(name_key) => Destination::phone(name_key),
        Medium::Sms => {
            let drawn = drawn();
            let country = if country == "+" { "+1" } else { country };
            let length = NUMBER_LENGTH.saturating_sub(country.len());
            let digits: String = drawn[..length].iter().map(|byte| char::from(b'0' + byte % 10)).collect();
            Destination::phone(&format!("{country}{digits}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_stand_in_has_an_address_of_its_own_and_keeps_it() {
        let keys = Keys::new(&[[1; 32]]).expect("keys");
        let of = |name: &str| stand_in(&keys, "us-east-1_a", name, Medium::Email, "+1");
        let names = (0..1000).map(|number| format!("nobody{number}"));
        let addresses: BTreeSet<String> = names.map(|name| of(&name).address).collect();
        assert_eq!(addresses.len(), 1000);
        assert_eq!(of("nobody1").address, of("nobody1").address);
        let masked = of("nobody1").masked();
        assert!(masked.len() == "a***@b***".len() && masked[1..].starts_with("***@"), "{masked}");
        assert_eq!(of("who@example.com").address, "who@example.com");
    }
}
