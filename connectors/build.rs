//! Builds every connector of this folder to a component, for `src/lib.rs` to embed. What is not changed is not built again.

#[path = "build/guests.rs"]
mod guests;

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the package's folder"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo names the output folder"));
    let connectors = connectors_in(&here);
    let folders: Vec<PathBuf> = connectors.iter().map(|name| here.join(name)).collect();
    let workspace = here.parent().expect("connectors lie in the workspace");
    guests::build(workspace, &folders, &out, guests::Built::ToRunFast);

    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build");
    let mut catalogue = String::from("[\n");
    // Also those that are no connectors: what connectors share.
    for entry in fs::read_dir(&here).expect("the connectors' folder can be listed").flatten() {
        if entry.path().join("Cargo.toml").is_file() {
            guests::rerun_if_changed(&entry.path());
        }
    }
    for name in connectors {
        let manifest = here.join(&name).join("connector.toml");
        let component = out.join(format!("{name}.wasm"));
        writeln!(
            catalogue,
            "Embedded {{ name: {name:?}, manifest: include_str!({manifest:?}), component: include_bytes!({component:?}) }},"
        )
        .expect("writing to a string does not fail");
    }
    catalogue.push(']');
    fs::write(out.join("catalogue.rs"), catalogue).expect("the output folder can be written");
}

/// A connector is a crate with a `connector.toml`; the crate has the folder's name. A new one comes with a change of the
/// workspace's list of members, so that its appearing is seen.
fn connectors_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the connectors' folder can be listed");
    let crates = entries.flatten().filter(|entry| entry.path().join("Cargo.toml").is_file());
    let mut names: Vec<String> = crates.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names.retain(|name| {
        let manifest = folder.join(name).join("connector.toml");
        let is_connector = manifest.is_file();
        // Cargo takes a file that is not there for one that has changed, each time.
        if is_connector {
            println!("cargo::rerun-if-changed={}", manifest.display());
        }
        is_connector
    });
    names
}
