//! Square Terminal: <https://developer.squareup.com/reference/square/objects/TerminalCheckout>. What it did is told by the payment, too;
//! where both are subscribed, it is one fact.

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};
use snodo_connector::money as sum;

use super::person::Person;
use super::{Story, Told, money, store, touched};

pub fn checkout(story: &mut Story) -> Option<Told> {
    let from = &mut story.object;
    if from.get("status")?.as_str()? != "COMPLETED" {
        return None;
    }
    let time = touched(from);
    let tip = money(from, "tip_money");
    let mut amount = money(from, "amount_money")?;
    if let Some(tip) = tip.as_ref().filter(|tip| tip["currency"] == amount["currency"]) {
        amount["amount"] = sum::add(amount["amount"].as_str()?, tip["amount"].as_str()?)?.into();
    }
    let id = from.get("id").and_then(fields::text)?;
    let order = from.text("order_id");
    let mut person = Person::of(from);
    person.sale("square:order", order.as_deref());
    let paid = from.get_mut("payment_ids").and_then(|ids| ids.get_mut(0)).map(Value::take);
    let paid = paid.as_ref().and_then(fields::text);
    person.sale("square:payment", paid.as_deref());
    let mut payment = from.texts(&[("reference_id", "reference"), ("payment_type", "method")]);
    payment.insert("id".into(), paid.as_deref().unwrap_or(&id).into());
    payment.insert("gateway".into(), "square".into());
    payment.insert("status".into(), "paid".into());
    from.shift_remove("status");
    payment.insert("amount".into(), amount);
    payment.leave("tip", tip);
    payment.leave("order_id", order);
    let mut till = Fields::new();
    if let Some(mut options) = from.object("device_options") {
        till = options.texts(&[("device_id", "id")]);
        from.leave("device_options", options);
    }
    till.insert("kind".into(), "terminal".into());
    let mut touchpoint = Fields::new();
    touchpoint.insert("channel".into(), "pos".into());
    touchpoint.leave("operator", from.text("team_member_id").map(|id| json!({"id": id})));
    let mut data = Fields::new();
    data.leave("customer", Value::from(person));
    data.insert("touchpoint".into(), touchpoint.into());
    data.leave("store", store(from));
    data.insert("till".into(), till.into());
    data.insert("payment".into(), payment.into());
    let told = Told::new("pos.tender.accepted", format!("terminal/{id}"), data)?.at(time);
    Some(Told { fact: paid.map(|paid| format!("payment/{paid}/accepted")), ..told })
}

pub fn refund(story: &mut Story) -> Option<Told> {
    let ids = ["refund_id", "id"];
    let id = ids.iter().find_map(|name| story.object.get(*name).and_then(fields::text))?;
    super::refund::completed_or_issued(story, &id)
}

/// The shop's own terminal.
pub fn paired(story: &mut Story) -> Option<Told> {
    let from = &mut story.object;
    let mut device = from.texts(&[("device_id", "id"), ("name", "name"), ("product_type", "model")]);
    let id = device.get("id").and_then(fields::text)?;
    device.insert("class".into(), "till".into());
    let time = from.moment("paired_at");
    let mut data = Fields::new();
    if let Some(place) = store(from) {
        data.insert("touchpoint".into(), json!({"channel": "pos", "location": {"store": place}}));
    }
    data.insert("device".into(), device.into());
    data.insert("pairing".into(), json!({"method": "code"}));
    Some(Told::new("iot.device.paired", format!("device/{id}"), data)?.at(time))
}
