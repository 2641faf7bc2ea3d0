//! Questions and their answers: <https://github.com/adlnet/xAPI-Spec/blob/master/xAPI-Data.md#interaction-activities>.

use serde_json::{Value, json};
use snodo_connector::fields::{Fields, Take};

use super::Told;
use crate::statement::{Statement, word_in};
use crate::vocabulary::Kind;

/// One question. The survey is what it is part of.
pub fn answered(statement: &mut Statement) -> Option<Told> {
    let response = statement.result.get("response").and_then(Value::as_str)?.to_owned();
    let interaction = statement.object.definition.text("interactionType").unwrap_or_default();
    let mut answer = Fields::new();
    answer.leave("question_id", statement.object.id());
    answer.leave("question", question(statement));
    let described = |ids: Vec<&str>, list: &str| -> Vec<Value> {
        let named =
            |id: &str| described(&statement.object.definition, list, id, statement.language.as_deref());
        ids.into_iter().map(|id| named(id).unwrap_or_else(|| id.to_owned()).into()).collect()
    };
    let kind = match interaction.as_str() {
        "true-false" => {
            answer.leave("choices", json!([if response == "true" { "yes" } else { "no" }]));
            "choice"
        }
        "choice" | "sequencing" => {
            answer.leave("choices", described(response.split("[,]").collect(), "choices"));
            if interaction == "choice" { "choices" } else { "matrix" }
        }
        "likert" => {
            answer.leave("choices", described(vec![&response], "scale"));
            "scale"
        }
        "numeric" => {
            let number = serde_json::from_str::<serde_json::Number>(response.trim()).ok();
            match number {
                Some(number) => answer.leave("number", Value::Number(number)),
                None => answer.leave("text", response.as_str()),
            }
            "number"
        }
        "matching" | "performance" => {
            answer.leave("text", response.as_str());
            "matrix"
        }
        _ => {
            answer.leave("text", response.as_str());
            "text"
        }
    };
    answer.leave("kind", kind);
    let has_answer = ["text", "number", "choices"].iter().any(|name| answer.contains_key(*name));
    if !has_answer {
        return None;
    }
    statement.result.shift_remove("response");
    let mut survey = parent(statement);
    survey.leave("duration_ms", statement.duration());
    let id = survey.get("id").cloned();
    survey.leave("answers", vec![Value::Object(answer)]);
    Some(Told::new("survey", survey).about("survey", id.as_ref()))
}

/// The longer wording first: a definition's description is the question, its name often a number.
fn question(statement: &mut Statement) -> Option<String> {
    let language = statement.language.as_deref();
    let described = word_in(&mut statement.object.definition, "description", language);
    described.or_else(|| statement.object_name())
}

fn described(definition: &Fields, list: &str, id: &str, language: Option<&str>) -> Option<String> {
    let component = definition.get(list)?.as_array()?.iter().find(|one| one["id"] == id)?;
    let mut component = component.as_object()?.clone();
    word_in(&mut component, "description", language)
}

fn parent(statement: &mut Statement) -> Fields {
    statement.context_activity(Kind::Survey).unwrap_or_default()
}

pub fn rated(statement: &mut Statement) -> Option<Told> {
    let mut sent = statement.result.object("score")?;
    let mut score = Fields::from_iter([("metric".to_owned(), "rating".into())]);
    for (from, to) in [("raw", "value"), ("min", "minimum"), ("max", "maximum")] {
        score.leave(to, sent.take(from, |value| value.is_number().then(|| value.clone())));
    }
    if !score.contains_key("value") {
        // From -1 to 1, by the specification.
        score.leave("value", sent.take("scaled", |value| value.is_number().then(|| value.clone())));
        score.leave("minimum", -1);
        score.leave("maximum", 1);
        score.get("value")?;
    }
    statement.result.leave("score", sent);
    score.leave("comment", statement.result.text("response"));
    let is_question = statement.object.kind() == Some(Kind::Survey);
    let (question, id) = (question(statement), statement.object.id());
    score.leave("question", question.filter(|_| is_question));
    score.leave("about", id);
    let survey = if is_question { parent(statement) } else { Fields::new() };
    let subject = survey.get("id").cloned();
    Some(Told::new("score", score).and("survey", survey).about("survey", subject.as_ref()))
}

pub fn whole(statement: &mut Statement, event: &str) -> Option<Told> {
    let mut survey = statement.called();
    if survey.is_empty() {
        return None;
    }
    if event == "voc.survey.completed" {
        survey.leave("duration_ms", statement.duration());
    }
    let id = survey.get("id").cloned();
    Some(Told::new("survey", survey).about("survey", id.as_ref()))
}
