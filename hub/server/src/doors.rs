//! The ways in that a hub's channels declare: each hands what comes to the store, and answers once it is durable. Here they are made;
//! when they open is decided elsewhere.

pub mod brokers;
pub mod mail;
mod sql;
mod websocket;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context as _, bail};
use arc_swap::ArcSwap;
use axum::Router;
use futures_util::future::BoxFuture;
use snodo_core::declare::{Channel, Declarations, FileInlet, HttpInlet, Inlet, PollInlet};
use snodo_core::secret::{Secret, SecretError, SecretRef};
use snodo_core::verify::{Challenger, Verifier};
use snodo_core::{ChannelName, Message, MessageId};
use snodo_store::StoreError;
use tracing::error;

use crate::configuration::Configuration;
use crate::hub::Condition;
use crate::parts::{Run, Way, Workshop};
use crate::poll::Poll;
use crate::transport::file_in::{FileIn, Inbox};
use crate::transport::http_in::{self, Channels, Door, Inbound};
use crate::transport::ws::{self, Clients};
use crate::transport::{AcceptError, mail_in, secrets};
use crate::{clock, operate, sender};

/// How often a folder is looked into: soon enough for a person who waits, and no load on a network share.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How long a sender is asked to wait when too much is waiting to be written.
const BUSY_FOR: Duration = Duration::from_secs(1);

/// The doors that several channels share: senders knock at one address, and are told apart by the channel that they ask for.
#[derive(Clone, Default)]
pub struct Ways {
    pub http: Channels,
    pub clients: ws::Channels,
    /// Where the hub takes mail.
    pub mail: Option<Arc<ArcSwap<mail_in::Rules>>>,
}

/// Prepares the way in of a channel.
pub struct Doors<'a> {
    pub configuration: &'a Configuration,
    pub declarations: &'a Declarations,
    pub workshop: &'a Workshop,
}

/// The router of everything that is asked over HTTP.
pub fn router(ways: &Ways, condition: &Arc<Condition>) -> Router {
    let door = Door::new(ways.http.clone(), acceptor(condition), clock::now);
    let clients = Clients::new(ways.clients.clone(), acceptor(condition), clock::now);
    door.router().merge(clients.router()).merge(operate::router(Arc::clone(condition)))
}

impl Doors<'_> {
    pub fn way(&self, name: &ChannelName) -> anyhow::Result<Option<Way>> {
        let declared = &self.declarations.channels[name];
        let alone = |run| Way { run, may_overlap: false };
        let shared = |run| Way { run, may_overlap: true };
        Ok(Some(match &declared.receive {
            Some(Inlet::Http(http)) => shared(self.inbound(name, declared, http)?),
            Some(Inlet::WebSocket(inlet)) if inlet.url.is_none() => {
                shared(self.client(name, declared, inlet)?)
            }
            Some(Inlet::Mail(mail)) => shared(self.postbox(name, mail)?),
            Some(Inlet::File(file)) => alone(self.watch(name, file)?),
            Some(Inlet::Mqtt(mqtt)) => alone(self.mqtt(name, declared, mqtt)?),
            Some(Inlet::Amqp(amqp)) => alone(self.amqp(name, declared, amqp)?),
            Some(Inlet::WebSocket(inlet)) => alone(self.feed(name, inlet)?),
            Some(Inlet::Sql(sql)) => alone(self.rows(name, sql)?),
            Some(Inlet::Poll(poll)) => alone(self.poll(name, poll)?),
            None => return Ok(None),
        }))
    }

    fn accept(&self) -> impl Fn(Message) -> Accepting + Send + Sync + use<> {
        acceptor(&self.workshop.condition)
    }

    fn limits(&self) -> http_in::Limits {
        let limits = &self.declarations.hub.limits;
        http_in::Limits {
            body_bytes_max: limits.body_bytes_max,
            body_time_max: limits.request_time_max.0,
            json_depth_max: limits.depth_max,
            concurrent_max: limits.requests_max,
        }
    }

    fn secret(&self, at: &SecretRef) -> Result<Secret, SecretError> {
        secrets::resolve(at, &self.configuration.folder)
    }

    fn inbound(&self, name: &ChannelName, declared: &Channel, http: &HttpInlet) -> anyhow::Result<Run> {
        let verifier = Verifier::new(&http.verify, |at| self.secret(at)).context("verify")?;
        let challenger =
            Challenger::new(http.challenge.as_ref(), |at| self.secret(at)).context("challenge")?;
        let inbound = Inbound::new(name.clone(), verifier, self.headers(declared), self.limits());
        let inbound =
            inbound.with_challenger(challenger).with_origins(&http.origins).with_rate(http.per_second);
        let channels = self.workshop.ways.http.clone();
        Ok(Box::new(move |stop| {
            let inbound = channels.open(inbound);
            Box::pin(async move {
                stop.cancelled().await;
                channels.close(&inbound).await;
            })
        }))
    }

    /// Those that the channel's connector gets to see.
    fn headers(&self, declared: &Channel) -> &[String] {
        let available = self.configuration.connector(&declared.connector).expect("declared ones exist");
        available.manifest.source.as_ref().map(|source| source.headers.as_slice()).unwrap_or_default()
    }

    fn watch(&self, name: &ChannelName, file: &FileInlet) -> anyhow::Result<Run> {
        let FileInlet { folder, pattern, settle, split } = file;
        let folder = self.configuration.path(folder);
        std::fs::create_dir_all(&folder).with_context(|| format!("failed to make {}", folder.display()))?;
        let inbox = Inbox {
            channel: name.clone(),
            folder,
            pattern: pattern.clone(),
            settle: settle.0,
            split: *split,
            body_bytes_max: self.declarations.hub.limits.body_bytes_max,
        };
        let watch = FileIn::new(inbox, self.accept());
        Ok(Box::new(move |stop| Box::pin(watch.run(LOOK_EVERY, clock::now, stop))))
    }

    /// Polls are a door of the hub's own.
    fn poll(&self, name: &ChannelName, inlet: &PollInlet) -> anyhow::Result<Run> {
        let Workshop { condition, line, client, permits, stamp, .. } = self.workshop;
        let poll = Poll {
            channel: name.clone(),
            line: line.clone(),
            condition: Arc::clone(condition),
            client: client.clone(),
            outbound: sender::outbound(self.configuration, inlet.access())?,
            every: inlet.every.0,
            stamp: Arc::clone(stamp),
            permits: Arc::clone(&permits[1]),
        };
        Ok(Box::new(move |stop| Box::pin(poll.run(stop))))
    }
}

/// Whoever shows a write key is to be one channel's sender.
pub fn check_write_keys(configuration: &Configuration, declarations: &Declarations) -> anyhow::Result<()> {
    let mut known = HashMap::new();
    for (name, declared) in &declarations.channels {
        let Some(Inlet::Http(http)) = &declared.receive else { continue };
        let verifier = Verifier::new(&http.verify, |at| secrets::resolve(at, &configuration.folder))
            .with_context(|| format!("channels/{name}.toml: failed to prepare receive: verify"))?;
        for key in verifier.write_keys() {
            if let Some(other) = known.insert(*key, name) {
                bail!("channels/{name}.toml: its write key is that of channels/{other}.toml too");
            }
        }
    }
    Ok(())
}

type Accepting = BoxFuture<'static, Result<MessageId, AcceptError>>;

fn acceptor(condition: &Arc<Condition>) -> impl Fn(Message) -> Accepting + Clone + Send + Sync + use<> {
    let condition = Arc::clone(condition);
    move |message| {
        let condition = Arc::clone(&condition);
        Box::pin(async move { accept(&condition, message).await })
    }
}

async fn accept(condition: &Condition, message: Message) -> Result<MessageId, AcceptError> {
    let (id, channel) = (message.id, message.channel.clone());
    let accepted = condition.store.accept(message).await;
    taken(condition, &channel, accepted).map(|()| id)
}

fn taken<T>(
    condition: &Condition,
    channel: &ChannelName,
    accepted: Result<T, StoreError>,
) -> Result<(), AcceptError> {
    condition.full.store(matches!(accepted, Err(StoreError::Full)), Ordering::Relaxed);
    match accepted {
        Ok(_) => {
            condition.sources.ring(channel);
            Ok(())
        }
        Err(StoreError::Full) => Err(AcceptError::Full),
        Err(StoreError::Overloaded) => Err(AcceptError::Busy { retry_after: BUSY_FOR }),
        Err(StoreError::Closed) => Err(AcceptError::Closing),
        Err(error) => {
            error!(%channel, %error, "failed to keep a message; the sender was told");
            Err(AcceptError::Internal)
        }
    }
}
