//! Measures full sign-ins by mailed code: InitiateAuth, the code taken from the mail, RespondToAuthChallenge, against
//! a server of its own with every rule on, beside what this machine needs for the two signatures alone.

mod hashes;
mod lists;
mod load;
mod machine;
mod mails;
mod pages;
mod prepare;
mod report;
mod site;
mod timing;
mod tokens;
mod wire;

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use hashes::Hashes;
use load::{Crowd, Seen, Way};
use mails::Mails;
use prepare::Door;
use report::{Report, Stretch, WhileHashing};
use site::{Server, Site};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

/// Starts that the start time is the median of.
const STARTS: usize = 7;
/// What a started server gets to settle before its memory is read.
const SETTLE: Duration = Duration::from_secs(2);

/// Measures full sign-ins by mailed code against a server that it starts itself.
#[derive(Parser)]
struct Options {
    /// Length of each of the stretches that are measured
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// People who sign in at the same time
    #[arg(long, default_value_t = 32)]
    workers: usize,
    /// People to create; each signs in once at most
    #[arg(long, default_value_t = 100_000)]
    users: u32,
    /// The server's program [default: built from this workspace]
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
    /// Measure with PostgreSQL: the address of an empty database
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Where the data is written, on the disk to be measured [default: the system's temporary folder]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Measure once more while so many password hashes wait, for example 500
    #[arg(long, default_value_t = 0)]
    hashes: usize,
    /// Compare how long known and unknown names take, by so many pairs, for example 2000
    #[arg(long, default_value_t = 0)]
    pairs: u32,
    /// Time lists and searches of all the people, by so many rounds, for example 200
    #[arg(long, default_value_t = 0)]
    lists: u32,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    // One thread: the client shares the cores with the server and should take as little of them as it can.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(fault) => return failed(&fault.into()),
    };
    match runtime.block_on(run(&options)) {
        Ok(report) => {
            match serde_json::to_string_pretty(&report) {
                Ok(json) if options.json => println!("{json}"),
                _ => print!("{}", report.table()),
            }
            if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(cause) => failed(&cause),
    }
}

fn failed(cause: &anyhow::Error) -> ExitCode {
    eprintln!("postern-bench: {cause:#}");
    ExitCode::FAILURE
}

async fn run(options: &Options) -> Result<Report> {
    let program = match &options.server {
        Some(path) => path.clone(),
        None => built_server()?,
    };
    let folder = options.data.clone().unwrap_or_else(std::env::temp_dir);
    let site = Site::lay_out(program, &folder, options.database.as_deref())?;
    let measured = measure(options, &site).await;
    match &measured {
        Ok(report) if report.is_clean() => {
            std::fs::remove_dir_all(&site.folder)?;
        }
        _ => eprintln!("kept for a look: {}", site.folder.display()),
    }
    measured
}

async fn measure(options: &Options, site: &Site) -> Result<Report> {
    say("measuring two signatures");
    let machine = machine::two_signatures()?;
    let key = site.init()?;
    let (server, _) = site.start().await?;
    let mails = Mails::read(&site.mails())?;
    let door = prepare::door(site, &key, &mails).await?;

    say(&format!("creating {} people", options.users));
    let began = Instant::now();
    prepare::people(site, &key, &door, options.users, options.workers).await?;
    let people_created_per_s = f64::from(options.users) / began.elapsed().as_secs_f64();
    server.stop().await?;

    say("starting with existing data");
    let (server, start_ms) = start_often(site).await?;
    tokio::time::sleep(SETTLE).await;
    let resident_idle_mib = mib(server.resident_kib()?);

    let length = Duration::from_secs(options.seconds);
    let timing = match options.pairs {
        0 => None,
        pairs => {
            say(&format!("asking for {pairs} known and {pairs} unknown names at every door"));
            Some(timing::compare(site, &key, &door, options.users, pairs).await?)
        }
    };
    let lists = match options.lists {
        0 => None,
        rounds => {
            say(&format!("listing and searching {} people, {rounds} times", options.users));
            Some(lists::time(site, &key, &door, options.users, rounds).await?)
        }
    };
    let crowd = Crowd::gather(site, &door, &mails, options.users)?;
    say("signing in as fast as it goes");
    let rush = crowd.rush(&server, options.workers, length, Way::Api).await?;
    check(site, &door, &door.client, &rush).await?;
    let rush = Stretch::of(&rush);
    say("signing in at half that rate");
    let half = crowd.stream(&server, rush.per_s / 2.0, length).await?;
    check(site, &door, &door.client, &half).await?;
    let half = Stretch::of(&half);
    let hashing = match options.hashes {
        0 => None,
        waiting => {
            say(&format!("signing in at that rate while {waiting} password hashes wait"));
            let hashes = Hashes::keep_waiting(site, &door, waiting).await?;
            let seen = crowd.stream(&server, rush.per_s / 2.0, length).await?;
            let checked = hashes.end().await?;
            check(site, &door, &door.client, &seen).await?;
            let stretch = Stretch::of(&seen);
            let (hashes_per_s, turned_away) = (checked.per_s, checked.turned_away);
            Some(WhileHashing { waiting, hashes_per_s, turned_away, stretch })
        }
    };
    say("signing in on the pages");
    let pages = crowd.rush(&server, options.workers, length, Way::Pages).await?;
    check(site, &door, &door.web, &pages).await?;
    say("refreshing with rotation");
    let refresh = crowd.rush(&server, options.workers, length, Way::Refresh).await?;
    check(site, &door, &door.rotating, &refresh).await?;
    say("getting tokens for programs");
    let machines = crowd.rush(&server, options.workers, length, Way::Machine).await?;
    check(site, &door, &door.machine.client, &machines).await?;
    let machines = Stretch::of(&machines);
    let resident_peak_mib = mib(server.resident_peak_kib()?);
    server.stop().await?;

    Ok(Report {
        database: if options.database.is_some() { "PostgreSQL" } else { "SQLite" },
        people: options.users,
        workers: options.workers,
        machine,
        people_created_per_s,
        start_ms,
        resident_idle_mib,
        resident_peak_mib,
        ratio: rush.server_cpu_ms / machine.alone_ms,
        ratio_to_signing: rush.server_cpu_ms / rush.signing_cpu_ms.max(f64::MIN_POSITIVE),
        rush,
        half,
        hashing,
        timing,
        lists,
        pages: Stretch::of(&pages),
        refresh: Stretch::of(&refresh),
        machines_share: machines.per_s * machine.all_busy_ms / 2.0 / 1e3 / machine.cores as f64,
        machines,
    })
}

/// Starts the server several times; gives the last one and the median of how long it took.
async fn start_often(site: &Site) -> Result<(Server, f64)> {
    let mut times = Vec::new();
    for _ in 1..STARTS {
        let (server, took) = site.start().await?;
        times.push(took);
        server.stop().await?;
    }
    let (server, took) = site.start().await?;
    times.push(took);
    times.sort_unstable();
    Ok((server, times[STARTS / 2].as_secs_f64() * 1e3))
}

/// Makes sure that sign-ins happened and that their tokens are real.
async fn check(site: &Site, door: &Door, client: &str, seen: &Seen) -> Result<()> {
    let Some(tokens) = &seen.tokens else {
        let failures: Vec<_> = seen.failures.keys().map(String::as_str).collect();
        ensure!(!seen.short, "people ran out before anything was measured: take --users higher");
        anyhow::bail!("nobody signed in: {}", failures.join("; "));
    };
    tokens::verify(site, &door.pool, client, tokens).await
}

/// Builds the server beside this program and gives its path.
fn built_server() -> Result<PathBuf> {
    let me = std::env::current_exe()?;
    let folder = me.parent().and_then(Path::parent).context("this program is in no target folder")?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let workspace =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("this package is in no workspace")?;
    let built = Command::new(cargo)
        .args(["build", "--release", "-p", "postern-server", "--target-dir"])
        .arg(folder)
        .current_dir(workspace)
        .status()
        .context("cargo cannot be run")?;
    ensure!(built.success(), "the server could not be built");
    Ok(folder.join("release").join("postern"))
}

fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

/// Tells whoever waits what is going on; the results alone go to standard output.
fn say(what: &str) {
    eprintln!("{what} …");
}
