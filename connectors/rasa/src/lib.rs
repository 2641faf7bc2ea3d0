//! Rasa: the events of its trackers as canonical events, and messages and intents into its conversations. Shapes as in
//! <https://github.com/RasaHQ/rasa/blob/main/rasa/shared/core/events.py> and <https://rasa.com/docs/reference/api/pro/http-api/>.

mod config;
mod map;
mod send;

use serde_json::Value;
use snodo_connector::fields::Take;
use snodo_connector::{Context, Delivery, Destination, Draft, Exchange, Fault, Message, Plan, Source};

use crate::config::Config;

pub struct Rasa;

impl Source for Rasa {
    fn decode(ctx: &Context, message: Message) -> Result<Vec<Draft>, Fault> {
        let config: Config = ctx.config()?;
        let (sender, events) = match message.json()? {
            Value::Array(events) => (None, events),
            // A whole tracker, as GET /conversations/{id}/tracker gives it.
            Value::Object(mut tracker) if !tracker.contains_key("event") => match tracker.list("events") {
                Some(events) if !events.is_empty() => (tracker.text("sender_id"), events),
                _ => (None, vec![Value::Object(tracker)]),
            },
            other => (None, vec![other]),
        };
        let told = |event| map::tell(&with_sender(event, sender.as_deref()), &config);
        Ok(events.into_iter().flat_map(told).collect())
    }
}

fn with_sender(mut event: Value, sender: Option<&str>) -> Value {
    if let (Some(fields), Some(sender)) = (event.as_object_mut(), sender) {
        fields.entry("sender_id").or_insert_with(|| sender.into());
    }
    event
}

impl Destination for Rasa {
    fn encode(ctx: &Context, deliveries: Vec<Delivery>) -> Plan {
        Plan::one_by_one(ctx.config(), &deliveries, send::request)
    }

    fn interpret(_: &Context, exchange: Exchange) -> Plan {
        Plan::settle_all(exchange.deliveries.len(), &send::outcome(&exchange.answer))
    }
}

snodo_connector::export!(Rasa: source, destination);
