//! A response as a survey, its scores, its comments, and what is critical about them.

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};
use snodo_connector::{Draft, contact, time};

use crate::answers::{Answer, Said, answers};
use crate::config::{Config, Critical, Stage};
use crate::pointer::take;

/// Takes fields out of a response by the places that the channel has given them.
struct Response<'a> {
    rest: Value,
    config: &'a Config,
}

impl Response<'_> {
    fn take<T>(&mut self, name: &str, read: impl FnOnce(&Value) -> Option<T>) -> Option<T> {
        take(&mut self.rest, self.config.fields.get(name)?, read)
    }

    fn text(&mut self, name: &str) -> Option<String> {
        self.take(name, fields::text)
    }

    fn moment(&mut self, name: &str) -> Option<String> {
        let offset = &self.config.offset;
        self.take(name, |value| time::local(value.as_str()?, offset))
    }
}

pub fn tell(whole: &Value, config: &Config) -> Vec<Draft> {
    told(whole, config).unwrap_or_else(|| {
        let stage = config.fields.get("stage").and_then(|at| fields::text(whole.pointer(at)?));
        let mut draft = Draft::unknown(stage.as_deref(), whole);
        let id = config.fields.get("event_id").or_else(|| config.fields.get("response_id"));
        draft.key = id.and_then(|at| fields::text(whole.pointer(at)?)).map(|id| match stage {
            Some(stage) => format!("{id}/{stage}"),
            None => id,
        });
        vec![draft]
    })
}

fn told(whole: &Value, config: &Config) -> Option<Vec<Draft>> {
    whole.as_object()?;
    let mut response = Response { rest: whole.clone(), config };
    let stage = match config.fields.get("stage") {
        Some(at) => *config.stages.get(&fields::text(whole.pointer(at)?)?)?,
        None => Stage::Completed,
    };
    response.text("stage");
    let event = response.text("event_id");
    let mut survey = survey(&mut response)?;
    let id = survey.get("response_id").or_else(|| survey.get("invitation_id")).and_then(fields::text);
    // A response may be told page by page before it is told whole.
    let id = if stage == Stage::Answered { event.or(id) } else { id.or(event) };
    let key = id.map(|id| format!("{id}/{}", stage.kind()));
    let at = response.moment("at");
    let own = match stage {
        Stage::Sent => "sent_at",
        Stage::Started => "started_at",
        Stage::Answered | Stage::Completed => "",
    };
    for name in ["sent_at", "started_at"] {
        let own = at.clone().filter(|_| name == own);
        survey.leave(name, response.moment(name).or(own));
    }
    let completed = response.moment("completed_at");
    let time = match stage {
        Stage::Answered | Stage::Completed => completed.or(at),
        Stage::Sent | Stage::Started => survey.get(own).and_then(fields::text),
    };
    survey.leave("completed_at", time.clone().filter(|_| stage == Stage::Completed));
    let customer = customer(&mut response, &survey);
    let touchpoint = touchpoint(&mut response);
    let short: Fields = survey
        .iter()
        .filter(|(name, _)| SHORT.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let about = short.clone();
    survey.leave("duration_ms", duration(&mut response));
    let answers = answers(&mut response.rest, config);
    let scores: Vec<(&Answer, Fields)> =
        answers.iter().filter_map(|answer| Some((answer, answer.score(&answers)?))).collect();
    // Without an id and an answer it may be anything.
    if answers.is_empty() && (stage == Stage::Answered || key.is_none()) {
        return None;
    }
    survey.leave("answered_count", (!answers.is_empty()).then_some(answers.len()));
    survey.leave("answers", answers.iter().map(Answer::canonical).collect::<Vec<Value>>());
    survey.leave(
        "scores",
        scores.iter().map(|(_, score)| Value::Object(score.clone())).collect::<Vec<Value>>(),
    );

    let subject = about.get("id").and_then(Value::as_str).map(|id| format!("survey/{id}"));
    let made = |kind: &str, place: &str, mut data: Fields| {
        data.leave("customer", customer.clone());
        data.leave("touchpoint", touchpoint.clone());
        let mut draft = Draft::new(kind, &data);
        draft.key =
            key.as_ref().map(|key| if place.is_empty() { key.clone() } else { format!("{key}/{place}") });
        draft.subject.clone_from(&subject);
        draft.time.clone_from(&time);
        draft
    };
    let mut data = Fields::from_iter([("survey".to_owned(), survey.into())]);
    data.leave("vendor", response.rest);
    let mut drafts = vec![made(stage.kind(), "", data)];
    for (answer, score) in &scores {
        let mut data = Fields::from_iter([("score".to_owned(), score.clone().into())]);
        data.leave("survey", short.clone());
        drafts.push(made("voc.score.recorded", &answer.id, data));
    }
    for answer in answers.iter().filter(|answer| answer.about.comment && matches!(answer.said, Said::Text(_)))
    {
        let mut survey = short.clone();
        survey.leave("answers", vec![answer.canonical()]);
        drafts.push(made(
            "voc.survey.answered",
            &answer.id,
            Fields::from_iter([("survey".to_owned(), survey.into())]),
        ));
    }
    for (number, rule) in (1..).zip(&config.critical) {
        let Some((answer, score)) = scores.iter().find(|(answer, score)| hits(rule, answer, score)) else {
            continue;
        };
        let critical = critical(rule, answer, score, time.as_deref());
        let place = format!("critical/{number}");
        drafts.push(made(
            "voc.critical.detected",
            &place,
            Fields::from_iter([("critical".to_owned(), critical.into())]),
        ));
    }
    Some(drafts)
}

/// What the events of scores and comments say of the survey.
const SHORT: [&str; 6] = ["id", "name", "kind", "response_id", "language", "about"];

/// Without an id and a name nobody knows which one it is.
fn survey(response: &mut Response<'_>) -> Option<Fields> {
    let config = response.config;
    let mut survey = Fields::new();
    survey.leave("id", response.text("survey_id").or_else(|| config.survey_id.clone()));
    survey.leave("name", response.text("survey_name").or_else(|| config.survey_name.clone()));
    if survey.is_empty() {
        return None;
    }
    survey.leave("kind", config.survey_kind.as_deref());
    for name in ["response_id", "invitation_id", "url", "language", "about", "trigger"] {
        survey.leave(name, response.text(name));
    }
    Some(survey)
}

fn customer(response: &mut Response<'_>, survey: &Fields) -> Value {
    let config = response.config;
    let one = |namespace: &str, value: String| json!({"namespace": namespace, "value": value, "kind": "person", "authenticated": "asserted"});
    let mut identifiers = Vec::new();
    identifiers.extend(response.text("customer_id").map(|id| one(&config.customer_namespace, id)));
    let email = response.take("email", |value| contact::email(value.as_str()?));
    identifiers.extend(email.map(|email| one("email", email)));
    let phone = response.take("phone", |value| contact::phone(value.as_str()?));
    identifiers.extend(phone.map(|phone| one("phone", phone)));
    let is_known = !identifiers.is_empty();
    let invited = survey.get("invitation_id").and_then(fields::text);
    let namespace = format!("{}:invitation", config.respondent_namespace);
    identifiers.extend(invited.map(|id| json!({"namespace": namespace, "value": id, "kind": "anonymous"})));
    let mut customer = Fields::new();
    customer.leave("identifiers", identifiers);
    let mut traits = Fields::new();
    for name in ["name", "given_name", "family_name"] {
        traits.leave(name, response.text(name));
    }
    customer.leave("traits", traits);
    if !is_known {
        customer.insert("anonymous".into(), true.into());
    }
    Value::Object(customer)
}

fn touchpoint(response: &mut Response<'_>) -> Value {
    let mut touchpoint = Fields::from_iter([("channel".to_owned(), "survey".into())]);
    let degrees = |most: f64| {
        move |value: &Value| {
            let degrees = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())?;
            (degrees.abs() <= most).then_some(degrees)
        }
    };
    let (north, east) =
        (response.take("latitude", degrees(90.0)), response.take("longitude", degrees(180.0)));
    touchpoint.leave("location", json!({"geo": {"latitude": north, "longitude": east}}));
    touchpoint.leave("network", json!({"ip": response.text("ip")}));
    touchpoint.leave("user_agent", response.text("user_agent"));
    Value::Object(touchpoint)
}

fn duration(response: &mut Response<'_>) -> Option<u64> {
    let number = |value: &Value| value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
    let seconds = response.take("duration_seconds", number).map(|seconds| seconds * 1_000.0);
    let millis = seconds.or_else(|| response.take("duration_ms", number))?;
    // A hundred years: nobody answers that long.
    (0.0..3.2e12).contains(&millis).then(|| millis.round() as u64)
}

fn hits(rule: &Critical, answer: &Answer, score: &Fields) -> bool {
    let is_meant = score.get("metric").and_then(Value::as_str) == Some(&rule.metric)
        && rule.question.as_ref().is_none_or(|question| *question == answer.id);
    let Some(value) = score.get("value").and_then(Value::as_f64) else { return false };
    let (low, high) =
        (rule.at_most.is_some_and(|most| value <= most), rule.at_least.is_some_and(|least| value >= least));
    is_meant && (low || high)
}

fn critical(rule: &Critical, answer: &Answer, score: &Fields, time: Option<&str>) -> Fields {
    let value = score.get("value").map(Value::to_string).unwrap_or_default();
    let mut found = Fields::new();
    found.leave("rule", rule.rule.as_deref());
    found.leave("severity", rule.severity.as_deref().unwrap_or("high"));
    let detail = format!("{} {value} to {}", rule.metric, answer.question.as_deref().unwrap_or(&answer.id));
    found.leave("signals", json!([{"kind": "score", "detail": detail}]));
    found.leave("reason", score.get("comment").cloned());
    let hours = rule.act_within_hours.map(|hours| i64::from(hours) * 3_600_000);
    let act_by = hours.and_then(|millis| {
        let now = u64::try_from(time::epoch_millis(time?)?).ok()?;
        time::from_now(now, millis)
    });
    found.leave("act_by", act_by);
    found.leave("detected_at", time);
    found
}
