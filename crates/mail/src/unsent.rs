//! Why a mail was not accepted, said once and put in the words of whoever asks: SES here, pools above.

use std::borrow::Cow;

use postern_access::Denied;
use postern_model::sesv2::errors;
use postern_model::{Error, Service, front, refusal};

use crate::message::BadMessage;
use crate::sandbox;

/// Why a mail was not accepted.
#[derive(Debug)]
pub enum Unsent {
    /// It is not a mail.
    Malformed(BadMessage),
    TooManyRecipients,
    NoConfigurationSet(String),
    /// The role that should send it is gone or does not trust us.
    NoRole(Box<Denied>),
    /// Policies do not allow it.
    Denied(Box<Denied>),
    /// Addresses that must be verified and are not. `sender`: the From is among them.
    NotVerified {
        region: String,
        failed: Vec<String>,
        sender: bool,
    },
    /// The owner paused sending.
    Paused,
    /// Too many in this second.
    Rate {
        wait_ms: i64,
    },
    /// Too many in these 24 hours.
    Quota,
    /// Too many today from the default sender.
    DefaultSenderLimit,
    /// The MAIL FROM domain is not verified, and its owner wants no mail without it.
    MailFrom,
    Failed(anyhow::Error),
}

/// What is said when the default sender sent its most for today.
pub const DEFAULT_SENDER_LIMIT: &str = "Exceeded daily email limit for the operation or the account. If a higher limit is \
    required, please configure your user pool to use your own Amazon SES configuration for sending email.";

impl From<anyhow::Error> for Unsent {
    fn from(cause: anyhow::Error) -> Self {
        Unsent::Failed(cause)
    }
}

impl Unsent {
    /// Says it in the service's own words.
    pub fn words(&self) -> Cow<'static, str> {
        match self {
            Unsent::Malformed(bad) => bad.words().into(),
            Unsent::TooManyRecipients => "Recipient count exceeds 50.".into(),
            Unsent::NoConfigurationSet(name) => format!("Configuration set <{name}> does not exist.").into(),
            Unsent::NoRole(denied) => denied.text().into(),
            Unsent::Denied(denied) => format!(
                "User '{}' is not authorized to perform '{}' on resource '{}'",
                denied.caller_arn, denied.action, denied.resource
            )
            .into(),
            Unsent::NotVerified { region, failed, .. } => sandbox::not_verified(region, failed).into(),
            Unsent::Paused => "Email sending is paused for this account.".into(),
            Unsent::Rate { .. } => "Maximum sending rate exceeded.".into(),
            Unsent::Quota => "Daily message quota exceeded.".into(),
            Unsent::DefaultSenderLimit => DEFAULT_SENDER_LIMIT.into(),
            Unsent::MailFrom => "The MAIL FROM domain of the identity is not verified.".into(),
            Unsent::Failed(_) => "The mail could not be written down.".into(),
        }
    }

    /// The refusal that a caller of SES gets.
    pub fn for_ses(self) -> Error {
        let words = self.words();
        let kind = match self {
            Unsent::Malformed(_) | Unsent::TooManyRecipients => errors::BadRequestException,
            Unsent::NoConfigurationSet(_) => errors::NotFoundException,
            Unsent::NoRole(_) | Unsent::Denied(_) => front(Service::SesV2).denied,
            Unsent::NotVerified { .. } => errors::MessageRejected,
            Unsent::Paused => errors::SendingPausedException,
            Unsent::Rate { .. } | Unsent::Quota => errors::TooManyRequestsException,
            Unsent::DefaultSenderLimit => errors::LimitExceededException,
            Unsent::MailFrom => errors::MailFromDomainNotVerifiedException,
            Unsent::Failed(cause) => return Error::Failed(cause),
        };
        refusal(kind, words)
    }
}
