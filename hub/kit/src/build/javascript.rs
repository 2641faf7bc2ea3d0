//! JavaScript: ComponentizeJS wraps the engine and the connector's modules as a component.

use std::fs;
use std::path::Path;
use std::process::Command;

use include_dir::{Dir, include_dir};

use super::{BuildError, roles, tools};
use crate::create::{CONTRACT, copy, write};
use crate::folder::Folder;

const SDK: [(&str, &str); 2] = [
    ("snodo-connector.js", include_str!("../../../../plugin-sdk/javascript/snodo-connector.js")),
    ("build.mjs", include_str!("../../../../plugin-sdk/javascript/build.mjs")),
];
static READINGS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../plugin-sdk/javascript/readings");
const TOOLS: [(&str, &str); 2] = [
    ("package.json", include_str!("../../../../plugin-sdk/javascript/tools/package.json")),
    ("package-lock.json", include_str!("../../../../plugin-sdk/javascript/tools/package-lock.json")),
];
const REMEDY: &str = "install Node.js 20 or later with npm (Debian: nodejs npm)";

pub fn build(folder: &Folder) -> Result<Vec<u8>, BuildError> {
    let tools = tools::installed("javascript", &TOOLS, |tools| {
        let args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
        tools::run(Command::new("npm").args(args).current_dir(tools), REMEDY).map(drop)
    })?;
    let work = tempfile::tempdir().map_err(|error| BuildError::Io(error.to_string()))?;
    for (name, text) in SDK {
        write(&work.path().join(name), text.as_bytes())?;
    }
    copy(&READINGS, Path::new(""), &work.path().join("readings"))?;
    let wit = work.path().join("wit");
    copy(&CONTRACT, Path::new(""), &wit)?;
    let output = work.path().join("component.wasm");
    let mut driver = Command::new("node");
    driver.arg(work.path().join("build.mjs")).arg(&folder.path).arg(roles(&folder.manifest));
    tools::run(driver.arg(wit.join("v1")).arg(&output).arg(tools), REMEDY)?;
    fs::read(&output).map_err(|error| BuildError::Io(format!("{}: {error}", output.display())))
}
