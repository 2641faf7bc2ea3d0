//! What waits for a person: messages nobody could decode, events that broke a rule, deliveries that failed for good. Reads
//! only; `Store::requeue` takes them out again.

use snodo_core::MessageId;

use crate::{DeliveryRow, EventRow, MessageRow, MessageSeq, Reader, StoreError, find, row, trail};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quarantine {
    pub messages: Vec<MessageRow>,
    pub events: Vec<EventRow>,
    /// In quarantine, or dead.
    pub deliveries: Vec<DeliveryRow>,
}

impl Reader {
    /// The newest of each, at most `limit`.
    pub fn quarantine(&self, limit: usize) -> Result<Quarantine, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let events = format!(
            "SELECT {}, {} FROM event e INDEXED BY event_quarantined WHERE e.verdict = 'quarantined' \
             ORDER BY e.seq DESC LIMIT ?1",
            row::EVENT,
            row::EVENT_ROW
        );
        let deliveries = format!(
            "SELECT {} FROM delivery d INDEXED BY delivery_failed WHERE d.fate IN ('quarantined', 'dead') \
             ORDER BY d.seq DESC LIMIT ?1",
            row::DELIVERY
        );
        self.snapshot(|sqlite| {
            let mut quarantine = Quarantine::default();
            let mut messages = sqlite.prepare_cached(
                "SELECT message FROM settled_message INDEXED BY settled_message_quarantined \
                 WHERE problem IS NOT NULL ORDER BY message DESC LIMIT ?1",
            )?;
            for seq in messages.query_map([limit], |row| row.get::<_, MessageSeq>(0))? {
                quarantine.messages.extend(trail::message_row(sqlite, seq?)?);
            }
            quarantine.events = find::rows(sqlite, &events, [limit.into()])?;
            let mut statement = sqlite.prepare_cached(&deliveries)?;
            quarantine.deliveries = statement.query_map([limit], row::delivery)?.collect::<Result<_, _>>()?;
            Ok(quarantine)
        })
    }

    /// The message in quarantine whose id this is.
    pub fn quarantined_message(&self, id: MessageId) -> Result<Option<MessageRow>, StoreError> {
        self.snapshot(|sqlite| {
            let mut find = sqlite.prepare_cached(
                "SELECT m.seq FROM settled_message s INDEXED BY settled_message_quarantined \
                 CROSS JOIN message m ON m.seq = s.message WHERE s.problem IS NOT NULL AND m.id = ?1 LIMIT 1",
            )?;
            let mut rows = find.query([&id.as_bytes()[..]])?;
            match rows.next()? {
                Some(row) => trail::message_row(sqlite, row.get(0)?),
                None => Ok(None),
            }
        })
    }
}
