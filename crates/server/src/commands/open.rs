//! `open`: a page of a running server, in the browser.

use super::remote::{Fault, Remote, RemoteArgs, print, text};
use crate::login::DEMO_PATH;
use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use serde_json::json;
use std::process::{Command, Stdio};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(5);
#[cfg(target_os = "macos")]
const OPENER: &str = "open";
#[cfg(windows)]
const OPENER: &str = "explorer";
#[cfg(not(any(target_os = "macos", windows)))]
const OPENER: &str = "xdg-open";

#[derive(Args)]
pub(super) struct OpenArgs {
    /// Which page
    #[arg(value_enum, default_value = "console")]
    page: Page,
    #[command(flatten)]
    remote: RemoteArgs,
}

#[derive(Clone, Copy, ValueEnum)]
enum Page {
    Console,
    Inbox,
    /// Sign in to the demo app
    Demo,
}

impl Page {
    fn path(self) -> &'static str {
        match self {
            Page::Console => "/console",
            Page::Inbox => "/inbox",
            Page::Demo => DEMO_PATH,
        }
    }
}

/// Opens a page that is there, by the browser that `$BROWSER` names, else the machine's usual one. Where there is no browser, its address is told all the same.
pub(super) async fn run(args: &OpenArgs) -> Result<()> {
    let remote = Remote::open(&args.remote)?;
    let url = format!("{}{}", remote.url, args.page.path());
    let reply = remote.get(args.page.path(), PATIENCE).await?;
    if reply.status == 404 {
        return Err(Fault::NotFound(format!("{url} is not there")).into());
    }
    if reply.status >= 400 {
        bail!("{url} was answered {}", reply.status);
    }
    print(args.remote.output, &json!({ "Url": url }), |page| text(page, "Url").to_owned());
    let opener = std::env::var_os("BROWSER").unwrap_or_else(|| OPENER.into());
    let opener = Command::new(opener).arg(&url).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    if opener.is_err() {
        eprintln!("no browser could be opened here; open the address yourself");
    }
    Ok(())
}
