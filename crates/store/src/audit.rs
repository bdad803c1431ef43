//! Statements about the audit: records are only added, and chained by a hash over each batch of them.

use crate::timings::KEPT_MS;
use crate::{PORTION, Row, Store, Timestamp, Tx, random, values};
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

/// A record as it is kept: its id, itself, and what was asked, masked.
#[derive(Clone, Debug)]
pub struct KeptRecord {
    pub id: Vec<u8>,
    pub record: AuditRecord,
    pub request: String,
}

/// How often something ended so in an hour; the hour 0 is all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditCount {
    pub hour: Timestamp,
    pub action: String,
    pub outcome: String,
    pub count: i64,
}

/// What was found of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The links that hold.
    pub links: i64,
    /// The first one that was changed, or that is gone.
    pub broken: Option<i64>,
}

/// How far the chain was seen to hold.
#[derive(Clone, Default)]
struct Seen {
    link: i64,
    hash: Vec<u8>,
    records: i64,
}

/// What a link's hash is over. Those of earlier versions leave out when something happened.
#[derive(Clone, Copy)]
enum Form {
    Timed,
    Timeless,
}

/// An id behind all others.
const LAST_ID: [u8; 16] = [0xff; 16];
const HOUR_MS: i64 = 3_600_000;

impl Tx<'_> {
    pub fn add_audit(&mut self, record: &AuditRecord) -> Result<()> {
        self.add_audit_of_call(record, "")
    }

    /// Adds the record of a call with what was asked in it, which must hold nothing that is not to be kept.
    pub fn add_audit_of_call(&mut self, record: &AuditRecord, request: &str) -> Result<()> {
        let id = random::ordered::<16>(record.time);
        self.run(
            "insert into audit (id, time_ms, request_id, who, action, resource, source, outcome, detail, request) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            values![
                &id,
                record.time,
                &record.request_id,
                &record.who,
                &record.action,
                &record.resource,
                &record.source,
                &record.outcome,
                &record.detail,
                request
            ],
        )?;
        Ok(())
    }

    /// Records older than one, newest first: of anybody, or of one party.
    pub fn audit_before(
        &mut self,
        who: Option<&str>,
        before: Option<&[u8]>,
        limit: i64,
    ) -> Result<Vec<KeptRecord>> {
        let before = before.unwrap_or(&LAST_ID);
        match who {
            Some(who) => self.rows(
                "select time_ms, request_id, who, action, resource, source, outcome, detail, id, request \
                 from audit where who = $1 and id < $2 order by id desc limit $3",
                values![who, before, limit],
                kept,
            ),
            None => self.rows(
                "select time_ms, request_id, who, action, resource, source, outcome, detail, id, request \
                 from audit where id < $1 order by id desc limit $2",
                values![before, limit],
                kept,
            ),
        }
    }

    pub fn find_audit(&mut self, id: &[u8]) -> Result<Option<KeptRecord>> {
        self.row(
            "select time_ms, request_id, who, action, resource, source, outcome, detail, id, request \
             from audit where id = $1",
            values![id],
            kept,
        )
    }

    /// How often what ended how: in each hour from one on, and the sums.
    pub fn audit_counts(&mut self, from: Timestamp) -> Result<Vec<AuditCount>> {
        self.rows(
            "select hour_ms, action, outcome, count from audit_counts \
             where hour_ms = 0 or hour_ms >= $1 order by hour_ms, action, outcome",
            values![from],
            |row| {
                Ok(AuditCount {
                    hour: row.time(0)?,
                    action: row.text(1)?,
                    outcome: row.text(2)?,
                    count: row.int(3)?,
                })
            },
        )
    }

    /// Counts the records of a link, each once: by their hour, and all together.
    fn count_link(&mut self, link: i64) -> Result<()> {
        self.run(
            "insert into audit_counts (hour_ms, action, outcome, count) \
             select time_ms - time_ms % $1, action, outcome, count(*) from audit \
             where link = $2 group by 1, 2, 3 \
             on conflict (hour_ms, action, outcome) do update set count = audit_counts.count + excluded.count",
            values![HOUR_MS, link],
        )?;
        self.run(
            "insert into audit_counts (hour_ms, action, outcome, count) \
             select 0, action, outcome, count(*) from audit where link = $1 group by 2, 3 \
             on conflict (hour_ms, action, outcome) do update set count = audit_counts.count + excluded.count",
            values![link],
        )?;
        Ok(())
    }

    /// Removes the counts of hours long past, not the sums.
    pub(crate) fn sweep_audit_counts(&mut self, now: Timestamp) -> Result<u64> {
        self.run(
            "delete from audit_counts where hour_ms in (select hour_ms from audit_counts \
             where hour_ms > 0 and hour_ms < $1 order by hour_ms limit $2)",
            values![now.minus_ms(KEPT_MS), PORTION as i64],
        )
    }

    /// The newest records, newest first.
    pub fn newest_audit(&mut self, limit: i64) -> Result<Vec<AuditRecord>> {
        self.rows(
            "select time_ms, request_id, who, action, resource, source, outcome, detail \
             from audit order by id desc limit $1",
            values![limit],
            record,
        )
    }

    /// Chains records that no link holds yet, [`PORTION`] at most, so that nobody waits long behind it; tells how many
    /// those were.
    pub fn link_audit(&mut self) -> Result<u64> {
        self.serialize(b"audit link")?;
        let (last, before) = self.last_link()?;
        let link = last + 1;
        let records = self.run(
            "update audit set link = $1 where id in (select id from audit where link is null limit $2)",
            values![link, PORTION as i64],
        )?;
        if records == 0 {
            return Ok(0);
        }
        let (hash, _) = self.link_hash(link, &before, Form::Timed)?;
        self.run(
            "insert into audit_links (link, records, hash) values ($1, $2, $3)",
            values![link, records as i64, &hash],
        )?;
        self.count_link(link)?;
        Ok(records)
    }

    /// Recomputes a portion of the chain from where it was seen to hold; at its end, looks for what should follow.
    fn verify_links(&mut self, from: Seen) -> Result<Result<Seen, Chain>> {
        let links = self.rows(
            "select link, records, hash from audit_links where link > $1 order by link limit $2",
            values![from.link, PORTION as i64],
            |row| Ok((row.int(0)?, row.int(1)?, row.blob(2)?)),
        )?;
        let is_end = links.len() < PORTION as usize;
        let mut seen = from;
        for (link, records, hash) in links {
            if link != seen.link + 1 || !self.link_holds(link, &seen.hash, records, &hash)? {
                return Ok(Err(Chain { links: seen.link, broken: Some(seen.link + 1) }));
            }
            seen = Seen { link, hash, records: seen.records + records };
        }
        if !is_end {
            return Ok(Ok(seen));
        }
        let orphan =
            self.row("select link from audit where link > $1 limit 1", values![seen.link], |row| row.int(0))?;
        let counted = self.row(
            "select cast(coalesce(sum(count), 0) as bigint) from audit_counts where hour_ms = 0",
            &[],
            |row| row.int(0),
        )?;
        // Each record of a link was counted once, but for those of the first versions.
        let is_cut = orphan.is_some() || counted.unwrap_or(0) > seen.records;
        Ok(Err(Chain { links: seen.link, broken: is_cut.then_some(seen.link + 1) }))
    }

    fn link_holds(&mut self, link: i64, before: &[u8], records: i64, hash: &[u8]) -> Result<bool> {
        for form in [Form::Timed, Form::Timeless] {
            let (computed, found) = self.link_hash(link, before, form)?;
            if found != records {
                return Ok(false);
            }
            if computed == hash {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The hash of a link, if the chain has come so far.
    pub fn find_audit_link(&mut self, link: i64) -> Result<Option<Vec<u8>>> {
        self.row("select hash from audit_links where link = $1", values![link], |row| row.blob(0))
    }

    /// The newest link and its hash; 0 and nothing before the first.
    pub fn last_link(&mut self) -> Result<(i64, Vec<u8>)> {
        Ok(self
            .row("select link, hash from audit_links order by link desc limit 1", &[], |row| {
                Ok((row.int(0)?, row.blob(1)?))
            })?
            .unwrap_or_default())
    }

    /// The hash of a link, and over how many records it is.
    fn link_hash(&mut self, link: i64, before: &[u8], form: Form) -> Result<(Vec<u8>, i64)> {
        let mut context = Context::new(&SHA256);
        context.update(before);
        let records = self.rows(
            "select id, request_id, who, action, resource, source, outcome, detail, request, time_ms \
             from audit where link = $1 order by id",
            values![link],
            |row| {
                context.update(&row.blob(0)?);
                if let Form::Timed = form {
                    context.update(&row.time(9)?.ms().to_be_bytes());
                }
                for column in 1..8 {
                    let text = row.text(column)?;
                    context.update(&(text.len() as u64).to_be_bytes());
                    context.update(text.as_bytes());
                }
                // Records from before requests were kept have none, and hash as they did.
                let request = row.text(8)?;
                if !request.is_empty() {
                    context.update(&(request.len() as u64).to_be_bytes());
                    context.update(request.as_bytes());
                }
                Ok(())
            },
        )?;
        Ok((context.finish().as_ref().to_vec(), records.len() as i64))
    }
}

impl Store {
    /// Recomputes the chain of the audit, in portions between which others have their turn.
    pub async fn verify_audit(&self) -> Result<Chain> {
        let mut seen = Seen::default();
        loop {
            let from = seen;
            match self.read(move |tx| tx.verify_links(from.clone())).await? {
                Ok(further) => seen = further,
                Err(chain) => return Ok(chain),
            }
        }
    }
}

fn record(row: &Row<'_>) -> Result<AuditRecord> {
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
}

fn kept(row: &Row<'_>) -> Result<KeptRecord> {
    Ok(KeptRecord { record: record(row)?, id: row.blob(8)?, request: row.text(9)? })
}
