//! Another build of a connector takes the place of the one at work: a change of the configuration like any other, told from the
//! connector's side.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use snodo_core::ChannelName;

use super::Live;
use super::plan::{Answers, Refusal};

/// What is at work now.
#[derive(Debug, Serialize, Deserialize)]
pub struct Swapped {
    pub connector: String,
    pub version: String,
    pub digest: String,
    pub channels: Vec<ChannelName>,
}

impl Live {
    /// Takes the connector as it is on disk now, and everything else of the configuration with it.
    pub async fn swap(self: &Arc<Self>, name: &str) -> Result<Swapped, Refusal> {
        let is_used = |declared: &snodo_core::declare::Channel| declared.connector == name;
        if !self.running.lock().await.declarations.channels.values().any(is_used) {
            return Err(Refusal::because(format!(
                "no channel of the running hub uses the connector {name:?}"
            )));
        }
        self.reload(Answers::new()).await?;
        let running = self.running.lock().await;
        let line = self.workshop.line.now();
        let of_connector = running.declarations.channels.iter().filter(|(_, declared)| is_used(declared));
        let channels: Vec<ChannelName> = of_connector.map(|(channel, _)| channel.clone()).collect();
        let fitted = channels.first().map(|channel| line.channels[channel].fitted());
        let version = running.versions.get(name).cloned();
        match fitted.zip(version) {
            Some((fitted, version)) => {
                let digest = fitted.connector.digest();
                Ok(Swapped { connector: name.to_owned(), version, digest, channels })
            }
            None => Err(Refusal::because(format!("no channel uses the connector {name:?} any more"))),
        }
    }
}
