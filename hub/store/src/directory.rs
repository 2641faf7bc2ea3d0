//! The data directory: one hub at a time, and how much room it has. Never looks at what is in it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::StoreError;

/// The hub's file in the data directory.
const DATABASE: &str = "hub.db";

pub(crate) fn database(directory: &Path) -> PathBuf {
    directory.join(DATABASE)
}

/// Where SQLite writes what is not in the database yet.
pub(crate) fn log(directory: &Path) -> PathBuf {
    directory.join(format!("{DATABASE}-wal"))
}

/// Makes the directory if there is none. It does not vanish in a power cut with all that is in it.
fn make(directory: &Path) -> io::Result<()> {
    let directory = std::path::absolute(directory)?;
    let missing = directory.ancestors().skip(1).take_while(|folder| !folder.exists()).count();
    std::fs::create_dir_all(&directory)?;
    // Also that of a directory that is there: the hub that made it may have been killed before it came to this.
    directory.ancestors().skip(1).take(missing + 1).try_for_each(|folder| match sync_names(folder) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        synced => synced,
    })
}

/// A name is on the disk once the folder that it stands in is synced.
pub(crate) fn sync_names(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        // Some file systems keep names by themselves, and will not be asked.
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Ok(())
        }
        synced => synced,
    }
}

/// Held for as long as the hub uses the directory. The system lets go of it however the process ends.
pub struct Lock {
    file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file would do, but for a process that is just being started and has a copy of it for a moment.
        if let Err(error) = self.file.unlock() {
            tracing::warn!(%error, "failed to let go of the data directory before the process ends");
        }
    }
}

impl Lock {
    pub fn take(directory: &Path) -> Result<Self, StoreError> {
        make(directory)?;
        let path = directory.join("lock");
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let directory = directory.to_owned();
                return Err(StoreError::Locked { directory, holder: holder(&mut file) });
            }
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        // Who holds it is for people to read: a full disk must not keep the hub from starting.
        let named = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| write!(file, "{}", std::process::id()));
        if let Err(error) = named {
            tracing::warn!(%error, "failed to write the process id into the lock file");
        }
        Ok(Self { file })
    }
}

fn holder(file: &mut File) -> String {
    let mut process = String::new();
    match file.read_to_string(&mut process) {
        Ok(_) if !process.trim().is_empty() => format!(" (process {})", process.trim()),
        _ => String::new(),
    }
}

/// How many more bytes the hub may write into the directory.
pub(crate) fn free_bytes(directory: &Path) -> io::Result<u64> {
    let path = std::ffi::CString::new(directory.as_os_str().as_bytes())?;
    let mut found = std::mem::MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: the path ends in a zero byte, and `found` is as large as the call expects.
    let answer = unsafe { libc::statvfs(path.as_ptr(), found.as_mut_ptr()) };
    if answer != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call says that it has filled it.
    let found = unsafe { found.assume_init() };
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}
