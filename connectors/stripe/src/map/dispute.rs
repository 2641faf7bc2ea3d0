//! Disputes: <https://docs.stripe.com/api/disputes/object>. Whoever asks the bank for their money back complains.

use serde_json::Value;
use snodo_connector::fields::{Fields, Take};

use super::person::Person;
use super::sum::{Currency, sum};
use super::{Story, Told, charge, id, when};

pub fn raised(story: &mut Story) -> Option<Told> {
    let dispute = id(&story.object, "id")?;
    let order = charge::order_id(&story.object).filter(|order| *order != dispute);
    let from = &mut story.object;
    let mut complaint = from.texts(&[("id", "id"), ("reason", "category")]);
    complaint.get("category")?;
    let currency = Currency::of(from);
    complaint.insert("status".into(), "open".into());
    complaint.leave("value", sum(from, "amount", currency.as_ref()));
    complaint.leave("raised_at", when(from, "created"));
    if let Some(mut details) = from.object("evidence_details") {
        complaint.leave("due_at", when(&mut details, "due_by"));
        from.leave("evidence_details", details);
    }
    let mut person = Person::default();
    if let Some(mut evidence) = from.object("evidence") {
        person.name(evidence.text("customer_name"));
        person.email(evidence.text("customer_email_address"));
        from.leave("evidence", evidence);
    }
    if let Some(order) = order {
        person.order(&order);
        for name in ["payment_intent", "charge"] {
            if from.get(name).and_then(Value::as_str) == Some(&order) {
                from.shift_remove(name);
            }
        }
        complaint.insert("order_id".into(), order.into());
    }
    let mut data = Fields::new();
    data.leave("customer", Value::from(person));
    data.leave("complaint", complaint);
    Told::new("voc.complaint.raised", format!("complaint/{dispute}"), data)
}
