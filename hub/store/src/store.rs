//! The store's handle: opens the directory, hands what is to be written to the writer, and reads.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use rusqlite::hooks::Wal;
use snodo_core::{ChannelName, Fate, Message, Timestamp};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::oneshot;

use crate::accept::Cursor;
use crate::checkpoint::{Checkpoints, LogSize};
use crate::destination::{Draw, Failing};
use crate::directory::{self, Lock};
use crate::facts::AsOf;
use crate::left::Left;
use crate::record::{Decoding, Recorded, RecordedEvent};
use crate::replay::{Replay, Replayed};
use crate::requeue::{Item, Requeued};
use crate::retain::{Patience, Progress, Removal};
use crate::settle::Settled;
use crate::writer::{CanWait, Jobs, State, Waiting, Writer, Writing};
use crate::{DeliverySeq, MessageSeq, Reader, StoreError, format, secure};

/// Where the time comes from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

#[derive(Clone)]
pub struct Options {
    /// How far back an event with the same id is looked for. Vendors repeat for up to two days.
    pub dedup_window: Duration,
    /// New messages are refused when less than this is free, so that there is room to settle those that are here.
    pub reserve_bytes: u64,
    pub clock: Clock,
    /// Tells how much is free in place of the file system.
    pub free_bytes: Option<Arc<dyn Fn() -> u64 + Send + Sync>>,
    /// The size of the pages of a new database in place of the measured one.
    pub page_bytes: Option<u32>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            dedup_window: Duration::from_secs(7 * 24 * 60 * 60),
            reserve_bytes: 64 << 20,
            clock: Arc::new(system_clock),
            free_bytes: None,
            page_bytes: None,
        }
    }
}

/// With less than this left, a failed write is taken for a full disk.
const FULL_BYTES: u64 = 1 << 20;

impl Options {
    pub(crate) fn free_bytes(&self, path: &Path) -> std::io::Result<u64> {
        match &self.free_bytes {
            Some(told) => Ok(told()),
            None => directory::free_bytes(path),
        }
    }

    pub(crate) fn is_full(&self, path: &Path) -> bool {
        self.free_bytes(path).is_ok_and(|free| free < FULL_BYTES)
    }
}

fn system_clock() -> Timestamp {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(0) + since_1970
}

/// A handle on the hub's store. Cheap to clone; reads like a `Reader`. The last one that is dropped closes it.
#[derive(Clone)]
pub struct Store {
    open: Arc<Open>,
}

struct Open {
    reader: Reader,
    jobs: Arc<Jobs>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Let go last, when the writer has ended.
    lock: Mutex<Option<Lock>>,
}

impl Deref for Store {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        &self.open.reader
    }
}

impl Store {
    /// Opens the store in `directory`, making it if there is none. One hub at a time.
    pub fn open(directory: impl Into<PathBuf>, options: Options) -> Result<Self, StoreError> {
        let directory = directory.into();
        let told = options.clone();
        Self::open_directory(&directory, options).map_err(|error| error.or_full(|| told.is_full(&directory)))
    }

    fn open_directory(directory: &Path, options: Options) -> Result<Self, StoreError> {
        let lock = Lock::take(directory)?;
        let mut sqlite = format::open_for_writing(directory, options.page_bytes)?;
        secure::secure(&sqlite, directory)?;
        let page_bytes = sqlite.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let reader = Reader::open(directory)?;
        let state = State::load(&sqlite)?;
        let (jobs, arriving) = Jobs::new();

        let (size, woken) = LogSize::new(page_bytes);
        let copier = format::open_for_copying(directory)?;
        let checkpoints = Checkpoints {
            sqlite: copier,
            size: Arc::downgrade(&size),
            woken,
            jobs: jobs.clone(),
            page_bytes,
        };
        sqlite.wal_hook(Some(move |_: &mut Wal, pages| {
            size.grew_to(pages);
            Ok(())
        }))?;
        let directory = directory.to_owned();
        let writer = Writer {
            sqlite,
            directory,
            options,
            state,
            jobs: jobs.clone(),
            arriving,
            runtime: runtime_of_callers(),
        };

        let threads = vec![
            spawn("store-writer", move || writer.run())?,
            spawn("store-log", move || checkpoints.run())?,
        ];
        Ok(Self {
            open: Arc::new(Open { reader, jobs, threads: threads.into(), lock: Mutex::new(Some(lock)) }),
        })
    }

    /// For reading beside a running hub, or when none is running.
    pub fn open_read_only(directory: impl AsRef<Path>) -> Result<Reader, StoreError> {
        Reader::open(directory.as_ref())
    }

    /// Writes what was handed over, and lets go of the directory. Calls that come later fail.
    pub async fn close(&self) {
        let open = self.open.clone();
        let closing = tokio::task::spawn_blocking(move || open.close());
        closing.await.expect("closing does not panic");
    }

    pub fn close_blocking(&self) {
        self.open.close();
    }

    /// Resolves when the message is on the disk.
    pub async fn accept(&self, message: Message) -> Result<MessageSeq, StoreError> {
        let seqs = self.accept_all(vec![message], None).await?;
        Ok(seqs[0])
    }

    /// All of them, with how far that brings the poll or the file, or nothing. Resolves when they are on the disk.
    pub async fn accept_all(
        &self,
        messages: Vec<Message>,
        cursor: Option<Cursor>,
    ) -> Result<Vec<MessageSeq>, StoreError> {
        let bytes = messages.iter().map(|message| message.body.len() + ROW_BYTES).sum();
        let accepted = self.write(bytes, CanWait::Yes, move |writing| {
            let seqs = writing.accept(&messages)?;
            cursor.iter().try_for_each(|cursor| writing.set_cursor(cursor))?;
            Ok(seqs)
        })?;
        accepted.await.map_err(|_| StoreError::Closed)?
    }

    pub async fn set_cursor(&self, cursor: Cursor) -> Result<(), StoreError> {
        let set = self.write(cursor.value.len(), CanWait::No, move |writing| writing.set_cursor(&cursor))?;
        set.await.map_err(|_| StoreError::Closed)?
    }

    /// Records what became of messages, all or nothing, in order. `as_of` is from the facts that the decisions rest on;
    /// `Stale` means that they changed since: look them up and decide again.
    pub async fn record(&self, batch: Vec<Recorded>, as_of: AsOf) -> Result<Vec<RecordedEvent>, StoreError> {
        self.recording(batch, as_of)?.await.map_err(|_| StoreError::Closed)?
    }

    /// The same, for a thread of its own.
    pub fn record_blocking(
        &self,
        batch: Vec<Recorded>,
        as_of: AsOf,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        self.recording(batch, as_of)?.blocking_recv().map_err(|_| StoreError::Closed)?
    }

    fn recording(&self, batch: Vec<Recorded>, as_of: AsOf) -> Reply<Vec<RecordedEvent>> {
        let bytes = batch.iter().map(bytes_of).sum();
        self.write(bytes, CanWait::No, move |writing| writing.record(&batch, as_of))
    }

    /// Settles deliveries, all or nothing. `Settled` names one that was settled before.
    pub async fn settle(&self, batch: impl Into<Arc<[Settled]>>) -> Result<(), StoreError> {
        self.settling(batch.into())?.await.map_err(|_| StoreError::Closed)?
    }

    /// The same, for a thread of its own.
    pub fn settle_blocking(&self, batch: impl Into<Arc<[Settled]>>) -> Result<(), StoreError> {
        self.settling(batch.into())?.blocking_recv().map_err(|_| StoreError::Closed)?
    }

    fn settling(&self, batch: Arc<[Settled]>) -> Reply<()> {
        let bytes = batch.len() * ROW_BYTES;
        self.write(bytes, CanWait::No, move |writing| writing.settle(&batch))
    }

    /// Settles deliveries together with the messages that were made of them, all or nothing: what was made is never made
    /// twice, and never lost.
    pub async fn settle_with(&self, settled: Vec<Settled>, made: Vec<Message>) -> Result<(), StoreError> {
        let made_bytes: usize = made.iter().map(|message| message.body.len() + ROW_BYTES).sum();
        let bytes = settled.len() * ROW_BYTES + made_bytes;
        let done = self.write(bytes, CanWait::Yes, move |writing| {
            // Refusals first: a call that has written something takes its whole group back with it.
            if !made.is_empty() {
                writing.check_room()?;
            }
            writing.settle(&settled)?;
            writing.accept(&made).map(drop)
        })?;
        done.await.map_err(|_| StoreError::Closed)?
    }

    /// Takes messages, events and deliveries out of quarantine to try them again. What is not in quarantine stays as it is.
    pub async fn requeue(&self, items: Vec<Item>) -> Result<Requeued, StoreError> {
        let requeued =
            self.write(items.len() * ROW_BYTES, CanWait::No, move |writing| writing.requeue(&items))?;
        requeued.await.map_err(|_| StoreError::Closed)?
    }

    /// Puts what is selected on its way again, all or nothing; or, as a trial, says what that would be. `Stale` means that a customer
    /// has spoken since the decisions were made: decide again.
    pub async fn replay(&self, replay: Replay) -> Result<Replayed, StoreError> {
        let bytes = (replay.events.len() + replay.messages.len()) * ROW_BYTES;
        let replayed = self.write(bytes, CanWait::No, move |writing| writing.replay(&replay))?;
        replayed.await.map_err(|_| StoreError::Closed)?
    }

    /// Gives up those that have failed, with this reason; how many of them it has looked at.
    pub async fn expire_failed(
        &self,
        deliveries: Vec<DeliverySeq>,
        why: &'static str,
    ) -> Result<usize, StoreError> {
        let bytes = deliveries.len() * ROW_BYTES;
        let expired =
            self.write(bytes, CanWait::No, move |writing| writing.expire_failed(&deliveries, why))?;
        expired.await.map_err(|_| StoreError::Closed)?
    }

    /// The same for those in flight that nobody has in hand.
    pub async fn expire_waiting(
        &self,
        deliveries: Vec<DeliverySeq>,
        patience: Patience,
        why: &'static str,
    ) -> Result<usize, StoreError> {
        let bytes = deliveries.len() * ROW_BYTES;
        let expired = self
            .write(bytes, CanWait::No, move |writing| writing.expire_waiting(&deliveries, &patience, why))?;
        expired.await.map_err(|_| StoreError::Closed)?
    }

    /// Removes what may be removed of that, as much as a moment allows.
    pub async fn remove(&self, removal: Removal) -> Result<Progress, StoreError> {
        let removed = self.write(ROW_BYTES, CanWait::No, move |writing| writing.remove(&removal))?;
        removed.await.map_err(|_| StoreError::Closed)?
    }

    /// Gives deliveries in flight that fate, at most `limit` of them, and says how many. Nobody else may be at work on them.
    pub async fn settle_left(
        &self,
        left: Left,
        fate: Fate,
        reason: &'static str,
        limit: u32,
    ) -> Result<usize, StoreError> {
        let settled = self
            .write(ROW_BYTES, CanWait::No, move |writing| writing.settle_left(&left, fate, reason, limit))?;
        settled.await.map_err(|_| StoreError::Closed)?
    }

    /// The destination's deliveries in flight keep no order among each other any more: it is not declared to keep one by keys.
    pub async fn free_lanes(&self, destination: ChannelName) -> Result<(), StoreError> {
        let freed = self.write(ROW_BYTES, CanWait::No, move |writing| writing.free_lanes(&destination))?;
        freed.await.map_err(|_| StoreError::Closed)?
    }

    /// That a destination fails as a whole; `None`: it works.
    pub async fn set_failing(
        &self,
        destination: ChannelName,
        failing: Option<Failing>,
    ) -> Result<(), StoreError> {
        let set = self.write(ROW_BYTES, CanWait::No, move |writing| {
            writing.set_failing(&destination, failing.as_ref())
        })?;
        set.await.map_err(|_| StoreError::Closed)?
    }

    /// Takes of a destination's quota; how much there was.
    pub async fn draw(&self, draw: Draw) -> Result<u64, StoreError> {
        let drawn = self.write(ROW_BYTES, CanWait::No, move |writing| writing.draw(&draw))?;
        drawn.await.map_err(|_| StoreError::Closed)?
    }

    /// The channels' cursors and everything else that is written goes this way.
    fn write<T, F>(&self, bytes: usize, can_wait: CanWait, work: F) -> Reply<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Writing<'_, '_>) -> Result<T, StoreError> + Send + 'static,
    {
        let (reply, answered) = oneshot::channel();
        self.open.jobs.write(Box::new(Waiting { work, bytes, result: None, reply }), can_wait)?;
        Ok(answered)
    }
}

type Reply<T> = Result<oneshot::Receiver<Result<T, StoreError>>, StoreError>;

/// What a row takes beside its body, roughly.
const ROW_BYTES: usize = 512;

fn bytes_of(recorded: &Recorded) -> usize {
    match &recorded.result {
        Decoding::Decoded(events) => events.iter().map(|new| new.event.data.len() + ROW_BYTES).sum(),
        Decoding::Quarantined(problem) => problem.len(),
    }
}

/// A runtime of one thread is left out: that thread may be the one that waits.
fn runtime_of_callers() -> Option<Handle> {
    Handle::try_current().ok().filter(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread)
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(run)
}

impl Open {
    fn close(&self) {
        self.jobs.close();
        // Before the writer's own connection: the last one to go leaves the log copied and removed.
        self.reader.rest();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a thread of the store has panicked");
            }
        }
        self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.close();
    }
}

#[cfg(test)]
mod full_disk;
