//! Ends what a database from a backup would bring to life again, before the server is started on it.

use crate::app::{check_master_key, open_store};
use crate::settings::Settings;
use crate::witness::end_all_that_lives;
use anyhow::Result;
use postern_store::Clock;

pub(super) async fn run(settings: Settings) -> Result<()> {
    let store = open_store(&settings)?;
    check_master_key(&store).await?;
    let ended = end_all_that_lives(&store, Clock::system().now()).await?;
    println!("{ended} sign-ins are ended, and with them all sessions, codes, links and waiting messages");
    println!(
        "what was changed since the backup is undone: passwords, factors, people and access keys that were taken away \
         are back"
    );
    Ok(())
}
