//! What a server runs by. Modes are sets of these values: development is what runs without a configuration file,
//! production is what a file says.

use crate::config::{self, Config, Pkce, UserInfoFlags};
use crate::local_tls::LocalTls;
use crate::master_key::{FILE_NAME, MasterKey};
use crate::rate::Pace;
use anyhow::{Context as _, Result, bail, ensure};
use postern_mail::address::{Address, Mailbox, domain_of};
use postern_mail::identity::Hosts;
use postern_mail::notices::Topic;
use postern_mail::price::Prices;
use postern_mail::transport::functions;
use postern_mail::transport::web::Url;
use postern_mail::transport::{FileSink, Network, Security, Smtp, SmtpSettings, Transport};
use postern_model::Secret;
use postern_pools::auth::known_passwords::KnownPasswords;
use postern_pools::keys::KeySource;
use postern_pools::{PasskeyOffer, Rules, TextRules};
use postern_store::Place;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

mod texts;

pub use texts::Way;

pub const DEFAULT_PORT: u16 = 9320;

/// The account of development mode, as documents of the real service write it.
const DEVELOPMENT_ACCOUNT: &str = "123456789012";
/// A key for custom senders, 32 times the letter t, that everybody knows.
const DEVELOPMENT_CODE_KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/test";
/// The name of the database in the data folder.
const DATABASE_FILE: &str = "postern.db";

/// Everything that an operator decides.
#[derive(Clone)]
pub struct Settings {
    /// All are bound; those after the first may fail, as where there is no IPv6.
    pub listen: Vec<SocketAddr>,
    /// Without a final slash. Nothing: `localhost` and the port that was bound.
    pub public_url: Option<String>,
    /// The server ends TLS itself.
    pub tls: Option<Arc<LocalTls>>,
    pub place: Place,
    pub master_key: MasterKey,
    pub region: String,
    /// Nothing: drawn at the first start.
    pub account: Option<String>,
    pub issuer: String,
    /// Where the pages of prefix domains are, with `{domain}`.
    pub prefix_url: Option<String>,
    pub transport: Transport,
    pub carrier: Way,
    /// Texts go only to numbers that were verified in the SMS sandbox.
    pub text_sandbox: bool,
    /// What texts cost, and what may be spent on them in a month, in millionths of a dollar.
    pub text_prices: (Prices, i64),
    pub default_sender: Mailbox,
    pub bounces: Option<Address>,
    pub ses: Ses,
    /// Topics of SNS whose notices of bounces and complaints are believed.
    pub notice_topics: Vec<Topic>,
    pub rules: Rules,
    /// Where pools' signing keys come from.
    pub key_source: KeySource,
    /// Where functions are.
    pub functions: functions::Settings,
    /// Networks that may be called though they are not public.
    pub reachable: Vec<Network>,
    /// Unsigned calls from one source.
    pub pace: Option<Pace>,
    pub trusted_proxies: Vec<Network>,
    pub connections: usize,
    pub connections_per_source: usize,
    /// How long clients may keep us waiting.
    pub patience: Duration,
    pub request_timeout: Duration,
    pub console: ConsoleDoor,
    pub development: Development,
}

/// Where administrators find the console.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ConsoleDoor {
    #[default]
    Closed,
    /// At `/console`, beside everything else.
    Shared,
    /// At addresses of its own, where nothing else is answered.
    Own { listen: Vec<SocketAddr>, url: String },
}

/// What only a server on a developer's machine does; in production all of it is absent.
#[derive(Clone, Default)]
pub struct Development {
    /// An administrator whose key everybody knows.
    pub administrator: Option<KnownKey>,
    /// The console takes whoever reaches it for that administrator.
    pub open_console: bool,
    /// Caught mail can be read and is printed.
    pub inbox: bool,
    /// A pool, a client and users to try.
    pub demo: bool,
}

#[derive(Clone)]
pub struct KnownKey {
    pub name: String,
    pub key_id: String,
    pub secret: String,
}

/// The mail service's part.
#[derive(Clone)]
pub struct Ses {
    pub exact_identity: bool,
    pub limits: bool,
    pub default_sender_daily: i64,
    pub report_domains: Vec<String>,
    pub bounced_days: i64,
    pub quota: i64,
    pub rate: i64,
    pub production: bool,
    pub auto_approve: bool,
    pub hosts: Option<Hosts>,
    /// Ask the system's resolver about records.
    pub asks_dns: bool,
}

/// What the command line says about development mode.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    pub host: Option<IpAddr>,
    pub port: Option<u16>,
    pub data: Option<PathBuf>,
    pub ephemeral: bool,
    pub ses_sandbox: bool,
    pub strict_limits: bool,
    /// The address of an Invoke API on this machine.
    pub functions: Option<Url>,
    /// The folder of log groups.
    pub log_groups: Option<PathBuf>,
}

/// Where a developer's server keeps log groups, in its data folder.
const LOG_GROUPS: &str = "log-groups";

impl Settings {
    /// Development mode: this machine only, everything caught, everything known.
    pub fn development(flags: &Flags) -> Result<Settings> {
        let port = flags.port.unwrap_or(DEFAULT_PORT);
        let listen = match flags.host {
            None => vec![(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()],
            Some(host) if host.to_canonical().is_loopback() => vec![(host, port).into()],
            Some(host) => bail!(
                "development mode listens on this machine only, because its administrator key is known to \
                 everybody and its mails can be read by anyone who reaches {host}.\n\
                 For other machines write a configuration (postern.example.toml shows one) and run:\n\n  \
                 postern serve --config postern.toml"
            ),
        };
        let data = flags.data.clone().unwrap_or_else(|| PathBuf::from("data"));
        let (place, master_key) =
            if flags.ephemeral { (Place::Memory, MasterKey::Fresh) } else { in_folder(&data) };
        let limits = config::Limits::default();
        let sms = config::Sms { countries: vec!["+".to_owned()], ..config::Sms::default() };
        let (oauth, passkeys) = (config::Oauth::default(), config::Passkeys::default());
        let mut rules = rules(&limits, &sms, &oauth, passkeys);
        if !flags.strict_limits {
            rules = Rules { address_limits: false, ..without_counts(rules) };
        }
        let beside = (!flags.ephemeral).then(|| data.join(LOG_GROUPS));
        rules.log_groups = flags.log_groups.clone().or(beside);
        let (ses, http) = (config::Ses::default(), config::Http::default());
        Ok(Settings {
            listen,
            public_url: None,
            tls: None,
            place,
            master_key,
            region: "us-east-1".to_owned(),
            account: Some(DEVELOPMENT_ACCOUNT.to_owned()),
            issuer: "{public_url}/{pool}".to_owned(),
            prefix_url: None,
            transport: Transport::Inbox,
            carrier: Way::Inbox,
            text_sandbox: false,
            text_prices: texts::prices(&sms)?,
            default_sender: mailbox("Postern <no-reply@verificationemail.com>")?,
            bounces: None,
            ses: Ses {
                exact_identity: false,
                limits: flags.strict_limits || flags.ses_sandbox,
                default_sender_daily: ses.default_sender_daily,
                report_domains: Vec::new(),
                bounced_days: ses.bounced_days,
                quota: ses.quota,
                rate: ses.rate,
                production: !flags.ses_sandbox,
                auto_approve: true,
                hosts: None,
                asks_dns: false,
            },
            notice_topics: Vec::new(),
            rules,
            key_source: KeySource::fresh(),
            functions: functions::Settings {
                invoke: flags.functions.clone(),
                code_keys: [(DEVELOPMENT_CODE_KEY.to_owned(), functions::CodeKey([b't'; 32]))].into(),
                ..functions::Settings::default()
            },
            reachable: vec![Network::parse("127.0.0.0/8")?, Network::parse("::1")?],
            pace: flags.strict_limits.then(|| pace(&limits)).flatten(),
            trusted_proxies: Vec::new(),
            connections: http.connections,
            connections_per_source: http.connections,
            patience: Duration::from_secs(http.patience_s),
            request_timeout: Duration::from_secs(http.request_timeout_s),
            console: ConsoleDoor::Shared,
            development: Development {
                administrator: Some(KnownKey {
                    name: "test".to_owned(),
                    key_id: "test".to_owned(),
                    secret: "test".to_owned(),
                }),
                open_console: true,
                inbox: true,
                demo: true,
            },
        })
    }

    /// What a configuration file says, with the environment's master key over it.
    pub fn production(config: Config, master_key: Option<String>) -> Result<Settings> {
        let Config { data, database, master_key_file, .. } = config;
        let (place, key_beside) = match (&database, &data) {
            (Some(database), data) => {
                let place =
                    Place::Postgres { url: database.0.clone(), connections: config.database_connections };
                (place, data.as_ref().map(|data| MasterKey::File(data.join(FILE_NAME))))
            }
            (None, Some(data)) => {
                let (place, key) = in_folder(data);
                (place, Some(key))
            }
            (None, None) => bail!("either data or database must be set"),
        };
        let master_key = match (master_key, master_key_file) {
            (Some(text), _) => MasterKey::Text(text),
            (None, Some(path)) => MasterKey::File(path),
            (None, None) => key_beside.with_context(|| {
                format!("master_key_file, data or {} must be set", config::ENV_MASTER_KEY)
            })?,
        };
        let listen = config
            .listen
            .iter()
            .map(|text| text.parse().with_context(|| format!("listen: {text} is not an address and port")));
        let reachable =
            config.outgoing.allow.iter().map(|text| Network::parse(text).context("outgoing.allow"));
        let topics =
            config.ses.notice_topics.iter().map(|arn| Topic::parse(arn).context("ses.notice_topics"));
        let proxies = config.http.trusted_proxies.iter().map(|text| Network::parse(text));
        let bounces = config.mail.bounces.as_deref().map(|text| {
            Address::parse(text).map_err(|fault| anyhow::anyhow!("mail.bounces: {}", fault.words()))
        });
        let report_domains = config.ses.report_domains.iter().map(|domain| {
            domain_of(domain)
                .map_err(|fault| anyhow::anyhow!("ses.report_domains: {domain}: {}", fault.words()))
        });
        ensure!(config.ses.bounced_days >= 0, "ses.bounced_days must not be below 0");
        let hosts = config.ses.hosts.clone().map(|hosts| Hosts {
            dkim_zone: hosts.dkim_zone,
            feedback: hosts.feedback,
            spf: hosts.spf,
        });
        if let Some(account) = &config.account {
            ensure!(
                account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()),
                "account must be twelve digits"
            );
        }
        Ok(Settings {
            listen: listen.collect::<Result<_>>()?,
            console: console(config.console)?,
            public_url: Some(web_url("public_url", &config.public_url)?),
            tls: None,
            place,
            master_key,
            region: config.region,
            account: config.account,
            issuer: config.issuer,
            prefix_url: config.domains.prefix_url.as_deref().map(prefix_url).transpose()?,
            default_sender: mailbox(&config.mail.from)?,
            bounces: bounces.transpose()?,
            transport: transport(config.mail)?,
            carrier: texts::carrier(&config.sms)?,
            text_sandbox: config.sms.sandbox,
            text_prices: texts::prices(&config.sms)?,
            ses: Ses {
                exact_identity: config.ses.exact_identity,
                limits: true,
                default_sender_daily: config.ses.default_sender_daily,
                report_domains: report_domains.collect::<Result<_>>()?,
                bounced_days: config.ses.bounced_days,
                quota: config.ses.quota,
                rate: config.ses.rate,
                production: false,
                auto_approve: config.ses.auto_approve,
                hosts,
                asks_dns: true,
            },
            notice_topics: topics.collect::<Result<_>>()?,
            rules: Rules {
                addresses_wait: config.users.address_change == config::AddressChange::Verified,
                rotate_keys_days: i64::from(config.tokens.rotate_keys_days),
                known_passwords: known_passwords(&config.passwords)?,
                log_groups: config.log_groups,
                ..rules(&config.limits, &config.sms, &config.oauth, config.passkeys)
            },
            key_source: KeySource::fresh(),
            functions: functions(config.functions)?,
            reachable: reachable.collect::<Result<_>>()?,
            pace: pace(&config.limits),
            trusted_proxies: proxies.collect::<Result<_>>()?,
            connections: config.http.connections,
            connections_per_source: config.http.connections_per_source,
            patience: Duration::from_secs(config.http.patience_s),
            request_timeout: Duration::from_secs(config.http.request_timeout_s),
            development: Development::default(),
        })
    }
}

fn console(asked: Option<config::Console>) -> Result<ConsoleDoor> {
    let Some(console) = asked else { return Ok(ConsoleDoor::Closed) };
    ensure!(!console.listen.is_empty(), "console.listen must name an address");
    let listen = console.listen.iter().map(|text| {
        text.parse().with_context(|| format!("console.listen: {text} is not an address and port"))
    });
    Ok(ConsoleDoor::Own {
        listen: listen.collect::<Result<_>>()?,
        url: web_url("console.url", &console.url)?,
    })
}

fn in_folder(data: &Path) -> (Place, MasterKey) {
    let database = data.join(DATABASE_FILE);
    let key = MasterKey::FileOrFresh { path: data.join(FILE_NAME), database: database.clone() };
    (Place::File(database), key)
}

fn mailbox(text: &str) -> Result<Mailbox> {
    Mailbox::parse(text).map_err(|fault| anyhow::anyhow!("mail.from: {}", fault.words()))
}

/// Checks that it is `http(s)://host[:port]` and no more.
fn web_url(name: &str, text: &str) -> Result<String> {
    let url = text.strip_suffix('/').unwrap_or(text);
    let uri: axum::http::Uri = url.parse().with_context(|| format!("{name}: {text} is not a URL"))?;
    let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
    ensure!(
        is_web && uri.path() == "/" && uri.query().is_none(),
        "{name} must look like https://login.example.com, not {text}"
    );
    Ok(url.to_owned())
}

/// Checks that a prefix stands at the beginning of a host name, and that the rest is `http(s)://host[:port]`.
fn prefix_url(text: &str) -> Result<String> {
    let is_prefix = text.split_once("://").is_some_and(|(_, rest)| rest.starts_with("{domain}."));
    ensure!(
        is_prefix && text.matches('{').count() == 1,
        "domains.prefix_url must look like https://{{domain}}.auth.example.com, not {text}"
    );
    web_url("domains.prefix_url", &text.replace("{domain}", "domain"))?;
    Ok(text.strip_suffix('/').unwrap_or(text).to_owned())
}

fn transport(mail: config::Mail) -> Result<Transport> {
    match (mail.smtp, mail.file) {
        (None, Some(path)) => Ok(Transport::File(FileSink::new(path))),
        (Some(smtp), None) => {
            let security = match smtp.security {
                config::Security::Starttls => Security::StartTls,
                config::Security::Implicit => Security::Implicit,
                config::Security::None => Security::None,
            };
            let usual_port = if security == Security::Implicit { 465 } else { 587 };
            let relay = Smtp::new(&SmtpSettings {
                host: smtp.host,
                port: smtp.port.unwrap_or(usual_port),
                security,
                ca_file: smtp.ca_file,
                user: smtp.user,
                password: smtp.password.map(|password| password.0),
                hello_name: smtp.hello_name,
                connections: smtp.connections,
            });
            relay.map(Transport::Smtp).context("mail.smtp")
        }
        _ => bail!("exactly one of [mail.smtp] and mail.file must be set"),
    }
}

fn functions(asked: config::Functions) -> Result<functions::Settings> {
    let url = |text: &str| Url::parse(text).context("functions");
    let key = match (asked.access_key_id, asked.secret_access_key) {
        (Some(id), Some(secret)) => {
            Some(functions::Key { id, secret: Secret::new(secret.0), region: asked.region })
        }
        (None, None) => None,
        _ => bail!("functions: access_key_id and secret_access_key belong together"),
    };
    let place = |(name, place): (String, config::Function)| {
        let place = match (place.invoke, place.webhook, place.secret) {
            (Some(address), None, None) => functions::Place::Invoke(url(&address)?),
            (None, Some(address), Some(secret)) => {
                functions::Place::Webhook { url: url(&address)?, secret: Secret::new(secret.0) }
            }
            _ => bail!("functions.at.{name}: either invoke, or webhook and secret"),
        };
        Ok((name, place))
    };
    let code_key = |(arn, key): (String, config::Hidden)| {
        let key = functions::code_key(&key.0).with_context(|| format!("functions.code_keys: {arn}"))?;
        Ok((arn, key))
    };
    Ok(functions::Settings {
        invoke: asked.invoke.as_deref().map(url).transpose()?,
        key,
        places: asked.at.into_iter().map(place).collect::<Result<_>>()?,
        time_limit: Duration::from_millis(asked.time_limit_ms),
        code_keys: asked.code_keys.into_iter().map(code_key).collect::<Result<_>>()?,
    })
}

/// The passwords that nobody may choose: none where that is switched off.
fn known_passwords(passwords: &config::Passwords) -> Result<Arc<KnownPasswords>> {
    if !passwords.refuse_known {
        ensure!(passwords.known_file.is_none(), "passwords.known_file needs passwords.refuse_known");
        return Ok(Arc::default());
    }
    let mut known = KnownPasswords::shipped();
    if let Some(path) = &passwords.known_file {
        let list = std::fs::read_to_string(path)
            .with_context(|| format!("passwords.known_file: {}", path.display()))?;
        known = known.with(&list);
    }
    Ok(Arc::new(known))
}

fn rules(
    limits: &config::Limits,
    sms: &config::Sms,
    oauth: &config::Oauth,
    passkeys: config::Passkeys,
) -> Rules {
    Rules {
        known_passwords: Arc::default(),
        address_limits: limits.addresses,
        sends_per_source: limits.sends_per_source_hour,
        begins_per_source: limits.begins_per_source_10_minutes,
        sends_per_client: limits.sends_per_client_10_minutes,
        sends_per_pool: limits.sends_per_pool_10_minutes,
        breaker_after: limits.breaker_after,
        addresses_wait: true,
        rotate_keys_days: 0,
        fresh_sign_in_s: limits.fresh_sign_in_minutes * 60,
        device_trust_ms: limits.device_trust_days * 86_400_000,
        texts: TextRules {
            countries: sms.countries.clone(),
            per_range: sms.per_range_hour,
            per_day: sms.per_day,
            breaker_after: sms.breaker_after,
        },
        pkce_required: oauth.pkce == Pkce::Required,
        sliding_sessions: oauth.sliding_sessions,
        user_info_flags: oauth.userinfo_flags == UserInfoFlags::Boolean,
        log_groups: None,
        passkey_offer: match passkeys.offer {
            config::PasskeyOffer::Never => PasskeyOffer::Never,
            config::PasskeyOffer::SignUp => PasskeyOffer::SignUp,
            config::PasskeyOffer::SignIn => PasskeyOffer::SignIn,
        },
    }
}

fn without_counts(rules: Rules) -> Rules {
    Rules {
        sends_per_source: 0,
        begins_per_source: 0,
        sends_per_client: 0,
        sends_per_pool: 0,
        breaker_after: 0,
        texts: TextRules { countries: rules.texts.countries.clone(), ..TextRules::default() },
        ..rules
    }
}

fn pace(limits: &config::Limits) -> Option<Pace> {
    let pace = Pace { burst: limits.public_burst, per_second: limits.public_per_second };
    (pace.burst > 0 && pace.per_second > 0).then_some(pace)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../../../postern.example.toml");

    fn production(change: impl Fn(&str) -> String) -> Result<Settings> {
        Settings::production(Config::parse(&change(EXAMPLE))?, None)
    }

    #[test]
    fn development_stays_on_this_machine() {
        let settings = Settings::development(&Flags::default()).expect("settings");
        assert!(settings.listen.iter().all(|address| address.ip().is_loopback()));
        let host = |text: &str| Flags { host: text.parse().ok(), ..Flags::default() };
        assert!(Settings::development(&host("127.0.0.1")).is_ok());
        for outside in ["0.0.0.0", "192.0.2.1", "::", "::ffff:192.0.2.1"] {
            let fault = Settings::development(&host(outside)).err().expect("refused").to_string();
            assert!(fault.contains("postern serve --config"), "{fault}");
        }
    }

    #[test]
    fn production_has_nothing_of_development() {
        let settings = production(str::to_owned).expect("settings");
        let development = &settings.development;
        assert!(development.administrator.is_none() && !development.inbox && !development.demo);
        assert!(!development.open_console && settings.console == ConsoleDoor::Closed);
        let with_console = production(|text| {
            text.replace("#: [console]", "[console]")
                .replace("#: listen = [\"127.0.0.1:9321\"]", "listen = [\"127.0.0.1:9321\"]")
                .replace("#: url = \"https://console", "url = \"https://console")
        });
        let console = with_console.expect("settings").console;
        assert!(matches!(console, ConsoleDoor::Own { url, .. } if url == "https://console.example.com"));
        assert!(!settings.ses.production && settings.ses.limits && settings.rules.address_limits);
        assert!(settings.rules.pkce_required && settings.pace.is_some());
        assert!(settings.rules.known_passwords.contains("Password1!"));
        let listed = "#: known_file = \"/var/lib/postern/known-passwords.txt\"";
        let fault = production(|text| text.replace(listed, &listed[3..])).err().expect("no such file");
        assert!(fault.to_string().contains("known-passwords.txt"), "{fault}");
    }

    #[test]
    fn flags_lift_and_keep_limits() {
        let settings = |flags: Flags| Settings::development(&flags).expect("settings");
        let plain = settings(Flags::default());
        assert!(plain.ses.production && !plain.ses.limits && !plain.rules.address_limits);
        let strict = settings(Flags { strict_limits: true, ..Flags::default() });
        assert!(strict.ses.limits && strict.rules.address_limits && strict.pace.is_some());
        let sandbox = settings(Flags { ses_sandbox: true, ..Flags::default() });
        assert!(!sandbox.ses.production);
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (from, to) in [
            ("https://login.example.com", "login.example.com"),
            ("https://login.example.com", "https://login.example.com/base"),
            ("127.0.0.1:9320", "localhost"),
            ("#: account = \"123456789012\"", "account = \"1234\""),
            ("#: trusted_proxies = [\"127.0.0.1/32\"", "trusted_proxies = [\"home\""),
            ("data = \"/var/lib/postern\"", ""),
            ("#: file", "file"),
            ("#: prefix_url = \"https://{domain}.auth", "prefix_url = \"https://auth"),
            ("#: countries = [\"+1\"", "countries = [\"US\""),
        ] {
            assert!(production(|text| text.replace(from, to)).is_err(), "{to}");
        }
    }
}
