//! What this node writes. One task takes what has arrived as a group and writes it in one transaction; every caller is answered once it is
//! committed. All nodes write one after another, under one lock of the database: so places grow in the order of the commits, and what
//! is checked is true until what rests on it is written. Knows nothing of what the calls do.

use std::sync::Arc;
use std::time::{Duration, Instant};

use deadpool_postgres::Object;
use snodo_core::{ChannelName, Fate, Message};
use snodo_store::{
    AsOf, Cursor, DeliverySeq, Draw, Failing, Item, Left, MessageSeq, Patience, Progress, ROUND, Recorded,
    RecordedEvent, Removal, Replay, Replayed, Requeued, Settled, StoreError,
};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::cluster::Clock;
use crate::condition::Backoff;
use crate::database::{Database, WRITE_TIME_MAX};
use crate::partition::Partitions;

mod writing;

pub(crate) use writing::{Parameters, Wake, Writing};

/// A group of this size has divided the cost of a commit by enough; beyond it only the first callers wait longer.
const GROUP_CALLS_MAX: usize = 512;

/// What a group may hold before it is written, so that one transaction stays short.
const GROUP_BYTES_MAX: usize = 4 << 20;

/// So many calls in one group are many: the next group then waits for a round. A few callers wait for nobody.
const CROWD_CALLS: usize = 8;

/// What may wait to be written, in calls. What comes beyond waits where it comes from.
pub(crate) const WAITING_CALLS_MAX: usize = 4_096;

/// A call, and the one who waits for its result.
pub(crate) struct Ask<I, O> {
    pub input: I,
    pub reply: oneshot::Sender<Result<O, StoreError>>,
}

pub(crate) struct Accepting {
    pub messages: Vec<Message>,
    pub cursor: Option<Cursor>,
}

pub(crate) struct Recording {
    pub batch: Vec<Recorded>,
    pub as_of: AsOf,
}

pub(crate) struct Settling {
    pub batch: Arc<[Settled]>,
    pub made: Vec<Message>,
}

/// What is seldom written, and takes a statement or two.
pub(crate) enum Note {
    Failing(ChannelName, Option<Failing>),
    Draw(Draw),
    Left { left: Left, fate: Fate, reason: &'static str, limit: u32 },
    ExpireFailed(Vec<DeliverySeq>, &'static str),
    ExpireWaiting(Vec<DeliverySeq>, Patience, &'static str),
}

pub(crate) enum Job {
    Accept(Ask<Accepting, Vec<MessageSeq>>),
    Record(Ask<Recording, Vec<RecordedEvent>>),
    Settle(Ask<Settling, ()>),
    Requeue(Ask<Vec<Item>, Requeued>),
    Replay(Ask<Replay, Replayed>),
    Remove(Ask<Removal, Progress>),
    Free(Ask<ChannelName, ()>),
    Note(Ask<Note, u64>),
}

/// Roughly what a row takes beside its body.
const ROW_BYTES: usize = 512;

impl Job {
    fn bytes(&self) -> usize {
        let of_messages = |messages: &[Message]| messages.iter().map(|one| one.body.len() + ROW_BYTES).sum();
        match self {
            Self::Accept(ask) => of_messages(&ask.input.messages),
            Self::Record(ask) => ask.input.batch.iter().map(bytes_of).sum(),
            Self::Settle(ask) => ask.input.batch.len() * ROW_BYTES + of_messages(&ask.input.made),
            Self::Requeue(ask) => ask.input.len() * ROW_BYTES,
            Self::Replay(ask) => (ask.input.events.len() + ask.input.messages.len()) * ROW_BYTES,
            Self::Remove(_) | Self::Free(_) | Self::Note(_) => ROW_BYTES,
        }
    }
}

fn bytes_of(recorded: &Recorded) -> usize {
    match &recorded.result {
        snodo_store::Decoding::Decoded(events) => {
            events.iter().map(|new| new.event.data.len() + ROW_BYTES).sum()
        }
        snodo_store::Decoding::Quarantined(problem) => problem.len(),
    }
}

/// Calls by their kind. Those of one kind are done together, in the order in which they came; callers of different ones have not waited
/// for each other.
#[derive(Default)]
pub(crate) struct Group {
    pub accepts: Vec<Ask<Accepting, Vec<MessageSeq>>>,
    pub records: Vec<Ask<Recording, Vec<RecordedEvent>>>,
    pub settles: Vec<Ask<Settling, ()>>,
    pub requeues: Vec<Ask<Vec<Item>, Requeued>>,
    pub replays: Vec<Ask<Replay, Replayed>>,
    pub removals: Vec<Ask<Removal, Progress>>,
    pub frees: Vec<Ask<ChannelName, ()>>,
    pub notes: Vec<Ask<Note, u64>>,
}

/// What the calls of a group came to, in the same order. A refusal is the answer of its caller alone.
#[derive(Default)]
pub(crate) struct Answers {
    pub accepts: Vec<Result<Vec<MessageSeq>, StoreError>>,
    pub records: Vec<Result<Vec<RecordedEvent>, StoreError>>,
    pub settles: Vec<Result<(), StoreError>>,
    pub requeues: Vec<Result<Requeued, StoreError>>,
    pub replays: Vec<Result<Replayed, StoreError>>,
    pub removals: Vec<Result<Progress, StoreError>>,
    pub frees: Vec<Result<(), StoreError>>,
    pub notes: Vec<Result<u64, StoreError>>,
}

impl Group {
    fn add(&mut self, job: Job) {
        match job {
            Job::Accept(ask) => self.accepts.push(ask),
            Job::Record(ask) => self.records.push(ask),
            Job::Settle(ask) => self.settles.push(ask),
            Job::Requeue(ask) => self.requeues.push(ask),
            Job::Replay(ask) => self.replays.push(ask),
            Job::Remove(ask) => self.removals.push(ask),
            Job::Free(ask) => self.frees.push(ask),
            Job::Note(ask) => self.notes.push(ask),
        }
    }

    fn calls(&self) -> usize {
        let Self { accepts, records, settles, requeues, replays, removals, frees, notes } = self;
        let asked = accepts.len() + records.len() + settles.len() + requeues.len();
        asked + replays.len() + removals.len() + frees.len() + notes.len()
    }

    fn one_by_one(self) -> impl Iterator<Item = Self> {
        let accepts = self.accepts.into_iter().map(Job::Accept);
        let records = self.records.into_iter().map(Job::Record);
        let settles = self.settles.into_iter().map(Job::Settle);
        let requeues = self.requeues.into_iter().map(Job::Requeue);
        let replays = self.replays.into_iter().map(Job::Replay);
        let removals = self.removals.into_iter().map(Job::Remove);
        let frees = self.frees.into_iter().map(Job::Free);
        let notes = self.notes.into_iter().map(Job::Note);
        let often = accepts.chain(records).chain(settles);
        let seldom = requeues.chain(replays).chain(removals).chain(frees).chain(notes);
        often.chain(seldom).map(|job| {
            let mut alone = Self::default();
            alone.add(job);
            alone
        })
    }

    /// Whoever no longer waits does not mind: it is done, or not done, all the same.
    fn answer(self, answers: Answers) {
        fn each<I, O>(asks: Vec<Ask<I, O>>, answers: Vec<Result<O, StoreError>>) {
            for (ask, answer) in asks.into_iter().zip(answers) {
                let _ = ask.reply.send(answer);
            }
        }
        each(self.accepts, answers.accepts);
        each(self.records, answers.records);
        each(self.settles, answers.settles);
        each(self.requeues, answers.requeues);
        each(self.replays, answers.replays);
        each(self.removals, answers.removals);
        each(self.frees, answers.frees);
        each(self.notes, answers.notes);
    }

    fn fail(self, error: &StoreError) {
        fn each<I, O>(asks: Vec<Ask<I, O>>, error: &StoreError) {
            for ask in asks {
                let _ = ask.reply.send(Err(error.clone()));
            }
        }
        each(self.accepts, error);
        each(self.records, error);
        each(self.settles, error);
        each(self.requeues, error);
        each(self.replays, error);
        each(self.removals, error);
        each(self.frees, error);
        each(self.notes, error);
    }
}

pub(crate) struct Writer {
    pub database: Arc<Database>,
    pub jobs: mpsc::Receiver<Job>,
    /// The writers' lock, of this home.
    pub lock: i64,
    pub node: [u8; 16],
    pub partitions: Partitions,
    pub clock: Clock,
    pub dedup_window: Duration,
    /// Told what is to be looked at after a commit.
    pub wakes: mpsc::UnboundedSender<Wake>,
}

/// The writer's connection, if it has one, and when it may call again if it has none.
#[derive(Default)]
struct Line {
    client: Option<Object>,
    backoff: Backoff,
    not_before: Option<Instant>,
}

impl Writer {
    /// Returns when nobody can send any more, and everything that was sent is answered.
    pub async fn run(mut self) {
        let (mut line, mut last) = (Line::default(), (0, Instant::now()));
        while let Some(first) = self.jobs.recv().await {
            let group = self.gather(first, last).await;
            last = (group.calls(), Instant::now());
            self.write(&mut line, group).await;
        }
    }

    /// What has arrived, and after a crowd what comes until the round is over. A lone caller never waits.
    async fn gather(&mut self, first: Job, (calls, began): (usize, Instant)) -> Group {
        if calls >= CROWD_CALLS {
            tokio::time::sleep(ROUND.saturating_sub(began.elapsed())).await;
        }
        let (mut group, mut bytes, mut next) = (Group::default(), 0, Some(first));
        while let Some(job) = next {
            bytes += job.bytes();
            group.add(job);
            next = match group.calls() < GROUP_CALLS_MAX && bytes < GROUP_BYTES_MAX {
                true => self.jobs.try_recv().ok(),
                false => None,
            };
        }
        group
    }

    async fn write(&self, line: &mut Line, group: Group) {
        match self.commit(line, &group).await {
            Ok(answers) => group.answer(answers),
            // What is wrong may be wrong with one of them only: each on its own.
            Err(error) if group.calls() > 1 && !matches!(error, StoreError::Away(_) | StoreError::Full) => {
                tracing::error!(%error, calls = group.calls(), "failed to write a group, trying its calls one by one");
                for alone in group.one_by_one() {
                    match self.commit(line, &alone).await {
                        Ok(answers) => alone.answer(answers),
                        Err(error) => alone.fail(&error),
                    }
                }
            }
            Err(error) => {
                tracing::warn!(%error, calls = group.calls(), "failed to write");
                group.fail(&error);
            }
        }
    }

    /// All of it, or nothing. A connection on which something failed is not used again: nobody knows what state it is in.
    async fn commit(&self, line: &mut Line, group: &Group) -> Result<Answers, StoreError> {
        let client = self.connection(line).await?;
        let done = timeout(WRITE_TIME_MAX, self.transact(&client, group)).await;
        let error = match done {
            Ok(Ok((answers, wakes))) => {
                line.client = Some(client);
                line.backoff.reset();
                wakes.into_iter().for_each(|wake| drop(self.wakes.send(wake)));
                return Ok(answers);
            }
            Ok(Err(error)) => error,
            Err(_) => self.database.away("it did not answer in time"),
        };
        drop(Object::take(client));
        Err(error)
    }

    async fn connection(&self, line: &mut Line) -> Result<Object, StoreError> {
        if let Some(client) = line.client.take().filter(|client| !client.is_closed()) {
            return Ok(client);
        }
        // Nobody waits for a database that has just been found away.
        if line.not_before.is_some_and(|moment| Instant::now() < moment) {
            return Err(self.database.away("it is being tried again"));
        }
        let client = self.database.client().await;
        line.not_before = client.is_err().then(|| Instant::now() + line.backoff.next());
        client
    }

    async fn transact(&self, client: &Object, group: &Group) -> Result<(Answers, Vec<Wake>), StoreError> {
        let mut writing = Writing::begin(self, client).await?;
        let mut answers = Answers::default();
        for ask in &group.frees {
            answers.frees.push(Ok(writing.free_lanes(&ask.input).await?));
        }
        for ask in &group.notes {
            answers.notes.push(Ok(writing.note(&ask.input).await?));
        }
        for ask in &group.requeues {
            answers.requeues.push(Ok(writing.requeue(&ask.input).await?));
        }
        for ask in &group.replays {
            answers.replays.push(writing.replay(&ask.input).await?);
        }
        for ask in &group.removals {
            answers.removals.push(Ok(writing.remove(&ask.input).await?));
        }
        if !group.settles.is_empty() {
            answers.settles = writing.settle_all(&group.settles).await?;
        }
        if !group.accepts.is_empty() {
            answers.accepts = writing.accept_all(&group.accepts).await?;
        }
        if !group.records.is_empty() {
            answers.records = writing.record_all(&group.records).await?;
        }
        let wakes = writing.commit().await?;
        Ok((answers, wakes))
    }
}

impl Writing<'_> {
    /// What it came to: how much was drawn, how many were settled or looked at.
    async fn note(&mut self, note: &Note) -> Result<u64, StoreError> {
        match note {
            Note::Failing(destination, failing) => {
                self.set_failing(destination, failing.as_ref()).await.map(|()| 0)
            }
            Note::Draw(draw) => self.draw(draw).await,
            Note::Left { left, fate, reason, limit } => self.settle_left(left, *fate, reason, *limit).await,
            Note::ExpireFailed(deliveries, why) => self.expire_failed(deliveries, why).await,
            Note::ExpireWaiting(deliveries, patience, why) => {
                self.expire_waiting(deliveries, patience, why).await
            }
        }
    }
}
