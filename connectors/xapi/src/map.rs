//! Which statement is which event, and what every statement has: who, where, when.

mod survey;
mod xr;

use serde_json::{Value, json};
use snodo_connector::Draft;
use snodo_connector::fields::{self, Fields, Take};

use crate::actor;
use crate::config::Config;
use crate::statement::Statement;
use crate::vocabulary::{self, Deed, Kind};

/// An event's own part, before who and where are added.
pub struct Told {
    pub data: Fields,
    pub subject: Option<String>,
}

impl Told {
    pub fn new(name: &str, part: Fields) -> Self {
        let mut data = Fields::new();
        data.leave(name, part);
        Self { data, subject: None }
    }

    pub fn and(mut self, name: &str, part: impl Into<Value>) -> Self {
        self.data.leave(name, part);
        self
    }

    pub fn about(mut self, object: &str, id: Option<&Value>) -> Self {
        self.subject = id.and_then(Value::as_str).map(|id| format!("{object}/{id}"));
        self
    }
}

/// Statements that have no event of their own are kept whole, with their key and time.
pub fn tell(whole: &Value, config: &Config) -> Draft {
    let text = |name: &str| whole.get(name).and_then(fields::text);
    let moment = |name: &str| whole.get(name).and_then(fields::moment);
    let (key, stored) = (text("id"), moment("stored"));
    let time = moment("timestamp").or_else(|| stored.clone());
    let mut draft = whole.as_object().and_then(|fields| event(fields.clone(), config)).unwrap_or_else(|| {
        let verb = whole.get("verb").and_then(|verb| verb.get("id")?.as_str());
        Draft::unknown(verb, whole)
    });
    (draft.key, draft.time) = (key, time);
    draft.attributes.extend(stored.map(|stored| ("recordedtime".to_owned(), stored)));
    draft
}

fn event(fields: Fields, config: &Config) -> Option<Draft> {
    let mut statement = Statement::of(fields)?;
    let kind = statement.object.kind();
    let own = config.verbs.get(&statement.verb).and_then(|event| vocabulary::event_named(event));
    let known = || vocabulary::deed(&vocabulary::last_word(&statement.verb), kind.unwrap_or(Kind::Other));
    let Deed { event, word } = own.or_else(known)?;
    let customer = match statement.rest.object("actor") {
        Some(mut actor) => {
            let customer = actor::customer(&mut actor, config);
            statement.rest.leave("actor", actor);
            customer
        }
        None => json!({"anonymous": true}),
    };
    let session = session_of(&mut statement, kind);
    let mut touchpoint = touchpoint(&mut statement, config);
    touchpoint.leave("session", json!({"id": session}));
    let told = match event {
        "xr.session.started" | "xr.session.ended" | "xr.session.focus_changed" => {
            xr::session(&mut statement, event, word, kind, session.as_deref())?
        }
        "xr.scene.entered" | "xr.scene.exited" => xr::scene(&mut statement, event)?,
        "xr.media.played" => xr::media(&mut statement, word)?,
        "xr.comfort.reported" => xr::comfort(&mut statement, word)?,
        "xr.handover.requested" => xr::handover(&mut statement, &mut touchpoint),
        "commerce.product.viewed" | "commerce.product.shared" => xr::product(&mut statement)?,
        "web.search.performed" => xr::search(&mut statement)?,
        "voc.survey.answered" => survey::answered(&mut statement)?,
        "voc.score.recorded" => survey::rated(&mut statement)?,
        "voc.survey.started" | "voc.survey.completed" => survey::whole(&mut statement, event)?,
        _ => xr::object(&mut statement, event, kind)?,
    };
    let Told { mut data, subject } = told;
    data.leave("customer", customer);
    data.leave("touchpoint", touchpoint);
    let mut vendor = statement.put_together();
    for name in ["id", "stored", "timestamp"] {
        vendor.take(name, if name == "id" { fields::text } else { fields::moment });
    }
    data.leave("vendor", vendor);
    let mut draft = Draft::new(event, &data);
    draft.subject = subject;
    draft.attributes.extend(session.map(|session| ("correlationid".to_owned(), session)));
    Some(draft)
}

/// The session of cmi5, OmiLAXR's name of a session, else the registration; else the session that the statement is about.
fn session_of(statement: &mut Statement, kind: Option<Kind>) -> Option<String> {
    let said = statement.extension("sessionid", fields::text);
    let said = said.or_else(|| {
        let is_session = kind == Some(Kind::Session);
        is_session.then(|| statement.extension("name", fields::text))?
    });
    let said = said.or_else(|| statement.context.text("registration"));
    said.or_else(|| (kind == Some(Kind::Session)).then(|| statement.object.id())?)
}

fn touchpoint(statement: &mut Statement, config: &Config) -> Fields {
    let mut touchpoint = Fields::new();
    touchpoint.insert("channel".into(), config.channel.as_str().into());
    let device = statement.extension("deviceName", fields::text);
    touchpoint.leave("device", json!({"model": device}));
    touchpoint.leave("app", statement.context.texts(&[("platform", "name")]));
    touchpoint.extend(statement.context.texts(&[("language", "locale")]));
    touchpoint
}
