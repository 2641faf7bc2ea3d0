//! A connector's folder: its manifest, its cases, and what the vendor answers when something goes wrong.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use snodo_core::declare::{Manifest, Mistake, SourceFile};

use crate::golden::{self, Answered, Case};

pub const MANIFEST: &str = "connector.toml";
pub const CASSETTE: &str = "cassette.toml";

#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    #[error("failed to read {}: {why}", path.display())]
    Unreadable { path: PathBuf, why: std::io::Error },
    #[error("{}", list(.0))]
    Mistakes(Vec<Mistake>),
    #[error("{0}")]
    Wrong(String),
}

fn list(mistakes: &[Mistake]) -> String {
    mistakes.iter().map(Mistake::to_string).collect::<Vec<_>>().join("\n")
}

pub struct Folder {
    pub path: PathBuf,
    pub manifest: Manifest,
    pub cases: Vec<Case>,
    pub cassette: Cassette,
}

/// `cassette.toml`: answers of the vendor that no golden case tells of, recorded or after its documentation.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cassette {
    pub answer: Vec<Recorded>,
    /// Faults that this vendor does not have, each with the reason.
    pub absent: BTreeMap<Trouble, String>,
}

/// What only the vendor's own words can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trouble {
    /// A 2xx whose body says that it did not work.
    ErrorInSuccess,
    /// A 2xx that took a part of the batch.
    PartialFailure,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    pub fault: Trouble,
    /// The calls that are answered so: those whose target holds this text. Without it, every call.
    #[serde(default)]
    pub target: String,
    pub status: u16,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Text is sent as it stands, anything else as JSON.
    pub body: Option<toml::Value>,
}

impl Recorded {
    pub fn answered(&self) -> Answered {
        let body = match self.body.as_ref().map(golden::plain) {
            None => Vec::new(),
            Some(serde_json::Value::String(text)) => text.into_bytes(),
            Some(json) => json.to_string().into_bytes(),
        };
        Answered { status: self.status, headers: self.headers.clone().into_iter().collect(), body }
    }
}

impl Folder {
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        let file = path.join(MANIFEST);
        let text = read(&file)?;
        let manifest =
            Manifest::parse(&SourceFile { path: MANIFEST.into(), text }).map_err(FolderError::Mistakes)?;
        let cases = golden::cases(path).map_err(FolderError::Wrong)?;
        let cassette = path.join(CASSETTE);
        let cassette = match cassette.is_file() {
            true => toml::from_str(&read(&cassette)?).map_err(|error| {
                FolderError::Wrong(format!("failed to read {}: {error}", cassette.display()))
            })?,
            false => Cassette::default(),
        };
        Ok(Self { path: path.to_owned(), manifest, cases, cassette })
    }

    /// Where a build leaves the component, and where the hub looks for it.
    pub fn component_path(&self) -> PathBuf {
        self.path.join(format!("{}.wasm", self.manifest.name))
    }

    pub fn component(&self) -> Result<Vec<u8>, FolderError> {
        let path = self.component_path();
        std::fs::read(&path).map_err(|why| FolderError::Unreadable { path, why })
    }
}

fn read(path: &Path) -> Result<String, FolderError> {
    std::fs::read_to_string(path).map_err(|why| FolderError::Unreadable { path: path.to_owned(), why })
}
