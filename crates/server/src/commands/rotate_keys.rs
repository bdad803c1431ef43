//! Publishes new signing keys of one pool, or of all.

use super::remote::{Fault, Output, print, text};
use crate::app::App;
use crate::settings::Settings;
use anyhow::{Result, anyhow};
use postern_store::Clock;
use serde_json::json;

/// Pools that are read at once.
const PAGE: i64 = 100;

pub(super) async fn run(settings: Settings, pool: Option<String>, output: Output) -> Result<()> {
    let public_url = settings.public_url.clone().unwrap_or_default();
    let (app, _) = App::open(settings, Clock::system(), public_url).await?;
    let pools = match pool {
        Some(id) => vec![id],
        None => all_pools(&app).await?,
    };
    let mut rotated = Vec::new();
    for id in pools {
        if !app.pools.rotate_keys(&id, None).await.map_err(|error| anyhow!("{error}"))? {
            return Err(Fault::NotFound(format!("there is no pool {id}")).into());
        }
        rotated.push(json!({ "UserPoolId": id }));
    }
    print(output, &rotated.into(), |pool| {
        format!("{}  new keys are published, and sign a day from now", text(pool, "UserPoolId"))
    });
    Ok(())
}

async fn all_pools(app: &App) -> Result<Vec<String>> {
    let mut ids: Vec<String> = Vec::new();
    loop {
        let after = ids.last().cloned().unwrap_or_default();
        let page: Vec<_> = app.store.read(move |tx| tx.list_pools(&after, PAGE)).await?;
        if page.is_empty() {
            return Ok(ids);
        }
        ids.extend(page.into_iter().map(|pool| pool.id));
    }
}
