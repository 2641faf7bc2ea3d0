//! How what is removed counts: rows and that together are what the hub keeps. Both homes go by this.

use snodo_core::Fate;

use super::Removed;
use crate::ledger::{Balance, Tally};

/// What has been removed, with what a call adds to it.
#[derive(Clone, Debug)]
pub struct Gone {
    /// Of all times.
    pub balance: Balance,
    /// By this call.
    pub removed: Removed,
}

/// An event as its row counted.
#[derive(Clone, Copy, Debug)]
pub struct GoneEvent<'a> {
    pub verdict: &'a str,
    pub routes: i64,
    pub filtered: i64,
}

impl Gone {
    pub fn new(before: Balance) -> Self {
        Self { balance: before, removed: Removed::default() }
    }

    /// So many deliveries by that route with that fate.
    pub fn deliveries(&mut self, route: String, fate: Fate, count: i64) {
        self.balance.tally.fates[fate] += count;
        *self.balance.routes.entry(route).or_default().entry(fate.as_str().to_owned()).or_default() += count;
        self.removed.deliveries += count.unsigned_abs();
    }

    /// One that was in quarantine has ended, though not well: it is expired, which changes the numbers that are kept.
    pub fn event(&mut self, event: GoneEvent<'_>, kept: &mut Tally) {
        let GoneEvent { verdict, routes, filtered } = event;
        let gone = &mut self.balance.tally;
        gone.expected += routes;
        gone.events.decoded += 1;
        match verdict {
            "routed" => {
                gone.events.routed += 1;
                gone.fates[Fate::Filtered] += filtered;
            }
            "duplicate" => {
                gone.events.duplicate += 1;
                gone.fates[Fate::Duplicate] += routes;
            }
            _ => {
                gone.events.quarantined += 1;
                gone.fates[Fate::Expired] += routes;
                kept.fates[Fate::Quarantined] -= routes;
                kept.fates[Fate::Expired] += routes;
            }
        }
        self.removed.events += 1;
    }

    pub const fn message(&mut self, was_decoded: bool) {
        let messages = &mut self.balance.tally.messages;
        messages.accepted += 1;
        match was_decoded {
            true => messages.decoded += 1,
            false => messages.quarantined += 1,
        }
        self.removed.messages += 1;
    }
}
