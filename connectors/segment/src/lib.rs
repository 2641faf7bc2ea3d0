//! The calls of Segment's tracking API as canonical events, one by one or in a batch. RudderStack's libraries make the same.
//! Shapes as in <https://segment.com/docs/connections/spec/common/> and
//! <https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/>.

mod map;

use serde::Deserialize;
use serde_json::{Value, json};
use snodo_connector::{Context, Draft, Fault, Message, Source};

use crate::map::{Call, Told};
use snodo_connector::fields::{self, Fields, Take};

pub struct Segment;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    currency: String,
}

impl Default for Config {
    /// <https://segment.com/docs/connections/spec/track/#properties>
    fn default() -> Self {
        Self { currency: "USD".into() }
    }
}

impl Source for Segment {
    fn decode(ctx: &Context, message: Message) -> Result<Vec<Draft>, Fault> {
        let config: Config = ctx.config()?;
        let mut body: Value = message.json()?;
        let Value::Object(call) = &mut body else {
            return Err(Fault::permanent("expected a JSON object: a call, or calls in batch"));
        };
        let sent = call.take("sentAt", fields::moment);
        let Some(calls) = call.list("batch") else {
            let call = Call::named(message.name.split('&').next().unwrap_or_default());
            return Ok(vec![draft(body, call, sent, message.received_at, &config)]);
        };
        let shared = ["context", "integrations"].map(|name| (name, call.object(name).unwrap_or_default()));
        let one = |mut body: Value| {
            let own = body.as_object_mut().and_then(|call| call.take("sentAt", fields::moment));
            share(&mut body, &shared);
            draft(body, None, own.or_else(|| sent.clone()), message.received_at, &config)
        };
        Ok(calls.into_iter().map(one).collect())
    }
}

/// What a batch says of all its calls holds for each, unless the call says otherwise.
fn share(body: &mut Value, shared: &[(&str, Fields)]) {
    let Some(call) = body.as_object_mut() else { return };
    for (name, fields) in shared.iter().filter(|(_, fields)| !fields.is_empty()) {
        let own = call.entry(*name).or_insert_with(|| json!({}));
        for (name, value) in fields {
            if let Some(own) = own.as_object_mut() {
                own.entry(name.as_str()).or_insert_with(|| value.clone());
            }
        }
    }
}

/// `call` is what the address says; without it the body must.
fn draft(body: Value, call: Option<Call>, sent: Option<String>, received_ms: u64, config: &Config) -> Draft {
    let (told, key, time) = match body {
        Value::Object(mut fields) => {
            forget(&mut fields);
            let call = call.or_else(|| Call::named(fields.get("type")?.as_str()?));
            let key = fields.get("messageId").and_then(fields::text);
            let time = fields.get("timestamp").or_else(|| fields.get("originalTimestamp"));
            let time = time.and_then(fields::moment);
            (map::tell(call, fields, &config.currency), key, time)
        }
        other => (map::unknown(None, other, json!({}), json!({})), None, None),
    };
    let Told { kind, subject, data } = told;
    let mut draft = Draft::new(kind, &data);
    (draft.key, draft.time, draft.subject) = (key, time, subject);
    // What Segment calls the corrected timestamp is `time` plus this skew. It is another one for each attempt to send, so it
    // may not become part of what makes the event this very event.
    match sent {
        Some(sent) => draft.with_sent(&sent, received_ms),
        None => draft,
    }
}

/// What is about the request and not about what happened: credentials, and what differs between two attempts to send.
fn forget(call: &mut Fields) {
    for name in ["writeKey", "sentAt", "receivedAt"] {
        call.shift_remove(name);
    }
    if let Some(metadata) = call.get_mut("_metadata").and_then(Value::as_object_mut) {
        metadata.shift_remove("retryCount");
    }
}

snodo_connector::export!(Segment: source);
