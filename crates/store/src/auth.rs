//! Statements about sign-in: challenges, codes, sign-ins (families of tokens), and the counts that limit them.
//! Whatever may happen once only is one conditional write that tells whether it changed a row.

use crate::tx::Engine;
use crate::{PORTION, Row, Timestamp, Tx, values};
use anyhow::Result;

/// A question that was asked; see the table's comment for the columns.
#[derive(Clone, Debug)]
pub struct ChallengeRow {
    pub handle_mac: Vec<u8>,
    pub pool_id: String,
    pub client_id: String,
    pub user_id: Option<String>,
    pub name_key: String,
    pub kind: String,
    pub code_mac: Option<Vec<u8>>,
    pub code_mac_old: Option<Vec<u8>>,
    pub old_expires: Timestamp,
    pub destination: Option<String>,
    pub attempts: i64,
    pub attempts_max: i64,
    pub sends: i64,
    pub sent: Timestamp,
    pub spent: bool,
    pub facts: String,
    pub created: Timestamp,
    pub expires: Timestamp,
}

/// A code for sign-up, verification or reset.
#[derive(Clone, Debug)]
pub struct UserCodeRow {
    pub pool_id: String,
    pub subject: String,
    pub purpose: String,
    pub code_mac: Option<Vec<u8>>,
    pub code_mac_old: Option<Vec<u8>>,
    pub destination: String,
    pub attempts: i64,
    pub attempts_max: i64,
    pub facts: String,
    pub created: Timestamp,
    pub expires: Timestamp,
}

/// A sign-in: the family of tokens that share an `origin_jti`.
#[derive(Clone, Debug)]
pub struct SignInRow {
    pub id: [u8; 16],
    pub pool_id: String,
    pub client_id: String,
    pub user_id: String,
    pub refresh_mac: Vec<u8>,
    /// The refresh tokens rotated away, oldest first, and when that was.
    pub previous: Vec<Rotated>,
    pub revoked: bool,
    pub facts: String,
    pub created: Timestamp,
    pub expires: Timestamp,
}

/// A refresh token that was rotated away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotated {
    pub mac: [u8; 32],
    pub at: Timestamp,
}

/// How many rotated tokens are remembered with their time, so that the grace holds for each; that an older one was ours
/// is told by the token itself.
const ROTATED_MAX: usize = 16;

impl Rotated {
    fn read(packed: &[u8]) -> Vec<Rotated> {
        packed
            .chunks_exact(40)
            .map(|entry| Rotated {
                mac: entry[..32].try_into().unwrap_or_default(),
                at: Timestamp::from_ms(i64::from_be_bytes(entry[32..].try_into().unwrap_or_default())),
            })
            .collect()
    }

    fn write(all: &[Rotated]) -> Vec<u8> {
        all.iter().flat_map(|one| [&one.mac[..], &one.at.ms().to_be_bytes()].concat()).collect()
    }
}

macro_rules! upsert_counter {
    ($rest:literal) => {
        concat!(
            "insert into counters (topic, subject, window_ms, count, expires_ms) values ($1, $2, $3, $4, $5) \
             on conflict (topic, subject, window_ms) do update set count = counters.count + excluded.count",
            $rest
        )
    };
}

impl Tx<'_> {
    pub fn add_challenge(&mut self, challenge: &ChallengeRow) -> Result<()> {
        self.run(
            "insert into challenges (handle_mac, pool_id, client_id, user_id, name_key, kind, code_mac, \
             code_mac_old, old_expires_ms, destination, attempts, attempts_max, sends, sent_ms, spent, facts, \
             created_ms, expires_ms) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
            values![
                &challenge.handle_mac,
                &challenge.pool_id,
                &challenge.client_id,
                challenge.user_id.as_ref(),
                &challenge.name_key,
                &challenge.kind,
                challenge.code_mac.as_ref(),
                challenge.code_mac_old.as_ref(),
                challenge.old_expires,
                challenge.destination.as_ref(),
                challenge.attempts,
                challenge.attempts_max,
                challenge.sends,
                challenge.sent,
                challenge.spent,
                &challenge.facts,
                challenge.created,
                challenge.expires
            ],
        )?;
        Ok(())
    }

    /// The challenge that a handle leads to, looked up under each key that may have hashed it.
    pub fn find_challenge(&mut self, handle_macs: &[[u8; 32]]) -> Result<Option<ChallengeRow>> {
        for mac in handle_macs {
            let found = self.row(
                "select handle_mac, pool_id, client_id, user_id, name_key, kind, code_mac, code_mac_old, \
                 old_expires_ms, destination, attempts, attempts_max, sends, sent_ms, spent, facts, \
                 created_ms, expires_ms from challenges where handle_mac = $1",
                values![mac],
                challenge,
            )?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Spends one attempt of a live challenge; false when none is left or it is no longer live.
    pub fn spend_attempt(&mut self, handle_mac: &[u8], now: Timestamp) -> Result<bool> {
        let spent = self.run(
            "update challenges set attempts = attempts + 1 \
             where handle_mac = $1 and spent = 0 and expires_ms > $2 and attempts < attempts_max",
            values![handle_mac, now],
        )?;
        Ok(spent == 1)
    }

    /// Uses a live challenge up; true for one caller only, however many ask at once.
    pub fn consume_challenge(&mut self, handle_mac: &[u8], kind: &str, now: Timestamp) -> Result<bool> {
        let consumed = self.run(
            "update challenges set spent = 1 \
             where handle_mac = $1 and kind = $2 and spent = 0 and expires_ms > $3 \
             and attempts <= attempts_max",
            values![handle_mac, kind, now],
        )?;
        Ok(consumed == 1)
    }

    /// Puts a newer code into a live challenge; the one before stays good until it expires.
    pub fn renew_challenge_code(
        &mut self,
        handle_mac: &[u8],
        code_mac: Option<&[u8]>,
        now: Timestamp,
        expires: Timestamp,
        sends_max: i64,
    ) -> Result<bool> {
        let renewed = self.run(
            "update challenges set code_mac_old = code_mac, old_expires_ms = expires_ms, code_mac = $1, \
             sends = sends + 1, sent_ms = $2, expires_ms = $3 \
             where handle_mac = $4 and spent = 0 and expires_ms > $5 and sends < $6",
            values![code_mac, now, expires, handle_mac, now, sends_max],
        )?;
        Ok(renewed == 1)
    }

    /// Remembers the code for a purpose; a newer one takes the place of the one before.
    pub fn put_user_code(&mut self, code: &UserCodeRow) -> Result<()> {
        self.run(
            "insert into user_codes (pool_id, subject, purpose, code_mac, code_mac_old, destination, \
             attempts, attempts_max, facts, created_ms, expires_ms) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
             on conflict (pool_id, subject, purpose) do update set code_mac = excluded.code_mac, \
             code_mac_old = excluded.code_mac_old, destination = excluded.destination, attempts = excluded.attempts, \
             attempts_max = excluded.attempts_max, facts = excluded.facts, \
             created_ms = excluded.created_ms, expires_ms = excluded.expires_ms",
            values![
                &code.pool_id,
                &code.subject,
                &code.purpose,
                code.code_mac.as_ref(),
                code.code_mac_old.as_ref(),
                &code.destination,
                code.attempts,
                code.attempts_max,
                &code.facts,
                code.created,
                code.expires
            ],
        )?;
        Ok(())
    }

    pub fn find_user_code(
        &mut self,
        pool_id: &str,
        subject: &str,
        purpose: &str,
    ) -> Result<Option<UserCodeRow>> {
        self.row(
            "select pool_id, subject, purpose, code_mac, code_mac_old, destination, attempts, attempts_max, \
             facts, created_ms, expires_ms from user_codes where pool_id = $1 and subject = $2 and purpose = $3",
            values![pool_id, subject, purpose],
            |row| {
                Ok(UserCodeRow {
                    pool_id: row.text(0)?,
                    subject: row.text(1)?,
                    purpose: row.text(2)?,
                    code_mac: row.opt_blob(3)?,
                    code_mac_old: row.opt_blob(4)?,
                    destination: row.text(5)?,
                    attempts: row.int(6)?,
                    attempts_max: row.int(7)?,
                    facts: row.text(8)?,
                    created: row.time(9)?,
                    expires: row.time(10)?,
                })
            },
        )
    }

    /// Spends one attempt at a code; false when none is left or the code is no longer live.
    pub fn spend_user_code_attempt(
        &mut self,
        pool_id: &str,
        subject: &str,
        purpose: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let spent = self.run(
            "update user_codes set attempts = attempts + 1 \
             where pool_id = $1 and subject = $2 and purpose = $3 and expires_ms > $4 \
             and attempts < attempts_max",
            values![pool_id, subject, purpose, now],
        )?;
        Ok(spent == 1)
    }

    /// Uses a code up; true for one caller only.
    pub fn consume_user_code(&mut self, code: &UserCodeRow, now: Timestamp) -> Result<bool> {
        let gone = self.run(
            "delete from user_codes where pool_id = $1 and subject = $2 and purpose = $3 \
             and created_ms = $4 and expires_ms > $5 and attempts <= attempts_max",
            values![&code.pool_id, &code.subject, &code.purpose, code.created, now],
        )?;
        Ok(gone == 1)
    }

    pub fn add_sign_in(&mut self, sign_in: &SignInRow) -> Result<()> {
        self.run(
            "insert into sign_ins (id, pool_id, client_id, user_id, refresh_mac, facts, created_ms, \
             expires_ms) values ($1, $2, $3, $4, $5, $6, $7, $8)",
            values![
                &sign_in.id,
                &sign_in.pool_id,
                &sign_in.client_id,
                &sign_in.user_id,
                &sign_in.refresh_mac,
                &sign_in.facts,
                sign_in.created,
                sign_in.expires
            ],
        )?;
        Ok(())
    }

    pub fn find_sign_in(&mut self, id: &[u8; 16]) -> Result<Option<SignInRow>> {
        let id = *id;
        self.row(
            "select pool_id, client_id, user_id, refresh_mac, previous, revoked, facts, \
             created_ms, expires_ms from sign_ins where id = $1",
            values![&id],
            |row| {
                Ok(SignInRow {
                    id,
                    pool_id: row.text(0)?,
                    client_id: row.text(1)?,
                    user_id: row.text(2)?,
                    refresh_mac: row.blob(3)?,
                    previous: Rotated::read(&row.opt_blob(4)?.unwrap_or_default()),
                    revoked: row.flag(5)?,
                    facts: row.text(6)?,
                    created: row.time(7)?,
                    expires: row.time(8)?,
                })
            },
        )
    }

    /// Finds a sign-in whose refresh token is to be changed: others who change it wait from here on.
    pub fn sign_in_to_change(&mut self, id: &[u8; 16]) -> Result<Option<SignInRow>> {
        self.serialize(&[&b"sign-in "[..], id].concat())?;
        self.find_sign_in(id)
    }

    /// Puts a new refresh token in the place of the one that was seen; false when another call was first.
    pub fn rotate_refresh(&mut self, seen: &SignInRow, fresh: &[u8], now: Timestamp) -> Result<bool> {
        let mut previous = seen.previous.clone();
        previous.push(Rotated { mac: seen.refresh_mac.as_slice().try_into()?, at: now });
        let packed = Rotated::write(&previous[previous.len().saturating_sub(ROTATED_MAX)..]);
        let rotated = self.run(
            "update sign_ins set previous = $1, refresh_mac = $2 \
             where id = $3 and refresh_mac = $4 and revoked = 0",
            values![&packed, fresh, &seen.id, &seen.refresh_mac],
        )?;
        Ok(rotated == 1)
    }

    /// Revokes a family of tokens; false when it was revoked before or is unknown.
    pub fn revoke_sign_in(&mut self, id: &[u8; 16]) -> Result<bool> {
        Ok(self.run("update sign_ins set revoked = 1 where id = $1 and revoked = 0", values![id])? == 1)
    }

    /// Has a sign-in count from a moment on, so that it outlives those of its user that end before.
    pub fn count_sign_in_from(&mut self, id: &[u8; 16], moment: Timestamp) -> Result<bool> {
        let counts = self
            .run("update sign_ins set created_ms = $1 where id = $2 and revoked = 0", values![moment, id])?;
        Ok(counts == 1)
    }

    /// Reads a ledger's entries; units that name the same ledger wait for one another from here on.
    pub fn ledger(&mut self, pool_id: &str, topic: &str, subject: &[u8]) -> Result<Vec<u8>> {
        self.serialize(&[pool_id.as_bytes(), topic.as_bytes(), subject].concat())?;
        let entries = self.row(
            "select entries from ledgers where pool_id = $1 and topic = $2 and subject = $3",
            values![pool_id, topic, subject],
            |row| row.blob(0),
        )?;
        Ok(entries.unwrap_or_default())
    }

    pub fn put_ledger(
        &mut self,
        pool_id: &str,
        topic: &str,
        subject: &[u8],
        entries: &[u8],
        expires: Timestamp,
    ) -> Result<()> {
        self.run(
            "insert into ledgers (pool_id, topic, subject, entries, expires_ms) values ($1, $2, $3, $4, $5) \
             on conflict (pool_id, topic, subject) do update set entries = excluded.entries, \
             expires_ms = excluded.expires_ms",
            values![pool_id, topic, subject, entries, expires],
        )?;
        Ok(())
    }

    /// Counts one more event in a window and tells how many there are now.
    pub fn count(
        &mut self,
        topic: &str,
        subject: &str,
        window_start: Timestamp,
        expires: Timestamp,
    ) -> Result<i64> {
        self.count_by(1, topic, subject, window_start, expires)
    }

    /// Counts so many at once; gives how many there are now.
    pub fn count_by(
        &mut self,
        amount: i64,
        topic: &str,
        subject: &str,
        window_start: Timestamp,
        expires: Timestamp,
    ) -> Result<i64> {
        let values = values![topic, subject, window_start, amount, expires];
        if let Engine::Sqlite(_) = self.engine {
            // There "returning" makes and drops a table for each statement, which takes longer than looking again.
            self.run(upsert_counter!(""), values)?;
            return self.counted(topic, subject, window_start);
        }
        let count = self.row(upsert_counter!(" returning count"), values, |row| row.int(0))?;
        Ok(count.unwrap_or(amount))
    }

    /// How many events a window holds so far.
    pub fn counted(&mut self, topic: &str, subject: &str, window_start: Timestamp) -> Result<i64> {
        let count = self.row(
            "select count from counters where topic = $1 and subject = $2 and window_ms = $3",
            values![topic, subject, window_start],
            |row| row.int(0),
        )?;
        Ok(count.unwrap_or(0))
    }

    /// Removes what has expired, some [`PORTION`] rows of each table; tells how many went.
    pub fn sweep(&mut self, now: Timestamp) -> Result<u64> {
        // A spent or expired challenge is kept for a while, so that its handle gets the fitting refusal.
        let dead = now.minus_ms(15 * 60 * 1000);
        let mut gone = 0;
        for statement in [
            "delete from challenges where handle_mac in \
             (select handle_mac from challenges where expires_ms < $1 order by expires_ms limit $2)",
            "delete from authorization_codes where code_mac in \
             (select code_mac from authorization_codes where expires_ms < $1 order by expires_ms limit $2)",
            "delete from sign_ins where id in \
             (select id from sign_ins where expires_ms < $1 order by expires_ms limit $2)",
            "delete from login_flows where id in \
             (select id from login_flows where expires_ms < $1 order by expires_ms limit $2)",
            "delete from browser_sessions where handle_mac in \
             (select handle_mac from browser_sessions where expires_ms < $1 order by expires_ms limit $2)",
            "delete from sign_outs where handle_mac in \
             (select handle_mac from sign_outs where expires_ms < $1 order by expires_ms limit $2)",
            "delete from user_codes where expires_ms in \
             (select expires_ms from user_codes where expires_ms < $1 order by expires_ms limit $2)",
            "delete from iam_sessions where key_id in \
             (select key_id from iam_sessions where expires_ms < $1 order by expires_ms limit $2)",
            "delete from console_sessions where handle_mac in \
             (select handle_mac from console_sessions where expires_ms < $1 order by expires_ms limit $2)",
            "delete from console_notes where id in \
             (select id from console_notes where expires_ms < $1 order by expires_ms limit $2)",
            "delete from ledgers where expires_ms in \
             (select expires_ms from ledgers where expires_ms < $1 order by expires_ms limit $2)",
            "delete from token_sessions where sign_in_id in \
             (select sign_in_id from token_sessions where expires_ms < $1 order by expires_ms limit $2)",
            "delete from undo_links where token_mac in \
             (select token_mac from undo_links where expires_ms < $1 order by expires_ms limit $2)",
            "delete from assertions_used where assertion_mac in \
             (select assertion_mac from assertions_used where expires_ms < $1 order by expires_ms limit $2)",
            "delete from auth_events where id in \
             (select id from auth_events where expires_ms < $1 order by expires_ms limit $2)",
            "delete from log_lines where id in \
             (select id from log_lines where expires_ms < $1 order by expires_ms limit $2)",
            "delete from counters where expires_ms in \
             (select expires_ms from counters where expires_ms < $1 order by expires_ms limit $2)",
        ] {
            gone += self.run(statement, values![dead, PORTION as i64])?;
        }
        gone += self.sweep_audit_counts(now)?;
        Ok(gone)
    }
}

fn challenge(row: &Row<'_>) -> Result<ChallengeRow> {
    Ok(ChallengeRow {
        handle_mac: row.blob(0)?,
        pool_id: row.text(1)?,
        client_id: row.text(2)?,
        user_id: row.opt_text(3)?,
        name_key: row.text(4)?,
        kind: row.text(5)?,
        code_mac: row.opt_blob(6)?,
        code_mac_old: row.opt_blob(7)?,
        old_expires: row.time(8)?,
        destination: row.opt_text(9)?,
        attempts: row.int(10)?,
        attempts_max: row.int(11)?,
        sends: row.int(12)?,
        sent: row.time(13)?,
        spent: row.flag(14)?,
        facts: row.text(15)?,
        created: row.time(16)?,
        expires: row.time(17)?,
    })
}
