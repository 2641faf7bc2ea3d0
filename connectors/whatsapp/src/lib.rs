//! WhatsApp by Meta's Cloud API: what customers write, what became of messages, and template messages to customers.
//! Shapes as in <https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview> and
//! <https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/template-messages>.

mod answer;
mod config;
mod map;
mod send;

use snodo_connector::{Context, Delivery, Destination, Draft, Exchange, Fault, Message, Plan, Source};

pub struct Whatsapp;

impl Source for Whatsapp {
    fn decode(_: &Context, message: Message) -> Result<Vec<Draft>, Fault> {
        Ok(map::drafts(&message.json()?))
    }
}

impl Destination for Whatsapp {
    /// One request for each delivery: the API sends one message at a time.
    fn encode(ctx: &Context, deliveries: Vec<Delivery>) -> Plan {
        Plan::one_by_one(ctx.config(), &deliveries, send::request)
    }

    fn interpret(_: &Context, exchange: Exchange) -> Plan {
        Plan::settle_all(exchange.deliveries.len(), &answer::outcome(&exchange.answer))
    }
}

snodo_connector::export!(Whatsapp: source, destination);
