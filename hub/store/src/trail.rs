//! An event's whole way: the message it came in, what was decided about it, where it went, and every attempt. Reads only.

use rusqlite::{Connection, OptionalExtension};
use snodo_core::{Message, Timestamp};

use crate::{
    DeliveryRow, EventRow, EventSeq, MessageRow, MessageSeq, Reader, Standing, StoreError, find, row,
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trail {
    pub message: MessageRow,
    pub event: EventRow,
    /// The identifiers that the hub has of its customer: namespace, and since when.
    pub identifiers: Vec<(String, Timestamp)>,
    pub deliveries: Vec<Attempts>,
    /// Other events with the same id: repetitions, and those in quarantine for their body.
    pub others: Vec<EventRow>,
}

/// A delivery with its attempts as JSON, first to last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempts {
    pub delivery: DeliveryRow,
    pub attempts: Vec<String>,
}

/// Of the events with one id, how many are shown.
const OTHERS_MAX: i64 = 20;

impl Reader {
    pub fn trail(&self, seq: EventSeq) -> Result<Option<Trail>, StoreError> {
        let Some(event) = self.event(seq)? else { return Ok(None) };
        let identifiers =
            event.customer.map_or_else(|| Ok(Vec::new()), |customer| self.identifiers_of(customer))?;
        self.snapshot(|sqlite| {
            let message = message_row(sqlite, event.message)?.ok_or_else(|| {
                StoreError::corrupt(format!("event {seq} has no message {}", event.message))
            })?;
            let others = format!(
                "SELECT {}, {} FROM event e WHERE e.id = ?1 AND e.seq <> ?2 ORDER BY e.seq LIMIT ?3",
                row::EVENT,
                row::EVENT_ROW
            );
            let values = [event.event.id.as_bytes().to_vec().into(), seq.0.into(), OTHERS_MAX.into()];
            let others = find::rows(sqlite, &others, values)?;
            Ok(Some(Trail { message, deliveries: deliveries(sqlite, seq)?, event, identifiers, others }))
        })
    }

    /// A message and where it stands.
    pub fn message(&self, seq: MessageSeq) -> Result<Option<MessageRow>, StoreError> {
        self.snapshot(|sqlite| message_row(sqlite, seq))
    }
}

pub(crate) fn message_row(sqlite: &Connection, seq: MessageSeq) -> Result<Option<MessageRow>, StoreError> {
    let sql = format!("SELECT {} FROM message m WHERE m.seq = ?1", row::MESSAGE);
    let found: Option<(MessageSeq, Message)> =
        sqlite.prepare_cached(&sql)?.query_row([seq], row::message).optional()?;
    let Some((seq, message)) = found else { return Ok(None) };
    let mut settled =
        sqlite.prepare_cached("SELECT at, events, problem FROM settled_message WHERE message = ?1")?;
    let standing = settled.query_row([seq], |row| {
        let at = Timestamp::from_millis(row.get(0)?);
        Ok(match row.get(2)? {
            Some(problem) => Standing::Quarantined { problem, at },
            None => Standing::Decoded { events: row.get(1)?, at },
        })
    });
    Ok(Some(MessageRow { seq, message, standing: settled_or_pending(standing)? }))
}

fn settled_or_pending(standing: rusqlite::Result<Standing>) -> rusqlite::Result<Standing> {
    Ok(standing.optional()?.unwrap_or(Standing::Pending))
}

fn deliveries(sqlite: &Connection, event: EventSeq) -> Result<Vec<Attempts>, StoreError> {
    let sql = format!(
        "SELECT {} FROM event e CROSS JOIN delivery d ON d.seq IN ({}) WHERE e.seq = ?1 ORDER BY d.seq",
        row::DELIVERY,
        row::DELIVERIES
    );
    let mut statement = sqlite.prepare_cached(&sql)?;
    let mut earlier = sqlite.prepare_cached("SELECT record FROM attempt WHERE delivery = ?1 ORDER BY n")?;
    let mut found = Vec::new();
    for delivery in statement.query_map([event], row::delivery)? {
        let delivery = delivery?;
        let rows = earlier.query_map([delivery.seq], |row| row.get(0))?;
        let mut attempts = rows.collect::<Result<Vec<String>, _>>()?;
        attempts.extend(delivery.last.clone());
        found.push(Attempts { delivery, attempts });
    }
    Ok(found)
}
