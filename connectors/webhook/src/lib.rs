//! Sends events to any URL. It never signs and never holds a credential: the hub adds both, with the time, when it sends.

mod answer;
mod cloudevents;
mod config;
mod split;

use snodo_connector::{Context, Delivery, Destination, Exchange, Plan, Request};

use crate::config::{Body, Config};

pub struct Webhook;

impl Destination for Webhook {
    fn encode(ctx: &Context, deliveries: Vec<Delivery>) -> Plan {
        let config = match ctx.config::<Config>() {
            Ok(config) => config,
            Err(fault) => {
                return Plan::settle_all(deliveries.len(), &snodo_connector::Outcome::Failed(fault));
            }
        };
        let mut plan = Plan::new();
        if config.events_per_request_max <= 1 {
            for (place, delivery) in (0..).zip(deliveries) {
                plan.call(one(&config, delivery), vec![place], Vec::new());
            }
            return plan;
        }
        for part in split::parts(deliveries.len(), config.events_per_request_max) {
            let request = several(&config, &deliveries[part.clone()]);
            plan.call(request, split::places(part), Vec::new());
        }
        plan
    }

    fn interpret(ctx: &Context, exchange: Exchange) -> Plan {
        let config = match ctx.config::<Config>() {
            Ok(config) => config,
            Err(fault) => {
                return Plan::settle_all(exchange.deliveries.len(), &snodo_connector::Outcome::Failed(fault));
            }
        };
        let count = exchange.deliveries.len();
        if count > 1
            && answer::blames_the_body(&exchange.answer)
            && !config.is_duplicate(exchange.answer.status)
        {
            return in_smaller_parts(&config, &exchange.deliveries);
        }
        Plan::settle_all(count, &answer::outcome(&exchange.answer, &config))
    }
}

/// One event: its body is spliced in as it is, or moved where nothing is put around it.
fn one(config: &Config, delivery: Delivery) -> Request {
    let id = delivery.idempotency_key.clone();
    let (content_type, body) = match config.body {
        Body::Data => ("application/json", delivery.event.data),
        Body::Cloudevents => {
            let mut body = Vec::with_capacity(cloudevents::bytes(&delivery));
            cloudevents::write(&mut body, &delivery);
            ("application/cloudevents+json", body)
        }
    };
    request(config, content_type, id, body)
}

/// A JSON array of them, in order.
fn several(config: &Config, deliveries: &[Delivery]) -> Request {
    let mut body =
        Vec::with_capacity(deliveries.iter().map(|delivery| cloudevents::bytes(delivery) + 1).sum());
    for (place, delivery) in deliveries.iter().enumerate() {
        body.push(if place == 0 { b'[' } else { b',' });
        match config.body {
            Body::Data => body.extend_from_slice(&delivery.event.data),
            Body::Cloudevents => cloudevents::write(&mut body, delivery),
        }
    }
    body.push(b']');
    let content_type = match config.body {
        Body::Data => "application/json",
        Body::Cloudevents => "application/cloudevents-batch+json",
    };
    request(config, content_type, split::id(deliveries), body)
}

fn request(config: &Config, content_type: &str, id: String, body: Vec<u8>) -> Request {
    let mut headers = Vec::with_capacity(2 + config.headers.len());
    headers.push(("content-type".to_owned(), content_type.to_owned()));
    headers.push(("webhook-id".to_owned(), id));
    headers.extend(config.headers.iter().map(|(name, value)| (name.clone(), value.clone())));
    Request { method: config.method.as_str().to_owned(), target: config.url.clone(), headers, body }
}

/// The receiver refused the whole array: the parts are sent again, until what it refuses stands alone.
fn in_smaller_parts(config: &Config, deliveries: &[Delivery]) -> Plan {
    let mut plan = Plan::new();
    for part in split::parts(deliveries.len(), deliveries.len().div_ceil(split::PARTS)) {
        let request = several(config, &deliveries[part.clone()]);
        plan.call(request, split::places(part), Vec::new());
    }
    plan
}

snodo_connector::export!(Webhook: destination);
