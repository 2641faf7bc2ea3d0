//! The demo's touchpoints: systems that sign and post webhooks, pages that tell what visitors do, a till and a partner that drop
//! files. They know the hub only from outside, as real ones do.

use std::path::Path;

use anyhow::Context as _;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::StatusCode;
use snodo_core::verify::Encoding;

use super::company::Company;
use crate::clock;

/// What one of them has to tell.
pub struct Post {
    pub who: &'static str,
    pub story: &'static str,
    channel: &'static str,
    body: &'static str,
    /// Of the web shop's webhooks: their topic and their id.
    topic: &'static str,
    id: &'static str,
}

impl Post {
    const fn shop(story: &'static str, topic: &'static str, id: &'static str, body: &'static str) -> Self {
        Self { who: "web shop", story, channel: "shop-online", body, topic, id }
    }

    const fn new(who: &'static str, story: &'static str, channel: &'static str, body: &'static str) -> Self {
        Self { who, story, channel, body, topic: "", id: "" }
    }
}

pub const WEB_SHOP: [Post; 8] = [
    Post::shop(
        "Anna Rossi opens an account and agrees to e-mails",
        "customers/create",
        "w-1",
        include_str!("../../demo/messages/customer-anna.json"),
    ),
    Post::shop(
        "Bruno Conti opens an account and does not agree",
        "customers/create",
        "w-2",
        include_str!("../../demo/messages/customer-bruno.json"),
    ),
    ORDER,
    Post::shop("the shop sends that webhook once more", ORDER.topic, ORDER.id, ORDER.body),
    Post::shop(
        "Bruno orders a coat",
        "orders/create",
        "w-4",
        include_str!("../../demo/messages/order-bruno.json"),
    ),
    Post::shop(
        "somebody publishes a theme, which no one has a word for",
        "themes/publish",
        "w-5",
        include_str!("../../demo/messages/theme.json"),
    ),
    Post::shop(
        "a webhook arrives torn",
        "orders/updated",
        "w-6",
        "{\"id\": 5200000001001, \"email\": \"anna.ro",
    ),
    Post::shop(
        "Anna returns the scarf",
        "refunds/create",
        "w-7",
        include_str!("../../demo/messages/refund-anna.json"),
    ),
];

pub const ORDER: Post = Post::shop(
    "Anna orders a jacket and a scarf",
    "orders/create",
    "w-3",
    include_str!("../../demo/messages/order-anna.json"),
);

/// Who visits the site says what may be done with that.
pub const VISITS: [Post; 2] = [
    Post::new(
        "website",
        "Anna agrees to analysis and ads, and looks at the jacket",
        "website",
        include_str!("../../demo/messages/visit-anna.json"),
    ),
    Post::new(
        "website",
        "Bruno agrees to analysis only, and looks at the coat",
        "website",
        include_str!("../../demo/messages/visit-bruno.json"),
    ),
];

/// Everywhere else that customers meet the company.
pub const OTHERS: [Post; 7] = [
    Post::new(
        "mailings",
        "Anna opens the newsletter",
        "mailings",
        include_str!("../../demo/messages/mail-opened-anna.json"),
    ),
    Post::new(
        "mirror",
        "in Milan Anna sees the jacket on her in the mirror",
        "showroom",
        include_str!("../../demo/messages/mirror-anna.json"),
    ),
    Post::new(
        "WhatsApp",
        "Anna asks when her jacket will come",
        "whatsapp",
        include_str!("../../demo/messages/whatsapp-anna.json"),
    ),
    Post::new(
        "assistant",
        "Anna wants a person, and the bot hands her over",
        "assistant",
        include_str!("../../demo/messages/assistant-anna.json"),
    ),
    Post::new(
        "survey",
        "Anna gives 3 of 10: the scarf had a hole",
        "survey",
        include_str!("../../demo/messages/survey-anna.json"),
    ),
    Post::new(
        "Zendesk",
        "Anna writes that the belt's buckle is loose",
        "support",
        include_str!("../../demo/messages/ticket-anna.json"),
    ),
    Post::new(
        "sensor",
        "there is water on the floor of the stock room",
        "stock-room",
        include_str!("../../demo/messages/stock-room-water.json"),
    ),
];

pub const WITHDRAWAL: Post = Post::shop(
    "Anna wants no more e-mails",
    "customers_email_marketing_consent/update",
    "w-8",
    include_str!("../../demo/messages/withdrawal-anna.json"),
);

/// What is left in a folder: who, what happened, the folder, the file and what is in it.
pub const FILES: [File; 2] = [
    File {
        who: "Milan",
        story: "Anna buys a belt, and the till writes it down",
        folder: "tills/milan",
        name: "sale-4417.xml",
        text: include_str!("../../demo/messages/milan-sale.xml"),
    },
    File {
        who: "partner",
        story: "a data partner's list says who hikes",
        folder: "partner",
        name: "march.csv",
        text: include_str!("../../demo/messages/partner-march.csv"),
    },
];

pub struct File {
    pub who: &'static str,
    pub story: &'static str,
    folder: &'static str,
    name: &'static str,
    text: &'static str,
}

impl File {
    /// Writes it as a careful system does: under another name first.
    pub fn drop_into(&self, company: &Path) -> anyhow::Result<()> {
        let folder = company.join(self.folder);
        std::fs::create_dir_all(&folder)?;
        let half = folder.join(format!("{}.part", self.name));
        std::fs::write(&half, self.text)?;
        std::fs::rename(half, folder.join(self.name))?;
        Ok(())
    }
}

/// Sends it as its system does; with another secret it is somebody who only pretends. The hub's status.
pub async fn send(
    client: &reqwest::Client,
    company: &Company,
    post: &Post,
    secret: Option<&str>,
) -> anyhow::Result<StatusCode> {
    let now = clock::now();
    let secret = secret.unwrap_or_else(|| company.secret(post.channel));
    let body = post.body.replace("{key}", secret).replace("{now}", &now.to_string());
    // A page does not know the channel: the hub finds it by the key in the body.
    let path = match post.channel {
        "website" | "showroom" => "v1/batch".to_owned(),
        channel => format!("in/{channel}"),
    };
    let mut request = client
        .post(format!("http://{}/{path}", company.hub))
        .header("content-type", "application/json")
        .header("user-agent", "Mozilla/5.0 (X11; Linux x86_64) Firefox/150.0");
    for (name, value) in headers(post, secret, &body, now.as_millis() / 1000) {
        request = request.header(name, value);
    }
    let answer = request.body(body).send().await.context("failed to reach the hub")?;
    Ok(answer.status())
}

/// What a system sends beside the body: its proof, and what it says of the webhook.
fn headers(post: &Post, secret: &str, body: &str, now: i64) -> Vec<(&'static str, String)> {
    let signed = |content: &str| hmac(secret.as_bytes(), content.as_bytes());
    let basic = |user: &str| format!("Basic {}", STANDARD.encode(format!("{user}:{secret}")));
    match post.channel {
        "shop-online" => vec![
            ("x-shopify-topic", post.topic.to_owned()),
            ("x-shopify-shop-domain", "aurora.myshopify.com".to_owned()),
            ("x-shopify-api-version", "2026-01".to_owned()),
            ("x-shopify-webhook-id", post.id.to_owned()),
            ("x-shopify-event-id", format!("e-{}", post.id)),
            ("x-shopify-triggered-at", "2026-03-09T19:31:08.000Z".to_owned()),
            ("x-shopify-hmac-sha256", Encoding::Base64.write(&signed(body))),
        ],
        "whatsapp" => vec![("x-hub-signature-256", format!("sha256={}", Encoding::Hex.write(&signed(body))))],
        "survey" => vec![("typeform-signature", format!("sha256={}", Encoding::Base64.write(&signed(body))))],
        "support" => vec![
            ("x-zendesk-webhook-invocation-id", "01JAURORATRIGGER1".to_owned()),
            ("x-zendesk-webhook-signature-timestamp", now.to_string()),
            ("x-zendesk-webhook-signature", Encoding::Base64.write(&signed(&format!("{now}{body}")))),
        ],
        "assistant" => vec![("authorization", basic("rasa"))],
        "mailings" => vec![("authorization", basic("sendgrid"))],
        "stock-room" => vec![("authorization", format!("Bearer {secret}"))],
        _ => Vec::new(),
    }
}

/// HMAC-SHA256.
fn hmac(key: &[u8], content: &[u8]) -> [u8; 32] {
    use hmac::{KeyInit, Mac};
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(content);
    mac.finalize().into_bytes().into()
}
