//! Rust: cargo makes a module for wasm, which is wrapped as a component.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde::Deserialize;
use wit_component::ComponentEncoder;

use super::BuildError;

const TARGET: &str = "wasm32-unknown-unknown";

/// As the hub's own connectors are built (`connectors/build/guests.rs` says why).
const FLAGS: [&str; 2] = ["-Ctarget-feature=+simd128,-bulk-memory", "-Cllvm-args=-inline-threshold=2000"];

const PROFILE: [(&str, &str); 5] = [
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "3"),
    ("CARGO_PROFILE_RELEASE_LTO", "fat"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1"),
    ("CARGO_PROFILE_RELEASE_PANIC", "abort"),
    ("CARGO_PROFILE_RELEASE_STRIP", "true"),
];

pub fn build(folder: &Path) -> Result<Vec<u8>, BuildError> {
    add_target(folder)?;
    // So that there is a place of the crates' sources to be left out. What fails here fails below, and is told there.
    let _ = Command::new("cargo").args(["fetch", "--target", TARGET]).current_dir(folder).output();
    let mut cargo = Command::new("cargo");
    cargo
        .args(["build", "--release", "--target", TARGET, "--message-format", "json-render-diagnostics"])
        .current_dir(folder)
        .env("CARGO_ENCODED_RUSTFLAGS", flags(folder).join("\x1f"))
        .envs(PROFILE);
    let output = run(&mut cargo)?;
    if !output.status.success() {
        return Err(BuildError::Failed(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    let module = module(&output.stdout).ok_or_else(|| {
        BuildError::Failed("cargo made no .wasm: write crate-type = [\"cdylib\"] under [lib]".into())
    })?;
    let module =
        std::fs::read(&module).map_err(|error| BuildError::Io(format!("{}: {error}", module.display())))?;
    ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .and_then(|encoder| encoder.encode())
        .map_err(|error| BuildError::Failed(format!("it is no component: {error:#}")))
}

/// A component goes to others: it tells neither where it was built nor by whom, and is the same wherever that was.
fn flags(folder: &Path) -> Vec<String> {
    let mut flags: Vec<String> = FLAGS.map(str::to_owned).to_vec();
    let mut leave_out = |path: &Path, called: &str| {
        flags.push(format!("--remap-path-prefix={}={called}", path.display()));
    };
    let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo_home = cargo_home.or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".cargo")));
    let registries = cargo_home.and_then(|home| std::fs::read_dir(home.join("registry/src")).ok());
    let mut registries: Vec<PathBuf> =
        registries.into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    registries.sort();
    registries.iter().for_each(|registry| leave_out(registry, "crates"));
    if let Ok(folder) = folder.canonicalize() {
        leave_out(&folder, "connector");
    }
    flags
}

/// The last module that cargo says it has made: that of the folder's own package.
fn module(said: &[u8]) -> Option<PathBuf> {
    #[derive(Deserialize)]
    struct Message {
        #[serde(default)]
        filenames: Vec<PathBuf>,
    }
    let messages =
        said.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Message>(line).ok());
    let files: Vec<PathBuf> = messages.flat_map(|message| message.filenames).collect();
    files.into_iter().rev().find(|file| file.extension().is_some_and(|extension| extension == "wasm"))
}

fn add_target(folder: &Path) -> Result<(), BuildError> {
    let path = run(Command::new("rustc")
        .args(["--print", "target-libdir", "--target", TARGET])
        .current_dir(folder))?;
    if Path::new(String::from_utf8_lossy(&path.stdout).trim()).is_dir() {
        return Ok(());
    }
    let added = Command::new("rustup").args(["target", "add", TARGET]).current_dir(folder).output();
    match added {
        Ok(output) if output.status.success() => Ok(()),
        _ => Err(BuildError::Missing {
            what: format!("the compiler's library for {TARGET}"),
            remedy: format!("rustup target add {TARGET}, or as your system packages it"),
        }),
    }
}

fn run(command: &mut Command) -> Result<Output, BuildError> {
    command.output().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => BuildError::Missing {
            what: command.get_program().to_string_lossy().into_owned(),
            remedy: "install Rust by https://rustup.rs".into(),
        },
        _ => BuildError::Failed(format!("{}: {error}", command.get_program().to_string_lossy())),
    })
}
