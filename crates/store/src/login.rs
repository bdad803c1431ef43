//! Statements about the pages: flows, authorization codes and signed-in browsers.

use crate::pools::fresh_version;
use crate::{PORTION, Row, Timestamp, Tx, values};
use anyhow::Result;

/// A person's way through the pages.
#[derive(Clone, Debug)]
pub struct FlowRow {
    pub id: String,
    pub browser: Vec<u8>,
    pub pool_id: String,
    pub client_id: String,
    /// JSON of where the person stands.
    pub state: String,
    pub version: i64,
    pub created: Timestamp,
    pub expires: Timestamp,
}

/// An authorization code's row.
#[derive(Clone, Debug)]
pub struct AuthorizationCodeRow {
    pub code_mac: Vec<u8>,
    pub pool_id: String,
    pub client_id: String,
    pub facts: String,
    pub spent: bool,
    pub sign_in_id: Option<Vec<u8>>,
    pub expires: Timestamp,
}

/// A signed-in browser.
#[derive(Clone, Debug)]
pub struct BrowserSessionRow {
    pub handle_mac: Vec<u8>,
    pub pool_id: String,
    pub user_id: String,
    pub facts: String,
    pub auth: Timestamp,
    pub expires: Timestamp,
}

/// A sign-out that goes on at an outside provider.
#[derive(Clone, Debug)]
pub struct SignOutRow {
    pub handle_mac: Vec<u8>,
    pub pool_id: String,
    pub facts: String,
    pub expires: Timestamp,
}

macro_rules! select_session {
    ($rest:literal) => {
        concat!(
            "select handle_mac, pool_id, user_id, facts, auth_ms, expires_ms from browser_sessions ",
            $rest
        )
    };
}

impl Tx<'_> {
    pub fn add_flow(&mut self, flow: &FlowRow) -> Result<()> {
        self.run(
            "insert into login_flows (id, browser, pool_id, client_id, state, version, created_ms, \
             expires_ms) values ($1, $2, $3, $4, $5, $6, $7, $8)",
            values![
                &flow.id,
                &flow.browser,
                &flow.pool_id,
                &flow.client_id,
                &flow.state,
                flow.version,
                flow.created,
                flow.expires
            ],
        )?;
        Ok(())
    }

    pub fn find_flow(&mut self, id: &str) -> Result<Option<FlowRow>> {
        self.row(
            "select id, browser, pool_id, client_id, state, version, created_ms, expires_ms \
             from login_flows where id = $1",
            values![id],
            |row| {
                Ok(FlowRow {
                    id: row.text(0)?,
                    browser: row.blob(1)?,
                    pool_id: row.text(2)?,
                    client_id: row.text(3)?,
                    state: row.text(4)?,
                    version: row.int(5)?,
                    created: row.time(6)?,
                    expires: row.time(7)?,
                })
            },
        )
    }

    /// Moves a flow along from the version that was seen; false when another request moved it first.
    pub fn move_flow(&mut self, id: &str, seen: i64, state: &str, expires: Timestamp) -> Result<bool> {
        let moved = self.run(
            "update login_flows set state = $1, version = $2, expires_ms = $3 \
             where id = $4 and version = $5",
            values![state, fresh_version(), expires, id, seen],
        )?;
        Ok(moved == 1)
    }

    /// When the newest flow ends that lies beyond the newest `most`; nothing while there are no more.
    pub fn flows_end_beyond(&mut self, most: usize) -> Result<Option<Timestamp>> {
        self.row(
            "select expires_ms from login_flows order by expires_ms desc limit 1 offset $1",
            values![i64::try_from(most)?],
            |row| row.time(0),
        )
    }

    /// Removes flows that end by then and in which nothing was pressed, the oldest first, [`PORTION`] at most.
    pub fn drop_untouched_flows(&mut self, until: Timestamp) -> Result<u64> {
        self.run(
            "delete from login_flows where id in (select id from login_flows \
             where expires_ms <= $1 and version = 1 order by expires_ms limit $2) and version = 1",
            values![until, PORTION as i64],
        )
    }

    pub fn add_authorization_code(&mut self, code: &AuthorizationCodeRow) -> Result<()> {
        self.run(
            "insert into authorization_codes (code_mac, pool_id, client_id, facts, expires_ms) \
             values ($1, $2, $3, $4, $5)",
            values![&code.code_mac, &code.pool_id, &code.client_id, &code.facts, code.expires],
        )?;
        Ok(())
    }

    pub fn find_authorization_code(
        &mut self,
        code_macs: &[[u8; 32]],
    ) -> Result<Option<AuthorizationCodeRow>> {
        for mac in code_macs {
            let found = self.row(
                "select code_mac, pool_id, client_id, facts, spent, sign_in_id, expires_ms \
                 from authorization_codes where code_mac = $1",
                values![mac],
                |row| {
                    Ok(AuthorizationCodeRow {
                        code_mac: row.blob(0)?,
                        pool_id: row.text(1)?,
                        client_id: row.text(2)?,
                        facts: row.text(3)?,
                        spent: row.flag(4)?,
                        sign_in_id: row.opt_blob(5)?,
                        expires: row.time(6)?,
                    })
                },
            )?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Uses an authorization code up for a sign-in; true for one caller only.
    pub fn consume_authorization_code(
        &mut self,
        code_mac: &[u8],
        sign_in_id: &[u8; 16],
        now: Timestamp,
    ) -> Result<bool> {
        let consumed = self.run(
            "update authorization_codes set spent = 1, sign_in_id = $1 \
             where code_mac = $2 and spent = 0 and expires_ms > $3",
            values![sign_in_id, code_mac, now],
        )?;
        Ok(consumed == 1)
    }

    /// Spoils an authorization code that somebody presented wrongly.
    pub fn spoil_authorization_code(&mut self, code_mac: &[u8]) -> Result<()> {
        self.run("update authorization_codes set spent = 1 where code_mac = $1", values![code_mac])?;
        Ok(())
    }

    pub fn add_browser_session(&mut self, session: &BrowserSessionRow) -> Result<()> {
        self.run(
            "insert into browser_sessions (handle_mac, pool_id, user_id, facts, auth_ms, expires_ms) \
             values ($1, $2, $3, $4, $5, $6)",
            values![
                &session.handle_mac,
                &session.pool_id,
                &session.user_id,
                &session.facts,
                session.auth,
                session.expires
            ],
        )?;
        Ok(())
    }

    pub fn find_browser_session(&mut self, handle_macs: &[[u8; 32]]) -> Result<Option<BrowserSessionRow>> {
        for mac in handle_macs {
            let found = self.row(select_session!("where handle_mac = $1"), values![mac], session)?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// The sessions that a user has in browsers.
    pub fn browser_sessions_of(&mut self, pool_id: &str, user_id: &str) -> Result<Vec<BrowserSessionRow>> {
        self.rows(select_session!("where pool_id = $1 and user_id = $2"), values![pool_id, user_id], session)
    }

    /// Moves the end of a session further off.
    pub fn extend_browser_session(&mut self, handle_mac: &[u8], expires: Timestamp) -> Result<()> {
        self.run(
            "update browser_sessions set expires_ms = $1 where handle_mac = $2",
            values![expires, handle_mac],
        )?;
        Ok(())
    }

    pub fn end_browser_session(&mut self, handle_mac: &[u8]) -> Result<bool> {
        Ok(self.run("delete from browser_sessions where handle_mac = $1", values![handle_mac])? == 1)
    }

    pub fn add_sign_out(&mut self, sign_out: &SignOutRow) -> Result<()> {
        self.run(
            "insert into sign_outs (handle_mac, pool_id, facts, expires_ms) values ($1, $2, $3, $4)",
            values![&sign_out.handle_mac, &sign_out.pool_id, &sign_out.facts, sign_out.expires],
        )?;
        Ok(())
    }

    pub fn find_sign_out(&mut self, handle_macs: &[[u8; 32]]) -> Result<Option<SignOutRow>> {
        for mac in handle_macs {
            let found = self.row(
                "select handle_mac, pool_id, facts, expires_ms from sign_outs where handle_mac = $1",
                values![mac],
                |row| {
                    Ok(SignOutRow {
                        handle_mac: row.blob(0)?,
                        pool_id: row.text(1)?,
                        facts: row.text(2)?,
                        expires: row.time(3)?,
                    })
                },
            )?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Ends a sign-out; true for one caller only.
    pub fn end_sign_out(&mut self, handle_mac: &[u8]) -> Result<bool> {
        Ok(self.run("delete from sign_outs where handle_mac = $1", values![handle_mac])? == 1)
    }
}

fn session(row: &Row<'_>) -> Result<BrowserSessionRow> {
    Ok(BrowserSessionRow {
        handle_mac: row.blob(0)?,
        pool_id: row.text(1)?,
        user_id: row.text(2)?,
        facts: row.text(3)?,
        auth: row.time(4)?,
        expires: row.time(5)?,
    })
}
