//! The three topics that every app must answer: <https://shopify.dev/docs/apps/build/privacy-law-compliance>.

use super::customer::Person;
use super::{Hook, Told, touchpoint};
use crate::tree::{Node, Object};

pub fn told<'a>(hook: Hook<'a>, mut body: Object<'a>) -> Option<Told<'a>> {
    if let Some(shop) = hook.shop {
        body.drop_if("shop_domain", shop);
    }
    let mut request = Object::new();
    if let Some(asked) = body.object("data_request") {
        request.put("id", asked.text("id"));
    }
    request.put("kind", if hook.topic == "customers/data_request" { "access" } else { "erasure" });
    let mut scope = Vec::new();
    for name in ["orders_requested", "orders_to_redact"] {
        if let Node::List(orders) = body.take(name) {
            scope.extend(orders.iter().filter_map(order));
        }
    }
    if hook.topic == "shop/redact" {
        scope.push(Node::from("shop"));
    }
    request.put("scope", scope);
    let person = body.object("customer").map(|record| Person::known(hook, record));
    let mut data = Object::new();
    data.put("customer", person.filter(|person| !person.is_unknown()));
    data.put("touchpoint", touchpoint::backoffice());
    data.put("privacy_request", request);
    data.put("vendor", body);
    Some(Told { kind: "privacy.request.received", subject: None, time: None, data })
}

fn order<'a>(id: &Node<'a>) -> Option<Node<'a>> {
    match id {
        Node::Unsigned(id) => Some(format!("order/{id}").into()),
        Node::Text(id) => Some(format!("order/{id}").into()),
        _ => None,
    }
}
