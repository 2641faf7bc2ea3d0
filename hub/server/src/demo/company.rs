//! The demo's company as files: the same TOML that a user would write, with secrets made up on the spot.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;

use anyhow::Context as _;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use include_dir::{Dir, include_dir};
use snodo_core::declare::SourceFile;

use crate::cli::init;

static COMPANY: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/demo/company");

/// The addresses that the files name.
const HUB: &str = "127.0.0.1:7070";
const STAND_IN: &str = "127.0.0.1:7071";

pub struct Company {
    pub shop_secret: String,
    pub crm_token: String,
    /// Without its `whsec_`.
    pub newsletter_key: Vec<u8>,
    pub hub: SocketAddr,
}

/// Writes the company into a folder, for a stand-in at that address. The hub gets the declared port if it is free.
pub fn write(folder: &Path, stand_in: SocketAddr) -> anyhow::Result<Company> {
    let hub = free(HUB)?;
    for file in files(&COMPANY) {
        let text = file.text.replace(HUB, &hub.to_string()).replace(STAND_IN, &stand_in.to_string());
        init::write(folder, &SourceFile { path: file.path, text })?;
    }
    let made_up = || uuid::Uuid::new_v4().simple().to_string();
    let company = Company {
        shop_secret: made_up(),
        crm_token: format!("pat-{}", made_up()),
        newsletter_key: made_up().into_bytes(),
        hub,
    };
    let newsletter = format!("whsec_{}", STANDARD.encode(&company.newsletter_key));
    for (name, secret) in
        [("shop-online", &company.shop_secret), ("crm", &company.crm_token), ("newsletter", &newsletter)]
    {
        init::write(folder, &SourceFile { path: format!("secrets/{name}"), text: format!("{secret}\n") })?;
    }
    Ok(company)
}

fn files(folder: &Dir<'static>) -> Vec<SourceFile> {
    let mut found: Vec<SourceFile> = folder
        .files()
        .map(|file| SourceFile {
            path: file.path().display().to_string(),
            text: file.contents_utf8().expect("the company's files are text").to_owned(),
        })
        .collect();
    found.extend(folder.dirs().flat_map(files));
    found
}

/// The address, or another port if somebody has it.
fn free(address: &str) -> anyhow::Result<SocketAddr> {
    let declared = TcpListener::bind(address);
    let listener = declared.or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
    Ok(listener.context("failed to find a free port")?.local_addr()?)
}
