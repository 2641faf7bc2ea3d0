//! A response as a survey, and each score in it as an event of its own.

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};
use snodo_connector::{Draft, time};

use crate::answer::{Answered, Question, answered};
use crate::{Config, customer};

pub fn tell(mut message: Fields, config: &Config) -> Option<Vec<Draft>> {
    let kind = match message.get("event_type")?.as_str()? {
        "form_response" => "voc.survey.completed",
        // What was answered by somebody who did not come to the end.
        "form_response_partial" => "voc.survey.answered",
        _ => return None,
    };
    let mut response = message.object("form_response")?;
    let form = response.text("form_id")?;
    let mut definition = response.object("definition").unwrap_or_default();
    let token = response.text("token");
    let event = message.get("event_id").and_then(fields::text);
    // A response has one token however often it is sent; it may be told in part before it is told whole.
    let key = match kind {
        "voc.survey.completed" => token.clone().or(event),
        _ => event.or_else(|| Some(format!("{}/partial", token.as_deref()?))),
    };
    let mut answers = response.list("answers").unwrap_or_default();
    let questions = Question::all(&mut definition);
    let told: Vec<Answered> = answers.iter_mut().map(|answer| answered(answer, &questions, config)).collect();

    let mut hidden = response.object("hidden").unwrap_or_default();
    let customer = customer::customer(&told, &mut hidden, config);
    let touchpoint = customer::touchpoint(&mut hidden);
    let about = config.about_field.as_deref().and_then(|name| hidden.text(name));
    response.leave("hidden", hidden);
    let (landed, submitted) = (response.moment("landed_at"), response.moment("submitted_at"));

    let mut survey = Fields::from_iter([("id".to_owned(), form.as_str().into())]);
    survey.leave("name", definition.text("title"));
    survey.leave("kind", config.survey_kind.as_deref());
    survey.leave("response_id", token);
    survey.leave("about", about);
    // What the events of the scores say of the survey.
    let short = survey.clone();
    survey.leave("duration_ms", duration(landed.as_deref(), submitted.as_deref()));
    survey.leave("started_at", landed);
    survey.leave("completed_at", submitted.clone().filter(|_| kind == "voc.survey.completed"));
    survey.leave("question_count", (!questions.is_empty()).then_some(questions.len()));
    let all: Vec<Value> = told.iter().filter_map(|one| one.answer.clone()).collect();
    if kind == "voc.survey.answered" && all.is_empty() {
        return None;
    }
    survey.leave("answered_count", all.len());
    survey.leave("answers", all);
    let scores: Vec<Value> = told.iter().filter_map(|one| one.score.clone().map(Value::Object)).collect();
    survey.leave("scores", scores);

    if definition.get("id").and_then(fields::text).as_deref() == Some(form.as_str()) {
        definition.shift_remove("id");
    }
    definition.leave("fields", Question::rest(questions));
    response.leave("definition", definition);
    response.leave("answers", answers);
    message.shift_remove("event_type");
    message.leave("form_response", response);

    let made = |kind: &str, name: &str, part: Fields| {
        let mut data = Fields::from_iter([(name.to_owned(), part.into())]);
        data.leave("customer", customer.clone());
        data.leave("touchpoint", touchpoint.clone());
        (kind.to_owned(), data)
    };
    let finished = |(kind, data): (String, Fields), place: Option<&str>| {
        let mut draft = Draft::new(kind, &data).with_subject(format!("survey/{form}"));
        draft.key =
            key.as_ref().map(|key| place.map_or_else(|| key.clone(), |place| format!("{key}/{place}")));
        draft.time.clone_from(&submitted);
        draft
    };
    let (kind, mut data) = made(kind, "survey", survey);
    data.leave("vendor", message);
    let mut drafts = vec![finished((kind, data), None)];
    for one in &told {
        let Some(score) = &one.score else { continue };
        let (kind, mut data) = made("voc.score.recorded", "score", score.clone());
        data.leave("survey", short.clone());
        drafts.push(finished((kind, data), Some(&one.question)));
    }
    Some(drafts)
}

fn duration(landed: Option<&str>, submitted: Option<&str>) -> Option<i64> {
    let taken = time::epoch_millis(submitted?)? - time::epoch_millis(landed?)?;
    (taken >= 0).then_some(taken)
}

/// Another type of event, or one that names no form: kept whole.
pub fn unknown(body: &Value) -> Draft {
    let topic = body.get("event_type").and_then(Value::as_str);
    let mut draft = Draft::unknown(topic, body);
    draft.key = body.get("event_id").and_then(fields::text);
    let submitted = body.get("form_response").and_then(|response| response.get("submitted_at"));
    draft.time = submitted.and_then(fields::moment);
    draft
}

/// Yes and no, as a choice.
pub fn yes_no(value: bool) -> Value {
    json!([if value { "yes" } else { "no" }])
}
