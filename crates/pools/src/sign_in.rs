//! The one sign-in: `begin` asks, `answer` judges. API operations and pages are two faces of it. Everything here
//! happens inside a unit of work; the rules it follows stand in `auth` and `limits`.

mod asking;
mod code;
mod custom;
mod device;
mod first_proof;
mod passkey;
mod proven;
mod second;
mod srp;

use crate::Pools;
use crate::auth::acr::leads_to;
use crate::auth::factors::{self, Factor, Has, Next};
use crate::auth::second_factor::Mode;
use crate::destination::Medium;
use crate::passkeys::{Whose, fresh_challenge};
use crate::pool::Pool;
use crate::user::{Status, User, uuid_text};
use asking::Facts;
use passkey::REQUEST_OPTIONS;
use postern_model::cognito_idp::errors::*;
use postern_model::{Answer, refusal, refuse};
use postern_store::auth::ChallengeRow;
use postern_store::{Purpose, Tx};

pub use crate::step::{Asked, At, Device, Given, Hello, Kind, Proof, Resent, Says, SignedIn, Step, Subject};
pub use code::code_life_ms;
pub use srp::Proven;

impl Pools {
    /// Finds the user that a typed name leads to: a name of theirs, or the `sub`; and, where it is nobody's, what an
    /// outside provider calls them.
    pub fn find_user(&self, tx: &mut Tx<'_>, pool: &Pool, typed: &str) -> Answer<Option<User>> {
        // It is looked for in any case, so that all take as long.
        let outside = named_outside(tx, pool, typed)?;
        let row = match tx.user_by_name(&pool.id, &pool.name_key(typed))? {
            Some(row) => Some(row),
            None if uuid::Uuid::try_parse(typed).is_ok() => tx.user_by_id(&pool.id, typed)?,
            None => outside.map(|id| tx.user_by_id(&pool.id, &id)).transpose()?.flatten(),
        };
        match row {
            Some(row) => Ok(Some(User::from_row(row)?)),
            None => self.find_nobody(tx, &pool.id, &pool.name_key(typed)),
        }
    }

    /// The same by the name under which the API shows a user: letter by letter, what a provider calls somebody is theirs,
    /// though somebody here may have an address like it.
    pub fn find_shown_user(&self, tx: &mut Tx<'_>, pool: &Pool, name: &str) -> Answer<Option<User>> {
        let outside = match named_outside(tx, pool, name)? {
            Some(id) => tx.user_by_id(&pool.id, &id)?.filter(|row| row.username == name),
            None => None,
        };
        match outside {
            Some(row) => Ok(Some(User::from_row(row)?)),
            None => self.find_user(tx, pool, name),
        }
    }

    /// Finds nobody, in the time that somebody is found in: a user's row is read, steadily the same for a name, and thrown
    /// away (rule E3).
    fn find_nobody(&self, tx: &mut Tx<'_>, pool_id: &str, name_key: &str) -> Answer<Option<User>> {
        let drawn = tx.keys().mac(Purpose::Decoy, &[b"row", pool_id.as_bytes(), name_key.as_bytes()]);
        let from = uuid_text(std::array::from_fn(|place| drawn[place]));
        tx.user_from(pool_id, &from)?.map(User::from_row).transpose()?;
        Ok(None)
    }

    /// Begins a sign-in by choice (`USER_AUTH`).
    pub fn begin(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        username: &str,
        preferred: Option<Factor>,
        given: Given<'_>,
    ) -> Answer<Step<SignedIn>> {
        self.note_begin(tx, at)?;
        let subject = self.subject(tx, at, username)?;
        let available = self.available(tx, at, &subject)?;
        match factors::next(&available, preferred) {
            Next::Ask(factor) => self.ask(tx, at, subject, factor, &available, given),
            Next::Choose => {
                let asked = self.ask_to_choose(tx, at, &subject, available)?;
                Ok(Step::Ask(asked))
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
        let facts = Facts::of(&challenge)?;
        let subject = Subject { name_key: challenge.name_key, user: Some(user.clone()) };
        self.pre_authentication(tx, at, &subject)?;
        self.proven(tx, at, &subject, user, Proof { amr: facts.amr, told: "by the session of sign-up" })
    }

    /// Judges the choice of a factor.
    pub fn answer_choice(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        username: &str,
        session: &str,
        answer: &str,
        given: Given<'_>,
    ) -> Answer<Step<SignedIn>> {
        let challenge = self.challenge(tx, at, session, Kind::SelectChallenge, username)?;
        self.live(&challenge, at.now)?;
        let facts = Facts::of(&challenge)?;
        let factor = Factor::parse(answer)
            .filter(|factor| facts.offered.iter().any(|offered| offered == factor.as_str()))
            .ok_or_else(|| refusal(InvalidParameterException, "Selected challenge is not available."))?;
        let subject = self.subject_of(tx, &challenge)?;
        self.consume(tx, &challenge, Kind::SelectChallenge, at.now)?;
        let available: Vec<Factor> = facts.offered.iter().filter_map(|name| Factor::parse(name)).collect();
        if let (Factor::WebAuthn, Given::Passkey(credential)) = (factor, given) {
            return self.judge_asked_passkey(tx, at, subject, &challenge, credential);
        }
        self.ask(tx, at, subject, factor, &available, given)
    }

    /// Lets the person choose. Where a passkey is on offer, the browser can be asked for it at once.
    fn ask_to_choose(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        available: Vec<Factor>,
    ) -> Answer<Asked> {
        let challenge = available.contains(&Factor::WebAuthn).then(fresh_challenge);
        let options = match &challenge {
            Some(challenge) => self.assertion_options(tx, at, Whose::Of(subject), challenge)?,
            None => None,
        };
        let facts = Facts {
            offered: available.iter().map(|factor| factor.as_str().to_owned()).collect(),
            challenge,
            ..Facts::default()
        };
        let asked = self.remember(tx, at, subject, Kind::SelectChallenge, &facts)?;
        self.audit(tx, at, subject, "BeginSignIn", "choice offered", "")?;
        let parameters = options.map(|options| (REQUEST_OPTIONS.to_owned(), options.to_string()));
        Ok(Asked { available, parameters: parameters.into_iter().collect(), ..asked })
    }

    /// Asks for a factor, unless what it asks for came along; for a code this is where it is made, remembered and sent.
    fn ask(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: Subject,
        factor: Factor,
        available: &[Factor],
        given: Given<'_>,
    ) -> Answer<Step<SignedIn>> {
        let asked = match (factor, given) {
            (Factor::Password, Given::Password(password)) => {
                return self.ask_to_check(tx, at, subject, password, None);
            }
            (Factor::PasswordSrp, Given::Srp(hello)) => {
                self.ask_for_proof(tx, at, &subject, hello, &Facts::default())?
            }
            (Factor::PasswordSrp, _) => self.ask_for_password(tx, at, &subject, Kind::PasswordSrp)?,
            (Factor::WebAuthn, _) => self.ask_for_passkey(tx, at, &subject)?,
            (factor, _) => match factor.code() {
                None => self.ask_for_password(tx, at, &subject, Kind::Password)?,
                Some(kind) => self.ask_for_code(tx, at, &subject, kind, &Facts::default())?,
            },
        };
        Ok(Step::Ask(Asked { available: available.to_vec(), ..asked }))
    }

    /// Tells whether this pool's texts may go to a number.
    pub(crate) fn may_text(&self, at: &At, number: &str) -> bool {
        at.pool.sends_texts() && self.rules.texts.allow(number)
    }

    fn ask_for_password(&self, tx: &mut Tx<'_>, at: &At, subject: &Subject, kind: Kind) -> Answer<Asked> {
        self.admits_passwords(at, subject)?;
        self.remember(tx, at, subject, kind, &Facts::default())
    }

    /// Whose sign-in a typed name begins, if the pool's function lets it begin. Where existence is hidden, nobody's
    /// looks like somebody's, and so does a disabled account's.
    pub fn subject(&self, tx: &mut Tx<'_>, at: &At, username: &str) -> Answer<Subject> {
        let name_key = at.pool.name_key(username);
        let user = self.find_user(tx, &at.pool, username)?;
        // Who comes by an outside provider has no other way in.
        let user = user.filter(|user| user.status != Status::ExternalProvider);
        if !at.client.hides_existence {
            match &user {
                None => return refuse(UserNotFoundException, "User does not exist."),
                Some(user) if !user.enabled => return refuse(NotAuthorizedException, "User is disabled."),
                Some(_) => {}
            }
        }
        let subject = Subject { name_key, user };
        self.pre_authentication(tx, at, &subject)?;
        Ok(subject)
    }

    pub(crate) fn subject_of(&self, tx: &mut Tx<'_>, challenge: &ChallengeRow) -> Answer<Subject> {
        let user = match &challenge.user_id {
            Some(id) => tx.user_by_id(&challenge.pool_id, id)?.map(User::from_row).transpose()?,
            None => self.find_nobody(tx, &challenge.pool_id, &challenge.name_key)?,
        };
        Ok(Subject { name_key: challenge.name_key.clone(), user })
    }

    /// The factors that a typed name has on offer, and where a code would go, masked.
    pub fn ways(&self, tx: &mut Tx<'_>, at: &At, username: &str) -> Answer<(Vec<Factor>, String)> {
        self.note_begin(tx, at)?;
        let subject = self.subject(tx, at, username)?;
        let available = self.available(tx, at, &subject)?;
        let medium = available.iter().find_map(|factor| factor.code()).map(|kind| kind.medium);
        let destination = medium.map(|medium| {
            let known = subject.user.as_ref().and_then(|user| user.destination(medium));
            known.unwrap_or_else(|| self.stand_in(tx.keys(), at, &subject.name_key, medium)).masked()
        });
        Ok((available, destination.unwrap_or_default()))
    }

    /// The factors on offer that lead to the level which the sign-in is to reach.
    pub(crate) fn available(&self, tx: &mut Tx<'_>, at: &At, subject: &Subject) -> Answer<Vec<Factor>> {
        let all = self.offered(tx, at, subject)?;
        let Some(goal) = at.goal else { return Ok(all) };
        let leading: Vec<Factor> =
            all.iter().copied().filter(|factor| leads_to(*factor, &at.pool.second, goal.level)).collect();
        Ok(if leading.is_empty() && goal.voluntary { all } else { leading })
    }

    /// The factors on offer: what the person really has, or what a stand-in seems to have, steadily so.
    fn offered(&self, tx: &mut Tx<'_>, at: &At, subject: &Subject) -> Answer<Vec<Factor>> {
        let pool = &at.pool;
        let second_follows = self.second_follows(tx, at, subject)?;
        let by_passkey = pool.may_begin_with_passkey(second_follows);
        let passkey = by_passkey && self.has_passkey(tx, pool, subject)?;
        let offer = |has| factors::available(&pool.allowed_factors, has, second_follows);
        let of_user = |user: &User| {
            // A number that no text may go to is none.
            let number = user.destination(Medium::Sms);
            Has { passkey, phone: number.is_some_and(|to| self.may_text(at, &to.address)), ..user.has() }
        };
        let own = subject.user.as_ref().map(|user| offer(of_user(user))).unwrap_or_default();
        if !own.is_empty() {
            return Ok(own);
        }
        let drawn = code::stand_in_draw(tx.keys(), at, &subject.name_key);
        let passkey = by_passkey && drawn[2] & 3 == 0 && self.relying_party(tx, pool)?.is_some();
        if !pool.allows_codes() {
            return Ok(offer(Has { password: true, verifier: true, passkey, ..Has::default() }));
        }
        let codes = Has { passkey, ..self.stand_in_has(tx.keys(), at, &subject.name_key) };
        // Elsewhere there may be anybody, with a password.
        let elsewhere = self.migrates(at);
        let password = second_follows || elsewhere || drawn[0] & 1 == 1 || offer(codes).is_empty();
        Ok(offer(Has { password, verifier: password, ..codes }))
    }

    /// Whether a second factor is to follow the first, so that codes are no first one. One in eight stand-ins seems to
    /// have chosen one, where that can be chosen.
    fn second_follows(&self, tx: &mut Tx<'_>, at: &At, subject: &Subject) -> Answer<bool> {
        match (at.pool.second.mode, &subject.user) {
            (Mode::Off, _) => Ok(false),
            (Mode::On, _) => Ok(true),
            (Mode::Optional, Some(user)) => Ok(self.has_second_factor(tx, &at.pool, user)?),
            (Mode::Optional, None) => {
                let parts: [&[u8]; 3] = [b"second", at.pool.id.as_bytes(), subject.name_key.as_bytes()];
                let drawn = tx.keys().mac(Purpose::Decoy, &parts);
                Ok(drawn[0] & 7 == 0 && at.pool.allowed_factors.contains(&Factor::Password))
            }
        }
    }
}

/// Who has a name that a provider gave, where such names are apart from all others.
fn named_outside(tx: &mut Tx<'_>, pool: &Pool, name: &str) -> Answer<Option<String>> {
    match name.contains('_') && !pool.username_attributes.is_empty() {
        true => Ok(tx.user_named(&pool.id, &pool.outside_key(name))?),
        false => Ok(None),
    }
}
