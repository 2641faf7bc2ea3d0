//! What the parts of a channel were made of. What is the same after a change of the files need not be made again, and goes on as it
//! is; secrets stand in it by digest.

use std::path::PathBuf;

use serde_json::{Value, json};
use snodo_core::declare::{Channel, Declarations};
use snodo_core::secret::SecretRef;

use crate::configuration::Configuration;
use crate::pipeline::Fitted;
use crate::transport::secrets;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Print {
    pub door: Value,
    pub outbox: Value,
    /// Of the connector's build, and what else the line takes from its manifest.
    pub fitted: Value,
}

impl Print {
    pub fn new(
        configuration: &Configuration,
        declarations: &Declarations,
        channel: &Channel,
        fitted: &Fitted,
    ) -> Self {
        let available = configuration.connector(&channel.connector).expect("declared ones exist");
        let headers = available.manifest.source.as_ref().map(|source| &source.headers);
        let (receive, send) = (json!(channel.receive), json!(channel.send));
        let door = match &channel.receive {
            None => Value::Null,
            Some(_) => json!([receive, headers, declarations.hub.limits, digests(configuration, &receive),]),
        };
        let outbox = match channel.is_destination() {
            false => Value::Null,
            true => json!([send, channel.queue, digests(configuration, &send)]),
        };
        Self { door, outbox, fitted: json!([fitted.connector.digest(), fitted.batch_max]) }
    }
}

/// Of the files with secrets that a part of a declaration names, in the order in which they stand there. One that cannot be read has
/// none. The environment of a process does not change.
fn digests(configuration: &Configuration, part: &Value) -> Vec<Option<String>> {
    let digest = |path| {
        let secret = secrets::resolve(&SecretRef::File(path), &configuration.folder).ok()?;
        Some(blake3::hash(secret.expose()).to_hex().to_string())
    };
    secret_files(part).into_iter().map(digest).collect()
}

/// `{ file = "…" }`, wherever it stands: nothing else in the ways in and out is written so.
pub fn secret_files(part: &Value) -> Vec<PathBuf> {
    match part {
        Value::Object(table) => match (table.len(), table.get("file").and_then(Value::as_str)) {
            (1, Some(path)) => vec![path.into()],
            _ => table.values().flat_map(secret_files).collect(),
        },
        Value::Array(list) => list.iter().flat_map(secret_files).collect(),
        _ => Vec::new(),
    }
}
