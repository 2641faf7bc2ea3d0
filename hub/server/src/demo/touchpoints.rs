//! The demo's touchpoints: a web shop that signs and posts webhooks, and a till that drops a file. They know the hub only from
//! outside, as real ones do.

use std::path::Path;

use anyhow::Context as _;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::company::Company;

/// What the web shop sends: what happened, the topic, the id of the webhook, the payload.
pub const WEB_SHOP: [Post; 9] = [
    Post {
        story: "Anna Rossi opens an account and agrees to e-mails",
        topic: "customers/create",
        id: "w-1",
        body: include_str!("../../demo/messages/customer-anna.json"),
    },
    Post {
        story: "Bruno Conti opens an account and does not agree",
        topic: "customers/create",
        id: "w-2",
        body: include_str!("../../demo/messages/customer-bruno.json"),
    },
    Post {
        story: "Anna orders a jacket and a scarf",
        topic: "orders/create",
        id: "w-3",
        body: include_str!("../../demo/messages/order-anna.json"),
    },
    Post {
        story: "the shop sends that webhook once more",
        topic: "orders/create",
        id: "w-3",
        body: include_str!("../../demo/messages/order-anna.json"),
    },
    Post {
        story: "Bruno orders a coat",
        topic: "orders/create",
        id: "w-4",
        body: include_str!("../../demo/messages/order-bruno.json"),
    },
    Post {
        story: "somebody publishes a theme, which no one has a word for",
        topic: "themes/publish",
        id: "w-5",
        body: include_str!("../../demo/messages/theme.json"),
    },
    Post {
        story: "a webhook arrives torn",
        topic: "orders/updated",
        id: "w-6",
        body: "{\"id\": 5200000001001, \"email\": \"anna.ro",
    },
    Post {
        story: "Anna returns the scarf",
        topic: "refunds/create",
        id: "w-7",
        body: include_str!("../../demo/messages/refund-anna.json"),
    },
    Post {
        story: "Anna wants no more e-mails",
        topic: "customers_email_marketing_consent/update",
        id: "w-8",
        body: include_str!("../../demo/messages/withdrawal-anna.json"),
    },
];

/// What the till in Milan writes.
pub const TILL: &str = include_str!("../../demo/messages/milan-sale.xml");

pub struct Post {
    pub story: &'static str,
    pub topic: &'static str,
    pub id: &'static str,
    pub body: &'static str,
}

/// Sends a webhook as Shopify does; with another secret it is somebody who only pretends. The hub's status.
pub async fn post(
    client: &reqwest::Client,
    company: &Company,
    post: &Post,
    secret: &str,
) -> anyhow::Result<reqwest::StatusCode> {
    let signature = STANDARD.encode(hmac(secret.as_bytes(), post.body.as_bytes()));
    let answer = client
        .post(format!("http://{}/in/shop-online", company.hub))
        .header("content-type", "application/json")
        .header("x-shopify-topic", post.topic)
        .header("x-shopify-shop-domain", "aurora.myshopify.com")
        .header("x-shopify-api-version", "2026-01")
        .header("x-shopify-webhook-id", post.id)
        .header("x-shopify-event-id", format!("e-{}", post.id))
        .header("x-shopify-triggered-at", "2026-03-09T19:31:08.000Z")
        .header("x-shopify-hmac-sha256", signature)
        .body(post.body)
        .send()
        .await
        .context("failed to reach the hub")?;
    Ok(answer.status())
}

/// HMAC-SHA256.
fn hmac(key: &[u8], content: &[u8]) -> Vec<u8> {
    use hmac::{KeyInit, Mac};
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(content);
    mac.finalize().into_bytes().to_vec()
}

/// Writes a file as a careful till does: under another name first.
pub fn drop_file(folder: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    let half = folder.join(format!("{name}.part"));
    std::fs::write(&half, text)?;
    std::fs::rename(half, folder.join(name))?;
    Ok(())
}
