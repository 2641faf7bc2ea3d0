//! Carries the deliveries of one destination from the store through encode, send and interpret to their fates.
//! One task per destination, with its own bounds: one that is slow or dead keeps nobody else waiting, and memory holds only
//! what is in flight; the queue itself is in the store.

use std::sync::Arc;
use std::time::{Duration, Instant};

use snodo_core::ChannelName;
use snodo_core::breaker::Allowed;
use snodo_core::declare::Order;
use snodo_store::ROUND;
use snodo_store::home::Home;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::clock;
use crate::pipeline::Current;
use crate::sender::Sender;

mod claim;
mod desk;
pub mod gate;
mod memory;
pub mod pace;
mod send;
mod settle;
mod tray;

use desk::{Desk, Step, Written};
use gate::Gate;
use pace::{Pace, UsedUp};

/// Deliveries between the store and their fate at one time.
const IN_FLIGHT_MAX: usize = 1024;

/// Answers that one call of the connector explains.
const INTERPRET_MAX: usize = 128;

/// Answers and fates are worked on together: as soon as there are so many, or after so long.
const GATHER: usize = 64;
const GATHER_TIME: Duration = Duration::from_millis(2);

/// How often deliveries that wait for others are looked at, however many come.
const GATHER_LOOK: Duration = Duration::from_millis(250);

/// How long to leave a store alone that could not write.
const STORE_PAUSE: Duration = Duration::from_millis(250);

/// The longest sleep before looking for due retries again, if nothing rings: clocks jump.
const LOOK_AT_LEAST: Duration = Duration::from_secs(30);

/// How long calls that are under way may take once the hub is told to stop. Later ones are sent again after the start.
const STOP_GRACE: Duration = Duration::from_secs(10);

/// The same where only the channel changes: nobody waits for the hub, and what is not cut off is not sent twice. Longer than the
/// calls of most channels may take.
const CHANGE_GRACE: Duration = Duration::from_secs(120);

pub struct Outbox {
    pub destination: ChannelName,
    pub line: Current,
    pub store: Arc<dyn Home>,
    pub sender: Arc<Sender>,
    /// How many requests are under way at one time.
    pub concurrent: usize,
    /// How many batches are worked on at one time, over all channels.
    pub permits: Arc<Semaphore>,
    pub bell: Arc<Notify>,
    pub pace: Pace,
    /// The hub itself stops, and not this outbox alone.
    pub hurry: CancellationToken,
}

impl Outbox {
    /// Returns when told to stop and what was under way is settled. An outbox that breaks begins anew from the store.
    pub async fn run(self, stop: CancellationToken) {
        let this = Arc::new(self);
        this.forget_lanes(&stop).await;
        while !stop.is_cancelled() {
            if let Err(panic) = Arc::clone(&this).deliver(&stop).await {
                error!(destination = %this.destination, %panic, "an outbox failed and begins anew");
                tokio::time::sleep(STORE_PAUSE).await;
            }
        }
    }

    /// What waits from a time when the destination kept the order of keys must not wait for ever.
    async fn forget_lanes(&self, stop: &CancellationToken) {
        if self.line.now().channels[&self.destination].queue.order() == Order::Key {
            return;
        }
        while let Err(error) = self.store.free_lanes(self.destination.clone()).await {
            warn!(destination = %self.destination, %error, "deliveries wait in the store");
            if stop.run_until_cancelled(tokio::time::sleep(STORE_PAUSE)).await.is_none() {
                return;
            }
        }
    }

    fn desk(&self) -> Desk {
        let queue = &self.line.now().channels[&self.destination].queue;
        Desk::new(Gate::new(self.destination.clone(), queue))
    }

    async fn deliver(self: Arc<Self>, stop: &CancellationToken) -> Result<(), tokio::task::JoinError> {
        let mut desk = self.desk();
        // Before anything is sent: it may be one that is not to be tried.
        self.remember(&mut desk, Duration::ZERO);
        if let Some(remembered) = desk.tasks.join_next().await {
            self.take(&mut desk, remembered?);
        }
        loop {
            self.hand_out(&mut desk);
            let now = clock::now();
            let due_in = desk.next_due.map_or(LOOK_AT_LEAST, |due| due.since(now).min(LOOK_AT_LEAST));
            let held_for = match desk.gate.allowed(now) {
                Allowed::Nothing { until } => {
                    Some(until.map_or(LOOK_AT_LEAST, |until| until.since(now).min(LOOK_AT_LEAST)))
                }
                Allowed::All | Allowed::One => None,
            };
            tokio::select! {
                biased;
                Some(step) = desk.tasks.join_next() => {
                    self.take(&mut desk, step?);
                    while let Some(step) = desk.tasks.try_join_next() {
                        self.take(&mut desk, step?);
                    }
                }
                () = desk.tray.answers() => {}
                () = stop.cancelled() => break,
                // A person may have said that it works again.
                () = self.bell.notified(), if desk.gate.fails() && desk.notes == 0 => {
                    desk.more = true;
                    self.remember(&mut desk, Duration::ZERO);
                }
                () = self.bell.notified(), if !desk.more => desk.more = true,
                () = tokio::time::sleep(due_in), if !desk.more => desk.more = true,
                () = tokio::time::sleep(held_for.unwrap_or_default()), if held_for.is_some() => {}
                () = tokio::time::sleep_until(desk.claim_at.into()), if self.can_claim(&desk) => {}
                () = sleep_until(desk.gathered_by), if desk.gathered_by.is_some() => {}
            }
        }
        tokio::select! {
            () = self.finish(&mut desk) => {}
            () = self.time_is_up() => {}
        }
        Ok(())
    }

    async fn time_is_up(&self) {
        _ = tokio::time::timeout(CHANGE_GRACE, self.hurry.cancelled()).await;
        if self.hurry.is_cancelled() {
            tokio::time::sleep(STOP_GRACE).await;
        }
    }

    /// Settles what is under way, and claims nothing more. Calls that were not begun are for the next start.
    async fn finish(self: &Arc<Self>, desk: &mut Desk) {
        desk.tray.take_calls();
        loop {
            desk.more = false;
            desk.gathered_by = Some(Instant::now());
            self.hand_out(desk);
            tokio::select! {
                step = desk.tasks.join_next() => match step {
                    Some(Ok(step)) => self.take(desk, step),
                    Some(Err(_)) | None => return,
                },
                () = desk.tray.answers() => {}
            }
        }
    }

    /// Starts what can be started: one claim, one interpretation and one write at a time; batches grow meanwhile.
    fn hand_out(self: &Arc<Self>, desk: &mut Desk) {
        if self.can_claim(desk) && desk.claim_at <= Instant::now() {
            // What waits for others is counted again at each claim.
            let gathers = self.line.now().channels[&self.destination].queue.gather.is_some();
            desk.claim_at = Instant::now() + if gathers { GATHER_LOOK } else { ROUND };
            desk.begin_claim();
            let limit = self.limit(desk);
            desk.tasks.spawn(Arc::clone(self).claim(desk.marks, desk.out.clone(), limit));
        }
        desk.answered.append(&mut desk.tray.take_answers());
        let waited = desk.gathered_by.is_some_and(|by| by <= Instant::now());
        let enough = |count: usize| count >= GATHER || (waited && count > 0);
        if !desk.interpreting && enough(desk.answered.len()) {
            desk.interpreting = true;
            let batch = desk.answered.split_off(desk.answered.len().saturating_sub(INTERPRET_MAX));
            desk.tasks.spawn(Arc::clone(self).interpret(batch, desk.gate.fails()));
        }
        if !desk.writing && enough(desk.settled.len()) {
            desk.writing = true;
            desk.tasks.spawn(Arc::clone(self).write(std::mem::take(&mut desk.settled)));
        }
        desk.gathered_by = match desk.answered.is_empty() && desk.settled.is_empty() {
            true => None,
            // What waits for a stage that is busy is looked at again when that is done.
            false if waited => None,
            false => desk.gathered_by.or_else(|| Some(Instant::now() + GATHER_TIME)),
        };
    }

    fn take(self: &Arc<Self>, desk: &mut Desk, step: Step) {
        match step {
            Step::Claimed(Ok(claimed)) => {
                desk.claiming = false;
                desk.end_claim(&claimed);
                desk.settled.extend(claimed.encoded.settled);
                self.send_all(desk, claimed.encoded.calls);
            }
            Step::Claimed(Err(error)) => {
                desk.claiming = false;
                warn!(destination = %self.destination, %error, "deliveries wait in the store");
                desk.next_due = Some(clock::now() + STORE_PAUSE);
            }
            Step::Sent(None) => {}
            Step::Sent(Some(UsedUp { until })) => {
                desk.gate.pause(until);
                desk.put_back();
            }
            Step::Remembered(said) => self.remembered(desk, said),
            Step::Noted(noted, failing) => {
                desk.notes -= 1;
                if noted.is_err() {
                    self.note(desk, failing, STORE_PAUSE);
                }
            }
            Step::Interpreted(interpreted) => {
                desk.interpreting = false;
                desk.settled.extend(interpreted.settled);
                self.listen(desk, &interpreted.heard);
                desk.tray.explained(interpreted.patience);
                // Also when there are none: those that send have gone when they were stopped.
                self.send_all(desk, interpreted.follow_ups);
            }
            Step::Written(Written { settled, failed }) => {
                desk.end_settling(&settled);
                let Some((error, left)) = failed else { return };
                warn!(destination = %self.destination, %error, "fates wait to be written");
                desk.settled.extend(left);
                desk.writing = true;
                desk.tasks.spawn(async {
                    tokio::time::sleep(STORE_PAUSE).await;
                    Step::Written(Written::default())
                });
            }
        }
    }
}

async fn sleep_until(moment: Option<Instant>) {
    if let Some(moment) = moment {
        tokio::time::sleep_until(moment.into()).await;
    }
}

/// A stage that panicked takes its outbox with it, which then begins anew from what is stored.
fn resume(joined: Result<Step, tokio::task::JoinError>) -> Step {
    joined.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}
