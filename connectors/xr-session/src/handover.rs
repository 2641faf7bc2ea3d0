//! A hand-over as a request to the scene's server: the token, the customer's reference and what it is about. Signed by the host.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use snodo_connector::fields::{self, Fields, Take};
use snodo_connector::{Delivery, Fault, Outcome, Request, binary, time};

use crate::config::Config;

/// What the scene needs of each part, and no more.
const PARTS: [(&str, &[&str]); 3] = [
    ("scene", &["id", "name", "space_id", "mode"]),
    ("cart", &["id", "token", "url", "currency", "total", "item_count"]),
    ("session", &["id"]),
];

const PRODUCT: [&str; 8] =
    ["id", "variant_id", "sku", "name", "variant", "price", "image_url", "model_3d_url"];

/// 18 bytes are 24 letters of Base64: short enough for a code on a screen, too many to guess.
const TOKEN_BYTES: usize = 18;

pub fn request(config: &Config, delivery: &Delivery) -> Result<Request, Outcome> {
    let data: Fields = delivery.event.data()?;
    let handover = handover(&data).ok_or_else(|| Outcome::ignored("the event hands nobody over"))?;
    let url = config.url.as_deref().ok_or_else(|| {
        Outcome::Failed(Fault::misconfigured(
            "the channel has no url for the scene's server: set it in [config]",
        ))
    })?;
    let mut body = Fields::from_iter([("id".to_owned(), delivery.idempotency_key.as_str().into())]);
    let own = handover.get("token").and_then(fields::text);
    body.leave("token", own.unwrap_or_else(|| token(&delivery.idempotency_key)));
    let expires = handover.get("expires_at").and_then(fields::moment);
    body.leave("expires_at", expires.or_else(|| later(&delivery.event.time, config.token_minutes)));
    for name in ["from_channel", "to_channel", "reason"] {
        body.leave(name, handover.get(name).cloned());
    }
    body.leave("customer", json!({"reference": delivery.customer}));
    for (name, wanted) in PARTS {
        let part = data.get(name).or_else(|| data.get("touchpoint")?.get(name));
        body.leave(name, part.and_then(Value::as_object).map(|part| only(part, wanted)));
    }
    body.leave("products", products(&data));
    let event = &delivery.event;
    body.leave("event", json!({"id": event.id, "type": event.kind, "time": event.time}));
    Ok(Request::json("POST", url, &body).with_header("webhook-id", delivery.idempotency_key.as_str()))
}

/// The touchpoint's hand-over, or that of a conversation with a bot.
fn handover(data: &Fields) -> Option<Fields> {
    let touchpoint = data.get("touchpoint").and_then(|touchpoint| touchpoint.get("handover")?.as_object());
    if let Some(handover) = touchpoint {
        return Some(handover.clone());
    }
    let bot = data.get("conversation")?.get("handover")?.as_object()?;
    let mut handover = Fields::from_iter([("from_channel".to_owned(), "chatbot".into())]);
    handover.leave("to_channel", bot.get("to").cloned());
    handover.leave("reason", bot.get("reason").cloned());
    Some(handover)
}

fn products(data: &Fields) -> Vec<Value> {
    let list = data.get("products").and_then(Value::as_array).into_iter().flatten();
    let one = data.get("product").into_iter();
    let all = list.chain(one).filter_map(Value::as_object);
    all.map(|product| Value::Object(only(product, &PRODUCT)))
        .filter(|product| product != &json!({}))
        .collect()
}

fn only(part: &Fields, wanted: &[&str]) -> Fields {
    let is_wanted = |(name, _): &(&String, &Value)| wanted.contains(&name.as_str());
    part.iter().filter(is_wanted).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The same key is the same token, for every attempt and every replay.
fn token(key: &str) -> String {
    let digest = Sha256::digest(format!("snodo hand-over {key}"));
    binary::to_base64(&digest[..TOKEN_BYTES]).replace('+', "-").replace('/', "_")
}

fn later(moment: &str, minutes: u32) -> Option<String> {
    let millis = u64::try_from(time::epoch_millis(moment)?).ok()?;
    time::from_now(millis, i64::from(minutes) * 60_000)
}
