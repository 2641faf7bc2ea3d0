//! Questions, answers and the scores among them.

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};

use crate::Config;
use crate::map::yes_no;

/// What the form's definition says of a question.
pub struct Question {
    title: Option<String>,
    rest: Fields,
}

impl Question {
    pub fn all(definition: &mut Fields) -> Vec<Self> {
        let fields = definition.list("fields").unwrap_or_default();
        let read = |field: Value| {
            let mut rest = match field {
                Value::Object(rest) => rest,
                other => Fields::from_iter([("field".to_owned(), other)]),
            };
            Self { title: rest.text("title"), rest }
        };
        fields.into_iter().map(read).collect()
    }

    /// What is left of each.
    pub fn rest(questions: Vec<Self>) -> Vec<Value> {
        questions.into_iter().map(|question| Value::Object(question.rest)).collect()
    }

    fn is(&self, id: &str) -> bool {
        self.rest.get("id").and_then(Value::as_str) == Some(id)
    }
}

pub struct Answered {
    /// The question's ref, else its id.
    pub question: String,
    pub answer: Option<Value>,
    pub score: Option<Fields>,
    pub email: Option<String>,
    pub phone: Option<String>,
}

/// Takes the answer out. What it was answered with beside that (ids of choices, a payment) stays.
pub fn answered(answer: &mut Value, questions: &[Question], config: &Config) -> Answered {
    let nothing = Answered { question: String::new(), answer: None, score: None, email: None, phone: None };
    let Some(answer) = answer.as_object_mut() else { return nothing };
    let Some(mut field) = answer.get("field").and_then(Value::as_object).cloned() else { return nothing };
    let Some(id) = field.text("id") else { return nothing };
    let question = questions.iter().find(|question| question.is(&id));
    let defined = |name: &str| question.and_then(|question| question.rest.get(name)).and_then(fields::text);
    let kind = defined("type").or_else(|| field.text("type")).unwrap_or_default();
    let name = defined("ref").or_else(|| field.text("ref")).unwrap_or_else(|| id.clone());
    let title = question.and_then(|question| question.title.clone());
    let form = answer.get("type").and_then(fields::text).unwrap_or_default();
    let (email, phone) = (said(answer, &form, "email"), said(answer, &form, "phone_number"));
    let number = answer.get("number").filter(|number| number.is_number()).cloned();
    let metric = metric(&name, &id, &kind, config);
    let value = value(answer, &form, &kind);
    if value.is_some() {
        answer.shift_remove("type");
        // The definition says it, too.
        if question.is_some() {
            answer.shift_remove("field");
        }
    }
    let answer = value.map(|value| {
        let mut part = fields::of(json!({"question_id": name, "question": title}));
        part.extend(value);
        let counted = metric.as_deref().filter(|metric| ["nps", "csat", "ces"].contains(metric));
        part.leave("metric", counted);
        Value::Object(part)
    });
    let number = number.filter(|_| form == "number");
    let score = number.zip(metric).map(|(number, metric)| {
        let properties = question.and_then(|question| question.rest.get("properties"));
        let (minimum, maximum) = bounds(&kind, properties);
        let group = if metric == "nps" { group(&number) } else { None };
        fields::of(json!({
            "metric": metric, "name": name, "value": number, "minimum": minimum, "maximum": maximum,
            "group": group, "question": title,
        }))
    });
    Answered { question: name, answer, score, email, phone }
}

fn said(answer: &Fields, form: &str, wanted: &str) -> Option<String> {
    (form == wanted).then(|| answer.get(wanted).and_then(fields::text))?
}

/// The answer in the vocabulary's words, taken out of where Typeform has it: under the name of its type.
fn value(answer: &mut Fields, form: &str, kind: &str) -> Option<Fields> {
    let scale = ["nps", "opinion_scale", "rating"].contains(&kind);
    let part = match form {
        "number" => {
            let number = answer.take("number", |number| number.is_number().then(|| number.clone()))?;
            json!({"kind": if scale { "scale" } else { "number" }, "number": number})
        }
        "boolean" => json!({"kind": "choice", "choices": yes_no(answer.take("boolean", Value::as_bool)?)}),
        "choice" => {
            let mut choice = answer.object("choice")?;
            let chosen: Vec<String> =
                [choice.text("label"), choice.text("other")].into_iter().flatten().collect();
            answer.leave("choice", choice);
            json!({"kind": "choice", "choices": chosen})
        }
        "choices" => {
            let mut choices = answer.object("choices")?;
            let texts =
                |list: &Value| list.as_array()?.iter().map(fields::text).collect::<Option<Vec<String>>>();
            let mut chosen = choices.take("labels", texts).unwrap_or_default();
            chosen.extend(choices.text("other"));
            answer.leave("choices", choices);
            json!({"kind": if kind == "matrix" { "matrix" } else { "choices" }, "choices": chosen})
        }
        "date" => json!({"kind": "date", "text": answer.text("date")}),
        "file_url" => json!({"kind": "file", "text": answer.text("file_url")}),
        // Text, addresses, numbers to call; of another type only what is words.
        _ => json!({"kind": "text", "text": answer.text(form)}),
    };
    Some(fields::of(part)).filter(|part| part.len() > 1 || form == "payment")
}

/// What a question measures: as the channel says, else by its type.
fn metric(name: &str, id: &str, kind: &str, config: &Config) -> Option<String> {
    let told = config.metrics.get(name).or_else(|| config.metrics.get(id)).cloned();
    told.or_else(|| match kind {
        "nps" => Some("nps".to_owned()),
        "rating" => Some("rating".to_owned()),
        "opinion_scale" => Some("other".to_owned()),
        _ => None,
    })
}

/// NPS is from 0 to 10. Other scales are as long as the definition says, where it does
/// (<https://www.typeform.com/developers/create/reference/create-form/>): from 0, or from 1.
fn bounds(kind: &str, properties: Option<&Value>) -> (Option<u64>, Option<u64>) {
    if kind == "nps" {
        return (Some(0), Some(10));
    }
    let steps =
        properties.and_then(|properties| properties.get("steps")?.as_u64()).filter(|steps| *steps > 0);
    let Some(steps) = steps else { return (None, None) };
    let from_one = properties.and_then(|properties| properties.get("start_at_one")?.as_bool()) == Some(true);
    if kind == "rating" || from_one { (Some(1), Some(steps)) } else { (Some(0), Some(steps - 1)) }
}

/// By the definition of the Net Promoter Score: 0-6, 7-8, 9-10.
fn group(number: &Value) -> Option<&'static str> {
    Some(match number.as_f64()? {
        9.0.. => "promoter",
        7.0.. => "passive",
        _ => "detractor",
    })
}
