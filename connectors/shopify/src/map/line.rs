//! Lines of orders, carts, checkouts and fulfilments, with the taxes and discounts on them.

use super::{attributes, drop_echo, drop_gid, money};
use crate::tree::{Node, Object, Text};

/// What the lines of one document share.
pub struct Document<'a> {
    pub currency: Option<Text<'a>>,
    /// Code and title of each discount, in the order that lines count them by.
    pub discounts: Vec<[Option<Text<'a>>; 2]>,
}

impl<'a> Document<'a> {
    pub fn in_currency(currency: Option<Text<'a>>) -> Self {
        Self { currency, discounts: Vec::new() }
    }

    pub fn lines(&self, from: &mut Object<'a>) -> Vec<Node<'a>> {
        from.objects("line_items").map(|item| self.line(item).into()).collect()
    }

    fn line(&self, from: &mut Object<'a>) -> Object<'a> {
        let currency = self.currency.as_ref();
        let mut line = Object::new();
        let id = from.text("id");
        if let Some(id) = &id {
            drop_gid(from, "admin_graphql_api_id", id);
        }
        line.put("id", id.or_else(|| from.text("key")));
        line.put("product", product(from));
        line.put("quantity", from.decimal("quantity"));
        line.put("current_quantity", from.decimal("current_quantity"));
        let mut price = money(from, "price_set", currency);
        for echo in ["discounted_price_set", "original_price_set", "variant_price_set"] {
            drop_echo(from, echo, &mut price);
        }
        line.put("unit_price", price);
        line.put("regular_price", money(from, "compare_at_price_set", currency));
        line.put("discount", money(from, "total_discount_set", currency));
        line.put("taxes", taxes(from, currency));
        line.put("discounts", self.discounts(from));
        let mut total = money(from, "line_price_set", currency);
        drop_echo(from, "original_line_price_set", &mut total);
        line.put("total", total);
        line.put("gift_card", from.bool("gift_card"));
        line.put("fulfilment_status", from.text("fulfillment_status"));
        line.put("requires_shipping", from.bool("requires_shipping"));
        line.put("taxable", from.bool("taxable"));
        line.put("attributes", attributes(from, "properties"));
        line
    }

    /// The share of each discount that fell on this line or this way of shipping.
    pub fn discounts(&self, from: &mut Object<'a>) -> Vec<Node<'a>> {
        let currency = self.currency.as_ref();
        let share = |allocation: &mut Object<'a>| {
            let mut discount = Object::new();
            let place =
                allocation.peek("discount_application_index").and_then(|text| text.parse::<usize>().ok());
            if let Some([code, title]) = place.and_then(|place| self.discounts.get(place)) {
                allocation.take("discount_application_index");
                discount.put("code", code.clone());
                discount.put("title", title.clone());
            }
            discount.put("amount", money(allocation, "amount_set", currency));
            Node::from(discount)
        };
        from.objects("discount_allocations").map(share).collect()
    }
}

pub fn product<'a>(from: &mut Object<'a>) -> Object<'a> {
    let mut product = Object::new();
    product.put("id", from.text("product_id"));
    product.put("variant_id", from.text("variant_id"));
    product.put("sku", from.text("sku"));
    let title = from.text("title");
    let variant = from.text("variant_title");
    // The line's own name is made of the two.
    if let Some(title) = &title {
        from.drop_if("presentment_title", title);
        from.drop_if("name", title);
        if let Some(variant) = &variant {
            from.drop_if("presentment_variant_title", variant);
            let made =
                |name: &str| name.strip_prefix(&**title)?.strip_prefix(" - ").map(|rest| rest == variant);
            if from.peek("name").is_some_and(|name| made(&name) == Some(true)) {
                from.take("name");
            }
        }
    }
    product.put("name", title);
    product.put("variant", variant);
    product.put("brand", from.text("vendor"));
    product.put("weight", grams(from, "grams"));
    product
}

/// UN/CEFACT's code for grams.
pub fn grams<'a>(from: &mut Object<'a>, name: &str) -> Option<Object<'a>> {
    let value = from.number(name);
    if value.is_blank() {
        return None;
    }
    let mut weight = Object::new();
    weight.put("value", value);
    weight.put("unit", "GRM");
    Some(weight)
}

pub fn taxes<'a>(from: &mut Object<'a>, currency: Option<&Text<'a>>) -> Vec<Node<'a>> {
    from.objects("tax_lines").map(|item| tax(item, currency).into()).collect()
}

fn tax<'a>(from: &mut Object<'a>, currency: Option<&Text<'a>>) -> Object<'a> {
    let mut tax = Object::new();
    tax.put("name", from.text("title"));
    let rate = from.decimal("rate");
    if let Some(rate) = &rate {
        from.drop_if("compare_at", rate);
    }
    tax.put("rate", rate);
    let mut amount = money(from, "price_set", currency);
    drop_echo(from, "tax_calculation_price_set", &mut amount);
    tax.put("amount", amount);
    tax
}
