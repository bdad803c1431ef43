//! Carries accepted mails to the transport, and texts to the carrier: at once after the commit, again by a schedule
//! while they are of use, and never after. What happened is written down for many messages at a time.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use postern_store::mail::{InboxRow, OutboxRow};
use postern_store::{Timestamp, random};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::Mail;
use crate::address::Address;
use crate::bounces::{Fate, fate};
use crate::dkim::Key;
use crate::draft::{Body, Content, Handover, Letter};
use crate::handover::{LEASE, Note};
use crate::inbox::{Caught, INBOX_MAX};
use crate::send::signing_domain;
use crate::suppression::suppress;
use crate::transport::functions::{Functions, NoAnswer};
use crate::transport::{ATTEMPT, Carrier, Delivery, Parcel, TextParcel, Transport, Turn};
use crate::undelivered::log_undelivered;

/// Mails taken up at one time.
const BATCH: usize = 256;
/// How often the outbox is looked at when nobody calls: for mails of nodes that died.
const POLL: Duration = Duration::from_secs(15);
/// How long the worker waits for more before it begins: what it does for a mail comes after whoever caused it was
/// answered, so that the time of an answer does not tell a mail from a decoy (rule E3).
const GATHER: Duration = Duration::from_millis(1);
/// Waits between attempts, ± a fifth: what somebody waits for is tried at 0, 2, 5, 10, 20, 40 seconds and then every
/// minute; anything else within minutes, then hourly.
const URGENT_MS: [i64; 6] = [2_000, 3_000, 5_000, 10_000, 20_000, 60_000];
const PATIENT_MS: [i64; 4] = [60_000, 5 * 60_000, 15 * 60_000, 60 * 60_000];
/// How often a function is called to send one message.
const HANDOVERS_MAX: i64 = 3;
/// How often a code may be handed over without anybody knowing whether it was taken: a second copy of the same code does
/// no harm. Anything else is handed over once.
const DOUBTS_MAX: i64 = 2;
/// How long it is remembered what became of a mail.
const KEPT_MS: i64 = 7 * 24 * 3_600_000;

/// The one who carries mails. One runs in each process.
pub struct Worker {
    mail: Mail,
    transport: Transport,
    /// Who is called for messages that functions send.
    functions: Option<Functions>,
    notes: mpsc::Receiver<Note>,
    /// Attempts at messages that somebody waits for.
    urgent: JoinSet<Outcome>,
    /// Attempts at the others. When there are too many, more of them stay in the outbox.
    others: JoinSet<Outcome>,
    /// Some stay there.
    others_wait: bool,
    /// When the outbox must be looked at next.
    due: Option<Timestamp>,
}

/// How one attempt ended, to be written down.
struct Outcome {
    row: OutboxRow,
    verdict: Verdict,
    /// Whom the other side does not know, and never will.
    gone: Option<Address>,
}

enum Verdict {
    Final { state: &'static str, reply: String, caught: Option<Arc<Caught>> },
    Later { next: Timestamp, reply: String, doubts: i64 },
}

/// Says how long to wait after an attempt that failed; attempts count from 1.
fn pause_ms(urgent: bool, attempts: i64) -> i64 {
    let pauses: &[i64] = if urgent { &URGENT_MS } else { &PATIENT_MS };
    let place = usize::try_from(attempts - 1).unwrap_or(0).min(pauses.len() - 1);
    let pause = pauses[place];
    let fifth = pause / 5;
    pause - fifth + random::below(2 * fifth.unsigned_abs() + 1) as i64
}

impl Worker {
    pub(crate) fn new(mail: Mail, transport: Transport, notes: mpsc::Receiver<Note>) -> Worker {
        Worker {
            mail,
            transport,
            functions: None,
            notes,
            urgent: JoinSet::new(),
            others: JoinSet::new(),
            others_wait: false,
            due: None,
        }
    }

    /// The same, with somebody to call for messages that functions send.
    pub fn with_functions(self, functions: Functions) -> Worker {
        Worker { functions: Some(functions), ..self }
    }

    /// One who is told nothing, where another is at work.
    #[cfg(test)]
    pub(crate) fn idle(mail: &Mail) -> Worker {
        Worker::new(mail.clone(), Transport::Inbox, mpsc::channel(1).1)
    }

    /// Carries mails and looks after identities until told to stop; attempts under way are finished first.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        self.due = Some(self.mail.clock.now());
        loop {
            let mut notes = Vec::new();
            let pause = self.pause();
            let outcomes = tokio::select! {
                () = &mut stop => break,
                Some(done) = self.urgent.join_next(), if !self.urgent.is_empty() => self.gather(done.ok()),
                Some(done) = self.others.join_next(), if !self.others.is_empty() => self.gather(done.ok()),
                taken = timeout(pause, self.notes.recv_many(&mut notes, BATCH)), if self.urgent.len() < BATCH => match taken {
                    Ok(0) => break,
                    Ok(_) => { let notes = self.more(notes).await; self.take_up(notes).await },
                    Err(_) => self.look_around().await,
                },
            };
            self.conclude_or_log(outcomes).await;
        }
        let rest = self.all_ended().await;
        self.conclude_or_log(rest).await;
    }

    /// Gathers more notes than the first.
    async fn more(&mut self, mut notes: Vec<Note>) -> Vec<Note> {
        let gathering =
            async { while notes.len() < BATCH && self.notes.recv_many(&mut notes, BATCH).await > 0 {} };
        // What came until then stays in the list.
        let _ = timeout(GATHER, gathering).await;
        notes
    }

    /// Makes every attempt that is due and waits for all to end, for tests and for a last round.
    pub async fn run_due(&mut self) {
        let mut notes = Vec::new();
        while let Ok(note) = self.notes.try_recv() {
            notes.push(note);
        }
        let mut outcomes = self.take_up(notes).await;
        outcomes.extend(self.look_around().await);
        outcomes.extend(self.all_ended().await);
        self.conclude_or_log(outcomes).await;
    }

    async fn all_ended(&mut self) -> Vec<Outcome> {
        let mut outcomes = std::mem::take(&mut self.urgent).join_all().await;
        outcomes.extend(std::mem::take(&mut self.others).join_all().await);
        outcomes
    }

    fn pause(&self) -> Duration {
        let now = self.mail.clock.now();
        let until_due = self.due.map(|due| Duration::from_millis(due.since(now).max(0).unsigned_abs()));
        until_due.unwrap_or(POLL).min(POLL)
    }

    /// Collects what else has ended meanwhile, so that it is written down together.
    fn gather(&mut self, first: Option<Outcome>) -> Vec<Outcome> {
        let mut outcomes: Vec<Outcome> = first.into_iter().collect();
        while let Some(done) = self.urgent.try_join_next().or_else(|| self.others.try_join_next()) {
            outcomes.extend(done.ok());
        }
        if self.others_wait && self.others.len() <= BATCH / 2 {
            self.due = Some(self.mail.clock.now());
        }
        outcomes
    }

    async fn take_up(&mut self, notes: Vec<Note>) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        for note in notes {
            match note {
                Note::Leased(leased) => {
                    let (row, letter) = *leased;
                    outcomes.extend(self.attempt(row, letter).await);
                }
                Note::Due(time) => self.due = Some(self.due.map_or(time, |due| due.min(time))),
            }
        }
        outcomes
    }

    /// Takes what is due from the outbox, whoever put it there, and does the housekeeping.
    async fn look_around(&mut self) -> Vec<Outcome> {
        let now = self.mail.clock.now();
        let until = now.plus_ms(LEASE.as_millis() as i64);
        let room = BATCH.saturating_sub(self.others.len()) as i64;
        self.others_wait = room == 0;
        let taken = self.mail.store.write(move |tx| {
            let mut taken = tx.lease_mails(now, until, true, BATCH as i64)?;
            let next = if room > 0 {
                taken.extend(tx.lease_mails(now, until, false, room)?);
                tx.next_mail()?
            } else {
                tx.next_mail_of(true)?
            };
            tx.forget_mails_before(now.minus_ms(KEPT_MS))?;
            tx.forget_suppressed(now)?;
            anyhow::Ok((taken, next))
        });
        let (taken, next) = match taken.await {
            Ok(found) => found,
            Err(cause) => {
                tracing::error!(cause = format!("{cause:#}"), "the outbox could not be read");
                self.due = None;
                return Vec::new();
            }
        };
        self.due = next;
        if let Err(cause) = self.mail.look_after_identities().await {
            tracing::error!(cause = format!("{cause:#}"), "identities could not be looked after");
        }
        let mut outcomes = Vec::new();
        for row in taken {
            let letter = row.payload.as_deref().context("the mail is empty").and_then(Letter::read);
            match letter {
                Ok(letter) => outcomes.extend(self.attempt(row, letter).await),
                Err(cause) => outcomes.push(failed(row, format!("the mail does not read: {cause}"))),
            }
        }
        outcomes
    }

    /// Makes one attempt: here and now where nothing is waited for, else as a job of its own.
    async fn attempt(&mut self, row: OutboxRow, letter: Letter) -> Option<Outcome> {
        let now = self.mail.clock.now();
        if !row.urgent && self.others.len() >= BATCH {
            self.others_wait = true;
            return None;
        }
        if letter.decoy {
            return Some(ended(row, "dropped", String::new()));
        }
        if now >= row.not_after {
            return Some(too_late(row, "no time was left to use it".to_owned()));
        }
        let stays = match letter.body {
            _ if letter.handover.is_some() => false,
            Body::Mail { .. } => matches!(self.transport, Transport::Inbox),
            Body::Text(_) => matches!(self.mail.carrier, Carrier::Inbox),
        };
        if stays {
            let caught = Arc::new(Caught::new(&row, &letter));
            let verdict =
                Verdict::Final { state: "sent", reply: "kept in the inbox".to_owned(), caught: Some(caught) };
            return Some(Outcome { row, verdict, gone: None });
        }
        // What waited so long that its lease may end under way is sent by whoever finds it due.
        time_left(&row, now)?;
        if let Some(handover) = letter.handover.clone() {
            let (mail, functions) = (self.mail.clone(), self.functions.clone());
            self.lane(row.urgent).spawn(async move { hand_over(&mail, functions, row, &handover).await });
            return None;
        }
        let (mail, transport) = (self.mail.clone(), self.transport.clone());
        let takes_time = matches!(letter.body, Body::Text(_)) || self.transport.wants_bytes();
        let urgent = row.urgent;
        let job = async move { deliver(&mail, &transport, row, letter).await };
        if takes_time {
            self.lane(urgent).spawn(job);
            return None;
        }
        Some(job.await)
    }

    fn lane(&mut self, urgent: bool) -> &mut JoinSet<Outcome> {
        if urgent { &mut self.urgent } else { &mut self.others }
    }

    async fn conclude_or_log(&mut self, outcomes: Vec<Outcome>) {
        if outcomes.is_empty() {
            return;
        }
        if let Err(cause) = self.conclude(outcomes).await {
            tracing::error!(cause = format!("{cause:#}"), "what became of mails could not be written down");
        }
    }

    /// Writes down how attempts ended, all in one unit of work.
    async fn conclude(&mut self, outcomes: Vec<Outcome>) -> Result<()> {
        let outcomes = Arc::new(outcomes);
        let (mail, written, now) = (self.mail.clone(), outcomes.clone(), self.mail.clock.now());
        self.mail
            .store
            .write(move |tx| {
                let mut caught_any = false;
                for outcome in written.iter() {
                    let row = &outcome.row;
                    match &outcome.verdict {
                        Verdict::Later { next, reply, doubts } => {
                            tx.defer_mail(&row.id, row.attempts, *next, *doubts, reply)?;
                        }
                        Verdict::Final { state, reply, caught } => {
                            let current = tx.finish_mail(&row.id, row.attempts, state, reply)?;
                            if let (true, "failed" | "expired" | "unknown", Some(pool_id)) =
                                (current, *state, &row.pool_id)
                            {
                                let details = format!("{}: {state} {}", row.purpose, code_of(reply));
                                log_undelivered(tx, pool_id, details.trim_end(), now)?;
                            }
                            if let (true, Some(to)) = (current, &outcome.gone) {
                                suppress(&mail, tx, to, "BOUNCE", &code_of(reply), now)?;
                            }
                            if let (true, Some(caught)) = (current, caught) {
                                tx.add_to_inbox(&InboxRow {
                                    id: caught.id.clone(),
                                    recipient: caught.letter.inbox_key(),
                                    content: caught.letter.write()?,
                                    seen: false,
                                    used: false,
                                    created: caught.created,
                                })?;
                                caught_any = true;
                            }
                        }
                    }
                }
                if caught_any {
                    tx.prune_inbox(INBOX_MAX)?;
                }
                anyhow::Ok(())
            })
            .await?;
        for outcome in outcomes.iter() {
            self.announce(outcome);
        }
        Ok(())
    }

    fn announce(&mut self, outcome: &Outcome) {
        let row = &outcome.row;
        let took_ms = self.mail.clock.now().since(row.created);
        match &outcome.verdict {
            Verdict::Later { next, reply, .. } => {
                self.due = Some(self.due.map_or(*next, |due| due.min(*next)));
                tracing::warn!(id = row.id, attempt = row.attempts, code = code_of(reply), "mail deferred");
            }
            Verdict::Final { state, reply, caught } => {
                match *state {
                    "sent" => tracing::debug!(id = row.id, attempt = row.attempts, took_ms, "mail sent"),
                    "dropped" => {}
                    state => {
                        tracing::warn!(id = row.id, state, code = code_of(reply), took_ms, "mail not sent")
                    }
                }
                if let Some(caught) = caught {
                    // Nobody may be watching the inbox.
                    let _ = self.mail.caught.send(caught.clone());
                }
            }
        }
    }
}

/// Has a function send a message. One that fails is called again a few times, as Lambda does when nobody waits.
async fn hand_over(
    mail: &Mail,
    functions: Option<Functions>,
    row: OutboxRow,
    handover: &Handover,
) -> Outcome {
    let Some(functions) = functions else { return failed(row, "nobody calls functions here".to_owned()) };
    // What it answers is of no interest, and what it says when it fails may name what it was told.
    let reply = match functions.invoke(&handover.function, &handover.event).await {
        Ok(_) | Err(NoAnswer::Unreadable) => {
            return ended(row, "sent", "handed over to its function".to_owned());
        }
        Err(NoAnswer::Failed(_)) => "the function failed".to_owned(),
        Err(NoAnswer::NotInvoked(fault)) => format!("the function could not be called: {fault}"),
    };
    if row.attempts >= HANDOVERS_MAX {
        return failed(row, reply);
    }
    let next = mail.clock.now().plus_ms(pause_ms(true, row.attempts));
    again(row, next, reply)
}

/// How long a leased message may wait until an attempt at it must begin; nothing when it is too late.
fn time_left(row: &OutboxRow, now: Timestamp) -> Option<Duration> {
    let latest = row.next?.minus_ms(ATTEMPT.as_millis() as i64);
    u64::try_from(latest.since(now)).ok().map(Duration::from_millis)
}

/// Writes, signs and hands over one mail.
async fn deliver(mail: &Mail, transport: &Transport, row: OutboxRow, letter: Letter) -> Outcome {
    let wants_bytes = transport.wants_bytes();
    let bytes = match &letter.body {
        Body::Mail { content, .. } if wants_bytes => signed(mail, &row, content).await,
        _ => Ok(Vec::new()),
    };
    let bytes = match bytes {
        Ok(bytes) => bytes,
        Err(cause) => return failed(row, format!("the mail could not be written: {cause:#}")),
    };
    let is_mail = matches!(letter.body, Body::Mail { .. });
    let wait = time_left(&row, mail.clock.now()).unwrap_or_default();
    let _turn = match is_mail {
        true => match transport.turn(row.urgent, wait).await {
            Some(turn) => turn,
            None => return after_pause(mail, row, "the relay was busy with other mails".to_owned(), None),
        },
        false => Turn::default(),
    };
    let now = mail.clock.now();
    let left_ms = row.not_after.since(now).max(0).unsigned_abs();
    if left_ms == 0 {
        return too_late(row, "no time was left to use it".to_owned());
    }
    let patience = Duration::from_millis(left_ms);
    let delivery = match &letter.body {
        Body::Mail { to, envelope_from, content } => {
            let shown = content.shown();
            let from = mail.return_path(envelope_from, to);
            let parcel = Parcel {
                id: &row.id,
                from: &from,
                to,
                bytes: &bytes,
                shown: &shown,
                created: row.created,
                now,
                patience,
            };
            transport.deliver(&parcel).await
        }
        Body::Text(text) => {
            let pool_id = row.pool_id.as_deref();
            mail.carrier.deliver(&TextParcel { id: &row.id, pool_id, text, now, patience }).await
        }
    };
    match delivery {
        Delivery::Accepted { reply } => ended(row, "sent", reply),
        Delivery::Refused { reply } => {
            let gone = match letter.body {
                Body::Mail { to, .. } if fate(&reply) == Some(Fate::Gone) => Some(to),
                _ => None,
            };
            Outcome { gone, ..failed(row, reply) }
        }
        Delivery::Later { reply } => after_pause(mail, row, reply, None),
        Delivery::Slower { reply, until } => after_pause(mail, row, reply, Some(until)),
        Delivery::Unknown { reply } => {
            let row = OutboxRow { doubts: row.doubts + 1, ..row };
            match row.urgent && row.doubts < DOUBTS_MAX {
                true => after_pause(mail, row, reply, None),
                false => ended(row, "unknown", reply),
            }
        }
    }
}

/// Puts a message back for another attempt: by its schedule, or soon after a pause that the relay asked for.
fn after_pause(mail: &Mail, row: OutboxRow, reply: String, pause: Option<Timestamp>) -> Outcome {
    let next = match pause {
        // Not all at once.
        Some(until) => until.plus_ms(random::below(if row.urgent { 500 } else { 5_000 }) as i64),
        None => mail.clock.now().plus_ms(pause_ms(row.urgent, row.attempts)),
    };
    again(row, next, reply)
}

fn again(row: OutboxRow, next: Timestamp, reply: String) -> Outcome {
    if next >= row.not_after {
        return too_late(row, reply);
    }
    let doubts = row.doubts;
    Outcome { row, verdict: Verdict::Later { next, reply, doubts }, gone: None }
}

/// Gives a message up; one that may have been taken is not said to have come to nothing.
fn too_late(row: OutboxRow, reply: String) -> Outcome {
    let state = if row.doubts > 0 { "unknown" } else { "expired" };
    ended(row, state, reply)
}

/// Writes the message, signed with its domain's key where receivers can find that key.
async fn signed(mail: &Mail, row: &OutboxRow, content: &Content) -> Result<Vec<u8>> {
    let bytes = content
        .bytes(&row.id, row.created)
        .map_err(|bad| anyhow::anyhow!("not a mail any more: {}", bad.words()))?;
    let from = content.from().address.clone();
    let domain = mail.store.read(move |tx| signing_domain(tx, &from)).await?;
    let Some(domain) = domain.filter(|domain| domain.notes.own_key || mail.settings.hosts.are_ours()) else {
        return Ok(bytes);
    };
    let now = mail.clock.now();
    tokio::task::spawn_blocking(move || {
        let private_key = domain.private_key.context("the domain has no key")?;
        let selector = domain.notes.selectors.first().context("the domain has no selector")?;
        Key::new(&domain.name, selector, &private_key)?.sign(&bytes, now)
    })
    .await?
}

fn ended(row: OutboxRow, state: &'static str, reply: String) -> Outcome {
    Outcome { row, verdict: Verdict::Final { state, reply, caught: None }, gone: None }
}

fn failed(row: OutboxRow, reply: String) -> Outcome {
    ended(row, "failed", reply)
}

/// The digits of a relay's reply, fit for the log: the words may name an address.
fn code_of(reply: &str) -> String {
    reply
        .split(|c: char| !c.is_ascii_digit() && c != '.')
        .find(|word| word.len() >= 3)
        .unwrap_or("")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_tried_often_and_other_mail_with_patience() {
        for (attempt, pause) in (1..).zip([2_000, 3_000, 5_000, 10_000, 20_000, 60_000, 60_000]) {
            let drawn = pause_ms(true, attempt);
            assert!((pause * 4 / 5..=pause * 6 / 5).contains(&drawn), "{attempt}: {drawn}");
        }
        assert!(pause_ms(false, 1) >= 48_000 && pause_ms(false, 99) <= 72 * 60_000);
    }

    #[test]
    fn the_log_gets_the_code_and_no_address() {
        assert_eq!(code_of("permanent error (550): 5.1.1 alice@example.com"), "550");
        assert_eq!(code_of("no answer in time"), "");
    }
}
