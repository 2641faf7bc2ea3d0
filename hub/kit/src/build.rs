//! Builds a connector's folder to a component. Which language it is in is told by the file that its tools need.

mod javascript;
mod python;
mod rust;
mod tools;

pub use tools::cache;

use std::path::Path;

use snodo_core::declare::Manifest;

use crate::create::CreateError;
use crate::folder::Folder;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    Rust,
    JavaScript,
    Python,
}

#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("{0} says nothing of its language: there is no Cargo.toml, src/connector.js or src/connector.py")]
    NoLanguage(String),
    #[error("{what} is missing: {remedy}")]
    Missing { what: String, remedy: String },
    #[error("failed to build the connector:\n{0}")]
    Failed(String),
    #[error("failed to write {0}")]
    Io(String),
}

impl Language {
    pub fn of(folder: &Path) -> Option<Self> {
        [
            ("Cargo.toml", Self::Rust),
            ("src/connector.js", Self::JavaScript),
            ("src/connector.py", Self::Python),
        ]
        .into_iter()
        .find_map(|(file, language)| folder.join(file).is_file().then_some(language))
    }
}

/// As the build drivers take them.
fn roles(manifest: &Manifest) -> String {
    manifest.roles().join(",")
}

impl From<CreateError> for BuildError {
    fn from(error: CreateError) -> Self {
        Self::Io(error.to_string())
    }
}

/// Leaves the component in the folder, and gives it back.
pub fn build(folder: &Folder) -> Result<Vec<u8>, BuildError> {
    let component = match Language::of(&folder.path) {
        Some(Language::Rust) => rust::build(&folder.path)?,
        Some(Language::JavaScript) => javascript::build(folder)?,
        Some(Language::Python) => python::build(folder)?,
        None => return Err(BuildError::NoLanguage(folder.path.display().to_string())),
    };
    let path = folder.component_path();
    std::fs::write(&path, &component)
        .map_err(|error| BuildError::Io(format!("{}: {error}", path.display())))?;
    Ok(component)
}
