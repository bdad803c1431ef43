//! User pools: operations, sign-in, tokens and messages.

pub mod account_codes;
pub mod address_change;
pub mod aliases;
pub mod attributes;
pub mod auth;
pub mod client;
mod csv;
pub mod destination;
pub mod groups;
pub mod key_rotation;
pub mod keys;
pub mod limits;
pub mod messages;
pub mod names;
pub mod oauth;
pub mod operations;
pub mod outgoing;
pub mod page;
pub mod passwords;
pub mod pool;
pub mod scopes;
pub mod sessions;
pub mod settings;
pub mod sign_in;
pub mod step;
pub mod tokens;
pub mod user;
pub mod work;

use postern_access::{Access, Caller};
use postern_mail::Mail;
use postern_model::{Answer, Error};
use postern_store::audit::AuditRecord;
use postern_store::{Clock, Store, Tx};
use std::sync::Arc;

/// The user pools service: the floors below it, the threads that sign and hash, and its settings.
#[derive(Clone)]
pub struct Pools {
    pub store: Store,
    pub clock: Clock,
    pub access: Access,
    pub mail: Mail,
    pub place: Arc<pool::Place>,
    pub rules: Arc<Rules>,
    pub signers: work::Workers,
    pub hashers: work::Workers,
}

/// Settings that decide how sign-in behaves; see the configuration file's `[limits]`, `[oauth]` and `[mail]`.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Keep the pace at which codes go to one address (rule S1). Lifted in development mode, for tests.
    pub address_limits: bool,
    /// Codes asked for by one source (an IPv4 address or an IPv6 /64) in an hour; 0 means any number.
    pub sends_per_source: i64,
    /// Challenges begun by one source in ten minutes; 0 means any number.
    pub begins_per_source: i64,
    /// Codes asked for through one app client in ten minutes; 0 means any number.
    pub sends_per_client: i64,
    /// Codes asked for in one pool in ten minutes; 0 means any number.
    pub sends_per_pool: i64,
    /// A pool stops sending when this many codes went out in ten minutes and fewer than one in a hundred was
    /// used; 0 switches the breaker off.
    pub breaker_after: i64,
    /// A new address that would serve to sign in waits until its code came back (rule A6); `false` is Cognito's
    /// behaviour, where the pool does not ask for the wait itself.
    pub addresses_wait: bool,
    /// Signing keys get successors when they are so many days old; 0 means only when they are told to.
    pub rotate_keys_days: i64,
    /// Public clients must use PKCE; `false` is Cognito's behaviour.
    pub pkce_required: bool,
}

impl Pools {
    /// Runs a unit of work of a sign-in. What it refuses is undone; where there is a reason that the caller is not
    /// told, such as a policy that forbids the mail, that reason is kept in the audit.
    pub(crate) async fn sign_in_unit<T: Send + 'static>(
        &self,
        caller: &Caller,
        unit: impl FnMut(&mut Tx<'_>) -> Answer<T> + Send + 'static,
    ) -> Answer<T> {
        let result = self.store.write(unit).await;
        if let Err(Error::Refused(refusal)) = &result
            && let Some(reason) = refusal.reason.clone()
        {
            let record = AuditRecord {
                time: self.clock.now(),
                request_id: caller.request_id.clone(),
                who: caller.arn(),
                action: "SendMail".into(),
                resource: String::new(),
                source: caller.source.map(|ip| ip.to_string()).unwrap_or_default(),
                outcome: refusal.kind.code.into(),
                detail: reason,
            };
            self.store.write(move |tx| tx.add_audit(&record)).await?;
        }
        result
    }
}
