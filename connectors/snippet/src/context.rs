//! What every event has: who, where, on what, and what they agreed to.

use serde_json::{Value, json};
use snodo_connector::contact;
use snodo_connector::fields::{Fields, Take};

use crate::shape::{Form, Shape, part, pick};

pub const HANDOVER: Shape = &[
    ("from_channel", Form::Text),
    ("to_channel", Form::Text),
    ("token", Form::Text),
    ("expires_at", Form::Moment),
    ("reason", Form::Text),
];

/// Whose customers they are, and what is told of them.
#[derive(Clone, Copy, Debug)]
pub struct Customers<'a> {
    /// Of a `user_id`.
    pub namespace: &'a str,
    pub traits: Shape,
    /// Of an anonymous id, where it is known.
    pub first_party: Option<bool>,
}

impl Customers<'_> {
    pub fn of(&self, event: &mut Fields) -> Value {
        let mut sent = event.object("customer").unwrap_or_default();
        let known = |namespace: &str, value: String, kind: &str| json!({"namespace": namespace, "value": value, "kind": kind, "authenticated": "asserted"});
        let mut identifiers = Vec::new();
        identifiers.extend(sent.text("user_id").map(|id| known(self.namespace, id, "account")));
        let email = sent.take("email", |value| contact::email(value.as_str()?));
        identifiers.extend(email.map(|email| known("email", email, "person")));
        let phone = sent.take("phone", |value| contact::phone(value.as_str()?));
        identifiers.extend(phone.map(|phone| known("phone", phone, "person")));
        let is_known = !identifiers.is_empty();
        identifiers.extend(sent.text("anonymous_id").map(|id| self.anonymous(&id)));
        let mut customer = Fields::new();
        if !is_known {
            customer.insert("anonymous".into(), true.into());
        }
        customer.leave("identifiers", identifiers);
        if let Some(mut traits) = sent.object("traits") {
            customer.leave("traits", pick(&mut traits, self.traits));
            sent.leave("traits", traits);
        }
        event.leave("customer", sent);
        Value::Object(customer)
    }

    fn anonymous(&self, id: &str) -> Value {
        let mut identifier =
            json!({"namespace": "anonymous", "value": id, "kind": "anonymous", "authenticated": "none"});
        if let Some(first_party) = self.first_party {
            identifier["first_party"] = first_party.into();
        }
        identifier
    }
}

/// `{"analytics": "granted"}`: decisions by purpose. `strings` are names of what is no purpose but a string of the advertising trade.
pub fn consent(event: &mut Fields, strings: &[(&str, &str)]) -> Fields {
    const STATES: [&str; 5] = ["granted", "denied", "withdrawn", "pending", "unknown"];
    let mut consent = Fields::new();
    let Some(mut sent) = event.object("consent") else { return consent };
    let strings = sent.texts(strings);
    let is_state = |state: &Value| state.as_str().is_some_and(|state| STATES.contains(&state));
    let decided: Vec<String> =
        sent.iter().filter(|(_, state)| is_state(state)).map(|(purpose, _)| purpose.clone()).collect();
    let mut purposes = Fields::new();
    for purpose in decided {
        if let Some(state) = sent.shift_remove(&purpose) {
            purposes.insert(purpose, json!({"state": state}));
        }
    }
    event.leave("consent", sent);
    consent.leave("purposes", purposes);
    consent.leave("strings", strings);
    consent
}

/// Where it happened, with these parts of the event.
pub fn touchpoint(event: &mut Fields, channel: &str, parts: &[(&str, Shape)]) -> Fields {
    let mut touchpoint = Fields::new();
    touchpoint.insert("channel".into(), channel.into());
    let buffered = event.take("buffered", Value::as_bool);
    touchpoint.leave("mode", buffered.filter(|buffered| *buffered).map(|_| "offline_buffered"));
    for (name, shape) in parts {
        touchpoint.leave(name, part(event, name, shape));
    }
    touchpoint.extend(event.texts(&[
        ("user_agent", "user_agent"),
        ("locale", "locale"),
        ("timezone", "timezone"),
    ]));
    touchpoint
}
