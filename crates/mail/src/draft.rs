//! A mail before it is accepted: what it says, to whom it goes, on whose behalf, and until when it is of use.

use std::collections::BTreeMap;

use anyhow::Result;
use postern_access::Caller;
use postern_store::Timestamp;
use serde::{Deserialize, Serialize};

use crate::address::{Address, Mailbox};
use crate::message::{BadMessage, Message, Raw};
use crate::text::Text;
use crate::transport::Shown;

/// On whose authority a mail is sent.
pub enum Sender<'a> {
    /// Whoever called SendEmail.
    Caller(&'a Caller),
    /// A pool set to DEVELOPER: by its service-linked role.
    Pool { pool_id: &'a str, pool_arn: &'a str },
    /// A pool set to COGNITO_DEFAULT: the default sender, or, by the identity's own policy, an address it names.
    Default { pool_arn: &'a str },
    /// Postern itself, for mails about its own affairs.
    House,
}

/// What is written: composed by us, or taken over whole.
#[derive(Clone, Serialize, Deserialize)]
pub enum Content {
    Composed(Message),
    Raw(Raw),
}

impl Content {
    /// Who it is from.
    pub fn from(&self) -> &Mailbox {
        match self {
            Content::Composed(message) => &message.from,
            Content::Raw(raw) => &raw.from,
        }
    }

    /// Who else it names as its sender.
    pub fn sender(&self) -> Option<&Mailbox> {
        match self {
            Content::Composed(_) => None,
            Content::Raw(raw) => raw.sender.as_ref(),
        }
    }

    /// What a reader sees.
    pub fn shown(&self) -> Shown {
        match self {
            Content::Composed(message) => message.shown(),
            Content::Raw(raw) => raw.shown(),
        }
    }

    /// Writes the whole message.
    pub fn bytes(&self, id: &str, created: Timestamp) -> Result<Vec<u8>, BadMessage> {
        match self {
            Content::Composed(message) => message.bytes(id, created),
            Content::Raw(raw) => Ok(raw.bytes(id, created)),
        }
    }

    fn check(&self) -> Result<(), BadMessage> {
        match self {
            Content::Composed(message) => message.check(),
            Content::Raw(_) => Ok(()),
        }
    }
}

/// A mail to be sent.
#[derive(Clone)]
pub struct Draft {
    pub content: Content,
    /// The envelope's recipients, hidden ones included.
    pub to: Vec<Address>,
    pub configuration_set: Option<String>,
    /// The identity to send as, where the caller names one.
    pub source_arn: Option<String>,
    /// Where bounces go, if not where the identity or the operator says. Must be verified, too.
    pub feedback_to: Option<Address>,
    /// Why it is sent, in the words of the inbox: `Sign-in code`.
    pub purpose: String,
    /// When the code in it dies. It is not sent when there is no time left to use it.
    pub expires: Option<Timestamp>,
    /// Somebody waits for it now.
    pub urgent: bool,
    pub pool_id: Option<String>,
    pub user_id: Option<String>,
    /// The code, for the inbox to show large.
    pub code: Option<String>,
    /// More for the inbox to show: pool, client, user.
    pub facts: BTreeMap<String, String>,
    /// Stands for a mail to somebody who does not exist: costs the same, and is never sent.
    pub decoy: bool,
    /// Who sends it in our place.
    pub handover: Option<Handover>,
}

/// A function that sends a message in our place, and the event that it gets.
#[derive(Clone, Serialize, Deserialize)]
pub struct Handover {
    pub function: String,
    pub event: serde_json::Value,
}

impl Draft {
    /// A mail to whoever its headers name.
    pub fn new(message: Message, purpose: &str) -> Draft {
        let to = message.to.iter().chain(&message.cc).map(|mailbox| mailbox.address.clone()).collect();
        Draft { to, ..Draft::empty(Content::Composed(message), purpose) }
    }

    /// A message taken over whole, to the given recipients.
    pub fn raw(raw: Raw, to: Vec<Address>, purpose: &str) -> Draft {
        Draft { to, ..Draft::empty(Content::Raw(raw), purpose) }
    }

    fn empty(content: Content, purpose: &str) -> Draft {
        Draft {
            content,
            to: Vec::new(),
            configuration_set: None,
            source_arn: None,
            feedback_to: None,
            purpose: purpose.to_owned(),
            expires: None,
            urgent: false,
            pool_id: None,
            user_id: None,
            code: None,
            facts: BTreeMap::new(),
            decoy: false,
            handover: None,
        }
    }

    /// Refuses what cannot be a mail.
    pub fn check(&self) -> Result<(), BadMessage> {
        if self.to.is_empty() {
            return Err(BadMessage::NoRecipient);
        }
        self.content.check()
    }
}

/// What a letter holds, and where that goes.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "nearly every letter is a mail")]
pub enum Body {
    Mail {
        to: Address,
        /// Where bounces go.
        envelope_from: Address,
        content: Content,
    },
    Text(Text),
}

/// A message as the outbox and the inbox keep it, sealed.
#[derive(Clone, Serialize, Deserialize)]
pub struct Letter {
    #[serde(flatten)]
    pub body: Body,
    pub purpose: String,
    pub code: Option<String>,
    pub facts: BTreeMap<String, String>,
    pub decoy: bool,
    /// When what it carries dies, in milliseconds since the epoch.
    pub expires_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handover: Option<Handover>,
}

impl Letter {
    /// Where it goes, as its owner writes it.
    pub fn to(&self) -> String {
        match &self.body {
            Body::Mail { to, .. } => to.spelling(),
            Body::Text(text) => text.to.clone(),
        }
    }

    /// The same in the form in which it is looked up.
    pub fn inbox_key(&self) -> String {
        match &self.body {
            Body::Mail { to, .. } => to.canonical(),
            Body::Text(text) => text.to.clone(),
        }
    }

    /// What a reader sees.
    pub fn shown(&self) -> Shown {
        match &self.body {
            Body::Mail { content, .. } => content.shown(),
            Body::Text(text) => Shown {
                from: text.sender_id.clone().unwrap_or_else(|| "Text message".to_owned()),
                subject: "Text message".to_owned(),
                text: Some(text.text.clone()),
                html: None,
            },
        }
    }

    /// Reads what the store kept.
    pub fn read(payload: &[u8]) -> Result<Letter> {
        Ok(serde_json::from_slice(payload)?)
    }

    /// Writes it for the store to seal.
    pub fn write(&self) -> Result<Vec<u8>> {
        Ok(serde_json::to_vec(self)?)
    }
}
