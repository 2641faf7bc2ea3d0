//! Makes the folder of a new connector: one that builds, and is certified, before a line of it is changed.

use std::fs;
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};
use snodo_host::Role;

use crate::build::Language;

static SHARED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates/shared");
static RUST: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates/rust");
static JAVASCRIPT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates/javascript");
static PYTHON: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates/python");
static CASES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates/cases");
static SDK: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../plugin-sdk/src");
pub(crate) static CONTRACT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../plugin-sdk/wit");

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
    #[error("name at least one role: source, poll, destination, transform")]
    NoRole,
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
    if new.roles.is_empty() {
        return Err(CreateError::NoRole);
    }
    let folder = parent.join(name);
    if folder.exists() {
        return Err(CreateError::Exists(folder));
    }
    shared(&folder, new)?;
    match new.language {
        Language::Rust => rust(&folder, new),
        Language::JavaScript => script(&folder, new, &JAVASCRIPT, "js", |role| {
            format!("export {{ {role} }} from \"./{role}.js\";\n")
        }),
        Language::Python => {
            script(&folder, new, &PYTHON, "py", |role| format!("from {role} import {role}\n"))
        }
    }?;
    for role in new.roles() {
        let case = CASES.get_dir(role.as_str()).expect("every role with a beginning has a case");
        copy(case, case.path(), &folder)?;
    }
    Ok(folder)
}

/// What does not depend on the language.
fn shared(folder: &Path, new: &New<'_>) -> Result<(), CreateError> {
    let of_roles = |name: fn(&str) -> String| new.roles().map(move |role| name(role.as_str()));
    let mut parts = vec!["connector.toml".to_owned()];
    parts.extend(of_roles(|role| format!("{role}.toml")));
    parts.push("config.toml".to_owned());
    // Not every role has something to configure.
    parts.extend(of_roles(|role| format!("config-{role}.toml")).filter(|name| SHARED.contains(name)));
    let manifest: String = parts.iter().map(|name| new.fill(part(&SHARED, name))).collect();
    write(&folder.join("connector.toml"), manifest.as_bytes())?;
    write(&folder.join("README.md"), new.fill(part(&SHARED, "README.md")).as_bytes())
}

fn rust(folder: &Path, new: &New<'_>) -> Result<(), CreateError> {
    let modules: String = new.roles().map(|role| format!("mod {};\n", role.as_str())).collect();
    let library = [part(&RUST, "lib.rs.txt"), &modules, part(&RUST, "lib-end.rs.txt")].concat();
    for (path, text) in [
        ("Cargo.toml", part(&RUST, "Cargo.toml")),
        (".gitignore", part(&RUST, "gitignore")),
        ("src/lib.rs", &library),
    ] {
        write(&folder.join(path), new.fill(text).as_bytes())?;
    }
    for role in new.roles().map(Role::as_str) {
        let text = part(&RUST, &format!("{role}.rs.txt"));
        write(&folder.join(format!("src/{role}.rs")), text.as_bytes())?;
    }
    sdk(&folder.join(SDK_FOLDER))
}

/// A language whose SDK the build brings: a module for each role, and one that names them.
fn script(
    folder: &Path,
    new: &New<'_>,
    template: &Dir<'_>,
    extension: &str,
    named: fn(&str) -> String,
) -> Result<(), CreateError> {
    let roles = || new.roles().map(Role::as_str);
    let entry: String = roles().map(named).collect();
    write(&folder.join(format!("src/connector.{extension}")), entry.as_bytes())?;
    write(&folder.join(".gitignore"), new.fill(part(template, "gitignore")).as_bytes())?;
    roles().try_for_each(|role| {
        let file = format!("{role}.{extension}");
        write(&folder.join("src").join(&file), part(template, &file).as_bytes())
    })
}

fn part<'a>(template: &'a Dir<'_>, name: &str) -> &'a str {
    template.get_file(name).and_then(|file| file.contents_utf8()).expect("the template is complete")
}

impl New<'_> {
    /// In the order of the contract, each once.
    fn roles(&self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(|role| self.roles.contains(role))
    }

    fn fill(&self, text: &str) -> String {
        let roles: Vec<&str> = self.roles().map(Role::as_str).collect();
        text.replace("NAME", self.name).replace("ROLES", &roles.join(", "))
    }
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

pub(crate) fn copy(from: &Dir<'_>, root: &Path, to: &Path) -> Result<(), CreateError> {
    for file in from.files() {
        let path = file.path().strip_prefix(root).unwrap_or(file.path());
        write(&to.join(path), file.contents())?;
    }
    from.dirs().try_for_each(|dir| copy(dir, root, to))
}

pub(crate) fn write(path: &Path, text: &[u8]) -> Result<(), CreateError> {
    let failed = |why| CreateError::Io { path: path.to_owned(), why };
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    fs::write(path, text).map_err(failed)
}
