//! What devices tell by MQTT, in JSON or as one plain value; and commands to them.
//!
//! A message is read by the shape it has (`shape`), and becomes readings and findings (`told`); `events` makes events of them.

mod command;
mod config;
mod events;
mod measure;
mod shape;
mod told;

use serde_json::Value;
use snodo_connector::{
    Context, Delivery, Destination, Draft, Exchange, Fault, Message, Outcome, Plan, Source,
};

use crate::command::Command;
use crate::config::Config;

pub struct Iot;

impl Source for Iot {
    fn decode(ctx: &Context, message: Message) -> Result<Vec<Draft>, Fault> {
        let config: Config = ctx.config()?;
        let body = body(&message.body)?;
        let messages = match body {
            Value::Array(messages) if !messages.is_empty() => messages,
            message => vec![message],
        };
        Ok(messages.iter().flat_map(|body| decode(&config, &message.name, body)).collect())
    }
}

fn decode(config: &Config, topic: &str, body: &Value) -> Vec<Draft> {
    let told = shape::read(config, topic, body.clone());
    let drafts = told.map(|told| events::drafts(config, topic, told)).unwrap_or_default();
    match drafts.is_empty() {
        true => vec![Draft::unknown(Some(topic), body)],
        false => drafts,
    }
}

/// JSON; or text that is none, as many devices send a single value.
fn body(bytes: &[u8]) -> Result<Value, Fault> {
    match serde_json::from_slice(bytes) {
        Ok(body) => Ok(body),
        Err(error) => match std::str::from_utf8(bytes).map(str::trim) {
            // An empty message takes back one that the broker kept (MQTT 5.0, 3.3.1.3).
            Ok(text) if !text.starts_with(['{', '[', '"']) && !text.contains(char::is_control) => {
                Ok(text.into())
            }
            _ => Err(Fault::permanent(format!("failed to read the body as JSON: {error}"))),
        },
    }
}

impl Destination for Iot {
    fn encode(ctx: &Context, deliveries: Vec<Delivery>) -> Plan {
        Plan::one_by_one(command(ctx), &deliveries, Command::request)
    }

    fn interpret(_: &Context, exchange: Exchange) -> Plan {
        let answer = &exchange.answer;
        let outcome = match answer.is_success() {
            true => Outcome::Accepted(None),
            false => Outcome::Failed(answer.fault(format!("the broker did not take it: {}", answer.status))),
        };
        Plan::settle_all(exchange.deliveries.len(), &outcome)
    }
}

fn command(ctx: &Context) -> Result<Command, Fault> {
    let config: Config = ctx.config()?;
    config.command.ok_or_else(|| Fault::misconfigured("a channel that sends to devices needs a command"))
}

snodo_connector::export!(Iot: source, destination);
