//! SQLite: one thread owns the writing connection and commits all waiting units together, so that one flush serves
//! many; a unit that refuses is undone alone. A few threads read.

use crate::sqlite_log::Log;
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
        let log = path.map(|_| connect(path).and_then(Log::start)).transpose()?;
        {
            let (keys, cache) = (keys.clone(), cache.clone());
            spawn("store-write", move || write_all(&writing, log, &jobs, &keys, &cache))?;
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

    /// Opens a database for reading alone; none if it is of an older version.
    pub(crate) fn look(path: &Path, keys: Keys, cache: Arc<Cache>) -> Result<Option<Self>> {
        let connection = Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )
        .with_context(|| format!("the database {} cannot be opened", path.display()))?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        if !migrate::sqlite_is_current(&connection)? {
            return Ok(None);
        }
        let (sender, jobs) = channel();
        spawn("store-read", move || read_all(&connection, &Mutex::new(jobs), &keys, &cache))?;
        Ok(Some(Queues { writer: sender.clone(), readers: Some(sender) }))
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
    connection.pragma_update(None, "cache_size", -16000)?;
    // See [`Log`].
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    Ok(connection)
}

/// The writing thread: takes what waits, runs it, flushes once, answers.
fn write_all(
    connection: &Connection,
    mut log: Option<Log>,
    jobs: &Receiver<Job>,
    keys: &Keys,
    cache: &Cache,
) {
    let unit = Unit { connection, keys, cache };
    while let Ok(first) = jobs.recv() {
        let mut batch = vec![first];
        let mut outcomes = Vec::new();
        let committed = unit.take_together(&mut batch, jobs, &mut outcomes);
        for (job, ran) in batch.into_iter().zip(outcomes) {
            (job.done)(match (&committed, ran) {
                (_, Err(failure)) => Err(failure),
                (Err(error), Ok(_)) => Err(anyhow!("the database could not commit: {error:#}")),
                (Ok(()), Ok(_)) => Ok(()),
            });
        }
        if let Some(log) = &mut log {
            log.committed(connection);
        }
    }
}

/// What the writing thread runs units with.
struct Unit<'a> {
    connection: &'a Connection,
    keys: &'a Keys,
    cache: &'a Cache,
}

impl Unit<'_> {
    /// Runs a batch in one transaction, taking in what comes while it runs. Units mostly keep their writes, so they
    /// run without savepoints, which would copy each page that they touch. If one is to be undone after it has
    /// written, the whole batch is undone and run again, each unit in a savepoint of its own.
    fn take_together(
        &self,
        batch: &mut Vec<Job>,
        jobs: &Receiver<Job>,
        outcomes: &mut Vec<Result<bool>>,
    ) -> Result<()> {
        self.begin(batch, outcomes)?;
        let mut must_undo = false;
        while outcomes.len() < batch.len() {
            let before = self.connection.total_changes();
            let ran = self.run(&mut batch[outcomes.len()]);
            let wrote = self.connection.total_changes() != before;
            must_undo = wrote && !matches!(ran, Ok(true));
            outcomes.push(ran);
            if must_undo {
                break;
            }
            if batch.len() < BATCH_MAX {
                batch.extend(jobs.try_recv());
            }
        }
        if must_undo {
            self.connection.execute_batch("rollback")?;
            outcomes.clear();
            self.begin(batch, outcomes)?;
            for job in batch.iter_mut() {
                outcomes.push(self.run_in_savepoint(job));
            }
        }
        let committed = self.connection.execute_batch("commit");
        if committed.is_err() {
            // After a failed commit the transaction may still be open; without this the next could not begin.
            let _ = self.connection.execute_batch("rollback");
        }
        Ok(committed?)
    }

    fn begin(&self, batch: &[Job], outcomes: &mut Vec<Result<bool>>) -> Result<()> {
        self.connection.execute_batch("begin immediate").map_err(|error| {
            outcomes.extend(batch.iter().map(|_| Err(anyhow!("the database does not take writes: {error}"))));
            error.into()
        })
    }

    fn run_in_savepoint(&self, job: &mut Job) -> Result<bool> {
        self.connection.prepare_cached("savepoint unit")?.execute([])?;
        let ran = self.run(job);
        if !matches!(ran, Ok(true)) {
            self.connection.prepare_cached("rollback to unit")?.execute([])?;
        }
        self.connection.prepare_cached("release unit")?.execute([])?;
        ran
    }

    fn run(&self, job: &mut Job) -> Result<bool> {
        run(self.connection, job, self.keys, self.cache)
    }
}

fn run(connection: &Connection, job: &mut Job, keys: &Keys, cache: &Cache) -> Result<bool> {
    let mut tx = Tx {
        engine: Engine::Sqlite(connection),
        keys,
        cache,
        after_commit: Vec::new(),
        conflict: false,
        known: None,
        stamps: Vec::new(),
    };
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
