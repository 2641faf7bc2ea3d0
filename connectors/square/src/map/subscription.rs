//! Subscriptions: <https://developer.squareup.com/reference/square/objects/Subscription>. Its days have no hour and no offset, so they
//! are no moments and stay under `vendor`.

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};

use super::person::Person;
use super::{Story, Told, money, store};

pub fn told(story: &mut Story) -> Option<Told> {
    let from = &mut story.object;
    let ends = from.get("canceled_date").and_then(fields::text).is_some();
    let kind = match (story.kind, from.get("status")?.as_str()?) {
        (_, "CANCELED" | "DEACTIVATED") => "subscription.contract.cancelled",
        (_, "PAUSED") => "subscription.contract.paused",
        ("subscription.created", _) => "subscription.contract.started",
        // With that day it will end.
        _ if ends => "subscription.contract.cancelled",
        _ => return None,
    };
    let id = from.get("id").and_then(fields::text)?;
    let person = Person::of(from);
    let mut found = from.texts(&[("id", "id"), ("plan_variation_id", "plan_id")]);
    let status = |word: &Value| {
        Some(match word.as_str()? {
            "CANCELED" => "cancelled".to_owned(),
            "DEACTIVATED" => "expired".to_owned(),
            other => other.to_lowercase(),
        })
    };
    found.leave("status", from.take("status", status));
    found.leave("price", money(from, "price_override_money"));
    let at = story.at.clone();
    match kind {
        "subscription.contract.started" => found.leave("started_at", from.moment("created_at")),
        "subscription.contract.paused" => found.leave("paused_at", at),
        _ => found.leave("cancelled_at", at),
    }
    if ends {
        found.insert("auto_renew".into(), false.into());
    }
    let mut data = Fields::new();
    data.leave("customer", Value::from(person));
    if let Some(place) = store(from) {
        data.insert("touchpoint".into(), json!({"location": {"store": place}}));
    }
    data.insert("subscription".into(), found.into());
    Told::new(kind, format!("subscription/{id}"), data)
}
