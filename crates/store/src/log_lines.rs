//! Statements about the logs of pools: where their events are written, and lines on their way there.

use crate::{Row, Timestamp, Tx, random, values};
use anyhow::Result;

/// How long a line waits for its log group, where that cannot be written.
const KEPT_MS: i64 = 7 * 86_400_000;

/// What happens in a pool and can be written to a log group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogSource {
    /// Messages that did not reach people.
    UserNotification,
    /// What threat protection remembers.
    UserAuthEvents,
}

impl LogSource {
    /// The name in the API (`EventSourceName`).
    pub fn as_str(self) -> &'static str {
        match self {
            LogSource::UserNotification => "userNotification",
            LogSource::UserAuthEvents => "userAuthEvents",
        }
    }
}

/// A line that somebody writes now.
#[derive(Clone, Debug)]
pub struct LogLine {
    pub id: String,
    pub destination: String,
    pub line: String,
}

impl Tx<'_> {
    /// Sets where a pool's events are written: pairs of a source and a log group.
    pub fn set_log_deliveries(&mut self, pool_id: &str, deliveries: &[(String, String)]) -> Result<()> {
        self.run("delete from log_deliveries where pool_id = $1", values![pool_id])?;
        for (source, destination) in deliveries {
            self.run(
                "insert into log_deliveries (pool_id, source, destination) values ($1, $2, $3)",
                values![pool_id, source, destination],
            )?;
        }
        Ok(())
    }

    /// Where a pool's events are written: pairs of a source and a log group.
    pub fn log_deliveries(&mut self, pool_id: &str) -> Result<Vec<(String, String)>> {
        self.rows(
            "select source, destination from log_deliveries where pool_id = $1 order by source",
            values![pool_id],
            |row| Ok((row.text(0)?, row.text(1)?)),
        )
    }

    /// Adds a line to a pool's log, if what is told of has one.
    pub fn add_log_line(
        &mut self,
        pool_id: &str,
        source: LogSource,
        line: &str,
        now: Timestamp,
    ) -> Result<()> {
        let id = hex::encode(random::ordered::<16>(now));
        self.run(
            "insert into log_lines (id, destination, line, lease, next_ms, expires_ms) \
             select $1, destination, $2, '', $3, $4 from log_deliveries where pool_id = $5 and source = $6",
            values![&id, line, now, now.plus_ms(KEPT_MS), pool_id, source.as_str()],
        )?;
        Ok(())
    }

    /// Takes lines to be written until a moment, after which others may.
    pub fn lease_log_lines(
        &mut self,
        lease: &str,
        now: Timestamp,
        until: Timestamp,
        limit: i64,
    ) -> Result<Vec<LogLine>> {
        self.run(
            "update log_lines set lease = $1, next_ms = $2 where id in \
             (select id from log_lines where next_ms <= $3 order by next_ms, id limit $4) and next_ms <= $5",
            values![lease, until, now, limit, now],
        )?;
        self.rows(
            "select id, destination, line from log_lines where lease = $1 order by id",
            values![lease],
            line,
        )
    }

    /// Forgets lines that were written to a log group, by who has taken them.
    pub fn drop_log_lines(&mut self, lease: &str, destination: &str) -> Result<()> {
        self.run("delete from log_lines where lease = $1 and destination = $2", values![lease, destination])?;
        Ok(())
    }
}

fn line(row: &Row<'_>) -> Result<LogLine> {
    Ok(LogLine { id: row.text(0)?, destination: row.text(1)?, line: row.text(2)? })
}
