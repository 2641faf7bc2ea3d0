//! Which webhook is which type. A mapping takes from the webhook what has a canonical place; the rest goes under `vendor`, where
//! and as Zendesk names it.

mod message;
mod ticket;
mod trigger;
mod user;

use serde_json::{Value, json};
use snodo_connector::fields::{Fields, Take};

pub struct Told {
    pub kind: &'static str,
    /// `ticket/35436`.
    pub subject: String,
    /// Where the webhook's own time is not the one that counts.
    pub time: Option<String>,
    pub data: Fields,
}

impl Told {
    fn new(kind: &'static str, subject: String, data: Fields) -> Option<Self> {
        Some(Self { kind, subject, time: None, data })
    }
}

/// A webhook taken apart.
struct Story {
    /// `ticket.created`
    kind: String,
    at: Option<String>,
    detail: Fields,
    event: Fields,
}

/// `None` if the vocabulary has no word for it, or the webhook does not hold what the word needs.
pub fn tell(mut webhook: Fields) -> Option<Told> {
    let Some(kind) = webhook.get("type").and_then(Value::as_str) else { return trigger::told(webhook) };
    let kind = kind.strip_prefix("zen:event-type:")?.to_owned();
    let at = webhook.get("time").and_then(snodo_connector::fields::moment);
    let detail = webhook.object("detail")?;
    let event = webhook.object("event").unwrap_or_default();
    let mut story = Story { kind, at, detail, event };
    let mut told = match story.kind.split('.').next()? {
        "ticket" => ticket::told(&mut story),
        "messaging_ticket" => message::chatted(&mut story),
        "user" => user::told(&mut story),
        "organization" => user::organization(&mut story),
        _ => None,
    }?;
    webhook.leave("detail", story.detail);
    webhook.leave("event", story.event);
    for name in ["type", "id", "time", "account_id", "subject"] {
        webhook.shift_remove(name);
    }
    told.data.leave("vendor", webhook);
    Some(told)
}

/// An id; Zendesk writes "0" and "" for none.
fn take_id(from: &mut Fields, name: &str) -> Option<String> {
    from.text(name).filter(|id| id != "0")
}

/// Zendesk's ids of people are one's own everywhere.
fn user(id: &str) -> Value {
    json!({"namespace": "zendesk:user", "value": id})
}

fn customer(identifiers: Vec<Value>, traits: Fields) -> Fields {
    let mut customer = Fields::new();
    customer.leave("identifiers", identifiers);
    customer.leave("traits", traits);
    customer
}

/// The kind of touchpoint, by how the ticket came in: <https://developer.zendesk.com/documentation/ticketing/reference-guides/via-types/>.
fn channel(via: &str) -> Option<&'static str> {
    Some(match via {
        "email" | "mail" => "contact_center.email",
        "chat" | "live_chat" => "contact_center.chat",
        "voice" | "phone" | "phone_call_inbound" | "phone_call_outbound" | "voicemail" => {
            "contact_center.voice"
        }
        "native_messaging"
        | "messaging"
        | "whatsapp"
        | "line"
        | "viber"
        | "telegram"
        | "wechat"
        | "apple_business_chat"
        | "google_business_messages"
        | "facebook_messenger"
        | "sunshine_conversations_api"
        | "instagram_dm"
        | "twitter_dm"
        | "sms" => "contact_center.messaging",
        "facebook" | "twitter" => "social",
        "mobile" | "mobile_sdk" => "mobile",
        "web" | "web_form" | "web_widget" | "help_center" => "web",
        _ => return None,
    })
}

/// Zendesk's own words for it, as the vocabulary has them.
fn status(word: &str) -> String {
    match word.to_lowercase().as_str() {
        // A trigger writes it as people see it.
        "hold" | "on-hold" => "on_hold".to_owned(),
        other => other.to_owned(),
    }
}
