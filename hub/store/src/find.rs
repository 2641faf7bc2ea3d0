//! Finds events: by id, by the beginning of one, or by what they are. Reads only.

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use snodo_core::{ChannelName, CustomerId, EventId, Fate, Timestamp};

use crate::{EventRow, EventSeq, Reader, StoreError, row};

/// What the beginning of an id stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    Nothing,
    /// The event; of several with one id, the one that was accepted, or else the first.
    One(EventSeq),
    /// The first few that begin so.
    Many(Vec<EventId>),
}

/// How many ids are named when the beginning of one stands for several.
const NAMED_MAX: usize = 10;

/// Which events. What is `None` does not matter.
#[derive(Clone, Debug)]
pub struct Filter {
    pub channel: Option<ChannelName>,
    /// `commerce.order.placed`, `commerce.*`, or `*`.
    pub kind: Option<String>,
    pub customer: Option<CustomerId>,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// On at least one route; `Some(None)` is in flight.
    pub fate: Option<Option<Fate>>,
    /// Only later ones: where the last listing ended.
    pub after: Option<EventSeq>,
    pub order: Order,
    pub limit: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    OldestFirst,
    #[default]
    NewestFirst,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            channel: None,
            kind: None,
            customer: None,
            since: None,
            until: None,
            fate: None,
            after: None,
            order: Order::default(),
            limit: 100,
        }
    }
}

impl Reader {
    /// The event whose id is `text`, or begins with it; hyphens do not matter.
    pub fn find(&self, text: &str) -> Result<Found, StoreError> {
        let Some((low, high)) = ids_from(text) else { return Ok(Found::Nothing) };
        self.snapshot(|sqlite| {
            let mut ids = sqlite.prepare_cached(
                "SELECT DISTINCT id FROM event WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT ?3",
            )?;
            let rows =
                ids.query_map((&low[..], &high[..], NAMED_MAX as i64), |row| row.get::<_, [u8; 16]>(0))?;
            let ids = rows.collect::<Result<Vec<_>, _>>()?;
            match ids.as_slice() {
                [] => Ok(Found::Nothing),
                [id] => Ok(Found::One(of_id(sqlite, id)?)),
                many => Ok(Found::Many(many.iter().copied().map(EventId::from_bytes).collect())),
            }
        })
    }

    pub fn event(&self, seq: EventSeq) -> Result<Option<EventRow>, StoreError> {
        let sql = format!("SELECT {}, {} FROM event e WHERE e.seq = ?1", row::EVENT, row::EVENT_ROW);
        self.snapshot(|sqlite| Ok(rows(sqlite, &sql, [seq.0.into()])?.pop()))
    }

    pub fn events(&self, filter: &Filter) -> Result<Vec<EventRow>, StoreError> {
        let (sql, values) = statement(filter);
        self.snapshot(|sqlite| Ok(rows(sqlite, &sql, values)?))
    }

    /// Everything that happened to a customer, as the hub learnt of it. Without repetitions.
    pub fn timeline(
        &self,
        customer: CustomerId,
        after: EventSeq,
        limit: usize,
    ) -> Result<Vec<EventRow>, StoreError> {
        let sql = format!(
            "SELECT {}, {} FROM event e INDEXED BY event_customer \
             WHERE e.customer = ?1 AND e.seq > ?2 AND e.verdict = 'routed' ORDER BY e.seq LIMIT ?3",
            row::EVENT,
            row::EVENT_ROW
        );
        let values = [customer.as_bytes().to_vec().into(), after.0.into(), count(limit)];
        self.snapshot(|sqlite| Ok(rows(sqlite, &sql, values)?))
    }
}

/// The first and the last id that begin with these hexadecimal digits. `None` if they are none.
pub fn ids_from(text: &str) -> Option<([u8; 16], [u8; 16])> {
    let digits: Vec<u8> =
        text.chars().filter(|c| *c != '-').map(|c| c.to_digit(16).map(|d| d as u8)).collect::<Option<_>>()?;
    if digits.is_empty() || digits.len() > 32 {
        return None;
    }
    let padded = |with: u8| {
        let digit = |at: usize| digits.get(at).copied().unwrap_or(with);
        std::array::from_fn(|at| (digit(2 * at) << 4) | digit(2 * at + 1))
    };
    Some((padded(0), padded(15)))
}

pub(crate) fn of_id(sqlite: &Connection, id: &[u8; 16]) -> rusqlite::Result<EventSeq> {
    let mut best = sqlite.prepare_cached(
        "SELECT seq FROM event WHERE id = ?1 ORDER BY verdict = 'routed' DESC, seq LIMIT 1",
    )?;
    best.query_row([&id[..]], |row| row.get(0))
}

pub(crate) fn rows(
    sqlite: &Connection,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> rusqlite::Result<Vec<EventRow>> {
    sqlite.prepare_cached(sql)?.query_map(params_from_iter(values), row::event_row)?.collect()
}

fn count(limit: usize) -> Value {
    i64::try_from(limit).unwrap_or(i64::MAX).into()
}

fn statement(filter: &Filter) -> (String, Vec<Value>) {
    let mut narrowed = Narrowed::default();
    narrowed.to(filter);
    let order = match filter.order {
        Order::OldestFirst => "ASC",
        Order::NewestFirst => "DESC",
    };
    let Narrowed { sql, mut values } = narrowed;
    values.push(count(filter.limit));
    let (event, row) = (row::EVENT, row::EVENT_ROW);
    let sql = format!(
        "SELECT {event}, {row} FROM event e WHERE TRUE{sql} ORDER BY e.seq {order} LIMIT ?{}",
        values.len()
    );
    (sql, values)
}

/// Conditions on the event `e`, each with the value that it asks for.
#[derive(Default)]
pub(crate) struct Narrowed {
    pub sql: String,
    pub values: Vec<Value>,
}

impl Narrowed {
    /// Each `?` of the condition is the value.
    pub fn by(&mut self, condition: &str, value: Value) {
        self.values.push(value);
        self.sql.push_str(" AND ");
        self.sql.push_str(&condition.replace('?', &format!("?{}", self.values.len())));
    }

    pub fn to(&mut self, filter: &Filter) {
        let Filter { channel, kind, customer, since, until, fate, after, order: _, limit: _ } = filter;
        let mut narrow = |condition: &str, value: Value| self.by(condition, value);
        if let Some(channel) = channel {
            narrow("e.channel = ?", channel.as_str().to_owned().into());
        }
        match kind.as_deref().map(|kind| kind.strip_suffix('*').ok_or(kind)) {
            None | Some(Ok("")) => {}
            Some(Ok(start)) => narrow("substr(e.kind, 1, length(?)) = ?", start.to_owned().into()),
            Some(Err(kind)) => narrow("e.kind = ?", kind.to_owned().into()),
        }
        if let Some(customer) = customer {
            narrow("e.customer = ?", customer.as_bytes().to_vec().into());
        }
        if let Some(after) = after {
            narrow("e.seq > ?", after.0.into());
        }
        // Times never fall from one event to the next, so a time is a place.
        if let Some(since) = since {
            narrow(
                "e.seq >= (SELECT min(seq) FROM event WHERE accepted = (SELECT min(accepted) FROM event WHERE accepted >= ?))",
                since.as_millis().into(),
            );
        }
        if let Some(until) = until {
            narrow(
                "e.seq <= (SELECT max(seq) FROM event WHERE accepted = (SELECT max(accepted) FROM event WHERE accepted <= ?))",
                until.as_millis().into(),
            );
        }
        if let Some(fate) = fate {
            let name = fate.map_or(Value::Null, |fate| fate.as_str().to_owned().into());
            let whole = match fate {
                Some(Fate::Duplicate) => "e.verdict = 'duplicate' OR ",
                Some(Fate::Quarantined) => "e.verdict = 'quarantined' OR ",
                Some(Fate::Filtered) => "e.filtered > 0 OR ",
                _ => "",
            };
            let condition = format!(
                "({whole}EXISTS (SELECT 1 FROM delivery d WHERE d.seq IN ({}) AND d.fate IS ?))",
                row::DELIVERIES
            );
            narrow(&condition, name);
        }
    }
}
