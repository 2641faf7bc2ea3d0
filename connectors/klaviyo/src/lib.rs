//! Klaviyo in both directions: system webhooks in; events, profiles and consents out.
//! <https://developers.klaviyo.com/en/docs/working_with_system_webhooks>, and the public OpenAPI document (`klaviyo/openapi`).

mod answer;
mod config;
mod map;
mod metric;
mod profile;
mod steps;

use serde_json::Value;
use snodo_connector::fields::{Fields, Take};
use snodo_connector::{Context, Delivery, Destination, Draft, Exchange, Fault, Message, Plan, Source};

use crate::config::Config;

pub struct Klaviyo;

impl Source for Klaviyo {
    fn decode(ctx: &Context, message: Message) -> Result<Vec<Draft>, Fault> {
        let config: Config = ctx.config()?;
        let mut body: Value = message.json()?;
        let account = body.pointer("/meta/klaviyo_account_id").and_then(Value::as_str).map(str::to_owned);
        let events = body.as_object_mut().and_then(|body: &mut Fields| body.list("data"));
        Ok(match events {
            Some(events) => {
                events.into_iter().map(|event| map::draft(event, account.as_deref(), &config)).collect()
            }
            None => vec![Draft::unknown(None, &body)],
        })
    }
}

impl Destination for Klaviyo {
    fn encode(ctx: &Context, deliveries: Vec<Delivery>) -> Plan {
        Plan::one_by_one(ctx.config(), &deliveries, steps::begin)
    }

    fn interpret(ctx: &Context, exchange: Exchange) -> Plan {
        Plan::one_by_one(ctx.config(), &exchange.deliveries, |config, delivery| {
            steps::go_on(config, delivery, &exchange)
        })
    }
}

snodo_connector::export!(Klaviyo: source, destination);
