//! Statements about what pools that watch for threats remember: events around sign-in, and what is done about risks.

use crate::{Row, Timestamp, Tx, values};
use anyhow::Result;

/// An event's row; see the table's comments for the columns.
#[derive(Clone, Debug)]
pub struct AuthEventRow {
    pub id: String,
    pub pool_id: String,
    pub user_id: String,
    pub client_id: String,
    pub kind: String,
    pub response: String,
    pub source: String,
    pub device: String,
    pub device_mac: String,
    pub timezone: String,
    pub level: String,
    pub decision: String,
    pub compromised: bool,
    pub challenges: String,
    pub feedback: String,
    pub feedback_by: String,
    pub feedback_at: Timestamp,
    pub created: Timestamp,
    pub expires: Timestamp,
}

macro_rules! select_event {
    ($rest:literal) => {
        concat!(
            "select id, pool_id, user_id, client_id, kind, response, source, device, device_mac, timezone, level, \
             decision, compromised, challenges, feedback, feedback_by, feedback_ms, created_ms, expires_ms \
             from auth_events ",
            $rest
        )
    };
}

impl Tx<'_> {
    pub fn add_auth_event(&mut self, event: &AuthEventRow) -> Result<()> {
        self.run(
            "insert into auth_events (id, pool_id, user_id, client_id, kind, response, source, device, device_mac, \
             timezone, level, decision, compromised, challenges, feedback, feedback_by, feedback_ms, created_ms, \
             expires_ms) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, \
             $19)",
            values![
                &event.id,
                &event.pool_id,
                &event.user_id,
                &event.client_id,
                &event.kind,
                &event.response,
                &event.source,
                &event.device,
                &event.device_mac,
                &event.timezone,
                &event.level,
                &event.decision,
                event.compromised,
                &event.challenges,
                &event.feedback,
                &event.feedback_by,
                event.feedback_at,
                event.created,
                event.expires
            ],
        )?;
        Ok(())
    }

    /// Finds an event of a pool's users.
    pub fn find_auth_event(&mut self, pool_id: &str, id: &str) -> Result<Option<AuthEventRow>> {
        self.row(
            select_event!("where pool_id = $1 and id = $2 and user_id <> ''"),
            values![pool_id, id],
            event,
        )
    }

    /// A user's events, the newest first; those before an id, or all.
    pub fn auth_events(
        &mut self,
        pool_id: &str,
        user_id: &str,
        before: Option<&str>,
        limit: i64,
    ) -> Result<Vec<AuthEventRow>> {
        // Ids begin with a hexadecimal digit.
        let before = before.unwrap_or("g");
        self.rows(
            select_event!("where pool_id = $1 and user_id = $2 and id < $3 order by id desc limit $4"),
            values![pool_id, user_id, before, limit],
            event,
        )
    }

    /// A user's newest sign-ins that show how they sign in: those that passed, and those that somebody has spoken of.
    pub fn telling_sign_ins(
        &mut self,
        pool_id: &str,
        user_id: &str,
        since: &str,
        limit: i64,
    ) -> Result<Vec<AuthEventRow>> {
        self.rows(
            select_event!(
                "where pool_id = $1 and user_id = $2 and id >= $3 and kind = 'SignIn' \
                 and (response = 'Pass' or feedback <> '') order by id desc limit $4"
            ),
            values![pool_id, user_id, since, limit],
            event,
        )
    }

    /// A user's newest sign-ins that failed, and that nobody has spoken of.
    pub fn failed_sign_ins(
        &mut self,
        pool_id: &str,
        user_id: &str,
        since: &str,
        limit: i64,
    ) -> Result<Vec<AuthEventRow>> {
        self.rows(
            select_event!(
                "where pool_id = $1 and user_id = $2 and id >= $3 and kind = 'SignIn' \
                 and response = 'Fail' and feedback = '' order by id desc limit $4"
            ),
            values![pool_id, user_id, since, limit],
            event,
        )
    }

    /// Notes how an event went on.
    pub fn go_on_with_auth_event(&mut self, id: &str, response: &str, challenges: &str) -> Result<()> {
        self.run(
            "update auth_events set response = $1, challenges = $2 where id = $3",
            values![response, challenges, id],
        )?;
        Ok(())
    }

    /// Notes what somebody says of an event.
    pub fn note_auth_event_feedback(
        &mut self,
        id: &str,
        feedback: &str,
        by: &str,
        now: Timestamp,
    ) -> Result<()> {
        self.run(
            "update auth_events set feedback = $1, feedback_by = $2, feedback_ms = $3 where id = $4",
            values![feedback, by, now, id],
        )?;
        Ok(())
    }

    pub fn put_risk_configuration(
        &mut self,
        pool_id: &str,
        client_id: &str,
        config: &str,
        uses_email_role: bool,
        now: Timestamp,
    ) -> Result<()> {
        self.run(
            "insert into risk_configurations (pool_id, client_id, config, uses_email_role, modified_ms) \
             values ($1, $2, $3, $4, $5) on conflict (pool_id, client_id) do update set \
             config = excluded.config, uses_email_role = excluded.uses_email_role, \
             modified_ms = excluded.modified_ms",
            values![pool_id, client_id, config, uses_email_role, now],
        )?;
        Ok(())
    }

    pub fn remove_risk_configuration(&mut self, pool_id: &str, client_id: &str) -> Result<()> {
        self.run(
            "delete from risk_configurations where pool_id = $1 and client_id = $2",
            values![pool_id, client_id],
        )?;
        Ok(())
    }

    /// What a pool, or one of its apps, does about threats, and since when.
    pub fn risk_configuration(
        &mut self,
        pool_id: &str,
        client_id: &str,
    ) -> Result<Option<(String, Timestamp)>> {
        self.row(
            "select config, modified_ms from risk_configurations where pool_id = $1 and client_id = $2",
            values![pool_id, client_id],
            |row| Ok((row.text(0)?, row.time(1)?)),
        )
    }
}

fn event(row: &Row<'_>) -> Result<AuthEventRow> {
    Ok(AuthEventRow {
        id: row.text(0)?,
        pool_id: row.text(1)?,
        user_id: row.text(2)?,
        client_id: row.text(3)?,
        kind: row.text(4)?,
        response: row.text(5)?,
        source: row.text(6)?,
        device: row.text(7)?,
        device_mac: row.text(8)?,
        timezone: row.text(9)?,
        level: row.text(10)?,
        decision: row.text(11)?,
        compromised: row.flag(12)?,
        challenges: row.text(13)?,
        feedback: row.text(14)?,
        feedback_by: row.text(15)?,
        feedback_at: row.time(16)?,
        created: row.time(17)?,
        expires: row.time(18)?,
    })
}
