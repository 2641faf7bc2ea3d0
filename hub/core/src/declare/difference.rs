//! What a change of the declarations comes to: which channels, routes and purposes are new, other, gone or the same, what only a
//! restart can change, and what is no longer there for whatever is still on its way. Pure: two declarations come in.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Channel, Declarations, Hub};
use crate::{ChannelName, RouteName};

/// The keys of `hub.toml` that a running hub is built upon, and why it cannot do without a restart.
const FIXED: [(&str, &str); 6] = [
    ("company", "the ids of all events hang on it"),
    ("listen", "senders are connected there"),
    ("data", "the store in it is open"),
    ("dedup", "the store was opened with it"),
    ("mail", "those who bring mail are connected there"),
    ("log", "the log has begun in that form"),
];

/// What is there now and was not, is there in another form, is not there any more, or is there as it was. Each in the order of names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes<N> {
    pub added: Vec<N>,
    pub changed: Vec<N>,
    pub removed: Vec<N>,
    pub kept: Vec<N>,
}

/// What differs between two declarations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    pub channels: Changes<ChannelName>,
    pub routes: Changes<RouteName>,
    pub purposes: Changes<String>,
    /// The sections and keys of `hub.toml` that say something else and can be changed while the hub runs.
    pub hub: Vec<String>,
    /// Those that cannot.
    pub restart: Vec<Fixed>,
}

/// A key of `hub.toml` that only a restart can change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fixed {
    pub key: String,
    pub why: String,
}

/// What the old declarations had and the new ones have not, by what it did. Whatever still waits for it asks what becomes of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    pub sources: Vec<ChannelName>,
    pub destinations: Vec<ChannelName>,
    /// Also those that are only switched off. Without those whose destination has ended: that is one question.
    pub routes: Vec<RouteName>,
}

impl<N> Default for Changes<N> {
    fn default() -> Self {
        Self { added: Vec::new(), changed: Vec::new(), removed: Vec::new(), kept: Vec::new() }
    }
}

impl<N: Ord + Clone> Changes<N> {
    fn between<T>(old: &BTreeMap<N, T>, new: &BTreeMap<N, T>, is_same: impl Fn(&T, &T) -> bool) -> Self {
        let mut changes = Self::default();
        for name in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
            let list = match (old.get(name), new.get(name)) {
                (Some(old), Some(new)) if is_same(old, new) => &mut changes.kept,
                (Some(_), Some(_)) => &mut changes.changed,
                (Some(_), None) => &mut changes.removed,
                (None, _) => &mut changes.added,
            };
            list.push(name.clone());
        }
        changes
    }

    /// Something about it that its declaration does not show is other now.
    pub fn change(&mut self, name: &N) {
        if let Some(place) = self.kept.iter().position(|kept| kept == name) {
            self.changed.push(self.kept.remove(place));
            self.changed.sort();
        }
    }

    pub const fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }
}

impl Difference {
    pub fn between(old: &Declarations, new: &Declarations) -> Self {
        let (mut hub, mut restart) = (Vec::new(), Vec::new());
        for key in different_keys(&old.hub, &new.hub) {
            match FIXED.iter().find(|(fixed, _)| *fixed == key) {
                Some((_, why)) => restart.push(Fixed { key, why: (*why).to_owned() }),
                None => hub.push(key),
            }
        }
        Self {
            channels: Changes::between(&old.channels, &new.channels, |old, new| as_json(old) == as_json(new)),
            routes: Changes::between(&old.routes, &new.routes, |old, new| old == new),
            purposes: Changes::between(&old.hub.purposes, &new.hub.purposes, |old, new| old == new),
            hub,
            restart,
        }
    }

    /// Everything is as it was.
    pub const fn is_empty(&self) -> bool {
        self.channels.is_empty()
            && self.routes.is_empty()
            && self.purposes.is_empty()
            && self.hub.is_empty()
            && self.restart.is_empty()
    }
}

impl Ended {
    pub fn between(old: &Declarations, new: &Declarations) -> Self {
        let gone = |did: fn(&Channel) -> bool| {
            let does = move |name: &ChannelName| new.channels.get(name).is_some_and(did);
            let did = old.channels.iter().filter(move |(_, channel)| did(channel));
            did.map(|(name, _)| name.clone()).filter(move |name| !does(name)).collect::<Vec<_>>()
        };
        let destinations = gone(Channel::is_destination);
        let on = old.routes.iter().filter(|(_, route)| route.enabled);
        let off = on.filter(|(name, _)| new.routes.get(*name).is_none_or(|route| !route.enabled));
        let routes = off.filter(|(_, route)| !destinations.contains(&route.to));
        let routes = routes.map(|(name, _)| name.clone()).collect();
        Self { sources: gone(Channel::is_source), destinations, routes }
    }
}

/// Purposes are told of one by one.
fn different_keys(old: &Hub, new: &Hub) -> Vec<String> {
    let (old, new) = (as_json(old), as_json(new));
    let keys =
        |value: &Value| value.as_object().into_iter().flat_map(|table| table.keys().cloned()).collect();
    let (mut all, of_new): (BTreeSet<String>, BTreeSet<String>) = (keys(&old), keys(&new));
    all.extend(of_new);
    all.retain(|key| key != "purposes" && old.get(key) != new.get(key));
    all.into_iter().collect()
}

fn as_json(declared: &impl Serialize) -> Value {
    serde_json::to_value(declared).expect("what was read from TOML can be written as JSON")
}
