//! What goes out by AMQP: one persistent message for each request, to the exchange that the channel declares. Answered once the
//! broker has confirmed it; one that no queue takes is a failure. One task owns the connection and ends when nobody can ask it any
//! more. Never publishes a message again by itself: that is for the schedule of retries.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation, Connection, Event, ExchangeKind, PublisherConfirm};
use snodo_core::ChannelName;
use tokio::sync::{mpsc, oneshot};

use super::{Broker, close, is_not_found};
use crate::transport::supervise::{Class, Trouble, Watch, guarded};
use crate::transport::{Answer, Mends, Request};

/// On the disk of the broker before it confirms.
const PERSISTENT: u8 = 2;

/// Where a channel's messages go.
#[derive(Debug)]
pub struct Publisher {
    pub channel: ChannelName,
    pub broker: Broker,
    /// Empty for the broker's own, whose routing keys are names of queues.
    pub exchange: String,
    pub concurrent: usize,
    pub timeout: Duration,
}

/// Why a message was not published, sorted by who must act.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The connector's.
    #[error("{0}")]
    Request(&'static str),
    /// The operator's: nothing is bound for that routing key.
    #[error("the broker has no queue for that routing key ({0}): bind one to the exchange")]
    Unroutable(String),
    /// The operator's: the connection's own declaration, or the user's rights.
    #[error("not connected: {0}")]
    Refused(String),
    /// The broker's.
    #[error("the broker did not take the message")]
    Rejected,
    #[error("not connected: {0}")]
    Away(String),
    #[error("the broker did not confirm in {0:?}")]
    Slow(Duration),
}

#[derive(Debug)]
pub struct AmqpOut {
    orders: mpsc::Sender<Order>,
    timeout: Duration,
}

#[derive(Debug)]
struct Order {
    routing_key: ShortString,
    properties: BasicProperties,
    body: Bytes,
    done: Done,
}

type Done = oneshot::Sender<Result<(), PublishError>>;

impl AmqpOut {
    /// Begins to connect. To be called within a runtime.
    pub fn open(publisher: Publisher) -> Self {
        let (orders, waiting) = mpsc::channel(publisher.concurrent.max(1));
        let timeout = publisher.timeout;
        tokio::spawn(run(publisher, waiting));
        Self { orders, timeout }
    }

    /// Resolves once the broker has confirmed the message.
    pub async fn send(&self, request: Request) -> Result<Answer, PublishError> {
        let started = Instant::now();
        let (done, answer) = oneshot::channel();
        let order = order(request, done)?;
        let away = |why: &str| PublishError::Away(why.to_owned());
        let asking = async {
            self.orders.send(order).await.map_err(|_| away("the hub is stopping"))?;
            answer.await.map_err(|_| away("the connection broke"))?
        };
        tokio::time::timeout(self.timeout, asking).await.map_err(|_| PublishError::Slow(self.timeout))??;
        Ok(Answer { status: 200, elapsed: started.elapsed(), ..Answer::default() })
    }
}

fn order(request: Request, done: Done) -> Result<Order, PublishError> {
    let Request { id, method, target, headers, body } = request;
    if method != "PUBLISH" {
        return Err(PublishError::Request("the method of a request by amqp is PUBLISH"));
    }
    let short = |text: String, why| ShortString::try_new(text).map_err(|_| PublishError::Request(why));
    let routing_key = short(target, "the target of a request by amqp is a routing key of at most 255 bytes")?;
    let mut properties = BasicProperties::default().with_delivery_mode(PERSISTENT);
    if let Ok(id) = ShortString::try_new(id) {
        properties = properties.with_message_id(id);
    }
    let mut table = FieldTable::default();
    for (name, value) in headers {
        match name.as_str() {
            "content-type" => {
                let kind = short(value, "a content type by amqp has at most 255 bytes")?;
                properties = properties.with_content_type(kind);
            }
            "type" => {
                let kind = short(value, "a type by amqp has at most 255 bytes")?;
                properties = properties.with_type(kind);
            }
            _ => {
                let name = short(name, "the name of a header by amqp has at most 255 bytes")?;
                table.insert(name, AMQPValue::LongString(value.into()));
            }
        }
    }
    let properties = properties.with_headers(table);
    Ok(Order { routing_key, properties, body, done })
}

async fn run(publisher: Publisher, mut orders: mpsc::Receiver<Order>) {
    let mut watch = Watch::new(publisher.channel.clone(), "amqp");
    loop {
        let Err(trouble) = guarded(session(&publisher, &mut orders, &mut watch)).await else { return };
        let refuse = |order: Order| _ = order.done.send(Err(PublishError::of(&trouble)));
        if watch.turn_away(&trouble, &mut orders, refuse).await.is_none() {
            return;
        }
    }
}

/// One connection. `Ok` when nobody can ask any more.
async fn session(
    publisher: &Publisher,
    orders: &mut mpsc::Receiver<Order>,
    watch: &mut Watch,
) -> Result<(), Trouble> {
    let connection = publisher.broker.connect().await?;
    let ended = match open(publisher, &connection).await {
        Ok(channel) => {
            watch.up();
            publish_all(publisher, &connection, &channel, orders).await
        }
        Err(trouble) => Err(trouble),
    };
    close(&connection).await;
    ended
}

async fn open(publisher: &Publisher, connection: &Connection) -> Result<Channel, Trouble> {
    let Publisher { broker, exchange, .. } = publisher;
    let channel = broker.channel(connection).await?;
    // The broker's own is always there, and nobody may ask for it.
    if !exchange.is_empty() {
        let name = ShortString::try_new(exchange.clone())
            .map_err(|_| Trouble::new(Class::Missing, "the name of an exchange has at most 255 bytes"))?;
        let look = ExchangeDeclareOptions { passive: true, ..ExchangeDeclareOptions::default() };
        let seen = channel.exchange_declare(name, ExchangeKind::Topic, look, FieldTable::default()).await;
        seen.map_err(|error| match is_not_found(&error) {
            true => Trouble::new(
                Class::Missing,
                format!("the broker has no exchange {exchange:?}: make it there"),
            ),
            false => broker.trouble(&error),
        })?;
    }
    let selected = channel.confirm_select(ConfirmSelectOptions::default()).await;
    selected.map_err(|error| broker.trouble(&error))?;
    Ok(channel)
}

async fn publish_all(
    publisher: &Publisher,
    connection: &Connection,
    channel: &Channel,
    orders: &mut mpsc::Receiver<Order>,
) -> Result<(), Trouble> {
    let broker = &publisher.broker;
    let mut events = std::pin::pin!(connection.events_listener());
    let mut flight = FuturesUnordered::new();
    loop {
        let room = flight.len() < publisher.concurrent;
        tokio::select! {
            order = orders.recv(), if room => match order {
                // Whoever gave up while it waited will ask again.
                Some(order) if order.done.is_closed() => {}
                Some(order) => {
                    let Order { routing_key, properties, body, done } = order;
                    match publish(publisher, channel, routing_key, properties, &body).await {
                        Ok(confirm) => flight.push(confirmed(confirm, done, publisher.timeout)),
                        Err(error) => {
                            let trouble = broker.trouble(&error);
                            _ = done.send(Err(PublishError::of(&trouble)));
                            return Err(trouble);
                        }
                    }
                }
                None => break,
            },
            Some(failed) = flight.next() => match failed {
                None => {}
                Some(Failed::Silent) => return Err(Trouble::away("the broker confirms nothing")),
                Some(Failed::Broke(error)) => return Err(broker.trouble(&error)),
            },
            event = events.next() => match event {
                Some(Event::Error(error)) => return Err(broker.trouble(&error)),
                Some(_) => {}
                None => return Err(Trouble::away("the connection broke")),
            },
        }
    }
    while flight.next().await.is_some() {}
    Ok(())
}

async fn publish(
    publisher: &Publisher,
    channel: &Channel,
    routing_key: ShortString,
    properties: BasicProperties,
    body: &[u8],
) -> lapin::Result<PublisherConfirm> {
    let exchange = ShortString::try_new(publisher.exchange.clone()).unwrap_or_else(|_| "".into());
    // What no queue takes comes back, and is not lost in silence.
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    channel.basic_publish(exchange, routing_key, options, body, properties).await
}

/// Why the connection is of no use any more.
enum Failed {
    Silent,
    Broke(lapin::Error),
}

async fn confirmed(confirm: PublisherConfirm, done: Done, time: Duration) -> Option<Failed> {
    let (result, failed) = match tokio::time::timeout(time, confirm).await {
        Ok(Ok(Confirmation::Ack(None))) => (Ok(()), None),
        Ok(Ok(Confirmation::Ack(Some(returned)) | Confirmation::Nack(Some(returned)))) => {
            (Err(PublishError::Unroutable(returned.reply_text.to_string())), None)
        }
        Ok(Ok(Confirmation::Nack(None) | Confirmation::NotRequested)) => (Err(PublishError::Rejected), None),
        Ok(Err(error)) => {
            (Err(PublishError::Away("the connection broke".to_owned())), Some(Failed::Broke(error)))
        }
        Err(_) => (Err(PublishError::Slow(time)), Some(Failed::Silent)),
    };
    // Whoever does not wait any more will ask again.
    _ = done.send(result);
    failed
}

impl PublishError {
    pub const fn mends(&self) -> Mends {
        match self {
            Self::Request(_) => Mends::Connector,
            Self::Unroutable(_) | Self::Refused(_) => Mends::Channel,
            Self::Rejected | Self::Away(_) | Self::Slow(_) => Mends::Destination,
        }
    }

    fn of(trouble: &Trouble) -> Self {
        match trouble.class {
            Class::Away | Class::Garbled => Self::Away(trouble.text.clone()),
            Class::Refused | Class::Missing => Self::Refused(trouble.text.clone()),
        }
    }
}
