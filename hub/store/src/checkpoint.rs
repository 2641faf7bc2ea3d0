//! Copies the log into the database, on a thread and a connection of its own, so that no caller waits for it.

use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Weak};

use rusqlite::Connection;

use crate::StoreError;
use crate::writer::{Job, Jobs};

/// The log is copied each time that it has grown by this much.
const COPY_EVERY_BYTES: i64 = 16 << 20;

/// While others write, a copy never quite reaches the end of the log, and the log never starts over. When it is this long,
/// the writer copies the little that is left, between two groups.
const LOG_BYTES_MAX: i64 = 64 << 20;

/// What the writer's connection says after each commit: how many pages the log has.
pub(crate) struct LogSize {
    pages: AtomicI32,
    copied: AtomicI32,
    step: i32,
    wake: SyncSender<()>,
}

impl LogSize {
    pub fn new(page_bytes: i64) -> (Arc<Self>, Receiver<()>) {
        let (wake, woken) = sync_channel(1);
        let step = i32::try_from(COPY_EVERY_BYTES / page_bytes).expect("a step is a few thousand pages");
        (Arc::new(Self { pages: 0.into(), copied: 0.into(), step, wake }), woken)
    }

    pub fn grew_to(&self, pages: i32) {
        self.pages.store(pages, Ordering::Relaxed);
        let copied = self.copied.load(Ordering::Relaxed);
        if pages < copied {
            // The log has started over.
            self.copied.store(0, Ordering::Relaxed);
        } else if pages - copied >= self.step {
            // One that is awake already will look.
            let _ = self.wake.try_send(());
        }
    }
}

pub(crate) struct Checkpoints {
    pub sqlite: Connection,
    pub size: Weak<LogSize>,
    pub woken: Receiver<()>,
    pub jobs: Arc<Jobs>,
    pub page_bytes: i64,
}

impl Checkpoints {
    /// Returns when the writer is gone.
    pub fn run(self) {
        while self.woken.recv().is_ok() {
            let copied = match run(&self.sqlite) {
                Ok(copied) => copied,
                Err(error) => {
                    tracing::warn!(%error, "failed to copy the log into the database");
                    continue;
                }
            };
            let Some(size) = self.size.upgrade() else { return };
            size.copied.store(i32::try_from(copied.pages).unwrap_or(i32::MAX), Ordering::Relaxed);
            drop(size);
            if copied.log_pages * self.page_bytes >= LOG_BYTES_MAX {
                self.start_over();
            }
        }
    }

    fn start_over(&self) {
        let (done, wait) = sync_channel(1);
        if self.jobs.send(Job::CatchUp(done)).is_ok() {
            let _ = wait.recv();
        }
    }
}

pub(crate) struct Copied {
    log_pages: i64,
    pages: i64,
}

/// As much as can be copied without getting in anyone's way.
pub(crate) fn run(sqlite: &Connection) -> Result<Copied, StoreError> {
    let mut copy = sqlite.prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")?;
    Ok(copy.query_row([], |row| Ok(Copied { log_pages: row.get(1)?, pages: row.get(2)? }))?)
}
