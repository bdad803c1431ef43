//! Signing in elsewhere: a person is sent to an outside provider, comes back with its answer, and becomes a user of the
//! pool, or the user that they are linked to. What a browser was sent out with stays sealed in its flow.

mod arrive;
pub mod oidc;
pub mod saml;
mod saml_key;
pub mod saml_logout;

pub use arrive::Arrived;
use saml::SamlWay;

use crate::Pools;
use crate::auth::acr::Level;
use crate::provider::Provider;
use aws_lc_rs::constant_time;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use postern_mail::transport::web::{Get, HeaderMap, Post, Reply, Unreached, Url, Web};
use postern_model::cognito_idp::IdentityProviderTypeType;
use postern_store::{Keys, Purpose, Timestamp, random};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long a provider may take for one answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer that is read.
const ANSWER_MAX: usize = 512 * 1024;
/// How long a provider's published documents are kept.
const KEPT_MS: i64 = 10 * 60_000;
const KEPT_MAX: usize = 256;

/// Why a sign-in elsewhere came to nothing, in the words that the app is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble(pub String);

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Trouble {
    pub fn new(words: impl Into<String>) -> Trouble {
        Trouble(words.into())
    }

    /// A call that was not answered (Developer Guide, "Authorize endpoint", errors).
    fn unreached(unreached: Unreached, endpoint: &str) -> Trouble {
        Trouble(match unreached {
            Unreached::Late => format!("Timeout occurred in calling IdP {endpoint} endpoint"),
            Unreached::NoConnection => format!("Connection reset in calling IdP {endpoint} endpoint"),
            Unreached::Unreadable => format!("Read timed out in calling IdP {endpoint} endpoint"),
            Unreached::Forbidden | Unreached::NotProven => {
                format!("The IdP {endpoint} endpoint cannot be called")
            }
        })
    }
}

/// The way to a provider.
pub enum Way {
    OpenId(oidc::Endpoints),
    Saml(SamlWay),
}

/// What an app's request says to providers, too.
#[derive(Default)]
pub struct Hints<'a> {
    pub login_hint: Option<&'a str>,
    pub asks_again: bool,
    /// What the person is to be asked there, in the words of OpenID Connect.
    pub prompt: Option<&'a str>,
    pub max_age_s: Option<i64>,
    pub lang: Option<&'a str>,
    /// The levels that are asked for, the best one first.
    pub levels: Vec<Level>,
    pub now: Timestamp,
}

impl Way {
    /// Where on these pages a provider sends its answers.
    pub fn answers(&self) -> &'static str {
        match self {
            Way::OpenId(_) => "/oauth2/idpresponse",
            Way::Saml(_) => "/saml2/idpresponse",
        }
    }

    /// The address at which a person signs in there.
    pub async fn href(
        &self,
        pools: &Pools,
        provider: &Provider,
        flow_id: &str,
        secrets: &Secrets,
        redirect_uri: &str,
        hints: &Hints<'_>,
    ) -> Result<String, Trouble> {
        match self {
            Way::OpenId(endpoints) => {
                let state = format!("{flow_id}.{}", secrets.state);
                Ok(endpoints.authorize_href(provider, &state, secrets, redirect_uri, hints))
            }
            Way::Saml(way) => way.href(&pools.signers, provider, flow_id, secrets, redirect_uri, hints).await,
        }
    }
}

impl Pools {
    /// Finds the way to a provider.
    pub async fn way_to(&self, provider: &Provider) -> Result<Way, Trouble> {
        match provider.kind {
            IdentityProviderTypeType::Saml => self.saml_way(provider).await.map(Way::Saml),
            _ => self.endpoints(provider).await.map(Way::OpenId),
        }
    }
}

/// What a browser was sent out with: kept in its flow, and used up when it comes back.
#[derive(Clone, Serialize, Deserialize)]
pub struct Sent {
    pub provider: String,
    /// Where the provider sends the browser back to.
    pub redirect_uri: String,
    sealed: String,
}

/// What only the provider's answer to this browser brings back, or proves.
#[derive(Serialize, Deserialize)]
pub struct Secrets {
    pub state: String,
    pub nonce: String,
    pub verifier: String,
}

impl Sent {
    /// Draws what a browser is sent out with.
    pub fn fresh(keys: &Keys, provider: &Provider, redirect_uri: String) -> anyhow::Result<(Sent, Secrets)> {
        let secrets = Secrets {
            state: BASE64URL.encode(random::bytes::<16>()),
            nonce: BASE64URL.encode(random::bytes::<16>()),
            verifier: BASE64URL.encode(random::bytes::<32>()),
        };
        let sealed = keys.seal(Purpose::Handle, serde_json::to_string(&secrets)?.as_bytes());
        let sent = Sent { provider: provider.name.clone(), redirect_uri, sealed: BASE64URL.encode(sealed) };
        Ok((sent, secrets))
    }

    pub fn open(&self, keys: &Keys) -> Option<Secrets> {
        let sealed = BASE64URL.decode(&self.sealed).ok()?;
        serde_json::from_slice(&keys.open(Purpose::Handle, &sealed).ok()?).ok()
    }
}

impl Secrets {
    /// Tells in constant time whether this is the state that a browser was sent out with.
    pub fn is_state(&self, given: &str) -> bool {
        constant_time::verify_slices_are_equal(self.state.as_bytes(), given.as_bytes()).is_ok()
    }
}

/// Documents by their address, with the moment at which each was fetched.
type Kept = BTreeMap<String, (Timestamp, Arc<str>)>;

/// The way to providers, and what they publish, kept for a while. Clones share it.
#[derive(Clone)]
pub struct Outside {
    web: Web,
    kept: Arc<Mutex<Kept>>,
}

impl Outside {
    pub fn new(web: Web) -> Outside {
        Outside { web, kept: Arc::default() }
    }

    /// A JSON document that a provider publishes; `fresh` asks for it anew.
    async fn document(
        &self,
        url: &str,
        endpoint: &str,
        now: Timestamp,
        fresh: bool,
    ) -> Result<Value, Trouble> {
        let text = self.text(url, endpoint, now, fresh).await?;
        let read: Option<Value> = serde_json::from_str(&text).ok();
        let none = || Trouble(format!("IdP {endpoint} endpoint gave no document"));
        read.filter(Value::is_object).ok_or_else(none)
    }

    /// The same for any text.
    pub(crate) async fn text(
        &self,
        url: &str,
        endpoint: &str,
        now: Timestamp,
        fresh: bool,
    ) -> Result<Arc<str>, Trouble> {
        let known = self.kept().get(url).filter(|(since, _)| now.since(*since) < KEPT_MS).cloned();
        if let Some((_, text)) = known.filter(|_| !fresh) {
            return Ok(text);
        }
        let reply = self.get(url, endpoint, HeaderMap::new()).await?;
        let text: Arc<str> = match (reply.status, std::str::from_utf8(&reply.body)) {
            (200, Ok(text)) => text.into(),
            (status, _) => {
                return Err(Trouble(format!("IdP {endpoint} endpoint gave no document - {status}")));
            }
        };
        let mut kept = self.kept();
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(url.to_owned(), (now, text.clone()));
        Ok(text)
    }

    async fn get(&self, url: &str, endpoint: &str, headers: HeaderMap) -> Result<Reply, Trouble> {
        let url = address(url, endpoint)?;
        let get = Get { url: &url, headers, within: PATIENCE, bytes_max: ANSWER_MAX };
        self.web.get(get).await.map_err(|unreached| Trouble::unreached(unreached, endpoint))
    }

    async fn post(
        &self,
        url: &str,
        endpoint: &str,
        headers: HeaderMap,
        form: String,
    ) -> Result<Reply, Trouble> {
        let url = address(url, endpoint)?;
        let post = Post { url: &url, headers, body: form.into(), within: PATIENCE, bytes_max: ANSWER_MAX };
        self.web.post(post).await.map_err(|unreached| Trouble::unreached(unreached, endpoint))
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn address(url: &str, endpoint: &str) -> Result<Url, Trouble> {
    Url::parse(url).map_err(|_| Trouble(format!("The IdP {endpoint} endpoint has no address")))
}
