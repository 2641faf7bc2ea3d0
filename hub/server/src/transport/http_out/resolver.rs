//! Looks names up and hands on only the addresses that may be called. What it hands on is what is connected to: a name that
//! answers differently the second time gains nothing.

use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address::Networks;

/// The system's resolver behind the rule of `address`.
#[derive(Clone, Copy, Debug)]
pub struct Guarded(pub Networks);

/// A name that leads only where the channel may not go.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{name} is at {}, which is not a public address", shown(.addresses))]
pub struct Forbidden {
    pub name: String,
    pub addresses: Vec<SocketAddr>,
}

fn shown(addresses: &[SocketAddr]) -> String {
    addresses.iter().map(|address| address.ip().to_string()).collect::<Vec<_>>().join(", ")
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let networks = self.0;
        Box::pin(async move {
            // Port 0 is replaced by the URL's.
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let (allowed, forbidden): (Vec<_>, Vec<_>) =
                found.into_iter().partition(|address| networks.allow(address.ip()));
            match allowed.is_empty() && !forbidden.is_empty() {
                true => Err(Forbidden { name: name.as_str().to_owned(), addresses: forbidden }.into()),
                false => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}
