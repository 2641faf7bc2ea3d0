//! A source case: `message.toml` (name, received, headers, config) and `body.*` make a message; decode makes events of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};

use super::{case, shown};
use crate::{Message, Source};

pub const INPUT: &str = "message.toml";

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Given {
    name: String,
    received: Option<String>,
    headers: BTreeMap<String, String>,
    config: toml::Table,
}

impl Default for Given {
    fn default() -> Self {
        Self { name: String::new(), received: None, headers: BTreeMap::new(), config: toml::Table::new() }
    }
}

pub fn run<T: Source>(folder: &Path) -> Result<Value, String> {
    let given: Given = case::toml(&folder.join(INPUT))?;
    if let Some(name) = given.headers.keys().find(|name| name.chars().any(char::is_uppercase)) {
        return Err(format!("  the hub writes headers in lower case: {name} in {INPUT}"));
    }
    let received_at = given.received.as_deref().map_or(Ok(case::RECEIVED_MS), case::millis)?;
    let body = body(folder)?;
    let message = Message {
        id: "01900000-0000-7000-8000-000000000000".into(),
        received_at,
        headers: given.headers.into_iter().collect(),
        name: given.name,
        body: fs::read(&body).map_err(|error| format!("failed to read {}: {error}", body.display()))?,
    };
    match T::decode(&case::context(&given.config, received_at), message) {
        Ok(drafts) => drafts.iter().map(shown::draft).collect(),
        Err(fault) => Ok(json!({"fault": shown::fault(&fault)})),
    }
}

fn body(folder: &Path) -> Result<PathBuf, String> {
    let entries =
        fs::read_dir(folder).map_err(|error| format!("failed to list {}: {error}", folder.display()))?;
    let is_body = |path: &PathBuf| path.file_stem().is_some_and(|stem| stem == "body");
    let mut bodies = entries.flatten().map(|entry| entry.path()).filter(is_body);
    match (bodies.next(), bodies.next()) {
        (Some(body), None) => Ok(body),
        (None, _) => Err("  there is no file body.*".into()),
        (Some(_), Some(_)) => Err("  there is more than one file body.*".into()),
    }
}
