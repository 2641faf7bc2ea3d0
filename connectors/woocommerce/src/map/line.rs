//! What an order is made of: goods, fees, ways of shipping, coupons and taxes. What is left of each keeps its place.

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};
use snodo_connector::money::{self, Money};

use super::money as amount;

/// Takes what `read` reads out of each element of a list.
fn each(object: &mut Fields, name: &str, read: impl Fn(&mut Fields) -> Fields) -> Vec<Value> {
    let Some(elements) = object.get_mut(name).and_then(Value::as_array_mut) else { return Vec::new() };
    let found: Vec<Value> =
        elements.iter_mut().filter_map(Value::as_object_mut).map(|one| Value::Object(read(one))).collect();
    let left = elements.iter().any(|one| one.as_object().is_none_or(|fields| !fields.is_empty()));
    if !left {
        object.shift_remove(name);
    }
    found.into_iter().filter(|one| one.as_object().is_some_and(|fields| !fields.is_empty())).collect()
}

/// Goods, then fees. Sums are without tax, as WooCommerce has them.
pub fn lines(object: &mut Fields, currency: Option<&str>) -> Vec<Value> {
    let mut lines = each(object, "line_items", |item| goods(item, currency));
    lines.extend(each(object, "fee_lines", |fee| {
        let mut line = sums(fee, currency);
        line.insert("kind".into(), "fee".into());
        line.leave("product", fee.texts(&[("name", "name")]));
        line
    }));
    lines
}

fn goods(item: &mut Fields, currency: Option<&str>) -> Fields {
    let mut line = sums(item, currency);
    let given = |value: &Value| fields::text(value).filter(|id| id != "0");
    let mut product = Fields::new();
    product.leave("id", item.take("product_id", given));
    product.leave("variant_id", item.take("variation_id", given));
    product.extend(item.texts(&[("name", "name"), ("sku", "sku"), ("tax_class", "tax_class")]));
    if let Some(mut image) = item.object("image") {
        product.extend(image.texts(&[("src", "image_url")]));
        item.leave("image", image);
    }
    line.leave("product", product);
    line.leave("quantity", item.decimal("quantity"));
    line.leave("unit_price", amount(item, "price", currency));
    line
}

/// `subtotal` is before coupons, `total` after them.
fn sums(item: &mut Fields, currency: Option<&str>) -> Fields {
    let mut line = item.texts(&[("id", "id")]);
    let decimal = |name: &str| item.get(name).and_then(fields::decimal);
    let less = decimal("subtotal")
        .zip(decimal("total"))
        .and_then(|(before, after)| money::subtract(&before, &after));
    let less = less.filter(|less| money::compare(less, "0") == Some(std::cmp::Ordering::Greater));
    line.leave(
        "discount",
        less.zip(currency).and_then(|(less, currency)| Money::new(&less, currency)).map(|money| json!(money)),
    );
    line.leave("total", amount(item, "total", currency));
    line.leave("tax", amount(item, "total_tax", currency));
    line.leave(
        "taxes",
        each(item, "taxes", |tax| {
            let mut found = tax.texts(&[("id", "code")]);
            found.leave("amount", amount(tax, "total", currency));
            found
        }),
    );
    line
}

pub fn shipping(object: &mut Fields, currency: Option<&str>) -> Vec<Value> {
    each(object, "shipping_lines", |line| {
        let mut method = line.texts(&[("id", "id"), ("method_id", "code"), ("method_title", "title")]);
        method.leave("price", amount(line, "total", currency));
        method
    })
}

pub fn coupons(object: &mut Fields, currency: Option<&str>) -> Vec<Value> {
    each(object, "coupon_lines", |line| {
        let mut coupon = line.texts(&[("id", "id"), ("code", "code"), ("discount_type", "kind")]);
        coupon.leave("value", line.decimal("nominal_amount"));
        coupon.leave("amount", amount(line, "discount", currency));
        coupon
    })
}

pub fn taxes(object: &mut Fields, currency: Option<&str>) -> Vec<Value> {
    each(object, "tax_lines", |line| {
        let mut tax = line.texts(&[("label", "name"), ("rate_code", "code")]);
        tax.leave("rate", line.take("rate_percent", |value| share(&fields::decimal(value)?)));
        tax.leave("amount", amount(line, "tax_total", currency));
        tax
    })
}

/// As positive amounts.
pub fn refunds(object: &mut Fields, currency: Option<&str>) -> Vec<Value> {
    each(object, "refunds", |one| {
        let mut refund = one.texts(&[("id", "id"), ("reason", "reason")]);
        let total = |value: &Value| {
            let total = fields::decimal(value)?;
            let positive = total.strip_prefix('-').unwrap_or(&total);
            Money::new(positive, currency?)
        };
        refund.leave("amount", one.take("total", total).map(|money| json!(money)));
        refund
    })
}

/// 22 percent is 0.22, 5.5 is 0.055.
fn share(percent: &str) -> Option<String> {
    let places = percent.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    money::from_minor(percent.replace('.', ""), u32::try_from(places).ok()? + 2)
}
