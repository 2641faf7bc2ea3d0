//! Keeps the order of the deliveries of one lane: exactly one of those in flight may be sent, and the others wait for it. Part of
//! the transactions that add and settle deliveries, so that a crash finds it as it must be.

use rusqlite::OptionalExtension;
use snodo_core::{ChannelName, Fate, Lane};

use crate::row::WAITS;
use crate::writer::Writing;
use crate::{DeliverySeq, StoreError};

/// One that is tried again so soon may be under way already: it is not replaced.
const UNDER_WAY_MILLIS: i64 = 1_000;

/// Of those that one delivery replaces, this many at once: more do not come between two of them.
const SUPERSEDED_MAX: i64 = 1_024;

impl Writing<'_, '_> {
    /// Whether something of the lane is in flight.
    pub fn is_busy(&self, destination: &str, lane: Lane) -> Result<bool, StoreError> {
        let mut find = self.statements.prepare(
            "SELECT 1 FROM delivery INDEXED BY delivery_lane WHERE fate IS NULL AND destination = ?1 AND lane = ?2 LIMIT 1",
        )?;
        Ok(find.exists((destination, lane.0))?)
    }

    /// A delivery has its fate, or has left its lane: the next of that lane may go, if there is none that may already.
    pub fn let_next_go(&self, seq: DeliverySeq) -> Result<(), StoreError> {
        let mut next = self.statements.prepare(
            "UPDATE delivery SET due_at = ?2 WHERE seq = ( \
                SELECT d.seq FROM delivery me CROSS JOIN delivery d INDEXED BY delivery_lane \
                    ON d.destination = me.destination AND d.lane = me.lane \
                WHERE me.seq = ?1 AND d.fate IS NULL AND d.due_at = ?3 AND NOT EXISTS ( \
                    SELECT 1 FROM delivery ready INDEXED BY delivery_lane WHERE ready.destination = me.destination \
                        AND ready.lane = me.lane AND ready.fate IS NULL AND ready.due_at < ?3 \
                        AND ready.seq <> me.seq) \
                ORDER BY d.seq LIMIT 1)",
        )?;
        next.execute((seq, self.now.as_millis().max(1), WAITS))?;
        Ok(())
    }

    /// One that is tried again beside its lane keeps nobody of it waiting.
    pub fn leave_lane(&self, seq: DeliverySeq) -> Result<(), StoreError> {
        self.let_next_go(seq)?;
        self.statements.prepare("UPDATE delivery SET lane = NULL WHERE seq = ?1")?.execute([seq])?;
        Ok(())
    }

    /// A newer one of its type has come by the same route: if their lane is stuck, those before it are expired.
    pub fn supersede(&mut self, by: DeliverySeq) -> Result<(), StoreError> {
        let mut find = self.statements.prepare(
            "SELECT d.seq FROM delivery me CROSS JOIN delivery d INDEXED BY delivery_lane \
                ON d.destination = me.destination AND d.lane = me.lane \
             CROSS JOIN event mine ON mine.seq = me.event CROSS JOIN event theirs ON theirs.seq = d.event \
             WHERE me.seq = ?1 AND d.fate IS NULL AND d.due_at > ?2 AND d.seq < me.seq AND d.route = me.route \
                AND theirs.kind = mine.kind AND EXISTS ( \
                    SELECT 1 FROM delivery head INDEXED BY delivery_lane WHERE head.destination = me.destination \
                        AND head.lane = me.lane AND head.fate IS NULL AND head.due_at > ?2 AND head.due_at < ?3) \
             LIMIT ?4",
        )?;
        let until = self.now.as_millis() + UNDER_WAY_MILLIS;
        let which = (by, until, WAITS, SUPERSEDED_MAX);
        let rows = find.query_map(which, |row| row.get::<_, DeliverySeq>(0))?;
        let superseded = rows.collect::<Result<Vec<_>, _>>()?;
        for seq in &superseded {
            self.expire(*seq, "a newer one of its type came while it could not be sent")?;
            self.state.tally.in_flight -= 1;
            self.state.tally.fates[Fate::Expired] += 1;
        }
        if superseded.is_empty() { Ok(()) } else { self.let_next_go(by) }
    }

    /// The destination's deliveries in flight keep no order among each other any more.
    pub fn free_lanes(&mut self, destination: &ChannelName) -> Result<(), StoreError> {
        let mut free = self.statements.prepare(
            "UPDATE delivery SET lane = NULL, due_at = CASE WHEN due_at = ?2 THEN 0 ELSE due_at END \
             WHERE fate IS NULL AND destination = ?1 AND lane IS NOT NULL",
        )?;
        free.execute((destination.as_str(), WAITS))?;
        Ok(())
    }

    /// What a delivery that comes back onto its way is due at: now, or when those of its lane that are in flight have gone.
    pub fn due_again(&self, seq: DeliverySeq) -> Result<i64, StoreError> {
        let mut find = self
            .statements
            .prepare("SELECT destination, lane FROM delivery WHERE seq = ?1 AND lane IS NOT NULL")?;
        let found: Option<(String, i64)> =
            find.query_row([seq], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        match found {
            Some((destination, lane)) if self.is_busy(&destination, Lane(lane))? => Ok(WAITS),
            _ => Ok(self.now.as_millis().max(1)),
        }
    }
}
