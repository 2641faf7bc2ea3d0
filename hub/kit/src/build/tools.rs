//! Tools that a language needs and the hub has not: installed when first needed, in the versions that the SDK pins.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::BuildError;

/// Names another place for the tools than the user's cache.
const FOLDER_VARIABLE: &str = "SNODO_TOOLS";

/// A folder with the tools. `pinned` says which: with another text they are another folder's.
pub fn installed(
    language: &str,
    pinned: &[(&str, &str)],
    install: impl FnOnce(&Path) -> Result<(), BuildError>,
) -> Result<PathBuf, BuildError> {
    let mut key = std::hash::DefaultHasher::new();
    std::hash::Hash::hash(pinned, &mut key);
    let folder = cache()?.join(format!("{language}-{:016x}", std::hash::Hasher::finish(&key)));
    let done = folder.join(".installed");
    let io = |error: io::Error| BuildError::Io(format!("{}: {error}", folder.display()));
    fs::create_dir_all(&folder).map_err(io)?;
    // One at a time: two installations into one folder disturb each other.
    let lock = fs::File::create(folder.join(".lock")).map_err(io)?;
    lock.lock().map_err(io)?;
    if !done.is_file() {
        for (name, text) in pinned {
            fs::write(folder.join(name), text).map_err(io)?;
        }
        install(&folder)?;
        fs::write(&done, "").map_err(io)?;
    }
    Ok(folder)
}

/// Where the kit keeps what it would otherwise have to make or fetch again.
pub fn cache() -> Result<PathBuf, BuildError> {
    let given = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    given(FOLDER_VARIABLE)
        .or_else(|| given("XDG_CACHE_HOME").map(|cache| cache.join("snodo/tools")))
        .or_else(|| given("HOME").map(|home| home.join(".cache/snodo/tools")))
        .ok_or_else(|| BuildError::Missing {
            what: "a place for the tools".into(),
            remedy: format!("set {FOLDER_VARIABLE} to a folder"),
        })
}

/// Runs it to a good end. `remedy` says how to come by it.
pub fn run(command: &mut Command, remedy: &str) -> Result<Output, BuildError> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => BuildError::Missing { what: name.clone(), remedy: remedy.to_owned() },
        _ => BuildError::Failed(format!("{name}: {error}")),
    })?;
    match output.status.success() {
        true => Ok(output),
        false => {
            let said = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
            Err(BuildError::Failed(format!("{name}: {}", String::from_utf8_lossy(&said).trim())))
        }
    }
}
