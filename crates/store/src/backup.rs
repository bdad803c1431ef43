//! A copy of a database in a file, whole as of one moment, while others go on writing to it.

use crate::Place;
use anyhow::{Context, Result, bail};
use rusqlite::{Connection, OpenFlags};
use std::fs::{File, OpenOptions, remove_file};
use std::path::Path;

/// Copies the database into a new file that only its owner can read. Blocks until the copy is on the disk.
pub fn back_up(place: &Place, to: &Path) -> Result<()> {
    let from = match place {
        Place::File(from) => from,
        Place::Memory => bail!("data that is kept in memory has no backup"),
        Place::Postgres { .. } => bail!("the data is in PostgreSQL: back it up by pg_dump"),
    };
    let connection = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_WRITE)
        .with_context(|| format!("the database {} cannot be opened", from.display()))?;
    make_private_file(to).with_context(|| format!("{} cannot be made", to.display()))?;
    let copied = copy(&connection, to);
    if copied.is_err() {
        // Half a copy must not be taken for one.
        let _ = remove_file(to);
    }
    copied.with_context(|| format!("{} cannot be copied to {}", from.display(), to.display()))
}

fn copy(connection: &Connection, to: &Path) -> Result<()> {
    connection.execute("vacuum into $1", [to.to_str().context("its name is not text")?])?;
    Ok(File::open(to)?.sync_all()?)
}

/// Makes a file that was not there.
fn make_private_file(path: &Path) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?;
    Ok(())
}
