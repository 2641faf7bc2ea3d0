//! What a snippet or an application tells of a visit, in batches, as events. No connector: `web` and `xr-session` share it, and each
//! knows the words and parts of its own. Their READMEs have all of the format.

mod context;
mod shape;

use serde_json::Value;
use snodo_connector::Draft;
use snodo_connector::fields::{self, Fields, Take};

pub use context::{Customers, HANDOVER, consent, touchpoint};
pub use shape::{Form, Shape, part, pick};

/// `{"batch": [events], …}`, a list of events, or one.
#[derive(Debug)]
pub struct Batch {
    /// What it says of all its events.
    pub shared: Fields,
    events: Vec<Value>,
}

impl Batch {
    pub fn of(body: Value) -> Self {
        let (shared, events) = match body {
            Value::Array(events) => (Fields::new(), events),
            Value::Object(mut shared) => match shared.list("batch") {
                Some(events) if !events.is_empty() => (shared, events),
                _ => (Fields::new(), vec![Value::Object(shared)]),
            },
            other => (Fields::new(), vec![other]),
        };
        Self { shared, events }
    }

    /// A draft of each event. `event` gets its word and its fields, and gives `None` for what has no place in the vocabulary: that is
    /// kept whole. Parts named in `apart` have nothing of the batch's.
    pub fn drafts(
        self,
        received_ms: u64,
        apart: &[&str],
        event: impl Fn(&str, Fields) -> Option<Draft>,
    ) -> Vec<Draft> {
        let Self { shared, events } = self;
        let told = |one| tell(with_shared(one, &shared, apart), received_ms, &event);
        events.into_iter().map(told).collect()
    }
}

/// What a batch says of all its events holds for each, unless the event says otherwise.
fn with_shared(mut event: Value, shared: &Fields, apart: &[&str]) -> Value {
    let Some(own) = event.as_object_mut() else { return event };
    for (name, value) in shared {
        match (own.get_mut(name), value) {
            (None, _) => {
                own.insert(name.clone(), value.clone());
            }
            // The session that ended has what the batch says of it; another scene has nothing of the batch's.
            (Some(Value::Object(own)), Value::Object(shared))
                if !apart.contains(&name.as_str()) && is_same(own, shared) =>
            {
                for (name, value) in shared {
                    own.entry(name.as_str()).or_insert_with(|| value.clone());
                }
            }
            _ => {}
        }
    }
    // Who may send is about the request.
    own.shift_remove("writeKey");
    event
}

fn is_same(own: &Fields, shared: &Fields) -> bool {
    own.get("id").is_none_or(|id| shared.get("id").is_none_or(|shared| shared == id))
}

/// With its id and time, whether or not it has a place in the vocabulary.
fn tell(mut whole: Value, received_ms: u64, event: impl Fn(&str, Fields) -> Option<Draft>) -> Draft {
    let text = |name: &str| whole.get(name).and_then(fields::text);
    let moment = |name: &str| whole.get(name).and_then(fields::moment);
    let (key, time, sent, sequence) = (text("id"), moment("at"), moment("sent_at"), text("sequence"));
    if let Some(fields) = whole.as_object_mut().filter(|_| sent.is_some()) {
        // It is another one for each attempt to send.
        fields.shift_remove("sent_at");
    }
    let word = whole.get("type").and_then(Value::as_str);
    let known = word.and_then(|word| {
        let mut fields = whole.as_object()?.clone();
        for name in ["type", "id", "at", "sequence"] {
            fields.shift_remove(name);
        }
        event(word, fields)
    });
    let mut draft = known.unwrap_or_else(|| Draft::unknown(word, &whole));
    (draft.key, draft.time) = (key, time);
    draft.attributes.extend(sequence.map(|sequence| ("sequence".to_owned(), sequence)));
    match sent {
        Some(sent) => draft.with_sent(&sent, received_ms),
        None => draft,
    }
}
