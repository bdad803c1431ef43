//! Brings a database to this program's version: forward only, each step once, one text for both databases.

use anyhow::{Context, Result, ensure};

/// The steps in order; a step once released is never changed.
const STEPS: &[(&str, &str)] = &[
    ("pools", include_str!("../migrations/0001_pools.sql")),
    ("access", include_str!("../migrations/0002_access.sql")),
    ("mail", include_str!("../migrations/0003_mail.sql")),
    ("groups", include_str!("../migrations/0004_groups.sql")),
    ("resource servers", include_str!("../migrations/0005_resource_servers.sql")),
    ("client secrets", include_str!("../migrations/0006_client_secrets.sql")),
    ("undo links", include_str!("../migrations/0007_undo_links.sql")),
    ("key rotation", include_str!("../migrations/0008_key_rotation.sql")),
    ("token sessions", include_str!("../migrations/0009_token_sessions.sql")),
    ("user search", include_str!("../migrations/0010_user_search.sql")),
    ("console", include_str!("../migrations/0011_console.sql")),
    ("import jobs", include_str!("../migrations/0012_import_jobs.sql")),
    ("sso sessions", include_str!("../migrations/0013_sso_sessions.sql")),
    ("browser sessions of user", include_str!("../migrations/0014_browser_sessions_of_user.sql")),
    ("stamps", include_str!("../migrations/0015_stamps.sql")),
    ("second factors", include_str!("../migrations/0016_second_factors.sql")),
    ("audit", include_str!("../migrations/0017_audit.sql")),
    ("branding", include_str!("../migrations/0018_branding.sql")),
    ("passkeys", include_str!("../migrations/0019_passkeys.sql")),
    ("texts", include_str!("../migrations/0020_texts.sql")),
    ("password verifiers", include_str!("../migrations/0021_password_verifiers.sql")),
    ("password history", include_str!("../migrations/0022_password_history.sql")),
    ("identity providers", include_str!("../migrations/0023_identity_providers.sql")),
    ("devices", include_str!("../migrations/0024_devices.sql")),
    ("assertions", include_str!("../migrations/0025_assertions.sql")),
    ("import hashes", include_str!("../migrations/0026_import_hashes.sql")),
    ("request keys", include_str!("../migrations/0027_request_keys.sql")),
    ("terms", include_str!("../migrations/0028_terms.sql")),
    ("import faults", include_str!("../migrations/0029_import_faults.sql")),
    ("timings", include_str!("../migrations/0030_timings.sql")),
    ("used codes", include_str!("../migrations/0031_used_codes.sql")),
    ("outside names", include_str!("../migrations/0032_outside_names.sql")),
    ("administrators", include_str!("../migrations/0033_administrators.sql")),
    ("sign outs", include_str!("../migrations/0034_sign_outs.sql")),
    ("threats", include_str!("../migrations/0035_threats.sql")),
    ("log deliveries", include_str!("../migrations/0036_log_deliveries.sql")),
    ("bounced addresses", include_str!("../migrations/0037_bounced_addresses.sql")),
    ("outbox lanes", include_str!("../migrations/0038_outbox_lanes.sql")),
    ("bound policies", include_str!("../migrations/0039_bound_policies.sql")),
    ("leased lines", include_str!("../migrations/0040_leased_lines.sql")),
];

const VERSIONS: &str =
    "create table if not exists schema_versions (version bigint primary key, name text not null)";

/// Says which steps are still to be taken from a version on.
fn from(version: i64) -> Result<impl Iterator<Item = (i64, &'static str, &'static str)>> {
    let newest = STEPS.len() as i64;
    ensure!(
        version <= newest,
        "the database is of version {version}, and this program knows versions up to {newest}: \
         it was written by a newer Postern. Run that one, or restore a backup made before it."
    );
    Ok((1..).zip(STEPS).skip(version as usize).map(|(version, (name, sql))| (version, *name, *sql)))
}

/// Says whether a database is of this program's version; a newer one is refused.
fn is_current(version: i64) -> Result<bool> {
    Ok(from(version)?.next().is_none())
}

const VERSION: &str = "select coalesce(max(version), 0) from schema_versions";

/// Whether a database is of this program's version. Changes nothing.
pub(crate) fn sqlite_is_current(connection: &rusqlite::Connection) -> Result<bool> {
    is_current(connection.query_row(VERSION, [], |row| row.get(0))?)
}

/// The same for PostgreSQL.
pub(crate) fn postgres_is_current(client: &mut postgres::Client) -> Result<bool> {
    is_current(client.query_one(VERSION, &[])?.get(0))
}

pub(crate) fn sqlite(connection: &rusqlite::Connection) -> Result<()> {
    connection.execute_batch("begin immediate")?;
    connection.execute_batch(VERSIONS)?;
    let version = connection.query_row(VERSION, [], |row| row.get(0))?;
    for (version, name, sql) in from(version)? {
        connection.execute_batch(&clustered(sql)).with_context(|| format!("migration {version} ({name})"))?;
        connection.execute("insert into schema_versions (version, name) values ($1, $2)", (version, name))?;
    }
    connection.execute_batch("commit")?;
    Ok(())
}

pub(crate) fn postgres(client: &mut postgres::Client) -> Result<()> {
    let mut tx = client.transaction()?;
    // Nodes that start together migrate one after another.
    tx.execute("select pg_advisory_xact_lock(7239465120)", &[])?;
    tx.batch_execute(VERSIONS)?;
    let version: i64 = tx.query_one(VERSION, &[])?.get(0);
    for (version, name, sql) in from(version)? {
        tx.batch_execute(&bytewise(sql)).with_context(|| format!("migration {version} ({name})"))?;
        tx.execute("insert into schema_versions (version, name) values ($1, $2)", &[&version, &name])?;
    }
    tx.commit()?;
    Ok(())
}

/// Has PostgreSQL compare texts byte by byte, as SQLite does, whatever the database's locale.
fn bytewise(sql: &str) -> String {
    sql.replace(" text ", " text collate \"C\" ")
        .replace(" text,", " text collate \"C\",")
        // JSON is kept as a text, which SQLite's operator takes as it is.
        .replace("attributes ->>", "cast(attributes as json) ->>")
}

/// Has SQLite keep the rows of a table in the order of its primary key, as the migrations mark it, instead of apart from
/// it: half the pages for each write. PostgreSQL has no such tables, and no need of them.
fn clustered(sql: &str) -> String {
    sql.replace("); -- by key", ") without rowid;")
}
