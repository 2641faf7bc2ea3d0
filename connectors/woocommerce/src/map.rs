//! Which topic is which event, and what all of them have.

mod address;
mod customer;
mod line;
mod order;

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};
use snodo_connector::money::Money;
use snodo_connector::{Draft, time};

/// What stands around the body.
#[derive(Clone, Copy)]
pub struct Hook<'a> {
    pub topic: Option<&'a str>,
    /// Ids are one's own within a shop.
    pub shop: Option<&'a str>,
    pub delivery: Option<&'a str>,
    pub currency: Option<&'a str>,
}

/// An event without what all of them have.
struct Told {
    kind: &'static str,
    subject: String,
    /// `None`: when the object was last changed.
    time: Option<String>,
    data: Fields,
}

/// A shop by its address, without what says nothing.
pub fn shop(address: &str) -> &str {
    address.split_once("://").map_or(address, |(_, rest)| rest).trim_end_matches('/')
}

pub fn draft(hook: Hook<'_>, body: &Value) -> Draft {
    let id = fields::text(&body["id"]);
    let told = hook.topic.zip(id.as_deref()).and_then(|(topic, id)| {
        let mut object = body.as_object()?.clone();
        for name in ["id", "_links"] {
            object.shift_remove(name);
        }
        let mut told = tell(hook, topic, id, &mut object)?;
        told.data.leave("vendor", object);
        Some(told)
    });
    let changed = body.as_object().and_then(|object| {
        let mut object = object.clone();
        moment(&mut object, "date_modified").or_else(|| moment(&mut object, "date_created"))
    });
    let mut draft = match told {
        Some(Told { kind, subject, time, data }) => {
            Draft { time: time.or(changed.clone()), ..Draft::new(kind, &data).with_subject(subject) }
        }
        None => {
            let object = hook.topic.and_then(|topic| topic.split_once('.')).map(|(object, _)| object);
            let subject = object.zip(id.as_deref()).map(|(object, id)| format!("{object}/{id}"));
            Draft { time: changed.clone(), subject, ..Draft::unknown(hook.topic, body) }
        }
    };
    draft.key = key(hook, id.as_deref(), body, changed.as_deref());
    draft
}

/// The object and when it changed. A delivery's id is made of the webhook and the second, so two may have one: it stands in only
/// where there is no such time.
fn key(hook: Hook<'_>, id: Option<&str>, body: &Value, changed: Option<&str>) -> Option<String> {
    let utc = ["date_modified_gmt", "date_created_gmt"].iter().find_map(|name| body[*name].as_str());
    let version = utc.or(changed).or(hook.delivery)?;
    let parts = [hook.topic?, hook.shop.unwrap_or_default(), id?, version];
    Some(parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/"))
}

/// `None` for what the vocabulary has no word for: products, coupons, deleted orders, and actions of WordPress.
fn tell(hook: Hook<'_>, topic: &str, id: &str, object: &mut Fields) -> Option<Told> {
    match topic {
        "order.created" => order::placed(hook, id, object),
        "order.updated" | "order.restored" => order::changed(hook, id, object),
        "customer.created" => customer::record(hook, "crm.contact.created", id, object),
        "customer.updated" => customer::record(hook, "crm.contact.updated", id, object),
        "customer.deleted" => customer::record(hook, "crm.contact.deleted", id, object),
        _ => None,
    }
}

/// WooCommerce writes each time twice, in the shop's zone and in UTC, both without saying so. Together they tell the offset.
fn moment(object: &mut Fields, name: &str) -> Option<String> {
    let utc_name = format!("{name}_gmt");
    let read = |name: &str| time::local(object.get(name)?.as_str()?, "Z");
    let (local, utc) = (read(name), read(&utc_name));
    let told = match (&local, &utc) {
        (Some(local), Some(utc)) => with_offset(local, utc).or_else(|| Some(utc.clone())),
        _ => utc,
    }?;
    object.shift_remove(name);
    object.shift_remove(&utc_name);
    Some(told)
}

fn with_offset(local: &str, utc: &str) -> Option<String> {
    let millis = time::epoch_millis(local)? - time::epoch_millis(utc)?;
    let minutes = millis / 60_000;
    // Zones lie between -12:00 and +14:00, by quarters of an hour.
    (millis % 900_000 == 0 && (-720..=840).contains(&minutes)).then_some(())?;
    let sign = if minutes < 0 { '-' } else { '+' };
    let (hours, minutes) = (minutes.abs() / 60, minutes.abs() % 60);
    match (hours, minutes) {
        (0, 0) => Some(utc.to_owned()),
        _ => Some(format!("{}{sign}{hours:02}:{minutes:02}", local.strip_suffix('Z')?)),
    }
}

fn money(object: &mut Fields, name: &str, currency: Option<&str>) -> Option<Value> {
    let money = object.take(name, |value| Money::new(&fields::decimal(value)?, currency?))?;
    Some(json!(money))
}
