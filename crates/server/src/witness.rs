//! What stands beside the database and not in it: how far its audit had come. A database that does not know that link of
//! the chain is an older one that was put back, and what lived in it when it was copied must not live again.

use anyhow::{Context as _, Result};
use postern_store::audit::AuditRecord;
use postern_store::{Place, Store, Timestamp};
use std::path::PathBuf;
use tokio::task::spawn_blocking;

const FILE_NAME: &str = "audit.head";

/// The file with the newest link that was seen.
pub struct Witness(PathBuf);

impl Witness {
    /// The witness of a database in a file; others have none.
    pub fn beside(place: &Place) -> Option<Witness> {
        match place {
            Place::File(path) => Some(Witness(path.with_file_name(FILE_NAME))),
            Place::Memory | Place::Postgres { .. } => None,
        }
    }

    /// Ends all that lives in a database that was put back.
    pub async fn compare(&self, store: &Store, now: Timestamp) -> Result<()> {
        let Some(link) = self.missing(store).await? else { return Ok(()) };
        let ended = end_all_that_lives(store, now).await?;
        tracing::error!(
            link,
            sign_ins = ended,
            "the database is older than it was: a backup was put back. All sign-ins, sessions, codes and waiting \
             messages were ended. What was changed since the backup is undone: passwords, factors, people and access keys \
             that were taken away are back"
        );
        self.write(store).await
    }

    /// The link that was seen and that a database does not know.
    pub async fn missing(&self, store: &Store) -> Result<Option<i64>> {
        let Some((link, hash)) = self.read().await? else { return Ok(None) };
        let found = store.read(move |tx| tx.find_audit_link(link)).await?;
        Ok((found.as_deref() != Some(&hash)).then_some(link))
    }

    /// Writes down how far the chain has come.
    pub async fn write(&self, store: &Store) -> Result<()> {
        let (link, hash) = store.read(|tx| tx.last_link()).await?;
        let (path, text) = (self.0.clone(), format!("{link} {}\n", hex::encode(hash)));
        spawn_blocking(move || {
            let fresh = path.with_extension("new");
            std::fs::write(&fresh, text)?;
            std::fs::rename(&fresh, &path)
        })
        .await?
        .with_context(|| format!("writing {}", self.0.display()))
    }

    async fn read(&self) -> Result<Option<(i64, Vec<u8>)>> {
        let path = self.0.clone();
        let text = match spawn_blocking(move || std::fs::read_to_string(path)).await? {
            Ok(text) => text,
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(fault) => return Err(fault).with_context(|| format!("reading {}", self.0.display())),
        };
        let head = text
            .trim_end()
            .split_once(' ')
            .and_then(|(link, hash)| Some((link.parse().ok()?, hex::decode(hash).ok()?)));
        // Nothing was linked yet when link 0 was written.
        let head = head.with_context(|| format!("{} is damaged; remove it", self.0.display()))?;
        Ok(Some(head).filter(|(link, _)| *link > 0))
    }
}

/// Ends all that lives in a database, and says so in its audit; tells how many sign-ins that were.
pub async fn end_all_that_lives(store: &Store, now: Timestamp) -> Result<u64> {
    store
        .write(move |tx| {
            let ended = tx.end_all_that_lives(now)?;
            tx.add_audit(&AuditRecord {
                time: now,
                who: "postern".to_owned(),
                action: "DatabasePutBack".to_owned(),
                resource: "database".to_owned(),
                outcome: "ended".to_owned(),
                detail: format!("{ended} sign-ins, and all sessions, codes and waiting messages"),
                ..AuditRecord::default()
            })?;
            Ok(ended)
        })
        .await
}
