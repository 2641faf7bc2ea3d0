//! Carries the stored messages of one channel through the line, batch by batch, to the commit that makes them deliveries.
//! One task per channel: a channel whose connector hangs or whose messages are many keeps nobody else waiting.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use snodo_core::{ChannelName, EventId};
use snodo_store::{AsOf, Decoding, MessageSeq, NewVerdict, ROUND, Recorded, Store, StoreError};
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use crate::clock;
use crate::pipeline::{self, Current, TakenIn};

/// What one commit takes on: enough to share its cost, few enough that the first does not wait long for the last.
const MESSAGES_MAX: usize = 256;

/// Bodies of one batch in memory. Parsed they take twenty times as much.
const BYTES_MAX: usize = 1 << 20;

/// How long to leave a store, or a sandbox, alone that could not do it now.
const PAUSE: Duration = Duration::from_millis(250);

/// Who to tell that there is work, by channel. Channels come and go.
#[derive(Clone, Default)]
pub struct Bells(Arc<ArcSwap<HashMap<ChannelName, Arc<Notify>>>>);

impl Bells {
    pub fn ring(&self, channel: &ChannelName) {
        if let Some(bell) = self.0.load().get(channel) {
            bell.notify_one();
        }
    }

    /// The channel's own, hung up if there is none yet.
    pub fn of(&self, channel: &ChannelName) -> Arc<Notify> {
        if let Some(bell) = self.0.load().get(channel) {
            return Arc::clone(bell);
        }
        let bell = Arc::new(Notify::new());
        self.change(|bells| _ = bells.entry(channel.clone()).or_insert_with(|| Arc::clone(&bell)));
        self.of(channel)
    }

    pub fn take_down(&self, channel: &ChannelName) {
        self.change(|bells| _ = bells.remove(channel));
    }

    pub fn has(&self, channel: &ChannelName) -> bool {
        self.0.load().contains_key(channel)
    }

    fn change(&self, change: impl Fn(&mut HashMap<ChannelName, Arc<Notify>>)) {
        self.0.rcu(|bells| {
            let mut bells = HashMap::clone(bells);
            change(&mut bells);
            bells
        });
    }
}

pub struct Intake {
    pub channel: ChannelName,
    pub line: Current,
    pub store: Store,
    /// How many batches are worked on at one time, over all channels.
    pub permits: Arc<Semaphore>,
    pub bell: Arc<Notify>,
    pub destinations: Bells,
}

impl Intake {
    /// Returns when told to stop and the batch at hand is done.
    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let begun = Instant::now();
            let pause = match self.batch().await {
                // A full batch takes longer than a round anyway.
                Ok(Batch::Done) => Some(ROUND.saturating_sub(begun.elapsed())),
                Ok(Batch::Empty) => None,
                Ok(Batch::Partly) => Some(PAUSE),
                Err(error) => {
                    warn!(channel = %self.channel, %error, "messages wait in the store");
                    Some(PAUSE)
                }
            };
            tokio::select! {
                () = self.bell.notified(), if pause.is_none() => {}
                () = tokio::time::sleep(pause.unwrap_or_default()), if pause.is_some() => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// One batch through the line.
    pub async fn batch(&self) -> Result<Batch, StoreError> {
        let Some(TakenIn { recorded, as_of, left }) = self.work().await? else { return Ok(Batch::Empty) };
        if recorded.is_empty() {
            return Ok(Batch::Partly);
        }
        let destinations = destinations(&recorded);
        let lines = Lines::of(&self.channel, &recorded);
        match self.store.record(recorded, as_of).await {
            // Another channel has met one of these people at the same moment: look again who they are.
            Err(StoreError::Stale) => return Ok(Batch::Done),
            result => result?,
        };
        lines.write();
        destinations.iter().for_each(|name| self.destinations.ring(name));
        Ok(if left == 0 { Batch::Done } else { Batch::Partly })
    }

    async fn work(&self) -> Result<Option<TakenIn>, StoreError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.expect("the semaphore is never closed");
        let (store, line, name) = (self.store.clone(), self.line.now(), self.channel.clone());
        let job = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let stored = store.pending_messages(&name, MessageSeq(0), MESSAGES_MAX, BYTES_MAX)?;
            if stored.is_empty() {
                return Ok(None);
            }
            pipeline::take_in(&line, &line.channels[&name], stored, &store, clock::now()).map(Some)
        });
        job.await.unwrap_or_else(|panic| {
            // A defect of ours. The messages stay in the store, and the channel goes on trying.
            error!(channel = %self.channel, %panic, "a stage of the line failed");
            Ok(Some(TakenIn { recorded: Vec::new(), as_of: AsOf::default(), left: 1 }))
        })
    }
}

/// What a batch came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batch {
    /// Nothing was waiting.
    Empty,
    Done,
    /// Some messages could not be tried now.
    Partly,
}

fn destinations(recorded: &[Recorded]) -> HashSet<ChannelName> {
    let mut destinations = HashSet::new();
    for one in recorded {
        let Decoding::Decoded(events) = &one.result else { continue };
        for event in events {
            let NewVerdict::Routed(deliveries) = &event.verdict else { continue };
            for delivery in deliveries.iter().filter(|delivery| delivery.fate.is_none()) {
                if !destinations.contains(&delivery.destination) {
                    destinations.insert(delivery.destination.clone());
                }
            }
        }
    }
    destinations
}

/// Of a connector's problem, what belongs in a log: its words may quote the message, and stay in quarantine.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Cause {
    case: String,
    at: Option<String>,
}

impl Cause {
    fn of(problem: &str) -> Self {
        serde_json::from_str(problem).unwrap_or_default()
    }
}

/// What is to be logged of a batch once it is recorded.
struct Lines {
    channel: ChannelName,
    messages: Vec<(i64, Cause)>,
    events: Vec<(EventId, Arc<str>, Option<String>)>,
}

impl Lines {
    fn of(channel: &ChannelName, recorded: &[Recorded]) -> Self {
        let mut lines = Self { channel: channel.clone(), messages: Vec::new(), events: Vec::new() };
        let verbose = tracing::enabled!(tracing::Level::DEBUG);
        for one in recorded {
            match &one.result {
                Decoding::Quarantined(problem) => lines.messages.push((one.message.0, Cause::of(problem))),
                Decoding::Decoded(events) => lines.events.extend(events.iter().filter_map(|event| {
                    let violations = match &event.verdict {
                        NewVerdict::Quarantined(violations) => Some(violations.clone()),
                        NewVerdict::Routed(_) if verbose => None,
                        NewVerdict::Routed(_) => return None,
                    };
                    Some((event.event.id, Arc::clone(&event.event.kind), violations))
                })),
            }
        }
        lines
    }

    fn write(&self) {
        let channel = &self.channel;
        for (message, Cause { case, at }) in &self.messages {
            info!(%channel, message, case, at, "message quarantined");
        }
        for (event_id, kind, violations) in &self.events {
            match violations {
                Some(violations) => info!(%channel, %event_id, %kind, %violations, "event quarantined"),
                None => debug!(%channel, %event_id, %kind, "event accepted"),
            }
        }
    }
}
