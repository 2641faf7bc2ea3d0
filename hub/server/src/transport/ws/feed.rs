//! A feed that the hub connects to: each message of it is one of the hub's. There is no answer, so what came is kept until the hub has
//! it, also when the connection is gone by then; what the feed says while there is no connection is lost, unless it tells it again.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::FuturesOrdered;
use futures_util::{SinkExt, StreamExt};
use http::{HeaderName, HeaderValue, Uri};
use snodo_core::authorize::Credential;
use snodo_core::message::Envelope;
use snodo_core::{ChannelName, Message, MessageId, Timestamp};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message as Frame};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::READ_BUFFER_BYTES;
use crate::transport::dial::{CONNECT_TIME_MAX, Dialer, Wire};
use crate::transport::patience::{Tally, insist};
use crate::transport::supervise::{Class, Trouble, Watch, guarded};
use crate::transport::{AcceptError, Stamp};

/// How long a feed may take to read what it is sent.
const WRITE_TIME_MAX: Duration = Duration::from_secs(10);
/// A message of up to so many times the largest that is taken is thrown away, and the connection lives; one that is still larger
/// ends it.
const OVER: usize = 8;

/// Where a channel's feed is, and how it is asked.
#[derive(Debug)]
pub struct Feed {
    pub channel: ChannelName,
    pub dialer: Dialer,
    pub credential: Credential,
    pub hello: Option<String>,
    pub in_flight: usize,
    pub idle: Duration,
    pub body_bytes_max: usize,
}

pub struct FeedIn<A> {
    feed: Feed,
    request: Request,
    accept: A,
    clock: fn() -> Timestamp,
    stamp: Stamp,
    tally: Tally,
}

type Socket = WebSocketStream<Box<dyn Wire>>;

impl<A, F> FeedIn<A>
where
    A: Fn(Message) -> F + Send + Sync,
    F: Future<Output = Result<MessageId, AcceptError>> + Send,
{
    pub fn new(feed: Feed, accept: A, clock: fn() -> Timestamp) -> anyhow::Result<Self> {
        let tally = Tally::new(feed.channel.clone(), "snodo_websocket_in_total");
        let request = request(&feed)?;
        Ok(Self { feed, request, accept, clock, stamp: Stamp::default(), tally })
    }

    pub async fn run(&self, stop: CancellationToken) {
        let mut watch = Watch::new(self.feed.channel.clone(), "websocket");
        while !stop.is_cancelled() {
            let ended = guarded(self.session(&mut watch, &stop)).await;
            watch.rest(ended, &stop).await;
        }
    }

    /// One connection, from its beginning to its end.
    async fn session(&self, watch: &mut Watch, stop: &CancellationToken) -> Result<(), Trouble> {
        let Some(socket) = stop.run_until_cancelled(self.connect()).await else { return Ok(()) };
        let mut socket = socket?;
        watch.up();
        let mut taking = FuturesOrdered::new();
        let idle = self.feed.idle;
        let mut pings = tokio::time::interval_at(Instant::now() + idle / 2, idle / 2);
        let mut heard = Instant::now();
        let ended = loop {
            let room = taking.len() < self.feed.in_flight;
            tokio::select! {
                frame = socket.next(), if room => {
                    heard = Instant::now();
                    match frame {
                        Some(Ok(Frame::Text(text))) => taking.push_back(self.take(text.into(), stop)),
                        Some(Ok(Frame::Binary(bytes))) => taking.push_back(self.take(bytes, stop)),
                        Some(Ok(Frame::Close(said))) => {
                            let code = said.map_or(1005, |said| u16::from(said.code));
                            break Err(Trouble::away(format!("the feed closed the connection ({code})")));
                        }
                        Some(Ok(_)) => {}
                        Some(Err(error)) => break Err(self.broken(&error)),
                        None => break Err(Trouble::away("the connection ended")),
                    }
                }
                Some(()) = taking.next() => {}
                _ = pings.tick() => {
                    if room && heard.elapsed() >= idle {
                        break Err(Trouble::away("the feed said nothing in answer to a ping"));
                    }
                    if let Err(trouble) = self.send(&mut socket, Frame::Ping(Bytes::new())).await {
                        break Err(trouble);
                    }
                }
                () = stop.cancelled() => {
                    _ = timeout(Duration::from_secs(1), socket.close(None)).await;
                    break Ok(());
                }
            }
        };
        // It will not be told again.
        while taking.next().await.is_some() {}
        ended
    }

    async fn connect(&self) -> Result<Socket, Trouble> {
        let connecting = async {
            let wire = self.feed.dialer.dial().await?;
            let bytes_max = self.feed.body_bytes_max.saturating_mul(OVER);
            let config = WebSocketConfig::default()
                .read_buffer_size(READ_BUFFER_BYTES)
                .max_message_size(Some(bytes_max))
                .max_frame_size(Some(bytes_max));
            let connected = client_async_with_config(self.request.clone(), wire, Some(config)).await;
            let (mut socket, _) = connected.map_err(|error| self.broken(&error))?;
            if let Some(hello) = &self.feed.hello {
                self.send(&mut socket, Frame::text(hello.clone())).await?;
            }
            Ok(socket)
        };
        let slow = |_| Trouble::away(format!("{} did not answer in time", self.feed.dialer.address()));
        timeout(CONNECT_TIME_MAX, connecting).await.map_err(slow)?
    }

    async fn send(&self, socket: &mut Socket, frame: Frame) -> Result<(), Trouble> {
        let sent = timeout(WRITE_TIME_MAX, socket.send(frame)).await;
        sent.map_err(|_| Trouble::away("the feed reads nothing any more"))?
            .map_err(|error| self.broken(&error))
    }

    /// What the other side wrote stays out: it is not ours to log.
    fn broken(&self, error: &Error) -> Trouble {
        let address = self.feed.dialer.address();
        match error {
            Error::Http(answer) => {
                let status = answer.status().as_u16();
                let class = match status {
                    404 | 410 => Class::Missing,
                    300..500 if status != 408 && status != 429 => Class::Refused,
                    _ => Class::Away,
                };
                Trouble::new(class, format!("{address} answered {status} to the request for a WebSocket"))
            }
            Error::Capacity(_) => {
                self.tally.count("too-large");
                Trouble::new(
                    Class::Garbled,
                    format!(
                        "a message of the feed is more than {OVER} times larger than limits.body_bytes_max"
                    ),
                )
            }
            Error::Io(error) => Trouble::away(format!("the connection broke: {error}")),
            Error::ConnectionClosed | Error::AlreadyClosed => Trouble::away("the connection ended"),
            Error::Protocol(error) => {
                Trouble::new(Class::Garbled, format!("{address} speaks no WebSocket: {error}"))
            }
            _ => Trouble::new(Class::Garbled, format!("{address} speaks no WebSocket")),
        }
    }

    async fn take(&self, body: Bytes, stop: &CancellationToken) {
        let channel = &self.feed.channel;
        if body.len() > self.feed.body_bytes_max {
            self.tally.count("too-large");
            return warn!(%channel, bytes = body.len(), "a message is larger than limits.body_bytes_max and was not taken");
        }
        let message = self.stamp.message(channel, (self.clock)(), Envelope::default(), body);
        match insist(&self.accept, message, &self.tally, stop).await {
            Some(id) => debug!(message_id = %id, %channel, "accepted"),
            None => {
                self.tally.count("lost");
                warn!(%channel, "the hub stopped before it had room for a message of the feed");
            }
        }
    }
}

/// The request that asks for the connection, with the credential in it.
fn request(feed: &Feed) -> anyhow::Result<Request> {
    let address = feed.dialer.address();
    let scheme = if address.tls { "wss" } else { "ws" };
    let mut path = address.path.clone();
    if let Credential::Query { parameter, value } = &feed.credential {
        let text = value.expose_line().ok_or_else(|| anyhow::anyhow!("the key is no single line of text"))?;
        let pair = form_urlencoded::Serializer::new(String::new()).append_pair(parameter, text).finish();
        path = format!("{path}{}{pair}", if path.contains('?') { '&' } else { '?' });
    }
    let uri =
        Uri::builder().scheme(scheme).authority(address.authority.as_str()).path_and_query(path).build();
    let uri = uri.map_err(|_| anyhow::anyhow!("url is no address"))?;
    let mut request = uri.into_client_request()?;
    match &feed.credential {
        Credential::None | Credential::Query { .. } => {}
        Credential::Header { name, value } => {
            let name = HeaderName::try_from(name)?;
            let unfit = |_| anyhow::anyhow!("the secret holds what no header can");
            let mut value = HeaderValue::from_bytes(value.expose()).map_err(unfit)?;
            value.set_sensitive(true);
            request.headers_mut().insert(name, value);
        }
        Credential::Grant(_) => anyhow::bail!("auth: a feed is not connected to with OAuth 2 tokens yet"),
    }
    Ok(request)
}
