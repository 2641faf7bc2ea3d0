//! What a channel says of its survey system. The hub has checked it against the schema in `connector.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub responses: Option<String>,
    /// Canonical name to JSON Pointer.
    pub fields: BTreeMap<String, String>,
    pub survey_id: Option<String>,
    pub survey_name: Option<String>,
    pub survey_kind: Option<String>,
    pub customer_namespace: String,
    pub respondent_namespace: String,
    pub offset: String,
    pub stages: BTreeMap<String, Stage>,
    pub answers: Answers,
    pub questions: BTreeMap<String, Question>,
    pub critical: Vec<Critical>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            responses: None,
            fields: BTreeMap::from([("response_id".to_owned(), "/id".to_owned())]),
            survey_id: None,
            survey_name: None,
            survey_kind: None,
            customer_namespace: "customer".into(),
            respondent_namespace: "survey".into(),
            offset: "Z".into(),
            stages: BTreeMap::new(),
            answers: Answers::default(),
            questions: BTreeMap::new(),
            critical: Vec::new(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    Sent,
    Started,
    Answered,
    Completed,
}

impl Stage {
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Sent => "voc.survey.sent",
            Self::Started => "voc.survey.started",
            Self::Answered => "voc.survey.answered",
            Self::Completed => "voc.survey.completed",
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Answers {
    /// A list of answers: with `*` for every element.
    pub each: Option<String>,
    pub id: Option<String>,
    pub question: Option<String>,
    pub value: Option<String>,
    /// Where an answer says what it counts for.
    pub metric: Option<String>,
    /// An object with a field for each answer.
    pub fields: Option<String>,
    pub labels: Option<String>,
    pub prefix: Option<String>,
    /// How names end that are no questions.
    pub except: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Question {
    pub question: Option<String>,
    pub name: Option<String>,
    pub metric: Option<String>,
    pub minimum: Option<f64>,
    pub maximum: Option<f64>,
    /// The question whose answer is the comment on this one.
    pub comment_at: Option<String>,
    pub comment: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Critical {
    pub rule: Option<String>,
    pub metric: String,
    pub question: Option<String>,
    pub at_most: Option<f64>,
    pub at_least: Option<f64>,
    pub severity: Option<String>,
    pub act_within_hours: Option<u32>,
}
