//! What a channel says of its forms. The hub has checked it against the schema in `connector.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;
use snodo_connector::time;

use crate::lead::Asked;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub forms: Vec<String>,
    start: Option<String>,
    #[serde(default)]
    questions: BTreeMap<String, String>,
    #[serde(default)]
    pub consents: BTreeMap<String, String>,
    pub date_order: Option<DateOrder>,
    #[serde(default = "page_size")]
    pub page_size: u32,
    #[serde(default = "graph_api::base_url")]
    base_url: String,
    #[serde(default = "graph_api::version")]
    api_version: String,
}

/// What stands first in a date with strokes.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum DateOrder {
    DayMonthYear,
    MonthDayYear,
}

impl Config {
    pub fn url(&self, path: &str) -> String {
        graph_api::url(&self.base_url, &self.api_version, path)
    }

    /// The form behind that one.
    pub fn next(&self, form: &str) -> Option<String> {
        self.forms.iter().skip_while(|one| *one != form).nth(1).cloned()
    }

    /// In seconds since 1970.
    pub fn start(&self) -> Option<i64> {
        time::epoch_millis(self.start.as_deref()?).map(|millis| millis.div_euclid(1000))
    }

    /// What a question of that name asks for: as the channel says, else as Meta's own questions are called.
    pub fn asked(&self, question: &str) -> Option<Asked> {
        let name = question.to_lowercase();
        match self.questions.get(&name) {
            Some(own) => Asked::by_trait(own),
            None => Asked::by_question(&name),
        }
    }
}

fn page_size() -> u32 {
    100
}
