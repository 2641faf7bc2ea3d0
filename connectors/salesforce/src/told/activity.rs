//! Tasks, which are also Salesforce's log of calls and e-mails, and cases:
//! <https://developer.salesforce.com/docs/platform/object-reference/guide/sforce-api-objects-task.html>, `…-case.html`.

use serde_json::{Value, json};
use snodo_connector::contact as reach;
use snodo_connector::fields::{self, Fields, Take};

use super::{Record, Told, person};

/// Logged, if it was a call or an e-mail; done, if it was to be done. `None` for what is open, or was told already.
pub fn task(record: &mut Record<'_>, by: Option<&Value>) -> Option<Told> {
    let closed = record.is("IsClosed");
    let kind = match record.fields.get("TaskSubtype").and_then(Value::as_str) {
        Some("Call") => Some("call"),
        Some("Email" | "ListEmail") => Some("email"),
        _ => record.fields.get("CallType").filter(|value| !value.is_null()).map(|_| "call"),
    };
    match kind {
        Some(kind) if closed && record.is_new("CreatedDate") => Some(logged(record, kind)),
        None if closed && record.is_new("CompletedDateTime") => Some(done(record, by)),
        _ => None,
    }
}

fn logged(record: &mut Record<'_>, kind: &str) -> Told {
    let mut activity =
        Fields::from_iter([("id".to_owned(), record.id.clone().into()), ("kind".to_owned(), kind.into())]);
    let names = [("Subject", "subject"), ("Description", "text"), ("CallDisposition", "outcome")];
    activity.extend(record.fields.texts(&names));
    let direction = record.fields.take("CallType", |value| match value.as_str()? {
        "Inbound" => Some("inbound"),
        "Outbound" => Some("outbound"),
        _ => None,
    });
    activity.leave("direction", direction);
    let millis = |value: &Value| value.as_u64()?.checked_mul(1_000);
    activity.leave("duration_ms", record.fields.take("CallDurationInSeconds", millis));
    activity.leave("ended_at", record.fields.take("CompletedDateTime", fields::moment));
    activity.leave("owner", record.owner());
    let mut data = around(record, &mut activity);
    data.leave("activity", activity);
    let time = record.created();
    Told { kind: "crm.activity.logged", subject: record.subject("task"), time, data }
}

fn done(record: &mut Record<'_>, by: Option<&Value>) -> Told {
    let time = record.fields.get("CompletedDateTime").and_then(fields::moment);
    let mut task = Fields::from_iter([
        ("id".to_owned(), record.id.clone().into()),
        ("status".to_owned(), "completed".into()),
    ]);
    task.extend(record.fields.texts(&[
        ("Subject", "subject"),
        ("Description", "text"),
        ("Priority", "priority"),
    ]));
    task.leave("completed_at", record.fields.take("CompletedDateTime", fields::moment));
    task.leave("completed_by", by.cloned());
    task.leave("owner", record.owner());
    record.fields.shift_remove("IsClosed");
    let mut data = around(record, &mut task);
    data.leave("task", task);
    Told { kind: "crm.task.completed", subject: record.subject("task"), time, data }
}

/// Whom it was with, and what about. What `WhatId` points to is told by the beginning of the id: deals are 006, cases 500.
fn around(record: &mut Record<'_>, activity: &mut Fields) -> Fields {
    let mut data = Fields::new();
    let with = record.fields.get("WhoId").and_then(Value::as_str).and_then(|id| person::by_id(record, id));
    if let Some(with) = with {
        record.fields.shift_remove("WhoId");
        data.insert("customer".into(), json!({"identifiers": [with]}));
    }
    data.leave("account", record.account());
    let about = record.fields.get("WhatId").and_then(Value::as_str).unwrap_or_default().to_owned();
    match about.get(..3) {
        Some("006") => {
            record.fields.shift_remove("WhatId");
            data.insert("opportunity".into(), json!({"id": about}));
        }
        Some("500") => {
            record.fields.shift_remove("WhatId");
            activity.insert("related_to".into(), format!("case/{about}").into());
        }
        _ => {}
    }
    data
}

/// New, or as it is after a change.
pub fn case(record: &mut Record<'_>) -> Option<Told> {
    let created = record.is_new("CreatedDate");
    let time = record.created().filter(|_| created);
    let mut ticket = Fields::from_iter([("id".to_owned(), record.id.clone().into())]);
    ticket.extend(record.fields.texts(&[
        ("CaseNumber", "number"),
        ("Subject", "subject"),
        ("Description", "text"),
        ("Status", "status"),
        ("Priority", "priority"),
        ("Origin", "via"),
        ("Type", "kind"),
        ("Reason", "category"),
    ]));
    ticket.leave("assignee", record.owner());
    ticket.leave("created_at", record.fields.take("CreatedDate", fields::moment));
    ticket.leave("updated_at", record.fields.take("LastModifiedDate", fields::moment));
    ticket.leave("solved_at", record.fields.take("ClosedDate", fields::moment));
    let kind = match (created, ticket.contains_key("status")) {
        (true, _) => "contactcentre.ticket.created",
        (false, true) => "contactcentre.ticket.status_changed",
        (false, false) => return None,
    };
    let mut data = Fields::new();
    data.leave("customer", customer(record));
    data.leave("ticket", ticket);
    Some(Told { kind, subject: record.subject("case"), time, data })
}

/// The contact, or whom a form on the web says it is from.
fn customer(record: &mut Record<'_>) -> Option<Fields> {
    let mut identifiers = Vec::new();
    if let Some(id) = record.fields.text("ContactId") {
        identifiers.extend(person::by_id(record, &id));
    }
    let mut traits = record.fields.texts(&[("SuppliedName", "name")]);
    if let Some(email) = record.fields.take("SuppliedEmail", |value| reach::email(value.as_str()?)) {
        identifiers.push(
            json!({"namespace": "email", "value": email, "kind": "person", "authenticated": "asserted"}),
        );
        traits.insert("email".into(), email.into());
    }
    if let Some(phone) = record.fields.take("SuppliedPhone", |value| reach::phone(value.as_str()?)) {
        identifiers.push(
            json!({"namespace": "phone", "value": phone, "kind": "person", "authenticated": "asserted"}),
        );
        traits.insert("phone".into(), phone.into());
    }
    let mut customer = Fields::new();
    customer.leave("identifiers", identifiers);
    customer.leave("traits", traits);
    (!customer.is_empty()).then_some(customer)
}
