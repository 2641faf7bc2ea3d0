//! Why a request was not sent, or not answered, sorted by who must act.

use std::error::Error;
use std::time::Duration;

use super::resolver::Forbidden;
use crate::transport::Mends;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    #[error("{host} is not among the channel's hosts ({allowed}): add it under hosts if it should be")]
    Host { host: String, allowed: String },
    #[error("{0}: set private_networks = true if the channel's destination is inside your own network")]
    Address(String),
    #[error(
        "{0} would be called in the clear: use https, or set private_networks = true inside your own network"
    )]
    Clear(String),
    #[error("the secret {0:?} is asked for by the connector and not declared: add it under secrets")]
    Secret(String),
    #[error("the secret for {0} cannot stand there: it must be one line of text, in a target without spaces")]
    SecretUnfit(String),
    #[error("the connector made no sound request: {0}")]
    Malformed(String),
    /// As the server of tokens said, or why it did not answer.
    #[error("failed to fetch a token from the channel's token_url: {reason}")]
    Token { reason: String, mends: Mends },
    #[error("failed to reach the destination: {0}")]
    Connect(String),
    #[error("no whole answer within {} s", .0.as_secs_f32())]
    Timeout(Duration),
    #[error("the connection broke before the answer was whole: {0}")]
    Broken(String),
    #[error("the answer, with status {status}, has more than {bytes_max} bytes")]
    AnswerTooLarge { status: u16, bytes_max: usize },
}

impl SendError {
    pub const fn mends(&self) -> Mends {
        match self {
            Self::Host { .. }
            | Self::Address(_)
            | Self::Clear(_)
            | Self::Secret(_)
            | Self::SecretUnfit(_) => Mends::Channel,
            Self::Token { mends, .. } => *mends,
            Self::Malformed(_) => Mends::Connector,
            Self::Connect(_) | Self::Timeout(_) | Self::Broken(_) | Self::AnswerTooLarge { .. } => {
                Mends::Destination
            }
        }
    }

    pub(super) fn from_client(error: &reqwest::Error, timeout: Duration) -> Self {
        // The outer errors only repeat the URL, whose query may hold a key.
        let mut root: &dyn Error = error;
        while let Some(source) = root.source() {
            if let Some(forbidden) = source.downcast_ref::<Forbidden>() {
                return Self::Address(forbidden.to_string());
            }
            root = source;
        }
        let reason = match std::ptr::addr_eq(root, error) {
            true => "no reason given".to_owned(),
            false => root.to_string(),
        };
        match () {
            () if error.is_connect() => Self::Connect(reason),
            () if error.is_timeout() => Self::Timeout(timeout),
            () if error.is_builder() => Self::Malformed(reason),
            () => Self::Broken(reason),
        }
    }
}
