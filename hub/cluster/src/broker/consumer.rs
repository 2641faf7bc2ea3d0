//! Takes what is in the queues of this node. Of each queue the broker lets one node take: which of them that is, the node learns by getting
//! something. Messages are written into the database and acknowledged after the commit, so that one that is handed over twice is found
//! there already. What else comes says that there is work, or asks who is there.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::select_all;
use futures_util::{FutureExt, StreamExt};
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use lapin::{Connection, Consumer as Letters, Event};
use snodo_core::Message;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::letter::Letter;
use super::{Broker, Trouble, close, trouble};
use crate::condition::Backoff;
use crate::keeper::Keeper;
use crate::partition::LEASE;
use crate::writer::Wake;

/// What a node holds of one queue without having acknowledged it.
const PREFETCH: u16 = 256;

/// How often it is looked whether a lease can be taken, or a database is back.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How long others have to become the active consumer before this node stands in line again.
const STAND_BACK: Duration = Duration::from_millis(500);

pub(crate) struct Consumer {
    pub broker: Arc<Broker>,
    pub keeper: Arc<Keeper>,
    pub partitions: u32,
}

impl Consumer {
    /// Until `stop`. A node whose database is away stands back: another may reach it.
    pub async fn run(self, stop: CancellationToken) {
        let mut backoff = Backoff::default();
        while !stop.is_cancelled() {
            let ended = stop.run_until_cancelled(self.session(&mut backoff)).await;
            self.keeper.stands_in_line.store(false, Ordering::Relaxed);
            self.keeper.leave_all();
            let Some(Trouble(why)) = ended else { break };
            tracing::warn!(reason = %why, "not taking from the queues; the hub goes on trying");
            stop.run_until_cancelled(tokio::time::sleep(backoff.next())).await;
        }
    }

    async fn session(&self, backoff: &mut Backoff) -> Trouble {
        while !self.keeper.reaches_database() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        let connection = match self.broker.connect("consumer").await {
            Ok(connection) => connection,
            Err(trouble) => return trouble,
        };
        backoff.reset();
        self.keeper.stands_in_line.store(true, Ordering::Relaxed);
        let queues =
            (0..self.partitions.cast_signed()).map(|partition| Box::pin(self.queue(&connection, partition)));
        let queues = select_all(queues);
        let mut events = std::pin::pin!(connection.events_listener());
        let broke = async {
            loop {
                match events.next().await {
                    Some(Event::Error(error)) => return trouble(&error),
                    Some(_) => {}
                    None => return Trouble("the connection broke".into()),
                }
            }
        };
        let ended = tokio::select! {
            (ended, ..) = queues => ended,
            trouble = broke => trouble,
            () = self.loses_database() => Trouble("the database is away".into()),
        };
        close(&connection).await;
        ended
    }

    async fn loses_database(&self) {
        let mut away = Duration::ZERO;
        while away < LEASE {
            tokio::time::sleep(LOOK_EVERY).await;
            away = if self.keeper.reaches_database() { Duration::ZERO } else { away + LOOK_EVERY };
        }
    }

    /// Stands in line for a queue, takes from it when it is this node's turn, and stands back when others should have it.
    async fn queue(&self, connection: &Connection, partition: i32) -> Trouble {
        loop {
            let ended = self.take_turn(connection, partition).await;
            // Whatever came in the last moment of the turn, the lease goes with it.
            self.keeper.holdings.leave(partition);
            if let Err(error) = ended {
                return trouble(&error);
            }
            while self.keeper.holdings.all().iter().any(|(held, _)| *held == partition) {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            tokio::time::sleep(STAND_BACK).await;
        }
    }

    /// Returns when the partition is to be given up. What was not acknowledged goes back into the queue when the channel is closed.
    async fn take_turn(&self, connection: &Connection, partition: i32) -> lapin::Result<()> {
        let channel = connection.create_channel().await?;
        channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
        let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
        let tag = format!("{partition}").into();
        let mut letters =
            channel.basic_consume(self.broker.queue(partition), tag, options, arguments).await?;
        let leave = self.keeper.leaving(partition);
        loop {
            let batch = tokio::select! {
                biased;
                () = leave.cancelled() => break,
                batch = gather(&mut letters) => batch?,
            };
            match leave.run_until_cancelled(self.take(partition, batch)).await {
                Some(taken) => taken?,
                None => break,
            }
        }
        _ = timeout(super::CLOSE_TIME_MAX, channel.close(200, "others take from here".into())).await;
        Ok(())
    }

    async fn take(&self, partition: i32, batch: Vec<Delivery>) -> lapin::Result<()> {
        // Having got something says that it is this node's turn; the lease of the node before has to be over, too.
        while !self.keeper.take(partition).await {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        let Some(last) = batch.last().map(|delivery| delivery.acker.clone()) else { return Ok(()) };
        let mut messages: Vec<Message> = Vec::new();
        for delivery in batch {
            let kind = delivery.properties.kind().as_ref().map_or("", |kind| kind.as_str()).to_owned();
            match Letter::read(&kind, delivery.data) {
                Some(Letter::Message(message)) => messages.push(message),
                Some(Letter::MessagesWait(channel)) => {
                    self.keeper.ring(&Wake::Messages { partition, channel });
                }
                Some(Letter::DeliveriesWait(destination)) => {
                    self.keeper.ring(&Wake::Deliveries { partition, destination });
                }
                Some(Letter::WhoIsThere) => {}
                None => self.refuse(partition, &kind).await,
            }
        }
        self.keeper.write(messages).await;
        last.ack(BasicAckOptions { multiple: true }).await.map(|_| ())
    }

    /// A later version has put it there: it stays where it is, with all that is behind it, until a node takes it that can read it.
    async fn refuse(&self, partition: i32, kind: &str) {
        let queue = self.broker.queue(partition);
        tracing::error!(
            queue = queue.as_str(),
            kind,
            "a queue holds what this version cannot read: bring this node up to date"
        );
        self.keeper.leave([partition]);
        std::future::pending::<()>().await;
    }
}

/// What is there, and nothing before something is.
async fn gather(letters: &mut Letters) -> lapin::Result<Vec<Delivery>> {
    let mut batch = Vec::new();
    let gone = || lapin::Error::from(std::io::Error::from(std::io::ErrorKind::ConnectionAborted));
    batch.push(letters.next().await.ok_or_else(gone)??);
    while batch.len() < usize::from(PREFETCH) {
        match letters.next().now_or_never() {
            Some(Some(delivery)) => batch.push(delivery?),
            Some(None) | None => break,
        }
    }
    Ok(batch)
}
