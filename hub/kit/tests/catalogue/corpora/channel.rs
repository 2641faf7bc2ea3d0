//! The `[config]` of a channel as `channels/` has it. Rules of one system have much in common, which is written once: what all say,
//! under `rule`; the fields of those about messages, under `message`.

use serde_json::{Map, Value, json};

pub fn config(written: &str) -> String {
    let mut config: Map<String, Value> = toml::from_str(written).unwrap();
    let mut take = |name: &str| config.remove(name).unwrap_or_default();
    let (shared, message) = (take("rule"), json!({"fields": take("message")}));
    let (messages, own) = (take("messages"), take("rules"));
    let of = |rules: &Value| rules.as_array().cloned().unwrap_or_default();
    let about_messages = of(&messages).into_iter().map(|rule| both(&both(&shared, &message), &rule));
    let rules: Vec<Value> =
        about_messages.chain(of(&own).into_iter().map(|rule| both(&shared, &rule))).collect();
    if !rules.is_empty() {
        config.insert("rules".to_owned(), rules.into());
    }
    Value::Object(config).to_string()
}

/// What either rule says; of their fields, too.
fn both(one: &Value, other: &Value) -> Value {
    let mut whole = one.as_object().cloned().unwrap_or_default();
    for (name, value) in other.as_object().into_iter().flatten() {
        let value = match (whole.get(name), name.as_str()) {
            (Some(fields), "fields") => both(fields, value),
            _ => value.clone(),
        };
        whole.insert(name.clone(), value);
    }
    whole.into()
}
