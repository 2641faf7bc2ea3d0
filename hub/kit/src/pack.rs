//! A packed connector: one `.wasm` that is its component, and has all that certifies it inside. Each file of the connector's
//! folder is a custom section of the component's outermost level, so it stays a component that the sandbox takes as it is. There
//! is no archive in it: what is no path to a file of such a folder has no way out.

mod section;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use snodo_core::declare::{Manifest, SourceFile};

use crate::certify::Report;
use crate::folder::{CASSETTE, Folder, FolderError, MANIFEST};

pub use section::MalformedError;

const README: &str = "README.md";
const GOLDEN: &str = "golden";

/// The certification that the packer's kit made. It is for reading: whoever installs the pack certifies it again.
const REPORT: &str = "snodo:report";

/// Before the path of each file.
const FILE: &str = "snodo:file:";

/// The largest connector has 111 files; this is thirty times as many.
const FILES_MAX: usize = 3_000;

/// All files of the largest connector have 400 KiB together. Cases with an export of a whole day fit; a dump of a database does not.
const FILES_BYTES_MAX: usize = 16 << 20;

/// `golden/CASE/FILE` is the deepest that there is; the rest is for names in a case's own folders.
const PATH_PARTS_MAX: usize = 6;

#[derive(Debug, thiserror::Error)]
pub enum PackError {
    #[error("it is no packed connector: it has no {MANIFEST} inside; make one with `snodo connector pack`")]
    NotPacked,
    #[error("the component is a packed connector already: build it anew, or install it as it is")]
    PackedAlready,
    #[error("the packed connector is damaged: {0}")]
    Malformed(#[from] MalformedError),
    #[error("the packed connector holds the file {0:?} twice")]
    Twice(String),
    #[error(
        "the packed connector holds {0:?}: only {MANIFEST}, {README}, {CASSETTE} and files in {GOLDEN}/ may be in it"
    )]
    Stranger(String),
    #[error(
        "{files} files of {bytes} bytes are too many: a connector may bring {FILES_MAX} files of {FILES_BYTES_MAX} bytes together"
    )]
    TooMuch { files: usize, bytes: usize },
    #[error("{} is neither a file nor a folder: a connector's files must lie in its folder themselves", .0.display())]
    NoFile(PathBuf),
    #[error("the name of {} is not UTF-8", .0.display())]
    Unnamable(PathBuf),
    #[error("failed to read or write {}: {why}", path.display())]
    Io { path: PathBuf, why: std::io::Error },
    #[error(transparent)]
    Folder(#[from] FolderError),
}

/// What is in a packed connector beside its code.
#[derive(Debug)]
pub struct Pack {
    pub manifest: Manifest,
    files: BTreeMap<String, Vec<u8>>,
    report: Option<Vec<u8>>,
}

/// A packed connector's files in a folder of their own, which is gone with this.
pub struct Unpacked {
    pub folder: Folder,
    _place: tempfile::TempDir,
}

/// Packs a connector's folder with its component. The same folder gives the same bytes.
pub fn pack(folder: &Folder, component: &[u8], report: &Report) -> Result<Vec<u8>, PackError> {
    let sections = section::read(component)?;
    if sections.iter().any(|(name, _)| *name == REPORT || name.starts_with(FILE)) {
        return Err(PackError::PackedAlready);
    }
    let files = gather(&folder.path)?;
    let mut packed = component.to_vec();
    for (path, bytes) in &files {
        section::append(&mut packed, &format!("{FILE}{path}"), bytes);
    }
    let report = serde_json::to_vec(report).expect("a report is always JSON");
    section::append(&mut packed, REPORT, &report);
    // What cannot be read back is not handed out.
    Pack::read(&packed)?;
    Ok(packed)
}

impl Pack {
    /// Reads everything but the code, which nobody looks at here.
    pub fn read(packed: &[u8]) -> Result<Self, PackError> {
        let mut files = BTreeMap::new();
        let mut report = None;
        for (name, bytes) in section::read(packed)? {
            if name == REPORT {
                report = Some(bytes.to_vec());
            } else if let Some(path) = name.strip_prefix(FILE) {
                if !belongs(path) {
                    return Err(PackError::Stranger(path.to_owned()));
                }
                if files.insert(path.to_owned(), bytes.to_vec()).is_some() {
                    return Err(PackError::Twice(path.to_owned()));
                }
            }
        }
        bounded(&files)?;
        let text = files.get(MANIFEST).ok_or(PackError::NotPacked)?;
        let text = String::from_utf8_lossy(text).into_owned();
        let manifest =
            Manifest::parse(&SourceFile { path: MANIFEST.into(), text }).map_err(FolderError::Mistakes)?;
        Ok(Self { manifest, files, report })
    }

    pub fn manifest_text(&self) -> String {
        String::from_utf8_lossy(&self.files[MANIFEST]).into_owned()
    }

    /// What the packer's kit found, as JSON. Nobody vouches for it.
    pub fn report(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(self.report.as_deref()?).ok()
    }

    /// Its files where the kit can work with them.
    pub fn unpack(&self) -> Result<Unpacked, PackError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |why| PackError::Io { path, why }
        };
        let place = tempfile::tempdir().map_err(io(&std::env::temp_dir()))?;
        for (path, bytes) in &self.files {
            let path = place.path().join(path);
            let parent = path.parent().expect("a file in a folder has a parent");
            std::fs::create_dir_all(parent).map_err(io(parent))?;
            std::fs::write(&path, bytes).map_err(io(&path))?;
        }
        Ok(Unpacked { folder: Folder::open(place.path())?, _place: place })
    }
}

/// The files of a connector's folder that belong into its pack, by path.
fn gather(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>, PackError> {
    let mut files = BTreeMap::new();
    for name in [MANIFEST, README, CASSETTE, GOLDEN] {
        let path = folder.join(name);
        if path.symlink_metadata().is_ok() {
            take(&path, name, &mut files)?;
        }
    }
    bounded(&files)?;
    Ok(files)
}

fn take(path: &Path, name: &str, files: &mut BTreeMap<String, Vec<u8>>) -> Result<(), PackError> {
    let io = |why| PackError::Io { path: path.to_owned(), why };
    let kind = path.symlink_metadata().map_err(io)?;
    if kind.is_file() {
        // A file that is too large by itself is not read first.
        if kind.len() > FILES_BYTES_MAX as u64 {
            let bytes = usize::try_from(kind.len()).unwrap_or(usize::MAX);
            return Err(PackError::TooMuch { files: 1, bytes });
        }
        files.insert(name.to_owned(), std::fs::read(path).map_err(io)?);
        return Ok(());
    }
    if !kind.is_dir() {
        return Err(PackError::NoFile(path.to_owned()));
    }
    for entry in std::fs::read_dir(path).map_err(io)? {
        let entry = entry.map_err(io)?.path();
        let part = entry.file_name().and_then(|name| name.to_str());
        let part = part.ok_or_else(|| PackError::Unnamable(entry.clone()))?;
        // Editors' and systems' own files (.DS_Store) are no cases.
        if !part.starts_with('.') {
            take(&entry, &format!("{name}/{part}"), files)?;
        }
    }
    Ok(())
}

fn bounded(files: &BTreeMap<String, Vec<u8>>) -> Result<(), PackError> {
    let bytes = files.values().map(Vec::len).sum();
    match files.len() > FILES_MAX || bytes > FILES_BYTES_MAX {
        true => Err(PackError::TooMuch { files: files.len(), bytes }),
        false => Ok(()),
    }
}

/// Whether it is the path of a file that a connector's folder may have: nothing else is ever written anywhere.
fn belongs(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    let plain = |part: &&str| {
        !part.is_empty()
            && !part.starts_with('.')
            && !part.contains(['\\', ':'])
            && !part.contains(char::is_control)
    };
    let placed = match parts.as_slice() {
        [name] => [MANIFEST, README, CASSETTE].contains(name),
        [first, ..] => *first == GOLDEN && parts.len() <= PATH_PARTS_MAX,
        [] => false,
    };
    placed && parts.iter().all(plain)
}
