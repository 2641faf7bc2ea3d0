//! What a vendor answers, as a case writes it: `answers.json`, or `answers.toml` for those that are short.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use snodo_host::{Answer, Field};

use super::case;

/// An answer, owned.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    pub status: u16,
    pub headers: Vec<Field>,
    pub body: Vec<u8>,
}

impl Answered {
    pub(super) fn borrowed(&self) -> Answer<'_> {
        Answer { status: self.status, headers: &self.headers, body: &self.body }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GivenAnswer {
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Text is sent as it stands, anything else as JSON.
    body: Option<Value>,
}

impl GivenAnswer {
    /// From a table of `answers.toml`.
    pub fn of(table: &toml::Value) -> Result<Self, String> {
        serde_json::from_value(case::plain(table))
            .map_err(|error| format!("  failed to read answers.toml: {error}"))
    }
}

impl From<GivenAnswer> for Answered {
    fn from(given: GivenAnswer) -> Self {
        let body = match given.body {
            None => Vec::new(),
            Some(Value::String(text)) => text.into_bytes(),
            Some(json) => json.to_string().into_bytes(),
        };
        Self { status: given.status, headers: given.headers.into_iter().collect(), body }
    }
}
