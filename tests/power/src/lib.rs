//! A disk whose power can be cut. A process is watched while it writes into a folder: a library that stands before libc (`shim`)
//! keeps a journal of what it asks of the system and of what it says on its standard output. From the journal `Disk` tells what
//! the folder could hold had the power been cut at any moment. The same library lets syncs fail, a disk be full, and ends the
//! process at a given operation. Knows nothing of what is written.
//!
//! On Linux SQLite, as it is built into the hub, writes with `pwrite64` and syncs with `fsync`, files and folders alike (seen with
//! strace). What is watched is that and what else it or Rust's standard library may call: `open`, `openat`, `close`, `write`,
//! `pwrite`, `ftruncate`, `fdatasync`, `unlink`, `rmdir`, `rename`, `mkdir` and `statvfs`, also by their names with 64. What is
//! written through a mapping is not seen: of a store that is the `-shm` file, which is made anew after a power cut.

mod dice;
mod disk;
mod journal;
mod watch;

pub use dice::Dice;
pub use disk::{Disk, Honesty};
pub use journal::{Operation, read};
pub use watch::{DIRECTORY, FAIL_SYNCS, JOURNAL, KILL_AT, KILL_AT_FAILED_SYNC, ROOM, Watch};
