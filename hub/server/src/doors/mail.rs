//! The door for mail: one for the addresses of all channels. It stands open from the start, whether a channel has an address or not, so
//! that one may come while the hub runs.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use arc_swap::ArcSwap;
use snodo_core::declare::Hub;
use snodo_core::declare::channel::{MailInlet, MailPattern};
use snodo_core::declare::hub::Mail;
use snodo_core::{ChannelName, Message};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::{Doors, taken};
use crate::configuration::Configuration;
use crate::hub::Condition;
use crate::parts::Run;
use crate::transport::mail_in::{self, Postbox, Rules};
use crate::transport::{AcceptError, secrets};

/// The hub's server for mail, before it takes any.
pub struct MailServer {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    rules: Arc<ArcSwap<Rules>>,
}

impl MailServer {
    pub fn bind(configuration: &Configuration, hub: &Hub, mail: &Mail) -> anyhow::Result<Self> {
        let tls = match (&mail.certificate, &mail.key) {
            (Some(certificate), Some(key)) => {
                let chain = std::fs::read(configuration.path(certificate)).context("certificate")?;
                let key = secrets::resolve(key, &configuration.folder)?;
                Some(mail_in::serve::acceptor(&chain, &key)?)
            }
            (None, None) => None,
            _ => bail!("`certificate` and `key` go together: write both, or neither"),
        };
        let rules = Rules {
            hostname: mail.hostname.clone(),
            bytes_max: mail.bytes_max,
            body_bytes_max: hub.limits.body_bytes_max,
            connections_max: mail.connections_max,
            offers_tls: tls.is_some(),
            postboxes: Vec::new(),
        };
        let listener = std::net::TcpListener::bind(mail.listen)
            .with_context(|| format!("failed to listen on {}", mail.listen))?;
        listener.set_nonblocking(true)?;
        let (listener, rules) = (TcpListener::from_std(listener)?, Arc::new(ArcSwap::from_pointee(rules)));
        Ok(Self { listener, tls, rules })
    }

    /// What mail it takes.
    pub fn rules(&self) -> Arc<ArcSwap<Rules>> {
        Arc::clone(&self.rules)
    }

    pub fn serve(self, condition: Arc<Condition>) -> Run {
        let accept = move |messages: Vec<Message>| {
            let condition = Arc::clone(&condition);
            async move { accept_all(&condition, messages).await }
        };
        Box::new(move |stop| {
            Box::pin(mail_in::serve::serve(self.listener, self.rules, self.tls, accept, stop))
        })
    }
}

impl Doors<'_> {
    pub(super) fn postbox(&self, name: &ChannelName, mail: &MailInlet) -> anyhow::Result<Run> {
        let rules = self.workshop.ways.mail.clone().context("the hub takes no mail: [mail] in hub.toml")?;
        let known = "declared ones have been read";
        let patterns =
            mail.recipients.iter().map(|text| (text.clone(), MailPattern::parse(text).expect(known)));
        let networks = mail.from_networks.iter().map(|text| text.parse().expect(known));
        let (patterns, networks) = (patterns.collect(), networks.collect());
        let postbox = Arc::new(Postbox { channel: name.clone(), patterns, networks });
        let body_bytes_max = self.declarations.hub.limits.body_bytes_max;
        Ok(Box::new(move |stop| {
            rules.rcu(|rules| Rules { body_bytes_max, ..rules.open(&postbox) });
            Box::pin(async move {
                stop.cancelled().await;
                rules.rcu(|rules| rules.close(&postbox));
            })
        }))
    }
}

/// Messages that came together, in one commit: all of them, or none.
async fn accept_all(condition: &Condition, messages: Vec<Message>) -> Result<(), AcceptError> {
    let channels: Vec<ChannelName> = messages.iter().map(|message| message.channel.clone()).collect();
    let Some(first) = channels.first() else { return Ok(()) };
    // A connection goes on with the addresses that it began with, and a channel may have ended meanwhile.
    if channels.iter().any(|channel| !condition.sources.has(channel)) {
        return Err(AcceptError::Closing);
    }
    let accepted = condition.store.accept_all(messages, None).await;
    taken(condition, first, accepted)?;
    channels.iter().for_each(|channel| condition.sources.ring(channel));
    Ok(())
}
