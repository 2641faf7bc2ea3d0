//! What a channel says of its account and its texts. The hub has checked it against the schema in `connector.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    #[serde(default = "api")]
    base_url: String,
    /// Only sending needs it, and one of the next two.
    account_sid: Option<String>,
    pub from: Option<String>,
    pub messaging_service_sid: Option<String>,
    pub status_callback: Option<String>,
    /// Type of event to language to text. `*` is for every other type.
    #[serde(default)]
    texts: BTreeMap<String, BTreeMap<String, String>>,
    /// Who writes for the company in Conversations; one that ends in `*` stands for all that begin so.
    pub staff_identities: Option<Vec<String>>,
}

impl Config {
    pub fn url(&self) -> Option<String> {
        let account = self.account_sid.as_deref()?;
        Some(format!("{}/2010-04-01/Accounts/{account}/Messages.json", self.base_url.trim_end_matches('/')))
    }

    pub fn texts(&self, kind: &str) -> Option<&BTreeMap<String, String>> {
        self.texts.get(kind).or_else(|| self.texts.get("*"))
    }

    /// `None` if the channel does not say who is staff.
    pub fn is_staff(&self, identity: &str) -> Option<bool> {
        let is = |known: &String| match known.strip_suffix('*') {
            Some(begin) => identity.starts_with(begin),
            None => identity == known,
        };
        Some(self.staff_identities.as_ref()?.iter().any(is))
    }
}

fn api() -> String {
    "https://api.twilio.com".into()
}
