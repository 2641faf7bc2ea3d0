//! Builds a connector's folder to a component. Which language it is in is told by the file that its tools need.

mod rust;

use std::path::Path;

use crate::folder::Folder;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    Rust,
}

#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("{0} says nothing of its language: there is no Cargo.toml")]
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
        folder.join("Cargo.toml").is_file().then_some(Self::Rust)
    }
}

/// Leaves the component in the folder, and gives it back.
pub fn build(folder: &Folder) -> Result<Vec<u8>, BuildError> {
    let component = match Language::of(&folder.path) {
        Some(Language::Rust) => rust::build(&folder.path)?,
        None => return Err(BuildError::NoLanguage(folder.path.display().to_string())),
    };
    let path = folder.component_path();
    std::fs::write(&path, &component)
        .map_err(|error| BuildError::Io(format!("{}: {error}", path.display())))?;
    Ok(component)
}
