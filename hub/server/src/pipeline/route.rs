//! accepted → deliveries: every route is considered for every event, and each says what it does with it.

use serde_json::{Value, json};
use snodo_core::declare::Order;
use snodo_core::route::{Decision, Route, Subject};
use snodo_core::{ChannelName, CustomerId, Event, Fate, Lane};
use snodo_store::{Decoding, NewDelivery, NewEvent, NewVerdict, Recorded};

use super::decode::Decoded;
use super::resolve::Accepted;
use super::{Channel, Line};

pub fn route(line: &Line, channel: &Channel, accepted: Vec<Decoded<Accepted<'_>>>) -> Vec<Recorded> {
    accepted
        .into_iter()
        .map(|one| Recorded {
            message: one.message,
            result: match one.events {
                Ok(events) => {
                    Decoding::Decoded(events.into_iter().map(|e| decided(line, channel, e)).collect())
                }
                Err(problem) => Decoding::Quarantined(json!(problem).to_string()),
            },
        })
        .collect()
}

fn decided(line: &Line, channel: &Channel, accepted: Accepted<'_>) -> NewEvent {
    let Accepted { checked, resolution, changes, consents } = accepted;
    let mut event = NewEvent {
        place: checked.candidate.place,
        digest: checked.candidate.digest,
        event: checked.candidate.event,
        customer: resolution.customer,
        identifiers: resolution.attach,
        consents: changes,
        routes: u32::try_from(line.routes.len()).expect("a declaration is bounded far below u32"),
        filtered: 0,
        reasons: None,
        verdict: NewVerdict::Quarantined(String::new()),
    };
    if !checked.violations.is_empty() {
        event.verdict = NewVerdict::Quarantined(json!(checked.violations).to_string());
        return event;
    }
    let subject = Subject::new(&event.event, &channel.name, &checked.data, resolution.customer, &consents);
    let Considered { deliveries, filtered, reasons } =
        consider(line.routes.values(), |destination| keeps_order(line, destination), &subject);
    event.filtered = filtered;
    event.reasons = (!reasons.is_empty()).then(|| Value::from(reasons).to_string());
    event.verdict = NewVerdict::Routed(deliveries);
    event
}

/// What routes make of an event.
#[derive(Default)]
pub struct Considered {
    pub deliveries: Vec<NewDelivery>,
    /// How many do not want it, and why, where there is more to say than the declaration does.
    filtered: u32,
    reasons: serde_json::Map<String, Value>,
}

pub fn consider<'a>(
    routes: impl Iterator<Item = &'a Route>,
    keeps_order: impl Fn(&ChannelName) -> bool,
    subject: &Subject<'_>,
) -> Considered {
    let ordering_key = ordering_key(subject.event, subject.customer);
    let lane = ordering_key.as_deref().map(Lane::of);
    let mut considered = Considered::default();
    for route in routes {
        let suppressed = match route.decide(subject) {
            Decision::Deliver => None,
            Decision::Suppressed(why) => Some((Fate::Suppressed, why)),
            Decision::Unwanted => {
                considered.filtered += 1;
                continue;
            }
            Decision::Filtered(why) => {
                considered.filtered += 1;
                considered.reasons.insert(route.name.to_string(), why.into());
                continue;
            }
        };
        considered.deliveries.push(NewDelivery {
            route: route.name.clone(),
            destination: route.to.clone(),
            ordering_key: ordering_key.clone(),
            lane: lane.filter(|_| keeps_order(&route.to)),
            stuck: route.stuck,
            class: route.class(&subject.event.kind),
            purpose: Some(route.purpose.clone()),
            fate: suppressed,
        });
    }
    // Where two routes lead to one destination they share a lane: what is more urgent stands first in it.
    considered.deliveries.sort_by(|a, b| (a.class, &a.route).cmp(&(b.class, &b.route)));
    considered
}

/// What keeps its order: what the source says does, else the customer, else the object. An event about nobody and nothing waits
/// for no other.
fn ordering_key(event: &Event, customer: Option<CustomerId>) -> Option<String> {
    let named = event.ordering_key.clone();
    named.or_else(|| customer.map(|customer| customer.to_string())).or_else(|| event.subject.clone())
}

/// Where all go in one line there are no lanes, and none where each goes when it can.
fn keeps_order(line: &Line, destination: &ChannelName) -> bool {
    line.channels.get(destination).is_some_and(|channel| channel.queue.order() == Order::Key)
}
