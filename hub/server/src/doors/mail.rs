//! Opens the door for mail: one for the addresses of all channels.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use snodo_core::declare::channel::{MailInlet, MailPattern};
use snodo_core::{ChannelName, Message};
use tokio::net::TcpListener;

use super::{Doors, taken};
use crate::hub::Condition;
use crate::transport::AcceptError;
use crate::transport::mail_in::{self, Postbox};

impl Doors<'_> {
    pub(super) fn take_mail(&self, postboxes: Vec<Postbox>) -> anyhow::Result<()> {
        let Some(mail) = self.declarations.hub.mail.as_ref().filter(|_| !postboxes.is_empty()) else {
            return Ok(());
        };
        let tls = match (&mail.certificate, &mail.key) {
            (Some(certificate), Some(key)) => {
                let chain = std::fs::read(self.configuration.path(certificate)).context("certificate")?;
                Some(mail_in::serve::acceptor(&chain, &self.secret(key)?)?)
            }
            (None, None) => None,
            _ => bail!("`certificate` and `key` go together: write both, or neither"),
        };
        let rules = mail_in::Rules {
            hostname: mail.hostname.clone(),
            bytes_max: mail.bytes_max,
            body_bytes_max: self.declarations.hub.limits.body_bytes_max,
            connections_max: mail.connections_max,
            offers_tls: tls.is_some(),
            postboxes,
        };
        let listener = std::net::TcpListener::bind(mail.listen)
            .with_context(|| format!("failed to listen on {}", mail.listen))?;
        listener.set_nonblocking(true)?;
        let accept = {
            let condition = Arc::clone(self.condition);
            move |messages: Vec<Message>| {
                let condition = Arc::clone(&condition);
                async move { accept_all(&condition, messages).await }
            }
        };
        let serve =
            mail_in::serve::serve(TcpListener::from_std(listener)?, rules, tls, accept, self.stop.clone());
        self.tasks.spawn(serve);
        Ok(())
    }
}

pub fn postbox(name: &ChannelName, mail: &MailInlet) -> Postbox {
    let known = "declared ones have been read";
    let patterns = mail.recipients.iter().map(|text| (text.clone(), MailPattern::parse(text).expect(known)));
    let networks = mail.from_networks.iter().map(|text| text.parse().expect(known));
    Postbox { channel: name.clone(), patterns: patterns.collect(), networks: networks.collect() }
}

/// Messages that came together, in one commit: all of them, or none.
async fn accept_all(condition: &Condition, messages: Vec<Message>) -> Result<(), AcceptError> {
    let channels: Vec<ChannelName> = messages.iter().map(|message| message.channel.clone()).collect();
    let Some(first) = channels.first() else { return Ok(()) };
    let accepted = condition.store.accept_all(messages, None).await;
    taken(condition, first, accepted)?;
    channels.iter().for_each(|channel| condition.sources.ring(channel));
    Ok(())
}
