//! What one event writes in Salesforce: a customer, a case, or both. Pure mapping; it knows no request and no batch.

use serde_json::{Map, Value, json};
use snodo_connector::canonical::{Address, Customer};
use snodo_connector::{Delivery, Fault, Outcome, text, time};

use crate::canonical::Body;
use crate::config::Config;

/// Field and value.
pub type Values = Map<String, Value>;

/// What Salesforce's field `Subject` of a case holds.
const SUBJECT_BYTES_MAX: usize = 255;

/// What is to be done for one delivery: the customer has a key, or there is a case.
#[derive(Debug)]
pub struct Work {
    /// When it happened, in microseconds: of two values the later one stays.
    pub time: i64,
    /// The customer's external id.
    pub key: Option<String>,
    pub values: Values,
    pub case: Option<Case>,
}

#[derive(Debug)]
pub struct Case {
    /// Its external id.
    pub id: String,
    pub values: Values,
}

/// Or what becomes of the delivery, if there is nothing to write.
pub fn work(config: &Config, delivery: &Delivery) -> Result<Work, Outcome> {
    let event = &delivery.event;
    let is_case = match event.kind.as_str() {
        "crm.contact.created"
        | "crm.contact.updated"
        | "crm.contact.merged"
        | "crm.lead.created"
        | "identity.user.identified"
        | "identity.alias.asserted"
        | "identity.profile.merged"
        | "identity.group.joined"
        | "consent.preference.updated"
        | "social.lead.submitted" => false,
        "voc.complaint.raised" | "voc.critical.detected" | "contactcentre.callback.requested" => true,
        kind => return Err(Outcome::ignored(format!("Salesforce has no place for {kind}"))),
    };
    if config.id_field.is_none() {
        let fault = Fault::misconfigured(
            "the channel's id_field names no external id: customers cannot be found without it",
        );
        return Err(Outcome::Failed(fault));
    }
    let body: Body = event.data()?;
    let key = key(&body.customer, &config.id_namespace);
    let mut values = values(config, &body);
    let opted = opted_out(config, &body);
    if event.kind == "consent.preference.updated" && opted.is_empty() {
        return Err(Outcome::ignored("no field of the channel's opt_out_fields takes this consent"));
    }
    values.extend(opted);
    let case = match &config.case_id_field {
        Some(_) if is_case => case(config, &body, &event.id, key.is_none() || !config.links_cases()),
        _ => None,
    };
    if key.is_none() && case.is_none() {
        let namespace = &config.id_namespace;
        return Err(Outcome::ignored(format!(
            "the event names no {namespace} of the customer, who is found by it"
        )));
    }
    let time = time::epoch_micros(&event.time).unwrap_or_default();
    Ok(Work { time, key, values, case })
}

fn key(customer: &Customer, namespace: &str) -> Option<String> {
    match namespace {
        "email" => customer.email(),
        _ => customer.identifier(namespace).map(str::to_owned),
    }
}

fn values(config: &Config, body: &Body) -> Values {
    let traits = &body.customer.traits;
    let at = |read: fn(&Address) -> Option<String>| traits.address().and_then(read);
    let some = |value: &Option<String>| value.clone();
    // Salesforce wants a last name, and where a whole name is all that is known it is the best there is.
    let family = match (&traits.family_name, &traits.given_name) {
        (None, None) => &traits.name,
        (family, _) => family,
    };
    let known = [
        ("given_name", some(&traits.given_name)),
        ("family_name", some(family)),
        ("salutation", some(&traits.salutation)),
        ("email", body.customer.email()),
        ("phone", some(&traits.phone)),
        ("mobile", some(&traits.mobile)),
        ("company", some(&traits.company)),
        ("job_title", some(&traits.job_title)),
        ("industry", some(&traits.industry)),
        ("website", some(&traits.website)),
        ("birth_date", some(&traits.birth_date)),
        ("gender", some(&traits.gender)),
        ("language", some(&traits.language)),
        ("note", some(&traits.note)),
        ("street", at(street)),
        ("city", at(|address| address.city.clone())),
        ("region", at(|address| address.region.clone())),
        ("postal_code", at(|address| address.postal_code.clone())),
        ("country", at(|address| address.country.clone().or_else(|| address.country_code.clone()))),
    ];
    let field = |(name, value): (&str, Option<String>)| Some((config.field(name)?.to_owned(), value?.into()));
    known.into_iter().filter_map(field).collect()
}

/// Only what somebody has decided; what is pending or unknown leaves the box as it is.
fn opted_out(config: &Config, body: &Body) -> Values {
    let field = |(purpose, field): (&String, &String)| {
        let out = match body.consent.purposes.get(purpose)?.state.as_str() {
            "granted" => false,
            "denied" | "withdrawn" => true,
            _ => return None,
        };
        Some((field.clone(), out.into()))
    };
    config.opt_out_fields.iter().filter_map(field).collect()
}

fn case(config: &Config, body: &Body, event: &str, nobody: bool) -> Option<Case> {
    let mut values: Values =
        config.case_values.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let mut put = |name: &str, value: Option<&str>| {
        if let Some(value) = value.and_then(text::filled) {
            values.insert(name.to_owned(), value.into());
        }
    };
    let (id, subject, severity);
    if let Some(complaint) = &body.complaint {
        id = complaint.id.clone();
        subject = complaint.subject.as_deref().or(complaint.category.as_deref()).unwrap_or("Complaint");
        severity = complaint.severity.as_deref();
        let parts: Vec<&str> =
            [&complaint.text, &complaint.demand].into_iter().flatten().map(String::as_str).collect();
        put("Description", Some(&parts.join("\n\n")));
    } else if let Some(critical) = &body.critical {
        id = critical.id.as_ref().map(|id| format!("critical/{id}"));
        subject = critical.reason.as_deref().or(critical.rule.as_deref()).unwrap_or("Critical situation");
        severity = critical.severity.as_deref();
        put("Description", critical.reason.as_deref());
    } else {
        let callback = body.callback.as_ref()?;
        id = callback.id.as_ref().map(|id| format!("callback/{id}"));
        subject = "Callback";
        severity = None;
        let at = callback.scheduled_at.as_ref().map(|at| format!("Wanted at {at}"));
        let parts: Vec<&str> = [&callback.reason, &at].into_iter().flatten().map(String::as_str).collect();
        put("Description", Some(&parts.join("\n\n")));
        put("SuppliedPhone", callback.phone.as_deref());
    }
    put("Subject", Some(text::truncate(subject, SUBJECT_BYTES_MAX)));
    put("Priority", severity.and_then(priority));
    // Without a record of the customer the case says itself who it is from.
    if nobody {
        let traits = &body.customer.traits;
        put("SuppliedName", traits.name.as_deref());
        put("SuppliedEmail", body.customer.email().as_deref());
        if body.callback.is_none() {
            put("SuppliedPhone", traits.phone.as_deref());
        }
    }
    Some(Case { id: id.unwrap_or_else(|| event.to_owned()), values })
}

/// The values that every org begins with.
fn priority(severity: &str) -> Option<&'static str> {
    match severity {
        "low" => Some("Low"),
        "medium" => Some("Medium"),
        "high" | "critical" => Some("High"),
        _ => None,
    }
}

fn street(address: &Address) -> Option<String> {
    match (&address.line1, &address.line2) {
        (Some(first), Some(second)) => Some(format!("{first}\n{second}")),
        (first, second) => first.clone().or_else(|| second.clone()),
    }
}
