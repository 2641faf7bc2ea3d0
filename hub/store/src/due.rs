//! What is to be delivered next to a destination. Reads only; which of it goes out, and when, is the caller's to say.

use rusqlite::{Connection, Params, Row};
use snodo_core::{ChannelName, CustomerId, Event, RouteName, Timestamp};

use crate::{DeliverySeq, Reader, StoreError, row};

/// A delivery in flight, with all that is needed to try it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    pub seq: DeliverySeq,
    pub route: RouteName,
    pub destination: ChannelName,
    /// The number of the next attempt, from 1.
    pub attempt: u32,
    pub customer: Option<CustomerId>,
    pub ordering_key: Option<String>,
    /// When the hub accepted the event.
    pub accepted: Timestamp,
    pub event: Event,
}

impl Reader {
    /// Deliveries that were never tried, after `after`, in their order. At least one if there is one, then as many as fit.
    pub fn fresh(
        &self,
        destination: &ChannelName,
        after: DeliverySeq,
        limit: usize,
        bytes_max: usize,
    ) -> Result<Vec<Due>, StoreError> {
        let sql = selection("d.due_at = 0 AND d.seq > ?2 ORDER BY d.seq LIMIT ?3");
        self.snapshot(|sqlite| read(sqlite, &sql, (destination.as_str(), after, count(limit)), bytes_max))
    }

    /// Deliveries that were tried, and whose time has come again; those that are due longest first.
    pub fn parked(
        &self,
        destination: &ChannelName,
        now: Timestamp,
        limit: usize,
        bytes_max: usize,
    ) -> Result<Vec<Due>, StoreError> {
        let sql = selection("d.due_at BETWEEN 1 AND ?2 ORDER BY d.due_at, d.seq LIMIT ?3");
        self.snapshot(|sqlite| {
            read(sqlite, &sql, (destination.as_str(), now.as_millis(), count(limit)), bytes_max)
        })
    }

    /// Of the deliveries that were tried those at the head, in their order, whether they are due or not; and when the first is.
    pub fn head(
        &self,
        destination: &ChannelName,
        limit: usize,
        bytes_max: usize,
    ) -> Result<Option<(Timestamp, Vec<Due>)>, StoreError> {
        let sql = selection("d.due_at > 0 ORDER BY d.seq LIMIT ?2");
        self.snapshot(|sqlite| {
            let found = read(sqlite, &sql, (destination.as_str(), count(limit)), bytes_max)?;
            let Some(first) = found.first() else { return Ok(None) };
            let at = sqlite
                .prepare_cached("SELECT due_at FROM delivery WHERE seq = ?1")?
                .query_row([first.seq], |row| row.get(0))?;
            Ok(Some((Timestamp::from_millis(at), found)))
        })
    }

    /// When the next of the deliveries that were tried is due again.
    pub fn next_due(&self, destination: &ChannelName) -> Result<Option<Timestamp>, StoreError> {
        self.snapshot(|sqlite| {
            let mut next = sqlite.prepare_cached(
                "SELECT min(due_at) FROM delivery INDEXED BY delivery_in_flight \
                 WHERE fate IS NULL AND destination = ?1 AND due_at > 0",
            )?;
            let at: Option<i64> = next.query_row([destination.as_str()], |row| row.get(0))?;
            Ok(at.map(Timestamp::from_millis))
        })
    }

    /// The ordering keys that wait behind a delivery that is to be tried again.
    pub fn parked_keys(&self, destination: &ChannelName) -> Result<Vec<(String, DeliverySeq)>, StoreError> {
        self.snapshot(|sqlite| {
            let mut keys = sqlite.prepare_cached(
                "SELECT ordering_key, min(seq) FROM delivery INDEXED BY delivery_in_flight \
                 WHERE fate IS NULL AND destination = ?1 AND due_at > 0 AND ordering_key IS NOT NULL \
                 GROUP BY ordering_key",
            )?;
            let rows = keys.query_map([destination.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
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

fn selection(which: &str) -> String {
    // CROSS JOIN keeps SQLite from turning the two around.
    format!(
        "SELECT {}, d.seq, d.route, d.destination, d.attempts, d.ordering_key, e.customer, e.accepted \
         FROM delivery d INDEXED BY delivery_in_flight CROSS JOIN event e ON e.seq = d.event \
         WHERE d.fate IS NULL AND d.destination = ?1 AND {which}",
        row::EVENT
    )
}

fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn read(
    sqlite: &Connection,
    sql: &str,
    which: impl Params,
    bytes_max: usize,
) -> Result<Vec<Due>, StoreError> {
    let mut statement = sqlite.prepare_cached(sql)?;
    let mut rows = statement.query(which)?;
    let (mut found, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let due = due(row)?;
        bytes += due.event.data.len();
        if bytes > bytes_max && !found.is_empty() {
            break;
        }
        found.push(due);
    }
    Ok(found)
}

fn due(row: &Row<'_>) -> rusqlite::Result<Due> {
    Ok(Due {
        event: row::event(row)?,
        seq: row.get(9)?,
        route: row::parsed(row, 10)?,
        destination: row::parsed(row, 11)?,
        attempt: row.get::<_, u32>(12)? + 1,
        ordering_key: row.get(13)?,
        customer: row.get::<_, Option<[u8; 16]>>(14)?.map(CustomerId::from_bytes),
        accepted: Timestamp::from_millis(row.get(15)?),
    })
}
