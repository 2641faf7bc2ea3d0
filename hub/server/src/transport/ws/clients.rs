//! The door for connections that stay: `GET /ws/{channel}`. Knows the client before it lets it in, answers each message once it is
//! durable, in order, and never reads ahead of what may be under way.
//!
//! A connection ends with 1009 after a message that is larger than the hub takes, with 1008 when it says nothing for too long, with
//! 1013 where there are as many as there may be, and with 1001 when the hub stops or the channel's declaration changes.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};
use std::time::Duration;

use axum::Router;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message as Frame, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, RawQuery, State};
use axum::http::header::{AUTHORIZATION, ORIGIN};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use snodo_core::message::Envelope;
use snodo_core::verify::check::{without_parameter, write_key_authorization};
use snodo_core::verify::{Refusal, Verifier};
use snodo_core::{ChannelName, Message, MessageId, Timestamp};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, info};

use super::answer::Answer;
use super::{READ_BUFFER_BYTES, code};
use crate::transport::http_in::origins::Origins;
use crate::transport::http_in::problem::Problem;
use crate::transport::http_in::{Limits, depth, tracking};
use crate::transport::kept::Kept;
use crate::transport::patience::Tally;
use crate::transport::{AcceptError, Stamp};

/// How long a client may take to read what it is sent. One that takes longer is cut off.
const WRITE_TIME_MAX: Duration = Duration::from_secs(10);
/// How long messages under way may take once the hub is to stop.
const STOP_GRACE: Duration = Duration::from_secs(5);
/// How long a client may take to say goodbye.
const CLOSE_TIME_MAX: Duration = Duration::from_secs(1);
/// What all messages under way, on all connections, may take: as much as the bodies of all requests.
const ROOM_BYTES_MAX: usize = 64 << 20;
/// Room is counted in so many bytes, because a semaphore counts in 32 bits.
const ROOM_BYTES: usize = 1024;

/// One channel that clients connect to.
#[derive(Debug)]
pub struct Client {
    pub channel: ChannelName,
    pub verifier: Verifier,
    pub origins: Origins,
    pub kept: Kept,
    pub limits: Limits,
    pub clients_max: usize,
    pub in_flight: usize,
    pub idle: Duration,
}

/// The channels that are open now: they come, go and change while the door is open.
#[derive(Clone, Default)]
pub struct Channels(Arc<RwLock<ByName>>);

/// The door's own state. `accept` resolves once the message is durable.
pub struct Clients<A> {
    channels: Channels,
    accept: A,
    clock: fn() -> Timestamp,
    stamp: Stamp,
    room: Semaphore,
}

struct Channel {
    client: Client,
    seats: Arc<Semaphore>,
    tally: Tally,
    stop: CancellationToken,
    connections: TaskTracker,
}

impl Channels {
    /// Lets clients in, in the place of the channel of that name, until told to stop. What is returned ends with the last of their
    /// connections.
    pub fn open(&self, client: Client, stop: CancellationToken) -> impl Future<Output = ()> + use<> {
        let name = client.channel.clone();
        let tally = Tally::new(name.clone(), "snodo_websocket_in_total");
        let seats = Arc::new(Semaphore::new(client.clients_max));
        let channel = Arc::new(Channel { client, seats, tally, stop, connections: TaskTracker::new() });
        let channels = Arc::clone(&self.0);
        write(&channels).insert(name.clone(), Arc::clone(&channel));
        async move {
            channel.stop.cancelled().await;
            {
                let mut channels = write(&channels);
                // Another may have taken its place.
                if channels.get(&name).is_some_and(|open| Arc::ptr_eq(open, &channel)) {
                    channels.remove(&name);
                }
            }
            channel.connections.close();
            channel.connections.wait().await;
        }
    }

    fn find(&self, name: &str) -> Option<Arc<Channel>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }
}

type ByName = HashMap<ChannelName, Arc<Channel>>;

fn write(channels: &RwLock<ByName>) -> RwLockWriteGuard<'_, ByName> {
    channels.write().unwrap_or_else(PoisonError::into_inner)
}

impl<A, F> Clients<A>
where
    A: Fn(Message) -> F + Send + Sync + 'static,
    F: Future<Output = Result<MessageId, AcceptError>> + Send + 'static,
{
    pub fn new(channels: Channels, accept: A, clock: fn() -> Timestamp) -> Self {
        let room = Semaphore::new(ROOM_BYTES_MAX / ROOM_BYTES);
        Self { channels, accept, clock, stamp: Stamp::default(), room }
    }

    pub fn router(self) -> Router {
        Router::new().route("/ws/{channel}", get(connect::<A, F>)).with_state(Arc::new(self))
    }
}

async fn connect<A, F>(
    State(door): State<Arc<Clients<A>>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response
where
    A: Fn(Message) -> F + Send + Sync + 'static,
    F: Future<Output = Result<MessageId, AcceptError>> + Send + 'static,
{
    let Some(channel) = door.channels.find(&name) else {
        return Problem::UnknownChannel.into_response();
    };
    let query = query.unwrap_or_default();
    let refused = match channel.client.admit(&headers, &query, (door.clock)()) {
        Ok(()) => upgrade.map_err(IntoResponse::into_response),
        Err(refused) => {
            channel.tally.count(refused.word());
            info!(channel = %channel.client.channel, outcome = refused.word(), "refused");
            Err(refused.into_response())
        }
    };
    let upgrade = match refused {
        Ok(upgrade) => upgrade,
        Err(response) => return response,
    };
    let (seat, tracked) = (Arc::clone(&channel.seats).try_acquire_owned().ok(), channel.connections.token());
    // Without what lets the client in.
    let name = without_parameter(&channel.client.verifier.without_credential(&query), WRITE_KEY);
    let greeting = Greeting { headers: channel.client.headers(&headers), name };
    let body_bytes_max = channel.client.limits.body_bytes_max;
    upgrade
        .max_message_size(body_bytes_max)
        .max_frame_size(body_bytes_max)
        .read_buffer_size(READ_BUFFER_BYTES)
        .on_upgrade(async move |socket| {
            let connection = Connection { door: &door, channel: &channel, greeting };
            connection.run(socket, seat).await;
            drop(tracked);
        })
}

/// Why a client is not let in.
enum Closed {
    Origin,
    Stranger(Refusal),
}

impl Closed {
    const fn word(&self) -> &'static str {
        match self {
            Self::Origin => "origin",
            Self::Stranger(_) => "not-verified",
        }
    }
}

impl IntoResponse for Closed {
    fn into_response(self) -> Response {
        match self {
            Self::Origin => StatusCode::FORBIDDEN.into_response(),
            Self::Stranger(refusal) => Problem::Refused(refusal).into_response(),
        }
    }
}

impl Client {
    /// A page that may not send here is sent away first: browsers show credentials to whoever asks.
    fn admit(&self, headers: &HeaderMap, query: &str, now: Timestamp) -> Result<(), Closed> {
        if headers.contains_key(ORIGIN) && self.origins.allowed(headers).is_none() {
            return Err(Closed::Origin);
        }
        // A page cannot set a header, so the key may stand in the address.
        let key = write_key(query).filter(|_| !self.verifier.write_keys().is_empty());
        let key =
            key.filter(|_| !headers.contains_key(AUTHORIZATION)).map(|key| write_key_authorization(&key));
        let header = |name: &str| match &key {
            Some(key) if name == AUTHORIZATION.as_str() => Some(key.as_bytes()),
            _ => headers.get(name).map(HeaderValue::as_bytes),
        };
        self.verifier.check(header, query, b"", now).map(|_| ()).map_err(Closed::Stranger)
    }

    fn headers(&self, headers: &HeaderMap) -> Vec<(String, String)> {
        let mut kept = Vec::new();
        for (name, value) in headers {
            if !self.verifier.credential_headers().iter().any(|credential| credential == name.as_str()) {
                self.kept.add(&mut kept, name.as_str(), String::from_utf8_lossy(value.as_bytes()));
            }
        }
        kept
    }
}

const WRITE_KEY: &str = "writeKey";

fn write_key(query: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|(name, _)| name == WRITE_KEY).map(|(_, key)| key.into_owned())
}

/// What every message of a connection has in common.
struct Greeting {
    headers: Vec<(String, String)>,
    name: String,
}

struct Connection<'a, A> {
    door: &'a Clients<A>,
    channel: &'a Channel,
    greeting: Greeting,
}

/// Why a connection ends.
enum End {
    Close(u16, &'static str),
    /// The client is gone, or says goodbye itself.
    Gone,
}

impl<A, F> Connection<'_, A>
where
    A: Fn(Message) -> F,
    F: Future<Output = Result<MessageId, AcceptError>>,
{
    async fn run(&self, mut socket: WebSocket, seat: Option<OwnedSemaphorePermit>) {
        let Client { channel: name, .. } = &self.channel.client;
        let gauge = metrics::gauge!("snodo_websocket_clients", "channel" => name.to_string());
        let end = match &seat {
            Some(_) => {
                gauge.increment(1.0);
                debug!(channel = %name, "a client connected");
                let end = self.talk(&mut socket).await;
                gauge.decrement(1.0);
                end
            }
            None => End::Close(code::TRY_AGAIN, "as many clients are connected as may be"),
        };
        if let End::Close(code, reason) = end {
            if code != code::GOING_AWAY {
                self.channel.tally.count("closed");
            }
            info!(channel = %name, code, reason, "a client's connection is closed");
            close(&mut socket, code, reason).await;
        }
    }

    async fn talk(&self, socket: &mut WebSocket) -> End {
        let Client { in_flight, idle, .. } = &self.channel.client;
        let mut taking = FuturesOrdered::new();
        let mut pings = tokio::time::interval_at(Instant::now() + *idle / 2, *idle / 2);
        let mut heard = Instant::now();
        let end = loop {
            let room = taking.len() < *in_flight;
            tokio::select! {
                frame = socket.recv(), if room => {
                    heard = Instant::now();
                    match frame {
                        Some(Ok(Frame::Text(text))) => taking.push_back(self.take(text.into(), Kind::Text)),
                        Some(Ok(Frame::Binary(bytes))) => taking.push_back(self.take(bytes, Kind::Binary)),
                        Some(Ok(Frame::Ping(_) | Frame::Pong(_))) => {}
                        Some(Ok(Frame::Close(_))) | None => break End::Gone,
                        Some(Err(error)) => break self.broke(&error),
                    }
                }
                Some(answer) = taking.next() => {
                    if send(socket, Frame::text(answer.text())).await.is_err() {
                        return End::Gone;
                    }
                }
                _ = pings.tick() => {
                    if room && heard.elapsed() >= *idle {
                        break End::Close(code::POLICY, "nothing was heard for too long");
                    }
                    if send(socket, Frame::Ping(Bytes::new())).await.is_err() {
                        return End::Gone;
                    }
                }
                () = self.channel.stop.cancelled() => {
                    break End::Close(code::GOING_AWAY, "the channel is closed or changes: connect again later");
                }
            }
        };
        // What was taken is answered, also to a client that has said goodbye and still listens.
        let rest = async {
            while let Some(answer) = taking.next().await {
                if send(socket, Frame::text(answer.text())).await.is_err() {
                    return;
                }
            }
        };
        _ = timeout(STOP_GRACE, rest).await;
        end
    }

    fn broke(&self, error: &axum::Error) -> End {
        use tokio_tungstenite::tungstenite::Error as Broken;
        match std::error::Error::source(error).and_then(|source| source.downcast_ref::<Broken>()) {
            Some(Broken::Capacity(_)) => {
                self.channel.tally.count("too-large");
                End::Close(code::TOO_BIG, "the message is larger than limits.body_bytes_max")
            }
            _ => End::Gone,
        }
    }

    async fn take(&self, body: Bytes, kind: Kind) -> Answer {
        let (door, channel) = (self.door, self.channel);
        let permits = u32::try_from(body.len().div_ceil(ROOM_BYTES)).unwrap_or(u32::MAX);
        let _room = door.room.acquire_many(permits).await.expect("the semaphore is never closed");
        let limits = &channel.client.limits;
        let deep = kind == Kind::Text && depth::too_deep_at(&body, limits.json_depth_max).is_some();
        let body = match channel.client.verifier.write_keys().is_empty() {
            _ if deep => Err("too-deep"),
            true => Ok(body),
            // A key that lets in is of no use afterwards.
            false => tracking::without_key(&body, limits).map_err(|problem| problem.name()),
        };
        let body = match body {
            Ok(body) => body,
            Err(reason) => {
                channel.tally.count(reason);
                return Answer::never(reason);
            }
        };
        let Greeting { headers, name } = &self.greeting;
        let envelope = Envelope { headers: headers.clone(), name: name.clone(), ..Envelope::default() };
        let message = door.stamp.message(&channel.client.channel, (door.clock)(), envelope, body);
        let accepted = (door.accept)(message).await;
        match &accepted {
            Ok(id) => {
                channel.tally.accepted();
                debug!(message_id = %id, channel = %channel.client.channel, "accepted");
            }
            Err(error) => channel.tally.refused(error),
        }
        Answer::of(&accepted)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Binary,
}

/// The client is gone, or reads nothing any more.
struct Lost;

async fn send(socket: &mut WebSocket, frame: Frame) -> Result<(), Lost> {
    match timeout(WRITE_TIME_MAX, socket.send(frame)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(Lost),
    }
}

/// Says why, and gives the client time to read it: what it still sends is thrown away.
async fn close(socket: &mut WebSocket, code: u16, reason: &'static str) {
    let goodbye = Frame::Close(Some(CloseFrame { code, reason: reason.into() }));
    if send(socket, goodbye).await.is_err() {
        return;
    }
    let listening = async {
        while let Some(frame) = socket.recv().await {
            if frame.is_err() {
                // Nothing more can be read, but the other side still can.
                return std::future::pending().await;
            }
        }
    };
    _ = timeout(CLOSE_TIME_MAX, listening).await;
}
