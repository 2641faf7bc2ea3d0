//! What a channel says of its Square account. The hub has checked it against the schema in `connector.toml`.

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub completed_fulfilment: Completed,
    base_url: String,
    pub square_version: String,
    /// The identifier that Square keeps as a profile's `reference_id`.
    pub reference_namespace: Option<String>,
}

/// What it means that an order's fulfilment is completed: Square's webhook does not say of which kind it is.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Completed {
    #[default]
    PickedUp,
    Sent,
    Delivered,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            completed_fulfilment: Completed::default(),
            base_url: "https://connect.squareup.com".into(),
            square_version: "2025-08-20".into(),
            reference_namespace: None,
        }
    }
}

impl Config {
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url.trim_end_matches('/'))
    }
}
