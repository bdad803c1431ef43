//! Users brought in from a file: taken apart when it arrives, and worked off some lines at a time, each time in one
//! unit of work that also notes how far it came, so that no line counts twice, wherever a node stops.

use crate::Pools;
use crate::attributes;
use crate::auth::foreign_password;
use crate::csv::records;
use crate::identities;
use crate::pool::Pool;
use crate::user::{Password, Status, blank};
use anyhow::anyhow;
use postern_model::cognito_idp::PasswordHashingAlgorithmType;
use postern_model::{Answer, Error};
use postern_store::import_jobs::ImportJobRow;
use postern_store::{Keys, Purpose, Timestamp, Tx};

/// The name column, and the one that says whether the user has a second factor.
pub const USERNAME: &str = "cognito:username";
pub const MFA_ENABLED: &str = "cognito:mfa_enabled";
/// The column with the hashes of passwords, in a file whose job names their algorithm.
pub const PASSWORD_HASH: &str = "cognito:password_hash";

/// Limits of a file (Developer Guide, "Importing users from a CSV file").
pub const FILE_MAX: usize = 100 * 1024 * 1024;
const USERS_MAX: usize = 500_000;
const LINE_MAX: usize = 16_000;
/// Lines of a job of which it is kept what was the matter.
pub const FAULTS_MAX: i64 = 1000;
/// Lines worked off in one unit.
const CHUNK: usize = 100;
/// A job that is not started is forgotten after a day.
const WAIT_MS: i64 = 86_400_000;

/// How a file was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upload {
    Taken,
    /// No job waits for a file at this address, or no longer.
    NoJob,
    /// What came is not a file that the job can work off.
    Unreadable(&'static str),
}

/// What became of a line.
enum Outcome {
    Imported,
    /// There is a user of that name.
    Skipped,
    /// With what is the matter, in words that repeat nothing of the line.
    Failed(&'static str),
}

/// The columns of a pool's file.
pub fn columns(pool: &Pool) -> Vec<String> {
    let attributes = pool.config.schema_attributes.iter().flatten().filter_map(|entry| entry.name.clone());
    let mut columns: Vec<String> =
        attributes.filter(|name| !["sub", "identities"].contains(&name.as_str())).collect();
    columns.extend([MFA_ENABLED.to_owned(), USERNAME.to_owned()]);
    columns
}

/// The hash under which the token of an upload's address is kept.
pub fn upload_mac(keys: &Keys, token: &str) -> [u8; 32] {
    keys.mac(Purpose::Token, &[b"import", token.as_bytes()])
}

impl Pools {
    /// Tells whether a job waits for its file at this address.
    pub async fn awaits_import_file(&self, job_id: &str, token: &str) -> anyhow::Result<bool> {
        let (pools, job_id, token) = (self.clone(), job_id.to_owned(), token.to_owned());
        self.store
            .read(move |tx| {
                let now = pools.clock.now();
                let job = tx.find_import_job(&job_id)?;
                Ok(job.is_some_and(|job| awaits_file(tx.keys(), &job, &token, now)))
            })
            .await
    }

    /// Takes a job's file, in the place of one that came before.
    pub async fn take_import_file(&self, job_id: &str, token: &str, file: Vec<u8>) -> anyhow::Result<Upload> {
        let (pools, job_id, token) = (self.clone(), job_id.to_owned(), token.to_owned());
        let lines =
            self.hashers.run(move || lines_of(file)).await.map_err(|_| anyhow!("the threads are busy"))?;
        self.store
            .write(move |tx| {
                let now = pools.clock.now();
                let Some(mut job) = tx.import_job_to_change(&job_id)? else { return Ok(Upload::NoJob) };
                if !awaits_file(tx.keys(), &job, &token, now) {
                    return Ok(Upload::NoJob);
                }
                let lines = match &lines {
                    Ok(lines) => lines,
                    Err(fault) => return Ok(Upload::Unreadable(fault)),
                };
                let Some(pool) = Pool::find(tx, &pools.place, &job.pool_id)? else {
                    return Ok(Upload::NoJob);
                };
                let (header, lines) = match headed(&pool, !job.hashing.is_empty(), lines) {
                    Ok(parts) => parts,
                    Err(fault) => return Ok(Upload::Unreadable(fault)),
                };
                tx.drop_import_chunks(&job.id)?;
                for (number, chunk) in (0..).zip(lines.chunks(CHUNK)) {
                    tx.add_import_chunk(&job.id, number, &serde_json::to_string(chunk)?)?;
                }
                job.header = serde_json::to_string(header)?;
                tx.change_import_job(&job)?;
                Ok(Upload::Taken)
            })
            .await
    }

    /// What is the matter with a file, before there is a job for it.
    pub async fn import_file_fault(
        &self,
        pool_id: &str,
        has_hashes: bool,
        file: Vec<u8>,
    ) -> Answer<Option<&'static str>> {
        let pool = self.pool(pool_id).await?;
        let judged = self
            .hashers
            .run(move || lines_of(file).and_then(|lines| headed(&pool, has_hashes, &lines).map(|_| ())));
        Ok(judged.await.map_err(|_| anyhow!("the threads are busy"))?.err())
    }

    /// Works off some lines of some job; false when there is nothing to do.
    pub async fn import_some(&self) -> Answer<bool> {
        let pools = self.clone();
        self.store
            .write(move |tx| {
                let now = pools.clock.now();
                if let Some(old) = tx.old_import_job("Created", now.minus_ms(WAIT_MS))? {
                    finish(tx, old, "Expired", "The job was not started in time.", now)?;
                    return Ok(true);
                }
                for status in ["Stopping", "InProgress", "Pending"] {
                    if let Some(job) = tx.import_job_in(status)? {
                        pools.go_on_importing(tx, &job.id, now)?;
                        return Ok(true);
                    }
                }
                Ok(false)
            })
            .await
    }

    fn go_on_importing(&self, tx: &mut Tx<'_>, job_id: &str, now: Timestamp) -> Answer<()> {
        let Some(mut job) = tx.import_job_to_change(job_id)? else { return Ok(()) };
        match job.status.as_str() {
            "Stopping" => return finish(tx, job, "Stopped", "The job was stopped.", now),
            "Pending" | "InProgress" => {}
            // Another node was quicker.
            _ => return Ok(()),
        }
        let Some(pool) = Pool::find(tx, &self.place, &job.pool_id)? else { return Ok(()) };
        let Some(chunk) = tx.import_chunk(&job.id, job.next_chunk)? else {
            let (status, words) = match job.imported + job.skipped {
                0 if job.failed > 0 => ("Failed", "No user could be imported. See each line's fault."),
                _ => ("Succeeded", "Import Job Completed Successfully."),
            };
            return finish(tx, job, status, words, now);
        };
        let header: Vec<String> = serde_json::from_str(&job.header).map_err(anyhow::Error::from)?;
        let lines: Vec<Vec<String>> = serde_json::from_str(&chunk).map_err(anyhow::Error::from)?;
        for (line, number) in lines.iter().zip(job.next_chunk * CHUNK as i64 + 2..) {
            let fault = match import_line(tx, &pool, &mut job, &header, line, now) {
                Ok(Outcome::Imported) => {
                    job.imported += 1;
                    continue;
                }
                Ok(Outcome::Skipped) => {
                    job.skipped += 1;
                    continue;
                }
                Ok(Outcome::Failed(fault)) => fault,
                // The words may hold what stands in the line, so only their kind is told.
                Err(Error::Refused(refused)) => refused.kind.code,
                Err(failed) => return Err(failed),
            };
            tracing::warn!(job = job.id, number, fault, "a line cannot be imported");
            if job.failed < FAULTS_MAX {
                tx.add_import_fault(&job.id, number, fault)?;
            }
            job.failed += 1;
        }
        job.status = "InProgress".into();
        job.next_chunk += 1;
        tx.change_import_job(&job)?;
        Ok(())
    }
}

fn awaits_file(keys: &Keys, job: &ImportJobRow, token: &str, now: Timestamp) -> bool {
    let is_its = keys.mac_matches(Purpose::Token, &[b"import", token.as_bytes()], &job.upload_mac);
    is_its && now < job.upload_expires && job.status == "Created"
}

fn finish(tx: &mut Tx<'_>, mut job: ImportJobRow, status: &str, words: &str, now: Timestamp) -> Answer<()> {
    job.status = status.to_owned();
    job.message = words.to_owned();
    job.completed = Some(now);
    tx.drop_import_chunks(&job.id)?;
    tx.change_import_job(&job)?;
    Ok(())
}

/// Brings one user in: with the password that they have, where its hash came along, and else to set one of their own
/// before anything else.
fn import_line(
    tx: &mut Tx<'_>,
    pool: &Pool,
    job: &mut ImportJobRow,
    header: &[String],
    line: &[String],
    now: Timestamp,
) -> Answer<Outcome> {
    if line.len() != header.len() {
        return Ok(Outcome::Failed("it has not as many values as the header"));
    }
    let mut username = "";
    let mut hash = "";
    let mut asked = Vec::new();
    for (name, value) in header.iter().zip(line) {
        match name.as_str() {
            USERNAME => username = value,
            // Nobody comes with a second factor that works.
            MFA_ENABLED if value.eq_ignore_ascii_case("true") => {
                return Ok(Outcome::Failed("MFA cannot be enabled by an import"));
            }
            MFA_ENABLED => {}
            PASSWORD_HASH => hash = value,
            _ if value.is_empty() => {}
            _ => asked.push((name.clone(), value.clone())),
        }
    }
    let mut user = blank(&pool.id, now);
    user.status = Status::ResetRequired;
    if let Some(algorithm) = PasswordHashingAlgorithmType::parse(&job.hashing).filter(|_| !hash.is_empty()) {
        match foreign_password::taken(algorithm, hash) {
            // What SRP proves a password against is made when it is first given.
            Ok(hash) => {
                if job.hash_like.is_empty() {
                    job.hash_like = foreign_password::like(&hash);
                }
                user.password = Some(Password { hash, verifier: None });
            }
            Err(fault) => return Ok(Outcome::Failed(fault)),
        }
        user.status = Status::Confirmed;
    }
    // Where addresses are the names, the name is the address.
    let address = pool.username_attributes.iter().find_map(|kind| {
        asked.iter().find(|(name, _)| name == kind.as_str()).map(|(_, value)| value.as_str())
    });
    attributes::new_username(pool, address.unwrap_or(username), &mut user, &asked)?;
    attributes::write_new(pool, &mut user, &asked)?;
    attributes::complete(pool, &user)?;
    identities::keep_for_providers(tx, pool, &user)?;
    let is_verified = pool.auto_verified.is_empty()
        || pool.auto_verified.iter().any(|medium| user.is_verified(medium.attribute()));
    if user.username.is_empty() {
        return Ok(Outcome::Failed("it has no user name"));
    }
    if !is_verified {
        return Ok(Outcome::Failed("it has no verified address of a kind that the pool verifies"));
    }
    let names = attributes::names(pool, &user);
    for name in &names {
        if tx.user_named(&pool.id, &name.key)?.is_some() {
            return Ok(Outcome::Skipped);
        }
    }
    if !tx.add_user(&user.to_row()?, &names)? {
        return Err(anyhow!("somebody took a name while it was imported").into());
    }
    Ok(Outcome::Imported)
}

/// A file's header and the lines below it, where the pool has each column.
fn headed<'a>(
    pool: &Pool,
    has_hashes: bool,
    lines: &'a [Vec<String>],
) -> Result<(&'a [String], &'a [Vec<String>]), &'static str> {
    let mut known = columns(pool);
    if has_hashes {
        known.push(PASSWORD_HASH.to_owned());
    }
    let (header, lines) = lines.split_first().ok_or("The file has no header.")?;
    if header.iter().any(|name| !known.contains(name)) || !header.iter().any(|name| name == USERNAME) {
        return Err("The header has a column that the user pool does not have.");
    }
    Ok((header, lines))
}

/// Takes a file apart.
fn lines_of(file: Vec<u8>) -> Result<Vec<Vec<String>>, &'static str> {
    let text = String::from_utf8(file).map_err(|_| "The file is not UTF-8.")?;
    let lines = records(&text).ok_or("A quoted value does not end.")?;
    if lines.len() > USERS_MAX + 1 {
        return Err("The file has more than 500,000 users.");
    }
    if lines.iter().any(|line| line.iter().map(String::len).sum::<usize>() > LINE_MAX) {
        return Err("A line is longer than 16,000 characters.");
    }
    Ok(lines)
}
