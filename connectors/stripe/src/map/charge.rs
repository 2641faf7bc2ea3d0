//! Charges: <https://docs.stripe.com/api/charges/object>. An order is known by what Stripe says of it first: the invoice, else the
//! payment intent, else the charge. So all that is told of one order has one id.

use serde_json::{Value, json};
use snodo_connector::fields::{Fields, Take};

use super::person::Person;
use super::sum::{Currency, sum};
use super::{Story, Told, address, each, id, metadata, payment, refund, shipping, when};

pub fn order_id(of: &Fields) -> Option<String> {
    ["invoice", "payment_intent", "charge", "id"].iter().find_map(|name| id(of, name))
}

pub fn told(story: &mut Story) -> Option<Told> {
    let order_id = order_id(&story.object)?;
    let uncaptured = story.object.get("captured") == Some(&Value::Bool(false));
    let kind = match story.kind.as_str() {
        "charge.refunded" => "commerce.refund.issued",
        "charge.succeeded" | "charge.captured" if !uncaptured => "commerce.order.paid",
        // Who failed to pay has not ordered. Of a renewal the invoice tells it.
        "charge.failed" if id(&story.object, "invoice").is_some() => return None,
        "charge.failed" => "commerce.checkout.payment_entered",
        _ => "commerce.order.edited",
    };
    let refund = (kind == "commerce.refund.issued").then(|| refund::of_charge(story, &order_id));
    let from = &mut story.object;
    let mut data = Fields::new();
    let mut person = Person::of(from);
    let mut order = Fields::new();
    order.insert("id".into(), order_id.clone().into());
    let lapsed = story.kind == "charge.expired";
    order.leave("payment_status", if lapsed { Some("voided") } else { status(from) });
    if payment::in_person(from.get("payment_method_details")) {
        data.insert("touchpoint".into(), json!({"channel": "pos"}));
    }
    billed(from, &mut person, &mut order);
    if person.is_unknown() || kind == "commerce.order.paid" {
        person.order(&order_id);
    }
    let currency = Currency::of(from);
    let paid = payment(from, currency.as_ref());
    for (name, to) in [("amount", "total"), ("amount_captured", "paid"), ("amount_refunded", "refunded")] {
        order.leave(to, sum(from, name, currency.as_ref()));
    }
    order.leave("currency", currency.map(|currency| currency.code));
    order.leave("shipping_address", shipping(from, "shipping"));
    order.extend(from.texts(&[("description", "note")]));
    metadata(from, &mut order);
    order.leave("payments", vec![Value::Object(paid)]);
    forget(from, &order_id);
    data.leave("customer", Value::from(person));
    if kind == "commerce.checkout.payment_entered" {
        data.leave("checkout", as_checkout(order));
        return Told::new(kind, format!("checkout/{order_id}"), data);
    }
    data.leave("refund", refund);
    data.leave("order", order);
    Told::new(kind, format!("order/{order_id}"), data)
}

/// What only says again which order it is, and how far it is paid.
pub fn forget(from: &mut Fields, order_id: &str) {
    for name in ["invoice", "payment_intent"] {
        if from.get(name).and_then(Value::as_str) == Some(order_id) {
            from.shift_remove(name);
        }
    }
    for name in ["status", "captured", "paid", "refunded"] {
        from.shift_remove(name);
    }
}

/// A checkout names by other names what an order has, and has not all of it.
pub fn as_checkout(mut order: Fields) -> Fields {
    order.shift_remove("paid");
    order.shift_remove("refunded");
    if let Some(status) = order.shift_remove("payment_status") {
        order.insert("status".into(), status);
    }
    if let Some(number) = order.shift_remove("number") {
        order.insert("order_id".into(), number);
    }
    order
}

/// What the payer gave with the card: <https://docs.stripe.com/api/charges/object#charge_object-billing_details>.
pub fn billed(from: &mut Fields, person: &mut Person, order: &mut Fields) {
    let mut email = None;
    if let Some(mut details) = from.object("billing_details") {
        let (name, phone) = (details.text("name"), details.text("phone"));
        email = details.text("email");
        if let Some(mut inner) = details.object("address") {
            let mut found = address(&mut inner);
            if !found.is_empty() {
                found.leave("name", name.clone());
            }
            order.leave("billing_address", found);
            details.leave("address", inner);
        }
        person.name(name);
        person.phone(phone);
        from.leave("billing_details", details);
    }
    person.email(email.clone());
    // Where the receipt went is the better one: the payer asked for it.
    let receipt = from.text("receipt_email");
    person.email(receipt.clone());
    order.leave("email", receipt.or(email));
}

/// One payment. Takes what is of the payment alone, not what the order has too.
pub fn payment(from: &mut Fields, currency: Option<&Currency>) -> Fields {
    let mut payment = Fields::new();
    payment.leave("id", from.text("id"));
    payment.insert("gateway".into(), "stripe".into());
    payment.leave("status", status(from));
    let amount = from.get("amount").and_then(Value::as_i64).and_then(|units| currency?.money(units));
    payment.leave("amount", amount);
    payment.leave("at", when(from, "created"));
    if let Some(mut details) = from.object("payment_method_details") {
        super::payment::means(&mut details, &mut payment);
        from.leave("payment_method_details", details);
    }
    payment.extend(from.texts(&[("receipt_number", "reference"), ("failure_message", "error")]));
    if from.get("failure_code").is_some_and(|code| !code.is_null()) {
        payment.insert("declined".into(), true.into());
    }
    payment.leave("test", from.get("livemode").and_then(Value::as_bool).map(|live| !live));
    payment
}

fn status(of: &Fields) -> Option<&str> {
    let is = |name: &str| of.get(name).and_then(Value::as_bool) == Some(true);
    let refunded = of.get("amount_refunded").and_then(Value::as_i64).is_some_and(|units| units > 0);
    Some(match of.get("status")?.as_str()? {
        "succeeded" if is("refunded") => "refunded",
        "succeeded" if refunded => "partially_refunded",
        "succeeded" if of.get("captured") == Some(&Value::Bool(false)) => "authorized",
        "succeeded" => "paid",
        other => other,
    })
}

/// The charges in a payment intent, until API version 2022-11-15.
pub fn list(from: &mut Fields) -> Vec<Value> {
    each(from, "charges", |charge| {
        let currency = Currency::of(charge);
        let paid = payment(charge, currency.as_ref());
        for name in ["amount", "status", "captured", "paid", "refunded"] {
            charge.shift_remove(name);
        }
        paid
    })
}
