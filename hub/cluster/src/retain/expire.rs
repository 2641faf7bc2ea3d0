//! Gives up what has waited, or has lain as failed, for too long: its fate is `expired`. A delivery that may be under way is left alone,
//! here or at another node. If one of them was under way all the same, whoever sends it is told that it is settled.

use std::collections::BTreeSet;

use snodo_core::{ChannelName, Fate, Timestamp};
use snodo_store::retain::InFlight;
use snodo_store::{DeliverySeq, Overdue, Patience, StoreError};
use tokio_postgres::Row;

use crate::Reader;
use crate::lanes::Place;
use crate::reader::count;
use crate::row;
use crate::writer::{Wake, Writing};

/// What `in_flight` reads, and after that the lane and the partition.
const IN_FLIGHT: &str = "SELECT d.seq, d.destination, d.due_at, coalesce(d.resumed_at, e.accepted), f.disabled_at, d.lane, d.partition \
     FROM delivery d JOIN event e ON e.seq = d.event LEFT JOIN failing f ON f.destination = d.destination WHERE d.fate IS NULL";

/// Read in one go of those that have waited long enough.
const READ_MAX: usize = 1_000;

fn in_flight(row: &Row) -> Result<InFlight, StoreError> {
    Ok(InFlight {
        seq: DeliverySeq(row.get(0)),
        destination: row::parsed(row.get(1))?,
        due_at: row.get(2),
        since: Timestamp::from_millis(row.get(3)),
        disabled_at: row.get(4),
    })
}

impl Reader {
    /// Deliveries that have failed until then, some at a time.
    pub fn failed_until(&self, until: Timestamp, after: DeliverySeq) -> Result<Vec<DeliverySeq>, StoreError> {
        let sql = "SELECT seq FROM delivery WHERE fate IN ('quarantined', 'dead') AND settled_at <= $1 AND seq > $2 \
             ORDER BY seq LIMIT $3";
        let rows = self.some(sql, until, after.0)?;
        Ok(rows.iter().map(|row| DeliverySeq(row.get(0))).collect())
    }

    /// Deliveries in flight that have waited long enough and that nobody has in hand, some at a time.
    pub fn overdue(&self, patience: &Patience, now: Timestamp) -> Result<Overdue, StoreError> {
        let sql = format!(
            "{IN_FLIGHT} AND coalesce(d.resumed_at, e.accepted) <= $1 AND d.seq > $2 ORDER BY d.seq LIMIT $3"
        );
        let until = patience.until.as_millis();
        let (mut found, mut after) = (Overdue::default(), 0_i64);
        loop {
            let rows =
                self.with(async |client| client.query(&sql, &[&until, &after, &count(READ_MAX)]).await)?;
            for row in &rows {
                after = row.get(0);
                if found.look(&in_flight(row)?, patience, now).is_break() {
                    return Ok(found);
                }
            }
            if rows.len() < READ_MAX {
                break;
            }
        }
        let next = "SELECT min(coalesce(d.resumed_at, e.accepted)) FROM delivery d JOIN event e ON e.seq = d.event \
             WHERE d.fate IS NULL AND coalesce(d.resumed_at, e.accepted) > $1";
        let row = self.with(async |client| client.query_one(next, &[&until]).await)?;
        found.next = row.get::<_, Option<i64>>(0).map(Timestamp::from_millis);
        Ok(found)
    }
}

impl Writing<'_> {
    /// Those of them that still have failed; how many of them were looked at.
    pub async fn expire_failed(&mut self, deliveries: &[DeliverySeq], why: &str) -> Result<u64, StoreError> {
        let seqs: Vec<i64> = deliveries.iter().map(|seq| seq.0).collect();
        let rows = self
            .query(
                "WITH failed AS (SELECT seq, fate FROM delivery WHERE seq = ANY ($1) AND fate IN ('quarantined', 'dead')) \
                 UPDATE delivery d SET fate = $2, due_at = 0, reason = $3, settled_at = $4 FROM failed WHERE d.seq = failed.seq \
                 RETURNING failed.fate",
                &[&seqs, &Fate::Expired.as_str(), &why, &self.now.as_millis()],
            )
            .await?;
        for row in &rows {
            if let Some(fate) = row::fate(row.get(0))? {
                self.tally.fates[fate] -= 1;
                self.tally.fates[Fate::Expired] += 1;
            }
        }
        Ok(deliveries.len() as u64)
    }

    /// Those of them that still wait, and that nobody can have in hand; how many of them were looked at.
    pub async fn expire_waiting(
        &mut self,
        deliveries: &[DeliverySeq],
        patience: &Patience,
        why: &str,
    ) -> Result<u64, StoreError> {
        let seqs: Vec<i64> = deliveries.iter().map(|seq| seq.0).collect();
        let rows = self.query(&format!("{IN_FLIGHT} AND d.seq = ANY ($1)"), &[&seqs]).await?;
        let (mut over, mut lanes): (Vec<i64>, BTreeSet<Place>) = Default::default();
        for row in &rows {
            let InFlight { seq, destination, .. } = match in_flight(row)? {
                one if patience.is_over(&one, self.now) => one,
                _ => continue,
            };
            over.push(seq.0);
            self.tally.in_flight -= 1;
            self.tally.fates[Fate::Expired] += 1;
            if let Some(lane) = row.get(5) {
                lanes.insert((destination.as_str().to_owned(), lane));
                self.wake(row.get(6), destination);
            }
        }
        self.execute(
            "UPDATE delivery SET fate = $2, due_at = 0, reason = $3, settled_at = $4 WHERE seq = ANY ($1)",
            &[&over, &Fate::Expired.as_str(), &why, &self.now.as_millis()],
        )
        .await?;
        self.let_go(&lanes, i64::MAX).await?;
        Ok(deliveries.len() as u64)
    }

    /// The next of a lane may go: whoever works on it is told.
    fn wake(&mut self, partition: i32, destination: ChannelName) {
        self.wakes.insert(Wake::Deliveries { partition, destination });
    }
}
