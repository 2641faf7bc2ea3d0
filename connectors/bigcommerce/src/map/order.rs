//! Orders and shipments: <https://developer.bigcommerce.com/docs/integrations/webhooks/events#orders>.

use serde_json::json;
use snodo_connector::fields::{Fields, Take};

use super::{Story, Told};

pub fn told(story: &mut Story) -> Option<Told> {
    let id = match story.scope {
        "shipment/created" | "shipment/updated" | "shipment/deleted" => story.data.text("orderId")?,
        "order/transaction/created" | "order/transaction/updated" => story.data.text("order_id")?,
        "order/metafield/created" | "order/metafield/updated" | "order/metafield/deleted" => {
            story.data.text("resource_id")?
        }
        _ => story.data.text("id")?,
    };
    let mut order = Fields::new();
    order.insert("id".into(), id.clone().into());
    let mut data = Fields::new();
    data.insert("customer".into(), json!({"identifiers": [story.identifier("bigcommerce:order", &id)]}));
    let kind = match story.scope {
        "order/created" => {
            order.leave("placed_at", story.at.clone());
            "commerce.order.placed"
        }
        "order/updated" => "commerce.order.edited",
        "order/archived" => {
            order.insert("status".into(), "closed".into());
            "commerce.order.edited"
        }
        "order/metafield/created" | "order/metafield/updated" | "order/metafield/deleted" => {
            "commerce.order.edited"
        }
        "order/statusUpdated" => status(story, &mut order, &mut data)?,
        "order/refund/created" => {
            let mut refund = story.data.object("refund")?;
            let mut told = refund.texts(&[("refund_id", "id")]);
            told.insert("order_id".into(), id.clone().into());
            told.leave("at", story.at.clone());
            story.data.leave("refund", refund);
            data.insert("refund".into(), told.into());
            "commerce.refund.issued"
        }
        "order/transaction/created" | "order/transaction/updated" => transaction(story, &mut order),
        "shipment/created" | "shipment/updated" | "shipment/deleted" => {
            shipment(story, &mut order, &mut data)?
        }
        // Of a message only the number is told, not who wrote it.
        _ => return None,
    };
    data.insert("order".into(), order.into());
    Some(Told { kind, subject: format!("order/{id}"), data })
}

/// What a status means: <https://developer.bigcommerce.com/docs/rest-management/orders/order-status>.
fn status(story: &mut Story, order: &mut Fields, data: &mut Fields) -> Option<&'static str> {
    let new = story.data.get("status")?.get("new_status_id")?.as_u64()?;
    let mut fulfilment = Fields::new();
    fulfilment.insert("order_id".into(), order["id"].clone());
    let (kind, field, word) = match new {
        2 => ("commerce.order.fulfilled", "fulfilment_status", "fulfilled"),
        3 => ("commerce.order.fulfilled", "fulfilment_status", "partial"),
        4 => ("commerce.order.edited", "payment_status", "refunded"),
        5 => ("commerce.order.cancelled", "cancel_reason", "cancelled"),
        6 => ("commerce.order.cancelled", "cancel_reason", "declined"),
        7 => ("commerce.order.edited", "payment_status", "pending"),
        8 => ("commerce.order.edited", "fulfilment_status", "awaiting_pickup"),
        9 => ("commerce.order.edited", "fulfilment_status", "awaiting_shipment"),
        10 => ("commerce.order.delivered", "fulfilment_status", "fulfilled"),
        11 => ("commerce.order.paid", "payment_status", "paid"),
        12 => ("commerce.order.edited", "payment_status", "manual_verification"),
        13 => ("commerce.order.edited", "payment_status", "disputed"),
        14 => ("commerce.order.edited", "payment_status", "partially_refunded"),
        _ => return Some("commerce.order.edited"),
    };
    order.insert(field.into(), word.into());
    match kind {
        "commerce.order.cancelled" => {
            order.insert("status".into(), "cancelled".into());
            order.leave("cancelled_at", story.at.clone());
        }
        "commerce.order.fulfilled" => {
            fulfilment.leave("shipped_at", story.at.clone());
            data.insert("fulfilment".into(), fulfilment.into());
        }
        "commerce.order.delivered" => {
            order.insert("status".into(), "closed".into());
            fulfilment.leave("delivered_at", story.at.clone());
            data.insert("fulfilment".into(), fulfilment.into());
        }
        _ => {}
    }
    Some(kind)
}

/// A payment, or an attempt at one. Amounts are not told.
fn transaction(story: &mut Story, order: &mut Fields) -> &'static str {
    let mut payment = story.data.texts(&[
        ("transaction_id", "id"),
        ("transaction_type", "action"),
        ("transaction_status", "status"),
        ("provider_transaction_id", "reference"),
    ]);
    let is = |name: &str, words: &[&str]| {
        payment.get(name).and_then(|word| word.as_str()).is_some_and(|word| words.contains(&word))
    };
    let paid = is("action", &["capture", "purchase"]) && is("status", &["complete", "ok", "success"]);
    if let Some(mut result) = story.data.object("result") {
        if result.get("type").is_some_and(|kind| kind == "error" || kind == "failure") {
            payment.leave("error", result.text("message"));
            payment.insert("declined".into(), true.into());
        }
        story.data.leave("result", result);
    }
    payment.leave("at", story.at.clone());
    order.insert("payments".into(), json!([payment]));
    match paid && story.scope == "order/transaction/created" {
        true => "commerce.order.paid",
        false => "commerce.order.edited",
    }
}

fn shipment(story: &mut Story, order: &mut Fields, data: &mut Fields) -> Option<&'static str> {
    let mut fulfilment = story.data.texts(&[("id", "id")]);
    fulfilment.get("id")?;
    fulfilment.insert("kind".into(), "shipment".into());
    Some(match story.scope {
        "shipment/created" => {
            fulfilment.insert("order_id".into(), order["id"].clone());
            fulfilment.leave("created_at", story.at.clone());
            data.insert("fulfilment".into(), fulfilment.into());
            "commerce.order.fulfilled"
        }
        other => {
            if other == "shipment/deleted" {
                fulfilment.insert("status".into(), "cancelled".into());
            }
            fulfilment.leave("updated_at", story.at.clone());
            order.insert("fulfilments".into(), json!([fulfilment]));
            "commerce.order.edited"
        }
    })
}
