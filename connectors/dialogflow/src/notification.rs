//! Notifications of a conversation's life, as Pub/Sub pushes them or bare:
//! <https://cloud.google.com/pubsub/docs/push#receive_push>.

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};
use snodo_connector::{Draft, binary};

use crate::Config;
use crate::es::json_fields;
use crate::said::{self, Turn};

pub fn tell(fields: Fields, config: &Config) -> Option<Vec<Draft>> {
    let (event, pushed) = unpacked(fields)?;
    let mut event = event;
    let name = event.get("conversation")?.as_str()?.to_owned();
    let id = pushed.as_ref().and_then(|pushed| pushed.get("messageId")).and_then(fields::text);
    let published = pushed.as_ref().and_then(|pushed| pushed.get("publishTime")).and_then(fields::moment);
    let kind = event.get("type")?.as_str()?.to_owned();
    let mut time = published;
    let mut key = id;
    let mut message = event.object("newMessagePayload").unwrap_or_default();
    let mut part = Fields::new();
    let told = match kind.as_str() {
        // A conversation begins and ends once, however often that is told.
        "CONVERSATION_STARTED" => ("/started", "bot.conversation.started"),
        "CONVERSATION_FINISHED" => ("/finished", "bot.conversation.ended"),
        "HUMAN_INTERVENTION_NEEDED" => {
            part = json_fields(json!({"handover": {"reason": "policy"}}));
            ("", "bot.conversation.handover_requested")
        }
        "NEW_MESSAGE" => {
            part = message_of(&mut message)?;
            key = message.text("name").or(key);
            let created = message.moment("createTime");
            time = message.moment("sendTime").or(created).or(time);
            ("", "bot.conversation.turn")
        }
        _ => return None,
    };
    let mut turn = Turn::new(key, &name, message.text("languageCode"), config)?;
    turn.tell(told.0, told.1, part);
    event.shift_remove("type");
    event.leave("newMessagePayload", message);
    if let Some(mut pushed) = pushed {
        for name in ["data", "messageId", "message_id", "publishTime", "publish_time"] {
            pushed.shift_remove(name);
        }
        event.leave("pubsub", pushed);
    }
    let mut drafts = turn.drafts(&event);
    for draft in &mut drafts {
        draft.time.clone_from(&time);
    }
    Some(drafts)
}

/// The notification, and the envelope that Pub/Sub has put around it.
fn unpacked(mut fields: Fields) -> Option<(Fields, Option<Fields>)> {
    let Some(message) = fields.get("message").filter(|message| message.is_object()) else {
        return Some((fields, None));
    };
    let data = binary::from_base64(message.get("data")?.as_str()?)?;
    let event: Value = serde_json::from_slice(&data).ok()?;
    let event = event.as_object()?.clone();
    let mut message = fields.object("message")?;
    message.extend(fields);
    Some((event, Some(message)))
}

fn message_of(message: &mut Fields) -> Option<Fields> {
    let role = match message.get("participantRole")?.as_str()? {
        "END_USER" => "customer",
        "AUTOMATED_AGENT" => "bot",
        "HUMAN_AGENT" => "agent",
        _ => return None,
    };
    let mut part = json_fields(json!({"role": role}));
    part.leave("text", message.text("content"));
    message.shift_remove("participantRole");
    if let Some(mut analysis) = message.object("sentimentAnalysis") {
        let mut query = analysis.object("queryTextSentiment").unwrap_or_default();
        part.leave("sentiment", said::sentiment(&mut query));
        analysis.leave("queryTextSentiment", query);
        message.leave("sentimentAnalysis", analysis);
    }
    Some(part)
}

/// Kept whole. What Pub/Sub has packed is unpacked, if it is JSON.
pub fn unknown(body: &Value) -> Draft {
    let Some(pushed) = body.get("message").filter(|message| message.is_object()) else {
        return Draft::unknown(body.get("type").and_then(Value::as_str), body);
    };
    let data = pushed.get("data").and_then(|data| binary::from_base64(data.as_str()?));
    let event: Option<Value> = data.and_then(|data| serde_json::from_slice(&data).ok());
    let topic = event.as_ref().and_then(|event| event.get("type")).and_then(fields::text);
    let mut body = body.clone();
    if let Some(event) = event {
        body["message"]["data"] = event;
    }
    let mut draft = Draft::unknown(topic.as_deref(), &body);
    draft.key = pushed.get("messageId").and_then(fields::text);
    draft.time = pushed.get("publishTime").and_then(fields::moment);
    draft
}
