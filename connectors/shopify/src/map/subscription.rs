//! Subscriptions: <https://shopify.dev/docs/apps/build/purchase-options/subscriptions>.

use super::customer::named;
use super::{Hook, Told, drop_gid, touchpoint};
use crate::tree::Object;

pub fn told<'a>(hook: Hook<'a>, mut body: Object<'a>) -> Option<Told<'a>> {
    let kind = kind(hook.topic, body.peek("status").as_deref())?;
    let attempt = hook.topic.starts_with("subscription_billing_attempts/");
    let (name, global) = if attempt {
        ("subscription_contract_id", "admin_graphql_api_subscription_contract_id")
    } else {
        ("id", "admin_graphql_api_id")
    };
    let id = body.text(name)?;
    drop_gid(&mut body, global, &id);
    let person = named(hook, &mut body, "customer_id", "admin_graphql_api_customer_id");
    let (order_name, order_global) = if attempt {
        ("order_id", "admin_graphql_api_order_id")
    } else {
        ("origin_order_id", "admin_graphql_api_origin_order_id")
    };
    let order = body.text(order_name);
    if let Some(order) = &order {
        drop_gid(&mut body, order_global, order);
    }
    let subject = Some(format!("subscription/{id}"));
    let mut subscription = Object::new();
    subscription.put("id", id);
    subscription.put("status", body.text("status"));
    if let Some(policy) = body.object("billing_policy") {
        subscription.put("interval", policy.text_if("interval", is_interval));
        subscription.put("interval_count", policy.count("interval_count"));
    }
    subscription.put("order_id", order.clone());
    if kind == "subscription.contract.payment_failed" {
        subscription.put("error", body.text("error_message").or_else(|| body.text("error_code")));
    }
    let mut data = Object::new();
    if person.is_unknown() {
        // A billing attempt names the order it made, and no customer.
        let mut buyer = super::customer::Person::default();
        if let Some(order) = &order {
            buyer.order(hook, order);
        }
        data.put("customer", buyer);
    } else {
        data.put("customer", person);
    }
    data.put("touchpoint", touchpoint::backoffice());
    data.put("subscription", subscription);
    data.put("vendor", body);
    Some(Told { kind, subject, time: None, data })
}

/// Contracts that expire, fail or are taken up again have no word.
fn kind(topic: &str, status: Option<&str>) -> Option<&'static str> {
    match topic {
        "subscription_contracts/create" => Some("subscription.contract.started"),
        "subscription_contracts/pause" => Some("subscription.contract.paused"),
        "subscription_contracts/cancel" => Some("subscription.contract.cancelled"),
        "subscription_contracts/update" => match status?.to_ascii_lowercase().as_str() {
            "paused" => Some("subscription.contract.paused"),
            "cancelled" => Some("subscription.contract.cancelled"),
            _ => None,
        },
        "subscription_billing_attempts/success" => Some("subscription.contract.renewed"),
        "subscription_billing_attempts/failure" => Some("subscription.contract.payment_failed"),
        _ => None,
    }
}

fn is_interval(text: &str) -> bool {
    matches!(text, "day" | "week" | "month" | "year")
}
