//! Senders and receivers that already speak canonical events: CloudEvents 1.0 in JSON, one by one, in batches, or with their
//! attributes in headers.
//!
//! It never looks into `data`: the bytes a sender wrote there are the bytes the hub gets, and the other way round.

mod binary;
mod read;
mod write;

use serde::Deserialize;
use snodo_connector::{
    Context, Delivery, Destination, Draft, Exchange, Fault, Message, Outcome, Plan, Request, Source, time,
};

pub struct Canonical;

impl Source for Canonical {
    fn decode(_: &Context, message: Message) -> Result<Vec<Draft>, Fault> {
        let drafts = match binary::is_binary(&message) {
            true => vec![binary::event(&message)?],
            false => read::events(&message.body)?,
        };
        // Another hub says so with each request, to the second, so that what it kept for days can be put right.
        Ok(match message.header("date").and_then(time::rfc2822) {
            Some(sent) => {
                drafts.into_iter().map(|draft| draft.with_sent(&sent, message.received_at)).collect()
            }
            None => drafts,
        })
    }
}

/// Where events go: posted to a `url`, published to a `topic` or with a `routing_key`, or lines of a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    file: String,
    url: Option<String>,
    topic: Option<String>,
    routing_key: Option<String>,
    /// Many events in one request, as CloudEvents' JSON batch format. For a `url` only: a file has a line per event.
    batch: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self { file: "events.jsonl".into(), url: None, topic: None, routing_key: None, batch: false }
    }
}

impl Destination for Canonical {
    fn encode(ctx: &Context, deliveries: Vec<Delivery>) -> Plan {
        match ctx.config::<Config>().and_then(Config::one_way) {
            Ok(config) => config.plan(&deliveries, &(0..count(&deliveries)).collect::<Vec<_>>()),
            Err(fault) => Plan::settle_all(deliveries.len(), &Outcome::Failed(fault)),
        }
    }

    fn interpret(ctx: &Context, exchange: Exchange) -> Plan {
        let Exchange { deliveries, answer, .. } = exchange;
        if answer.is_success() {
            return Plan::settle_all(deliveries.len(), &Outcome::Accepted(None));
        }
        let fault = answer.fault(format!("the receiver answered {}", answer.status));
        match (&fault, ctx.config::<Config>()) {
            // One event that a receiver cannot take must not take its neighbours with it: ask again in halves.
            (Fault::Permanent(_), Ok(config)) if deliveries.len() > 1 => {
                let places: Vec<u32> = (0..count(&deliveries)).collect();
                let (first, second) = places.split_at(places.len() / 2);
                let mut plan = config.plan(&deliveries, first);
                plan.calls.append(&mut config.plan(&deliveries, second).calls);
                plan
            }
            _ => Plan::settle_all(deliveries.len(), &Outcome::Failed(fault)),
        }
    }
}

impl Config {
    fn one_way(self) -> Result<Self, Fault> {
        let ways = [&self.url, &self.topic, &self.routing_key];
        match ways.iter().filter(|way| way.is_some()).count() {
            0 | 1 => Ok(self),
            _ => Err(Fault::misconfigured(
                "url, topic and routing_key are three ways to send: keep one of them",
            )),
        }
    }

    /// The calls for the deliveries at these places.
    fn plan(&self, deliveries: &[Delivery], places: &[u32]) -> Plan {
        let mut plan = Plan::new();
        match &self.url {
            Some(url) if self.batch => {
                let events = places.iter().map(|&place| &deliveries[place as usize].event);
                let request = request(url, "application/cloudevents-batch+json", write::batch(events));
                plan.call(request, places.to_vec(), Vec::new());
            }
            url => {
                let published = self.topic.as_ref().or(self.routing_key.as_ref());
                for &place in places {
                    let event = &deliveries[place as usize].event;
                    let (method, target) = match published {
                        Some(name) => ("PUBLISH", name.replace("{type}", &event.kind)),
                        None => ("POST", url.as_ref().unwrap_or(&self.file).clone()),
                    };
                    let request = request(&target, "application/cloudevents+json", write::event(event));
                    plan.call(Request { method: method.into(), ..request }, vec![place], Vec::new());
                }
            }
        }
        plan
    }
}

/// Media types of the CloudEvents HTTP binding 1.0.2, sections 3.2 and 3.3.
fn request(target: &str, media: &str, body: Vec<u8>) -> Request {
    let headers = vec![("content-type".into(), media.into())];
    Request { method: "POST".into(), target: target.into(), headers, body }
}

fn count(deliveries: &[Delivery]) -> u32 {
    u32::try_from(deliveries.len()).expect("a batch is bounded far below u32")
}

snodo_connector::export!(Canonical: source, destination);
