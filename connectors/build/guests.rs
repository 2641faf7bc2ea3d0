//! For build scripts: builds guest crates of this workspace for wasm, with a cargo of their own, and wraps each as a
//! component. The cargo that runs the build script holds the lock of its target directory, so theirs is another one.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use wit_component::ComponentEncoder;

const TARGET: &str = "wasm32-unknown-unknown";
const PROFILE: &str = "guest";

/// What the sandbox lets a guest use beyond the target's own default.
const GUEST_FLAGS: &str = "-Ctarget-feature=+simd128";

/// Writes `{out}/{name}.wasm` for each of the crates.
pub fn build(workspace: &Path, names: &[&str], out: &Path) {
    rerun_if_changed(&workspace.join("plugin-sdk"));
    println!("cargo::rerun-if-changed={}", workspace.join("plugin-sdk/wit").display());
    for file in ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml"] {
        println!("cargo::rerun-if-changed={}", workspace.join(file).display());
    }
    if names.is_empty() {
        return;
    }
    let target_dir = target_dir(out);
    compile(workspace, names, &target_dir);
    for name in names {
        let module = target_dir.join(TARGET).join(PROFILE).join(format!("{}.wasm", name.replace('-', "_")));
        fs::write(out.join(format!("{name}.wasm")), component(&module))
            .expect("the output folder can be written");
    }
}

/// The sources of a guest crate, but not what lies beside them.
pub fn rerun_if_changed(package: &Path) {
    for part in ["Cargo.toml", "src"] {
        println!("cargo::rerun-if-changed={}", package.join(part).display());
    }
}

/// `target/release/build/{package}/out` → `target/release/guests`.
fn target_dir(out: &Path) -> PathBuf {
    let outer = out.ancestors().find(|folder| folder.file_name().is_some_and(|name| name == "build"));
    outer.and_then(Path::parent).unwrap_or(out).join("guests")
}

fn compile(workspace: &Path, names: &[&str], target_dir: &Path) {
    let mut cargo = Command::new(env::var_os("CARGO").expect("cargo names itself"));
    // What the outer cargo says to this build script is not meant for the inner one.
    for (name, _) in env::vars_os() {
        let foreign = name.to_str().is_some_and(|name| {
            [
                "CARGO_ENCODED_",
                "CARGO_CFG_",
                "CARGO_FEATURE_",
                "CARGO_PKG_",
                "CARGO_PROFILE_",
                "CARGO_BUILD_",
                "DEP_",
            ]
            .iter()
            .any(|prefix| name.starts_with(prefix))
                || [
                    "RUSTFLAGS",
                    "RUSTC",
                    "RUSTDOC",
                    "RUSTC_WRAPPER",
                    "RUSTC_WORKSPACE_WRAPPER",
                    "RUSTC_LINKER",
                ]
                .contains(&name)
                || ["TARGET", "HOST", "OPT_LEVEL", "PROFILE", "DEBUG", "NUM_JOBS", "OUT_DIR"].contains(&name)
                || ["CARGO_TARGET_DIR", "CARGO_MAKEFLAGS", "MAKEFLAGS", "CARGO_MANIFEST_DIR"].contains(&name)
        });
        if foreign {
            cargo.env_remove(name);
        }
    }
    cargo.current_dir(workspace).arg("build").args(["--lib", "--profile", PROFILE, "--target", TARGET]);
    cargo.arg("--target-dir").arg(target_dir).env("CARGO_ENCODED_RUSTFLAGS", GUEST_FLAGS);
    if workspace.join("Cargo.lock").exists() {
        cargo.arg("--locked");
    }
    for name in names {
        cargo.args(["-p", name]);
    }
    let output = cargo.output().expect("cargo can be started again");
    assert!(
        output.status.success(),
        "failed to build the guests\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn component(module: &Path) -> Vec<u8> {
    let bytes =
        fs::read(module).unwrap_or_else(|error| panic!("failed to read {}: {error}", module.display()));
    ComponentEncoder::default()
        .validate(true)
        .module(&bytes)
        .and_then(|encoder| encoder.encode())
        .unwrap_or_else(|error| panic!("failed to make a component of {}: {error:#}", module.display()))
}
