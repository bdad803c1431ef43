//! The local inbox: mails that were caught instead of sent, for people and tests to read.

use std::sync::Arc;

use anyhow::Result;
use postern_store::mail::{InboxRow, OutboxRow};
use postern_store::{Timestamp, Tx};
use tokio::sync::broadcast;

use crate::Mail;
use crate::address::Address;
use crate::draft::{Body, Letter};
use crate::transport::Shown;

/// Caught mails that are kept.
pub const INBOX_MAX: i64 = 500;

/// A mail that was caught.
#[derive(Clone)]
pub struct Caught {
    pub id: String,
    pub letter: Letter,
    pub seen: bool,
    /// Its code was used.
    pub used: bool,
    pub created: Timestamp,
}

impl Caught {
    pub(crate) fn new(row: &OutboxRow, letter: &Letter) -> Caught {
        Caught { id: row.id.clone(), letter: letter.clone(), seen: false, used: false, created: row.created }
    }

    fn read(row: InboxRow) -> Result<Caught> {
        let letter = Letter::read(&row.content)?;
        Ok(Caught { id: row.id, letter, seen: row.seen, used: row.used, created: row.created })
    }

    /// What a reader sees.
    pub fn shown(&self) -> Shown {
        self.letter.shown()
    }

    /// The whole message as it would have been sent.
    pub fn source(&self) -> String {
        match &self.letter.body {
            Body::Mail { content, .. } => {
                let bytes = content.bytes(&self.id, self.created).unwrap_or_default();
                String::from_utf8_lossy(&bytes).into_owned()
            }
            Body::Text(text) => text.text.clone(),
        }
    }
}

impl Mail {
    /// Follows the inbox: each mail as it is caught. One who lags behind misses some, and should look again.
    pub fn watch_inbox(&self) -> broadcast::Receiver<Arc<Caught>> {
        self.caught.subscribe()
    }

    /// Lists caught mails, newest first, older than the one named.
    pub async fn inbox(&self, before: Option<String>, limit: i64) -> Result<Vec<Caught>> {
        let rows = self.store.read(move |tx| tx.list_inbox(before.as_deref(), limit)).await?;
        rows.into_iter().map(Caught::read).collect()
    }

    /// Lists what one address got, newest first, in any spelling of it.
    pub async fn inbox_of(&self, address: &Address, limit: i64) -> Result<Vec<Caught>> {
        let recipient = address.canonical();
        let rows = self.store.read(move |tx| tx.list_inbox_of(&recipient, limit)).await?;
        rows.into_iter().map(Caught::read).collect()
    }

    /// Lists what one telephone got, newest first.
    pub async fn inbox_of_number(&self, number: &str, limit: i64) -> Result<Vec<Caught>> {
        let number = number.to_owned();
        let rows = self.store.read(move |tx| tx.list_inbox_of(&number, limit)).await?;
        rows.into_iter().map(Caught::read).collect()
    }

    /// Opens a caught mail and notes that it was seen.
    pub async fn open_in_inbox(&self, id: &str) -> Result<Option<Caught>> {
        let id = id.to_owned();
        let found = self.store.write(move |tx| {
            tx.mark_inbox_seen(&id)?;
            tx.find_in_inbox(&id)
        });
        found.await?.map(Caught::read).transpose()
    }

    /// Notes in the inbox, where there is one, that a code which went to somebody was used.
    pub fn code_was_used(&self, tx: &mut Tx<'_>, recipient: &str, code: &str) -> Result<()> {
        if !self.has_inbox {
            return Ok(());
        }
        let key =
            Address::parse(recipient).map_or_else(|_| recipient.to_owned(), |address| address.canonical());
        for row in tx.list_inbox_of(&key, INBOX_MAX)? {
            let caught = Caught::read(row)?;
            if caught.letter.code.as_deref() == Some(code) && !caught.used {
                return tx.mark_inbox_used(&caught.id);
            }
        }
        Ok(())
    }

    /// Throws a caught mail away; false when it is gone.
    pub async fn delete_from_inbox(&self, id: &str) -> Result<bool> {
        let id = id.to_owned();
        self.store.write(move |tx| tx.delete_from_inbox(&id)).await
    }

    /// Throws all caught mails away; tells how many.
    pub async fn clear_inbox(&self) -> Result<u64> {
        self.store.write(|tx| tx.clear_inbox()).await
    }
}
