//! What goes out by MQTT: one message for each request, to topics that the channel allows. Answered once the broker has confirmed it
//! (QoS 1). One task owns the connection and ends when nobody can ask it any more. Never publishes a message again by itself: that
//! is for the schedule of retries.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, PubAckReason, Publish, PublishProperties};
use snodo_core::{ChannelName, topic};
use tokio::sync::{mpsc, oneshot};

use super::Broker;
use super::link::{AROUND_BYTES, Link, Wanted};
use crate::transport::supervise::{Class, Trouble, Watch, guarded};
use crate::transport::{Answer, Mends, Request};

/// What a broker says is a few bytes: nothing is subscribed to.
const PACKET_BYTES_MAX: usize = AROUND_BYTES;

/// Where a channel's messages go, and which may.
#[derive(Debug)]
pub struct Publisher {
    pub channel: ChannelName,
    pub broker: Broker,
    /// Filters, as declared.
    pub topics: Vec<String>,
    pub concurrent: usize,
    pub timeout: Duration,
}

/// Why a message was not published, sorted by who must act.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The connector's.
    #[error("{0}")]
    Request(&'static str),
    /// The connector's, or the broker's limits.
    #[error("the broker takes no packet of more than {bytes_max} bytes")]
    TooLarge { bytes_max: u32 },
    /// The operator's: the topic is none of those that the channel declares.
    #[error("the channel may not publish to that topic: name it, or a filter for it, in [send] topics")]
    Topic,
    /// The operator's: the broker's rights.
    #[error("the broker does not let the hub publish there ({0})")]
    Forbidden(String),
    /// The operator's: the connection's own declaration.
    #[error("not connected: {0}")]
    Refused(String),
    /// The broker's.
    #[error("the broker did not take the message ({0})")]
    Rejected(String),
    #[error("not connected: {0}")]
    Away(String),
    #[error("the broker did not confirm in {0:?}")]
    Slow(Duration),
}

#[derive(Debug)]
pub struct MqttOut {
    orders: mpsc::Sender<Order>,
    topics: Vec<String>,
    timeout: Duration,
}

#[derive(Debug)]
struct Order {
    publish: Publish,
    done: Done,
}

type Done = oneshot::Sender<Result<(), PublishError>>;

impl MqttOut {
    /// Begins to connect. To be called within a runtime.
    pub fn open(publisher: Publisher) -> Self {
        let (orders, waiting) = mpsc::channel(publisher.concurrent.max(1));
        let (topics, timeout) = (publisher.topics.clone(), publisher.timeout);
        tokio::spawn(run(publisher, waiting));
        Self { orders, topics, timeout }
    }

    /// Resolves once the broker has confirmed the message.
    pub async fn send(&self, request: Request) -> Result<Answer, PublishError> {
        let started = Instant::now();
        let publish = self.publish(request)?;
        let (done, answer) = oneshot::channel();
        let away = |why: &str| PublishError::Away(why.to_owned());
        let asking = async {
            self.orders.send(Order { publish, done }).await.map_err(|_| away("the hub is stopping"))?;
            answer.await.map_err(|_| away("the connection broke"))?
        };
        tokio::time::timeout(self.timeout, asking).await.map_err(|_| PublishError::Slow(self.timeout))??;
        Ok(Answer { status: 200, elapsed: started.elapsed(), ..Answer::default() })
    }

    fn publish(&self, request: Request) -> Result<Publish, PublishError> {
        let Request { method, target, headers, body, .. } = request;
        if method != "PUBLISH" {
            return Err(PublishError::Request("the method of a request by mqtt is PUBLISH"));
        }
        if !topic::is_topic(&target) {
            let why = "the target of a request by mqtt is a topic: not empty, without + and #, and not beginning with $";
            return Err(PublishError::Request(why));
        }
        if !self.topics.iter().any(|filter| topic::matches(filter, &target)) {
            return Err(PublishError::Topic);
        }
        let mut retain = false;
        let mut properties = PublishProperties::default();
        for (name, value) in headers {
            if name.len().max(value.len()) > topic::TOPIC_BYTES_MAX {
                return Err(PublishError::Request("a header by mqtt has at most 65535 bytes"));
            }
            match name.as_str() {
                "content-type" => properties.content_type = Some(value),
                "mqtt-retain" => retain = value == "true",
                _ => properties.user_properties.push((name, value)),
            }
        }
        let (topic, qos) = (Bytes::from(target), QoS::AtLeastOnce);
        Ok(Publish { retain, qos, topic, payload: body, properties: Some(properties), ..Publish::default() })
    }
}

async fn run(publisher: Publisher, mut orders: mpsc::Receiver<Order>) {
    let mut watch = Watch::new(publisher.channel.clone(), "mqtt");
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
    let wanted =
        Wanted { clean: true, kept: Duration::ZERO, receive_max: 1, packet_bytes_max: PACKET_BYTES_MAX };
    let mut link = Link::connect(&publisher.broker, wanted).await?;
    if link.terms.qos_max == 0 {
        return Err(Trouble::new(Class::Refused, "the broker has QoS 0 only, and confirms nothing"));
    }
    watch.up();
    let mut flight = Flight::default();
    let ended = fly(publisher, &mut link, orders, &mut flight).await;
    if let Err(trouble) = &ended {
        for (done, _) in flight.waiting.into_values() {
            _ = done.send(Err(PublishError::Away(trouble.text.clone())));
        }
        return ended;
    }
    link.close().await;
    Ok(())
}

/// What was published and is not confirmed, by its number.
#[derive(Default)]
struct Flight {
    last: u16,
    waiting: HashMap<u16, (Done, Instant)>,
}

impl Flight {
    /// A number that nothing under way has.
    fn number(&mut self) -> u16 {
        loop {
            self.last = self.last.checked_add(1).unwrap_or(1);
            if !self.waiting.contains_key(&self.last) {
                return self.last;
            }
        }
    }

    /// Since when the broker owes an answer that nobody waits for any more.
    fn owed_since(&self) -> Option<Instant> {
        let given_up = self.waiting.values().filter(|(done, _)| done.is_closed());
        given_up.map(|(_, since)| *since).min()
    }
}

async fn fly(
    publisher: &Publisher,
    link: &mut Link,
    orders: &mut mpsc::Receiver<Order>,
    flight: &mut Flight,
) -> Result<(), Trouble> {
    let most = usize::from(link.terms.receive_max).min(publisher.concurrent);
    loop {
        let room = flight.waiting.len() < most;
        // A broker that answers pings but confirms nothing would hold its share of the room for ever.
        let owed = flight.owed_since().map(|since| since + publisher.timeout * 2);
        tokio::select! {
            packet = link.next(true) => if let Packet::PubAck(answer) = packet?
                && let Some((done, _)) = flight.waiting.remove(&answer.pkid)
            {
                // Whoever does not wait any more will ask again.
                _ = done.send(outcome(answer.reason));
            },
            order = orders.recv(), if room => match order {
                // Whoever gave up while it waited will ask again.
                Some(Order { done, .. }) if done.is_closed() => {}
                Some(Order { mut publish, done }) => {
                    publish.pkid = flight.number();
                    match fits(link, &publish) {
                        Ok(()) => {
                            let number = publish.pkid;
                            flight.waiting.insert(number, (done, Instant::now()));
                            link.send(Packet::Publish(publish)).await?;
                        }
                        Err(error) => _ = done.send(Err(error)),
                    }
                }
                None => return Ok(()),
            },
            () = sleep_until(owed), if owed.is_some() => {
                return Err(Trouble::away("the broker confirms nothing"));
            }
        }
    }
}

async fn sleep_until(moment: Option<Instant>) {
    if let Some(moment) = moment {
        tokio::time::sleep_until(moment.into()).await;
    }
}

fn fits(link: &Link, publish: &Publish) -> Result<(), PublishError> {
    match link.terms.packet_bytes_max {
        Some(bytes_max) if publish.size() > bytes_max as usize => Err(PublishError::TooLarge { bytes_max }),
        _ if publish.retain && !link.terms.can_retain => {
            Err(PublishError::Forbidden("it retains no messages".to_owned()))
        }
        _ => Ok(()),
    }
}

fn outcome(reason: PubAckReason) -> Result<(), PublishError> {
    match reason {
        // Nobody listening is no fault of the message's.
        PubAckReason::Success | PubAckReason::NoMatchingSubscribers => Ok(()),
        PubAckReason::NotAuthorized | PubAckReason::TopicNameInvalid => {
            Err(PublishError::Forbidden(format!("{reason:?}")))
        }
        PubAckReason::PayloadFormatInvalid => {
            Err(PublishError::Request("the broker says that the payload is not of its content type"))
        }
        _ => Err(PublishError::Rejected(format!("{reason:?}"))),
    }
}

impl PublishError {
    pub const fn mends(&self) -> Mends {
        match self {
            Self::Request(_) | Self::TooLarge { .. } => Mends::Connector,
            Self::Topic | Self::Forbidden(_) | Self::Refused(_) => Mends::Channel,
            Self::Rejected(_) | Self::Away(_) | Self::Slow(_) => Mends::Destination,
        }
    }

    fn of(trouble: &Trouble) -> Self {
        match trouble.class {
            Class::Away | Class::Garbled => Self::Away(trouble.text.clone()),
            Class::Refused | Class::Missing => Self::Refused(trouble.text.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn out() -> MqttOut {
        let (orders, _) = mpsc::channel(1);
        MqttOut { orders, topics: vec!["shop/+/orders".to_owned()], timeout: Duration::from_secs(1) }
    }

    fn request(method: &str, target: &str, headers: &[(&str, &str)]) -> Request {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Request { method: method.to_owned(), target: target.to_owned(), headers, ..Request::default() }
    }

    #[test]
    fn a_request_that_is_no_message_is_the_connectors_mistake() {
        for (method, target, is_request) in [
            ("POST", "shop/7/orders", true),
            ("PUBLISH", "", true),
            ("PUBLISH", "shop/+/orders", true),
            ("PUBLISH", "shop/#", true),
            ("PUBLISH", "$SYS/orders", true),
            ("PUBLISH", "shop/7/8/orders", false),
            ("PUBLISH", "crm/7/orders", false),
        ] {
            let refused = out().publish(request(method, target, &[])).unwrap_err();
            assert_eq!(
                matches!(refused, PublishError::Request(_)),
                is_request,
                "{method} {target}: {refused}"
            );
            assert_eq!(refused == PublishError::Topic, !is_request, "{method} {target}: {refused}");
        }
    }

    #[test]
    fn headers_become_what_mqtt_has_for_them() {
        let headers = [("content-type", "text/plain"), ("mqtt-retain", "true"), ("x-shop", "7")];
        let publish = out().publish(request("PUBLISH", "shop/7/orders", &headers)).unwrap();
        let properties = publish.properties.unwrap();
        assert!(publish.retain);
        assert_eq!(properties.content_type.as_deref(), Some("text/plain"));
        assert_eq!(properties.user_properties, [("x-shop".to_owned(), "7".to_owned())]);
    }

    #[test]
    fn numbers_are_taken_in_turn_and_never_twice() {
        let mut flight = Flight { last: u16::MAX - 1, ..Flight::default() };
        let mut waiting = Vec::new();
        for expected in [u16::MAX, 1, 2] {
            let number = flight.number();
            assert_eq!(number, expected);
            let (done, answer) = oneshot::channel();
            flight.waiting.insert(number, (done, Instant::now()));
            waiting.push(answer);
        }
        flight.last = 0;
        assert_eq!(flight.number(), 3);
        assert_eq!(flight.owed_since(), None);
        waiting.clear();
        assert!(flight.owed_since().is_some());
    }
}
