//! Another build of a connector takes the place of the one that a running hub works with: from the next batch on, without a
//! restart. What is under way ends with the build that it began with, so nothing is lost and nothing is done twice.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use snodo_core::ChannelName;
use snodo_core::declare::{Channel as Declared, Declarations, Manifest, Mistake};
use snodo_host::Sandbox;
use tracing::info;

use crate::configuration::Configuration;
use crate::hub;
use crate::pipeline::Current;

pub struct Swap {
    folder: PathBuf,
    sandbox: Sandbox,
    line: Current,
    /// By the name of the connector, then of the channel: what of a declaration only a restart can change.
    fixed: BTreeMap<String, BTreeMap<ChannelName, Value>>,
    /// One at a time.
    turn: Mutex<()>,
}

/// What took whose place.
#[derive(Debug, Serialize, Deserialize)]
pub struct Swapped {
    pub connector: String,
    pub version: String,
    pub digest: String,
    pub channels: Vec<ChannelName>,
}

impl Swap {
    pub fn new(
        configuration: &Configuration,
        declarations: &Declarations,
        sandbox: Sandbox,
        line: Current,
    ) -> Self {
        let mut fixed: BTreeMap<String, BTreeMap<_, _>> = BTreeMap::new();
        for (name, declared) in &declarations.channels {
            let manifest =
                &configuration.connector(&declared.connector).expect("declared ones exist").manifest;
            let of_connector = fixed.entry(declared.connector.clone()).or_default();
            of_connector.insert(name.clone(), fixed_part(declared, manifest));
        }
        Self { folder: configuration.folder.clone(), sandbox, line, fixed, turn: Mutex::new(()) }
    }

    /// Takes the connector, and its channels' `[config]`, as they are on disk now. All of its channels, or none.
    pub fn swap(&self, name: &str) -> anyhow::Result<Swapped> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(channels) = self.fixed.get(name) else {
            bail!("no channel of the running hub uses the connector {name:?}");
        };
        let configuration = Configuration::read(&self.folder)?;
        let declarations =
            configuration.declarations(&self.line.now().vocabulary).map_err(|mistakes| told(&mistakes))?;
        let available =
            configuration.connector(name).with_context(|| format!("there is no connector {name:?}"))?;
        for (channel, fixed) in channels {
            let declared = declarations.channels.get(channel).filter(|one| one.connector == name);
            let declared = declared.with_context(|| needs_restart(channel, "uses another connector now"))?;
            let same = *fixed == fixed_part(declared, &available.manifest);
            ensure!(
                same,
                needs_restart(channel, "has another [receive] or [send] now, itself or by its manifest")
            );
        }
        let component = available.component()?;
        let connector = Arc::new(self.sandbox.load(&component)?);
        let fitted: Vec<_> = channels
            .keys()
            .map(|channel| {
                let declared = &declarations.channels[channel];
                hub::fit(channel, declared, &available.manifest, Arc::clone(&connector))
                    .map(|fitted| (channel, fitted))
            })
            .collect::<anyhow::Result<_>>()?;
        for (channel, fitted) in fitted {
            self.line.now().channels[channel].fit(fitted);
        }
        let swapped = Swapped {
            connector: name.to_owned(),
            version: available.manifest.version.clone(),
            digest: connector.digest(),
            channels: channels.keys().cloned().collect(),
        };
        info!(connector = name, digest = swapped.digest, "another build of the connector is at work");
        Ok(swapped)
    }
}

/// The door, the senders and the watched folders were made of this when the hub started.
fn fixed_part(declared: &Declared, manifest: &Manifest) -> Value {
    let headers = manifest.source.as_ref().map(|source| &source.headers);
    json!({"receive": declared.receive, "send": declared.send, "headers": headers})
}

fn needs_restart(channel: &ChannelName, what: &str) -> String {
    format!("channels/{channel}.toml {what}: that takes a restart of the hub")
}

fn told(mistakes: &[Mistake]) -> anyhow::Error {
    let mistakes: Vec<String> = mistakes.iter().map(Mistake::to_string).collect();
    anyhow::anyhow!("the configuration has mistakes, and the old build stays:\n{}", mistakes.join("\n"))
}
