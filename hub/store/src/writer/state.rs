//! What the writer remembers from one transaction to the next, and what a call sees of it while it writes.

use std::cell::OnceCell;
use std::path::Path;

use rusqlite::Connection;
use snodo_core::Timestamp;

use super::Statements;
use crate::ledger::{self, Tally};
use crate::store::Options;
use crate::{DeliverySeq, EventSeq, MessageSeq, StoreError};

/// The ends of the tables, and the ledger's numbers. Put back as it was when a transaction is taken back.
#[derive(Clone, Default)]
pub(crate) struct State {
    pub tally: Tally,
    pub consent_change: i64,
    message: i64,
    event: i64,
    delivery: i64,
    /// The time of the last event: times never fall, whatever the clock does.
    now: Timestamp,
}

impl State {
    pub fn load(sqlite: &Connection) -> Result<Self, StoreError> {
        let number = |sql: &str| sqlite.query_row(sql, [], |row| row.get::<_, i64>(0));
        Ok(Self {
            tally: ledger::kept(sqlite)?,
            consent_change: number("SELECT coalesce(max(seq), 0) FROM consent_change")?,
            message: number("SELECT coalesce(max(seq), 0) FROM message")?,
            event: number("SELECT coalesce(max(seq), 0) FROM event")?,
            delivery: number("SELECT coalesce(max(seq), 0) FROM delivery")?,
            now: Timestamp::from_millis(number("SELECT coalesce(max(accepted), 0) FROM event")?),
        })
    }

    pub fn save(&self, statements: &Statements<'_>) -> Result<(), StoreError> {
        let numbers = serde_json::to_string(&self.tally).expect("a tally is made of numbers");
        let mut save = statements.prepare("INSERT OR REPLACE INTO tally (one, numbers) VALUES (1, ?1)")?;
        save.execute([numbers])?;
        Ok(())
    }

    pub fn next_message(&mut self) -> MessageSeq {
        self.message += 1;
        MessageSeq(self.message)
    }

    pub fn next_event(&mut self) -> EventSeq {
        self.event += 1;
        EventSeq(self.event)
    }

    /// The delivery that comes next, without taking its place.
    pub const fn delivery_end(&self) -> DeliverySeq {
        DeliverySeq(self.delivery + 1)
    }

    pub fn next_delivery(&mut self) -> DeliverySeq {
        self.delivery += 1;
        DeliverySeq(self.delivery)
    }

    pub fn next_consent_change(&mut self) -> i64 {
        self.consent_change += 1;
        self.consent_change
    }
}

/// An open transaction.
pub(crate) struct Writing<'a, 'c> {
    pub statements: &'a Statements<'c>,
    pub state: &'a mut State,
    pub now: Timestamp,
    pub options: &'a Options,
    directory: &'a Path,
    free_bytes: OnceCell<u64>,
}

impl<'a, 'c> Writing<'a, 'c> {
    pub fn new(
        statements: &'a Statements<'c>,
        state: &'a mut State,
        options: &'a Options,
        directory: &'a Path,
    ) -> Self {
        let now = (options.clock)().max(state.now);
        state.now = now;
        Self { statements, state, now, options, directory, free_bytes: OnceCell::new() }
    }

    /// New messages stop while there is still room to settle what is here.
    pub fn check_room(&self) -> Result<(), StoreError> {
        let free = match self.free_bytes.get() {
            Some(free) => *free,
            None => {
                *self.free_bytes.get_or_init(|| self.options.free_bytes(self.directory).unwrap_or(u64::MAX))
            }
        };
        if free < self.options.reserve_bytes { Err(StoreError::Full) } else { Ok(()) }
    }
}
