//! The running server's parts, built once from its settings: the store, the services on it, and what watches over
//! their edges.

use crate::http;
use crate::master_key::make_private;
use crate::rate::Limiter;
use crate::settings::{ConsoleDoor, Settings};
use crate::source;
use crate::witness::Witness;
use anyhow::{Result, ensure};
use axum::http::HeaderMap;
use postern_access::{Access, Caller, Principal, Role};
use postern_mail::dns::Dns;
use postern_mail::identity::Hosts;
use postern_mail::notices::Notices;
use postern_mail::transport::functions::Functions;
use postern_mail::transport::web::Web;
use postern_mail::{Mail, Ways, Worker};
use postern_pools::Pools;
use postern_pools::federation::Outside;
use postern_pools::pool::Place;
use postern_pools::work::{Priority, Workers};
use postern_store::{Clock, Keys, Purpose, Store, random};
use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};

/// Signatures and password hashes that may wait; more are refused as too busy.
const SIGNATURES_WAITING_MAX: usize = 4096;
const HASHES_WAITING_MAX: usize = 512;
/// Large bodies (raw mails) that are read at one time.
const LARGE_BODIES_MAX: usize = 4;

/// The server. Clones share it.
#[derive(Clone)]
pub struct App(Arc<Parts>);

pub struct Parts {
    pub settings: Settings,
    /// Without a final slash.
    pub public_url: String,
    pub account: Arc<str>,
    pub clock: Clock,
    pub store: Store,
    pub access: Access,
    pub mail: Mail,
    /// Bounces and complaints that SES tells of.
    pub notices: Notices,
    pub pools: Pools,
    pub limiter: Limiter,
    pub large_bodies: Semaphore,
    /// Turns true when the server is to end.
    pub ending: watch::Sender<bool>,
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    /// Opens the data and the services on it. The mail worker is given back to be run.
    pub async fn open(settings: Settings, clock: Clock, public_url: String) -> Result<(App, Worker)> {
        let store = open_store(&settings)?;
        check_master_key(&store).await?;
        if let Some(witness) = Witness::beside(&settings.place) {
            witness.compare(&store, clock.now()).await?;
        }
        let account =
            settle(&store, "account", settings.account.as_deref(), || random::text(b"0123456789", 12));
        let account: Arc<str> = account.await?.into();
        let region = settle(&store, "region", Some(&settings.region), String::new).await?;
        let access = Access::new(store.clone(), clock.clone(), &account, &region);
        let dns = match settings.ses.asks_dns {
            true => Dns::with_system_resolver(store.clone())?,
            false => Dns::local(store.clone()),
        };
        let web = Web::open(settings.reachable.clone());
        let mail_settings = mail_settings(&settings, &account, &public_url);
        let (mail, worker) = Mail::open(
            store.clone(),
            clock.clone(),
            access.clone(),
            dns,
            Ways { transport: settings.transport.clone(), carrier: settings.carrier.open(&web) },
            mail_settings,
        )
        .await?;
        let functions = Functions::new(settings.functions.clone(), web.clone(), clock.clone());
        let worker = worker.with_functions(functions.clone());
        let notices = Notices::new(web.clone(), settings.notice_topics.clone());
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let pools = Pools {
            store: store.clone(),
            clock: clock.clone(),
            access: access.clone(),
            mail: mail.clone(),
            functions,
            outside: Outside::new(web),
            place: Arc::new(Place {
                region,
                account: account.to_string(),
                public_url: public_url.clone(),
                issuer: settings.issuer.clone(),
                prefix_url: settings.prefix_url.clone(),
            }),
            rules: Arc::new(settings.rules.clone()),
            signers: Workers::start("signer", cores, SIGNATURES_WAITING_MAX, Priority::Usual)?,
            hashers: Workers::start("hasher", cores.div_ceil(2), HASHES_WAITING_MAX, Priority::Low)?,
            key_source: settings.key_source.clone(),
        };
        if let Some(known) = &settings.development.administrator {
            access.seed_administrator(&known.name, Role::Own, &known.key_id, &known.secret).await?;
        }
        let app = App(Arc::new(Parts {
            public_url,
            account,
            clock,
            store,
            access,
            mail,
            notices,
            pools,
            limiter: Limiter::new(settings.pace),
            large_bodies: Semaphore::new(LARGE_BODIES_MAX),
            ending: watch::Sender::new(false),
            settings,
        }));
        Ok((app, worker))
    }

    /// A call that the server makes itself, in the account's own name.
    pub fn own_caller(&self) -> Caller {
        Caller {
            principal: Principal::Root,
            account: self.account.to_string(),
            region: self.access.region.to_string(),
            source: None,
            is_secure: true,
            user_agent: "postern".to_owned(),
            request_id: fresh_request_id(),
        }
    }

    /// Waits until the server is to end.
    pub async fn ended(&self) {
        // The sender lives in these very parts, so waiting cannot fail.
        let _ = self.ending.subscribe().wait_for(|ending| *ending).await;
    }

    /// Holds whoever calls to the pace of their source, or says in how many seconds they may call again. That somebody is
    /// held back is in the audit once in a while.
    pub async fn pace(&self, caller: &Caller) -> Result<(), u32> {
        let Some(source) = caller.source.map(source::bucket) else { return Ok(()) };
        let now = self.clock.now();
        let taken = self.limiter.take(source, now);
        if taken.is_err()
            && self.limiter.is_news(source, now)
            && let Err(cause) = self.pools.note_throttled(caller, "pace").await
        {
            tracing::error!(cause = %cause, "that a source is held back could not be noted");
        }
        taken
    }

    /// The host and port of the public URL.
    pub fn public_host(&self) -> &str {
        self.public_url.split_once("://").map_or("", |(_, host)| host)
    }

    /// Where administrators reach the console; nothing where there is none.
    pub fn console_url(&self) -> Option<&str> {
        match &self.settings.console {
            ConsoleDoor::Closed => None,
            ConsoleDoor::Shared => Some(&self.public_url),
            ConsoleDoor::Own { url, .. } => Some(url),
        }
    }

    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }

    /// Whether a request came encrypted: to us, or to a trusted proxy, which may say so itself.
    pub fn is_secure(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        let proxied = source::forwarded_proto(peer, headers, &self.settings.trusted_proxies, self.is_https());
        self.settings.tls.is_some() || proxied
    }

    /// What connections may take.
    pub fn connection_limits(&self) -> http::Limits {
        http::Limits {
            connections: self.settings.connections,
            per_source: self.settings.connections_per_source,
            proxies: self.settings.trusted_proxies.clone(),
            patience: self.settings.patience,
            tls: self.settings.tls.as_ref().map(|tls| tls.config.clone().into()),
        }
    }

    pub fn request_timeout(&self) -> Duration {
        self.settings.request_timeout
    }
}

/// Draws the id of a request: a UUID, as the services write them.
pub fn fresh_request_id() -> String {
    uuid::Builder::from_random_bytes(random::bytes()).into_uuid().to_string()
}

/// Opens the database with the master key that belongs to it.
pub fn open_store(settings: &Settings) -> Result<Store> {
    let keys = settings.master_key.keys()?;
    if let postern_store::Place::File(path) = &settings.place
        && let Some(folder) = path.parent()
    {
        make_private(folder)?;
    }
    Store::open(&settings.place, keys)
}

/// Refuses a master key that is not the one this database was begun with.
pub async fn check_master_key(store: &Store) -> Result<()> {
    let mark = || hex::encode(store.keys().mac(Purpose::Handle, &[MASTER_KEY.as_bytes()]));
    let stored = settle(store, MASTER_KEY, None, mark).await?;
    ensure!(is_marked_by(store.keys(), &stored), FOREIGN_KEY);
    Ok(())
}

/// The same of a database that is only looked at.
pub async fn look_at_master_key(store: &Store) -> Result<()> {
    let stored = store.read(|tx| tx.find_setting(MASTER_KEY)).await?;
    ensure!(stored.is_some_and(|stored| is_marked_by(store.keys(), &stored)), FOREIGN_KEY);
    Ok(())
}

/// The setting that keeps by which master key the data was begun.
const MASTER_KEY: &str = "master key";
const FOREIGN_KEY: &str = "this data was written with another master key; put that one back";

fn is_marked_by(keys: &Keys, stored: &str) -> bool {
    let marks = keys.macs(Purpose::Handle, &[MASTER_KEY.as_bytes()]);
    marks.iter().any(|mark| hex::encode(mark) == stored)
}

/// Settles a fact at the first start; later it must not be contradicted.
async fn settle(
    store: &Store,
    name: &'static str,
    wanted: Option<&str>,
    draw: impl Fn() -> String,
) -> Result<String> {
    let value = wanted.map_or_else(draw, str::to_owned);
    let stands: Result<String> = store.write(move |tx| tx.settle_setting(name, &value)).await;
    let stands = stands?;
    if let Some(wanted) = wanted {
        ensure!(
            stands == wanted,
            "the {name} of this data is {stands} and stays so; it cannot become {wanted}"
        );
    }
    Ok(stands)
}

fn mail_settings(settings: &Settings, account: &str, public_url: &str) -> postern_mail::Settings {
    let ses = &settings.ses;
    postern_mail::Settings {
        account: account.to_owned(),
        region: settings.region.clone(),
        public_url: public_url.to_owned(),
        default_sender: settings.default_sender.clone(),
        bounces: settings.bounces.clone(),
        report_domains: ses.report_domains.clone(),
        bounced_days: ses.bounced_days,
        hosts: ses.hosts.clone().unwrap_or_else(|| Hosts::like_aws(&settings.region)),
        exact_identity: ses.exact_identity,
        limits: ses.limits,
        default_sender_daily: ses.default_sender_daily,
        production_quota: ses.quota,
        production_rate: ses.rate,
        publishes_records: !ses.asks_dns,
        production: ses.production,
        auto_approve: ses.auto_approve,
        text_sandbox: settings.text_sandbox,
        text_prices: settings.text_prices.0.clone(),
        text_spend_monthly: settings.text_prices.1,
    }
}
