//! Builds the hostile guest to a component, the way connectors are built.

#[path = "../../connectors/build/guests.rs"]
mod guests;

use std::env;
use std::path::PathBuf;

fn main() {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the package's folder"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo names the output folder"));
    let workspace = here.ancestors().nth(2).expect("the package lies two folders deep in the workspace");
    guests::build(workspace, &["hostile"], &out);
    guests::rerun_if_changed(&here.join("hostile"));
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", workspace.join("connectors/build").display());
}
