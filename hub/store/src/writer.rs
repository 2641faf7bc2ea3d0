//! The one thread that writes. Takes what has arrived as a group, writes the group in one transaction, and answers every
//! caller once it is on the disk. Knows nothing of what the calls do.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::runtime::Handle;

use crate::store::Options;
use crate::{StoreError, checkpoint};

mod jobs;
mod state;
mod statements;

pub(crate) use jobs::{Call, CanWait, Job, Jobs, Waiting};
pub(crate) use state::{State, Writing};
pub(crate) use statements::Statements;

/// A group of this size has divided the cost of a commit by enough; beyond it only the first callers wait longer.
const GROUP_CALLS_MAX: usize = 256;

/// What a group may hold before it is written, so that one transaction does not flood the cache.
const GROUP_BYTES_MAX: usize = 4 << 20;

/// What comes one by one and often costs less together: a commit costs the processor as much as ten rows. When many write at
/// once, a commit begins so long after the one before it, and takes all that has come meanwhile; the stages of the line go by
/// the same rounds. Whoever comes alone waits for nothing.
pub const ROUND: Duration = Duration::from_millis(4);

/// So many calls in one group are many. A few callers wait for nobody.
const CROWD_CALLS: usize = 8;

pub(crate) struct Writer {
    pub sqlite: Connection,
    pub directory: PathBuf,
    pub options: Options,
    pub state: State,
    pub jobs: Arc<Jobs>,
    pub arriving: Receiver<Job>,
    /// Of those who call, if they are tasks.
    pub runtime: Option<Handle>,
}

/// The writer at work.
struct Running<'a, 'c> {
    sqlite: &'a Connection,
    statements: &'a Statements<'c>,
    directory: &'a Path,
    options: &'a Options,
    state: State,
    jobs: &'a Jobs,
    arriving: &'a Receiver<Job>,
    runtime: Option<&'a Handle>,
}

/// The last group: tells whether waiting for more is worth it.
#[derive(Clone, Copy)]
struct Last {
    calls: usize,
    began: Instant,
}

impl Writer {
    /// Returns when nobody can send any more, and everything that was sent is written.
    pub fn run(self) {
        let statements = Statements::new(&self.sqlite);
        let running = Running {
            sqlite: &self.sqlite,
            statements: &statements,
            directory: &self.directory,
            options: &self.options,
            state: self.state,
            jobs: &self.jobs,
            arriving: &self.arriving,
            runtime: self.runtime.as_ref(),
        };
        running.run();
    }
}

impl Running<'_, '_> {
    fn run(mut self) {
        let mut last = Last { calls: 0, began: Instant::now() };
        while let Ok(job) = self.arriving.recv() {
            let (group, catch_up) = self.gather(job, last);
            if !group.is_empty() {
                last = Last { calls: group.len(), began: Instant::now() };
                self.write(group);
            }
            if let Some(done) = catch_up {
                self.catch_up();
                let _ = done.send(());
            }
        }
        // What is committed is safe as it is; a log that is copied makes the next start quicker.
        self.catch_up();
    }

    /// What has arrived, and what is about to: after a crowd, what comes until the round is over. A lone caller never waits.
    fn gather(&self, first: Job, last: Last) -> (Vec<Box<dyn Call>>, Option<SyncSender<()>>) {
        let (mut group, mut bytes, mut next) = (Vec::new(), 0, Some(first));
        let mut pause = (last.calls >= CROWD_CALLS).then(|| ROUND.saturating_sub(last.began.elapsed()));
        loop {
            match next.take() {
                Some(Job::Write(call)) => {
                    bytes += call.bytes();
                    self.jobs.took(call.bytes());
                    group.push(call);
                }
                Some(Job::CatchUp(done)) => return (group, Some(done)),
                None => {}
            }
            if group.len() >= GROUP_CALLS_MAX || bytes >= GROUP_BYTES_MAX {
                return (group, None);
            }
            next = match self.arriving.try_recv() {
                Ok(job) => Some(job),
                // Asleep, not listening: or each call that arrives would wake this thread for itself.
                Err(TryRecvError::Empty) if pause.is_some() => {
                    std::thread::sleep(pause.take().unwrap_or_default());
                    None
                }
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return (group, None),
            };
        }
    }

    fn write(&mut self, mut group: Vec<Box<dyn Call>>) {
        let said = self.commit(&mut group);
        let alone = group.len() == 1;
        match said {
            // What is wrong may be wrong with one of them only: each on its own.
            Err(error) if !alone && !matches!(error, StoreError::Full) => {
                tracing::error!(%error, calls = group.len(), "failed to write a group, trying its calls one by one");
                for mut call in group {
                    let said = self.commit(std::slice::from_mut(&mut call));
                    call.answer(said);
                }
            }
            Err(error) => {
                tracing::error!(%error, calls = group.len(), "failed to write");
                group.into_iter().for_each(|call| call.answer(Err(error.clone())));
            }
            Ok(()) => self.answer(group),
        }
    }

    /// Those who wait are tasks of the runtime: told from within it, they are not each brought in from outside.
    fn answer(&self, group: Vec<Box<dyn Call>>) {
        let answer = |group: Vec<Box<dyn Call>>| group.into_iter().for_each(|call| call.answer(Ok(())));
        match self.runtime {
            Some(runtime) if group.len() > 1 => drop(runtime.spawn(async move { answer(group) })),
            _ => answer(group),
        }
    }

    /// All of it, or nothing.
    fn commit(&mut self, group: &mut [Box<dyn Call>]) -> Result<(), StoreError> {
        let before = self.state.clone();
        let said = self.transact(group);
        said.map_err(|error| {
            self.state = before;
            // SQLite has taken some failures back itself by now.
            if is_open(self.sqlite)
                && let Err(error) = self.sqlite.execute_batch("ROLLBACK")
            {
                tracing::error!(%error, "failed to take a transaction back");
            }
            error.or_full(|| self.options.is_full(self.directory))
        })
    }

    fn transact(&mut self, group: &mut [Box<dyn Call>]) -> Result<(), StoreError> {
        self.statements.prepare("BEGIN IMMEDIATE")?.execute([])?;
        let before = self.state.tally.clone();
        let mut writing = Writing::new(self.statements, &mut self.state, self.options, self.directory);
        for call in group {
            let changes = self.sqlite.total_changes();
            match call.run(&mut writing) {
                Ok(()) => {}
                // It said no before it wrote anything: its own answer, and nobody else's trouble.
                Err(error)
                    if error.is_refusal()
                        && self.sqlite.total_changes() == changes
                        && is_open(self.sqlite) => {}
                Err(error) => return Err(error),
            }
        }
        if self.state.tally != before {
            self.state.save(self.statements)?;
        }
        self.statements.prepare("COMMIT")?.execute([])?;
        Ok(())
    }

    /// Copies the rest of the log into the database. The next write then starts the log over.
    fn catch_up(&self) {
        if let Err(error) = checkpoint::run(self.sqlite) {
            tracing::warn!(%error, "failed to copy the log into the database");
        }
    }
}

/// SQLite ends some transactions by itself when the disk fails.
fn is_open(sqlite: &Connection) -> bool {
    !sqlite.is_autocommit()
}
