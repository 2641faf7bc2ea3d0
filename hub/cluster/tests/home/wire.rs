//! A wire between a node and a server, by their URLs.

use std::net::ToSocketAddrs;
use std::ops::Deref;

use crate::services::wait;

#[expect(dead_code, reason = "the end-to-end tests need more of it")]
#[path = "../../../../tests/services/wire.rs"]
mod between;

pub use between::State;

pub struct Wire(between::Wire);

impl Wire {
    /// To the server of that URL, which the node is to be given as `url` says.
    pub fn to(url: &str) -> Self {
        let server = host(url).to_socket_addrs().unwrap().next().unwrap();
        Self(wait(between::Wire::to(server)))
    }

    pub fn url(&self, url: &str) -> String {
        url.replacen(host(url), &self.address.to_string(), 1)
    }
}

impl Deref for Wire {
    type Target = between::Wire;

    fn deref(&self) -> &between::Wire {
        &self.0
    }
}

/// `host:port` of a URL.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").unwrap().1;
    let rest = rest.split_once('@').map_or(rest, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap()
}
