//! People: <https://developers.pipedrive.com/docs/api/v1/Persons>.

use serde_json::{Value, json};
use snodo_connector::fields::{Fields, Take};
use snodo_connector::{contact, locale, time};

use super::{Told, account};
use crate::hook::{Action, Hook, utc};

pub fn told(hook: &mut Hook) -> Option<Told> {
    let absorbed = hook.absorbed();
    let kept = hook.meta.text("merged_to_id");
    let kind = match hook.action {
        Action::Create => "crm.contact.created",
        Action::Merge if absorbed.is_some() => "crm.contact.merged",
        Action::Change | Action::Merge => "crm.contact.updated",
        // The second version's word for a merge, seen from the record that is gone.
        Action::Delete if kept.is_some() => "crm.contact.merged",
        Action::Delete => "crm.contact.deleted",
    };
    let mut change = hook.change();
    let mut ids = vec![hook.own(&hook.id)?];
    if let Some(kept) = kept {
        ids.push(hook.own(&kept)?);
        change.leave("kept_id", kept);
        change.leave("merged_ids", vec![hook.id.clone()]);
    } else if let Some(absorbed) = absorbed {
        ids.push(hook.own(&absorbed)?);
        change.leave("kept_id", hook.id.clone());
        change.leave("merged_ids", vec![absorbed]);
    }
    let mut data = Fields::new();
    if kind != "crm.contact.deleted" && kind != "crm.contact.merged" {
        data.leave("account", account::named(hook));
    }
    if hook.action != Action::Delete {
        data.leave("consent", consent(&mut hook.record));
    }
    let mut identifiers: Vec<Value> = ids.iter().map(|id| identifier(id)).collect();
    let traits = traits(&mut hook.record, &mut identifiers);
    hook.record.shift_remove("id");
    data.insert("customer".into(), json!({"identifiers": identifiers, "traits": traits}));
    data.leave("contact_change", change);
    Some(Told { kind, subject: format!("contact/{}", hook.id), data })
}

/// `id` with the company before it.
fn identifier(id: &str) -> Value {
    json!({"namespace": "pipedrive:person", "value": id, "kind": "person"})
}

/// Whom a deal, a lead or an activity is with, if it says.
pub fn of(hook: &mut Hook) -> Option<Value> {
    let (id, named) = crate::hook::reference(&mut hook.record, "person_id")?;
    let mut traits = Fields::new();
    let within = hook.record.get_mut("person").and_then(Value::as_object_mut);
    let within = within.and_then(|person| person.text("name"));
    traits.leave("name", hook.record.text("person_name").or(named).or(within));
    let mut customer = Fields::from_iter([("identifiers".to_owned(), json!([identifier(&hook.own(&id)?)]))]);
    customer.leave("traits", traits);
    Some(customer.into())
}

fn traits(record: &mut Fields, identifiers: &mut Vec<Value>) -> Fields {
    let mut traits = record.texts(&[
        ("name", "name"),
        ("first_name", "given_name"),
        ("last_name", "family_name"),
        ("job_title", "job_title"),
        ("notes", "note"),
    ]);
    for name in ["email", "emails"] {
        emails(record, name, &mut traits, identifiers);
    }
    for name in ["phone", "phones"] {
        phones(record, name, &mut traits, identifiers);
    }
    // Says once more which of the addresses is the first.
    if record.get("primary_email").and_then(|value| contact::email(value.as_str()?)).map(Value::from)
        == traits.get("email").cloned()
    {
        record.shift_remove("primary_email");
    }
    traits.leave("birth_date", record.take("birthday", |value| time::day(value.as_str()?)));
    traits.leave("addresses", address(record, "postal_address").map(|address| vec![address]));
    traits.leave("owner_id", crate::hook::reference(record, "owner_id").map(|(id, _)| id));
    traits.leave("created_at", record.take("add_time", utc));
    traits.leave("updated_at", record.take("update_time", utc));
    traits.leave("deleted_at", record.take("delete_time", utc));
    traits
}

/// Each address that is one is an identifier; the first, or the one that is marked so, is the trait.
fn emails(record: &mut Fields, name: &str, traits: &mut Fields, identifiers: &mut Vec<Value>) {
    each(record, name, |entry, primary| {
        let Some(email) = entry.take("value", |value| contact::email(value.as_str()?)) else { return };
        let mut found = json!({"namespace": "email", "value": email, "kind": "person"});
        if primary {
            found["primary"] = true.into();
        }
        if primary || !traits.contains_key("email") {
            traits.insert("email".into(), email.into());
        }
        entry.shift_remove("primary");
        identifiers.push(found);
    });
}

/// A number without its country is nobody's identifier, but may be the trait.
fn phones(record: &mut Fields, name: &str, traits: &mut Fields, identifiers: &mut Vec<Value>) {
    each(record, name, |entry, primary| {
        let is_mobile = entry.get("label").and_then(Value::as_str) == Some("mobile");
        let place = if is_mobile && !primary { "mobile" } else { "phone" };
        let number = entry.take("value", |value| contact::phone(value.as_str()?));
        if let Some(number) = &number {
            let mut found = json!({"namespace": "phone", "value": number, "kind": "person"});
            if primary {
                found["primary"] = true.into();
            }
            entry.shift_remove("primary");
            identifiers.push(found);
        }
        if primary || !traits.contains_key(place) {
            traits.leave(place, number.or_else(|| entry.text("value")));
        }
    });
}

/// Reads a list of `{label, value, primary}`, which may also be a text. What is left of an entry keeps its place.
fn each(record: &mut Fields, name: &str, mut read: impl FnMut(&mut Fields, bool)) {
    match record.get_mut(name) {
        Some(Value::Array(entries)) => {
            for entry in entries.iter_mut().filter_map(Value::as_object_mut) {
                let primary = entry.get("primary").and_then(Value::as_bool) == Some(true);
                read(entry, primary);
            }
        }
        Some(Value::String(text)) => {
            let mut entry = Fields::from_iter([("value".to_owned(), std::mem::take(text).into())]);
            read(&mut entry, true);
            if let Some(left) = entry.shift_remove("value") {
                record.insert(name.to_owned(), left);
            }
        }
        _ => {}
    }
}

/// Version 1 writes `postal_address_locality` beside `postal_address`, version 2 an object.
pub fn address(record: &mut Fields, name: &str) -> Option<Value> {
    if let Some(within) = record.get_mut(name).and_then(Value::as_object_mut) {
        return written(within, "", "value");
    }
    written(record, &format!("{name}_"), name)
}

fn written(from: &mut Fields, prefix: &str, whole: &str) -> Option<Value> {
    let mut part = |name: &str| from.text(&format!("{prefix}{name}"));
    let mut address = Fields::new();
    let street = [part("route"), part("street_number")];
    let street = street.iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" ");
    address.leave("line1", street.as_str());
    address.leave("line2", part("subpremise"));
    address.leave("city", part("locality"));
    address.leave("region", part("admin_area_level_1"));
    address.leave("postal_code", part("postal_code"));
    let country = part("country");
    match country.as_deref().and_then(locale::country) {
        Some(code) => address.leave("country_code", code),
        None => address.leave("country", country),
    }
    // One line, of which nobody can say what is what.
    if !address.contains_key("line1") {
        address.leave("line1", from.text(whole));
    }
    (!address.is_empty()).then(|| address.into())
}

/// Of Pipedrive's campaigns by e-mail: <https://developers.pipedrive.com/docs/api/v1/Persons>, `marketing_status`.
fn consent(record: &mut Fields) -> Option<Value> {
    let state = record.take("marketing_status", |value| {
        Some(match value.as_str()? {
            "subscribed" => "granted",
            "unsubscribed" => "withdrawn",
            "no_consent" => "denied",
            // Whatever they said: nothing is sent to them any more.
            "archived" => "unknown",
            _ => return None,
        })
    })?;
    Some(json!({"purposes": {"marketing.email": {"state": state}}}))
}
