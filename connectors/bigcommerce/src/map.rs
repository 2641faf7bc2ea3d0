//! Which scope is which type. A mapping takes from the callback what has a canonical place; the rest goes under `vendor`.

mod b2b;
mod cart;
mod customer;
mod order;

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};

pub struct Told {
    pub kind: &'static str,
    /// `order/250`.
    pub subject: String,
    pub data: Fields,
}

/// A callback taken apart.
struct Story<'a> {
    /// Without `store/`, and without the channel that it is of: `order/created`.
    scope: &'a str,
    store: String,
    data: Fields,
    at: Option<String>,
}

impl Story<'_> {
    /// Ids are numbers that count from 1 in every store.
    fn identifier(&self, namespace: &str, id: &str) -> Value {
        json!({"namespace": namespace, "value": format!("{}/{id}", self.store)})
    }
}

/// `store_hash` of `stores/store_hash`; the number of the store where that is missing.
pub fn store(event: &Fields) -> Option<String> {
    let producer = event.get("producer").and_then(Value::as_str);
    let hash = producer.and_then(|producer| producer.strip_prefix("stores/")).map(str::to_owned);
    let is_hash = |hash: &String| !hash.is_empty() && hash.bytes().all(|byte| byte.is_ascii_alphanumeric());
    hash.filter(is_hash).or_else(|| fields::text(event.get("store_id")?))
}

/// `None` if the vocabulary has no word for it, or the callback does not hold what the word needs.
pub fn tell(mut event: Fields) -> Option<Told> {
    let scope = event.get("scope")?.as_str()?.to_owned();
    let at = event.get("created_at").and_then(|at| snodo_connector::time::from_epoch_seconds(at.as_u64()?));
    let mut story = Story { scope: plain(&scope)?, store: store(&event)?, data: event.object("data")?, at };
    let mut told = match story.scope.split('/').next()? {
        "cart" => cart::told(&mut story),
        "order" | "shipment" => order::told(&mut story),
        "customer" | "subscriber" => customer::told(&mut story),
        "company" | "quote" => b2b::told(&mut story),
        _ => None,
    }?;
    // The scope says it already.
    story.data.shift_remove("type");
    event.leave("data", story.data);
    for name in ["scope", "created_at", "producer", "hash"] {
        event.shift_remove(name);
    }
    told.data.leave("vendor", event);
    Some(told)
}

/// `store/channel/1/order/created` is `order/created` of one storefront.
fn plain(scope: &str) -> Option<&str> {
    let scope = scope.strip_prefix("store/")?.trim_end_matches('/');
    let Some(rest) = scope.strip_prefix("channel/") else { return Some(scope) };
    match rest.split_once('/') {
        Some((channel, rest)) if channel == "*" || channel.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(rest)
        }
        _ => Some(scope),
    }
}
