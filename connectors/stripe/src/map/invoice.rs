//! Invoices: <https://docs.stripe.com/api/invoices/object>. What an invoice asks for was ordered, so it is told as an order.

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};

use super::person::Person;
use super::sum::{Currency, sum, total};
use super::{Story, Told, address, each, id, metadata, shipping, subscription, take_id, when};

pub fn told(story: &mut Story) -> Option<Told> {
    let invoice = id(&story.object, "id")?;
    let contract = subscription_of(&mut story.object);
    let reason = story.object.get("billing_reason").and_then(Value::as_str);
    let kind = match story.kind.as_str() {
        "invoice.paid" | "invoice.payment_succeeded" => match (reason, &contract) {
            (Some("subscription_cycle" | "subscription"), Some(_)) => "subscription.contract.renewed",
            _ => "commerce.order.paid",
        },
        "invoice.payment_failed" if contract.is_some() => "subscription.contract.payment_failed",
        // Others come of a checkout, a subscription or its renewal, which are told.
        "invoice.finalized" if matches!(reason, Some("manual" | "quote_accept")) => "commerce.order.placed",
        "invoice.voided" => "commerce.order.cancelled",
        "invoice.payment_failed" | "invoice.marked_uncollectible" | "invoice.updated" => {
            "commerce.order.edited"
        }
        _ => return None,
    };
    let failed = story.kind == "invoice.payment_failed";
    let at = story.at.clone();
    let from = &mut story.object;
    let currency = Currency::of(from);
    let mut person = Person::of(from);
    person.order(&invoice);
    let mut data = Fields::new();
    let payment = payment(from, failed, currency.as_ref());
    let contract_told = kind.starts_with("subscription.");
    if contract_told && let Some(contract) = &contract {
        data.leave("subscription", period(from, contract, &invoice, failed));
    }
    let mut order = order(from, &mut person, &invoice, currency);
    if failed {
        order.insert("payment_status".into(), "failed".into());
    }
    if kind == "commerce.order.cancelled" {
        order.insert("status".into(), "cancelled".into());
        order.leave("cancelled_at", at);
    }
    if !contract_told {
        order.leave("payments", payment.map(|payment| vec![Value::Object(payment)]));
        order.leave("subscription_id", contract);
        data.leave("customer", Value::from(person));
        data.leave("order", order);
        return Told::new(kind, format!("order/{invoice}"), data);
    }
    data.leave("customer", Value::from(person));
    data.leave("payment", payment);
    data.leave("order", order);
    Told::new(kind, format!("subscription/{}", contract?), data)
}

/// Since API version 2025-03-31 it stands in `parent`.
fn subscription_of(from: &mut Fields) -> Option<String> {
    if let Some(found) = take_id(from, "subscription") {
        return Some(found);
    }
    let details = from.get_mut("parent")?.get_mut("subscription_details")?.as_object_mut()?;
    take_id(details, "subscription")
}

/// What the invoice says of the subscription that it is for.
fn period(from: &mut Fields, contract: &str, invoice: &str, failed: bool) -> Fields {
    let mut found = Fields::new();
    found.insert("id".into(), contract.into());
    found.insert("order_id".into(), invoice.into());
    found.leave("attempt", from.take("attempt_count", |count| count.as_u64().filter(|count| *count > 0)));
    found.leave("retry_at", when(from, "next_payment_attempt"));
    if failed {
        return found;
    }
    // The lines' periods are what is paid for; the invoice's own is the one before.
    let line = from.get_mut("lines").and_then(|lines| lines.get_mut("data")?.get_mut(0)?.as_object_mut());
    if let Some(mut period) = line.and_then(|line| line.object("period")) {
        found.leave("renewed_at", when(&mut period, "start"));
        found.leave("next_billing_at", when(&mut period, "end"));
    }
    found
}

fn payment(from: &mut Fields, failed: bool, currency: Option<&Currency>) -> Option<Fields> {
    let units = |name: &str| from.get(name).and_then(Value::as_i64).filter(|units| *units > 0);
    let amount = if failed { units("amount_due") } else { units("amount_paid") };
    let amount = currency?.money(amount?)?;
    let mut payment = Fields::new();
    payment.leave("id", take_id(from, "charge").or_else(|| take_id(from, "payment_intent")));
    payment.insert("gateway".into(), "stripe".into());
    payment.insert("status".into(), if failed { "failed" } else { "paid" }.into());
    payment.insert("amount".into(), amount);
    if !failed {
        let paid = |at: &mut Value| when(at.as_object_mut()?, "paid_at");
        payment.leave("at", from.get_mut("status_transitions").and_then(paid));
    }
    payment.leave("test", from.get("livemode").and_then(Value::as_bool).map(|live| !live));
    Some(payment)
}

fn order(from: &mut Fields, person: &mut Person, invoice: &str, currency: Option<Currency>) -> Fields {
    let money = currency.as_ref();
    let mut order =
        from.texts(&[("number", "number"), ("description", "note"), ("hosted_invoice_url", "url")]);
    order.insert("id".into(), invoice.into());
    from.shift_remove("id");
    let status = |value: &Value| {
        Some(match value.as_str()? {
            "open" => "pending".to_owned(),
            "void" => "voided".to_owned(),
            other => other.to_owned(),
        })
    };
    order.leave("payment_status", from.take("status", status));
    order.leave("created_at", when(from, "created"));
    let finalized = |at: &mut Value| when(at.as_object_mut()?, "finalized_at");
    order.leave("placed_at", from.get_mut("status_transitions").and_then(finalized));
    order.leave("payment_terms", when(from, "due_date"));
    order.leave("test", from.get("livemode").and_then(Value::as_bool).map(|live| !live));
    billed(from, person, &mut order);
    for (name, ours) in [
        ("subtotal", "subtotal"),
        ("amount_shipping", "shipping"),
        ("tax", "tax"),
        ("total", "total"),
        ("amount_paid", "paid"),
        ("amount_remaining", "outstanding"),
    ] {
        order.leave(ours, sum(from, name, money));
    }
    order.leave("discount", total(from, "total_discount_amounts", money));
    if !order.contains_key("tax") {
        order.leave(
            "tax",
            total(from, "total_taxes", money).or_else(|| total(from, "total_tax_amounts", money)),
        );
    }
    order.leave("taxes", taxes(from, money));
    order.leave("lines", each(from, "lines", line));
    order.leave("currency", currency.map(|currency| currency.code));
    order.leave("attributes", custom_fields(from));
    metadata(from, &mut order);
    order
}

fn billed(from: &mut Fields, person: &mut Person, order: &mut Fields) {
    let name = from.text("customer_name");
    if let Some(mut inner) = from.object("customer_address") {
        let mut found = address(&mut inner);
        if !found.is_empty() {
            found.leave("name", name.clone());
        }
        order.leave("billing_address", found);
        from.leave("customer_address", inner);
    }
    let (email, phone) = (from.text("customer_email"), from.text("customer_phone"));
    order.leave("email", email.clone());
    order.leave("phone", phone.clone());
    person.name(name);
    person.email(email);
    person.phone(phone);
    person.traits.leave("tax_exempt", from.take("customer_tax_exempt", super::customer::exempt));
    let found = shipping(from, "shipping_details").filter(|found| !found.is_empty());
    order.leave("shipping_address", found.or_else(|| shipping(from, "customer_shipping")));
}

/// Lines are of one currency with their invoice, and say so again.
fn line(from: &mut Fields) -> Fields {
    let currency = Currency::of(from);
    let money = currency.as_ref();
    let mut line = from.texts(&[("id", "id"), ("quantity", "quantity")]);
    if let Some(mut price) = from.object("price") {
        let rhythm = subscription::product(&mut price, &mut line);
        let named = |name: &str| Some(json!({"name": name, "value": rhythm.get(name)?}));
        let named = ["interval", "interval_count"].into_iter().filter_map(named);
        line.leave("attributes", named.collect::<Vec<_>>());
        from.leave("price", price);
        from.shift_remove("plan");
    } else if let Some(mut pricing) = from.object("pricing") {
        if let Some(mut details) = pricing.object("price_details") {
            let mut product = Fields::new();
            product.leave("id", take_id(&mut details, "product"));
            product.leave("variant_id", take_id(&mut details, "price"));
            line.leave("product", product);
            pricing.leave("price_details", details);
        }
        from.leave("pricing", pricing);
    }
    let name = from.text("description");
    if let Some(name) = name {
        line.entry("product").or_insert_with(|| json!({}))["name"] = name.into();
    }
    line.leave("total", sum(from, "amount", money));
    line.leave("discount", total(from, "discount_amounts", money));
    line.leave("taxes", taxes(from, money));
    line.leave("subscription_id", take_id(from, "subscription"));
    line
}

/// `taxes` and `total_taxes`; before API version 2025-03-31 `tax_amounts` and `total_tax_amounts`.
fn taxes(from: &mut Fields, currency: Option<&Currency>) -> Vec<Value> {
    let names = ["taxes", "total_taxes", "tax_amounts", "total_tax_amounts"];
    let held = names.into_iter().find(|name| from.get(*name).is_some_and(Value::is_array));
    let list = held.and_then(|name| from.get_mut(name)?.as_array_mut());
    let mut found = Vec::new();
    for item in list.into_iter().flatten().filter_map(Value::as_object_mut) {
        let mut tax = Fields::new();
        tax.leave("amount", sum(item, "amount", currency));
        tax.leave("taxable", sum(item, "taxable_amount", currency));
        let inclusive = item.take("tax_behavior", |word| word.as_str().map(|word| word == "inclusive"));
        tax.leave("inclusive", inclusive.or_else(|| item.take("inclusive", Value::as_bool)));
        let rate = item.get_mut("tax_rate_details").and_then(Value::as_object_mut);
        let code = rate.and_then(|details| details.text("tax_rate"));
        tax.leave("code", code.or_else(|| item.text("tax_rate")));
        found.push(Value::Object(tax));
    }
    found
}

fn custom_fields(from: &mut Fields) -> Vec<Value> {
    let named = |field: &Value| {
        let text = |name: &str| field.get(name).and_then(fields::text);
        Some(json!({"name": text("name")?, "value": text("value")?}))
    };
    let all = |list: &Value| list.as_array()?.iter().map(named).collect::<Option<Vec<_>>>();
    from.take("custom_fields", all).unwrap_or_default()
}

/// A credit note lessens what an invoice asks for: <https://docs.stripe.com/api/credit_notes/object>.
pub fn credited(story: &mut Story) -> Option<Told> {
    let invoice = id(&story.object, "invoice")?;
    let from = &mut story.object;
    from.shift_remove("invoice");
    let mut person = Person::of(from);
    person.order(&invoice);
    let mut edit = from.texts(&[("memo", "note")]);
    edit.insert("change".into(), "price_changed".into());
    let mut data = Fields::new();
    data.leave("customer", Value::from(person));
    data.insert("order".into(), json!({"id": invoice, "edits": [edit]}));
    Told::new("commerce.order.edited", format!("order/{invoice}"), data)
}
