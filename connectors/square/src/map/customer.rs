//! Customer profiles: <https://developer.squareup.com/reference/square/objects/Customer>.

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};
use snodo_connector::time;

use super::person::Person;
use super::{Story, Told, addressed, part, touched};

pub fn told(kind: &'static str, story: &mut Story) -> Option<Told> {
    let id = story.object.text("id")?;
    let time = match kind {
        "crm.contact.deleted" => story.at.clone(),
        _ => touched(&story.object),
    };
    let merge = merge(&mut story.beside, &id);
    let kind = if merge.is_some() { "crm.contact.merged" } else { kind };
    let from = &mut story.object;
    let mut person = Person::default();
    person.profile(&id);
    if let Some(reference) = from.text("reference_id") {
        person.identify(json!({"namespace": "square:reference", "value": reference}));
    }
    person.email(from.text("email_address"));
    person.phone(from.text("phone_number"));
    person.traits.extend(traits(from));
    if kind == "crm.contact.deleted" {
        person.traits.leave("deleted_at", time.clone());
    }
    let mut data = Fields::new();
    data.leave("customer", Value::from(person));
    data.leave("consent", consent(from));
    data.leave("contact_change", merge);
    Some(Told::new(kind, format!("customer/{id}"), data)?.at(time))
}

fn traits(from: &mut Fields) -> Fields {
    let mut traits = from.texts(&[
        ("given_name", "given_name"),
        ("family_name", "family_name"),
        ("nickname", "nickname"),
        ("company_name", "company"),
        ("note", "note"),
        ("creation_source", "source"),
    ]);
    // A birthday without a year is in the year 0000, which is no date.
    let birthday = |value: &Value| time::day(value.as_str()?).filter(|day| !day.starts_with("0000"));
    traits.leave("birth_date", from.take("birthday", birthday));
    let texts = |value: &Value| value.as_array()?.iter().map(fields::text).collect::<Option<Vec<_>>>();
    traits.leave("segments", from.take("segment_ids", texts));
    traits.leave("addresses", addressed(from, "address").map(|address| vec![Value::Object(address)]));
    if let Some(mut taxes) = from.object("tax_ids") {
        traits.extend(taxes.texts(&[("eu_vat", "vat_number")]));
        from.leave("tax_ids", taxes);
    }
    traits.leave("created_at", from.moment("created_at"));
    traits.leave("updated_at", from.moment("updated_at"));
    traits
}

/// Only the no is an answer: who has not unsubscribed has not said yes.
fn consent(from: &mut Fields) -> Option<Value> {
    let mut preferences = from.object("preferences")?;
    let refused = preferences.take("email_unsubscribed", |value| value.as_bool().filter(|no| *no));
    from.leave("preferences", preferences);
    refused.map(|_| json!({"purposes": {"marketing.email": {"state": "withdrawn", "source": "Square"}}}))
}

/// Of profiles that are joined a new one is made, and the old ones are deleted; both webhooks say so.
fn merge(beside: &mut Fields, id: &str) -> Option<Fields> {
    let mut context = beside.object("event_context")?;
    let mut merge = context.object("merge").unwrap_or_default();
    let texts = |value: &Value| value.as_array()?.iter().map(fields::text).collect::<Option<Vec<_>>>();
    let from = merge.take("from_customer_ids", texts).filter(|ids| !ids.is_empty());
    let mut change = Fields::new();
    if let Some(from) = from {
        change.insert("merged_ids".into(), from.into());
        change.leave("kept_id", merge.text("to_customer_id"));
        change.insert("record_id".into(), id.into());
    }
    context.leave("merge", merge);
    beside.leave("event_context", context);
    Some(change).filter(|change| !change.is_empty())
}

/// A card on file is a part of its customer's profile.
pub fn card(story: &mut Story) -> Option<Told> {
    let from = &mut story.object;
    let id = from.get("customer_id").and_then(fields::text)?;
    let mut person = Person::of(from);
    if let Some(mut address) = addressed(from, "billing_address") {
        address.insert("kind".into(), "billing".into());
        person.traits.insert("addresses".into(), json!([address]));
    }
    let mut data = Fields::new();
    data.leave("customer", Value::from(person));
    data.insert("contact_change".into(), json!({"record_id": id, "fields": part("card", from, "new")}));
    Told::new("crm.contact.updated", format!("customer/{id}"), data)
}
