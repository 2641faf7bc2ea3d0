//! Assembles the line of a configuration: its declarations, with their connectors loaded into the sandbox. Starts nothing.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use snodo_core::ChannelName;
use snodo_core::declare::{Channel as Declared, Declarations, Inlet, Manifest};
use snodo_core::vocabulary::Vocabulary;
use snodo_host::{Compile, Connector, Limits, Role, Sandbox};

use crate::configuration::Configuration;
use crate::pipeline::{Channel, Fitted, Line};

/// The sandbox of a configuration, with its compiled code in the data directory.
pub fn sandbox(
    configuration: &Configuration,
    declarations: &Declarations,
    compile: Compile,
) -> anyhow::Result<Sandbox> {
    let cache_dir = Some(compiled(&configuration.path(&declarations.hub.data)));
    Ok(Sandbox::new(snodo_host::Options { cache_dir, compile, limits: Limits::default() })?)
}

/// Where a data directory has the code of connectors.
pub fn compiled(data: &Path) -> PathBuf {
    data.join("compiled")
}

/// The line of these declarations. Builds that the line `before` it works with are not loaded again.
pub fn line(
    configuration: &Configuration,
    declarations: &Declarations,
    sandbox: &Sandbox,
    before: Option<&Line>,
) -> anyhow::Result<Line> {
    let at_work = before.into_iter().flat_map(|line| line.channels.values());
    let at_work = at_work.map(|channel| &channel.fitted().connector);
    let at_work: HashMap<String, &Arc<Connector>> = at_work.map(|one| (one.digest(), one)).collect();
    let mut loaded: BTreeMap<&str, Arc<Connector>> = BTreeMap::new();
    let mut channels = HashMap::new();
    for (name, declared) in &declarations.channels {
        let available = configuration.connector(&declared.connector).expect("declared ones exist");
        let connector = match loaded.get(declared.connector.as_str()) {
            Some(connector) => Arc::clone(connector),
            None => {
                let component = available.component()?;
                let connector =
                    match at_work.get(blake3::hash(&component).to_hex().as_str()) {
                        Some(connector) => Arc::clone(connector),
                        None => Arc::new(sandbox.load(&component).with_context(|| {
                            format!("failed to load the connector {}", declared.connector)
                        })?),
                    };
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
        vocabulary: before.map_or_else(|| Arc::new(Vocabulary::load()), |line| Arc::clone(&line.vocabulary)),
        channels,
        routes: declarations.routes().into_iter().map(|route| (route.name.clone(), route)).collect(),
        schedule: declarations.hub.retry.schedule(),
        retention: declarations.hub.retention.clone(),
    })
}

/// A connector for a channel, if it can do what the channel asks of it.
fn fit(
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
