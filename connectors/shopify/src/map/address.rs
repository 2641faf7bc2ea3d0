//! Addresses, as Shopify writes them in orders, checkouts, customers and fulfilments.

use crate::tree::{Object, Text};

/// `owner` is the id of the customer it belongs to, which it may repeat.
pub fn address<'a>(from: &mut Object<'a>, owner: Option<&str>) -> Object<'a> {
    let mut address = Object::new();
    address.put("id", from.text("id"));
    address.put("name", name(from));
    address.put("company", from.text("company"));
    address.put("line1", from.text("address1"));
    address.put("line2", from.text("address2"));
    address.put("city", from.text("city"));
    address.put("region", from.text("province"));
    address.put("region_code", from.text("province_code"));
    address.put("postal_code", from.text("zip"));
    let country = from.text("country");
    if let Some(country) = &country {
        from.drop_if("country_name", country);
    }
    address.put("country", country);
    address.put("country_code", from.text_if("country_code", is_country));
    address.put("phone", from.text("phone"));
    address.put("latitude", from.number("latitude"));
    address.put("longitude", from.number("longitude"));
    address.put("primary", from.bool("default"));
    if let Some(owner) = owner {
        from.drop_if("customer_id", owner);
    }
    address
}

/// The whole name; its parts are dropped if they say the same.
fn name<'a>(from: &mut Object<'a>) -> Option<Text<'a>> {
    let parts: Vec<_> = [from.peek("first_name"), from.peek("last_name")].into_iter().flatten().collect();
    let joined = match parts.as_slice() {
        [] => return from.text("name"),
        [one] => one.clone(),
        parts => parts.join(" ").into(),
    };
    let whole = from.text("name").unwrap_or_else(|| joined.clone());
    if whole == joined {
        from.take("first_name");
        from.take("last_name");
    }
    Some(whole)
}

/// ISO 3166-1 alpha-2.
fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}
