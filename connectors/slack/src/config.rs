//! What a channel says of its workspace and its messages. The hub has checked it against the schema in `connector.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    #[serde(default = "api")]
    base_url: String,
    /// Only sending needs it, where a type of event has none of its own.
    channel: Option<String>,
    /// Type of event to message.
    #[serde(default)]
    messages: BTreeMap<String, Post>,
    /// Workspaces whose members are the company's own people.
    #[serde(default)]
    staff_teams: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Post {
    pub channel: Option<String>,
    pub text: Option<String>,
}

impl Config {
    pub fn url(&self) -> String {
        format!("{}/chat.postMessage", self.base_url.trim_end_matches('/'))
    }

    pub fn text(&self, kind: &str) -> Option<&str> {
        self.messages.get(kind)?.text.as_deref()
    }

    pub fn channel(&self, kind: &str) -> Option<&str> {
        let own = self.messages.get(kind).and_then(|post| post.channel.as_deref());
        own.or(self.channel.as_deref())
    }

    pub fn is_staff(&self, team: Option<&str>) -> bool {
        team.is_some_and(|team| self.staff_teams.iter().any(|staff| staff == team))
    }
}

fn api() -> String {
    "https://slack.com/api".into()
}
