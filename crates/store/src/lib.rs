//! What Postern remembers, in SQLite or PostgreSQL. A unit of work is a plain function over a [`Tx`]; it is the
//! only way to the database. Statements stand in one file per topic, as methods of [`Tx`].

pub mod access;
pub mod administrators;
pub mod audit;
pub mod auth;
mod backup;
pub mod branding;
pub mod clients;
mod clock;
pub mod console;
pub mod devices;
pub mod groups;
pub mod identity_providers;
pub mod import_jobs;
pub mod log_lines;
pub mod login;
pub mod mail;
mod migrate;
pub mod passkeys;
pub mod pools;
mod postgres_connection;
mod postgres_engine;
mod postgres_tls;
pub mod random;
pub mod resource_servers;
pub mod restore;
mod seal;
pub mod second_factors;
mod sqlite_engine;
mod sqlite_log;
pub mod stamps;
pub mod standing;
pub mod terms;
pub mod texts;
pub mod threats;
pub mod timings;
pub mod token_sessions;
mod tx;
pub mod undo_links;
pub mod user_search;
pub mod users;
mod value;

pub use backup::back_up;
pub use clock::{Clock, STEP_MAX_MS, Timestamp};
pub use seal::{Keys, Purpose};
pub use sqlite_log::empty_log;
pub use tx::Tx;
pub use value::{Row, Value};

use anyhow::{Result, anyhow, bail};
use standing::Standing;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use timings::Timings;
use tokio::sync::oneshot;
use tx::{AfterCommit, Cache};

/// Rows that one unit of housekeeping takes of a table, so that it holds nobody up.
pub const PORTION: u64 = 100;

/// Where the database is.
#[derive(Clone, Debug)]
pub enum Place {
    /// A SQLite file.
    File(PathBuf),
    /// SQLite in memory: gone with the process.
    Memory,
    /// A PostgreSQL connection string and how many connections to keep.
    Postgres { url: String, connections: usize },
}

/// The door to what is remembered. Clones share it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
    /// Units write only while this stands.
    condition: Option<Arc<Standing>>,
}

struct Inner {
    keys: Keys,
    timings: Timings,
    queues: Queues,
}

enum Queues {
    Sqlite(sqlite_engine::Queues),
    Postgres(postgres_engine::Queue),
}

/// A unit of work on its way: run inside a transaction, perhaps more than once, and told how that ended.
pub(crate) struct Job {
    /// Runs the unit; says whether its writes are to be kept.
    run: Box<dyn FnMut(&mut Tx<'_>) -> bool + Send>,
    /// Told once the transaction is durable or has failed.
    done: Box<dyn FnOnce(Result<()>) + Send>,
}

impl Store {
    /// Opens the database and brings it to this program's version.
    pub fn open(place: &Place, keys: Keys) -> Result<Self> {
        let cache = Arc::new(Cache::default());
        let queues = match place {
            Place::File(path) => {
                Queues::Sqlite(sqlite_engine::Queues::open(Some(path), keys.clone(), cache.clone())?)
            }
            Place::Memory => Queues::Sqlite(sqlite_engine::Queues::open(None, keys.clone(), cache.clone())?),
            Place::Postgres { url, connections } => Queues::Postgres(postgres_engine::Queue::open(
                url,
                *connections,
                keys.clone(),
                cache.clone(),
            )?),
        };
        Ok(Store::of(keys, &cache, queues))
    }

    /// Opens a database that is there, to read it and change nothing: every write fails. None if it is of an older
    /// version than this program's.
    pub fn look(place: &Place, keys: Keys) -> Result<Option<Self>> {
        let cache = Arc::new(Cache::default());
        let queues = match place {
            Place::File(path) => {
                sqlite_engine::Queues::look(path, keys.clone(), cache.clone())?.map(Queues::Sqlite)
            }
            Place::Memory => bail!("data that is kept in memory cannot be looked at from elsewhere"),
            Place::Postgres { url, .. } => {
                postgres_engine::Queue::look(url, &keys, &cache)?.map(Queues::Postgres)
            }
        };
        Ok(queues.map(|queues| Store::of(keys, &cache, queues)))
    }

    fn of(keys: Keys, cache: &Cache, queues: Queues) -> Self {
        let inner = Arc::new(Inner { keys, timings: cache.timings.clone(), queues });
        Store { inner, condition: None }
    }

    pub fn keys(&self) -> &Keys {
        &self.inner.keys
    }

    /// What has been timed and is still to be added.
    pub fn timings(&self) -> &Timings {
        &self.inner.timings
    }

    /// The same store, whose units write only while a row is what was read of it; else they fail by [`standing::Overtaken`].
    pub fn while_stands(&self, standing: Standing) -> Store {
        Store { condition: Some(Arc::new(standing)), ..self.clone() }
    }

    /// Runs a unit of work that may write. Its writes are durable when this returns `Ok`, and gone when it
    /// returns `Err`. The unit may be run again if another transaction got in its way.
    pub async fn write<T, E>(
        &self,
        mut unit: impl FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<anyhow::Error> + Send + 'static,
    {
        let condition = self.condition.clone();
        let conditional = move |tx: &mut Tx<'_>| {
            if let Some(standing) = &condition {
                tx.still(standing)?;
            }
            unit(tx)
        };
        self.submit(true, conditional).await
    }

    /// Runs a unit of work that only reads, on one consistent view.
    pub async fn read<T, E>(
        &self,
        unit: impl FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<anyhow::Error> + Send + 'static,
    {
        self.submit(false, unit).await
    }

    async fn submit<T, E>(
        &self,
        writes: bool,
        mut unit: impl FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<anyhow::Error> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let slot = Arc::new(Mutex::new((None::<Result<T, E>>, Vec::<AfterCommit>::new())));
        let filled = slot.clone();
        let job = Job {
            run: Box::new(move |tx| {
                let result = unit(tx);
                let keep = result.is_ok();
                *slot.lock().unwrap_or_else(PoisonError::into_inner) =
                    (Some(result), std::mem::take(&mut tx.after_commit));
                keep
            }),
            done: Box::new(move |committed| {
                let (result, acts) =
                    std::mem::take(&mut *filled.lock().unwrap_or_else(PoisonError::into_inner));
                let answer_with = match (committed, result) {
                    (Ok(()), Some(result)) => {
                        if result.is_ok() {
                            acts.into_iter().for_each(|act| act());
                        }
                        result
                    }
                    (Ok(()), None) => Err(anyhow!("the unit of work did not run").into()),
                    (Err(failure), _) => Err(failure.into()),
                };
                // The caller may have gone away; what was committed stays.
                let _ = answer.send(answer_with);
            }),
        };
        match &self.inner.queues {
            Queues::Sqlite(queues) => queues.submit(writes, job),
            Queues::Postgres(queue) => queue.submit(job),
        }
        answered.await.unwrap_or_else(|_| Err(anyhow!("the store has stopped").into()))
    }
}
