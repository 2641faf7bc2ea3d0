//! What a child was answered, as its parent heard it, and whether a store has all of it.

use std::collections::HashMap;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use snodo_core::{Fate, Timestamp};
use snodo_store::{AsOf, Decoding, EventSeq, MessageSeq, Options, Outcome, Recorded, Store, StoreError};

use crate::bench::*;

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
