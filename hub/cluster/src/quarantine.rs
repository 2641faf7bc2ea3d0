//! What waits for a person: messages nobody could decode, events that broke a rule, deliveries that failed for good. Reads only;
//! `Cluster::requeue` takes them out again.

use snodo_core::MessageId;
use snodo_store::{MessageRow, Quarantine, StoreError};

use crate::reader::count;
use crate::trail::messages;
use crate::{Reader, row};

impl Reader {
    /// The newest of each, at most `limit`.
    pub fn quarantine(&self, limit: usize) -> Result<Quarantine, StoreError> {
        let limit = count(limit);
        let unreadable = format!("{} WHERE s.problem IS NOT NULL ORDER BY m.seq DESC LIMIT $1", messages());
        let events = format!(
            "SELECT {}, {} FROM event e WHERE e.verdict = 'quarantined' ORDER BY e.seq DESC LIMIT $1",
            row::EVENT,
            row::EVENT_ROW
        );
        let failed = format!(
            "SELECT {} FROM delivery d WHERE d.fate IN ('quarantined', 'dead') ORDER BY d.seq DESC LIMIT $1",
            row::DELIVERY
        );
        let (unreadable, events, failed) = self.snapshot(async |client| {
            let unreadable = client.query(&unreadable, &[&limit]).await?;
            let events = client.query(&events, &[&limit]).await?;
            Ok((unreadable, events, client.query(&failed, &[&limit]).await?))
        })?;
        Ok(Quarantine {
            messages: unreadable.iter().map(row::message_row).collect::<Result<_, _>>()?,
            events: events.iter().map(row::event_row).collect::<Result<_, _>>()?,
            deliveries: failed.iter().map(row::delivery).collect::<Result<_, _>>()?,
        })
    }

    /// The message in quarantine whose id this is.
    pub fn quarantined_message(&self, id: MessageId) -> Result<Option<MessageRow>, StoreError> {
        let sql = format!("{} WHERE s.problem IS NOT NULL AND m.id = $1", messages());
        let found = self.with(async |client| client.query_opt(&sql, &[&&id.as_bytes()[..]]).await)?;
        found.as_ref().map(row::message_row).transpose()
    }
}
