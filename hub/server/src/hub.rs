//! A running hub: everything hangs off this value, and two of them run side by side in one process. Puts the parts together,
//! starts them, and stops them in the order that loses nothing: the door first, the store last.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use snodo_cluster::Bells as Wakes;
use snodo_core::declare::Declarations;
use snodo_host::Compile;
use snodo_store::Lock;
use snodo_store::home::Home;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::configuration::Configuration;
use crate::doors::mail::MailServer;
use crate::home::{self, Opened};
use crate::intake::Bells;
use crate::live::Live;
use crate::parts::{Part, Run, Workshop};
use crate::pipeline::Current;
use crate::retention::Sweep;
use crate::transport::http_in;
use crate::transport::http_out::Client;
use crate::{admin, assemble, doors, operate};

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
    pub store: Arc<dyn Home>,
    pub live: Arc<Live>,
    condition: Arc<Condition>,
    /// What senders connect to.
    servers: Vec<Part>,
    /// What runs beside the line.
    aside: Vec<Part>,
    /// No other hub uses the data directory.
    _lock: Option<Lock>,
}

/// What the parts that answer questions about the hub need of it.
pub struct Condition {
    pub store: Arc<dyn Home>,
    pub stopping: CancellationToken,
    /// The last message could not be kept for want of room.
    pub full: AtomicBool,
    /// Why the configuration as it was last read is not the one at work.
    pub refused: Mutex<Option<String>>,
    pub sources: Bells,
    pub destinations: Bells,
    pub company: String,
}

impl Condition {
    pub fn refused(&self) -> Option<String> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
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
        let dedup_window = declarations.hub.dedup.window.0;
        let mail = declarations.hub.mail.as_ref();
        let mail = mail.map(|mail| MailServer::bind(configuration, &declarations.hub, mail));
        let mail = mail.transpose().context("hub.toml: failed to prepare mail")?;
        let (sources, destinations) = (Bells::default(), Bells::default());
        let (messages, deliveries) = (sources.clone(), destinations.clone());
        let wakes = Wakes {
            on_message: Arc::new(move |channel| messages.ring(channel)),
            on_delivery: Arc::new(move |channel| deliveries.ring(channel)),
        };
        let Opened { home: store, lock } =
            home::open(&configuration.folder, &data, &declarations.hub, wakes).await?;
        let condition = Arc::new(Condition {
            store: store.clone(),
            stopping: CancellationToken::new(),
            full: AtomicBool::new(false),
            refused: Mutex::default(),
            sources,
            destinations,
            company: declarations.hub.company.clone(),
        });

        let sandbox = assemble::sandbox(configuration, &declarations, options.compile)?;
        let line = assemble::line(configuration, &declarations, &sandbox, None)?;
        let (channels, routes) = (declarations.channels.len(), line.routes.len());
        let line = Current::new(line);
        let mut workshop = Workshop::new(Arc::clone(&condition), line.clone(), Client::new()?);
        workshop.ways.mail = mail.as_ref().map(MailServer::rules);
        let router = doors::router(&workshop.ways, &condition);
        let socket = admin::bind(&data)?;
        let live = Arc::new(Live::start(configuration, declarations, sandbox, workshop)?);

        let operator = admin::router(Arc::clone(&condition), line.clone(), Arc::clone(&live));
        let sweep = Sweep::new(store.clone(), line, dedup_window);
        let (watching, audited) = (Arc::clone(&live), store.clone());
        let aside: [Run; 4] = [
            Box::new(move |stop| Box::pin(admin::serve(socket, operator, stop))),
            Box::new(move |stop| Box::pin(watching.watch(stop))),
            Box::new(move |stop| Box::pin(audit(audited, stop))),
            Box::new(move |stop| Box::pin(sweep.run(stop))),
        ];
        let http: Run = Box::new(move |stop| Box::pin(http_in::serve(listener, router, stop)));
        let mail = mail.map(|mail| mail.serve(Arc::clone(&condition)));
        let servers = std::iter::once(http).chain(mail).map(Part::start).collect();
        let aside = aside.into_iter().map(Part::start).collect();
        info!(%address, channels, routes, "the hub is running");
        Ok(Self { address, store, live, condition, servers, aside, _lock: lock })
    }

    /// Stops taking messages, finishes what is under way, and closes the store.
    pub async fn stop(self) {
        self.condition.stopping.cancel();
        // Before the channels' own: a request that is under way still finds its channel.
        Part::end_all(self.servers).await;
        self.live.stop().await;
        Part::end_all(self.aside).await;
        self.store.close().await;
        info!("the hub has stopped");
    }
}

/// Counts the rows of the ledger against the numbers that are kept.
async fn audit(store: Arc<dyn Home>, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(AUDIT_EVERY)).await.is_some() {
        let store = store.clone();
        match tokio::task::spawn_blocking(move || store.audit()).await {
            Ok(Ok(audit)) if audit.agrees() && audit.counted.difference() == 0 => {}
            Ok(Ok(audit)) => error!(?audit, "the ledger does not balance"),
            Ok(Err(error)) => warn!(%error, "the ledger could not be counted"),
            Err(panic) => error!(%panic, "the audit failed"),
        }
    }
}

/// Where the operator's socket of a data directory is.
pub fn socket(data: &std::path::Path) -> PathBuf {
    data.join("hub.sock")
}
