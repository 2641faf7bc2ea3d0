//! What can go wrong with storage, sorted by what the caller does about it.

use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::ffi;

/// Everything a call may fail with. A call that failed has changed nothing.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// No room. Nothing was lost, and writing goes on by itself once there is room again.
    #[error("failed to write: the disk with the data directory has no room left")]
    Full,
    /// More waits to be written than the disk can take. Try again later.
    #[error("failed to write: too much is waiting to be written")]
    Overloaded,
    #[error(
        "failed to open the data directory {}: another hub uses it{holder}. Stop that hub, or give this one a \
         directory of its own", directory.display()
    )]
    Locked { directory: PathBuf, holder: String },
    #[error(
        "failed to open {}: it has format {found}, and this binary knows formats up to {known}. Use the version of \
         snodo that last ran on it, or a later one; formats are never taken back",
        file.display()
    )]
    NewerFormat { file: PathBuf, found: i64, known: i64 },
    /// Only when reading: the hub brings its own directory to the format it needs.
    #[error(
        "failed to read the data directory {}: it has format {found}, and this binary reads format {known}. Start the \
         hub on it once, which brings it up to date",
        directory.display()
    )]
    OlderFormat { directory: PathBuf, found: i64, known: i64 },
    #[error("failed to open {}: it is not a store of this hub", .0.display())]
    Foreign(PathBuf),
    #[error("failed to read the data directory {}: no hub has stored anything in it yet", .0.display())]
    Missing(PathBuf),
    #[error("failed to write {}: it is there already. Name another file", .0.display())]
    Exists(PathBuf),
    #[error("failed to write {}: {reason}", file.display())]
    Unwritable { file: PathBuf, reason: Arc<Internal> },
    #[error(
        "failed to restore into the data directory {}: a hub has stored something there. Move it away, or name \
         another directory in hub.toml", .0.display()
    )]
    Occupied(PathBuf),
    #[error("failed to use {}: it is damaged ({reason})", file.display())]
    Damaged { file: PathBuf, reason: Arc<Internal> },
    /// What the caller had read has changed since. Read again, decide again.
    #[error("failed to write: what the decision rests on has changed meanwhile")]
    Stale,
    /// It was settled before, or is not there. Nothing is left to do for it.
    #[error("failed to settle {0}: it is not waiting for that")]
    Settled(String),
    #[error("failed to reach the store: it is closed")]
    Closed,
    /// Only where several nodes share a store: its broker or its database is away. Try again later; what was asked for was not
    /// done, or was done and is not done twice.
    #[error("failed to reach {0}")]
    Away(String),
    /// Ours to mend: logged in full, shown as "internal error".
    #[error("failed to use the store: {0}")]
    Internal(Arc<Internal>),
}

#[derive(Debug, thiserror::Error)]
pub enum Internal {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error("{0}")]
    Corrupt(String),
}

impl StoreError {
    pub fn corrupt(what: impl Into<String>) -> Self {
        Self::Internal(Arc::new(Internal::Corrupt(what.into())))
    }

    /// Whether the caller alone is concerned, not the transaction it was part of.
    pub(crate) const fn is_refusal(&self) -> bool {
        matches!(self, Self::Stale | Self::Settled(_) | Self::Full)
    }

    /// A write that the system refused, on a disk that has no room, is a full disk however the refusal was worded.
    pub(crate) fn or_full(self, is_disk_full: impl FnOnce() -> bool) -> Self {
        match &self {
            Self::Internal(internal) if internal.is_failed_write() && is_disk_full() => Self::Full,
            _ => self,
        }
    }
}

impl Internal {
    fn is_failed_write(&self) -> bool {
        let Self::Sqlite(rusqlite::Error::SqliteFailure(failure, _)) = self else { return false };
        matches!(
            failure.extended_code,
            ffi::SQLITE_IOERR_WRITE
                | ffi::SQLITE_IOERR_FSYNC
                | ffi::SQLITE_IOERR_DIR_FSYNC
                | ffi::SQLITE_IOERR_TRUNCATE
                | ffi::SQLITE_IOERR_SHMOPEN
                | ffi::SQLITE_IOERR_SHMSIZE
                | ffi::SQLITE_IOERR_SHMMAP
        )
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full,
            _ => Self::Internal(Arc::new(error.into())),
        }
    }
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Internal(Arc::new(error.into())),
        }
    }
}
