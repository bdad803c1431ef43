//! Statements about jobs that bring users in from a file.

use crate::{Purpose, Row, Timestamp, Tx, values};
use anyhow::Result;

/// A job's row.
#[derive(Clone, Debug)]
pub struct ImportJobRow {
    pub id: String,
    pub pool_id: String,
    pub name: String,
    pub role_arn: String,
    pub status: String,
    pub upload_mac: Vec<u8>,
    pub upload_expires: Timestamp,
    /// JSON list of the file's columns; empty while there is no file.
    pub header: String,
    pub next_chunk: i64,
    pub imported: i64,
    pub skipped: i64,
    pub failed: i64,
    pub message: String,
    pub created: Timestamp,
    pub started: Option<Timestamp>,
    pub completed: Option<Timestamp>,
    /// How the file's passwords are hashed (`PasswordHashingAlgorithmType`); empty where it has none.
    pub hashing: String,
    /// A hash of nobody's that costs what those of the file do; empty while none came.
    pub hash_like: String,
}

macro_rules! select_job {
    ($rest:literal) => {
        concat!(
            "select id, pool_id, name, role_arn, status, upload_mac, upload_expires_ms, header, next_chunk, \
             imported, skipped, failed, message, created_ms, started_ms, completed_ms, hashing, hash_like from import_jobs ",
            $rest
        )
    };
}

impl Tx<'_> {
    pub fn add_import_job(&mut self, job: &ImportJobRow) -> Result<()> {
        self.run(
            "insert into import_jobs (id, pool_id, name, role_arn, status, upload_mac, upload_expires_ms, \
             created_ms, hashing) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            values![
                &job.id,
                &job.pool_id,
                &job.name,
                &job.role_arn,
                &job.status,
                &job.upload_mac,
                job.upload_expires,
                job.created,
                &job.hashing
            ],
        )?;
        Ok(())
    }

    pub fn find_import_job(&mut self, id: &str) -> Result<Option<ImportJobRow>> {
        self.row(select_job!("where id = $1"), values![id], job)
    }

    /// Reads a job to change it: others who change it wait from here on.
    pub fn import_job_to_change(&mut self, id: &str) -> Result<Option<ImportJobRow>> {
        self.serialize(&[b"import ", id.as_bytes()].concat())?;
        self.find_import_job(id)
    }

    /// Writes where a job stands.
    pub fn change_import_job(&mut self, job: &ImportJobRow) -> Result<()> {
        self.run(
            "update import_jobs set status = $1, header = $2, next_chunk = $3, imported = $4, skipped = $5, \
             failed = $6, message = $7, started_ms = $8, completed_ms = $9, hash_like = $10 where id = $11",
            values![
                &job.status,
                &job.header,
                job.next_chunk,
                job.imported,
                job.skipped,
                job.failed,
                &job.message,
                job.started,
                job.completed,
                &job.hash_like,
                &job.id
            ],
        )?;
        Ok(())
    }

    /// A pool's jobs by id, from behind `after`.
    pub fn list_import_jobs(&mut self, pool_id: &str, after: &str, limit: i64) -> Result<Vec<ImportJobRow>> {
        self.rows(
            select_job!("where pool_id = $1 and id > $2 order by id limit $3"),
            values![pool_id, after, limit],
            job,
        )
    }

    /// A hash of nobody's that costs what those cost that came into a pool last.
    pub fn import_hash_like(&mut self, pool_id: &str) -> Result<Option<String>> {
        self.row(
            "select hash_like from import_jobs where pool_id = $1 and hash_like <> '' \
             order by created_ms desc limit 1",
            values![pool_id],
            |row| row.text(0),
        )
    }

    /// Some job of a status.
    pub fn import_job_in(&mut self, status: &str) -> Result<Option<ImportJobRow>> {
        self.row(select_job!("where status = $1 order by id limit 1"), values![status], job)
    }

    /// A job of a status that was made before a moment.
    pub fn old_import_job(&mut self, status: &str, before: Timestamp) -> Result<Option<ImportJobRow>> {
        self.row(
            select_job!("where status = $1 and created_ms < $2 order by id limit 1"),
            values![status, before],
            job,
        )
    }

    /// Tells whether users are being brought into a pool now.
    pub fn is_importing(&mut self, pool_id: &str) -> Result<bool> {
        let found = self.row(
            "select 1 from import_jobs where pool_id = $1 and status in ('Pending', 'InProgress', 'Stopping') \
             limit 1",
            values![pool_id],
            |_| Ok(()),
        )?;
        Ok(found.is_some())
    }

    pub fn add_import_chunk(&mut self, job_id: &str, number: i64, lines: &str) -> Result<()> {
        let sealed = self.keys.seal(Purpose::Mail, lines.as_bytes());
        self.run(
            "insert into import_chunks (job_id, number, lines) values ($1, $2, $3)",
            values![job_id, number, &sealed],
        )?;
        Ok(())
    }

    pub fn import_chunk(&mut self, job_id: &str, number: i64) -> Result<Option<String>> {
        let keys = self.keys.clone();
        self.row(
            "select lines from import_chunks where job_id = $1 and number = $2",
            values![job_id, number],
            |row| Ok(String::from_utf8(keys.open(Purpose::Mail, &row.blob(0)?)?)?),
        )
    }

    /// Notes what is the matter with a line of a job's file.
    pub fn add_import_fault(&mut self, job_id: &str, line: i64, fault: &str) -> Result<()> {
        self.run(
            "insert into import_faults (job_id, line, fault) values ($1, $2, $3) on conflict do nothing",
            values![job_id, line, fault],
        )?;
        Ok(())
    }

    /// What was the matter with the first lines that could not be imported.
    pub fn import_faults(&mut self, job_id: &str, limit: i64) -> Result<Vec<(i64, String)>> {
        self.rows(
            "select line, fault from import_faults where job_id = $1 order by line limit $2",
            values![job_id, limit],
            |row| Ok((row.int(0)?, row.text(1)?)),
        )
    }

    /// Forgets a job's file.
    pub fn drop_import_chunks(&mut self, job_id: &str) -> Result<()> {
        self.run("delete from import_chunks where job_id = $1", values![job_id])?;
        Ok(())
    }
}

fn job(row: &Row<'_>) -> Result<ImportJobRow> {
    Ok(ImportJobRow {
        id: row.text(0)?,
        pool_id: row.text(1)?,
        name: row.text(2)?,
        role_arn: row.text(3)?,
        status: row.text(4)?,
        upload_mac: row.blob(5)?,
        upload_expires: row.time(6)?,
        header: row.text(7)?,
        next_chunk: row.int(8)?,
        imported: row.int(9)?,
        skipped: row.int(10)?,
        failed: row.int(11)?,
        message: row.text(12)?,
        created: row.time(13)?,
        started: row.opt_time(14)?,
        completed: row.opt_time(15)?,
        hashing: row.text(16)?,
        hash_like: row.text(17)?,
    })
}
