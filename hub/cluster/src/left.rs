//! What is left of channels and routes that are not declared any more, and how it is settled when somebody has decided what becomes of it.
//! Of all nodes: what is not declared any more is nobody's to work on.

use snodo_core::{ChannelName, Fate, RouteName};
use snodo_store::{DeliverySeq, Left, MessageSeq, Settled, Settlement, StoreError, Undecoded};

use crate::settle::InFlight;
use crate::writer::Writing;
use crate::{Reader, row};

impl Reader {
    pub fn undecoded(&self, channel: &ChannelName) -> Result<Undecoded, StoreError> {
        let sql = "SELECT count(*), min(message), max(message) FROM pending WHERE channel = $1";
        let row = self.with(async |client| client.query_one(sql, &[&channel.as_str()]).await)?;
        let end = |at: usize| row.get::<_, Option<i64>>(at).map(MessageSeq);
        Ok(Undecoded { count: row.get::<_, i64>(0).unsigned_abs(), ends: end(1).zip(end(2)) })
    }

    /// Every route that something is on its way by, and how much. Looks at every delivery in flight.
    pub fn routes_in_flight(&self) -> Result<Vec<(RouteName, u64)>, StoreError> {
        let sql = "SELECT route, count(*) FROM delivery WHERE fate IS NULL GROUP BY route ORDER BY route";
        let rows = self.with(async |client| client.query(sql, &[]).await)?;
        rows.iter().map(|row| Ok((row::parsed(row.get(0))?, row.get::<_, i64>(1).unsigned_abs()))).collect()
    }

    /// How many there are.
    pub fn left(&self, left: &Left) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM delivery WHERE fate IS NULL AND destination = $1 AND ($2::text IS NULL OR route = $2)";
        let (destination, route) = (left.destination.as_str(), left.route.as_ref().map(RouteName::as_str));
        let row = self.with(async |client| client.query_one(sql, &[&destination, &route]).await)?;
        Ok(row.get::<_, i64>(0).unsigned_abs())
    }
}

impl Writing<'_> {
    /// Gives at most so many of them that fate, the oldest first. How many it were. A node that has not heard yet that they are nobody's
    /// may have one under way: its answer comes to nothing, as it would from a node that lost its lease.
    pub async fn settle_left(
        &mut self,
        left: &Left,
        fate: Fate,
        reason: &str,
        limit: u32,
    ) -> Result<u64, StoreError> {
        let sql = "SELECT seq, attempts, partition, destination, lane FROM delivery \
             WHERE fate IS NULL AND destination = $1 AND ($2::text IS NULL OR route = $2) ORDER BY seq LIMIT $3";
        let (destination, route) = (left.destination.as_str(), left.route.as_ref().map(RouteName::as_str));
        let rows = self.query(sql, &[&destination, &route, &i64::from(limit)]).await?;
        let found: Vec<(Settled, InFlight)> = rows
            .iter()
            .map(|row| {
                let standing = InFlight::of(row);
                let attempt = u32::try_from(standing.attempts + 1).unwrap_or(u32::MAX);
                let result = Settlement::Final { fate, reason: Some(reason.to_owned()) };
                (Settled { seq: DeliverySeq(row.get(0)), attempt, record: None, result }, standing)
            })
            .collect();
        self.write_settled(found.iter().map(|(settled, standing)| (settled, standing))).await?;
        Ok(found.len() as u64)
    }
}
