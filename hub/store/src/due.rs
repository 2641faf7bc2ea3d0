//! What is to be delivered next to a destination. Reads only; which of it goes out, and when, is the caller's to say.

use std::collections::HashSet;

use rusqlite::{Connection, Params, Row};
use snodo_core::{ChannelName, Class, CustomerId, Event, RouteName, Timestamp};

use crate::{DeliverySeq, Reader, StoreError, row};

/// A delivery in flight, with all that is needed to try it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    pub seq: DeliverySeq,
    pub route: RouteName,
    pub destination: ChannelName,
    /// The number of the next attempt, from 1.
    pub attempt: u32,
    /// The same since it was last put on its way: what the schedule counts.
    pub attempt_now: u32,
    /// When it was last put on its way: when the event was accepted, or when it was taken up again.
    pub since: Timestamp,
    pub customer: Option<CustomerId>,
    pub ordering_key: Option<String>,
    /// When the hub accepted the event.
    pub accepted: Timestamp,
    /// It was never tried, and never waited for another.
    pub fresh: bool,
    pub class: Class,
    /// How often it was sent once more after it had its fate.
    pub replays: u32,
    pub event: Event,
}

/// How far the fresh ones of each class have been handed out.
pub type Marks = [DeliverySeq; Class::ALL.len()];

/// What a destination can take now.
pub struct Claim<'a> {
    pub destination: &'a ChannelName,
    pub marks: Marks,
    /// Those that came back, were handed out, and are not settled: the store still shows them as due.
    pub out: &'a HashSet<DeliverySeq>,
    pub now: Timestamp,
    pub limit: usize,
    pub bytes_max: usize,
}

impl Reader {
    /// Deliveries that may go now, by class; of one class those that have come back first, since their turn came before that of
    /// anything new. At least one if there is one, then as many as fit.
    pub fn claim(&self, claim: &Claim<'_>) -> Result<Vec<Due>, StoreError> {
        let Claim { destination, marks, out, now, limit, bytes_max } = claim;
        let name = destination.as_str();
        let back = selection("d.class = ?2 AND d.due_at BETWEEN 1 AND ?3 ORDER BY d.due_at, d.seq LIMIT ?4");
        let fresh = selection("d.class = ?2 AND d.due_at = 0 AND d.seq > ?3 ORDER BY d.seq LIMIT ?4");
        self.snapshot(|sqlite| {
            let mut room = Room::new(*limit, *bytes_max);
            let mut found = Vec::new();
            let is_out = |due: &Due| out.contains(&due.seq);
            for (class, mark) in Class::ALL.into_iter().zip(marks) {
                let class = class as i64;
                if room.deliveries > 0 {
                    let which = (name, class, now.as_millis(), count(room.deliveries + out.len()));
                    found.extend(read(sqlite, &back, which, &mut room, is_out)?);
                }
                if room.deliveries > 0 {
                    let which = (name, class, mark, count(room.deliveries + out.len()));
                    found.extend(read(sqlite, &fresh, which, &mut room, is_out)?);
                }
            }
            Ok(found)
        })
    }

    /// Deliveries that were never tried, in the order in which they were accepted, whatever their class.
    pub fn fresh(
        &self,
        destination: &ChannelName,
        limit: usize,
        bytes_max: usize,
    ) -> Result<Vec<Due>, StoreError> {
        let sql = selection("d.class = ?2 AND d.due_at = 0 ORDER BY d.seq LIMIT ?3");
        self.snapshot(|sqlite| {
            let mut found = Vec::new();
            for class in Class::ALL {
                let mut room = Room::new(limit, bytes_max);
                let which = (destination.as_str(), class as i64, count(limit));
                found.extend(read(sqlite, &sql, which, &mut room, |_| false)?);
            }
            found.sort_by_key(|due| due.seq);
            let mut room = Room::new(limit, bytes_max);
            let fit = found.iter().take_while(|due| room.takes(due)).count();
            found.truncate(fit);
            Ok(found)
        })
    }

    /// Of the deliveries that were tried those at the head, in their order, whether they are due or not; and when the first is. One that
    /// waits in a lane, from a time when the destination had some, is due: what comes first here goes first.
    pub fn head(
        &self,
        destination: &ChannelName,
        limit: usize,
        bytes_max: usize,
    ) -> Result<Option<(Timestamp, Vec<Due>)>, StoreError> {
        let whole = selection_of("delivery d", "d.seq = ?2");
        self.snapshot(|sqlite| {
            let tried = tried(sqlite, destination, limit)?;
            let Some((_, due_at)) = tried.first() else { return Ok(None) };
            let at = if *due_at == row::WAITS { 0 } else { *due_at };
            let (mut room, mut found) = (Room::new(limit, bytes_max), Vec::new());
            for (seq, _) in tried {
                let next = read(sqlite, &whole, (destination.as_str(), seq), &mut room, |_| false)?;
                if next.is_empty() {
                    break;
                }
                found.extend(next);
            }
            Ok(Some((Timestamp::from_millis(at), found)))
        })
    }

    /// When the next of the deliveries that were tried is due again.
    pub fn next_due(&self, destination: &ChannelName) -> Result<Option<Timestamp>, StoreError> {
        self.snapshot(|sqlite| {
            let mut next = sqlite.prepare_cached(
                "SELECT min(due_at) FROM delivery INDEXED BY delivery_in_flight \
                 WHERE fate IS NULL AND destination = ?1 AND class = ?2 AND due_at > 0 AND due_at < ?3",
            )?;
            let mut soonest: Option<i64> = None;
            for class in Class::ALL {
                let at: Option<i64> =
                    next.query_row((destination.as_str(), class as i64, row::WAITS), |row| row.get(0))?;
                soonest = soonest.into_iter().chain(at).min();
            }
            Ok(soonest.map(Timestamp::from_millis))
        })
    }

    /// Every destination that something is on its way to, and how much.
    pub fn destinations_in_flight(&self) -> Result<Vec<(ChannelName, u64)>, StoreError> {
        self.snapshot(|sqlite| {
            let mut destinations = sqlite.prepare_cached(
                "SELECT destination, count(*) FROM delivery INDEXED BY delivery_in_flight \
                 WHERE fate IS NULL GROUP BY destination",
            )?;
            let rows = destinations
                .query_map([], |row| Ok((row::parsed(row, 0)?, row.get::<_, i64>(1)?.unsigned_abs())))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

/// The first of those that were tried, and when they are due. There may be many: all that is read of them is in the index.
fn tried(
    sqlite: &Connection,
    destination: &ChannelName,
    limit: usize,
) -> Result<Vec<(DeliverySeq, i64)>, StoreError> {
    let mut first = sqlite.prepare_cached(
        "SELECT seq, due_at FROM delivery INDEXED BY delivery_in_flight \
         WHERE fate IS NULL AND destination = ?1 AND class = ?2 AND due_at > 0 ORDER BY seq LIMIT ?3",
    )?;
    let mut found = Vec::new();
    for class in Class::ALL {
        let which = (destination.as_str(), class as i64, count(limit));
        let rows = first.query_map(which, |row| Ok((row.get(0)?, row.get(1)?)))?;
        for row in rows {
            found.push(row?);
        }
    }
    found.sort_unstable();
    found.truncate(limit);
    Ok(found)
}

fn selection(which: &str) -> String {
    selection_of("delivery d INDEXED BY delivery_in_flight", which)
}

fn selection_of(delivery: &str, which: &str) -> String {
    // CROSS JOIN keeps SQLite from turning the two around.
    format!(
        "SELECT {}, d.seq, d.route, d.destination, d.attempts, d.ordering_key, e.customer, e.accepted, \
            d.due_at, d.class, d.replays, d.attempts_before, d.resumed_at \
         FROM {delivery} CROSS JOIN event e ON e.seq = d.event \
         WHERE d.fate IS NULL AND d.destination = ?1 AND {which}",
        row::EVENT
    )
}

fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// What is left of what a claim may hold.
#[derive(Debug)]
pub struct Room {
    pub deliveries: usize,
    bytes: usize,
    is_new: bool,
}

impl Room {
    pub const fn new(deliveries: usize, bytes: usize) -> Self {
        Self { deliveries, bytes, is_new: true }
    }

    /// Whether one more fits, which then has its place. The first always does.
    pub const fn takes(&mut self, due: &Due) -> bool {
        let bytes = due.event.data.len();
        if self.deliveries == 0 || (bytes > self.bytes && !self.is_new) {
            self.deliveries = 0;
            return false;
        }
        *self =
            Self { deliveries: self.deliveries - 1, bytes: self.bytes.saturating_sub(bytes), is_new: false };
        true
    }
}

/// Reads what fits, but for those that are out already.
fn read(
    sqlite: &Connection,
    sql: &str,
    which: impl Params,
    room: &mut Room,
    is_out: impl Fn(&Due) -> bool,
) -> Result<Vec<Due>, StoreError> {
    let mut statement = sqlite.prepare_cached(sql)?;
    let mut rows = statement.query(which)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let due = due(row)?;
        if is_out(&due) {
            continue;
        }
        if !room.takes(&due) {
            break;
        }
        found.push(due);
    }
    Ok(found)
}

fn due(row: &Row<'_>) -> rusqlite::Result<Due> {
    let attempt = row.get::<_, u32>(12)? + 1;
    let accepted = row.get(15)?;
    Ok(Due {
        event: row::event(row)?,
        seq: row.get(9)?,
        route: row::parsed(row, 10)?,
        destination: row::parsed(row, 11)?,
        attempt,
        attempt_now: attempt.saturating_sub(row.get(19)?),
        since: Timestamp::from_millis(row.get::<_, Option<i64>>(20)?.unwrap_or(accepted)),
        ordering_key: row.get(13)?,
        customer: row.get::<_, Option<[u8; 16]>>(14)?.map(CustomerId::from_bytes),
        accepted: Timestamp::from_millis(accepted),
        fresh: row.get::<_, i64>(16)? == 0,
        class: Class::ALL.get(usize::from(row.get::<_, u8>(17)?)).copied().unwrap_or_default(),
        replays: row.get(18)?,
    })
}
