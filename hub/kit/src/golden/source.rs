//! A source case: `message.toml` (name, received, headers, config) and `body.*` make a message; decode makes events of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};
use snodo_host::{Connector, Context, Draft, Failure, Field, Message};

use super::{case, shown};

pub const INPUT: &str = "message.toml";

const MESSAGE_ID: &str = "01900000-0000-7000-8000-000000000000";

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Given {
    name: String,
    received: Option<String>,
    headers: BTreeMap<String, String>,
    config: toml::Table,
}

/// A message as it might come, with the configuration of its channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub id: String,
    pub received_at: u64,
    pub headers: Vec<Field>,
    pub name: String,
    pub body: Vec<u8>,
    pub config: Vec<u8>,
}

impl Sample {
    pub fn read(folder: &Path) -> Result<Self, String> {
        let given: Given = case::toml(&folder.join(INPUT))?;
        if let Some(name) = given.headers.keys().find(|name| name.chars().any(char::is_uppercase)) {
            return Err(format!("  the hub writes headers in lower case: {name} in {INPUT}"));
        }
        let body = body(folder)?;
        Ok(Self {
            id: MESSAGE_ID.into(),
            received_at: given.received.as_deref().map_or(Ok(case::RECEIVED_MS), case::millis)?,
            headers: given.headers.into_iter().collect(),
            name: given.name,
            body: fs::read(&body).map_err(|error| format!("failed to read {}: {error}", body.display()))?,
            config: case::config(&given.config),
        })
    }

    pub fn message(&self) -> Message<'_> {
        let Self { id, received_at, headers, name, body, .. } = self;
        Message { id, received_at: *received_at, headers, name, body }
    }

    pub fn context(&self) -> Context<'_> {
        Context { channel: case::CHANNEL, config: &self.config, now: self.received_at }
    }

    pub fn decode(&self, connector: &Connector) -> Result<Vec<Draft>, Failure> {
        self.decode_in(connector, case::CHANNEL)
    }

    /// On the instances of that channel.
    pub fn decode_in(&self, connector: &Connector, channel: &str) -> Result<Vec<Draft>, Failure> {
        let ctx = Context { channel, ..self.context() };
        connector.decode(&ctx, &[self.message()]).pop().expect("one message has one result")
    }
}

pub fn run(connector: &Connector, folder: &Path) -> Result<Value, String> {
    match Sample::read(folder)?.decode(connector) {
        Ok(drafts) => drafts.iter().map(shown::draft).collect(),
        Err(Failure::Fault(fault)) => Ok(json!({"fault": shown::fault(&fault)})),
        Err(failure) => Err(format!("  {failure}")),
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
