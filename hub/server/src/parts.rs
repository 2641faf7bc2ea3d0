//! What runs for one channel: a door that messages come in by, an intake, and a way out. Each is stopped and started by itself, so
//! that a channel can change while all others go on.

use std::sync::Arc;

use anyhow::Context as _;
use futures_util::future::BoxFuture;
use snodo_core::ChannelName;
use snodo_core::declare::{Channel as Declared, Declarations, Outlet};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::configuration::Configuration;
use crate::doors::{Doors, Ways};
use crate::hub::Condition;
use crate::intake::Intake;
use crate::junction::Junction;
use crate::outbox::Outbox;
use crate::outbox::pace::Pace;
use crate::pipeline::Current;
use crate::sender::{self, Opening, Sender};
use crate::transport::Stamp;
use crate::transport::http_out::Client;

/// Begins the work when called, and returns when that was told to stop and has ended.
pub type Run = Box<dyn FnOnce(CancellationToken) -> BoxFuture<'static, ()> + Send>;

/// A way in, with all done that can fail.
pub struct Way {
    pub run: Run,
    /// Whether it may begin before the one whose place it takes has ended: where senders find a door, none is ever shut to them.
    pub may_overlap: bool,
}

/// Something that runs until it is told to stop.
pub struct Part {
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl Part {
    pub fn start(run: Run) -> Self {
        let stop = CancellationToken::new();
        let running = tokio::spawn(run(stop.clone()));
        Self { stop, running }
    }

    /// Returns when what is under way is done.
    pub async fn end(self) {
        self.stop.cancel();
        if let Err(panic) = self.running.await {
            tracing::error!(%panic, "a part of the hub failed");
        }
    }

    /// All of them, at one time.
    pub async fn end_all(parts: impl IntoIterator<Item = Self>) {
        futures_util::future::join_all(parts.into_iter().map(Self::end)).await;
    }
}

#[derive(Default)]
pub struct Parts {
    pub door: Option<Part>,
    pub intake: Option<Part>,
    pub outbox: Option<Part>,
}

/// What all parts are made with.
pub struct Workshop {
    pub condition: Arc<Condition>,
    pub line: Current,
    pub client: Client,
    pub ways: Ways,
    /// Batches of intakes, of polls, and of what goes out.
    pub permits: [Arc<Semaphore>; 3],
    pub stamp: Arc<Stamp>,
}

impl Workshop {
    pub fn new(condition: Arc<Condition>, line: Current, client: Client) -> Self {
        let permits = [permits(), permits(), permits()];
        Self { condition, line, client, ways: Ways::default(), permits, stamp: Arc::default() }
    }

    /// The channel's door, if it has one.
    pub fn way(
        &self,
        configuration: &Configuration,
        declarations: &Declarations,
        name: &ChannelName,
    ) -> anyhow::Result<Option<Way>> {
        let doors = Doors { configuration, declarations, workshop: self };
        doors.way(name).with_context(|| format!("channels/{name}.toml: failed to prepare receive"))
    }

    pub fn intake(&self, name: &ChannelName) -> Run {
        let intake = Intake {
            channel: name.clone(),
            line: self.line.clone(),
            store: self.condition.store.clone(),
            permits: Arc::clone(&self.permits[0]),
            bell: self.condition.sources.of(name),
            destinations: self.condition.destinations.clone(),
        };
        Box::new(move |stop| Box::pin(intake.run(stop)))
    }

    /// The channel's way out, if it has one.
    pub fn outbox(
        &self,
        configuration: &Configuration,
        name: &ChannelName,
        declared: &Declared,
    ) -> anyhow::Result<Option<Run>> {
        if declared.is_junction() {
            return Ok(Some(self.junction(name)));
        }
        let Some(outlet) = &declared.send else { return Ok(None) };
        let of = sender::Of { company: &self.condition.company, channel: name };
        let opening = Sender::prepare(configuration, &self.client, of, outlet)
            .with_context(|| format!("channels/{name}.toml: failed to prepare send"))?;
        let pace = Pace::new(name.clone(), &declared.queue);
        Ok(Some(self.sending(name, outlet, opening, pace)))
    }

    fn sending(&self, name: &ChannelName, outlet: &Outlet, opening: Opening, pace: Pace) -> Run {
        let concurrent = match outlet {
            Outlet::Http(http) => http.concurrent,
            // A file is written by one at a time.
            Outlet::File(_) => 1,
            Outlet::Mqtt(mqtt) => mqtt.concurrent,
            Outlet::Amqp(amqp) => amqp.concurrent,
            Outlet::Sql(sql) => sql.concurrent,
            Outlet::Mail(mail) => mail.concurrent,
        };
        let (destination, line, store) = (name.clone(), self.line.clone(), self.condition.store.clone());
        let (permits, bell) = (Arc::clone(&self.permits[2]), self.condition.destinations.of(name));
        let hurry = self.condition.stopping.clone();
        Box::new(move |stop| {
            let sender = Arc::new(opening());
            let outbox = Outbox { destination, line, store, sender, concurrent, permits, bell, hurry, pace };
            Box::pin(outbox.run(stop))
        })
    }

    fn junction(&self, name: &ChannelName) -> Run {
        let junction = Junction {
            channel: name.clone(),
            line: self.line.clone(),
            store: self.condition.store.clone(),
            stamp: Arc::clone(&self.stamp),
            permits: Arc::clone(&self.permits[2]),
            bell: self.condition.destinations.of(name),
            made: self.condition.sources.of(name),
        };
        Box::new(move |stop| Box::pin(junction.run(stop)))
    }
}

/// Batches that are worked on at one time: connectors are busy with the processor, so more than it has cores gains nothing;
/// the rest are for those that hang.
fn permits() -> Arc<Semaphore> {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    Arc::new(Semaphore::new(cores + 4))
}
