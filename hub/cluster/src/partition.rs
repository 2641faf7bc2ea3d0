//! Partitions: what falls into which, and which of them this node works on. A node works on a partition as long as it holds its lease in
//! the database; what it knows of that never reaches further than the database's own word.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use snodo_core::{ChannelName, Lane};
use snodo_store::{DeliverySeq, Due, Marks};

/// How long a node's word for a partition counts: what a partition stands still for when its node is gone without a word.
pub(crate) const LEASE: Duration = Duration::from_secs(6);

/// A lease is not used in its last moments: what is claimed by it has to be on its way first.
const MARGIN: Duration = Duration::from_secs(1);

/// A delivery that was claimed and of which nothing has come for so long was forgotten, not sent.
const UNDER_WAY_MAX: Duration = Duration::from_secs(120);

/// Nobody comes back after so long to say what became of an attempt.
const LOST_KEPT: Duration = Duration::from_secs(3600);

/// How many partitions there are, and what falls into which. The same on every node, for ever: lanes are stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Partitions(pub u32);

impl Partitions {
    /// Of the messages of a channel: they are decoded in the order in which they came.
    pub fn of_channel(self, channel: &str) -> i32 {
        self.of(Lane::of(channel).0)
    }

    /// Of a delivery. Those without a lane stay together: their destination may want them all in order.
    pub fn of_delivery(self, destination: &str, lane: Option<Lane>) -> i32 {
        self.of(lane.unwrap_or_else(|| Lane::of(destination)).0)
    }

    fn of(self, digest: i64) -> i32 {
        i32::try_from(digest.rem_euclid(i64::from(self.0))).expect("there are at most 1024 partitions")
    }
}

/// The partitions of this node.
#[derive(Clone, Default)]
pub(crate) struct Holdings(Arc<Mutex<Held>>);

#[derive(Default)]
struct Held {
    partitions: HashMap<i32, Holding>,
    /// What was claimed under a lease that is lost. Another node has it now: what becomes of it here counts for nothing.
    lost: HashMap<DeliverySeq, Instant>,
}

struct Holding {
    epoch: i64,
    until: Instant,
    /// Nothing more is claimed of it: it is given up as soon as nothing of it is under way.
    leaving: bool,
    /// How far the fresh ones of each destination have been handed out since the lease began: whoever claims has marks of their own,
    /// which know nothing of what the node before has left.
    marks: HashMap<ChannelName, Marks>,
    out: HashMap<DeliverySeq, Instant>,
}

impl Holdings {
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The database has given the lease, after `asked`.
    pub fn hold(&self, partition: i32, epoch: i64, asked: Instant) {
        let mut held = self.lock();
        held.lose(partition);
        let holding = Holding {
            epoch,
            until: asked + LEASE,
            leaving: false,
            marks: HashMap::new(),
            out: HashMap::new(),
        };
        held.partitions.insert(partition, holding);
    }

    /// The database has made the lease longer, after `asked`. Of one that was given back meanwhile it does not matter.
    pub fn renew(&self, partition: i32, epoch: i64, asked: Instant) {
        let mut held = self.lock();
        let holding = held.partitions.get_mut(&partition);
        if let Some(holding) = holding.filter(|holding| holding.epoch == epoch) {
            holding.until = asked + LEASE;
        }
    }

    pub fn lose(&self, partition: i32) {
        self.lock().lose(partition);
    }

    /// Nothing more is claimed of it.
    pub fn leave(&self, partition: i32) {
        if let Some(holding) = self.lock().partitions.get_mut(&partition) {
            holding.leaving = true;
        }
    }

    /// It is wanted after all: its queue is this node's again before its lease was given back.
    pub fn stay(&self, partition: i32) {
        if let Some(holding) = self.lock().partitions.get_mut(&partition) {
            holding.leaving = false;
        }
    }

    /// All that are held, with the epochs of their leases, whether they are about to be given up or not.
    pub fn all(&self) -> Vec<(i32, i64)> {
        self.lock().partitions.iter().map(|(partition, holding)| (*partition, holding.epoch)).collect()
    }

    /// Those that this node goes on holding.
    pub fn kept(&self) -> Vec<i32> {
        self.lock().those(|holding| !holding.leaving)
    }

    /// Those that are to be given up, and of which nothing is under way any more.
    pub fn left(&self) -> Vec<i32> {
        let (mut held, now) = (self.lock(), Instant::now());
        for holding in held.partitions.values_mut().filter(|holding| holding.leaving) {
            holding.out.retain(|_, since| now.duration_since(*since) < UNDER_WAY_MAX);
        }
        held.those(|holding| holding.leaving && holding.out.is_empty())
    }

    /// Those whose lease has run out unless the database says otherwise.
    pub fn run_out(&self) -> Vec<i32> {
        let now = Instant::now();
        self.lock().those(|holding| holding.until <= now)
    }

    pub fn holds(&self, partition: i32) -> bool {
        self.lock().partitions.get(&partition).is_some_and(Holding::is_workable)
    }

    pub fn workable(&self) -> Vec<i32> {
        self.lock().those(Holding::is_workable)
    }

    /// The workable ones, with how far the fresh deliveries of each class to that destination have been handed out.
    pub fn marks(&self, destination: &ChannelName) -> Vec<(i32, Marks)> {
        let held = self.lock();
        let workable = held.partitions.iter().filter(|(_, holding)| holding.is_workable());
        let of = |holding: &Holding| holding.marks.get(destination).copied().unwrap_or_default();
        workable.map(|(partition, holding)| (*partition, of(holding))).collect()
    }

    /// Notes what goes out. What is of a partition that was lost meanwhile is taken out.
    pub fn hand_out(&self, dues: &mut Vec<(i32, Due)>) {
        let (mut held, now) = (self.lock(), Instant::now());
        let Held { partitions, lost } = &mut *held;
        dues.retain(|(partition, due)| {
            let holding = partitions.get_mut(partition).filter(|holding| holding.is_workable());
            let Some(holding) = holding else { return false };
            lost.remove(&due.seq);
            holding.out.insert(due.seq, now);
            if due.fresh {
                let marks = holding.marks.entry(due.destination.clone()).or_default();
                let mark = &mut marks[due.class as usize];
                *mark = due.seq.max(*mark);
            }
            true
        });
    }

    /// Whether it was claimed under a lease that is lost.
    pub fn has_lost(&self, seq: DeliverySeq) -> bool {
        self.lock().lost.contains_key(&seq)
    }

    /// They are nobody's to settle here any more: settled, or another node's.
    pub fn forget(&self, seqs: impl IntoIterator<Item = DeliverySeq>) {
        let mut held = self.lock();
        for seq in seqs {
            held.lost.remove(&seq);
            held.partitions.values_mut().for_each(|holding| _ = holding.out.remove(&seq));
        }
    }
}

impl Held {
    fn those(&self, which: impl Fn(&Holding) -> bool) -> Vec<i32> {
        let mut those: Vec<i32> = self
            .partitions
            .iter()
            .filter(|(_, holding)| which(holding))
            .map(|(partition, _)| *partition)
            .collect();
        those.sort_unstable();
        those
    }

    fn lose(&mut self, partition: i32) {
        let now = Instant::now();
        self.lost.retain(|_, since| now.duration_since(*since) < LOST_KEPT);
        if let Some(holding) = self.partitions.remove(&partition) {
            self.lost.extend(holding.out.into_keys().map(|seq| (seq, now)));
        }
    }
}

impl Holding {
    fn is_workable(&self) -> bool {
        !self.leaving && self.until > Instant::now() + MARGIN
    }
}
