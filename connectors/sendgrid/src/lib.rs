//! SendGrid's Event Webhook: lists of what became of mails, by
//! <https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event>.

mod map;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use snodo_connector::{Context, Draft, Fault, Message, Source};

pub struct Sendgrid;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    purpose: String,
    /// Unsubscribe group to purpose.
    group_purposes: BTreeMap<String, String>,
}

impl Default for Config {
    fn default() -> Self {
        Self { purpose: "marketing.email".into(), group_purposes: BTreeMap::new() }
    }
}

impl Source for Sendgrid {
    fn decode(ctx: &Context, message: Message) -> Result<Vec<Draft>, Fault> {
        let config: Config = ctx.config()?;
        let events = match message.json()? {
            Value::Array(events) => events,
            // Examples in SendGrid's pages stand alone.
            one => vec![one],
        };
        Ok(events.into_iter().map(|event| map::draft(event, &config)).collect())
    }
}

snodo_connector::export!(Sendgrid: source);
