//! Writes customers into HubSpot as contacts, and orders, till receipts and refunds as their deals, in batches; and reads what
//! HubSpot tells by webhooks. It holds no token and reads no clock: the hub adds the one and brings the other.

mod answer;
mod canonical;
mod config;
mod interpret;
mod map;
mod source;
mod steps;
mod wire;

use snodo_connector::{Context, Delivery, Destination, Exchange, Fault, Outcome, Plan};

use crate::config::Config;
use crate::map::Work;
use crate::steps::{Item, Progress};

pub struct Hubspot;

impl Destination for Hubspot {
    fn encode(ctx: &Context, deliveries: Vec<Delivery>) -> Plan {
        let config = match ctx.config::<Config>() {
            Ok(config) => config,
            Err(fault) => return Plan::settle_all(deliveries.len(), &Outcome::Failed(fault)),
        };
        let works = works(&deliveries, &config);
        let mut plan = Plan::new();
        let items = items(&works, &mut plan, |_| Progress::default());
        steps::advance(&config, items, None, &mut plan);
        plan
    }

    fn interpret(ctx: &Context, exchange: Exchange) -> Plan {
        let config = match ctx.config::<Config>() {
            Ok(config) => config,
            Err(fault) => return Plan::settle_all(exchange.deliveries.len(), &Outcome::Failed(fault)),
        };
        let works = works(&exchange.deliveries, &config);
        // A state that cannot be read was written by another version of this connector: the next attempt starts anew.
        let Ok(state) = serde_json::from_slice::<steps::State>(&exchange.state) else {
            let fault = Fault::retry("failed to read what the call was about");
            return Plan::settle_all(exchange.deliveries.len(), &Outcome::Failed(fault));
        };
        let mut plan = Plan::new();
        let items = items(&works, &mut plan, |at| state.done.get(at).cloned().unwrap_or_default());
        interpret::interpret(&config, state.step, items, &exchange.answer, &mut plan);
        plan
    }
}

fn works(deliveries: &[Delivery], config: &Config) -> Vec<Result<Work, Fault>> {
    deliveries.iter().map(|delivery| map::work(delivery, config)).collect()
}

/// What can be written goes on its way; the rest is settled.
fn items<'a>(
    works: &'a [Result<Work, Fault>],
    plan: &mut Plan,
    progress: impl Fn(usize) -> Progress,
) -> Vec<Item<'a>> {
    let mut items = Vec::with_capacity(works.len());
    for (place, work) in (0..).zip(works) {
        match work {
            Ok(work) => items.push(Item { place, work, progress: progress(place as usize) }),
            Err(fault) => plan.settle(place, Outcome::Failed(fault.clone())),
        }
    }
    items
}

snodo_connector::export!(Hubspot: source, destination);
