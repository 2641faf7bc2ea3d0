//! What is in a queue, as bytes. A kind is written once and read for ever: nodes of two versions share a queue while one replaces the other.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use snodo_core::message::Envelope;
use snodo_core::{ChannelName, Message, MessageId, Timestamp};

use crate::writer::Wake;

/// The kinds of letters, as the property `type` names them.
const MESSAGE: &str = "snodo.message.1";
const MESSAGES_WAIT: &str = "snodo.messages-wait.1";
const DELIVERIES_WAIT: &str = "snodo.deliveries-wait.1";
const WHO_IS_THERE: &str = "snodo.who-is-there.1";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Letter {
    /// It was accepted, and is to be written into the database.
    Message(Message),
    /// Messages of that channel wait in the database.
    MessagesWait(ChannelName),
    /// Deliveries wait in the database.
    DeliveriesWait(ChannelName),
    /// Nobody holds the partition: whoever gets this is the one to take it.
    WhoIsThere,
}

/// What stands before the body of a message.
#[derive(Serialize, Deserialize)]
struct Head {
    id: String,
    channel: ChannelName,
    received: Timestamp,
    envelope: Envelope,
}

impl Letter {
    pub fn of(wake: Wake) -> (i32, Self) {
        match wake {
            Wake::Messages { partition, channel } => (partition, Self::MessagesWait(channel)),
            Wake::Deliveries { partition, destination } => (partition, Self::DeliveriesWait(destination)),
        }
    }

    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Message(_) => MESSAGE,
            Self::MessagesWait(_) => MESSAGES_WAIT,
            Self::DeliveriesWait(_) => DELIVERIES_WAIT,
            Self::WhoIsThere => WHO_IS_THERE,
        }
    }

    /// A message is the length of its head in four bytes, the head as JSON, and the body as it came: a head may be longer than what AMQP
    /// lets headers be.
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::MessagesWait(name) | Self::DeliveriesWait(name) => name.as_str().into(),
            Self::WhoIsThere => Vec::new(),
            Self::Message(message) => {
                let Message { id, channel, received, envelope, body } = message;
                let (channel, envelope) = (channel.clone(), envelope.clone());
                let head = Head { id: id.to_string(), channel, received: *received, envelope };
                let head = serde_json::to_vec(&head).expect("a head is made of strings and numbers");
                let length = u32::try_from(head.len()).expect("a head is smaller than the limit of a body");
                [&length.to_be_bytes()[..], &head, body].concat()
            }
        }
    }

    /// `None` for what this version cannot read.
    pub fn read(kind: &str, bytes: Vec<u8>) -> Option<Self> {
        let name = |bytes: &[u8]| std::str::from_utf8(bytes).ok()?.parse().ok();
        match kind {
            MESSAGE => {
                let mut body = Bytes::from(bytes);
                let length = u32::from_be_bytes(*body.first_chunk()?);
                let end = usize::try_from(length).ok()?.checked_add(4)?;
                let head: Head = serde_json::from_slice(body.get(4..end)?).ok()?;
                let body = body.split_off(end);
                let Head { id, channel, received, envelope } = head;
                Some(Self::Message(Message { id: MessageId::parse(&id)?, channel, received, envelope, body }))
            }
            MESSAGES_WAIT => Some(Self::MessagesWait(name(&bytes)?)),
            DELIVERIES_WAIT => Some(Self::DeliveriesWait(name(&bytes)?)),
            WHO_IS_THERE => Some(Self::WhoIsThere),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let channel: ChannelName = "shop".parse().unwrap();
        let envelope = Envelope { headers: vec![("x".into(), "a\0b".into())], ..Envelope::default() };
        let received = Timestamp::from_millis(7);
        let id = MessageId::new(received, 1);
        let message = Message { id, channel: channel.clone(), received, envelope, body: vec![0, 255].into() };
        for letter in [
            Letter::Message(Message { body: Bytes::new(), ..message.clone() }),
            Letter::Message(message),
            Letter::MessagesWait(channel.clone()),
            Letter::DeliveriesWait(channel),
            Letter::WhoIsThere,
        ] {
            assert_eq!(Letter::read(letter.kind(), letter.bytes()), Some(letter));
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_apart() {
        for (kind, bytes) in [
            ("snodo.message.2", vec![]),
            (MESSAGE, vec![0, 0]),
            (MESSAGE, vec![255, 255, 255, 255, b'{']),
            (MESSAGE, b"\0\0\0\x02{}body".to_vec()),
            (DELIVERIES_WAIT, b"Not a name".to_vec()),
        ] {
            assert_eq!(Letter::read(kind, bytes.clone()), None, "{kind} {bytes:?}");
        }
    }
}
