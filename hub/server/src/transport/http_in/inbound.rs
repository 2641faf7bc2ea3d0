//! What the door knows of each channel: who may come in, how much, and which headers are kept. Channels come, go and change while
//! the door is open; a request finishes under the rules that it began with.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use metrics::Counter;
use snodo_core::ChannelName;
use snodo_core::message::BODY_BYTES_MAX;
use snodo_core::verify::{Challenger, Verifier};
use tokio::sync::Semaphore;

use super::origins::Origins;

/// Never kept, whatever a manifest lists: they say who may come in, not what happened.
const CREDENTIALS: [&str; 4] = ["authorization", "cookie", "proxy-authorization", "set-cookie"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub body_bytes_max: usize,
    /// For a whole body, from its first byte.
    pub body_time_max: Duration,
    pub json_depth_max: usize,
    /// Requests under way.
    pub concurrent_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes_max: BODY_BYTES_MAX,
            // A megabyte over the slowest line that a shop still has, 1 Mbit/s.
            body_time_max: Duration::from_secs(10),
            // The deepest vendor payload seen has 11 levels; parsers in connectors recurse and have 1 MiB of stack.
            json_depth_max: 64,
            // 256 MiB of bodies if all were of the largest size, which the hub's own budget cuts short.
            concurrent_max: 256,
        }
    }
}

#[derive(Debug)]
pub struct Inbound {
    pub(super) channel: ChannelName,
    pub(super) verifier: Verifier,
    pub(super) challenger: Challenger,
    pub(super) origins: Origins,
    pub(super) headers_kept: Vec<HeaderName>,
    /// Of all headers that begin so, those are kept that are no credentials.
    pub(super) prefixes_kept: Vec<String>,
    pub(super) credentials: Vec<String>,
    pub(super) limits: Limits,
    pub(super) permits: Semaphore,
    rate: Option<DefaultDirectRateLimiter>,
    /// Asked for once, because looking a counter up costs more than the rest of what the door does.
    pub(super) accepted: Counter,
}

impl Inbound {
    /// `headers` are those that the connector's manifest lists.
    pub fn new<S: AsRef<str>>(
        channel: ChannelName,
        verifier: Verifier,
        headers: &[S],
        limits: Limits,
    ) -> Self {
        let of_verifier = verifier.credential_headers().iter().map(String::as_str);
        let credentials: Vec<String> =
            CREDENTIALS.into_iter().chain(of_verifier).map(str::to_owned).collect();
        let prefix = |name: &str| {
            name.strip_suffix('*').filter(|prefix| !prefix.is_empty()).map(str::to_ascii_lowercase)
        };
        let prefixes_kept = headers.iter().filter_map(|name| prefix(name.as_ref())).collect();
        let mut headers_kept: Vec<HeaderName> = std::iter::once("content-type")
            .chain(headers.iter().map(AsRef::as_ref))
            .filter(|name| !name.ends_with('*'))
            .filter_map(|name| HeaderName::try_from(name).ok())
            .filter(|name| !credentials.iter().any(|credential| credential == name.as_str()))
            .collect();
        let mut known = std::collections::HashSet::new();
        headers_kept.retain(|name| known.insert(name.clone()));
        let accepted = counter(&channel, "accepted");
        Self {
            channel,
            verifier,
            challenger: Challenger::default(),
            origins: Origins::default(),
            headers_kept,
            prefixes_kept,
            credentials,
            limits,
            permits: Semaphore::new(limits.concurrent_max),
            rate: None,
            accepted,
        }
    }

    pub fn with_challenger(self, challenger: Challenger) -> Self {
        Self { challenger, ..self }
    }

    /// The web sites whose pages may send here.
    pub fn with_origins(self, declared: &[String]) -> Self {
        Self { origins: Origins::new(declared), ..self }
    }

    /// How many messages are taken in a second.
    pub fn with_rate(self, per_second: Option<NonZeroU32>) -> Self {
        let rate = per_second.map(|per_second| RateLimiter::direct(Quota::per_second(per_second)));
        Self { rate, ..self }
    }

    /// Whether one more is taken in this second.
    pub(super) fn has_turn(&self) -> bool {
        self.rate.as_ref().is_none_or(|rate| rate.check().is_ok())
    }

    pub(super) fn counter(&self, result: &'static str) -> Counter {
        counter(&self.channel, result)
    }

    pub(super) fn kept(&self, headers: &HeaderMap) -> Vec<(String, String)> {
        let mut kept = Vec::with_capacity(self.headers_kept.len());
        let mut keep = |name: &HeaderName| {
            for value in headers.get_all(name) {
                kept.push((name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
            }
        };
        self.headers_kept.iter().for_each(&mut keep);
        if !self.prefixes_kept.is_empty() {
            headers.keys().filter(|name| self.is_kept_by_prefix(name)).for_each(keep);
        }
        kept
    }

    fn is_kept_by_prefix(&self, name: &HeaderName) -> bool {
        self.prefixes_kept.iter().any(|prefix| name.as_str().starts_with(prefix))
            && !self.headers_kept.contains(name)
            && !self.credentials.iter().any(|credential| credential == name.as_str())
    }
}

fn counter(channel: &ChannelName, result: &'static str) -> Counter {
    metrics::counter!("snodo_http_in_total", "channel" => channel.to_string(), "result" => result)
}

/// The channels that are open now.
#[derive(Clone, Debug, Default)]
pub struct Channels(Arc<RwLock<ByName>>);

type ByName = HashMap<ChannelName, Arc<Inbound>>;

impl Channels {
    /// Takes the place of the one of that name: no request finds the door shut meanwhile.
    pub fn open(&self, inbound: Inbound) -> Arc<Inbound> {
        let inbound = Arc::new(inbound);
        let mut channels = self.0.write().unwrap_or_else(PoisonError::into_inner);
        channels.insert(inbound.channel.clone(), Arc::clone(&inbound));
        inbound
    }

    /// Returns when the requests that it has let in are answered. One that comes too late is asked to come back.
    pub async fn close(&self, inbound: &Arc<Inbound>) {
        {
            let mut channels = self.0.write().unwrap_or_else(PoisonError::into_inner);
            // Another may have taken its place; then its last requests are for that channel, too.
            match channels.get(&inbound.channel) {
                Some(open) if Arc::ptr_eq(open, inbound) => _ = channels.remove(&inbound.channel),
                _ => return,
            }
        }
        let all = u32::try_from(inbound.limits.concurrent_max).expect("the limit is far below 2^32");
        drop(inbound.permits.acquire_many(all).await);
        inbound.permits.close();
    }

    /// The channel that takes this write key.
    pub fn by_write_key(&self, authorization: &[u8]) -> Option<Arc<Inbound>> {
        let channels = self.0.read().unwrap_or_else(PoisonError::into_inner);
        channels.values().find(|inbound| inbound.verifier.has_write_key(authorization)).cloned()
    }

    /// The web sites whose pages may send to any channel that has a write key: a browser asks before it shows the key.
    pub fn write_key_origins(&self) -> Origins {
        let channels = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let with_keys = channels.values().filter(|inbound| !inbound.verifier.write_keys().is_empty());
        with_keys.map(|inbound| &inbound.origins).collect()
    }

    /// What bodies are read under before their write key is known. `None` if no channel has one.
    pub fn write_key_limits(&self) -> Option<Limits> {
        let channels = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut with_keys = channels.values().filter(|inbound| !inbound.verifier.write_keys().is_empty());
        with_keys.next().map(|inbound| inbound.limits)
    }

    pub fn find(&self, name: &str) -> Option<Arc<Inbound>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }
}
