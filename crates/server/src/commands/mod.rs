//! The command line: what can be said, and what is said back. Data goes to standard output, talk to standard error.

mod doctor;
mod init;
mod mail;
mod manage;
mod open;
mod port;
mod remote;
mod restored;
mod review;
mod rotate_keys;
mod serve;
mod shell;

use crate::app::{check_master_key, open_store};
use crate::config::{Config, ENV_MASTER_KEY};
use crate::local_tls;
use crate::seed::Seed;
use crate::settings::{Flags, Settings};
use anyhow::Result;
use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use mail::WaitArgs;
use manage::{AddUserArgs, CreateClientArgs, ListArgs, ListClientsArgs, StatusArgs};
use open::OpenArgs;
use postern_access::Role;
use postern_mail::transport::web::Url;
use postern_store::{Clock, back_up};
use remote::{Fault, Output, print};
use review::ReviewArgs;
use serde_json::json;
use std::io::IsTerminal as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use tracing_subscriber::EnvFilter;

/// Sign in with a mailed code: a self-hosted server that speaks the Cognito user pools API.
///
/// Try it:  postern serve
#[derive(Parser)]
#[command(name = "postern", version, args_conflicts_with_subcommands = true)]
struct Line {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    serve: ServeArgs,
}

#[derive(Subcommand)]
enum Verb {
    /// Run the server; without --config in development mode, for this machine only
    #[command(after_help = "For example:  postern serve --port 9321")]
    Serve(ServeArgs),
    /// Prepare a production server: its master key and an administrator
    #[command(after_help = "For example:  postern init --config postern.toml --email you@example.com")]
    Init {
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Name of the administrator
        #[arg(long, default_value = "administrator")]
        name: String,
        /// What the administrator may do
        #[arg(long, value_enum, default_value = "own")]
        role: RoleWord,
        /// Address that signs the administrator in at the console, by mailed codes
        #[arg(long, value_name = "ADDRESS")]
        email: Option<String>,
        #[command(flatten)]
        print: PrintArgs,
    },
    /// Bring the database to this program's version
    #[command(after_help = "For example:  postern migrate --config postern.toml")]
    Migrate {
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        #[command(flatten)]
        print: PrintArgs,
    },
    /// Copy the database into a file, also while the server runs
    #[command(after_help = "For example:  postern backup --config postern.toml --to postern-monday.db")]
    Backup {
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// The new file
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        #[command(flatten)]
        print: PrintArgs,
    },
    /// Signing keys of the pools
    #[command(subcommand)]
    Keys(KeysVerb),
    /// What the account of a production server may send
    #[command(subcommand)]
    Ses(SesVerb),
    /// End all sign-ins, sessions and codes of a database that was put back from a backup, before the server starts on it
    #[command(after_help = "For example:  postern restored --config postern.toml --yes")]
    Restored {
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Do it: everybody is signed out
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        print: PrintArgs,
    },
    /// Look at all that a production server stands on: clock, ports, files, database, addresses, certificate, mail relay,
    /// senders' DNS; says what to do about what is wrong
    #[command(after_help = "For example:  postern doctor --config postern.toml")]
    Doctor {
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        #[command(flatten)]
        print: PrintArgs,
    },
    /// Tell whether a running server is ready, and what there is to sign in to
    #[command(after_help = "For example:  eval \"$(postern status -o env)\"")]
    Status(StatusArgs),
    /// User pools of a running server
    #[command(subcommand)]
    Pool(PoolVerb),
    /// App clients of a running server
    #[command(subcommand)]
    Client(ClientVerb),
    /// Users of a running server
    #[command(subcommand)]
    User(UserVerb),
    /// Messages that a server in development mode has caught
    #[command(subcommand)]
    Mail(MailVerb),
    /// Open a page of a running server in the browser, and print its address
    #[command(after_help = "For example:  postern open inbox")]
    Open(OpenArgs),
    /// Print what completes these words in a shell: postern completions bash > /etc/bash_completion.d/postern
    Completions { shell: Shell },
    /// Print the manual page: postern man > /usr/local/share/man/man1/postern.1
    Man,
}

#[derive(Args)]
struct PrintArgs {
    /// How to print
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value = "text")]
    output: Output,
}

#[derive(Subcommand)]
enum KeysVerb {
    /// Publish new ones; they sign a day later, and the old ones are recognised until their tokens have ended
    #[command(after_help = "For example:  postern keys rotate --config postern.toml")]
    Rotate {
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Of this pool only
        #[arg(long, value_name = "ID")]
        pool: Option<String>,
        #[command(flatten)]
        print: PrintArgs,
    },
}

#[derive(Subcommand)]
enum SesVerb {
    /// Lead it out of the sandbox: mail goes to everybody
    Grant(ReviewArgs),
    /// Deny that, or lead it back: mail goes to verified addresses only
    Deny(ReviewArgs),
}

#[derive(Subcommand)]
enum PoolVerb {
    /// List them
    List(ListArgs),
}

#[derive(Subcommand)]
enum ClientVerb {
    /// List those of a pool
    List(ListClientsArgs),
    /// Make one for choice-based sign-in; prints its id
    #[command(
        after_help = "For example:  postern client create Shop --callback https://shop.example/callback"
    )]
    Create(CreateClientArgs),
}

#[derive(Subcommand)]
enum UserVerb {
    /// Add one who signs in by code
    #[command(after_help = "For example:  postern user add alice@example.com")]
    Add(AddUserArgs),
}

#[derive(Subcommand)]
enum MailVerb {
    /// Print the code of the next message to somebody, as soon as it is there
    #[command(after_help = "For example:  postern mail wait --to alice@example.com --timeout 10s")]
    Wait(WaitArgs),
}

/// The roles of administrators, as they are typed.
#[derive(Clone, Copy, ValueEnum)]
enum RoleWord {
    /// See everything, change nothing
    View,
    /// See everything and look after people
    Operate,
    /// Everything
    Own,
}

impl From<RoleWord> for Role {
    fn from(word: RoleWord) -> Role {
        match word {
            RoleWord::View => Role::View,
            RoleWord::Operate => Role::Operate,
            RoleWord::Own => Role::Own,
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum TlsWord {
    Local,
}

#[derive(Args)]
struct ServeArgs {
    /// Run in production, by this configuration
    #[arg(long, value_name = "FILE", conflicts_with_all = ["data", "ephemeral", "ses_sandbox", "strict_limits", "functions", "log_groups"])]
    config: Option<PathBuf>,
    /// Listen on this port [default: 9320]
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// Listen on this address
    #[arg(long, value_name = "ADDRESS")]
    host: Option<IpAddr>,
    /// Keep data in this folder [default: ./data]
    #[arg(long, value_name = "DIR", conflicts_with = "ephemeral")]
    data: Option<PathBuf>,
    /// Keep nothing
    #[arg(long)]
    ephemeral: bool,
    /// Answer by HTTPS, with a certificate of an authority of this machine
    #[arg(long, value_name = "KIND", value_enum, conflicts_with = "config")]
    tls: Option<TlsWord>,
    /// Start in the SES sandbox
    #[arg(long)]
    ses_sandbox: bool,
    /// Keep the limits that are lifted for tests
    #[arg(long)]
    strict_limits: bool,
    /// Make the pools, app clients, groups and users of this file, or bring them to what it says
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
    /// Call the functions of Lambda triggers at this Invoke API
    #[arg(long, value_name = "URL", value_parser = |text: &str| Url::parse(text))]
    functions: Option<Url>,
    /// Keep log groups in this folder [default: log-groups in the data folder]
    #[arg(long, value_name = "DIR")]
    log_groups: Option<PathBuf>,
}

impl ServeArgs {
    fn seed(&self) -> Result<Option<Seed>> {
        self.seed.as_deref().map(Seed::load).transpose()
    }

    fn settings(&self) -> Result<Settings> {
        let Some(path) = &self.config else {
            let mut settings = Settings::development(&Flags {
                host: self.host,
                port: self.port,
                data: self.data.clone(),
                ephemeral: self.ephemeral,
                ses_sandbox: self.ses_sandbox,
                strict_limits: self.strict_limits,
                functions: self.functions.clone(),
                log_groups: self.log_groups.clone(),
            })?;
            if let Some(TlsWord::Local) = self.tls {
                settings.tls =
                    Some(Arc::new(local_tls::prepare(&local_tls::folder()?, Clock::system().now())?));
            }
            return Ok(settings);
        };
        let mut settings = production(path)?;
        for address in &mut settings.listen {
            address.set_ip(self.host.unwrap_or(address.ip()));
            address.set_port(self.port.unwrap_or(address.port()));
        }
        Ok(settings)
    }
}

fn production(path: &Path) -> Result<Settings> {
    let env = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    Settings::production(Config::load(path, env)?, env(ENV_MASTER_KEY))
}

/// Runs the program.
pub fn run() -> ExitCode {
    let line = Line::parse();
    let is_development = match &line.verb {
        None => line.serve.config.is_none(),
        Some(Verb::Serve(args)) => args.config.is_none(),
        Some(_) => true,
    };
    log_to_stderr(if is_development { "warn" } else { "info" });
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(fault) => return told(Err(fault.into())),
    };
    let done = runtime.block_on(async {
        match line.verb {
            None => serve::run(line.serve.settings()?, line.serve.seed()?).await,
            Some(Verb::Serve(args)) => serve::run(args.settings()?, args.seed()?).await,
            Some(Verb::Init { config, name, role, email, print }) => {
                init::run(production(&config)?, &name, role.into(), email.as_deref(), print.output).await
            }
            Some(Verb::Keys(KeysVerb::Rotate { config, pool, print })) => {
                rotate_keys::run(production(&config)?, pool, print.output).await
            }
            Some(Verb::Ses(SesVerb::Grant(args))) => review::run(&args, "GRANT").await,
            Some(Verb::Ses(SesVerb::Deny(args))) => review::run(&args, "DENY").await,
            Some(Verb::Restored { config, yes, print }) => {
                restored::run(production(&config)?, yes, print.output).await
            }
            Some(Verb::Migrate { config, print }) => migrate(production(&config)?, print.output).await,
            Some(Verb::Backup { config, to, print }) => backup(&production(&config)?, &to, print.output),
            Some(Verb::Doctor { config, print }) => doctor::run(production(&config)?, print.output).await,
            Some(Verb::Status(args)) => manage::status(&args).await,
            Some(Verb::Pool(PoolVerb::List(args))) => manage::list_pools(&args).await,
            Some(Verb::Client(ClientVerb::List(args))) => manage::list_clients(&args).await,
            Some(Verb::Client(ClientVerb::Create(args))) => manage::create_client(&args).await,
            Some(Verb::User(UserVerb::Add(args))) => manage::add_user(&args).await,
            Some(Verb::Mail(MailVerb::Wait(args))) => mail::wait(&args).await,
            Some(Verb::Open(args)) => open::run(&args).await,
            Some(Verb::Completions { shell }) => shell::completions(Line::command(), shell),
            Some(Verb::Man) => shell::manual(Line::command()),
        }
    });
    // Threads that wait for a name server or the like must not hold up the end.
    runtime.shutdown_background();
    told(done)
}

async fn migrate(settings: Settings, output: Output) -> Result<()> {
    check_master_key(&open_store(&settings)?).await?;
    let version = env!("CARGO_PKG_VERSION");
    print(output, &json!({ "Version": version }), |_| "the database is at this program's version".to_owned());
    Ok(())
}

fn backup(settings: &Settings, to: &Path, output: Output) -> Result<()> {
    back_up(&settings.place, to)?;
    if output == Output::Json {
        print(output, &json!({ "File": to }), |_| String::new());
    }
    eprintln!("keep {} apart from the master key, which opens what is sealed in it", to.display());
    Ok(())
}

fn told(done: Result<()>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            eprintln!("postern: {cause:#}");
            cause.downcast_ref::<Fault>().map_or(ExitCode::FAILURE, |fault| fault.exit_code().into())
        }
    }
}

/// Logs by `POSTERN_LOG`, else at a level.
fn log_to_stderr(level: &str) {
    let filter = EnvFilter::try_from_env("POSTERN_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colour).init();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_makes_sense() {
        Line::command().debug_assert();
        let parsed = |words: &[&str]| Line::try_parse_from([&["postern"], words].concat());
        assert!(parsed(&[]).is_ok_and(|line| line.verb.is_none()));
        assert!(parsed(&["--port", "9321"]).is_ok_and(|line| line.serve.port == Some(9321)));
        assert!(parsed(&["serve", "--ephemeral", "--tls", "local"]).is_ok());
        assert!(parsed(&["serve", "--tls", "global"]).is_err());
        assert!(parsed(&["serve", "--tls", "local", "--config", "x"]).is_err());
        assert!(parsed(&["serve", "--ephemeral", "--data", "x"]).is_err());
        assert!(parsed(&["serve", "--config", "x", "--ses-sandbox"]).is_err());
        assert!(parsed(&["init", "--config", "x", "--role", "view"]).is_ok());
        assert!(parsed(&["init", "--config", "x", "--role", "king"]).is_err());
        assert!(parsed(&["init"]).is_err());
        assert!(parsed(&["ses", "deny", "--config", "x", "--reason", "no"]).is_ok());
        assert!(parsed(&["ses", "grant"]).is_err());
        assert!(parsed(&["keys", "rotate", "--config", "x", "--pool", "p"]).is_ok());
        assert!(
            parsed(&["mail", "wait", "--to", "alice@example.com", "--timeout", "10s", "-o", "json"]).is_ok()
        );
        assert!(parsed(&["mail", "wait", "--timeout", "10s"]).is_err());
        assert!(parsed(&["user", "add", "alice@example.com", "--url", "example.com"]).is_err());
        assert!(parsed(&["restored", "--config", "x", "--yes", "-o", "json"]).is_ok());
        assert!(parsed(&["restored"]).is_err());
        assert!(parsed(&["doctor"]).is_err());
        assert!(parsed(&["completions", "zsh"]).is_ok());
        assert!(parsed(&["completions", "cmd"]).is_err());
        assert!(parsed(&["sevre"]).is_err());
    }
}
