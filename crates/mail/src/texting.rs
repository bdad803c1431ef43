//! Accepts text messages (SNS): the role that may send them, and the checks before one is accepted, all in the caller's
//! unit of work. On its way it shares the outbox and the worker with mails.

use std::collections::BTreeMap;

use postern_access::{Caller, Context, Denied, IDP_SERVICE, Stop};
use postern_store::audit::AuditRecord;
use postern_store::mail::OutboxRow;
use postern_store::{Timestamp, Tx};

use crate::Mail;
use crate::draft::{Body, Handover, Letter};
use crate::handover::{LEASE, Note};
use crate::price;
use crate::send::{Queued, message_id, not_after};
use crate::text::{LENGTH_MAX, Text};
use crate::transport::Carrier;

/// What counts the money that went into texts.
const SPENT: &str = "texts/spent";
/// The attribute of SNS that limits it.
pub(crate) const SPEND_LIMIT: &str = "MonthlySpendLimit";
/// The action that sends one, as SNS writes it in its refusals.
const PUBLISH: &str = "SNS:Publish";

/// A text message to be sent.
#[derive(Clone)]
pub struct TextDraft {
    pub text: Text,
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
    /// Stands for a message to somebody who does not exist: costs the same, and is never sent.
    pub decoy: bool,
    /// The most that it may cost, in millionths of a dollar.
    pub price_max: Option<i64>,
    /// Who sends it in our place.
    pub handover: Option<Handover>,
}

/// A pool's right to send: the role that it names in its `SmsConfiguration`.
#[derive(Clone, Copy)]
pub struct TextRole<'a> {
    pub pool_id: &'a str,
    pub pool_arn: &'a str,
    pub role_arn: &'a str,
    pub external_id: Option<&'a str>,
}

/// Why a text message was not accepted.
#[derive(Debug)]
pub enum Untexted {
    /// This server has no way to send any.
    NoCarrier,
    /// The role that should send it is gone or does not trust us.
    NoRole(Box<Denied>),
    /// Policies do not allow it.
    Denied(Box<Denied>),
    TooLong,
    /// What may be spent on texts in this month is spent.
    SpendLimit,
    Failed(anyhow::Error),
}

impl From<anyhow::Error> for Untexted {
    fn from(cause: anyhow::Error) -> Self {
        Untexted::Failed(cause)
    }
}

impl Mail {
    /// Tells whether text messages can leave this server at all.
    pub fn sends_texts(&self) -> bool {
        !matches!(self.carrier, Carrier::None)
    }

    /// Accepts a text message of a pool, or says why not. It is on its way as soon as the caller's unit of work is
    /// durable.
    pub fn send_text(
        &self,
        tx: &mut Tx<'_>,
        role: &TextRole<'_>,
        draft: &TextDraft,
        now: Timestamp,
    ) -> Result<Queued, Untexted> {
        let session = self.may_text(tx, role, &draft.text.to)?;
        self.access.note_role_used(tx, &session)?;
        // Who asks is told, by what was asked for alone, rather than that no code ever comes.
        if !self.may_spend(tx, now)? {
            return Err(Untexted::SpendLimit);
        }
        self.queue_text(tx, draft.clone(), now)
    }

    /// Accepts a text message that a function sends, by rules of its own.
    pub fn hand_text_over(
        &self,
        tx: &mut Tx<'_>,
        draft: &TextDraft,
        now: Timestamp,
    ) -> Result<Queued, Untexted> {
        self.write_down_text(tx, draft, now)
    }

    /// Accepts a text message that may be sent. One that its number does not want, the sandbox does not let out or nobody
    /// pays for is accepted as well, and fails: so do SNS and what asks it.
    pub(crate) fn queue_text(
        &self,
        tx: &mut Tx<'_>,
        mut draft: TextDraft,
        now: Timestamp,
    ) -> Result<Queued, Untexted> {
        if draft.text.sender_id.is_none() {
            draft.text.sender_id = sms_attribute(tx, "DefaultSenderID")?;
        }
        let price = self.settings.text_prices.of(&draft.text);
        let opted_out = tx.find_opt_out(&draft.text.to)?.is_some_and(|row| row.out);
        let stopped = if opted_out {
            Some(("suppressed", "the number has opted out of text messages"))
        } else if self.settings.text_sandbox
            && tx.find_sandbox_number(&draft.text.to)?.is_none_or(|row| row.status != "Verified")
        {
            Some(("failed", "the number is not verified in the SMS sandbox"))
        } else if draft.price_max.is_some_and(|most| price > most) {
            Some(("failed", "the message costs more than its MaxPrice"))
        } else if !self.may_spend(tx, now)? {
            Some(("failed", "what may be spent on text messages in this month is spent"))
        } else {
            None
        };
        match stopped {
            Some((state, reply)) if !draft.decoy => {
                self.check_text(&draft)?;
                self.record_stopped(tx, &draft, state, reply, now)
            }
            _ => {
                let queued = self.write_down_text(tx, &draft, now)?;
                self.spend(tx, if draft.decoy { 0 } else { price }, now)?;
                Ok(queued)
            }
        }
    }

    /// Tells whether anything is left of what may be spent on texts in this month (rule S7). As with a quota, the last
    /// one may overdraw it.
    fn may_spend(&self, tx: &mut Tx<'_>, now: Timestamp) -> Result<bool, Untexted> {
        if !self.settings.limits {
            return Ok(true);
        }
        let (month, _) = price::month(now);
        let limit = self.spend_limit(tx)?;
        Ok(tx.counted(SPENT, "all", month)? < limit)
    }

    /// Counts what a text costs. The one that reaches the month's limit is told in the audit.
    fn spend(&self, tx: &mut Tx<'_>, price: i64, now: Timestamp) -> Result<(), Untexted> {
        let (month, forgotten) = price::month(now);
        let spent = tx.count_by(price, SPENT, "all", month, forgotten)?;
        let limit = self.spend_limit(tx)?;
        if self.settings.limits && spent >= limit && spent - price < limit {
            tracing::error!(spent, limit, "the month's limit for text messages is reached: no more are sent");
            tx.add_audit(&AuditRecord {
                time: now,
                who: "postern".to_owned(),
                action: "SpendOnTexts".to_owned(),
                resource: "sms".to_owned(),
                outcome: "limit reached".to_owned(),
                detail: format!(
                    "MonthlySpendLimit of {} USD: no more texts until next month",
                    dollars(limit)
                ),
                ..AuditRecord::default()
            })?;
        }
        Ok(())
    }

    /// What may be spent on texts in a month.
    fn spend_limit(&self, tx: &mut Tx<'_>) -> Result<i64, Untexted> {
        let set = sms_attribute(tx, SPEND_LIMIT)?;
        Ok(set.and_then(|set| price::read(&set)).unwrap_or(self.settings.text_spend_monthly))
    }

    /// The month's limit of somebody who has set none, as SNS shows it.
    pub(crate) fn default_spend_limit(&self) -> String {
        dollars(self.settings.text_spend_monthly)
    }

    fn record_stopped(
        &self,
        tx: &mut Tx<'_>,
        draft: &TextDraft,
        state: &str,
        reply: &str,
        now: Timestamp,
    ) -> Result<Queued, Untexted> {
        let message_id = message_id(&self.settings.region, now);
        tx.add_mail(&OutboxRow {
            id: message_id.clone(),
            purpose: draft.purpose.clone(),
            pool_id: draft.pool_id.clone(),
            user_id: draft.user_id.clone(),
            recipient: masked(&draft.text.to),
            state: state.to_owned(),
            payload: None,
            attempts: 0,
            next: None,
            reply: reply.to_owned(),
            not_after: now,
            created: now,
            urgent: draft.urgent,
            doubts: 0,
        })?;
        tracing::warn!(id = message_id, state, reply, "text not sent");
        Ok(Queued { message_id })
    }

    fn check_text(&self, draft: &TextDraft) -> Result<(), Untexted> {
        if !self.sends_texts() {
            return Err(Untexted::NoCarrier);
        }
        if draft.text.text.chars().count() > LENGTH_MAX {
            return Err(Untexted::TooLong);
        }
        Ok(())
    }

    /// Assumes a pool's role and asks whether it may publish to a number, or to any for `*`.
    pub fn may_text(&self, tx: &mut Tx<'_>, role: &TextRole<'_>, number: &str) -> Result<Caller, Untexted> {
        let session = format!("CognitoIdpSms-{}", role.pool_id);
        let session = self
            .access
            .assume_role_as_service(
                tx,
                (IDP_SERVICE, role.pool_arn),
                role.role_arn,
                role.external_id,
                &session,
            )
            .map_err(|stop| match stop {
                Stop::Denied(denied) => Untexted::NoRole(denied),
                Stop::Failed(cause) => Untexted::Failed(cause),
            })?;
        // A number has no ARN: only a statement on every resource covers it.
        match self.access.authorize(tx, &session, PUBLISH, number, &Context::new()) {
            Ok(_) => Ok(session),
            Err(Stop::Denied(denied)) => Err(Untexted::Denied(denied)),
            Err(Stop::Failed(cause)) => Err(Untexted::Failed(cause)),
        }
    }

    pub(crate) fn write_down_text(
        &self,
        tx: &mut Tx<'_>,
        draft: &TextDraft,
        now: Timestamp,
    ) -> Result<Queued, Untexted> {
        if draft.handover.is_none() {
            self.check_text(draft)?;
        }
        let message_id = message_id(&self.settings.region, now);
        let letter = Letter {
            body: Body::Text(draft.text.clone()),
            purpose: draft.purpose.clone(),
            code: draft.code.clone(),
            facts: draft.facts.clone(),
            decoy: draft.decoy,
            expires_ms: draft.expires.map(Timestamp::ms),
            handover: draft.handover.clone(),
        };
        let row = OutboxRow {
            id: message_id.clone(),
            purpose: draft.purpose.clone(),
            pool_id: draft.pool_id.clone(),
            user_id: draft.user_id.clone(),
            recipient: masked(&draft.text.to),
            state: "waiting".to_owned(),
            payload: Some(letter.write()?),
            attempts: 1,
            next: Some(now.plus_ms(LEASE.as_millis() as i64)),
            reply: String::new(),
            not_after: not_after(draft.expires, draft.urgent, now),
            created: now,
            urgent: draft.urgent,
            doubts: 0,
        };
        tx.add_mail(&row)?;
        let notes = self.notes.clone();
        let leased = Box::new((OutboxRow { payload: None, ..row }, letter));
        // A full channel is no loss: the message is in the outbox, and its lease ends.
        tx.after_commit(move || drop(notes.try_send(Note::Leased(leased))));
        Ok(Queued { message_id })
    }
}

fn sms_attribute(tx: &mut Tx<'_>, wanted: &str) -> anyhow::Result<Option<String>> {
    Ok(tx.sms_attributes()?.into_iter().find(|(name, _)| name == wanted).map(|(_, value)| value))
}

/// A sum in dollars, without zeros that say nothing.
fn dollars(micros: i64) -> String {
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Hides a number but for its last two digits, as delivery records show it.
fn masked(number: &str) -> String {
    let digits = number.trim_start_matches('+');
    let hidden = digits.len().saturating_sub(2);
    format!("+{}{}", "*".repeat(hidden), digits.get(hidden..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_shows_the_last_two_digits() {
        assert_eq!(masked("+15555559934"), "+*********34");
        assert_eq!(masked("+"), "+");
    }

    #[test]
    fn a_sum_is_shown_as_short_as_it_can_be() {
        assert_eq!(dollars(1_000_000), "1");
        assert_eq!(dollars(250_000), "0.25");
        assert_eq!(dollars(0), "0");
        assert_eq!(dollars(100_000_000), "100");
    }
}
