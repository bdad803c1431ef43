//! Statements about how administrators sign in beside their keys: their addresses and passkeys.

use crate::passkeys::{PasskeyRow, passkey};
use crate::{Row, Timestamp, Tx, values};
use anyhow::Result;

/// An administrator's address.
#[derive(Clone, Debug)]
pub struct AdministratorEmail {
    pub user_id: String,
    pub email: String,
    pub created: Timestamp,
}

impl Tx<'_> {
    /// Puts an address in the place of an administrator's; false, and none is left, when it is another's. Who gets that
    /// answer undoes the unit.
    pub fn put_administrator_email(&mut self, key: &str, email: &AdministratorEmail) -> Result<bool> {
        self.run("delete from administrator_emails where user_id = $1", values![&email.user_id])?;
        let put = self.run(
            "insert into administrator_emails (user_id, email_key, email, created_ms) values ($1, $2, $3, $4) \
             on conflict do nothing",
            values![&email.user_id, key, &email.email, email.created],
        )?;
        Ok(put == 1)
    }

    pub fn administrator_email(&mut self, user_id: &str) -> Result<Option<AdministratorEmail>> {
        self.row(
            "select user_id, email, created_ms from administrator_emails where user_id = $1",
            values![user_id],
            email,
        )
    }

    pub fn administrator_by_email(&mut self, key: &str) -> Result<Option<AdministratorEmail>> {
        self.row(
            "select user_id, email, created_ms from administrator_emails where email_key = $1",
            values![key],
            email,
        )
    }

    /// Adds a passkey of an administrator; false when its id is taken.
    pub fn add_administrator_passkey(&mut self, passkey: &PasskeyRow) -> Result<bool> {
        let added = self.run(
            "insert into administrator_passkeys (id, user_id, rp_id, public_key, sign_count, facts, created_ms) \
             values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
            values![
                &passkey.id,
                &passkey.user_id,
                &passkey.rp_id,
                &passkey.public_key,
                passkey.sign_count,
                &passkey.facts,
                passkey.created
            ],
        )?;
        Ok(added == 1)
    }

    pub fn find_administrator_passkey(&mut self, id: &[u8]) -> Result<Option<PasskeyRow>> {
        self.row(
            "select '', id, user_id, rp_id, public_key, sign_count, facts, created_ms, used_ms \
             from administrator_passkeys where id = $1",
            values![id],
            passkey,
        )
    }

    /// An administrator's passkeys; there are few of them.
    pub fn passkeys_of_administrator(&mut self, user_id: &str) -> Result<Vec<PasskeyRow>> {
        self.rows(
            "select '', id, user_id, rp_id, public_key, sign_count, facts, created_ms, used_ms \
             from administrator_passkeys where user_id = $1 order by created_ms, id",
            values![user_id],
            passkey,
        )
    }

    /// Notes that a passkey signed in; false when its counter was moved on meanwhile, or it is gone.
    pub fn note_administrator_passkey_use(
        &mut self,
        seen: &PasskeyRow,
        sign_count: i64,
        facts: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let noted = self.run(
            "update administrator_passkeys set sign_count = $1, facts = $2, used_ms = $3 \
             where id = $4 and sign_count = $5",
            values![sign_count, facts, now, &seen.id, seen.sign_count],
        )?;
        Ok(noted == 1)
    }

    /// Removes an administrator's passkey; false when there is none.
    pub fn delete_administrator_passkey(&mut self, user_id: &str, id: &[u8]) -> Result<bool> {
        let gone = self
            .run("delete from administrator_passkeys where id = $1 and user_id = $2", values![id, user_id])?;
        Ok(gone == 1)
    }
}

fn email(row: &Row<'_>) -> Result<AdministratorEmail> {
    Ok(AdministratorEmail { user_id: row.text(0)?, email: row.text(1)?, created: row.time(2)? })
}
