//! What ends when a database was put back from a backup: all that had a life of its own when the copy was made.

use crate::{Timestamp, Tx, values};
use anyhow::Result;

impl Tx<'_> {
    /// Ends every sign-in, session, code, link and waiting message; tells how many sign-ins those were. No token of
    /// before counts any more, also of sign-ins that this database never saw.
    pub fn end_all_that_lives(&mut self, now: Timestamp) -> Result<u64> {
        for statement in [
            "delete from challenges",
            "delete from user_codes",
            "delete from authorization_codes",
            "delete from login_flows",
            "delete from browser_sessions",
            "delete from sign_outs",
            "delete from token_sessions",
            "delete from console_sessions",
            "delete from console_notes",
            "delete from undo_links",
            "delete from iam_sessions",
        ] {
            self.run(statement, &[])?;
        }
        self.run("update devices set trusted_ms = 0, asked = null", &[])?;
        self.run("update sms_sandbox_numbers set code_mac = null", &[])?;
        self.run(
            "update outbox set state = 'dropped', payload = null, next_ms = null, \
             reply = 'from before the database was put back' where next_ms is not null",
            &[],
        )?;
        // The floor for tokens that do not tell of which sign-in they are.
        self.run("update users set signed_out_ms = $1 where signed_out_ms < $2", values![now, now])?;
        self.run("update sign_ins set revoked = 1 where revoked = 0", &[])
    }
}
