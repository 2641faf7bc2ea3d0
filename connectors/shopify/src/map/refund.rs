//! Refunds and returns: <https://shopify.dev/docs/api/admin-rest/latest/resources/refund>.

use super::customer::Person;
use super::line::{Document, product};
use super::{Hook, Told, drop_gid, id, money, payment, priced, touchpoint};
use crate::tree::{Node, Object, Text, is_time};

pub fn issued<'a>(hook: Hook<'a>, mut body: Object<'a>) -> Option<Told<'a>> {
    let subject = Some(format!("refund/{}", body.peek("id")?));
    let time =
        ["processed_at", "created_at"].iter().find_map(|name| body.peek(name).filter(|time| is_time(time)));
    let mut person = Person::default();
    let mut data = Object::new();
    if let Some(order) = body.peek("order_id") {
        person.order(hook, &order);
        data.put("customer", person);
    }
    data.put("touchpoint", touchpoint::backoffice());
    data.put("refund", refund(&mut body, &Document::in_currency(None)));
    data.put("vendor", body);
    Some(Told { kind: "commerce.refund.issued", subject, time, data })
}

/// Those that an order tells.
pub fn list<'a>(from: &mut Object<'a>, document: &Document<'a>) -> Vec<Node<'a>> {
    from.objects("refunds").map(|item| refund(item, document).into()).collect()
}

fn refund<'a>(from: &mut Object<'a>, document: &Document<'a>) -> Object<'a> {
    let currency = document.currency.as_ref();
    let mut refund = Object::new();
    let id = from.text("id");
    if let Some(id) = &id {
        drop_gid(from, "admin_graphql_api_id", id);
    }
    refund.put("id", id);
    let order = from.text("order_id");
    refund.put("payments", payment::list(from, order.as_deref()));
    refund.put("order_id", order);
    if let Some(returned) = from.object("return") {
        let id = returned.text("id");
        if let Some(id) = &id {
            drop_gid(returned, "admin_graphql_api_id", id);
        }
        refund.put("return_id", id);
    }
    refund.put("note", from.text("note"));
    let at = from.time("processed_at").or_else(|| from.time("created_at"));
    if let Some(at) = &at {
        from.drop_if("created_at", at);
    }
    refund.put("at", at);
    let amount = paid_back(&mut refund);
    refund.put("amount", amount);
    refund.put(
        "lines",
        from.objects("refund_line_items").map(|item| line(item, currency).into()).collect::<Vec<_>>(),
    );
    refund.put(
        "adjustments",
        from.objects("order_adjustments").map(|item| adjustment(item, currency).into()).collect::<Vec<_>>(),
    );
    refund.put("restock", from.bool("restock"));
    let mut operator = Object::new();
    operator.put("id", from.text("user_id"));
    refund.put("operator", operator);
    refund
}

fn line<'a>(from: &mut Object<'a>, currency: Option<&Text<'a>>) -> Object<'a> {
    let mut line = Object::new();
    line.put("id", from.text("id"));
    let sold = from.text("line_item_id");
    line.put("quantity", from.decimal("quantity"));
    line.put("amount", money(from, "subtotal_set", currency));
    line.put("tax", money(from, "total_tax_set", currency));
    line.put("restock", from.text("restock_type"));
    line.put("location_id", from.text("location_id"));
    if let Some(item) = from.object("line_item") {
        if let Some(sold) = &sold {
            item.drop_if("id", sold);
            drop_gid(item, "admin_graphql_api_id", sold);
        }
        let mut product = product(item);
        product.put("price", money(item, "price_set", currency));
        product.put("gift_card", item.bool("gift_card"));
        line.put("product", product);
    }
    line.put("line_id", sold);
    line
}

fn adjustment<'a>(from: &mut Object<'a>, currency: Option<&Text<'a>>) -> Object<'a> {
    let mut adjustment = Object::new();
    adjustment.put("kind", from.text("kind"));
    adjustment.put("reason", from.text("reason"));
    adjustment.put("amount", money(from, "amount_set", currency));
    adjustment.put("tax", money(from, "tax_amount_set", currency));
    adjustment
}

/// What went back to the customer: the sum of the payments that worked.
fn paid_back<'a>(refund: &mut Object<'a>) -> Option<Object<'a>> {
    let mut sum = None;
    for payment in refund.objects("payments") {
        let worked = payment.peek("action").as_deref() == Some("refund")
            && payment.peek("status").as_deref() == Some("success");
        let Some(amount) = payment.object("amount").filter(|_| worked) else { continue };
        let (amount, currency) = (amount.peek("amount")?, amount.peek("currency")?);
        sum = match sum {
            None => Some((amount, currency)),
            Some((before, same)) if same == currency => Some((add(&before, &amount)?.into(), same)),
            Some(_) => return None,
        };
    }
    sum.map(|(amount, currency)| priced(amount, currency))
}

/// Two positive decimals, exactly, at the longer of their scales.
fn add(one: &str, other: &str) -> Option<String> {
    let scale = [one, other]
        .iter()
        .map(|text| text.split_once('.').map_or(0, |(_, fraction)| fraction.len()))
        .max()?;
    let units = |text: &str| {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        format!("{whole}{fraction:0<scale$}").parse::<u64>().ok()
    };
    let digits = format!("{:0>width$}", units(one)?.checked_add(units(other)?)?, width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    Some(if scale == 0 { digits } else { format!("{whole}.{fraction}") })
}

pub fn return_requested<'a>(hook: Hook<'a>, mut body: Object<'a>) -> Option<Told<'a>> {
    let id_text = body.text("id")?;
    drop_gid(&mut body, "admin_graphql_api_id", &id_text);
    let subject = Some(format!("return/{id_text}"));
    let mut person = Person::default();
    let mut asked = Object::new();
    asked.put("id", id_text);
    asked.put("number", body.text("name"));
    asked.put("status", body.text("status"));
    if let Some(order) = body.object("order")
        && let Some(order_id) = id(order, "id")
    {
        drop_gid(order, "admin_graphql_api_id", &order_id);
        person.order(hook, &order_id);
        asked.put("order_id", order_id);
    }
    asked.put(
        "lines",
        body.objects("return_line_items").map(|item| return_line(item).into()).collect::<Vec<_>>(),
    );
    let mut data = Object::new();
    if !person.is_unknown() {
        data.put("customer", person);
    }
    data.put("touchpoint", touchpoint::on("web"));
    data.put("return", asked);
    data.put("vendor", body);
    Some(Told { kind: "commerce.return.requested", subject, time: None, data })
}

fn return_line<'a>(from: &mut Object<'a>) -> Object<'a> {
    let mut line = Object::new();
    let id_text = from.text("id");
    if let Some(id) = &id_text {
        drop_gid(from, "admin_graphql_api_id", id);
    }
    line.put("id", id_text);
    line.put("kind", "return");
    line.put("quantity", from.decimal("quantity"));
    line.put("return_reason", from.text("return_reason"));
    line.put("note", from.text("customer_note"));
    if let Some(sold) = from.object("fulfillment_line_item").and_then(|item| item.object("line_item"))
        && let Some(sold_id) = id(sold, "id")
    {
        drop_gid(sold, "admin_graphql_api_id", &sold_id);
        let mut related = Object::new();
        related.put("line_id", sold_id);
        line.put("related", related);
    }
    line
}
