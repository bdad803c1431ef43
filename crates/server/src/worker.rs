//! What runs beside the requests: mails carried, expired things swept away, the audit chained, signing keys changed, users
//! imported, log groups written.

use crate::app::App;
use crate::log_groups;
use crate::witness::Witness;
use postern_mail::Worker;
use postern_store::PORTION;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How often is swept and linked.
const ROUND: Duration = Duration::from_secs(5);
/// How often signing keys are looked after.
const KEY_ROUND: Duration = Duration::from_secs(3600);

/// Starts the workers; they end with the server.
pub fn start(app: &App, mails: Worker) -> Vec<JoinHandle<()>> {
    let [other, third, fourth, fifth] = [app.clone(), app.clone(), app.clone(), app.clone()];
    vec![
        carry(app, mails),
        tokio::spawn(async move {
            while timeout(ROUND, other.ended()).await.is_err() {
                round(&other).await;
                add_timings(&other).await;
            }
        }),
        tokio::spawn(async move {
            while timeout(ROUND, fourth.ended()).await.is_err() {
                import(&fourth).await;
            }
        }),
        tokio::spawn(async move {
            while timeout(ROUND, fifth.ended()).await.is_err() {
                log(&fifth).await;
            }
        }),
        tokio::spawn(async move {
            while timeout(KEY_ROUND, third.ended()).await.is_err() {
                if let Err(cause) = third.pools.tend_keys(third.pools.rules.rotate_keys_days).await {
                    tracing::error!(cause = %cause, "signing keys could not be looked after");
                }
            }
        }),
    ]
}

/// Starts what carries mails alone, for whom works the rest off in rounds of their own.
pub fn carry(app: &App, mails: Worker) -> JoinHandle<()> {
    let app = app.clone();
    tokio::spawn(async move { mails.run(async move { app.ended().await }).await })
}

/// Notes beside the database how far its audit has come.
async fn witness(app: &App) {
    if let Some(witness) = Witness::beside(&app.settings.place)
        && let Err(cause) = witness.write(&app.store).await
    {
        tracing::error!(cause = format!("{cause:#}"), "how far the audit has come could not be noted");
    }
}

/// Works off what imports wait.
async fn import(app: &App) {
    while !*app.ending.borrow() {
        match app.pools.import_some().await {
            Ok(true) => {}
            Ok(false) => return,
            Err(cause) => return tracing::error!(cause = %cause, "users could not be imported"),
        }
    }
}

/// Writes what pools export to their log groups.
pub async fn log(app: &App) {
    while !*app.ending.borrow() {
        match log_groups::write_some(app).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(cause) => {
                return tracing::error!(cause = format!("{cause:#}"), "log groups could not be written");
            }
        }
    }
}

/// Adds what was timed to what is known of all nodes.
async fn add_timings(app: &App) {
    let (now, gathered) = (app.clock.now(), app.store.timings().take());
    if gathered.is_empty() {
        return;
    }
    let adding = gathered.clone();
    let added: anyhow::Result<()> = app.store.write(move |tx| tx.add_timings(&adding, now)).await;
    if let Err(cause) = added {
        app.store.timings().give_back(gathered);
        tracing::error!(cause = format!("{cause:#}"), "what was timed could not be added");
    }
}

/// Sign-ins on the pages that are kept at most: of more, the oldest go in which nobody has pressed anything.
const FLOWS_MAX: usize = 100_000;

/// Drops what strangers begin on the pages beyond what is kept (rule R4).
async fn drop_flows(app: &App) -> anyhow::Result<()> {
    let Some(until) = app.store.read(|tx| tx.flows_end_beyond(FLOWS_MAX)).await? else { return Ok(()) };
    while !*app.ending.borrow() {
        if app.store.write(move |tx| tx.drop_untouched_flows(until)).await? < PORTION {
            break;
        }
    }
    Ok(())
}

/// One round of housekeeping, in portions between which others have their turn. Each kind of work goes on as long as it
/// finds whole portions, and no longer.
pub async fn round(app: &App) {
    if let Err(cause) = drop_flows(app).await {
        tracing::error!(cause = format!("{cause:#}"), "flows could not be dropped");
    }
    let now = app.clock.now();
    let (mut sweeps, mut links, mut has_linked) = (true, true, false);
    while (sweeps || links) && !*app.ending.borrow() {
        let done: anyhow::Result<(u64, u64)> = app
            .store
            .write(move |tx| {
                let swept = if sweeps { tx.sweep(now)? } else { 0 };
                let linked = if links { tx.link_audit()? } else { 0 };
                Ok((swept, linked))
            })
            .await;
        match done {
            Ok((swept, linked)) => {
                has_linked |= linked > 0;
                (sweeps, links) = (swept >= PORTION, linked >= PORTION);
            }
            Err(cause) => return tracing::error!(cause = format!("{cause:#}"), "housekeeping failed"),
        }
    }
    if has_linked {
        witness(app).await;
    }
}
