//! Opens the ways in that a hub's channels declare: each hands what comes to the store, and answers once it is durable.

pub mod brokers;
mod mail;
mod sql;
mod websocket;

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context as _, bail};
use snodo_core::declare::{Channel, Declarations, FileInlet, HttpInlet, Inlet};
use snodo_core::secret::{Secret, SecretError, SecretRef};
use snodo_core::verify::{Challenger, Verifier};
use snodo_core::{ChannelName, Message, MessageId};
use snodo_store::StoreError;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::error;

use crate::configuration::Configuration;
use crate::hub::Condition;
use crate::transport::file_in::{FileIn, Inbox};
use crate::transport::http_in::{self, Channels, Door, Inbound};
use crate::transport::ws::Clients;
use crate::transport::{AcceptError, secrets};
use crate::{clock, operate};

/// How often a folder is looked into: soon enough for a person who waits, and no load on a network share.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How long a sender is asked to wait when too much is waiting to be written.
const BUSY_FOR: Duration = Duration::from_secs(1);

pub struct Doors<'a> {
    pub configuration: &'a Configuration,
    pub declarations: &'a Declarations,
    pub condition: &'a Arc<Condition>,
    /// What is opened runs among these, until it is told to stop.
    pub tasks: &'a TaskTracker,
    pub stop: &'a CancellationToken,
}

impl Doors<'_> {
    pub fn open(&self, listener: TcpListener) -> anyhow::Result<()> {
        let accept = {
            let condition = Arc::clone(self.condition);
            move |message| {
                let condition = Arc::clone(&condition);
                async move { accept(&condition, message).await }
            }
        };
        let (mut inbound, mut clients, mut write_keys) = (Vec::new(), Vec::new(), HashMap::new());
        let mut postboxes = Vec::new();
        for (name, declared) in &self.declarations.channels {
            let prepared = || format!("channels/{name}.toml: failed to prepare receive");
            match &declared.receive {
                Some(Inlet::Http(http)) => {
                    let verifier = self.verifier(http).with_context(prepared)?;
                    for key in verifier.write_keys() {
                        if let Some(other) = write_keys.insert(*key, name.clone()) {
                            bail!("channels/{name}.toml: its write key is that of channels/{other}.toml too");
                        }
                    }
                    inbound.push(self.inbound(name, declared, http, verifier).with_context(prepared)?);
                }
                Some(Inlet::File(file)) => self.watch(name, file, accept.clone()).with_context(prepared)?,
                Some(Inlet::Mqtt(mqtt)) => {
                    self.mqtt(name, declared, mqtt, accept.clone()).with_context(prepared)?;
                }
                Some(Inlet::Amqp(amqp)) => {
                    self.amqp(name, declared, amqp, accept.clone()).with_context(prepared)?;
                }
                Some(Inlet::WebSocket(inlet)) if inlet.url.is_some() => {
                    self.feed(name, inlet, accept.clone()).with_context(prepared)?;
                }
                Some(Inlet::WebSocket(inlet)) => {
                    clients.push(self.client(name, declared, inlet).with_context(prepared)?);
                }
                Some(Inlet::Sql(sql)) => self.rows(name, sql).with_context(prepared)?,
                Some(Inlet::Mail(mail)) => postboxes.push(mail::postbox(name, mail)),
                Some(Inlet::Poll(_)) | None => {}
            }
        }
        self.take_mail(postboxes).context("hub.toml: failed to prepare mail")?;
        let channels = Channels::default();
        channels.replace(inbound);
        let clients =
            Clients::new(clients, accept.clone(), clock::now, self.tasks.clone(), self.stop.clone());
        let door = Door::new(channels, accept, clock::now);
        let router = door.router().merge(clients.router()).merge(operate::router(Arc::clone(self.condition)));
        self.tasks.spawn(http_in::serve(listener, router, self.stop.clone()));
        Ok(())
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

    fn verifier(&self, http: &HttpInlet) -> anyhow::Result<Verifier> {
        Verifier::new(&http.verify, |at| self.secret(at)).context("verify")
    }

    fn inbound(
        &self,
        name: &ChannelName,
        declared: &Channel,
        http: &HttpInlet,
        verifier: Verifier,
    ) -> anyhow::Result<Inbound> {
        let challenger =
            Challenger::new(http.challenge.as_ref(), |at| self.secret(at)).context("challenge")?;
        let one = Inbound::new(name.clone(), verifier, self.headers(declared), self.limits());
        Ok(one.with_challenger(challenger).with_origins(&http.origins))
    }

    /// Those that the channel's connector gets to see.
    fn headers(&self, declared: &Channel) -> &[String] {
        let available = self.configuration.connector(&declared.connector).expect("declared ones exist");
        available.manifest.source.as_ref().map(|source| source.headers.as_slice()).unwrap_or_default()
    }

    fn watch<A, F>(&self, name: &ChannelName, file: &FileInlet, accept: A) -> anyhow::Result<()>
    where
        A: Fn(Message) -> F + Send + Sync + 'static,
        F: Future<Output = Result<MessageId, AcceptError>> + Send + 'static,
    {
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
        let watch = FileIn::new(inbox, accept);
        self.tasks.spawn(watch.run(LOOK_EVERY, clock::now, self.stop.clone()));
        Ok(())
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
