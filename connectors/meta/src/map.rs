//! A notification is a list of entries, each of one account: with `messaging` for what is written in private, `changes` for the rest.
//! Each of those is an event. What has no word in the vocabulary is kept whole, with who it is about.

mod feed;
mod instagram;
mod messaging;

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};
use snodo_connector::{Draft, time};

/// Where an event comes from.
pub struct Side {
    /// `page` or `instagram`.
    object: String,
    /// The page, or the professional account.
    account: Option<String>,
    /// When Meta sent the notification.
    time: Option<String>,
}

pub fn drafts(body: &Value) -> Vec<Draft> {
    // Instagram's page of examples shows notifications in a list.
    let mut drafts: Vec<Draft> = match body {
        Value::Array(several) => several.iter().flat_map(notified).collect(),
        one => notified(one),
    };
    if drafts.is_empty() {
        drafts.push(Draft::unknown(body["object"].as_str(), body));
    }
    drafts
}

fn notified(body: &Value) -> Vec<Draft> {
    let object = body["object"].as_str().unwrap_or_default();
    let mut drafts = Vec::new();
    for entry in body["entry"].as_array().into_iter().flatten() {
        let side = Side {
            object: object.to_owned(),
            account: entry.get("id").and_then(fields::text),
            time: entry.get("time").and_then(moment),
        };
        let before = drafts.len();
        // Another app answers the customer at the moment: what was written is the same.
        for list in ["messaging", "standby"] {
            for one in entry[list].as_array().into_iter().flatten() {
                drafts.extend(messaging::drafts(list, one, &side));
            }
        }
        for change in entry["changes"].as_array().into_iter().flatten() {
            drafts.push(changed(change, &side));
        }
        // Instagram's page of examples has the change in the entry itself.
        if drafts.len() == before && entry["field"].is_string() {
            drafts.push(changed(entry, &side));
        }
        if drafts.len() == before {
            drafts.push(side.mark(Draft::unknown(body["object"].as_str(), entry)));
        }
    }
    drafts
}

fn changed(change: &Value, side: &Side) -> Draft {
    let field = change["field"].as_str().unwrap_or_default();
    let Some(value) = change["value"].as_object() else {
        return side.unknown(field, change, Fields::new(), None);
    };
    // The test button of the app dashboard sends messages so.
    if value.contains_key("sender") && value.contains_key("recipient") {
        let mut drafts = messaging::drafts(field, &change["value"], side);
        if drafts.len() == 1 {
            return drafts.remove(0);
        }
    }
    let found = match (side.object.as_str(), field) {
        ("page", "feed") => feed::feed(value.clone(), side),
        ("page", "mention") => feed::mention(value.clone(), side),
        ("page", "ratings") => feed::rating(value.clone(), side),
        ("page", "leadgen") => feed::lead(value.clone(), side),
        ("instagram", "comments" | "live_comments") => instagram::comment(value.clone(), side),
        ("instagram", "mentions") => instagram::mention(value.clone(), side),
        _ => None,
    };
    found.unwrap_or_else(|| {
        let from = value.get("from").and_then(Value::as_object).cloned().unwrap_or_default();
        let customer = if side.is_own(&from) { Fields::new() } else { side.author(&mut from.clone()) };
        side.unknown(field, change, customer, None)
    })
}

/// An event of the vocabulary, before who and where are added.
struct Told {
    kind: &'static str,
    subject: Option<String>,
    key: Option<String>,
    time: Option<String>,
    data: Fields,
}

impl Side {
    /// `facebook` and `messenger`, or `instagram`.
    fn network(&self) -> &'static str {
        if self.object == "instagram" { "instagram" } else { "facebook" }
    }

    fn is_own(&self, from: &Fields) -> bool {
        let id = from.get("id").and_then(fields::text);
        id.is_some() && id == self.account
    }

    /// Whoever wrote or clicked, out of `{id, name}` or `{id, username}`.
    fn author(&self, from: &mut Fields) -> Fields {
        let id = from.text("id");
        let traits = from.texts(&[("name", "name"), ("username", "nickname")]);
        customer(&format!("{}:user", self.network()), id, traits)
    }

    fn touchpoint(&self) -> Fields {
        let mut touchpoint = Fields::new();
        touchpoint.insert("channel".into(), "social".into());
        touchpoint.leave("sender", self.account.clone());
        touchpoint
    }

    fn mark(&self, mut draft: Draft) -> Draft {
        let object = Some(self.object.clone()).filter(|object| !object.is_empty());
        for (name, value) in [("metaobject", object), ("metaaccount", self.account.clone())] {
            draft.attributes.extend(value.map(|value| (name.to_owned(), value)));
        }
        draft.time = draft.time.or_else(|| self.time.clone());
        draft
    }

    fn draft(&self, told: Told, customer: Fields, touchpoint: Fields, rest: Fields) -> Draft {
        let mut data = told.data;
        data.leave("customer", customer);
        data.leave("touchpoint", touchpoint);
        data.leave("vendor", rest);
        let mut draft = Draft::new(told.kind, &data);
        (draft.key, draft.subject, draft.time) = (told.key, told.subject, told.time);
        self.mark(draft)
    }

    /// What the vocabulary has no word for.
    fn unknown(&self, topic: &str, body: &Value, customer: Fields, key: Option<String>) -> Draft {
        let mut data = Fields::new();
        data.leave("topic", topic);
        data.leave("customer", customer);
        data.leave("touchpoint", self.touchpoint());
        data.insert("body".into(), body.clone());
        data.insert("encoding".into(), "json".into());
        let value = body.get("value").unwrap_or(body);
        let time = ["timestamp", "created_time"].iter().find_map(|name| value.get(name).and_then(moment));
        let draft = Draft { key, time, ..Draft::new("unknown.message.received", &data) };
        self.mark(draft)
    }
}

fn customer(namespace: &str, id: Option<String>, traits: Fields) -> Fields {
    let identifier = id.map(
        |id| json!({"namespace": namespace, "value": id, "kind": "person", "authenticated": "verified"}),
    );
    let mut customer = Fields::new();
    customer.leave("identifiers", identifier.into_iter().collect::<Vec<_>>());
    customer.leave("traits", traits);
    customer
}

/// Seconds or milliseconds since 1970, as a number or as text, or a time as such: Meta writes all of these.
fn moment(value: &Value) -> Option<String> {
    let text = fields::text(value)?;
    match text.parse::<u64>() {
        Ok(number) if number > 100_000_000_000 => time::from_epoch_millis(number),
        Ok(number) => time::from_epoch_seconds(number),
        Err(_) => time::rfc3339(&text),
    }
}
