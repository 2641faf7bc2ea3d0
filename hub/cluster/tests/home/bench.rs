//! What the checks work with: a home whose clock they hold.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use snodo_cluster::{Cluster, Options};
use snodo_core::{ChannelName, Message, Timestamp};
use snodo_store::home::Home;
use snodo_store::{
    AsOf, Claim, Decoding, Due, Item, MessageSeq, NewEvent, Recorded, RecordedEvent, Requeued, Settled,
    Settlement, Store, StoreError,
};

use crate::services::{Name, amqp_url, postgres_url, until, wait};
use crate::values::{MANY, START, finally, message, settled};

pub type Clock = Arc<AtomicI64>;

/// Repetitions are known for so long.
pub const WINDOW: Duration = Duration::from_secs(7 * 24 * 60 * 60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    OneMachine,
    SeveralNodes,
}

pub struct Bench {
    /// Before what it is kept in, which is removed after it is closed.
    pub home: Arc<dyn Home>,
    pub kind: Kind,
    clock: Clock,
    open: Open,
}

impl Bench {
    pub fn new(kind: Kind) -> Self {
        Self::with_window(kind, WINDOW)
    }

    /// One that knows repetitions for so long.
    pub fn with_window(kind: Kind, dedup_window: Duration) -> Self {
        let clock = Clock::new(START.into());
        let open = match kind {
            Kind::OneMachine => store(read(&clock), dedup_window),
            Kind::SeveralNodes => cluster(read(&clock), dedup_window),
        };
        Self { home: open(), kind, clock, open }
    }

    /// What the two promise differently.
    pub fn either<T>(&self, one_machine: T, several_nodes: T) -> T {
        match self.kind {
            Kind::OneMachine => one_machine,
            Kind::SeveralNodes => several_nodes,
        }
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.clock.load(Ordering::SeqCst))
    }

    pub fn pass(&self, time: Duration) {
        self.clock.fetch_add(time.as_millis() as i64, Ordering::SeqCst);
    }

    /// The hub ends, and another begins.
    pub fn reopen(&mut self) {
        wait(self.home.close());
        self.home = (self.open)();
    }

    pub fn accept(&self, channel: &str, body: &str) -> MessageSeq {
        self.take_in(message(channel, body, self.now()))
    }

    /// Accepts a message, and says its place once it can be decoded.
    pub fn take_in(&self, message: Message) -> MessageSeq {
        let (id, channel) = (message.id, message.channel.clone());
        wait(self.home.accept(message)).unwrap();
        let mut seq = None;
        let on_its_way = self.either(Duration::ZERO, Duration::from_secs(15));
        until("an accepted message can be decoded", on_its_way, || {
            let found = self.pending(&channel).into_iter().find(|(_, message)| message.id == id);
            seq = found.map(|(seq, _)| seq);
            seq.is_some()
        });
        seq.expect("it was waited for")
    }

    pub fn pending(&self, channel: &ChannelName) -> Vec<(MessageSeq, Message)> {
        self.home.pending_messages(channel, MessageSeq(0), MANY, MANY).unwrap()
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
        self.record(vec![Recorded { message, result: Decoding::Decoded(events) }], self.as_of())
    }

    pub fn record(&self, batch: Vec<Recorded>, as_of: AsOf) -> Result<Vec<RecordedEvent>, StoreError> {
        wait(self.home.record(batch, as_of))
    }

    pub fn requeue(&self, items: Vec<Item>) -> Requeued {
        wait(self.home.requeue(items)).unwrap()
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
        wait(self.home.settle([settled(due, result)].into())).unwrap();
    }

    pub fn deliver(&self, due: &Due) -> Settled {
        settled(due, finally(snodo_core::Fate::Delivered))
    }

    /// So that nothing is under way any more: a node that leaves would wait for it.
    fn settle_all(&self) {
        for (destination, _) in self.home.destinations_in_flight().unwrap_or_default() {
            let due = self.claimed(&destination, Timestamp::from_millis(i64::MAX - 1));
            let batch: Vec<Settled> = due.iter().map(|due| self.deliver(due)).collect();
            let _ = wait(self.home.settle(batch.into()));
        }
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
        if self.kind == Kind::SeveralNodes {
            self.settle_all();
        }
        wait(self.home.close());
    }
}

type Open = Box<dyn Fn() -> Arc<dyn Home>>;

fn store(clock: snodo_store::Clock, dedup_window: Duration) -> Open {
    let directory = tempfile::tempdir().unwrap();
    Box::new(move || {
        let clock = Arc::clone(&clock);
        let options = snodo_store::Options { clock, dedup_window, ..snodo_store::Options::default() };
        Arc::new(Store::open(directory.path(), options).unwrap())
    })
}

fn cluster(clock: snodo_cluster::Clock, dedup_window: Duration) -> Open {
    let name = Name::new(4);
    Box::new(move || {
        let node = node(&name, Options { clock: Arc::clone(&clock), dedup_window, ..Options::default() });
        until("it works on all partitions", Duration::from_secs(20), || node.partitions().len() == 4);
        Arc::new(node)
    })
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
