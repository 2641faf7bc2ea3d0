//! The line, whole. Every event goes one way, and each arrow is a function from one type to the next:
//!
//! ```text
//! raw ─receive═ stored ─decode→ candidate ─validate→ valid ─resolve→ accepted ─route→ deliveries ═ ─encode→ request ─send→ answer ─settle═ fate
//! ```
//!
//! Where the hub must ask, or a transform makes events of others, the connector has spoken before the first commit: what it said
//! is stored as a message in the hub's own words (`drafts`), and `apply` stands in the place of encode, send and settle.
//!
//! `═` is a durable commit. The sender is answered after the first one. Between two commits a stage is a function of what is
//! stored, so that a crash anywhere is mended by doing the stage again. Nothing here waits, sends or writes: `intake` and
//! `outbox` carry the values from one stage to the next and to the store.

pub mod apply;
pub mod decode;
pub mod drafts;
pub mod encode;
pub mod interpret;
pub mod resolve;
pub mod route;
pub mod validate;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use snodo_core::declare::{Queue, Retention};
use snodo_core::retry::{Schedule, Spread};
use snodo_core::route::Route;
use snodo_core::vocabulary::Vocabulary;
use snodo_core::{ChannelName, Message, RouteName, Stuck, Timestamp};
use snodo_host::Connector;
use snodo_store::{AsOf, Due, MessageSeq, Recorded, Store, StoreError};

/// Why a delivery is expired that was on its way for too long.
pub const WAITED: &str = "older than retention.waiting";

/// Everything the line is made of: the declarations, compiled.
pub struct Line {
    pub vocabulary: Arc<Vocabulary>,
    pub channels: HashMap<ChannelName, Channel>,
    pub routes: HashMap<RouteName, Route>,
    pub schedule: Schedule,
    pub retention: Retention,
}

/// The line that a running hub works with. Another takes its place when the declarations change; a batch takes it once, and
/// ends with the routes and connectors that it began with.
#[derive(Clone)]
pub struct Current(Arc<ArcSwap<Line>>);

impl Current {
    pub fn new(line: Line) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(line)))
    }

    pub fn now(&self) -> Arc<Line> {
        self.0.load_full()
    }

    /// From the next batch on.
    pub fn set(&self, line: Line) {
        self.0.store(Arc::new(line));
    }
}

impl Line {
    /// When a delivery that failed just now is tried again; `None` means give up, which is for no delivery that `fails` with all
    /// others of its destination.
    pub fn next_due(
        &self,
        due: &Due,
        asked: Option<Duration>,
        now: Timestamp,
        fails: bool,
    ) -> Option<Timestamp> {
        let patience = self.channels.get(&due.destination).and_then(|channel| channel.queue.keep_trying);
        let spread = Spread::of(due.seq.0, due.attempt);
        let again = || self.schedule.keep_trying(due.attempt_now, asked, spread, now);
        match patience {
            _ if fails => Some(again()),
            Some(patience) => (now.since(due.since) < patience.0).then(again),
            None => self.schedule.next_due(due.attempt_now, asked, spread, now),
        }
    }
}

impl Line {
    /// Why a delivery is given up, if it has been on its way for too long.
    pub fn has_waited(&self, due: &Due, now: Timestamp) -> Option<&'static str> {
        let waiting = self.retention.waiting?;
        (now.since(due.since) >= waiting.0).then_some(WAITED)
    }

    /// Whether what cannot be sent by this route keeps nobody waiting.
    pub fn skips(&self, route: &RouteName) -> bool {
        self.routes.get(route).is_some_and(|route| route.stuck == Stuck::Skip)
    }
}

/// What the line needs of a declared channel.
pub struct Channel {
    pub name: ChannelName,
    /// `snodo://{company}/{channel}`.
    pub source: Arc<str>,
    /// How its deliveries wait.
    pub queue: Queue,
    fitted: Arc<Fitted>,
}

/// A connector with a channel's configuration. A call keeps the one that it began with until its answer is understood: another
/// build may take its place meanwhile.
pub struct Fitted {
    pub connector: Arc<Connector>,
    /// The connector's configuration, as JSON.
    pub config: Vec<u8>,
    /// How many deliveries one call of the connector takes.
    pub batch_max: usize,
}

impl Channel {
    pub fn new(name: ChannelName, source: String, queue: Queue, fitted: Fitted) -> Self {
        Self { name, source: source.into(), queue, fitted: Arc::new(fitted) }
    }

    pub const fn fitted(&self) -> &Arc<Fitted> {
        &self.fitted
    }

    pub(crate) fn context<'a>(&'a self, fitted: &'a Fitted, now: Timestamp) -> snodo_host::Context<'a> {
        let now = u64::try_from(now.as_millis()).unwrap_or(0);
        snodo_host::Context { channel: self.name.as_str(), config: &fitted.config, now }
    }
}

/// From stored messages of one channel to what the store is to record of them.
pub fn take_in(
    line: &Line,
    channel: &Channel,
    stored: Vec<(MessageSeq, Message)>,
    store: &Store,
    now: Timestamp,
) -> Result<TakenIn, StoreError> {
    let candidates = decode::decode(channel, stored, now);
    let texts = validate::texts(&candidates.decoded);
    let checked = validate::validate(&line.vocabulary, candidates.decoded, &texts);
    let resolved = resolve::resolve(store, checked)?;
    let recorded = route::route(line, channel, resolved.batch);
    Ok(TakenIn { recorded, as_of: resolved.as_of, left: candidates.left })
}

/// What a batch came to, and the moment of the facts it rests on: if they changed since, the batch is done again.
pub struct TakenIn {
    pub recorded: Vec<Recorded>,
    pub as_of: AsOf,
    /// Messages that were not tried: they are still in the store.
    pub left: usize,
}
