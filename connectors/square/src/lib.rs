//! Square: its webhooks as canonical events, and customers of events as Square's customer profiles.
//! Shapes as in <https://developer.squareup.com/reference/square/webhooks> and
//! <https://developer.squareup.com/reference/square/customers-api>.

mod config;
mod map;
mod send;

use serde_json::Value;
use snodo_connector::fields::{self, Fields};
use snodo_connector::{Context, Delivery, Destination, Draft, Exchange, Fault, Message, Plan, Source};

use crate::config::Config;

pub struct Square;

impl Source for Square {
    fn decode(ctx: &Context, message: Message) -> Result<Vec<Draft>, Fault> {
        let config: Config = ctx.config()?;
        let body: Value = message.json()?;
        let Some(event) = body.as_object() else { return Ok(vec![Draft::unknown(None, &body)]) };
        let text = |name: &str| event.get(name).and_then(fields::text);
        let told = map::tell(event.clone(), &config);
        let (mut draft, fact, time) = match told {
            Some(told) => {
                let draft = Draft { subject: told.subject, ..Draft::new(told.kind, &told.data) };
                (draft, told.fact, told.time)
            }
            None => (Draft::unknown(text("type").as_deref(), &body), None, None),
        };
        draft.key = fact.or_else(|| text("event_id"));
        draft.time = time.or_else(|| event.get("created_at").and_then(fields::moment));
        draft.attributes = attributes(event);
        Ok(vec![draft])
    }
}

fn attributes(event: &Fields) -> Vec<(String, String)> {
    let names = [("squaremerchant", "merchant_id"), ("squaretype", "type")];
    let found = names.map(|(name, from)| Some((name.to_owned(), event.get(from).and_then(fields::text)?)));
    found.into_iter().flatten().collect()
}

impl Destination for Square {
    fn encode(ctx: &Context, deliveries: Vec<Delivery>) -> Plan {
        Plan::one_by_one(ctx.config(), &deliveries, send::begin)
    }

    fn interpret(ctx: &Context, exchange: Exchange) -> Plan {
        Plan::one_by_one(ctx.config(), &exchange.deliveries, |config, delivery| {
            send::go_on(config, delivery, &exchange)
        })
    }
}

snodo_connector::export!(Square: source, destination);
