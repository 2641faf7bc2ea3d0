//! deliveries → requests: the route's map, then the destination's connector. Consent is judged again first: what a customer has
//! withdrawn since the event was routed is not sent.

use std::sync::Arc;

use bytes::Bytes;
use snodo_core::consent::{self, Basis, Consents};
use snodo_core::route::{Route, Subject};
use snodo_core::{Body, Class, CustomerId, Fate, Timestamp};
use snodo_host::Request;
use snodo_store::home::Reading;
use snodo_store::{Due, Settled, StoreError};

use super::interpret::{self, Told};
use super::{Channel, Fitted, Line};

/// A delivery on its way, with what its connector is shown of it.
pub struct Carried {
    pub due: Due,
    id: String,
    customer: Option<String>,
    pub idempotency_key: String,
    /// The body, after the route's map.
    data: Bytes,
}

/// A request to be sent for some deliveries.
pub struct Call {
    pub request: Request,
    pub carried: Vec<Carried>,
    pub state: Vec<u8>,
    /// What the answer is to be understood by.
    pub fitted: Arc<Fitted>,
    /// 1 for what `encode` asked for; follow-ups count on.
    pub round: u32,
}

impl Call {
    /// The class of the most urgent of its deliveries.
    pub fn class(&self) -> Class {
        self.carried.iter().map(|one| one.due.class).min().unwrap_or_default()
    }
}

#[derive(Default)]
pub struct Encoded {
    /// How many deliveries are in the rest.
    pub deliveries: usize,
    pub calls: Vec<Call>,
    pub settled: Vec<Settled>,
}

pub fn encode(
    line: &Line,
    channel: &Channel,
    dues: Vec<Due>,
    store: &dyn Reading,
    now: Timestamp,
) -> Result<Encoded, StoreError> {
    let deliveries = dues.len();
    let Ready { carried: mut ready, settled } = make_ready(line, channel, dues, store, now)?;
    ready.iter_mut().for_each(Carried::mark_replay);
    let mut encoded = Encoded { deliveries, settled, ..Encoded::default() };
    let fitted = channel.fitted();
    while !ready.is_empty() {
        let rest = ready.split_off(fitted.batch_max.min(ready.len()));
        let batch = std::mem::replace(&mut ready, rest);
        let planned = {
            let deliveries: Vec<_> = batch.iter().map(Carried::for_connector).collect();
            fitted.connector.encode(&channel.context(fitted, now), &deliveries)
        };
        let told = Told { round: 1, sent: None, now, fails: false };
        let laid_out = interpret::lay_out(line, planned, batch, fitted, told);
        encoded.calls.extend(laid_out.calls);
        encoded.settled.extend(laid_out.settled);
    }
    Ok(encoded)
}

/// Deliveries that may go on to the connector, and those that may not.
pub struct Ready {
    pub carried: Vec<Carried>,
    pub settled: Vec<Settled>,
}

pub fn make_ready(
    line: &Line,
    channel: &Channel,
    dues: Vec<Due>,
    store: &dyn Reading,
    now: Timestamp,
) -> Result<Ready, StoreError> {
    let agreed = agreed(line, &dues, store)?;
    let mut ready = Ready { carried: Vec::with_capacity(dues.len()), settled: Vec::new() };
    for due in dues {
        if let Some(why) = line.has_waited(&due, now) {
            ready.settled.push(interpret::expired(&due, why));
            continue;
        }
        let Some(route) = line.routes.get(&due.route) else {
            ready.settled.push(interpret::put_off(line, &due, "its route is not declared any more", now));
            continue;
        };
        let consents = due.customer.and_then(|customer| agreed.get(&customer));
        match carry(route, channel, due, consents) {
            Ok(carried) => ready.carried.push(carried),
            Err(stopped) => {
                let (due, fate, why) = *stopped;
                ready.settled.push(interpret::without_sending(&due, fate, &why, now));
            }
        }
    }
    Ok(ready)
}

/// What the customers have said, for those deliveries whose purpose asks for it.
fn agreed(
    line: &Line,
    dues: &[Due],
    store: &dyn Reading,
) -> Result<std::collections::HashMap<CustomerId, Consents>, StoreError> {
    let asks = |due: &&Due| {
        line.routes.get(&due.route).is_some_and(|route| {
            matches!(route.basis, Basis::Consent | Basis::LegitimateInterest) || !route.map.is_empty()
        })
    };
    let mut customers: Vec<CustomerId> = dues.iter().filter(asks).filter_map(|due| due.customer).collect();
    if customers.is_empty() {
        return Ok(std::collections::HashMap::new());
    }
    customers.sort();
    customers.dedup();
    store.consents(&customers)
}

/// A delivery that is not sent, and why.
type Stopped = Box<(Due, Fate, String)>;

fn carry(
    route: &Route,
    channel: &Channel,
    due: Due,
    consents: Option<&Consents>,
) -> Result<Carried, Stopped> {
    let said = consents.cloned().unwrap_or_default();
    let known = due.customer.map(|_| &said);
    if let Err(why) = consent::judge(&route.purpose, route.basis, known) {
        return Err(Box::new((due, Fate::Suppressed, why)));
    }
    let data = match route.map.is_empty() {
        true => due.event.data.clone(),
        false => match mapped(route, channel, &due, &said) {
            Ok(data) => data,
            Err(why) => return Err(Box::new((due, Fate::Quarantined, why))),
        },
    };
    Ok(Carried {
        id: due.event.id.to_string(),
        customer: due.customer.map(|customer| customer.to_string()),
        idempotency_key: format!("{}.{}", due.event.id, due.route),
        data,
        due,
    })
}

fn mapped(route: &Route, channel: &Channel, due: &Due, consents: &Consents) -> Result<Bytes, String> {
    let data = Body::parse(&due.event.data).map_err(|_| "its stored body is not JSON".to_owned())?;
    // The map sees the event as its source sent it; a source is named by the last part of its URI.
    let from = due.event.source.rsplit('/').next().and_then(|name| name.parse().ok());
    let from = from.unwrap_or_else(|| channel.name.clone());
    let subject = Subject::new(&due.event, &from, &data, due.customer, consents);
    let body = route.map.apply(&subject)?;
    Ok(serde_json::to_vec(&body).expect("a JSON value is always JSON text").into())
}

/// What the hub writes on an event that it sends once more: the id of the event that was sent, which is its own.
const REPLAY_OF: &str = "replayof";

impl Carried {
    /// On what is sent only: the stored event is as it was. What a transform makes of it must not depend on this, or making it again
    /// would make another.
    fn mark_replay(&mut self) {
        if self.due.replays > 0 {
            let attributes = &mut self.due.event.attributes;
            attributes.retain(|(name, _)| name != REPLAY_OF);
            attributes.push((REPLAY_OF.to_owned(), self.id.clone()));
        }
    }

    pub fn for_connector(&self) -> snodo_host::Delivery<'_> {
        let event = &self.due.event;
        snodo_host::Delivery {
            idempotency_key: &self.idempotency_key,
            attempt: self.due.attempt,
            customer: self.customer.as_deref(),
            event: snodo_host::Event {
                id: &self.id,
                kind: &event.kind,
                source: &event.source,
                subject: event.subject.as_deref(),
                time: &event.time,
                dataschema: &event.dataschema,
                ordering_key: self.due.ordering_key.as_deref().unwrap_or(&event.source),
                attributes: &event.attributes,
                data: &self.data,
            },
        }
    }
}
