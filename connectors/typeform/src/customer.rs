//! Who answered, and how they came to the form. All of it is what the customer or the link says.

use serde_json::{Value, json};
use snodo_connector::contact;
use snodo_connector::fields::{Fields, Take};

use crate::Config;
use crate::answer::Answered;

/// More than these are not one person's. The schema takes 64.
const IDENTIFIERS_MAX: usize = 16;

pub fn customer(told: &[Answered], hidden: &mut Fields, config: &Config) -> Value {
    let one = |namespace: &str, value: String| json!({"namespace": namespace, "value": value, "kind": "person", "authenticated": "asserted"});
    let mut identifiers = Vec::new();
    if let Some(id) = config.customer_field.as_deref().and_then(|name| hidden.text(name)) {
        identifiers.push(one(&config.customer_namespace, id));
    }
    let email = hidden.take("email", |value| contact::email(value.as_str()?));
    identifiers.extend(email.map(|email| one("email", email)));
    let phone = hidden.take("phone", |value| contact::phone(value.as_str()?));
    identifiers.extend(phone.map(|phone| one("phone", phone)));
    for answered in told {
        let email = answered.email.as_deref().and_then(contact::email);
        identifiers.extend(email.map(|email| one("email", email)));
        let phone = answered.phone.as_deref().and_then(contact::phone);
        identifiers.extend(phone.map(|phone| one("phone", phone)));
    }
    let mut different: Vec<Value> = Vec::new();
    for identifier in identifiers {
        if !different.contains(&identifier) {
            different.push(identifier);
        }
    }
    different.truncate(IDENTIFIERS_MAX);
    match different.is_empty() {
        true => json!({"anonymous": true}),
        false => json!({"identifiers": different}),
    }
}

/// Hidden fields with the names of campaign parameters are filled from the link's query.
pub fn touchpoint(hidden: &mut Fields) -> Value {
    let campaign = hidden.texts(&[
        ("utm_source", "source"),
        ("utm_medium", "medium"),
        ("utm_campaign", "name"),
        ("utm_term", "term"),
        ("utm_content", "content"),
    ]);
    let mut touchpoint = Fields::from_iter([("channel".to_owned(), "survey".into())]);
    touchpoint.leave("campaign", campaign);
    Value::Object(touchpoint)
}
