//! Which events and messages a replay is about. Reads only, page by page, and never beyond what was there when it began: what comes
//! back into quarantine, or is made of what was sent again, is not taken up once more.

use rusqlite::params_from_iter;
use rusqlite::types::Value;
use serde::{Deserialize, Serialize};
use snodo_core::{ChannelName, Fate, RouteName};

use crate::find::Narrowed;
use crate::{EventSeq, Filter, MessageSeq, Reader, StoreError, row};

/// What to take up again. All of it must hold.
#[derive(Clone, Debug, Default)]
pub struct Selector {
    /// Only these, if there are any.
    pub events: Vec<EventSeq>,
    /// Channel, type, customer and time; the rest of it does not matter.
    pub filter: Filter,
    pub which: Which,
    /// Today's routes decide: they may want what no delivery is there of.
    pub rematch: bool,
}

impl Selector {
    /// Whether it may mean messages that lie in quarantine as a whole.
    pub fn takes_messages(&self) -> bool {
        let Self { events, filter, which, rematch: _ } = self;
        let of_events = !events.is_empty() || filter.kind.is_some() || filter.customer.is_some();
        !of_events && which.takes_whole(Fate::Quarantined)
    }

    /// Whether every event that was routed may be meant: what today's routes make of one is not known where it is looked for.
    pub fn takes_all_routed(&self) -> bool {
        self.rematch && self.which.takes(Fate::Filtered)
    }
}

/// Of the events, on which routes. What is `None` does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Which {
    pub destination: Option<ChannelName>,
    pub route: Option<RouteName>,
    pub fate: Option<Fate>,
    /// Contained in the reason of the fate.
    pub reason: Option<String>,
}

impl Which {
    /// Whether it may mean what has this fate.
    pub fn takes(&self, fate: Fate) -> bool {
        self.fate.is_none_or(|wanted| wanted == fate)
    }

    /// Whether it may mean what became of an event, or a message, as a whole.
    pub fn takes_whole(&self, fate: Fate) -> bool {
        self.takes(fate) && self.destination.is_none() && self.route.is_none()
    }

    /// Whether it may mean repetitions, which have no reason.
    pub fn takes_repetitions(&self) -> bool {
        self.takes_whole(Fate::Duplicate) && self.reason.is_none()
    }

    /// Whether it means what goes by this route to this destination, and has this reason for its fate.
    pub fn takes_on(&self, route: &RouteName, destination: &ChannelName, reason: Option<&str>) -> bool {
        self.route.as_ref().is_none_or(|wanted| wanted == route)
            && self.destination.as_ref().is_none_or(|wanted| wanted == destination)
            && self.reason.as_ref().is_none_or(|wanted| reason.is_some_and(|reason| reason.contains(wanted)))
    }
}

/// Events of one page, in their order. Those in quarantine of one message are of one page, since they go together.
#[derive(Clone, Debug, Default)]
pub struct Page {
    pub events: Vec<EventSeq>,
    message: MessageSeq,
}

impl Page {
    /// So many events, or messages, and those that belong to the last.
    pub const SIZE: usize = 500;

    /// Whether the next event belongs to it, which then is there.
    pub fn takes(&mut self, event: EventSeq, message: MessageSeq) -> bool {
        if self.events.len() >= Self::SIZE && message != self.message {
            return false;
        }
        self.events.push(event);
        self.message = message;
        true
    }
}

impl Reader {
    /// The place of the last event that there is.
    pub fn last_event(&self) -> Result<EventSeq, StoreError> {
        self.snapshot(|sqlite| {
            let mut last = sqlite.prepare_cached("SELECT coalesce(max(seq), 0) FROM event")?;
            Ok(last.query_row([], |row| row.get(0))?)
        })
    }

    /// The next page of events after `after`, up to `last`, that the selector may mean. None: there are no more.
    pub fn replayable_events(
        &self,
        selector: &Selector,
        after: EventSeq,
        last: EventSeq,
    ) -> Result<Vec<EventSeq>, StoreError> {
        let Narrowed { sql, values } = events(selector, after, last);
        let sql = format!("SELECT e.seq, e.message FROM event e WHERE TRUE{sql} ORDER BY e.seq");
        self.snapshot(|sqlite| {
            let mut statement = sqlite.prepare(&sql)?;
            let mut rows = statement.query(params_from_iter(values))?;
            let mut page = Page::default();
            while let Some(row) = rows.next()? {
                if !page.takes(row.get(0)?, row.get(1)?) {
                    break;
                }
            }
            Ok(page.events)
        })
    }

    /// The same for messages that lie in quarantine as a whole.
    pub fn replayable_messages(
        &self,
        selector: &Selector,
        after: MessageSeq,
    ) -> Result<Vec<MessageSeq>, StoreError> {
        let Selector { filter, which, .. } = selector;
        if !selector.takes_messages() {
            return Ok(Vec::new());
        }
        let mut narrowed = Narrowed::default();
        narrowed.by("s.message > ?", after.0.into());
        if let Some(channel) = &filter.channel {
            narrowed.by("m.channel = ?", channel.as_str().to_owned().into());
        }
        if let Some(since) = filter.since {
            narrowed.by("s.received >= ?", since.as_millis().into());
        }
        if let Some(until) = filter.until {
            narrowed.by("s.received <= ?", until.as_millis().into());
        }
        if let Some(reason) = &which.reason {
            narrowed.by("instr(s.problem, ?) > 0", reason.clone().into());
        }
        let Narrowed { sql, values } = narrowed;
        let sql = format!(
            "SELECT s.message FROM settled_message s INDEXED BY settled_message_quarantined \
             CROSS JOIN message m ON m.seq = s.message WHERE s.problem IS NOT NULL{sql} ORDER BY s.message LIMIT {}",
            Page::SIZE
        );
        self.snapshot(|sqlite| {
            let mut statement = sqlite.prepare(&sql)?;
            let rows = statement.query_map(params_from_iter(values), |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

fn events(selector: &Selector, after: EventSeq, last: EventSeq) -> Narrowed {
    let Selector { events, filter, which, rematch } = selector;
    let mut narrowed = Narrowed::default();
    let Filter { channel, kind, customer, since, until, .. } = filter.clone();
    narrowed.to(&Filter { channel, kind, customer, since, until, ..Filter::default() });
    narrowed.by("e.seq > ?", after.0.into());
    narrowed.by("e.seq <= ?", last.0.into());
    if !events.is_empty() {
        let seqs: Vec<String> = events.iter().map(EventSeq::to_string).collect();
        narrowed.sql.push_str(&format!(" AND e.seq IN ({})", seqs.join(", ")));
    }
    let on_routes = match selector.takes_all_routed() {
        true => "TRUE".to_owned(),
        false => on_routes(&mut narrowed, which, *rematch),
    };
    let quarantined = match (which.takes_whole(Fate::Quarantined), &which.reason) {
        (false, _) => "FALSE".to_owned(),
        (true, None) => "TRUE".to_owned(),
        (true, Some(reason)) => {
            format!("instr(e.violations, {}) > 0", bound(&mut narrowed, reason.clone().into()))
        }
    };
    let duplicate = match which.takes_repetitions() {
        true => "TRUE",
        false => "FALSE",
    };
    narrowed.sql.push_str(&format!(
        " AND CASE e.verdict WHEN 'routed' THEN {on_routes} WHEN 'quarantined' THEN {quarantined} ELSE {duplicate} END"
    ));
    narrowed
}

/// That a delivery of the event `e` is meant.
fn on_routes(narrowed: &mut Narrowed, which: &Which, rematch: bool) -> String {
    let mut sql = format!("EXISTS (SELECT 1 FROM delivery d WHERE d.seq IN ({})", row::DELIVERIES);
    let Which { destination, route, fate, reason } = which;
    if let Some(fate) = fate {
        sql += &format!(" AND d.fate = {}", bound(narrowed, fate.as_str().to_owned().into()));
    }
    // With today's routes, it is where it would go now that counts.
    if let Some(destination) = destination.as_ref().filter(|_| !rematch) {
        sql += &format!(" AND d.destination = {}", bound(narrowed, destination.as_str().to_owned().into()));
    }
    if let Some(route) = route {
        sql += &format!(" AND d.route = {}", bound(narrowed, route.as_str().to_owned().into()));
    }
    if let Some(reason) = reason {
        sql += &format!(" AND instr(d.reason, {}) > 0", bound(narrowed, reason.clone().into()));
    }
    sql + ")"
}

fn bound(narrowed: &mut Narrowed, value: Value) -> String {
    narrowed.values.push(value);
    format!("?{}", narrowed.values.len())
}
