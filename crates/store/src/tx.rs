//! A unit of work's view of the database: statements, a cache of parsed rows, and what to do after the commit.
//! The statements themselves stand in the topic files beside this one.

use crate::Keys;
use crate::postgres_connection::{Connection, is_conflict};
use crate::stamps::Topic;
use crate::timings::Timings;
use crate::value::{Row, Value};
use anyhow::Result;
use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The database below a unit of work.
pub(crate) enum Engine<'a> {
    Sqlite(&'a rusqlite::Connection),
    Postgres(&'a mut Connection),
}

/// What is run once the unit of work is durable.
pub(crate) type AfterCommit = Box<dyn FnOnce() + Send>;

/// A unit of work in progress.
pub struct Tx<'a> {
    pub(crate) engine: Engine<'a>,
    pub(crate) keys: &'a Keys,
    pub(crate) cache: &'a Cache,
    pub(crate) after_commit: Vec<AfterCommit>,
    /// A statement failed because of somebody else's transaction: the whole unit may be run again.
    pub(crate) conflict: bool,
    /// See [`Tx::know`].
    pub(crate) known: Option<Box<dyn Any>>,
    /// The stamps that were read so far.
    pub(crate) stamps: Vec<(Topic, i64)>,
}

impl Tx<'_> {
    /// The keys that seal and hash what this database holds.
    pub fn keys(&self) -> &Keys {
        self.keys
    }

    /// Has something done once this unit of work is durable, and not at all if it is undone.
    pub fn after_commit(&mut self, act: impl FnOnce() + Send + 'static) {
        self.after_commit.push(Box::new(act));
    }

    /// Lets this run of the unit of work find what whoever runs it knows beforehand, such as answers from outside.
    pub fn know(&mut self, known: impl Any) {
        self.known = Some(Box::new(known));
    }

    /// What this run knows beforehand, if it is of this type.
    pub fn known<T: Any>(&mut self) -> Option<&mut T> {
        self.known.as_mut()?.downcast_mut()
    }

    /// Gives the parsed form of a row, parsed once for each version of it. A version is drawn at random
    /// at each write, so that one that was undone is never taken for another.
    pub fn cached<T: Send + Sync + 'static>(
        &mut self,
        topic: &'static str,
        key: &str,
        version: i64,
        load: impl FnOnce(&mut Self) -> Result<Option<T>>,
    ) -> Result<Option<Arc<T>>> {
        if let Some(found) = self.cache.get(topic, key, version) {
            return Ok(found.downcast().ok());
        }
        let Some(loaded) = load(self)? else { return Ok(None) };
        let loaded = Arc::new(loaded);
        self.cache.put(topic, key, version, loaded.clone());
        Ok(Some(loaded))
    }

    /// Makes units of work that name the same key wait for one another until they end. SQLite's units do so
    /// anyway.
    pub(crate) fn serialize(&mut self, key: &[u8]) -> Result<()> {
        if let Engine::Postgres(_) = self.engine {
            let mut lock = [0; 8];
            lock.copy_from_slice(&aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, key).as_ref()[..8]);
            self.run("select pg_advisory_xact_lock($1)", &[Value::Int(i64::from_be_bytes(lock))])?;
        }
        Ok(())
    }

    /// Runs a statement and tells how many rows it changed.
    pub(crate) fn run(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<u64> {
        match &mut self.engine {
            Engine::Sqlite(connection) => {
                let mut statement = connection.prepare_cached(sql)?;
                Ok(statement.execute(rusqlite::params_from_iter(values))? as u64)
            }
            Engine::Postgres(connection) => {
                let result = connection.execute(sql, values);
                self.note_conflict(result)
            }
        }
    }

    /// Runs a query and reads each row.
    pub(crate) fn rows<T>(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        match &mut self.engine {
            Engine::Sqlite(connection) => {
                let mut statement = connection.prepare_cached(sql)?;
                let mut rows = statement.query(rusqlite::params_from_iter(values))?;
                let mut out = Vec::new();
                while let Some(row) = rows.next()? {
                    out.push(read(&Row::Sqlite(row))?);
                }
                Ok(out)
            }
            Engine::Postgres(connection) => {
                let result = connection.query(sql, values);
                self.note_conflict(result)?.iter().map(|row| read(&Row::Postgres(row))).collect()
            }
        }
    }

    /// Runs a query that gives one row or none.
    pub(crate) fn row<T>(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
        read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        Ok(self.rows(sql, values, read)?.into_iter().next())
    }

    fn note_conflict<T>(&mut self, result: Result<T, postgres::Error>) -> Result<T> {
        result.map_err(|error| {
            self.conflict |= is_conflict(&error);
            error.into()
        })
    }
}

/// What is kept in memory: parsed rows by topic, key and version, bounded, and empty again when it is full; and what has
/// been timed and not been added yet.
#[derive(Default)]
pub(crate) struct Cache {
    rows: Mutex<HashMap<(&'static str, String), Entry>>,
    pub(crate) timings: Timings,
}

struct Entry {
    version: i64,
    parsed: Arc<dyn Any + Send + Sync>,
}

const CACHE_ENTRIES_MAX: usize = 4096;

impl Cache {
    fn get(&self, topic: &'static str, key: &str, version: i64) -> Option<Arc<dyn Any + Send + Sync>> {
        let entries = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.get(&(topic, key.to_owned()))?;
        (entry.version == version).then(|| entry.parsed.clone())
    }

    fn put(&self, topic: &'static str, key: &str, version: i64, parsed: Arc<dyn Any + Send + Sync>) {
        let mut entries = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= CACHE_ENTRIES_MAX {
            entries.clear();
        }
        entries.insert((topic, key.to_owned()), Entry { version, parsed });
    }
}
