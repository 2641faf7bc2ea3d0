//! Keeps this node's leases, sees that every partition has a node and every node its share, and rings when there is work. A lease is a row in
//! the database, where what is worked on is, too: who holds it is settled in one place, and a node that lost it cannot write what it
//! did under it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use snodo_core::Message;
use snodo_store::StoreError;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::broker::publisher::Publisher;
use crate::cluster::Bells;
use crate::condition::Backoff;
use crate::database::Database;
use crate::partition::{Holdings, LEASE, Partitions};
use crate::row;
use crate::writer::{Accepting, Ask, Job, Wake};

/// Several times in a lease: one answer that is late does not cost it.
const RENEW_EVERY: Duration = Duration::from_secs(1);

/// An answer that takes longer comes too late for a lease.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(3);

/// A word about work may be lost with the broker: what waits is looked for this often anyway.
const SWEEP_EVERY: Duration = Duration::from_secs(3);

/// A node that has not been seen for so long gets no share. Shorter than a lease: what it held is not given up again by those who took it.
const SEEN_WITHIN: Duration = Duration::from_secs(4);

/// Words to other nodes that are under way at one time.
const WORDS_MAX: usize = 64;

pub(crate) struct Keeper {
    pub database: Arc<Database>,
    pub holdings: Holdings,
    pub publisher: Arc<Publisher>,
    pub jobs: mpsc::WeakSender<Job>,
    pub bells: Bells,
    pub partitions: Partitions,
    pub node: [u8; 16],
    pub name: String,
    pub lock: i64,
    /// Whether this node stands in line for the queues: otherwise it has no share.
    pub stands_in_line: AtomicBool,
    /// What ends a turn at a queue.
    pub turns: Mutex<HashMap<i32, CancellationToken>>,
}

impl Keeper {
    /// Until `stop`; then gives everything back that nothing is under way of.
    pub async fn run(&self, stop: CancellationToken) {
        let mut swept = None;
        while !stop.is_cancelled() {
            let began = Instant::now();
            match self.tick().await {
                Ok(()) if swept.is_none_or(|at: Instant| at.elapsed() >= SWEEP_EVERY) => {
                    swept = Some(Instant::now());
                    self.ring_all().await;
                }
                Ok(()) => {}
                Err(error) => tracing::debug!(%error, "leases wait to be renewed"),
            }
            self.lose_what_ran_out();
            stop.run_until_cancelled(tokio::time::sleep(RENEW_EVERY.saturating_sub(began.elapsed()))).await;
        }
    }

    async fn tick(&self) -> Result<(), StoreError> {
        self.renew().await?;
        self.give_back().await?;
        let (nodes, orphans) = self.look_around().await?;
        for partition in orphans {
            self.publisher.ask_who_is_there(partition).await;
        }
        self.share(nodes);
        Ok(())
    }

    async fn renew(&self) -> Result<(), StoreError> {
        let (held, asked) = (self.holdings.all(), Instant::now());
        if held.is_empty() {
            return Ok(());
        }
        let (partitions, epochs): (Vec<i32>, Vec<i64>) = held.iter().copied().unzip();
        let sql = "UPDATE lease l SET valid_until = clock_timestamp() + make_interval(secs => $4) \
             FROM unnest($2::integer[], $3::bigint[]) AS mine (partition, epoch) \
             WHERE l.partition = mine.partition AND l.epoch = mine.epoch AND l.owner = $1 RETURNING l.partition";
        let rows = self
            .database
            .within(ANSWER_TIME_MAX, async |client| {
                client.query(sql, &[&&self.node[..], &partitions, &epochs, &LEASE.as_secs_f64()]).await
            })
            .await?;
        let renewed: Vec<i32> = rows.iter().map(|row| row.get(0)).collect();
        for (partition, epoch) in held {
            match renewed.contains(&partition) {
                true => self.holdings.renew(partition, epoch, asked),
                false => self.lose(partition),
            }
        }
        Ok(())
    }

    fn lose_what_ran_out(&self) {
        for partition in self.holdings.run_out() {
            self.lose(partition);
        }
    }

    fn lose(&self, partition: i32) {
        tracing::warn!(partition, "lost a partition: another node may work on it");
        self.holdings.lose(partition);
        self.end_turn(partition);
    }

    /// What is to be given up and nothing is under way of any more.
    pub async fn give_back(&self) -> Result<(), StoreError> {
        let left = self.holdings.left();
        if left.is_empty() {
            return Ok(());
        }
        let sql = "UPDATE lease SET owner = NULL, valid_until = '-infinity' WHERE partition = ANY ($1) AND owner = $2";
        let given = self
            .database
            .within(ANSWER_TIME_MAX, async |client| client.execute(sql, &[&left, &&self.node[..]]).await);
        given.await?;
        left.into_iter().for_each(|partition| self.holdings.lose(partition));
        Ok(())
    }

    /// This node leaves: the others have its share from now on.
    pub async fn sign_off(&self) -> Result<(), StoreError> {
        self.stands_in_line.store(false, Ordering::Relaxed);
        let gone = "DELETE FROM node WHERE id = $1";
        let gone = self
            .database
            .within(ANSWER_TIME_MAX, async |client| client.execute(gone, &[&&self.node[..]]).await);
        gone.await.map(drop)
    }

    /// How many nodes stand in line, and the partitions that nobody holds.
    async fn look_around(&self) -> Result<(usize, Vec<i32>), StoreError> {
        let here = "INSERT INTO node (id, name, seen) VALUES ($1, $2, clock_timestamp()) \
             ON CONFLICT (id) DO UPDATE SET seen = excluded.seen";
        let look = "SELECT (SELECT count(*) FROM node WHERE seen > clock_timestamp() - make_interval(secs => $1)), \
             ARRAY(SELECT partition FROM lease WHERE owner IS NULL OR valid_until < clock_timestamp())";
        let row = self
            .database
            .within(ANSWER_TIME_MAX, async |client| {
                if self.stands_in_line.load(Ordering::Relaxed) {
                    client.execute(here, &[&&self.node[..], &self.name]).await?;
                    client
                        .execute("DELETE FROM node WHERE seen < clock_timestamp() - interval '1 day'", &[])
                        .await?;
                }
                client.query_one(look, &[&SEEN_WITHIN.as_secs_f64()]).await
            })
            .await?;
        Ok((usize::try_from(row.get::<_, i64>(0)).unwrap_or(0), row.get(1)))
    }

    /// Gives up what is beyond this node's share, for the nodes behind it in line.
    fn share(&self, nodes: usize) {
        let kept = self.holdings.kept();
        let share = (self.partitions.0 as usize).div_ceil(nodes.max(1));
        if kept.len() > share {
            self.leave(kept[share..].iter().copied());
        }
    }

    /// This node gets what comes into the partition's queue. Whether the lease is its own: another node may still have something under way.
    pub async fn take(&self, partition: i32) -> bool {
        self.holdings.stay(partition);
        if self.holdings.all().iter().any(|(held, _)| *held == partition) {
            return self.holdings.holds(partition);
        }
        let asked = Instant::now();
        // Under the lock of those who write: what a node has checked stays true until it is written.
        let lock = format!("BEGIN; SELECT pg_advisory_xact_lock({})", self.lock);
        let sql = "UPDATE lease SET owner = $1, epoch = epoch + 1, valid_until = clock_timestamp() + make_interval(secs => $3) \
             WHERE partition = $2 AND (owner IS NULL OR owner = $1 OR valid_until < clock_timestamp()) RETURNING epoch";
        let taken = self
            .database
            .within(ANSWER_TIME_MAX, async |client| {
                client.batch_execute(&lock).await?;
                let row = client.query_opt(sql, &[&&self.node[..], &partition, &LEASE.as_secs_f64()]).await?;
                client.batch_execute("COMMIT").await?;
                Ok(row)
            })
            .await;
        let Ok(Some(row)) = taken else { return false };
        self.holdings.hold(partition, row.get(0), asked);
        tracing::info!(partition, node = self.name, "took a partition");
        self.ring_all().await;
        true
    }

    /// A turn at a queue begins: what ends it when the partition is to be given up.
    pub fn leaving(&self, partition: i32) -> CancellationToken {
        let token = CancellationToken::new();
        self.turns.lock().unwrap_or_else(PoisonError::into_inner).insert(partition, token.clone());
        token
    }

    fn end_turn(&self, partition: i32) {
        let turn = self.turns.lock().unwrap_or_else(PoisonError::into_inner).remove(&partition);
        if let Some(token) = turn {
            token.cancel();
        }
    }

    /// Nothing more is claimed of these, and their leases go back when nothing of them is under way.
    pub fn leave(&self, partitions: impl IntoIterator<Item = i32>) {
        for partition in partitions {
            self.holdings.leave(partition);
            self.end_turn(partition);
        }
    }

    pub fn leave_all(&self) {
        self.leave(0..self.partitions.0.cast_signed());
    }

    pub fn reaches_database(&self) -> bool {
        self.database.watch.is_up()
    }

    /// Messages that the broker has handed over. Until they are written: the broker keeps them as long as it takes.
    pub async fn write(&self, messages: Vec<Message>) {
        let mut backoff = Backoff::default();
        while !messages.is_empty() {
            let Some(jobs) = self.jobs.upgrade() else { return std::future::pending().await };
            let (reply, answered) = tokio::sync::oneshot::channel();
            let input = Accepting { messages: messages.clone(), cursor: None };
            let sent = jobs.send(Job::Accept(Ask { input, reply })).await;
            drop(jobs);
            match (sent, answered.await) {
                (Ok(()), Ok(Ok(_))) => return,
                (_, Ok(Err(error))) => tracing::debug!(%error, "messages wait at the broker"),
                _ => {}
            }
            tokio::time::sleep(backoff.next()).await;
        }
    }

    pub fn ring(&self, wake: &Wake) {
        match wake {
            Wake::Messages { channel, .. } => (self.bells.on_message)(channel),
            Wake::Deliveries { destination, .. } => (self.bells.on_delivery)(destination),
        }
    }

    /// Rings here for what is this node's, and tells the others what is theirs.
    pub async fn pass_on(&self, wakes: mpsc::UnboundedReceiver<Wake>) {
        let wakes = futures_util::stream::unfold(wakes, async |mut wakes| Some((wakes.recv().await?, wakes)));
        wakes
            .for_each_concurrent(WORDS_MAX, async |wake| {
                let (Wake::Messages { partition, .. } | Wake::Deliveries { partition, .. }) = &wake;
                match self.holdings.holds(*partition) {
                    true => self.ring(&wake),
                    false => self.publisher.wake(wake).await,
                }
            })
            .await;
    }

    /// Rings for every channel and every destination that something waits for, whoever's it is: those who hear it look for themselves.
    async fn ring_all(&self) {
        // Each step finds the next name in an index: how much waits under it does not matter.
        let names = |table: &str, column: &str, which: &str| {
            format!(
                "WITH RECURSIVE n AS ((SELECT {column} AS name FROM {table} WHERE {which} ORDER BY {column} LIMIT 1) UNION ALL \
                     SELECT (SELECT {column} FROM {table} WHERE {which} AND {column} > n.name ORDER BY {column} LIMIT 1) \
                     FROM n WHERE n.name IS NOT NULL) SELECT name FROM n WHERE name IS NOT NULL"
            )
        };
        let found = self.database.within(ANSWER_TIME_MAX, async |client| {
            let channels = client.query(&names("pending", "channel", "TRUE"), &[]).await?;
            Ok((channels, client.query(&names("delivery", "destination", "fate IS NULL"), &[]).await?))
        });
        let Ok((channels, destinations)) = found.await else { return };
        for channel in channels.iter().filter_map(|row| row::parsed(row.get(0)).ok()) {
            (self.bells.on_message)(&channel);
        }
        for destination in destinations.iter().filter_map(|row| row::parsed(row.get(0)).ok()) {
            (self.bells.on_delivery)(&destination);
        }
    }
}
