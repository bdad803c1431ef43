//! Devices that people have their apps remember, read from the store and written back. What a device's secret is proven
//! against is sealed, and bound to its owner and its key.

use crate::Pools;
use crate::auth::device::{self, group_key};
use crate::auth::srp::Verifier;
use crate::limits::is_fresh;
use crate::pool::Pool;
use crate::step::At;
use crate::tokens::{NewDevice, SignInFacts};
use crate::user::{User, fresh_id};
use anyhow::{Context, Result, ensure};
use postern_model::cognito_idp::errors::ResourceNotFoundException;
use postern_model::{Error, refusal};
use postern_store::devices::DeviceRow;
use postern_store::{Keys, Purpose, Timestamp, Tx};

/// Devices that one user may have; beyond them the one that was proven least lately is forgotten.
pub const PER_USER_MAX: usize = 100;

impl Pools {
    /// Draws a key for a device that is not known yet.
    pub(crate) fn new_device(&self, pool: &Pool, user: &User) -> NewDevice {
        NewDevice {
            key: format!("{}_{}", self.place.region, fresh_id()),
            group_key: group_key(&pool.id, &user.id),
        }
    }

    /// The remembered device that a request names, if it is this user's.
    pub(crate) fn remembered_device(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        user: &User,
    ) -> Result<Option<DeviceRow>> {
        match at.device_key().filter(|_| at.pool.devices.on) {
            Some(key) => Ok(tx.find_device(&at.pool.id, &user.id, key)?.filter(|device| device.remembered)),
            None => Ok(None),
        }
    }

    /// Tells whether a device may stand in for a second factor here and now: not for one that a sign-in needs to reach its
    /// level.
    pub(crate) fn stands_in(&self, at: &At, device: &DeviceRow, amr: &[String]) -> bool {
        at.is_goal_met_by(amr)
            && at.pool.devices.stands_in
            && device::is_trusted(device.trusted, self.rules.device_trust_ms, at.now)
    }

    /// Since when a device is trusted that is confirmed in a sign-in: only if all factors were given in it, and just now.
    pub(crate) fn trust_of(&self, facts: &SignInFacts, now: Timestamp) -> Option<Timestamp> {
        let all_given = facts.amr.iter().any(|way| way == "mfa");
        let fresh = is_fresh(facts.auth_time, self.rules.fresh_sign_in_s, now);
        (all_given && fresh).then(|| Timestamp::from_ms(facts.auth_time * 1000))
    }
}

/// Seals a verifier together with whose it is: in another row it opens nothing.
pub(crate) fn seal(keys: &Keys, user_id: &str, key: &str, verifier: &Verifier) -> Vec<u8> {
    keys.seal(Purpose::Password, &[&verifier.to_bytes()[..], owner(user_id, key).as_bytes()].concat())
}

pub(crate) fn open(keys: &Keys, device: &DeviceRow) -> Result<Verifier> {
    let mut plain = keys.open(Purpose::Password, &device.verifier)?;
    let owner = owner(&device.user_id, &device.key);
    ensure!(plain.ends_with(owner.as_bytes()), "the verifier of a device is not its own");
    plain.truncate(plain.len() - owner.len());
    Verifier::from_bytes(&plain).context("the verifier of a device cannot be read")
}

fn owner(user_id: &str, key: &str) -> String {
    format!("{user_id}\n{key}")
}

pub(crate) fn no_such_device() -> Error {
    refusal(ResourceNotFoundException, "Device does not exist.")
}
