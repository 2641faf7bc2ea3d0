//! What a channel says of its receiver. The hub has checked it against the schema in `connector.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub url: String,
    #[serde(default)]
    pub method: Method,
    #[serde(default)]
    pub body: Body,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    #[serde(default = "one")]
    pub events_per_request_max: usize,
    #[serde(default)]
    pub duplicate_status: Vec<u16>,
}

impl Config {
    pub fn is_duplicate(&self, status: u16) -> bool {
        self.duplicate_status.contains(&status)
    }
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    #[default]
    Post,
    Put,
}

impl Method {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Body {
    /// The CloudEvents JSON format: the envelope with the body in it.
    #[default]
    Cloudevents,
    /// The event's body alone.
    Data,
}

const fn one() -> usize {
    1
}
