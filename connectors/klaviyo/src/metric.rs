//! An event as Klaviyo's: its properties under the names that Klaviyo's templates and flows know, and what it is worth.

use serde_json::{Map, Number, Value, json};
use snodo_connector::fields::Fields;

#[derive(Debug, Default)]
pub struct Told {
    pub properties: Fields,
    /// Amount and currency.
    pub value: Option<(Number, String)>,
}

/// Nouns of a body that are not what happened.
const AROUND: [&str; 4] = ["customer", "consent", "touchpoint", "vendor"];

pub fn told(kind: &str, data: &Fields) -> Told {
    let noun = |name: &str| data.get(name).unwrap_or(&Value::Null);
    match kind {
        "commerce.order.placed"
        | "commerce.order.paid"
        | "commerce.order.edited"
        | "commerce.order.fulfilled"
        | "commerce.order.cancelled"
        | "commerce.order.delivered" => {
            let mut properties = bought(noun("order"), "OrderId");
            copy(noun("order"), &mut properties, &[("number", "OrderNumber"), ("cancel_reason", "Reason")]);
            copy(
                noun("fulfilment"),
                &mut properties,
                &[
                    ("carrier", "Carrier"),
                    ("tracking_number", "TrackingNumber"),
                    ("tracking_url", "TrackingURL"),
                ],
            );
            Told { properties, value: money(&noun("order")["total"]) }
        }
        "commerce.refund.issued" => {
            let refund = noun("refund");
            let mut properties = bought(refund, "RefundId");
            copy(refund, &mut properties, &[("order_id", "OrderId"), ("reason", "Reason")]);
            if !properties.contains_key("OrderId") {
                copy(noun("order"), &mut properties, &[("id", "OrderId")]);
            }
            Told { properties, value: money(&refund["amount"]) }
        }
        "commerce.checkout.started" => {
            let mut properties = bought(noun("checkout"), "CheckoutId");
            copy(noun("checkout"), &mut properties, &[("url", "CheckoutURL")]);
            Told { properties, value: money(&noun("checkout")["total"]) }
        }
        "pos.sale.completed" => {
            let mut properties = bought(noun("receipt"), "ReceiptId");
            copy(noun("receipt"), &mut properties, &[("number", "ReceiptNumber")]);
            copy(noun("store"), &mut properties, &[("id", "StoreId"), ("name", "StoreName")]);
            Told { properties, value: money(&noun("receipt")["total"]) }
        }
        "commerce.cart.item_added" => {
            let mut properties = bought(noun("cart"), "CartId");
            if let Some(added) = noun("products").get(0) {
                for (name, value) in product(added) {
                    properties.insert(format!("AddedItem{name}"), value);
                }
                copy(added, &mut properties, &[("quantity", "AddedItemQuantity")]);
            }
            copy(noun("cart"), &mut properties, &[("url", "CheckoutURL")]);
            Told { properties, value: money(&noun("cart")["total"]) }
        }
        "commerce.product.viewed" => Told { properties: product(noun("product")), value: None },
        _ => {
            let properties = data.iter().filter(|(name, _)| !AROUND.contains(&name.as_str()));
            Told {
                properties: properties.map(|(name, value)| (name.clone(), value.clone())).collect(),
                value: None,
            }
        }
    }
}

/// What an order, a cart, a checkout, a refund or a receipt have in common.
fn bought(whole: &Value, id: &str) -> Fields {
    let mut properties = Map::new();
    copy(whole, &mut properties, &[("id", id), ("currency", "Currency")]);
    let lines = whole["lines"].as_array().map_or(&[][..], Vec::as_slice);
    let mut items: Vec<Value> = Vec::new();
    let (mut names, mut brands, mut categories) = (Vec::new(), Vec::new(), Vec::new());
    for line in lines {
        let mut item = product(&line["product"]);
        item.shift_remove("Price");
        for (list, name) in [(&mut names, "ProductName"), (&mut brands, "Brand")] {
            add(list, item.get(name));
        }
        for category in item.get("Categories").and_then(Value::as_array).into_iter().flatten() {
            add(&mut categories, Some(category));
        }
        number(&mut item, "Quantity", &line["quantity"]);
        number(&mut item, "ItemPrice", &line["unit_price"]["amount"]);
        number(&mut item, "RowTotal", &line["total"]["amount"]);
        items.push(item.into());
    }
    for (name, list) in
        [("ItemNames", names), ("Brands", brands), ("Categories", categories), ("Items", items)]
    {
        if !list.is_empty() {
            properties.insert(name.into(), list.into());
        }
    }
    number(&mut properties, "DiscountValue", &whole["discount"]["amount"]);
    let code =
        whole["discounts"].as_array().into_iter().flatten().find_map(|discount| discount["code"].as_str());
    if let Some(code) = code {
        properties.insert("DiscountCode".into(), code.into());
    }
    properties
}

fn product(product: &Value) -> Fields {
    let mut found = Map::new();
    copy(
        product,
        &mut found,
        &[
            ("id", "ProductID"),
            ("sku", "SKU"),
            ("name", "ProductName"),
            ("variant", "Variant"),
            ("brand", "Brand"),
            ("url", "ProductURL"),
            ("image_url", "ImageURL"),
        ],
    );
    match (&product["categories"], &product["category"]) {
        (Value::Array(list), _) if !list.is_empty() => {
            drop(found.insert("Categories".into(), list.clone().into()));
        }
        (_, Value::String(one)) => drop(found.insert("Categories".into(), json!([one]))),
        _ => {}
    }
    number(&mut found, "Price", &product["price"]["amount"]);
    number(&mut found, "CompareAtPrice", &product["regular_price"]["amount"]);
    found
}

fn add(list: &mut Vec<Value>, value: Option<&Value>) {
    if let Some(value) = value.filter(|value| !list.contains(value)) {
        list.push(value.clone());
    }
}

fn copy(from: &Value, into: &mut Fields, names: &[(&str, &str)]) {
    for (ours, theirs) in names {
        if let Some(value) = from.get(ours) {
            into.insert((*theirs).to_owned(), value.clone());
        }
    }
}

/// Klaviyo counts and sums numbers only; how many digits stand behind the point is lost there.
fn number(into: &mut Fields, name: &str, value: &Value) {
    if let Some(number) = decimal(value) {
        into.insert(name.to_owned(), number.into());
    }
}

fn decimal(value: &Value) -> Option<Number> {
    let text = value.as_str()?;
    match text.parse::<i64>() {
        Ok(whole) => Some(whole.into()),
        Err(_) => Number::from_f64(text.parse().ok()?),
    }
}

fn money(value: &Value) -> Option<(Number, String)> {
    Some((decimal(&value["amount"])?, value["currency"].as_str()?.to_owned()))
}
