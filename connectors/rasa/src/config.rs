//! What a channel says of its assistant. The hub has checked it against the schema in `connector.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub customer_namespace: Option<String>,
    pub bot: Option<String>,
    pub handover_actions: Vec<String>,
    pub base_url: Option<String>,
    pub rest_channel: String,
    pub output_channel: String,
    pub intents: BTreeMap<String, String>,
    pub entities: BTreeMap<String, String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            customer_namespace: None,
            bot: None,
            handover_actions: vec!["action_human_handoff".into()],
            base_url: None,
            rest_channel: "rest".into(),
            output_channel: "latest".into(),
            intents: BTreeMap::new(),
            entities: BTreeMap::new(),
        }
    }
}
