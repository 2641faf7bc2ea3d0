//! Messages over WebSocket (RFC 6455): `clients` keep a connection to the hub, or the hub keeps one to a `feed`. Each text or binary
//! message is one of the hub's.

pub mod answer;
pub mod clients;
pub mod feed;

pub use clients::{Channels, Client, Clients};
pub use feed::{Feed, FeedIn};

/// What is read at once from a connection: most messages are smaller, and each connection has a buffer of this size.
const READ_BUFFER_BYTES: usize = 16 << 10;

/// Close codes of RFC 6455, section 7.4.1, and of its registry at IANA.
mod code {
    pub const GOING_AWAY: u16 = 1001;
    pub const POLICY: u16 = 1008;
    pub const TOO_BIG: u16 = 1009;
    pub const TRY_AGAIN: u16 = 1013;
}
