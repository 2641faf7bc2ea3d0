//! An open transaction under the writers' lock: where the tables end, what changes in the ledger, and who is to be told afterwards.

use std::collections::{BTreeSet, HashSet};

use deadpool_postgres::Object;
use snodo_core::{ChannelName, Timestamp};
use snodo_store::{DeliverySeq, EventSeq, MessageSeq, StoreError, Tally};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::Writer;
use crate::ledger;
use crate::partition::Partitions;

/// The nodes add to these rows of the tally by turns of their ids, so that it never has a row for each node that ever was.
const SLOTS: u8 = 16;

/// What whoever works on a partition should look at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wake {
    /// Messages of that channel wait to be decoded.
    Messages { partition: i32, channel: ChannelName },
    /// Deliveries wait to be sent to that destination.
    Deliveries { partition: i32, destination: ChannelName },
}

pub(crate) struct Writing<'a> {
    client: &'a Object,
    writer: &'a Writer,
    pub now: Timestamp,
    /// Events accepted before then are not looked at for a repetition.
    pub dedup_from: i64,
    pub partitions: Partitions,
    pub tally: Tally,
    pub consent_change: i64,
    message: i64,
    event: i64,
    delivery: i64,
    /// The partitions that the database says are this node's.
    leases: HashSet<i32>,
    pub wakes: BTreeSet<Wake>,
}

/// An open transaction as it was.
pub(crate) struct Point {
    tally: Tally,
    wakes: BTreeSet<Wake>,
    /// In the order of the tables.
    ends: [i64; 4],
}

pub(crate) type Parameters<'p> = &'p [&'p (dyn ToSql + Sync)];

impl<'a> Writing<'a> {
    pub async fn begin(writer: &'a Writer, client: &'a Object) -> Result<Self, StoreError> {
        let failed = |error| writer.database.failed(&error);
        // On its own: what is read afterwards is read as of after the lock.
        let lock = format!("BEGIN; SELECT pg_advisory_xact_lock({})", writer.lock);
        client.batch_execute(&lock).await.map_err(failed)?;
        let statement = client
            .prepare_cached(
                "SELECT message, event, delivery, consent_change, accepted, ARRAY( \
                     SELECT partition FROM lease WHERE owner = $1 AND valid_until > clock_timestamp()) FROM ends",
            )
            .await
            .map_err(failed)?;
        let row = client.query_one(&statement, &[&&writer.node[..]]).await.map_err(failed)?;
        // The time of the last event: times never fall, whatever the clocks of the nodes do.
        let now = (writer.clock)().max(Timestamp::from_millis(row.get(4)));
        let window = i64::try_from(writer.dedup_window.as_millis()).unwrap_or(i64::MAX);
        Ok(Self {
            client,
            writer,
            now,
            dedup_from: now.as_millis().saturating_sub(window),
            partitions: writer.partitions,
            tally: Tally::default(),
            message: row.get(0),
            event: row.get(1),
            delivery: row.get(2),
            consent_change: row.get(3),
            leases: row.get::<_, Vec<i32>>(5).into_iter().collect(),
            wakes: BTreeSet::new(),
        })
    }

    pub async fn query(&self, sql: &str, parameters: Parameters<'_>) -> Result<Vec<Row>, StoreError> {
        let reading = async {
            let statement = self.client.prepare_cached(sql).await?;
            self.client.query(&statement, parameters).await
        };
        reading.await.map_err(|error| self.writer.database.failed(&error))
    }

    pub async fn execute(&self, sql: &str, parameters: Parameters<'_>) -> Result<u64, StoreError> {
        let writing = async {
            let statement = self.client.prepare_cached(sql).await?;
            self.client.execute(&statement, parameters).await
        };
        writing.await.map_err(|error| self.writer.database.failed(&error))
    }

    /// Writes where the tables end and what the ledger has gained. Everything is on the disk of the database when it returns.
    pub async fn commit(self) -> Result<Vec<Wake>, StoreError> {
        let ends =
            "UPDATE ends SET message = $1, event = $2, delivery = $3, consent_change = $4, accepted = $5";
        let accepted = self.now.as_millis();
        self.execute(ends, &[&self.message, &self.event, &self.delivery, &self.consent_change, &accepted])
            .await?;
        if self.tally != Tally::default() {
            let add = "INSERT INTO tally AS t (slot, numbers) VALUES ($1, $2) ON CONFLICT (slot) DO UPDATE SET numbers = ( \
                 SELECT array_agg(a + b ORDER BY place) FROM unnest(t.numbers, excluded.numbers) WITH ORDINALITY AS n (a, b, place))";
            let slot = i16::from(self.writer.node[15] % SLOTS);
            self.execute(add, &[&slot, &ledger::numbers(&self.tally)]).await?;
        }
        self.client.batch_execute("COMMIT").await.map_err(|error| self.writer.database.failed(&error))?;
        Ok(self.wakes.into_iter().collect())
    }

    /// What a trial goes back to.
    pub async fn point(&self) -> Result<Point, StoreError> {
        let Self { tally, message, event, delivery, consent_change, wakes, .. } = self;
        self.client
            .batch_execute("SAVEPOINT trial")
            .await
            .map_err(|error| self.writer.database.failed(&error))?;
        let (tally, wakes) = (tally.clone(), wakes.clone());
        Ok(Point { tally, wakes, ends: [*message, *event, *delivery, *consent_change] })
    }

    pub async fn back_to(&mut self, point: Point) -> Result<(), StoreError> {
        let Point { tally, wakes, ends } = point;
        let back = self.client.batch_execute("ROLLBACK TO trial; RELEASE trial").await;
        back.map_err(|error| self.writer.database.failed(&error))?;
        (self.tally, self.wakes) = (tally, wakes);
        [self.message, self.event, self.delivery, self.consent_change] = ends;
        Ok(())
    }

    /// Whether this node may work on a partition, by the word of the database.
    pub fn holds(&self, partition: i32) -> bool {
        self.leases.contains(&partition)
    }

    pub fn next_message(&mut self) -> MessageSeq {
        self.message += 1;
        MessageSeq(self.message)
    }

    pub fn next_event(&mut self) -> EventSeq {
        self.event += 1;
        EventSeq(self.event)
    }

    /// The delivery that comes next, without taking its place.
    pub const fn delivery_end(&self) -> DeliverySeq {
        DeliverySeq(self.delivery + 1)
    }

    pub fn next_delivery(&mut self) -> DeliverySeq {
        self.delivery += 1;
        DeliverySeq(self.delivery)
    }

    pub fn next_consent_change(&mut self) -> i64 {
        self.consent_change += 1;
        self.consent_change
    }
}
