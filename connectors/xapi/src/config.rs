//! What a channel says of its statements. The hub has checked it against the schema in `connector.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub channel: Channel,
    pub account_namespaces: BTreeMap<String, String>,
    pub verbs: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    #[default]
    Vr,
    Ar,
}

impl Channel {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Vr => "vr",
            Self::Ar => "ar",
        }
    }
}
