//! Carts: <https://shopify.dev/docs/api/webhooks>, topics `carts/…`.
//!
//! A cart comes into being when a first thing is put into it, so a new one is `item_added`. An update shows the cart as it
//! is now and not what was done to it: all it proves is that the customer was at their cart, `viewed`.

use super::customer::Person;
use super::line::Document;
use super::{Hook, Told, attributes};
use crate::map::touchpoint;
use crate::tree::{Node, Object, is_time};

pub fn told<'a>(hook: Hook<'a>, mut body: Object<'a>) -> Option<Told<'a>> {
    let token = body.text("token").or_else(|| body.text("id"))?;
    body.drop_if("id", &token);
    let created = hook.topic.ends_with("/create");
    let of = if created { "created_at" } else { "updated_at" };
    let time = body.peek(of).filter(|time| is_time(time));
    let mut person = Person::default();
    person.cart(hook, &token);

    let mut lines = Document::in_currency(None).lines(&mut body);
    let products: Vec<Node> = if created { lines.iter_mut().filter_map(added).collect() } else { Vec::new() };
    let mut cart = Object::new();
    let subject = Some(format!("cart/{token}"));
    cart.put("id", token);
    cart.put("currency", lines.iter_mut().find_map(currency));
    cart.put("lines", lines);
    cart.put("note", body.text("note"));
    cart.put("attributes", attributes(&mut body, "attributes"));
    cart.put("created_at", body.time("created_at"));
    cart.put("updated_at", body.time("updated_at"));

    let kind = if products.is_empty() { "commerce.cart.viewed" } else { "commerce.cart.item_added" };
    let mut data = Object::new();
    data.put("customer", person);
    data.put("touchpoint", touchpoint::on("web"));
    data.put("products", products);
    data.put("cart", cart);
    data.put("vendor", body);
    Some(Told { kind, subject, time, data })
}

/// The product of a line, as the thing that was put into the cart.
fn added<'a>(line: &mut Node<'a>) -> Option<Node<'a>> {
    let Node::Object(line) = line else { return None };
    let quantity = line.peek("quantity");
    let from = line.object("product")?;
    let mut product = Object::new();
    for name in ["id", "variant_id", "sku", "name"] {
        product.put(name, from.peek(name));
    }
    product.put("quantity", quantity);
    Some(product.into())
}

fn currency<'a>(line: &mut Node<'a>) -> Option<Node<'a>> {
    let Node::Object(line) = line else { return None };
    Some(line.object("unit_price")?.peek("currency")?.into())
}
