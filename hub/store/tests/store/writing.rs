//! A child process that writes into a store from several threads and says what was answered, and what its parent makes of that. What
//! was answered must be there, whatever has become of the child or of its disk.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use snodo_core::{Fate, Timestamp};
use snodo_store::{
    AsOf, Decoding, Due, EventSeq, MessageSeq, Options, Outcome, Recorded, RecordedEvent, Settlement, Store,
    StoreError,
};

use crate::bench::*;

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
            let batch = waiting.into_iter().map(|(seq, _)| Recorded {
                message: seq,
                result: Decoding::Decoded(vec![event(&seq.to_string(), "a")]),
            });
            let answer = self.store.record_blocking(batch.collect(), AsOf::default());
            self.answered("record", answer).unwrap_or_default().iter().for_each(say_recorded);
            let due = claimed(&self.store, &name("crm"), Timestamp::from_millis(START));
            let batch: Vec<_> = due.iter().take(64).map(|due| settled(due, becomes(due))).collect();
            if self.answered("settle", self.store.settle_blocking(batch)).is_some() {
                due.iter().take(64).for_each(say_settled);
            }
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

/// What a child was answered.
#[derive(Clone, Default)]
pub struct Answered {
    /// By place, the beginning of the body.
    pub messages: HashMap<i64, String>,
    /// By place, of which message it is.
    pub events: HashMap<i64, i64>,
    /// By place, the fate or `flight`, and the number of attempts.
    pub deliveries: HashMap<i64, (String, u32)>,
    pub refused: Vec<String>,
}

impl Answered {
    pub fn count(&self) -> usize {
        self.messages.len() + self.events.len() + self.deliveries.len()
    }

    /// What the test harness says, or a line that was cut off, is nothing.
    pub fn hear(&mut self, line: &str) {
        let words: Vec<_> = line.split(' ').collect();
        let number = |word: &str| word.parse().unwrap();
        match words[..] {
            ["accepted", seq, told, "end"] => drop(self.messages.insert(number(seq), told.to_owned())),
            ["recorded", message, event, delivery, "end"] => {
                self.events.insert(number(event), number(message));
                self.deliveries.entry(number(delivery)).or_insert_with(|| ("flight".into(), 0));
            }
            ["settled", seq, fate, attempts, "end"] => {
                let attempts = attempts.parse().unwrap();
                self.deliveries.insert(number(seq), (fate.to_owned(), attempts));
            }
            ["refused", .., "end"] => self.refused.push(line.to_owned()),
            _ => {}
        }
    }

    /// The store in that directory has all of it, its ledger agrees, and it goes on working. Otherwise: what is wrong.
    pub fn check(&self, directory: &Path) -> Result<(), String> {
        let said = |error: StoreError| error.to_string();
        let store = Store::open(directory, Options::default()).map_err(said)?;
        for (seq, told) in &self.messages {
            let row = store.message(MessageSeq(*seq)).map_err(said)?;
            let row = row.ok_or_else(|| format!("message {seq} is lost"))?;
            if !row.message.body.starts_with(told.as_bytes()) {
                return Err(format!("message {seq} has another body"));
            }
        }
        for (seq, message) in &self.events {
            let row = store.event(EventSeq(*seq)).map_err(said)?;
            let row = row.ok_or_else(|| format!("event {seq} is lost"))?;
            if row.message.0 != *message || row.event.id != id(&message.to_string()) {
                return Err(format!("event {seq} is another one"));
            }
        }
        self.check_deliveries(directory)?;
        check_ledger(&store)?;
        check_goes_on(&store).map_err(said)?;
        check_ledger(&store)?;
        drop(store);
        check_file(directory)
    }

    fn check_deliveries(&self, directory: &Path) -> Result<(), String> {
        let said = |error: rusqlite::Error| error.to_string();
        let sqlite = look(directory).map_err(said)?;
        let mut find = sqlite
            .prepare("SELECT coalesce(fate, 'flight'), attempts FROM delivery WHERE seq = ?1")
            .map_err(said)?;
        for (seq, (fate, attempts)) in &self.deliveries {
            let found: (String, u32) = find
                .query_row([seq], |row| Ok((row.get(0)?, row.get(1)?)))
                .map_err(|_| format!("delivery {seq} is lost"))?;
            // It may have come further than its child could still say.
            if found.1 < *attempts || (found.1 == *attempts && found.0 != *fate) {
                return Err(format!("delivery {seq} is {found:?} and was ({fate}, {attempts})"));
            }
        }
        Ok(())
    }
}

fn look(directory: &Path) -> rusqlite::Result<Connection> {
    Connection::open_with_flags(directory.join("hub.db"), OpenFlags::SQLITE_OPEN_READ_ONLY)
}

fn check_ledger(store: &Store) -> Result<(), String> {
    let audit = store.audit().map_err(|error| error.to_string())?;
    let counted = &audit.counted;
    let missing = (counted.difference(), counted.messages_difference(), counted.events_difference());
    match audit.agrees() && missing == (0, 0, 0) {
        true => Ok(()),
        false => Err(format!("the ledger does not agree: {audit:?}")),
    }
}

/// A further message goes all its way.
fn check_goes_on(store: &Store) -> Result<(), StoreError> {
    let seq = wait(store.accept(message("till", "one more", Timestamp::from_millis(START))))?;
    let result = Decoding::Decoded(vec![event(&format!("more-{seq}"), "b")]);
    let recorded = store.record_blocking(vec![Recorded { message: seq, result }], AsOf::default())?;
    let Outcome::Routed(deliveries) = &recorded[0].outcome else { panic!("{recorded:?}") };
    let due = claimed(store, &name("crm"), Timestamp::from_millis(START));
    let due = due.iter().find(|due| deliveries.contains(&due.seq)).expect("what was recorded is due");
    store.settle_blocking(vec![settled(due, finally(Fate::Delivered))])
}

fn check_file(directory: &Path) -> Result<(), String> {
    let sqlite = look(directory).map_err(|error| error.to_string())?;
    match sqlite.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0)) {
        Ok(said) if said == "ok" => Ok(()),
        Ok(said) => Err(said),
        Err(error) => Err(error.to_string()),
    }
}
