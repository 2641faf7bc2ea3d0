//! Conversations: <https://www.twilio.com/docs/conversations/conversations-webhooks>.

use serde_json::Value;
use snodo_connector::fields::{self, Fields, Take};
use snodo_connector::time;

use super::{Address, Told, customer, plain, touchpoint};
use crate::config::Config;

pub fn told(form: &mut Fields, config: &Config) -> Option<Told> {
    match form.get("EventType")?.as_str()? {
        "onMessageAdded" => message(form, config),
        "onConversationAdded" => conversation(form, "contactcentre.interaction.started"),
        "onConversationRemoved" => conversation(form, "contactcentre.interaction.ended"),
        "onConversationStateUpdated" if form.get("StateTo").is_some_and(|state| state == "closed") => {
            conversation(form, "contactcentre.interaction.ended")
        }
        "onDeliveryUpdated" => delivery(form),
        _ => None,
    }
}

fn date(form: &mut Fields, name: &str) -> Option<String> {
    form.take(name, |text| time::rfc3339(text.as_str()?))
}

fn message(form: &mut Fields, config: &Config) -> Option<Told> {
    let author = Address { text: form.get("Author").and_then(fields::text)? };
    let by_api = form.get("Source").is_some_and(|source| source == "API");
    // Customers on a phone write under their address, everybody else under an identity.
    let sent = match config.is_staff(&author.text) {
        _ if author.phone().is_some() || author.channel() == "messenger" => false,
        Some(staff) => staff,
        None if by_api => true,
        None => return None,
    };
    form.shift_remove("Author");
    let id = form.text("MessageSid")?;
    let conversation = form.text("ConversationSid")?;
    let at = date(form, "DateCreated");
    let mut message = Fields::new();
    message.insert("id".into(), id.clone().into());
    message.insert("conversation_id".into(), conversation.clone().into());
    let medium = match author.channel() {
        "whatsapp" => "whatsapp",
        "messenger" => "messenger",
        _ if author.phone().is_some() => "sms",
        _ => "chat",
    };
    message.insert("medium".into(), medium.into());
    message.insert("direction".into(), if sent { "outbound" } else { "inbound" }.into());
    message.leave("from", plain(Some(&author)));
    message.leave("text", form.text("Body"));
    message.leave("sent_at", at.clone());
    message.insert("provider".into(), "twilio".into());
    message.leave("attachments", media(form));
    let mut interaction = Fields::new();
    interaction.insert("id".into(), conversation.into());
    interaction.insert("medium".into(), if medium == "chat" { "chat" } else { "messaging" }.into());
    let channel = if medium == "chat" { "contact_center.chat" } else { "contact_center.messaging" };
    let mut touchpoint = touchpoint(channel, None);
    let mut data = Fields::new();
    data.leave("message", message);
    data.leave("interaction", interaction);
    if sent {
        let mut operator = Fields::new();
        operator.insert("id".into(), author.text.into());
        touchpoint.leave("operator", operator);
    } else {
        let mut known = customer(Some(&author), None);
        if author.phone().is_none() && author.channel() != "messenger" {
            let one =
                serde_json::json!({"namespace": "twilio:identity", "value": author.text, "kind": "person"});
            known.leave("identifiers", vec![one]);
        }
        data.leave("customer", known);
    }
    data.leave("touchpoint", touchpoint);
    form.shift_remove("EventType");
    let kind = if sent { "contactcentre.message.sent" } else { "contactcentre.message.received" };
    Some(Told { kind, key: id.clone(), subject: Some(format!("message/{id}")), time: at, data })
}

/// A list in JSON: names, kinds, sizes. The files themselves are fetched by their id.
fn media(form: &mut Fields) -> Vec<Value> {
    let text = form.get("Media").and_then(Value::as_str).unwrap_or_default();
    let Ok(mut files) = serde_json::from_str::<Vec<Fields>>(text) else { return Vec::new() };
    let one = |file: &mut Fields| {
        let mut attachment = file.texts(&[("Filename", "name"), ("ContentType", "media_type")]);
        attachment.leave("bytes", file.take("Size", Value::as_u64));
        Value::Object(attachment)
    };
    let attachments = files.iter_mut().map(one).collect();
    form.leave("Media", files.into_iter().map(Value::Object).collect::<Vec<_>>());
    attachments
}

fn conversation(form: &mut Fields, kind: &'static str) -> Option<Told> {
    let id = form.text("ConversationSid")?;
    let event = form.text("EventType")?;
    let began = date(form, "DateCreated");
    let changed = date(form, "DateUpdated").or_else(|| date(form, "DateRemoved"));
    let begins = kind == "contactcentre.interaction.started";
    let at = if begins { began.clone() } else { changed };
    let mut interaction = Fields::new();
    interaction.insert("id".into(), id.clone().into());
    interaction.insert("medium".into(), "messaging".into());
    interaction.leave("subject", form.text("FriendlyName"));
    interaction.leave("started_at", began);
    if !begins {
        interaction.insert("status".into(), "ended".into());
        interaction.leave("ended_at", at.clone());
        interaction.leave("end_reason", form.text("Reason"));
    }
    let them = form.text("MessagingBinding.Address").map(|text| Address { text });
    let us = form.text("MessagingBinding.ProxyAddress").map(|text| Address { text });
    let mut data = Fields::new();
    data.leave("interaction", interaction);
    data.leave("customer", customer(them.as_ref(), None));
    data.leave("touchpoint", touchpoint("contact_center.messaging", plain(us.as_ref())));
    let key = format!("{id}/{event}/{}", at.as_deref().unwrap_or_default());
    Some(Told { kind, key, subject: Some(format!("interaction/{id}")), time: at, data })
}

/// What became of a message at one of those in the conversation.
fn delivery(form: &mut Fields) -> Option<Told> {
    let status = form.get("Status")?.as_str()?.to_owned();
    let kind = match status.as_str() {
        "sent" => "message.sent",
        "delivered" => "message.delivered",
        "read" => "message.opened",
        "undelivered" | "failed" => "message.bounced_soft",
        _ => return None,
    };
    let id = form.text("MessageSid")?;
    let at = date(form, "DateUpdated").or_else(|| date(form, "DateCreated"));
    let receipt = form.text("DeliveryReceiptSid").unwrap_or_else(|| id.clone());
    let mut message = Fields::new();
    message.insert("id".into(), id.clone().into());
    message.leave("conversation_id", form.text("ConversationSid"));
    message.insert("direction".into(), "outbound".into());
    message.insert("status".into(), status.clone().into());
    message.insert("provider".into(), "twilio".into());
    if kind == "message.bounced_soft" {
        let mut bounce = form.texts(&[("ErrorCode", "code")]);
        bounce.insert("kind".into(), "soft".into());
        message.leave("bounce", bounce);
    }
    form.shift_remove("EventType");
    form.shift_remove("Status");
    let mut data = Fields::new();
    data.leave("message", message);
    data.leave("touchpoint", touchpoint("contact_center.messaging", None));
    Some(Told {
        kind,
        key: format!("{receipt}/{status}"),
        subject: Some(format!("message/{id}")),
        time: at,
        data,
    })
}
