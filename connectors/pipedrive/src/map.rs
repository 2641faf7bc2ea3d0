//! Which object and action is which event.

mod account;
mod activity;
mod deal;
mod person;

use serde_json::Value;
use snodo_connector::Draft;
use snodo_connector::fields::{Fields, Take};

use crate::hook::{Action, Hook, Sign, truth};

/// An event without what all of them have.
struct Told {
    kind: &'static str,
    /// `deal/7`.
    subject: String,
    data: Fields,
}

pub fn draft(body: &Value) -> Draft {
    let sign = Sign::read(body);
    let told = Hook::read(body).and_then(|mut hook| {
        let mut told = tell(&mut hook)?;
        told.data.leave("touchpoint", hook.touchpoint());
        told.data.leave("vendor", hook.vendor());
        Some(told)
    });
    let mut draft = match told {
        Some(Told { kind, subject, data }) => Draft::new(kind, &data).with_subject(subject),
        None => Draft { subject: sign.subject, ..Draft::unknown(sign.topic.as_deref(), body) },
    };
    (draft.key, draft.time) = (sign.key, sign.time);
    if let Some(correlation) = sign.correlation {
        draft.attributes.push(("correlationid".into(), correlation));
    }
    draft
}

/// `None` for what the vocabulary has no word for: edited notes and activities, leads that change, products, users, pipelines.
fn tell(hook: &mut Hook) -> Option<Told> {
    let is_done = hook.record.get("done").and_then(truth) == Some(true);
    let was_done = is_done && hook.previous.contains_key("done");
    match (hook.object.as_str(), hook.action) {
        ("person", _) => person::told(hook),
        ("organization", Action::Create | Action::Change | Action::Merge) => account::told(hook),
        ("deal", Action::Create | Action::Change | Action::Merge) => deal::moved(hook),
        ("lead", Action::Create) => deal::lead(hook),
        ("activity", Action::Create) => activity::logged(hook),
        ("activity", Action::Change) if was_done => activity::done(hook),
        ("note", Action::Create) => activity::note(hook),
        ("task", Action::Create) if is_done => activity::done(hook),
        ("task", Action::Change) if was_done => activity::done(hook),
        _ => None,
    }
}
