//! The hub as a client of an MQTT 5 broker: one connection for what a channel is subscribed to, one for what it publishes. Packets
//! are rumqttc's; who is called, when, and what is acknowledged is decided here. Never speaks MQTT 3.1.1: without reasons in its
//! answers nobody learns why something was refused, and without flow control a broker decides how much memory the hub needs.

pub mod link;
pub mod publisher;
pub mod subscriber;

use snodo_core::secret::Secret;

use super::dial::Dialer;

pub use publisher::{MqttOut, PublishError, Publisher};
pub use subscriber::{Subscriber, Subscription};

/// Where a channel's broker is, and as whom the hub calls.
#[derive(Debug)]
pub struct Broker {
    pub dialer: Dialer,
    pub client_id: String,
    pub user: Option<String>,
    pub password: Option<Secret>,
}
