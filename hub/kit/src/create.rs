//! Makes the folder of a new connector: one that builds, and is certified, before a line of it is changed.

use std::fs;
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};
use snodo_host::Role;

use crate::build::Language;

static RUST: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates/rust");
static CASES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates/cases");
static SDK: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../plugin-sdk/src");
static CONTRACT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../plugin-sdk/wit");

/// The hub's own workspace: which versions of its crates the SDK is built with stands there once.
const WORKSPACE: &str = include_str!("../../../Cargo.toml");

/// Where the SDK lies in a connector's folder. It comes with the hub, so that nothing need be published or fetched for it.
const SDK_FOLDER: &str = "sdk";

pub struct New<'a> {
    pub name: &'a str,
    pub roles: &'a [Role],
    pub language: Language,
}

#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    #[error(
        "{0:?} is no name for a connector: lower-case letters, digits and hyphens, beginning with a letter"
    )]
    Name(String),
    #[error("{} is already there", .0.display())]
    Exists(PathBuf),
    #[error("name at least one role: source, destination")]
    NoRole,
    #[error("there is no beginning for a {0} yet: write one after the page on connectors")]
    NoTemplate(&'static str),
    #[error("failed to write {}: {why}", path.display())]
    Io { path: PathBuf, why: std::io::Error },
}

/// Makes `parent/name`, and says where.
pub fn create(parent: &Path, new: &New<'_>) -> Result<PathBuf, CreateError> {
    let name = new.name;
    let is_name = name.starts_with(|letter: char| letter.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if !is_name {
        return Err(CreateError::Name(name.to_owned()));
    }
    if let Some(role) = new.roles.iter().find(|role| !matches!(role, Role::Source | Role::Destination)) {
        return Err(CreateError::NoTemplate(role.as_str()));
    }
    if new.roles.is_empty() {
        return Err(CreateError::NoRole);
    }
    let folder = parent.join(name);
    if folder.exists() {
        return Err(CreateError::Exists(folder));
    }
    match new.language {
        Language::Rust => rust(&folder, new)?,
    }
    for role in new.roles {
        let case = CASES.get_dir(role.as_str()).expect("every role with a beginning has a case");
        copy(case, case.path(), &folder)?;
    }
    Ok(folder)
}

fn rust(folder: &Path, new: &New<'_>) -> Result<(), CreateError> {
    let has = |role| new.roles.contains(&role);
    let part = |name: &str| {
        RUST.get_file(name).and_then(|file| file.contents_utf8()).expect("the template is complete")
    };
    let fill = |text: &str| {
        let roles: Vec<&str> = new.roles.iter().map(|role| role.as_str()).collect();
        text.replace("NAME", new.name).replace("ROLES", &roles.join(", "))
    };
    let join = |parts: &[(&str, bool)]| -> String {
        parts.iter().filter(|(_, wanted)| *wanted).map(|(name, _)| fill(part(name))).collect()
    };
    let (source, destination) = (has(Role::Source), has(Role::Destination));
    // A destination's part of the configuration stands on what a source's begins with.
    let manifest = [
        ("connector.toml", true),
        ("source.toml", source),
        ("destination.toml", destination),
        ("config.toml", true),
        ("config-source.toml", source),
        ("config-destination.toml", destination),
    ];
    let library = [
        ("lib.rs.txt", true),
        ("lib-source.rs.txt", source),
        ("lib-destination.rs.txt", destination),
        ("lib-end.rs.txt", true),
    ];
    for (path, parts) in [
        ("Cargo.toml", &[("Cargo.toml", true)][..]),
        ("README.md", &[("README.md", true)]),
        (".gitignore", &[("gitignore", true)]),
        ("connector.toml", &manifest),
        ("src/lib.rs", &library),
    ] {
        write(&folder.join(path), join(parts).as_bytes())?;
    }
    for (role, wanted) in [("source", source), ("destination", destination)] {
        if wanted {
            write(&folder.join(format!("src/{role}.rs")), part(&format!("{role}.rs.txt")).as_bytes())?;
        }
    }
    sdk(&folder.join(SDK_FOLDER))
}

/// The SDK as a crate of its own, with the versions that the hub has.
fn sdk(folder: &Path) -> Result<(), CreateError> {
    let workspace: toml::Table = WORKSPACE.parse().expect("the hub was built with it");
    let versions = &workspace["workspace"]["dependencies"];
    let dependencies: toml::Table = ["serde", "serde_json", "wit-bindgen"]
        .map(|name| (name.to_owned(), versions[name].clone()))
        .into_iter()
        .collect();
    let package = toml::toml! {
        [package]
        name = "snodo-connector"
        version = "1.0.0"
        edition = "2024"
        publish = false

        [features]
        default = ["allocator"]
        allocator = []
    };
    let mut package = package;
    package.insert("dependencies".into(), dependencies.into());
    write(&folder.join("Cargo.toml"), package.to_string().as_bytes())?;
    copy(&SDK, Path::new(""), &folder.join("src"))?;
    copy(&CONTRACT, Path::new(""), &folder.join("wit"))
}

fn copy(from: &Dir<'_>, root: &Path, to: &Path) -> Result<(), CreateError> {
    for file in from.files() {
        let path = file.path().strip_prefix(root).unwrap_or(file.path());
        write(&to.join(path), file.contents())?;
    }
    from.dirs().try_for_each(|dir| copy(dir, root, to))
}

fn write(path: &Path, text: &[u8]) -> Result<(), CreateError> {
    let failed = |why| CreateError::Io { path: path.to_owned(), why };
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    fs::write(path, text).map_err(failed)
}
