//! Events as rows: which columns there are, and where in an event each has its value. For destinations that write tables.

use serde::Deserialize;
use serde_json::{Value, json};
use snodo_connector::{Delivery, Exchange, Fault, Outcome, Plan, Request, text};

/// A column's name, and a JSON Pointer into the event as it is seen by [`event`].
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    pub name: String,
    pub from: String,
}

impl Column {
    pub fn new(name: &str, from: &str) -> Self {
        Self { name: name.to_owned(), from: from.to_owned() }
    }

    /// What stands there; null is nothing.
    pub fn of<'e>(&self, event: &'e Value) -> Option<&'e Value> {
        event.pointer(&self.from).filter(|value| !value.is_null())
    }
}

/// The log of events: what each has, whatever its type.
pub fn log() -> Vec<Column> {
    ["id", "type", "source", "subject", "time", "customer", "data"]
        .map(|name| Column::new(name, &text::pointer([name])))
        .into()
}

/// A delivery's event as columns see it: CloudEvents' attributes by their names, `customer` as the hub knows them, and `data`.
pub fn event(delivery: &Delivery) -> Result<Value, Fault> {
    let event = &delivery.event;
    let mut seen = json!({
        "id": event.id,
        "type": event.kind,
        "source": event.source,
        "subject": event.subject,
        "time": event.time,
        "dataschema": event.dataschema,
        "customer": delivery.customer,
        "data": event.data::<Value>()?,
    });
    for (name, value) in &event.attributes {
        if seen.get(name).is_none() {
            seen[name] = value.as_str().into();
        }
    }
    Ok(seen)
}

/// One line more for that file. `headers` say what it is, and what each file begins and ends with.
pub fn append(file: &str, headers: &[(&str, &str)], line: String) -> Request {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Request {
        method: "APPEND".into(),
        target: file.to_owned(),
        headers: headers.collect(),
        body: line.into_bytes(),
    }
}

/// What became of the lines of a call.
pub fn appended(exchange: &Exchange) -> Plan {
    let answer = &exchange.answer;
    let outcome = match answer.is_success() {
        true => Outcome::Accepted(None),
        false => Outcome::Failed(answer.fault(format!("the line was not written: {}", answer.status))),
    };
    Plan::settle_all(exchange.deliveries.len(), &outcome)
}

/// A value as text: what is a list or an object is JSON.
pub fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
