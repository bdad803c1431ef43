//! Statements about user pools, their domains and their signing keys.

use crate::{Purpose, Timestamp, Tx, random, values};
use anyhow::Result;

/// A pool's row: its settings as JSON text.
#[derive(Clone, Debug)]
pub struct PoolRow {
    pub id: String,
    pub name: String,
    pub config: String,
    pub mfa_config: String,
    pub uses_email_role: bool,
    pub created: Timestamp,
    pub modified: Timestamp,
}

/// A domain's row.
#[derive(Clone, Debug)]
pub struct DomainRow {
    pub name: String,
    pub pool_id: String,
    pub custom: bool,
    pub config: String,
    pub created: Timestamp,
}

/// A key that signs a pool's tokens; the private part is PKCS#8, the public part a DER `RSAPublicKey`.
#[derive(Clone)]
pub struct SigningKeyRow {
    pub id: String,
    pub token_use: String,
    pub private_key: Vec<u8>,
    pub public_key: Vec<u8>,
    pub created: Timestamp,
    /// When it begins to sign.
    pub active: Timestamp,
}

/// Draws a version for a row that is written: never one that was seen before.
pub(crate) fn fresh_version() -> i64 {
    i64::from_be_bytes(random::bytes())
}

impl Tx<'_> {
    pub fn add_pool(&mut self, pool: &PoolRow) -> Result<bool> {
        let added = self.run(
            "insert into user_pools \
             (id, version, name, config, mfa_config, uses_email_role, created_ms, modified_ms) \
             values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing",
            values![
                &pool.id,
                fresh_version(),
                &pool.name,
                &pool.config,
                &pool.mfa_config,
                pool.uses_email_role,
                pool.created,
                pool.modified
            ],
        )?;
        Ok(added == 1)
    }

    /// Makes units of work that change this pool's settings wait for one another from here on.
    pub fn lock_pool(&mut self, pool_id: &str) -> Result<()> {
        self.serialize(&[b"pool ", pool_id.as_bytes()].concat())
    }

    /// The version of a pool's row, by which parsed forms of it are known.
    pub fn pool_version(&mut self, pool_id: &str) -> Result<Option<i64>> {
        self.row("select version from user_pools where id = $1", values![pool_id], |row| row.int(0))
    }

    pub fn find_pool(&mut self, pool_id: &str) -> Result<Option<PoolRow>> {
        self.row(
            "select id, name, config, mfa_config, uses_email_role, created_ms, modified_ms \
             from user_pools where id = $1",
            values![pool_id],
            |row| {
                Ok(PoolRow {
                    id: row.text(0)?,
                    name: row.text(1)?,
                    config: row.text(2)?,
                    mfa_config: row.text(3)?,
                    uses_email_role: row.flag(4)?,
                    created: row.time(5)?,
                    modified: row.time(6)?,
                })
            },
        )
    }

    /// Writes a pool's settings; false when it is gone.
    pub fn change_pool(&mut self, pool: &PoolRow) -> Result<bool> {
        let changed = self.run(
            "update user_pools set version = $1, name = $2, config = $3, mfa_config = $4, \
             uses_email_role = $5, modified_ms = $6 where id = $7",
            values![
                fresh_version(),
                &pool.name,
                &pool.config,
                &pool.mfa_config,
                pool.uses_email_role,
                pool.modified,
                &pool.id
            ],
        )?;
        Ok(changed == 1)
    }

    /// Draws a pool's version anew, because something changed that its parsed form knows of.
    pub fn touch_pool(&mut self, pool_id: &str) -> Result<()> {
        self.run("update user_pools set version = $1 where id = $2", values![fresh_version(), pool_id])?;
        Ok(())
    }

    /// Removes a pool and everything in it; false when it is gone.
    pub fn delete_pool(&mut self, pool_id: &str) -> Result<bool> {
        for statement in [
            "delete from challenges where pool_id = $1",
            "delete from user_codes where pool_id = $1",
            "delete from sign_ins where pool_id = $1",
            "delete from ledgers where pool_id = $1",
            "delete from login_flows where pool_id = $1",
            "delete from authorization_codes where pool_id = $1",
            "delete from browser_sessions where pool_id = $1",
        ] {
            self.run(statement, values![pool_id])?;
        }
        Ok(self.run("delete from user_pools where id = $1", values![pool_id])? == 1)
    }

    /// Lists pools by id, from behind `after`.
    pub fn list_pools(&mut self, after: &str, limit: i64) -> Result<Vec<PoolRow>> {
        let ids = self.rows(
            "select id from user_pools where id > $1 order by id limit $2",
            values![after, limit],
            |row| row.text(0),
        )?;
        let mut pools = Vec::with_capacity(ids.len());
        for id in ids {
            pools.extend(self.find_pool(&id)?);
        }
        Ok(pools)
    }

    pub fn count_pools(&mut self) -> Result<i64> {
        Ok(self.row("select count(*) from user_pools", &[], |row| row.int(0))?.unwrap_or(0))
    }

    pub fn count_users(&mut self, pool_id: &str) -> Result<i64> {
        Ok(self
            .row("select users_count from user_pools where id = $1", values![pool_id], |row| row.int(0))?
            .unwrap_or(0))
    }

    /// The pools that send through the service-linked role, codes or notices of risks, by id.
    pub fn pools_using_email_role(&mut self) -> Result<Vec<String>> {
        self.rows(
            "select id from user_pools where uses_email_role = 1 \
             union select pool_id from risk_configurations where uses_email_role = 1 order by 1",
            &[],
            |row| row.text(0),
        )
    }

    pub fn add_domain(&mut self, domain: &DomainRow) -> Result<bool> {
        let added = self.run(
            "insert into domains (name, pool_id, custom, config, created_ms) \
             values ($1, $2, $3, $4, $5) on conflict do nothing",
            values![&domain.name, &domain.pool_id, domain.custom, &domain.config, domain.created],
        )?;
        Ok(added == 1)
    }

    pub fn find_domain(&mut self, name: &str) -> Result<Option<DomainRow>> {
        self.row(
            "select name, pool_id, custom, config, created_ms from domains where name = $1",
            values![name],
            domain,
        )
    }

    pub fn domains_of_pool(&mut self, pool_id: &str) -> Result<Vec<DomainRow>> {
        self.rows(
            "select name, pool_id, custom, config, created_ms from domains where pool_id = $1 order by name",
            values![pool_id],
            domain,
        )
    }

    /// How many custom domains all pools have together.
    pub fn count_custom_domains(&mut self) -> Result<i64> {
        Ok(self.row("select count(*) from domains where custom = 1", &[], |row| row.int(0))?.unwrap_or(0))
    }

    pub fn change_domain(&mut self, pool_id: &str, name: &str, config: &str) -> Result<bool> {
        let changed = self.run(
            "update domains set config = $1 where pool_id = $2 and name = $3",
            values![config, pool_id, name],
        )?;
        Ok(changed == 1)
    }

    pub fn delete_domain(&mut self, pool_id: &str, name: &str) -> Result<bool> {
        let gone =
            self.run("delete from domains where pool_id = $1 and name = $2", values![pool_id, name])?;
        Ok(gone == 1)
    }

    pub fn add_signing_key(&mut self, pool_id: &str, key: &SigningKeyRow) -> Result<()> {
        let sealed = self.keys.seal(Purpose::PrivateKey, &key.private_key);
        self.run(
            "insert into signing_keys (pool_id, id, token_use, private_key, public_key, created_ms, active_ms) \
             values ($1, $2, $3, $4, $5, $6, $7)",
            values![pool_id, &key.id, &key.token_use, &sealed, &key.public_key, key.created, key.active],
        )?;
        Ok(())
    }

    /// Removes a key that nothing is recognised by any more.
    pub fn delete_signing_key(&mut self, pool_id: &str, id: &str) -> Result<()> {
        self.run("delete from signing_keys where pool_id = $1 and id = $2", values![pool_id, id])?;
        Ok(())
    }

    /// Pools whose newest key was made before a moment, and pools with older keys beside one that has signed since
    /// before another moment; up to `limit` of them.
    pub fn pools_with_old_keys(
        &mut self,
        made_before: Timestamp,
        signing_before: Timestamp,
        limit: i64,
    ) -> Result<Vec<String>> {
        self.rows(
            "select pool_id from signing_keys group by pool_id \
             having max(created_ms) < $1 or (count(*) > 2 and max(active_ms) < $2) order by pool_id limit $3",
            values![made_before, signing_before, limit],
            |row| row.text(0),
        )
    }

    /// A pool's signing keys, those that begin to sign last first.
    pub fn signing_keys(&mut self, pool_id: &str) -> Result<Vec<SigningKeyRow>> {
        let keys = self.keys.clone();
        self.rows(
            "select id, token_use, private_key, public_key, created_ms, active_ms from signing_keys \
             where pool_id = $1 order by active_ms desc, id",
            values![pool_id],
            |row| {
                Ok(SigningKeyRow {
                    id: row.text(0)?,
                    token_use: row.text(1)?,
                    private_key: keys.open(Purpose::PrivateKey, &row.blob(2)?)?,
                    public_key: row.blob(3)?,
                    created: row.time(4)?,
                    active: row.time(5)?,
                })
            },
        )
    }

    pub fn find_setting(&mut self, name: &str) -> Result<Option<String>> {
        self.row("select value from settings where name = $1", values![name], |row| row.text(0))
    }

    /// Remembers a fact in the place of the one before.
    pub fn put_setting(&mut self, name: &str, value: &str) -> Result<()> {
        self.run(
            "insert into settings (name, value) values ($1, $2) on conflict (name) do update set value = excluded.value",
            values![name, value],
        )?;
        Ok(())
    }

    /// Remembers a fact once; the first value stays. Gives the value that stands.
    pub fn settle_setting(&mut self, name: &str, value: &str) -> Result<String> {
        self.run(
            "insert into settings (name, value) values ($1, $2) on conflict do nothing",
            values![name, value],
        )?;
        Ok(self.find_setting(name)?.unwrap_or_default())
    }
}

fn domain(row: &crate::Row<'_>) -> Result<DomainRow> {
    Ok(DomainRow {
        name: row.text(0)?,
        pool_id: row.text(1)?,
        custom: row.flag(2)?,
        config: row.text(3)?,
        created: row.time(4)?,
    })
}
