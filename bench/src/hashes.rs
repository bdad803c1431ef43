//! Wrong passwords, so many at a time that the hashing threads always have a queue, while others sign in by code.

use crate::prepare::Door;
use crate::site::Site;
use crate::wire::{Connection, cognito};
use anyhow::{Context as _, Result};
use http::StatusCode;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use tokio::task::JoinSet;

/// Password checks under way; they end when this is dropped.
pub struct Hashes {
    tasks: JoinSet<Result<()>>,
    counts: Arc<Counts>,
    began: Instant,
}

#[derive(Default)]
struct Counts {
    next: AtomicU64,
    checked: AtomicU64,
    turned_away: AtomicU64,
}

/// What became of them.
pub struct Checked {
    pub per_s: f64,
    pub turned_away: u64,
}

impl Hashes {
    /// Keeps so many checks waiting, each on a connection of its own and for a name that nobody has, so that no lock-out
    /// answers in place of the hash.
    pub async fn keep_waiting(site: &Site, door: &Door, count: usize) -> Result<Hashes> {
        let counts = Arc::new(Counts::default());
        let target = cognito("InitiateAuth")?;
        let mut tasks = JoinSet::new();
        for _ in 0..count {
            let mut connection = Connection::open(site.address).await.context("opening a connection")?;
            let (counts, target, client) = (counts.clone(), target.clone(), door.client.clone());
            tasks.spawn(async move {
                loop {
                    let number = counts.next.fetch_add(1, Ordering::Relaxed);
                    let body = json!({
                        "AuthFlow": "USER_PASSWORD_AUTH",
                        "ClientId": client,
                        "AuthParameters": { "USERNAME": format!("nobody{number}"), "PASSWORD": "Wrong-horse-1" },
                    });
                    let answer = connection.call(&target, body.to_string()).await?;
                    let said = String::from_utf8_lossy(&answer.body);
                    let is_checked = said.contains("Incorrect username or password.");
                    anyhow::ensure!(
                        is_checked || answer.status != StatusCode::OK && said.contains("Rate exceeded"),
                        "a wrong password was answered: {said}"
                    );
                    let count = if is_checked { &counts.checked } else { &counts.turned_away };
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        Ok(Hashes { tasks, counts, began: Instant::now() })
    }

    /// Ends them; fails if one of them ended by itself.
    pub async fn end(mut self) -> Result<Checked> {
        if let Some(ended) = self.tasks.try_join_next() {
            ended??;
        }
        let took = self.began.elapsed().as_secs_f64();
        self.tasks.shutdown().await;
        Ok(Checked {
            per_s: self.counts.checked.load(Ordering::Relaxed) as f64 / took,
            turned_away: self.counts.turned_away.load(Ordering::Relaxed),
        })
    }
}
