//! What every event has: who, where, on what, and what they agreed to.

use serde_json::{Value, json};
use snodo_connector::contact;
use snodo_connector::fields::{Fields, Take};

use crate::config::Config;
use crate::shape::{Form, Shape, pick};

const DEVICE: Shape = &[
    ("id", Form::Text),
    (
        "class",
        Form::One(&["headset", "glasses", "phone", "tablet", "desktop", "laptop", "kiosk", "tv", "other"]),
    ),
    ("name", Form::Text),
    ("manufacturer", Form::Text),
    ("model", Form::Text),
    ("os", Form::Text),
    ("os_version", Form::Text),
    ("browser", Form::Text),
    ("browser_version", Form::Text),
    ("battery_percent", Form::Percent),
    ("rendering", Form::Text),
    ("tracking", Form::Text),
];

const APP: Shape = &[
    ("id", Form::Text),
    ("name", Form::Text),
    ("version", Form::Text),
    ("build", Form::Text),
    ("store", Form::Text),
];

const TRAITS: Shape = &[
    ("name", Form::Text),
    ("given_name", Form::Text),
    ("family_name", Form::Text),
    ("nickname", Form::Text),
    ("language", Form::Text),
    ("locale", Form::Text),
];

pub fn customer(event: &mut Fields, config: &Config) -> Value {
    let mut sent = event.object("customer").unwrap_or_default();
    let known = |namespace: &str, value: String, kind: &str| {
        let sure = if kind == "anonymous" { "none" } else { "asserted" };
        json!({"namespace": namespace, "value": value, "kind": kind, "authenticated": sure})
    };
    let mut identifiers = Vec::new();
    identifiers.extend(sent.text("user_id").map(|id| known(&config.customer_namespace, id, "account")));
    let email = sent.take("email", |value| contact::email(value.as_str()?));
    identifiers.extend(email.map(|email| known("email", email, "person")));
    let phone = sent.take("phone", |value| contact::phone(value.as_str()?));
    identifiers.extend(phone.map(|phone| known("phone", phone, "person")));
    let is_known = !identifiers.is_empty();
    identifiers.extend(sent.text("anonymous_id").map(|id| known("anonymous", id, "anonymous")));
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

/// `{"analytics": "granted"}`: decisions by purpose.
pub fn consent(event: &mut Fields) -> Value {
    const STATES: [&str; 5] = ["granted", "denied", "withdrawn", "pending", "unknown"];
    let Some(mut sent) = event.object("consent") else { return Value::Null };
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
    if purposes.is_empty() { Value::Null } else { json!({"purposes": purposes}) }
}

/// `mode` is how the scene is shown.
pub fn touchpoint(event: &mut Fields, mode: Option<&str>, config: &Config) -> Fields {
    let mut touchpoint = Fields::new();
    let channel = match mode {
        Some("immersive_vr") => "vr",
        Some("immersive_ar" | "passthrough") => "ar",
        _ => &config.channel,
    };
    touchpoint.insert("channel".into(), channel.into());
    let buffered = event.take("buffered", Value::as_bool);
    touchpoint.leave("mode", buffered.filter(|buffered| *buffered).map(|_| "offline_buffered"));
    if let Some(mut device) = event.object("device") {
        touchpoint.leave("device", pick(&mut device, DEVICE));
        event.leave("device", device);
    }
    if let Some(mut app) = event.object("app") {
        touchpoint.leave("app", pick(&mut app, APP));
        event.leave("app", app);
    }
    let page = event.texts(&[("page_url", "url")]);
    touchpoint.leave("page", page);
    touchpoint.extend(event.texts(&[
        ("user_agent", "user_agent"),
        ("locale", "locale"),
        ("timezone", "timezone"),
    ]));
    touchpoint
}
