//! Fulfilments and what carriers report of them: <https://shopify.dev/docs/api/admin-rest/latest/resources/fulfillment>.

use super::address::address;
use super::customer::Person;
use super::line::Document;
use super::{Hook, Told, drop_gid, touchpoint};
use crate::tree::{Node, Object, is_time};

/// One that was called off or failed did not fulfil anything, and the vocabulary has no word for it.
pub fn told<'a>(hook: Hook<'a>, mut body: Object<'a>) -> Option<Told<'a>> {
    let kind = match (body.peek("status").as_deref(), body.peek("shipment_status").as_deref()) {
        (Some("cancelled" | "error" | "failure"), _) => return None,
        (_, Some("delivered")) => "commerce.order.delivered",
        _ => "commerce.order.fulfilled",
    };
    let subject = Some(format!("fulfilment/{}", body.peek("id")?));
    let of = if hook.topic.ends_with("/create") { "created_at" } else { "updated_at" };
    let time = body.peek(of).filter(|time| is_time(time));
    let mut person = Person::default();
    if let Some(order) = body.peek("order_id") {
        person.order(hook, &order);
    }
    let mut data = Object::new();
    data.put("customer", person);
    data.put("touchpoint", touchpoint::backoffice());
    data.put("fulfilment", fulfilment(&mut body, &Document::in_currency(None)));
    data.put("vendor", body);
    Some(Told { kind, subject, time, data })
}

/// Those that an order tells.
pub fn list<'a>(from: &mut Object<'a>, document: &Document<'a>) -> Vec<Node<'a>> {
    from.objects("fulfillments").map(|item| fulfilment(item, document).into()).collect()
}

fn fulfilment<'a>(from: &mut Object<'a>, document: &Document<'a>) -> Object<'a> {
    let mut fulfilment = Object::new();
    let id = from.text("id");
    if let Some(id) = &id {
        drop_gid(from, "admin_graphql_api_id", id);
    }
    fulfilment.put("id", id);
    fulfilment.put("name", from.text("name"));
    fulfilment.put("order_id", from.text("order_id"));
    fulfilment.put("status", from.text("status"));
    fulfilment.put("shipment_status", from.text("shipment_status"));
    fulfilment.put("carrier", from.text("tracking_company"));
    fulfilment.put("service", from.text("service"));
    for (one, many, name) in [
        ("tracking_number", "tracking_numbers", "tracking_numbers"),
        ("tracking_url", "tracking_urls", "tracking_urls"),
    ] {
        let mut list = from.texts(many);
        let alone = from.take(one);
        if !list.contains(&alone) && !alone.is_blank() {
            list.push(alone);
        }
        fulfilment.put(name, list);
    }
    fulfilment.put("location_id", from.text("location_id"));
    fulfilment.put("email", from.text("email"));
    fulfilment.put("destination", from.object("destination").map(|from| address(from, None)));
    fulfilment.put("created_at", from.time("created_at"));
    fulfilment.put("updated_at", from.time("updated_at"));
    fulfilment.put("estimated_delivery_at", from.time("estimated_delivery_at"));
    fulfilment.put("lines", document.lines(from));
    fulfilment
}

/// Of all that carriers report only the arrival has a word.
pub fn milestone<'a>(hook: Hook<'a>, mut body: Object<'a>) -> Option<Told<'a>> {
    if body.peek("status")? != "delivered" {
        return None;
    }
    let id = body.text("fulfillment_id")?;
    let subject = Some(format!("fulfilment/{id}"));
    let mut person = Person::default();
    let order = body.text("order_id");
    if let Some(order) = &order {
        person.order(hook, order);
    }
    let time = body.time("happened_at");
    let mut fulfilment = Object::new();
    fulfilment.put("id", id);
    fulfilment.put("order_id", order);
    fulfilment.put("shipment_status", body.text("status"));
    fulfilment.put("delivered_at", time.clone());
    fulfilment.put("estimated_delivery_at", body.time("estimated_delivery_at"));
    // The report's own id is not that of the place.
    let report = body.take("id");
    fulfilment.put("destination", address(&mut body, None));
    body.put("id", report);
    let mut data = Object::new();
    data.put("customer", person);
    data.put("touchpoint", touchpoint::backoffice());
    data.put("fulfilment", fulfilment);
    data.put("vendor", body);
    Some(Told { kind: "commerce.order.delivered", subject, time, data })
}
