//! The ledger: every event, times the routes it was considered for, is accounted for by fates and what is in flight. Counts
//! the rows, and can be compared with the numbers that the writer keeps.

use std::collections::BTreeMap;
use std::ops::{Index, IndexMut};

use rusqlite::{Connection, OptionalExtension};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use snodo_core::{Fate, Timestamp};

use crate::{Reader, StoreError, row};

/// The numbers of the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    pub messages: Messages,
    pub events: Events,
    /// Every event times the routes it was considered for.
    pub expected: i64,
    pub fates: Fates,
    pub in_flight: i64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Messages {
    pub accepted: i64,
    pub pending: i64,
    pub decoded: i64,
    pub quarantined: i64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Events {
    /// How many events the messages were decoded to.
    pub decoded: i64,
    pub routed: i64,
    pub duplicate: i64,
    pub quarantined: i64,
}

impl Tally {
    /// So many events of that verdict, which were considered for so many routes, and wanted by all of them but so many.
    pub fn count_events(&mut self, verdict: &str, count: i64, routes: i64, filtered: i64) {
        self.expected += routes;
        match verdict {
            "routed" => {
                self.events.routed += count;
                self.fates[Fate::Filtered] += filtered;
            }
            "duplicate" => {
                self.events.duplicate += count;
                self.fates[Fate::Duplicate] += routes;
            }
            _ => {
                self.events.quarantined += count;
                self.fates[Fate::Quarantined] += routes;
            }
        }
    }

    fn add(&mut self, other: &Self) {
        let Self { messages, events, expected, fates, in_flight } = other;
        self.messages.accepted += messages.accepted;
        self.messages.pending += messages.pending;
        self.messages.decoded += messages.decoded;
        self.messages.quarantined += messages.quarantined;
        self.events.decoded += events.decoded;
        self.events.routed += events.routed;
        self.events.duplicate += events.duplicate;
        self.events.quarantined += events.quarantined;
        self.expected += expected;
        fates.iter().for_each(|(fate, count)| self.fates[fate] += count);
        self.in_flight += in_flight;
    }

    /// What the fates do not account for: 0, or something is lost.
    pub fn difference(&self) -> i64 {
        self.expected - self.fates.sum() - self.in_flight
    }

    /// Messages that are neither waiting nor settled: 0, or something is lost.
    pub const fn messages_difference(&self) -> i64 {
        let Messages { accepted, pending, decoded, quarantined } = self.messages;
        accepted - pending - decoded - quarantined
    }

    /// Events that messages were decoded to and that are not there: 0, or something is lost.
    pub const fn events_difference(&self) -> i64 {
        let Events { decoded, routed, duplicate, quarantined } = self.events;
        decoded - routed - duplicate - quarantined
    }
}

/// How often each fate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<Fate, i64>", into = "BTreeMap<Fate, i64>")]
pub struct Fates([i64; Fate::ALL.len()]);

impl Fates {
    pub fn sum(&self) -> i64 {
        self.0.iter().sum()
    }

    pub fn iter(&self) -> impl Iterator<Item = (Fate, i64)> {
        Fate::ALL.into_iter().map(|fate| (fate, self[fate]))
    }
}

impl Index<Fate> for Fates {
    type Output = i64;

    fn index(&self, fate: Fate) -> &i64 {
        &self.0[fate as usize]
    }
}

impl IndexMut<Fate> for Fates {
    fn index_mut(&mut self, fate: Fate) -> &mut i64 {
        &mut self.0[fate as usize]
    }
}

impl From<BTreeMap<Fate, i64>> for Fates {
    fn from(counts: BTreeMap<Fate, i64>) -> Self {
        let mut fates = Self::default();
        for (fate, count) in counts {
            fates[fate] = count;
        }
        fates
    }
}

impl From<Fates> for BTreeMap<Fate, i64> {
    fn from(fates: Fates) -> Self {
        fates.iter().collect()
    }
}

/// The ledger as the rows say it, with what retention has removed of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Balance {
    pub tally: Tally,
    /// What became of what each route took: by fate, and `in flight`. Without what it filtered, duplicates and quarantine,
    /// which are counted for the event as a whole.
    pub routes: BTreeMap<String, BTreeMap<String, i64>>,
}

impl Balance {
    pub fn add(&mut self, Self { tally, routes }: Self) {
        self.tally.add(&tally);
        for (route, counts) in routes {
            let mine = self.routes.entry(route).or_default();
            counts.into_iter().for_each(|(fate, count)| *mine.entry(fate).or_default() += count);
        }
    }
}

impl std::ops::Deref for Balance {
    type Target = Tally;

    fn deref(&self) -> &Tally {
        &self.tally
    }
}

/// The rows beside the numbers that the writer kept, at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Audit {
    pub counted: Tally,
    pub kept: Tally,
}

impl Audit {
    pub fn agrees(&self) -> bool {
        self.counted == self.kept
    }
}

impl Reader {
    /// Counts all rows, and adds what was removed; with `since`, the rows that are there of messages received from then on, and of
    /// events accepted from then on.
    pub fn balance(&self, since: Option<Timestamp>) -> Result<Balance, StoreError> {
        self.snapshot(|sqlite| match since {
            Some(_) => Ok(count(sqlite, since)?),
            None => whole(sqlite),
        })
    }

    pub fn audit(&self) -> Result<Audit, StoreError> {
        self.snapshot(|sqlite| Ok(Audit { counted: whole(sqlite)?.tally, kept: kept(sqlite)? }))
    }

    /// What retention has removed, in the ledger's numbers.
    pub fn removed(&self) -> Result<Tally, StoreError> {
        self.snapshot(|sqlite| Ok(removed(sqlite)?.tally))
    }

    /// The same by routes.
    pub fn removed_balance(&self) -> Result<Balance, StoreError> {
        self.snapshot(removed)
    }

    /// The numbers as the writer keeps them: cheap.
    pub fn tally(&self) -> Result<Tally, StoreError> {
        self.snapshot(kept)
    }
}

/// The kept numbers as of the last commit.
pub(crate) fn kept(sqlite: &Connection) -> Result<Tally, StoreError> {
    numbers(sqlite, "SELECT numbers FROM tally")
}

/// The numbers of what is not there any more.
pub(crate) fn removed(sqlite: &Connection) -> Result<Balance, StoreError> {
    numbers(sqlite, "SELECT numbers FROM removed")
}

fn numbers<T: Default + DeserializeOwned>(sqlite: &Connection, sql: &str) -> Result<T, StoreError> {
    let mut numbers = sqlite.prepare_cached(sql)?;
    let numbers: Option<String> = numbers.query_row([], |row| row.get(0)).optional()?;
    let Some(numbers) = numbers else { return Ok(T::default()) };
    serde_json::from_str(&numbers)
        .map_err(|error| StoreError::corrupt(format!("the numbers of the ledger are unreadable: {error}")))
}

fn whole(sqlite: &Connection) -> Result<Balance, StoreError> {
    let mut balance = count(sqlite, None)?;
    balance.add(removed(sqlite)?);
    Ok(balance)
}

fn count(sqlite: &Connection, since: Option<Timestamp>) -> rusqlite::Result<Balance> {
    let since = since.map_or(i64::MIN, Timestamp::as_millis);
    let mut balance = Balance::default();
    let tally = &mut balance.tally;
    count_messages(sqlite, since, tally)?;

    let mut events = sqlite.prepare_cached(
        "SELECT verdict, count(*), coalesce(sum(routes), 0), coalesce(sum(filtered), 0) \
         FROM event INDEXED BY event_ledger WHERE accepted >= ?1 GROUP BY verdict",
    )?;
    let mut rows = events.query([since])?;
    while let Some(row) = rows.next()? {
        tally.count_events(row.get_ref(0)?.as_str()?, row.get(1)?, row.get(2)?, row.get(3)?);
    }

    // Times never fall from one event to the next, nor do events from one delivery to the next: a time is a place.
    let mut deliveries = sqlite.prepare_cached(
        "SELECT fate, route, count(*) FROM delivery WHERE seq >= ( \
            SELECT first_delivery FROM event WHERE accepted = ( \
                SELECT min(accepted) FROM event WHERE accepted >= ?1) \
            ORDER BY seq LIMIT 1) \
         AND (added = 0 OR (SELECT accepted FROM event e WHERE e.seq = delivery.event) >= ?1) GROUP BY fate, route",
    )?;
    let mut rows = deliveries.query([since])?;
    while let Some(row) = rows.next()? {
        let (route, count): (String, i64) = (row.get(1)?, row.get(2)?);
        let fate = row::fate(row, 0)?;
        match fate {
            Some(fate) => tally.fates[fate] += count,
            None => tally.in_flight += count,
        }
        let name = fate.map_or("in flight", Fate::as_str);
        *balance.routes.entry(route).or_default().entry(name.to_owned()).or_default() += count;
    }
    Ok(balance)
}

fn count_messages(sqlite: &Connection, since: i64, tally: &mut Tally) -> rusqlite::Result<()> {
    let mut messages = sqlite.prepare_cached("SELECT count(*) FROM message WHERE received >= ?1")?;
    tally.messages.accepted = messages.query_row([since], |row| row.get(0))?;
    let mut pending = sqlite.prepare_cached(
        "SELECT count(*), coalesce(sum(p.events), 0) FROM pending p JOIN message m ON m.seq = p.message WHERE m.received >= ?1",
    )?;
    let (pending, events_of_pending): (i64, i64) =
        pending.query_row([since], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut settled = sqlite.prepare_cached(
        "SELECT count(*), count(problem), coalesce(sum(events), 0) FROM settled_message WHERE received >= ?1",
    )?;
    let (settled, quarantined, events): (i64, i64, i64) =
        settled.query_row([since], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    tally.messages.pending = pending;
    tally.messages.decoded = settled - quarantined;
    tally.messages.quarantined = quarantined;
    tally.events.decoded = events + events_of_pending;
    Ok(())
}
