//! What a replay takes of an event, and what that comes to: the rules that both homes go by. Pure: rows come in, and what is to be written
//! goes out.

use serde_json::{Map, Value};
use snodo_core::declare::Order;
use snodo_core::{ChannelName, Class, Fate, Lane, RouteName, Stuck};

use super::{LeftOut, NEW, NEW_SUPPRESSED, Replay, Replayed, Selected, Which};
use crate::record::NewDelivery;
use crate::{DeliverySeq, EventSeq, StoreError};

/// A delivery of an event, as it stands.
#[derive(Clone, Debug)]
pub struct Earlier {
    pub seq: DeliverySeq,
    pub route: RouteName,
    pub destination: ChannelName,
    pub ordering_key: Option<String>,
    pub purpose: Option<String>,
    pub fate: Option<Fate>,
    pub reason: Option<String>,
}

/// A delivery that goes once more: last of all that its destination may be sent, and in its lane again even if it had left it.
#[derive(Clone, Debug)]
pub struct Again<'a> {
    pub seq: DeliverySeq,
    /// What it loses.
    pub fate: Fate,
    pub destination: &'a ChannelName,
    pub purpose: Option<&'a str>,
    pub lane: Option<Lane>,
}

impl Replay {
    /// Of the deliveries of an event that was routed those that go once more. All that was selected is counted.
    pub fn again<'a>(
        &'a self,
        selected: &'a Selected,
        earlier: &'a [Earlier],
        done: &mut Replayed,
    ) -> Vec<Again<'a>> {
        earlier.iter().filter_map(|one| self.one_again(selected, one, done)).collect()
    }

    fn one_again<'a>(
        &'a self,
        selected: &'a Selected,
        one: &'a Earlier,
        done: &mut Replayed,
    ) -> Option<Again<'a>> {
        let wanted = selected.wanted.as_ref();
        let new = wanted.map(|wanted| wanted.iter().find(|new| new.route == one.route));
        let destination = new.flatten().map_or(&one.destination, |new| &new.destination);
        let is_meant = one.fate.map_or(self.which.fate.is_none(), |fate| self.which.takes(fate));
        if !is_meant || !self.which.takes_on(&one.route, destination, one.reason.as_deref()) {
            return None;
        }
        let left = match (one.fate, new, self.destinations.get(destination)) {
            (None, _, _) => LeftOut::InFlight,
            (_, Some(None), _) => LeftOut::Unwanted,
            (_, _, None) => LeftOut::Undeclared,
            (Some(fate), _, Some(order)) => {
                let purpose = new.flatten().map_or(&one.purpose, |new| &new.purpose).as_deref();
                let lane = one.ordering_key.as_deref().filter(|_| *order == Order::Key).map(Lane::of);
                done.counted(destination, fate.as_str());
                return Some(Again { seq: one.seq, fate, destination, purpose, lane });
            }
        };
        done.leave(left);
        None
    }

    /// What routes that took nothing of the event want of it.
    pub fn unmet<'a>(&self, selected: &'a Selected, earlier: &[Earlier]) -> Vec<&'a NewDelivery> {
        let is_new = |new: &&NewDelivery| earlier.iter().all(|one| one.route != new.route);
        match self.which.takes(Fate::Filtered) {
            true => selected.wanted.iter().flatten().filter(is_new).collect(),
            false => Vec::new(),
        }
    }
}

/// What an event counts of the routes that took nothing of it. The ledger has one fate for each route that was considered: where the
/// event counts routes that did not want it, a new delivery is by one of those, and is counted there no longer. The row does not say
/// which routes they were, only how many. Where it counts none, the route was not there yet, and is considered now.
pub struct Untaken {
    /// Considered for the first time.
    pub more_routes: i64,
    /// Of those that did not want it, so many want it now.
    pub fewer_filtered: i64,
    filtered: i64,
    reasons: Map<String, Value>,
}

impl Untaken {
    /// Of the event's columns.
    pub fn new(event: EventSeq, filtered: i64, reasons: Option<&str>) -> Result<Self, StoreError> {
        let reasons = reasons.map_or(Ok(Map::new()), serde_json::from_str).map_err(|error| {
            StoreError::corrupt(format!("the reasons of event {event} are unreadable: {error}"))
        })?;
        Ok(Self { more_routes: 0, fewer_filtered: 0, filtered, reasons })
    }

    /// The delivery as it is to be added; `None` if it is not meant.
    pub fn take(&mut self, which: &Which, new: &NewDelivery, done: &mut Replayed) -> Option<NewDelivery> {
        let reason = self.reasons.get(new.route.as_str()).and_then(Value::as_str);
        if !which.takes_on(&new.route, &new.destination, reason) {
            return None;
        }
        self.reasons.remove(new.route.as_str());
        match self.filtered() {
            0 => self.more_routes += 1,
            _ => self.fewer_filtered += 1,
        }
        done.counted(&new.destination, if new.fate.is_none() { NEW } else { NEW_SUPPRESSED });
        // It is older than what waits in its lane, and takes nobody's place.
        Some(NewDelivery { class: Class::Replay, stuck: Stuck::Block, ..new.clone() })
    }

    /// How many still do not want it.
    pub const fn filtered(&self) -> i64 {
        self.filtered - self.fewer_filtered
    }

    /// Why not, as it is stored.
    pub fn reasons(&self) -> Option<String> {
        let text = || serde_json::to_string(&self.reasons).expect("text is always JSON");
        (!self.reasons.is_empty()).then(text)
    }
}
