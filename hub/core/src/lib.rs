//! The hub's nouns and rules. Nothing here does I/O, reads a clock or waits: values come in, decisions go out.

pub mod event;
pub mod fate;
pub mod id;
pub mod message;
pub mod time;

pub use event::Event;
pub use fate::Fate;
pub use id::{ChannelName, CustomerId, EventId, MessageId, RouteName};
pub use message::Message;
pub use time::Timestamp;
