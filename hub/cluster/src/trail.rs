//! An event's whole way: the message it came in, what was decided about it, where it went, and every attempt. Reads only.

use std::collections::HashMap;

use snodo_store::{Attempts, DeliveryRow, EventSeq, MessageRow, MessageSeq, StoreError, Trail};

use crate::{Reader, row};

/// Of the events with one id, how many are shown.
const OTHERS_MAX: i64 = 20;

impl Reader {
    /// Fates may come between its parts: it shows each as it was when it was read.
    pub fn trail(&self, seq: EventSeq) -> Result<Option<Trail>, StoreError> {
        let Some(event) = self.event(seq)? else { return Ok(None) };
        let identifiers =
            event.customer.map_or_else(|| Ok(Vec::new()), |customer| self.identifiers_of(customer))?;
        let message = self.message(event.message)?;
        let message = message
            .ok_or_else(|| StoreError::corrupt(format!("event {seq} has no message {}", event.message)))?;
        let id = &event.event.id.as_bytes()[..];
        let others = self
            .event_rows("e.id = $1 AND e.seq <> $2 ORDER BY e.seq LIMIT $3", &[&id, &seq.0, &OTHERS_MAX])?;
        Ok(Some(Trail { message, deliveries: self.attempts(seq)?, identifiers, others, event }))
    }

    /// A message and where it stands.
    pub fn message(&self, seq: MessageSeq) -> Result<Option<MessageRow>, StoreError> {
        let sql = format!("{} WHERE m.seq = $1", messages());
        let found = self.with(async |client| client.query_opt(&sql, &[&seq.0]).await)?;
        found.as_ref().map(row::message_row).transpose()
    }

    fn attempts(&self, event: EventSeq) -> Result<Vec<Attempts>, StoreError> {
        let sql = format!("SELECT {} FROM delivery d WHERE d.event = $1 ORDER BY d.seq", row::DELIVERY);
        let earlier = "SELECT a.delivery, a.record FROM attempt a JOIN delivery d ON d.seq = a.delivery WHERE d.event = $1 \
             ORDER BY a.delivery, a.n";
        let (deliveries, earlier) = self.snapshot(async |client| {
            Ok((client.query(&sql, &[&event.0]).await?, client.query(earlier, &[&event.0]).await?))
        })?;
        let mut records: HashMap<i64, Vec<String>> = HashMap::new();
        for row in &earlier {
            records.entry(row.get(0)).or_default().push(row.get(1));
        }
        let with_attempts = |row| {
            let delivery: DeliveryRow = row::delivery(row)?;
            let mut attempts = records.remove(&delivery.seq.0).unwrap_or_default();
            attempts.extend(delivery.last.clone());
            Ok(Attempts { delivery, attempts })
        };
        deliveries.iter().map(with_attempts).collect()
    }
}

/// What `row::message_row` reads.
pub(crate) fn messages() -> String {
    format!(
        "SELECT {}, {} FROM message m LEFT JOIN settled_message s ON s.message = m.seq",
        row::MESSAGE,
        row::STANDING
    )
}
