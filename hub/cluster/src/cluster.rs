//! A node's handle on its home: opens it, hands what comes in to the broker and what is to be written to the writer, and reads.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use snodo_core::{ChannelName, Fate, Message, Timestamp};
use snodo_store::{
    AsOf, Cursor, DeliverySeq, Draw, Failing, Item, Left, Patience, Progress, Recorded, RecordedEvent,
    Removal, Replay, Replayed, Requeued, Settled, StoreError,
};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::broker::Broker;
use crate::broker::consumer::Consumer;
use crate::broker::publisher::Publisher;
use crate::condition::Condition;
use crate::database::Database;
use crate::keeper::Keeper;
use crate::open::OpenError;
use crate::partition::{Holdings, Partitions};
use crate::reader::Scope;
use crate::turn::{Turn, Turns};
use crate::writer::{Accepting, Ask, Job, Note, Recording, Settling, WAITING_CALLS_MAX, Writer};
use crate::{Reader, schema};

/// Where the time comes from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

type Bell = Arc<dyn Fn(&ChannelName) + Send + Sync>;

/// What is rung when there may be work at this node. They are rung more often than there is, and must not wait for anything.
#[derive(Clone)]
pub struct Bells {
    /// Messages of that channel wait to be decoded.
    pub on_message: Bell,
    /// Deliveries to that destination wait to be sent.
    pub on_delivery: Bell,
}

impl Default for Bells {
    fn default() -> Self {
        Self { on_message: Arc::new(|_| {}), on_delivery: Arc::new(|_| {}) }
    }
}

/// What a node is there for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Takes its share of the work.
    #[default]
    Hub,
    /// Changes something and leaves: a partition that it took would stand still meanwhile.
    Guest,
}

#[derive(Clone)]
pub struct Options {
    /// Of the home: what its schema in the database and its queues at the broker are called after. The same on every node.
    pub name: String,
    /// Of this node, for people. Two nodes may have the same one.
    pub node: String,
    /// `postgresql://user:password@host:5432/database`, and `?sslmode=require` over networks that others use, too.
    pub database: String,
    /// `amqp://user:password@host:5672/vhost`.
    pub broker: String,
    /// How finely the work can be shared: as many nodes can work at most. The same on every node, and fixed when the first one starts.
    pub partitions: u32,
    /// How far back an event with the same id is looked for. Vendors repeat for up to two days.
    pub dedup_window: Duration,
    pub clock: Clock,
    pub bells: Bells,
    pub role: Role,
}

/// Twelve nodes with two partitions each, or 24 with one; 2, 3, 4, 6 and 8 nodes share alike.
pub const PARTITIONS: u32 = 24;

impl Default for Options {
    fn default() -> Self {
        Self {
            name: "snodo".into(),
            node: "snodo".into(),
            database: String::new(),
            broker: String::new(),
            partitions: PARTITIONS,
            dedup_window: Duration::from_secs(7 * 24 * 60 * 60),
            clock: system_clock(),
            bells: Bells::default(),
            role: Role::default(),
        }
    }
}

pub(crate) fn system_clock() -> Clock {
    Arc::new(|| {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(0) + since_1970
    })
}

/// Names of homes become names of a schema and of queues, and are written there as they are.
pub(crate) fn schema_of(name: &str) -> Result<String, OpenError> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let is_name =
        (1..=40).contains(&name.len()) && name.as_bytes()[0].is_ascii_lowercase() && name.bytes().all(fits);
    if is_name { Ok(format!("snodo_{name}")) } else { Err(OpenError::Name(name.to_owned())) }
}

/// A broker that has just answered takes another connection in this time.
const OPEN_TIME_MAX: Duration = Duration::from_secs(5);

/// How long what is under way may take when the home is closed. The hub has stopped sending before.
const CLOSE_TIME_MAX: Duration = Duration::from_secs(10);

/// A handle on the home, of one node. Cheap to clone; reads like a `Reader`.
#[derive(Clone)]
pub struct Cluster {
    open: Arc<Open>,
}

struct Open {
    reader: Reader,
    publisher: Arc<Publisher>,
    broker: Arc<Broker>,
    holdings: Holdings,
    keeper: Arc<Keeper>,
    turns: Arc<Turns>,
    /// `None` once the home is closed: the writer ends when it has done what it was sent.
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    /// Ends what takes work, then what the rest of the work needs.
    stop_taking: CancellationToken,
    stop: CancellationToken,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl Deref for Cluster {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        &self.open.reader
    }
}

impl Cluster {
    /// Makes what the home needs in the database and at the broker if it is not there, compares it if it is, and begins to work.
    pub async fn open(options: Options) -> Result<Self, OpenError> {
        let Options { name, node, database, broker, partitions, dedup_window, clock, bells, role } = options;
        let schema = schema_of(&name)?;
        if !(1..=1024).contains(&partitions) {
            return Err(OpenError::Partitions(partitions));
        }
        let database = Database::new(&database, &schema)?;
        let broker = Arc::new(Broker::new(&broker, format!("snodo.{name}"), node.clone(), partitions)?);
        schema::prepare(&database, &schema, partitions).await?;
        broker.prepare().await?;

        let partitions = Partitions(partitions);
        let (holdings, id) = (Holdings::default(), *uuid::Uuid::new_v4().as_bytes());
        let (jobs, arriving) = mpsc::channel(WAITING_CALLS_MAX);
        let (wakes, woken) = mpsc::unbounded_channel();
        let publisher = Arc::new(Publisher::new(Arc::clone(&broker), partitions));
        let lock = schema::lock(&schema, "writers");
        let keeper = Arc::new(Keeper {
            database: Arc::clone(&database),
            holdings: holdings.clone(),
            publisher: Arc::clone(&publisher),
            jobs: jobs.downgrade(),
            bells,
            partitions,
            node: id,
            name: node,
            lock,
            stands_in_line: false.into(),
            turns: Mutex::default(),
        });
        let writer = Writer {
            database: Arc::clone(&database),
            jobs: arriving,
            lock,
            node: id,
            partitions,
            clock: clock.clone(),
            dedup_window,
            wakes,
        };
        let consumer =
            Consumer { broker: Arc::clone(&broker), keeper: Arc::clone(&keeper), partitions: partitions.0 };

        let (stop_taking, stop) = (CancellationToken::new(), CancellationToken::new());
        let (mouth, (leases, ends), words) =
            (Arc::clone(&publisher), (Arc::clone(&keeper), stop.clone()), Arc::clone(&keeper));
        let published_until = stop.clone();
        let mut tasks = vec![
            tokio::spawn(writer.run()),
            tokio::spawn(async move { mouth.run(published_until).await }),
            tokio::spawn(async move { leases.run(ends).await }),
            tokio::spawn(async move { words.pass_on(woken).await }),
        ];
        if role == Role::Hub {
            tasks.push(tokio::spawn(consumer.run(stop_taking.clone())));
        }
        let turns = Turns::new(Arc::clone(&database), schema, stop.clone());
        let scope = Scope::Held(holdings.clone());
        let reader = Reader { database, runtime: Handle::current(), partitions, scope, clock };
        let (jobs, tasks) = (Mutex::new(Some(jobs)), Mutex::new(tasks));
        // Whoever has opened it can use it, unless the broker has gone in this moment.
        _ = tokio::time::timeout(OPEN_TIME_MAX, publisher.is_connected()).await;
        let open =
            Open { reader, publisher, broker, holdings, keeper, turns, jobs, stop_taking, stop, tasks };
        Ok(Self { open: Arc::new(open) })
    }

    /// Whether the broker and the database are there.
    pub fn condition(&self) -> Condition {
        let Open { broker, reader, .. } = &*self.open;
        Condition { broker: broker.watch.standing(), database: reader.database.watch.standing() }
    }

    /// The partitions that this node works on.
    pub fn partitions(&self) -> Vec<i32> {
        self.open.holdings.workable()
    }

    /// Waits until it is this node's turn to do what only one may do at a time.
    pub async fn turn(&self, name: &str) -> Turn {
        self.open.turns.turn(name).await
    }

    /// Writes what was handed over, gives its partitions to the other nodes, and leaves. Calls that come later fail.
    pub async fn close(&self) {
        let Open { keeper, holdings, stop_taking, stop, reader, .. } = &*self.open;
        stop_taking.cancel();
        keeper.leave_all();
        let emptied = async {
            while !holdings.all().is_empty() {
                _ = keeper.give_back().await;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        _ = tokio::time::timeout(CLOSE_TIME_MAX, emptied).await;
        _ = keeper.sign_off().await;
        self.open.jobs.lock().unwrap_or_else(PoisonError::into_inner).take();
        stop.cancel();
        let tasks = std::mem::take(&mut *self.open.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks {
            if tokio::time::timeout(CLOSE_TIME_MAX, task).await.is_ok_and(|ended| ended.is_err()) {
                tracing::error!("a task of the home has panicked");
            }
        }
        reader.database.close();
    }

    /// Resolves when the broker has the message, on most of its replicas. Works while the database is away.
    pub async fn accept(&self, message: Message) -> Result<(), StoreError> {
        if self.open.stop_taking.is_cancelled() {
            return Err(StoreError::Closed);
        }
        self.open.publisher.accept(message).await
    }

    /// All of them, with how far that brings the poll or the file, or nothing. Resolves when they are in the database: several queues and a
    /// cursor have no transaction in common but there.
    pub async fn accept_all(
        &self,
        mut messages: Vec<Message>,
        cursor: Option<Cursor>,
    ) -> Result<(), StoreError> {
        match (messages.pop(), cursor) {
            (Some(only), None) if messages.is_empty() => self.accept(only).await,
            (last, cursor) => {
                messages.extend(last);
                self.ask(Accepting { messages, cursor }, Job::Accept).await.map(drop)
            }
        }
    }

    pub async fn set_cursor(&self, cursor: Cursor) -> Result<(), StoreError> {
        self.accept_all(Vec::new(), Some(cursor)).await
    }

    /// Records what became of messages, all or nothing, in order. `as_of` is from the facts that the decisions rest on; `Stale` means that
    /// they changed since: look them up and decide again. `Settled` names a message that was recorded before, or that another node
    /// decodes now.
    pub async fn record(&self, batch: Vec<Recorded>, as_of: AsOf) -> Result<Vec<RecordedEvent>, StoreError> {
        self.ask(Recording { batch, as_of }, Job::Record).await
    }

    /// The same, for a thread of its own.
    pub fn record_blocking(
        &self,
        batch: Vec<Recorded>,
        as_of: AsOf,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        self.open.reader.runtime.block_on(self.record(batch, as_of))
    }

    /// Settles deliveries, all or nothing. `Settled` names one that was settled before. Those that were claimed under a lease that is lost
    /// are left out: another node tries them again, and what became of them here counts for nothing.
    pub async fn settle(&self, batch: impl Into<Arc<[Settled]>>) -> Result<(), StoreError> {
        let mut batch: Arc<[Settled]> = batch.into();
        let lost = |settled: &Settled| self.open.holdings.has_lost(settled.seq);
        if batch.iter().any(lost) {
            let (gone, kept): (Vec<Settled>, Vec<Settled>) = batch.iter().cloned().partition(lost);
            tracing::warn!(
                deliveries = gone.len(),
                "another node has taken over deliveries that were under way, and may send them again"
            );
            self.open.holdings.forget(gone.iter().map(|settled| settled.seq));
            batch = kept.into();
        }
        match batch.is_empty() {
            true => Ok(()),
            false => self.settle_claimed(batch, Vec::new()).await,
        }
    }

    /// The same, for a thread of its own.
    pub fn settle_blocking(&self, batch: impl Into<Arc<[Settled]>>) -> Result<(), StoreError> {
        self.open.reader.runtime.block_on(self.settle(batch))
    }

    /// Settles deliveries together with the messages that were made of them, all or nothing: what was made is never made twice, and never
    /// lost. `Settled` also if one of them is another node's by now.
    pub async fn settle_with(&self, settled: Vec<Settled>, made: Vec<Message>) -> Result<(), StoreError> {
        self.settle_claimed(settled.into(), made).await
    }

    async fn settle_claimed(&self, batch: Arc<[Settled]>, made: Vec<Message>) -> Result<(), StoreError> {
        let settled = self.ask(Settling { batch: Arc::clone(&batch), made }, Job::Settle).await;
        // One that is settled already, or another's, is not under way here any more. Of several, nobody knows which.
        let is_over = settled.is_ok() || (matches!(settled, Err(StoreError::Settled(_))) && batch.len() == 1);
        if is_over {
            self.open.holdings.forget(batch.iter().map(|settled| settled.seq));
        }
        settled
    }

    /// Takes messages, events and deliveries out of quarantine to try them again. What is not in quarantine stays as it is.
    pub async fn requeue(&self, items: Vec<Item>) -> Result<Requeued, StoreError> {
        self.ask(items, Job::Requeue).await
    }

    /// Puts what is selected on its way again, all or nothing; or, as a trial, says what that would be. `Stale` means that a customer has
    /// spoken since the decisions were made: decide again.
    pub async fn replay(&self, replay: Replay) -> Result<Replayed, StoreError> {
        self.ask(replay, Job::Replay).await
    }

    /// Gives up those that have failed, with this reason; how many of them it has looked at.
    pub async fn expire_failed(
        &self,
        deliveries: Vec<DeliverySeq>,
        why: &'static str,
    ) -> Result<usize, StoreError> {
        self.ask(Note::ExpireFailed(deliveries, why), Job::Note).await.map(looked_at)
    }

    /// The same for those in flight that nobody has in hand, here or at another node.
    pub async fn expire_waiting(
        &self,
        deliveries: Vec<DeliverySeq>,
        patience: Patience,
        why: &'static str,
    ) -> Result<usize, StoreError> {
        self.ask(Note::ExpireWaiting(deliveries, patience, why), Job::Note).await.map(looked_at)
    }

    /// Removes what may be removed of that, as much as a moment allows.
    pub async fn remove(&self, removal: Removal) -> Result<Progress, StoreError> {
        self.ask(removal, Job::Remove).await
    }

    /// The destination's deliveries in flight keep no order among each other any more: it is not declared to keep one by keys.
    pub async fn free_lanes(&self, destination: ChannelName) -> Result<(), StoreError> {
        self.ask(destination, Job::Free).await
    }

    /// Gives deliveries in flight that fate, at most `limit` of them, and says how many. Nobody may be at work on them.
    pub async fn settle_left(
        &self,
        left: Left,
        fate: Fate,
        reason: &'static str,
        limit: u32,
    ) -> Result<usize, StoreError> {
        self.ask(Note::Left { left, fate, reason, limit }, Job::Note).await.map(looked_at)
    }

    /// That a destination fails as a whole; `None`: it works.
    pub async fn set_failing(
        &self,
        destination: ChannelName,
        failing: Option<Failing>,
    ) -> Result<(), StoreError> {
        self.ask(Note::Failing(destination, failing), Job::Note).await.map(drop)
    }

    /// Takes of a destination's quota, which all nodes share; how much there was.
    pub async fn draw(&self, draw: Draw) -> Result<u64, StoreError> {
        self.ask(Note::Draw(draw), Job::Note).await
    }

    async fn ask<I, O>(&self, input: I, job: impl FnOnce(Ask<I, O>) -> Job) -> Result<O, StoreError> {
        let jobs = self.open.jobs.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (reply, answered) = oneshot::channel();
        let sent = jobs.ok_or(StoreError::Closed)?.send(job(Ask { input, reply })).await;
        sent.map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }
}

fn looked_at(deliveries: u64) -> usize {
    usize::try_from(deliveries).expect("a call has few deliveries")
}

impl Drop for Open {
    /// Without `close` the node is gone without a word: the others take over when its leases have run out.
    fn drop(&mut self) {
        self.stop_taking.cancel();
        self.stop.cancel();
        for task in self.tasks.get_mut().unwrap_or_else(PoisonError::into_inner) {
            task.abort();
        }
    }
}
