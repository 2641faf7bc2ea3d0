//! Uploads what clicks on ads led to: <https://developers.google.com/google-ads/api/docs/conversions/upload-offline>. It holds
//! neither token nor developer token: the hub fills them in.

mod answer;
mod config;
mod conversion;
mod upload;

use snodo_connector::{Context, Delivery, Destination, Exchange, Outcome, Plan};

use crate::config::Config;

pub struct GoogleAds;

impl Destination for GoogleAds {
    fn encode(ctx: &Context, deliveries: Vec<Delivery>) -> Plan {
        let config: Config = match ctx.config() {
            Ok(config) => config,
            Err(fault) => return Plan::settle_all(deliveries.len(), &Outcome::Failed(fault)),
        };
        let mut plan = Plan::new();
        upload::upload(&config, &deliveries, &mut plan);
        plan
    }

    fn interpret(ctx: &Context, exchange: Exchange) -> Plan {
        let config: Config = match ctx.config() {
            Ok(config) => config,
            Err(fault) => return Plan::settle_all(exchange.deliveries.len(), &Outcome::Failed(fault)),
        };
        answer::interpret(&config, &exchange)
    }
}

snodo_connector::export!(GoogleAds: destination);
