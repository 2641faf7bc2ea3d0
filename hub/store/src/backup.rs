//! Copies of the whole store, each of one moment, in one file. Made beside the hub while it runs; taken back into a directory in
//! which no hub has stored anything.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use crate::directory::{self, Lock};
use crate::{Reader, StoreError, Tally, format, ledger};

/// What a copy holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackedUp {
    pub tally: Tally,
    pub bytes: u64,
}

/// What has personal data in it is for its owner alone.
const MODE: u32 = 0o600;

/// A file that gets its name once it is whole. Removed if that never comes.
struct Partial {
    path: PathBuf,
    name: PathBuf,
}

impl Partial {
    fn new(name: &Path) -> Result<Self, StoreError> {
        let mut partial = name.as_os_str().to_owned();
        partial.push(".partial");
        let path = PathBuf::from(partial);
        let opened = OpenOptions::new().write(true).create(true).truncate(true).mode(MODE).open(&path);
        opened.map_err(|error| match error.into() {
            StoreError::Internal(reason) => StoreError::Unwritable { file: name.to_owned(), reason },
            error => error,
        })?;
        Ok(Self { path, name: name.to_owned() })
    }

    /// On the disk, under its name. How many bytes it has.
    fn whole(&self) -> Result<u64, StoreError> {
        let file = File::open(&self.path)?;
        file.sync_all()?;
        fs::rename(&self.path, &self.name)?;
        let folder = self.name.parent().filter(|folder| !folder.as_os_str().is_empty());
        directory::sync_names(folder.unwrap_or(Path::new(".")))?;
        Ok(file.metadata()?.len())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "failed to remove half a copy of the store");
        }
    }
}

impl Reader {
    /// Writes all that is stored at this moment into a new file, and reads it back. The hub goes on meanwhile; its log grows by what
    /// it writes until the copy is done.
    pub fn back_up(&self, to: &Path) -> Result<BackedUp, StoreError> {
        if to.exists() {
            return Err(StoreError::Exists(to.to_owned()));
        }
        let partial = Partial::new(to)?;
        let tally = self.snapshot(|sqlite| {
            let tally = ledger::kept(sqlite)?;
            copy(sqlite, &partial.path).map_err(damaged(&directory::database(self.directory())))?;
            Ok(tally)
        })?;
        Ok(BackedUp { tally, bytes: partial.whole()? })
    }
}

/// All pages at once: a copy in steps would begin again with each commit of the hub.
fn copy(from: &Connection, to: &Path) -> Result<(), StoreError> {
    let mut to_sqlite = Connection::open_with_flags(to, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // A file that is not whole has no name yet, and is never read.
    to_sqlite.pragma_update(None, "journal_mode", "off")?;
    to_sqlite.pragma_update(None, "synchronous", "off")?;
    match Backup::new(from, &mut to_sqlite)?.step(-1)? {
        StepResult::Done => {}
        step => return Err(StoreError::corrupt(format!("a copy of all pages ended with {step:?}"))),
    }
    // One file, without a log beside it.
    to_sqlite.pragma_update(None, "journal_mode", "delete")?;
    check(&to_sqlite)
}

fn check(sqlite: &Connection) -> Result<(), StoreError> {
    let found: String = sqlite.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(StoreError::corrupt(found)) }
}

/// What cannot be made sense of in that file.
fn damaged(file: &Path) -> impl Fn(StoreError) -> StoreError {
    move |error| match error {
        StoreError::Internal(reason) => StoreError::Damaged { file: file.to_owned(), reason },
        error => error,
    }
}

/// Makes the store in `directory` out of a copy, also one of an earlier format. There may be none yet, and no hub may be at work
/// there. How many bytes it has.
pub fn restore(from: &Path, directory: &Path) -> Result<u64, StoreError> {
    let mut source = File::open(from)?;
    let lock = Lock::take(directory)?;
    let database = directory::database(directory);
    if database.exists() {
        return Err(StoreError::Occupied(directory.to_owned()));
    }
    let partial = Partial::new(&database)?;
    io::copy(&mut source, &mut OpenOptions::new().write(true).open(&partial.path)?)?;
    let sqlite = Connection::open_with_flags(&partial.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    if format::format_of(&sqlite, from).map_err(damaged(from))? == 0 {
        return Err(StoreError::Foreign(from.to_owned()));
    }
    check(&sqlite).map_err(damaged(from))?;
    drop(sqlite);
    let bytes = partial.whole()?;
    drop(lock);
    Ok(bytes)
}
