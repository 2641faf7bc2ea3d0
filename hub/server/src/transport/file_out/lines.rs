//! The files: appended to, synced, and put under a final name when they are full or old. Owned by one thread.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use bytes::Bytes;
use serde::de::IgnoredAny;
use snodo_core::Timestamp;

use super::{Outbox, WriteError};

/// The longest name that every file system takes, with our own endings added.
const NAME_BYTES_MAX: usize = 100;
/// Files held open. A connector that writes to more is splitting by something that has no end.
const FILES_MAX: usize = 64;
/// Files closed on one day under one name.
const ROTATIONS_MAX: u32 = 100_000;
/// How much of a file's end is looked at for the last line's end, at a time.
const TAIL_BYTES: u64 = 64 << 10;

pub fn check_name(name: &str) -> Result<(), WriteError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let plain = (1..=NAME_BYTES_MAX).contains(&name.len())
        && name.bytes().all(fits)
        && name.as_bytes()[0].is_ascii_alphanumeric();
    match plain {
        true => Ok(()),
        false => Err(WriteError::Name(name.to_owned())),
    }
}

/// The text without the line end that it may have.
pub fn one_line(text: &Bytes) -> Result<Bytes, WriteError> {
    let end = text.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r')).map_or(0, |last| last + 1);
    let line = text.slice(..end);
    if line.contains(&b'\n') || line.contains(&b'\r') {
        return Err(WriteError::Line("it has a line end in it".to_owned()));
    }
    if std::str::from_utf8(&line).is_err() {
        return Err(WriteError::Line("it is not in UTF-8".to_owned()));
    }
    Ok(line)
}

pub fn check_json(line: &[u8]) -> Result<(), WriteError> {
    serde_json::from_slice::<IgnoredAny>(line)
        .map(drop)
        .map_err(|error| WriteError::Line(format!("it is no JSON: {error}")))
}

/// What stands around the lines of each file: the header of a CSV, the root of an XML document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    pub head: Option<Bytes>,
    pub foot: Option<Bytes>,
}

#[derive(Debug)]
pub struct Folder {
    outbox: Outbox,
    open: HashMap<String, Open>,
}

/// A file that is being written.
#[derive(Debug)]
struct Open {
    file: File,
    bytes: u64,
    begun: Timestamp,
    /// What it begins with. A file that was there already says it itself.
    head: Option<Bytes>,
}

impl Folder {
    pub fn open(outbox: Outbox) -> io::Result<Self> {
        fs::create_dir_all(&outbox.folder)?;
        Ok(Self { outbox, open: HashMap::new() })
    }

    /// All of the lines are on the disk, or none of them counts.
    pub fn append(
        &mut self,
        name: &str,
        frame: &Frame,
        lines: &[&[u8]],
        now: Timestamp,
    ) -> Result<(), WriteError> {
        let appended = self.try_append(name, frame, lines, now);
        if appended.is_err() {
            // What is in the file now is not known: it is looked at again, and mended, when it is next opened.
            self.open.remove(name);
        }
        appended.map_err(|error| self.disk(&error))
    }

    /// A whole file, in the place of one of that name: it is there with all of its bytes, or not at all.
    pub fn put(&mut self, name: &str, body: &[u8]) -> Result<(), WriteError> {
        self.open.remove(name);
        let path = self.outbox.folder.join(name);
        // No connector can name such a file, and no reader takes it for finished.
        let unfinished = self.outbox.folder.join(format!(".{name}.part"));
        let written = File::create(&unfinished)
            .and_then(|mut file| file.write_all(body).and_then(|()| file.sync_data()))
            .and_then(|()| fs::rename(&unfinished, &path))
            .and_then(|()| sync_folder(&path));
        written.map_err(|error| self.disk(&error))
    }

    fn disk(&self, error: &io::Error) -> WriteError {
        WriteError::Disk { folder: self.outbox.folder.display().to_string(), reason: error.to_string() }
    }

    fn try_append(&mut self, name: &str, frame: &Frame, lines: &[&[u8]], now: Timestamp) -> io::Result<()> {
        let path = self.outbox.folder.join(name);
        let mut open = match self.open.remove(name) {
            Some(open) => open,
            None => Open::at(&path, now)?,
        };
        let full =
            open.bytes >= self.outbox.rotate_bytes || now.since(open.begun) >= self.outbox.rotate_after;
        // Columns that have changed begin a file of their own.
        if open.bytes > 0 && (full || open.head != frame.head && !open.begins_with(frame.head.as_ref())?) {
            if let Some(foot) = &frame.foot {
                open.file.write_all(foot).and_then(|()| open.file.write_all(b"\n"))?;
                open.file.sync_data()?;
            }
            rotate(&path, name, open.begun)?;
            open = Open::at(&path, now)?;
        }
        let head = frame.head.as_ref().filter(|_| open.bytes == 0);
        let lines = head.map(AsRef::as_ref).into_iter().chain(lines.iter().copied());
        let mut together = Vec::new();
        for line in lines {
            together.extend_from_slice(line);
            together.push(b'\n');
        }
        let before = open.bytes;
        if let Err(error) = open.file.write_all(&together).and_then(|()| open.file.sync_data()) {
            // Half a group must not be found by whoever reads the file; if this fails, too, the next opening mends it.
            _ = open.file.set_len(before);
            return Err(error);
        }
        open.bytes += together.len() as u64;
        open.head.clone_from(&frame.head);
        if self.open.len() >= FILES_MAX {
            self.open.clear();
        }
        self.open.insert(name.to_owned(), open);
        Ok(())
    }
}

impl Open {
    fn at(path: &Path, now: Timestamp) -> io::Result<Self> {
        let is_new = !path.try_exists()?;
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        if is_new {
            sync_folder(path)?;
            return Ok(Self { file, bytes: 0, begun: now, head: None });
        }
        let bytes = cut_half_line(&mut file)?;
        // Its birth where the file system knows it; its last change otherwise, which is later: such a file lives longer.
        let metadata = file.metadata()?;
        let begun = metadata.created().or_else(|_| metadata.modified()).map_or(now, moment);
        Ok(Self { file, bytes, begun: begun.min(now), head: None })
    }

    /// Whether the first line is that one; a file without a head begins as it likes.
    fn begins_with(&mut self, head: Option<&Bytes>) -> io::Result<bool> {
        let Some(head) = head else { return Ok(true) };
        let mut first = Vec::with_capacity(head.len() + 1);
        self.file.seek(SeekFrom::Start(0))?;
        Read::by_ref(&mut self.file).take(head.len() as u64 + 1).read_to_end(&mut first)?;
        Ok(first.split_last() == Some((&b'\n', head.as_ref())))
    }
}

fn moment(at: SystemTime) -> Timestamp {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Cuts off what stands after the last line end, and says how long the file is then.
fn cut_half_line(file: &mut File) -> io::Result<u64> {
    let bytes = file.metadata()?.len();
    let mut end = bytes;
    let mut tail = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(TAIL_BYTES);
        file.seek(SeekFrom::Start(start))?;
        tail.clear();
        Read::by_ref(file).take(end - start).read_to_end(&mut tail)?;
        if let Some(at) = tail.iter().rposition(|byte| *byte == b'\n') {
            end = start + at as u64 + 1;
            break;
        }
        end = start;
    }
    if end < bytes {
        tracing::warn!(bytes = bytes - end, "a line that was never answered for is cut off");
        file.set_len(end)?;
    }
    Ok(end)
}

/// `orders.jsonl` becomes `orders.2026-03-01.1.jsonl`, by the day on which it was begun.
fn rotate(path: &Path, name: &str, begun: Timestamp) -> io::Result<()> {
    let (stem, extension) =
        name.rsplit_once('.').map_or((name, String::new()), |(stem, end)| (stem, format!(".{end}")));
    let begun = begun.to_string();
    let day = begun.get(..10).unwrap_or("undated");
    for number in 1..ROTATIONS_MAX {
        let target: PathBuf = path.with_file_name(format!("{stem}.{day}.{number}{extension}"));
        if !target.try_exists()? {
            fs::rename(path, target)?;
            return sync_folder(path);
        }
    }
    Err(io::Error::other("too many files of that name on one day"))
}

/// A name is durable once its folder is.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}
