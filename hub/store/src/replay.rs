//! Puts events on their way again: what has its fate is sent once more, by the routes it had or by those of today. A page of events
//! is one transaction. A trial does the very same and takes it back, so that what it counts is what would be done.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};
use snodo_core::declare::Order;
use snodo_core::{ChannelName, Class, CustomerId};

use crate::facts::AsOf;
use crate::record::NewDelivery;
use crate::writer::Writing;
use crate::{EventSeq, MessageSeq, StoreError, row};

mod add;
mod decide;
mod select;

pub use decide::{Again, Earlier, Untaken};
pub use select::{Page, Selector, Which};

/// One page of a replay.
#[derive(Clone, Debug, Default)]
pub struct Replay {
    pub events: Vec<Selected>,
    /// Those in quarantine as a whole: they are decoded again.
    pub messages: Vec<MessageSeq>,
    pub which: Which,
    /// Where deliveries may go, and what order is kept there.
    pub destinations: BTreeMap<ChannelName, Order>,
    /// What `wanted` rests on.
    pub as_of: AsOf,
    /// Count only.
    pub trial: bool,
}

#[derive(Clone, Debug)]
pub struct Selected {
    pub event: EventSeq,
    /// What today's routes make of it; `None` leaves it to the routes that it had.
    pub wanted: Option<Vec<NewDelivery>>,
}

/// What a page came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replayed {
    /// Deliveries by destination, and by what they were before: a fate, or [`NEW`], or [`NEW_SUPPRESSED`].
    pub deliveries: BTreeMap<ChannelName, BTreeMap<String, u64>>,
    /// Messages to be decoded again.
    pub messages: BTreeSet<MessageSeq>,
    /// Of those messages.
    pub channels: BTreeSet<ChannelName>,
    /// What was selected and is left as it is.
    pub left: BTreeMap<LeftOut, u64>,
}

/// A route that took nothing of the event takes it now.
pub const NEW: &str = "new";

/// It would, but the customer has not agreed.
pub const NEW_SUPPRESSED: &str = "new, suppressed";

/// Why something that was selected is left as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeftOut {
    /// It has no fate yet.
    InFlight,
    /// A repetition: the event that it repeats can be sent again.
    Repetition,
    /// Today's routes do not want it.
    Unwanted,
    /// There is no such destination any more.
    Undeclared,
    /// Its message waits to be decoded already.
    Waiting,
}

impl Replayed {
    /// Deliveries and messages.
    pub fn count(&self) -> u64 {
        self.deliveries.values().flat_map(BTreeMap::values).sum::<u64>() + self.messages.len() as u64
    }

    pub fn add(&mut self, other: Self) {
        for (destination, counts) in other.deliveries {
            let mine = self.deliveries.entry(destination).or_default();
            counts.into_iter().for_each(|(before, count)| *mine.entry(before).or_default() += count);
        }
        self.messages.extend(other.messages);
        self.channels.extend(other.channels);
        other.left.into_iter().for_each(|(why, count)| *self.left.entry(why).or_default() += count);
    }

    fn counted(&mut self, destination: &ChannelName, before: &str) {
        *self.deliveries.entry(destination.clone()).or_default().entry(before.to_owned()).or_default() += 1;
    }

    /// A message is decoded again; no channel: it waits already, or is gone.
    pub fn decodes(&mut self, message: MessageSeq, channel: Option<ChannelName>) {
        match channel {
            Some(channel) => {
                self.messages.insert(message);
                self.channels.insert(channel);
            }
            None => self.leave(LeftOut::Waiting),
        }
    }

    pub fn leave(&mut self, why: LeftOut) {
        *self.left.entry(why).or_default() += 1;
    }
}

static EARLIER: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT d.seq, d.route, d.destination, d.ordering_key, d.purpose, d.fate, d.reason \
         FROM event e CROSS JOIN delivery d ON d.seq IN ({}) WHERE e.seq = ?1 ORDER BY d.seq",
        row::DELIVERIES
    )
});

impl Writing<'_, '_> {
    pub fn replay(&mut self, replay: &Replay) -> Result<Replayed, StoreError> {
        replay.events.iter().try_for_each(|selected| self.check_unspoken(selected, replay.as_of))?;
        match replay.trial {
            false => self.replay_page(replay),
            true => self.taken_back(|writing| writing.replay_page(replay)),
        }
    }

    /// What today's routes decided still holds.
    fn check_unspoken(&self, selected: &Selected, as_of: AsOf) -> Result<(), StoreError> {
        if selected.wanted.is_none() || self.state.consent_change <= as_of.0 {
            return Ok(());
        }
        let mut find = self.statements.prepare("SELECT customer FROM event WHERE seq = ?1")?;
        let customer: Option<Option<[u8; 16]>> =
            find.query_row([selected.event], |row| row.get(0)).optional()?;
        match customer.flatten().map(CustomerId::from_bytes) {
            Some(customer) if self.has_spoken_since(customer, as_of)? => Err(StoreError::Stale),
            _ => Ok(()),
        }
    }

    fn taken_back<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let before = self.state.clone();
        self.statements.prepare("SAVEPOINT trial")?.execute([])?;
        let found = work(self)?;
        self.statements.prepare("ROLLBACK TO trial")?.execute([])?;
        self.statements.prepare("RELEASE trial")?.execute([])?;
        *self.state = before;
        Ok(found)
    }

    fn replay_page(&mut self, replay: &Replay) -> Result<Replayed, StoreError> {
        let mut done = Replayed::default();
        for selected in &replay.events {
            self.replay_event(replay, selected, &mut done)?;
        }
        for message in &replay.messages {
            self.replay_message(*message, &mut done)?;
        }
        Ok(done)
    }

    fn replay_event(
        &mut self,
        replay: &Replay,
        selected: &Selected,
        done: &mut Replayed,
    ) -> Result<(), StoreError> {
        let mut find = self.statements.prepare("SELECT verdict, message FROM event WHERE seq = ?1")?;
        let found: Option<(String, MessageSeq)> =
            find.query_row([selected.event], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        drop(find);
        match found.as_ref().map(|(verdict, message)| (verdict.as_str(), *message)) {
            Some(("routed", _)) => self.replay_routed(replay, selected, done),
            Some(("quarantined", message)) => self.replay_message(message, done),
            Some(_) => {
                done.leave(LeftOut::Repetition);
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn replay_message(&mut self, message: MessageSeq, done: &mut Replayed) -> Result<(), StoreError> {
        // Another event of it may have brought it.
        if !done.messages.contains(&message) {
            let channel = self.decode_again(message)?;
            done.decodes(message, channel);
        }
        Ok(())
    }

    fn replay_routed(
        &mut self,
        replay: &Replay,
        selected: &Selected,
        done: &mut Replayed,
    ) -> Result<(), StoreError> {
        let earlier = self.earlier(selected.event)?;
        for again in replay.again(selected, &earlier, done) {
            self.send_again(&again)?;
            self.resume(again.seq, again.fate)?;
        }
        let unmet = replay.unmet(selected, &earlier);
        if unmet.is_empty() { Ok(()) } else { self.add(&replay.which, selected.event, &unmet, done) }
    }

    fn earlier(&self, event: EventSeq) -> Result<Vec<Earlier>, StoreError> {
        let mut find = self.statements.prepare(EARLIER.as_str())?;
        let rows = find.query_map([event], |row| {
            Ok(Earlier {
                seq: row.get(0)?,
                route: row::parsed(row, 1)?,
                destination: row::parsed(row, 2)?,
                ordering_key: row.get(3)?,
                purpose: row.get(4)?,
                fate: row::fate(row, 5)?,
                reason: row.get(6)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn send_again(&self, again: &Again<'_>) -> Result<(), StoreError> {
        let mut mark = self.statements.prepare(
            "UPDATE delivery SET destination = ?2, purpose = ?3, lane = ?4, class = ?5, replays = replays + 1 WHERE seq = ?1",
        )?;
        let Again { seq, destination, purpose, lane, .. } = again;
        let lane = lane.map(|lane| lane.0);
        mark.execute(params![seq, destination.as_str(), purpose, lane, Class::Replay as i64])?;
        Ok(())
    }
}
