//! Gives up what has waited for too long and removes what is settled, as `[retention]` says. Works beside the line, a moment at a time,
//! and leaves the writer alone in between. Of the hubs that share a home one does it. What it may touch is the home's to know.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use snodo_core::declare::Order;
use snodo_core::{ChannelName, Timestamp};
use snodo_store::home::{Home, Turn};
use snodo_store::{DeliverySeq, EventSeq, MessageSeq, Patience, Removal, Removed, StoreError};
use tokio::runtime::Handle;
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

/// What the turn is called that the hub takes which sweeps.
const TURN: &str = "retention";

/// Sweeps one home.
pub struct Sweep {
    home: Arc<dyn Home>,
    /// What the home's calls run on. The sweep itself waits on threads that may.
    runtime: Handle,
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
    /// To be called within a runtime.
    pub fn new(home: Arc<dyn Home>, line: Current, dedup_window: Duration) -> Self {
        let (walk, seen, longest) = Default::default();
        Self { home, runtime: Handle::current(), line, dedup_window, walk, seen, longest }
    }

    /// Returns when told to stop, after the moment at hand.
    pub async fn run(mut self, stop: CancellationToken) {
        while let Some(turn) = self.turn(&stop).await {
            // What another hub has done since it was looked last is not known here.
            (self.walk, self.longest) = Default::default();
            let ends = stop.child_token();
            let sweeping = self.sweep_until(ends.clone());
            tokio::pin!(sweeping);
            let swept = tokio::select! {
                swept = &mut sweeping => swept,
                () = turn.lost() => {
                    ends.cancel();
                    sweeping.await
                }
            };
            match swept {
                Some(this) if !stop.is_cancelled() => self = this,
                _ => return,
            }
        }
    }

    /// Waits for it. Until then the destinations are seen here, too: what goes to one that is taken away before may be under way yet.
    async fn turn(&mut self, stop: &CancellationToken) -> Option<Box<dyn Turn>> {
        let home = Arc::clone(&self.home);
        let turn = home.turn(TURN);
        tokio::pin!(turn);
        loop {
            let line = self.line.now();
            self.see(&line, clock::now());
            tokio::select! {
                () = stop.cancelled() => return None,
                turn = &mut turn => return Some(turn),
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }

    /// `None` if there is nothing more to be done by this hub.
    async fn sweep_until(mut self, ends: CancellationToken) -> Option<Self> {
        loop {
            let stopped = ends.clone();
            let job = tokio::task::spawn_blocking(move || {
                let swept = self.sweep(clock::now(), &stopped);
                (self, swept)
            });
            let (this, swept) = match job.await {
                Ok(done) => done,
                Err(panic) => {
                    error!(%panic, "retention has failed: nothing is removed until the next start");
                    return None;
                }
            };
            self = this;
            match swept {
                Ok(swept) => swept.tell(),
                Err(StoreError::Closed) => return None,
                Err(error) => warn!(%error, "retention waits"),
            }
            if ends.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_none() {
                return Some(self);
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
            && self.home.used_bytes()? > bytes
        {
            let (home, until) = (Arc::clone(&self.home), now - self.dedup_window);
            let at_once = || {
                let over = home.used_bytes()?.saturating_sub(bytes);
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
            // The writer asks its own clock: what is not due for a while yet has to be so by now.
            let found = self.home.overdue(&patience, clock::now())?;
            if found.deliveries.is_empty() {
                // What comes from now on has all its time before it.
                self.longest = found.next.unwrap_or(now);
                return Ok(());
            }
            let expiring = self.home.expire_waiting(found.deliveries, patience.clone(), WAITED);
            let done = self.runtime.block_on(expiring)?;
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
            let found = self.home.failed_until(until, after)?;
            if found.is_empty() {
                break;
            }
            let done = self.runtime.block_on(self.home.expire_failed(found.clone(), FAILED))?;
            after = passed(&found, done, after);
            swept.expired += done as u64;
            std::thread::sleep(PAUSE);
        }
        let mut after = EventSeq::default();
        while !stop.is_cancelled() {
            let found = self.home.quarantined_until(until, after)?;
            if found.is_empty() {
                break;
            }
            after = passed(&found, self.remove(Removal::Quarantined(found.clone()), swept)?, after);
        }
        let mut after = MessageSeq::default();
        while !stop.is_cancelled() {
            let found = self.home.undecoded_until(until, after)?;
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
        let last = self.home.received_until(until)?;
        while !stop.is_cancelled() {
            let at_once = at_once()?;
            if at_once == 0 {
                break;
            }
            let mut messages = self.home.removable(until, after, last)?;
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
        let progress = self.runtime.block_on(self.home.remove(removal))?;
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
