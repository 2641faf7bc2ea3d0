//! Compiled code, kept by the digest of what it was compiled from. Code is run as it lies there, so it is only taken from a
//! file of our own that carries our own seal; anything else is as if it were not there.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use crate::limits::{ARTEFACT_BYTES_MAX, KEPT_BYTES_MAX};

const SEAL_BYTES: usize = blake3::OUT_LEN;

/// The file with the key, among the others.
const KEY: &str = "key";

pub struct Cache {
    folder: PathBuf,
    /// Whoever can write into the folder but not read this cannot make code that we run.
    key: [u8; blake3::KEY_LEN],
    writes: AtomicU64,
    bytes_max: u64,
}

impl Cache {
    /// Makes the folder if need be. It must be ours, and nobody else's to enter.
    pub fn open(folder: &Path) -> io::Result<Self> {
        Self::bounded(folder, KEPT_BYTES_MAX)
    }

    fn bounded(folder: &Path, bytes_max: u64) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let metadata = fs::symlink_metadata(folder)?;
        if !metadata.is_dir() || metadata.uid() != own_uid() {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "it is not a folder of the user that runs the hub",
            ));
        }
        if metadata.mode() & 0o077 != 0 {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
        }
        let key = key(&folder.join(KEY))?;
        Ok(Self { folder: folder.to_owned(), key, writes: AtomicU64::new(0), bytes_max })
    }

    /// The code under that name, if it is whole and ours.
    pub fn get(&self, name: &str) -> Option<Vec<u8>> {
        let mut bytes = read_own(&self.folder.join(name), SEAL_BYTES + ARTEFACT_BYTES_MAX)?;
        let (seal, code) = bytes.split_at_checked(SEAL_BYTES)?;
        let sealed = self.seal(name, code) == *<&[u8; SEAL_BYTES]>::try_from(seal).ok()?;
        if !sealed {
            tracing::warn!(file = %self.folder.join(name).display(), "compiled code is damaged or not ours; it is compiled anew");
            return None;
        }
        bytes.drain(..SEAL_BYTES);
        // Whoever makes room goes by this. Without it the file only goes sooner.
        let _ = File::open(self.folder.join(name)).and_then(|file| file.set_modified(SystemTime::now()));
        Some(bytes)
    }

    /// A file appears whole or not at all.
    pub fn put(&self, name: &str, code: &[u8]) -> io::Result<()> {
        let number = self.writes.fetch_add(1, Ordering::Relaxed);
        let part = self.folder.join(format!(".{name}.{}.{number}", std::process::id()));
        let write = || {
            let mut file = new_own(&part)?;
            file.write_all(self.seal(name, code).as_bytes())?;
            file.write_all(code)?;
            file.sync_all()?;
            fs::rename(&part, self.folder.join(name))
        };
        write().inspect_err(|_| {
            // The first error says what matters.
            let _ = fs::remove_file(&part);
        })?;
        self.make_room(name);
        Ok(())
    }

    /// Removes what has not been used for longest until the rest fits; never what was just put. Another process may do the
    /// same: what one of them needs again is compiled again.
    fn make_room(&self, but: &str) {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let artefact = |entry: fs::DirEntry| {
            let name = entry.file_name().into_string().ok()?;
            let metadata =
                entry.metadata().ok().filter(|_| name != KEY && name != but && !name.starts_with('.'))?;
            Some((metadata.modified().ok()?, metadata.len(), entry.path()))
        };
        let mut others: Vec<_> = entries.filter_map(artefact).collect();
        others.sort();
        let mut bytes: u64 = others.iter().map(|(_, bytes, _)| bytes).sum();
        for (_, size, path) in others {
            if bytes <= self.bytes_max {
                return;
            }
            if fs::remove_file(path).is_ok() {
                bytes -= size;
            }
        }
    }

    /// The name is sealed too, so that a file cannot take the place of another.
    fn seal(&self, name: &str, code: &[u8]) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes()).update(code);
        hasher.finalize()
    }
}

/// Reads the key, or makes one. A key that is not ours alone is replaced, and what it has sealed is void.
fn key(path: &Path) -> io::Result<[u8; blake3::KEY_LEN]> {
    if let Some(key) = read_own(path, blake3::KEY_LEN).and_then(|bytes| bytes.try_into().ok()) {
        return Ok(key);
    }
    let mut key = [0; blake3::KEY_LEN];
    File::open("/dev/urandom")?.read_exact(&mut key)?;
    let part = path.with_extension(std::process::id().to_string());
    new_own(&part)?.write_all(&key)?;
    fs::rename(part, path)?;
    Ok(key)
}

fn read_own(path: &Path, bytes_max: usize) -> Option<Vec<u8>> {
    let file =
        OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path).ok()?;
    let metadata = file.metadata().ok()?;
    let is_own = metadata.is_file() && metadata.uid() == own_uid() && metadata.mode() & 0o077 == 0;
    if !is_own || metadata.len() > bytes_max as u64 {
        return None;
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).ok()?);
    file.take(bytes_max as u64).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn new_own(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn own_uid() -> u32 {
    // SAFETY: geteuid takes nothing, touches nothing and cannot fail.
    unsafe { libc::geteuid() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Does something to the cache's folder.
    type Tamper = fn(&Path);

    #[test]
    fn code_is_taken_only_as_it_was_put() {
        let cases: [(&str, bool, Tamper); 7] = [
            ("untouched", true, |_| {}),
            ("appended to", false, |folder| {
                OpenOptions::new().append(true).open(folder.join("a")).unwrap().write_all(b"!").unwrap();
            }),
            ("in the place of another", false, |folder| {
                fs::rename(folder.join("b"), folder.join("a")).unwrap();
            }),
            ("writable by others", false, |folder| {
                fs::set_permissions(folder.join("a"), fs::Permissions::from_mode(0o666)).unwrap();
            }),
            ("a link", false, |folder| {
                fs::rename(folder.join("a"), folder.join("c")).unwrap();
                std::os::unix::fs::symlink(folder.join("c"), folder.join("a")).unwrap();
            }),
            ("cut short", false, |folder| {
                OpenOptions::new().write(true).open(folder.join("a")).unwrap().set_len(10).unwrap();
            }),
            ("of another key", false, |folder| fs::remove_file(folder.join("key")).unwrap()),
        ];
        for (name, taken, tamper) in cases {
            let folder = tempfile::tempdir().unwrap();
            let cache = Cache::open(folder.path()).unwrap();
            cache.put("a", b"code").unwrap();
            cache.put("b", b"other code").unwrap();
            tamper(folder.path());
            let again = Cache::open(folder.path()).unwrap();
            assert_eq!(again.get("a"), taken.then(|| b"code".to_vec()), "{name}");
        }
    }

    #[test]
    fn what_was_not_used_for_longest_makes_room() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::bounded(folder.path(), 250).unwrap();
        let used = |name: &str, seconds: u64| {
            let file = File::open(folder.path().join(name)).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds)).unwrap();
        };
        for (name, seconds) in [("a", 1), ("b", 2), ("c", 3)] {
            cache.put(name, &[0; 60]).unwrap();
            used(name, seconds);
        }
        assert!(cache.get("a").is_some(), "it has been used just now");
        cache.put("d", &[0; 60]).unwrap();
        let kept: Vec<bool> = ["a", "b", "c", "d"].iter().map(|name| cache.get(name).is_some()).collect();
        assert_eq!(kept, [true, false, true, true]);
        cache.put("e", &[0; 400]).unwrap();
        assert!(cache.get("e").is_some(), "it is needed now, however large");
        assert!(Cache::open(folder.path()).unwrap().get("e").is_some(), "the key is kept");
    }

    #[test]
    fn an_open_folder_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Cache::open(folder.path()).unwrap().put("a", b"code").unwrap();
        assert_eq!(fs::metadata(folder.path()).unwrap().mode() & 0o777, 0o700);
        assert_eq!(fs::metadata(folder.path().join("a")).unwrap().mode() & 0o777, 0o600);
    }
}
