//! Orders: Square's webhooks say only that one was made or changed, and its state.
//! <https://developer.squareup.com/reference/square/objects/OrderUpdated>

use serde_json::{Value, json};
use snodo_connector::fields::{Fields, Take};

use super::person::Person;
use super::{Story, Told, store, touched};
use crate::config::Completed;

pub fn told(story: &mut Story) -> Option<Told> {
    let kind = match (story.object.get("state")?.as_str()?, story.kind) {
        // Nobody has ordered yet.
        ("DRAFT", _) => return None,
        ("CANCELED", _) => "commerce.order.cancelled",
        (_, "order.created") => "commerce.order.placed",
        _ => "commerce.order.edited",
    };
    let time = touched(&story.object);
    let mut order = order(&mut story.object)?;
    if kind == "commerce.order.placed" {
        order.leave("placed_at", time.clone());
    }
    if kind == "commerce.order.cancelled" {
        order.leave("cancelled_at", time.clone());
    }
    event(kind, order, Fields::new(), time)
}

fn order(from: &mut Fields) -> Option<Fields> {
    let mut order = from.texts(&[("order_id", "id")]);
    order.get("id")?;
    let status = |word: &Value| match word.as_str()? {
        "OPEN" => Some("open"),
        "COMPLETED" => Some("closed"),
        "CANCELED" => Some("cancelled"),
        _ => None,
    };
    order.leave("status", from.take("state", status));
    order.leave("store", store(from));
    order.leave("created_at", from.moment("created_at"));
    order.leave("updated_at", from.moment("updated_at"));
    Some(order)
}

fn event(kind: &'static str, order: Fields, mut data: Fields, time: Option<String>) -> Option<Told> {
    let id = order.get("id")?.as_str()?.to_owned();
    let mut person = Person::default();
    person.sale("square:order", Some(&id));
    data.leave("customer", Value::from(person));
    data.insert("touchpoint".into(), json!({"channel": "pos"}));
    data.insert("order".into(), order.into());
    Some(Told::new(kind, format!("order/{id}"), data)?.at(time))
}

/// <https://developer.squareup.com/reference/square/objects/OrderFulfillmentUpdated>: several may have moved at once.
pub fn fulfilled(story: &mut Story) -> Option<Told> {
    let time = touched(&story.object);
    let updates = story.object.list("fulfillment_update").unwrap_or_default();
    let mut fulfilments = Vec::new();
    let mut rest = Vec::new();
    for update in updates {
        let Value::Object(mut update) = update else {
            rest.push(update);
            continue;
        };
        let mut found = update.texts(&[("fulfillment_uid", "id")]);
        found.leave("status", update.take("new_state", |word| word.as_str().map(status)));
        fulfilments.push(found);
        rest.push(Value::Object(update));
    }
    story.object.leave("fulfillment_update", rest);
    let mut order = order(&mut story.object)?;
    let id = order.get("id").cloned();
    let completed = fulfilments.iter().position(|found| found.get("status") == Some(&json!("success")));
    let Some(place) = completed else {
        if let [only] = fulfilments.as_slice() {
            order.leave("fulfilment_status", only.get("status").cloned());
        }
        order.leave("fulfilments", json!(fulfilments));
        return event("commerce.order.edited", order, Fields::new(), time);
    };
    let mut done = fulfilments.remove(place);
    order.leave("fulfilments", json!(fulfilments));
    done.leave("order_id", id.clone());
    done.leave("updated_at", time.clone());
    let mut data = Fields::new();
    let kind = match story.config.completed_fulfilment {
        Completed::PickedUp => {
            done.insert("kind".into(), "pickup".into());
            let mut pickup = Fields::new();
            pickup.leave("order_id", id);
            pickup.leave("picked_up_at", time.clone());
            data.insert("pickup".into(), pickup.into());
            data.leave("store", order.shift_remove("store"));
            "pos.click_and_collect.picked_up"
        }
        Completed::Sent => "commerce.order.fulfilled",
        Completed::Delivered => {
            done.leave("delivered_at", time.clone());
            "commerce.order.delivered"
        }
    };
    data.insert("fulfilment".into(), done.into());
    event(kind, order, data, time)
}

fn status(word: &str) -> String {
    match word {
        "PROPOSED" | "RESERVED" => "pending".to_owned(),
        "PREPARED" => "open".to_owned(),
        "COMPLETED" => "success".to_owned(),
        "CANCELED" => "cancelled".to_owned(),
        "FAILED" => "failure".to_owned(),
        other => other.to_lowercase(),
    }
}
