//! The two ways an operation can say no: refused (the caller is told why, in the service's words)
//! and failed (we could not; the cause is logged and the caller gets a reference).

use std::borrow::Cow;
use std::fmt;

/// An error shape of a service model: its name on the wire and the HTTP status it travels with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorKind {
    pub code: &'static str,
    pub status: u16,
}

/// A no that the caller is told: a kind from the service model and a sentence in the service's own words.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub kind: ErrorKind,
    pub message: Cow<'static, str>,
    /// Seconds after which asking again can succeed, where that is known (`Retry-After`).
    pub retry_after_s: Option<u32>,
    /// Why, for the audit and the operator; the caller is not told.
    pub reason: Option<String>,
    /// The pool whose message was not sent, for its log.
    pub unsent: Option<String>,
    /// The limit that somebody was held to, for the audit.
    pub limit: Option<&'static str>,
}

impl Refusal {
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal {
            kind,
            message: message.into(),
            retry_after_s: None,
            reason: None,
            unsent: None,
            limit: None,
        }
    }
}

/// Why an operation gave no answer.
#[derive(Debug)]
pub enum Error {
    Refused(Refusal),
    Failed(anyhow::Error),
}

/// What an operation gives: an answer, or an [`Error`].
pub type Answer<T> = Result<T, Error>;

/// Says no, in the service's words.
pub fn refuse<T>(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Answer<T> {
    Err(refusal(kind, message))
}

/// The same as [`refuse`], as a value for `ok_or_else` and `map_err`.
pub fn refusal(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Error {
    Error::Refused(Refusal::new(kind, message))
}

impl Error {
    /// The kind of a refusal; nothing for a failure.
    pub fn kind(&self) -> Option<ErrorKind> {
        match self {
            Error::Refused(refusal) => Some(refusal.kind),
            Error::Failed(_) => None,
        }
    }

    /// Notes why, for the audit and the operator only.
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        if let Error::Refused(refusal) = &mut self {
            refusal.reason = Some(reason.into());
        }
        self
    }

    /// Notes that it was a message of this pool that was not sent.
    pub fn unsent(mut self, pool_id: &str) -> Self {
        if let Error::Refused(refusal) = &mut self {
            refusal.unsent = Some(pool_id.to_owned());
        }
        self
    }

    /// Notes which limit it was.
    pub fn held_to(mut self, limit: &'static str) -> Self {
        if let Error::Refused(refusal) = &mut self {
            refusal.limit = Some(limit);
        }
        self
    }

    /// Notes after how many seconds asking again can succeed.
    pub fn retry_after(mut self, seconds: u32) -> Self {
        if let Error::Refused(refusal) = &mut self {
            refusal.retry_after_s = Some(seconds);
        }
        self
    }
}

impl From<anyhow::Error> for Error {
    fn from(cause: anyhow::Error) -> Self {
        Error::Failed(cause)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Refused(refusal) => write!(f, "{}: {}", refusal.kind.code, refusal.message),
            Error::Failed(cause) => write!(f, "failed: {cause:#}"),
        }
    }
}
