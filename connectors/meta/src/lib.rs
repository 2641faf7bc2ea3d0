//! Meta's Facebook Pages, Messenger and Instagram: what people write, say and do there comes in; what customers buy and do goes to
//! the Conversions API. Shapes as in <https://developers.facebook.com/docs/graph-api/webhooks/reference/page/>,
//! <https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks/webhook-events>,
//! <https://developers.facebook.com/documentation/instagram-platform/webhooks/examples> and
//! <https://developers.facebook.com/documentation/ads-commerce/conversions-api/using-the-api>.

mod answer;
mod config;
mod map;
mod send;

use snodo_connector::{
    Context, Delivery, Destination, Draft, Exchange, Fault, Message, Outcome, Plan, Request, Source,
};

use crate::answer::Meaning;
use crate::config::Config;

pub struct Meta;

/// A refused batch of 1000 is sent again as ten of a hundred, and so on: three more rounds find every event at fault.
const PARTS: usize = 10;

impl Source for Meta {
    fn decode(_: &Context, message: Message) -> Result<Vec<Draft>, Fault> {
        Ok(map::drafts(&message.json()?))
    }
}

impl Destination for Meta {
    fn encode(ctx: &Context, deliveries: Vec<Delivery>) -> Plan {
        let config = match ctx.config::<Config>() {
            Ok(config) => config,
            Err(fault) => return Plan::settle_all(deliveries.len(), &Outcome::Failed(fault)),
        };
        planned(&config, ctx.now, &deliveries, deliveries.len())
    }

    fn interpret(ctx: &Context, exchange: Exchange) -> Plan {
        let config = match ctx.config::<Config>() {
            Ok(config) => config,
            Err(fault) => return Plan::settle_all(exchange.deliveries.len(), &Outcome::Failed(fault)),
        };
        let count = exchange.deliveries.len();
        match answer::meaning(&exchange.answer, count) {
            Meaning::Taken => Plan::settle_all(count, &Outcome::Accepted(None)),
            Meaning::Refused(_) if count > 1 => {
                planned(&config, ctx.now, &exchange.deliveries, count.div_ceil(PARTS))
            }
            Meaning::Refused(fault) | Meaning::Whole(fault) => {
                Plan::settle_all(count, &Outcome::Failed(fault))
            }
        }
    }
}

/// Requests of at most `size` events; what cannot be sent is settled.
fn planned(config: &Config, now_ms: u64, deliveries: &[Delivery], size: usize) -> Plan {
    let mut plan = Plan::new();
    let Some(url) = config.url() else {
        let fault = Fault::misconfigured("set the channel's pixel_id");
        return Plan::settle_all(deliveries.len(), &Outcome::Failed(fault));
    };
    let mut ready = Vec::with_capacity(deliveries.len());
    for (place, delivery) in (0..).zip(deliveries) {
        match send::event(config, now_ms, delivery) {
            Ok(event) => ready.push((place, event)),
            Err(outcome) => plan.settle(place, outcome),
        }
    }
    for part in ready.chunks(size.max(1)) {
        let (places, events): (Vec<u32>, Vec<_>) = part.iter().map(|(place, event)| (*place, event)).unzip();
        let body = send::Body { data: events, test_event_code: config.test_event_code.as_deref() };
        plan.call(Request::json("POST", &url, &body), places, Vec::new());
    }
    plan
}

snodo_connector::export!(Meta: source, destination);
