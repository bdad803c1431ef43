//! Statements about the console: administrators' sessions, and notes on what became of their forms.

use crate::{Purpose, Timestamp, Tx, values};
use anyhow::Result;

/// An administrator's session.
#[derive(Clone, Debug)]
pub struct ConsoleSessionRow {
    pub handle_mac: Vec<u8>,
    pub user_id: String,
    /// What it was opened with and ends with.
    pub opened_by: String,
    /// When it was last used, as far as that was written down.
    pub seen: Timestamp,
    pub created: Timestamp,
    pub expires: Timestamp,
}

impl Tx<'_> {
    pub fn add_console_session(&mut self, session: &ConsoleSessionRow) -> Result<()> {
        self.run(
            "insert into console_sessions (handle_mac, user_id, opened_by, seen_ms, created_ms, expires_ms) \
             values ($1, $2, $3, $4, $5, $6)",
            values![
                &session.handle_mac,
                &session.user_id,
                &session.opened_by,
                session.seen,
                session.created,
                session.expires
            ],
        )?;
        Ok(())
    }

    /// Finds a session that has not ended.
    pub fn find_console_session(
        &mut self,
        handle_macs: &[[u8; 32]],
        now: Timestamp,
    ) -> Result<Option<ConsoleSessionRow>> {
        for mac in handle_macs {
            let found = self.row(
                "select handle_mac, user_id, opened_by, seen_ms, created_ms, expires_ms \
                 from console_sessions where handle_mac = $1 and expires_ms > $2",
                values![mac, now],
                |row| {
                    Ok(ConsoleSessionRow {
                        handle_mac: row.blob(0)?,
                        user_id: row.text(1)?,
                        opened_by: row.text(2)?,
                        seen: row.time(3)?,
                        created: row.time(4)?,
                        expires: row.time(5)?,
                    })
                },
            )?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Writes down that a session is in use, and until when it lasts now. One that was ended meanwhile stays so.
    pub fn keep_console_session(
        &mut self,
        handle_mac: &[u8],
        seen: Timestamp,
        expires: Timestamp,
    ) -> Result<()> {
        self.run(
            "update console_sessions set seen_ms = $1, expires_ms = $2 where handle_mac = $3",
            values![seen, expires, handle_mac],
        )?;
        Ok(())
    }

    pub fn end_console_session(&mut self, handle_mac: &[u8]) -> Result<bool> {
        self.run("delete from console_notes where session = $1", values![handle_mac])?;
        Ok(self.run("delete from console_sessions where handle_mac = $1", values![handle_mac])? == 1)
    }

    /// Keeps a note for a session, sealed.
    pub fn add_console_note(
        &mut self,
        id: &str,
        handle_mac: &[u8],
        content: &str,
        expires: Timestamp,
    ) -> Result<()> {
        let sealed = self.keys.seal(Purpose::Secret, content.as_bytes());
        self.run(
            "insert into console_notes (id, session, content, expires_ms) values ($1, $2, $3, $4)",
            values![id, handle_mac, &sealed, expires],
        )?;
        Ok(())
    }

    /// Reads a note of this very session.
    pub fn find_console_note(
        &mut self,
        id: &str,
        handle_mac: &[u8],
        now: Timestamp,
    ) -> Result<Option<String>> {
        let found = self.row(
            "select content from console_notes where id = $1 and session = $2 and expires_ms > $3",
            values![id, handle_mac, now],
            |row| row.blob(0),
        )?;
        let Some(sealed) = found else { return Ok(None) };
        Ok(Some(String::from_utf8(self.keys.open(Purpose::Secret, &sealed)?)?))
    }
}
