//! Stands before libc in a process that is watched: does what is asked, and keeps a journal of it. One lock keeps the journal in the
//! order in which things happened; only a sync lets others go on beside it, as a real one does.

use std::collections::HashMap;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use libc::{mode_t, off_t, size_t, ssize_t};
use snodo_test_power::{DIRECTORY, FAIL_SYNCS, JOURNAL, KILL_AT, KILL_AT_FAILED_SYNC, Operation, ROOM};

const STDOUT: c_int = 1;

struct Watched {
    directory: String,
    journal: c_int,
    kill_at: u64,
    kill_at_failed_sync: bool,
    fail_syncs: Range<u64>,
    /// How many bytes still fit; `None` if it is not to be said.
    room: Option<u64>,
    /// What is open in the folder.
    open: HashMap<c_int, String>,
    operations: u64,
    syncs: u64,
}

fn watched() -> Option<MutexGuard<'static, Watched>> {
    static WATCHED: OnceLock<Option<Mutex<Watched>>> = OnceLock::new();
    let watched = WATCHED.get_or_init(|| Watched::new().map(Mutex::new));
    watched.as_ref().map(|watched| watched.lock().unwrap_or_else(PoisonError::into_inner))
}

/// The function of that name that comes after ours. Unsafe: it must have this type.
macro_rules! real {
    ($name:ident: fn($($argument:ty),*) -> $result:ty) => {{
        static FOUND: OnceLock<usize> = OnceLock::new();
        let found = FOUND.get_or_init(|| find(concat!(stringify!($name), "\0")));
        std::mem::transmute::<usize, unsafe extern "C" fn($($argument),*) -> $result>(*found)
    }};
}

fn find(name: &str) -> usize {
    // SAFETY: the names above end in a zero byte.
    let found = unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr().cast()) } as usize;
    assert!(found != 0, "libc has {name}");
    found
}

impl Watched {
    fn new() -> Option<Self> {
        let directory = std::env::var(DIRECTORY).ok()?;
        let number = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
        let fail_syncs = std::env::var(FAIL_SYNCS).ok().and_then(|text| {
            let (start, end) = text.split_once('-')?;
            Some(start.parse().ok()?..end.parse().ok()?)
        });
        let journal = CString::new(std::env::var(JOURNAL).ok()?).ok()?;
        let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_APPEND | libc::O_CLOEXEC;
        // SAFETY: the path ends in a zero byte.
        let journal =
            unsafe { real!(open: fn(*const c_char, c_int, mode_t) -> c_int)(journal.as_ptr(), flags, 0o600) };
        (journal >= 0).then(|| Self {
            directory,
            journal,
            kill_at: number(KILL_AT).unwrap_or(u64::MAX),
            kill_at_failed_sync: std::env::var_os(KILL_AT_FAILED_SYNC).is_some(),
            fail_syncs: fail_syncs.unwrap_or(0..0),
            room: number(ROOM),
            open: HashMap::new(),
            operations: 0,
            syncs: 0,
        })
    }

    fn put(&mut self, operation: &Operation) {
        let bytes = operation.encode();
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            // SAFETY: the bytes are there for the length of the call.
            let written = unsafe { real_write(self.journal, rest.as_ptr().cast(), rest.len()) };
            assert!(written > 0, "the journal can be written");
            rest = &rest[written as usize..];
        }
        self.operations += 1;
        let failed = self.kill_at_failed_sync && matches!(operation, Operation::SyncFailed { .. });
        if self.operations >= self.kill_at || failed {
            // SAFETY: it ends the process, while the lock keeps everyone else from doing anything.
            unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
            loop {
                std::hint::spin_loop();
            }
        }
    }

    /// The path within the folder, if it is in there.
    fn within(&self, path: *const c_char) -> Option<String> {
        // SAFETY: callers pass a string that ends in a zero byte.
        let path = unsafe { CStr::from_ptr(path) }.to_str().ok()?;
        let rest = path.strip_prefix(&self.directory)?;
        match rest.strip_prefix('/') {
            Some(rest) => Some(rest.trim_end_matches('/').to_owned()),
            None => rest.is_empty().then(String::new),
        }
    }

    fn opened(&mut self, path: String, fd: c_int, was_there: bool, flags: c_int) {
        if !was_there {
            self.put(&Operation::Made(path.clone()));
        } else if flags & libc::O_TRUNC != 0 {
            self.put(&Operation::Cut { path: path.clone(), length: 0 });
        }
        self.open.insert(fd, path);
    }

    /// How much of that may be written; `None` if nothing.
    fn take_room(&mut self, fd: c_int, at: u64, bytes: usize) -> Option<usize> {
        let Some(room) = self.room else { return Some(bytes) };
        let length = length(fd);
        let end = at + bytes as u64;
        let grows = end.saturating_sub(length);
        if grows <= room {
            self.room = Some(room - grows);
            return Some(bytes);
        }
        // As a real disk does: what fits is written, and the next call hears that it is full.
        let fits = (length + room).saturating_sub(at) as usize;
        self.room = Some(0);
        (fits > 0).then_some(fits)
    }

    fn give_back(&mut self, bytes: u64) {
        self.room = self.room.map(|room| room + bytes);
    }
}

fn fail(reason: c_int) -> c_int {
    // SAFETY: the place of the thread's own error is always there.
    unsafe { *libc::__errno_location() = reason };
    -1
}

fn length(fd: c_int) -> u64 {
    let mut found = std::mem::MaybeUninit::<libc::stat>::zeroed();
    // SAFETY: `found` is as large as the call expects, and zeroes are a valid value.
    unsafe {
        libc::fstat(fd, found.as_mut_ptr());
        found.assume_init().st_size as u64
    }
}

unsafe fn real_write(fd: c_int, data: *const c_void, bytes: size_t) -> ssize_t {
    // SAFETY: as the caller promises.
    unsafe { real!(write: fn(c_int, *const c_void, size_t) -> ssize_t)(fd, data, bytes) }
}

fn open_as(path: *const c_char, flags: c_int, really: impl FnOnce() -> c_int) -> c_int {
    let Some(mut watched) = watched() else { return really() };
    // SAFETY: callers pass a string that ends in a zero byte.
    let was_there = unsafe { libc::access(path, libc::F_OK) } == 0;
    let fd = really();
    if fd >= 0 {
        watched.open.remove(&fd);
        if let Some(path) = watched.within(path) {
            watched.opened(path, fd, was_there, flags);
        }
    }
    fd
}

macro_rules! opens {
    ($($name:ident)*) => {$(
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
            // SAFETY: what the caller passes is passed on.
            open_as(path, flags, || unsafe {
                real!($name: fn(*const c_char, c_int, mode_t) -> c_int)(path, flags, mode)
            })
        }
    )*};
}
opens!(open open64);

macro_rules! opens_at {
    ($($name:ident)*) => {$(
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name(folder: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
            // SAFETY: what the caller passes is passed on.
            open_as(path, flags, || unsafe {
                real!($name: fn(c_int, *const c_char, c_int, mode_t) -> c_int)(folder, path, flags, mode)
            })
        }
    )*};
}
opens_at!(openat openat64);

#[unsafe(no_mangle)]
unsafe extern "C" fn close(fd: c_int) -> c_int {
    let mut watched = watched();
    if let Some(watched) = &mut watched {
        watched.open.remove(&fd);
    }
    // SAFETY: what the caller passes is passed on.
    unsafe { real!(close: fn(c_int) -> c_int)(fd) }
}

/// Writes as much as there is room for, by `really`, at the place that `at` tells.
fn write_as(
    fd: c_int,
    data: *const c_void,
    bytes: size_t,
    at: impl FnOnce() -> u64,
    really: impl FnOnce(size_t) -> ssize_t,
) -> ssize_t {
    let Some(mut watched) = watched() else { return really(bytes) };
    let path = watched.open.get(&fd).cloned();
    if path.is_none() && fd != STDOUT {
        drop(watched);
        return really(bytes);
    }
    let at = if path.is_some() { at() } else { 0 };
    let fits = match &path {
        Some(_) => watched.take_room(fd, at, bytes),
        None => Some(bytes),
    };
    let Some(fits) = fits else { return fail(libc::ENOSPC) as ssize_t };
    let written = really(fits);
    if written > 0 {
        // SAFETY: the caller's data is there for the length of the call, and at least as long as what was written of it.
        let data = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), written as usize) }.to_vec();
        watched.put(&match path {
            Some(path) => Operation::Written { path, at, data },
            None => Operation::Said(data),
        });
    }
    written
}

#[unsafe(no_mangle)]
unsafe extern "C" fn write(fd: c_int, data: *const c_void, bytes: size_t) -> ssize_t {
    // SAFETY: asks where the file is, and moves nothing.
    let at = || unsafe { libc::lseek(fd, 0, libc::SEEK_CUR) }.max(0) as u64;
    // SAFETY: what the caller passes is passed on, or less of it.
    write_as(fd, data, bytes, at, |bytes| unsafe { real_write(fd, data, bytes) })
}

macro_rules! writes_at {
    ($($name:ident)*) => {$(
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name(fd: c_int, data: *const c_void, bytes: size_t, at: off_t) -> ssize_t {
            // SAFETY: what the caller passes is passed on, or less of it.
            write_as(fd, data, bytes, || at as u64, |bytes| unsafe {
                real!($name: fn(c_int, *const c_void, size_t, off_t) -> ssize_t)(fd, data, bytes, at)
            })
        }
    )*};
}
writes_at!(pwrite pwrite64);

macro_rules! cuts {
    ($($name:ident)*) => {$(
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name(fd: c_int, bytes: off_t) -> c_int {
            let mut watched = watched();
            let path = watched.as_ref().and_then(|watched| watched.open.get(&fd).cloned());
            let before = length(fd);
            // SAFETY: what the caller passes is passed on.
            let answer = unsafe { real!($name: fn(c_int, off_t) -> c_int)(fd, bytes) };
            if let (Some(path), Some(watched), 0) = (path, &mut watched, answer) {
                let length = bytes as u64;
                watched.give_back(before.saturating_sub(length));
                watched.put(&Operation::Cut { path, length });
            }
            answer
        }
    )*};
}
cuts!(ftruncate ftruncate64);

macro_rules! syncs {
    ($($name:ident)*) => {$(
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name(fd: c_int) -> c_int {
            // SAFETY: what the caller passes is passed on.
            sync_as(fd, || unsafe { real!($name: fn(c_int) -> c_int)(fd) })
        }
    )*};
}
syncs!(fsync fdatasync);

fn sync_as(fd: c_int, really: impl FnOnce() -> c_int) -> c_int {
    let number = match watched() {
        Some(mut watched) => match watched.open.get(&fd).cloned() {
            Some(path) => {
                watched.syncs += 1;
                let number = watched.syncs;
                watched.put(&Operation::Syncing { path, number });
                if watched.fail_syncs.contains(&number) {
                    watched.put(&Operation::SyncFailed { number });
                    return fail(libc::EIO);
                }
                Some(number)
            }
            None => None,
        },
        None => None,
    };
    let answer = really();
    if let (Some(number), Some(mut watched)) = (number, watched()) {
        watched.put(&match answer {
            0 => Operation::Synced { number },
            _ => Operation::SyncFailed { number },
        });
    }
    answer
}

macro_rules! removes {
    ($($name:ident)*) => {$(
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name(path: *const c_char) -> c_int {
            let mut watched = watched();
            let within = watched.as_ref().and_then(|watched| watched.within(path));
            let mut found = std::mem::MaybeUninit::<libc::stat>::zeroed();
            // SAFETY: the path ends in a zero byte, and `found` is as large as the call expects.
            let bytes = unsafe {
                libc::stat(path, found.as_mut_ptr());
                found.assume_init().st_size as u64
            };
            // SAFETY: what the caller passes is passed on.
            let answer = unsafe { real!($name: fn(*const c_char) -> c_int)(path) };
            if let (Some(path), Some(watched), 0) = (within, &mut watched, answer) {
                watched.give_back(bytes);
                watched.put(&Operation::Removed(path));
            }
            answer
        }
    )*};
}
removes!(unlink rmdir);

#[unsafe(no_mangle)]
unsafe extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    let mut watched = watched();
    // SAFETY: what the caller passes is passed on.
    let answer = unsafe { real!(rename: fn(*const c_char, *const c_char) -> c_int)(from, to) };
    if let (Some(watched), 0) = (&mut watched, answer)
        && let (Some(from), Some(to)) = (watched.within(from), watched.within(to))
    {
        watched.put(&Operation::Renamed { from, to });
    }
    answer
}

#[unsafe(no_mangle)]
unsafe extern "C" fn mkdir(path: *const c_char, mode: mode_t) -> c_int {
    let mut watched = watched();
    // SAFETY: what the caller passes is passed on.
    let answer = unsafe { real!(mkdir: fn(*const c_char, mode_t) -> c_int)(path, mode) };
    if let (Some(watched), 0) = (&mut watched, answer)
        && let Some(path) = watched.within(path)
    {
        watched.put(&Operation::Folder(path));
    }
    answer
}

macro_rules! tells_room {
    ($($name:ident)*) => {$(
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name(path: *const c_char, found: *mut libc::statvfs) -> c_int {
            let watched = watched();
            // SAFETY: what the caller passes is passed on.
            let answer = unsafe { real!($name: fn(*const c_char, *mut libc::statvfs) -> c_int)(path, found) };
            if let (Some(watched), 0) = (&watched, answer)
                && let (Some(_), Some(room)) = (watched.within(path), watched.room)
            {
                // SAFETY: the call has filled it.
                let found = unsafe { &mut *found };
                found.f_bavail = room / found.f_frsize;
            }
            answer
        }
    )*};
}
tells_room!(statvfs statvfs64);
