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
pub use smtp::{Security, Smtp, SmtpSettings};

/// How long one attempt may take in all.
pub const ATTEMPT: Duration = Duration::from_secs(20);

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
    /// How long this attempt may take before the mail is worthless.
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
