//! Python: componentize-py wraps the interpreter and the connector's modules as a component.

use std::fs;
use std::path::Path;
use std::process::Command;

use include_dir::{Dir, include_dir};

use super::{BuildError, roles, tools};
use crate::create::{CONTRACT, copy, write};
use crate::folder::Folder;

static SDK: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../plugin-sdk/python/snodo_connector");
const DRIVER: &str = include_str!("../../../../plugin-sdk/python/build.py");
const TOOLS: [(&str, &str); 1] =
    [("requirements.txt", include_str!("../../../../plugin-sdk/python/tools/requirements.txt"))];
const REMEDY: &str = "install Python 3.11 or later with venv (Debian: python3-venv)";

pub fn build(folder: &Folder) -> Result<Vec<u8>, BuildError> {
    let tools = tools::installed("python", &TOOLS, |tools| {
        tools::run(Command::new("python3").args(["-m", "venv", "env"]).current_dir(tools), REMEDY)?;
        let pip = ["-m", "pip", "install", "--quiet", "--requirement", "requirements.txt"];
        tools::run(Command::new(tools.join("env/bin/python")).args(pip).current_dir(tools), REMEDY).map(drop)
    })?;
    let work = tempfile::tempdir().map_err(|error| BuildError::Io(error.to_string()))?;
    write(&work.path().join("build.py"), DRIVER.as_bytes())?;
    copy(&SDK, Path::new(""), &work.path().join("snodo_connector"))?;
    let wit = work.path().join("wit");
    copy(&CONTRACT, Path::new(""), &wit)?;
    let output = work.path().join("component.wasm");
    let mut driver = Command::new(tools.join("env/bin/python"));
    driver.arg(work.path().join("build.py")).arg(&folder.path).arg(roles(&folder.manifest));
    tools::run(driver.arg(wit.join("v1")).arg(&output), REMEDY)?;
    fs::read(&output).map_err(|error| BuildError::Io(format!("{}: {error}", output.display())))
}
