//! RabbitMQ, as the nodes of a home use it: one direct exchange, and for each partition a quorum queue with a single active consumer. A queue
//! holds messages that were accepted and are not in the database yet, and words to whoever works on its partition. Connections are
//! watched here; lapin's own recovery stays off. No error shows the URL, which has a password in it.

use std::time::Duration;

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::protocol::{AMQPErrorKind, AMQPHardError, AMQPSoftError};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{Channel, Connection, ConnectionProperties, Error, ErrorKind, ExchangeKind};
use tokio::time::timeout;

use crate::condition::Watch;
use crate::open::{OpenError, Unreachable};

pub(crate) mod consumer;
mod letter;
pub(crate) mod publisher;

/// A node that is gone without a word is noticed after two of these.
const HEARTBEAT_SECONDS: u16 = 5;

/// A broker that cannot be reached in this time is down.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);

/// How long a broker may take to make a queue that all its nodes hold.
const DECLARE_TIME_MAX: Duration = Duration::from_secs(30);

/// How long a broker may take to say goodbye.
const CLOSE_TIME_MAX: Duration = Duration::from_secs(1);

/// What waits in one queue at most. A database that is away for an hour fills it; then senders are told to come back later.
const QUEUE_BYTES_MAX: i64 = 1 << 30;

pub(crate) struct Broker {
    uri: AMQPUri,
    /// Of the exchange, and the beginning of the names of the queues.
    name: String,
    node: String,
    partitions: u32,
    pub watch: Watch,
}

/// Why there is no connection, for whoever mends it. Shows no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Trouble(pub String);

impl Broker {
    pub fn new(url: &str, name: String, node: String, partitions: u32) -> Result<Self, OpenError> {
        let mut uri: AMQPUri = url.parse().map_err(|_| OpenError::BrokerUrl)?;
        if uri.scheme != AMQPScheme::AMQP {
            return Err(OpenError::BrokerTls);
        }
        uri.query.heartbeat = Some(HEARTBEAT_SECONDS);
        Ok(Self { uri, name, node, partitions, watch: Watch::new("the broker") })
    }

    /// `what` it is for is shown on the broker's own pages.
    pub async fn connect(&self, what: &str) -> Result<Connection, Trouble> {
        let name = format!("snodo {} {what}", self.node);
        let properties = ConnectionProperties::default().with_connection_name(name.into());
        let connecting = Connection::connect_uri(self.uri.clone(), properties);
        let connected = timeout(CONNECT_TIME_MAX, connecting).await;
        connected.map_err(|_| Trouble("it did not answer in time".into()))?.map_err(|error| trouble(&error))
    }

    /// Makes the exchange and the queues if they are not there, and compares them with what the home needs if they are.
    pub async fn prepare(&self) -> Result<(), OpenError> {
        let away = |trouble: Trouble| Unreachable(format!("failed to reach the broker: {trouble}"));
        let connection = self.connect("topology").await.map_err(away)?;
        let declared = timeout(DECLARE_TIME_MAX, self.declare(&connection)).await;
        close(&connection).await;
        declared.map_err(|_| away(Trouble("it did not answer in time".into())))?
    }

    async fn declare(&self, connection: &Connection) -> Result<(), OpenError> {
        let channel = connection.create_channel().await.map_err(|error| mismatch(&error, "a channel", ""))?;
        let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        let exchange =
            channel.exchange_declare(self.exchange(), ExchangeKind::Direct, durable, FieldTable::default());
        exchange.await.map_err(|error| {
            mismatch(&error, &format!("the exchange {}", self.name), "direct and durable")
        })?;
        for partition in 0..self.partitions.cast_signed() {
            self.declare_queue(&channel, partition).await?;
        }
        Ok(())
    }

    async fn declare_queue(&self, channel: &Channel, partition: i32) -> Result<(), OpenError> {
        let wanted =
            "durable, of type quorum, with a single active consumer, that rejects what is beyond 1 GiB";
        let failed =
            |error| mismatch(&error, &format!("the queue {}", self.queue(partition).as_str()), wanted);
        let mut arguments = FieldTable::default();
        let text = |text: &str| AMQPValue::LongString(text.into());
        arguments.insert("x-queue-type".into(), text("quorum"));
        arguments.insert("x-single-active-consumer".into(), AMQPValue::Boolean(true));
        arguments.insert("x-overflow".into(), text("reject-publish"));
        arguments.insert("x-max-length-bytes".into(), AMQPValue::LongLongInt(QUEUE_BYTES_MAX));
        let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        channel.queue_declare(self.queue(partition), durable, arguments).await.map_err(failed)?;
        let bind = QueueBindOptions::default();
        let bound = channel.queue_bind(
            self.queue(partition),
            self.exchange(),
            key(partition),
            bind,
            FieldTable::default(),
        );
        bound.await.map_err(failed)
    }

    fn exchange(&self) -> ShortString {
        self.name.as_str().into()
    }

    fn queue(&self, partition: i32) -> ShortString {
        format!("{}.{partition}", self.name).into()
    }
}

fn key(partition: i32) -> ShortString {
    partition.to_string().into()
}

async fn close(connection: &Connection) {
    _ = timeout(CLOSE_TIME_MAX, connection.close(200, "the hub is stopping".into())).await;
}

/// What an error of lapin's means for whoever mends it.
fn trouble(error: &Error) -> Trouble {
    let text = match error.kind() {
        ErrorKind::ProtocolError(said) => match said.kind() {
            AMQPErrorKind::Hard(AMQPHardError::NOTALLOWED) => {
                "the broker has no such vhost, or does not let the user into it".to_owned()
            }
            AMQPErrorKind::Hard(AMQPHardError::CONNECTIONFORCED) => "the broker ended the connection".to_owned(),
            AMQPErrorKind::Soft(AMQPSoftError::ACCESSREFUSED) => {
                "the broker does not let the hub in: compare user and password with the broker's, and the user's rights".to_owned()
            }
            AMQPErrorKind::Soft(AMQPSoftError::NOTFOUND) => "a queue of the home is gone".to_owned(),
            kind => format!("the broker ended it: {kind:?}"),
        },
        ErrorKind::IOError(error) => format!("the connection broke: {}", error.kind()),
        ErrorKind::MissingHeartbeatError => "the broker's heartbeat is missing".to_owned(),
        ErrorKind::InvalidConnectionState(_) | ErrorKind::InvalidChannelState(..) => "the connection broke".to_owned(),
        _ => error.to_string(),
    };
    Trouble(text)
}

fn mismatch(error: &Error, what: &str, wanted: &'static str) -> OpenError {
    match error.kind() {
        ErrorKind::ProtocolError(said)
            if matches!(said.kind(), AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED)) =>
        {
            OpenError::Topology { what: what.to_owned(), wanted }
        }
        _ => Unreachable(format!("failed to declare {what} at the broker: {}", trouble(error))).into(),
    }
}
