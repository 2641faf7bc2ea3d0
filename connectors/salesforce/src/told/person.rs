//! Contacts and leads: both are people.

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};
use snodo_connector::{contact as reach, time};

use super::{Record, Told};

const CONTACT: &str = "salesforce:contact";
const LEAD: &str = "salesforce:lead";

pub fn contact(record: &mut Record<'_>, by: Option<&Value>) -> Option<Told> {
    let created = record.is_new("CreatedDate");
    let account = if record.is("IsDeleted") { None } else { record.account() };
    let mut told = person(record, by, CONTACT, created.then_some("crm.contact.created"));
    told.data.leave("account", account);
    Some(told)
}

pub fn lead(record: &mut Record<'_>, by: Option<&Value>) -> Option<Told> {
    let created = record.is_new("CreatedDate");
    // A day, so all of the day that was known last counts as news: the key still tells two changes apart.
    let converted = record.is("IsConverted") && {
        let day = record.fields.get("ConvertedDate").and_then(|value| time::day(value.as_str()?));
        let known = record.known.and_then(time::from_epoch_millis).and_then(|known| time::day(&known));
        day.is_some_and(|day| known.is_none_or(|known| day >= known))
    };
    if !record.is("IsDeleted") && (created || converted) {
        return Some(told_as_lead(record, converted));
    }
    Some(person(record, by, LEAD, None))
}

fn told_as_lead(record: &mut Record<'_>, converted: bool) -> Told {
    let at = record.created().filter(|_| !converted);
    let mut lead = Fields::from_iter([("id".to_owned(), record.id.clone().into())]);
    lead.extend(record.fields.texts(&[("Status", "status"), ("LeadSource", "source"), ("Rating", "rating")]));
    lead.leave("owner", record.owner());
    lead.leave("created_at", record.fields.take("CreatedDate", fields::moment));
    let mut identifiers = vec![record.person(LEAD, &record.id)];
    let mut data = Fields::new();
    if converted {
        let became = [
            ("ConvertedContactId", "contact_id"),
            ("ConvertedAccountId", "account_id"),
            ("ConvertedOpportunityId", "opportunity_id"),
        ];
        lead.extend(record.fields.texts(&became));
        let contact = lead.get("contact_id").and_then(Value::as_str);
        identifiers.extend(contact.map(|id| record.person(CONTACT, id)));
        record.fields.shift_remove("IsConverted");
    }
    data.leave("consent", consent(&mut record.fields));
    let traits = traits(record, &mut identifiers);
    data.insert("customer".into(), json!({"identifiers": identifiers, "traits": traits}));
    data.insert("lead".into(), lead.into());
    let kind = if converted { "crm.lead.converted" } else { "crm.lead.created" };
    Told { kind, subject: record.subject("lead"), time: at, data }
}

/// A person's record that is new, changed, deleted, or gone into another one.
fn person(
    record: &mut Record<'_>,
    by: Option<&Value>,
    namespace: &str,
    created: Option<&'static str>,
) -> Told {
    let deleted = record.is("IsDeleted");
    let master = record.fields.text("MasterRecordId");
    let kind = match (&master, deleted) {
        (Some(_), true) => "crm.contact.merged",
        (None, true) => "crm.contact.deleted",
        (_, false) => created.unwrap_or("crm.contact.updated"),
    };
    let at = record.created().filter(|_| kind == "crm.contact.created");
    let mut change = record.change(by);
    let mut identifiers = vec![record.person(namespace, &record.id)];
    if let (Some(master), "crm.contact.merged") = (master, kind) {
        identifiers.push(record.person(namespace, &master));
        change.leave("kept_id", master);
        change.leave("merged_ids", vec![record.id.clone()]);
    }
    let mut data = Fields::new();
    if !deleted {
        data.leave("consent", consent(&mut record.fields));
    }
    let traits = traits(record, &mut identifiers);
    data.insert("customer".into(), json!({"identifiers": identifiers, "traits": traits}));
    data.leave("contact_change", change);
    let word = if namespace == LEAD { "lead" } else { "contact" };
    Told { kind, subject: record.subject(word), time: at, data }
}

/// Whom a task or a case is with, by the beginning of the id: contacts are 003, leads 00Q.
pub fn by_id(record: &Record<'_>, id: &str) -> Option<Value> {
    let namespace = match id.get(..3)? {
        "003" => CONTACT,
        "00Q" => LEAD,
        _ => return None,
    };
    Some(record.person(namespace, id))
}

fn traits(record: &mut Record<'_>, identifiers: &mut Vec<Value>) -> Fields {
    let fields = &mut record.fields;
    let mut traits = fields.texts(&[
        ("Name", "name"),
        ("Salutation", "salutation"),
        ("FirstName", "given_name"),
        ("LastName", "family_name"),
        ("Title", "job_title"),
        ("Company", "company"),
        ("Industry", "industry"),
        ("Website", "website"),
        ("Description", "note"),
        ("LeadSource", "source"),
        ("OwnerId", "owner_id"),
    ]);
    if let Some(email) = fields.take("Email", |value| reach::email(value.as_str()?)) {
        identifiers.push(json!({"namespace": "email", "value": email, "kind": "person"}));
        traits.insert("email".into(), email.into());
    }
    for (name, ours) in [("Phone", Some("phone")), ("MobilePhone", Some("mobile")), ("HomePhone", None)] {
        let number = fields.take(name, |value| reach::phone(value.as_str()?));
        if let Some(number) = &number {
            let found = json!({"namespace": "phone", "value": number, "kind": "person"});
            if !identifiers.contains(&found) {
                identifiers.push(found);
            }
        }
        if let Some(ours) = ours {
            traits.leave(ours, number.or_else(|| fields.text(name)));
        }
    }
    traits.leave("birth_date", fields.take("Birthdate", |value| time::day(value.as_str()?)));
    traits.leave("created_at", fields.take("CreatedDate", fields::moment));
    traits.leave("updated_at", fields.take("LastModifiedDate", fields::moment));
    let mut addresses = Vec::new();
    for (prefix, kind) in [("Mailing", Some("mailing")), ("Other", Some("other")), ("", None)] {
        if let Some(mut address) = record.address(prefix) {
            address.leave("kind", kind);
            if prefix != "Other" {
                address.insert("primary".into(), true.into());
            }
            addresses.push(address);
        }
    }
    traits.leave("addresses", addresses);
    traits.leave("custom", custom(&mut record.fields));
    traits
}

/// Fields that the company made itself end in `__c`.
fn custom(fields: &mut Fields) -> Fields {
    let is_own = |(name, value): &(&String, &Value)| {
        name.ends_with("__c") && (value.is_boolean() || snodo_connector::fields::text(value).is_some())
    };
    let names: Vec<String> = fields.iter().filter(is_own).map(|(name, _)| name.clone()).collect();
    names.into_iter().filter_map(|name| fields.shift_remove_entry(&name)).collect()
}

/// Who has not opted out has said nothing by that.
fn consent(fields: &mut Fields) -> Option<Value> {
    let mut purposes = Fields::new();
    let is_set = |value: &Value| (value == &Value::Bool(true)).then_some(());
    if fields.take("HasOptedOutOfEmail", is_set).is_some() {
        purposes.insert("marketing.email".into(), json!({"state": "withdrawn"}));
    }
    if fields.take("DoNotCall", is_set).is_some() {
        purposes.insert("marketing.phone".into(), json!({"state": "withdrawn"}));
    }
    (!purposes.is_empty()).then(|| json!({"purposes": purposes}))
}
