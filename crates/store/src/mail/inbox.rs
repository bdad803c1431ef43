//! Statements about mails caught for development and tests. Their content is sealed: it holds codes.

use crate::{Keys, Purpose, Row, Timestamp, Tx, values};
use anyhow::Result;

/// A caught mail; ids are in order of time.
#[derive(Clone)]
pub struct InboxRow {
    pub id: String,
    /// Canonical.
    pub recipient: String,
    pub content: Vec<u8>,
    pub seen: bool,
    /// Its code was used.
    pub used: bool,
    pub created: Timestamp,
}

impl Tx<'_> {
    pub fn add_to_inbox(&mut self, mail: &InboxRow) -> Result<()> {
        let sealed = self.keys.seal(Purpose::Mail, &mail.content);
        self.run(
            "insert into inbox (id, recipient, content, seen, used, created_ms) values ($1, $2, $3, $4, $5, $6) \
             on conflict do nothing",
            values![&mail.id, &mail.recipient, &sealed, mail.seen, mail.used, mail.created],
        )?;
        Ok(())
    }

    /// Lists caught mails, newest first, older than `before` where one is named.
    pub fn list_inbox(&mut self, before: Option<&str>, limit: i64) -> Result<Vec<InboxRow>> {
        let keys = self.keys.clone();
        match before {
            Some(before) => self.rows(
                "select id, recipient, content, seen, used, created_ms from inbox where id < $1 \
                 order by id desc limit $2",
                values![before, limit],
                |row| inbox(&keys, row),
            ),
            None => self.rows(
                "select id, recipient, content, seen, used, created_ms from inbox order by id desc limit $1",
                values![limit],
                |row| inbox(&keys, row),
            ),
        }
    }

    /// Lists one recipient's mails, newest first.
    pub fn list_inbox_of(&mut self, recipient: &str, limit: i64) -> Result<Vec<InboxRow>> {
        let keys = self.keys.clone();
        self.rows(
            "select id, recipient, content, seen, used, created_ms from inbox where recipient = $1 \
             order by id desc limit $2",
            values![recipient, limit],
            |row| inbox(&keys, row),
        )
    }

    pub fn find_in_inbox(&mut self, id: &str) -> Result<Option<InboxRow>> {
        let keys = self.keys.clone();
        self.row(
            "select id, recipient, content, seen, used, created_ms from inbox where id = $1",
            values![id],
            |row| inbox(&keys, row),
        )
    }

    pub fn mark_inbox_seen(&mut self, id: &str) -> Result<()> {
        self.run("update inbox set seen = 1 where id = $1", values![id])?;
        Ok(())
    }

    pub fn mark_inbox_used(&mut self, id: &str) -> Result<()> {
        self.run("update inbox set used = 1 where id = $1", values![id])?;
        Ok(())
    }

    pub fn delete_from_inbox(&mut self, id: &str) -> Result<bool> {
        Ok(self.run("delete from inbox where id = $1", values![id])? == 1)
    }

    pub fn clear_inbox(&mut self) -> Result<u64> {
        self.run("delete from inbox", &[])
    }

    /// Forgets all but the newest mails.
    pub fn prune_inbox(&mut self, keep: i64) -> Result<u64> {
        self.run(
            "delete from inbox where id <= (select id from inbox order by id desc limit 1 offset $1)",
            values![keep],
        )
    }
}

fn inbox(keys: &Keys, row: &Row<'_>) -> Result<InboxRow> {
    Ok(InboxRow {
        id: row.text(0)?,
        recipient: row.text(1)?,
        content: keys.open(Purpose::Mail, &row.blob(2)?)?,
        seen: row.flag(3)?,
        used: row.flag(4)?,
        created: row.time(5)?,
    })
}
