//! `doctor`: looks at everything that a production server stands on, and says what to do about what is wrong.

use super::port::{self, Wanted};
use super::remote::{Output, print, text};
use crate::app::look_at_master_key;
use crate::settings::{ConsoleDoor, Settings};
use crate::witness::Witness;
use anyhow::{Context as _, Result, bail};
use postern_mail::dns::{Dns, Found, RecordKind};
use postern_mail::identity::{Hosts, Identity, Kind, Look};
use postern_mail::look;
use postern_mail::transport::web::{Get, HeaderMap, Reply, Unreached, Url, Web};
use postern_mail::transport::{Network, Transport};
use postern_pools::pool;
use postern_store::{Clock, Place, Store, Timestamp};
use serde_json::{Value, json};
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

const PATIENCE: Duration = Duration::from_secs(10);
const BYTES_MAX: usize = 1 << 20;
/// How far a clock may be off before tokens are refused elsewhere.
const CLOCK_OFF_MAX_MS: i64 = 60_000;
/// A certificate that ends sooner should have been renewed.
const CERTIFICATE_LEFT_MS: i64 = 14 * 24 * 3_600_000;
/// Identities that are looked at.
const IDENTITIES_MAX: i64 = 1000;

/// What was found of one thing.
struct Finding {
    what: &'static str,
    state: State,
    said: String,
    /// What to do, where something is wrong.
    fix: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Good,
    Bad,
    /// It cannot be seen now.
    Unseen,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            State::Good => "good",
            State::Bad => "bad",
            State::Unseen => "not seen",
        }
    }
}

/// The findings, as they come.
#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, what: &'static str, state: State, said: impl Into<String>, fix: impl Into<String>) {
        self.0.push(Finding { what, state, said: said.into(), fix: fix.into() });
    }

    fn good(&mut self, what: &'static str, said: impl Into<String>) {
        self.add(what, State::Good, said, "");
    }

    fn bad(&mut self, what: &'static str, said: impl Into<String>, fix: impl Into<String>) {
        self.add(what, State::Bad, said, fix);
    }
}

/// Looks at everything and prints what it found; fails if anything is bad.
pub(super) async fn run(settings: Settings, output: Output) -> Result<()> {
    let mut findings = Findings::default();
    findings.good("configuration", "it can be read, and names nothing unknown");
    let clock = Clock::system();
    let now = clock.now();
    permissions(&mut findings, &settings);
    let store = database(&mut findings, &settings).await;
    if let Some(store) = &store {
        clock_and_records(&mut findings, store, now).await?;
        audit(&mut findings, &settings, store).await?;
    }
    let anywhere = ["0.0.0.0/0", "::/0"].into_iter().map(Network::parse).collect::<Result<Vec<_>>>()?;
    let web = Web::open(anywhere);
    let is_running = ports(&mut findings, &settings, &web).await;
    addresses(&mut findings, &settings);
    reach(&mut findings, &settings, &web, store.as_ref(), is_running, now).await?;
    relay(&mut findings, &settings).await;
    if let Some(store) = &store {
        sender(&mut findings, &settings, store).await?;
    }
    let shown: Vec<Value> = findings.0.iter().map(shown).collect();
    print(output, &shown.into(), line);
    match findings.0.iter().filter(|finding| finding.state == State::Bad).count() {
        0 => Ok(()),
        1 => bail!("one thing is to be put right"),
        several => bail!("{several} things are to be put right"),
    }
}

fn shown(finding: &Finding) -> Value {
    let Finding { what, state, said, fix } = finding;
    let mut shown = json!({ "What": what, "State": state.word(), "Said": said });
    if !fix.is_empty() {
        shown["Fix"] = fix.as_str().into();
    }
    shown
}

fn line(finding: &Value) -> String {
    let (what, state) = (text(finding, "What"), text(finding, "State"));
    let fix = match text(finding, "Fix") {
        "" => String::new(),
        fix => format!("\n{:27}{fix}", ""),
    };
    format!("{state:9} {what:16} {}{fix}", text(finding, "Said"))
}

/// Whether anybody but the owner can read what must stay secret.
fn permissions(findings: &mut Findings, settings: &Settings) {
    let what = "permissions";
    let Place::File(database) = &settings.place else { return };
    let folder = database.parent().unwrap_or(Path::new("."));
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let open: Vec<String> = [folder.to_owned()]
        .into_iter()
        .chain(files)
        .filter(|path| open_to_others(path))
        .map(|path| path.display().to_string())
        .collect();
    match open.as_slice() {
        [] => findings.good(what, format!("only their owner reads the files in {}", folder.display())),
        // What lies in a closed folder cannot be reached, whatever its own mode.
        open if !open.contains(&folder.display().to_string())
            && !open.iter().any(|path| path.ends_with(".key")) =>
        {
            findings.good(what, format!("only its owner enters {}", folder.display()));
        }
        open => findings.bad(
            what,
            format!("other users of this machine can read {}", open.join(", ")),
            format!("run: chmod -R go= {}", folder.display()),
        ),
    }
}

#[cfg(unix)]
fn open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn open_to_others(_: &Path) -> bool {
    false
}

/// Looks into the database with the master key, and changes nothing there.
async fn database(findings: &mut Findings, settings: &Settings) -> Option<Store> {
    match opened(settings).await {
        Ok(Some(store)) => {
            findings.good("database", "it answers, and the master key is the right one");
            Some(store)
        }
        Ok(None) => {
            let said =
                "it is of an older version than this program, which brings it to its own at its next start";
            findings.add(
                "database",
                State::Unseen,
                said,
                "make a backup, start the server, and run this again",
            );
            None
        }
        Err(cause) => {
            let fix = match &settings.place {
                Place::Postgres { .. } => "check database in the configuration, and that PostgreSQL runs",
                Place::File(_) | Place::Memory => {
                    "put back the data folder or the master key, or run: postern init"
                }
            };
            findings.bad("database", format!("{cause:#}"), fix);
            None
        }
    }
}

/// None of a database that is of an older version.
async fn opened(settings: &Settings) -> Result<Option<Store>> {
    let begun = match &settings.place {
        Place::File(path) => path.exists(),
        Place::Memory | Place::Postgres { .. } => true,
    };
    let keys = settings.master_key.find()?;
    let keys = keys.filter(|_| begun).context("there is no data yet; \"postern init\" makes it")?;
    let store = Store::look(&settings.place, keys)?;
    if let Some(store) = &store {
        look_at_master_key(store).await?;
    }
    Ok(store)
}

/// Whether the clock was set back behind what is written down already.
async fn clock_and_records(findings: &mut Findings, store: &Store, now: Timestamp) -> Result<()> {
    let newest = store.read(|tx| tx.newest_audit(1)).await?;
    match newest.first().map(|record| record.time.since(now)) {
        Some(ahead_ms) if ahead_ms > CLOCK_OFF_MAX_MS => findings.bad(
            "clock",
            format!("it stands {} s before the newest record of the audit", ahead_ms / 1000),
            "set the clock, and keep it by NTP: tokens and codes live by it",
        ),
        _ => findings.good("clock", "it does not stand before anything that was written down"),
    }
    Ok(())
}

/// Whether the audit is as it was written.
async fn audit(findings: &mut Findings, settings: &Settings, store: &Store) -> Result<()> {
    let chain = store.verify_audit().await?;
    let missing = match Witness::beside(&settings.place) {
        Some(witness) => witness.missing(store).await?,
        None => None,
    };
    match chain.broken.or(missing) {
        Some(link) => findings.bad(
            "audit",
            format!("link {link} of its chain was changed, or is gone"),
            "believe what was written before it, and compare the rest with a backup",
        ),
        None => findings.good("audit", format!("all {} links of its chain hold", chain.links)),
    }
    Ok(())
}

/// Whether the addresses to listen on are free, or this server's already.
async fn ports(findings: &mut Findings, settings: &Settings, web: &Web) -> bool {
    let console: &[SocketAddr] = match &settings.console {
        ConsoleDoor::Own { listen, .. } => listen,
        ConsoleDoor::Closed | ConsoleDoor::Shared => &[],
    };
    let mut is_running = false;
    for (number, address) in settings.listen.iter().chain(console).enumerate() {
        let wanted = if number < settings.listen.len() { Wanted::Production } else { Wanted::Console };
        match TcpListener::bind(address) {
            Ok(_) => findings.good("port", format!("{address} is free")),
            Err(fault) if fault.kind() == std::io::ErrorKind::AddrInUse => {
                if is_postern(web, address).await {
                    is_running |= number == 0;
                    findings.good("port", format!("{address} is taken by a running postern"));
                } else {
                    findings.bad(
                        "port",
                        port::taken(address.port(), wanted),
                        "or start this server by another address",
                    );
                }
            }
            Err(fault) => findings.bad(
                "port",
                format!("{address}: {fault}"),
                "listen on an address of this machine; ports below 1024 need the right to bind them",
            ),
        }
    }
    is_running
}

/// Whether browsers can keep what the addresses give them.
fn addresses(findings: &mut Findings, settings: &Settings) {
    let what = "public address";
    let Some(public_url) = &settings.public_url else { return };
    let is_https = public_url.starts_with("https://");
    let host = public_url.split_once("://").map_or("", |(_, rest)| rest);
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    if !is_https && host != "localhost" {
        findings.bad(
            what,
            format!(
                "{public_url} is not https: passkeys do not work there, and anybody on the way reads along"
            ),
            "put a proxy with a certificate before the server, and write its https address as public_url",
        );
    } else if host.parse::<IpAddr>().is_ok() {
        findings.bad(
            what,
            format!("{public_url} names no host but a number: passkeys do not work there"),
            "write a name as public_url",
        );
    } else {
        findings.good(what, format!("{public_url} suits cookies and passkeys"));
    }
    let behind_proxy = is_https;
    if behind_proxy && settings.trusted_proxies.is_empty() {
        findings.bad(
            "proxy",
            "nobody is trusted to say who calls, so everybody counts as one: the proxy",
            "write the proxy's address in [http] trusted_proxies",
        );
    } else if behind_proxy {
        findings.good("proxy", "who calls is believed of the proxies that are named");
    }
}

/// Calls the server by its public address, as an app does.
async fn reach(
    findings: &mut Findings,
    settings: &Settings,
    web: &Web,
    store: Option<&Store>,
    is_running: bool,
    now: Timestamp,
) -> Result<()> {
    let Some(public_url) = &settings.public_url else { return Ok(()) };
    let url = Url::parse(&format!("{public_url}/healthz"))?;
    if url.is_tls() {
        certificate(findings, web, &url, now).await;
    }
    if !is_running {
        let said = "the server does not run, so nothing was asked by its public address";
        findings.add("reach", State::Unseen, said, "start it, and run this again");
        return Ok(());
    }
    match get(web, &url).await {
        Ok(reply) if reply.status == 200 && is_health(&reply) => {
            findings.good("reach", format!("{public_url} leads to a postern"));
        }
        Ok(reply) => findings.bad(
            "reach",
            format!("{url} was answered {} by something else", reply.status),
            "let the proxy pass every path on to the server as it is",
        ),
        Err(unreached) => {
            let fix = "check the name's DNS record, the firewall and the proxy";
            findings.bad("reach", format!("{url}: {}", unreached.words()), fix);
            return Ok(());
        }
    }
    let Some(store) = store else { return Ok(()) };
    if let Some(pool) = store.read(|tx| tx.list_pools("", 1)).await?.first() {
        issuer(findings, settings, public_url, web, &pool.id).await?;
    }
    Ok(())
}

/// Whether a pool's tokens name an issuer that libraries find again.
async fn issuer(
    findings: &mut Findings,
    settings: &Settings,
    public_url: &str,
    web: &Web,
    pool_id: &str,
) -> Result<()> {
    let place = pool::Place {
        region: settings.region.clone(),
        account: String::new(),
        public_url: public_url.to_owned(),
        issuer: settings.issuer.clone(),
        prefix_url: settings.prefix_url.clone(),
    };
    let wanted = place.issuer_of(pool_id);
    let url = Url::parse(&format!("{wanted}/.well-known/openid-configuration"))?;
    let said = match get(web, &url).await {
        Ok(reply) => {
            let document: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
            match document["issuer"].as_str() {
                Some(named) if named == wanted => {
                    findings.good("issuer", format!("{wanted} describes itself"));
                    return Ok(());
                }
                Some(named) => format!("{url} names another issuer: {named}"),
                None => format!("{url} was answered {}, and is no discovery document", reply.status),
            }
        }
        Err(unreached) => format!("{url}: {}", unreached.words()),
    };
    findings.bad(
        "issuer",
        said,
        "write an issuer that leads to this server, or leave it out of the configuration",
    );
    Ok(())
}

/// Whether the public address proves itself, and for how long.
async fn certificate(findings: &mut Findings, web: &Web, url: &Url, now: Timestamp) {
    let what = "certificate";
    let der = match web.certificate(url, PATIENCE).await {
        Ok(der) => der,
        Err(Unreached::NotProven) => {
            let fix = "let the proxy show a certificate of a public authority with the whole chain";
            return findings.bad(what, format!("that of {} is not trusted", url.authority()), fix);
        }
        Err(unreached) => {
            let said = format!("{}: {}", url.authority(), unreached.words());
            return findings.bad(what, said, "check the name's DNS record, the firewall and the proxy");
        }
    };
    let Ok(certificate) = Certificate::from_der(&der) else {
        return findings.bad(what, "it cannot be read", "renew it");
    };
    let ends = certificate.tbs_certificate.validity.not_after.to_unix_duration().as_millis() as i64;
    let left_ms = Timestamp::from_ms(ends).since(now);
    let days = left_ms / (24 * 3_600_000);
    match left_ms < CERTIFICATE_LEFT_MS {
        true => findings.bad(what, format!("that of {} ends in {days} days", url.authority()), "renew it"),
        false => findings.good(what, format!("that of {} is trusted for {days} more days", url.authority())),
    }
}

/// Whether a running server answers at an address of this machine.
async fn is_postern(web: &Web, address: &SocketAddr) -> bool {
    let Ok(url) = Url::parse(&format!("http://{address}/healthz")) else { return false };
    get(web, &url).await.is_ok_and(|reply| is_health(&reply))
}

fn is_health(reply: &Reply) -> bool {
    serde_json::from_slice::<Value>(&reply.body).is_ok_and(|said| said["status"] == "up")
}

async fn get(web: &Web, url: &Url) -> Result<Reply, Unreached> {
    web.get(Get { url, headers: HeaderMap::new(), within: PATIENCE, bytes_max: BYTES_MAX }).await
}

/// Whether the mail relay takes us.
async fn relay(findings: &mut Findings, settings: &Settings) {
    let Transport::Smtp(smtp) = &settings.transport else {
        return findings.good("mail relay", "none: mails are written to a file");
    };
    let relay = smtp.relay();
    match smtp.probe().await {
        Ok(()) => findings.good("mail relay", format!("{relay} lets this server in")),
        Err(said) => {
            let fix = "check [mail.smtp]: host, port, security, user and password, and that port 587 or 465 is not blocked";
            findings.bad("mail relay", format!("{relay}: {said}"), fix);
        }
    }
}

/// Whether receivers can see that senders' domains let us send.
async fn sender(findings: &mut Findings, settings: &Settings, store: &Store) -> Result<()> {
    let dns = Dns::with_system_resolver(store.clone())?;
    let domain = settings.default_sender.address.domain();
    for (name, begins, why) in
        [(domain.to_owned(), "v=spf1", "SPF"), (format!("_dmarc.{domain}"), "v=DMARC1", "DMARC")]
    {
        let said = match dns.look_up(&name, RecordKind::Txt).await? {
            Found::Values(values) if values.iter().any(|value| value.starts_with(begins)) => {
                findings.good("sender", format!("{name} has an {why} record"));
                continue;
            }
            Found::Fault => {
                findings.add("sender", State::Unseen, format!("{name}: the name servers do not answer"), "");
                continue;
            }
            Found::Values(_) | Found::NoData | Found::NoName => format!("{name} has no {why} record"),
        };
        findings.bad("sender", said, format!("publish a TXT record at {name} that begins with {begins}"));
    }
    let hosts = settings.ses.hosts.clone().unwrap_or_else(|| Hosts::like_aws(&settings.region));
    for row in store.read(|tx| tx.list_identities("", IDENTITIES_MAX)).await? {
        let identity = Identity::try_from(row)?;
        if identity.kind != Kind::Domain {
            continue;
        }
        for record in identity.all_records(&hosts) {
            let of = format!("{} {} ({})", record.kind, record.name, record.purpose);
            match look(&dns, &record).await? {
                Look::Found => findings.good("sender", format!("{of} stands")),
                Look::Unknown(_) => {
                    findings.add(
                        "sender",
                        State::Unseen,
                        format!("{of}: the name servers do not answer"),
                        "",
                    );
                }
                Look::Missing(_) if record.purpose.contains("suggested") => {}
                Look::Missing(why) => {
                    let fix = format!("publish: {} {} {}", record.name, record.kind, record.value);
                    findings.bad("sender", format!("{of}: {why}"), fix);
                }
            }
        }
    }
    Ok(())
}
