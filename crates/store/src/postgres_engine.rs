//! PostgreSQL, and what speaks its protocol: a few threads, each with a connection and one transaction per unit.
//! The server groups commits by itself.

use crate::postgres_connection::{Connection, is_conflict};
use crate::tx::{Cache, Engine, Tx};
use crate::{Job, Keys, migrate};
use anyhow::{Context, Result, anyhow};
use postgres::{Client, Config};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// How often a unit is run again when another transaction got in its way.
const TRIES_MAX: u32 = 12;

pub(crate) struct Queue(Sender<Job>);

impl Queue {
    pub(crate) fn open(url: &str, connections: usize, keys: Keys, cache: Arc<Cache>) -> Result<Self> {
        let config = read(url)?;
        let (first, ()) = begin(&config, migrate::postgres)?;
        Queue::serving(&config, first, connections, &keys, &cache)
    }

    /// Opens a database for reading alone; none if it is of an older version.
    pub(crate) fn look(url: &str, keys: &Keys, cache: &Arc<Cache>) -> Result<Option<Self>> {
        let mut config = read(url)?;
        let options = config.get_options().unwrap_or_default();
        config.options(format!("{options} -c default_transaction_read_only=on").trim_start());
        let (first, is_current) = begin(&config, migrate::postgres_is_current)?;
        is_current.then(|| Queue::serving(&config, first, 1, keys, cache)).transpose()
    }

    fn serving(
        config: &Config,
        first: Connection,
        connections: usize,
        keys: &Keys,
        cache: &Arc<Cache>,
    ) -> Result<Self> {
        let (sender, jobs) = channel();
        let jobs = Arc::new(Mutex::new(jobs));
        let mut ready = Some(first);
        for _ in 0..connections.max(1) {
            let (config, keys, cache, jobs) = (config.clone(), keys.clone(), cache.clone(), jobs.clone());
            let ready = ready.take();
            thread::Builder::new()
                .name("store".into())
                .spawn(move || serve(&config, ready, &jobs, &keys, &cache))
                .context("a store thread cannot be started")?;
        }
        Ok(Queue(sender))
    }

    pub(crate) fn submit(&self, job: Job) {
        if let Err(refused) = self.0.send(job) {
            (refused.0.done)(Err(anyhow!("the store has stopped")));
        }
    }
}

fn read(url: &str) -> Result<Config> {
    url.parse().context("the PostgreSQL connection string cannot be read")
}

/// Opens the first connection and does with it what comes before all else.
fn begin<T: Send + 'static>(
    config: &Config,
    first_of_all: fn(&mut Client) -> Result<T>,
) -> Result<(Connection, T)> {
    let config = config.clone();
    // The client drives a runtime of its own, so it must not be opened on a thread that drives another.
    let opening = thread::spawn(move || {
        let mut connection = Connection::open(&config)?;
        let done = first_of_all(&mut connection.client)?;
        Ok((connection, done))
    });
    opening.join().map_err(|_| anyhow!("opening PostgreSQL panicked"))?
}

fn serve(
    config: &Config,
    mut connection: Option<Connection>,
    jobs: &Mutex<Receiver<Job>>,
    keys: &Keys,
    cache: &Cache,
) {
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(mut job) = job else { return };
        let ran = run(config, &mut connection, &mut job, keys, cache);
        (job.done)(ran);
    }
}

/// Runs a unit until it is committed or undone. A lost connection is opened anew and the unit run again as long
/// as its commit was not sent; after that its outcome is unknown and said to be.
fn run(
    config: &Config,
    slot: &mut Option<Connection>,
    job: &mut Job,
    keys: &Keys,
    cache: &Cache,
) -> Result<()> {
    let mut tries = 0;
    loop {
        tries += 1;
        let mut connection = match slot.take() {
            Some(connection) if !connection.client.is_closed() => connection,
            _ => Connection::open(config)?,
        };
        if let Err(error) = connection.client.batch_execute("begin") {
            if tries < TRIES_MAX && connection.client.is_closed() {
                continue;
            }
            return Err(error.into());
        }
        let mut tx = Tx {
            engine: Engine::Postgres(&mut connection),
            keys,
            cache,
            after_commit: Vec::new(),
            conflict: false,
            known: None,
            stamps: Vec::new(),
        };
        let kept = catch_unwind(AssertUnwindSafe(|| (job.run)(&mut tx)));
        let conflict = tx.conflict;
        match kept {
            Ok(true) => {
                let committed = connection.client.batch_execute("commit");
                if committed.as_ref().is_err_and(is_conflict) && tries < TRIES_MAX {
                    *slot = Some(connection);
                    continue;
                }
                if !connection.client.is_closed() {
                    *slot = Some(connection);
                }
                return committed.context("the database could not commit");
            }
            undone => {
                let lost =
                    connection.client.batch_execute("rollback").is_err() || connection.client.is_closed();
                if !lost {
                    *slot = Some(connection);
                }
                if undone.is_err() {
                    return Err(anyhow!("a unit of work panicked"));
                }
                if (conflict || lost) && tries < TRIES_MAX {
                    continue;
                }
                return Ok(());
            }
        }
    }
}
