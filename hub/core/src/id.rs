//! Names and ids. Each is its own type, so that none is taken for another.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Timestamp;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            pub fn parse(text: &str) -> Option<Self> {
                Uuid::parse_str(text).ok().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

uuid_id! {
    /// One raw message, as a transport took it. UUIDv7, made once at receipt.
    MessageId
}
uuid_id! {
    /// One canonical event: a function of its source and of the vendor's own key, so that a repetition has the same id.
    EventId
}
uuid_id! {
    /// One customer, as the hub knows them. Says nothing about the person.
    CustomerId
}

/// A UUIDv7 whose time part is `at` and whose other bits come from the digest of `parts`: the same parts and time give the
/// same id, and ids of one time lie side by side in an index.
fn timed(at: Timestamp, parts: &[&[u8]]) -> Uuid {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let digest = hasher.finalize();
    let random: [u8; 10] = digest.as_bytes()[..10].try_into().expect("a digest has 32 bytes");
    let millis = u64::try_from(at.as_millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

impl MessageId {
    /// `entropy` is what keeps two messages of one millisecond apart.
    pub fn new(at: Timestamp, entropy: u128) -> Self {
        Self(timed(at, &[&entropy.to_le_bytes()]))
    }
}

impl EventId {
    /// The id of what `source` calls `key` and says happened at `occurred`.
    pub fn of_key(source: &str, key: &str, occurred: Timestamp) -> Self {
        Self(timed(occurred, &[source.as_bytes(), key.as_bytes()]))
    }

    /// The id of the event at `place` in a message that has no key of its own: stable when the message is decoded again.
    pub fn of_place(message: MessageId, place: u32, received: Timestamp) -> Self {
        Self(timed(received, &[message.as_bytes(), &place.to_le_bytes()]))
    }
}

impl CustomerId {
    /// The id of a customer first seen in that event.
    pub fn first_seen_in(event: EventId, at: Timestamp) -> Self {
        Self(timed(at, &[b"customer", event.as_bytes()]))
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                match is_name(&text) {
                    true => Ok(Self(text.into())),
                    false => Err(NameError(text)),
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0.as_ref().to_owned()
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// A declared channel: a source, a destination, or both.
    ChannelName
}
name! {
    /// A declared route.
    RouteName
}

/// Not a name: those are lower-case letters, digits and hyphens, 1 to 63 of them, and begin with a letter.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not a name: use 1 to 63 lower-case letters, digits and hyphens, beginning with a letter")]
pub struct NameError(String);

fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len()) && text.as_bytes()[0].is_ascii_lowercase() && text.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_key_gives_the_same_id_and_another_source_another() {
        let at = Timestamp::from_millis(1_700_000_000_000);
        let id = EventId::of_key("snodo://acme/shop", "1", at);
        assert_eq!(id, EventId::of_key("snodo://acme/shop", "1", at));
        assert_ne!(id, EventId::of_key("snodo://acme/shop1", "", at));
        assert!(id < EventId::of_key("snodo://acme/shop", "1", Timestamp::from_millis(1_700_000_000_001)));
    }

    #[test]
    fn names_are_plain() {
        for (text, fits) in
            [("shop-online", true), ("a1", true), ("1a", false), ("Shop", false), ("", false), ("a/b", false)]
        {
            assert_eq!(text.parse::<ChannelName>().is_ok(), fits, "{text}");
        }
    }
}
