//! The journal: what a process asked of the system, in order, with what it wrote. One file per process.

use std::path::Path;

/// One operation. Paths are relative to the watched folder; `""` is the folder itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A file came to be, empty.
    Made(String),
    Folder(String),
    Removed(String),
    Renamed {
        from: String,
        to: String,
    },
    Written {
        path: String,
        at: u64,
        data: Vec<u8>,
    },
    /// The file has this length now.
    Cut {
        path: String,
        length: u64,
    },
    /// A sync has begun. What was written before it is on the disk once it has ended well.
    Syncing {
        path: String,
        number: u64,
    },
    Synced {
        number: u64,
    },
    /// The caller was told that it failed.
    SyncFailed {
        number: u64,
    },
    /// On the standard output.
    Said(Vec<u8>),
}

impl Operation {
    /// As it stands in the journal: what it is, a number, and two strings of bytes, each after its length.
    pub fn encode(&self) -> Vec<u8> {
        let (kind, number, path, data): (u8, u64, &str, &[u8]) = match self {
            Self::Made(path) => (0, 0, path, &[]),
            Self::Folder(path) => (1, 0, path, &[]),
            Self::Removed(path) => (2, 0, path, &[]),
            Self::Renamed { from, to } => (3, 0, from, to.as_bytes()),
            Self::Written { path, at, data } => (4, *at, path, data),
            Self::Cut { path, length } => (5, *length, path, &[]),
            Self::Syncing { path, number } => (6, *number, path, &[]),
            Self::Synced { number } => (7, *number, "", &[]),
            Self::SyncFailed { number } => (8, *number, "", &[]),
            Self::Said(data) => (9, 0, "", data),
        };
        let mut bytes = vec![kind];
        bytes.extend(number.to_le_bytes());
        for text in [path.as_bytes(), data] {
            bytes.extend((text.len() as u64).to_le_bytes());
            bytes.extend(text);
        }
        bytes
    }

    /// `None` where the journal ends, or what is there is not whole.
    fn decode(from: &mut &[u8]) -> Option<Self> {
        let (kind, rest) = from.split_first()?;
        *from = rest;
        let number = number(from)?;
        let path = String::from_utf8(string(from)?.to_vec()).ok()?;
        let data = string(from)?.to_vec();
        Some(match kind {
            0 => Self::Made(path),
            1 => Self::Folder(path),
            2 => Self::Removed(path),
            3 => Self::Renamed { from: path, to: String::from_utf8(data).ok()? },
            4 => Self::Written { path, at: number, data },
            5 => Self::Cut { path, length: number },
            6 => Self::Syncing { path, number },
            7 => Self::Synced { number },
            8 => Self::SyncFailed { number },
            9 => Self::Said(data),
            _ => return None,
        })
    }
}

fn number(from: &mut &[u8]) -> Option<u64> {
    let (number, rest) = from.split_first_chunk()?;
    *from = rest;
    Some(u64::from_le_bytes(*number))
}

fn string<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(number(from)?).ok()?;
    let (string, rest) = from.split_at_checked(length)?;
    *from = rest;
    Some(string)
}

/// All that is in a journal.
pub fn read(journal: &Path) -> std::io::Result<Vec<Operation>> {
    let bytes = std::fs::read(journal)?;
    let mut rest = &bytes[..];
    let operations = std::iter::from_fn(|| Operation::decode(&mut rest)).collect();
    Ok(operations)
}
