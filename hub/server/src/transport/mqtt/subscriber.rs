//! What comes by MQTT: each message of the topics that a channel declares. Acknowledged once the hub has it for certain, in the order
//! in which it came; what is not acknowledged comes again. Never reads ahead of what may be under way.
//!
//! A message that is larger than the hub takes is acknowledged with a reason and counted: unacknowledged it would come for ever.
//! One that is larger still the broker does not send at all, because the hub says how much it takes (MQTT 5.0, 3.1.2.11.4).

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::FuturesOrdered;
use futures_util::{FutureExt, StreamExt};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    Filter, Packet, PubAck, PubAckReason, Publish, PublishProperties, RetainForwardRule, SubAck, Subscribe,
    SubscribeReasonCode,
};
use snodo_core::message::Envelope;
use snodo_core::{ChannelName, Message, MessageId, Timestamp, topic};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::Broker;
use super::link::{AROUND_BYTES, Link, Wanted};
use crate::transport::kept::Kept;
use crate::transport::patience::{Tally, insist};
use crate::transport::supervise::{Class, Trouble, Watch, guarded};
use crate::transport::{AcceptError, Stamp};

/// How long messages under way may take once the hub is to stop. Later ones come again.
const STOP_GRACE: Duration = Duration::from_secs(5);
/// There is one subscription in a connection, and nothing else that has a number.
const SUBSCRIBE_ID: u16 = 1;

/// What a channel takes from its broker.
#[derive(Debug)]
pub struct Subscription {
    pub channel: ChannelName,
    pub broker: Broker,
    /// Filters, as declared.
    pub topics: Vec<String>,
    pub queue_group: Option<String>,
    pub session: Duration,
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

/// What becomes of a message: its number, for those that have one, and what the broker is told.
type Taken = Option<(u16, PubAckReason)>;

impl<A, F> Subscriber<A>
where
    A: Fn(Message) -> F + Send + Sync,
    F: Future<Output = Result<MessageId, AcceptError>> + Send,
{
    pub fn new(subscription: Subscription, accept: A, clock: fn() -> Timestamp) -> Self {
        let tally = Tally::new(subscription.channel.clone(), "snodo_mqtt_in_total");
        Self { subscription, accept, clock, stamp: Stamp::default(), tally }
    }

    pub async fn run(&self, stop: CancellationToken) {
        let mut watch = Watch::new(self.subscription.channel.clone(), "mqtt");
        while !stop.is_cancelled() {
            let ended = guarded(self.session(&mut watch, &stop)).await;
            watch.rest(ended, &stop).await;
        }
    }

    /// One connection, from its beginning to its end.
    async fn session(&self, watch: &mut Watch, stop: &CancellationToken) -> Result<(), Trouble> {
        let Some(link) = stop.run_until_cancelled(self.open()).await else { return Ok(()) };
        let mut link = link?;
        let mut taking = FuturesOrdered::new();
        loop {
            // QoS 1 keeps to this by itself; QoS 0 has to wait in the connection.
            let room = taking.len() < usize::from(self.subscription.prefetch);
            tokio::select! {
                packet = link.next(room) => match packet? {
                    Packet::Publish(publish) => taking.push_back(self.take(publish, stop)),
                    Packet::SubAck(answer) => {
                        self.check(&answer)?;
                        watch.up();
                    }
                    _ => {}
                },
                Some(taken) = taking.next() => {
                    acknowledge(&mut link, taken).await?;
                    // Those that are done by now share a packet of the network.
                    while let Some(Some(taken)) = taking.next().now_or_never() {
                        acknowledge(&mut link, taken).await?;
                    }
                    link.flush().await?;
                }
                () = stop.cancelled() => break,
            }
        }
        let rest = async {
            while let Some(taken) = taking.next().await {
                acknowledge(&mut link, taken).await?;
            }
            link.flush().await
        };
        _ = timeout(STOP_GRACE, rest).await;
        link.close().await;
        Ok(())
    }

    async fn open(&self) -> Result<Link, Trouble> {
        let Subscription { broker, topics, queue_group, session, prefetch, body_bytes_max, .. } =
            &self.subscription;
        let wanted = Wanted {
            clean: false,
            kept: *session,
            receive_max: *prefetch,
            packet_bytes_max: body_bytes_max + AROUND_BYTES,
        };
        let mut link = Link::connect(broker, wanted).await?;
        let filters = topics.iter().map(|topic| Filter {
            path: match queue_group {
                Some(group) => format!("$share/{group}/{topic}"),
                None => topic.clone(),
            },
            qos: QoS::AtLeastOnce,
            // A retained message is sent once, not after each break.
            retain_forward_rule: RetainForwardRule::OnNewSubscribe,
            ..Filter::default()
        });
        let subscribe = Subscribe { pkid: SUBSCRIBE_ID, filters: filters.collect(), properties: None };
        link.send(Packet::Subscribe(subscribe)).await?;
        Ok(link)
    }

    /// Whether the broker gives the hub all that it subscribed to.
    fn check(&self, answer: &SubAck) -> Result<(), Trouble> {
        for (place, code) in answer.return_codes.iter().enumerate() {
            match code {
                SubscribeReasonCode::Success(QoS::AtMostOnce) => {
                    warn!(channel = %self.subscription.channel, "the broker has QoS 0 only: what it sends while the hub is away is lost");
                }
                SubscribeReasonCode::Success(_) => {}
                code => {
                    let text = format!("the broker refuses entry {} of topics ({code:?})", place + 1);
                    return Err(Trouble::new(Class::Refused, text));
                }
            }
        }
        Ok(())
    }

    /// Resolves once the hub has it for certain, or once it is certain that it will not.
    async fn take(&self, publish: Publish, stop: &CancellationToken) -> Taken {
        let Publish { qos, retain, topic, pkid, payload, properties, .. } = publish;
        let answer = |reason| (qos != QoS::AtMostOnce).then_some((pkid, reason));
        let name = String::from_utf8_lossy(&topic).into_owned();
        // A session that outlives a change of the declaration has its old subscriptions.
        if !self.subscription.topics.iter().any(|filter| topic::matches(filter, &name)) {
            self.tally.count("undeclared");
            return answer(PubAckReason::Success);
        }
        if payload.len() > self.subscription.body_bytes_max {
            self.tally.count("too-large");
            let (channel, bytes) = (&self.subscription.channel, payload.len());
            warn!(%channel, bytes, "a message is larger than limits.body_bytes_max and was not taken");
            return answer(PubAckReason::QuotaExceeded);
        }
        let message = self.message(name, retain, properties, payload);
        let id = insist(&self.accept, message, &self.tally, stop).await?;
        debug!(message_id = %id, channel = %self.subscription.channel, "accepted");
        answer(PubAckReason::Success)
    }

    fn message(
        &self,
        name: String,
        retained: bool,
        properties: Option<PublishProperties>,
        body: Bytes,
    ) -> Message {
        let (kept, mut headers) = (&self.subscription.kept, Vec::new());
        if let Some(properties) = properties {
            if let Some(content_type) = properties.content_type {
                kept.add(&mut headers, "content-type", content_type);
            }
            for (property, value) in properties.user_properties {
                kept.add(&mut headers, &property, value);
            }
        }
        if retained {
            kept.add(&mut headers, "mqtt-retain", "true");
        }
        let envelope = Envelope { headers, name, ..Envelope::default() };
        self.stamp.message(&self.subscription.channel, (self.clock)(), envelope, body)
    }
}

async fn acknowledge(link: &mut Link, taken: Taken) -> Result<(), Trouble> {
    let Some((pkid, reason)) = taken else { return Ok(()) };
    link.feed(Packet::PubAck(PubAck { pkid, reason, properties: None })).await
}
