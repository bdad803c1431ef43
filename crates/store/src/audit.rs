//! Statements about the audit: records are only added, and chained by a hash over each batch of them.

use crate::{Timestamp, Tx, random, values};
use anyhow::Result;
use aws_lc_rs::digest::{Context, SHA256};

/// Who did what, to what, from where, and how it ended. Never a code, a token, a password or an address.
#[derive(Clone, Debug, Default)]
pub struct AuditRecord {
    pub time: Timestamp,
    pub request_id: String,
    pub who: String,
    pub action: String,
    pub resource: String,
    pub source: String,
    pub outcome: String,
    pub detail: String,
}

impl Tx<'_> {
    pub fn add_audit(&mut self, record: &AuditRecord) -> Result<()> {
        let id = random::ordered::<16>(record.time);
        self.run(
            "insert into audit (id, time_ms, request_id, who, action, resource, source, outcome, detail) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            values![
                &id,
                record.time,
                &record.request_id,
                &record.who,
                &record.action,
                &record.resource,
                &record.source,
                &record.outcome,
                &record.detail
            ],
        )?;
        Ok(())
    }

    /// The newest records, newest first.
    pub fn newest_audit(&mut self, limit: i64) -> Result<Vec<AuditRecord>> {
        self.rows(
            "select time_ms, request_id, who, action, resource, source, outcome, detail \
             from audit order by id desc limit $1",
            values![limit],
            |row| {
                Ok(AuditRecord {
                    time: row.time(0)?,
                    request_id: row.text(1)?,
                    who: row.text(2)?,
                    action: row.text(3)?,
                    resource: row.text(4)?,
                    source: row.text(5)?,
                    outcome: row.text(6)?,
                    detail: row.text(7)?,
                })
            },
        )
    }

    /// Chains the records that no link holds yet; tells how many those were.
    pub fn link_audit(&mut self) -> Result<u64> {
        self.serialize(b"audit link")?;
        let (last, before) = self.last_link()?;
        let link = last + 1;
        let records = self.run("update audit set link = $1 where link is null", values![link])?;
        if records == 0 {
            return Ok(0);
        }
        let hash = self.link_hash(link, &before)?;
        self.run(
            "insert into audit_links (link, records, hash) values ($1, $2, $3)",
            values![link, records as i64, &hash],
        )?;
        Ok(records)
    }

    /// Recomputes the chain; gives the first link that does not hold, if any.
    pub fn verify_audit(&mut self) -> Result<Option<i64>> {
        let links = self.rows("select link, hash from audit_links order by link", &[], |row| {
            Ok((row.int(0)?, row.blob(1)?))
        })?;
        let mut before = Vec::new();
        for (place, (link, hash)) in (1..).zip(links) {
            if link != place || self.link_hash(link, &before)? != hash {
                return Ok(Some(place));
            }
            before = hash;
        }
        Ok(None)
    }

    fn last_link(&mut self) -> Result<(i64, Vec<u8>)> {
        Ok(self
            .row("select link, hash from audit_links order by link desc limit 1", &[], |row| {
                Ok((row.int(0)?, row.blob(1)?))
            })?
            .unwrap_or_default())
    }

    fn link_hash(&mut self, link: i64, before: &[u8]) -> Result<Vec<u8>> {
        let mut context = Context::new(&SHA256);
        context.update(before);
        self.rows(
            "select id, request_id, who, action, resource, source, outcome, detail \
             from audit where link = $1 order by id",
            values![link],
            |row| {
                context.update(&row.blob(0)?);
                for column in 1..8 {
                    let text = row.text(column)?;
                    context.update(&(text.len() as u64).to_be_bytes());
                    context.update(text.as_bytes());
                }
                Ok(())
            },
        )?;
        Ok(context.finish().as_ref().to_vec())
    }
}
