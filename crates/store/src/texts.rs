//! Statements about text messages: the account's attributes, its sandbox, and numbers that want none.

use crate::{Row, Timestamp, Tx, values};
use anyhow::Result;

/// A number that may be sent to in the sandbox, or waits to be.
#[derive(Clone, Debug)]
pub struct SandboxNumberRow {
    pub number: String,
    /// `Pending` or `Verified`.
    pub status: String,
    pub code_mac: Option<Vec<u8>>,
    pub attempts: i64,
    pub expires: Timestamp,
    pub touched: Timestamp,
}

/// A number that wants no texts, or did not once.
#[derive(Clone, Debug)]
pub struct OptOutRow {
    pub number: String,
    pub out: bool,
    pub changed: Timestamp,
    pub opted_in: Option<Timestamp>,
}

impl Tx<'_> {
    pub fn sms_attributes(&mut self) -> Result<Vec<(String, String)>> {
        self.rows("select name, value from sms_attributes order by name", &[], |row| {
            Ok((row.text(0)?, row.text(1)?))
        })
    }

    pub fn put_sms_attribute(&mut self, name: &str, value: &str) -> Result<()> {
        self.run(
            "insert into sms_attributes (name, value) values ($1, $2) \
             on conflict (name) do update set value = excluded.value",
            values![name, value],
        )?;
        Ok(())
    }

    /// Puts a number into the sandbox, or gives the one there a new code.
    pub fn put_sandbox_number(&mut self, row: &SandboxNumberRow) -> Result<()> {
        self.run(
            "insert into sms_sandbox_numbers (number, status, code_mac, attempts, expires_ms, touched_ms) \
             values ($1, $2, $3, $4, $5, $6) on conflict (number) do update set status = excluded.status, \
             code_mac = excluded.code_mac, attempts = excluded.attempts, expires_ms = excluded.expires_ms, \
             touched_ms = excluded.touched_ms",
            values![&row.number, &row.status, row.code_mac.as_ref(), row.attempts, row.expires, row.touched],
        )?;
        Ok(())
    }

    pub fn find_sandbox_number(&mut self, number: &str) -> Result<Option<SandboxNumberRow>> {
        self.row(
            "select number, status, code_mac, attempts, expires_ms, touched_ms from sms_sandbox_numbers \
             where number = $1",
            values![number],
            sandbox_number,
        )
    }

    /// Lists the sandbox's numbers in order, from behind `after`.
    pub fn list_sandbox_numbers(&mut self, after: &str, limit: i64) -> Result<Vec<SandboxNumberRow>> {
        self.rows(
            "select number, status, code_mac, attempts, expires_ms, touched_ms from sms_sandbox_numbers \
             where number > $1 order by number limit $2",
            values![after, limit],
            sandbox_number,
        )
    }

    /// Spends an attempt at a number's code; false when none is left or the code has died.
    pub fn spend_sandbox_attempt(&mut self, number: &str, most: i64, now: Timestamp) -> Result<bool> {
        let spent = self.run(
            "update sms_sandbox_numbers set attempts = attempts + 1, touched_ms = $1 \
             where number = $2 and code_mac is not null and attempts < $3 and expires_ms > $4",
            values![now, number, most, now],
        )?;
        Ok(spent == 1)
    }

    /// Uses a number's code up and marks the number verified: at most once.
    pub fn verify_sandbox_number(&mut self, number: &str, code_mac: &[u8], now: Timestamp) -> Result<bool> {
        let verified = self.run(
            "update sms_sandbox_numbers set status = 'Verified', code_mac = null, touched_ms = $1 \
             where number = $2 and code_mac = $3",
            values![now, number, code_mac],
        )?;
        Ok(verified == 1)
    }

    pub fn delete_sandbox_number(&mut self, number: &str) -> Result<bool> {
        Ok(self.run("delete from sms_sandbox_numbers where number = $1", values![number])? == 1)
    }

    pub fn put_opt_out(&mut self, row: &OptOutRow) -> Result<()> {
        self.run(
            "insert into sms_opt_outs (number, out, changed_ms, opted_in_ms) values ($1, $2, $3, $4) \
             on conflict (number) do update set out = excluded.out, changed_ms = excluded.changed_ms, \
             opted_in_ms = excluded.opted_in_ms",
            values![&row.number, row.out, row.changed, row.opted_in],
        )?;
        Ok(())
    }

    pub fn find_opt_out(&mut self, number: &str) -> Result<Option<OptOutRow>> {
        self.row(
            "select number, out, changed_ms, opted_in_ms from sms_opt_outs where number = $1",
            values![number],
            opt_out,
        )
    }

    /// Lists the numbers that want no texts, in order, from behind `after`.
    pub fn list_opt_outs(&mut self, after: &str, limit: i64) -> Result<Vec<OptOutRow>> {
        self.rows(
            "select number, out, changed_ms, opted_in_ms from sms_opt_outs where out = 1 and number > $1 \
             order by number limit $2",
            values![after, limit],
            opt_out,
        )
    }
}

fn sandbox_number(row: &Row<'_>) -> Result<SandboxNumberRow> {
    Ok(SandboxNumberRow {
        number: row.text(0)?,
        status: row.text(1)?,
        code_mac: row.opt_blob(2)?,
        attempts: row.int(3)?,
        expires: row.time(4)?,
        touched: row.time(5)?,
    })
}

fn opt_out(row: &Row<'_>) -> Result<OptOutRow> {
    Ok(OptOutRow {
        number: row.text(0)?,
        out: row.flag(1)?,
        changed: row.time(2)?,
        opted_in: row.opt_time(3)?,
    })
}
