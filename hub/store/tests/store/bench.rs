//! What the tests work with: a store whose clock they hold, and the values that go into it.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use snodo_core::consent::{Change, State};
use snodo_core::identity::Identifier;
use snodo_core::message::Envelope;
use snodo_core::{
    ChannelName, Class, CustomerId, Event, EventId, Fate, Message, MessageId, Stuck, Timestamp,
};
use snodo_store::{
    AsOf, Claim, Decoding, Due, MessageSeq, NewDelivery, NewEvent, NewVerdict, Options, Recorded,
    RecordedEvent, Settled, Settlement, Store, StoreError,
};

pub const START: i64 = 1_700_000_000_000;
pub const MANY: usize = 1_000_000;

pub struct Bench {
    pub directory: tempfile::TempDir,
    pub clock: Arc<AtomicI64>,
    pub store: Store,
}

impl Bench {
    pub fn new() -> Self {
        Self::of(tempfile::tempdir().unwrap())
    }

    /// On what is there.
    pub fn of(directory: tempfile::TempDir) -> Self {
        let clock = Arc::new(AtomicI64::new(START));
        let store = Store::open(directory.path(), options(&clock)).unwrap();
        Self { directory, clock, store }
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.clock.load(Ordering::SeqCst))
    }

    pub fn pass(&self, time: Duration) {
        self.clock.fetch_add(time.as_millis() as i64, Ordering::SeqCst);
    }

    /// The hub ends, and another begins.
    pub fn reopen(self) -> Self {
        let Self { directory, clock, store } = self;
        drop(store);
        let store = Store::open(directory.path(), options(&clock)).unwrap();
        Self { directory, clock, store }
    }

    pub fn accept(&self, channel: &str, body: &str) -> MessageSeq {
        wait(self.store.accept(message(channel, body, self.now()))).unwrap()
    }

    /// One message, decoded to these.
    pub fn bring(&self, events: Vec<NewEvent>) -> Vec<RecordedEvent> {
        let message = self.accept("shop", "raw");
        self.decode(message, events).unwrap()
    }

    pub fn decode(
        &self,
        message: MessageSeq,
        events: Vec<NewEvent>,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        let as_of = self.as_of();
        self.store.record_blocking(vec![Recorded { message, result: Decoding::Decoded(events) }], as_of)
    }

    pub fn as_of(&self) -> AsOf {
        self.store.facts(&[]).unwrap().as_of
    }

    /// Counted and kept agree, and nothing is missing.
    #[track_caller]
    pub fn assert_balanced(&self) {
        let audit = self.store.audit().unwrap();
        assert_eq!(audit.counted, audit.kept);
        let counted = &audit.counted;
        let missing = (counted.difference(), counted.messages_difference(), counted.events_difference());
        assert_eq!(missing, (0, 0, 0), "{counted:?}");
    }
}

/// How many times as much as in every run is asked for: `SNODO_TEST_SCALE`.
pub fn scale() -> usize {
    let scale = std::env::var("SNODO_TEST_SCALE")
        .ok()
        .map(|text| text.parse().expect("SNODO_TEST_SCALE is a number"));
    scale.unwrap_or(1)
}

fn options(clock: &Arc<AtomicI64>) -> Options {
    let clock = clock.clone();
    Options {
        clock: Arc::new(move || Timestamp::from_millis(clock.load(Ordering::SeqCst))),
        ..Options::default()
    }
}

pub fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

pub fn message(channel: &str, body: &str, received: Timestamp) -> Message {
    Message {
        id: MessageId::new(received, body.len() as u128),
        channel: name(channel),
        received,
        envelope: Envelope {
            headers: vec![("x-topic".into(), "orders/create".into())],
            ..Envelope::default()
        },
        body: body.to_owned().into(),
    }
}

pub fn name(text: &str) -> ChannelName {
    text.parse().unwrap()
}

pub fn id(key: &str) -> EventId {
    EventId::of_key("snodo://acme/shop", key, Timestamp::from_millis(START))
}

/// An event with this key and body, considered for one route that wants it.
pub fn event(key: &str, body: &str) -> NewEvent {
    let data = format!(r#"{{"note":"{body}"}}"#);
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
            data: data.into(),
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

/// What may go to a destination.
pub fn claimed(store: &Store, destination: &ChannelName, now: Timestamp) -> Vec<Due> {
    let out = HashSet::new();
    let claim =
        Claim { destination, marks: Default::default(), out: &out, now, limit: MANY, bytes_max: MANY };
    store.claim(&claim).unwrap()
}

/// Of that, what was handed out before or has waited.
pub fn back_at(store: &Store, destination: &ChannelName, now: Timestamp) -> Vec<Due> {
    claimed(store, destination, now).into_iter().filter(|due| !due.fresh).collect()
}
