//! Log groups: files of JSON lines in one folder, to which what pools export is added.

use crate::app::App;
use crate::master_key::make_private;
use anyhow::{Context as _, Result};
use postern_pools::settings::logs::group;
use postern_store::log_lines::LogLine;
use postern_store::random;
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use tokio::task::spawn_blocking;

/// Lines that are taken at one time.
const LINES: i64 = 500;
/// How long they are whoever's that has taken them, before another writes them.
const LEASE_MS: i64 = 60_000;

/// Writes lines to their log groups; says whether there may be more. A line may be written twice by a server that died
/// over it. Those of a group that cannot be written wait, a week at most, and hold up no other's.
pub async fn write_some(app: &App) -> Result<bool> {
    let Some(folder) = app.pools.rules.log_groups.clone() else { return Ok(false) };
    let (now, lease) = (app.clock.now(), hex::encode(random::bytes::<16>()));
    let taken: Vec<LogLine> = {
        let lease = lease.clone();
        app.store.write(move |tx| tx.lease_log_lines(&lease, now, now.plus_ms(LEASE_MS), LINES)).await?
    };
    let is_full = taken.len() as i64 == LINES;
    let mut groups: BTreeMap<String, String> = BTreeMap::new();
    for LogLine { destination, line, .. } in taken {
        let text = groups.entry(destination).or_default();
        text.push_str(&line);
        text.push('\n');
    }
    let begins = app.pools.place.log_group_arns();
    for (destination, text) in groups {
        match group(&destination, &begins).map(|parts| file(&folder, &parts)) {
            Some(path) => {
                if let Err(cause) = spawn_blocking(move || append(&path, &text)).await? {
                    let cause = format!("{cause:#}");
                    tracing::error!(destination, cause, "a log group cannot be written; its lines wait");
                    continue;
                }
            }
            None => tracing::error!(destination, "lines of a log group of elsewhere were dropped"),
        }
        let lease = lease.clone();
        app.store.write(move |tx| tx.drop_log_lines(&lease, &destination)).await?;
    }
    Ok(is_full)
}

/// `/aws/vendedlogs/shop` is `aws/vendedlogs/shop.jsonl`.
fn file(folder: &Path, parts: &[&str]) -> PathBuf {
    let path: PathBuf = [folder].into_iter().chain(parts.iter().map(Path::new)).collect();
    path.with_file_name(format!("{}.jsonl", parts.last().copied().unwrap_or_default()))
}

/// Adds to a file that its owner alone may read.
fn append(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        make_private(folder)?;
    }
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).with_context(|| format!("opening {}", path.display()))?;
    file.write_all(text.as_bytes())?;
    file.sync_data().with_context(|| format!("writing {}", path.display()))
}
