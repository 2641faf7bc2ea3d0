//! Which topic is which type, and what every detail event has. A mapping takes from the event what has a canonical place; the rest
//! goes under `vendor`, where and as Genesys names it.

mod flow;
mod party;
mod queue;

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};
use snodo_connector::time;

pub struct Told {
    pub kind: &'static str,
    /// `acd.start`
    pub topic: String,
    pub conversation: String,
    pub key: String,
    pub time: Option<String>,
    pub data: Fields,
}

/// A detail event taken apart.
struct Story {
    conversation: String,
    at: Option<String>,
    event: Fields,
    data: Fields,
    interaction: Fields,
}

/// What the notification calls itself: EventBridge has it in `detail-type`, with `{id}` for the conversation's.
pub fn topic(body: &Value) -> Option<String> {
    let inner = body.get("detail").and_then(|detail| detail.get("topicName"));
    let found = body.get("topicName").or(inner).or_else(|| body.get("detail-type"));
    fields::text(found?)
}

/// `None` if the vocabulary has no word for it, or the event does not hold what the word needs.
pub fn tell(mut envelope: Fields) -> Option<Told> {
    let whole = topic(&Value::Object(envelope.clone()))?;
    let (_, topic) = whole.strip_prefix("v2.detail.events.conversation.")?.split_once('.')?;
    let topic = topic.to_owned();
    // Without EventBridge there is no `detail` around it.
    let mut detail = envelope.object("detail");
    let event = match &mut detail {
        Some(detail) => detail.object("eventBody")?,
        None => envelope.object("eventBody")?,
    };
    let conversation = event.get("conversationId").and_then(fields::text)?;
    let key = key(&topic, &conversation, &event);
    let at = event.get("eventTime").and_then(millis);
    let mut story = Story { conversation, at, event, data: Fields::new(), interaction: Fields::new() };
    let kind = mapped(&topic, &mut story)?;
    for name in ["conversationId", "eventTime"] {
        story.event.shift_remove(name);
    }
    let rest = detail.as_mut().unwrap_or(&mut envelope);
    rest.leave("eventBody", story.event);
    if rest.get("topicName").and_then(Value::as_str) == Some(&whole) {
        rest.shift_remove("topicName");
    }
    if let Some(detail) = detail {
        envelope.leave("detail", detail);
    }
    let mut data = story.data;
    data.leave("vendor", envelope);
    Some(Told { kind, topic, conversation: story.conversation, key, time: story.at, data })
}

fn mapped(topic: &str, story: &mut Story) -> Option<&'static str> {
    let callback = story.event.get("mediaType").and_then(Value::as_str) == Some("CALLBACK");
    let whole = if topic == "contact" { story.event.clone() } else { Fields::new() };
    party::about(story);
    match topic {
        "customer.start" if callback => queue::callback(story),
        "customer.start" => {
            story.interaction.leave("started_at", story.at.clone());
            told("contactcentre.interaction.started", story)
        }
        "customer.end" => {
            ended(story);
            told("contactcentre.interaction.ended", story)
        }
        "acd.start" => queue::entered(story),
        "acd.end" => queue::left(story),
        "user.start" => queue::assigned(story),
        "user.end" => queue::handed_on(story),
        "acw" | "wrapup" => queue::wrapped_up(story),
        "flow.start" => flow::began(story),
        "flow.end" => flow::ended(story),
        "outcome" | "flow.outcome" => flow::outcome(story),
        "voicemail.end" => queue::voicemail(story),
        "contact" => party::identified(story, whole),
        _ => None,
    }
}

/// The contact itself is what it is about.
fn told(kind: &'static str, story: &mut Story) -> Option<&'static str> {
    let interaction = std::mem::take(&mut story.interaction);
    story.data.insert("interaction".into(), interaction.into());
    Some(kind)
}

/// Genesys gives no event an id: it is what happened to which session of which participant, and when. It is the same whichever
/// way an event comes.
fn key(topic: &str, conversation: &str, event: &Fields) -> String {
    let part = |name: &str| event.get(name).and_then(fields::text).unwrap_or_default();
    let (participant, session, at) = (part("participantId"), part("sessionId"), part("eventTime"));
    let own = ["flowId", "flowOutcomeId", "wrapupCode"].map(part).join("");
    format!("{conversation}/{topic}/{participant}/{session}/{own}/{at}")
}

/// Milliseconds since 1970 as RFC 3339.
fn millis(value: &Value) -> Option<String> {
    time::from_epoch_millis(value.as_i64()?)
}

/// How and by whom the customer's part of it came to an end.
fn ended(story: &mut Story) {
    story.interaction.leave("ended_at", story.at.clone());
    story.interaction.leave("talk_ms", story.event.take("interactingDurationMs", Value::as_u64));
    let Some(word) = story.event.text("disconnectType") else { return };
    let (reason, by) = match word.as_str() {
        // The customer's own device.
        "ENDPOINT" | "CLIENT" => ("customer_left".to_owned(), Some("customer")),
        "TIMEOUT" => ("timeout".to_owned(), Some("system")),
        "ERROR" | "TRANSPORT_FAILURE" => ("error".to_owned(), Some("system")),
        "SYSTEM" => ("system".to_owned(), Some("system")),
        word if word.ends_with("TRANSFER") => ("transferred".to_owned(), None),
        other => (other.to_lowercase(), None),
    };
    story.interaction.insert("end_reason".into(), reason.into());
    story.interaction.leave("ended_by", by);
}

/// An agent.
fn agent(event: &mut Fields, name: &str) -> Option<Value> {
    event.text(name).map(|id| json!({"id": id}))
}
