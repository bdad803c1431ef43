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
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::{ATTEMPT, Delivery, Parcel};
use crate::address::Address;

// RFC 5321's minutes are for bulk; a code is worthless by then.
const CONNECT: Duration = Duration::from_secs(3);
const GREETING: Duration = Duration::from_secs(8);
const COMMAND: Duration = Duration::from_secs(5);
const DATA_END: Duration = Duration::from_secs(15);

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
    /// None. Named insecure; never with a password.
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
    permits: Semaphore,
    parked: Mutex<Vec<Parked>>,
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
            if credentials.is_some() && !is_loopback(&settings.host) {
                bail!("a password is not sent to the relay without TLS");
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
            permits: Semaphore::new(settings.connections.max(1)),
            parked: Mutex::default(),
        })))
    }

    /// Connects, encrypts and signs in, as for a mail, and says goodbye; or tells what went wrong.
    pub async fn probe(&self) -> Result<(), String> {
        let mut connection = self.0.open().await?;
        let _ = within(COMMAND, connection.quit()).await;
        Ok(())
    }

    /// Where the relay is.
    pub fn relay(&self) -> String {
        format!("{}:{}", self.0.host, self.0.port)
    }

    pub(super) async fn deliver(&self, parcel: &Parcel<'_>) -> Delivery {
        timeout(parcel.patience.min(ATTEMPT), self.0.attempt(parcel))
            .await
            .unwrap_or_else(|_| later("the relay did not answer in time"))
    }
}

impl Relay {
    async fn attempt(&self, parcel: &Parcel<'_>) -> Delivery {
        let Ok(_permit) = self.permits.acquire().await else {
            return later("the relay is closed");
        };
        if let Some(mut parked) = self.take(parcel.now).await {
            match transact(&mut parked.connection, parcel).await {
                Ok(delivery) => return self.park(parked, parcel.now, delivery),
                Err(Broken::Ended(delivery)) => return delivery,
                // A relay may close an idle connection at any time; a fresh one decides.
                Err(Broken::Lost(_)) => {}
            }
        }
        let connection = match self.open().await {
            Ok(connection) => connection,
            Err(reply) => return later(&reply),
        };
        let mut fresh = Parked { connection, opened: parcel.now, used: parcel.now, mails: 0 };
        match transact(&mut fresh.connection, parcel).await {
            Ok(delivery) => self.park(fresh, parcel.now, delivery),
            Err(Broken::Ended(delivery)) => delivery,
            Err(Broken::Lost(reply)) => later(&reply),
        }
    }

    /// Connects, encrypts and signs in. Whatever goes wrong here is ours to mend, so the mail waits.
    async fn open(&self) -> Result<AsyncSmtpConnection, String> {
        let implicit = if self.security == Security::Implicit { self.tls.clone() } else { None };
        let server = (self.host.as_str(), self.port);
        let mut connection = within(
            GREETING,
            AsyncSmtpConnection::connect_tokio1(server, Some(CONNECT), &self.hello, implicit, None),
        )
        .await
        .map_err(|fault| format!("connecting: {}", fault.reply))?;
        if let (Security::StartTls, Some(tls)) = (self.security, &self.tls) {
            within(GREETING, connection.starttls(tls.clone(), &self.hello))
                .await
                .map_err(|fault| format!("STARTTLS: {}", fault.reply))?;
        }
        if let Some(credentials) = &self.credentials {
            within(COMMAND, connection.auth(DEFAULT_MECHANISMS, credentials))
                .await
                .map_err(|fault| format!("signing in: {}", fault.reply))?;
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

    fn park(&self, mut parked: Parked, now: Timestamp, delivery: Delivery) -> Delivery {
        parked.mails += 1;
        parked.used = now;
        self.parked.lock().unwrap_or_else(PoisonError::into_inner).push(parked);
        delivery
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
    /// Judges a fault before the message was handed over: without a code the connection was lost; 4xx and
    /// faults of our own sign-in wait; any other 5xx is the relay's last word.
    fn before_data(self) -> Broken {
        match self.code {
            None => Broken::Lost(self.reply),
            Some(530 | 534 | 535 | 538) => Broken::Ended(Delivery::Later { reply: self.reply }),
            Some(500..) => Broken::Ended(Delivery::Refused { reply: self.reply }),
            Some(_) => Broken::Ended(Delivery::Later { reply: self.reply }),
        }
    }

    fn after_data(self) -> Broken {
        match self.code {
            Some(500..) => Broken::Ended(Delivery::Refused { reply: self.reply }),
            _ => Broken::Ended(Delivery::Later { reply: self.reply }),
        }
    }
}

async fn transact(connection: &mut AsyncSmtpConnection, parcel: &Parcel<'_>) -> Result<Delivery, Broken> {
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
    within(COMMAND, connection.command(from)).await.map_err(Fault::before_data)?;
    within(COMMAND, connection.command(to)).await.map_err(Fault::before_data)?;
    within(COMMAND, connection.command(Data)).await.map_err(Fault::before_data)?;
    let response = within(DATA_END, connection.message(parcel.bytes)).await.map_err(Fault::after_data)?;
    Ok(Delivery::Accepted { reply: reply_of(&response) })
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

/// Whether a host is this machine, by name or address.
fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use rustls::ServerConfig;
    use rustls::crypto::aws_lc_rs;
    use rustls::pki_types::PrivateKeyDer;
    use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
    use tokio::net::TcpListener;
    use tokio::sync::mpsc;
    use tokio_rustls::TlsAcceptor;

    use super::super::Shown;
    use super::*;

    fn settings(port: u16, security: Security) -> SmtpSettings {
        SmtpSettings {
            host: "127.0.0.1".to_owned(),
            port,
            security,
            ca_file: None,
            user: None,
            password: None,
            hello_name: Some("postern.test".to_owned()),
            connections: 2,
        }
    }

    /// A relay that answers each command as told, and reports every line it hears.
    async fn relay(answer: fn(&str) -> Option<&'static str>) -> (u16, mpsc::UnboundedReceiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let (heard, hears) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = heard.send("(connected)".to_owned());
                tokio::spawn(converse(stream, answer, heard.clone()));
            }
        });
        (port, hears)
    }

    async fn converse(
        stream: impl AsyncRead + AsyncWrite + Unpin,
        answer: fn(&str) -> Option<&'static str>,
        heard: mpsc::UnboundedSender<String>,
    ) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 relay.test\r\n").await?;
        goes_on(stream, answer, heard).await
    }

    async fn goes_on(
        mut stream: BufReader<impl AsyncRead + AsyncWrite + Unpin>,
        answer: fn(&str) -> Option<&'static str>,
        heard: mpsc::UnboundedSender<String>,
    ) -> std::io::Result<()> {
        let (mut line, mut in_data) = (String::new(), false);
        while stream.read_line(&mut line).await? > 0 {
            let command = line.trim_end().to_owned();
            line.clear();
            let _ = heard.send(command.clone());
            if in_data && command != "." {
                continue;
            }
            in_data = command == "DATA";
            let usual = match command.split([' ', ':']).next() {
                Some("EHLO") => "250 relay.test",
                Some("DATA") => "354 go on",
                Some("QUIT") => "221 bye",
                _ => "250 Ok queued",
            };
            let Some(reply) = answer(&command).or(Some(usual)).filter(|reply| !reply.is_empty()) else {
                return Ok(());
            };
            stream.write_all(format!("{reply}\r\n").as_bytes()).await?;
        }
        Ok(())
    }

    /// A relay that speaks TLS by a certificate that it made itself, which is given as PEM.
    async fn relay_with_tls(security: Security) -> (u16, String, mpsc::UnboundedReceiver<String>) {
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).expect("a certificate");
        let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|config| {
                config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key)
            })
            .expect("a configuration");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let (heard, hears) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (acceptor, heard) = (acceptor.clone(), heard.clone());
                tokio::spawn(async move {
                    if security == Security::Implicit {
                        return converse(acceptor.accept(stream).await?, |_| None, heard).await;
                    }
                    stream.write_all(b"220 relay.test\r\n").await?;
                    let mut plain = BufReader::new(stream);
                    for reply in ["250-relay.test\r\n250 STARTTLS\r\n", "220 go on\r\n"] {
                        plain.read_line(&mut String::new()).await?;
                        plain.write_all(reply.as_bytes()).await?;
                    }
                    let stream = acceptor.accept(plain.into_inner()).await?;
                    goes_on(BufReader::new(stream), |_| None, heard).await
                });
            }
        });
        (port, made.cert.pem(), hears)
    }

    #[tokio::test]
    async fn no_mail_leaves_to_a_relay_whose_certificate_nobody_trusts() {
        let trusted = std::env::temp_dir().join(format!("postern-relay-{}.pem", std::process::id()));
        for security in [Security::StartTls, Security::Implicit] {
            let (port, pem, mut heard) = relay_with_tls(security).await;
            let another = relay_with_tls(security).await.1;
            for (pem, is_trusted) in [(None, false), (Some(&another), false), (Some(&pem), true)] {
                if let Some(pem) = pem {
                    std::fs::write(&trusted, pem).expect("a file");
                }
                let ca_file = pem.map(|_| trusted.clone());
                let smtp = Smtp::new(&SmtpSettings { ca_file, ..settings(port, security) }).expect("a relay");
                let delivery = send(&smtp).await;
                assert_eq!(matches!(delivery, Delivery::Accepted { .. }), is_trusted, "{delivery:?}");
                assert_eq!(matches!(delivery, Delivery::Later { .. }), !is_trusted, "{delivery:?}");
                let has_mail = lines(&mut heard).iter().any(|line| line.starts_with("MAIL"));
                assert_eq!(has_mail, is_trusted, "{security:?}");
            }
        }
        let _ = std::fs::remove_file(trusted);
    }

    async fn send(smtp: &Smtp) -> Delivery {
        let from = Address::parse("bounce@shop.test").expect("from");
        let to = Address::parse("alice@example.com").expect("to");
        let now = Timestamp::from_ms(0);
        let parcel = Parcel {
            id: "m-1",
            from: &from,
            to: &to,
            bytes: b"Subject: Hi\r\n\r\n.dot\r\n",
            shown: &Shown::default(),
            created: now,
            now,
            patience: Duration::from_secs(10),
        };
        smtp.deliver(&parcel).await
    }

    fn lines(heard: &mut mpsc::UnboundedReceiver<String>) -> Vec<String> {
        std::iter::from_fn(|| heard.try_recv().ok()).collect()
    }

    #[tokio::test]
    async fn a_mail_is_handed_over_and_the_connection_kept_warm() {
        let (port, mut heard) = relay(|_| None).await;
        let smtp = Smtp::new(&settings(port, Security::None)).expect("a relay");
        for _ in 0..2 {
            assert_eq!(send(&smtp).await, Delivery::Accepted { reply: "250 Ok queued".to_owned() });
        }
        let lines = lines(&mut heard);
        assert_eq!(lines.iter().filter(|line| *line == "(connected)").count(), 1);
        assert_eq!(lines.iter().filter(|line| *line == "MAIL FROM:<bounce@shop.test>").count(), 2);
        assert!(
            lines.contains(&"RCPT TO:<alice@example.com>".to_owned()) && lines.contains(&"..dot".to_owned())
        );
    }

    #[tokio::test]
    async fn the_relays_words_decide_between_later_and_never() {
        let unknown: fn(&str) -> Option<&'static str> =
            |line| line.starts_with("RCPT").then_some("550 5.1.1 no such user");
        let busy: fn(&str) -> Option<&'static str> =
            |line| line.starts_with("MAIL").then_some("451 4.3.0 later");
        let sign_in: fn(&str) -> Option<&'static str> =
            |line| line.starts_with("MAIL").then_some("530 Authentication required");
        let spam: fn(&str) -> Option<&'static str> = |line| (line == ".").then_some("554 5.7.1 not this");
        for (answer, refused) in [(unknown, true), (busy, false), (sign_in, false), (spam, true)] {
            let (port, _heard) = relay(answer).await;
            let smtp = Smtp::new(&settings(port, Security::None)).expect("a relay");
            let delivery = send(&smtp).await;
            assert_eq!(matches!(delivery, Delivery::Refused { .. }), refused, "{delivery:?}");
            assert_eq!(matches!(delivery, Delivery::Later { .. }), !refused, "{delivery:?}");
        }
    }

    #[tokio::test]
    async fn a_connection_closed_meanwhile_is_replaced() {
        // Ends each connection at its second MAIL by saying nothing more.
        let (port, mut heard) = relay(|line| (line == "RSET").then_some("")).await;
        let smtp = Smtp::new(&settings(port, Security::None)).expect("a relay");
        assert!(matches!(send(&smtp).await, Delivery::Accepted { .. }));
        {
            let mut parked = smtp.0.parked.lock().expect("parked").pop().expect("a connection");
            let _ = parked.connection.command("RSET\r\n").await;
            smtp.0.parked.lock().expect("parked").push(parked);
        }
        assert!(matches!(send(&smtp).await, Delivery::Accepted { .. }));
        assert_eq!(lines(&mut heard).iter().filter(|line| *line == "(connected)").count(), 2);
    }

    #[tokio::test]
    async fn no_mail_leaves_without_the_tls_that_was_asked_for() {
        let (port, mut heard) = relay(|_| None).await;
        let smtp = Smtp::new(&settings(port, Security::StartTls)).expect("a relay");
        assert!(matches!(send(&smtp).await, Delivery::Later { .. }));
        assert!(!lines(&mut heard).iter().any(|line| line.starts_with("MAIL")));

        let with_starttls: fn(&str) -> Option<&'static str> = |line| match line {
            _ if line.starts_with("EHLO") => Some("250-relay.test\r\n250 STARTTLS"),
            "STARTTLS" => Some("220 go on"),
            _ => None,
        };
        let (port, mut heard) = relay(with_starttls).await;
        let smtp = Smtp::new(&settings(port, Security::StartTls)).expect("a relay");
        assert!(matches!(send(&smtp).await, Delivery::Later { .. }));
        assert!(!lines(&mut heard).iter().any(|line| line.starts_with("MAIL")));
    }

    #[test]
    fn a_password_needs_tls_or_this_very_machine() {
        let with_password = |host: &str, security| {
            let user = (Some("u".to_owned()), Some("p".to_owned()));
            let settings = SmtpSettings {
                host: host.to_owned(),
                user: user.0,
                password: user.1,
                ..settings(25, security)
            };
            Smtp::new(&settings).is_ok()
        };
        assert!(!with_password("relay.example", Security::None));
        assert!(with_password("127.0.0.1", Security::None));
        assert!(with_password("relay.example", Security::StartTls));
        assert!(
            !format!("{:?}", SmtpSettings { password: Some("hush".into()), ..settings(25, Security::None) })
                .contains("hush")
        );
    }
}
