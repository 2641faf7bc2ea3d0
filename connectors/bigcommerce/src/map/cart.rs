//! Carts: <https://developer.bigcommerce.com/docs/integrations/webhooks/events#carts>.

use serde_json::json;
use snodo_connector::fields::{Fields, Take};

use super::{Story, Told};

pub fn told(story: &mut Story) -> Option<Told> {
    let (kind, lined) = match story.scope {
        "cart/created" | "cart/updated" => ("commerce.cart.viewed", false),
        "cart/abandoned" => ("commerce.cart.abandoned", false),
        "cart/converted" => ("commerce.checkout.step_completed", false),
        "cart/couponApplied" => ("commerce.coupon.applied", false),
        "cart/lineItem/created" | "cart/lineItems/created" => ("commerce.cart.item_added", true),
        "cart/lineItem/deleted" => ("commerce.cart.item_removed", true),
        "cart/lineItem/updated" => ("commerce.cart.viewed", true),
        _ => return None,
    };
    let id = story.data.text(if lined { "cartId" } else { "id" })?;
    let line = if lined { story.data.text("id") } else { None };
    let mut identifiers = vec![story.identifier("bigcommerce:cart", &id)];
    let mut cart = Fields::new();
    cart.insert("id".into(), id.clone().into());
    cart.leave("token", story.data.text("token"));
    let mut data = Fields::new();
    match kind {
        "commerce.cart.abandoned" => {}
        "commerce.coupon.applied" => {
            let coupon = story.data.text("couponId")?;
            data.insert("coupon".into(), json!({"id": coupon, "cart_id": id}));
        }
        "commerce.checkout.step_completed" => {
            let order = story.data.text("orderId")?;
            identifiers.push(story.identifier("bigcommerce:order", &order));
            let mut checkout = Fields::new();
            // A checkout has the id of its cart.
            checkout.insert("id".into(), id.clone().into());
            checkout.insert("cart_id".into(), id.clone().into());
            checkout.insert("order_id".into(), order.into());
            checkout.insert("step".into(), "completed".into());
            checkout.insert("status".into(), "completed".into());
            checkout.leave("completed_at", story.at.clone());
            data.insert("checkout".into(), checkout.into());
        }
        "commerce.cart.viewed" => {
            cart.leave("lines", line.map(|line| json!([{"id": line}])));
            cart.leave(
                if story.scope == "cart/created" { "created_at" } else { "updated_at" },
                story.at.clone(),
            );
        }
        // Which product it is, is not told: only the line of the cart that it is in.
        _ => data.leave("products", json!([{"item_id": line?}])),
    }
    if kind != "commerce.checkout.step_completed" {
        data.insert("cart".into(), cart.into());
    }
    data.insert("customer".into(), json!({"identifiers": identifiers}));
    data.insert("touchpoint".into(), json!({"channel": "web"}));
    Some(Told { kind, subject: format!("cart/{id}"), data })
}
