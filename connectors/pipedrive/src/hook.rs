//! What a webhook says of itself, read alike from version 1 (`current`, `previous`) and version 2 (`data`, `previous`).

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};
use snodo_connector::time;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Create,
    Change,
    Delete,
    /// Version 1 only. Version 2 tells of a merge by a deletion and a change.
    Merge,
}

#[derive(Debug)]
pub struct Hook {
    pub action: Action,
    /// person, organization, deal and so on.
    pub object: String,
    pub id: String,
    /// Pipedrive's ids are one's own within a company.
    company: Option<String>,
    /// The object as it is, or was before it was deleted.
    pub record: Fields,
    /// Where the message has it.
    record_name: &'static str,
    /// What has changed, as it was before.
    pub previous: Fields,
    /// What was sent as `previous` and is no object, or another one.
    rest: Option<Value>,
    pub meta: Fields,
    /// Who did it: Pipedrive's id of the employee.
    user: Option<String>,
}

/// What makes the message this very event, and when it happened.
#[derive(Default)]
pub struct Sign {
    pub topic: Option<String>,
    pub key: Option<String>,
    pub subject: Option<String>,
    pub time: Option<String>,
    pub correlation: Option<String>,
}

impl Sign {
    pub fn read(body: &Value) -> Self {
        let text = |value: &Value| fields::text(value);
        let meta = &body["meta"];
        let object = text(&meta["entity"]).or_else(|| text(&meta["object"]));
        let event =
            meta["action"].as_str().zip(object.as_deref()).map(|(action, on)| format!("{action}.{on}"));
        let topic = event.or_else(|| text(&body["event"]));
        let id = text(&meta["entity_id"]).or_else(|| text(&meta["id"]));
        let stamp = ["timestamp_micro", "timestamp"].iter().find_map(|name| text(&meta[*name]));
        let correlation = text(&meta["correlation_id"]);
        let key = topic.as_deref().zip(id.as_deref()).zip(stamp).map(|((topic, id), stamp)| {
            // In the second version a time may be whole seconds; two changes within one have different correlations.
            let apart = correlation.as_deref().map(|id| format!("/{id}")).unwrap_or_default();
            format!("{topic}/{id}/{stamp}{apart}")
        });
        let subject = object.zip(id).map(|(object, id)| format!("{object}/{id}"));
        Self { topic, key, subject, time: moment(meta), correlation }
    }
}

/// Version 1 counts seconds, and microseconds beside them; version 2 writes RFC 3339, for users seconds.
fn moment(meta: &Value) -> Option<String> {
    let micros = |value: &Value| {
        let micros = value.as_u64()?;
        time::from_epoch_seconds(format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000))
    };
    let stamp = &meta["timestamp"];
    micros(&meta["timestamp_micro"])
        .or_else(|| fields::moment(stamp))
        .or_else(|| time::from_epoch_seconds(stamp.as_u64()?))
}

impl Hook {
    /// `None` for what is no webhook about an object.
    pub fn read(body: &Value) -> Option<Self> {
        let mut body = body.as_object()?.clone();
        let mut meta = body.object("meta")?;
        let action = match meta.take("action", |value| value.as_str().map(str::to_owned))?.as_str() {
            "added" | "create" => Action::Create,
            "updated" | "change" => Action::Change,
            "deleted" | "delete" => Action::Delete,
            "merged" => Action::Merge,
            _ => return None,
        };
        // In the second version `id` is the event's own, in the first the object's.
        let (object, id) = match meta.text("entity") {
            Some(entity) => (entity, meta.text("entity_id")?),
            None => (meta.text("object")?, meta.text("id")?),
        };
        let now = if body.contains_key("data") { "data" } else { "current" };
        let record_name = if action == Action::Delete { "previous" } else { now };
        let record = body.object(record_name)?;
        let mut previous = Fields::new();
        // What a merge sends as `previous` is the other record: nothing of it has changed.
        if action != Action::Merge {
            previous = body.object("previous").unwrap_or_default();
            // Version 1 sends the whole of what was.
            previous.retain(|name, old| record.get(name) != Some(old));
        }
        let rest = body.shift_remove("previous");
        let user = meta.text("user_id");
        let company = meta.get("company_id").and_then(fields::text);
        for name in SENDING {
            meta.shift_remove(name);
        }
        Some(Self { action, object, id, company, record, record_name, previous, rest, meta, user })
    }

    /// `{company}/{id}`.
    pub fn own(&self, id: &str) -> Option<String> {
        Some(format!("{}/{id}", self.company.as_deref()?))
    }

    /// The id of the record that this one took in.
    pub fn absorbed(&mut self) -> Option<String> {
        let named = self.record.text("merge_what_id").or_else(|| self.meta.text("merged_from_id"));
        let other = || self.rest.as_ref()?.get("id").and_then(fields::text).filter(|id| *id != self.id);
        named.or_else(|| other().filter(|_| self.action == Action::Merge))
    }

    pub fn by(&self) -> Option<Value> {
        Some(json!({"id": self.user.as_deref()?}))
    }

    pub fn touchpoint(&self) -> Value {
        match self.by() {
            Some(operator) => json!({"channel": "crm", "operator": operator}),
            None => json!({"channel": "crm"}),
        }
    }

    /// What was done to a person's or a company's record. Takes the changes out of `previous`, so it must come before the
    /// record is taken apart.
    pub fn change(&mut self) -> Fields {
        let mut change = Fields::from_iter([("record_id".to_owned(), self.id.clone().into())]);
        change.leave("by", self.by());
        change.leave("source", self.meta.text("change_source"));
        let is_plain = |value: &Value| !value.is_object() && !value.is_array();
        let changed = self.previous.iter().filter(|(name, old)| {
            *name != "update_time" && is_plain(old) && self.record.get(*name).is_none_or(is_plain)
        });
        let mut changed: Vec<String> = changed.map(|(name, _)| name.clone()).collect();
        // An object's fields have no order, a list has.
        changed.sort();
        let mut fields = Vec::new();
        for name in changed {
            let mut field = Fields::new();
            field.leave("old", self.previous.shift_remove(&name));
            field.leave("new", self.record.get(&name).cloned());
            field.insert("name".into(), name.into());
            fields.push(Value::Object(field));
        }
        change.leave("fields", fields);
        change
    }

    /// What nobody took, where Pipedrive has it.
    pub fn vendor(self) -> Fields {
        let mut vendor = Fields::new();
        vendor.leave(self.record_name, self.record);
        if self.record_name != "previous" {
            vendor.leave("previous", self.rest);
            vendor.leave("previous", self.previous);
        }
        vendor.leave("meta", self.meta);
        vendor
    }
}

/// What is about the message: what the event says elsewhere, and what another attempt would say otherwise.
const SENDING: [&str; 6] =
    ["timestamp", "timestamp_micro", "prepublish_timestamp", "attempt", "correlation_id", "v"];

/// Times without a zone are in UTC: <https://pipedrive.readme.io/docs/core-api-concepts-date-and-time-format>.
pub fn utc(value: &Value) -> Option<String> {
    time::local(value.as_str()?, "Z")
}

/// A truth, which the older payloads also write as 0 and 1.
pub fn truth(value: &Value) -> Option<bool> {
    value.as_bool().or_else(|| match value.as_u64()? {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    })
}

/// The id of another object, which older payloads wrap: `{"value": 7, "name": "…"}`. And its name, if it says.
pub fn reference(record: &mut Fields, name: &str) -> Option<(String, Option<String>)> {
    if let Some(id) = record.text(name) {
        return Some((id, None));
    }
    let wrapped = record.get_mut(name)?.as_object_mut()?;
    let id = wrapped.text("value").or_else(|| wrapped.text("id"))?;
    Some((id, wrapped.text("name")))
}
