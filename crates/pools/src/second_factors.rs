//! What a user has for a second factor, read from the store and written back. Seeds of authenticators are sealed, and
//! bound to their user.

use crate::Pools;
use crate::auth::second_factor::{self, Held, SecondFactor, chosen};
use crate::auth::totp::{self, SEED_LEN, Verdict};
use crate::destination::Medium;
use crate::messages::Occasion;
use crate::outgoing::Letter;
use crate::pool::Pool;
use crate::step::{At, Subject};
use crate::user::User;
use anyhow::{Result, ensure};
use postern_mail::log_undelivered;
use postern_model::cognito_idp::{DeliveryMediumType, MFAOptionType};
use postern_model::{Answer, Error};
use postern_store::auth::ChallengeRow;
use postern_store::second_factors::SecondFactorsRow;
use postern_store::{Keys, Purpose, Timestamp, Tx, random};

/// How long a new seed waits for its first code.
const NEW_SEED_LIFE_MS: i64 = 3_600_000;
const DAY_MS: i64 = 86_400_000;

/// What a user has for a second factor.
#[derive(Default)]
pub struct SecondFactors {
    pub enabled: Vec<SecondFactor>,
    pub preferred: Option<SecondFactor>,
    /// How the person calls their authenticator.
    pub device: Option<String>,
    seed: Option<Vec<u8>>,
    step_used: i64,
    new_seed: Option<Vec<u8>>,
    new_seed_since: Timestamp,
}

impl SecondFactors {
    fn from_row(row: SecondFactorsRow) -> Result<Self> {
        let names: Vec<String> = serde_json::from_str(&row.enabled)?;
        Ok(SecondFactors {
            enabled: names.iter().filter_map(|name| SecondFactor::parse(name)).collect(),
            preferred: row.preferred.as_deref().and_then(SecondFactor::parse),
            device: row.device,
            seed: row.seed,
            step_used: row.step_used,
            new_seed: row.new_seed,
            new_seed_since: row.new_seed_since,
        })
    }

    /// The same in the words of the rules, with what the user can really be asked for.
    pub fn held(&self, user: &User) -> Held {
        let usable = |factor: &SecondFactor| match factor {
            SecondFactor::Sms => user.attribute("phone_number").is_some(),
            SecondFactor::Totp => self.seed.is_some(),
            SecondFactor::Email => user.email().is_some(),
        };
        Held {
            enabled: self.enabled.clone(),
            preferred: self.preferred,
            usable: SecondFactor::ALL.into_iter().filter(usable).collect(),
        }
    }

    pub fn has_authenticator(&self) -> bool {
        self.seed.is_some()
    }

    /// Whether a seed waits for its first code.
    pub fn is_being_set_up(&self) -> bool {
        self.new_seed.is_some()
    }

    /// `UserMFASettingList`, which is left out when it is empty.
    pub fn shown(&self) -> Option<Vec<String>> {
        let names: Vec<String> = self.enabled.iter().map(|factor| factor.as_str().to_owned()).collect();
        (!names.is_empty()).then_some(names)
    }

    /// `MFAOptions`: what is left of it tells of texts only.
    pub fn shown_options(&self) -> Option<Vec<MFAOptionType>> {
        self.enabled.contains(&SecondFactor::Sms).then(|| {
            vec![MFAOptionType {
                delivery_medium: Some(DeliveryMediumType::Sms),
                attribute_name: Some("phone_number".into()),
            }]
        })
    }

    /// `PreferredMfaSetting`.
    pub fn shown_preferred(&self) -> Option<String> {
        self.preferred.map(|factor| factor.as_str().to_owned())
    }
}

impl Pools {
    /// Reads what a user has.
    pub fn second_factors(&self, tx: &mut Tx<'_>, user: &User) -> Result<SecondFactors> {
        let row = tx.find_second_factors(&user.pool_id, &user.id)?;
        row.map_or_else(|| Ok(SecondFactors::default()), SecondFactors::from_row)
    }

    /// Tells whether a user chose a second factor that the pool still has.
    pub fn has_second_factor(&self, tx: &mut Tx<'_>, pool: &Pool, user: &User) -> Result<bool> {
        let factors = self.second_factors(tx, user)?;
        Ok(!chosen(&pool.second, &factors.held(user)).is_empty())
    }

    /// Tells the owner by mail, and the audit, that what a sign-in asks for has changed (rule F6).
    pub(crate) fn tell_of_second_factors(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        user: &User,
        added: &[SecondFactor],
        removed: &[SecondFactor],
    ) -> Answer<()> {
        let subject = Subject { name_key: String::new(), user: Some(user.clone()) };
        if !added.is_empty() {
            // Devices have to see the new one once, too.
            tx.distrust_devices(&user.pool_id, &user.id)?;
        }
        for (factors, outcome) in [(added, "added"), (removed, "removed")] {
            for factor in factors {
                self.audit(tx, at, &subject, "SecondFactor", outcome, factor.as_str())?;
            }
        }
        let occasion = match (added, removed) {
            ([], []) => return Ok(()),
            ([], _) => Occasion::SecondFactorRemoved,
            _ => Occasion::SecondFactorAdded,
        };
        let Some(to) = user.destination(Medium::Email) else { return Ok(()) };
        let letter = Letter {
            occasion,
            to: &to,
            code: None,
            user: Some(user),
            not_after: at.now.plus_ms(DAY_MS),
            decoy: false,
        };
        match self.send(tx, at, letter) {
            // The change stands, told or not.
            Err(Error::Refused(refused)) => {
                log_undelivered(
                    tx,
                    &at.pool.id,
                    refused.reason.as_deref().unwrap_or(&refused.message),
                    at.now,
                )?;
                self.audit(tx, at, &subject, "SecondFactor", "owner not told", refused.kind.code)
            }
            sent => sent,
        }
    }

    /// Tells whether a message by a medium may bring a user's password back (rule F7).
    pub fn may_recover_by(&self, tx: &mut Tx<'_>, pool: &Pool, user: &User, medium: Medium) -> Result<bool> {
        let held = self.second_factors(tx, user)?.held(user);
        Ok(second_factor::may_recover_by(&pool.second, &held, SecondFactor::of(medium)))
    }

    /// Writes down which factors a user is asked for. The caller has read the user to change it.
    pub(crate) fn choose_second_factors(
        &self,
        tx: &mut Tx<'_>,
        user: &User,
        enabled: &[SecondFactor],
        preferred: Option<SecondFactor>,
    ) -> Result<()> {
        let names: Vec<&str> = enabled.iter().map(|factor| factor.as_str()).collect();
        let names = serde_json::to_string(&names)?;
        tx.put_second_factors(&user.pool_id, &user.id, &names, preferred.map(SecondFactor::as_str))
    }

    /// Draws a seed for a new authenticator and gives it as text. One that is in use stays so until the new one's
    /// first code is given.
    pub(crate) fn draw_seed(&self, tx: &mut Tx<'_>, user: &User, now: Timestamp) -> Result<String> {
        let seed: [u8; SEED_LEN] = random::bytes();
        let sealed = seal(tx.keys(), user, &seed);
        tx.put_new_seed(&user.pool_id, &user.id, &sealed, now)?;
        Ok(totp::seed_text(&seed))
    }

    /// The text of the seed that waits for its first code, to be shown to whoever sets it up by a challenge.
    pub fn waiting_seed(
        &self,
        tx: &mut Tx<'_>,
        challenge: &ChallengeRow,
        now: Timestamp,
    ) -> Result<Option<String>> {
        let Some(user_id) = &challenge.user_id else { return Ok(None) };
        let Some(row) = tx.find_second_factors(&challenge.pool_id, user_id)? else { return Ok(None) };
        let factors = SecondFactors::from_row(row)?;
        let Some(sealed) = factors.waiting(now) else { return Ok(None) };
        Ok(Some(totp::seed_text(&open(tx.keys(), user_id, sealed)?)))
    }

    /// Takes a new authenticator into use by its first code; false when the code is wrong or none waits.
    pub(crate) fn confirm_seed(
        &self,
        tx: &mut Tx<'_>,
        user: &User,
        code: &str,
        device: Option<&str>,
        now: Timestamp,
    ) -> Result<bool> {
        let factors = self.second_factors(tx, user)?;
        let Some(sealed) = factors.waiting(now) else { return Ok(false) };
        let seed = open(tx.keys(), &user.id, sealed)?;
        match totp::judge(&seed, code, now.seconds(), 0) {
            Verdict::Right { step } => tx.confirm_new_seed(&user.pool_id, &user.id, sealed, device, step),
            Verdict::Used | Verdict::Wrong => Ok(false),
        }
    }

    /// Judges a code of the authenticator that is in use, and uses up a right one.
    pub(crate) fn use_authenticator(
        &self,
        tx: &mut Tx<'_>,
        user: &User,
        code: &str,
        now: Timestamp,
    ) -> Result<Verdict> {
        let factors = self.second_factors(tx, user)?;
        let Some(sealed) = &factors.seed else { return Ok(Verdict::Wrong) };
        let seed = open(tx.keys(), &user.id, sealed)?;
        let verdict = totp::judge(&seed, code, now.seconds(), factors.step_used);
        match verdict {
            Verdict::Right { step } if !tx.use_time_step(&user.pool_id, &user.id, sealed, step)? => {
                Ok(Verdict::Used)
            }
            verdict => Ok(verdict),
        }
    }
}

impl SecondFactors {
    fn waiting(&self, now: Timestamp) -> Option<&Vec<u8>> {
        self.new_seed.as_ref().filter(|_| now.since(self.new_seed_since) < NEW_SEED_LIFE_MS)
    }
}

/// Seals a seed together with whose it is: in another user's row it opens nothing.
fn seal(keys: &Keys, user: &User, seed: &[u8]) -> Vec<u8> {
    keys.seal(Purpose::Secret, &[seed, user.id.as_bytes()].concat())
}

fn open(keys: &Keys, user_id: &str, sealed: &[u8]) -> Result<Vec<u8>> {
    let mut seed = keys.open(Purpose::Secret, sealed)?;
    ensure!(seed.ends_with(user_id.as_bytes()), "the seed of an authenticator is not its user's");
    seed.truncate(seed.len() - user_id.len());
    Ok(seed)
}
