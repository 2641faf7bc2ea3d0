//! Checkouts: <https://shopify.dev/docs/api/webhooks>, topics `checkouts/…`. Sums are in the checkout's currency.

use super::customer::Person;
use super::line::{Document, grams, taxes};
use super::{Hook, Told, consent, drop_gid, is_currency, order, touchpoint};
use crate::tree::{Object, is_time};

pub fn told<'a>(hook: Hook<'a>, kind: &'static str, mut body: Object<'a>) -> Option<Told<'a>> {
    let id = body.text("id");
    if let Some(id) = &id {
        drop_gid(&mut body, "admin_graphql_api_id", id);
    }
    let token = body.text("token");
    let name = token.clone().or_else(|| id.clone())?;
    let of = if kind == "commerce.checkout.started" { "created_at" } else { "updated_at" };
    let time = body.peek(of).filter(|time| is_time(time));
    let mut purposes = Object::new();
    let mut person = Person::default();
    if let Some(record) = body.object("customer") {
        purposes = consent::of_customer(record);
        person = Person::known(hook, record);
    }
    person.email_if_none(body.peek("email"));
    person.phone_if_none(body.peek("phone").or_else(|| body.peek("sms_marketing_phone")));
    let cart = body.text("cart_token");
    if let Some(cart) = &cart {
        person.cart(hook, cart);
    }
    consent::of_checkout(&mut body, "buyer_accepts_marketing", consent::EMAIL, &mut purposes);
    consent::of_checkout(&mut body, "buyer_accepts_sms_marketing", consent::SMS, &mut purposes);

    let mut data = Object::new();
    data.put("customer", person);
    data.put("consent", consent::within(purposes));
    data.put("touchpoint", touchpoint::of_sale(hook, &mut body));
    let mut checkout = Object::new();
    checkout.put("id", id);
    checkout.put("token", token);
    checkout.put("cart_id", cart);
    fill(&mut checkout, &mut body);
    data.put("checkout", checkout);
    data.put("vendor", body);
    Some(Told { kind, subject: Some(format!("checkout/{name}")), time, data })
}

fn fill<'a>(checkout: &mut Object<'a>, from: &mut Object<'a>) {
    checkout.put("name", from.text("name"));
    checkout.put("step", step(from));
    checkout.put("completed_at", from.time("completed_at"));
    checkout.put("created_at", from.time("created_at"));
    checkout.put("updated_at", from.time("updated_at"));
    checkout.put("abandoned_url", from.text("abandoned_checkout_url"));
    checkout.put("gateway", from.text("gateway"));
    checkout.put("accepts_marketing", from.bool("buyer_accepts_marketing"));
    order::contact(checkout, from);
    let shown = from.text_if("presentment_currency", is_currency);
    let currency = from.text_if("currency", is_currency).or_else(|| shown.clone());
    if let Some(shown) = shown
        && currency.as_ref() != Some(&shown)
    {
        from.put("presentment_currency", shown);
    }
    order::sums(checkout, from, currency.as_ref());
    let document = Document::in_currency(currency.clone());
    checkout.put("currency", currency);
    checkout.put("taxes", taxes(from, document.currency.as_ref()));
    checkout.put("shipping_methods", order::shipping(from, &document));
    checkout.put("lines", document.lines(from));
    checkout.put("weight", grams(from, "total_weight"));
    checkout.put("source", from.text("source_name"));
}

/// How far the customer has come, as far as the payload proves it: Shopify names no step.
fn step(from: &mut Object) -> &'static str {
    if from.peek("completed_at").is_some() {
        "completed"
    } else if from.objects("shipping_lines").next().is_some() {
        "shipping"
    } else if from.object("shipping_address").is_some_and(|address| !address.is_blank()) {
        "address"
    } else if from.peek("email").or_else(|| from.peek("phone")).is_some() {
        "contact"
    } else {
        "started"
    }
}
