//! What it was about: <https://developers.facebook.com/documentation/ads-commerce/conversions-api/parameters/custom-data>.

use serde_json::{Map, Number, Value, json};

use super::filled;
use crate::config::{Config, ContentId};

/// Where the sum of a purchase stands.
pub fn total_at(kind: &str) -> &'static str {
    if kind == "pos.sale.completed" { "/receipt/total" } else { "/order/total" }
}

pub fn custom_data(config: &Config, kind: &str, data: &Value) -> Map<String, Value> {
    let noun = ["order", "receipt", "checkout", "cart", "subscription"]
        .into_iter()
        .find(|noun| data[noun].is_object());
    let whole = noun.map_or(&Value::Null, |noun| &data[noun]);
    // What was put into the cart now, not all that is in it.
    let is_part = matches!(kind, "commerce.cart.item_added" | "commerce.wishlist.item_added");
    let contents = match is_part {
        true => of_products(&data["products"], config.content_id),
        false if data["product"].is_object() => of_products(&json!([data["product"]]), config.content_id),
        false => of_lines(&whole["lines"], config.content_id),
    };
    let sum = if is_part { None } else { money(&whole["total"]).or_else(|| money(&whole["price"])) };
    let sum = sum.or_else(|| money(&data["lead"]["value"])).or_else(|| added(&contents));
    let ids: Vec<&Value> = contents.iter().map(|one| &one.id).collect();
    let first = if is_part { &data["products"][0] } else { &data["product"] };
    let text = |value: &Value| value.as_str().map(Value::from);
    let order = whole["id"].as_str().or_else(|| whole["number"].as_str()).filter(|_| noun != Some("cart"));
    let receipt = kind == "pos.sale.completed";
    let order = if receipt { whole["number"].as_str().or(order) } else { order };
    let is_order = matches!(noun, Some("order" | "receipt"));
    filled([
        ("value", sum.as_ref().map(|(amount, _)| amount.clone().into())),
        ("currency", sum.as_ref().map(|(_, currency)| currency.as_str().into())),
        ("order_id", order.filter(|_| is_order).map(Value::from)),
        ("content_ids", (!ids.is_empty()).then(|| json!(ids))),
        ("content_type", (!ids.is_empty()).then(|| "product".into())),
        ("contents", (!contents.is_empty()).then(|| contents.iter().map(Content::written).collect())),
        ("num_items", pieces(&contents)),
        ("content_name", text(&first["name"]).or_else(|| text(&data["form"]["name"]))),
        ("content_category", text(&first["category"])),
        ("search_string", text(&data["search"]["query"])),
    ])
}

struct Content {
    id: Value,
    quantity: Option<Number>,
    price: Option<(Number, String)>,
}

impl Content {
    fn of(product: &Value, quantity: &Value, price: &Value, by: ContentId) -> Option<Self> {
        let id = product[by.field()].as_str().filter(|id| !id.is_empty())?;
        Some(Self { id: id.into(), quantity: number(quantity), price: money(price) })
    }

    fn written(&self) -> Value {
        let mut content =
            json!({"id": self.id, "quantity": self.quantity.clone().unwrap_or_else(|| 1.into())});
        if let Some((amount, _)) = &self.price {
            content["item_price"] = amount.clone().into();
        }
        content
    }
}

fn of_products(products: &Value, by: ContentId) -> Vec<Content> {
    let products = products.as_array().into_iter().flatten();
    products.filter_map(|one| Content::of(one, &one["quantity"], &one["price"], by)).collect()
}

fn of_lines(lines: &Value, by: ContentId) -> Vec<Content> {
    let lines = lines.as_array().into_iter().flatten();
    lines.filter_map(|one| Content::of(&one["product"], &one["quantity"], &one["unit_price"], by)).collect()
}

/// The sum of what was looked at or put in, if all of it has a price in one currency.
fn added(contents: &[Content]) -> Option<(Number, String)> {
    let (_, currency) = contents.first()?.price.clone()?;
    let mut sum = 0.0;
    for one in contents {
        let (price, _) = one.price.as_ref().filter(|(_, other)| *other == currency)?;
        sum += price.as_f64()? * one.quantity.as_ref().map_or(Some(1.0), Number::as_f64)?;
    }
    // Cents that floating-point numbers make of their own are cut off.
    let sum = (sum * 1_000.0).round() / 1_000.0;
    Some((whole(sum)?, currency))
}

fn pieces(contents: &[Content]) -> Option<Value> {
    let all = contents.iter().map(|one| one.quantity.as_ref().map_or(Some(1.0), Number::as_f64));
    let sum = all.sum::<Option<f64>>().filter(|sum| *sum > 0.0)?;
    whole(sum).map(Value::from)
}

/// Meta takes numbers: here an amount stops being exact.
fn money(value: &Value) -> Option<(Number, String)> {
    Some((number(&value["amount"])?, value["currency"].as_str()?.to_owned()))
}

fn number(value: &Value) -> Option<Number> {
    whole(value.as_str()?.parse().ok()?)
}

fn whole(number: f64) -> Option<Number> {
    match number {
        number if number.fract() == 0.0 && number.abs() < 1e15 => Some((number as i64).into()),
        number => Number::from_f64(number),
    }
}
