//! The ways out of the house: a relay by SMTP, a file, the memory of a test, or the local inbox; and calls by HTTP.

mod carrier;
mod file;
pub mod functions;
mod memory;
mod network;
mod smtp;
pub mod web;
pub mod webhook;

use std::time::Duration;

use postern_store::Timestamp;
use serde::{Deserialize, Serialize};

use crate::address::Address;

pub use carrier::{Carrier, SnsEndpoint, TextParcel, TextWebhook};
pub use file::FileSink;
pub use memory::{Delivered, Memory};
pub use network::{Network, is_public};
pub use smtp::{Security, Smtp, SmtpSettings, Turn};

/// How long the other side may take to answer.
const ANSWER: Duration = Duration::from_secs(20);
/// How long a relay may take to answer a whole message.
const DATA_END: Duration = Duration::from_secs(15);
/// How long one attempt may take in all.
pub const ATTEMPT: Duration = Duration::from_secs(ANSWER.as_secs() + DATA_END.as_secs());

/// How mails leave.
#[derive(Clone)]
pub enum Transport {
    /// Nowhere: the worker keeps them in the store's inbox, for development and tests.
    Inbox,
    Smtp(Smtp),
    File(FileSink),
    Memory(Memory),
}

/// One mail for one recipient, ready to go.
pub struct Parcel<'a> {
    pub id: &'a str,
    /// The envelope sender, where bounces go.
    pub from: &'a Address,
    pub to: &'a Address,
    /// The whole message; empty for a transport that does not ask for it.
    pub bytes: &'a [u8],
    pub shown: &'a Shown,
    pub created: Timestamp,
    pub now: Timestamp,
    /// How long until it is too late to begin handing the mail over.
    pub patience: Duration,
}

/// What a reader sees of a mail.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Shown {
    pub from: String,
    pub subject: String,
    pub text: Option<String>,
    pub html: Option<String>,
}

/// How an attempt ended. The reply is the other side's, for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    Accepted {
        reply: String,
    },
    /// Not now: worth another attempt.
    Later {
        reply: String,
    },
    /// Not now, nor anything else before then: the other side asks for a pause.
    Slower {
        reply: String,
        until: Timestamp,
    },
    /// The mail was given to the other side, which did not say whether it has it.
    Unknown {
        reply: String,
    },
    /// Not ever.
    Refused {
        reply: String,
    },
}

impl Transport {
    /// Whether mails leave the house, and so need their bytes and a signature.
    pub fn wants_bytes(&self) -> bool {
        matches!(self, Transport::Smtp(_))
    }

    /// Waits for a mail's turn, so long and no longer; nothing where it did not come. Without a relay there is no line.
    pub async fn turn(&self, urgent: bool, limit: Duration) -> Option<Turn> {
        match self {
            Transport::Smtp(smtp) => smtp.turn(urgent, limit).await,
            _ => Some(Turn::default()),
        }
    }

    /// Makes one attempt.
    pub async fn deliver(&self, parcel: &Parcel<'_>) -> Delivery {
        match self {
            Transport::Inbox => Delivery::Accepted { reply: "kept in the inbox".to_owned() },
            Transport::Smtp(smtp) => smtp.deliver(parcel).await,
            Transport::File(file) => file.deliver(parcel).await,
            Transport::Memory(memory) => memory.deliver(parcel),
        }
    }
}
