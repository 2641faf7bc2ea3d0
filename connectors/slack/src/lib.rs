//! Slack: what people write, react to and press in a workspace comes in; events go to a channel as messages. Shapes as in
//! <https://docs.slack.dev/apis/events-api/>, <https://docs.slack.dev/reference/interaction-payloads/> and
//! <https://docs.slack.dev/reference/methods/chat.postMessage/>.

mod answer;
mod config;
mod map;
mod send;

use snodo_connector::{Context, Delivery, Destination, Draft, Exchange, Fault, Message, Plan, Source};

use crate::config::Config;

pub struct Slack;

impl Source for Slack {
    fn decode(ctx: &Context, message: Message) -> Result<Vec<Draft>, Fault> {
        let config: Config = ctx.config()?;
        match message.body.trim_ascii_start().first() {
            None => Err(Fault::permanent("the body is empty")),
            Some(b'{') => Ok(vec![map::event(message.json()?, &config)]),
            // Commands and what was pressed come as forms.
            Some(_) => map::form(&message.body, &config),
        }
    }
}

impl Destination for Slack {
    /// One request for each delivery: the API posts one message at a time.
    fn encode(ctx: &Context, deliveries: Vec<Delivery>) -> Plan {
        Plan::one_by_one(ctx.config(), &deliveries, send::request)
    }

    fn interpret(_: &Context, exchange: Exchange) -> Plan {
        Plan::settle_all(exchange.deliveries.len(), &answer::outcome(&exchange.answer))
    }
}

snodo_connector::export!(Slack: source, destination);
