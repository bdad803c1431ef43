//! Runs the server, from its first line to its last.

use super::port::{self, Wanted};
use crate::app::App;
use crate::seed::{ALICE, BOB, BOBS_PASSWORD, Seed};
use crate::settings::{ConsoleDoor, Settings};
use crate::{doors, http, login, seed, worker};
use anyhow::{Context as _, Result, anyhow, bail};
use postern_mail::Caught;
use postern_store::{Clock, Place, Timestamp, empty_log};
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::broadcast::error::RecvError;

/// What the workers get to finish what they are at.
const FAREWELL: Duration = Duration::from_millis(250);

pub(super) async fn run(settings: Settings, seed: Option<Seed>) -> Result<()> {
    let clock = Clock::system();
    let began = clock.now();
    let wanted =
        if settings.development.administrator.is_some() { Wanted::Development } else { Wanted::Production };
    let listeners = bind(&settings.listen, wanted).await?;
    let console_listeners = match &settings.console {
        ConsoleDoor::Own { listen, .. } => bind(listen, Wanted::Console).await?,
        ConsoleDoor::Closed | ConsoleDoor::Shared => Vec::new(),
    };
    let reaches_others = listeners
        .iter()
        .chain(&console_listeners)
        .any(|listener| listener.local_addr().is_ok_and(|address| !address.ip().is_loopback()));
    let port = listeners.first().context("there is no address to listen on")?.local_addr()?.port();
    let scheme = if settings.tls.is_some() { "https" } else { "http" };
    let public_url = settings.public_url.clone().unwrap_or_else(|| format!("{scheme}://localhost:{port}"));
    let (app, mails) = App::open(settings, clock.clone(), public_url).await?;
    if reaches_others && wanted == Wanted::Production && app.store.read(|tx| tx.iam_users()).await?.is_empty()
    {
        bail!(
            "nobody administers this server yet, and others can reach it. Make an administrator first: postern init \
             --config FILE"
        );
    }
    let workers = worker::start(&app, mails);
    let made = match seed {
        Some(seed) => Made::Seed(seed.apply(&app).await?),
        None if app.settings.development.demo => Made::Demo(seed::demo(&app).await?),
        None => Made::Seed(Vec::new()),
    };
    if app.settings.development.inbox {
        tokio::spawn(print_mails(app.clone()));
    }
    say(&greeting(&app, &made, clock.now().since(began)));

    let ending = app.clone();
    tokio::spawn(async move {
        asked_to_end().await;
        ending.ending.send_replace(true);
    });
    let (stop, stop_console) = (app.clone(), app.clone());
    let limits = app.connection_limits();
    let console = async {
        if !console_listeners.is_empty() {
            let stopped = async move { stop_console.ended().await };
            http::serve(console_listeners, doors::console_router(&app), limits.clone(), stopped).await;
        }
    };
    let main = http::serve(listeners, doors::router(&app), limits.clone(), async move {
        stop.ended().await;
    });
    tokio::join!(main, console);
    let _ = tokio::time::timeout(FAREWELL, async {
        for worker in workers {
            let _ = worker.await;
        }
    })
    .await;
    let place = app.settings.place.clone();
    let _ = tokio::time::timeout(FAREWELL, tokio::task::spawn_blocking(move || empty_log(&place))).await;
    Ok(())
}

async fn bind(listen: &[SocketAddr], wanted: Wanted) -> Result<Vec<TcpListener>> {
    http::bind(listen).await.map_err(|fault| {
        let is_taken = fault
            .downcast_ref::<std::io::Error>()
            .is_some_and(|fault| fault.kind() == std::io::ErrorKind::AddrInUse);
        match listen.first() {
            Some(address) if is_taken => anyhow!("{}", port::taken(address.port(), wanted)),
            _ => fault.context("listening failed"),
        }
    })
}

/// Waits for Ctrl-C or a polite kill.
async fn asked_to_end() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = interrupt.await;
}

/// What there is to sign in to from the start.
enum Made {
    Demo(seed::Demo),
    Seed(Vec<seed::Seeded>),
}

impl Made {
    fn lines(&self) -> String {
        match self {
            Made::Demo(seed::Demo { pool_id, client_id }) => format!(
                "\x20 User pool     {pool_id}\n\
                 \x20 App client    {client_id}\n\
                 \x20 Users         {ALICE} (by code), {BOB} (by code or password {BOBS_PASSWORD})\n"
            ),
            Made::Seed(pools) => pools
                .iter()
                .map(|pool| {
                    let clients = pool.clients.iter();
                    let clients: String =
                        clients.map(|(name, id)| format!("  App client    {id}  {name}\n")).collect();
                    format!("  User pool     {}  {}\n{clients}", pool.pool_id, pool.name)
                })
                .collect(),
        }
    }
}

fn greeting(app: &App, made: &Made, took_ms: i64) -> String {
    let url = &app.public_url;
    let seconds = took_ms as f64 / 1000.0;
    let lines = made.lines();
    if !app.settings.development.demo {
        return format!("ready in {seconds:.1} s   {url}\n{lines}");
    }
    let data = match &app.settings.place {
        Place::File(path) => path.parent().unwrap_or(path).display().to_string(),
        Place::Memory => "kept in memory only".to_owned(),
        Place::Postgres { .. } => "PostgreSQL".to_owned(),
    };
    let data = if data.starts_with(['/', '.']) || !matches!(app.settings.place, Place::File(_)) {
        data
    } else {
        format!("./{data}")
    };
    let sign_in = match made {
        Made::Demo(_) => {
            format!("\x20 Sign-in       {url}{}      demo app client, open it now\n", login::DEMO_PATH)
        }
        Made::Seed(_) => String::new(),
    };
    let trust = app.settings.tls.as_ref().map(|tls| trust(&tls.authority.display().to_string()));
    let trust = trust.unwrap_or_default();
    format!(
        "ready in {seconds:.1} s   (development mode: mail is caught, not sent)\n\n\
         \x20 API           {url}\n\
         {sign_in}\
         \x20 Console       {url}/console\n\
         \x20 Inbox         {url}/inbox\n\
         \x20 Data          {data}\n\n\
         {lines}\
         \x20 Access key    test, secret test\n\n\
         Paste into your shell:   export AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER={url}\n{trust}\n"
    )
}

/// How to trust the local authority.
fn trust(authority: &str) -> String {
    format!(
        "\x20                        export AWS_CA_BUNDLE={authority} NODE_EXTRA_CA_CERTS={authority}\n\n\
         Trust {authority} in your browser as an authority for websites; it can vouch for localhost only.\n"
    )
}

/// Prints a line for each caught mail, with its code or its link.
async fn print_mails(app: App) {
    let mut watch = app.mail.watch_inbox();
    loop {
        match watch.recv().await {
            Ok(mail) => say(&line_of(&mail)),
            Err(RecvError::Lagged(missed)) => say(&format!("mail  {missed} more, see the inbox\n")),
            Err(RecvError::Closed) => return,
        }
    }
}

fn line_of(mail: &Arc<Caught>) -> String {
    let text = mail.shown().text.unwrap_or_default();
    let link = text.split_whitespace().find(|word| word.starts_with("http"));
    let content = mail.letter.code.as_deref().or(link).unwrap_or("-");
    let life = mail.letter.expires_ms.map(|end| life(Timestamp::from_ms(end).since(mail.created)));
    let purpose = mail.letter.purpose.to_lowercase();
    format!("mail  {}  {content}  {purpose}{}\n", mail.letter.to(), life.unwrap_or_default())
}

/// How long what a mail carries works, as ` (3 min)`.
fn life(ms: i64) -> String {
    match ms / 60_000 {
        ..=0 => String::new(),
        minutes if minutes % 60 == 0 => format!(" ({} h)", minutes / 60),
        minutes => format!(" ({minutes} min)"),
    }
}

/// Prints at once; nobody may be listening.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
