//! Reads the store, from any thread, beside the writer and never in its way. Each read sees one moment.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use crate::{StoreError, directory, format};

/// Connections kept open for the next read. More are opened when more threads read at once, and closed afterwards.
const IDLE_MAX: usize = 4;

/// A handle for reading. Cheap to clone.
#[derive(Clone)]
pub struct Reader {
    pool: Arc<Pool>,
}

struct Pool {
    directory: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Reader {
    /// For reading in another process than the hub's: the hub may be running, or not.
    pub(crate) fn open(directory: &Path) -> Result<Self, StoreError> {
        if !directory::database(directory).exists() {
            return Err(StoreError::Missing(directory.to_owned()));
        }
        let sqlite = format::open_for_reading(directory)?;
        match format::format_of(&sqlite, &directory::database(directory))? {
            format::FORMAT => {}
            found => {
                let directory = directory.to_owned();
                return Err(StoreError::OlderFormat { directory, found, known: format::FORMAT });
            }
        }
        let pool = Pool { directory: directory.to_owned(), idle: Mutex::new(vec![sqlite]) };
        Ok(Self { pool: Arc::new(pool) })
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.pool.directory
    }

    /// Everything that `read` reads is of one moment.
    pub(crate) fn snapshot<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let idle = self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let sqlite = match idle {
            Some(sqlite) => sqlite,
            None => format::open_for_reading(&self.pool.directory)?,
        };
        let transaction = sqlite.unchecked_transaction()?;
        let found = read(&transaction);
        transaction.commit()?;
        let mut idle = self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_MAX {
            idle.push(sqlite);
        }
        found
    }

    /// Closes what is idle. A read that comes later opens again.
    pub(crate) fn rest(&self) {
        self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
