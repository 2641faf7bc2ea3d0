//! What a channel says of its Google Ads account. The hub has checked it against the schema in `connector.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    #[serde(default = "google")]
    base_url: String,
    #[serde(default = "version")]
    api_version: String,
    customer_id: String,
    pub login_customer_id: Option<String>,
    /// Type of event to id of the conversion action.
    conversion_actions: BTreeMap<String, String>,
    #[serde(default = "advertising")]
    pub purpose: String,
    #[serde(default = "personalisation")]
    pub personalisation_purpose: String,
    #[serde(default)]
    pub event_without_consent: Silent,
    #[serde(default = "yes")]
    pub match_customers: bool,
}

/// What becomes of an event that says nothing of consent.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Silent {
    #[default]
    Ignore,
    Send,
}

impl Config {
    pub fn url(&self) -> String {
        let (root, version) = (self.base_url.trim_end_matches('/'), &self.api_version);
        format!("{root}/{version}/customers/{}:uploadClickConversions", self.customer_id)
    }

    /// The resource name of the action that events of the type count for.
    pub fn action(&self, kind: &str) -> Option<String> {
        let id = self.conversion_actions.get(kind)?;
        Some(format!("customers/{}/conversionActions/{id}", self.customer_id))
    }
}

fn google() -> String {
    "https://googleads.googleapis.com".into()
}

fn version() -> String {
    "v25".into()
}

fn advertising() -> String {
    "advertising".into()
}

fn personalisation() -> String {
    "advertising.personalisation".into()
}

const fn yes() -> bool {
    true
}
