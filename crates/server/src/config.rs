//! The configuration file: what can be written in it, and nothing else. What is not written has the default that is
//! named here; secrets may come from the environment instead.

use anyhow::{Context as _, Result};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// Environment variables that stand over the file.
pub const ENV_MASTER_KEY: &str = "POSTERN_MASTER_KEY";
pub const ENV_DATABASE: &str = "POSTERN_DATABASE";
pub const ENV_SMTP_PASSWORD: &str = "POSTERN_SMTP_PASSWORD";
pub const ENV_FUNCTIONS_SECRET: &str = "POSTERN_FUNCTIONS_SECRET";
pub const ENV_SMS_SECRET: &str = "POSTERN_SMS_SECRET";

/// The file as a whole.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where people and programs reach the server; issuers and links begin with it.
    pub public_url: String,
    #[serde(default = "default_listen")]
    pub listen: Vec<String>,
    /// Folder of the database file and the master key.
    pub data: Option<PathBuf>,
    /// A PostgreSQL address; without it the data is in a file in `data`.
    pub database: Option<Hidden>,
    #[serde(default = "default_database_connections")]
    pub database_connections: usize,
    pub master_key_file: Option<PathBuf>,
    /// Folder in which log groups are files; without it pools cannot export their logs.
    pub log_groups: Option<PathBuf>,
    #[serde(default = "default_region")]
    pub region: String,
    /// Twelve digits; drawn at the first start unless written here.
    pub account: Option<String>,
    /// The `iss` of tokens; `{public_url}`, `{region}` and `{pool}` are filled in.
    #[serde(default = "default_issuer")]
    pub issuer: String,
    pub mail: Mail,
    /// The administrators' console; without this there is none.
    pub console: Option<Console>,
    #[serde(default)]
    pub ses: Ses,
    #[serde(default)]
    pub http: Http,
    #[serde(default)]
    pub limits: Limits,
    #[serde(default)]
    pub passwords: Passwords,
    #[serde(default)]
    pub oauth: Oauth,
    #[serde(default)]
    pub users: Users,
    #[serde(default)]
    pub tokens: Tokens,
    #[serde(default)]
    pub functions: Functions,
    #[serde(default)]
    pub sms: Sms,
    #[serde(default)]
    pub outgoing: Outgoing,
    #[serde(default)]
    pub domains: Domains,
    #[serde(default)]
    pub passkeys: Passkeys,
}

/// The administrators' console, at addresses of its own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Console {
    pub listen: Vec<String>,
    /// Where administrators reach it.
    pub url: String,
}

/// A value that must not be seen in logs.
#[derive(Clone, Deserialize)]
pub struct Hidden(pub String);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// How mail leaves.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// Who mails of pools without an identity of their own come from.
    pub from: String,
    /// Where bounces go, if not to the sender.
    pub bounces: Option<String>,
    pub smtp: Option<Smtp>,
    /// Appends each mail to a file as a line of JSON, instead of sending it.
    pub file: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Smtp {
    pub host: String,
    pub port: Option<u16>,
    #[serde(default)]
    pub security: Security,
    pub user: Option<String>,
    pub password: Option<Hidden>,
    pub ca_file: Option<PathBuf>,
    pub hello_name: Option<String>,
    #[serde(default = "default_smtp_connections")]
    pub connections: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    #[default]
    Starttls,
    Implicit,
    None,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ses {
    /// Only the exact ARN of a verified identity counts in a pool's settings, as in AWS.
    pub exact_identity: bool,
    /// Requests for production access are granted at once.
    pub auto_approve: bool,
    /// What production access brings: recipients a day, and a second.
    pub quota: i64,
    pub rate: i64,
    /// Mails a day from the default sender, over all pools; AWS allows 50.
    pub default_sender_daily: i64,
    /// Topics of SNS by which SES tells of bounces and complaints.
    pub notice_topics: Vec<String>,
    /// Domains whose mail is posted to `/notices/dsn`: return paths there carry a tag, by which bounces are known.
    pub report_domains: Vec<String>,
    /// Days for which an address that mail bounced from gets no more; 0 is for ever, as in AWS.
    pub bounced_days: i64,
    /// Names that DKIM, MAIL FROM and SPF records point to; AWS's unless written here.
    pub hosts: Option<Hosts>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hosts {
    pub dkim_zone: String,
    pub feedback: String,
    pub spf: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// Networks of proxies whose `X-Forwarded-For` and `X-Forwarded-Host` are believed, as `10.0.0.0/8`.
    pub trusted_proxies: Vec<String>,
    pub connections: usize,
    /// Of these from one source; proxies that are believed may have all.
    pub connections_per_source: usize,
    /// How long a client may keep silent, between and in its requests, or leave an answer unread.
    pub patience_s: u64,
    pub request_timeout_s: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Public calls from one source: so many at once, and so many a second after that. 0 switches the limit off.
    pub public_burst: u32,
    pub public_per_second: u32,
    /// Keep the pace at which codes go to one address.
    pub addresses: bool,
    pub sends_per_source_hour: i64,
    pub begins_per_source_10_minutes: i64,
    pub sends_per_client_10_minutes: i64,
    pub sends_per_pool_10_minutes: i64,
    pub breaker_after: i64,
    /// How old a sign-in may be that adds or removes a factor or a passkey; 0 means any age.
    pub fresh_sign_in_minutes: i64,
    /// For how long a remembered device stands in for the second factor; 0 means for ever.
    pub device_trust_days: i64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Passwords {
    /// Refuse passwords that attackers try first.
    pub refuse_known: bool,
    /// More of them: one a line, or one SHA-1 in hex a line.
    pub known_file: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Users {
    pub address_change: AddressChange,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tokens {
    /// Signing keys get successors when they are so old; 0: only by `postern keys rotate`.
    pub rotate_keys_days: u32,
}

/// When a new address that would serve to sign in takes the place of the old one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AddressChange {
    #[default]
    Verified,
    AtOnce,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Oauth {
    pub pkce: Pkce,
    /// Browsers stay signed in for longer while their sessions are used.
    pub sliding_sessions: bool,
    pub userinfo_flags: UserInfoFlags,
}

/// How `email_verified` and `phone_number_verified` are told at userInfo.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UserInfoFlags {
    /// As texts, like Cognito.
    #[default]
    Text,
    Boolean,
}

/// Where the pages of pools with a domain are.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Domains {
    /// For prefix domains; `{domain}` is filled in.
    pub prefix_url: Option<String>,
}

/// Where functions are that pools call (Lambda triggers).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Functions {
    /// The address of a Lambda Invoke API, for all functions without a place of their own.
    pub invoke: Option<String>,
    /// The key that signs calls of the Invoke API.
    pub access_key_id: Option<String>,
    pub secret_access_key: Option<Hidden>,
    pub region: String,
    /// How long a function may take.
    pub time_limit_ms: u64,
    /// Places of single functions, by name.
    pub at: BTreeMap<String, Function>,
    /// Keys that codes are encrypted with for custom senders: 32 bytes in hex, by the ARN that KMSKeyID names.
    pub code_keys: BTreeMap<String, Hidden>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Function {
    /// The whole address of the function's invocations.
    pub invoke: Option<String>,
    /// The address of a webhook, and the secret that signs what is posted there.
    pub webhook: Option<String>,
    pub secret: Option<Hidden>,
}

/// Calls to addresses that operators and pools name.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Outgoing {
    /// Networks that may be called though they are not public.
    pub allow: Vec<String>,
}

/// How text messages leave, and how many; without a carrier there are none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sms {
    /// Beginnings of the numbers that texts may go to, as `+44`.
    pub countries: Vec<String>,
    pub per_range_hour: i64,
    pub per_day: i64,
    pub breaker_after: i64,
    /// What a text is thought to cost, each part of it, in USD, by the beginning of its number.
    pub prices: BTreeMap<String, f64>,
    /// What may be spent on texts in a month, until SetSMSAttributes says another sum.
    pub monthly_spend_usd: f64,
    /// Texts go only to numbers that were verified in the SMS sandbox.
    pub sandbox: bool,
    pub webhook: Option<SmsWebhook>,
    pub sns: Option<SmsSns>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmsWebhook {
    pub url: String,
    /// What its calls are signed with, in Base64.
    pub secret: Option<Hidden>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmsSns {
    pub endpoint: String,
    #[serde(default = "default_region")]
    pub region: String,
    pub access_key_id: String,
    pub secret_access_key: Option<Hidden>,
}

impl Default for Sms {
    fn default() -> Self {
        Sms {
            countries: Vec::new(),
            per_range_hour: 20,
            per_day: 1_000,
            breaker_after: 30,
            prices: [("+".to_owned(), 0.05)].into(),
            monthly_spend_usd: 1.0,
            sandbox: false,
            webhook: None,
            sns: None,
        }
    }
}

/// Whether public clients must use PKCE.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pkce {
    #[default]
    Required,
    Optional,
}

/// How people come to passkeys.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Passkeys {
    pub offer: PasskeyOffer,
}

/// When the pages offer to make a passkey.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum PasskeyOffer {
    Never,
    SignUp,
    SignIn,
}

impl Default for Passkeys {
    fn default() -> Self {
        Passkeys { offer: PasskeyOffer::SignIn }
    }
}

impl Default for Ses {
    fn default() -> Self {
        Ses {
            exact_identity: false,
            auto_approve: false,
            quota: 50_000,
            rate: 14,
            default_sender_daily: 50,
            report_domains: Vec::new(),
            bounced_days: 14,
            notice_topics: Vec::new(),
            hosts: None,
        }
    }
}

impl Default for Functions {
    fn default() -> Self {
        Functions {
            invoke: None,
            access_key_id: None,
            secret_access_key: None,
            region: default_region(),
            time_limit_ms: 5_000,
            at: BTreeMap::new(),
            code_keys: BTreeMap::new(),
        }
    }
}

impl Default for Passwords {
    fn default() -> Self {
        Passwords { refuse_known: true, known_file: None }
    }
}

impl Default for Http {
    fn default() -> Self {
        Http {
            trusted_proxies: Vec::new(),
            connections: 4096,
            connections_per_source: 512,
            patience_s: 20,
            request_timeout_s: 30,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            public_burst: 120,
            public_per_second: 20,
            addresses: true,
            sends_per_source_hour: 60,
            begins_per_source_10_minutes: 300,
            sends_per_client_10_minutes: 3_000,
            sends_per_pool_10_minutes: 5_000,
            breaker_after: 500,
            fresh_sign_in_minutes: 5,
            device_trust_days: 30,
        }
    }
}

fn default_listen() -> Vec<String> {
    vec!["127.0.0.1:9320".to_owned()]
}

fn default_database_connections() -> usize {
    8
}

fn default_region() -> String {
    "us-east-1".to_owned()
}

fn default_issuer() -> String {
    "{public_url}/{pool}".to_owned()
}

fn default_smtp_connections() -> usize {
    4
}

impl Config {
    /// Reads the file, and the environment over it.
    pub fn load(path: &Path, env: impl Fn(&str) -> Option<String>) -> Result<Config> {
        let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        let mut config =
            Config::parse(&text).with_context(|| format!("{} cannot be used", path.display()))?;
        if let Some(database) = env(ENV_DATABASE) {
            config.database = Some(Hidden(database));
        }
        if let Some(secret) = env(ENV_FUNCTIONS_SECRET) {
            config.functions.secret_access_key = Some(Hidden(secret));
        }
        if let (Some(smtp), Some(password)) = (&mut config.mail.smtp, env(ENV_SMTP_PASSWORD)) {
            smtp.password = Some(Hidden(password));
        }
        if let Some(secret) = env(ENV_SMS_SECRET).map(Hidden) {
            match (&mut config.sms.webhook, &mut config.sms.sns) {
                (Some(hook), _) => hook.secret = Some(secret),
                (None, Some(sns)) => sns.secret_access_key = Some(secret),
                (None, None) => {}
            }
        }
        Ok(config)
    }

    pub fn parse(text: &str) -> Result<Config> {
        toml::from_str(text).map_err(|fault| anyhow::anyhow!("{}", fault.to_string().trim_end()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../../../postern.example.toml");

    #[test]
    fn the_example_file_can_be_used_with_and_without_its_comments() {
        let config = Config::parse(EXAMPLE).expect("the example is a configuration");
        assert_eq!(config.public_url, "https://login.example.com");
        // Each commented setting is a real one.
        let all: String = EXAMPLE
            .lines()
            .map(|line| line.strip_prefix("#: ").unwrap_or(line))
            .map(|line| format!("{line}\n"))
            .collect();
        let config = Config::parse(&all).expect("every setting of the example is known");
        assert!(config.database.is_some() && config.ses.hosts.is_some());
    }

    #[test]
    fn an_unknown_key_is_refused_by_name() {
        let fault = Config::parse("public_url = \"x\"\npublic_ulr = \"y\"\n").expect_err("a slip");
        assert!(fault.to_string().contains("public_ulr"), "{fault}");
        let nested = EXAMPLE.replace("[http]", "[http]\nrequest_timeout = 3");
        assert!(Config::parse(&nested).expect_err("a slip").to_string().contains("request_timeout"));
    }

    #[test]
    fn secrets_are_not_shown() {
        let text = EXAMPLE.replace("#: database", "database").replace("#: password", "password");
        let shown = format!("{:?}", Config::parse(&text).expect("a configuration"));
        assert!(!shown.contains("not-a-password"), "{shown}");
    }
}
