//! Statements about the links that take a change of an address back.

use crate::{Timestamp, Tx, values};
use anyhow::Result;

/// A link's row; the token in the link is kept as its keyed hash.
#[derive(Clone, Debug)]
pub struct UndoLinkRow {
    pub token_mac: Vec<u8>,
    pub pool_id: String,
    pub user_id: String,
    pub attribute: String,
    pub old_value: String,
    pub expires: Timestamp,
}

impl Tx<'_> {
    pub fn add_undo_link(&mut self, link: &UndoLinkRow) -> Result<()> {
        self.run(
            "insert into undo_links (token_mac, pool_id, user_id, attribute, old_value, expires_ms) \
             values ($1, $2, $3, $4, $5, $6)",
            values![
                &link.token_mac,
                &link.pool_id,
                &link.user_id,
                &link.attribute,
                &link.old_value,
                link.expires
            ],
        )?;
        Ok(())
    }

    /// The link that a token leads to, while it works.
    pub fn find_undo_link(&mut self, token_mac: &[u8], now: Timestamp) -> Result<Option<UndoLinkRow>> {
        self.row(
            "select token_mac, pool_id, user_id, attribute, old_value, expires_ms from undo_links \
             where token_mac = $1 and expires_ms > $2",
            values![token_mac, now],
            |row| {
                Ok(UndoLinkRow {
                    token_mac: row.blob(0)?,
                    pool_id: row.text(1)?,
                    user_id: row.text(2)?,
                    attribute: row.text(3)?,
                    old_value: row.text(4)?,
                    expires: row.time(5)?,
                })
            },
        )
    }

    /// Tells whether a user has a link that puts a value back and works beyond a moment.
    pub fn has_undo_link(
        &mut self,
        pool_id: &str,
        user_id: &str,
        old_value: &str,
        beyond: Timestamp,
    ) -> Result<bool> {
        let found = self.row(
            "select 1 from undo_links where pool_id = $1 and user_id = $2 and old_value = $3 \
             and expires_ms > $4 limit 1",
            values![pool_id, user_id, old_value, beyond],
            |_| Ok(()),
        )?;
        Ok(found.is_some())
    }

    /// Takes back all links of a user.
    pub fn drop_undo_links(&mut self, pool_id: &str, user_id: &str) -> Result<()> {
        self.run("delete from undo_links where pool_id = $1 and user_id = $2", values![pool_id, user_id])?;
        Ok(())
    }

    /// Uses a link up; true for one caller only.
    pub fn consume_undo_link(&mut self, token_mac: &[u8], now: Timestamp) -> Result<bool> {
        let gone = self.run(
            "delete from undo_links where token_mac = $1 and expires_ms > $2",
            values![token_mac, now],
        )?;
        Ok(gone == 1)
    }

    /// Takes the codes back that would let a waiting address in.
    pub fn drop_user_code(&mut self, pool_id: &str, subject: &str, purpose: &str) -> Result<()> {
        self.run(
            "delete from user_codes where pool_id = $1 and subject = $2 and purpose = $3",
            values![pool_id, subject, purpose],
        )?;
        Ok(())
    }
}
