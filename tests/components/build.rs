//! Builds the guests to components, the way connectors are built.

#[path = "../../connectors/build/guests.rs"]
mod guests;

use std::env;
use std::path::PathBuf;

fn main() {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the package's folder"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo names the output folder"));
    let workspace = here.ancestors().nth(2).expect("the package lies two folders deep in the workspace");
    let folders = ["clerk", "hostile", "planted", "walker"].map(|name| here.join(name));
    guests::build(workspace, &folders, &out, guests::Built::ToBuildFast);
    folders.iter().for_each(|folder| guests::rerun_if_changed(folder));
    println!("cargo::rerun-if-changed={}", workspace.join("hub/kit/templates").display());
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", workspace.join("connectors/build").display());
}
