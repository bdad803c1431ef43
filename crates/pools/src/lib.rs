//! User pools: operations, sign-in, tokens and messages.

pub mod account_codes;
mod activity_log;
pub mod address_change;
pub mod administrators;
pub mod aliases;
pub mod attributes;
pub mod auth;
pub mod branding;
pub mod client;
pub mod confirm_link;
mod csv;
mod custom_sender;
pub mod destination;
mod devices;
pub mod federation;
pub mod functions;
pub mod groups;
pub mod identities;
pub mod key_rotation;
pub mod keys;
pub mod limits;
pub mod messages;
mod migration;
pub mod names;
mod notices;
pub mod oauth;
pub mod operations;
pub mod outgoing;
pub mod page;
pub mod passkeys;
pub mod passwords;
pub mod pool;
pub mod provider;
pub mod recognised;
pub mod scopes;
pub mod second_factors;
pub mod sessions;
pub mod settings;
pub mod sign_in;
pub mod step;
pub mod terms;
pub mod threats;
pub mod tokens;
mod triggers;
pub mod unit;
pub mod user;
pub mod vouched;
pub mod watch;
pub mod work;

use auth::known_passwords::KnownPasswords;
use federation::Outside;
use postern_access::Access;
use postern_mail::Mail;
use postern_mail::transport::functions::Functions;
use postern_store::{Clock, Store};
use std::path::PathBuf;
use std::sync::Arc;

/// The user pools service: the floors below it, the threads that sign and hash, and its settings.
#[derive(Clone)]
pub struct Pools {
    pub store: Store,
    pub clock: Clock,
    pub access: Access,
    pub mail: Mail,
    pub functions: Functions,
    pub outside: Outside,
    pub place: Arc<pool::Place>,
    pub rules: Arc<Rules>,
    pub signers: work::Workers,
    pub hashers: work::Workers,
    pub key_source: keys::KeySource,
}

/// Settings that decide how sign-in behaves; see the configuration file's `[limits]`, `[oauth]` and `[mail]`.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Keep the pace at which codes go to one address (rule S1). Lifted in development mode, for tests.
    pub address_limits: bool,
    /// Codes asked for by one source (an IPv4 address or an IPv6 /64) in an hour; 0 means any number.
    pub sends_per_source: i64,
    /// Challenges begun by one source in ten minutes, and sign-ins begun on the pages; 0 means any number.
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
    /// Seconds after which a sign-in is too old to add or remove a factor (rules F4 and F6); 0 means any age, which is
    /// Cognito's behaviour.
    pub fresh_sign_in_s: i64,
    /// For how long a device on which all factors were given stands in for the second one (rule F5); 0 means for ever,
    /// which is Cognito's behaviour.
    pub device_trust_ms: i64,
    /// What text messages are held to.
    pub texts: TextRules,
    /// Passwords that nobody may choose, since attackers try them first.
    pub known_passwords: Arc<KnownPasswords>,
    /// Public clients must use PKCE; `false` is Cognito's behaviour.
    pub pkce_required: bool,
    /// A browser's session lasts longer by being used.
    pub sliding_sessions: bool,
    /// `email_verified` and `phone_number_verified` are true or false at userInfo; `false` is Cognito's behaviour: texts.
    pub user_info_flags: bool,
    /// The folder in which log groups are files; none: pools cannot export their logs.
    pub log_groups: Option<PathBuf>,
    /// When the pages offer to make a passkey.
    pub passkey_offer: PasskeyOffer,
}

/// When the pages offer to make a passkey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasskeyOffer {
    Never,
    /// After signing up only, which is Cognito's behaviour.
    SignUp,
    /// After any sign-in without one.
    SignIn,
}

/// What text messages are held to (rule S7): they cost money, and somebody else may earn it.
#[derive(Clone, Debug, Default)]
pub struct TextRules {
    /// Beginnings of the numbers that texts may go to, as `+44`; none means nowhere.
    pub countries: Vec<String>,
    /// Texts to one range of ten thousand numbers in an hour; 0 means any number.
    pub per_range: i64,
    /// Texts in a day, over all pools; 0 means any number.
    pub per_day: i64,
    /// A pool stops sending texts when this many went out in ten minutes and fewer than one in five was used; 0
    /// switches the breaker off.
    pub breaker_after: i64,
}

impl TextRules {
    /// Tells whether texts may go to a number.
    pub fn allow(&self, number: &str) -> bool {
        self.countries.iter().any(|country| number.starts_with(country.as_str()))
    }
}
