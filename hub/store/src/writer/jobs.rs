//! What comes to the writer's thread, and how much of it may wait.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use super::Writing;
use crate::StoreError;

/// What may wait to be written. More than the disk takes in a few seconds only makes everyone wait longer, and fills the
/// memory: the sender should hear "later".
const WAITING_BYTES_MAX: usize = 32 << 20;

pub(crate) enum Job {
    Write(Box<dyn Call>),
    /// From the checkpoint thread: copy the last of the log while nobody writes. Answers when done.
    CatchUp(SyncSender<()>),
}

/// Something to be written.
pub(crate) trait Call: Send {
    /// Roughly what it adds to the store.
    fn bytes(&self) -> usize;
    /// May run again, after a rollback.
    fn run(&mut self, writing: &mut Writing<'_, '_>) -> Result<(), StoreError>;
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

/// A call made of a closure, and of the one who waits for what it returns.
pub(crate) struct Waiting<T, F> {
    pub work: F,
    pub bytes: usize,
    pub result: Option<Result<T, StoreError>>,
    pub reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Call for Waiting<T, F>
where
    T: Send,
    F: FnMut(&mut Writing<'_, '_>) -> Result<T, StoreError> + Send,
{
    fn bytes(&self) -> usize {
        self.bytes
    }

    fn run(&mut self, writing: &mut Writing<'_, '_>) -> Result<(), StoreError> {
        let result = (self.work)(writing);
        let said = result.as_ref().map(|_| ()).map_err(Clone::clone);
        self.result = Some(result);
        said
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let result = match committed {
            Ok(()) => self.result.expect("what was committed has run"),
            Err(error) => Err(error),
        };
        // Whoever no longer waits does not mind: it is done, or not done, all the same.
        let _ = self.reply.send(result);
    }
}

/// The way to the writer's thread.
pub(crate) struct Jobs {
    /// `None` once the store is closed: the thread ends when it has done what it was sent.
    sender: Mutex<Option<Sender<Job>>>,
    waiting_bytes: AtomicUsize,
}

impl Jobs {
    pub fn new() -> (Arc<Self>, Receiver<Job>) {
        let (sender, arriving) = channel();
        (Arc::new(Self { sender: Mutex::new(Some(sender)), waiting_bytes: 0.into() }), arriving)
    }

    pub fn send(&self, job: Job) -> Result<(), StoreError> {
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        sender.as_ref().and_then(|sender| sender.send(job).ok()).ok_or(StoreError::Closed)
    }

    /// Adds to what waits. Only new messages can be told "later"; what they lead to is bounded by them.
    pub fn write(&self, call: Box<dyn Call>, can_wait: CanWait) -> Result<(), StoreError> {
        let bytes = call.bytes();
        let waiting = self.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        let sent = match can_wait {
            CanWait::Yes if waiting > WAITING_BYTES_MAX => Err(StoreError::Overloaded),
            _ => self.send(Job::Write(call)),
        };
        if sent.is_err() {
            self.took(bytes);
        }
        sent
    }

    pub fn took(&self, bytes: usize) {
        self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub fn close(&self) {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// Whether a call may be refused when too much waits.
#[derive(Clone, Copy)]
pub(crate) enum CanWait {
    Yes,
    No,
}
