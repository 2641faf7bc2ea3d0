//! Carries the deliveries of one destination from the store through encode, send and interpret to their fates.
//! One task per destination, with its own bounds: one that is slow or dead keeps nobody else waiting, and memory holds only
//! what is in flight; the queue itself is in the store.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use snodo_core::breaker::Allowed;
use snodo_core::declare::Order;
use snodo_core::{ChannelName, Class, Timestamp};
use snodo_store::home::Home;
use snodo_store::{DeliverySeq, Due, Failing, Marks, ROUND, Settled, Settlement, StoreError};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::clock;
use crate::pipeline::encode::Call;
use crate::pipeline::interpret::{Answered, Heard};
use crate::pipeline::{Current, interpret};
use crate::sender::Sender;

mod claim;
pub mod gate;
mod tray;

use claim::Claimed;
use gate::{Gate, Pace, UsedUp};
use tray::Tray;

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

const HIGHEST: Marks = [DeliverySeq(i64::MAX); Class::ALL.len()];

/// What a finished task of the outbox brings.
enum Step {
    Claimed(Result<Claimed, StoreError>),
    /// Every call that was waiting is sent, or the day's quota is used up, or the store could not say.
    Sent(Option<UsedUp>),
    /// What the store remembers of the destination.
    Remembered(Result<Option<Failing>, StoreError>),
    Noted(Result<(), StoreError>, Option<Failing>),
    Interpreted(interpret::Interpreted),
    /// What is settled, and what could not be written now, with the reason.
    Written(Vec<Settled>, Option<(StoreError, Vec<Settled>)>),
}

/// What the outbox holds between its steps.
struct Desk {
    tray: Arc<Tray>,
    gate: Gate,
    /// What is being read or written of what the store remembers of the destination.
    notes: usize,
    marks: Marks,
    /// What was put back while a claim was made that did not see it.
    lowered: Marks,
    /// Those that were claimed and are not settled: the store still shows them as ones that may go.
    out: HashSet<DeliverySeq>,
    answered: Vec<Answered>,
    settled: Vec<Settled>,
    /// When what was gathered is worked on, however little it is.
    gathered_by: Option<Instant>,
    more: bool,
    claiming: bool,
    /// When the next claim may begin.
    claim_at: Instant,
    interpreting: bool,
    writing: bool,
    next_due: Option<Timestamp>,
    tasks: JoinSet<Step>,
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
        desk.notes += 1;
        let remembered = Arc::clone(&self).remember().await;
        self.take(&mut desk, remembered);
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
                    desk.notes += 1;
                    desk.more = true;
                    desk.tasks.spawn(Arc::clone(&self).remember());
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
            desk.claiming = true;
            // What waits for others is counted again at each claim.
            let gathers = self.line.now().channels[&self.destination].queue.gather.is_some();
            desk.claim_at = Instant::now() + if gathers { GATHER_LOOK } else { ROUND };
            desk.more = false;
            desk.lowered = HIGHEST;
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
            Step::Claimed(claim) => {
                desk.claiming = false;
                match claim {
                    Ok(claimed) => {
                        let lowered = std::mem::replace(&mut desk.lowered, HIGHEST);
                        desk.marks = std::array::from_fn(|at| claimed.marks[at].min(lowered[at]));
                        desk.more |= claimed.more;
                        desk.next_due = claimed.next_due;
                        desk.out.extend(claimed.claimed);
                        desk.settled.extend(claimed.encoded.settled);
                        self.send_all(desk, claimed.encoded.calls);
                    }
                    Err(error) => {
                        warn!(destination = %self.destination, %error, "deliveries wait in the store");
                        desk.next_due = Some(clock::now() + STORE_PAUSE);
                    }
                }
            }
            Step::Sent(None) => {}
            Step::Sent(Some(UsedUp { until })) => {
                desk.gate.pause(until);
                desk.put_back();
            }
            Step::Remembered(Ok(failing)) => {
                desk.notes -= 1;
                // It goes on failing as it does: only that it works, or did not before the start, is news.
                if failing.is_none() || !desk.gate.fails() {
                    desk.gate.restore(failing.as_ref(), clock::now());
                }
            }
            Step::Remembered(Err(error)) => {
                // Nothing is sent until that is known.
                desk.gate.pause(clock::now() + 2 * STORE_PAUSE);
                let this = Arc::clone(self);
                desk.tasks.spawn(async move {
                    tokio::time::sleep(STORE_PAUSE).await;
                    this.remember().await
                });
                warn!(destination = %self.destination, %error, "the store does not say whether the destination worked");
            }
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
            Step::Written(settled, failed) => {
                desk.writing = false;
                for one in &settled {
                    desk.out.remove(&one.seq);
                    // Another of its lane may go now, or it comes back at once.
                    desk.more = true;
                    if let Settlement::Again { due } | Settlement::Aside { due } = one.result {
                        desk.next_due = Some(desk.next_due.map_or(due, |next| next.min(due)));
                    }
                }
                let Some((error, left)) = failed else { return };
                warn!(destination = %self.destination, %error, "fates wait to be written");
                desk.settled.extend(left);
                desk.writing = true;
                desk.tasks.spawn(async {
                    tokio::time::sleep(STORE_PAUSE).await;
                    Step::Written(Vec::new(), None)
                });
            }
        }
    }

    fn send_all(self: &Arc<Self>, desk: &mut Desk, calls: Vec<Call>) {
        if desk.is_held() {
            desk.tray.add(calls, 0);
            return desk.put_back();
        }
        for _ in 0..desk.tray.add(calls, self.concurrent) {
            let (this, tray) = (Arc::clone(self), Arc::clone(&desk.tray));
            desk.tasks.spawn(async move {
                while let Some(call) = this.next_call(&tray).await {
                    match this.pace.day(&*this.store).await {
                        Ok(Ok(())) => tray.answer(Answered::of(call, &this.sender).await),
                        Ok(Err(used_up)) => {
                            tray.put_back(call);
                            return Step::Sent(Some(used_up));
                        }
                        Err(error) => {
                            warn!(destination = %this.destination, %error, "a request waits for its quota");
                            tray.put_back(call);
                            return Step::Sent(Some(UsedUp { until: clock::now() + STORE_PAUSE }));
                        }
                    }
                }
                Step::Sent(None)
            });
        }
    }

    async fn next_call(&self, tray: &Tray) -> Option<Call> {
        if tray.has_calls() {
            self.pace.second().await;
        }
        tray.next()
    }

    fn listen(self: &Arc<Self>, desk: &mut Desk, heard: &[Heard]) {
        let now = clock::now();
        for heard in heard {
            if let Some(failing) = desk.gate.heard(*heard, now) {
                self.note(desk, failing, Duration::ZERO);
            }
        }
    }

    fn note(self: &Arc<Self>, desk: &mut Desk, failing: Option<Failing>, after: Duration) {
        let this = Arc::clone(self);
        desk.notes += 1;
        desk.tasks.spawn(async move {
            tokio::time::sleep(after).await;
            let noted = this.store.set_failing(this.destination.clone(), failing.clone()).await;
            Step::Noted(noted, failing)
        });
    }

    async fn remember(self: Arc<Self>) -> Step {
        let read = move || Step::Remembered(self.store.failing(&self.destination));
        resume(tokio::task::spawn_blocking(read).await)
    }

    async fn claim(self: Arc<Self>, marks: Marks, out: HashSet<DeliverySeq>, limit: usize) -> Step {
        let permit = Arc::clone(&self.permits).acquire_owned().await.expect("the semaphore is never closed");
        let job = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            Step::Claimed(self.claim_now(marks, &out, limit))
        });
        resume(job.await)
    }

    fn can_claim(&self, desk: &Desk) -> bool {
        let alone = || desk.out.is_empty();
        let may = match desk.gate.allowed(clock::now()) {
            Allowed::All => !self.is_strict() || alone(),
            Allowed::One => alone(),
            Allowed::Nothing { .. } => false,
        };
        may && desk.more && !desk.claiming && desk.out.len() < self.in_flight_max()
    }

    /// What one claim may take.
    fn limit(&self, desk: &Desk) -> usize {
        match desk.gate.allowed(clock::now()) {
            Allowed::One => 1,
            Allowed::All | Allowed::Nothing { .. } => {
                self.claim_max().min(self.in_flight_max().saturating_sub(desk.out.len()).max(1))
            }
        }
    }

    /// What waits for its second waits in the store, or what is more urgent would wait behind it.
    fn in_flight_max(&self) -> usize {
        let Some(requests) = self.pace.requests_max() else { return IN_FLIGHT_MAX };
        let batch_max = self.line.now().channels[&self.destination].fitted().batch_max.max(1);
        (requests * batch_max).min(IN_FLIGHT_MAX)
    }

    fn is_strict(&self) -> bool {
        self.line.now().channels[&self.destination].queue.order() == Order::Strict
    }

    async fn interpret(self: Arc<Self>, answered: Vec<Answered>, fails: bool) -> Step {
        let permit = Arc::clone(&self.permits).acquire_owned().await.expect("the semaphore is never closed");
        let job = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let line = self.line.now();
            let channel = &line.channels[&self.destination];
            Step::Interpreted(interpret::interpret(&line, channel, answered, clock::now(), fails))
        });
        resume(job.await)
    }

    async fn write(self: Arc<Self>, settled: Vec<Settled>) -> Step {
        match self.store.settle(settled.clone().into()).await {
            Ok(()) => Step::Written(settled, None),
            Err(StoreError::Settled(_)) => self.write_apart(settled).await,
            Err(error) => Step::Written(Vec::new(), Some((error, settled))),
        }
    }

    /// Of some of them another hub, or an answer of the store that got lost, has decided already: nothing is left to do for those, and it
    /// must not hold up the others.
    async fn write_apart(&self, settled: Vec<Settled>) -> Step {
        let alone = settled.iter().map(|one| self.store.settle(Arc::from([one.clone()])));
        let written = futures_util::future::join_all(alone).await;
        let (mut done, mut left, mut why) = (Vec::new(), Vec::new(), None);
        for (one, written) in settled.into_iter().zip(written) {
            match written {
                Ok(()) => done.push(one),
                Err(StoreError::Settled(what)) => {
                    info!(destination = %self.destination, delivery = %one.seq, what, "it was decided elsewhere what became of a delivery");
                    done.push(one);
                }
                Err(error) => {
                    left.push(one);
                    why = Some(error);
                }
            }
        }
        Step::Written(done, why.map(|error| (error, left)))
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

impl Desk {
    fn is_held(&self) -> bool {
        matches!(self.gate.allowed(clock::now()), Allowed::Nothing { .. })
    }

    /// Calls that are not to be sent now: their deliveries are claimed again.
    fn put_back(&mut self) {
        for one in self.tray.take_calls().into_iter().flat_map(|call| call.carried) {
            let Due { seq, class, .. } = one.due;
            self.out.remove(&seq);
            for marks in [&mut self.marks, &mut self.lowered] {
                let mark = &mut marks[class as usize];
                *mark = (*mark).min(DeliverySeq(seq.0 - 1));
            }
        }
        self.more = true;
    }

    fn new(gate: Gate) -> Self {
        Self {
            tray: Arc::new(Tray::new(GATHER)),
            gate,
            notes: 0,
            marks: Marks::default(),
            lowered: HIGHEST,
            out: HashSet::new(),
            answered: Vec::new(),
            settled: Vec::new(),
            gathered_by: None,
            // After a start there may be anything.
            more: true,
            claiming: false,
            claim_at: Instant::now(),
            interpreting: false,
            writing: false,
            next_due: None,
            tasks: JoinSet::new(),
        }
    }
}
