//! The demo's company as files: the same TOML that a user would write, with secrets made up on the spot.

use std::collections::BTreeMap;
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

/// The secrets that the files name.
const SECRETS: [&str; 14] = [
    "ads",
    "assistant",
    "crm",
    "mailings",
    "newsletter",
    "shop-online",
    "showroom",
    "staff-chat",
    "stock-room",
    "support",
    "support-token",
    "survey",
    "website",
    "whatsapp",
];

pub struct Company {
    secrets: BTreeMap<&'static str, String>,
    pub hub: SocketAddr,
}

impl Company {
    /// The secret in that file.
    pub fn secret(&self, name: &str) -> &str {
        &self.secrets[name]
    }
}

/// Writes the company into a folder, for a stand-in at that address. The hub gets the declared port if it is free.
pub fn write(folder: &Path, stand_in: SocketAddr) -> anyhow::Result<Company> {
    let hub = free(HUB)?;
    for file in files(&COMPANY) {
        let text = file.text.replace(HUB, &hub.to_string()).replace(STAND_IN, &stand_in.to_string());
        init::write(folder, &SourceFile { path: file.path, text })?;
    }
    let company = Company { secrets: SECRETS.map(|name| (name, made_up(name))).into(), hub };
    for (name, secret) in &company.secrets {
        init::write(folder, &SourceFile { path: format!("secrets/{name}"), text: format!("{secret}\n") })?;
    }
    Ok(company)
}

fn made_up(name: &str) -> String {
    let random = uuid::Uuid::new_v4().simple().to_string();
    // The newsletter's webhooks are signed after the Standard Webhooks, whose secrets look like this.
    if name == "newsletter" { format!("whsec_{}", STANDARD.encode(random)) } else { random }
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
