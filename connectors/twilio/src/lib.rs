//! Twilio: calls, messages, the queues of TaskRouter and Conversations come in as the forms of its webhooks; text messages go out.
//! Shapes as in <https://www.twilio.com/docs/usage/webhooks>, <https://www.twilio.com/docs/taskrouter/api/event/reference> and
//! <https://www.twilio.com/docs/messaging/api/message-resource>.

mod answer;
mod config;
mod map;
mod send;

use serde_json::Value;
use snodo_connector::{Context, Delivery, Destination, Draft, Exchange, Fault, Message, Plan, Source};

use crate::config::Config;

pub struct Twilio;

impl Source for Twilio {
    fn decode(ctx: &Context, message: Message) -> Result<Vec<Draft>, Fault> {
        let config: Config = ctx.config()?;
        match message.body.trim_ascii_start().first() {
            None => Err(Fault::permanent("the body is empty")),
            // What Event Streams sends.
            Some(b'[' | b'{') => Ok(map::streamed(message.json::<Value>()?)),
            Some(_) => Ok(map::posted(&message.body, &message.name, &config)),
        }
    }
}

impl Destination for Twilio {
    /// One request for each delivery: the API sends one message at a time.
    fn encode(ctx: &Context, deliveries: Vec<Delivery>) -> Plan {
        Plan::one_by_one(ctx.config(), &deliveries, send::request)
    }

    fn interpret(_: &Context, exchange: Exchange) -> Plan {
        Plan::settle_all(exchange.deliveries.len(), &answer::outcome(&exchange.answer))
    }
}

snodo_connector::export!(Twilio: source, destination);
