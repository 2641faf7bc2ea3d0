//! What the action "send a webhook" of a workflow posts: a record as it is, each property with its history. It does not say what
//! has happened, so it is told as a change.

use serde_json::{Value, json};
use snodo_connector::Draft;
use snodo_connector::fields::{self, Fields, Take};

use super::{Told, contact, moment, person, record, touchpoint};
use crate::config::Config;

pub fn draft(body: &Value, config: &Config) -> Draft {
    let text = |names: [&str; 2]| names.iter().find_map(|name| fields::text(&body[*name]));
    let portal = text(["portalId", "portal-id"]);
    let id = text(["objectId", "vid"]);
    let object = match body["objectTypeId"].as_str().and_then(super::object) {
        Some(object) => Some(object.to_owned()),
        // The older form knows contacts only.
        None if body.get("vid").is_some() => Some("contact".to_owned()),
        None => body["objectType"].as_str().map(str::to_lowercase),
    };
    let modified = ["hs_lastmodifieddate", "lastmodifieddate"]
        .iter()
        .find_map(|name| moment(&body["properties"][*name]["value"]));
    let told = object.as_deref().zip(id.as_deref()).and_then(|(object, id)| {
        let mut rest = body.as_object()?.clone();
        let mut properties = Properties::of(rest.object("properties")?);
        let by = properties.values.text("hs_updated_by_user_id").map(|id| json!({"id": id}));
        let deleted = body["isDeleted"] == true;
        let record = Record { object, id, portal: portal.as_deref(), deleted };
        let mut told = tell(&record, &mut properties.values, config)?;
        for name in ["objectId", "vid"] {
            rest.shift_remove(name);
        }
        if matches!(object, "contact" | "company") {
            let mut change = Fields::from_iter([("record_id".to_owned(), id.into())]);
            change.leave("by", by.clone());
            change.leave("fields", properties.fields());
            told.data.leave("contact_change", change);
        }
        rest.leave("properties", properties.left());
        told.data.leave("touchpoint", touchpoint(by));
        told.data.leave("vendor", rest);
        Some(told)
    });
    let mut draft = match told {
        Some(Told { kind, subject, data }) => Draft::new(kind, &data).with_subject(subject),
        None => Draft::unknown(object.as_deref(), body),
    };
    let version = fields::text(&body["version"]).into_iter().chain(modified.clone()).collect::<Vec<_>>();
    if let Some(id) = id.filter(|_| !version.is_empty()) {
        let parts =
            ["workflow".to_owned()].into_iter().chain(portal).chain(object).chain([id]).chain(version);
        draft.key = Some(parts.collect::<Vec<_>>().join("/"));
    }
    draft.time = modified;
    draft
}

/// Which record it is, and of whose account.
struct Record<'a> {
    object: &'a str,
    id: &'a str,
    portal: Option<&'a str>,
    deleted: bool,
}

fn tell(record: &Record, values: &mut Fields, config: &Config) -> Option<Told> {
    let Record { object, id, portal, deleted } = *record;
    let mut data = Fields::new();
    let kind = match object {
        "contact" => {
            data.leave("consent", person::consent(values));
            let mut identifiers = vec![contact(portal, id)?];
            let (known, traits) = person::known(values);
            identifiers.extend(known);
            data.insert("customer".into(), json!({"identifiers": identifiers, "traits": traits}));
            if deleted { "crm.contact.deleted" } else { "crm.contact.updated" }
        }
        _ if deleted => return None,
        "company" => {
            data.leave("account", record::account(id, values, config));
            "crm.account.updated"
        }
        "deal" => {
            let deal = record::deal(id, values, config);
            deal.get("stage")?;
            data.leave("opportunity", deal);
            "crm.opportunity.stage_changed"
        }
        "ticket" => {
            let ticket = record::ticket(id, values);
            ticket.get("status")?;
            data.leave("ticket", ticket);
            "contactcentre.ticket.status_changed"
        }
        _ => return None,
    };
    Some(Told::new(kind, object, id, data))
}

/// The record's properties, and their values alone.
struct Properties {
    sent: Fields,
    values: Fields,
}

impl Properties {
    fn of(sent: Fields) -> Self {
        let value = |(name, property): (&String, &Value)| {
            let value = property.get("value").unwrap_or(property);
            (name.clone(), value.clone())
        };
        let values = sent.iter().map(value).collect();
        Self { sent, values }
    }

    /// What has no place of its own, as fields of the record: each with what set it.
    fn fields(&mut self) -> Vec<Value> {
        let is_plain = |value: &Value| value.is_boolean() || fields::text(value).is_some();
        let plain = self.values.iter().filter(|(name, value)| *name != "hs_object_id" && is_plain(value));
        let mut plain: Vec<String> = plain.map(|(name, _)| name.clone()).collect();
        // An object's fields have no order, a list has.
        plain.sort_unstable();
        let told = |name: String| {
            let mut field = Fields::from_iter([("name".to_owned(), name.as_str().into())]);
            field.leave("new", self.values.shift_remove(&name));
            let property = self.sent.get_mut(&name).and_then(Value::as_object_mut);
            field.leave("source", property.and_then(source));
            Value::Object(field)
        };
        plain.into_iter().map(told).collect()
    }

    /// What is left once values were taken: the history, and where a value came from.
    fn left(mut self) -> Fields {
        let has_id = self.values.shift_remove("hs_object_id").is_some();
        for (name, property) in &mut self.sent {
            if self.values.contains_key(name) {
                continue;
            }
            let Some(property) = property.as_object_mut() else {
                *property = Value::Null;
                continue;
            };
            let taken = property.shift_remove("value");
            let latest = property.get_mut("versions").and_then(|versions| versions.get_mut(0));
            if let Some(latest) = latest.and_then(Value::as_object_mut)
                && latest.get("value") == taken.as_ref()
            {
                latest.shift_remove("value");
                latest.shift_remove("name");
            }
        }
        if has_id {
            self.sent.shift_remove("hs_object_id");
        }
        self.sent
    }
}

/// What set the value, which the latest of its versions says once more.
fn source(property: &mut Fields) -> Option<String> {
    let source = property.text("source")?;
    let latest = property.get_mut("versions").and_then(|versions| versions.get_mut(0));
    if let Some(latest) = latest.and_then(Value::as_object_mut)
        && latest.get("source").and_then(Value::as_str) == Some(&source)
    {
        latest.shift_remove("source");
    }
    Some(source)
}
