//! What a channel says of its scenes. The hub has checked it against the schema in `connector.toml`.

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub channel: String,
    pub customer_namespace: String,
    pub url: Option<String>,
    pub token_minutes: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { channel: "vr".into(), customer_namespace: "customer".into(), url: None, token_minutes: 30 }
    }
}
