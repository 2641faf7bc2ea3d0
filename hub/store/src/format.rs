//! The format on disk: its number, the migrations that lead to it, and how connections to it are set up.

use std::path::Path;
use std::sync::Once;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior, ffi};

use crate::{StoreError, directory};

/// Each leads from the format before it to the next. Released ones are never edited, and none is ever taken back.
const MIGRATIONS: [&str; 2] = [include_str!("format/1.sql"), include_str!("format/2.sql")];

/// The format that this version writes.
pub const FORMAT: i64 = MIGRATIONS.len() as i64;

/// "SNDO": tells our file from any other SQLite file.
const APPLICATION_ID: i64 = 0x534e_444f;

/// Measured with bodies of 1 KB (`examples/cost.rs`): the CPU is the same from 4 to 32 KiB, smaller pages take more room on
/// the disk, and larger ones make the log longer for every key that lands somewhere at random.
const PAGE_BYTES: u32 = 8192;

/// Enough for the right-hand edges of all trees and the hot pages of customers. Negative: in KiB.
const WRITER_CACHE_KIB: i64 = -16_384;

/// A reader walks along; the system's own cache holds the rest.
const READER_CACHE_KIB: i64 = -2_048;

/// Statements that stay compiled for a connection: there are fewer than this.
const STATEMENTS_MAX: usize = 96;

/// Only other programs that look into the file can be in the way, and those for moments.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// What the file of the log is cut back to once it has been copied into the database.
const LOG_BYTES_KEPT: i64 = 64 << 20;

/// The one connection that writes. Makes the file, or brings it to this version's format.
pub(crate) fn open_for_writing(directory: &Path, page_bytes: Option<u32>) -> Result<Connection, StoreError> {
    let mut sqlite = connect(directory, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    let found = format_of(&sqlite, &directory::database(directory))?;
    if found == 0 {
        sqlite.pragma_update(None, "page_size", page_bytes.unwrap_or(PAGE_BYTES))?;
    }
    sqlite.pragma_update(None, "journal_mode", "wal")?;
    sqlite.pragma_update(None, "synchronous", "full")?;
    sqlite.pragma_update(None, "wal_autocheckpoint", 0)?;
    sqlite.pragma_update(None, "journal_size_limit", LOG_BYTES_KEPT)?;
    sqlite.pragma_update(None, "cache_size", WRITER_CACHE_KIB)?;
    sqlite.pragma_update(None, "temp_store", "memory")?;
    for format in found..FORMAT {
        migrate(&mut sqlite, format)?;
    }
    Ok(sqlite)
}

/// A connection that cannot write, beside the hub that does.
pub(crate) fn open_for_reading(directory: &Path) -> Result<Connection, StoreError> {
    let sqlite = connect(directory, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    sqlite.pragma_update(None, "cache_size", READER_CACHE_KIB)?;
    Ok(sqlite)
}

/// A connection that copies the log into the database. It needs to write the file, and never writes a row.
pub(crate) fn open_for_copying(directory: &Path) -> Result<Connection, StoreError> {
    let sqlite = connect(directory, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    sqlite.pragma_update(None, "synchronous", "full")?;
    sqlite.pragma_update(None, "wal_autocheckpoint", 0)?;
    sqlite.pragma_update(None, "cache_size", READER_CACHE_KIB)?;
    Ok(sqlite)
}

/// Each connection is used by one thread at a time.
fn connect(directory: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    static ONCE: Once = Once::new();
    ONCE.call_once(without_memory_statistics);
    let path = directory::database(directory);
    let sqlite = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    sqlite.busy_timeout(BUSY_TIMEOUT)?;
    sqlite.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    // Otherwise statements with a range in them are compiled anew each time that a value changes: a tenth of all the work.
    sqlite.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(sqlite)
}

/// SQLite counts its memory under one lock for the whole process, and nobody asks.
fn without_memory_statistics() {
    // SAFETY: of all connections only ours exist in this process, and none before this has run. Were there others, SQLite
    // would say so and change nothing.
    let answer = unsafe { ffi::sqlite3_config(ffi::SQLITE_CONFIG_MEMSTATUS, 0) };
    if answer != ffi::SQLITE_OK {
        tracing::debug!(answer, "SQLite goes on counting its memory");
    }
}

/// The format of the file that the connection is open to: 0 for a new one. An error if it is not ours, or later than this version.
pub(crate) fn format_of(sqlite: &Connection, file: &Path) -> Result<i64, StoreError> {
    let number = |pragma: &str| sqlite.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let foreign = || StoreError::Foreign(file.to_owned());
    let application = match number("application_id") {
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) => {
            return Err(foreign());
        }
        application => application?,
    };
    if application == APPLICATION_ID {
        return match number("user_version")? {
            found if found > FORMAT => {
                Err(StoreError::NewerFormat { file: file.to_owned(), found, known: FORMAT })
            }
            found => Ok(found),
        };
    }
    let tables: i64 = sqlite.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application == 0 && tables == 0 { Ok(0) } else { Err(foreign()) }
}

/// One step, whole or not at all: a crash in the middle leaves the format that was.
fn migrate(sqlite: &mut Connection, from: i64) -> Result<(), StoreError> {
    let step = usize::try_from(from).expect("formats count from 0");
    let transaction = sqlite.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(MIGRATIONS[step])?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", from + 1)?;
    transaction.commit()?;
    tracing::info!(from, to = from + 1, "brought the store to its next format");
    Ok(())
}
