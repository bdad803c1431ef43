//! The words of a sign-in: where it happens, whose it is, what was asked, and what comes next.

use crate::auth::acr::{self, Goal};
use crate::auth::code::CodeKind;
use crate::auth::factors::Factor;
use crate::auth::second_factor::{Demand, SecondFactor};
use crate::auth::srp::{Claim, ClientValue, Ephemeral};
use crate::client::Client;
use crate::messages::{Catalogue, ENGLISH};
use crate::pool::Pool;
use crate::tokens::{SignInFacts, USER_ADMIN_SCOPE};
use crate::user::{User, fresh_id};
use crate::watch::Watch;
use postern_access::Caller;
use postern_model::{Answer, Error, Secret};
use postern_store::Timestamp;
use postern_store::auth::ChallengeRow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where and through what a person signs in.
#[derive(Clone)]
pub struct At {
    pub pool: Arc<Pool>,
    pub client: Arc<Client>,
    pub caller: Caller,
    pub now: Timestamp,
    pub says: Says,
    /// What the request says of the device that it comes from; nothing of it is believed unchecked.
    pub device: Option<Device>,
    /// The level of authentication that the sign-in is to reach.
    pub goal: Option<Goal>,
    /// The language that the person reads, where a page knows it: default mails are in it.
    pub words: &'static Catalogue,
    /// What is known of it beside what it asks for.
    pub watch: Watch,
}

/// What an app says with a call for functions to hear.
#[derive(Clone, Default)]
pub struct Says {
    /// `ValidationData`, or the `ClientMetadata` of a sign-in that begins.
    pub validation: Option<BTreeMap<String, String>>,
    /// `ClientMetadata`.
    pub metadata: Option<BTreeMap<String, String>>,
}

impl Says {
    pub fn metadata(metadata: Option<BTreeMap<String, String>>) -> Says {
        Says { metadata, ..Says::default() }
    }
}

/// What a request says of the device that it comes from.
#[derive(Clone, Debug)]
pub enum Device {
    /// The mark that a browser was given at a sign-in.
    Browser(String),
    /// The key of a device that its app remembers (`DEVICE_KEY`).
    Key(String),
}

impl At {
    /// A client of a pool, where nothing more is known yet.
    pub fn new(pool: Arc<Pool>, client: Arc<Client>, caller: Caller, now: Timestamp) -> At {
        At {
            pool,
            client,
            caller,
            now,
            says: Says::default(),
            device: None,
            goal: None,
            words: &ENGLISH,
            watch: Watch::default(),
        }
    }

    /// What is demanded after the first factor.
    pub fn demand(&self) -> Demand {
        Demand { goal: self.goal(), ..self.pool.second.clone() }
    }

    /// What the sign-in is to reach: what was asked for, or what its risk demands, where that is more.
    pub fn goal(&self) -> Option<Goal> {
        match (self.goal, self.watch.goal) {
            (Some(asked), Some(risky)) if asked.level >= risky.level => {
                Some(Goal { voluntary: asked.voluntary && risky.voluntary, ..asked })
            }
            (asked, risky) => risky.or(asked),
        }
    }

    /// Tells whether what was proven is as much as this sign-in is to reach.
    pub fn is_goal_met_by(&self, amr: &[String]) -> bool {
        self.goal().is_none_or(|goal| goal.is_met_by(amr))
    }

    /// The key of the device that the request says it comes from.
    pub fn device_key(&self) -> Option<&str> {
        match &self.device {
            Some(Device::Key(key)) => Some(key),
            Some(Device::Browser(_)) | None => None,
        }
    }

    /// What people know the app by.
    pub fn app_name(&self) -> &str {
        if self.client.name.is_empty() { &self.pool.name } else { &self.client.name }
    }
}

/// A question that waits for its answer.
#[derive(Clone, Debug)]
pub struct Asked {
    pub kind: Kind,
    pub session: String,
    /// The first factors on offer; empty past the first factor.
    pub available: Vec<Factor>,
    /// Where a code went, hidden but for its first letters.
    pub destination: Option<String>,
    pub expires: Timestamp,
    /// What else the challenge tells the client, by its names on the wire.
    pub parameters: Vec<(String, String)>,
    /// For NEW_PASSWORD_REQUIRED: whose it is, and which attributes are still missing.
    pub user: Option<Box<User>>,
    pub missing: Vec<String>,
    /// For SELECT_MFA_TYPE and MFA_SETUP: the second factors on offer.
    pub second: Vec<SecondFactor>,
    /// For SOFTWARE_TOKEN_MFA: how the person calls their authenticator.
    pub device: Option<String>,
}

impl Asked {
    /// The same with one more word for the client.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Asked {
        self.parameters.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// The kinds of challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    SelectChallenge,
    /// A code that was sent.
    Code(CodeKind),
    Password,
    /// The client's part of SRP is awaited.
    PasswordSrp,
    /// The proof of a password is awaited.
    PasswordVerifier,
    NewPasswordRequired,
    SoftwareTokenMfa,
    SelectMfaType,
    /// A second factor is to be set up before the sign-in ends.
    MfaSetup,
    /// One of the pool's own.
    Custom,
    /// The client's part of SRP is awaited, for the secret of a remembered device.
    DeviceSrp,
    /// The proof of that secret is awaited.
    DeviceVerifier,
    WebAuthn,
    /// A passkey is being registered.
    RegisteringPasskey,
    /// The `Session` of SignUp, for ConfirmSignUp.
    SigningUp,
    /// The `Session` of ConfirmSignUp: signs in at once.
    SignedUp,
}

impl Kind {
    /// The name under which a challenge is remembered.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::SelectChallenge => "SELECT_CHALLENGE",
            Kind::Code(kind) => kind.as_str(),
            Kind::Password => "PASSWORD",
            Kind::PasswordSrp => "PASSWORD_SRP",
            Kind::PasswordVerifier => "PASSWORD_VERIFIER",
            Kind::NewPasswordRequired => "NEW_PASSWORD_REQUIRED",
            Kind::SoftwareTokenMfa => "SOFTWARE_TOKEN_MFA",
            Kind::SelectMfaType => "SELECT_MFA_TYPE",
            Kind::MfaSetup => "MFA_SETUP",
            Kind::Custom => "CUSTOM_CHALLENGE",
            Kind::DeviceSrp => "DEVICE_SRP_AUTH",
            Kind::DeviceVerifier => "DEVICE_PASSWORD_VERIFIER",
            Kind::WebAuthn => "WEB_AUTHN",
            Kind::RegisteringPasskey => "REGISTERING_PASSKEY",
            Kind::SigningUp => "SIGNING_UP",
            Kind::SignedUp => "SIGNED_UP",
        }
    }

    /// The challenge's name on the wire.
    pub fn challenge_name(self) -> &'static str {
        match self {
            Kind::Code(kind) => kind.challenge_name(),
            other => other.as_str(),
        }
    }
}

/// How somebody has proven who they are: in the words of `amr`, and of the audit.
pub struct Proof {
    pub amr: Vec<String>,
    pub told: &'static str,
}

/// A person who has given all that was asked.
pub struct SignedIn {
    pub user: User,
    pub facts: SignInFacts,
}

/// What comes next; whatever it is, what was written stays written.
pub enum Step<T> {
    Ask(Asked),
    /// A password is to be checked, which takes long: see [`Pools::check_password`].
    Check(Box<Check>),
    Done(T),
    No(Error),
}

impl<T> Step<T> {
    /// Turns the end of a sign-in into something else, inside the same unit of work.
    pub fn end<U>(self, finish: impl FnOnce(T) -> Answer<U>) -> Answer<Step<U>> {
        Ok(match self {
            Step::Ask(asked) => Step::Ask(asked),
            Step::Check(check) => Step::Check(check),
            Step::Done(done) => Step::Done(finish(done)?),
            Step::No(error) => Step::No(error),
        })
    }
}

/// Whose sign-in it is: somebody's, or nobody's that must look like somebody's.
#[derive(Clone)]
pub struct Subject {
    pub name_key: String,
    pub user: Option<User>,
}

impl Subject {
    /// Somebody who is known already.
    pub fn of(user: &User) -> Subject {
        Subject { name_key: user.username.clone(), user: Some(user.clone()) }
    }

    /// What the ledgers know the account by.
    pub fn ledger_key(&self) -> Vec<u8> {
        match &self.user {
            Some(user) => format!("u:{}", user.id).into_bytes(),
            None => format!("n:{}", self.name_key).into_bytes(),
        }
    }

    /// What codes are bound to.
    pub fn bound(&self) -> &str {
        self.user.as_ref().map_or(&self.name_key, |user| &user.id)
    }
}

/// A password, or the proof of one, to be checked: an attempt at it was spent already.
pub struct Check {
    pub(crate) subject: Subject,
    pub(crate) by: By,
    pub(crate) challenge: Option<(Kind, ChallengeRow)>,
    /// What is held against a password where there is no hash of one; nothing: a hash of our own making.
    pub(crate) hash_like: Option<String>,
}

/// What is to be checked.
#[derive(Clone)]
pub(crate) enum By {
    Password(Secret),
    /// An answer that the pool's own functions judge.
    Functions(Secret),
    Srp(Box<Claim>),
    /// The proof of a device's secret.
    Device(Box<Claim>),
}

/// What came along with the choice of a factor.
#[derive(Clone, Copy)]
pub enum Given<'a> {
    Nothing,
    Password(&'a str),
    Srp(&'a Hello),
    /// A browser's answer.
    Passkey(&'a str),
}

/// The client's opening of SRP, with the server's secret drawn for it.
#[derive(Clone)]
pub struct Hello {
    pub(crate) client: ClientValue,
    pub(crate) ephemeral: Ephemeral,
}

/// How sending a code again went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resent {
    Sent {
        expires: Timestamp,
    },
    Wait {
        sent_ms_ago: i64,
        left_ms: i64,
    },
    /// The challenge has had all the codes it gets.
    NoMore,
    /// The challenge is over; a new one is to be begun.
    Over,
}

/// The facts of a sign-in through the API.
pub(crate) fn facts_of(at: &At, amr: Vec<String>) -> SignInFacts {
    // The level is told to who asked for one.
    let level = at.goal.and_then(|_| acr::reached(&amr));
    SignInFacts {
        acr: level.and_then(|level| Some(at.pool.levels.as_ref()?.name(level).to_owned())),
        auth_time: at.now.seconds(),
        event_id: fresh_id(),
        scope: USER_ADMIN_SCOPE.into(),
        amr,
        oauth: false,
        nonce: None,
        resource: None,
        device: None,
        revocable: false,
    }
}
