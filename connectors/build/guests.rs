//! For build scripts: builds guest crates of this workspace for wasm, with a cargo of their own, and wraps each as a
//! component. The cargo that runs the build script holds the lock of its target directory, so theirs is another one.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use wit_component::ComponentEncoder;

const TARGET: &str = "wasm32-unknown-unknown";
const PROFILE: &str = "guest";

/// SIMD is what the sandbox lets a guest use beyond the target's own default. The instructions for copying memory are calls out of
/// the sandbox, which short pieces are not worth: the SDK has functions of its own for those (`plugin-sdk/src/block.rs`).
/// Inlining more than usual pays twice: every call of a function and every round of a loop also looks at the sandbox's clock.
/// Measured on an order of 1.2 KB in batches of 16, as a ratio to native: 1.85 before; 1.78 without the instructions; 1.70 at a
/// threshold of 2000 instead of 600; 6000 brings no more.
const FEATURES: &str = "-Ctarget-feature=+simd128,-bulk-memory";
const INLINING: &str = "-Cllvm-args=-inline-threshold=2000";

/// What a guest is built for. Each has a target folder of its own: with other flags everything is built again.
#[derive(Clone, Copy)]
pub enum Built {
    /// To be called a million times.
    #[allow(dead_code, reason = "each build script is of one kind")]
    ToRunFast,
    /// To be called by a test: a guest of all roles takes minutes to inline so much.
    #[allow(dead_code, reason = "each build script is of one kind")]
    ToBuildFast,
}

/// What the outer cargo says to a build script, and what a user says to the outer cargo: not meant for the inner one.
const FOREIGN_PREFIXES: [&str; 7] = [
    "CARGO_BUILD_",
    "CARGO_CFG_",
    "CARGO_ENCODED_",
    "CARGO_FEATURE_",
    "CARGO_PKG_",
    "CARGO_PROFILE_",
    "DEP_",
];
const FOREIGN: [&str; 17] = [
    "CARGO_MAKEFLAGS",
    "CARGO_MANIFEST_DIR",
    "CARGO_TARGET_DIR",
    "DEBUG",
    "HOST",
    "MAKEFLAGS",
    "NUM_JOBS",
    "OPT_LEVEL",
    "OUT_DIR",
    "PROFILE",
    "RUSTC",
    "RUSTC_LINKER",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTDOC",
    "RUSTFLAGS",
    "TARGET",
];

/// Writes `{out}/{name}.wasm` for each of the packages in these folders, which have their names.
pub fn build(workspace: &Path, folders: &[PathBuf], out: &Path, built: Built) {
    rerun_if_changed(&workspace.join("plugin-sdk"));
    println!("cargo::rerun-if-changed={}", workspace.join("plugin-sdk/wit").display());
    for file in ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml"] {
        println!("cargo::rerun-if-changed={}", workspace.join(file).display());
    }
    if folders.is_empty() {
        return;
    }
    let (target_dir, flags) = match built {
        Built::ToRunFast => (target_dir(out), [FEATURES, INLINING].join("\x1f")),
        Built::ToBuildFast => (target_dir(out).join("tests"), FEATURES.to_owned()),
    };
    install_target(&target_dir);
    compile(workspace, folders, &target_dir, &flags);
    for folder in folders {
        let name = folder.file_name().and_then(|name| name.to_str()).expect("a package's folder has a name");
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

/// `rust-toolchain.toml` names the target, but rustup brings it only when it brings the toolchain too, and not at all where
/// `RUSTUP_AUTO_INSTALL` is 0. One build script at a time, because two downloads of one thing disturb each other.
fn install_target(target_dir: &Path) {
    fs::create_dir_all(target_dir).expect("the guests' target folder can be made");
    let lock =
        File::create(target_dir.join(".target-lock")).expect("the guests' target folder can be written");
    lock.lock().expect("the lock of the target's installation can be taken");
    if target_is_installed() {
        return;
    }
    println!("cargo::warning=the compiler's target {TARGET} is missing; asking rustup for it");
    let added = Command::new("rustup").args(["target", "add", TARGET]).output();
    let said = match &added {
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    assert!(
        target_is_installed(),
        "connectors are built for {TARGET}, and this compiler has no library for it. Install it: with rustup, \
         `rustup target add {TARGET}`; else as your system packages it. rustup said: {said}"
    );
}

fn target_is_installed() -> bool {
    let rustc = env::var_os("RUSTC").expect("cargo names the compiler");
    let output = Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]).output();
    output.is_ok_and(|output| {
        output.status.success() && Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir()
    })
}

fn compile(workspace: &Path, folders: &[PathBuf], target_dir: &Path, flags: &str) {
    let mut cargo = Command::new(env::var_os("CARGO").expect("cargo names itself"));
    for (name, _) in env::vars_os() {
        let foreign = name.to_str().is_some_and(|name| {
            FOREIGN.contains(&name) || FOREIGN_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        });
        if foreign {
            cargo.env_remove(name);
        }
    }
    cargo.current_dir(workspace).arg("build").args(["--lib", "--profile", PROFILE, "--target", TARGET]);
    cargo.arg("--target-dir").arg(target_dir).env("CARGO_ENCODED_RUSTFLAGS", flags);
    if workspace.join("Cargo.lock").exists() {
        cargo.arg("--locked");
    }
    for folder in folders {
        // By its folder: crates of the same name may be among the dependencies.
        cargo.arg("-p").arg(format!("path+file://{}", folder.display()));
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
