//! A child process that writes into a store from several threads and says what was answered. That must be there, whatever has become
//! of the child or of its disk.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use snodo_core::{Fate, Timestamp};
use snodo_store::{
    AsOf, Decoding, Due, MessageSeq, Options, Outcome, Recorded, RecordedEvent, Settlement, Store, StoreError,
};

use crate::bench::*;

mod answered;

pub use answered::Answered;

/// Where the child writes.
const CHILD: &str = "SNODO_STORE_CHILD";
/// After so many answers it closes the store and ends. Without it, it writes until it is killed.
const ANSWERS: &str = "SNODO_STORE_CHILD_ANSWERS";
const BODY_BYTES: &str = "SNODO_STORE_CHILD_BODY_BYTES";
const RESERVE_BYTES: &str = "SNODO_STORE_CHILD_RESERVE_BYTES";
/// A file beside the data directory that only takes room, until the child has heard often enough that there is none.
const BALLAST_BYTES: &str = "SNODO_STORE_CHILD_BALLAST_BYTES";
const FULL_ENOUGH: usize = 100;
/// Then it gives up on settling what is there.
const FULL_MAX: usize = 20_000;

const ACCEPTING: usize = 3;

/// What a child is to do.
#[derive(Clone)]
pub struct Task {
    pub answers: usize,
    pub body_bytes: usize,
    pub reserve_bytes: u64,
    pub ballast_bytes: usize,
}

impl Default for Task {
    fn default() -> Self {
        Self { answers: usize::MAX, body_bytes: 1000, reserve_bytes: 1 << 20, ballast_bytes: 0 }
    }
}

/// The command that starts this test again as a child. The test calls `write_if_child` first.
pub fn child(test: &str, directory: &Path, task: &Task) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(CHILD, directory)
        .env(ANSWERS, task.answers.to_string())
        .env(BODY_BYTES, task.body_bytes.to_string())
        .env(RESERVE_BYTES, task.reserve_bytes.to_string())
        .env(BALLAST_BYTES, task.ballast_bytes.to_string());
    command
}

/// Does what a child does, and does not return from it.
pub fn write_if_child() {
    let Ok(directory) = std::env::var(CHILD) else { return };
    let number = |name| std::env::var(name).unwrap().parse::<usize>().unwrap();
    // The test harness has left a line open.
    say(format_args!(""));
    let ballast = Path::new(&directory).with_file_name("ballast");
    std::fs::write(&ballast, vec![0; number(BALLAST_BYTES)]).unwrap();
    let options = Options { reserve_bytes: number(RESERVE_BYTES) as u64, ..Options::default() };
    let store = match Store::open(directory, options) {
        Ok(store) => store,
        Err(error) => {
            say(format_args!("refused open {error} end"));
            std::process::exit(1);
        }
    };
    let begun = store.tally().unwrap().messages.accepted;
    let writing = Arc::new(Writing {
        store,
        begun,
        ballast,
        full: 0.into(),
        may_settle: number(RESERVE_BYTES) > 0,
        answers: 0.into(),
        enough: number(ANSWERS),
        body_bytes: number(BODY_BYTES),
    });
    let threads: Vec<_> = (0..ACCEPTING)
        .map(|thread| {
            let writing = writing.clone();
            std::thread::spawn(move || writing.accept(thread))
        })
        .collect();
    writing.carry();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    writing.store.close_blocking();
    std::process::exit(0);
}

struct Writing {
    store: Store,
    begun: i64,
    ballast: PathBuf,
    full: AtomicUsize,
    /// There is a reserve for it.
    may_settle: bool,
    answers: AtomicUsize,
    enough: usize,
    body_bytes: usize,
}

impl Writing {
    fn is_enough(&self) -> bool {
        self.answers.load(Ordering::Relaxed) >= self.enough
    }

    /// Says what a call was answered with, and hands it on if it was good.
    fn answered<T>(&self, what: &str, answer: Result<T, StoreError>) -> Option<T> {
        self.answers.fetch_add(1, Ordering::Relaxed);
        match answer {
            Ok(answer) => Some(answer),
            Err(error) => {
                let kind = if matches!(error, StoreError::Full) { "full" } else { "failed" };
                say(format_args!("refused {what} {kind} end"));
                self.make_room();
                // A disk that is full stays so for a moment.
                std::thread::sleep(Duration::from_millis(1));
                None
            }
        }
    }

    /// Once it has been full for a while, and what was there is settled.
    fn make_room(&self) {
        let full = self.full.fetch_add(1, Ordering::Relaxed);
        if full < FULL_ENOUGH || !self.ballast.exists() {
            return;
        }
        let tally = self.store.tally().unwrap();
        let left = tally.messages.pending + tally.in_flight;
        if left == 0 || !self.may_settle || full > FULL_MAX {
            // Several threads may come to this at once.
            if std::fs::remove_file(&self.ballast).is_ok() {
                say(format_args!("refused room {left} end"));
            }
        }
    }

    fn accept(&self, thread: usize) {
        for n in 0.. {
            if self.is_enough() {
                return;
            }
            let told = format!("{}-{thread}-{n}", self.begun);
            let body = format!("{told:_<width$}", width = self.body_bytes);
            let answer = wait(self.store.accept(message("shop", &body, Timestamp::from_millis(START))));
            if let Some(seq) = self.answered("accept", answer) {
                say(format_args!("accepted {seq} {told} end"));
            }
        }
    }

    /// Decodes what has come and settles what is due, until there is enough of it.
    fn carry(&self) {
        while !self.is_enough() {
            let waiting = self.store.pending_messages(&name("shop"), MessageSeq(0), 64, MANY).unwrap();
            let mut due = claimed(&self.store, &name("crm"), Timestamp::from_millis(START));
            due.truncate(64);
            if waiting.is_empty() && due.is_empty() {
                std::thread::yield_now();
            }
            if !waiting.is_empty() {
                self.record(waiting.into_iter().map(|(seq, _)| seq));
            }
            if !due.is_empty() {
                self.settle(&due);
            }
        }
    }

    fn record(&self, messages: impl Iterator<Item = MessageSeq>) {
        let batch = messages.map(|message| Recorded {
            message,
            result: Decoding::Decoded(vec![event(&message.to_string(), "a")]),
        });
        let answer = self.store.record_blocking(batch.collect(), AsOf::default());
        self.answered("record", answer).unwrap_or_default().iter().for_each(say_recorded);
    }

    fn settle(&self, due: &[Due]) {
        let batch: Vec<_> = due.iter().map(|due| settled(due, becomes(due))).collect();
        if self.answered("settle", self.store.settle_blocking(batch)).is_some() {
            due.iter().for_each(say_settled);
        }
    }
}

fn becomes(due: &Due) -> Settlement {
    match (due.seq.0 % 3, due.attempt) {
        (0, _) => finally(Fate::Dead),
        (1, 1) => Settlement::Again { due: Timestamp::from_millis(1) },
        _ => finally(Fate::Delivered),
    }
}

fn say_recorded(event: &RecordedEvent) {
    let Outcome::Routed(deliveries) = &event.outcome else { panic!("{event:?}") };
    say(format_args!("recorded {} {} {} end", event.message, event.seq, deliveries.start));
}

fn say_settled(due: &Due) {
    let fate = match becomes(due) {
        Settlement::Final { fate, .. } => fate.as_str(),
        _ => "flight",
    };
    say(format_args!("settled {} {fate} {} end", due.seq, due.attempt));
}

/// One line in one piece: a line that a kill has cut off does not end in `end`.
fn say(line: std::fmt::Arguments<'_>) {
    let line = format!("{line}\n");
    std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
}
