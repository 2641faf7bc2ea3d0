//! Keeps the order of the deliveries of one lane: exactly one of those in flight may be sent, and the others wait for it. Part of the
//! transactions that add and settle deliveries, under the writers' lock: whoever looks at a lane sees all that ever happened to it.

use std::collections::BTreeSet;

use snodo_core::{ChannelName, Fate};
use snodo_store::StoreError;

use crate::row::WAITS;
use crate::writer::Writing;

/// One that is tried again so soon may be under way already: it is not replaced.
const UNDER_WAY_MILLIS: i64 = 1_000;

/// A destination and one of its lanes.
pub(crate) type Place = (String, i64);

impl Writing<'_> {
    /// Of each of these lanes in which nothing may be sent, and something waits, what was accepted first may go. What was added by this
    /// call, with `first` or a later place, has not waited: it is fresh.
    pub async fn let_go(&self, lanes: &BTreeSet<Place>, first: i64) -> Result<(), StoreError> {
        if lanes.is_empty() {
            return Ok(());
        }
        let (destinations, numbers): (Vec<&str>, Vec<i64>) =
            lanes.iter().map(|(destination, lane)| (destination.as_str(), *lane)).unzip();
        self.execute(
            "UPDATE delivery SET due_at = CASE WHEN seq >= $4 THEN 0 ELSE $5::bigint END WHERE seq IN ( \
                 SELECT next.seq FROM unnest($1::text[], $2::bigint[]) AS l (destination, lane) CROSS JOIN LATERAL ( \
                     SELECT d.seq FROM delivery d WHERE d.fate IS NULL AND d.destination = l.destination AND d.lane = l.lane \
                         AND d.due_at = $3 ORDER BY d.seq LIMIT 1) next \
                 WHERE NOT EXISTS (SELECT 1 FROM delivery ready WHERE ready.fate IS NULL \
                     AND ready.destination = l.destination AND ready.lane = l.lane AND ready.due_at < $3))",
            &[&destinations, &numbers, &WAITS, &first, &self.now.as_millis().max(1)],
        )
        .await?;
        Ok(())
    }

    /// Newer ones have come: where their lanes are stuck, those before them of their type, lane and route are expired.
    pub async fn supersede(&mut self, by: &[i64]) -> Result<BTreeSet<Place>, StoreError> {
        if by.is_empty() {
            return Ok(BTreeSet::new());
        }
        let until = self.now.as_millis() + UNDER_WAY_MILLIS;
        let why = "a newer one of its type came while it could not be sent";
        let superseded = self
            .query(
                "UPDATE delivery SET fate = $2, due_at = 0, reason = $3, settled_at = $4 WHERE seq IN ( \
                     SELECT d.seq FROM delivery me JOIN delivery d ON d.destination = me.destination AND d.lane = me.lane \
                     JOIN event mine ON mine.seq = me.event JOIN event theirs ON theirs.seq = d.event \
                     WHERE me.seq = ANY ($1) AND d.fate IS NULL AND d.due_at > $5 AND d.seq < me.seq AND d.route = me.route \
                         AND theirs.kind = mine.kind AND EXISTS (SELECT 1 FROM delivery head WHERE head.fate IS NULL \
                             AND head.destination = me.destination AND head.lane = me.lane \
                             AND head.due_at > $5 AND head.due_at < $6)) RETURNING destination, lane",
                &[&by, &Fate::Expired.as_str(), &why, &self.now.as_millis(), &until, &WAITS],
            )
            .await?;
        let count = i64::try_from(superseded.len()).expect("rows are counted in 64 bits");
        self.tally.in_flight -= count;
        self.tally.fates[Fate::Expired] += count;
        Ok(superseded.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    /// The destination's deliveries in flight keep no order among each other any more.
    pub async fn free_lanes(&mut self, destination: &ChannelName) -> Result<(), StoreError> {
        self.execute(
            "UPDATE delivery SET lane = NULL, due_at = CASE WHEN due_at = $2 THEN $3::bigint ELSE due_at END \
             WHERE fate IS NULL AND destination = $1 AND lane IS NOT NULL",
            &[&destination.as_str(), &WAITS, &self.now.as_millis().max(1)],
        )
        .await?;
        Ok(())
    }
}
