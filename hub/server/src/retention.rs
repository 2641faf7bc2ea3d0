//! Gives up what has waited for too long and removes what is settled, as `[retention]` says. Works beside the line, a moment at a time,
//! and leaves the writer alone in between. What it may touch is the store's to know.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use snodo_core::declare::Order;
use snodo_core::{ChannelName, Timestamp};
use snodo_store::{DeliverySeq, EventSeq, MessageSeq, Patience, Removal, Removed, Store, StoreError};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::clock;
use crate::pipeline::{Current, Line, WAITED};

/// How often it is looked whether something is to be done. The first time is at the start.
const EVERY: Duration = Duration::from_secs(60);

/// The writer's own work between two moments of this.
const PAUSE: Duration = Duration::from_millis(30);

/// What had to stay is looked at again so often; in between, only what has come to its age.
const ANEW_EVERY: Duration = Duration::from_secs(3600);

/// A call that is under way when its channel is taken away is waited for, but not for so long.
const GONE_AFTER: Duration = Duration::from_secs(600);

/// What a message takes at most with its events, roughly: no more are removed than must be.
const MESSAGE_BYTES: u64 = 1 << 20;

/// Near the end, so many at once.
const AT_ONCE_LEAST: usize = 4;

/// Why a delivery is expired that nobody has taken up again.
const FAILED: &str = "older than retention.failed";

/// Sweeps one store.
pub struct Sweep {
    store: Store,
    line: Current,
    /// Nothing younger is removed: it would not be recognised when it is told again.
    dedup_window: Duration,
    walk: Walk,
    /// The destinations that there are or were a while ago, with when they were seen.
    seen: BTreeMap<ChannelName, (Order, Timestamp)>,
    /// Since when the one is on its way that is longest, of those that have been looked at and go on waiting.
    longest: Timestamp,
}

/// How far the settled ones have been looked through.
#[derive(Clone, Copy, Default)]
struct Walk {
    began: Option<Instant>,
    by_age: MessageSeq,
    by_size: MessageSeq,
}

/// What was received by then, after that message.
struct Stretch {
    until: Timestamp,
    after: MessageSeq,
}

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    pub expired: u64,
    pub removed: Removed,
}

impl Sweep {
    pub fn new(store: Store, line: Current, dedup_window: Duration) -> Self {
        let (walk, seen, longest) = Default::default();
        Self { store, line, dedup_window, walk, seen, longest }
    }

    /// Returns when told to stop, after the moment at hand.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            let stopped = stop.clone();
            let job = tokio::task::spawn_blocking(move || {
                let swept = self.sweep(clock::now(), &stopped);
                (self, swept)
            });
            let (this, swept) = match job.await {
                Ok(done) => done,
                Err(panic) => {
                    return error!(%panic, "retention has failed: nothing is removed until the next start");
                }
            };
            self = this;
            match swept {
                Ok(swept) => swept.tell(),
                Err(StoreError::Closed) => return,
                Err(error) => warn!(%error, "retention waits"),
            }
            if stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_none() {
                return;
            }
        }
    }

    /// All that is to be done now.
    pub fn sweep(&mut self, now: Timestamp, stop: &CancellationToken) -> Result<Swept, StoreError> {
        let mut swept = Swept::default();
        if self.walk.began.is_none_or(|began| began.elapsed() >= ANEW_EVERY) {
            self.walk = Walk { began: Some(Instant::now()), ..Walk::default() };
        }
        let line = self.line.now();
        self.see(&line, now);
        let retention = &line.retention;
        if let Some(waiting) = retention.waiting {
            self.expire_waiting(now, waiting.0, stop, &mut swept)?;
        }
        if let Some(failed) = retention.failed {
            self.give_up_failed(now - failed.0, stop, &mut swept)?;
        }
        if let Some(settled) = retention.settled {
            let until = now - settled.0;
            self.walk.by_age =
                self.remove_settled(Stretch { until, after: self.walk.by_age }, stop, &mut swept, || {
                    Ok(usize::MAX)
                })?;
        }
        if let Some(bytes) = retention.bytes
            && self.store.used_bytes()? > bytes
        {
            let (store, until) = (self.store.clone(), now - self.dedup_window);
            let at_once = || {
                let over = store.used_bytes()?.saturating_sub(bytes);
                let largest = usize::try_from(over / MESSAGE_BYTES).unwrap_or(usize::MAX);
                Ok(if over == 0 { 0 } else { largest.max(AT_ONCE_LEAST) })
            };
            self.walk.by_size =
                self.remove_settled(Stretch { until, after: self.walk.by_size }, stop, &mut swept, at_once)?;
            if at_once()? > 0 {
                warn!(
                    bytes,
                    "the store is larger than retention.bytes, and nothing more may be removed: the rest is younger than dedup.window, \
                     is still on its way, has failed, or is evidence"
                );
            }
        }
        Ok(swept)
    }

    /// What goes to a channel that was taken away a moment ago may still be under way.
    fn see(&mut self, line: &Line, now: Timestamp) {
        self.seen.retain(|_, (_, at)| now.since(*at) < GONE_AFTER);
        let channels = line.channels.iter();
        self.seen.extend(channels.map(|(name, channel)| (name.clone(), (channel.queue.order(), now))));
    }

    fn expire_waiting(
        &mut self,
        now: Timestamp,
        waiting: Duration,
        stop: &CancellationToken,
        swept: &mut Swept,
    ) -> Result<(), StoreError> {
        let destinations = self.seen.iter().map(|(name, (order, _))| (name.clone(), *order)).collect();
        let patience = Patience { until: now - waiting, destinations };
        while self.longest <= patience.until && !stop.is_cancelled() {
            let found = self.store.overdue(&patience, now)?;
            if found.deliveries.is_empty() {
                // What comes from now on has all its time before it.
                self.longest = found.next.unwrap_or(now);
                return Ok(());
            }
            let done = self.store.expire_waiting_blocking(found.deliveries, patience.clone(), WAITED)?;
            swept.expired += done as u64;
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    fn give_up_failed(
        &self,
        until: Timestamp,
        stop: &CancellationToken,
        swept: &mut Swept,
    ) -> Result<(), StoreError> {
        let mut after = DeliverySeq::default();
        while !stop.is_cancelled() {
            let found = self.store.failed_until(until, after)?;
            if found.is_empty() {
                break;
            }
            let done = self.store.expire_failed_blocking(found.clone(), FAILED)?;
            after = passed(&found, done, after);
            swept.expired += done as u64;
            std::thread::sleep(PAUSE);
        }
        let mut after = EventSeq::default();
        while !stop.is_cancelled() {
            let found = self.store.quarantined_until(until, after)?;
            if found.is_empty() {
                break;
            }
            after = passed(&found, self.remove(Removal::Quarantined(found.clone()), swept)?, after);
        }
        let mut after = MessageSeq::default();
        while !stop.is_cancelled() {
            let found = self.store.undecoded_until(until, after)?;
            if found.is_empty() {
                break;
            }
            after = passed(&found, self.remove(Removal::Undecoded(found.clone()), swept)?, after);
        }
        Ok(())
    }

    /// Oldest first, so many messages at once, until that is none; how far it came.
    fn remove_settled(
        &self,
        Stretch { until, mut after }: Stretch,
        stop: &CancellationToken,
        swept: &mut Swept,
        at_once: impl Fn() -> Result<usize, StoreError>,
    ) -> Result<MessageSeq, StoreError> {
        let last = self.store.received_until(until)?;
        while !stop.is_cancelled() {
            let at_once = at_once()?;
            if at_once == 0 {
                break;
            }
            let mut messages = self.store.removable(until, after, last)?;
            if messages.is_empty() {
                return Ok(last.max(after));
            }
            messages.truncate(at_once);
            let removal = Removal::Settled { messages: messages.clone(), until };
            after = passed(&messages, self.remove(removal, swept)?, after);
        }
        Ok(after)
    }

    /// How many of them it is through with.
    fn remove(&self, removal: Removal, swept: &mut Swept) -> Result<usize, StoreError> {
        let progress = self.store.remove_blocking(removal)?;
        swept.removed.add(progress.removed);
        std::thread::sleep(PAUSE);
        Ok(progress.done)
    }
}

impl Swept {
    fn tell(self) {
        let Self { expired, removed: Removed { messages, events, deliveries, attempts } } = self;
        if self == Self::default() {
            return;
        }
        for (kind, count) in
            [("message", messages), ("event", events), ("delivery", deliveries), ("attempt", attempts)]
        {
            metrics::counter!("snodo_retention_removed_total", "kind" => kind).increment(count);
        }
        metrics::counter!("snodo_retention_expired_total").increment(expired);
        info!(
            expired,
            messages, events, deliveries, attempts, "retention has given up and removed what it may"
        );
    }
}

/// Where to go on after so many of what was found.
fn passed<S: Copy>(found: &[S], done: usize, after: S) -> S {
    done.checked_sub(1).map_or(after, |last| found[last])
}
