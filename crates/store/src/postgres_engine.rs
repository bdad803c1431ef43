//! PostgreSQL, and what speaks its protocol: a few threads, each with a connection and one transaction per unit.
//! The server groups commits by itself.

use crate::tx::{Cache, Engine, Tx};
use crate::value::Value;
use crate::{Job, Keys, migrate};
use anyhow::{Context, Result, anyhow};
use postgres::error::SqlState;
use postgres::types::ToSql;
use postgres::{Client, Config, NoTls, Row, Statement};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use tokio_postgres_rustls::MakeRustlsConnect;

/// How often a unit is run again when another transaction got in its way.
const TRIES_MAX: u32 = 12;

pub(crate) struct Queue(Sender<Job>);

/// One connection and its prepared statements.
pub(crate) struct Connection {
    client: Client,
    statements: HashMap<&'static str, Statement>,
}

impl Queue {
    pub(crate) fn open(url: &str, connections: usize, keys: Keys, cache: Arc<Cache>) -> Result<Self> {
        let config: Config = url.parse().context("the PostgreSQL connection string cannot be read")?;
        let mut first = Connection::open(&config)?;
        migrate::postgres(&mut first.client)?;
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

impl Connection {
    fn open(config: &Config) -> Result<Self> {
        let client = match config.get_ssl_mode() {
            postgres::config::SslMode::Disable => config.connect(NoTls),
            _ => config.connect(MakeRustlsConnect::new(tls()?)),
        }
        .context("PostgreSQL cannot be reached")?;
        Ok(Connection { client, statements: HashMap::new() })
    }

    fn prepared(&mut self, sql: &'static str) -> Result<Statement, postgres::Error> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql)?;
        self.statements.insert(sql, statement.clone());
        Ok(statement)
    }

    pub(crate) fn execute(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<u64, postgres::Error> {
        let statement = self.prepared(sql)?;
        self.client.execute(&statement, &as_params(values))
    }

    pub(crate) fn query(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, postgres::Error> {
        let statement = self.prepared(sql)?;
        self.client.query(&statement, &as_params(values))
    }
}

fn as_params<'a>(values: &'a [Value<'a>]) -> Vec<&'a (dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

fn tls() -> Result<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in rustls_native_certs::load_native_certs().certs {
        // A root that cannot be read only narrows what is trusted.
        let _ = roots.add(certificate);
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    Ok(rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

/// Tells whether a statement failed only because of what another transaction did at the same time.
pub(crate) fn is_conflict(error: &postgres::Error) -> bool {
    error.code().is_some_and(|code| {
        *code == SqlState::T_R_SERIALIZATION_FAILURE || *code == SqlState::T_R_DEADLOCK_DETECTED
    })
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
                let lost = connection.client.batch_execute("rollback").is_err() || connection.client.is_closed();
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
