//! What `snippet/snodo.js` tells of a visit, in batches. The format is our own; README.md has all of it.

mod context;
mod map;
mod parts;
mod shape;

use serde::Deserialize;
use serde_json::Value;
use snodo_connector::fields::{Fields, Take};
use snodo_connector::{Context, Draft, Fault, Message, Source};

pub struct Web;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    customer_namespace: String,
}

impl Default for Config {
    fn default() -> Self {
        Self { customer_namespace: "customer".into() }
    }
}

impl Source for Web {
    fn decode(ctx: &Context, message: Message) -> Result<Vec<Draft>, Fault> {
        let config: Config = ctx.config()?;
        let (mut shared, events) = match message.json()? {
            Value::Array(events) => (Fields::new(), events),
            Value::Object(mut shared) => match shared.list("batch") {
                Some(events) if !events.is_empty() => (shared, events),
                _ => (Fields::new(), vec![Value::Object(shared)]),
            },
            other => (Fields::new(), vec![other]),
        };
        if let Some(agent) = message.header("user-agent").filter(|agent| !agent.is_empty()) {
            shared.entry("user_agent").or_insert_with(|| agent.into());
        }
        let told = |event| map::tell(with_shared(event, &shared), message.received_at, &config);
        Ok(events.into_iter().map(told).collect())
    }
}

/// What a batch says of all its events holds for each, unless the event says otherwise.
fn with_shared(mut event: Value, shared: &Fields) -> Value {
    let Some(own) = event.as_object_mut() else { return event };
    for (name, value) in shared {
        match (own.get_mut(name), value) {
            (None, _) => {
                own.insert(name.clone(), value.clone());
            }
            // The session that ended has what the batch says of it; a page of its own has nothing of the batch's.
            (Some(Value::Object(own)), Value::Object(shared)) if name != "page" && is_same(own, shared) => {
                for (name, value) in shared {
                    own.entry(name.as_str()).or_insert_with(|| value.clone());
                }
            }
            _ => {}
        }
    }
    own.shift_remove("writeKey");
    event
}

fn is_same(own: &Fields, shared: &Fields) -> bool {
    own.get("id").is_none_or(|id| shared.get("id").is_none_or(|shared| shared == id))
}

snodo_connector::export!(Web: source);
