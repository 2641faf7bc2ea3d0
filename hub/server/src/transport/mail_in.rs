//! Mail in: an SMTP server for the addresses that channels name, and for nobody else. Answers 250 once a mail is durable. Relays
//! nothing, lets nobody log in, and writes no address into a log.

pub mod letter;
pub mod serve;
pub mod session;

use std::net::IpAddr;
use std::sync::Arc;

use snodo_core::ChannelName;
use snodo_core::declare::channel::{MailPattern, Network};

/// What mail is taken.
#[derive(Clone, Debug)]
pub struct Rules {
    pub hostname: String,
    /// Of a mail as it comes.
    pub bytes_max: usize,
    /// Of what is kept of it.
    pub body_bytes_max: usize,
    pub connections_max: usize,
    pub offers_tls: bool,
    pub postboxes: Vec<Arc<Postbox>>,
}

/// One channel's addresses, and the networks that may bring mail to them.
#[derive(Clone, Debug)]
pub struct Postbox {
    pub channel: ChannelName,
    /// As declared, and as read.
    pub patterns: Vec<(String, MailPattern)>,
    pub networks: Vec<Network>,
}

/// Whether an address is somebody's here.
#[derive(Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// The channel, and its pattern that fits.
    Here {
        channel: &'a ChannelName,
        pattern: &'a str,
    },
    /// It is, but not for mail from there.
    NotFromThere,
    Unknown,
}

impl Rules {
    /// In the place of the channel's that was open: no mail finds nobody there meanwhile.
    pub fn open(&self, postbox: &Arc<Postbox>) -> Self {
        let mut rules = self.clone();
        rules.postboxes.retain(|open| open.channel != postbox.channel);
        rules.postboxes.push(Arc::clone(postbox));
        rules
    }

    pub fn close(&self, postbox: &Arc<Postbox>) -> Self {
        let mut rules = self.clone();
        rules.postboxes.retain(|open| !Arc::ptr_eq(open, postbox));
        rules
    }

    pub fn knows(&self, peer: IpAddr) -> bool {
        self.postboxes.iter().any(|postbox| postbox.takes_from(peer))
    }

    /// An address that is named stands before a whole domain.
    pub fn find(&self, address: &str, peer: IpAddr) -> Found<'_> {
        let all = self.postboxes.iter().flat_map(|postbox| {
            postbox.patterns.iter().map(move |(text, pattern)| (postbox, text.as_str(), pattern))
        });
        let mut fitting: Vec<_> = all.filter(|(.., pattern)| pattern.fits(address)).collect();
        fitting.sort_by_key(|(_, text, _)| text.starts_with("*@"));
        match fitting.iter().find(|(postbox, ..)| postbox.takes_from(peer)) {
            Some((postbox, pattern, _)) => Found::Here { channel: &postbox.channel, pattern },
            None if fitting.is_empty() => Found::Unknown,
            None => Found::NotFromThere,
        }
    }
}

impl Postbox {
    fn takes_from(&self, peer: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(peer))
    }
}
