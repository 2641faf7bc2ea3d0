//! What the tests work with: a store whose clock they hold.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use snodo_core::{ChannelName, Timestamp};
use snodo_store::{
    AsOf, Claim, Decoding, Due, MessageSeq, NewEvent, Options, Recorded, RecordedEvent, Store, StoreError,
};

pub use crate::values::*;

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

/// What may go to a destination.
pub fn claimed(store: &Store, destination: &ChannelName, now: Timestamp) -> Vec<Due> {
    let out = HashSet::new();
    let claim =
        Claim { destination, marks: Default::default(), out: &out, now, limit: MANY, bytes_max: MANY };
    store.claim(&claim).unwrap()
}
