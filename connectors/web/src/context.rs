//! What every event has: who, where, on what, and what they agreed to.

use serde_json::{Value, json};
use snodo_connector::contact;
use snodo_connector::fields::{Fields, Take};

use crate::Config;
use crate::shape::{Form, Shape, pick};

const SCREEN: Shape = &[("width_px", Form::Whole), ("height_px", Form::Whole), ("density", Form::Number)];

const DEVICE: Shape = &[
    ("class", Form::One(&["phone", "tablet", "desktop", "laptop", "tv", "kiosk", "other"])),
    ("os", Form::Text),
    ("browser", Form::Text),
    ("screen", Form::Part(SCREEN)),
];

const CAMPAIGN: Shape = &[
    ("id", Form::Text),
    ("name", Form::Text),
    ("source", Form::Text),
    ("medium", Form::Text),
    ("term", Form::Text),
    ("content", Form::Text),
    ("click_ids", Form::Map),
];

const HANDOVER: Shape = &[
    ("from_channel", Form::Text),
    ("to_channel", Form::Text),
    ("token", Form::Text),
    ("expires_at", Form::Moment),
    ("reason", Form::Text),
];

const TRAITS: Shape = &[
    ("name", Form::Text),
    ("given_name", Form::Text),
    ("family_name", Form::Text),
    ("nickname", Form::Text),
    ("company", Form::Text),
    ("language", Form::Text),
    ("locale", Form::Text),
];

pub fn customer(event: &mut Fields, config: &Config) -> Value {
    let mut sent = event.object("customer").unwrap_or_default();
    let known = |namespace: &str, value: String, kind: &str| json!({"namespace": namespace, "value": value, "kind": kind, "authenticated": "asserted"});
    let mut identifiers = Vec::new();
    identifiers.extend(sent.text("user_id").map(|id| known(&config.customer_namespace, id, "account")));
    let email = sent.take("email", |value| contact::email(value.as_str()?));
    identifiers.extend(email.map(|email| known("email", email, "person")));
    let phone = sent.take("phone", |value| contact::phone(value.as_str()?));
    identifiers.extend(phone.map(|phone| known("phone", phone, "person")));
    let is_known = !identifiers.is_empty();
    let anonymous = sent.text("anonymous_id");
    identifiers.extend(anonymous.map(|id| {
        json!({"namespace": "anonymous", "value": id, "kind": "anonymous", "authenticated": "none", "first_party": true})
    }));
    let mut customer = Fields::new();
    if !is_known {
        customer.insert("anonymous".into(), true.into());
    }
    customer.leave("identifiers", identifiers);
    if let Some(mut traits) = sent.object("traits") {
        customer.leave("traits", pick(&mut traits, TRAITS));
        sent.leave("traits", traits);
    }
    event.leave("customer", sent);
    Value::Object(customer)
}

/// `{"analytics": "granted"}`: decisions by purpose. `tcf` and `gpp` are the strings of the advertising trade.
pub fn consent(event: &mut Fields) -> Value {
    const STATES: [&str; 5] = ["granted", "denied", "withdrawn", "pending", "unknown"];
    let Some(mut sent) = event.object("consent") else { return Value::Null };
    let strings = sent.texts(&[("tcf", "tcf"), ("gpp", "gpp")]);
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
    let mut consent = Fields::new();
    consent.leave("purposes", purposes);
    consent.leave("strings", strings);
    Value::Object(consent)
}

pub fn touchpoint(event: &mut Fields) -> Fields {
    let mut touchpoint = Fields::new();
    touchpoint.insert("channel".into(), "web".into());
    let buffered = event.take("buffered", Value::as_bool);
    touchpoint.leave("mode", buffered.filter(|buffered| *buffered).map(|_| "offline_buffered"));
    for (name, shape) in [("device", DEVICE), ("campaign", CAMPAIGN), ("handover", HANDOVER)] {
        if let Some(mut sent) = event.object(name) {
            touchpoint.leave(name, pick(&mut sent, shape));
            event.leave(name, sent);
        }
    }
    touchpoint.extend(event.texts(&[
        ("user_agent", "user_agent"),
        ("locale", "locale"),
        ("timezone", "timezone"),
    ]));
    touchpoint
}
