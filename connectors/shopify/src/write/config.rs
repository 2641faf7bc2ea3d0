//! What a channel says of what it wants written. The hub has checked it against the schema in `connector.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub shop: Option<String>,
    base_url: Option<String>,
    #[serde(default = "version")]
    api_version: String,
    /// By type of event.
    #[serde(default)]
    pub add_tags: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub remove_tags: BTreeMap<String, Vec<String>>,
    /// Types of event.
    #[serde(default)]
    pub draft_orders: Vec<String>,
}

impl Config {
    pub fn url(&self) -> String {
        let version = &self.api_version;
        let shop = self.shop.as_deref().unwrap_or_default();
        match &self.base_url {
            Some(base) => format!("{}/admin/api/{version}/graphql.json", base.trim_end_matches('/')),
            None => format!("https://{shop}/admin/api/{version}/graphql.json"),
        }
    }
}

fn version() -> String {
    "2026-10".into()
}
