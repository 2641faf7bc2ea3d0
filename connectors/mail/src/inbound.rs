//! A mail as an event: a customer's letter, a report that one of ours did not arrive, or somebody who wants no more.

use serde_json::{Map, Value, json};
use snodo_connector::fields::{self, Fields, Take};
use snodo_connector::{Draft, contact};

use crate::bounce;
use crate::config::Config;

pub fn draft(body: Value, recipient: &str, config: &Config) -> Draft {
    let mail = body.as_object();
    let key = mail.and_then(|mail| mail.get("message_id")).and_then(fields::text);
    let time = mail.and_then(|mail| mail.get("date")).and_then(fields::moment);
    let report = mail.and_then(bounce::read);
    let from = mail.and_then(|mail| address(mail.get("from")?));
    let mut draft = match body {
        Value::Object(mail) if report.is_some() => {
            returned(mail, &report.expect("it was just seen"), recipient)
        }
        Value::Object(mail) if from.is_some() => letter(mail, recipient, config),
        body => Draft::unknown(None, &body),
    };
    draft.subject =
        key.as_ref().filter(|_| draft.kind != "unknown.message.received").map(|id| format!("message/{id}"));
    (draft.key, draft.time) = (key, time);
    draft
}

fn letter(mut mail: Fields, recipient: &str, config: &Config) -> Draft {
    let leaves =
        config.unsubscribe_mailboxes.iter().any(|mailbox| mailbox.eq_ignore_ascii_case(recipient.trim()));
    let machine = mail.get("auto_submitted").and_then(Value::as_str).is_some_and(is_automatic);
    let at = mail.get("date").and_then(fields::moment);
    let from = mail.get("from").and_then(address);
    let mut data = Fields::new();
    data.leave("customer", customer(&mut mail));
    if leaves && !machine {
        let said = json!({"state": "withdrawn", "at": at, "method": "mail", "source": recipient});
        data.leave("consent", json!({"purposes": {&config.purpose: said}}));
    }
    let channel = if leaves { "email" } else { "contact_center.email" };
    let mut touchpoint = Map::from_iter([("channel".to_owned(), Value::from(channel))]);
    touchpoint.leave("sender", recipient);
    data.insert("touchpoint".into(), touchpoint.into());
    let mut message = message(&mut mail, from);
    if machine {
        message.insert("machine".into(), true.into());
    }
    data.insert("message".into(), message.into());
    data.leave("vendor", mail);
    // A machine that answers does not want to leave.
    Draft::new(
        if leaves && !machine { "message.unsubscribed" } else { "contactcentre.message.received" },
        &data,
    )
}

/// Of the mail that came back only its id and its recipient are known; the report itself is the mail server's.
fn returned(mut mail: Fields, report: &bounce::Report, recipient: &str) -> Draft {
    let mut data = Fields::new();
    if let Some(address) = &report.recipient {
        let identifier = json!({"namespace": "email", "value": address, "kind": "person"});
        data.insert("customer".into(), json!({"identifiers": [identifier], "traits": {"email": address}}));
    }
    let mut touchpoint = Map::from_iter([("channel".to_owned(), Value::from("email"))]);
    touchpoint.leave("sender", recipient);
    data.insert("touchpoint".into(), touchpoint.into());
    let mut message = Map::new();
    message.leave("medium", "email");
    message.leave("direction", "outbound");
    message.extend(mail.texts(&[("in_reply_to", "id")]));
    message.leave("to", report.recipient.iter().map(String::as_str).collect::<Vec<_>>());
    let kind = if report.kind == bounce::Kind::Hard { "hard" } else { "soft" };
    message.leave("bounce", json!({"kind": kind, "code": report.code, "reason": report.reason}));
    data.insert("message".into(), message.into());
    for name in ["message_id", "date"] {
        mail.shift_remove(name);
    }
    data.leave("vendor", mail);
    let kind = match report.kind {
        bounce::Kind::Hard => "message.bounced_hard",
        bounce::Kind::Soft => "message.bounced_soft",
        bounce::Kind::Delayed => "message.deferred",
    };
    Draft::new(kind, &data)
}

fn customer(mail: &mut Fields) -> Value {
    let Some(mut from) = mail.object("from") else { return Value::Null };
    let Some(email) = from.take("address", |address| contact::email(address.as_str()?)) else {
        return Value::Null;
    };
    let name = from.text("name");
    mail.leave("from", from);
    let mut traits = Map::new();
    traits.leave("name", name);
    traits.leave("email", email.as_str());
    let identifier =
        json!({"namespace": "email", "value": email, "kind": "person", "authenticated": "asserted"});
    json!({"identifiers": [identifier], "traits": traits})
}

fn message(mail: &mut Fields, from: Option<String>) -> Fields {
    let mut message = Map::new();
    message.leave("medium", "email");
    message.leave("direction", "inbound");
    let conversation = mail
        .get("references")
        .and_then(|references| references.get(0)?.as_str().map(str::to_owned))
        .or_else(|| mail.get("in_reply_to").and_then(fields::text))
        .or_else(|| mail.get("message_id").and_then(fields::text));
    message.extend(mail.texts(&[
        ("message_id", "id"),
        ("in_reply_to", "reply_to_id"),
        ("subject", "subject"),
        ("text", "text"),
        ("html", "html"),
    ]));
    message.leave("conversation_id", conversation);
    message.leave("from", from);
    for name in ["to", "cc"] {
        let (found, rest) = addresses(mail.list(name).unwrap_or_default());
        message.leave(name, found);
        mail.leave(name, rest);
    }
    message.leave("sent_at", mail.moment("date"));
    let attachments = mail.list("attachments").unwrap_or_default();
    let mut files = Vec::new();
    let mut rest = Vec::new();
    for attachment in attachments {
        let Value::Object(mut attachment) = attachment else {
            rest.push(attachment);
            continue;
        };
        let mut file = attachment.texts(&[("name", "name"), ("type", "media_type")]);
        file.leave("bytes", attachment.take("bytes", Value::as_u64));
        files.push(Value::from(file));
        rest.push(attachment.into());
    }
    files.retain(|file| file.as_object().is_some_and(|file| !file.is_empty()));
    message.leave("attachments", files);
    mail.leave("attachments", rest);
    message
}

/// The addresses, and what is left of the list.
fn addresses(list: Vec<Value>) -> (Vec<String>, Vec<Value>) {
    let mut found = Vec::new();
    let mut rest = Vec::new();
    for entry in list {
        match entry {
            Value::Object(mut entry) => {
                found.extend(entry.text("address"));
                rest.push(entry.into());
            }
            other => rest.push(other),
        }
    }
    (found, rest)
}

fn address(party: &Value) -> Option<String> {
    contact::email(party.get("address")?.as_str()?)
}

/// RFC 3834: anything but `no`.
pub fn is_automatic(value: &str) -> bool {
    let word = value.split(';').next().unwrap_or_default().trim();
    !word.is_empty() && !word.eq_ignore_ascii_case("no")
}
