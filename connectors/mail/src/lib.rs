//! Mails in and out. The hub reads what comes and composes what goes; this knows what a mail means, and what it should say.

mod bounce;
mod config;
mod inbound;
mod outbound;
mod template;

use serde_json::Value;
use snodo_connector::{
    Context, Delivery, Destination, Draft, Exchange, Fault, Message, Outcome, Plan, Source,
};

use crate::config::Config;

pub struct Mail;

impl Source for Mail {
    fn decode(ctx: &Context, message: Message) -> Result<Vec<Draft>, Fault> {
        let config: Config = ctx.config()?;
        let body: Value = message.json()?;
        Ok(vec![inbound::draft(body, &message.name, &config)])
    }
}

impl Destination for Mail {
    fn encode(ctx: &Context, deliveries: Vec<Delivery>) -> Plan {
        Plan::one_by_one(ctx.config(), &deliveries, outbound::mail)
    }

    fn interpret(_: &Context, exchange: Exchange) -> Plan {
        let answer = &exchange.answer;
        let outcome = match answer.is_success() {
            true => Outcome::Accepted(None),
            // What a mail server says the hub has settled itself.
            false => Outcome::Failed(answer.fault(format!("the mail was not sent: {}", answer.status))),
        };
        Plan::settle_all(exchange.deliveries.len(), &outcome)
    }
}

snodo_connector::export!(Mail: source, destination);
