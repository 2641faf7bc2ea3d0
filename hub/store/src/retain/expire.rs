//! Gives up what has waited, or has lain as failed, for too long: its fate is `expired`. A delivery that may be under way is left alone,
//! since whoever sends it settles it: what is due is judged where it is handed out.

use std::collections::BTreeMap;
use std::time::Instant;

use rusqlite::{OptionalExtension, params};
use snodo_core::declare::Order;
use snodo_core::{ChannelName, Fate, Timestamp};

use super::{FOUND_MAX, MOMENT};
use crate::writer::Writing;
use crate::{DeliverySeq, Reader, StoreError, row};

/// One that is due this soon may be handed out before the writer has come to it: far longer than a commit takes.
const UNDER_WAY_MILLIS: i64 = 60_000;

/// Deliveries in flight.
#[derive(Clone, Debug)]
pub struct Patience {
    /// Put on their way until then.
    pub until: Timestamp,
    /// The destinations that there are. Where a strict order is kept, what is handed out need not be due.
    pub destinations: BTreeMap<ChannelName, Order>,
}

impl Patience {
    /// Whether nobody can have it in hand.
    fn is_idle(&self, destination: &ChannelName, due_at: i64, now: Timestamp) -> bool {
        match self.destinations.get(destination) {
            None => true,
            Some(Order::Strict) => false,
            Some(Order::Key | Order::Free) => {
                due_at == row::WAITS || due_at > now.as_millis() + UNDER_WAY_MILLIS
            }
        }
    }
}

/// What `Reader::overdue` found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overdue {
    pub deliveries: Vec<DeliverySeq>,
    /// Since when the one is on its way that is longest, of those that have not waited long enough.
    pub next: Option<Timestamp>,
}

impl Reader {
    /// Deliveries that have failed until then, some at a time.
    pub fn failed_until(&self, until: Timestamp, after: DeliverySeq) -> Result<Vec<DeliverySeq>, StoreError> {
        self.snapshot(|sqlite| {
            let mut found = sqlite.prepare_cached(
                "SELECT seq FROM delivery INDEXED BY delivery_failed \
                 WHERE fate IN ('quarantined', 'dead') AND seq > ?2 AND settled_at <= ?1 ORDER BY seq LIMIT ?3",
            )?;
            let rows = found.query_map((until.as_millis(), after, FOUND_MAX as i64), |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Deliveries in flight that have waited long enough and that nobody has in hand, some at a time.
    pub fn overdue(&self, patience: &Patience, now: Timestamp) -> Result<Overdue, StoreError> {
        self.snapshot(|sqlite| {
            let mut rows = sqlite.prepare_cached(
                "SELECT d.seq, d.destination, d.due_at, coalesce(d.resumed_at, e.accepted) \
                 FROM delivery d INDEXED BY delivery_in_flight CROSS JOIN event e ON e.seq = d.event WHERE d.fate IS NULL",
            )?;
            let mut rows = rows.query([])?;
            let mut found = Overdue::default();
            while let Some(row) = rows.next()? {
                let since = Timestamp::from_millis(row.get(3)?);
                if since > patience.until {
                    found.next = Some(found.next.map_or(since, |next| next.min(since)));
                } else if patience.is_idle(&row::parsed(row, 1)?, row.get(2)?, now) {
                    found.deliveries.push(row.get(0)?);
                }
                if found.deliveries.len() >= FOUND_MAX {
                    break;
                }
            }
            Ok(found)
        })
    }
}

impl Writing<'_, '_> {
    /// Those of them that still have failed; how many of them were looked at.
    pub fn expire_failed(&mut self, deliveries: &[DeliverySeq], why: &str) -> Result<usize, StoreError> {
        self.for_a_moment(deliveries, |writing, seq| {
            let mut find = writing
                .statements
                .prepare("SELECT fate FROM delivery WHERE seq = ?1 AND fate IN ('quarantined', 'dead')")?;
            let fate = find.query_row([seq], |row| row::fate(row, 0)).optional()?.flatten();
            drop(find);
            let Some(fate) = fate else { return Ok(()) };
            writing.expire(*seq, why)?;
            writing.state.tally.fates[fate] -= 1;
            writing.state.tally.fates[Fate::Expired] += 1;
            Ok(())
        })
    }

    /// Those of them that still wait, and that nobody can have in hand; how many of them were looked at.
    pub fn expire_waiting(
        &mut self,
        deliveries: &[DeliverySeq],
        patience: &Patience,
        why: &str,
    ) -> Result<usize, StoreError> {
        self.for_a_moment(deliveries, |writing, seq| {
            let mut find = writing.statements.prepare(
                "SELECT d.destination, d.due_at, coalesce(d.resumed_at, e.accepted) \
                 FROM delivery d CROSS JOIN event e ON e.seq = d.event WHERE d.seq = ?1 AND d.fate IS NULL",
            )?;
            let found: Option<(ChannelName, i64, i64)> = find
                .query_row([seq], |row| Ok((row::parsed(row, 0)?, row.get(1)?, row.get(2)?)))
                .optional()?;
            drop(find);
            let Some((destination, due_at, since)) = found else { return Ok(()) };
            if since > patience.until.as_millis() || !patience.is_idle(&destination, due_at, writing.now) {
                return Ok(());
            }
            writing.expire(*seq, why)?;
            writing.state.tally.in_flight -= 1;
            writing.state.tally.fates[Fate::Expired] += 1;
            writing.let_next_go(*seq)
        })
    }

    /// The ledger is the caller's.
    pub(crate) fn expire(&self, seq: DeliverySeq, why: &str) -> Result<(), StoreError> {
        let mut expire = self.statements.prepare(
            "UPDATE delivery SET fate = ?2, due_at = 0, reason = ?3, settled_at = ?4 WHERE seq = ?1",
        )?;
        expire.execute(params![seq, Fate::Expired.as_str(), why, self.now.as_millis()])?;
        Ok(())
    }

    /// One after the other, the first in any case, until the moment is over; how many.
    pub(super) fn for_a_moment<T>(
        &mut self,
        items: &[T],
        mut work: impl FnMut(&mut Self, &T) -> Result<(), StoreError>,
    ) -> Result<usize, StoreError> {
        let began = Instant::now();
        for (count, item) in items.iter().enumerate() {
            if count > 0 && began.elapsed() >= MOMENT {
                return Ok(count);
            }
            work(self, item)?;
        }
        Ok(items.len())
    }
}
