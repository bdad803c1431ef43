//! Hands mails to a relay by SMTP submission (RFC 6409): verified TLS unless the operator says otherwise,
//! warm connections, and a time-out of its own for every step.

use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::Response;
use postern_store::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::{ANSWER, DATA_END, Delivery, Parcel};
use crate::address::Address;

// RFC 5321's minutes are for bulk; a code is worthless by then.
const CONNECT: Duration = Duration::from_secs(3);
const GREETING: Duration = Duration::from_secs(8);
const COMMAND: Duration = Duration::from_secs(5);

/// How long a relay that asks for a pause is left alone: this long, and twice as long when it asks again.
const PAUSE_MIN_MS: i64 = 2_000;
const PAUSE_MAX_MS: i64 = 20_000;

/// A connection that lay idle longer is asked whether it still lives before it is used.
const TRUSTED_IDLE_MS: i64 = 5_000;
/// Relays recycle old connections; we do so first.
const AGE_MAX_MS: i64 = 5 * 60_000;
const IDLE_MAX_MS: i64 = 60_000;
const MAILS_MAX: u32 = 100;

/// Characters of a relay's reply that are kept.
const REPLY_MAX: usize = 300;

/// How a connection is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Security {
    /// STARTTLS, and no mail without it (port 587).
    #[default]
    StartTls,
    /// TLS from the first byte (port 465).
    Implicit,
    /// None. For a relay on this machine only.
    None,
}

/// Where the relay is and how to speak to it.
#[derive(Clone)]
pub struct SmtpSettings {
    pub host: String,
    pub port: u16,
    pub security: Security,
    /// A PEM file with the authorities to trust beside the system's.
    pub ca_file: Option<PathBuf>,
    pub user: Option<String>,
    pub password: Option<String>,
    /// The name to greet with; the relay may check it.
    pub hello_name: Option<String>,
    /// Mails under way at one time.
    pub connections: usize,
}

impl fmt::Debug for SmtpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SmtpSettings({}:{}, {:?})", self.host, self.port, self.security)
    }
}

/// A relay with its warm connections.
#[derive(Clone)]
pub struct Smtp(Arc<Relay>);

struct Relay {
    host: String,
    port: u16,
    security: Security,
    tls: Option<TlsParameters>,
    credentials: Option<Credentials>,
    hello: ClientId,
    turns: Arc<Semaphore>,
    /// Mails that nobody waits for leave a turn to those that somebody does.
    unhurried: Arc<Semaphore>,
    parked: Mutex<Vec<Parked>>,
    pause: Mutex<Pause>,
}

/// When the relay is spoken to again after it asked for a pause.
#[derive(Clone, Copy, Default)]
struct Pause {
    until: Timestamp,
    length_ms: i64,
}

/// A mail's turn: as many are under way at one time as the relay may have connections. It is over when this is dropped.
#[derive(Default)]
pub struct Turn {
    _unhurried: Option<OwnedSemaphorePermit>,
    _turn: Option<OwnedSemaphorePermit>,
}

struct Parked {
    connection: AsyncSmtpConnection,
    opened: Timestamp,
    used: Timestamp,
    mails: u32,
}

/// How one transaction ended, where the connection is no longer to be trusted.
enum Broken {
    /// The connection was gone before the message was handed over: nothing was sent.
    Lost(String),
    Ended(Delivery),
}

impl Smtp {
    /// Reads the certificates and checks the settings; connects to nobody yet.
    pub fn new(settings: &SmtpSettings) -> Result<Smtp> {
        let credentials = match (&settings.user, &settings.password) {
            (Some(user), Some(password)) => Some(Credentials::new(user.clone(), password.clone())),
            (None, None) => None,
            _ => bail!("the relay needs both a user and a password, or neither"),
        };
        let tls = if settings.security == Security::None {
            if !is_loopback(&settings.host) {
                bail!(
                    "security \"none\" is for a relay on this machine only: mails carry codes and passwords"
                );
            }
            None
        } else {
            let mut builder = TlsParameters::builder(settings.host.clone());
            if let Some(path) = &settings.ca_file {
                let pem = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
                builder = builder.add_root_certificate(Certificate::from_pem(&pem)?);
            }
            Some(builder.build_rustls()?)
        };
        let hello = settings.hello_name.clone().map_or_else(ClientId::default, ClientId::Domain);
        Ok(Smtp(Arc::new(Relay {
            host: settings.host.clone(),
            port: settings.port,
            security: settings.security,
            tls,
            credentials,
            hello,
            turns: Arc::new(Semaphore::new(settings.connections.max(1))),
            unhurried: Arc::new(Semaphore::new(settings.connections.saturating_sub(1).max(1))),
            parked: Mutex::default(),
            pause: Mutex::default(),
        })))
    }

    /// Connects, encrypts and signs in, as for a mail, and says goodbye; or tells what went wrong.
    pub async fn probe(&self) -> Result<(), String> {
        let mut connection = self.0.open().await.map_err(|fault| fault.reply)?;
        let _ = within(COMMAND, connection.quit()).await;
        Ok(())
    }

    /// Where the relay is.
    pub fn relay(&self) -> String {
        format!("{}:{}", self.0.host, self.0.port)
    }

    /// Waits for a mail's turn, so long and no longer.
    pub(super) async fn turn(&self, urgent: bool, limit: Duration) -> Option<Turn> {
        let taking = async {
            let unhurried = match urgent {
                true => None,
                false => Some(self.0.unhurried.clone().acquire_owned().await.ok()?),
            };
            let turn = self.0.turns.clone().acquire_owned().await.ok()?;
            Some(Turn { _unhurried: unhurried, _turn: Some(turn) })
        };
        timeout(limit, taking).await.ok().flatten()
    }

    /// Makes one attempt. Once the message is on its way, nothing but the relay's silence ends it: an attempt that is
    /// broken off there may have succeeded.
    pub(super) async fn deliver(&self, parcel: &Parcel<'_>) -> Delivery {
        let (relay, now) = (&self.0, parcel.now);
        let pause = *relay.pause.lock().unwrap_or_else(PoisonError::into_inner);
        if now < pause.until {
            return Delivery::Slower { reply: "the relay asked for a pause".to_owned(), until: pause.until };
        }
        let delivery = match timeout(parcel.patience.min(ANSWER), relay.ready(parcel)).await {
            Ok(Ok(ready)) => relay.hand_over(ready, parcel).await,
            Ok(Err(ended)) => ended,
            Err(_) => later("the relay did not answer in time"),
        };
        match delivery {
            Delivery::Slower { reply, .. } => Delivery::Slower { reply, until: relay.rest(now) },
            Delivery::Accepted { reply } => {
                *relay.pause.lock().unwrap_or_else(PoisonError::into_inner) = Pause::default();
                Delivery::Accepted { reply }
            }
            other => other,
        }
    }
}

impl Relay {
    /// Brings a connection so far that it takes the message.
    async fn ready(&self, parcel: &Parcel<'_>) -> Result<Parked, Delivery> {
        if let Some(mut parked) = self.take(parcel.now).await {
            match announce(&mut parked.connection, parcel).await {
                Ok(()) => return Ok(parked),
                Err(Broken::Ended(delivery)) => return Err(delivery),
                // A relay may close an idle connection at any time; a fresh one decides.
                Err(Broken::Lost(_)) => {}
            }
        }
        let connection = self.open().await.map_err(Fault::not_open)?;
        let mut fresh = Parked { connection, opened: parcel.now, used: parcel.now, mails: 0 };
        match announce(&mut fresh.connection, parcel).await {
            Ok(()) => Ok(fresh),
            Err(Broken::Ended(delivery)) => Err(delivery),
            Err(Broken::Lost(reply)) => Err(later(&reply)),
        }
    }

    async fn hand_over(&self, mut ready: Parked, parcel: &Parcel<'_>) -> Delivery {
        match within(DATA_END, ready.connection.message(parcel.bytes)).await {
            Ok(response) => {
                self.park(ready, parcel.now);
                Delivery::Accepted { reply: reply_of(&response) }
            }
            Err(fault) => fault.after_data(),
        }
    }

    /// Leaves the relay alone for a while; tells until when.
    fn rest(&self, now: Timestamp) -> Timestamp {
        let mut pause = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        // Mails that were under way together are told together.
        if now >= pause.until {
            let length_ms = (pause.length_ms * 2).clamp(PAUSE_MIN_MS, PAUSE_MAX_MS);
            *pause = Pause { until: now.plus_ms(length_ms), length_ms };
        }
        pause.until
    }

    /// Connects, encrypts and signs in. Whatever goes wrong here is ours to mend, so the mail waits.
    async fn open(&self) -> Result<AsyncSmtpConnection, Fault> {
        let implicit = if self.security == Security::Implicit { self.tls.clone() } else { None };
        let server = (self.host.as_str(), self.port);
        let mut connection = within(
            GREETING,
            AsyncSmtpConnection::connect_tokio1(server, Some(CONNECT), &self.hello, implicit, None),
        )
        .await
        .map_err(|fault| fault.while_doing("connecting"))?;
        if let (Security::StartTls, Some(tls)) = (self.security, &self.tls) {
            within(GREETING, connection.starttls(tls.clone(), &self.hello))
                .await
                .map_err(|fault| fault.while_doing("STARTTLS"))?;
        }
        if let Some(credentials) = &self.credentials {
            within(COMMAND, connection.auth(DEFAULT_MECHANISMS, credentials))
                .await
                .map_err(|fault| fault.while_doing("signing in"))?;
        }
        Ok(connection)
    }

    /// Takes a connection that is young, little used and alive.
    async fn take(&self, now: Timestamp) -> Option<Parked> {
        loop {
            let mut parked = self.parked.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            let idle_ms = now.since(parked.used);
            let worn =
                parked.mails >= MAILS_MAX || now.since(parked.opened) > AGE_MAX_MS || idle_ms > IDLE_MAX_MS;
            if !worn && (idle_ms <= TRUSTED_IDLE_MS || answers(&mut parked.connection).await) {
                return Some(parked);
            }
        }
    }

    fn park(&self, mut parked: Parked, now: Timestamp) {
        parked.mails += 1;
        parked.used = now;
        self.parked.lock().unwrap_or_else(PoisonError::into_inner).push(parked);
    }
}

async fn answers(connection: &mut AsyncSmtpConnection) -> bool {
    timeout(COMMAND, connection.test_connected()).await.unwrap_or(false)
}

/// Says what went wrong in one step.
struct Fault {
    reply: String,
    /// The relay's own code, if it gave one.
    code: Option<u16>,
}

async fn within<T>(
    limit: Duration,
    step: impl Future<Output = Result<T, lettre::transport::smtp::Error>>,
) -> Result<T, Fault> {
    match timeout(limit, step).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => {
            let code = error.status().and_then(|code| code.to_string().parse().ok());
            let source = std::error::Error::source(&error).map(|why| format!(": {why}")).unwrap_or_default();
            let reply = if code.is_some() { error.to_string() } else { format!("{error}{source}") };
            Err(Fault { reply: reply.chars().take(REPLY_MAX).collect(), code })
        }
        Err(_) => Err(Fault { reply: "no answer in time".to_owned(), code: None }),
    }
}

impl Fault {
    fn while_doing(self, what: &str) -> Fault {
        Fault { reply: format!("{what}: {}", self.reply), ..self }
    }

    /// Whether the relay wants less from us. What it says with 4.7 to a recipient may be about that recipient alone.
    fn asks_for_a_pause(&self, names_recipient: bool) -> bool {
        let temporary = |code| (400..500).contains(&code);
        matches!(self.code, Some(421 | 454))
            || !names_recipient && self.code.is_some_and(temporary) && self.reply.contains(" 4.7.")
    }

    /// Judges a connection that did not come about: that is ours to mend, so the mail waits.
    fn not_open(self) -> Delivery {
        match self.asks_for_a_pause(false) {
            true => slower(self.reply),
            false => Delivery::Later { reply: self.reply },
        }
    }

    /// Judges a fault before the message was handed over: without a code the connection was lost; 4xx and
    /// faults of our own sign-in wait; any other 5xx is the relay's last word.
    fn before_data(self, names_recipient: bool) -> Broken {
        if self.asks_for_a_pause(names_recipient) {
            return Broken::Ended(slower(self.reply));
        }
        match self.code {
            None => Broken::Lost(self.reply),
            Some(530 | 534 | 535 | 538) => Broken::Ended(Delivery::Later { reply: self.reply }),
            Some(500..) => Broken::Ended(Delivery::Refused { reply: self.reply }),
            Some(_) => Broken::Ended(Delivery::Later { reply: self.reply }),
        }
    }

    /// Judges a fault after it: without a code nobody knows whether the relay has the mail.
    fn after_data(self) -> Delivery {
        if self.asks_for_a_pause(true) {
            return slower(self.reply);
        }
        match self.code {
            None => Delivery::Unknown { reply: format!("after the message: {}", self.reply) },
            Some(500..) => Delivery::Refused { reply: self.reply },
            Some(_) => Delivery::Later { reply: self.reply },
        }
    }
}

/// Says who a mail is from and for, and asks to hand it over.
async fn announce(connection: &mut AsyncSmtpConnection, parcel: &Parcel<'_>) -> Result<(), Broken> {
    let mut options = Vec::new();
    if !parcel.bytes.is_ascii() {
        if !connection.server_info().supports_feature(Extension::EightBitMime) {
            let reply = "the relay does not take 8-bit messages".to_owned();
            return Err(Broken::Ended(Delivery::Refused { reply }));
        }
        options.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    let from = Mail::new(Some(path(parcel.from)?), options);
    let to = Rcpt::new(path(parcel.to)?, Vec::new());
    within(COMMAND, connection.command(from)).await.map_err(|fault| fault.before_data(false))?;
    within(COMMAND, connection.command(to)).await.map_err(|fault| fault.before_data(true))?;
    within(COMMAND, connection.command(Data)).await.map_err(|fault| fault.before_data(true))?;
    Ok(())
}

fn path(address: &Address) -> Result<lettre::Address, Broken> {
    lettre::Address::new(address.local(), address.domain())
        .map_err(|why| Broken::Ended(Delivery::Refused { reply: format!("not an envelope address: {why}") }))
}

fn reply_of(response: &Response) -> String {
    let lines = response.message().collect::<Vec<_>>().join(" ");
    format!("{} {lines}", response.code()).chars().take(REPLY_MAX).collect()
}

fn later(reply: &str) -> Delivery {
    Delivery::Later { reply: reply.to_owned() }
}

/// Not now; until when, the relay's pause tells.
fn slower(reply: String) -> Delivery {
    Delivery::Slower { reply, until: Timestamp::default() }
}

/// Whether a host is this machine, by name or address.
fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
#[path = "smtp_tests.rs"]
mod tests;
