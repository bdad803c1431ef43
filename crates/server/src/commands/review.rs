//! `ses grant` and `ses deny`: the operator's word on production access, where no console is at hand.

use crate::api::{Call, perform};
use crate::app::App;
use anyhow::{Context as _, Result, anyhow};
use clap::Args;
use postern_model::Service;
use postern_store::Clock;
use serde_json::json;
use std::path::PathBuf;

#[derive(Args)]
pub(super) struct ReviewArgs {
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Why, for those who asked
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

pub(super) async fn run(args: &ReviewArgs, decision: &str) -> Result<()> {
    let settings = super::production(&args.config)?;
    let public_url = settings.public_url.clone().unwrap_or_default();
    let (app, _) = App::open(settings, Clock::system(), public_url).await?;
    let call = Call::find(Service::Postern, "ReviewProductionAccess").context("the operation is known")?;
    let mut input = json!({ "Decision": decision });
    if let Some(reason) = &args.reason {
        input["Reason"] = reason.as_str().into();
    }
    perform(&app, &app.own_caller(), call, &input).await.map_err(|error| anyhow!("{error}"))?;
    println!(
        "{}",
        match decision {
            "GRANT" => "production access is granted: mail goes to everybody",
            _ => "production access is denied: mail goes to verified addresses only",
        }
    );
    Ok(())
}
