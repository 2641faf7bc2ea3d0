//! What a channel says of its mails. The hub has checked it against the schema in `connector.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub unsubscribe_mailboxes: Vec<String>,
    pub purpose: String,
    templates: BTreeMap<String, Template>,
    pub list_unsubscribe: Option<WaysOut>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Template {
    /// Empty for the customer.
    pub to: Vec<String>,
    pub cc: Vec<String>,
    pub bcc: Vec<String>,
    pub reply_to: Vec<String>,
    pub subject: String,
    pub text: Option<String>,
    pub html: Option<String>,
    pub marketing: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WaysOut {
    pub mailto: Option<String>,
    pub url: Option<String>,
    pub one_click: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            unsubscribe_mailboxes: Vec::new(),
            purpose: "marketing.email".into(),
            templates: BTreeMap::new(),
            list_unsubscribe: None,
        }
    }
}

impl Config {
    /// The template of the type; of those that fit the longest.
    pub fn template(&self, kind: &str) -> Option<&Template> {
        let fits = |pattern: &str| match pattern.strip_suffix('*') {
            Some(start) => kind.starts_with(start),
            None => pattern == kind,
        };
        let fitting = self.templates.iter().filter(|(pattern, _)| fits(pattern));
        fitting
            .max_by_key(|(pattern, _)| (!pattern.ends_with('*'), pattern.len()))
            .map(|(_, template)| template)
    }
}
