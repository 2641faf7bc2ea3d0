//! What a channel says of its audience. The hub has checked it against the schema in `connector.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;
use snodo_connector::Fault;

/// The merge fields that every audience begins with.
const MERGE_FIELDS: [(&str, &str); 5] = [
    ("given_name", "FNAME"),
    ("family_name", "LNAME"),
    ("phone", "PHONE"),
    ("address", "ADDRESS"),
    ("birthday", "BIRTHDAY"),
];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    data_centre: Option<String>,
    list_id: Option<String>,
    base_url: Option<String>,
    pub purpose: String,
    pub list_purposes: BTreeMap<String, String>,
    pub webhook_offset: String,
    pub status_without_consent: New,
    pub double_opt_in: bool,
    pub ask_again: bool,
    merge_fields: BTreeMap<String, String>,
    pub tags: bool,
    pub event_tags: BTreeMap<String, String>,
}

/// What becomes of somebody who is new, and has said nothing.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum New {
    Transactional,
    Pending,
    Subscribed,
    None,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_centre: None,
            list_id: None,
            base_url: None,
            purpose: "marketing.email".into(),
            list_purposes: BTreeMap::new(),
            webhook_offset: "Z".into(),
            status_without_consent: New::Transactional,
            double_opt_in: false,
            ask_again: false,
            merge_fields: BTreeMap::new(),
            tags: true,
            event_tags: BTreeMap::new(),
        }
    }
}

impl Config {
    pub fn purpose_of(&self, list: &str) -> &str {
        self.list_purposes.get(list).unwrap_or(&self.purpose)
    }

    /// The tag of the merge field; `None` if the channel does not want it written.
    pub fn merge_field(&self, field: &str) -> Option<&str> {
        let default = || MERGE_FIELDS.iter().find(|(name, _)| *name == field).map(|(_, tag)| *tag);
        self.merge_fields.get(field).map(String::as_str).or_else(default).filter(|tag| !tag.is_empty())
    }

    pub fn audience(self) -> Result<Audience, Fault> {
        let root = match (&self.base_url, &self.data_centre) {
            (Some(url), _) => url.trim_end_matches('/').to_owned(),
            (None, Some(data_centre)) => format!("https://{data_centre}.api.mailchimp.com"),
            (None, None) => {
                return Err(Fault::misconfigured(
                    "name the data_centre: the API key ends with it, as in -us19",
                ));
            }
        };
        let Some(list) = &self.list_id else {
            return Err(Fault::misconfigured(
                "name the audience: its list_id stands in the audience's settings",
            ));
        };
        Ok(Audience { url: format!("{root}/3.0/lists/{list}"), config: self })
    }
}

/// Where members are kept.
#[derive(Debug)]
pub struct Audience {
    pub url: String,
    pub config: Config,
}
