//! The hub's nouns and rules. Nothing here does I/O, reads a clock or waits: values come in, decisions go out.

pub mod authorize;
pub mod body;
pub mod breaker;
pub mod consent;
pub mod declare;
pub mod event;
pub mod expression;
pub mod fate;
pub mod id;
pub mod identity;
pub mod lane;
pub mod message;
pub mod privacy;
pub mod retry;
pub mod route;
pub mod secret;
pub mod time;
pub mod topic;
pub mod verify;
pub mod vocabulary;

pub use body::Body;
pub use event::Event;
pub use fate::Fate;
pub use id::{ChannelName, CustomerId, EventId, MessageId, RouteName};
pub use lane::{Class, Lane, Stuck};
pub use message::Message;
pub use time::Timestamp;
