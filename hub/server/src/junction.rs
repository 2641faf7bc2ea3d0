//! Carries the deliveries of one transform through `apply` to the messages that are made of them. One task per channel. What was
//! made and the fates of what it was made of are one commit: a kill between the two leaves nothing half done.

use std::sync::Arc;
use std::time::Duration;

use snodo_core::{ChannelName, Timestamp};
use snodo_store::{Claim, ROUND, Store, StoreError};
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::clock;
use crate::pipeline::Current;
use crate::pipeline::apply::{self, Applied};
use crate::pipeline::drafts::Moment;
use crate::transport::Stamp;

/// Deliveries of one batch: few enough that what is made of them fits in a commit beside others.
const DELIVERIES_MAX: usize = 64;

/// Bodies of one batch in memory. Parsed they take twenty times as much.
const BYTES_MAX: usize = 1 << 20;

/// How long to leave a store alone that could not write.
const STORE_PAUSE: Duration = Duration::from_millis(250);

/// The longest sleep before looking for due retries again, if nothing rings: clocks jump.
const LOOK_AT_LEAST: Duration = Duration::from_secs(30);

pub struct Junction {
    pub channel: ChannelName,
    pub line: Current,
    pub store: Store,
    pub stamp: Arc<Stamp>,
    /// How many batches are worked on at one time, over all channels.
    pub permits: Arc<Semaphore>,
    /// Rung when a delivery comes.
    pub bell: Arc<Notify>,
    /// To be rung when an event was made.
    pub made: Arc<Notify>,
}

struct Worked {
    applied: Applied,
    next_due: Option<Timestamp>,
}

impl Junction {
    /// Returns when told to stop and the batch at hand is settled.
    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let pause = match self.batch().await {
                Ok(pause) => pause,
                Err(error) => {
                    warn!(channel = %self.channel, %error, "deliveries wait in the store");
                    STORE_PAUSE
                }
            };
            tokio::select! {
                () = self.bell.notified(), if pause > STORE_PAUSE => {}
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// One batch; how long to sleep before the next, if nothing rings.
    pub async fn batch(&self) -> Result<Duration, StoreError> {
        let Worked { applied: Applied { settled, made }, next_due } = self.work().await?;
        if settled.is_empty() {
            let due_in = next_due.map_or(LOOK_AT_LEAST, |due| due.since(clock::now()));
            return Ok(due_in.clamp(ROUND, LOOK_AT_LEAST));
        }
        let made_some = !made.is_empty();
        self.store.settle_with(settled, made).await?;
        if made_some {
            self.made.notify_one();
        }
        Ok(ROUND)
    }

    async fn work(&self) -> Result<Worked, StoreError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.expect("the semaphore is never closed");
        let (store, line, name) = (self.store.clone(), self.line.now(), self.channel.clone());
        let stamp = Arc::clone(&self.stamp);
        let job = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let now = clock::now();
            // Nothing of it is under way: each batch is settled before the next is taken.
            let (marks, out) = Default::default();
            let claim = Claim {
                destination: &name,
                marks,
                out: &out,
                now,
                limit: DELIVERIES_MAX,
                bytes_max: BYTES_MAX,
            };
            let dues = store.claim(&claim)?;
            let moment = Moment { now, stamp: &stamp };
            let applied = match dues.is_empty() {
                true => Applied::default(),
                false => apply::apply(&line, &line.channels[&name], dues, &store, moment)?,
            };
            Ok(Worked { applied, next_due: store.next_due(&name)? })
        });
        job.await.unwrap_or_else(|panic| {
            // A defect of ours. The deliveries stay in the store, and the channel goes on trying.
            error!(channel = %self.channel, %panic, "a stage of the line failed");
            Ok(Worked { applied: Applied::default(), next_due: Some(clock::now() + STORE_PAUSE) })
        })
    }
}
