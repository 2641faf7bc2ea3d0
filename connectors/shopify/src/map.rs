//! Shopify's webhooks as canonical events: which topic is which type, and the readings that all payloads share.
//!
//! Payloads as in <https://shopify.dev/docs/api/webhooks>. A mapping takes from the payload what has a canonical place;
//! the rest goes under `vendor` by Shopify's own names.

mod account;
mod address;
mod cart;
mod checkout;
mod consent;
mod customer;
mod fulfilment;
mod line;
mod order;
mod payment;
mod privacy;
mod refund;
mod subscription;
mod touchpoint;

use crate::tree::{Node, Object, Text, is_decimal};

/// What a payload does not say about itself.
#[derive(Clone, Copy)]
pub struct Hook<'a> {
    pub topic: &'a str,
    /// `example.myshopify.com`: ids are unique within it.
    pub shop: Option<&'a str>,
}

/// A payload, told as an event.
pub struct Told<'a> {
    pub kind: &'static str,
    /// `order/1001`.
    pub subject: Option<String>,
    pub time: Option<Text<'a>>,
    pub data: Object<'a>,
}

/// `None` if the vocabulary has no word for it, or the payload does not hold what the word needs.
pub fn tell<'a>(hook: Hook<'a>, body: Object<'a>) -> Option<Told<'a>> {
    match hook.topic {
        "orders/create" => order::told(hook, "commerce.order.placed", body),
        "orders/paid" => order::told(hook, "commerce.order.paid", body),
        "orders/updated" => order::told(hook, "commerce.order.edited", body),
        "orders/edited" => order::edited(hook, body),
        "orders/cancelled" => order::told(hook, "commerce.order.cancelled", body),
        "orders/fulfilled" | "orders/partially_fulfilled" => {
            order::told(hook, "commerce.order.fulfilled", body)
        }
        "refunds/create" => refund::issued(hook, body),
        "returns/request" => refund::return_requested(hook, body),
        "fulfillments/create" | "fulfillments/update" => fulfilment::told(hook, body),
        "fulfillment_events/create" => fulfilment::milestone(hook, body),
        "carts/create" | "carts/update" => cart::told(hook, body),
        "checkouts/create" => checkout::told(hook, "commerce.checkout.started", body),
        "checkouts/update" => checkout::told(hook, "commerce.checkout.step_completed", body),
        "customers/create" => customer::told(hook, "crm.contact.created", body),
        "customers/update" | "customers/enable" | "customers/disable" => {
            customer::told(hook, "crm.contact.updated", body)
        }
        "customers/delete" => customer::told(hook, "crm.contact.deleted", body),
        "customers/merge" => customer::merged(hook, body),
        "customer.tags_added" | "customer.tags_removed" | "customers/purchasing_summary" => {
            customer::changed(hook, body)
        }
        "customers_email_marketing_consent/update"
        | "customers_marketing_consent/update"
        | "customers_whats_app_marketing_consent/update" => consent::told(hook, body),
        "customers/data_request" | "customers/redact" | "shop/redact" => privacy::told(hook, body),
        "companies/create" => account::told("crm.account.created", body),
        "companies/update" => account::told("crm.account.updated", body),
        "company_contacts/create" | "company_contacts/update" => account::contact(hook, body),
        "company_contact_roles/assign" | "company_contact_roles/revoke" => account::role(hook, body),
        "company_locations/create" | "company_locations/update" => account::location(hook, body),
        "customer_payment_methods/create"
        | "customer_payment_methods/update"
        | "customer_payment_methods/revoke" => customer::pays_with(hook, body),
        _ => subscription::told(hook, body),
    }
}

/// Amount and currency, from a `…_set` in the shop's currency; without one from the plain field beside it, in `currency`.
/// What the customer saw is left, if that was another currency.
fn money<'a>(from: &mut Object<'a>, set: &str, currency: Option<&Text<'a>>) -> Option<Object<'a>> {
    let plain = set.strip_suffix("_set").expect("the names of money sets end in _set");
    let Some((amount, code)) = shop_money(from.object(set)) else {
        let code = currency?.clone();
        return Some(priced(from.decimal(plain)?, code));
    };
    if from.peek(plain).is_some_and(|text| same_amount(&text, &amount)) {
        from.take(plain);
    }
    Some(priced(amount, code))
}

fn shop_money<'a>(set: Option<&mut Object<'a>>) -> Option<(Text<'a>, Text<'a>)> {
    let set = set?;
    let shop = set.object("shop_money")?;
    let amount = shop.peek("amount").filter(|text| is_decimal(text))?;
    let code = shop.peek("currency_code").filter(|text| is_currency(text))?;
    if let Some(shown) = set.object("presentment_money")
        && shown.peek("amount").as_deref() == Some(&amount)
        && shown.peek("currency_code").as_deref() == Some(&code)
    {
        set.take("presentment_money");
    }
    set.take("shop_money");
    Some((amount, code))
}

fn priced<'a>(amount: Text<'a>, currency: Text<'a>) -> Object<'a> {
    let mut money = Object::new();
    money.put("amount", amount);
    money.put("currency", currency);
    money
}

/// Drops a second sum of money if it only repeats the first.
fn drop_echo<'a>(from: &mut Object<'a>, set: &str, known: &mut Option<Object<'a>>) {
    let Some(amount) = known.as_mut().and_then(|money| money.peek("amount")) else { return };
    let plain = set.strip_suffix("_set").expect("the names of money sets end in _set");
    if let Some(object) = from.object(set) {
        let same = object.object("shop_money").and_then(|money| money.peek("amount")) == Some(amount.clone());
        if same {
            shop_money(Some(object));
        }
    }
    if from.peek(plain).is_some_and(|text| same_amount(&text, &amount)) {
        from.take(plain);
    }
}

/// `10`, `10.0` and `10.00` are the same: Shopify writes some amounts as numbers.
fn same_amount(one: &str, other: &str) -> bool {
    one == other || one.parse::<f64>().is_ok_and(|one| other.parse::<f64>() == Ok(one))
}

/// ISO 4217.
fn is_currency(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// The id at the end of `gid://shopify/Customer/1`.
pub fn gid(text: &str) -> &str {
    text.rsplit_once('/').map_or(text, |(_, id)| id)
}

/// Shopify gives most objects a second id made of the first; it says nothing new.
fn drop_gid(from: &mut Object, name: &str, id: &str) {
    if from.peek(name).is_some_and(|text| gid(&text) == id) {
        from.take(name);
    }
}

/// Takes an id that may come as a number or as a `gid://`.
fn id<'a>(from: &mut Object<'a>, name: &str) -> Option<Text<'a>> {
    let text = from.text(name)?;
    Some(match text {
        Text::Borrowed(text) => Text::Borrowed(gid(text)),
        Text::Owned(text) => Text::Owned(gid(&text).to_owned()),
    })
}

/// `a, b` is how Shopify writes tags down.
fn tags<'a>(from: &mut Object<'a>) -> Vec<Node<'a>> {
    let Some(text) = from.text("tags") else { return from.texts("tags") };
    let trimmed = |tag: &str| Some(tag.trim()).filter(|tag| !tag.is_empty()).map(str::to_owned);
    match text {
        Text::Borrowed(text) => {
            text.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(Node::from).collect()
        }
        Text::Owned(text) => text.split(',').filter_map(trimmed).map(Node::from).collect(),
    }
}

/// Names and values, from a list of them or from an object. All or nothing: a value that is no scalar leaves them be.
fn attributes<'a>(from: &mut Object<'a>, name: &str) -> Vec<Node<'a>> {
    from.pairs(name)
        .into_iter()
        .map(|(name, value)| {
            let mut attribute = Object::new();
            attribute.put("name", name);
            attribute.put("value", value);
            attribute.into()
        })
        .collect()
}
