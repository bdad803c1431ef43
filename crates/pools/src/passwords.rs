//! Passwords: what is kept of them is made, and checked, by their own few threads, never inside a unit of work. A check
//! is begun in one unit, which spends the attempt, and ended in another, which writes down how it went.

use crate::Pools;
use crate::auth::foreign_password;
use crate::auth::password::fault;
use crate::auth::srp::{Identity, Verifier};
use crate::limits::Failures;
use crate::pool::Pool;
use crate::step::{At, By, Check, Kind, Proof, SignedIn, Step, Subject};
use crate::threats::Judged;
use crate::unit;
use crate::user::{Password, Status, User, fresh_id};
use crate::work::Busy;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, Salt, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use postern_model::cognito_idp::errors::*;
use postern_model::{Answer, Error, Secret, refusal, refuse};
use postern_store::auth::ChallengeRow;
use postern_store::{Keys, Purpose, Tx, random};

/// Argon2id with 19 MiB, two passes and one lane (OWASP Password Storage Cheat Sheet).
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;

/// What is verified when there is nothing to verify against, so that it takes as long. No password has this hash.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5bm9ib2R5$\
                       AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Whose a new password is to be.
#[derive(Clone)]
pub struct Owner {
    user_id: String,
    username: String,
    /// Hashes of the passwords that it may not be.
    earlier: Vec<String>,
}

impl Owner {
    /// Somebody who is there, with the passwords that their pool does not let them choose again.
    pub fn of(tx: &mut Tx<'_>, pool: &Pool, user: &User) -> Answer<Owner> {
        let mut earlier = Vec::new();
        if pool.password_history > 0 {
            earlier.extend(user.password.as_ref().map(|password| password.hash.clone()));
            earlier.extend(tx.password_history(&pool.id, &user.id, pool.password_history - 1)?);
        }
        Ok(Owner { user_id: user.id.clone(), username: user.username.clone(), earlier })
    }

    /// Somebody who is still to be added under a typed name.
    pub fn new(pool: &Pool, typed: &str) -> Owner {
        let user_id = fresh_id();
        let username = pool.stored_username(typed, &user_id).to_owned();
        Owner { user_id, username, earlier: Vec::new() }
    }
}

/// A password that somebody chose and the pool accepts, ready to be kept for its owner alone.
#[derive(Clone)]
pub struct NewPassword {
    owner: Owner,
    password: Password,
}

impl NewPassword {
    /// The id of its owner, which a user to be added must take.
    pub fn user_id(&self) -> &str {
        &self.owner.user_id
    }
}

impl User {
    /// Takes a new password, which must have been made for this user.
    pub fn take_password(&mut self, new: &NewPassword) -> Answer<()> {
        if new.owner.user_id != self.id || new.owner.username != self.username {
            return refuse(NotAuthorizedException, "Invalid session for the user.");
        }
        self.password = Some(new.password.clone());
        Ok(())
    }
}

/// What the hashing threads found out.
struct Checked {
    right: bool,
    /// What is to be kept from now on, where an older form was right.
    renewed: Option<Password>,
}

impl Pools {
    /// Spends an attempt at a password and has it checked; refuses while failed attempts lock the account.
    pub(crate) fn ask_to_check(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: Subject,
        password: &str,
        challenge: Option<ChallengeRow>,
    ) -> Answer<Step<SignedIn>> {
        self.admits_passwords(at, &subject)?;
        let challenge = challenge.map(|row| (Kind::Password, row));
        self.spend_password_attempt(tx, at, &subject, challenge.as_ref().map(|(_, row)| row))?;
        let hash_like = self.hash_like(tx, at, &subject)?;
        let by = By::Password(Secret::new(password));
        Ok(Step::Check(Box::new(Check { subject, by, challenge, hash_like })))
    }

    /// Where users came with hashes of another system, half of those who are not there take as long to be checked as
    /// somebody of those, steadily, so that time does not tell them apart (rule E3).
    fn hash_like(&self, tx: &mut Tx<'_>, at: &At, subject: &Subject) -> Answer<Option<String>> {
        let like = tx.import_hash_like(&at.pool.id)?;
        let parts: [&[u8]; 3] = [b"hash", at.pool.id.as_bytes(), subject.bound().as_bytes()];
        let drawn = tx.keys().mac(Purpose::Decoy, &parts);
        Ok(like.filter(|_| drawn[0] & 1 == 0))
    }

    /// Says at once what stands against a password sign-in, where existence is not hidden; where it is, only who has the
    /// password is told.
    pub(crate) fn admits_passwords(&self, at: &At, subject: &Subject) -> Answer<()> {
        if at.client.hides_existence {
            return Ok(());
        }
        match subject.user.as_ref().map(|user| user.status) {
            Some(Status::Unconfirmed) => Err(not_confirmed()),
            Some(Status::ResetRequired) => Err(reset_required()),
            _ => Ok(()),
        }
    }

    /// Refuses while failed attempts lock the account.
    pub(crate) fn is_not_locked(&self, tx: &mut Tx<'_>, at: &At, subject: &Subject) -> Answer<Failures> {
        let failures = Failures::read(&tx.ledger(&at.pool.id, "failures/password", &subject.ledger_key())?);
        if let Some(left_ms) = failures.locked_ms(at.now) {
            let left_s = u32::try_from((left_ms + 999) / 1000).unwrap_or(u32::MAX);
            return Err(refusal(NotAuthorizedException, "Password attempts exceeded").retry_after(left_s));
        }
        Ok(failures)
    }

    /// Spends an attempt, at the account and at the challenge if there is one, before anything is judged.
    pub(crate) fn spend_password_attempt(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        challenge: Option<&ChallengeRow>,
    ) -> Answer<()> {
        let mut failures = self.is_not_locked(tx, at, subject)?;
        if let Some(challenge) = challenge
            && !tx.spend_attempt(&challenge.handle_mac, at.now)?
        {
            return refuse(NotAuthorizedException, "Invalid session for the user, session is expired.");
        }
        // Counted as failed until it is known to be right: attempts made side by side all count.
        failures.note(at.now);
        let key = subject.ledger_key();
        tx.put_ledger(&at.pool.id, "failures/password", &key, &failures.write(), failures.expires())?;
        Ok(())
    }

    /// Judges the answer to a PASSWORD challenge.
    pub fn answer_password(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        username: &str,
        session: &str,
        password: &str,
    ) -> Answer<Step<SignedIn>> {
        let challenge = self.challenge(tx, at, session, Kind::Password, username)?;
        self.live(&challenge, at.now)?;
        let subject = self.subject_of(tx, &challenge)?;
        self.ask_to_check(tx, at, subject, password, Some(challenge))
    }

    /// Checks a password, or the proof of one, off the async threads and ends the attempt in a unit of work, where
    /// `finish` does what is to be done with whoever signed in. Any other step passes through.
    pub async fn check_password<T: Send + 'static>(
        &self,
        at: &At,
        step: Step<T>,
        finish: impl Fn(&mut Tx<'_>, &At, SignedIn) -> Answer<T> + Send + 'static,
    ) -> Answer<Step<T>> {
        let Step::Check(check) = step else { return Ok(step) };
        match &check.by {
            By::Functions(answer) => {
                let (pools, at, caller, answer) =
                    (self.clone(), at.clone(), at.caller.clone(), answer.clone());
                let judge = move |tx: &mut Tx<'_>| {
                    let step = pools.judge_custom(tx, &at, &check, &answer);
                    unit::kept(step.and_then(|step| step.end(|signed_in| finish(tx, &at, signed_in))))
                };
                return self.sign_in_unit(&caller, judge).await;
            }
            By::Password(_) if check.subject.user.is_none() && self.migrates(at) => {
                return self.migrate(at, *check, finish).await;
            }
            By::Password(_) | By::Srp(_) | By::Device(_) => {}
        }
        let user = check.subject.user.as_ref().filter(|user| user.enabled);
        let password = user.and_then(|user| user.password.clone());
        let identity = user.map(|user| Identity::new(&at.pool.id, &user.username));
        let (by, like, keys) = (check.by.clone(), check.hash_like.clone(), self.store.keys().clone());
        let judge = move || judge(&by, password.as_ref(), like.as_deref(), identity.as_ref(), &keys);
        let checked = self.hashers.run(judge).await;
        let checked = checked.map_err(too_busy)??;
        let (pools, at) = (self.clone(), at.clone());
        let caller = at.caller.clone();
        self.sign_in_unit(&caller, move |tx| {
            let step = match &check.by {
                By::Device(claim) => pools.device_checked(tx, &at, &check, claim, checked.right),
                _ => pools.password_checked(tx, &at, &check, &checked),
            };
            unit::kept(step.and_then(|step| step.end(|signed_in| finish(tx, &at, signed_in))))
        })
        .await
    }

    fn password_checked(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        check: &Check,
        checked: &Checked,
    ) -> Answer<Step<SignedIn>> {
        let subject = &check.subject;
        // Read again: the account may have changed while the hash was computed.
        let user = match &subject.user {
            Some(user) => tx.user_by_id(&at.pool.id, &user.id)?.map(User::from_row).transpose()?,
            None => None,
        };
        let unchanged = |user: &User| {
            user.enabled && user.password == subject.user.as_ref().and_then(|user| user.password.clone())
        };
        let Some(mut user) = user.filter(|user| checked.right && unchanged(user)) else {
            self.audit(tx, at, subject, "SignIn", "wrong password", "")?;
            return Ok(Step::No(wrong()));
        };
        self.forget_failures(tx, at, subject)?;
        if let Some((kind, challenge)) = &check.challenge {
            self.consume(tx, challenge, *kind, at.now)?;
        }
        if let Some(renewed) = &checked.renewed {
            user = self.user_to_change(tx, &user)?;
            user.password = Some(renewed.clone());
            tx.change_user(&user.to_row()?)?;
        }
        match user.status {
            Status::Unconfirmed => Ok(Step::No(not_confirmed())),
            Status::ResetRequired => Ok(Step::No(reset_required())),
            Status::ExternalProvider => {
                Ok(Step::No(refusal(NotAuthorizedException, "Incorrect username or password.")))
            }
            Status::ForceChangePassword => {
                if user.password_expires.is_some_and(|expires| at.now >= expires) {
                    return Ok(Step::No(refusal(
                        NotAuthorizedException,
                        "Temporary password has expired and must be reset by an administrator.",
                    )));
                }
                let missing = missing_attributes(&at.pool, &user);
                let challenge = check.challenge.as_ref().map(|(_, row)| row);
                let asked = self.ask_for_new_password(tx, at, subject, user, missing, challenge)?;
                self.audit(tx, at, subject, "SignIn", "new password asked for", "")?;
                Ok(Step::Ask(asked))
            }
            Status::Confirmed => {
                let at = &match self.judge_password(tx, at, subject, &user, &check.by)? {
                    Judged::GoesOn(at) => at,
                    Judged::Blocked(no) => return Ok(Step::No(no)),
                };
                let told = match check.by {
                    By::Password(_) | By::Functions(_) => "by password",
                    By::Srp(_) | By::Device(_) => "by password, proven by SRP",
                };
                let challenge = check.challenge.as_ref().map(|(_, row)| row);
                let proof = Proof { amr: vec!["pwd".into()], told };
                self.password_proven(tx, at, subject, user, challenge, proof)
            }
        }
    }

    /// Forgets failed attempts at an account's password.
    pub(crate) fn forget_failures(&self, tx: &mut Tx<'_>, at: &At, subject: &Subject) -> Answer<()> {
        let (key, failures) = (subject.ledger_key(), Failures::default());
        tx.put_ledger(&at.pool.id, "failures/password", &key, &failures.write(), failures.expires())?;
        Ok(())
    }

    /// Keeps a password that was right elsewhere, whatever is asked of new ones here. Its verifier is made when it is
    /// next given, once its owner has a name here.
    pub(crate) async fn password_from_elsewhere(&self, password: &Secret) -> Answer<Password> {
        let password = password.clone();
        let hashed = self.hashers.run(move || hash(password.reveal())).await;
        Ok(Password { hash: hashed.map_err(too_busy)??, verifier: None })
    }

    /// Refuses a password that the pool's policy does not accept, or that is known too well, whoever chose it.
    pub fn accepts(&self, pool: &Pool, password: &str) -> Answer<()> {
        if let Some(fault) = fault(pool.password_policy, password) {
            return refuse(InvalidPasswordException, fault);
        }
        if self.rules.known_passwords.contains(password) {
            return refuse(
                InvalidPasswordException,
                "Provided password cannot be used for security reasons.",
            );
        }
        Ok(())
    }

    /// Makes what is kept of a password that somebody chose, off the async threads, if it is accepted and none that they
    /// had before.
    pub async fn new_password(&self, pool: &Pool, owner: Owner, password: &str) -> Answer<NewPassword> {
        self.accepts(pool, password)?;
        let password = Secret::new(password);
        let (identity, keys) = (Identity::new(&pool.id, &owner.username), self.store.keys().clone());
        let earlier = owner.earlier.clone();
        let made = self.hashers.run(move || {
            let is_old = earlier.iter().any(|hash| is_password(Some(hash), None, password.reveal()));
            if is_old { Ok(None) } else { keep(&identity, password.reveal(), &keys).map(Some) }
        });
        match made.await.map_err(too_busy)?? {
            Some(password) => Ok(NewPassword { owner, password }),
            None => refuse(PasswordHistoryPolicyViolationException, "Password has previously been used"),
        }
    }

    /// Checks a password against what is kept of a user's, off the async threads.
    pub(crate) async fn has_password(&self, user: &User, password: &Secret) -> Answer<bool> {
        let hash = user.password.as_ref().map(|kept| kept.hash.clone());
        let password = password.clone();
        let checked = self.hashers.run(move || is_password(hash.as_deref(), None, password.reveal())).await;
        checked.map_err(too_busy)
    }

    /// Gives a user who is there a new password. The one before is remembered as far as the policy asks, and all
    /// sign-ins so far end (rule B4).
    pub(crate) fn give_password(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        user: &mut User,
        new: &NewPassword,
    ) -> Answer<()> {
        let keep = at.pool.password_history - 1;
        if let Some(before) = user.password.as_ref().filter(|_| keep > 0) {
            tx.remember_password(&at.pool.id, &user.id, &before.hash, keep)?;
        }
        user.take_password(new)?;
        user.password_expires = None;
        // What begins in this very moment counts.
        user.sign_out_up_to(at.now.minus_ms(1));
        Ok(())
    }

    /// Tells whose the new password of a NEW_PASSWORD_REQUIRED challenge will be. The challenge itself is judged when
    /// it is answered.
    pub fn owner_renewing(&self, tx: &mut Tx<'_>, at: &At, username: &str, session: &str) -> Answer<Owner> {
        let challenge = self.challenge(tx, at, session, Kind::NewPasswordRequired, username)?;
        self.live(&challenge, at.now)?;
        match self.subject_of(tx, &challenge)?.user {
            Some(user) => Owner::of(tx, &at.pool, &user),
            None => refuse(NotAuthorizedException, "Invalid session for the user."),
        }
    }

    /// Sets the new password that was asked for, and ends the sign-in.
    pub fn answer_new_password(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        username: &str,
        session: &str,
        new: &NewPassword,
        attributes: &[(String, String)],
    ) -> Answer<Step<SignedIn>> {
        let challenge = self.challenge(tx, at, session, Kind::NewPasswordRequired, username)?;
        self.live(&challenge, at.now)?;
        let mut subject = self.subject_of(tx, &challenge)?;
        let Some(mut user) = subject.user.clone().filter(|user| user.status == Status::ForceChangePassword)
        else {
            return refuse(NotAuthorizedException, "Invalid session for the user.");
        };
        user = self.user_to_change(tx, &user)?;
        if !user.enabled {
            return refuse(NotAuthorizedException, "User is disabled.");
        }
        if let Some((name, _)) = attributes.iter().find(|(name, value)| replaces_address(&user, name, value))
        {
            return refuse(NotAuthorizedException, format!("Cannot modify an already provided {name}"));
        }
        crate::attributes::write_own(&at.pool, &at.client, &mut user, attributes)?;
        if let Some(name) = missing_attributes(&at.pool, &user).first() {
            return refuse(InvalidParameterException, format!("Invalid attributes given, {name} is missing"));
        }
        self.consume(tx, &challenge, Kind::NewPasswordRequired, at.now)?;
        self.give_password(tx, at, &mut user, new)?;
        user.status = Status::Confirmed;
        user.save(tx, at.now)?;
        subject.user = Some(user.clone());
        let proof = Proof { amr: vec!["pwd".into()], told: "by a new password" };
        // The device knew another password: nothing is spared on it.
        let at = &At { device: None, ..at.clone() };
        self.password_proven(tx, at, &subject, user, Some(&challenge), proof)
    }
}

/// Tells whether an attribute is an address other than the one that a user has. Such a change waits for its code, which
/// a first password does not give (rule A6).
fn replaces_address(user: &User, name: &str, value: &str) -> bool {
    ["email", "phone_number"].contains(&name) && user.attribute(name).is_some_and(|before| before != value)
}

/// The required attributes that a user lacks.
fn missing_attributes(pool: &Pool, user: &User) -> Vec<String> {
    crate::attributes::required(pool)
        .filter(|name| user.attribute(name).is_none())
        .map(str::to_owned)
        .collect()
}

pub(crate) fn wrong() -> Error {
    refusal(NotAuthorizedException, "Incorrect username or password.")
}

fn not_confirmed() -> Error {
    refusal(UserNotConfirmedException, "User is not confirmed.")
}

pub(crate) fn reset_required() -> Error {
    refusal(PasswordResetRequiredException, "Password reset required for the user")
}

pub(crate) fn too_busy(_: Busy) -> Error {
    refusal(TooManyRequestsException, "Rate exceeded").retry_after(1)
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).expect("the parameters are within Argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// Makes what is kept of a password: the one place where both parts are made.
fn keep(identity: &Identity, password: &str, keys: &Keys) -> anyhow::Result<Password> {
    let verifier = Verifier::of(identity, password);
    Ok(Password { hash: hash(password)?, verifier: Some(keys.seal(Purpose::Password, &verifier.to_bytes())) })
}

/// Checks what was given against what is kept.
fn judge(
    by: &By,
    kept: Option<&Password>,
    like: Option<&str>,
    identity: Option<&Identity>,
    keys: &Keys,
) -> anyhow::Result<Checked> {
    match by {
        By::Password(password) => {
            let right = is_password(kept.map(|kept| kept.hash.as_str()), like, password.reveal());
            let lacks = right && kept.is_some_and(|kept| kept.verifier.is_none());
            let renewed = match identity {
                Some(identity) if lacks => Some(keep(identity, password.reveal(), keys)?),
                _ => None,
            };
            Ok(Checked { right, renewed })
        }
        By::Functions(_) => Ok(Checked { right: false, renewed: None }),
        // The claim was put together from what is kept; of nobody's it is never true.
        By::Srp(claim) => Ok(Checked { right: claim.is_proof() & kept.is_some(), renewed: None }),
        By::Device(claim) => Ok(Checked { right: claim.is_proof(), renewed: None }),
    }
}

/// Hashes a password. Takes some 20 ms of one core.
pub fn hash(password: &str) -> anyhow::Result<String> {
    let salt = SaltString::encode_b64(&random::bytes::<{ Salt::RECOMMENDED_LENGTH }>())
        .map_err(|error| anyhow::anyhow!("a salt cannot be made: {error}"))?;
    let hash = argon2()
        .hash_password(password.as_bytes(), &salt)
        .map_err(|error| anyhow::anyhow!("a password cannot be hashed: {error}"))?;
    Ok(hash.to_string())
}

/// Checks a password against a hash, or for as long against nothing: against a hash like those of others, or like ours.
fn is_password(hash: Option<&str>, like: Option<&str>, password: &str) -> bool {
    let against = hash.or(like).unwrap_or(NOBODYS);
    if let Some(matches) = foreign_password::matches(against, password) {
        return matches && hash.is_some();
    }
    let Ok(parsed) = PasswordHash::new(against) else { return false };
    let matches = argon2().verify_password(password.as_bytes(), &parsed).is_ok();
    matches && hash.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_taken_letter_by_letter() {
        let long = format!("Correct1!{}", "x".repeat(247));
        let hashed = hash(&long).expect("hash");
        assert!(is_password(Some(&hashed), None, &long));
        for other in [&long[..255], &long.to_lowercase(), &format!("{long} "), &format!(" {long}")] {
            assert!(!is_password(Some(&hashed), None, other));
        }
    }

    #[test]
    fn a_password_is_recognised_by_its_hash_and_nobodys_never_is() {
        let hashed = hash("Correct1!").expect("hash");
        assert!(hashed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(is_password(Some(&hashed), None, "Correct1!"));
        assert!(!is_password(Some(&hashed), None, "Correct1"));
        assert!(!is_password(None, None, "Correct1!") && !is_password(None, None, ""));
        let like = foreign_password::like(&hashed);
        assert!(
            !is_password(None, Some(&like), "Correct1!") && !is_password(None, Some(&hashed), "Correct1!")
        );
        assert!(PasswordHash::new(NOBODYS).is_ok(), "nobody's hash is one that takes the time");
    }

    #[test]
    fn a_hash_without_a_verifier_gets_one_when_its_password_is_given() {
        let keys = Keys::new(&[[1; 32]]).expect("keys");
        let identity = Identity::new("us-east-1_a", "alice");
        let kept = Password { hash: hash("Correct1!").expect("hash"), verifier: None };
        let given = |text: &str, kept: &Password| {
            judge(&By::Password(Secret::new(text)), Some(kept), None, Some(&identity), &keys)
                .expect("checked")
        };
        assert!(given("wrong", &kept).renewed.is_none());
        let renewed = given("Correct1!", &kept).renewed.expect("a renewed password");
        assert!(given("Correct1!", &renewed).right && given("Correct1!", &renewed).renewed.is_none());
        let opened = keys.open(Purpose::Password, renewed.verifier.as_ref().expect("a verifier"));
        assert!(Verifier::from_bytes(&opened.expect("opens")).is_some());
    }
}
