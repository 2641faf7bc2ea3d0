//! Secures what is there when the store is opened, before anything is answered: what the system shows of files that another process
//! has left need not be on the disk.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use rusqlite::Connection;

use crate::{StoreError, directory};

/// At once in memory.
const PIECE_BYTES: u64 = 1 << 20;

/// After this, what a start after a power cut finds is at least what this start has found.
pub(crate) fn secure(sqlite: &Connection, directory: &Path) -> Result<(), StoreError> {
    // Nobody else adds to the log meanwhile.
    sqlite.execute_batch("BEGIN IMMEDIATE")?;
    let written = write_again(&directory::log(directory));
    sqlite.execute_batch("ROLLBACK")?;
    written?;
    // SQLite does this for a log that it has made itself: not for one that a hub left that was killed at the wrong moment, or
    // that a program made that only looked.
    directory::sync_names(directory)?;
    Ok(())
}

/// When a sync fails, the system goes on showing what it could not write, and holds it for written: a further sync succeeds, and the
/// disk still has none of it. A hub that goes on writes the same place anew. One that ends there leaves a commit in the log that
/// is nowhere but in the system's memory, and all that the next hub adds lies behind the gap. So the log is written anew as it is.
fn write_again(log: &Path) -> io::Result<()> {
    let file = OpenOptions::new().read(true).write(true).open(log)?;
    let length = file.metadata()?.len();
    let mut piece = Vec::new();
    for at in (0..length).step_by(PIECE_BYTES as usize) {
        piece.resize(PIECE_BYTES.min(length - at) as usize, 0);
        file.read_exact_at(&mut piece, at)?;
        file.write_all_at(&piece, at)?;
    }
    file.sync_all()
}
