//! XR sessions: what the snippet or an application tells of one becomes events, and hand-overs are told to the server of a scene.
//! The format is our own; README.md has all of it. States and events of a session are those of
//! <https://www.w3.org/TR/webxr/> and of <https://registry.khronos.org/OpenXR/specs/1.1/html/xrspec.html>.

mod config;
mod context;
mod handover;
mod map;

use serde_json::Value;
use snippet::Batch;
use snodo_connector::fields;
use snodo_connector::{
    Context, Delivery, Destination, Draft, Exchange, Fault, Message, Outcome, Plan, Source,
};

use crate::config::Config;

pub struct XrSession;

impl Source for XrSession {
    fn decode(ctx: &Context, message: Message) -> Result<Vec<Draft>, Fault> {
        let config: Config = ctx.config()?;
        let batch = Batch::of(message.json()?);
        Ok(batch.drafts(message.received_at, &[], |word, event| map::event(word, event, &config)))
    }
}

impl Destination for XrSession {
    fn encode(ctx: &Context, deliveries: Vec<Delivery>) -> Plan {
        Plan::one_by_one(ctx.config(), &deliveries, handover::request)
    }

    fn interpret(_: &Context, exchange: Exchange) -> Plan {
        let answer = &exchange.answer;
        let outcome = match answer.status {
            200..=299 => {
                let id = answer.json::<Value>().and_then(|body| body.get("id").and_then(fields::text));
                Outcome::Accepted(id)
            }
            // Our own contract with scene servers: a token that is there already.
            409 => Outcome::Duplicate,
            status => Outcome::Failed(answer.fault(format!("the scene's server answered {status}"))),
        };
        Plan::settle_all(exchange.deliveries.len(), &outcome)
    }
}

snodo_connector::export!(XrSession: source, destination);
