//! XR sessions: what the snippet or an application tells of one becomes events, and hand-overs are told to the server of a scene.
//! The format is our own; README.md has all of it. States and events of a session are those of
//! <https://www.w3.org/TR/webxr/> and of <https://registry.khronos.org/OpenXR/specs/1.1/html/xrspec.html>.

mod config;
mod context;
mod handover;
mod map;
mod shape;

use serde_json::Value;
use snodo_connector::fields::{self, Fields, Take};
use snodo_connector::{
    Context, Delivery, Destination, Draft, Exchange, Fault, Message, Outcome, Plan, Source,
};

use crate::config::Config;

pub struct XrSession;

impl Source for XrSession {
    fn decode(ctx: &Context, message: Message) -> Result<Vec<Draft>, Fault> {
        let config: Config = ctx.config()?;
        let body: Value = message.json()?;
        let (shared, events) = match body {
            Value::Array(events) => (Fields::new(), events),
            Value::Object(mut shared) => match shared.list("batch") {
                Some(events) if !events.is_empty() => (shared, events),
                _ => (Fields::new(), vec![Value::Object(shared)]),
            },
            other => (Fields::new(), vec![other]),
        };
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
            // Another scene has nothing of the shared one.
            (Some(Value::Object(own)), Value::Object(shared)) if is_same(own, shared) => {
                for (name, value) in shared {
                    own.entry(name.as_str()).or_insert_with(|| value.clone());
                }
            }
            _ => {}
        }
    }
    // Who may send, and when it was sent, is about the request.
    own.shift_remove("writeKey");
    event
}

fn is_same(own: &Fields, shared: &Fields) -> bool {
    own.get("id").is_none_or(|id| shared.get("id").is_none_or(|shared| shared == id))
}

impl Destination for XrSession {
    fn encode(ctx: &Context, deliveries: Vec<Delivery>) -> Plan {
        Plan::one_by_one(ctx.config(), &deliveries, handover::request)
    }

    fn interpret(_: &Context, exchange: Exchange) -> Plan {
        let answer = &exchange.answer;
        let outcome = match answer.status {
            200..=299 => {
                let id = answer.json::<Value>().and_then(|body| body.get("id").and_then(fields::text));
                Outcome::Accepted(id)
            }
            // Our own contract with scene servers: a token that is there already.
            409 => Outcome::Duplicate,
            status => Outcome::Failed(answer.fault(format!("the scene's server answered {status}"))),
        };
        Plan::settle_all(exchange.deliveries.len(), &outcome)
    }
}

snodo_connector::export!(XrSession: source, destination);
