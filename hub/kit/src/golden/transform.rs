//! A transform case: `event.json` and `config.toml` go in, events come out.

use std::path::Path;

use serde_json::{Value, json};
use snodo_host::{Connector, Context, Draft, Failure};

use super::{GivenEvent, case, shown};

pub const INPUT: &str = "event.json";

/// The event that a transform is given, with the configuration of its channel.
#[derive(Clone, Debug)]
pub struct Original {
    pub event: GivenEvent,
    pub config: Vec<u8>,
    pub now: u64,
}

impl Original {
    pub fn read(folder: &Path) -> Result<Self, String> {
        let event = case::json(&folder.join(INPUT))?;
        Ok(Self { event, config: case::config_beside(folder)?, now: case::RECEIVED_MS })
    }

    pub fn context(&self) -> Context<'_> {
        Context { channel: case::CHANNEL, config: &self.config, now: self.now }
    }

    pub fn apply(&self, connector: &Connector) -> Result<Vec<Draft>, Failure> {
        self.apply_in(connector, case::CHANNEL)
    }

    /// On the instances of that channel.
    pub fn apply_in(&self, connector: &Connector, channel: &str) -> Result<Vec<Draft>, Failure> {
        let ctx = Context { channel, ..self.context() };
        connector.apply(&ctx, &[self.event.event()]).pop().expect("one event has one result")
    }
}

pub fn run(connector: &Connector, folder: &Path) -> Result<Value, String> {
    match Original::read(folder)?.apply(connector) {
        Ok(drafts) => drafts.iter().map(shown::draft).collect(),
        Err(Failure::Fault(fault)) => Ok(json!({"fault": shown::fault(&fault)})),
        Err(failure) => Err(format!("  {failure}")),
    }
}
