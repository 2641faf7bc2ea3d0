//! Transactions: <https://shopify.dev/docs/api/admin-rest/latest/resources/transaction>.

use super::{drop_gid, is_currency, money};
use crate::tree::{Node, Object, Text};

pub fn list<'a>(from: &mut Object<'a>, order: Option<&str>) -> Vec<Node<'a>> {
    from.objects("transactions").map(|item| payment(item, order).into()).collect()
}

fn payment<'a>(from: &mut Object<'a>, order: Option<&str>) -> Object<'a> {
    let mut payment = Object::new();
    let id = from.text("id");
    if let Some(id) = &id {
        drop_gid(from, "admin_graphql_api_id", id);
    }
    payment.put("id", id);
    if let Some(order) = order {
        from.drop_if("order_id", order);
    }
    payment.put("parent_id", from.text("parent_id"));
    payment.put("action", from.text("kind"));
    payment.put("status", from.text("status"));
    let gateway = from.text("gateway");
    let card = from.object("payment_details").map(card).filter(|card| !card.is_blank());
    payment.put("kind", kind(gateway.as_deref(), card.is_some()));
    payment.put("gateway", gateway);
    let currency: Option<Text> = from.text_if("currency", is_currency);
    payment.put("amount", money(from, "amount_set", currency.as_ref()));
    payment.put("at", from.time("processed_at").or_else(|| from.time("created_at")));
    if let Some(at) = payment.peek("at") {
        from.drop_if("created_at", &at);
    }
    payment.put("reference", from.text("payment_id"));
    payment.put("authorization_code", from.text("authorization"));
    payment.put("error", from.text("error_code"));
    payment.put("test", from.bool("test"));
    payment.put("card", card);
    payment
}

fn card<'a>(from: &mut Object<'a>) -> Object<'a> {
    let mut card = Object::new();
    card.put("brand", from.text("credit_card_company"));
    card.put("masked_number", from.text_if("credit_card_number", is_masked));
    card.put("bin", from.text_if("credit_card_bin", is_bin));
    card.put("holder", from.text("credit_card_name"));
    card.put("expiry_month", from.count("credit_card_expiration_month"));
    card.put("expiry_year", from.count("credit_card_expiration_year"));
    card
}

/// The first digits, which name the bank.
fn is_bin(text: &str) -> bool {
    (4..=8).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// No more than the last four digits.
fn is_masked(number: &str) -> bool {
    number.chars().rev().skip(4).all(|character| !character.is_ascii_digit())
}

/// By the names that Shopify gives its own gateways; others are for their companies to tell.
fn kind(gateway: Option<&str>, card: bool) -> Option<&'static str> {
    match gateway? {
        _ if card => Some("card"),
        "shopify_payments" | "bogus" => Some("card"),
        "gift_card" => Some("gift_card"),
        "cash" => Some("cash"),
        "paypal" | "shop_pay" | "apple_pay" | "google_pay" | "amazon_payments" => Some("wallet"),
        _ => None,
    }
}
