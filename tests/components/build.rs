//! Builds the guests to components, the way connectors are built.

#[path = "../../connectors/build/guests.rs"]
mod guests;

use std::env;
use std::path::PathBuf;

fn main() {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the package's folder"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo names the output folder"));
    let workspace = here.ancestors().nth(2).expect("the package lies two folders deep in the workspace");
    guests::build(workspace, &["clerk", "hostile", "planted", "walker"], &out, guests::Built::ToBuildFast);
    guests::rerun_if_changed(&here.join("clerk"));
    guests::rerun_if_changed(&here.join("hostile"));
    guests::rerun_if_changed(&here.join("planted"));
    guests::rerun_if_changed(&here.join("walker"));
    println!("cargo::rerun-if-changed={}", workspace.join("hub/kit/templates").display());
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", workspace.join("connectors/build").display());
}
