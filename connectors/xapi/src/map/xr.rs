//! Sessions, scenes, objects and recordings.

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};

use super::Told;
use crate::statement::{Statement, seconds};
use crate::vocabulary::Kind;

pub fn session(
    statement: &mut Statement,
    event: &str,
    word: Option<&str>,
    kind: Option<Kind>,
    id: Option<&str>,
) -> Option<Told> {
    let mut session = Fields::from_iter([("id".to_owned(), id?.into())]);
    let state = word.map_or(Value::Null, |word| json!({"state": word}));
    if event == "xr.session.ended" {
        session.leave("duration_ms", statement.duration());
    }
    // The application that the session is of.
    let mut app = Fields::new();
    if kind != Some(Kind::Session) && event != "xr.session.focus_changed" {
        app.leave("id", statement.object.id());
        let name = statement.extension("name", fields::text);
        app.leave("name", name.or_else(|| statement.object_name()));
    }
    let session = Value::Object(session);
    let id = session.get("id").cloned();
    let told = Told { data: Fields::from_iter([("session".to_owned(), session)]), subject: None };
    Some(told.and("scene", state).and("app", app).about("session", id.as_ref()))
}

pub fn scene(statement: &mut Statement, event: &str) -> Option<Told> {
    let mut scene = statement.called();
    if scene.is_empty() {
        return None;
    }
    if event == "xr.scene.exited" {
        scene.leave("dwell_ms", statement.duration());
    }
    let id = scene.get("id").cloned();
    Some(Told::new("scene", scene).about("scene", id.as_ref()))
}

pub fn object(statement: &mut Statement, event: &str, kind: Option<Kind>) -> Option<Told> {
    let mut object = statement.called();
    let product = matches!(kind, Some(Kind::Product)) || event == "xr.product.tried_on";
    let called = object.clone();
    let id = object.get("id").cloned();
    // Which of the two stays where it is.
    object.leave("input", statement.has_extension("hand").then_some("hand"));
    object.leave("position", statement.extension("position", position));
    let span = match event {
        "xr.object.gazed" => "gaze_ms",
        "xr.object.released" => "held_ms",
        _ => "duration_ms",
    };
    object.leave(span, statement.duration());
    if event == "xr.object.gazed" {
        object.leave("gaze_count", statement.extension("totalFixations", Value::as_u64));
    }
    if event == "xr.object.configured" {
        let configuration = configuration(statement, called.get("name"))?;
        object.leave("configuration", vec![configuration]);
    }
    if called.is_empty() && event != "xr.object.configured" {
        return None;
    }
    let scene = statement.context_activity(Kind::Scene).unwrap_or_default();
    if !product {
        return Some(Told::new("scene_object", object).and("scene", scene).about("object", id.as_ref()));
    }
    let told = match event {
        "xr.product.tried_on" | "xr.object.configured" => {
            for name in ["id", "name"] {
                object.shift_remove(name);
            }
            Told::new("product", called).and("scene_object", object)
        }
        _ => {
            object.leave("product", called);
            Told::new("scene_object", object)
        }
    };
    Some(told.and("scene", scene).about("product", id.as_ref()))
}

/// What was chosen: the new value of a control, else the response.
fn configuration(statement: &mut Statement, of: Option<&Value>) -> Option<Value> {
    let scalar =
        |value: &Value| (value.is_string() || value.is_number() || value.is_boolean()).then(|| value.clone());
    let chosen = statement.extension("uiElementValue", scalar);
    let chosen = chosen.or_else(|| statement.extension("endValue", scalar));
    let chosen = chosen.or_else(|| statement.result.text("response").map(Value::from))?;
    Some(json!({"name": of.and_then(Value::as_str).unwrap_or("value"), "value": chosen}))
}

/// OmiLAXR has the axes of Unity, whose z points away from the viewer.
fn position(value: &Value) -> Option<Value> {
    let at = |name: &str| value.get(name).and_then(Value::as_f64);
    let (x, y, z) = (at("x")?, at("y")?, at("z")?);
    (value.as_object()?.len() == 3).then(|| json!({"x": x, "y": y, "z": 0.0 - z}))
}

/// <https://liveaspankaew.gitbooks.io/xapi-video-profile/content/statement_data_model.html>: times in seconds.
pub fn media(statement: &mut Statement, action: Option<&str>) -> Option<Told> {
    let kind = statement.object.type_word();
    let mut media = Fields::new();
    let mut called = statement.called();
    media.leave("id", called.shift_remove("id"));
    media.leave("title", called.shift_remove("name"));
    if media.is_empty() {
        return None;
    }
    let kind = Some(kind.as_str()).filter(|kind| ["video", "audio", "animation"].contains(kind));
    media.leave("kind", kind);
    media.leave("duration_ms", statement.extension("length", seconds));
    let position = statement.extension("time-to", seconds);
    media.leave("position_ms", position.or_else(|| statement.extension("time", seconds)));
    media.leave("played_ms", statement.duration());
    let goes_on = action == Some("started") && media.get("position_ms").is_some_and(|at| *at != json!(0));
    media.leave("action", if goes_on { Some("resumed") } else { action });
    let id = media.get("id").cloned();
    let scene = statement.context_activity(Kind::Scene).unwrap_or_default();
    Some(Told::new("media", media).and("scene", scene).about("media", id.as_ref()))
}

/// OmiLAXR measures stress; the channel's own verbs say a level as the response and points as the score.
pub fn comfort(statement: &mut Statement, word: Option<&str>) -> Option<Told> {
    let mut comfort = Fields::new();
    match word {
        Some("relaxed") => comfort.leave("level", "comfortable"),
        Some(symptom) => comfort.leave("symptoms", json!([symptom])),
        None => comfort.leave("level", statement.result.text("response")),
    }
    let points = statement.extension("stressScore", number).or_else(|| {
        let mut score = statement.result.object("score")?;
        let points = score.take("raw", number);
        statement.result.leave("score", score);
        points
    });
    comfort.leave("score", points);
    if word.is_none() {
        comfort.leave("questionnaire", statement.object_name());
    }
    let says = ["level", "score", "symptoms"].iter().any(|name| comfort.contains_key(*name));
    let scene = statement.context_activity(Kind::Scene).unwrap_or_default();
    says.then(|| Told::new("comfort", comfort).and("scene", scene))
}

fn number(value: &Value) -> Option<Value> {
    value.is_number().then(|| value.clone())
}

/// Only by a verb of the channel's own. Where to, by which token and why are extensions whose IRIs end in these words.
pub fn handover(statement: &mut Statement, touchpoint: &mut Fields) -> Told {
    let mut handover = Fields::new();
    handover.leave("from_channel", touchpoint.get("channel").cloned());
    for (name, canonical) in [("to-channel", "to_channel"), ("handover-token", "token")] {
        handover.leave(canonical, statement.extension(name, fields::text));
    }
    handover.leave("expires_at", statement.extension("expires-at", fields::moment));
    handover.leave("reason", statement.result.text("response"));
    touchpoint.leave("handover", handover);
    let product = match statement.object.kind() {
        Some(Kind::Product) => {
            vec![Value::Object(statement.called())]
        }
        _ => Vec::new(),
    };
    let scene = statement.context_activity(Kind::Scene).unwrap_or_default();
    Told::new("scene", scene).and("products", product)
}

pub fn product(statement: &mut Statement) -> Option<Told> {
    let product = statement.called();
    let id = product.get("id").cloned();
    (!product.is_empty()).then(|| Told::new("product", product).about("product", id.as_ref()))
}

pub fn search(statement: &mut Statement) -> Option<Told> {
    let query = statement.result.text("response")?;
    Some(Told::new("search", Fields::from_iter([("query".to_owned(), query.into())])))
}
