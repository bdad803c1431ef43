//! SQLite: one thread owns the writing connection and commits all waiting units together, each in a savepoint of
//! its own, so that one flush serves many; a few threads read.

use crate::tx::{Cache, Engine, Tx};
use crate::{Job, Keys, migrate};
use anyhow::{Context, Result, anyhow};
use rusqlite::{Connection, OpenFlags};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

const READERS: usize = 2;
const BATCH_MAX: usize = 256;
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
const STATEMENTS_CACHED: usize = 256;

pub(crate) struct Queues {
    writer: Sender<Job>,
    /// None for a database in memory, which has one connection only.
    readers: Option<Sender<Job>>,
}

impl Queues {
    pub(crate) fn open(path: Option<&Path>, keys: Keys, cache: Arc<Cache>) -> Result<Self> {
        let writing = connect(path)?;
        migrate::sqlite(&writing)?;
        let (writer, jobs) = channel();
        {
            let (keys, cache) = (keys.clone(), cache.clone());
            spawn("store-write", move || write_all(&writing, &jobs, &keys, &cache))?;
        }
        let readers = match path {
            None => None,
            Some(_) => {
                let (sender, jobs) = channel();
                let jobs = Arc::new(Mutex::new(jobs));
                for _ in 0..READERS {
                    let connection = connect(path)?;
                    let (jobs, keys, cache) = (jobs.clone(), keys.clone(), cache.clone());
                    spawn("store-read", move || read_all(&connection, &jobs, &keys, &cache))?;
                }
                Some(sender)
            }
        };
        Ok(Queues { writer, readers })
    }

    pub(crate) fn submit(&self, writes: bool, job: Job) {
        let queue = if writes { &self.writer } else { self.readers.as_ref().unwrap_or(&self.writer) };
        if let Err(refused) = queue.send(job) {
            (refused.0.done)(Err(anyhow!("the store has stopped")));
        }
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<()> {
    thread::Builder::new().name(name.into()).spawn(run).context("a store thread cannot be started")?;
    Ok(())
}

fn connect(path: Option<&Path>) -> Result<Connection> {
    let connection = match path {
        Some(path) => Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_WRITE
                | OpenFlags::SQLITE_OPEN_CREATE
                | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )
        .with_context(|| format!("the database {} cannot be opened", path.display()))?,
        None => Connection::open_in_memory()?,
    };
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", "on")?;
    connection.pragma_update(None, "cache_size", -8000)?;
    connection.pragma_update(None, "wal_autocheckpoint", 2000)?;
    Ok(connection)
}

/// The writing thread: takes what waits, runs it, flushes once, answers.
fn write_all(connection: &Connection, jobs: &Receiver<Job>, keys: &Keys, cache: &Cache) {
    while let Ok(first) = jobs.recv() {
        let mut finished = Vec::new();
        let mut next = Some(first);
        let begun = connection.execute_batch("begin immediate");
        while let Some(mut job) = next.take() {
            let kept = match &begun {
                Ok(()) => run_in_savepoint(connection, &mut job, keys, cache),
                Err(error) => Err(anyhow!("the database does not take writes: {error}")),
            };
            finished.push((job, kept));
            if finished.len() < BATCH_MAX && begun.is_ok() {
                next = jobs.try_recv().ok();
            }
        }
        let committed = match begun {
            Ok(()) => connection.execute_batch("commit"),
            Err(error) => Err(error),
        };
        if committed.is_err() {
            // After a failed commit the transaction may still be open; without this the next could not begin.
            let _ = connection.execute_batch("rollback");
        }
        for (job, ran) in finished {
            (job.done)(match (&committed, ran) {
                (_, Err(failure)) => Err(failure),
                (Err(error), Ok(())) => Err(anyhow!("the database could not commit: {error}")),
                (Ok(()), Ok(())) => Ok(()),
            });
        }
    }
}

fn run_in_savepoint(connection: &Connection, job: &mut Job, keys: &Keys, cache: &Cache) -> Result<()> {
    connection.prepare_cached("savepoint unit")?.execute([])?;
    let ran = run(connection, job, keys, cache);
    if !matches!(ran, Ok(true)) {
        connection.prepare_cached("rollback to unit")?.execute([])?;
    }
    connection.prepare_cached("release unit")?.execute([])?;
    ran.map(|_| ())
}

fn run(connection: &Connection, job: &mut Job, keys: &Keys, cache: &Cache) -> Result<bool> {
    let mut tx =
        Tx { engine: Engine::Sqlite(connection), keys, cache, after_commit: Vec::new(), conflict: false };
    catch_unwind(AssertUnwindSafe(|| (job.run)(&mut tx))).map_err(|_| anyhow!("a unit of work panicked"))
}

fn read_all(connection: &Connection, jobs: &Mutex<Receiver<Job>>, keys: &Keys, cache: &Cache) {
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(mut job) = job else { return };
        let ran = connection
            .execute_batch("begin")
            .map_err(anyhow::Error::from)
            .and_then(|()| run(connection, &mut job, keys, cache));
        // A unit that only reads has nothing to keep, whatever it did.
        let _ = connection.execute_batch("rollback");
        (job.done)(ran.map(|_| ()));
    }
}
