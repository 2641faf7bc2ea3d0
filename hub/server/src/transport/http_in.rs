//! The door: `POST /in/{channel}`. Knows the sender, keeps to the limits, and answers 202 only once the message is durable.
//! Never reads what a message says, but for the word that a vendor asks for before its first.

pub mod depth;
pub mod inbound;
pub mod origins;
pub mod problem;
pub mod replay;
pub mod serve;
pub mod tracking;
pub mod undeclared;

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, USER_AGENT, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use metrics::Counter;
use snodo_core::message::Envelope;
use snodo_core::{Message, MessageId, Timestamp};
use tokio::sync::{Semaphore, SemaphorePermit};
use tracing::{debug, info, warn};

use super::{AcceptError, Stamp};
use problem::Problem;
use replay::{Replays, Seen};
use undeclared::Undeclared;

pub use inbound::{Channels, Inbound, Limits};
pub use serve::serve;

/// What all bodies together may take while they are being read and stored: half of what the hub may use.
const BODIES_BYTES_MAX: usize = 64 << 20;
/// Room for bodies is counted in so many bytes, because a semaphore counts in 32 bits.
const ROOM_BYTES: usize = 1024;

/// The door's own state. `accept` resolves once the message is durable.
pub struct Door<A> {
    channels: Channels,
    accept: A,
    clock: fn() -> Timestamp,
    stamp: Stamp,
    replays: Replays,
    undeclared: Arc<Undeclared>,
    room: Semaphore,
}

impl<A, F> Door<A>
where
    A: Fn(Message) -> F + Send + Sync + 'static,
    F: Future<Output = Result<MessageId, AcceptError>> + Send + 'static,
{
    pub fn new(channels: Channels, accept: A, clock: fn() -> Timestamp) -> Self {
        let room = Semaphore::new(BODIES_BYTES_MAX / ROOM_BYTES);
        Self {
            channels,
            accept,
            clock,
            stamp: Stamp::default(),
            replays: Replays::default(),
            undeclared: Arc::default(),
            room,
        }
    }

    /// Who knocked in vain.
    pub fn undeclared(&self) -> Arc<Undeclared> {
        Arc::clone(&self.undeclared)
    }

    pub fn router(self) -> Router {
        Router::new()
            .route("/in/{channel}", any(answer::<A, F>))
            .route("/v1/{call}", any(tracking::answer::<A, F>))
            .with_state(Arc::new(self))
    }
}

async fn answer<A, F>(State(door): State<Arc<Door<A>>>, request: Request) -> Response
where
    A: Fn(Message) -> F + Send + Sync + 'static,
    F: Future<Output = Result<MessageId, AcceptError>> + Send + 'static,
{
    let name = request.uri().path().strip_prefix("/in/").unwrap_or_default();
    let Some(inbound) = door.channels.find(name) else {
        let user_agent = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok());
        if door.undeclared.note(name, user_agent, (door.clock)()) {
            warn!(channel = name, "a sender calls a channel that is not declared");
        }
        metrics::counter!("snodo_http_in_undeclared_total").increment(1);
        return Problem::UnknownChannel.into_response();
    };
    if let Some(preflight) = inbound.origins.preflight(&request) {
        return preflight;
    }
    let origin = inbound.origins.allowed(request.headers());
    let response = match take(&door, &inbound, request).await {
        Ok(taken) => {
            inbound.counted(&taken).increment(1);
            taken.into_response()
        }
        Err(problem) => {
            inbound.counter(problem.name()).increment(1);
            info!(channel = %inbound.channel, outcome = problem.name(), "refused");
            problem.into_response()
        }
    };
    origins::readable(response, origin)
}

/// A message that is safe with us.
enum Taken {
    Now(MessageId),
    /// This is a copy of it.
    Before(MessageId),
    /// No message, but the vendor's question whether this is the address; and the word that it wants to see.
    Asked(String),
}

impl Inbound {
    fn counted(&self, taken: &Taken) -> Counter {
        match taken {
            Taken::Now(_) | Taken::Before(_) => self.accepted.clone(),
            Taken::Asked(_) => self.counter("challenge"),
        }
    }
}

async fn take<A, F>(door: &Door<A>, inbound: &Inbound, request: Request) -> Result<Taken, Problem>
where
    A: Fn(Message) -> F,
    F: Future<Output = Result<MessageId, AcceptError>>,
{
    let limits = &inbound.limits;
    if request.method() == Method::GET {
        let query = request.uri().query().unwrap_or_default();
        let answer = inbound.challenger.answer_query(query).ok_or(Problem::Method)?;
        info!(channel = %inbound.channel, answered = answer.is_ok(), "asked whether this is the address");
        return answer.map(Taken::Asked).map_err(Problem::Refused);
    }
    if request.method() != Method::POST {
        return Err(Problem::Method);
    }
    let (head, body) = request.into_parts();
    if head
        .headers
        .get(CONTENT_ENCODING)
        .is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
    {
        return Err(Problem::Packed);
    }
    let too_many = Problem::TooMany { retry_after: 1 };
    let _permit = inbound.permits.try_acquire().map_err(|_| too_many.clone())?;
    let _room = room(&door.room, &head.headers, limits)?;
    let body = match tokio::time::timeout(limits.body_time_max, whole(body, limits.body_bytes_max)).await {
        Ok(body) => body?,
        Err(_) => return Err(Problem::TooSlow { seconds: limits.body_time_max.as_secs() }),
    };
    let now = (door.clock)();
    let header = |name: &str| head.headers.get(name).map(HeaderValue::as_bytes);
    let query = head.uri.query().unwrap_or_default();
    if inbound.challenger.is_ping(&body) {
        info!(channel = %inbound.channel, answered = true, "asked whether this is the address");
        return Ok(Taken::Asked(String::new()));
    }
    let verified = inbound.verifier.check(header, query, &body, now).map_err(Problem::Refused)?;
    if let Some(word) = inbound.challenger.answer_message(&body) {
        info!(channel = %inbound.channel, answered = true, "asked whether this is the address");
        return Ok(Taken::Asked(word));
    }
    // Only those who may come in use up turns.
    if !inbound.has_turn() {
        return Err(too_many);
    }
    let claim = match (verified.replay_key, inbound.verifier.replay_window()) {
        (Some(key), Some(window)) => match door.replays.claim(&inbound.channel, key, window, now) {
            Seen::First(claim) => Some(claim),
            Seen::Pending => return Err(too_many),
            Seen::Taken(id) => return Ok(Taken::Before(id)),
        },
        _ => None,
    };
    if let Some(at_byte) =
        is_json(&head.headers).then(|| depth::too_deep_at(&body, limits.json_depth_max)).flatten()
    {
        return Err(Problem::TooDeep { at_byte, depth_max: limits.json_depth_max });
    }
    let has_write_key = !inbound.verifier.write_keys().is_empty();
    let body = if has_write_key { tracking::without_key(&body, limits)? } else { body };
    let (headers, name) = (inbound.kept(&head.headers), inbound.verifier.without_credential(query));
    let envelope = Envelope { headers, name, ..Envelope::default() };
    let message = door.stamp.message(&inbound.channel, now, envelope, body);
    let id = (door.accept)(message).await?;
    if let Some(claim) = claim {
        claim.taken(id);
    }
    debug!(message_id = %id, channel = %inbound.channel, "accepted");
    Ok(Taken::Now(id))
}

/// Room for the body, before it is read: as much as it says it has, or as much as it may have.
fn room<'a>(
    room: &'a Semaphore,
    headers: &HeaderMap,
    limits: &Limits,
) -> Result<SemaphorePermit<'a>, Problem> {
    let declared = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let bytes = declared.unwrap_or(limits.body_bytes_max);
    if bytes > limits.body_bytes_max {
        return Err(Problem::TooLarge { bytes_max: limits.body_bytes_max });
    }
    let permits = u32::try_from(bytes.div_ceil(ROOM_BYTES)).unwrap_or(u32::MAX);
    room.try_acquire_many(permits).map_err(|_| Problem::TooMany { retry_after: 1 })
}

async fn whole(body: Body, bytes_max: usize) -> Result<Bytes, Problem> {
    let mut parts = body.into_data_stream();
    let mut next = async || parts.next().await.transpose().map_err(|_| Problem::CutOff);
    // Most bodies are one piece, which is handed on without being copied.
    let Some(first) = next().await? else { return Ok(Bytes::new()) };
    let Some(second) = next().await? else {
        return match first.len() <= bytes_max {
            true => Ok(first),
            false => Err(Problem::TooLarge { bytes_max }),
        };
    };
    let mut whole = BytesMut::from(first);
    let mut more = Some(second);
    while let Some(part) = more {
        if whole.len() + part.len() > bytes_max {
            return Err(Problem::TooLarge { bytes_max });
        }
        whole.extend_from_slice(&part);
        more = next().await?;
    }
    Ok(whole.freeze())
}

/// Also when nothing is said: most that say nothing send JSON.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(CONTENT_TYPE) else { return true };
    let kind = kind.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let ends =
        |with: &[u8]| kind.len() >= with.len() && kind[kind.len() - with.len()..].eq_ignore_ascii_case(with);
    ends(b"/json") || ends(b"+json")
}

impl IntoResponse for Taken {
    fn into_response(self) -> Response {
        let (status, kind, body) = match self {
            Self::Now(id) => (StatusCode::ACCEPTED, "application/json", format!("{{\"id\":\"{id}\"}}")),
            Self::Before(id) => {
                let body = format!("{{\"id\":\"{id}\",\"repeated\":true}}");
                (StatusCode::ACCEPTED, "application/json", body)
            }
            Self::Asked(word) => (StatusCode::OK, "text/plain", word),
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        // What somebody else chose must not be taken for a page.
        response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        response
    }
}

#[cfg(test)]
mod tests;
