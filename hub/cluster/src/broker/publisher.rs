//! Puts letters into the queues. A message counts as accepted once the broker has confirmed it, which a quorum queue does when most of its
//! replicas have it on their disks. One connection, made again for as long as the node runs; while there is none, whoever publishes is
//! told so at once.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Channel, Confirmation, Connection, Event, PublisherConfirm};
use snodo_core::Message;
use snodo_store::StoreError;
use tokio::sync::{Mutex, Notify};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::letter::Letter;
use super::{Broker, Trouble, close, key, trouble};
use crate::condition::Backoff;
use crate::partition::Partitions;
use crate::writer::Wake;

/// On the disk of the broker before it confirms.
const PERSISTENT: u8 = 2;

/// A confirmation that takes longer does not come: senders wait for it, and give up themselves soon after.
const CONFIRM_TIME_MAX: Duration = Duration::from_secs(8);

pub(crate) struct Publisher {
    broker: Arc<Broker>,
    partitions: Partitions,
    /// `None` while there is no connection. Locked for as long as it takes to hand lapin a letter: it numbers what is to be confirmed.
    line: Mutex<Option<Line>>,
    connected: Notify,
}

/// One connection.
struct Line {
    channel: Channel,
    /// Somebody has found that it is of no use.
    broken: Arc<Notify>,
}

/// A letter that was sent, and the connection on which it will be confirmed.
struct Sent {
    confirm: PublisherConfirm,
    broken: Arc<Notify>,
}

impl Publisher {
    pub fn new(broker: Arc<Broker>, partitions: Partitions) -> Self {
        Self { broker, partitions, line: Mutex::new(None), connected: Notify::new() }
    }

    /// Resolves when the broker has confirmed it. After an error it may be accepted all the same: the broker may have been cut off before
    /// it could say so.
    pub async fn accept(&self, message: Message) -> Result<(), StoreError> {
        let partition = self.partitions.of_channel(message.channel.as_str());
        self.publish(partition, &Letter::Message(message)).await
    }

    /// A word that is lost is no harm: nodes look after what waits from time to time.
    pub async fn wake(&self, wake: Wake) {
        let (partition, letter) = Letter::of(wake);
        if let Err(error) = self.publish(partition, &letter).await {
            tracing::debug!(%error, partition, "nobody was told what waits");
        }
    }

    pub async fn ask_who_is_there(&self, partition: i32) {
        if let Err(error) = self.publish(partition, &Letter::WhoIsThere).await {
            tracing::debug!(%error, partition, "nobody was asked");
        }
    }

    async fn publish(&self, partition: i32, letter: &Letter) -> Result<(), StoreError> {
        let body = letter.bytes();
        let sending = timeout(CONFIRM_TIME_MAX, self.send(partition, letter.kind(), &body)).await;
        let Sent { confirm, broken } = sending.map_err(|_| self.away("it takes nothing"))??;
        let why = match timeout(CONFIRM_TIME_MAX, confirm).await {
            Ok(Ok(Confirmation::Ack(None))) => return Ok(()),
            // More than the queue may hold, or a broker that has no room.
            Ok(Ok(Confirmation::Nack(None) | Confirmation::NotRequested)) => {
                return Err(StoreError::Overloaded);
            }
            // A new connection makes the queues anew.
            Ok(Ok(Confirmation::Ack(Some(_)) | Confirmation::Nack(Some(_)))) => {
                "a queue of the home is gone".to_owned()
            }
            Ok(Err(error)) => trouble(&error).0,
            Err(_) => "it did not confirm in time".to_owned(),
        };
        broken.notify_one();
        Err(self.away(&why))
    }

    async fn send(&self, partition: i32, kind: &'static str, body: &[u8]) -> Result<Sent, StoreError> {
        let line = self.line.lock().await;
        let Line { channel, broken } = line.as_ref().ok_or_else(|| self.away("there is no connection"))?;
        // What no queue takes comes back, and is not lost in silence.
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let properties = BasicProperties::default().with_delivery_mode(PERSISTENT).with_type(kind.into());
        match channel.basic_publish(self.broker.exchange(), key(partition), options, body, properties).await {
            Ok(confirm) => Ok(Sent { confirm, broken: Arc::clone(broken) }),
            Err(error) => {
                broken.notify_one();
                Err(self.away(&trouble(&error).0))
            }
        }
    }

    fn away(&self, why: &str) -> StoreError {
        StoreError::Away(format!("the broker: {why}"))
    }

    /// Resolves when there is a first connection. For one who waits.
    pub async fn is_connected(&self) {
        self.connected.notified().await;
    }

    /// Keeps a connection up until `stop`. The topology is declared again each time: a broker may have come back without it.
    pub async fn run(&self, stop: CancellationToken) {
        let mut backoff = Backoff::default();
        while !stop.is_cancelled() {
            let ended = stop.run_until_cancelled(self.session(&mut backoff)).await;
            *self.line.lock().await = None;
            let Some(Trouble(why)) = ended else { break };
            self.broker.watch.down(why);
            stop.run_until_cancelled(tokio::time::sleep(backoff.next())).await;
        }
    }

    async fn session(&self, backoff: &mut Backoff) -> Trouble {
        if let Err(error) = self.broker.prepare().await {
            return Trouble(error.to_string());
        }
        let connection = match self.broker.connect("publisher").await {
            Ok(connection) => connection,
            Err(trouble) => return trouble,
        };
        let broken = Arc::new(Notify::new());
        let ended = match self.open(&connection, &broken).await {
            Ok(()) => {
                self.broker.watch.up();
                self.connected.notify_one();
                backoff.reset();
                watch(&connection, &broken).await
            }
            Err(error) => trouble(&error),
        };
        *self.line.lock().await = None;
        close(&connection).await;
        ended
    }

    async fn open(&self, connection: &Connection, broken: &Arc<Notify>) -> lapin::Result<()> {
        let channel = connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        *self.line.lock().await = Some(Line { channel, broken: Arc::clone(broken) });
        Ok(())
    }
}

/// Resolves when the connection is of no use any more.
async fn watch(connection: &Connection, broken: &Notify) -> Trouble {
    let mut events = std::pin::pin!(connection.events_listener());
    loop {
        tokio::select! {
            event = events.next() => match event {
                Some(Event::Error(error)) => return trouble(&error),
                Some(_) => {}
                None => return Trouble("the connection broke".into()),
            },
            () = broken.notified() => return Trouble("it did not confirm what was published".into()),
        }
    }
}
