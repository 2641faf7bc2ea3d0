//! The files of a watched folder: which there are, what is in them, and where they go afterwards. Follows no link, and moves
//! only by renaming.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use snodo_core::Timestamp;

pub const DONE: &str = "done";
pub const FAILED: &str = "failed";

/// Files looked at in one go. The rest waits for the next look: their names and sizes have to fit into memory.
const FILES_MAX: usize = 1000;
/// More names of the same file than this in `done/` are a mistake of the sender.
const NAMESAKES_MAX: usize = 100_000;
/// How programs call what they are still writing.
const UNFINISHED: [&str; 8] = [".tmp", ".temp", ".part", ".partial", ".filepart", ".crdownload", ".swp", "~"];

#[derive(Clone, Debug)]
pub struct Folder {
    pub path: PathBuf,
    pub pattern: String,
}

#[derive(Clone, Debug)]
pub struct File {
    pub name: String,
    pub look: Look,
}

/// By what a change is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    pub bytes: u64,
    pub changed_nanos: u128,
    /// When it was put there, or last given another name or other rights: unlike the time of change, no copying program can set it.
    pub arrived: Timestamp,
}

impl Look {
    fn of(metadata: &fs::Metadata) -> Self {
        let changed = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        let since = changed.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let arrived = Timestamp::from_millis(metadata.ctime() * 1000 + metadata.ctime_nsec() / 1_000_000);
        Self { bytes: metadata.len(), changed_nanos: since.as_nanos(), arrived }
    }
}

impl Folder {
    /// The files that are the channel's to take, oldest first, by name where they are equally old.
    pub fn list(&self) -> io::Result<Vec<File>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            // A name that is not text could not be told to a connector.
            let Ok(name) = entry.file_name().into_string() else { continue };
            if !is_finished(&name) || !matches(&self.pattern, &name) {
                continue;
            }
            match entry.metadata() {
                Ok(metadata) if metadata.is_file() => files.push(File { name, look: Look::of(&metadata) }),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        files.sort_by(|a, b| (a.look.changed_nanos, &a.name).cmp(&(b.look.changed_nanos, &b.name)));
        files.truncate(FILES_MAX);
        Ok(files)
    }

    /// What is in the file, if it still looks as it did before and after reading.
    pub fn read(&self, name: &str, look: Look) -> io::Result<Option<Vec<u8>>> {
        let path = self.path.join(name);
        let mut file = match fs::File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let size = usize::try_from(look.bytes).map_err(io::Error::other)?;
        let mut body = Vec::with_capacity(size + 1);
        // One more than there should be shows that it has grown.
        Read::by_ref(&mut file).take(look.bytes + 1).read_to_end(&mut body)?;
        let same = Look::of(&file.metadata()?) == look && body.len() == size;
        Ok(same.then_some(body))
    }

    /// Moves the file to a subfolder; the name gets a number where there is one of that name already.
    pub fn put_away(&self, name: &str, subfolder: &str) -> io::Result<PathBuf> {
        let folder = self.path.join(subfolder);
        fs::create_dir_all(&folder)?;
        let target = free(&folder, name)?;
        fs::rename(self.path.join(name), &target)?;
        Ok(target)
    }

    /// Moves the file to `failed/` and writes beside it why.
    pub fn put_aside(&self, name: &str, reason: &str) -> io::Result<()> {
        let mut target = self.put_away(name, FAILED)?.into_os_string();
        target.push(".reason");
        fs::write(target, format!("{reason}\n"))
    }
}

/// The hub is the only one to write there, so that what is free stays free.
fn free(folder: &Path, name: &str) -> io::Result<PathBuf> {
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => (stem, format!(".{extension}")),
        _ => (name, String::new()),
    };
    let names =
        std::iter::once(name.to_owned()).chain((1..NAMESAKES_MAX).map(|n| format!("{stem}.{n}{extension}")));
    for name in names {
        let target = folder.join(name);
        if !target.try_exists()? {
            return Ok(target);
        }
    }
    Err(io::Error::other(format!("failed to find a free name for {name} in {}", folder.display())))
}

fn is_finished(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    !lower.starts_with(['.', '~']) && !UNFINISHED.iter().any(|ending| lower.ends_with(ending))
}

/// `*` is any text, `?` any one character, all else itself.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where the last star was, and how much of the name it stands for so far.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match (pattern.get(p), star) {
            (Some('*'), _) => {
                star = Some((p, n));
                p += 1;
            }
            (Some(c), _) if *c == '?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            (_, Some((at, upto))) => {
                star = Some((at, upto + 1));
                p = at + 1;
                n = upto + 1;
            }
            (_, None) => return false,
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_of_stars_and_question_marks() {
        for (pattern, name, fits) in [
            ("*", "a.xml", true),
            ("*.xml", "a.xml", true),
            ("*.xml", "a.xml.bak", false),
            ("sales-*.x?l", "sales-2026-03-01.xml", true),
            ("sales-*.x?l", "returns.xml", false),
            ("a*b*c", "aXbXbXc", true),
            ("a*b*c", "aXbXbX", false),
            ("a", "a", true),
            ("a", "ab", false),
            ("", "a", false),
            ("[a]", "[a]", true),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn what_is_still_being_written_is_told_by_its_name() {
        for (name, finished) in [
            ("a.xml", true),
            (".a.xml", false),
            ("~a.xml", false),
            ("a.xml~", false),
            ("a.xml.filepart", false),
            ("a.xml.PART", false),
            ("a.xml.tmp", false),
            ("part.xml", true),
        ] {
            assert_eq!(is_finished(name), finished, "{name}");
        }
    }
}
