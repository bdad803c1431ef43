//! Statements about passkeys.

use crate::{Row, Timestamp, Tx, values};
use anyhow::Result;

/// A passkey's row; see the table's comment for the columns.
#[derive(Clone, Debug)]
pub struct PasskeyRow {
    /// Empty of an administrator's.
    pub pool_id: String,
    pub id: Vec<u8>,
    pub user_id: String,
    pub rp_id: String,
    pub public_key: Vec<u8>,
    pub sign_count: i64,
    pub facts: String,
    pub created: Timestamp,
    pub used: Option<Timestamp>,
}

macro_rules! select_passkey {
    ($rest:literal) => {
        concat!(
            "select pool_id, id, user_id, rp_id, public_key, sign_count, facts, created_ms, used_ms \
             from passkeys ",
            $rest
        )
    };
}

impl Tx<'_> {
    /// Adds a passkey; false when its id is taken in this pool.
    pub fn add_passkey(&mut self, passkey: &PasskeyRow) -> Result<bool> {
        let added = self.run(
            "insert into passkeys (pool_id, id, user_id, rp_id, public_key, sign_count, facts, created_ms, \
             used_ms) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing",
            values![
                &passkey.pool_id,
                &passkey.id,
                &passkey.user_id,
                &passkey.rp_id,
                &passkey.public_key,
                passkey.sign_count,
                &passkey.facts,
                passkey.created,
                passkey.used
            ],
        )?;
        Ok(added == 1)
    }

    pub fn find_passkey(&mut self, pool_id: &str, id: &[u8]) -> Result<Option<PasskeyRow>> {
        self.row(select_passkey!("where pool_id = $1 and id = $2"), values![pool_id, id], passkey)
    }

    /// A user's passkeys; there are few of them.
    pub fn passkeys_of_user(&mut self, pool_id: &str, user_id: &str) -> Result<Vec<PasskeyRow>> {
        self.rows(
            select_passkey!("where pool_id = $1 and user_id = $2 order by created_ms, id"),
            values![pool_id, user_id],
            passkey,
        )
    }

    /// Notes that a passkey signed in; false when its counter was moved on meanwhile, or it is gone.
    pub fn note_passkey_use(
        &mut self,
        seen: &PasskeyRow,
        sign_count: i64,
        facts: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let noted = self.run(
            "update passkeys set sign_count = $1, facts = $2, used_ms = $3 \
             where pool_id = $4 and id = $5 and sign_count = $6",
            values![sign_count, facts, now, &seen.pool_id, &seen.id, seen.sign_count],
        )?;
        Ok(noted == 1)
    }

    /// Removes a user's passkey; false when there is none.
    pub fn delete_passkey(&mut self, pool_id: &str, user_id: &str, id: &[u8]) -> Result<bool> {
        let gone = self.run(
            "delete from passkeys where pool_id = $1 and id = $2 and user_id = $3",
            values![pool_id, id, user_id],
        )?;
        Ok(gone == 1)
    }

    /// Removes all passkeys of a user and tells how many there were.
    pub fn delete_passkeys_of_user(&mut self, pool_id: &str, user_id: &str) -> Result<u64> {
        self.run("delete from passkeys where pool_id = $1 and user_id = $2", values![pool_id, user_id])
    }
}

pub(crate) fn passkey(row: &Row<'_>) -> Result<PasskeyRow> {
    Ok(PasskeyRow {
        pool_id: row.text(0)?,
        id: row.blob(1)?,
        user_id: row.text(2)?,
        rp_id: row.text(3)?,
        public_key: row.blob(4)?,
        sign_count: row.int(5)?,
        facts: row.text(6)?,
        created: row.time(7)?,
        used: row.opt_time(8)?,
    })
}
