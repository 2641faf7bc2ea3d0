//! Carries the deliveries of one destination from the store through encode, send and interpret to their fates.
//! One task per destination, with its own bounds: one that is slow or dead keeps nobody else waiting, and memory holds only
//! what is in flight; the queue itself is in the store.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use snodo_core::declare::Order;
use snodo_core::{ChannelName, Timestamp};
use snodo_store::{Claim, DeliverySeq, Due, Marks, ROUND, Settled, Settlement, Store, StoreError};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::clock;
use crate::pipeline::encode::Call;
use crate::pipeline::interpret::Answered;
use crate::pipeline::{Channel, Current, Line, encode, interpret};
use crate::sender::Sender;

mod tray;

use tray::Tray;

/// Deliveries between the store and their fate at one time.
const IN_FLIGHT_MAX: usize = 1024;

/// What is read from the store at once, in whole calls of the connector: a part of a batch costs as much as a batch.
const CLAIM_MAX: usize = 256;

/// Bodies of one claim in memory.
const CLAIM_BYTES_MAX: usize = 4 << 20;

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
    pub store: Store,
    pub sender: Arc<Sender>,
    /// How many requests are under way at one time.
    pub concurrent: usize,
    /// How many batches are worked on at one time, over all channels.
    pub permits: Arc<Semaphore>,
    pub bell: Arc<Notify>,
    /// The hub itself stops, and not this outbox alone.
    pub hurry: CancellationToken,
}

/// What a finished task of the outbox brings.
enum Step {
    Claimed(Result<Claimed, StoreError>),
    /// Every call that was waiting is sent.
    Sent,
    Interpreted(interpret::Interpreted),
    Written(Result<(), StoreError>, Arc<[Settled]>),
}

struct Claimed {
    /// Where the next claim goes on.
    marks: Marks,
    /// There may be more right now.
    more: bool,
    back: Vec<DeliverySeq>,
    encoded: encode::Encoded,
    next_due: Option<Timestamp>,
}

/// What the outbox holds between its steps.
struct Desk {
    tray: Arc<Tray>,
    marks: Marks,
    in_flight: usize,
    /// Those that came back, were claimed and are not settled: the store still shows them as due.
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

    async fn deliver(self: Arc<Self>, stop: &CancellationToken) -> Result<(), tokio::task::JoinError> {
        let mut desk = Desk::new();
        loop {
            self.hand_out(&mut desk);
            let due_in =
                desk.next_due.map_or(LOOK_AT_LEAST, |due| due.since(clock::now()).min(LOOK_AT_LEAST));
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
                () = self.bell.notified(), if !desk.more => desk.more = true,
                () = tokio::time::sleep(due_in), if !desk.more => desk.more = true,
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

    fn claim_max(&self) -> usize {
        let line = self.line.now();
        let batch_max = line.channels[&self.destination].fitted().batch_max.clamp(1, IN_FLIGHT_MAX);
        CLAIM_MAX.saturating_sub(CLAIM_MAX % batch_max).max(batch_max)
    }

    /// Settles what is under way, and claims nothing more. Calls that were not begun are for the next start.
    async fn finish(self: &Arc<Self>, desk: &mut Desk) {
        desk.tray.drop_calls();
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
            let limit = self.claim_max().min(IN_FLIGHT_MAX - desk.in_flight);
            desk.tasks.spawn(Arc::clone(self).claim(desk.marks, desk.out.clone(), limit));
        }
        desk.answered.append(&mut desk.tray.take_answers());
        let waited = desk.gathered_by.is_some_and(|by| by <= Instant::now());
        let enough = |count: usize| count >= GATHER || (waited && count > 0);
        if !desk.interpreting && enough(desk.answered.len()) {
            desk.interpreting = true;
            let batch = desk.answered.split_off(desk.answered.len().saturating_sub(INTERPRET_MAX));
            desk.tasks.spawn(Arc::clone(self).interpret(batch));
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
                        desk.marks = claimed.marks;
                        desk.more |= claimed.more;
                        desk.next_due = claimed.next_due;
                        desk.in_flight += claimed.encoded.deliveries;
                        desk.out.extend(claimed.back);
                        desk.settled.extend(claimed.encoded.settled);
                        self.send_all(desk, claimed.encoded.calls);
                    }
                    Err(error) => {
                        warn!(destination = %self.destination, %error, "deliveries wait in the store");
                        desk.next_due = Some(clock::now() + STORE_PAUSE);
                    }
                }
            }
            Step::Sent => {}
            Step::Interpreted(interpreted) => {
                desk.interpreting = false;
                desk.settled.extend(interpreted.settled);
                self.send_all(desk, interpreted.follow_ups);
            }
            Step::Written(Ok(()), settled) => {
                desk.writing = false;
                desk.in_flight -= settled.len();
                for one in settled.iter() {
                    desk.out.remove(&one.seq);
                    // Another of its lane may go now, or it comes back at once.
                    desk.more = true;
                    if let Settlement::Again { due } | Settlement::Aside { due } = one.result {
                        desk.next_due = Some(desk.next_due.map_or(due, |next| next.min(due)));
                    }
                }
            }
            Step::Written(Err(error), settled) => {
                warn!(destination = %self.destination, %error, "fates wait to be written");
                desk.settled.extend_from_slice(&settled);
                desk.tasks.spawn(async {
                    tokio::time::sleep(STORE_PAUSE).await;
                    Step::Written(Ok(()), Arc::default())
                });
            }
        }
    }

    fn send_all(self: &Arc<Self>, desk: &mut Desk, calls: Vec<Call>) {
        for _ in 0..desk.tray.add(calls, self.concurrent) {
            let (sender, tray) = (Arc::clone(&self.sender), Arc::clone(&desk.tray));
            desk.tasks.spawn(async move {
                while let Some(call) = tray.next() {
                    tray.answer(Answered::of(call, &sender).await);
                }
                Step::Sent
            });
        }
    }

    async fn claim(self: Arc<Self>, marks: Marks, out: HashSet<DeliverySeq>, limit: usize) -> Step {
        let permit = Arc::clone(&self.permits).acquire_owned().await.expect("the semaphore is never closed");
        let job = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            Step::Claimed(self.claim_now(marks, out, limit))
        });
        resume(job.await)
    }

    fn claim_now(
        &self,
        marks: Marks,
        out: HashSet<DeliverySeq>,
        limit: usize,
    ) -> Result<Claimed, StoreError> {
        let (line, now) = (self.line.now(), clock::now());
        let channel = &line.channels[&self.destination];
        if channel.queue.order() == Order::Strict {
            return self.claim_in_order(&line, now);
        }
        let claim = Claim {
            destination: &self.destination,
            marks,
            out: &out,
            now,
            limit,
            bytes_max: CLAIM_BYTES_MAX,
        };
        let (dues, waits_until) = self.gathered(channel, self.store.claim(&claim)?, now);
        let (fresh, back): (Vec<&Due>, Vec<&Due>) = dues.iter().partition(|due| due.fresh);
        let mut marks = marks;
        for due in fresh {
            let mark = &mut marks[due.class as usize];
            *mark = due.seq.max(*mark);
        }
        let back = back.into_iter().map(|due| due.seq).collect();
        let more = !dues.is_empty();
        let encoded = encode::encode(&line, channel, dues, &self.store, now)?;
        // What is due already was claimed, now or before; when it is settled, the rest is looked at again.
        let next_due = self.store.next_due(&self.destination)?.filter(|due| *due > now);
        let next_due = next_due.into_iter().chain(waits_until).min();
        Ok(Claimed { marks, more, back, encoded, next_due })
    }

    /// One batch of what is oldest, and nothing as long as that waits. Nothing else of this destination is under way.
    fn claim_in_order(&self, line: &Line, now: Timestamp) -> Result<Claimed, StoreError> {
        let channel = &line.channels[&self.destination];
        let limit = channel.fitted().batch_max.clamp(1, IN_FLIGHT_MAX);
        let (dues, back, waits_until) = match self.store.head(&self.destination, limit, CLAIM_BYTES_MAX)? {
            Some((due_at, _)) if due_at > now => (Vec::new(), Vec::new(), Some(due_at)),
            Some((_, dues)) => {
                let back = dues.iter().map(|due| due.seq).collect();
                (dues, back, None)
            }
            None => {
                let fresh = self.store.fresh(&self.destination, limit, CLAIM_BYTES_MAX)?;
                let (fresh, waits_until) = self.gathered(channel, fresh, now);
                (fresh, Vec::new(), waits_until)
            }
        };
        let more = !dues.is_empty();
        let encoded = encode::encode(line, channel, dues, &self.store, now)?;
        Ok(Claimed { marks: Marks::default(), more, back, encoded, next_due: waits_until })
    }

    /// Where deliveries wait for others, and there are not enough yet: none, and until when they wait.
    fn gathered(&self, channel: &Channel, fresh: Vec<Due>, now: Timestamp) -> (Vec<Due>, Option<Timestamp>) {
        let Some(gather) = channel.queue.gather else { return (fresh, None) };
        let Some(first) = fresh.first() else { return (fresh, None) };
        let until = first.accepted + gather.0;
        match fresh.len() >= self.claim_max() || until <= now {
            true => (fresh, None),
            false => (Vec::new(), Some(until)),
        }
    }

    fn can_claim(&self, desk: &Desk) -> bool {
        desk.can_claim() && (desk.in_flight == 0 || !self.is_strict())
    }

    fn is_strict(&self) -> bool {
        self.line.now().channels[&self.destination].queue.order() == Order::Strict
    }

    async fn interpret(self: Arc<Self>, answered: Vec<Answered>) -> Step {
        let permit = Arc::clone(&self.permits).acquire_owned().await.expect("the semaphore is never closed");
        let job = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let line = self.line.now();
            let channel = &line.channels[&self.destination];
            Step::Interpreted(interpret::interpret(&line, channel, answered, clock::now()))
        });
        resume(job.await)
    }

    async fn write(self: Arc<Self>, settled: Vec<Settled>) -> Step {
        let settled: Arc<[Settled]> = settled.into();
        Step::Written(self.store.settle(Arc::clone(&settled)).await, settled)
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
    const fn can_claim(&self) -> bool {
        self.more && !self.claiming && self.in_flight < IN_FLIGHT_MAX
    }

    fn new() -> Self {
        Self {
            tray: Arc::new(Tray::new(GATHER)),
            marks: Marks::default(),
            in_flight: 0,
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
