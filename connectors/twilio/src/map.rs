//! Which webhook it is, by the parameters it has, and what all of them share: addresses, times, and what is left over.

mod call;
mod conversation;
mod message;
mod task;

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};
use snodo_connector::{Draft, contact, time, url};

use crate::config::Config;

/// What Twilio writes for a caller who hides their number: ANONYMOUS, RESTRICTED and so on, as a telephone spells them.
const HIDDEN: [&str; 5] = ["+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253"];

/// An event of the vocabulary, before what is left over is added.
struct Told {
    kind: &'static str,
    key: String,
    subject: Option<String>,
    time: Option<String>,
    data: Fields,
}

/// The form of one webhook, and the query of the address that it was sent to.
pub fn posted(body: &[u8], query: &str, config: &Config) -> Vec<Draft> {
    let form = form(body);
    let mut rest = form.clone();
    let has = |parameter: &str| form.contains_key(parameter);
    let found: Vec<Told> = if has("WorkspaceSid") && has("EventType") {
        task::told(&mut rest).into_iter().collect()
    } else if has("ConversationSid") && has("EventType") {
        conversation::told(&mut rest, config).into_iter().collect()
    } else if has("TranscriptionSid") && has("TranscriptionText") {
        call::transcribed(&mut rest).into_iter().collect()
    } else if has("ConferenceSid") && has("StatusCallbackEvent") {
        call::in_conference(&mut rest).into_iter().collect()
    } else if has("RecordingUrl") {
        call::recorded(&mut rest).into_iter().collect()
    } else if has("QueueResult") {
        call::left_queue(&mut rest).into_iter().collect()
    } else if has("Digits") || has("SpeechResult") {
        call::keyed(&mut rest, query).into_iter().collect()
    } else if has("MessageSid") || has("SmsSid") {
        message::told(&mut rest)
    } else if has("CallSid") && !has("DialCallStatus") {
        call::status(&mut rest).into_iter().collect()
    } else {
        Vec::new()
    };
    if found.is_empty() {
        return vec![unknown(&form)];
    }
    let account = rest.text("AccountSid");
    rest.shift_remove("ApiVersion");
    let mut drafts: Vec<Draft> = Vec::with_capacity(found.len());
    for told in found {
        let mut data = told.data;
        // What two events of one webhook share stands with the first.
        data.leave("vendor", std::mem::take(&mut rest));
        let mut draft = Draft::new(told.kind, &data).with_key(told.key);
        (draft.subject, draft.time) = (told.subject, told.time);
        draft.attributes.extend(account.clone().map(|account| ("twilioaccount".to_owned(), account)));
        drafts.push(draft);
    }
    drafts
}

/// CloudEvents of Event Streams, which have names and shapes of their own: kept whole.
pub fn streamed(body: Value) -> Vec<Draft> {
    let events = match body {
        Value::Array(events) if !events.is_empty() => events,
        other => vec![other],
    };
    let draft = |event: Value| {
        let key = event.get("id").and_then(fields::text);
        let at = event.pointer("/data/timestamp").or_else(|| event.get("time")).and_then(fields::moment);
        Draft { key, time: at, ..Draft::unknown(event["type"].as_str(), &event) }
    };
    events.into_iter().map(draft).collect()
}

fn unknown(form: &Fields) -> Draft {
    let words =
        ["EventType", "StatusCallbackEvent", "MessageStatus", "SmsStatus", "RecordingStatus", "CallStatus"];
    let word = words.iter().find_map(|name| form.get(*name)?.as_str());
    let ids = ["Sid", "ResourceSid", "RecordingSid", "MessageSid", "SmsSid", "ConferenceSid", "CallSid"];
    let id = ids.iter().find_map(|name| form.get(*name)?.as_str());
    let turn =
        ["SequenceNumber", "TimestampMs", "Timestamp"].iter().find_map(|name| form.get(*name)?.as_str());
    let key = id.zip(word).map(|(id, word)| match turn {
        Some(turn) => format!("{id}/{word}/{turn}"),
        None => format!("{id}/{word}"),
    });
    let mut draft = Draft::unknown(word, form);
    draft.time = moment(form);
    draft.key = key;
    let account = form.get("AccountSid").and_then(fields::text);
    draft.attributes.extend(account.map(|account| ("twilioaccount".to_owned(), account)));
    draft
}

/// Parameters by name. One that comes several times becomes a list.
fn form(body: &[u8]) -> Fields {
    let mut form = Fields::new();
    for (name, value) in url::form_pairs(body) {
        match form.get_mut(&name) {
            Some(Value::Array(several)) => several.push(value.into()),
            Some(one) => *one = json!([one.take(), value]),
            None => drop(form.insert(name, value.into())),
        }
    }
    form
}

/// `TimestampMs` and `Timestamp` in milliseconds and seconds, or as mails write it; `DateCreated` and its like as RFC 3339.
fn moment(form: &Fields) -> Option<String> {
    let text = |name: &str| form.get(name).and_then(fields::text);
    let exact = text("TimestampMs").and_then(time::from_epoch_millis);
    let stamp = || {
        let stamp = text("Timestamp")?;
        time::from_epoch_seconds(&stamp).or_else(|| time::rfc2822(&stamp)).or_else(|| time::rfc3339(&stamp))
    };
    let dates = || ["DateUpdated", "DateCreated"].iter().find_map(|name| time::rfc3339(&text(name)?));
    exact.or_else(stamp).or_else(dates)
}

/// Takes what `moment` reads.
fn take_moment(form: &mut Fields) -> Option<String> {
    let found = moment(form)?;
    for name in ["TimestampMs", "Timestamp"] {
        form.shift_remove(name);
    }
    Some(found)
}

/// An address: `+3933…`, `whatsapp:+3933…`, `client:anna`.
struct Address {
    text: String,
}

impl Address {
    /// What comes before the colon: `whatsapp`, `messenger`, `rcs`, `client`, `sip`, or nothing.
    fn channel(&self) -> &str {
        self.text.split_once(':').map_or("", |(channel, _)| channel)
    }

    fn bare(&self) -> &str {
        self.text.split_once(':').map_or(&self.text, |(_, rest)| rest)
    }

    fn phone(&self) -> Option<String> {
        let is_number = matches!(self.channel(), "" | "whatsapp" | "rcs" | "sms" | "tel" | "viber");
        contact::phone(self.bare()).filter(|number| is_number && !HIDDEN.contains(&number.as_str()))
    }
}

fn address(form: &mut Fields, name: &str) -> Option<Address> {
    form.text(name).map(|text| Address { text })
}

/// The number itself where it is one.
fn plain(address: Option<&Address>) -> Option<String> {
    address.map(|one| one.phone().unwrap_or_else(|| one.text.clone()))
}

/// By telephone, or by the id that a messenger has for them. Devices of a company's own staff (`client:`, `sip:`) are no customer.
fn customer(address: Option<&Address>, name: Option<String>) -> Fields {
    let identifier = address.and_then(|one| {
        let (namespace, value) = match (one.phone(), one.channel()) {
            (Some(number), _) => ("phone", number),
            (None, "messenger") => ("messenger:psid", one.bare().to_owned()),
            _ => return None,
        };
        Some(json!({"namespace": namespace, "value": value, "kind": "person", "authenticated": "asserted"}))
    });
    let mut customer = Fields::new();
    customer.leave("identifiers", identifier.into_iter().collect::<Vec<_>>());
    let mut traits = Fields::new();
    traits.leave("name", name);
    customer.leave("traits", traits);
    customer
}

fn touchpoint(channel: &str, sender: Option<String>) -> Fields {
    let mut touchpoint = Fields::new();
    touchpoint.insert("channel".into(), channel.into());
    touchpoint.leave("sender", sender);
    touchpoint
}

/// Seconds as text.
fn seconds_ms(form: &mut Fields, name: &str) -> Option<u64> {
    form.take(name, |value| fields::text(value)?.parse::<u64>().ok()?.checked_mul(1_000))
}
