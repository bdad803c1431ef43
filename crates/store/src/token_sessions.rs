//! Statements about tracked sign-ins: those that people see and end one by one.

use crate::pools::fresh_version;
use crate::{Timestamp, Tx, values};
use anyhow::Result;

/// A tracked sign-in's row.
#[derive(Clone, Debug)]
pub struct TokenSessionRow {
    pub sign_in_id: Vec<u8>,
    pub pool_id: String,
    pub user_id: String,
    pub client_id: String,
    pub device: String,
    pub source: String,
    pub created: Timestamp,
    pub used: Timestamp,
    pub expires: Timestamp,
}

/// Whether a pool tracks sign-ins, and how many of one user at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tracking {
    pub enabled: bool,
    pub max_per_user: i64,
}

impl Tx<'_> {
    pub fn session_tracking(&mut self, pool_id: &str) -> Result<Option<Tracking>> {
        self.row(
            "select sessions_tracked, sessions_max from user_pools where id = $1",
            values![pool_id],
            |row| Ok(Tracking { enabled: row.flag(0)?, max_per_user: row.int(1)? }),
        )
    }

    /// Sets what a pool tracks; false when it is gone.
    pub fn set_session_tracking(&mut self, pool_id: &str, tracking: Tracking) -> Result<bool> {
        let changed = self.run(
            "update user_pools set version = $1, sessions_tracked = $2, sessions_max = $3 where id = $4",
            values![fresh_version(), tracking.enabled, tracking.max_per_user, pool_id],
        )?;
        Ok(changed == 1)
    }

    pub fn add_token_session(&mut self, session: &TokenSessionRow) -> Result<()> {
        self.run(
            "insert into token_sessions (sign_in_id, pool_id, user_id, client_id, device, source, created_ms, \
             used_ms, expires_ms) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing",
            values![
                &session.sign_in_id,
                &session.pool_id,
                &session.user_id,
                &session.client_id,
                &session.device,
                &session.source,
                session.created,
                session.used,
                session.expires
            ],
        )?;
        Ok(())
    }

    /// Notes that a tracked sign-in was used.
    pub fn use_token_session(&mut self, sign_in_id: &[u8; 16], source: &str, now: Timestamp) -> Result<()> {
        self.run(
            "update token_sessions set used_ms = $1, source = $2 where sign_in_id = $3",
            values![now, source, sign_in_id],
        )?;
        Ok(())
    }

    /// A user's tracked sign-ins that still work, the newest first.
    pub fn token_sessions(
        &mut self,
        pool_id: &str,
        user_id: &str,
        signed_out: Timestamp,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<TokenSessionRow>> {
        self.rows(
            "select t.sign_in_id, t.pool_id, t.user_id, t.client_id, t.device, t.source, t.created_ms, \
             t.used_ms, t.expires_ms from token_sessions t join sign_ins i on i.id = t.sign_in_id \
             where t.pool_id = $1 and t.user_id = $2 and i.revoked = 0 and i.created_ms > $3 \
             and i.expires_ms > $4 order by t.created_ms desc, t.sign_in_id limit $5",
            values![pool_id, user_id, signed_out, now, limit],
            |row| {
                Ok(TokenSessionRow {
                    sign_in_id: row.blob(0)?,
                    pool_id: row.text(1)?,
                    user_id: row.text(2)?,
                    client_id: row.text(3)?,
                    device: row.text(4)?,
                    source: row.text(5)?,
                    created: row.time(6)?,
                    used: row.time(7)?,
                    expires: row.time(8)?,
                })
            },
        )
    }
}
