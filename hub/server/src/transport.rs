//! Moves bytes between the hub and the systems it joins: requests and files in, requests and files out. Knows nothing of
//! connectors, events or the store; what comes in is handed to an `accept` that answers once it is durable.

pub mod amqp;
pub mod dial;
pub mod file_in;
pub mod file_out;
pub mod http_in;
pub mod http_out;
pub mod kept;
pub mod mail_in;
pub mod mail_out;
pub mod mqtt;
pub mod patience;
pub mod secrets;
pub mod sql;
pub mod supervise;
pub mod tls;
pub mod ws;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use snodo_core::message::Envelope;
use snodo_core::{ChannelName, Message, MessageId, Timestamp};

/// Why a message was not taken. Each says when to come back; none of them has kept anything.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AcceptError {
    #[error("the hub has no room to keep another message")]
    Full,
    #[error("the hub is stopping")]
    Closing,
    #[error("too much is waiting to be kept")]
    Busy { retry_after: Duration },
    /// The broker or the database that several hubs share cannot be reached.
    #[error("what keeps messages cannot be reached")]
    Away { retry_after: Duration },
    /// Logged in full by whoever made it.
    #[error("internal error")]
    Internal,
}

/// What is to be sent, as a connector wants it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Names the request: the same for each attempt. A signature may carry it.
    pub id: String,
    pub method: String,
    /// A URL for http, the name of a file for file, of a table for sql, `mailto:` and addresses for mail.
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

/// What came back. A transport that has no answers of its own says 200.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
    pub elapsed: Duration,
}

/// Who can mend what went wrong on the way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mends {
    /// Whoever declared the channel. Nothing was sent.
    Channel,
    /// Whoever gave the channel its credentials.
    Credentials,
    /// Whoever wrote the connector. Nothing was sent.
    Connector,
    /// Time, or the destination. It may have got the request.
    Destination,
}

/// Makes messages of what comes in. Their ids are never alike, without asking the system for randomness each time.
#[derive(Debug)]
pub struct Stamp {
    seed: u64,
    count: AtomicU64,
}

impl Default for Stamp {
    fn default() -> Self {
        let (seed, count) = uuid::Uuid::now_v7().as_u64_pair();
        Self { seed: seed.rotate_left(32) ^ count, count: AtomicU64::new(count) }
    }
}

impl Stamp {
    pub fn message(
        &self,
        channel: &ChannelName,
        received: Timestamp,
        envelope: Envelope,
        body: Bytes,
    ) -> Message {
        Message { id: self.id(received), channel: channel.clone(), received, envelope, body }
    }

    fn id(&self, now: Timestamp) -> MessageId {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        MessageId::new(now, u128::from(self.seed) << 64 | u128::from(count))
    }
}
