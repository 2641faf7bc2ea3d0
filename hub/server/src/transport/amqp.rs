//! The hub as a client of an AMQP 0-9-1 broker such as RabbitMQ: one connection for the queue that a channel takes from, one for
//! the exchange that it publishes to. lapin speaks; whether a connection is there is watched here, and lapin's own recovery stays
//! off. Makes nothing at the broker, but for a queue that a channel asks for.

pub mod publisher;
pub mod subscriber;
mod wire;

use std::time::Duration;

use lapin::protocol::{AMQPErrorKind, AMQPHardError, AMQPSoftError};
use lapin::uri::{AMQPAuthority, AMQPQueryString, AMQPScheme, AMQPUri, AMQPUserInfo};
use lapin::{Channel, Connection, ConnectionProperties, Error, ErrorKind};
use snodo_core::secret::Secret;
use tokio::time::timeout;

use super::dial::{CONNECT_TIME_MAX, Dialer};
use super::supervise::{Class, Trouble};

pub use publisher::{AmqpOut, PublishError, Publisher};
pub use subscriber::{Subscriber, Subscription};

/// Half of what RabbitMQ suggests: firewalls forget connections that were idle for longer.
const HEARTBEAT_SECONDS: u16 = 30;
/// How long a broker may take to say goodbye.
const CLOSE_TIME_MAX: Duration = Duration::from_secs(2);

/// Where a channel's broker is, and as whom the hub calls.
#[derive(Debug)]
pub struct Broker {
    pub dialer: Dialer,
    pub vhost: String,
    pub user: String,
    pub password: Secret,
    /// What the broker's own pages show the connection as.
    pub name: String,
}

impl Broker {
    async fn connect(&self) -> Result<Connection, Trouble> {
        let Some(password) = self.password.expose_line() else {
            return Err(Trouble::new(Class::Refused, "the password is no single line of text"));
        };
        let address = self.dialer.address();
        let uri = AMQPUri {
            // What there is of TLS is in the wire.
            scheme: AMQPScheme::AMQP,
            authority: AMQPAuthority {
                userinfo: AMQPUserInfo { username: self.user.clone(), password: password.to_owned() },
                host: address.host.clone(),
                port: address.port,
            },
            vhost: self.vhost.clone(),
            query: AMQPQueryString { heartbeat: Some(HEARTBEAT_SECONDS), ..AMQPQueryString::default() },
        };
        let properties = ConnectionProperties::default().with_connection_name(self.name.as_str().into());
        let slow = |_| Trouble::away(format!("{address} did not answer in time"));
        let connecting = async {
            let wire = self.dialer.dial().await?;
            wire::greet(uri, wire, properties).await.map_err(|error| self.trouble(&error))
        };
        timeout(CONNECT_TIME_MAX, connecting).await.map_err(slow)?
    }

    /// What an error of lapin's means for whoever mends it.
    fn trouble(&self, error: &Error) -> Trouble {
        match error.kind() {
            ErrorKind::ProtocolError(said) => match said.kind() {
                AMQPErrorKind::Hard(AMQPHardError::NOTALLOWED) => Trouble::new(
                    Class::Refused,
                    "the broker has no such vhost, or does not let the user into it: compare vhost with the broker's",
                ),
                AMQPErrorKind::Hard(AMQPHardError::CONNECTIONFORCED) => {
                    Trouble::away("the broker ended the connection")
                }
                AMQPErrorKind::Soft(AMQPSoftError::ACCESSREFUSED) => Trouble::new(
                    Class::Refused,
                    "the broker does not let the hub in: compare user and password with the broker's, and the user's rights",
                ),
                AMQPErrorKind::Soft(AMQPSoftError::NOTFOUND) => {
                    Trouble::new(Class::Missing, "what the channel declares is not there")
                }
                AMQPErrorKind::Soft(AMQPSoftError::RESOURCELOCKED) => {
                    Trouble::new(Class::Refused, "the queue is somebody else's alone")
                }
                kind => Trouble::new(Class::Garbled, format!("the broker ended it: {kind:?}")),
            },
            ErrorKind::IOError(error) => {
                Trouble::away(format!("the connection to {} broke: {error}", self.dialer.address()))
            }
            ErrorKind::MissingHeartbeatError => Trouble::away("the broker's heartbeat is missing"),
            ErrorKind::InvalidConnectionState(_) | ErrorKind::InvalidChannelState(..) => {
                Trouble::away("the connection broke")
            }
            _ => Trouble::new(Class::Garbled, error.to_string()),
        }
    }

    async fn channel(&self, connection: &Connection) -> Result<Channel, Trouble> {
        connection.create_channel().await.map_err(|error| self.trouble(&error))
    }
}

fn is_not_found(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::ProtocolError(said)
        if matches!(said.kind(), AMQPErrorKind::Soft(AMQPSoftError::NOTFOUND)))
}

async fn close(connection: &Connection) {
    _ = timeout(CLOSE_TIME_MAX, connection.close(200, "the hub is stopping".into())).await;
}
