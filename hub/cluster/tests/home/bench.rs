//! What the checks work with: a home whose clock they hold.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use snodo_cluster::{Cluster, Options};
use snodo_core::{ChannelName, Timestamp};
use snodo_store::{
    AsOf, Claim, Decoding, Due, MessageSeq, NewEvent, Recorded, RecordedEvent, Settled, Settlement, Store,
    StoreError,
};

use crate::homes::Home;
use crate::services::{Name, amqp_url, postgres_url, until, wait};
use crate::values::{MANY, START, finally, message, settled};

pub type Clock = Arc<AtomicI64>;

pub struct Bench {
    /// Before what it is kept in, which is removed after it is closed.
    pub home: Box<dyn Home>,
    pub clock: Clock,
    open: Box<dyn Fn() -> Box<dyn Home>>,
}

impl Bench {
    pub fn embedded() -> Self {
        let clock = Clock::new(START.into());
        let (directory, told) = (tempfile::tempdir().unwrap(), clock.clone());
        let open = move || -> Box<dyn Home> {
            let options = snodo_store::Options { clock: read(&told), ..snodo_store::Options::default() };
            Box::new(Store::open(directory.path(), options).unwrap())
        };
        Self { home: open(), clock, open: Box::new(open) }
    }

    pub fn cluster() -> Self {
        let clock = Clock::new(START.into());
        let (name, told) = (Name::new(4), clock.clone());
        let open = move || -> Box<dyn Home> {
            let node = node(&name, Options { clock: read(&told), ..Options::default() });
            until("it works on all partitions", Duration::from_secs(20), || node.partitions().len() == 4);
            Box::new(node)
        };
        Self { home: open(), clock, open: Box::new(open) }
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.clock.load(Ordering::SeqCst))
    }

    pub fn pass(&self, time: Duration) {
        self.clock.fetch_add(time.as_millis() as i64, Ordering::SeqCst);
    }

    /// The hub ends, and another begins.
    pub fn reopen(&mut self) {
        self.home.close();
        self.home = (self.open)();
    }

    pub fn accept(&self, channel: &str, body: &str) -> MessageSeq {
        self.home.accept(message(channel, body, self.now()))
    }

    /// One message, decoded to these.
    pub fn bring(&self, events: Vec<NewEvent>) -> Vec<RecordedEvent> {
        self.decode(self.accept("shop", "raw"), events).unwrap()
    }

    pub fn decode(
        &self,
        message: MessageSeq,
        events: Vec<NewEvent>,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        self.home.record(vec![Recorded { message, result: Decoding::Decoded(events) }], self.as_of())
    }

    pub fn as_of(&self) -> AsOf {
        self.home.facts(&[]).unwrap().as_of
    }

    /// What may go to a destination.
    pub fn claimed(&self, destination: &ChannelName, now: Timestamp) -> Vec<Due> {
        let out = HashSet::new();
        let claim =
            Claim { destination, marks: Default::default(), out: &out, now, limit: MANY, bytes_max: MANY };
        self.home.claim(&claim).unwrap()
    }

    pub fn settle(&self, due: &Due, result: Settlement) {
        self.home.settle(vec![settled(due, result)]).unwrap();
    }

    pub fn deliver(&self, due: &Due) -> Settled {
        settled(due, finally(snodo_core::Fate::Delivered))
    }

    /// Counted and kept agree, and nothing is missing.
    #[track_caller]
    pub fn assert_balanced(&self) {
        let audit = self.home.audit().unwrap();
        assert_eq!(audit.counted, audit.kept);
        let counted = &audit.counted;
        let missing = (counted.difference(), counted.messages_difference(), counted.events_difference());
        assert_eq!(missing, (0, 0, 0), "{counted:?}");
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.home.close();
    }
}

fn read(clock: &Clock) -> snodo_store::Clock {
    let clock = clock.clone();
    Arc::new(move || Timestamp::from_millis(clock.load(Ordering::SeqCst)))
}

/// A node of that home.
pub fn node(name: &Name, options: Options) -> Cluster {
    let mut options = Options { name: name.text.clone(), partitions: name.partitions, ..options };
    if options.database.is_empty() {
        options.database = postgres_url();
    }
    if options.broker.is_empty() {
        options.broker = amqp_url();
    }
    wait(Cluster::open(options)).unwrap()
}
