//! Orders: <https://developer.woocommerce.com/docs/apis/rest-api/v3/orders/>.

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};
use snodo_connector::{money, time};

use super::address::address;
use super::{Hook, Told, customer, line, moment, money as amount};

/// What happens to an order is saved with it within moments.
const SAVED_MS: i64 = 5_000;

/// A draft is no order yet: the checkout saves one as soon as something is typed in.
const DRAFTS: [&str; 2] = ["checkout-draft", "auto-draft"];

pub fn placed(hook: Hook<'_>, id: &str, object: &mut Fields) -> Option<Told> {
    if DRAFTS.contains(&object.get("status")?.as_str()?) {
        return None;
    }
    let touchpoint = placed_at(object);
    let mut data = order(hook, id, object);
    data.insert("touchpoint".into(), touchpoint);
    let time = data["order"]["placed_at"].as_str().map(str::to_owned);
    Some(Told { kind: "commerce.order.placed", subject: format!("order/{id}"), time, data })
}

/// WooCommerce does not say what has changed. What has just been paid or completed has that time beside that of the change.
pub fn changed(hook: Hook<'_>, id: &str, object: &mut Fields) -> Option<Told> {
    let status = object.get("status")?.as_str()?.to_owned();
    if DRAFTS.contains(&status.as_str()) {
        return None;
    }
    let just = |name: &str| {
        let at = |name: &str| time::epoch_millis(&time::local(object.get(name)?.as_str()?, "Z")?);
        let since = at("date_modified_gmt")? - at(&format!("date_{name}_gmt"))?;
        Some((-SAVED_MS..=SAVED_MS).contains(&since))
    };
    let (paid, completed) = (just("paid") == Some(true), just("completed") == Some(true));
    let mut data = order(hook, id, object);
    data.insert("touchpoint".into(), json!({"channel": "commerce_backoffice"}));
    let kind = match status.as_str() {
        "cancelled" => "commerce.order.cancelled",
        "refunded" if refund(id, &mut data).is_some() => "commerce.refund.issued",
        "completed" if completed => {
            data.insert("fulfilment".into(), json!({"order_id": id, "status": "success"}));
            "commerce.order.fulfilled"
        }
        _ if paid => "commerce.order.paid",
        _ => "commerce.order.edited",
    };
    Some(Told { kind, subject: format!("order/{id}"), time: None, data })
}

/// All that went back, if it is the whole.
fn refund(id: &str, data: &mut Fields) -> Option<()> {
    let refunds = data["order"]["refunds"].as_array()?;
    let mut refund = match refunds.as_slice() {
        [one] => one.as_object()?.clone(),
        several => {
            let amounts = several.iter().map(|one| one["amount"]["amount"].as_str());
            let sum = amounts
                .collect::<Option<Vec<_>>>()?
                .into_iter()
                .try_fold("0".to_owned(), |sum, one| money::add(&sum, one))?;
            let currency = &several.first()?["amount"]["currency"];
            Fields::from_iter([("amount".to_owned(), json!({"amount": sum, "currency": currency}))])
        }
    };
    refund.get("amount")?;
    refund.insert("order_id".into(), id.into());
    refund.insert("status".into(), "succeeded".into());
    data.insert("refund".into(), refund.into());
    Some(())
}

/// The order, and whose it is.
fn order(hook: Hook<'_>, id: &str, object: &mut Fields) -> Fields {
    let currency = object.take("currency", |value| money::currency(value.as_str()?));
    let code = currency.as_deref();
    let customer = customer::of_order(hook, object);
    let status = object.get("status").and_then(Value::as_str).unwrap_or_default();
    let state = match status {
        "completed" | "refunded" => "closed",
        "cancelled" => "cancelled",
        _ => "open",
    };
    let fulfilled = if status == "completed" { "fulfilled" } else { "unfulfilled" };
    let refunded = status == "refunded";
    let failed = status == "failed";
    let mut order = Fields::from_iter([
        ("id".to_owned(), id.into()),
        ("status".to_owned(), state.into()),
        ("fulfilment_status".to_owned(), fulfilled.into()),
    ]);
    order.extend(object.texts(&[("number", "number"), ("customer_note", "note"), ("created_via", "source")]));
    order.leave("lines", line::lines(object, code));
    order.leave("discounts", line::coupons(object, code));
    order.leave("shipping_methods", line::shipping(object, code));
    order.leave("taxes", line::taxes(object, code));
    order.leave("refunds", line::refunds(object, code));
    for (from, to) in [
        ("discount_total", "discount"),
        ("shipping_total", "shipping"),
        ("total_tax", "tax"),
        ("total", "total"),
    ] {
        order.leave(to, amount(object, from, code));
    }
    order.leave("taxes_included", object.take("prices_include_tax", Value::as_bool));
    for (name, place) in [("billing", "billing_address"), ("shipping", "shipping_address")] {
        if let Some(mut within) = object.object(name) {
            order.leave(place, address(&mut within));
            object.leave(name, within);
        }
    }
    let paid_at = moment(object, "date_paid");
    let payment_status = match (&paid_at, refunded, order.contains_key("refunds")) {
        (_, true, _) => "refunded",
        (Some(_), _, true) => "partially_refunded",
        (Some(_), _, false) => "paid",
        (None, ..) if failed => "failed",
        (None, ..) => "pending",
    };
    order.insert("payment_status".into(), payment_status.into());
    let mut payment = object.texts(&[
        ("payment_method", "gateway"),
        ("payment_method_title", "method"),
        ("transaction_id", "reference"),
    ]);
    if let Some(at) = paid_at {
        payment.leave("amount", order.get("total").cloned());
        payment.insert("status".into(), "paid".into());
        payment.insert("at".into(), at.into());
    }
    if !payment.is_empty() {
        order.insert("payments".into(), vec![payment].into());
    }
    order.leave("referrer", meta(object, "referrer"));
    order.leave("landing_url", meta(object, "session_entry"));
    let created = moment(object, "date_created");
    order.leave("placed_at", created.clone());
    order.leave("created_at", created);
    order.leave("updated_at", moment(object, "date_modified"));
    if state == "closed" {
        order.leave("closed_at", moment(object, "date_completed"));
    }
    order.leave("currency", currency);
    let mut data = Fields::new();
    data.leave("customer", customer);
    data.insert("order".into(), order.into());
    data
}

/// Where the order came from, as the shop noted it.
fn placed_at(object: &mut Fields) -> Value {
    let channel = match object.get("created_via").and_then(Value::as_str) {
        Some(via) if via.starts_with("pos") => "pos",
        Some("admin" | "rest-api") => "commerce_backoffice",
        _ => "web",
    };
    let mut touchpoint = Fields::from_iter([("channel".to_owned(), channel.into())]);
    let network = object.texts(&[("customer_ip_address", "ip")]);
    touchpoint.leave("network", network);
    touchpoint.leave("user_agent", object.text("customer_user_agent"));
    let mut campaign = Fields::new();
    for (from, to) in [
        ("utm_source", "source"),
        ("utm_medium", "medium"),
        ("utm_campaign", "name"),
        ("utm_term", "term"),
        ("utm_content", "content"),
    ] {
        campaign.leave(to, meta(object, from));
    }
    touchpoint.leave("campaign", campaign);
    touchpoint.into()
}

/// WooCommerce keeps where a visit came from beside the order:
/// <https://woocommerce.com/document/order-attribution-tracking/>. An entry that was taken leaves its place empty.
fn meta(object: &mut Fields, name: &str) -> Option<String> {
    let key = format!("_wc_order_attribution_{name}");
    let entries = object.get_mut("meta_data")?.as_array_mut()?;
    let entry = entries.iter_mut().find(|entry| entry["key"] == key)?;
    // What WooCommerce writes where there is nothing to say.
    let value = fields::text(&entry["value"]).filter(|value| value != "(none)")?;
    *entry = json!({});
    Some(value)
}
