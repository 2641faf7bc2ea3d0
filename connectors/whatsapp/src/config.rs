//! What a channel says of its number and its templates. The hub has checked it against the schema in `connector.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    #[serde(default = "graph_api::base_url")]
    base_url: String,
    #[serde(default = "graph_api::version")]
    api_version: String,
    /// Only sending needs it.
    pub phone_number_id: Option<String>,
    /// Type of event to template. `*` is for every other type.
    #[serde(default)]
    templates: BTreeMap<String, Template>,
}

/// A template that Meta has approved, and what its places are filled with.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    pub name: String,
    /// The first is taken where the customer speaks none of them.
    pub languages: Vec<String>,
    #[serde(default)]
    pub header: Option<Header>,
    #[serde(default)]
    pub body: Vec<Place>,
    #[serde(default)]
    pub buttons: Vec<Button>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    #[serde(default)]
    pub kind: HeaderKind,
    pub at: String,
    #[serde(default, rename = "else")]
    pub otherwise: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HeaderKind {
    #[default]
    Text,
    Image,
    Video,
    Document,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// JSON Pointer into the event's data.
    pub at: String,
    /// For templates whose places have names.
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default, rename = "else")]
    pub otherwise: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Button {
    pub index: u8,
    #[serde(default)]
    pub kind: ButtonKind,
    pub at: String,
    #[serde(default, rename = "else")]
    pub otherwise: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ButtonKind {
    /// What is added to the button's address.
    #[default]
    Url,
    /// What comes back when the button is pressed.
    QuickReply,
}

impl Config {
    pub fn url(&self, phone_number_id: &str) -> String {
        graph_api::url(&self.base_url, &self.api_version, &format!("{phone_number_id}/messages"))
    }

    pub fn template(&self, kind: &str) -> Option<&Template> {
        self.templates.get(kind).or_else(|| self.templates.get("*"))
    }
}
