//! What comes by AMQP: each message of the queue that a channel declares. Acknowledged once the hub has it for certain; what is not
//! acknowledged comes again. Never holds more than what may be under way.
//!
//! A message that the hub has no room for waits here, unacknowledged, and goes back to the queue after some minutes: each return
//! counts, and a quorum queue gives up a message that was returned too often. One that is larger than the hub takes is rejected for
//! good: it goes where the queue's dead letters go.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions, BasicRejectOptions,
    QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{Channel, Connection, Consumer};
use snodo_core::message::Envelope;
use snodo_core::{ChannelName, Message, MessageId, Timestamp};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::{Broker, close, is_not_found};
use crate::transport::kept::Kept;
use crate::transport::patience::{Tally, insist};
use crate::transport::supervise::{Class, Trouble, Watch, guarded};
use crate::transport::{AcceptError, Stamp};

/// How long messages under way may take once the hub is to stop. Later ones come again.
const STOP_GRACE: Duration = Duration::from_secs(5);
/// How long a message waits for room before it goes back: RabbitMQ closes a channel that keeps one for thirty minutes.
const HOLD_TIME_MAX: Duration = Duration::from_secs(600);

/// What a channel takes from its broker.
#[derive(Debug)]
pub struct Subscription {
    pub channel: ChannelName,
    pub broker: Broker,
    pub queue: String,
    /// Whether the queue is made if it is not there.
    pub declare: bool,
    pub prefetch: u16,
    pub kept: Kept,
    pub body_bytes_max: usize,
}

pub struct Subscriber<A> {
    subscription: Subscription,
    accept: A,
    clock: fn() -> Timestamp,
    stamp: Stamp,
    tally: Tally,
}

impl<A, F> Subscriber<A>
where
    A: Fn(Message) -> F + Send + Sync,
    F: Future<Output = Result<MessageId, AcceptError>> + Send,
{
    pub fn new(subscription: Subscription, accept: A, clock: fn() -> Timestamp) -> Self {
        let tally = Tally::new(subscription.channel.clone(), "snodo_amqp_in_total");
        Self { subscription, accept, clock, stamp: Stamp::default(), tally }
    }

    pub async fn run(&self, stop: CancellationToken) {
        let mut watch = Watch::new(self.subscription.channel.clone(), "amqp");
        while !stop.is_cancelled() {
            let ended = guarded(self.session(&mut watch, &stop)).await;
            watch.rest(ended, &stop).await;
        }
    }

    /// One connection, from its beginning to its end.
    async fn session(&self, watch: &mut Watch, stop: &CancellationToken) -> Result<(), Trouble> {
        let broker = &self.subscription.broker;
        let Some(connection) = stop.run_until_cancelled(broker.connect()).await else { return Ok(()) };
        let connection = connection?;
        let ended = match stop.run_until_cancelled(self.consume(&connection)).await {
            Some(Ok((_channel, consumer))) => {
                watch.up();
                self.take_all(consumer, stop).await
            }
            Some(Err(trouble)) => Err(trouble),
            None => Ok(()),
        };
        close(&connection).await;
        ended
    }

    async fn consume(&self, connection: &Connection) -> Result<(Channel, Consumer), Trouble> {
        let Subscription { broker, queue, prefetch, .. } = &self.subscription;
        let failed = |error: lapin::Error| broker.trouble(&error);
        let queue = ShortString::try_new(queue.clone())
            .map_err(|_| Trouble::new(Class::Missing, "the name of a queue has at most 255 bytes"))?;
        let channel = self.find(connection, &queue).await?;
        channel.basic_qos(*prefetch, BasicQosOptions::default()).await.map_err(failed)?;
        let options = BasicConsumeOptions::default();
        let consumer = channel.basic_consume(queue, "".into(), options, FieldTable::default()).await;
        Ok((channel, consumer.map_err(failed)?))
    }

    /// A channel on which the queue was seen.
    async fn find(&self, connection: &Connection, queue: &ShortString) -> Result<Channel, Trouble> {
        let Subscription { channel: name, broker, declare, .. } = &self.subscription;
        let channel = broker.channel(connection).await?;
        let look = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let seen = channel.queue_declare(queue.clone(), look, FieldTable::default()).await;
        match seen {
            Ok(_) => return Ok(channel),
            Err(error) if is_not_found(&error) && *declare => {}
            Err(error) if is_not_found(&error) => {
                let text = format!(
                    "the broker has no queue {queue:?}: make it there, or write declare = true",
                    queue = queue.as_str()
                );
                return Err(Trouble::new(Class::Missing, text));
            }
            Err(error) => return Err(broker.trouble(&error)),
        }
        // The broker has closed the channel on which it was asked in vain.
        let channel = broker.channel(connection).await?;
        let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
        let made = channel.queue_declare(queue.clone(), durable, arguments).await;
        made.map_err(|error| broker.trouble(&error))?;
        info!(channel = %name, "made the queue");
        Ok(channel)
    }

    async fn take_all(&self, mut consumer: Consumer, stop: &CancellationToken) -> Result<(), Trouble> {
        let mut taking = FuturesUnordered::new();
        loop {
            tokio::select! {
                delivery = consumer.next() => match delivery {
                    Some(Ok(delivery)) => taking.push(self.take(delivery, stop)),
                    Some(Err(error)) => return Err(self.subscription.broker.trouble(&error)),
                    None => return Err(Trouble::new(Class::Missing, "the broker ended the subscription: is the queue still there?")),
                },
                Some(taken) = taking.next() => taken?,
                () = stop.cancelled() => break,
            }
        }
        let rest = async { while taking.next().await.is_some() {} };
        _ = timeout(STOP_GRACE, rest).await;
        Ok(())
    }

    /// Resolves once the message is acknowledged, or it is certain that it will not be.
    async fn take(&self, delivery: Delivery, stop: &CancellationToken) -> Result<(), Trouble> {
        let Delivery { routing_key, properties, data, acker, .. } = delivery;
        let channel = &self.subscription.channel;
        let settled = if data.len() > self.subscription.body_bytes_max {
            self.tally.count("too-large");
            warn!(%channel, bytes = data.len(), "a message is larger than limits.body_bytes_max and was rejected");
            acker.reject(BasicRejectOptions { requeue: false }).await
        } else {
            let message = self.message(routing_key.into(), &properties, data.into());
            match timeout(HOLD_TIME_MAX, insist(&self.accept, message, &self.tally, stop)).await {
                Ok(Some(id)) => {
                    debug!(message_id = %id, %channel, "accepted");
                    acker.ack(BasicAckOptions::default()).await
                }
                // What is unacknowledged goes back by itself when the connection ends.
                Ok(None) => return Ok(()),
                Err(_) => {
                    self.tally.count("returned");
                    acker.nack(BasicNackOptions { requeue: true, ..BasicNackOptions::default() }).await
                }
            }
        };
        settled.map(|_| ()).map_err(|error| self.subscription.broker.trouble(&error))
    }

    fn message(&self, name: String, properties: &lapin::BasicProperties, body: Bytes) -> Message {
        let Subscription { channel, kept, .. } = &self.subscription;
        let envelope = Envelope { headers: headers(kept, properties), name, ..Envelope::default() };
        self.stamp.message(channel, (self.clock)(), envelope, body)
    }
}

/// The properties that have a word of their own, and the texts among the application's headers.
fn headers(kept: &Kept, properties: &lapin::BasicProperties) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    for (name, value) in [
        ("content-type", properties.content_type()),
        ("message-id", properties.message_id()),
        ("type", properties.kind()),
    ] {
        if let Some(value) = value {
            kept.add(&mut headers, name, value.as_str());
        }
    }
    let seconds = properties.timestamp().and_then(|seconds| i64::try_from(seconds).ok());
    if let Some(moment) = seconds.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok()) {
        kept.add(&mut headers, "timestamp", moment.to_string());
    }
    for (name, value) in properties.headers().iter().flatten() {
        let text = match value {
            AMQPValue::LongString(text) => std::str::from_utf8(text.as_bytes()).ok(),
            AMQPValue::ShortString(text) => Some(text.as_str()),
            _ => None,
        };
        // A property wins over a header of the same name.
        let free = |name: &str| !headers.iter().any(|(taken, _)| taken == name);
        if let (Some(text), Some(name)) = (text, kept.keeps(name.as_str()).filter(|name| free(name))) {
            headers.push((name, text.to_owned()));
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_and_texts_that_are_named_become_headers() {
        let kept = Kept::new(&["type", "timestamp", "x-*", "ce-id"]);
        let mut table = FieldTable::default();
        for (name, value) in [
            ("X-Shop", AMQPValue::LongString("north".into())),
            ("x-count", AMQPValue::LongInt(3)),
            ("ce-id", AMQPValue::ShortString("7".into())),
            ("other", AMQPValue::LongString("no".into())),
            ("type", AMQPValue::LongString("not this one".into())),
        ] {
            table.insert(name.into(), value);
        }
        let properties = lapin::BasicProperties::default()
            .with_content_type("application/json".into())
            .with_message_id("m-1".into())
            .with_type("placed".into())
            .with_timestamp(1_772_355_600)
            .with_headers(table);
        let mut found = headers(&kept, &properties);
        found.sort();
        let found: Vec<(&str, &str)> =
            found.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let expected = [
            ("ce-id", "7"),
            ("content-type", "application/json"),
            ("timestamp", "2026-03-01T09:00:00Z"),
            ("type", "placed"),
            ("x-shop", "north"),
        ];
        assert_eq!(found, expected);
    }
}
