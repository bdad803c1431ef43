//! Accepts mails: every check that SES makes, in its order, and then the outbox, all in the caller's unit of work.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Result;
use postern_store::mail::{IdentityRow, OutboxRow, SesAccountRow};
use postern_store::stamps::Topic;
use postern_store::{Timestamp, Tx, random};

use crate::Mail;
use crate::address::Address;
use crate::draft::{Body, Draft, Letter, Sender};
use crate::handover::{LEASE, Note};
use crate::identity::{Identity, Kind, Status, may_send};
use crate::sandbox::{self, Bucket, DAY_MS, RECIPIENTS_MAX, SANDBOX_QUOTA, SANDBOX_RATE, UNLIMITED};
use crate::undelivered::log_undelivered;
use crate::unsent::Unsent;

/// A code must reach its reader this long before it dies.
pub(crate) const USEFUL_MS: i64 = 20_000;
/// When the default sender's day begins, in UTC.
const DEFAULT_DAY_START_MS: i64 = 9 * 3_600_000;

/// A mail that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queued {
    pub message_id: String,
}

impl Mail {
    /// Accepts a mail, or says why not. It is on its way as soon as the caller's unit of work is durable.
    pub fn send(
        &self,
        tx: &mut Tx<'_>,
        sender: &Sender<'_>,
        draft: &Draft,
        now: Timestamp,
    ) -> Result<Queued, Unsent> {
        draft.check().map_err(Unsent::Malformed)?;
        if draft.to.len() > RECIPIENTS_MAX {
            return Err(Unsent::TooManyRecipients);
        }
        if draft.handover.is_some() {
            // Somebody else sends it, by rules of their own.
            let from = draft.content.from().address.clone();
            return self.write_down(tx, draft, from, now, 0);
        }
        let mut paused = match &draft.configuration_set {
            Some(name) => self.set_is_paused(tx, name)?,
            None => false,
        };
        if self.is_managed(sender, draft) {
            self.within_default_limit(tx, sender, draft.decoy, now)?;
            let from = &draft.content.from().address;
            let bounces = self.settings.bounces.as_ref().unwrap_or(from).clone();
            return self.write_down(tx, draft, bounces, now, 0);
        }

        let sent_as = self.sent_as(tx, draft)?;
        let identity = sent_as.verified.as_ref().as_ref();
        let mut set = draft.configuration_set.as_deref();
        let default_set = identity.and_then(|identity| identity.notes.configuration_set.as_deref());
        if let (None, Some(default)) = (set, default_set) {
            paused = self.set_is_paused(tx, default)?;
            set = Some(default);
        }
        self.authorize_send(tx, sender, draft, &sent_as, set)?;
        let account = self.account_now(tx)?;
        self.verified(tx, &account, identity.is_some(), draft)?;
        if paused || !account.sending {
            return Err(Unsent::Paused);
        }
        let may_wait = matches!(sender, Sender::Pool { .. });
        let wait_ms = self.within_limits(tx, &account, draft, may_wait, now)?;
        let envelope_from = self.envelope_from(draft, identity)?;
        self.write_down(tx, draft, envelope_from, now, wait_ms)
    }

    /// Whether sending by a configuration set is paused; refuses one that is not there.
    fn set_is_paused(&self, tx: &mut Tx<'_>, name: &str) -> Result<bool, Unsent> {
        let Some(set) = tx.find_configuration_set(name)? else {
            return Err(Unsent::NoConfigurationSet(name.to_owned()));
        };
        let config: serde_json::Value = serde_json::from_str(&set.config).map_err(anyhow::Error::from)?;
        Ok(config["SendingOptions"]["SendingEnabled"] == false)
    }

    /// Whether a mail comes from our own default sender, to which SES's rules do not apply.
    fn is_managed(&self, sender: &Sender<'_>, draft: &Draft) -> bool {
        match sender {
            Sender::House => true,
            Sender::Default { .. } => draft.source_arn.is_none(),
            Sender::Caller(_) | Sender::Pool { .. } => false,
        }
    }

    /// Counts a mail of the default sender, or refuses. What is never sent is refused alike and counts nowhere: strangers
    /// who ask for names that nobody has use nothing up.
    fn within_default_limit(
        &self,
        tx: &mut Tx<'_>,
        sender: &Sender<'_>,
        decoy: bool,
        now: Timestamp,
    ) -> Result<(), Unsent> {
        let daily = self.settings.default_sender_daily;
        if matches!(sender, Sender::House) || !self.settings.limits || daily == UNLIMITED {
            return Ok(());
        }
        let days = (now.ms() - DEFAULT_DAY_START_MS).div_euclid(DAY_MS);
        let start = Timestamp::from_ms(days * DAY_MS + DEFAULT_DAY_START_MS);
        let sent = tx.count_by(
            i64::from(!decoy),
            "default sender",
            &self.settings.account,
            start,
            start.plus_ms(DAY_MS),
        )?;
        if sent + i64::from(decoy) > daily { Err(Unsent::DefaultSenderLimit) } else { Ok(()) }
    }

    /// Refuses unless the From, and in the sandbox every recipient, is verified; names all that are not.
    fn verified(
        &self,
        tx: &mut Tx<'_>,
        account: &SesAccountRow,
        from_verified: bool,
        draft: &Draft,
    ) -> Result<(), Unsent> {
        let mut failed = Vec::new();
        if !from_verified {
            failed.push(draft.content.from().address.spelling());
        }
        let sender = draft.content.sender().map(|sender| &sender.address);
        for other in sender.into_iter().chain(&draft.feedback_to) {
            if !failed.contains(&other.spelling()) && !is_verified(tx, other)? {
                failed.push(other.spelling());
            }
        }
        if !account.production {
            for recipient in &draft.to {
                let name = recipient.spelling();
                if !sandbox::is_simulator(recipient)
                    && !failed.contains(&name)
                    && !is_verified(tx, recipient)?
                {
                    failed.push(name);
                }
            }
        }
        if failed.is_empty() {
            return Ok(());
        }
        let region = self.settings.region.clone();
        Err(Unsent::NotVerified { region, failed, sender: !from_verified })
    }

    /// Counts the recipients, or refuses; gives how long the mail has to wait for its turn.
    fn within_limits(
        &self,
        tx: &mut Tx<'_>,
        account: &SesAccountRow,
        draft: &Draft,
        may_wait: bool,
        now: Timestamp,
    ) -> Result<i64, Unsent> {
        // What is never sent waits and is refused like any other, and takes nothing from those that are.
        let counts = |recipients: usize| if draft.decoy { 0 } else { recipients as i64 };
        let recipients = counts(draft.to.len());
        let billed = counts(draft.to.iter().filter(|recipient| !sandbox::is_simulator(recipient)).count());
        let (quota, rate) = self.limits(account);
        let mut wait_ms = 0;
        if (quota, rate) != (UNLIMITED, UNLIMITED) {
            tx.queue_for_sending()?;
            let bucket = Bucket { rate, full: tx.send_rate()? };
            wait_ms = bucket.wait_ms(now);
            let in_time = draft.expires.is_none_or(|expires| now.plus_ms(wait_ms + USEFUL_MS) < expires);
            if wait_ms > 0 && !(may_wait && in_time) {
                return Err(Unsent::Rate { wait_ms });
            }
            let day_ago = sandbox::slot(now.minus_ms(DAY_MS - sandbox::SLOT_MS));
            if quota != UNLIMITED && !sandbox::within_quota(quota, tx.sent_since(day_ago)?) {
                return Err(Unsent::Quota);
            }
            tx.put_send_rate(bucket.taken(recipients, now).full)?;
        }
        tx.count_sends(sandbox::slot(now), billed)?;
        Ok(wait_ms)
    }

    /// The quota and rate that hold for an account now.
    pub(crate) fn limits(&self, account: &SesAccountRow) -> (i64, i64) {
        match (self.settings.limits, account.production) {
            (false, _) => (UNLIMITED, UNLIMITED),
            (true, true) => (account.quota, account.rate),
            (true, false) => (SANDBOX_QUOTA, SANDBOX_RATE),
        }
    }

    /// Chooses where bounces go: the identity's MAIL FROM domain, the operator's address, or the sender.
    fn envelope_from(&self, draft: &Draft, identity: Option<&Identity>) -> Result<Address, Unsent> {
        let from = &draft.content.from().address;
        let own = identity.and_then(|identity| identity.notes.mail_from.as_ref());
        match own {
            Some(own) if own.status == Status::Success => {
                Ok(Address::parse(&format!("bounce@{}", own.domain)).map_err(anyhow::Error::from)?)
            }
            Some(own) if own.reject_on_failure => Err(Unsent::MailFrom),
            _ => Ok(draft.feedback_to.as_ref().or(self.settings.bounces.as_ref()).unwrap_or(from).clone()),
        }
    }

    fn write_down(
        &self,
        tx: &mut Tx<'_>,
        draft: &Draft,
        envelope_from: Address,
        now: Timestamp,
        wait_ms: i64,
    ) -> Result<Queued, Unsent> {
        let message_id = message_id(&self.settings.region, now);
        let base = message_id.trim_end_matches("000000").to_owned();
        let not_after = not_after(draft.expires, draft.urgent, now);
        for (number, to) in draft.to.iter().enumerate() {
            let letter = Letter {
                body: Body::Mail {
                    to: to.clone(),
                    envelope_from: envelope_from.clone(),
                    content: draft.content.clone(),
                },
                purpose: draft.purpose.clone(),
                code: draft.code.clone(),
                facts: draft.facts.clone(),
                decoy: draft.decoy,
                expires_ms: draft.expires.map(Timestamp::ms),
                handover: draft.handover.clone(),
            };
            let suppressed = draft.handover.is_none() && tx.find_suppressed(&to.canonical())?.is_some();
            let at_once = wait_ms == 0;
            let next = if at_once { now.plus_ms(LEASE.as_millis() as i64) } else { now.plus_ms(wait_ms) };
            let mut row = OutboxRow {
                id: format!("{base}{number:06}"),
                purpose: draft.purpose.clone(),
                pool_id: draft.pool_id.clone(),
                user_id: draft.user_id.clone(),
                recipient: to.masked(),
                state: if suppressed { "suppressed" } else { "waiting" }.to_owned(),
                payload: (!suppressed).then(|| letter.write()).transpose()?,
                attempts: i64::from(at_once),
                next: (!suppressed).then_some(next),
                reply: String::new(),
                not_after,
                created: now,
                urgent: draft.urgent,
                doubts: 0,
            };
            tx.add_mail(&row)?;
            if suppressed {
                if let Some(pool_id) = &row.pool_id {
                    let details = format!("{}: suppressed", row.purpose);
                    log_undelivered(tx, pool_id, &details, now)?;
                }
                continue;
            }
            let notes = self.notes.clone();
            row.payload = None;
            let note = if at_once { Note::Leased(Box::new((row, letter))) } else { Note::Due(next) };
            // A full channel is no loss: the mail is in the outbox, and its lease ends.
            tx.after_commit(move || drop(notes.try_send(note)));
        }
        Ok(Queued { message_id })
    }

    /// The account's settings, read once for each state of SES; its rate's bucket is not kept up.
    fn account_now(&self, tx: &mut Tx<'_>) -> Result<Arc<SesAccountRow>> {
        tx.recalled(Topic::Ses, "SES account", "", |tx| self.account(tx))
    }

    /// The account's row, which stands since the service was opened.
    pub(crate) fn account(&self, tx: &mut Tx<'_>) -> Result<SesAccountRow> {
        tx.ses_account()?.ok_or_else(|| anyhow::anyhow!("the SES account was never opened"))
    }
}

/// Until when a message is tried: while what it carries is of use, and what nobody waits for a day at most.
pub(crate) fn not_after(expires: Option<Timestamp>, urgent: bool, now: Timestamp) -> Timestamp {
    let useful = expires.map(|expires| expires.minus_ms(USEFUL_MS));
    let day = now.plus_ms(DAY_MS);
    match useful {
        Some(useful) if urgent => useful,
        useful => useful.unwrap_or(day).min(day),
    }
}

/// Finds the most specific identity that covers an address and may send.
pub(crate) fn verified_identity(tx: &mut Tx<'_>, address: &Address) -> Result<Arc<Option<Identity>>> {
    tx.recalled(Topic::Ses, "verified identity", &address.spelling(), |tx| {
        for name in sandbox::covering(address) {
            if let Some(row) = tx.find_identity(&name)?
                && may_send(&row.status)
            {
                return identity_of(row).map(Some);
            }
        }
        Ok(None)
    })
}

fn identity_of(row: IdentityRow) -> Result<Identity> {
    Identity::try_from(row)
}

/// Whether any identity that covers an address may send.
pub(crate) fn is_verified(tx: &mut Tx<'_>, address: &Address) -> Result<bool> {
    for name in sandbox::covering(address) {
        if tx.identity_status(&name)?.is_some_and(|status| may_send(&status)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Finds the domain whose key signs mails of an address: the most specific that may send, if it signs.
pub(crate) fn signing_domain(tx: &mut Tx<'_>, address: &Address) -> Result<Option<Identity>> {
    for name in sandbox::domains_above(address.domain()) {
        if let Some(row) = tx.find_identity(name)?
            && may_send(&row.status)
        {
            let identity = identity_of(row)?;
            let signs = identity.kind == Kind::Domain && identity.notes.signing;
            return Ok(signs.then_some(identity));
        }
    }
    Ok(None)
}

/// Makes an id as SES does: region, milliseconds, a UUID. The UUID begins with a number that goes up, so that ids of
/// one node are in order of time even within a millisecond.
pub(crate) fn message_id(region: &str, now: Timestamp) -> String {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let region = match region {
        "us-east-1" => "0100",
        "us-west-2" => "0101",
        "eu-west-1" => "0102",
        _ => "0109",
    };
    let place = MADE.fetch_add(1, Ordering::Relaxed);
    let [b, c, d] = [uuid_part(), uuid_part(), uuid_part()];
    format!(
        "{region}{:012x}-{place:08x}-{b}-4{}-a{}-{}-000000",
        now.ms(),
        &c[1..],
        &d[1..],
        hex::encode(random::bytes::<6>())
    )
}

fn uuid_part() -> String {
    hex::encode(random::bytes::<2>())
}
