//! A running hub: everything hangs off this value, and two of them run side by side in one process. Puts the parts together,
//! starts them, and stops them in the order that loses nothing: the door first, the store last.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::Context as _;
use snodo_core::ChannelName;
use snodo_core::declare::{Channel as Declared, Declarations, Inlet, Manifest, Outlet};
use snodo_core::vocabulary::Vocabulary;
use snodo_host::{Compile, Connector, Limits, Role, Sandbox};
use snodo_store::{Options as StoreOptions, Store};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info, warn};

use crate::admin;
use crate::configuration::Configuration;
use crate::doors::Doors;
use crate::intake::{Bells, Intake};
use crate::junction::Junction;
use crate::operate;
use crate::outbox::Outbox;
use crate::outbox::gate::Pace;
use crate::pipeline::{Channel, Fitted, Line};
use crate::poll::Poll;
use crate::retention::Sweep;
use crate::sender::{self, Sender};
use crate::swap::Swap;
use crate::transport::Stamp;
use crate::transport::http_out::Client;

/// How often the rows of the ledger are counted against the numbers that are kept.
const AUDIT_EVERY: Duration = Duration::from_secs(300);

pub struct Options {
    /// How components are compiled: in a process of its own, when this is the snodo binary.
    pub compile: Compile,
    /// The declared address, unless another is given: tests take port 0.
    pub listen: Option<SocketAddr>,
}

impl Options {
    /// For the snodo binary, which compiles by calling itself.
    pub fn of_binary() -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("failed to find this very program")?;
        let compile = Compile::Process { program, args: vec!["compile-component".to_owned()] };
        Ok(Self { compile, listen: None })
    }
}

pub struct Hub {
    pub address: SocketAddr,
    pub store: Store,
    pub line: Arc<Line>,
    door: CancellationToken,
    intake: CancellationToken,
    outbox: CancellationToken,
    aside: CancellationToken,
    door_tasks: TaskTracker,
    intake_tasks: TaskTracker,
    outbox_tasks: TaskTracker,
    aside_tasks: TaskTracker,
}

/// What the parts that answer questions about the hub need of it.
pub struct Condition {
    pub store: Store,
    pub stopping: CancellationToken,
    /// The last message could not be kept for want of room.
    pub full: AtomicBool,
    pub sources: Bells,
    pub destinations: Bells,
    pub declared: Vec<ChannelName>,
    pub company: String,
}

impl Hub {
    pub async fn start(
        configuration: &Configuration,
        declarations: Declarations,
        options: Options,
    ) -> anyhow::Result<Self> {
        operate::start_counting();
        let data = configuration.path(&declarations.hub.data);
        let listen = options.listen.unwrap_or(declarations.hub.listen);
        let listener = TcpListener::bind(listen).await.with_context(|| {
            format!("failed to listen on {listen}: is another hub running? (listen in hub.toml)")
        })?;
        let address = listener.local_addr()?;
        let store_options =
            StoreOptions { dedup_window: declarations.hub.dedup.window.0, ..StoreOptions::default() };
        let store = Store::open(&data, store_options)?;

        let sandbox = sandbox(configuration, &declarations, options.compile)?;
        let line = Arc::new(compile(configuration, &declarations, &sandbox)?);
        let swaps = Swap::new(configuration, &declarations, sandbox, Arc::clone(&line));
        let client = Client::new()?;

        let hub = Self {
            address,
            store: store.clone(),
            line: Arc::clone(&line),
            door: CancellationToken::new(),
            intake: CancellationToken::new(),
            outbox: CancellationToken::new(),
            aside: CancellationToken::new(),
            door_tasks: TaskTracker::new(),
            intake_tasks: TaskTracker::new(),
            outbox_tasks: TaskTracker::new(),
            aside_tasks: TaskTracker::new(),
        };
        let channels = &declarations.channels;
        let named = |wanted: fn(&Declared) -> bool| {
            channels.iter().filter(move |(_, one)| wanted(one)).map(|(name, _)| name.clone())
        };
        let condition = Arc::new(Condition {
            store: store.clone(),
            stopping: hub.door.clone(),
            full: AtomicBool::new(false),
            sources: Bells::new(named(|one| one.receive.is_some() || one.is_junction())),
            destinations: Bells::new(named(|one| one.send.is_some() || one.is_junction())),
            declared: channels.keys().cloned().collect(),
            company: declarations.hub.company.clone(),
        });
        hub.start_outboxes(configuration, &declarations, &client, &condition)?;
        hub.start_intakes(&condition);
        hub.start_polls(configuration, &declarations, &client, &condition)?;
        hub.start_aside(&data, &condition, swaps)?;
        let sweep = Sweep::new(hub.store.clone(), Arc::clone(&line), declarations.hub.dedup.window.0);
        hub.aside_tasks.spawn(sweep.run(hub.aside.clone()));
        let doors = Doors {
            configuration,
            declarations: &declarations,
            condition: &condition,
            tasks: &hub.door_tasks,
            stop: &hub.door,
        };
        doors.open(listener)?;
        warn_of_strangers(&condition)?;
        info!(%address, channels = channels.len(), routes = line.routes.len(), "the hub is running");
        Ok(hub)
    }

    fn start_outboxes(
        &self,
        configuration: &Configuration,
        declarations: &Declarations,
        client: &Client,
        condition: &Condition,
    ) -> anyhow::Result<()> {
        let (permits, stamp) = (permits(), Arc::new(Stamp::default()));
        for (name, declared) in &declarations.channels {
            if declared.is_junction() {
                let junction = Junction {
                    channel: name.clone(),
                    line: Arc::clone(&self.line),
                    store: self.store.clone(),
                    stamp: Arc::clone(&stamp),
                    permits: Arc::clone(&permits),
                    bell: condition.destinations.of(name),
                    made: condition.sources.of(name),
                };
                self.outbox_tasks.spawn(junction.run(self.outbox.clone()));
            }
            let Some(outlet) = &declared.send else { continue };
            let sender = Sender::new(
                configuration,
                client,
                sender::Of { company: &condition.company, channel: name },
                outlet,
            )
            .with_context(|| format!("channels/{name}.toml: failed to prepare send"))?;
            let outbox = Outbox {
                destination: name.clone(),
                line: Arc::clone(&self.line),
                store: self.store.clone(),
                sender: Arc::new(sender),
                concurrent: match outlet {
                    Outlet::Http(http) => http.concurrent,
                    // A file is written by one at a time.
                    Outlet::File(_) => 1,
                    Outlet::Mqtt(mqtt) => mqtt.concurrent,
                    Outlet::Amqp(amqp) => amqp.concurrent,
                    Outlet::Sql(sql) => sql.concurrent,
                    Outlet::Mail(mail) => mail.concurrent,
                },
                permits: Arc::clone(&permits),
                bell: condition.destinations.of(name),
                pace: Pace::new(name.clone(), &declared.queue),
            };
            self.outbox_tasks.spawn(outbox.run(self.outbox.clone()));
        }
        Ok(())
    }

    fn start_intakes(&self, condition: &Condition) {
        let permits = permits();
        for name in condition.sources.names() {
            let intake = Intake {
                channel: name.clone(),
                line: Arc::clone(&self.line),
                store: self.store.clone(),
                permits: Arc::clone(&permits),
                bell: condition.sources.of(name),
                destinations: condition.destinations.clone(),
            };
            self.intake_tasks.spawn(intake.run(self.intake.clone()));
        }
    }

    /// Polls are a door of the hub's own: they stop first.
    fn start_polls(
        &self,
        configuration: &Configuration,
        declarations: &Declarations,
        client: &Client,
        condition: &Arc<Condition>,
    ) -> anyhow::Result<()> {
        let (permits, stamp) = (permits(), Arc::new(Stamp::default()));
        for (name, declared) in &declarations.channels {
            let Some(Inlet::Poll(inlet)) = &declared.receive else { continue };
            let outbound = sender::outbound(configuration, inlet.access())
                .with_context(|| format!("channels/{name}.toml: failed to prepare receive"))?;
            let poll = Poll {
                channel: name.clone(),
                line: Arc::clone(&self.line),
                condition: Arc::clone(condition),
                client: client.clone(),
                outbound,
                every: inlet.every.0,
                stamp: Arc::clone(&stamp),
                permits: Arc::clone(&permits),
            };
            self.door_tasks.spawn(poll.run(self.door.clone()));
        }
        Ok(())
    }

    /// What runs beside the line: the operator's socket and the audit of the ledger.
    fn start_aside(
        &self,
        data: &std::path::Path,
        condition: &Arc<Condition>,
        swaps: Swap,
    ) -> anyhow::Result<()> {
        let socket = admin::bind(data)?;
        let (condition, line) = (Arc::clone(condition), Arc::clone(&self.line));
        let serve = admin::serve(socket, condition, line, Arc::new(swaps), self.aside.clone());
        self.aside_tasks.spawn(serve);
        let (store, stop) = (self.store.clone(), self.aside.clone());
        self.aside_tasks.spawn(async move {
            while stop.run_until_cancelled(tokio::time::sleep(AUDIT_EVERY)).await.is_some() {
                let store = store.clone();
                match tokio::task::spawn_blocking(move || store.audit()).await {
                    Ok(Ok(audit)) if audit.agrees() && audit.counted.difference() == 0 => {}
                    Ok(Ok(audit)) => error!(?audit, "the ledger does not balance"),
                    Ok(Err(error)) => warn!(%error, "the ledger could not be counted"),
                    Err(panic) => error!(%panic, "the audit failed"),
                }
            }
        });
        Ok(())
    }

    /// Stops taking messages, finishes what is under way, and closes the store.
    pub async fn stop(self) {
        let parts = [
            (&self.door, &self.door_tasks),
            (&self.intake, &self.intake_tasks),
            (&self.outbox, &self.outbox_tasks),
            (&self.aside, &self.aside_tasks),
        ];
        for (token, tasks) in parts {
            token.cancel();
            tasks.close();
            tasks.wait().await;
        }
        self.store.close().await;
        info!("the hub has stopped");
    }
}

/// Batches that are worked on at one time: connectors are busy with the processor, so more than it has cores gains nothing;
/// the rest are for those that hang.
fn permits() -> Arc<Semaphore> {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    Arc::new(Semaphore::new(cores + 4))
}

/// The sandbox of a configuration, with its compiled code in the data directory.
pub fn sandbox(
    configuration: &Configuration,
    declarations: &Declarations,
    compile: Compile,
) -> anyhow::Result<Sandbox> {
    let cache_dir = Some(compiled(&configuration.path(&declarations.hub.data)));
    Ok(Sandbox::new(snodo_host::Options { cache_dir, compile, limits: Limits::default() })?)
}

/// The declarations with their connectors loaded.
pub fn compile(
    configuration: &Configuration,
    declarations: &Declarations,
    sandbox: &Sandbox,
) -> anyhow::Result<Line> {
    let mut loaded: BTreeMap<&str, Arc<Connector>> = BTreeMap::new();
    let mut channels = HashMap::new();
    for (name, declared) in &declarations.channels {
        let available = configuration.connector(&declared.connector).expect("declared ones exist");
        let connector = match loaded.get(declared.connector.as_str()) {
            Some(connector) => Arc::clone(connector),
            None => {
                let connector = Arc::new(
                    sandbox
                        .load(&available.component()?)
                        .with_context(|| format!("failed to load the connector {}", declared.connector))?,
                );
                loaded.insert(&declared.connector, Arc::clone(&connector));
                connector
            }
        };
        let fitted = fit(name, declared, &available.manifest, connector)?;
        let channel =
            Channel::new(name.clone(), declarations.source_uri(name), declared.queue.clone(), fitted);
        channels.insert(name.clone(), channel);
    }
    Ok(Line {
        vocabulary: Arc::new(Vocabulary::load()),
        channels,
        routes: declarations.routes().into_iter().map(|route| (route.name.clone(), route)).collect(),
        schedule: declarations.hub.retry.schedule(),
        retention: declarations.hub.retention.clone(),
    })
}

/// A connector for a channel, if it can do what the channel asks of it.
pub fn fit(
    name: &ChannelName,
    declared: &Declared,
    manifest: &Manifest,
    connector: Arc<Connector>,
) -> anyhow::Result<Fitted> {
    for (role, wanted) in [
        (Role::Source, declared.receive.as_ref().is_some_and(|inlet| !matches!(inlet, Inlet::Poll(_)))),
        (Role::Poll, matches!(declared.receive, Some(Inlet::Poll(_)))),
        (Role::Destination, declared.send.is_some()),
        (Role::Transform, declared.is_junction()),
    ] {
        anyhow::ensure!(
            !wanted || connector.has(role),
            "channels/{name}.toml: the component of {} does not have the role that its manifest names",
            declared.connector
        );
    }
    Ok(Fitted {
        connector,
        config: serde_json::to_vec(&declared.config)?,
        batch_max: manifest.destination.as_ref().map_or(1, |destination| destination.batch_max),
    })
}

/// Messages and deliveries of channels that are no longer declared stay in the store; somebody should know.
fn warn_of_strangers(condition: &Condition) -> anyhow::Result<()> {
    for channel in condition.store.pending_channels()? {
        if !condition.declared.contains(&channel) {
            warn!(%channel, "messages wait for a channel that is not declared any more");
        }
    }
    for (channel, count) in condition.store.destinations_in_flight()? {
        if !condition.declared.contains(&channel) {
            warn!(%channel, count, "deliveries wait for a channel that is not declared any more");
        }
    }
    Ok(())
}

/// Where a data directory has the code of connectors.
pub fn compiled(data: &std::path::Path) -> PathBuf {
    data.join("compiled")
}

/// Where the operator's socket of a data directory is.
pub fn socket(data: &std::path::Path) -> PathBuf {
    data.join("hub.sock")
}
