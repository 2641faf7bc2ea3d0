//! Retention: what has waited or lain for too long is given up as expired, and what is settled is removed, oldest first. The readers
//! here find what may go, beside the writer; the writer looks again at each, and stops after a moment: others wait for it.
//!
//! What stays whatever its age: events that are the evidence of an identifier or of something said about consent, with their
//! messages; events that others repeat, as long as those are there, since a repetition has its body from them; and the last row of each
//! table, whose place says where the next one goes.

use std::time::Duration;

use rusqlite::OptionalExtension;
use snodo_core::Timestamp;

use crate::{EventSeq, MessageSeq, Reader, StoreError};

mod expire;
mod gone;
mod remove;

pub use expire::{InFlight, Overdue, Patience};
pub use gone::{Gone, GoneEvent};
pub use remove::{Removal, Removed};

/// How long the writer works on one call. Fewer rows are done where a row takes longer.
pub const MOMENT: Duration = Duration::from_millis(20);

/// How much is found at once.
pub const FOUND_MAX: usize = 200;

/// Of one message so many events at once: a page of a poll can hold thousands.
pub const EVENTS_MAX: usize = 100;

/// How far a call of the writer came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// How many of what it was given it is through with: 0 where of the first there may be more.
    pub done: usize,
    pub removed: Removed,
}

impl Reader {
    /// What the rows take, in bytes: pages that are free are used again before the file grows, so they do not count.
    pub fn used_bytes(&self) -> Result<u64, StoreError> {
        self.snapshot(|sqlite| {
            let number = |pragma| sqlite.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
            let pages = number("page_count")? - number("freelist_count")?;
            Ok(u64::try_from(pages * number("page_size")?).unwrap_or(0))
        })
    }

    /// The place of the last message that was received until then; 0 if there is none.
    pub fn received_until(&self, until: Timestamp) -> Result<MessageSeq, StoreError> {
        self.snapshot(|sqlite| {
            let mut last = sqlite.prepare_cached(
                "SELECT seq FROM message WHERE received <= ?1 ORDER BY received DESC, seq DESC LIMIT 1",
            )?;
            Ok(last.query_row([until.as_millis()], |row| row.get(0)).optional()?.unwrap_or_default())
        })
    }

    /// Messages after `after`, up to `last`, of which something may be removed: events accepted until then, all of whose deliveries have
    /// ended well. Oldest first, some at a time.
    pub fn removable(
        &self,
        until: Timestamp,
        after: MessageSeq,
        last: MessageSeq,
    ) -> Result<Vec<MessageSeq>, StoreError> {
        self.snapshot(|sqlite| {
            let mut found = sqlite.prepare_cached(&remove::MESSAGES)?;
            let rows =
                found.query_map((until.as_millis(), after, last, FOUND_MAX as i64), |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Events that have been in quarantine since then or longer, some at a time.
    pub fn quarantined_until(&self, until: Timestamp, after: EventSeq) -> Result<Vec<EventSeq>, StoreError> {
        self.snapshot(|sqlite| {
            let mut found = sqlite.prepare_cached(&remove::QUARANTINED)?;
            let rows = found.query_map((until.as_millis(), after, FOUND_MAX as i64), |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The same for messages that are in quarantine whole.
    pub fn undecoded_until(
        &self,
        until: Timestamp,
        after: MessageSeq,
    ) -> Result<Vec<MessageSeq>, StoreError> {
        self.snapshot(|sqlite| {
            let mut found = sqlite.prepare_cached(
                "SELECT message FROM settled_message INDEXED BY settled_message_quarantined \
                 WHERE problem IS NOT NULL AND at <= ?1 AND message > ?2 ORDER BY message LIMIT ?3",
            )?;
            let rows = found.query_map((until.as_millis(), after, FOUND_MAX as i64), |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}
