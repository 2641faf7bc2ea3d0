//! What a sender is told when a message is not taken: RFC 9457 problem details. Never shows what the hub keeps to itself.

use axum::body::Body;
use axum::http::header::{ALLOW, CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use snodo_core::verify::Refusal;

use crate::transport::AcceptError;

/// Why a message was not taken: the case decides the status, and what the sender should do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Nothing is declared under that name.
    UnknownChannel,
    Method,
    /// The hub keeps what it is sent as it is sent, and connectors read it: it does not unpack, but for libraries that always pack.
    Packed,
    TooLarge {
        bytes_max: usize,
    },
    TooSlow {
        seconds: u64,
    },
    /// The sender went away in the middle.
    CutOff,
    Refused(Refusal),
    /// Where a body has to be JSON for its sender to be known.
    NotJson,
    TooDeep {
        at_byte: usize,
        depth_max: usize,
    },
    /// So much of that channel is under way that more is not begun.
    TooMany {
        retry_after: u64,
    },
    Full,
    /// What keeps messages cannot be reached.
    Away {
        retry_after: u64,
    },
    Stopping,
    Internal,
}

#[derive(Serialize)]
struct Body9457<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    remedy: &'a str,
}

/// How long a sender is asked to wait while the store is full: someone has to make room.
const FULL_RETRY_SECONDS: u64 = 30;
/// How long a restart takes, with room to spare.
const STOPPING_RETRY_SECONDS: u64 = 5;

impl Problem {
    /// Its name in `type`, in metrics and in logs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::UnknownChannel => "unknown-channel",
            Self::Method => "method",
            Self::Packed => "content-encoding",
            Self::TooLarge { .. } => "too-large",
            Self::TooSlow { .. } => "too-slow",
            Self::CutOff => "cut-off",
            Self::Refused(_) => "not-verified",
            Self::NotJson => "not-json",
            Self::TooDeep { .. } => "too-deep",
            Self::TooMany { .. } => "too-many",
            Self::Full => "no-room",
            Self::Away { .. } => "away",
            Self::Stopping => "stopping",
            Self::Internal => "internal",
        }
    }

    pub const fn status(&self) -> StatusCode {
        match self {
            Self::UnknownChannel => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Packed => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow { .. } => StatusCode::REQUEST_TIMEOUT,
            Self::CutOff | Self::NotJson => StatusCode::BAD_REQUEST,
            Self::Refused(_) => StatusCode::UNAUTHORIZED,
            Self::TooDeep { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Full | Self::Away { .. } | Self::Stopping => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    const fn title(&self) -> &'static str {
        match self {
            Self::UnknownChannel => "no such channel",
            Self::Method => "only POST is taken here",
            Self::Packed => "packed bodies are not taken",
            Self::TooLarge { .. } => "the body is too large",
            Self::TooSlow { .. } => "the body came too slowly",
            Self::CutOff => "the body was cut off",
            Self::Refused(_) => "the sender was not recognised",
            Self::NotJson => "the body is not a JSON object",
            Self::TooDeep { .. } => "the JSON is nested too deeply",
            Self::TooMany { .. } => "too many messages at once",
            Self::Full => "the hub has no room left",
            Self::Away { .. } => "the hub cannot keep messages now",
            Self::Stopping => "the hub is stopping",
            Self::Internal => "internal error",
        }
    }

    fn detail(&self) -> String {
        match self {
            Self::UnknownChannel => "no channel of that name is declared to receive over http".to_owned(),
            Self::Method => "a message is sent with POST".to_owned(),
            Self::Packed => "the request has a content-encoding".to_owned(),
            Self::TooLarge { bytes_max } => format!("the body has more than {bytes_max} bytes"),
            Self::TooSlow { seconds } => format!("the body was not whole after {seconds} s"),
            Self::CutOff => "the connection ended before the body did".to_owned(),
            Self::Refused(refusal) => refusal.to_string(),
            Self::NotJson => "a call is one JSON object, or one with calls in batch".to_owned(),
            Self::TooDeep { at_byte, depth_max } => {
                format!("more than {depth_max} levels are open at byte {at_byte}")
            }
            Self::TooMany { retry_after } => format!("try again in {retry_after} s; nothing was kept"),
            Self::Full | Self::Away { .. } | Self::Stopping | Self::Internal => {
                "nothing was kept; send the message again later".to_owned()
            }
        }
    }

    const fn remedy(&self) -> &'static str {
        match self {
            Self::UnknownChannel => "declare the channel, or correct the sender's URL",
            Self::NotJson => "compare what was sent with the library's documentation",
            Self::Method => "",
            Self::Packed => "send the body as it is, without content-encoding",
            Self::TooLarge { .. } => "send fewer events per request",
            Self::TooSlow { .. } | Self::CutOff => "send the whole body at once, and again",
            Self::Refused(refusal) => refusal.remedy(),
            Self::TooDeep { .. } => "flatten the message, or send that part as text",
            Self::TooMany { .. } => "send fewer requests at once, with more events in each",
            Self::Full => "the hub's operator must make room in the data directory",
            Self::Away { .. } => "the hub's operator can see in /readyz what is away",
            Self::Stopping | Self::Internal => "",
        }
    }

    const fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooMany { retry_after } | Self::Away { retry_after } => Some(*retry_after),
            Self::Full => Some(FULL_RETRY_SECONDS),
            Self::Stopping => Some(STOPPING_RETRY_SECONDS),
            _ => None,
        }
    }
}

impl From<AcceptError> for Problem {
    fn from(error: AcceptError) -> Self {
        match error {
            AcceptError::Full => Self::Full,
            AcceptError::Closing => Self::Stopping,
            AcceptError::Busy { retry_after } => Self::TooMany { retry_after: retry_after.as_secs().max(1) },
            AcceptError::Away { retry_after } => Self::Away { retry_after: retry_after.as_secs().max(1) },
            AcceptError::Internal => Self::Internal,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = Body9457 {
            r#type: format!("urn:snodo:problem:{}", self.name()),
            title: self.title(),
            status: self.status().as_u16(),
            detail: self.detail(),
            remedy: self.remedy(),
        };
        let body = serde_json::to_vec(&body).expect("text and numbers can be written as JSON");
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after() {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        let further = match self {
            Self::Method => Some((ALLOW, "POST")),
            // What is left of the body would be read as the next request.
            Self::TooSlow { .. } | Self::CutOff => Some((CONNECTION, "close")),
            _ => None,
        };
        if let Some((name, value)) = further {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }
}
