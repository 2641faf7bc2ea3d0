//! The values that go into a store, and into a home of any other kind: its checks have them from here.

use std::sync::atomic::{AtomicU64, Ordering};

use snodo_core::consent::{Change, State};
use snodo_core::identity::Identifier;
use snodo_core::message::Envelope;
use snodo_core::{
    ChannelName, Class, CustomerId, Event, EventId, Fate, Message, MessageId, Stuck, Timestamp,
};
use snodo_store::{Due, NewDelivery, NewEvent, NewVerdict, Settled, Settlement};

pub const START: i64 = 1_700_000_000_000;
pub const MANY: usize = 1_000_000;

pub fn name(text: &str) -> ChannelName {
    text.parse().unwrap()
}

pub fn message(channel: &str, body: &str, received: Timestamp) -> Message {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let headers = vec![("x-topic".into(), "orders/create".into())];
    Message {
        id: MessageId::new(received, NEXT.fetch_add(1, Ordering::Relaxed).into()),
        channel: name(channel),
        received,
        envelope: Envelope { headers, ..Envelope::default() },
        body: body.to_owned().into(),
    }
}

pub fn id(key: &str) -> EventId {
    EventId::of_key("snodo://acme/shop", key, Timestamp::from_millis(START))
}

/// An event with this key and body, considered for one route that wants it.
pub fn event(key: &str, body: &str) -> NewEvent {
    let mut digest = [0; 16];
    digest[..body.len().min(16)].copy_from_slice(&body.as_bytes()[..body.len().min(16)]);
    NewEvent {
        event: Event {
            id: id(key),
            kind: "commerce.order.placed".into(),
            source: "snodo://acme/shop".into(),
            subject: Some(format!("order/{key}")),
            time: "2026-01-01T10:00:00+01:00".into(),
            dataschema: "snodo:snodo/commerce.order.placed/1-0-0".into(),
            ordering_key: None,
            attributes: vec![("traceparent".into(), "00-1".into())],
            data: format!(r#"{{"note":"{body}"}}"#).into(),
        },
        place: 0,
        digest,
        customer: None,
        identifiers: vec![],
        consents: vec![],
        routes: 1,
        filtered: 0,
        reasons: None,
        verdict: NewVerdict::Routed(vec![delivery("crm")]),
    }
}

/// The same, but it breaks its schema.
/// One that was considered for two routes, and not wanted by so many.
pub fn of_two_routes(key: &str, filtered: u32, deliveries: Vec<NewDelivery>) -> NewEvent {
    NewEvent { routes: 2, filtered, verdict: NewVerdict::Routed(deliveries), ..event(key, "b") }
}

pub fn broken(key: &str, body: &str) -> NewEvent {
    NewEvent { verdict: NewVerdict::Quarantined(r#"[{"pointer":"/note"}]"#.into()), ..event(key, body) }
}

pub fn at_place(place: u32, event: NewEvent) -> NewEvent {
    NewEvent { place, ..event }
}

pub fn delivery(destination: &str) -> NewDelivery {
    NewDelivery {
        route: format!("to-{destination}").parse().unwrap(),
        destination: name(destination),
        ordering_key: Some("o1".into()),
        lane: None,
        stuck: Stuck::Block,
        class: Class::Service,
        purpose: Some("orders".into()),
        fate: None,
    }
}

pub fn suppressed(destination: &str) -> NewDelivery {
    NewDelivery { fate: Some((Fate::Suppressed, "no consent".into())), ..delivery(destination) }
}

pub fn of_customer(customer: CustomerId, mail: &str, event: NewEvent) -> NewEvent {
    NewEvent { customer: Some(customer), identifiers: vec![Identifier::new("email", mail).unwrap()], ..event }
}

pub fn customer(n: i64) -> CustomerId {
    CustomerId::first_seen_in(id(&n.to_string()), Timestamp::from_millis(n))
}

pub fn said(state: State, at: i64) -> Change {
    Change { purpose: "marketing.email".into(), state, at: Timestamp::from_millis(at) }
}

pub fn settled(due: &Due, result: Settlement) -> Settled {
    Settled {
        seq: due.seq,
        attempt: due.attempt,
        record: Some(format!(r#"{{"n":{}}}"#, due.attempt)),
        result,
    }
}

pub fn finally(fate: Fate) -> Settlement {
    Settlement::Final { fate, reason: None }
}
