//! Payment intents: <https://docs.stripe.com/api/payment_intents/object>.

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};

use super::charge::{as_checkout, forget, list, order_id};
use super::person::Person;
use super::sum::{Currency, sum};
use super::{Story, Told, id, metadata, shipping, when};

pub fn told(story: &mut Story) -> Option<Told> {
    let (kind, status) = match story.kind.as_str() {
        "payment_intent.succeeded" => ("commerce.order.paid", "paid"),
        "payment_intent.amount_capturable_updated" => ("commerce.order.edited", "authorized"),
        "payment_intent.partially_funded" => ("commerce.order.edited", "partially_paid"),
        "payment_intent.canceled" => ("commerce.order.cancelled", "voided"),
        // One is made also for each renewal, and tried without the customer. Of those the invoice tells.
        "payment_intent.payment_failed" if id(&story.object, "invoice").is_none() => {
            ("commerce.checkout.payment_entered", "failed")
        }
        _ => return None,
    };
    let order_id = order_id(&story.object)?;
    let at = story.at.clone();
    let from = &mut story.object;
    let mut person = Person::of(from);
    let currency = Currency::of(from);
    let mut order = Fields::new();
    order.insert("id".into(), order_id.clone().into());
    order.insert("payment_status".into(), status.into());
    if kind == "commerce.order.cancelled" {
        order.insert("status".into(), "cancelled".into());
        order.leave("cancelled_at", when(from, "canceled_at").or(at));
        order.extend(from.texts(&[("cancellation_reason", "cancel_reason")]));
    }
    order.leave("created_at", when(from, "created"));
    let payments = payments(from, status, currency.as_ref());
    order.leave("total", sum(from, "amount", currency.as_ref()));
    order.leave("paid", sum(from, "amount_received", currency.as_ref()));
    if let Some(mut details) = from.object("amount_details") {
        if let Some(mut tip) = details.object("tip") {
            order.leave("tip", sum(&mut tip, "amount", currency.as_ref()));
            details.leave("tip", tip);
        }
        from.leave("amount_details", details);
    }
    order.leave("currency", currency.map(|currency| currency.code));
    order.leave("shipping_address", shipping(from, "shipping"));
    order.extend(from.texts(&[("description", "note")]));
    metadata(from, &mut order);
    order.leave("payments", payments);
    let email = from.text("receipt_email");
    person.email(email.clone());
    order.leave("email", email);
    if person.is_unknown() || kind == "commerce.order.paid" {
        person.order(&order_id);
    }
    forget(from, &order_id);
    from.shift_remove("id");
    let mut data = Fields::new();
    data.leave("customer", Value::from(person));
    if kind == "commerce.checkout.payment_entered" {
        data.leave("checkout", as_checkout(order));
        return Told::new(kind, format!("checkout/{order_id}"), data);
    }
    data.leave("order", order);
    Told::new(kind, format!("order/{order_id}"), data)
}

/// The charges, where it holds them; else the one that its newest charge, or it itself, stands for.
fn payments(from: &mut Fields, status: &str, currency: Option<&Currency>) -> Vec<Value> {
    let charges = list(from);
    if !charges.is_empty() {
        return charges;
    }
    let mut payment = Fields::new();
    payment.leave("id", from.text("latest_charge").or_else(|| id(from, "id")));
    payment.insert("gateway".into(), "stripe".into());
    payment.insert("status".into(), status.into());
    let units = |name: &str| from.get(name).and_then(Value::as_i64).filter(|units| *units > 0);
    let amount = units("amount_received").or_else(|| units("amount"));
    payment.leave("amount", amount.and_then(|units| currency?.money(units)));
    payment.leave("test", from.get("livemode").and_then(Value::as_bool).map(|live| !live));
    let method = |value: &Value| match value.as_array()?.as_slice() {
        [only] => fields::text(only),
        _ => None,
    };
    payment.leave("method", from.take("payment_method_types", method));
    if let Some(mut error) = from.object("last_payment_error") {
        payment.leave("error", error.text("message").or_else(|| error.text("code")));
        payment.leave("declined", (error.get("type") == Some(&json!("card_error"))).then_some(true));
        if let Some(method) = error.get_mut("payment_method").and_then(Value::as_object_mut) {
            super::payment::means(method, &mut payment);
        }
        from.leave("last_payment_error", error);
    }
    vec![Value::Object(payment)]
}
