//! What `snippet/snodo.js` tells of a visit, in batches. The format is our own; README.md has all of it.

mod context;
mod map;
mod parts;

use serde::Deserialize;
use snippet::Batch;
use snodo_connector::{Context, Draft, Fault, Message, Source};

pub struct Web;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    customer_namespace: String,
}

impl Default for Config {
    fn default() -> Self {
        Self { customer_namespace: "customer".into() }
    }
}

impl Source for Web {
    fn decode(ctx: &Context, message: Message) -> Result<Vec<Draft>, Fault> {
        let config: Config = ctx.config()?;
        let mut batch = Batch::of(message.json()?);
        if let Some(agent) = message.header("user-agent").filter(|agent| !agent.is_empty()) {
            batch.shared.entry("user_agent").or_insert_with(|| agent.into());
        }
        Ok(batch.drafts(message.received_at, &["page"], |word, event| map::event(word, event, &config)))
    }
}

snodo_connector::export!(Web: source);
