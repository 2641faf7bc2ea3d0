//! The answers of a response, whether they are a list or an object with a field for each question.

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};

use crate::config::{Answers, Config, Question};
use crate::pointer::{places, take};

/// One answer, with what the channel says of its question.
pub struct Answer {
    pub id: String,
    pub question: Option<String>,
    pub said: Said,
    pub about: Question,
}

pub enum Said {
    Text(String),
    Number(Value),
    Choices(Vec<String>),
}

pub fn answers(response: &mut Value, config: &Config) -> Vec<Answer> {
    let Answers { each, fields, .. } = &config.answers;
    match (each, fields) {
        (Some(each), _) => listed(response, each, config),
        (None, Some(at)) => named(response, at, config),
        (None, None) => Vec::new(),
    }
}

/// What a score may count for, as the vocabulary calls it.
const METRICS: [&str; 6] = ["nps", "csat", "ces", "rating", "emotion", "other"];

/// `/pages/*/questions/*`, each with its own id, wording and value.
fn listed(response: &mut Value, each: &str, config: &Config) -> Vec<Answer> {
    let Answers { id, question, value, metric, .. } = &config.answers;
    let mut found = Vec::new();
    for place in places(response, each) {
        let Some(one) = response.pointer_mut(&place) else { continue };
        let Some(name) = id.as_deref().and_then(|at| fields::text(one.pointer(at)?)) else { continue };
        let mut about = config.questions.get(&name).cloned().unwrap_or_default();
        if let (None, Some(at)) = (&about.metric, metric) {
            let word =
                |value: &Value| value.as_str().filter(|word| METRICS.contains(word)).map(str::to_owned);
            about.metric = take(one, at, word);
        }
        let at = value.as_deref().unwrap_or("/value");
        let values: Vec<Value> =
            places(one, at).iter().filter_map(|place| one.pointer(place)).cloned().collect();
        let Some(said) = said(&values, None, &about) else { continue };
        for place in places(one, at) {
            take(one, &place, |_| Some(()));
        }
        if let Some(at) = id {
            take(one, at, fields::text);
        }
        let wording = question.as_deref().and_then(|at| take(one, at, fields::text));
        found.push(Answer { id: name, question: about.question.clone().or(wording), said, about });
    }
    found
}

/// `{"QID1": 3}`, with its words in another object of the same names.
fn named(response: &mut Value, at: &str, config: &Config) -> Vec<Answer> {
    let Answers { labels, prefix, except, .. } = &config.answers;
    let Some(all) = response.pointer(at).and_then(Value::as_object) else { return Vec::new() };
    let is_question = |name: &&String| match prefix {
        Some(prefix) => name.starts_with(prefix.as_str()),
        None => config.questions.contains_key(name.as_str()),
    };
    let is_meant = |name: &&String| !except.iter().any(|end| name.ends_with(end.as_str()));
    let mut names: Vec<String> = all.keys().filter(is_question).filter(is_meant).cloned().collect();
    names.sort_by_key(|name| (number_in(name), name.clone()));
    let mut found = Vec::new();
    for name in names {
        let about = config.questions.get(&name).cloned().unwrap_or_default();
        let value = response.pointer(at).and_then(|all| all.get(&name)).cloned();
        let label = labels.as_deref().and_then(|at| response.pointer(at)?.get(&name)).cloned();
        let Some(said) = value.and_then(|value| said(&[value], label.as_ref(), &about)) else { continue };
        let whole = [Some(at), labels.as_deref()];
        for at in whole.into_iter().flatten() {
            let object = response.pointer_mut(at).and_then(Value::as_object_mut);
            // The code of a choice stays where its words were taken.
            let keeps_code = matches!(said, Said::Choices(_)) && whole[0] == Some(at) && whole[1].is_some();
            if let Some(object) = object.filter(|_| !keeps_code) {
                object.shift_remove(&name);
            }
        }
        found.push(Answer { id: name, question: about.question.clone(), said, about });
    }
    found
}

/// QID2 comes before QID10.
fn number_in(name: &str) -> u64 {
    let digits: String =
        name.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(u64::MAX)
}

/// A question that counts for a metric is a number whatever its words are; another has the words of its choice.
fn said(values: &[Value], label: Option<&Value>, about: &Question) -> Option<Said> {
    let number = |value: &Value| match value {
        Value::Number(_) => Some(value.clone()),
        Value::String(text) => {
            serde_json::from_str::<serde_json::Number>(text.trim()).ok().map(Value::Number)
        }
        _ => None,
    };
    if about.metric.is_some()
        && let [value] = values
        && let Some(value) = number(value)
    {
        return Some(Said::Number(value));
    }
    let words = |value: &Value| match value {
        Value::Array(list) => list.iter().map(plain).collect::<Option<Vec<String>>>(),
        value => plain(value).map(|word| vec![word]),
    };
    if let Some(chosen) = label.and_then(words).filter(|chosen| !chosen.is_empty()) {
        return Some(Said::Choices(chosen));
    }
    match values {
        [Value::String(text)] => Some(Said::Text(text.clone())).filter(|_| !text.trim().is_empty()),
        [value @ Value::Number(_)] => Some(Said::Number(value.clone())),
        [Value::Bool(yes)] => Some(Said::Choices(vec![if *yes { "yes" } else { "no" }.to_owned()])),
        values => {
            let chosen: Option<Vec<Vec<String>>> = values.iter().map(words).collect();
            let chosen = chosen.map(|chosen| chosen.concat()).filter(|chosen| !chosen.is_empty());
            chosen.map(Said::Choices)
        }
    }
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Bool(yes) => Some(if *yes { "yes" } else { "no" }.to_owned()),
        value => fields::text(value),
    }
}

impl Answer {
    pub fn canonical(&self) -> Value {
        let mut part = Fields::from_iter([("question_id".to_owned(), self.id.as_str().into())]);
        part.leave("question", self.question.as_deref());
        let scale = self.about.metric.is_some();
        match &self.said {
            Said::Text(text) => {
                part.leave("kind", "text");
                part.leave("text", text.as_str());
            }
            Said::Number(number) => {
                part.leave("kind", if scale { "scale" } else { "number" });
                part.leave("number", number.clone());
            }
            Said::Choices(chosen) => {
                part.leave("kind", if chosen.len() == 1 { "choice" } else { "choices" });
                part.leave("choices", chosen.clone());
            }
        }
        let counted = self.about.metric.as_deref().filter(|metric| ["nps", "csat", "ces"].contains(metric));
        part.leave("metric", counted);
        Value::Object(part)
    }

    pub fn score(&self, all: &[Self]) -> Option<Fields> {
        let (Said::Number(value), Some(metric)) = (&self.said, self.about.metric.as_deref()) else {
            return None;
        };
        let nps = (metric == "nps").then_some((0.0, 10.0));
        let minimum = self.about.minimum.or(nps.map(|(least, _)| least));
        let maximum = self.about.maximum.or(nps.map(|(_, most)| most));
        let comment = self.about.comment_at.as_deref().and_then(|id| {
            all.iter().find(|answer| answer.id == id).and_then(|answer| match &answer.said {
                Said::Text(text) => Some(text.as_str()),
                _ => None,
            })
        });
        let mut score = Fields::new();
        let part = json!({
            "metric": metric, "name": self.about.name, "value": value, "minimum": minimum.map(whole),
            "maximum": maximum.map(whole), "group": group(metric, value.as_f64()?), "question": self.question,
            "comment": comment,
        });
        for (name, value) in part.as_object()? {
            score.leave(name, value.clone());
        }
        Some(score)
    }
}

/// 10, not 10.0.
fn whole(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 1e9 { (number as i64).into() } else { number.into() }
}

/// By the definition of the Net Promoter Score: 0-6, 7-8, 9-10.
fn group(metric: &str, value: f64) -> Option<&'static str> {
    (metric == "nps").then_some(match value {
        9.0.. => "promoter",
        7.0.. => "passive",
        _ => "detractor",
    })
}
