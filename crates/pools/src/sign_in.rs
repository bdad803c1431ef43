//! The one sign-in: `begin` asks, `answer` judges. API operations and pages are two faces of it. Everything here
//! happens inside a unit of work; the rules it follows stand in `auth` and `limits`.

use crate::Pools;
use crate::auth::challenge::{CodeBinding, Handle, SIGN_IN_DIGITS, Standing, code_is_right, standing};
use crate::auth::factors::{self, Factor, Has, Next};
use crate::client::Client;
use crate::limits::{ATTEMPTS_MAX, Guesses, SEND_PAUSE_MS, SENDS_MAX, guesses_per_day};
use crate::messages::Occasion;
use crate::outgoing::Letter;
use crate::pool::Pool;
use crate::step::facts_of;
use crate::user::{Status, User};
use postern_model::cognito_idp::errors::*;
use postern_model::{Answer, Error, refusal, refuse};
use postern_store::auth::ChallengeRow;
use postern_store::{Keys, Purpose, Timestamp, Tx, random};
use serde::{Deserialize, Serialize};

pub use crate::step::{Asked, At, Kind, Resent, SignedIn, Step, Subject};

/// Longest life of a sign-in code, whatever the app client's session lasts (rule C2).
const CODE_LIFE_MAX_MS: i64 = 10 * 60_000;

/// What the next step of a challenge needs to know.
#[derive(Default, Serialize, Deserialize)]
struct Facts {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    offered: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    amr: Vec<String>,
}

impl Pools {
    /// Finds the user that a typed name leads to: a name of theirs, or the `sub`.
    pub fn find_user(&self, tx: &mut Tx<'_>, pool: &Pool, typed: &str) -> Answer<Option<User>> {
        let row = match tx.user_by_name(&pool.id, &pool.name_key(typed))? {
            Some(row) => Some(row),
            None if uuid::Uuid::try_parse(typed).is_ok() => tx.user_by_id(&pool.id, typed)?,
            None => None,
        };
        Ok(row.map(User::from_row).transpose()?)
    }

    /// Begins a sign-in by choice (`USER_AUTH`).
    pub fn begin(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        username: &str,
        preferred: Option<Factor>,
        password: Option<&str>,
    ) -> Answer<Step<SignedIn>> {
        self.note_begin(tx, at)?;
        let subject = self.subject(tx, at, username)?;
        let available = self.available(tx, at, &subject);
        match factors::next(&available, preferred) {
            Next::Ask(Factor::Password) if password.is_some() => {
                self.ask_to_check(tx, at, subject, password.unwrap_or_default(), None)
            }
            Next::Ask(factor) => self.ask(tx, at, &subject, factor, &available),
            Next::Choose => {
                let facts = Facts {
                    offered: available.iter().map(|factor| factor.as_str().to_owned()).collect(),
                    ..Facts::default()
                };
                let asked = self.remember(tx, at, &subject, Kind::SelectChallenge, &facts)?;
                self.audit(tx, at, &subject, "BeginSignIn", "choice offered", "")?;
                Ok(Step::Ask(Asked { available, ..asked }))
            }
            Next::Nothing => refuse(NotAuthorizedException, "Incorrect username or password."),
        }
    }

    /// Begins a sign-in with a password in hand (`USER_PASSWORD_AUTH` and its twin for administrators).
    pub fn begin_with_password(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        username: &str,
        password: &str,
    ) -> Answer<Step<SignedIn>> {
        self.note_begin(tx, at)?;
        let subject = self.subject(tx, at, username)?;
        self.ask_to_check(tx, at, subject, password, None)
    }

    /// Signs in with the `Session` of a sign-up that was confirmed: once, within its life, at the same client.
    pub fn begin_signed_up(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        username: &str,
        session: &str,
    ) -> Answer<Step<SignedIn>> {
        let challenge = self.challenge(tx, at, session, Kind::SignedUp, username)?;
        self.live(&challenge, at.now)?;
        let user = match &challenge.user_id {
            Some(id) => tx.user_by_id(&at.pool.id, id)?.map(User::from_row).transpose()?,
            None => None,
        };
        let user = user
            .filter(|user| user.status == Status::Confirmed && user.enabled)
            .ok_or_else(|| refusal(NotAuthorizedException, "Invalid session for the user."))?;
        self.consume(tx, &challenge, Kind::SignedUp, at.now)?;
        let facts: Facts = serde_json::from_str(&challenge.facts).unwrap_or_default();
        let subject = Subject { name_key: challenge.name_key, user: Some(user.clone()) };
        self.audit(tx, at, &subject, "SignIn", "signed in", "by the session of sign-up")?;
        Ok(Step::Done(SignedIn { user, facts: facts_of(at, facts.amr) }))
    }

    /// Judges the choice of a factor.
    pub fn answer_choice(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        username: &str,
        session: &str,
        answer: &str,
        password: Option<&str>,
    ) -> Answer<Step<SignedIn>> {
        let challenge = self.challenge(tx, at, session, Kind::SelectChallenge, username)?;
        self.live(&challenge, at.now)?;
        let facts: Facts = serde_json::from_str(&challenge.facts).unwrap_or_default();
        let factor = Factor::parse(answer)
            .filter(|factor| facts.offered.iter().any(|offered| offered == factor.as_str()))
            .ok_or_else(|| refusal(InvalidParameterException, "Selected challenge is not available."))?;
        let subject = self.subject_of(tx, &challenge)?;
        self.consume(tx, &challenge, Kind::SelectChallenge, at.now)?;
        let available: Vec<Factor> = facts.offered.iter().filter_map(|name| Factor::parse(name)).collect();
        match (factor, password) {
            (Factor::Password, Some(password)) => self.ask_to_check(tx, at, subject, password, None),
            _ => self.ask(tx, at, &subject, factor, &available),
        }
    }

    /// Judges a code. A wrong one is remembered and leaves the session usable until its attempts are spent.
    pub fn answer_code(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        username: &str,
        session: &str,
        code: &str,
    ) -> Answer<Step<SignedIn>> {
        let challenge = self.challenge(tx, at, session, Kind::EmailOtp, username)?;
        self.live(&challenge, at.now)?;
        if !tx.spend_attempt(&challenge.handle_mac, at.now)? {
            return refuse(NotAuthorizedException, "Invalid session for the user, session is expired.");
        }
        let keys = tx.keys().clone();
        let right = code_is_right(&challenge, &keys, code, at.now);
        let subject = self.subject_of(tx, &challenge)?;
        let guesses_key = subject.ledger_key();
        let mut guesses = Guesses::read(&tx.ledger(&at.pool.id, "guesses/email", &guesses_key)?);
        if right {
            self.consume(tx, &challenge, Kind::EmailOtp, at.now)?;
            guesses.release(&challenge.handle_mac);
        } else {
            guesses.note_wrong(&challenge.handle_mac);
        }
        tx.put_ledger(&at.pool.id, "guesses/email", &guesses_key, &guesses.write(), guesses.expires())?;
        if !right {
            self.audit(tx, at, &subject, "SignIn", "wrong code", "")?;
            return Ok(Step::No(refusal(CodeMismatchException, "Invalid code or auth state for the user.")));
        }
        self.note_use(tx, at)?;
        self.signed_in_by_email(tx, at, subject, &challenge)
    }

    /// A right code proves the mailbox: it verifies the address, and confirms who was not.
    fn signed_in_by_email(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: Subject,
        challenge: &ChallengeRow,
    ) -> Answer<Step<SignedIn>> {
        let Some(mut user) = subject
            .user
            .clone()
            .filter(|user| user.email().is_some_and(|email| Some(email.spelling()) == challenge.destination))
        else {
            self.audit(tx, at, &subject, "SignIn", "refused", "the account or its address is gone")?;
            return Ok(Step::No(refusal(NotAuthorizedException, "Incorrect username or password.")));
        };
        if !user.enabled {
            self.audit(tx, at, &subject, "SignIn", "refused", "disabled")?;
            return Ok(Step::No(refusal(NotAuthorizedException, "User is disabled.")));
        }
        if !user.is_verified("email") || user.status == Status::Unconfirmed {
            user = self.user_to_change(tx, &user)?;
            if user.status == Status::Unconfirmed {
                // Whoever set a password before the mailbox was proven may be somebody else (rule A7).
                user.password = None;
                user.password_expires = None;
                user.signed_out = at.now.minus_ms(1);
                user.status = Status::Confirmed;
            }
            user.set_verified("email", true);
            user.save(tx, at.now)?;
            self.settle_alias(tx, &at.pool, &user)?;
        }
        self.audit(tx, at, &subject, "SignIn", "signed in", "by e-mailed code")?;
        let facts = facts_of(at, vec!["otp".into(), "email_otp".into()]);
        Ok(Step::Done(SignedIn { user, facts }))
    }

    /// Sends a new code in the same challenge; the one before stays good. Gives the masked destination, or says
    /// how long to wait.
    pub fn send_again(&self, tx: &mut Tx<'_>, at: &At, session: &str) -> Answer<Resent> {
        let macs = Handle::macs(tx.keys(), session);
        let challenge = tx
            .find_challenge(&macs)?
            .filter(|row| row.client_id == at.client.id && row.kind == Kind::EmailOtp.as_str())
            .ok_or_else(invalid_session)?;
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
        let destination = challenge.destination.clone().unwrap_or_default();
        self.note_send(tx, at, &destination)?;
        let expires = at.now.plus_ms(code_life_ms(&at.client));
        let code = random::digits(SIGN_IN_DIGITS);
        // A challenge that never had a code gets none by asking again.
        let code_mac = challenge
            .code_mac
            .is_some()
            .then(|| binding(&challenge, &subject, &destination).mac(tx.keys(), &code));
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
        let key = subject.ledger_key();
        let mut guesses = Guesses::read(&tx.ledger(&at.pool.id, "guesses/email", &key)?);
        guesses.extend(&challenge.handle_mac, expires);
        tx.put_ledger(&at.pool.id, "guesses/email", &key, &guesses.write(), guesses.expires())?;
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

    /// Asks for a factor; for a code this is where it is made, remembered and mailed.
    fn ask(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        factor: Factor,
        available: &[Factor],
    ) -> Answer<Step<SignedIn>> {
        let asked = match factor {
            Factor::Password => self.remember(tx, at, subject, Kind::Password, &Facts::default())?,
            Factor::EmailOtp => self.ask_for_code(tx, at, subject)?,
        };
        Ok(Step::Ask(Asked { available: available.to_vec(), ..asked }))
    }

    fn ask_for_code(&self, tx: &mut Tx<'_>, at: &At, subject: &Subject) -> Answer<Asked> {
        let user = subject.user.as_ref();
        let real = user.filter(|user| user.enabled).and_then(User::email);
        let destination = match user.and_then(User::email) {
            Some(email) => email.spelling(),
            None => stand_in_address(tx.keys(), &at.pool.id, &subject.name_key),
        };
        self.note_send(tx, at, &destination)?;
        let handle = Handle::fresh(tx.keys());
        let expires = at.now.plus_ms(code_life_ms(&at.client));
        let key = subject.ledger_key();
        let mut guesses = Guesses::read(&tx.ledger(&at.pool.id, "guesses/email", &key)?);
        let borne = guesses.hold(&handle.mac, ATTEMPTS_MAX, guesses_per_day(SIGN_IN_DIGITS), at.now, expires);
        tx.put_ledger(&at.pool.id, "guesses/email", &key, &guesses.write(), guesses.expires())?;
        let code = random::digits(SIGN_IN_DIGITS);
        let mut challenge = self.row(at, subject, Kind::EmailOtp, &handle, expires, &Facts::default())?;
        challenge.destination = Some(destination.clone());
        challenge.sends = 1;
        // A code is made and hashed in any case; whether it counts makes no difference to what is done.
        let code_mac = binding(&challenge, subject, &destination).mac(tx.keys(), &code);
        let counts = real.is_some() && borne;
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
        if real.is_some() && !borne {
            self.tell_of_guesses(tx, at, subject, &destination)?;
        }
        self.audit(tx, at, subject, "SendCode", if counts { "sent" } else { "withheld" }, "")?;
        Ok(Asked {
            kind: Kind::EmailOtp,
            session: handle.text,
            available: Vec::new(),
            destination: Some(crate::outgoing::masked(&destination)),
            expires,
            user: None,
            missing: Vec::new(),
        })
    }

    /// Tells a person once a day that codes are held back because of wrong guesses (rule C10).
    fn tell_of_guesses(&self, tx: &mut Tx<'_>, at: &At, subject: &Subject, to: &str) -> Answer<()> {
        const DAY_MS: i64 = 86_400_000;
        let key = subject.ledger_key();
        let told = tx.ledger(&at.pool.id, "told of guesses", &key)?;
        let told_ms = <[u8; 8]>::try_from(told.as_slice()).map_or(0, i64::from_be_bytes);
        if at.now.ms() - told_ms < DAY_MS {
            return Ok(());
        }
        let entry = at.now.ms().to_be_bytes();
        tx.put_ledger(&at.pool.id, "told of guesses", &key, &entry, at.now.plus_ms(DAY_MS))?;
        let letter = Letter {
            occasion: Occasion::GuessesUsedUp,
            to,
            code: None,
            user: subject.user.as_ref(),
            not_after: at.now.plus_ms(DAY_MS),
            decoy: false,
        };
        self.send(tx, at, letter)
    }

    /// Whose sign-in a typed name begins. Where existence is hidden, nobody's looks like somebody's, and so does
    /// a disabled account's.
    fn subject(&self, tx: &mut Tx<'_>, at: &At, username: &str) -> Answer<Subject> {
        let name_key = at.pool.name_key(username);
        let user = self.find_user(tx, &at.pool, username)?;
        if !at.client.hides_existence {
            match &user {
                None => return refuse(UserNotFoundException, "User does not exist."),
                Some(user) if !user.enabled => return refuse(NotAuthorizedException, "User is disabled."),
                Some(_) => {}
            }
        }
        Ok(Subject { name_key, user })
    }

    pub(crate) fn subject_of(&self, tx: &mut Tx<'_>, challenge: &ChallengeRow) -> Answer<Subject> {
        let user = match &challenge.user_id {
            Some(id) => tx.user_by_id(&challenge.pool_id, id)?.map(User::from_row).transpose()?,
            None => None,
        };
        Ok(Subject { name_key: challenge.name_key.clone(), user })
    }

    /// The factors on offer: what the person really has, or what a stand-in seems to have, steadily so.
    fn available(&self, tx: &mut Tx<'_>, at: &At, subject: &Subject) -> Vec<Factor> {
        let has = match &subject.user {
            Some(user)
                if !factors::available(&at.pool.allowed_factors, user.has(), at.pool.mfa_required)
                    .is_empty() =>
            {
                user.has()
            }
            _ if !at.pool.allows_codes() => Has { password: true, email: false },
            _ => {
                let drawn = tx
                    .keys()
                    .mac(Purpose::Decoy, &[b"factors", at.pool.id.as_bytes(), subject.name_key.as_bytes()]);
                Has { password: drawn[0] & 1 == 1, email: true }
            }
        };
        factors::available(&at.pool.allowed_factors, has, at.pool.mfa_required)
    }

    /// Remembers a question without a code.
    fn remember(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        kind: Kind,
        facts: &Facts,
    ) -> Answer<Asked> {
        let handle = Handle::fresh(tx.keys());
        let expires = at.now.plus_ms(at.client.session_ms);
        tx.add_challenge(&self.row(at, subject, kind, &handle, expires, facts)?)?;
        Ok(Asked {
            kind,
            session: handle.text,
            available: Vec::new(),
            destination: None,
            expires,
            user: None,
            missing: Vec::new(),
        })
    }

    /// Asks for a new password; the right temporary one was given.
    pub(crate) fn ask_for_new_password(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        user: User,
        missing: Vec<String>,
    ) -> Answer<Asked> {
        let facts = Facts { amr: vec!["pwd".into()], ..Facts::default() };
        let asked = self.remember(tx, at, subject, Kind::NewPasswordRequired, &facts)?;
        Ok(Asked { user: Some(user), missing, ..asked })
    }

    /// Makes the session of a sign-up that was begun, or of one that was confirmed.
    pub(crate) fn session_of(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        kind: Kind,
    ) -> Answer<String> {
        let facts = Facts { amr: vec!["otp".into(), "email_otp".into()], ..Facts::default() };
        Ok(self.remember(tx, at, subject, kind, &facts)?.session)
    }

    fn row(
        &self,
        at: &At,
        subject: &Subject,
        kind: Kind,
        handle: &Handle,
        expires: Timestamp,
        facts: &Facts,
    ) -> Answer<ChallengeRow> {
        Ok(ChallengeRow {
            handle_mac: handle.mac.to_vec(),
            pool_id: at.pool.id.clone(),
            client_id: at.client.id.clone(),
            user_id: subject.user.as_ref().map(|user| user.id.clone()),
            name_key: subject.name_key.clone(),
            kind: kind.as_str().into(),
            code_mac: None,
            code_mac_old: None,
            old_expires: Timestamp::default(),
            destination: None,
            attempts: 0,
            attempts_max: ATTEMPTS_MAX,
            sends: 0,
            sent: at.now,
            spent: false,
            facts: serde_json::to_string(facts).map_err(anyhow::Error::from)?,
            created: at.now,
            expires,
        })
    }

    /// Finds the challenge that a session names, if it is of this kind, client and user. Nothing is spent when it
    /// is not.
    pub(crate) fn challenge(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        session: &str,
        kind: Kind,
        username: &str,
    ) -> Answer<ChallengeRow> {
        let macs = Handle::macs(tx.keys(), session);
        let challenge = tx
            .find_challenge(&macs)?
            .filter(|row| row.client_id == at.client.id && row.kind == kind.as_str())
            .ok_or_else(invalid_session)?;
        if at.pool.name_key(username) != challenge.name_key {
            let named = self.find_user(tx, &at.pool, username)?.map(|user| user.id);
            if named.is_none() || named != challenge.user_id {
                return Err(invalid_session());
            }
        }
        Ok(challenge)
    }

    pub(crate) fn live(&self, challenge: &ChallengeRow, now: Timestamp) -> Answer<()> {
        match standing(challenge, now) {
            Standing::Live => Ok(()),
            Standing::Used => {
                refuse(NotAuthorizedException, "Invalid session for the user, session can only be used once.")
            }
            Standing::Expired | Standing::Exhausted => {
                refuse(NotAuthorizedException, "Invalid session for the user, session is expired.")
            }
        }
    }

    pub(crate) fn consume(
        &self,
        tx: &mut Tx<'_>,
        challenge: &ChallengeRow,
        kind: Kind,
        now: Timestamp,
    ) -> Answer<()> {
        if tx.consume_challenge(&challenge.handle_mac, kind.as_str(), now)? {
            return Ok(());
        }
        refuse(NotAuthorizedException, "Invalid session for the user, session can only be used once.")
    }
}

/// The life of a sign-in code at a client.
pub fn code_life_ms(client: &Client) -> i64 {
    client.session_ms.min(CODE_LIFE_MAX_MS)
}

fn invalid_session() -> Error {
    refusal(NotAuthorizedException, "Invalid session for the user.")
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

/// The address that a stand-in seems to have: what was typed if that is one, else one drawn steadily from the name.
pub fn stand_in_address(keys: &Keys, pool_id: &str, name_key: &str) -> String {
    if let Ok(address) = postern_mail::address::Address::parse(name_key) {
        return address.spelling();
    }
    let drawn = keys.mac(Purpose::Decoy, &[b"address", pool_id.as_bytes(), name_key.as_bytes()]);
    let letter = |byte: u8| char::from(b'a' + byte % 26);
    format!("{}@{}.invalid", letter(drawn[0]), letter(drawn[1]))
}
