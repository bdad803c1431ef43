//! The mail service (SES): addresses, identities, the sandbox, messages, and how they are delivered; and text messages
//! (SNS), which go the same way.

pub mod address;
mod authority;
mod bounces;
mod deliver;
pub mod dkim;
pub mod dns;
mod draft;
mod handover;
pub mod header;
pub mod identity;
mod inbox;
pub mod message;
pub mod notices;
mod operations;
pub mod price;
mod sandbox;
mod send;
mod settings;
mod suppression;
#[cfg(test)]
mod tests;
pub mod text;
pub mod texting;
pub mod transport;
mod undelivered;
mod unsent;
mod verify;

use std::sync::Arc;

use anyhow::{Context as _, Result};
use postern_access::Access;
use postern_store::mail::SesAccountRow;
use postern_store::{Clock, Store, Timestamp};
use tokio::sync::{broadcast, mpsc};

pub use authority::SenderVerdict;
pub use deliver::Worker;
pub use draft::{Body, Content, Draft, Handover, Letter, Sender};
pub use inbox::{Caught, INBOX_MAX};
pub use operations::{operations, own_operations, sns_operations};
pub use sandbox::{PRODUCTION_QUOTA, PRODUCTION_RATE, UNLIMITED};
pub use send::Queued;
pub use settings::Settings;
pub use undelivered::log_undelivered;
pub use unsent::{DEFAULT_SENDER_LIMIT, Unsent};
pub use verify::look;

use dns::Dns;
use handover::Note;
use transport::{Carrier, Transport};

/// Mails that may wait for the worker in memory; more are found in the outbox.
const NOTES_MAX: usize = 4096;
/// Caught mails that a slow watcher may lag behind.
const CAUGHT_MAX: usize = 256;

/// How messages leave.
#[derive(Clone)]
pub struct Ways {
    pub transport: Transport,
    pub carrier: Carrier,
}

/// The mail service. Clones share it.
#[derive(Clone)]
pub struct Mail {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) access: Access,
    pub(crate) settings: Arc<Settings>,
    pub(crate) dns: Dns,
    pub(crate) carrier: Carrier,
    pub(crate) notes: mpsc::Sender<Note>,
    pub(crate) caught: broadcast::Sender<Arc<Caught>>,
    /// Mails stay here, to be read.
    pub(crate) has_inbox: bool,
}

impl Mail {
    /// Opens the service, and with it the account if this is the first time; gives its worker, to be run.
    pub async fn open(
        store: Store,
        clock: Clock,
        access: Access,
        dns: Dns,
        ways: Ways,
        settings: Settings,
    ) -> Result<(Mail, Worker)> {
        let account = SesAccountRow {
            production: settings.production,
            sending: true,
            quota: settings.production_quota,
            rate: settings.production_rate,
            full: Timestamp::from_ms(0),
            details: "{}".to_owned(),
        };
        let auto_approve = settings.auto_approve;
        store
            .write(move |tx| {
                tx.lock_ses()?;
                if tx.add_ses_account(&account)? {
                    return Ok(());
                }
                // What production access brings, and whether it waits for anybody, is said by the settings of today.
                let stored = tx.ses_account()?.context("the account is there")?;
                let mut current =
                    SesAccountRow { quota: account.quota, rate: account.rate, ..stored.clone() };
                if auto_approve {
                    operations::settle_review(&mut current)?;
                }
                if current != stored { tx.change_ses_account(&current) } else { Ok(()) }
            })
            .await?;
        let (notes, received) = mpsc::channel(NOTES_MAX);
        let (caught, _) = broadcast::channel(CAUGHT_MAX);
        let mail = Mail {
            store,
            clock,
            access,
            settings: Arc::new(settings),
            dns,
            carrier: ways.carrier,
            notes,
            caught,
            has_inbox: matches!(ways.transport, Transport::Inbox),
        };
        let worker = Worker::new(mail.clone(), ways.transport, received);
        Ok((mail, worker))
    }

    /// The settings in force.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }
}
