//! Statements about what users have for a second factor.

use crate::{Timestamp, Tx, values};
use anyhow::Result;

/// A user's row; see the table's comment for the columns.
#[derive(Clone, Debug)]
pub struct SecondFactorsRow {
    pub enabled: String,
    pub preferred: Option<String>,
    pub seed: Option<Vec<u8>>,
    pub device: Option<String>,
    pub step_used: i64,
    pub new_seed: Option<Vec<u8>>,
    pub new_seed_since: Timestamp,
}

impl Tx<'_> {
    pub fn find_second_factors(&mut self, pool_id: &str, user_id: &str) -> Result<Option<SecondFactorsRow>> {
        self.row(
            "select enabled, preferred, seed, device, step_used, new_seed, new_seed_ms from second_factors \
             where pool_id = $1 and user_id = $2",
            values![pool_id, user_id],
            |row| {
                Ok(SecondFactorsRow {
                    enabled: row.text(0)?,
                    preferred: row.opt_text(1)?,
                    seed: row.opt_blob(2)?,
                    device: row.opt_text(3)?,
                    step_used: row.int(4)?,
                    new_seed: row.opt_blob(5)?,
                    new_seed_since: row.time(6)?,
                })
            },
        )
    }

    /// Writes down which second factors a user is asked for.
    pub fn put_second_factors(
        &mut self,
        pool_id: &str,
        user_id: &str,
        enabled: &str,
        preferred: Option<&str>,
    ) -> Result<()> {
        self.run(
            "insert into second_factors (pool_id, user_id, enabled, preferred) values ($1, $2, $3, $4) \
             on conflict (pool_id, user_id) do update set enabled = excluded.enabled, \
             preferred = excluded.preferred",
            values![pool_id, user_id, enabled, preferred],
        )?;
        Ok(())
    }

    /// Keeps a seed that waits for its first code; the one that is in use stays so.
    pub fn put_new_seed(&mut self, pool_id: &str, user_id: &str, seed: &[u8], now: Timestamp) -> Result<()> {
        self.run(
            "insert into second_factors (pool_id, user_id, new_seed, new_seed_ms) values ($1, $2, $3, $4) \
             on conflict (pool_id, user_id) do update set new_seed = excluded.new_seed, \
             new_seed_ms = excluded.new_seed_ms",
            values![pool_id, user_id, seed, now],
        )?;
        Ok(())
    }

    /// Takes a waiting seed into use, its first code being used with it; true for one caller only.
    pub fn confirm_new_seed(
        &mut self,
        pool_id: &str,
        user_id: &str,
        seed: &[u8],
        device: Option<&str>,
        step: i64,
    ) -> Result<bool> {
        let confirmed = self.run(
            "update second_factors set seed = new_seed, device = $1, step_used = $2, new_seed = null \
             where pool_id = $3 and user_id = $4 and new_seed = $5",
            values![device, step, pool_id, user_id, seed],
        )?;
        Ok(confirmed == 1)
    }

    /// Uses up the code of a time step and of all before it; true for one caller only.
    pub fn use_time_step(&mut self, pool_id: &str, user_id: &str, seed: &[u8], step: i64) -> Result<bool> {
        let used = self.run(
            "update second_factors set step_used = $1 \
             where pool_id = $2 and user_id = $3 and seed = $4 and step_used < $5",
            values![step, pool_id, user_id, seed, step],
        )?;
        Ok(used == 1)
    }

    /// Forgets a user's authenticator, and one that waits; false when there was none.
    pub fn drop_seeds(&mut self, pool_id: &str, user_id: &str) -> Result<bool> {
        let dropped = self.run(
            "update second_factors set seed = null, device = null, new_seed = null \
             where pool_id = $1 and user_id = $2 and (seed is not null or new_seed is not null)",
            values![pool_id, user_id],
        )?;
        Ok(dropped == 1)
    }
}
