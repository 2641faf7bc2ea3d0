//! Declarations: `hub.toml`, `channels/*.toml` and `routes/*.toml`. Text comes in; what was declared goes out, or every
//! mistake at once, each with its place and what to write instead. Reads no file and no secret.

pub mod address;
pub mod channel;
pub mod difference;
pub mod example;
pub mod hub;
pub mod lock;
pub mod manifest;
pub mod mistake;
pub mod period;
pub mod route;
pub mod schema;
pub mod starter;
pub mod trust;

mod agree;
mod document;
mod load;
mod settings;
mod shape;
mod syntax;
mod wording;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::{ChannelName, RouteName};

pub use address::{Address, Spoken};
pub use channel::{
    Access, Channel, Delimiter, FileInlet, FileOutlet, HttpInlet, HttpOutlet, Inlet, Order, Outlet,
    PollInlet, Queue, Split,
};
pub use channel::{AmqpInlet, AmqpOutlet};
pub use channel::{MqttInlet, MqttOutlet, WebSocketInlet};
pub use difference::{Changes, Difference, Ended, Fixed};
pub use hub::{Hub, LogFormat, LogLevel, Purpose, Retention};
pub use lock::{Lock, Locked};
pub use manifest::{Manifest, Touchpoint};
pub use mistake::{Mistake, Severity};
pub use period::Period;
pub use route::Route;
pub use trust::{Level, Standing, Trust};

/// A file of a configuration: its path from the configuration's folder (`channels/shop.toml`), and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    pub path: String,
    pub text: String,
}

/// What the hub knows apart from the declarations, and judges them by.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The connectors there are.
    pub manifests: &'a [Manifest],
    /// The types of event there are.
    pub types: &'a [&'a str],
    /// Where each connector comes from, by name. One that is not there stands as one under development.
    pub standings: &'a BTreeMap<String, Standing>,
}

/// Everything that was declared. Fits together: whatever one part names, another part is.
#[derive(Clone, Debug)]
pub struct Declarations {
    pub hub: Hub,
    pub channels: BTreeMap<ChannelName, Channel>,
    pub routes: BTreeMap<RouteName, Route>,
    /// What is allowed, and probably not meant.
    pub notes: Vec<Mistake>,
}

/// Reads a whole configuration. `Err` holds all mistakes (and notes), in the order of files and lines.
pub fn read(files: &[SourceFile], known: Known<'_>) -> Result<Declarations, Vec<Mistake>> {
    let mut loaded = load::load(files, known);
    agree::check(&mut loaded, known);
    let load::Loaded { hub, channels, routes, mut mistakes } = loaded;
    mistakes.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
    if mistakes.iter().any(|mistake| mistake.severity == Severity::Mistake) {
        return Err(mistakes);
    }
    Ok(Declarations {
        hub: hub.and_then(|hub| hub.declared).expect("a configuration without its hub has a mistake"),
        channels: declared(channels),
        routes: declared(routes),
        notes: mistakes,
    })
}

/// Reads `hub.toml` alone, for whoever changes what the other files may name.
pub fn read_hub(file: &SourceFile) -> Result<Hub, Vec<Mistake>> {
    let document = document::Document::parse(file)?;
    match shape::check(&document, schema::hub(), &document.value) {
        mistakes if mistakes.is_empty() => {
            serde_json::from_value(document.value.clone()).map_err(|error| vec![document.unread(&error)])
        }
        mistakes => Err(mistakes),
    }
}

fn declared<N: Ord, T>(found: BTreeMap<N, load::Found<'_, T>>) -> BTreeMap<N, T> {
    let whole = "a configuration without mistakes is whole";
    found.into_iter().map(|(name, found)| (name, found.declared.expect(whole))).collect()
}

impl Declarations {
    /// What stands as the source of the events of a channel.
    pub fn source_uri(&self, channel: &ChannelName) -> String {
        format!("snodo://{}/{channel}", self.hub.company)
    }

    /// The routes that are switched on, as the pipeline runs them, in the order of their names.
    pub fn routes(&self) -> Vec<crate::route::Route> {
        let on = self.routes.iter().filter(|(_, route)| route.enabled);
        on.map(|(name, route)| {
            let basis = self.hub.purposes[&route.purpose].basis;
            route.compile(name, basis).expect("expressions were read when the declaration was")
        })
        .collect()
    }
}
