//! Subscriptions: <https://docs.stripe.com/api/subscriptions/object>.

use serde_json::{Value, json};
use snodo_connector::fields::{Fields, Take};

use super::person::Person;
use super::sum::{Currency, sum};
use super::{Story, Told, each, id, take_id, when};

pub fn told(story: &mut Story) -> Option<Told> {
    let kind = match story.kind.as_str() {
        "customer.subscription.created" => "subscription.contract.started",
        "customer.subscription.deleted" => "subscription.contract.cancelled",
        "customer.subscription.paused" | "customer.subscription.collection_paused" => {
            "subscription.contract.paused"
        }
        "customer.subscription.updated" => updated(story)?,
        _ => return None,
    };
    let subscription = id(&story.object, "id")?;
    let from = &mut story.object;
    let person = Person::of(from);
    let mut found = Fields::new();
    found.insert("id".into(), subscription.clone().into());
    from.shift_remove("id");
    let status = |value: &Value| {
        value.as_str().map(|word| if word == "canceled" { "cancelled" } else { word }.to_owned())
    };
    found.leave("status", from.take("status", status));
    items(from, &mut found);
    for (name, ours) in [
        ("start_date", "started_at"),
        ("current_period_start", "renewed_at"),
        ("current_period_end", "next_billing_at"),
        ("canceled_at", "cancelled_at"),
        ("ended_at", "ends_at"),
        ("trial_end", "trial_ends_at"),
    ] {
        found.leave(ours, when(from, name));
    }
    if !found.contains_key("ends_at") {
        found.leave("ends_at", when(from, "cancel_at"));
    }
    if kind == "subscription.contract.paused" {
        found.leave("paused_at", story.at.clone());
    }
    if let Some(mut pause) = from.object("pause_collection") {
        found.leave("resumes_at", when(&mut pause, "resumes_at"));
        from.leave("pause_collection", pause);
    }
    if let Some(mut details) = from.object("cancellation_details") {
        let why = ["comment", "feedback", "reason"].iter().find_map(|name| details.text(name));
        found.leave("cancel_reason", why);
        from.leave("cancellation_details", details);
    }
    found.leave("auto_renew", from.take("cancel_at_period_end", Value::as_bool).map(|ends| !ends));
    found.leave("order_id", take_id(from, "latest_invoice"));
    let mut data = Fields::new();
    data.leave("customer", Value::from(person));
    data.leave("subscription", found);
    Told::new(kind, format!("subscription/{subscription}"), data)
}

/// What an update means, by what it changed. A new period is told by its invoice, which holds the money too.
fn updated(story: &Story) -> Option<&'static str> {
    let now = |name: &str| story.object.get(name).unwrap_or(&Value::Null);
    let is_new = |name: &str| story.previous.get(name).is_some_and(|before| before != now(name));
    let ends = is_new("cancel_at_period_end") && *now("cancel_at_period_end") == json!(true)
        || is_new("cancel_at") && now("cancel_at").is_number()
        || is_new("status") && *now("status") == json!("canceled");
    let pauses = is_new("pause_collection")
        && now("pause_collection").is_object()
        && story.previous["pause_collection"].is_null()
        || is_new("status") && *now("status") == json!("paused");
    match (ends, pauses) {
        (true, _) => Some("subscription.contract.cancelled"),
        (_, true) => Some("subscription.contract.paused"),
        _ => None,
    }
}

fn items(from: &mut Fields, to: &mut Fields) {
    let mut plan = Fields::new();
    let mut period = Fields::new();
    let lines = each(from, "items", |item| {
        let mut line = item.texts(&[("id", "id"), ("quantity", "quantity")]);
        // Since API version 2025-03-31 the period is each item's own.
        for (name, ours) in
            [("current_period_start", "renewed_at"), ("current_period_end", "next_billing_at")]
        {
            if let Some(at) = when(item, name) {
                period.entry(ours).or_insert_with(|| at.into());
            }
        }
        item.shift_remove("plan");
        if let Some(mut price) = item.object("price") {
            let found = product(&mut price, &mut line);
            if plan.is_empty() {
                plan = found;
            }
            item.leave("price", price);
        }
        line
    });
    if let [line] = lines.as_slice() {
        plan.leave("price", total(line));
    }
    to.extend(plan);
    to.extend(period);
    to.leave("lines", lines);
    for name in ["plan", "quantity", "currency"] {
        from.shift_remove(name);
    }
}

/// What a price says: <https://docs.stripe.com/api/prices/object>. The product and its price go to the line, the rhythm comes back.
pub fn product(price: &mut Fields, line: &mut Fields) -> Fields {
    let mut product = Fields::new();
    product.leave("id", take_id(price, "product"));
    let plan = price.text("id");
    product.leave("variant_id", plan.clone());
    let name = price.text("nickname");
    product.leave("variant", name.clone());
    line.leave("product", product);
    let currency = Currency::of(price);
    line.leave("unit_price", sum(price, "unit_amount", currency.as_ref()));
    if line.contains_key("unit_price") {
        price.shift_remove("unit_amount_decimal");
    }
    let mut rhythm = Fields::new();
    rhythm.leave("plan_id", plan);
    rhythm.leave("plan", name);
    if let Some(mut recurring) = price.object("recurring") {
        let interval = |value: &Value| {
            value
                .as_str()
                .filter(|word| matches!(*word, "day" | "week" | "month" | "year"))
                .map(str::to_owned)
        };
        rhythm.leave("interval", recurring.take("interval", interval));
        rhythm.leave("interval_count", recurring.take("interval_count", Value::as_u64));
        price.leave("recurring", recurring);
    }
    rhythm
}

/// Of a subscription to one thing: as many as there are, times the price.
fn total(line: &Value) -> Option<Value> {
    let price = line.get("unit_price")?;
    match line.get("quantity").and_then(Value::as_str) {
        None | Some("1") => Some(price.clone()),
        Some(_) => None,
    }
}
