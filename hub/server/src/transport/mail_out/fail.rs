//! Why a mail was not sent, sorted by who must act. Says which recipient by its place, never by its address.

use std::error::Error as _;
use std::time::Duration;

use crate::transport::Mends;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    #[error(
        "the mail server {0} would be called in the clear over a public network: write tls = \"starttls\" or \"required\""
    )]
    Clear(String),
    #[error("recipient {place} of {of} is not among the channel's recipients: add it there if it should be")]
    Recipient { place: usize, of: usize },
    #[error("the mail server does not offer what the channel asks for: {0}")]
    Offer(&'static str),
    #[error("the mail server does not let the hub in (SMTP {0}): check user and password")]
    Auth(String),
    #[error("the connector made no sound mail: {0}")]
    Malformed(String),
    #[error("the mail server refuses {what} for good (SMTP {code})")]
    Refused { what: String, code: String },
    #[error("the mail server does not take {what} now (SMTP {code})")]
    Later { what: String, code: String },
    #[error("failed to reach the mail server: {0}")]
    Connect(String),
    #[error("the mail server was not done within {} s", .0.as_secs_f32())]
    Timeout(Duration),
    #[error("the connection to the mail server broke: {0}")]
    Broken(String),
}

impl MailError {
    pub const fn mends(&self) -> Mends {
        match self {
            Self::Auth(_) => Mends::Credentials,
            Self::Clear(_) | Self::Recipient { .. } | Self::Offer(_) => Mends::Channel,
            Self::Malformed(_) | Self::Refused { .. } => Mends::Connector,
            Self::Later { .. } | Self::Connect(_) | Self::Timeout(_) | Self::Broken(_) => Mends::Destination,
        }
    }

    /// Whether the server cannot be worked with at all.
    pub const fn is_away(&self) -> bool {
        matches!(self, Self::Connect(_) | Self::Timeout(_) | Self::Broken(_))
    }

    /// What a server said of `what`. Its words may quote an address, and are not passed on; its code is.
    pub(super) fn of_answer(error: &lettre::transport::smtp::Error, what: &str) -> Self {
        match error.status() {
            Some(code) => Self::of_code(&code.to_string(), what),
            None => Self::Broken(reason(error)),
        }
    }

    /// RFC 5321, 4.2.1, and RFC 4954, 6.
    fn of_code(code: &str, what: &str) -> Self {
        let (what, owned) = (what.to_owned(), code.to_owned());
        match code {
            "530" | "534" | "535" | "538" => Self::Auth(owned),
            code if code.starts_with('5') => Self::Refused { what, code: owned },
            _ => Self::Later { what, code: owned },
        }
    }
}

/// The cause beneath, if that is the machine's: the library's own words may hold the server's.
pub(super) fn reason(error: &lettre::transport::smtp::Error) -> String {
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            return io.to_string();
        }
        if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
            return tls.to_string();
        }
        source = inner.source();
    }
    "it said nothing that could be understood".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_says_who_must_act() {
        for (code, expected) in [
            ("421", Mends::Destination),
            ("450", Mends::Destination),
            ("452", Mends::Destination),
            ("530", Mends::Credentials),
            ("535", Mends::Credentials),
            ("550", Mends::Connector),
            ("552", Mends::Connector),
            ("554", Mends::Connector),
        ] {
            assert_eq!(MailError::of_code(code, "the mail").mends(), expected, "{code}");
        }
    }
}
