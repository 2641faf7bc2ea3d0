//! Shopify's webhooks as canonical events; and, in `write`, what is written into the shop.

mod map;
mod tree;
mod write;

use serde::Serialize;
use serde_json::value::RawValue;
use snodo_connector::{Context, Draft, Fault, Message, Source};

use crate::map::{Hook, Told};
use crate::tree::{Node, is_time};

pub struct Shopify;

impl Source for Shopify {
    fn decode(_: &Context, message: Message) -> Result<Vec<Draft>, Fault> {
        let body: Node = message.json()?;
        let hook = Hook {
            topic: message.header("x-shopify-topic").unwrap_or_default(),
            shop: message.header("x-shopify-shop-domain").filter(|shop| !shop.is_empty()),
        };
        let key = key(&message, hook.topic, &body);
        let told = match body {
            Node::Object(object) => map::tell(hook, object),
            _ => None,
        };
        let mut draft = match told {
            Some(told) => event(told, message.body.len()),
            None => unknown(hook.topic, &message)?,
        };
        draft.key = key;
        draft.time =
            draft.time.or_else(|| header(&message, "x-shopify-triggered-at").filter(|time| is_time(time)));
        for (name, from) in ATTRIBUTES {
            draft.attributes.extend(header(&message, from).map(|value| (name.to_owned(), value)));
        }
        Ok(vec![draft])
    }
}

/// What the event says of the webhook that told it. Shopify gives all webhooks of one action the same event id.
const ATTRIBUTES: [(&str, &str); 5] = [
    ("correlationid", "x-shopify-event-id"),
    ("shopifyapiversion", "x-shopify-api-version"),
    ("shopifyshop", "x-shopify-shop-domain"),
    ("shopifytest", "x-shopify-test"),
    ("shopifytopic", "x-shopify-topic"),
];

/// The same for every delivery of one event: <https://shopify.dev/docs/apps/build/webhooks/ignore-duplicates>. One action
/// can concern several objects by several topics, so the event id alone is not enough.
fn key(message: &Message, topic: &str, body: &Node) -> Option<String> {
    let Node::Object(object) = body else { return None };
    let object = object.peek_object("order_edit").unwrap_or(object);
    let id = ["id", "token"].iter().find_map(|name| object.peek(name));
    let id = id.or_else(|| object.peek("admin_graphql_api_id").map(|text| map::gid(&text).to_owned().into()));
    let webhook = header(message, "x-shopify-event-id").or_else(|| header(message, "x-shopify-webhook-id"));
    match (id, webhook) {
        (Some(id), Some(webhook)) => Some(format!("{topic}/{id}/{webhook}")),
        (None, Some(webhook)) => Some(format!("{topic}/{webhook}")),
        (Some(id), None) => {
            let version = ["updated_at", "created_at"].iter().find_map(|name| object.peek(name))?;
            Some(format!("{topic}/{id}/{version}"))
        }
        (None, None) => None,
    }
}

fn header(message: &Message, name: &str) -> Option<String> {
    message.header(name).filter(|value| !value.is_empty()).map(str::to_owned)
}

fn event(told: Told, payload_bytes: usize) -> Draft {
    // What is mapped is about as long as what came.
    let mut data = Vec::with_capacity(payload_bytes);
    tree::write::object(&told.data, &mut data);
    Draft {
        key: None,
        kind: told.kind.to_owned(),
        subject: told.subject,
        time: told.time.map(Into::into),
        ordering_key: None,
        attributes: Vec::new(),
        data,
    }
}

/// The body as it came.
fn unknown(topic: &str, message: &Message) -> Result<Draft, Fault> {
    #[derive(Serialize)]
    struct Kept<'a> {
        #[serde(skip_serializing_if = "str::is_empty")]
        topic: &'a str,
        body: &'a RawValue,
        encoding: &'static str,
    }
    let body: &RawValue = message.json()?;
    Ok(Draft::new("unknown.message.received", &Kept { topic, body, encoding: "json" }))
}

snodo_connector::export!(Shopify: source, destination);
