//! Refunds: <https://docs.stripe.com/api/refunds/object>.

use serde_json::{Value, json};
use snodo_connector::fields::{Fields, Take};

use super::person::Person;
use super::sum::{Currency, sum};
use super::{Story, Told, charge, id, when};

pub fn told(story: &mut Story) -> Option<Told> {
    let refund_id = id(&story.object, "id")?;
    let order_id = charge::order_id(&story.object).filter(|order| *order != refund_id);
    let mut person = Person::of(&mut story.object);
    if let Some(order_id) = &order_id {
        person.order(order_id);
    }
    let mut refund = refund(&mut story.object, order_id.as_deref());
    let mut data = Fields::new();
    data.leave("customer", Value::from(person));
    if story.kind == "refund.created" {
        data.leave("refund", refund);
        return Told::new("commerce.refund.issued", format!("refund/{refund_id}"), data);
    }
    // What became of a refund that was told before.
    let order_id = order_id?;
    refund.shift_remove("order_id");
    data.insert("order".into(), json!({"id": order_id, "refunds": [refund]}));
    Told::new("commerce.order.edited", format!("order/{order_id}"), data)
}

fn refund(from: &mut Fields, order_id: Option<&str>) -> Fields {
    let mut refund =
        from.texts(&[("id", "id"), ("reason", "reason"), ("status", "status"), ("description", "note")]);
    refund.leave("order_id", order_id);
    let currency = Currency::of(from);
    refund.leave("amount", sum(from, "amount", currency.as_ref()));
    refund.leave("at", when(from, "created"));
    let mut payment = Fields::new();
    payment.leave("parent_id", from.text("charge"));
    payment.extend(from.texts(&[("failure_reason", "error")]));
    if let Some(mut details) = from.object("destination_details") {
        super::payment::means(&mut details, &mut payment);
        from.leave("destination_details", details);
    }
    if !payment.is_empty() {
        payment.insert("action".into(), "refund".into());
        payment.insert("gateway".into(), "stripe".into());
        refund.insert("payments".into(), json!([payment]));
    }
    if from.get("payment_intent").and_then(Value::as_str) == order_id {
        from.shift_remove("payment_intent");
    }
    refund
}

/// What `charge.refunded` tells of it: the refund itself until API version 2022-11-15, since then by how much the sum of them grew.
pub fn of_charge(story: &mut Story, order_id: &str) -> Fields {
    let newest =
        story.object.get_mut("refunds").and_then(|list| list.get_mut("data")?.get_mut(0)?.as_object_mut());
    if let Some(newest) = newest {
        return refund(newest, Some(order_id));
    }
    let mut refund = Fields::new();
    refund.insert("order_id".into(), order_id.into());
    refund.leave("at", story.at.clone());
    let units = |of: &Fields| of.get("amount_refunded").and_then(Value::as_i64);
    let grown = units(&story.object).and_then(|now| now.checked_sub(units(&story.previous).unwrap_or(0)));
    let currency = story.object.get("currency").and_then(|code| Currency::named(code.as_str()?));
    refund.leave("amount", grown.and_then(|units| currency?.money(units)));
    refund
}
