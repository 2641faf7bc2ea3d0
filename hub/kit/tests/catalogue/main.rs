//! The connectors that come with the hub: what they hold, what they make of real payloads, and the page that lists them.

mod certified;
mod corpora;
mod page;

use std::path::{Path, PathBuf};

use snodo_host::{Compile, Limits, Options, Sandbox};
use snodo_kit::Folder;

fn sandbox() -> Sandbox {
    let options = Options { cache_dir: None, compile: Compile::InProcess, limits: Limits::default() };
    Sandbox::new(options).unwrap()
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every connector with its folder in this repository.
fn folders() -> impl Iterator<Item = (Folder, &'static [u8])> {
    snodo_catalogue::catalogue().iter().map(|embedded| {
        let folder = Folder::open(&repository().join("connectors").join(embedded.name));
        (folder.unwrap_or_else(|error| panic!("{error}")), embedded.component)
    })
}
