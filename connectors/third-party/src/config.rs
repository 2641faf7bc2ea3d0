//! Where the data come from, and which column is what. The hub has checked it against the schema in `connector.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub provider: String,
    pub dataset: Option<String>,
    pub licence: String,
    pub legal_basis: String,
    pub purpose: Option<String>,
    pub obtained_at: Option<String>,
    pub valid_until: Option<String>,
    #[serde(default = "comma")]
    delimiter: String,
    /// Column to namespace.
    pub identifiers: BTreeMap<String, String>,
    pub calling_code: Option<String>,
    /// Column to name.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    /// Column to audience.
    #[serde(default)]
    pub audiences: BTreeMap<String, String>,
    pub audience_column: Option<String>,
    pub key_column: Option<String>,
    pub time_column: Option<String>,
    pub confidence_column: Option<String>,
}

impl Config {
    pub fn delimiter(&self) -> u8 {
        self.delimiter.bytes().next().unwrap_or(b',')
    }
}

fn comma() -> String {
    ",".into()
}
