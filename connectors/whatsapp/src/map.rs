//! A notification is a list of entries, an entry a list of changes, a change a list of messages, statuses and more: each of those is
//! an event. What has no word in the vocabulary is kept whole, as one event for each change.

mod calls;
mod message;
mod people;
mod status;

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};
use snodo_connector::{Draft, time};

use people::People;

/// Where a change comes from.
pub struct Side {
    /// The WhatsApp Business account.
    account: Option<String>,
    phone_number_id: Option<String>,
    /// The company's number, as its customers see it.
    number: Option<String>,
    /// When Meta sent the notification.
    time: Option<String>,
}

/// What a list of a change holds.
type Read = fn(Fields, &mut People, &Side) -> Draft;

pub fn drafts(body: &Value) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for entry in body["entry"].as_array().into_iter().flatten() {
        let account = entry.get("id").and_then(fields::text);
        let sent = entry.get("time").and_then(moment);
        let changes = entry["changes"].as_array().map_or(&[][..], Vec::as_slice);
        for change in changes {
            let side =
                Side { account: account.clone(), phone_number_id: None, number: None, time: sent.clone() };
            drafts.extend(told(change, side));
        }
        if changes.is_empty() {
            drafts.push(Draft::unknown(None, entry));
        }
    }
    if drafts.is_empty() {
        drafts.push(Draft::unknown(body["object"].as_str(), body));
    }
    drafts
}

fn told(change: &Value, mut side: Side) -> Vec<Draft> {
    let field = change["field"].as_str().unwrap_or_default();
    let Some(mut value) = change["value"].as_object().cloned() else {
        return vec![other(field, change, &side)];
    };
    let metadata = value.get("metadata").unwrap_or(&Value::Null);
    side.phone_number_id = metadata.get("phone_number_id").and_then(fields::text);
    side.number =
        metadata.get("display_phone_number").and_then(fields::text).map(|one| phone(&one).unwrap_or(one));
    let mut people = People::new(&mut value);
    let mut drafts = Vec::new();
    let lists: [(&str, Read); 6] = [
        ("messages", message::received),
        ("message_echoes", message::echoed),
        ("statuses", status::draft),
        ("user_preferences", people::preference),
        ("state_sync", people::synchronised),
        ("calls", calls::draft),
    ];
    for (name, read) in lists {
        for one in value.list(name).into_iter().flatten() {
            drafts.push(match one {
                Value::Object(one) => read(one, &mut people, &side),
                one => other(&format!("{field}/{name}"), &one, &side),
            });
        }
    }
    // What the company and a customer wrote before the company's number came to the API.
    for chunk in value.list("history").into_iter().flatten() {
        drafts.extend(remembered(&chunk, &mut people, &side));
    }
    for error in value.list("errors").into_iter().flatten() {
        drafts.push(other(&format!("{field}/errors"), &error, &side));
    }
    if drafts.is_empty() { vec![other(field, change, &side)] } else { drafts }
}

fn remembered(chunk: &Value, people: &mut People, side: &Side) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for thread in chunk["threads"].as_array().into_iter().flatten() {
        for one in thread["messages"].as_array().into_iter().flatten() {
            drafts.push(match one {
                // Meta names the addressee of what the company wrote only.
                Value::Object(one) if one.contains_key("to") => message::echoed(one.clone(), people, side),
                Value::Object(one) => message::received(one.clone(), people, side),
                one => other("history/messages", one, side),
            });
        }
    }
    if drafts.is_empty() { vec![other("history", chunk, side)] } else { drafts }
}

/// What the vocabulary has no word for: the state of a template, of the account, of a flow, and whatever Meta adds.
fn other(field: &str, body: &Value, side: &Side) -> Draft {
    let draft = side.mark(Draft::unknown(Some(field), body));
    let value = &body["value"];
    let template = value.get("message_template_id").and_then(fields::text);
    let key =
        side.account.as_ref().zip(template).zip(side.time.as_ref()).map(|((account, template), time)| {
            let words = ["event", "new_quality_score", "new_category"].map(|name| value[name].as_str());
            let word = words.into_iter().flatten().next().unwrap_or_default();
            format!("{account}/{field}/{template}/{word}/{time}")
        });
    Draft { key, time: draft.time.or_else(|| side.time.clone()), ..draft }
}

/// One thing that has no word, with who and where.
fn unknown(topic: String, one: Fields, customer: Fields, side: &Side, key: Option<String>) -> Draft {
    let time = one.get("timestamp").and_then(moment);
    let mut data = Fields::new();
    data.insert("topic".into(), topic.into());
    data.leave("customer", customer);
    data.leave("touchpoint", side.touchpoint(MESSAGING));
    data.insert("body".into(), one.into());
    data.insert("encoding".into(), "json".into());
    let draft = side.mark(Draft::new("unknown.message.received", &data));
    Draft { key, time: time.or_else(|| side.time.clone()), ..draft }
}

const MESSAGING: &str = "contact_center.messaging";

impl Side {
    fn touchpoint(&self, channel: &str) -> Fields {
        let mut touchpoint = Fields::new();
        touchpoint.insert("channel".into(), channel.into());
        touchpoint.leave("sender", self.number.clone());
        touchpoint
    }

    fn mark(&self, mut draft: Draft) -> Draft {
        let marks = [("whatsappaccount", &self.account), ("whatsappphoneid", &self.phone_number_id)];
        for (name, value) in marks {
            draft.attributes.extend(value.clone().map(|value| (name.to_owned(), value)));
        }
        draft
    }
}

/// Seconds since 1970, as a number or as text.
fn moment(value: &Value) -> Option<String> {
    time::from_epoch_seconds(fields::text(value)?)
}

/// Meta leaves out the plus.
fn phone(text: &str) -> Option<String> {
    snodo_connector::contact::phone(&format!("+{}", text.trim_start_matches('+')))
}

fn identifier(namespace: &str, value: &str) -> Value {
    json!({"namespace": namespace, "value": value, "kind": "person", "authenticated": "verified"})
}
