//! Statements about users and the names they are found by.

use crate::{Row, Timestamp, Tx, values};
use anyhow::Result;

/// A user's row. Attributes are a JSON object of texts.
#[derive(Clone, Debug)]
pub struct UserRow {
    pub pool_id: String,
    /// The `sub`.
    pub id: String,
    pub username: String,
    pub status: String,
    pub enabled: bool,
    pub attributes: String,
    /// Canonical forms, for searches.
    pub email_key: Option<String>,
    pub phone_key: Option<String>,
    /// Argon2id in PHC format.
    pub password: Option<String>,
    /// What the password is proven against by SRP, sealed.
    pub verifier: Option<Vec<u8>>,
    /// When a temporary password ends.
    pub password_expires: Option<Timestamp>,
    /// Sign-ins up to this moment are revoked.
    pub signed_out: Timestamp,
    pub created: Timestamp,
    pub modified: Timestamp,
}

/// A name that leads to a user: its canonical form and what kind of name it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserName {
    pub key: String,
    pub kind: &'static str,
}

macro_rules! select_user {
    ($rest:literal) => {
        concat!(
            "select u.pool_id, u.id, u.username, u.status, u.enabled, u.attributes, u.email_key, u.phone_key, \
             u.password, u.password_expires_ms, u.signed_out_ms, u.created_ms, u.modified_ms, u.verifier \
             from users u ",
            $rest
        )
    };
}
pub(crate) use select_user;

impl Tx<'_> {
    /// Adds a user under all its names; false, and nothing written that stays, when a name is taken.
    pub fn add_user(&mut self, user: &UserRow, names: &[UserName]) -> Result<bool> {
        let added = self.run(
            "insert into users (pool_id, id, username, status, enabled, attributes, email_key, phone_key, \
             password, password_expires_ms, signed_out_ms, created_ms, modified_ms, verifier) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) on conflict do nothing",
            values![
                &user.pool_id,
                &user.id,
                &user.username,
                &user.status,
                user.enabled,
                &user.attributes,
                user.email_key.as_ref(),
                user.phone_key.as_ref(),
                user.password.as_ref(),
                user.password_expires,
                user.signed_out,
                user.created,
                user.modified,
                user.verifier.as_ref()
            ],
        )?;
        if added == 0 {
            return Ok(false);
        }
        for name in names {
            if !self.add_user_name(&user.pool_id, &user.id, name)? {
                return Ok(false);
            }
        }
        self.add_search_values(user)?;
        self.run(
            "update user_pools set users_count = users_count + 1 where id = $1",
            values![&user.pool_id],
        )?;
        Ok(true)
    }

    /// Gives a user one more name; false when somebody else has it.
    pub fn add_user_name(&mut self, pool_id: &str, user_id: &str, name: &UserName) -> Result<bool> {
        self.run(
            "insert into user_names (pool_id, name_key, kind, user_id) values ($1, $2, $3, $4) \
             on conflict do nothing",
            values![pool_id, &name.key, name.kind, user_id],
        )?;
        Ok(self.user_named(pool_id, &name.key)?.as_deref() == Some(user_id))
    }

    /// Takes a user's names of one kind away.
    pub fn drop_user_names(&mut self, pool_id: &str, user_id: &str, kind: &str) -> Result<()> {
        self.run(
            "delete from user_names where pool_id = $1 and user_id = $2 and kind = $3",
            values![pool_id, user_id, kind],
        )?;
        Ok(())
    }

    /// The id of the user who has a name.
    pub fn user_named(&mut self, pool_id: &str, name_key: &str) -> Result<Option<String>> {
        self.row(
            "select user_id from user_names where pool_id = $1 and name_key = $2",
            values![pool_id, name_key],
            |row| row.text(0),
        )
    }

    /// Tells whether somebody has one of these names, which are about to be taken: others who want them wait from here on.
    pub fn are_names_taken(&mut self, pool_id: &str, names: &[UserName]) -> Result<bool> {
        let mut keys: Vec<&str> = names.iter().map(|name| name.key.as_str()).collect();
        // In one order, so that nobody waits for somebody who waits.
        keys.sort_unstable();
        let mut taken = false;
        for key in keys {
            self.serialize(&[b"name ", pool_id.as_bytes(), b" ", key.as_bytes()].concat())?;
            taken |= self.user_named(pool_id, key)?.is_some();
        }
        Ok(taken)
    }

    /// Reads a user that is to be changed: others who change it wait from here on.
    pub fn user_to_change(&mut self, pool_id: &str, user_id: &str) -> Result<Option<UserRow>> {
        self.serialize(&[b"user ", pool_id.as_bytes(), b" ", user_id.as_bytes()].concat())?;
        self.user_by_id(pool_id, user_id)
    }

    pub fn user_by_id(&mut self, pool_id: &str, user_id: &str) -> Result<Option<UserRow>> {
        self.row(select_user!("where pool_id = $1 and id = $2"), values![pool_id, user_id], user)
    }

    /// The user who has a name, in one look.
    pub fn user_by_name(&mut self, pool_id: &str, name_key: &str) -> Result<Option<UserRow>> {
        match self.user_named(pool_id, name_key)? {
            Some(id) => self.user_by_id(pool_id, &id),
            None => Ok(None),
        }
    }

    /// The user whose id is the first from here on: anybody.
    pub fn user_from(&mut self, pool_id: &str, id: &str) -> Result<Option<UserRow>> {
        self.row(
            select_user!("where u.pool_id = $1 and u.id >= $2 order by u.id limit 1"),
            values![pool_id, id],
            user,
        )
    }

    pub fn change_user(&mut self, user: &UserRow) -> Result<bool> {
        let changed = self.run(
            "update users set status = $1, enabled = $2, attributes = $3, email_key = $4, phone_key = $5, \
             password = $6, password_expires_ms = $7, signed_out_ms = $8, modified_ms = $9, verifier = $10 \
             where pool_id = $11 and id = $12",
            values![
                &user.status,
                user.enabled,
                &user.attributes,
                user.email_key.as_ref(),
                user.phone_key.as_ref(),
                user.password.as_ref(),
                user.password_expires,
                user.signed_out,
                user.modified,
                user.verifier.as_ref(),
                &user.pool_id,
                &user.id
            ],
        )?;
        if changed == 1 {
            self.renew_search_values(user)?;
        }
        Ok(changed == 1)
    }

    /// The newest hashes of passwords that a user had before, newest first.
    pub fn password_history(&mut self, pool_id: &str, user_id: &str, limit: i64) -> Result<Vec<String>> {
        self.rows(
            "select hash from password_history where pool_id = $1 and user_id = $2 \
             order by number desc limit $3",
            values![pool_id, user_id, limit],
            |row| row.text(0),
        )
    }

    /// Remembers the hash of a password that was replaced, and forgets all but the newest `keep`.
    pub fn remember_password(&mut self, pool_id: &str, user_id: &str, hash: &str, keep: i64) -> Result<()> {
        let newest = self.row(
            "select coalesce(max(number), 0) from password_history where pool_id = $1 and user_id = $2",
            values![pool_id, user_id],
            |row| row.int(0),
        )?;
        let number = newest.unwrap_or(0) + 1;
        self.run(
            "insert into password_history (pool_id, user_id, number, hash) values ($1, $2, $3, $4)",
            values![pool_id, user_id, number, hash],
        )?;
        self.run(
            "delete from password_history where pool_id = $1 and user_id = $2 and number <= $3",
            values![pool_id, user_id, number - keep],
        )?;
        Ok(())
    }

    /// Removes a user and all that is known of them, but for what dies by itself within a quarter of an hour and the
    /// refresh tokens, which say nothing of a person and are refused; false when it is gone.
    pub fn delete_user(&mut self, pool_id: &str, user_id: &str) -> Result<bool> {
        self.run(
            "delete from sign_ins where id in \
             (select sign_in_id from token_sessions where pool_id = $1 and user_id = $2)",
            values![pool_id, user_id],
        )?;
        self.run("delete from auth_events where pool_id = $1 and user_id = $2", values![pool_id, user_id])?;
        let gone = self.run("delete from users where pool_id = $1 and id = $2", values![pool_id, user_id])?;
        if gone == 0 {
            return Ok(false);
        }
        self.run("delete from user_names where pool_id = $1 and user_id = $2", values![pool_id, user_id])?;
        self.run("delete from user_codes where pool_id = $1 and subject = $2", values![pool_id, user_id])?;
        self.run(
            "delete from browser_sessions where pool_id = $1 and user_id = $2",
            values![pool_id, user_id],
        )?;
        self.run(
            "delete from second_factors where pool_id = $1 and user_id = $2",
            values![pool_id, user_id],
        )?;
        self.run(
            "delete from password_history where pool_id = $1 and user_id = $2",
            values![pool_id, user_id],
        )?;
        self.run(
            "delete from outside_identities where pool_id = $1 and user_id = $2",
            values![pool_id, user_id],
        )?;
        self.run("update user_pools set users_count = users_count - 1 where id = $1", values![pool_id])?;
        Ok(true)
    }
}

pub(crate) fn user(row: &Row<'_>) -> Result<UserRow> {
    Ok(UserRow {
        pool_id: row.text(0)?,
        id: row.text(1)?,
        username: row.text(2)?,
        status: row.text(3)?,
        enabled: row.flag(4)?,
        attributes: row.text(5)?,
        email_key: row.opt_text(6)?,
        phone_key: row.opt_text(7)?,
        password: row.opt_text(8)?,
        password_expires: row.opt_time(9)?,
        signed_out: row.time(10)?,
        created: row.time(11)?,
        modified: row.time(12)?,
        verifier: row.opt_blob(13)?,
    })
}
