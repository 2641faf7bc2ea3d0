//! Zendesk: its webhooks as canonical events, and what somebody must look after as Zendesk's tickets.
//! Shapes as in <https://developer.zendesk.com/api-reference/webhooks/event-types/webhook-event-types/> and
//! <https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/>.

mod map;
mod send;

use serde_json::Value;
use snodo_connector::fields::{self, Fields};
use snodo_connector::{Context, Delivery, Destination, Draft, Exchange, Fault, Message, Plan, Source};

pub struct Zendesk;

impl Source for Zendesk {
    fn decode(_: &Context, message: Message) -> Result<Vec<Draft>, Fault> {
        let body: Value = message.json()?;
        let Some(event) = body.as_object() else { return Ok(vec![Draft::unknown(None, &body)]) };
        let text = |name: &str| event.get(name).and_then(fields::text);
        let mut draft = match map::tell(event.clone()) {
            Some(told) => {
                let draft = Draft { subject: Some(told.subject), ..Draft::new(told.kind, &told.data) };
                Draft { time: told.time, ..draft }
            }
            None => Draft::unknown(text("type").as_deref(), &body),
        };
        // A trigger's body is what somebody typed in, and has no id of its own.
        let invocation = || message.header("x-zendesk-webhook-invocation-id").map(str::to_owned);
        draft.key = text("id").or_else(invocation).filter(|key| !key.is_empty());
        draft.time = draft.time.or_else(|| event.get("time").and_then(fields::moment));
        draft.attributes = attributes(event);
        Ok(vec![draft])
    }
}

/// All events of one action have the same sequence.
fn attributes(event: &Fields) -> Vec<(String, String)> {
    let sequence = event.get("event").and_then(|event| event.pointer("/meta/sequence/id"));
    let found = [
        ("correlationid", sequence),
        ("zendeskaccount", event.get("account_id")),
        ("zendesktype", event.get("type")),
    ];
    found.into_iter().filter_map(|(name, value)| Some((name.to_owned(), fields::text(value?)?))).collect()
}

impl Destination for Zendesk {
    fn encode(ctx: &Context, deliveries: Vec<Delivery>) -> Plan {
        Plan::one_by_one(ctx.config(), &deliveries, send::begin)
    }

    fn interpret(ctx: &Context, exchange: Exchange) -> Plan {
        Plan::one_by_one(ctx.config(), &exchange.deliveries, |config, delivery| {
            send::go_on(config, delivery, &exchange)
        })
    }
}

snodo_connector::export!(Zendesk: source, destination);
