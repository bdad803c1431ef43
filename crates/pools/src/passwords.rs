//! Passwords: hashed and checked by their own few threads, never inside a unit of work. A check is begun in one
//! unit, which spends the attempt, and ended in another, which writes down how it went.

use crate::Pools;
use crate::auth::password::fault;
use crate::limits::Failures;
use crate::pool::Pool;
use crate::step::{At, By, Check, Kind, Proof, SignedIn, Step, Subject};
use crate::unit;
use crate::user::{Status, User};
use crate::work::Busy;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, Salt, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use postern_model::cognito_idp::errors::*;
use postern_model::{Answer, Error, Secret, refusal, refuse};
use postern_store::auth::ChallengeRow;
use postern_store::{Tx, random};

/// Argon2id with 19 MiB, two passes and one lane (OWASP Password Storage Cheat Sheet).
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;

/// What is verified when there is nothing to verify against, so that it takes as long. No password has this hash.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5bm9ib2R5$\
                       AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

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
        let key = subject.ledger_key();
        let mut failures = Failures::read(&tx.ledger(&at.pool.id, "failures/password", &key)?);
        if let Some(left_ms) = failures.locked_ms(at.now) {
            let left_s = u32::try_from((left_ms + 999) / 1000).unwrap_or(u32::MAX);
            return Err(refusal(NotAuthorizedException, "Password attempts exceeded").retry_after(left_s));
        }
        if let Some(challenge) = &challenge
            && !tx.spend_attempt(&challenge.handle_mac, at.now)?
        {
            return refuse(NotAuthorizedException, "Invalid session for the user, session is expired.");
        }
        // Counted as failed until it is known to be right: attempts made side by side all count.
        failures.note(at.now);
        tx.put_ledger(&at.pool.id, "failures/password", &key, &failures.write(), failures.expires())?;
        Ok(Step::Check(Box::new(Check {
            subject,
            by: By::Password(Secret::new(password)),
            challenge: challenge.map(|row| (Kind::Password, row)),
        })))
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

    /// Checks a password off the async threads and ends the attempt in a unit of work, where `finish` does what
    /// is to be done with whoever signed in. Any other step passes through.
    pub async fn check_password<T: Send + 'static>(
        &self,
        at: &At,
        step: Step<T>,
        finish: impl Fn(&mut Tx<'_>, &At, SignedIn) -> Answer<T> + Send + 'static,
    ) -> Answer<Step<T>> {
        let Step::Check(check) = step else { return Ok(step) };
        let password = match &check.by {
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
            By::Password(password) => password.clone(),
        };
        let hash =
            check.subject.user.as_ref().filter(|user| user.enabled).and_then(|user| user.password.clone());
        let right = self.hashers.run(move || is_password(hash.as_deref(), password.reveal())).await;
        let right = right.map_err(too_busy)?;
        let (pools, at) = (self.clone(), at.clone());
        let caller = at.caller.clone();
        self.sign_in_unit(&caller, move |tx| {
            let step = pools.password_checked(tx, &at, &check, right);
            unit::kept(step.and_then(|step| step.end(|signed_in| finish(tx, &at, signed_in))))
        })
        .await
    }

    fn password_checked(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        check: &Check,
        right: bool,
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
        let Some(user) = user.filter(|user| right && unchanged(user)) else {
            self.audit(tx, at, subject, "SignIn", "wrong password", "")?;
            return Ok(Step::No(wrong()));
        };
        self.forget_failures(tx, at, subject)?;
        if let Some((kind, challenge)) = &check.challenge {
            self.consume(tx, challenge, *kind, at.now)?;
        }
        match user.status {
            Status::Unconfirmed => Ok(Step::No(refusal(UserNotConfirmedException, "User is not confirmed."))),
            Status::ResetRequired => Ok(Step::No(reset_required())),
            Status::ForceChangePassword => {
                if user.password_expires.is_some_and(|expires| at.now >= expires) {
                    return Ok(Step::No(refusal(
                        NotAuthorizedException,
                        "Temporary password has expired and must be reset by an administrator.",
                    )));
                }
                let missing = missing_attributes(&at.pool, &user);
                let asked = self.ask_for_new_password(tx, at, subject, user, missing)?;
                self.audit(tx, at, subject, "SignIn", "new password asked for", "")?;
                Ok(Step::Ask(asked))
            }
            Status::Confirmed => {
                let proof = Proof { amr: vec!["pwd".into()], told: "by password" };
                self.proven(tx, at, subject, user, proof)
            }
        }
    }

    pub(crate) fn forget_failures(&self, tx: &mut Tx<'_>, at: &At, subject: &Subject) -> Answer<()> {
        let (key, failures) = (subject.ledger_key(), Failures::default());
        tx.put_ledger(&at.pool.id, "failures/password", &key, &failures.write(), failures.expires())?;
        Ok(())
    }

    /// Hashes a password that was right elsewhere, whatever is asked of new ones here.
    pub(crate) async fn password_from_elsewhere(&self, password: &Secret) -> Answer<String> {
        let password = password.clone();
        let hashed = self.hashers.run(move || hash(password.reveal())).await;
        Ok(hashed.map_err(too_busy)??)
    }

    /// Hashes a password off the async threads, if the pool's policy accepts it.
    pub async fn hash_password(&self, pool: &Pool, password: &str) -> Answer<String> {
        if let Some(fault) = fault(pool.password_policy, password) {
            return refuse(InvalidPasswordException, fault);
        }
        let password = Secret::new(password);
        let hashed = self.hashers.run(move || hash(password.reveal())).await;
        Ok(hashed.map_err(too_busy)??)
    }

    /// Sets the new password that was asked for, and ends the sign-in.
    pub fn answer_new_password(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        username: &str,
        session: &str,
        hash: &str,
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
        crate::attributes::write_own(&at.pool, &at.client, &mut user, attributes)?;
        if let Some(name) = missing_attributes(&at.pool, &user).first() {
            return refuse(InvalidParameterException, format!("Invalid attributes given, {name} is missing"));
        }
        self.consume(tx, &challenge, Kind::NewPasswordRequired, at.now)?;
        user.password = Some(hash.to_owned());
        user.password_expires = None;
        user.status = Status::Confirmed;
        user.save(tx, at.now)?;
        subject.user = Some(user.clone());
        let proof = Proof { amr: vec!["pwd".into()], told: "by a new password" };
        self.proven(tx, at, &subject, user, proof)
    }
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

pub(crate) fn reset_required() -> Error {
    refusal(PasswordResetRequiredException, "Password reset required for the user")
}

fn too_busy(_: Busy) -> Error {
    refusal(TooManyRequestsException, "Rate exceeded").retry_after(1)
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).expect("the parameters are within Argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
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

/// Checks a password against a hash, or for as long against nothing.
fn is_password(hash: Option<&str>, password: &str) -> bool {
    let Ok(parsed) = PasswordHash::new(hash.unwrap_or(NOBODYS)) else { return false };
    let matches = argon2().verify_password(password.as_bytes(), &parsed).is_ok();
    matches && hash.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_recognised_by_its_hash_and_nobodys_never_is() {
        let hashed = hash("Correct1!").expect("hash");
        assert!(hashed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(is_password(Some(&hashed), "Correct1!"));
        assert!(!is_password(Some(&hashed), "Correct1"));
        assert!(!is_password(None, "Correct1!") && !is_password(None, ""));
        assert!(PasswordHash::new(NOBODYS).is_ok(), "nobody's hash is one that takes the time");
    }
}
