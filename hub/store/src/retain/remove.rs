//! Removes what is settled, and counts it among what was removed: rows and that together are what the writer keeps.

use std::ops::ControlFlow;
use std::sync::LazyLock;

use rusqlite::{OptionalExtension, params};
use snodo_core::Timestamp;

use super::{EVENTS_MAX, Gone, GoneEvent, Progress};
use crate::ledger;
use crate::writer::Writing;
use crate::{EventSeq, MessageSeq, StoreError, row};

/// What is to be removed.
#[derive(Clone, Debug)]
pub enum Removal {
    /// Of these messages the events that were accepted until then and are settled.
    Settled { messages: Vec<MessageSeq>, until: Timestamp },
    /// These events, if they are in quarantine.
    Quarantined(Vec<EventSeq>),
    /// These messages, if they are in quarantine whole.
    Undecoded(Vec<MessageSeq>),
}

/// How many rows of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    pub messages: u64,
    pub events: u64,
    pub deliveries: u64,
    pub attempts: u64,
}

impl Removed {
    pub const fn add(&mut self, other: Self) {
        self.messages += other.messages;
        self.events += other.events;
        self.deliveries += other.deliveries;
        self.attempts += other.attempts;
    }
}

/// That the event `e` is nobody's evidence, nobody's original, and not the last one.
const IS_SPENT: &str = "e.seq < (SELECT max(seq) FROM event) \
     AND (e.deliveries = 0 OR e.first_delivery + e.deliveries <= (SELECT max(seq) FROM delivery)) \
     AND NOT EXISTS (SELECT 1 FROM identifier i INDEXED BY identifier_customer WHERE i.customer = e.customer AND i.event = e.seq) \
     AND NOT EXISTS (SELECT 1 FROM consent_change c INDEXED BY consent_change_customer \
         WHERE c.customer = e.customer AND c.event = e.seq) \
     AND NOT EXISTS (SELECT 1 FROM event r INDEXED BY event_id \
         WHERE r.id = e.id AND r.verdict = 'duplicate' AND r.duplicate_of = e.seq)";

/// That the event `e` was accepted until `?1`, has ended well everywhere, and is spent.
static IS_SETTLED: LazyLock<String> = LazyLock::new(|| {
    format!(
        "e.accepted <= ?1 AND e.verdict <> 'quarantined' AND NOT EXISTS (SELECT 1 FROM delivery WHERE seq IN ({}) \
             AND (fate IS NULL OR fate IN ('quarantined', 'dead') OR (added = 1 AND seq = (SELECT max(seq) FROM delivery)))) \
         AND {IS_SPENT}",
        row::DELIVERIES
    )
});

/// That the message `s` will not be decoded again: that would bring the events back that are gone.
const IS_DECODED: &str = "s.problem IS NULL AND NOT EXISTS (SELECT 1 FROM event q INDEXED BY event_message \
     WHERE q.message = s.message AND q.verdict = 'quarantined')";

pub(super) static MESSAGES: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT s.message FROM settled_message s WHERE s.message > ?2 AND s.message <= ?3 AND s.received <= ?1 AND {IS_DECODED} \
         AND (NOT EXISTS (SELECT 1 FROM event WHERE message = s.message) \
             OR EXISTS (SELECT 1 FROM event e INDEXED BY event_message WHERE e.message = s.message AND {})) \
         AND s.message < (SELECT max(seq) FROM message) ORDER BY s.message LIMIT ?4",
        *IS_SETTLED
    )
});

pub(super) static QUARANTINED: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT e.seq FROM event e INDEXED BY event_quarantined WHERE e.verdict = 'quarantined' AND e.accepted <= ?1 \
         AND e.seq > ?2 AND {IS_SPENT} ORDER BY e.seq LIMIT ?3"
    )
});

static SETTLED_OF: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT e.seq FROM event e INDEXED BY event_message CROSS JOIN settled_message s ON s.message = e.message \
         WHERE e.message = ?2 AND {IS_DECODED} AND {} ORDER BY e.seq LIMIT {EVENTS_MAX}",
        *IS_SETTLED
    )
});

static IS_QUARANTINED: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT e.message FROM event e CROSS JOIN settled_message s ON s.message = e.message \
         WHERE e.seq = ?1 AND e.verdict = 'quarantined' AND {IS_SPENT}"
    )
});

static COUNT_DELIVERIES: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT d.route, d.fate, count(*) FROM event e CROSS JOIN delivery d ON d.seq IN ({}) WHERE e.seq = ?1 GROUP BY d.route, d.fate",
        row::DELIVERIES
    )
});

static REMOVE_ATTEMPTS: LazyLock<String> = LazyLock::new(|| of_deliveries("attempt", "delivery"));
static REMOVE_DELIVERIES: LazyLock<String> = LazyLock::new(|| of_deliveries("delivery", "seq"));

fn of_deliveries(table: &str, column: &str) -> String {
    format!(
        "DELETE FROM {table} WHERE {column} IN (SELECT d.seq FROM event e CROSS JOIN delivery d ON d.seq IN ({}) WHERE e.seq = ?1)",
        row::DELIVERIES
    )
}

impl Writing<'_, '_> {
    /// As much as a moment allows.
    pub fn remove(&mut self, removal: &Removal) -> Result<Progress, StoreError> {
        let before = ledger::removed(self.statements.sqlite)?;
        let mut gone = Gone::new(before.clone());
        let done = match removal {
            Removal::Settled { messages, until } => self.for_a_moment(messages, |writing, message| {
                writing.remove_settled(*message, *until, &mut gone)
            }),
            Removal::Quarantined(events) => self.for_a_moment(events, |writing, event| {
                writing.remove_quarantined_event(*event, &mut gone)?;
                Ok(ControlFlow::Continue(()))
            }),
            Removal::Undecoded(messages) => self.for_a_moment(messages, |writing, message| {
                writing.remove_message(*message, &mut gone)?;
                Ok(ControlFlow::Continue(()))
            }),
        }?;
        let Gone { balance, removed } = gone;
        if balance != before {
            let numbers = serde_json::to_string(&balance).expect("a balance is made of numbers");
            let mut save =
                self.statements.prepare("INSERT OR REPLACE INTO removed (one, numbers) VALUES (1, ?1)")?;
            save.execute([numbers])?;
        }
        Ok(Progress { done, removed })
    }

    /// Breaks off where there may be more of the message.
    fn remove_settled(
        &mut self,
        message: MessageSeq,
        until: Timestamp,
        gone: &mut Gone,
    ) -> Result<ControlFlow<()>, StoreError> {
        let mut find = self.statements.prepare(SETTLED_OF.as_str())?;
        let rows = find.query_map((until.as_millis(), message), |row| row.get(0))?;
        let events = rows.collect::<Result<Vec<EventSeq>, _>>()?;
        drop(find);
        for event in &events {
            self.remove_event(*event, gone)?;
        }
        if events.len() >= EVENTS_MAX {
            return Ok(ControlFlow::Break(()));
        }
        let mut find =
            self.statements.prepare("SELECT problem IS NULL FROM settled_message WHERE message = ?1")?;
        let decoded: Option<bool> = find.query_row([message], |row| row.get(0)).optional()?;
        drop(find);
        if decoded == Some(true) {
            self.remove_message(message, gone)?;
        }
        Ok(ControlFlow::Continue(()))
    }

    fn remove_quarantined_event(&mut self, event: EventSeq, gone: &mut Gone) -> Result<(), StoreError> {
        let mut find = self.statements.prepare(IS_QUARANTINED.as_str())?;
        let message: Option<MessageSeq> = find.query_row([event], |row| row.get(0)).optional()?;
        drop(find);
        let Some(message) = message else { return Ok(()) };
        self.remove_event(event, gone)?;
        self.remove_message(message, gone)
    }

    fn remove_event(&mut self, event: EventSeq, gone: &mut Gone) -> Result<(), StoreError> {
        let mut count = self.statements.prepare(COUNT_DELIVERIES.as_str())?;
        let mut rows = count.query([event])?;
        while let Some(row) = rows.next()? {
            let fate = row::fate(row, 1)?.expect("what is in flight is not removed");
            gone.deliveries(row.get(0)?, fate, row.get(2)?);
        }
        drop(rows);
        gone.removed.attempts += self.statements.prepare(REMOVE_ATTEMPTS.as_str())?.execute([event])? as u64;
        self.statements.prepare(REMOVE_DELIVERIES.as_str())?.execute([event])?;
        let mut remove = self
            .statements
            .prepare("DELETE FROM event WHERE seq = ?1 RETURNING verdict, routes, filtered, message")?;
        let (verdict, routes, filtered, message): (String, i64, i64, MessageSeq) =
            remove.query_row([event], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
        drop(remove);
        gone.event(GoneEvent { verdict: &verdict, routes, filtered }, &mut self.state.tally);
        let mut fewer =
            self.statements.prepare("UPDATE settled_message SET events = events - 1 WHERE message = ?1")?;
        fewer.execute([message])?;
        Ok(())
    }

    /// A message that has no events and waits for nothing: it may be the last one.
    fn remove_message(&mut self, message: MessageSeq, gone: &mut Gone) -> Result<(), StoreError> {
        let mut settled = self.statements.prepare(
            "DELETE FROM settled_message WHERE message = ?1 AND message < (SELECT max(seq) FROM message) \
                 AND NOT EXISTS (SELECT 1 FROM event WHERE message = ?1) RETURNING problem IS NULL",
        )?;
        let decoded: Option<bool> = settled.query_row([message], |row| row.get(0)).optional()?;
        drop(settled);
        let Some(decoded) = decoded else { return Ok(()) };
        self.statements.prepare("DELETE FROM message WHERE seq = ?1")?.execute(params![message])?;
        gone.message(decoded);
        Ok(())
    }
}
