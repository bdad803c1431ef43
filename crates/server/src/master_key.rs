//! Where the master key is kept: never in the database, and never made anew beside data that needs the old one.

use anyhow::{Context as _, Result, bail};
use postern_store::Keys;
use std::fmt;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

/// The name of the key file in the data folder.
pub const FILE_NAME: &str = "master.key";

/// Where the master key comes from.
#[derive(Clone)]
pub enum MasterKey {
    /// Given in the environment.
    Text(String),
    /// A file that must be there.
    File(PathBuf),
    /// A file that is made at the first start, before there is a database.
    FileOrFresh { path: PathBuf, database: PathBuf },
    /// For data that ends with the process.
    Fresh,
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MasterKey::Text(_) => "from the environment",
            MasterKey::File(_) | MasterKey::FileOrFresh { .. } => "from a file",
            MasterKey::Fresh => "fresh",
        })
    }
}

impl MasterKey {
    /// Reads the keys, or makes the first one.
    pub fn keys(&self) -> Result<Keys> {
        if let Some(keys) = self.find()? {
            return Ok(keys);
        }
        match self {
            MasterKey::FileOrFresh { path, .. } => {
                make(path)?;
                read(path)?.context("the master key went away")
            }
            MasterKey::Fresh | MasterKey::Text(_) | MasterKey::File(_) => {
                Keys::from_text(&Keys::fresh_text())
            }
        }
    }

    /// Reads the keys, and makes none. None where a start would make the first one.
    pub fn find(&self) -> Result<Option<Keys>> {
        match self {
            MasterKey::Text(text) => Keys::from_text(text).map(Some),
            MasterKey::Fresh => Ok(None),
            MasterKey::File(path) => read(path)?.map(Some).with_context(|| {
                format!("there is no master key at {}; \"postern init\" makes one", path.display())
            }),
            MasterKey::FileOrFresh { path, database } => match read(path)? {
                None if database.exists() => bail!(
                    "{} is missing, and {} cannot be read without it; put it back from your backup",
                    path.display(),
                    database.display()
                ),
                found => Ok(found),
            },
        }
    }
}

fn read(path: &Path) -> Result<Option<Keys>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Keys::from_text(&text).with_context(|| path.display().to_string()).map(Some),
        Err(fault) if fault.kind() == ErrorKind::NotFound => Ok(None),
        Err(fault) => Err(fault).with_context(|| format!("reading {}", path.display())),
    }
}

/// Makes a folder that its owner alone may enter; one that is there stays as it is.
pub fn make_private(folder: &Path) -> Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).with_context(|| format!("making {}", folder.display()))
}

/// Makes a key file that its owner alone may read. Fails if there is one.
pub fn make(path: &Path) -> Result<()> {
    if let Some(folder) = path.parent() {
        make_private(folder)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).with_context(|| format!("making {}", path.display()))?;
    writeln!(file, "# Postern's master key. Keep a copy apart from the database.\n{}", Keys::fresh_text())?;
    file.sync_all()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern_store::Purpose;

    #[test]
    fn a_key_is_made_once_for_its_owner_alone_and_never_beside_old_data() {
        let folder = std::env::temp_dir().join(format!("postern-master-key-{}", std::process::id()));
        let path = folder.join(FILE_NAME);
        let database = folder.join("postern.db");
        let place = MasterKey::FileOrFresh { path: path.clone(), database: database.clone() };
        assert!(MasterKey::File(path.clone()).keys().is_err());

        let sealed = place.keys().expect("made").seal(Purpose::Secret, b"x");
        assert_eq!(place.keys().expect("read").open(Purpose::Secret, &sealed).expect("the same key"), b"x");
        #[cfg(unix)]
        {
            let mode =
                std::os::unix::fs::PermissionsExt::mode(&path.metadata().expect("a file").permissions());
            assert_eq!(mode & 0o777, 0o600);
        }
        assert!(make(&path).is_err());

        std::fs::write(&database, b"data").expect("written");
        std::fs::remove_file(&path).expect("lost");
        let fault = place.keys().expect_err("old data").to_string();
        assert!(fault.contains("backup"), "{fault}");
        std::fs::remove_dir_all(&folder).expect("tidied");
    }
}
