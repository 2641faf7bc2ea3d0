//! What became of a message that the company sent:
//! <https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/status/>.

use serde_json::Value;
use snodo_connector::Draft;
use snodo_connector::fields::{Fields, Take};

use super::people::{Names, People};
use super::{MESSAGING, Side, moment, unknown};

/// The number has no WhatsApp. Every other reason says nothing of the customer's number, or may be gone another time.
const HARD: [&str; 2] = ["131026", "1013"];

pub fn draft(mut one: Fields, people: &mut People, side: &Side) -> Draft {
    let whole = one.clone();
    let group = one.get("recipient_type").and_then(Value::as_str) == Some("group");
    let conversation = if group { one.text("recipient_id") } else { None };
    let names = match group {
        true => Names::take(
            &mut one,
            "recipient_participant_id",
            "recipient_participant_user_id",
            "recipient_participant_parent_user_id",
        ),
        false => Names::take(&mut one, "recipient_id", "recipient_user_id", "parent_recipient_user_id"),
    };
    let (customer, contact) = people.customer(&names);
    let status = one.text("status").unwrap_or_default();
    let id = one.text("id");
    let key = id.as_ref().map(|id| match (group, names.written()) {
        (true, Some(name)) => format!("{id}/{status}/{name}"),
        _ => format!("{id}/{status}"),
    });
    let call = one.get("type").and_then(Value::as_str) == Some("call");
    let kind = match status.as_str() {
        _ if call => None,
        "sent" => Some("message.sent"),
        "delivered" => Some("message.delivered"),
        "read" | "played" => Some("message.opened"),
        "failed" => Some(if is_hard(&one) { "message.bounced_hard" } else { "message.bounced_soft" }),
        _ => None,
    };
    let (Some(kind), Some(id)) = (kind, id) else {
        let topic = if call { "statuses/call".to_owned() } else { format!("statuses/{status}") };
        return unknown(topic, whole, customer, side, key);
    };
    let time = one.take("timestamp", moment);
    let mut message = Fields::new();
    message.insert("id".into(), id.clone().into());
    message.insert("medium".into(), "whatsapp".into());
    message.insert("direction".into(), "outbound".into());
    message.leave("from", side.number.clone());
    message.leave("to", names.written().into_iter().collect::<Vec<_>>());
    message.insert("status".into(), status.into());
    let at = match kind {
        "message.sent" => Some("sent_at"),
        "message.delivered" => Some("delivered_at"),
        "message.opened" => Some("opened_at"),
        _ => None,
    };
    if let Some(at) = at {
        message.leave(at, time.clone());
    }
    // Meta's window of a price: no conversation in which somebody says something, but the only id there is.
    if let Some(mut window) = one.object("conversation") {
        message.leave("conversation_id", window.text("id"));
        if let Some(mut origin) = window.object("origin") {
            message.leave("category", origin.text("type"));
            window.leave("origin", origin);
        }
        one.leave("conversation", window);
    }
    if let Some(conversation) = conversation {
        message.insert("conversation_id".into(), conversation.into());
    }
    if let Some(mut pricing) = one.object("pricing") {
        message.leave("category", pricing.text("category"));
        one.leave("pricing", pricing);
    }
    if kind.starts_with("message.bounced") {
        message.leave("bounce", bounce(kind, &mut one));
    }
    let told = one.text("biz_opaque_callback_data");
    one.leave("contact", contact);
    let mut data = Fields::new();
    data.insert("message".into(), message.into());
    data.leave("customer", customer);
    data.leave("touchpoint", side.touchpoint(MESSAGING));
    data.leave("vendor", one);
    let mut draft = side.mark(Draft::new(kind, &data)).with_subject(format!("message/{id}"));
    draft.attributes.extend(told.map(|told| ("correlationid".to_owned(), told)));
    Draft { key, time: time.or_else(|| side.time.clone()), ..draft }
}

fn is_hard(one: &Fields) -> bool {
    let first = one.get("errors").and_then(|errors| errors.get(0)).and_then(|error| error.get("code"));
    let code = first.and_then(snodo_connector::fields::text);
    code.is_some_and(|code| HARD.contains(&code.as_str()))
}

/// The first error is the reason; its details say more than its title.
fn bounce(kind: &str, one: &mut Fields) -> Fields {
    let mut bounce = Fields::new();
    bounce.insert("kind".into(), if kind == "message.bounced_hard" { "hard" } else { "soft" }.into());
    let mut errors = one.list("errors").unwrap_or_default();
    if let Some(error) = errors.first_mut().and_then(Value::as_object_mut) {
        bounce.leave("code", error.text("code"));
        let mut details = error.object("error_data").unwrap_or_default();
        let said = details.text("details").or_else(|| error.text("title")).or_else(|| error.text("message"));
        bounce.leave("reason", said);
        error.leave("error_data", details);
    }
    one.leave("errors", errors);
    bounce
}
