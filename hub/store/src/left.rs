//! What is left of channels and routes that are not declared any more, and how it is settled when somebody has decided what
//! becomes of it.

use rusqlite::params;
use snodo_core::{ChannelName, Fate, RouteName};

use crate::writer::Writing;
use crate::{MessageSeq, Reader, Settled, Settlement, StoreError, row};

/// Deliveries in flight to a destination, all of them or those of one route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    pub destination: ChannelName,
    pub route: Option<RouteName>,
}

/// Messages of a channel that wait to be decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Undecoded {
    pub count: u64,
    /// The first and the last of them; `None` if there is none.
    pub ends: Option<(MessageSeq, MessageSeq)>,
}

impl Reader {
    pub fn undecoded(&self, channel: &ChannelName) -> Result<Undecoded, StoreError> {
        self.snapshot(|sqlite| {
            let mut pending = sqlite.prepare_cached(
                "SELECT count(*), min(message), max(message) FROM pending WHERE channel = ?1",
            )?;
            Ok(pending.query_row([channel.as_str()], |row| {
                let first: Option<MessageSeq> = row.get(1)?;
                Ok(Undecoded { count: row.get::<_, i64>(0)?.unsigned_abs(), ends: first.zip(row.get(2)?) })
            })?)
        })
    }

    /// Every route that something is on its way by, and how much. Looks at every delivery in flight.
    pub fn routes_in_flight(&self) -> Result<Vec<(RouteName, u64)>, StoreError> {
        self.snapshot(|sqlite| {
            let mut routes = sqlite.prepare_cached(
                "SELECT route, count(*) FROM delivery WHERE fate IS NULL GROUP BY route ORDER BY route",
            )?;
            let rows = routes
                .query_map([], |row| Ok((row::parsed(row, 0)?, row.get::<_, i64>(1)?.unsigned_abs())))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// How many there are.
    pub fn left(&self, left: &Left) -> Result<u64, StoreError> {
        self.snapshot(|sqlite| {
            let mut count = sqlite.prepare_cached(
                "SELECT count(*) FROM delivery \
                 WHERE fate IS NULL AND destination = ?1 AND (?2 IS NULL OR route = ?2)",
            )?;
            let route = left.route.as_ref().map(RouteName::as_str);
            let count: i64 = count.query_row(params![left.destination.as_str(), route], |row| row.get(0))?;
            Ok(count.unsigned_abs())
        })
    }
}

impl Writing<'_, '_> {
    /// Gives at most so many of them that fate, the oldest first. How many it were.
    pub fn settle_left(
        &mut self,
        left: &Left,
        fate: Fate,
        reason: &str,
        limit: u32,
    ) -> Result<usize, StoreError> {
        let mut find = self.statements.prepare(
            "SELECT seq, attempts FROM delivery \
             WHERE fate IS NULL AND destination = ?1 AND (?2 IS NULL OR route = ?2) ORDER BY seq LIMIT ?3",
        )?;
        let (destination, route) = (left.destination.as_str(), left.route.as_ref().map(RouteName::as_str));
        let found = find.query_map(params![destination, route, limit], |row| {
            let result = Settlement::Final { fate, reason: Some(reason.to_owned()) };
            Ok(Settled { seq: row.get(0)?, attempt: row.get::<_, u32>(1)? + 1, record: None, result })
        })?;
        let found = found.collect::<Result<Vec<_>, _>>()?;
        drop(find);
        self.settle(&found)?;
        Ok(found.len())
    }
}
