//! Messages: <https://www.twilio.com/docs/messaging/guides/webhook-request> and
//! <https://www.twilio.com/docs/messaging/guides/track-outbound-message-status>.

use serde_json::{Number, Value, json};
use snodo_connector::fields::{self, Fields, Take};

use super::{Address, Told, address, customer, plain, take_moment, touchpoint};

/// The number does not exist, is none for messages, or belongs to nobody now. What else fails may arrive another time.
const HARD: [&str; 6] = ["30005", "30006", "21211", "21614", "63003", "63024"];

/// More pictures than this no message has.
const MEDIA_MAX: usize = 10;

pub fn told(form: &mut Fields) -> Vec<Told> {
    let status = ["MessageStatus", "SmsStatus"].iter().find_map(|name| form.get(*name)?.as_str());
    match status.map(str::to_owned).as_deref() {
        None | Some("received" | "receiving") => received(form),
        Some(status) => became(form, status).into_iter().collect(),
    }
}

/// The channel of an address as the vocabulary calls it: how a message came, and where.
fn medium(channel: &str) -> (&'static str, &'static str) {
    match channel {
        "whatsapp" => ("whatsapp", "contact_center.messaging"),
        "messenger" => ("messenger", "contact_center.messaging"),
        "rcs" => ("rcs", "contact_center.messaging"),
        "viber" => ("viber", "contact_center.messaging"),
        "" | "sms" => ("sms", "sms"),
        _ => ("other", "contact_center.messaging"),
    }
}

/// The id, which older parameters repeat.
fn sid(form: &mut Fields) -> Option<String> {
    let id = ["MessageSid", "SmsSid"].iter().find_map(|name| form.text(name))?;
    for name in ["SmsSid", "SmsMessageSid"] {
        form.take(name, |value| (value.as_str() == Some(id.as_str())).then_some(()));
    }
    Some(id)
}

fn received(form: &mut Fields) -> Vec<Told> {
    let Some(id) = sid(form) else { return Vec::new() };
    let (from, to) = (address(form, "From"), address(form, "To"));
    let (medium, channel) = medium(from.as_ref().map_or("", Address::channel));
    let mut message = Fields::new();
    message.insert("id".into(), id.clone().into());
    message.insert("medium".into(), medium.into());
    message.insert("direction".into(), "inbound".into());
    message.leave("from", plain(from.as_ref()));
    message.leave("to", plain(to.as_ref()).into_iter().collect::<Vec<_>>());
    message.leave("text", form.text("Body"));
    message.leave("button", form.text("ButtonText"));
    message.leave("reply_to_id", form.text("OriginalRepliedMessageSid"));
    message.leave("segments", form.take("NumSegments", |count| fields::text(count)?.parse::<u64>().ok()));
    message.insert("provider".into(), "twilio".into());
    message.leave("attachments", attachments(form));
    message.leave("location", location(form));
    form.shift_remove("SmsStatus");
    form.shift_remove("MessageStatus");
    let customer = customer(from.as_ref(), form.text("ProfileName"));
    let mut touchpoint = touchpoint(channel, plain(to.as_ref()));
    let mut clicks = Fields::new();
    clicks.leave("ctwa_clid", form.text("ReferralCtwaClid"));
    let mut campaign = form.texts(&[("ReferralSourceType", "kind")]);
    campaign.leave("click_ids", clicks);
    touchpoint.leave("campaign", campaign);
    let time = take_moment(form);
    let mut data = Fields::new();
    data.leave("message", message);
    data.leave("customer", customer.clone());
    data.leave("touchpoint", touchpoint.clone());
    let opted = form.text("OptOutType");
    let subject = Some(format!("message/{id}"));
    let kind = "contactcentre.message.received";
    let mut all = vec![Told { kind, key: id.clone(), subject, time: time.clone(), data }];
    let consent = opted.and_then(|word| consent(&word, medium, customer, touchpoint, time));
    all.extend(consent.map(|told| Told { key: format!("{id}/consent"), ..told }));
    all
}

/// Twilio has read the message as STOP or START, and keeps to it.
fn consent(
    word: &str,
    medium: &str,
    customer: Fields,
    touchpoint: Fields,
    time: Option<String>,
) -> Option<Told> {
    let state = match word {
        "STOP" => "withdrawn",
        "START" => "granted",
        _ => return None,
    };
    customer.get("identifiers")?;
    let mut decision = Fields::new();
    decision.insert("state".into(), state.into());
    decision.leave("at", time.clone());
    decision.insert("method".into(), word.into());
    decision.insert("source".into(), "twilio".into());
    let mut data = Fields::new();
    data.leave("customer", customer);
    let purpose = format!("marketing.{medium}");
    data.insert("consent".into(), json!({"purposes": {purpose: decision}}));
    data.leave("touchpoint", touchpoint);
    let kind = "consent.preference.updated";
    Some(Told { kind, key: String::new(), subject: None, time, data })
}

fn attachments(form: &mut Fields) -> Vec<Value> {
    let count = form.get("NumMedia").and_then(fields::text).and_then(|count| count.parse::<usize>().ok());
    let count = count.unwrap_or_default().min(MEDIA_MAX);
    let one = |number: usize| {
        let (url, kind) = (format!("MediaUrl{number}"), format!("MediaContentType{number}"));
        Value::Object(form.texts(&[(url.as_str(), "url"), (kind.as_str(), "media_type")]))
    };
    (0..count).map(one).filter(|one| one.as_object().is_some_and(|one| !one.is_empty())).collect()
}

fn location(form: &mut Fields) -> Option<Value> {
    let degrees = |name: &str, most: f64| {
        let number: f64 = form.get(name)?.as_str()?.trim().parse().ok()?;
        (-most..=most).contains(&number).then(|| Number::from_f64(number))?
    };
    let (latitude, longitude) = degrees("Latitude", 90.0).zip(degrees("Longitude", 180.0))?;
    form.shift_remove("Latitude");
    form.shift_remove("Longitude");
    Some(json!({"latitude": latitude, "longitude": longitude}))
}

/// What became of a message to a customer.
fn became(form: &mut Fields, status: &str) -> Option<Told> {
    let code = form.get("ErrorCode").and_then(fields::text);
    let hard = code.as_deref().is_some_and(|code| HARD.contains(&code));
    let kind = match status {
        "sent" => "message.sent",
        "delivered" => "message.delivered",
        "read" => "message.opened",
        "undelivered" | "failed" if hard => "message.bounced_hard",
        "undelivered" | "failed" => "message.bounced_soft",
        _ => return None,
    };
    let id = sid(form)?;
    let (from, to) = (address(form, "From"), address(form, "To"));
    let (medium, channel) = medium(to.as_ref().map_or("", Address::channel));
    let time = take_moment(form);
    let mut message = Fields::new();
    message.insert("id".into(), id.clone().into());
    message.insert("medium".into(), medium.into());
    message.insert("direction".into(), "outbound".into());
    message.leave("from", plain(from.as_ref()));
    message.leave("to", plain(to.as_ref()).into_iter().collect::<Vec<_>>());
    message.insert("status".into(), status.into());
    message.insert("provider".into(), "twilio".into());
    let at = match kind {
        "message.sent" => "sent_at",
        "message.delivered" => "delivered_at",
        _ => "opened_at",
    };
    if !kind.starts_with("message.bounced") {
        message.leave(at, time.clone());
    } else {
        let mut bounce = form.texts(&[("ErrorCode", "code"), ("ErrorMessage", "reason")]);
        if !bounce.contains_key("reason") {
            bounce.leave("reason", form.text("ChannelStatusMessage"));
        }
        bounce.insert("kind".into(), if hard { "hard" } else { "soft" }.into());
        message.leave("bounce", bounce);
    }
    form.shift_remove("MessageStatus");
    form.take("SmsStatus", |value| (value.as_str() == Some(status)).then_some(()));
    let mut data = Fields::new();
    data.leave("message", message);
    data.leave("customer", customer(to.as_ref(), None));
    data.leave("touchpoint", touchpoint(channel, plain(from.as_ref())));
    Some(Told { kind, key: format!("{id}/{status}"), subject: Some(format!("message/{id}")), time, data })
}
