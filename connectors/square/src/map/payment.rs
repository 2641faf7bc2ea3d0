//! Payments: <https://developer.squareup.com/reference/square/objects/Payment>. Square tells of a payment again whenever something
//! about it changes, such as the fee: so each step of it is one fact, however often it is told.

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};
use snodo_connector::money;

use super::person::Person;
use super::{Story, Told, addressed, money as sum, store, touched};

const RECEIPT: [(&str, &str); 3] =
    [("receipt_number", "number"), ("receipt_url", "digital_url"), ("note", "note")];

pub fn told(story: &mut Story) -> Option<Told> {
    let from = &mut story.object;
    let id = from.get("id").and_then(fields::text)?;
    let order_id = from.text("order_id");
    let online = is_online(from);
    let (kind, step) = match (from.get("status")?.as_str()?, online && order_id.is_some()) {
        ("COMPLETED", true) => ("commerce.order.paid", "completed"),
        ("COMPLETED", false) => ("pos.sale.completed", "completed"),
        ("APPROVED", _) => ("pos.tender.accepted", "accepted"),
        ("CANCELED", true) => ("commerce.order.cancelled", "canceled"),
        ("CANCELED", false) => ("pos.sale.voided", "canceled"),
        _ => return None,
    };
    from.get("total_money").or_else(|| from.get("amount_money")).and_then(super::amount)?;
    let time = touched(from);
    let mut person = Person::of(from);
    person.email(from.text("buyer_email_address"));
    person.sale("square:order", order_id.as_deref());
    person.sale("square:payment", Some(&id));
    let mut data = Fields::new();
    data.leave("customer", Value::from(person));
    let mut touchpoint = Fields::new();
    touchpoint.insert("channel".into(), if online { "web" } else { "pos" }.into());
    let operator = from.text("team_member_id").or_else(|| from.text("employee_id"));
    touchpoint.leave("operator", operator.map(|id| json!({"id": id})));
    let (billing, shipping) = (addressed(from, "billing_address"), addressed(from, "shipping_address"));
    let place = store(from);
    let till = till(from);
    if kind.starts_with("commerce.") {
        data.insert("touchpoint".into(), touchpoint.into());
        let order_id = order_id?;
        let mut order = Fields::new();
        order.insert("id".into(), order_id.clone().into());
        order.leave("store", place);
        order.leave("billing_address", billing);
        order.leave("shipping_address", shipping);
        order.leave("note", from.text("note"));
        if step == "canceled" {
            order.insert("status".into(), "cancelled".into());
            order.leave("cancelled_at", time.clone());
        }
        order.insert("payments".into(), json!([payment(from)]));
        data.insert("order".into(), order.into());
        let told = Told::new(kind, format!("order/{order_id}"), data)?.at(time);
        return Some(Told { fact: Some(format!("payment/{id}/{step}")), ..told });
    }
    data.insert("touchpoint".into(), touchpoint.into());
    data.leave("store", place);
    data.leave("till", till);
    if step == "accepted" {
        let mut paid = payment(from);
        paid.leave("order_id", order_id);
        data.insert("payment".into(), paid.into());
        data.leave("receipt", from.texts(&RECEIPT));
    } else {
        data.insert("receipt".into(), receipt(from, order_id, &id, (step, &time)).into());
    }
    // The addresses are the payer's own.
    let addresses = [(billing, "billing"), (shipping, "shipping")].into_iter().filter_map(|(found, kind)| {
        let mut found = found?;
        found.insert("kind".into(), kind.into());
        Some(Value::Object(found))
    });
    let addresses: Vec<Value> = addresses.collect();
    if let Some(customer) = data.get_mut("customer").filter(|_| !addresses.is_empty()) {
        customer["traits"]["addresses"] = addresses.into();
    }
    let told = Told::new(kind, format!("receipt/{id}"), data)?.at(time);
    Some(Told { fact: Some(format!("payment/{id}/{step}")), ..told })
}

fn receipt(
    from: &mut Fields,
    order_id: Option<String>,
    id: &str,
    (step, time): (&str, &Option<String>),
) -> Fields {
    let mut receipt = from.texts(&RECEIPT);
    receipt.insert("id".into(), id.into());
    receipt.insert("kind".into(), if step == "canceled" { "void" } else { "sale" }.into());
    receipt.leave("order_id", order_id);
    receipt.leave("closed_at", time.clone());
    receipt.leave("offline", from.take("is_offline_payment", Value::as_bool));
    let paid = payment(from);
    receipt.leave("tip", paid.get("tip").cloned());
    receipt.leave("total", paid.get("amount").cloned());
    receipt.leave("currency", paid.get("amount").and_then(|amount| amount.get("currency")).cloned());
    receipt.insert("payments".into(), json!([paid]));
    receipt
}

fn is_online(of: &Fields) -> bool {
    let product = of.get("application_details").and_then(|details| details.get("square_product"));
    matches!(product.and_then(Value::as_str), Some("ECOMMERCE_API" | "ONLINE_STORE" | "INVOICES"))
}

fn till(from: &mut Fields) -> Option<Fields> {
    let mut details = from.object("device_details")?;
    let till = details.texts(&[("device_id", "id"), ("device_name", "name")]);
    from.leave("device_details", details);
    Some(till).filter(|till| !till.is_empty())
}

fn payment(from: &mut Fields) -> Fields {
    let mut payment = from.texts(&[("id", "id"), ("source_type", "method"), ("reference_id", "reference")]);
    payment.insert("gateway".into(), "square".into());
    let status = |word: &Value| {
        Some(match word.as_str()? {
            "APPROVED" => "authorized".to_owned(),
            "COMPLETED" => "paid".to_owned(),
            "CANCELED" => "voided".to_owned(),
            other => other.to_lowercase(),
        })
    };
    payment.leave("status", from.take("status", status));
    payment.leave("at", from.moment("created_at"));
    let total = sum(from, "total_money");
    let net = if total.is_none() { sum(from, "amount_money") } else { None };
    payment.leave("amount", total.or(net));
    for name in ["amount_money", "approved_money"] {
        // The same once more.
        if from.get(name).and_then(super::amount).is_some_and(|money| payment.get("amount") == Some(&money)) {
            from.shift_remove(name);
        }
    }
    payment.leave("tip", sum(from, "tip_money"));
    payment.leave("fee", fee(from));
    let mut kind = match payment.get("method").and_then(Value::as_str) {
        Some("CARD") => "card",
        Some("CASH") => "cash",
        Some("BANK_ACCOUNT") => "bank",
        Some("WALLET") => "wallet",
        Some("BUY_NOW_PAY_LATER") => "financing",
        Some("SQUARE_ACCOUNT") => "account",
        _ => "other",
    };
    if let Some(mut details) = from.object("card_details") {
        if let Some(mut held) = details.object("card") {
            if held.get("card_brand") == Some(&json!("SQUARE_GIFT_CARD")) {
                kind = "gift_card";
            }
            let mut read = card(&mut held);
            let entry = |word: &Value| {
                Some(match word.as_str()? {
                    "EMV" => "chip".to_owned(),
                    other => other.to_lowercase(),
                })
            };
            read.leave("entry", details.take("entry_method", entry));
            payment.leave("card", read);
            details.leave("card", held);
        }
        payment.extend(details.texts(&[("auth_result_code", "authorization_code")]));
        from.leave("card_details", details);
    }
    payment.insert("kind".into(), kind.into());
    if let Some(mut cash) = from.object("cash_details") {
        payment.leave("tendered", sum(&mut cash, "buyer_supplied_money"));
        payment.leave("change", sum(&mut cash, "change_back_money"));
        from.leave("cash_details", cash);
    }
    for (name, inner) in [
        ("wallet_details", "brand"),
        ("buy_now_pay_later_details", "brand"),
        ("bank_account_details", "bank_name"),
        ("external_details", "source"),
    ] {
        let Some(mut details) = from.object(name) else { continue };
        payment.extend(details.texts(&[(inner, "provider")]));
        from.leave(name, details);
    }
    payment
}

/// What Square keeps, as the sum of its parts.
pub fn fee(from: &mut Fields) -> Option<Value> {
    let parts = from.get_mut("processing_fee")?.as_array_mut()?;
    let read: Option<Vec<Value>> =
        parts.iter().map(|part| super::amount(part.get("amount_money")?)).collect();
    let mut read = read?.into_iter();
    let mut total = read.next()?;
    for part in read {
        if part["currency"] != total["currency"] {
            return None;
        }
        total["amount"] = money::add(total["amount"].as_str()?, part["amount"].as_str()?)?.into();
    }
    for part in parts.iter_mut().filter_map(Value::as_object_mut) {
        part.shift_remove("amount_money");
    }
    Some(total)
}

/// <https://developer.squareup.com/reference/square/objects/Card>
pub fn card(from: &mut Fields) -> Fields {
    let mut card = from.texts(&[
        ("card_brand", "brand"),
        ("last_4", "last4"),
        ("bin", "bin"),
        ("fingerprint", "fingerprint"),
        ("cardholder_name", "holder"),
    ]);
    let month = |value: &Value| value.as_u64().filter(|month| (1..=12).contains(month));
    card.leave("expiry_month", from.take("exp_month", month));
    let year = |value: &Value| value.as_u64().filter(|year| (1000..=9999).contains(year));
    card.leave("expiry_year", from.take("exp_year", year));
    let funding = |word: &Value| match word.as_str()? {
        "CREDIT" => Some("credit"),
        "DEBIT" => Some("debit"),
        _ => None,
    };
    let prepaid = from.take("prepaid_type", |word| (word.as_str()? == "PREPAID").then_some("prepaid"));
    card.leave("funding", prepaid.or_else(|| from.take("card_type", funding)));
    card
}

/// Disputes: <https://developer.squareup.com/reference/square/objects/Dispute>. Whoever asks the bank for their money complains.
pub fn disputed(story: &mut Story) -> Option<Told> {
    let from = &mut story.object;
    let time = from.get("created_at").and_then(fields::moment);
    let id = from.text("id").or_else(|| from.text("dispute_id"))?;
    let mut complaint = from.texts(&[("reason", "category")]);
    complaint.get("category")?;
    complaint.insert("id".into(), id.clone().into());
    complaint.insert("status".into(), "open".into());
    complaint.leave("value", sum(from, "amount_money"));
    complaint.leave("raised_at", from.moment("reported_at").or_else(|| from.moment("created_at")));
    complaint.leave("due_at", from.moment("due_at"));
    complaint.leave("store", store(from));
    let mut person = Person::default();
    if let Some(mut payment) = from.object("disputed_payment") {
        person.sale("square:payment", payment.text("payment_id").as_deref());
        from.leave("disputed_payment", payment);
    }
    let mut data = Fields::new();
    data.leave("customer", Value::from(person));
    data.insert("complaint".into(), complaint.into());
    Some(Told::new("voc.complaint.raised", format!("complaint/{id}"), data)?.at(time))
}
