//! Opens the ways in that lead over a WebSocket: clients that connect to the hub, and feeds that it connects to.

use anyhow::Context as _;
use snodo_core::ChannelName;
use snodo_core::authorize::Credential;
use snodo_core::declare::{Channel, Spoken, WebSocketInlet};
use snodo_core::verify::Verifier;

use super::Doors;
use super::brokers::address;
use crate::clock;
use crate::parts::Run;
use crate::transport::dial::Dialer;
use crate::transport::http_in::origins::Origins;
use crate::transport::kept::Kept;
use crate::transport::ws::{Client, Feed, FeedIn};

impl Doors<'_> {
    pub(super) fn client(
        &self,
        name: &ChannelName,
        declared: &Channel,
        inlet: &WebSocketInlet,
    ) -> anyhow::Result<Run> {
        let verify = inlet.verify.as_ref().context("it does not say how a client proves who it is")?;
        let client = Client {
            channel: name.clone(),
            verifier: Verifier::new(verify, |at| self.secret(at)).context("verify")?,
            origins: Origins::new(&inlet.origins),
            kept: Kept::new(self.headers(declared)),
            limits: self.limits(),
            clients_max: inlet.clients_max,
            in_flight: inlet.in_flight,
            idle: inlet.idle.0,
        };
        let channels = self.workshop.ways.clients.clone();
        Ok(Box::new(move |stop| Box::pin(channels.open(client, stop))))
    }

    pub(super) fn feed(&self, name: &ChannelName, inlet: &WebSocketInlet) -> anyhow::Result<Run> {
        let url = inlet.url.as_deref().unwrap_or_default();
        let credential =
            inlet.auth.as_ref().map_or(Ok(Credential::None), |auth| auth.credential(|at| self.secret(at)));
        let feed = Feed {
            channel: name.clone(),
            dialer: Dialer::new(address(url, Spoken::WebSocket)?)?,
            credential: credential.context("auth")?,
            hello: inlet.hello.clone(),
            in_flight: inlet.in_flight,
            idle: inlet.idle.0,
            body_bytes_max: self.declarations.hub.limits.body_bytes_max,
        };
        let feed = FeedIn::new(feed, self.accept(), clock::now)?;
        Ok(Box::new(move |stop| Box::pin(feed.run(stop))))
    }
}
