//! Refunds: <https://developer.squareup.com/reference/square/objects/PaymentRefund>. One that waits is a refund that was made; once
//! it is through, the till has given money back.

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};
use snodo_connector::money;

use super::person::Person;
use super::{Story, Told, money as sum, store, touched};

pub fn told(story: &mut Story) -> Option<Told> {
    let id = story.object.get("id").and_then(fields::text)?;
    completed_or_issued(story, &id)
}

/// `id` is the refund's, which a terminal's refund has beside its own.
pub fn completed_or_issued(story: &mut Story, id: &str) -> Option<Told> {
    let from = &mut story.object;
    let is_new = story.kind == "refund.created";
    let (kind, step) = match from.get("status")?.as_str()? {
        "COMPLETED" => ("pos.return.completed", "completed"),
        "PENDING" | "APPROVED" if is_new => ("commerce.refund.issued", "issued"),
        _ => return None,
    };
    let time = touched(from);
    let mut person = Person::default();
    let (order, paid) = (from.text("order_id"), from.text("payment_id"));
    person.sale("square:order", order.as_deref());
    person.sale("square:payment", paid.as_deref());
    let operator = from.text("team_member_id").map(|id| json!({"id": id}));
    let amount = sum(from, "amount_money");
    let mut payment = Fields::new();
    payment.insert("action".into(), "refund".into());
    payment.insert("gateway".into(), "square".into());
    payment.leave("parent_id", paid);
    payment.leave("fee", super::payment::fee(from));
    payment.extend(from.texts(&[("destination_type", "method")]));
    if let Some(mut card) = from.object("card") {
        payment.insert("kind".into(), "card".into());
        payment.leave("card", super::payment::card(&mut card));
        from.leave("card", card);
    }
    let mut refund = from.texts(&[("reason", "reason")]);
    refund.insert("id".into(), id.into());
    let status = |word: &Value| {
        Some(match word.as_str()? {
            "COMPLETED" => "succeeded".to_owned(),
            other => other.to_lowercase(),
        })
    };
    refund.leave("status", from.take("status", status));
    refund.leave("at", from.moment("created_at"));
    refund.leave("order_id", order);
    refund.leave("amount", amount.clone());
    refund.leave("operator", operator);
    refund.insert("payments".into(), json!([payment]));
    if from.get("id").and_then(Value::as_str) == Some(id) {
        from.shift_remove("id");
    }
    let mut data = Fields::new();
    data.leave("customer", Value::from(person));
    data.insert("touchpoint".into(), json!({"channel": "pos"}));
    if step == "completed" {
        let mut receipt = Fields::new();
        receipt.insert("id".into(), id.into());
        receipt.insert("kind".into(), "return".into());
        receipt.leave("closed_at", time.clone());
        if let Some(mut total) = amount {
            total["amount"] = money::negative(total["amount"].as_str()?)?.into();
            receipt.insert("total".into(), total);
        }
        data.insert("receipt".into(), receipt.into());
        data.leave("store", store(from));
    } else if let Some(place) = store(from) {
        data["touchpoint"]["location"] = json!({"store": place});
    }
    data.insert("refund".into(), refund.into());
    let told = Told::new(kind, format!("refund/{id}"), data)?.at(time);
    Some(Told { fact: Some(format!("refund/{id}/{step}")), ..told })
}
