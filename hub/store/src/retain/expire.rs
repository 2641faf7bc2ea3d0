//! Gives up what has waited, or has lain as failed, for too long: its fate is `expired`. A delivery that may be under way is left alone,
//! since whoever sends it settles it: what is due is judged where it is handed out.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::LazyLock;
use std::time::Instant;

use rusqlite::{OptionalExtension, Row, params};
use snodo_core::declare::Order;
use snodo_core::{ChannelName, Fate, Timestamp};

use super::{FOUND_MAX, MOMENT};
use crate::writer::Writing;
use crate::{DeliverySeq, Reader, StoreError, row};

/// One that is due this soon may be handed out before the writer has come to it: far longer than a commit takes.
const UNDER_WAY_MILLIS: i64 = 60_000;

/// What was under way when a destination was given up has come back by then: no call takes so long.
const GIVEN_UP_MILLIS: i64 = 600_000;

/// Deliveries in flight.
#[derive(Clone, Debug)]
pub struct Patience {
    /// Put on their way until then.
    pub until: Timestamp,
    /// The destinations that there are. Where a strict order is kept, what is handed out need not be due.
    pub destinations: BTreeMap<ChannelName, Order>,
}

impl Patience {
    /// Whether it has waited long enough, and nobody can have it in hand.
    pub fn is_over(&self, one: &InFlight, now: Timestamp) -> bool {
        one.since <= self.until && self.is_idle(one, now)
    }

    fn is_idle(&self, one: &InFlight, now: Timestamp) -> bool {
        if one.disabled_at.is_some_and(|at| at <= now.as_millis() - GIVEN_UP_MILLIS) {
            return true;
        }
        match self.destinations.get(&one.destination) {
            None => true,
            Some(Order::Strict) => false,
            Some(Order::Key | Order::Free) => {
                one.due_at == row::WAITS || one.due_at > now.as_millis() + UNDER_WAY_MILLIS
            }
        }
    }
}

/// Where a delivery in flight stands.
#[derive(Clone, Debug)]
pub struct InFlight {
    pub seq: DeliverySeq,
    pub destination: ChannelName,
    /// As it is stored: the largest number while it waits for another of its lane.
    pub due_at: i64,
    /// When it was last put on its way.
    pub since: Timestamp,
    /// When the hub stopped trying its destination.
    pub disabled_at: Option<i64>,
}

/// What `InFlight::read` reads, in its order.
const IN_FLIGHT: &str = "d.seq, d.destination, d.due_at, coalesce(d.resumed_at, e.accepted), \
     (SELECT disabled_at FROM failing f WHERE f.destination = d.destination)";

static ALL_IN_FLIGHT: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {IN_FLIGHT} FROM delivery d INDEXED BY delivery_in_flight CROSS JOIN event e ON e.seq = d.event WHERE d.fate IS NULL"
    )
});

static ONE_IN_FLIGHT: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {IN_FLIGHT} FROM delivery d CROSS JOIN event e ON e.seq = d.event WHERE d.seq = ?1 AND d.fate IS NULL"
    )
});

impl InFlight {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            seq: row.get(0)?,
            destination: row::parsed(row, 1)?,
            due_at: row.get(2)?,
            since: Timestamp::from_millis(row.get(3)?),
            disabled_at: row.get(4)?,
        })
    }
}

/// What `Reader::overdue` found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overdue {
    pub deliveries: Vec<DeliverySeq>,
    /// Since when the one is on its way that is longest, of those that have not waited long enough.
    pub next: Option<Timestamp>,
}

impl Overdue {
    /// Breaks off when that is enough for now.
    pub fn look(&mut self, one: &InFlight, patience: &Patience, now: Timestamp) -> ControlFlow<()> {
        if one.since > patience.until {
            self.next = Some(self.next.map_or(one.since, |next| next.min(one.since)));
        } else if patience.is_over(one, now) {
            self.deliveries.push(one.seq);
        }
        if self.deliveries.len() >= FOUND_MAX { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
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
            let mut all = sqlite.prepare_cached(&ALL_IN_FLIGHT)?;
            let mut found = Overdue::default();
            for one in all.query_map([], InFlight::read)? {
                if found.look(&one?, patience, now).is_break() {
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
            let Some(fate) = fate else { return Ok(ControlFlow::Continue(())) };
            writing.expire(*seq, why)?;
            writing.state.tally.fates[fate] -= 1;
            writing.state.tally.fates[Fate::Expired] += 1;
            Ok(ControlFlow::Continue(()))
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
            let mut find = writing.statements.prepare(ONE_IN_FLIGHT.as_str())?;
            let found = find.query_row([seq], InFlight::read).optional()?;
            drop(find);
            if !found.is_some_and(|one| patience.is_over(&one, writing.now)) {
                return Ok(ControlFlow::Continue(()));
            }
            writing.expire(*seq, why)?;
            writing.state.tally.in_flight -= 1;
            writing.state.tally.fates[Fate::Expired] += 1;
            writing.let_next_go(*seq)?;
            Ok(ControlFlow::Continue(()))
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

    /// One after the other, the first in any case, until the moment is over or one breaks off; how many it is through with.
    pub(super) fn for_a_moment<T>(
        &mut self,
        items: &[T],
        mut work: impl FnMut(&mut Self, &T) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<usize, StoreError> {
        let began = Instant::now();
        for (count, item) in items.iter().enumerate() {
            if count > 0 && began.elapsed() >= MOMENT {
                return Ok(count);
            }
            if work(self, item)?.is_break() {
                return Ok(count);
            }
        }
        Ok(items.len())
    }
}
