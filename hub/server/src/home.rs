//! Opens the home that `hub.toml` declares: for a hub, for a command that reads beside one, and for a command that changes something.

use std::io::Write as _;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use serde::Deserialize as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use snodo_cluster::{Bells, Cluster, Options as ClusterOptions, Role};
use snodo_core::declare::{self, ClusterHome, Hub};
use snodo_store::home::{Home, Reading};
use snodo_store::{Lock, Options as StoreOptions, Store, StoreError};
use tokio::runtime::Runtime;

use crate::cli::{run, running};
use crate::configuration;
use crate::hub::socket;
use crate::transport::http_out::install_tls;
use crate::transport::secrets;

/// The home of a hub that starts, and what keeps others out of its data directory.
pub struct Opened {
    pub home: Arc<dyn Home>,
    /// The store on one machine has a lock of its own.
    pub lock: Option<Lock>,
}

/// `folder` is the configuration's, `data` the hub's own directory. The bells are rung when another hub of the home has made work.
pub async fn open(folder: &Path, data: &Path, hub: &Hub, bells: Bells) -> anyhow::Result<Opened> {
    let dedup_window = hub.dedup.window.0;
    match &hub.home {
        declare::Home::Local => {
            if let Some(reason) = promoted(data) {
                anyhow::bail!(reason);
            }
            let store = Store::open(data, StoreOptions { dedup_window, ..StoreOptions::default() })?;
            Ok(Opened { home: Arc::new(store), lock: None })
        }
        declare::Home::Cluster(declared) => {
            let lock = Lock::take(data)?;
            // It may hold what is still on its way, and what people have agreed to.
            if promoted(data).is_none() && Store::open_read_only(data).is_ok() {
                anyhow::bail!(
                    "{} has the store of one machine in it: `snodo promote` moves it into the home that hub.toml declares; or name \
                     another directory in hub.toml",
                    data.display()
                );
            }
            let options = options(folder, declared, &hub.company)?;
            let cluster = Cluster::open(ClusterOptions { dedup_window, bells, ..options }).await?;
            Ok(Opened { home: Arc::new(cluster), lock: Some(lock) })
        }
    }
}

pub fn options(folder: &Path, declared: &ClusterHome, company: &str) -> anyhow::Result<ClusterOptions> {
    let ClusterHome { partitions, .. } = *declared;
    let url = |key: &str, at| {
        let secret = secrets::resolve(at, folder).with_context(|| format!("hub.toml: [home] {key}"))?;
        String::from_utf8(secret.expose().to_vec())
            .with_context(|| format!("hub.toml: [home] {key} is not text"))
    };
    Ok(ClusterOptions {
        name: name(declared, company),
        node: format!("{}/{}", host().unwrap_or_else(|| company.to_owned()), std::process::id()),
        database: url("database", &declared.database)?,
        broker: url("broker", &declared.broker)?,
        partitions,
        ..ClusterOptions::default()
    })
}

fn name(declared: &ClusterHome, company: &str) -> String {
    declared.name.clone().unwrap_or_else(|| company.replace('-', "_"))
}

/// What people call this machine.
fn host() -> Option<String> {
    std::fs::read_to_string("/proc/sys/kernel/hostname").ok().map(|name| name.trim().to_owned())
}

/// Something to read from, beside a running hub or without one.
pub struct Looking {
    reading: Box<dyn Reading>,
    /// What the connections of `reading` run on: goes last.
    _runtime: Option<Runtime>,
}

impl Deref for Looking {
    type Target = dyn Reading;

    fn deref(&self) -> &Self::Target {
        &*self.reading
    }
}

/// The home of the hub that is configured in a folder, whatever mistakes the rest of the configuration has.
pub fn look(folder: &Path) -> anyhow::Result<Looking> {
    match declared(folder)? {
        (declare::Home::Local, _) => {
            let store = Store::open_read_only(configuration::data_folder(folder)?)?;
            Ok(Looking { reading: Box::new(store), _runtime: None })
        }
        (declare::Home::Cluster(declared), company) => {
            install_tls();
            let runtime = run::runtime()?;
            let ClusterOptions { database, name, .. } = options(folder, &declared, &company)?;
            let reader = snodo_cluster::Reader::open(&database, &name, runtime.handle().clone())?;
            Ok(Looking { reading: Box::new(reader), _runtime: Some(runtime) })
        }
    }
}

/// Whether that says that no hub has ever kept anything there.
pub fn is_missing(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(StoreError::Missing(_)))
        || matches!(error.downcast_ref(), Some(snodo_cluster::OpenError::Missing(_)))
}

/// The file in a data directory that says where its store has gone.
const PROMOTED: &str = "promoted";

/// Why a data directory is not used any more.
pub fn promoted(data: &Path) -> Option<String> {
    let to = std::fs::read_to_string(data.join(PROMOTED)).ok()?;
    Some(format!(
        "the store in {} was moved into the home {} by `snodo promote`, and goes on there: declare that home in hub.toml, or name another \
         directory for a new store",
        data.display(),
        to.trim()
    ))
}

pub fn mark_promoted(data: &Path, home: &str) -> anyhow::Result<()> {
    let path = data.join(PROMOTED);
    let write = || {
        let mut file = std::fs::File::create(&path)?;
        writeln!(file, "{home}")?;
        file.sync_all()?;
        std::fs::File::open(data)?.sync_all()
    };
    write().with_context(|| {
        format!(
            "everything was moved into the home {home}, but {} could not be written: write it by hand, with the home's name in it, before \
             a hub runs on either",
            path.display()
        )
    })
}

/// The home and the company's name, as they stand in `hub.toml`.
pub fn declared(folder: &Path) -> anyhow::Result<(declare::Home, String)> {
    let table = configuration::hub_table(folder)?;
    let home = table.get("home").cloned().map(declare::Home::deserialize).transpose();
    let home = home.context("hub.toml: [home] has a mistake: `snodo check` explains it")?;
    let company = table.get("company").and_then(toml::Value::as_str).unwrap_or_default();
    Ok((home.unwrap_or_default(), company.to_owned()))
}

/// What a command asks for that can only be done with one file.
pub fn one_file(folder: &Path, what: &str) -> anyhow::Result<()> {
    let is_local = declared(folder)?.0 == declare::Home::Local;
    anyhow::ensure!(
        is_local,
        "{what} is for the store on one machine. A home of kind \"cluster\" is in PostgreSQL: back it up and restore it with PostgreSQL's \
         own tools, such as pg_dump, pg_basebackup or an archive of its log; docs/operating.md says how under \"Several nodes\""
    );
    Ok(())
}

/// Who changes something in the home for a command: the hub that runs here, or, if none runs, the command.
pub enum Changer {
    TheHub(PathBuf),
    Us(Arc<dyn Home>, Runtime),
}

pub fn changer(folder: &Path) -> anyhow::Result<Changer> {
    let data = configuration::data_folder(folder)?;
    let (home, company) = declared(folder)?;
    if home == declare::Home::Local
        && let Some(reason) = promoted(&data)
    {
        anyhow::bail!(reason);
    }
    let runtime = run::runtime()?;
    let opened: Arc<dyn Home> = match home {
        declare::Home::Local => match Store::open(&data, StoreOptions::default()) {
            Ok(store) => Arc::new(store),
            Err(StoreError::Locked { .. }) => return Ok(Changer::TheHub(data)),
            Err(error) => return Err(error.into()),
        },
        declare::Home::Cluster(_) if running::is_running(&socket(&data)) => return Ok(Changer::TheHub(data)),
        declare::Home::Cluster(declared) => {
            install_tls();
            let options = ClusterOptions { role: Role::Guest, ..options(folder, &declared, &company)? };
            Arc::new(runtime.block_on(Cluster::open(options))?)
        }
    };
    Ok(Changer::Us(opened, runtime))
}

impl Changer {
    /// By the hub's socket at `path`, or by `change`.
    pub fn change<W, R, C>(self, path: &str, what: W, change: C) -> anyhow::Result<R>
    where
        W: Serialize,
        R: DeserializeOwned,
        C: AsyncFnOnce(&dyn Home, W) -> Result<R, StoreError>,
    {
        match self {
            Self::TheHub(data) => running::tell(&data, path, &what),
            Self::Us(home, runtime) => runtime.block_on(async {
                let changed = change(&*home, what).await;
                home.close().await;
                Ok(changed?)
            }),
        }
    }
}
