//! Into a conversation: a customer's message by the REST channel, any other event as an intent.
//! <https://rasa.com/docs/reference/api/pro/http-api/channel-webhooks/post-user-message-from-a-rest-channel/>,
//! <https://rasa.com/docs/reference/api/pro/http-api/tracker/inject-an-intent-into-a-conversation/>.

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};
use snodo_connector::{Answer, Delivery, Fault, Outcome, Request, url};

use crate::config::Config;

pub fn request(config: &Config, delivery: &Delivery) -> Result<Request, Outcome> {
    let data: Value = delivery.event.data()?;
    let kind = delivery.event.kind.as_str();
    let intent = config.intents.get(kind);
    let text = data.pointer("/message/text").and_then(fields::text);
    let is_message = kind == "contactcentre.message.received";
    if intent.is_none() && !is_message {
        return Err(Outcome::ignored("the channel has no intent for events of this type"));
    }
    let sender =
        sender(&data).ok_or_else(|| Outcome::ignored("the event names no conversation with the bot"))?;
    let base = config.base_url.as_deref().ok_or_else(|| {
        Outcome::Failed(Fault::misconfigured(
            "the channel has no address of its Rasa server: set base_url in [config]",
        ))
    })?;
    if let Some(intent) = intent {
        let place = url::segment(&sender)
            .ok_or_else(|| Outcome::ignored("the sender's id has no place in an address"))?;
        let query = url::form([("output_channel", config.output_channel.as_str())]);
        let target = format!("{base}/conversations/{place}/trigger_intent?{query}");
        let body = json!({"name": intent, "entities": entities(&data, config)});
        return Ok(Request::json("POST", target, &body));
    }
    let text = text.ok_or_else(|| Outcome::ignored("the message has no text that a bot could read"))?;
    let metadata = json!({"snodo_event": delivery.event.id, "snodo_delivery": delivery.idempotency_key});
    let body = json!({"sender": sender, "message": text, "metadata": metadata});
    Ok(Request::json("POST", format!("{base}/webhooks/{}/webhook", config.rest_channel), &body))
}

/// The way back: the identifier that the source gave, else the conversation of an event about a bot.
fn sender(data: &Value) -> Option<String> {
    let identifiers = data.pointer("/customer/identifiers").and_then(Value::as_array);
    let ours = identifiers.into_iter().flatten().find(|one| one["namespace"] == "rasa:sender");
    let value = ours.and_then(|one| one.get("value"));
    value.or_else(|| data.pointer("/conversation/id")).and_then(fields::text)
}

/// Plain values only: Rasa's entities are words and numbers.
fn entities(data: &Value, config: &Config) -> Fields {
    let mut found = Fields::new();
    for (entity, place) in &config.entities {
        let plain = |value: &&Value| value.is_boolean() || value.is_number() || value.is_string();
        found.leave(entity, data.pointer(place).filter(plain).cloned());
    }
    found
}

/// Errors are `{"status": "failure", "reason": …, "message": …}`; the message may hold words of the customer, the reason none.
pub fn outcome(answer: &Answer) -> Outcome {
    if answer.is_success() {
        return Outcome::Accepted(None);
    }
    let status = answer.status;
    let reason = answer.json::<Value>().and_then(|body| {
        let reason = body.get("reason")?.as_str()?;
        let plain = reason.len() <= 40 && reason.bytes().all(|byte| byte.is_ascii_alphabetic());
        plain.then(|| format!(": {reason}"))
    });
    let message = format!("Rasa answered {status}{}", reason.unwrap_or_default());
    Outcome::Failed(answer.fault(message))
}
