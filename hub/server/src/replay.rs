//! Takes pages of events up again, in the running hub or, when none runs, in the command: what routes of today make of them is decided
//! here, and the home does the rest in one transaction.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use snodo_core::declare::{Declarations, Order};
use snodo_core::route::{Route, Subject};
use snodo_core::{Body, ChannelName};
use snodo_store::home::{Home, Reading};
use snodo_store::{
    EventSeq, MessageSeq, NewDelivery, Replay, Replayed, Selected, StoreError, Verdict, Which,
};
use tokio::runtime::Handle;

use crate::pipeline::Line;
use crate::pipeline::route::consider;

/// One page, as the command asks for it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    pub events: Vec<EventSeq>,
    pub messages: Vec<MessageSeq>,
    pub which: Which,
    /// By today's routes.
    pub rematch: bool,
    /// Count only.
    pub trial: bool,
}

/// What a replay needs of the declarations.
pub struct Today<'a> {
    routes: Vec<&'a Route>,
    destinations: BTreeMap<ChannelName, Order>,
}

impl<'a> Today<'a> {
    pub fn of_line(line: &'a Line) -> Self {
        let channels = line.channels.iter();
        Self {
            routes: line.routes.values().collect(),
            destinations: channels.map(|(name, channel)| (name.clone(), channel.queue.order())).collect(),
        }
    }

    /// Connectors have no say in where an event goes: they need not be loaded.
    pub fn of_declarations(declarations: &Declarations, routes: &'a [Route]) -> Self {
        let channels = declarations.channels.iter();
        Self {
            routes: routes.iter().collect(),
            destinations: channels.map(|(name, channel)| (name.clone(), channel.queue.order())).collect(),
        }
    }

    /// For a thread that may wait: the home's tasks are `runtime`'s.
    pub fn replay(&self, home: &dyn Home, ask: &Ask, runtime: &Handle) -> Result<Replayed, StoreError> {
        loop {
            // Before the customers are asked: who speaks meanwhile makes it stale.
            let as_of = home.facts(&[])?.as_of;
            let decided = ask.events.iter().map(|event| {
                let wanted = if ask.rematch { self.wanted(home.reading(), *event)? } else { None };
                Ok(Selected { event: *event, wanted })
            });
            let replay = Replay {
                events: decided.collect::<Result<_, StoreError>>()?,
                messages: ask.messages.clone(),
                which: ask.which.clone(),
                destinations: self.destinations.clone(),
                as_of,
                trial: ask.trial,
            };
            match runtime.block_on(home.replay(replay)) {
                Err(StoreError::Stale) => {}
                done => return done,
            }
        }
    }

    /// `None`: the event was not routed, so that there is nothing to decide.
    fn wanted(&self, home: &dyn Reading, seq: EventSeq) -> Result<Option<Vec<NewDelivery>>, StoreError> {
        let Some(row) = home.event(seq)?.filter(|row| row.verdict == Verdict::Routed) else {
            return Ok(None);
        };
        // What was valid when it was accepted is an object.
        let Ok(data) = Body::parse(&row.event.data) else { return Ok(None) };
        let said = row.customer.map(|customer| home.consents(&[customer])).transpose()?;
        let consents = said.into_iter().flatten().map(|(_, said)| said).next().unwrap_or_default();
        let subject = Subject::new(&row.event, &row.channel, &data, row.customer, &consents);
        let keeps_order = |name: &ChannelName| self.destinations.get(name) == Some(&Order::Key);
        Ok(Some(consider(self.routes.iter().copied(), keeps_order, &subject).deliveries))
    }
}
