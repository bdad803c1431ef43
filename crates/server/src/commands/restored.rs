//! Ends what a database from a backup would bring to life again, before the server is started on it.

use super::remote::{Output, print};
use crate::app::{check_master_key, open_store};
use crate::settings::Settings;
use crate::witness::end_all_that_lives;
use anyhow::{Result, bail};
use postern_store::Clock;
use serde_json::json;

pub(super) async fn run(settings: Settings, is_sure: bool, output: Output) -> Result<()> {
    if !is_sure {
        bail!(
            "this signs everybody out: all sign-ins, sessions, codes, links and waiting messages of the database end. \
             Say it again with --yes"
        );
    }
    let store = open_store(&settings)?;
    check_master_key(&store).await?;
    let ended = end_all_that_lives(&store, Clock::system().now()).await?;
    print(output, &json!({ "EndedSignIns": ended }), |_| {
        format!(
            "{ended} sign-ins are ended, and with them all sessions, codes, links and waiting messages\n\
             what was changed since the backup is undone: passwords, factors, people and access keys that were taken \
             away are back"
        )
    });
    Ok(())
}
