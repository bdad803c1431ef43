//! Statements about mails on their way. A mail is leased by moving its next attempt into the future; the number
//! of the attempt fences, so that one that was overtaken can no longer conclude anything.

use crate::{Purpose, Row, Timestamp, Tx, values};
use anyhow::Result;

/// A mail on its way, or what is left of one.
#[derive(Clone)]
pub struct OutboxRow {
    pub id: String,
    pub purpose: String,
    pub pool_id: Option<String>,
    pub user_id: Option<String>,
    /// Masked.
    pub recipient: String,
    pub state: String,
    /// The mail; nothing once it is final.
    pub payload: Option<Vec<u8>>,
    pub attempts: i64,
    /// When anyone may attempt it; nothing once it is final.
    pub next: Option<Timestamp>,
    pub reply: String,
    pub not_after: Timestamp,
    pub created: Timestamp,
    /// Somebody waits for it: it passes those that nobody waits for.
    pub urgent: bool,
    /// Attempts of which nobody knows whether they succeeded.
    pub doubts: i64,
}

impl Tx<'_> {
    pub fn add_mail(&mut self, mail: &OutboxRow) -> Result<()> {
        let sealed = mail.payload.as_ref().map(|payload| self.keys.seal(Purpose::Mail, payload));
        self.run(
            "insert into outbox (id, purpose, pool_id, user_id, recipient, state, payload, attempts, next_ms, \
             reply, not_after_ms, created_ms, urgent, doubts) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
            values![
                &mail.id,
                &mail.purpose,
                mail.pool_id.as_ref(),
                mail.user_id.as_ref(),
                &mail.recipient,
                &mail.state,
                sealed.as_ref(),
                mail.attempts,
                mail.next,
                &mail.reply,
                mail.not_after,
                mail.created,
                mail.urgent,
                mail.doubts
            ],
        )?;
        Ok(())
    }

    /// Takes mails whose time has come, those that somebody waits for or the others, each for one attempt that must
    /// conclude before `until`.
    pub fn lease_mails(
        &mut self,
        now: Timestamp,
        until: Timestamp,
        urgent: bool,
        limit: i64,
    ) -> Result<Vec<OutboxRow>> {
        let keys = self.keys.clone();
        self.rows(
            "update outbox set next_ms = $1, attempts = attempts + 1 where id in \
             (select id from outbox where urgent = $2 and next_ms <= $3 order by next_ms limit $4) \
             and next_ms <= $5 \
             returning id, purpose, pool_id, user_id, recipient, state, payload, attempts, next_ms, reply, \
             not_after_ms, created_ms, urgent, doubts",
            values![until, urgent, now, limit, now],
            |row| {
                let mut mail = outbox(row)?;
                mail.payload =
                    row.opt_blob(6)?.map(|payload| keys.open(Purpose::Mail, &payload)).transpose()?;
                Ok(mail)
            },
        )
    }

    /// When the next attempt is due.
    pub fn next_mail(&mut self) -> Result<Option<Timestamp>> {
        self.row(
            "select next_ms from outbox where next_ms is not null order by next_ms limit 1",
            &[],
            |row| row.time(0),
        )
    }

    /// When the next attempt at a mail that somebody waits for is due, or at another.
    pub fn next_mail_of(&mut self, urgent: bool) -> Result<Option<Timestamp>> {
        self.row(
            "select next_ms from outbox where urgent = $1 and next_ms is not null order by next_ms limit 1",
            values![urgent],
            |row| row.time(0),
        )
    }

    /// Concludes a mail and drops what it said; false when another attempt has overtaken this one.
    pub fn finish_mail(&mut self, id: &str, attempt: i64, state: &str, reply: &str) -> Result<bool> {
        let finished = self.run(
            "update outbox set state = $1, reply = $2, payload = null, next_ms = null \
             where id = $3 and attempts = $4 and next_ms is not null",
            values![state, reply, id, attempt],
        )?;
        Ok(finished == 1)
    }

    /// Puts a mail back for another attempt; false when one has overtaken this one.
    pub fn defer_mail(
        &mut self,
        id: &str,
        attempt: i64,
        next: Timestamp,
        doubts: i64,
        reply: &str,
    ) -> Result<bool> {
        let deferred = self.run(
            "update outbox set next_ms = $1, doubts = $2, reply = $3 \
             where id = $4 and attempts = $5 and next_ms is not null",
            values![next, doubts, reply, id, attempt],
        )?;
        Ok(deferred == 1)
    }

    /// Lists what became of mails, newest first, without what they said; older than the one of this moment and id.
    pub fn list_mails(&mut self, before: Option<(Timestamp, &str)>, limit: i64) -> Result<Vec<OutboxRow>> {
        let (time, id) = before.unwrap_or((Timestamp::from_ms(i64::MAX), ""));
        self.rows(
            "select id, purpose, pool_id, user_id, recipient, state, null, attempts, next_ms, reply, \
             not_after_ms, created_ms, urgent, doubts from outbox where (created_ms, id) < ($1, $2) \
             order by created_ms desc, id desc limit $3",
            values![time, id, limit],
            outbox,
        )
    }

    /// Forgets mails that were concluded long ago, a bounded number a call.
    pub fn forget_mails_before(&mut self, time: Timestamp) -> Result<u64> {
        self.run(
            "delete from outbox where id in (select id from outbox where created_ms < $1 and next_ms is null \
             order by created_ms limit 500)",
            values![time],
        )
    }
}

fn outbox(row: &Row<'_>) -> Result<OutboxRow> {
    Ok(OutboxRow {
        id: row.text(0)?,
        purpose: row.text(1)?,
        pool_id: row.opt_text(2)?,
        user_id: row.opt_text(3)?,
        recipient: row.text(4)?,
        state: row.text(5)?,
        payload: None,
        attempts: row.int(7)?,
        next: row.opt_time(8)?,
        reply: row.text(9)?,
        not_after: row.time(10)?,
        created: row.time(11)?,
        urgent: row.flag(12)?,
        doubts: row.int(13)?,
    })
}
