//! Moves what SQLite's write-ahead log holds into the database, on a thread beside the writing one: a commit that did
//! it would keep all others waiting for as long as the disk takes for some thousand pages.

use crate::Place;
use anyhow::{Context, Result};
use rusqlite::{Connection, OpenFlags};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

/// What others get to finish with a log that is to be emptied.
const PATIENCE: Duration = Duration::from_millis(100);
/// Rows that are changed between two moves.
const CHANGES: u64 = 4_000;
/// Pages of the log, of 4 KiB each, from which on it is to begin anew.
const PAGES_MAX: i64 = 8_000;

/// The writing thread's side.
pub(crate) struct Log {
    changes: u64,
    wake: SyncSender<()>,
    /// The log is long, and nearly all of it has been moved.
    is_long: Arc<AtomicBool>,
    moved_at: u64,
}

impl Log {
    /// Starts the thread, on a connection of its own.
    pub(crate) fn start(connection: Connection) -> Result<Log> {
        Log::start_at(connection, CHANGES, PAGES_MAX)
    }

    fn start_at(connection: Connection, changes: u64, pages_max: i64) -> Result<Log> {
        let (wake, woken) = sync_channel(1);
        let is_long = Arc::new(AtomicBool::new(false));
        let tells = is_long.clone();
        thread::Builder::new()
            .name("store-log".into())
            .spawn(move || move_when_woken(&connection, &woken, pages_max, &tells))
            .context("a store thread cannot be started")?;
        Ok(Log { changes, wake, is_long, moved_at: 0 })
    }

    /// After each commit. A log begins anew when nothing in it is left to be moved, which the other thread cannot
    /// bring about while commits go on; what is left then is little.
    pub(crate) fn committed(&mut self, writing: &Connection) {
        if self.is_long.swap(false, Ordering::Relaxed) {
            move_pages(writing);
        }
        let changes = writing.total_changes();
        if changes - self.moved_at >= self.changes {
            self.moved_at = changes;
            // When it is at it already, it is woken by a later commit.
            let _ = self.wake.try_send(());
        }
    }
}

fn move_when_woken(connection: &Connection, woken: &Receiver<()>, pages_max: i64, is_long: &AtomicBool) {
    while woken.recv().is_ok() {
        if move_pages(connection) >= pages_max {
            is_long.store(true, Ordering::Relaxed);
        }
    }
}

/// Moves what can be moved without waiting for anybody; tells how many pages the log has. What fails now is tried
/// again: nothing is lost while it stands in the log.
fn move_pages(connection: &Connection) -> i64 {
    connection.query_row("pragma wal_checkpoint(passive)", [], |row| row.get(1)).unwrap_or(0)
}

/// Empties the log of a database that is written to no more: the next start would have to read it. It may stay when
/// somebody is still at it; nothing is lost by that.
pub fn empty_log(place: &Place) -> Result<()> {
    if let Place::File(path) = place {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.busy_timeout(PATIENCE)?;
        connection.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pages from the log's beginning to its newest commit, as its index has them; moves nothing.
    fn length_of(connection: &Connection) -> i64 {
        connection.query_row("pragma wal_checkpoint(noop)", [], |row| row.get(1)).expect("a length")
    }

    #[test]
    fn a_log_is_moved_beside_the_writer_and_begins_anew() {
        let folder = std::env::temp_dir().join(format!("postern-log-{}", crate::random::text(b"abcdef", 12)));
        std::fs::create_dir(&folder).expect("a folder");
        let open = || {
            let connection = Connection::open(folder.join("a.db")).expect("a database");
            connection.pragma_update(None, "journal_mode", "wal").expect("a log");
            connection.pragma_update(None, "synchronous", "off").expect("a setting");
            connection.pragma_update(None, "wal_autocheckpoint", 0).expect("a setting");
            connection
        };
        let writing = open();
        writing.execute_batch("create table lines (text text)").expect("a table");
        let mut log = Log::start_at(open(), 10, 100).expect("a thread");
        let began_anew = (1..100_000).any(|commits| {
            writing.execute("insert into lines values ('x')", []).expect("written");
            log.committed(&writing);
            thread::yield_now();
            // Each commit adds a page at least.
            commits > 100 && length_of(&writing) < commits
        });
        assert!(began_anew);
        drop((writing, log));
        // The thread may be closing its files just now.
        let _ = std::fs::remove_dir_all(&folder);
    }
}
