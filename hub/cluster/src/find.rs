//! Finds events: by id, by the beginning of one, or by what they are. Reads only.

use snodo_core::{CustomerId, EventId, Fate};
use snodo_store::{EventRow, EventSeq, Filter, Found, Order, StoreError, ids_from};
use tokio_postgres::types::ToSql;

use crate::reader::count;
use crate::{Reader, row};

/// How many ids are named when the beginning of one stands for several.
const NAMED_MAX: i64 = 10;

impl Reader {
    /// The event whose id is `text`, or begins with it; hyphens do not matter.
    pub fn find(&self, text: &str) -> Result<Found, StoreError> {
        let Some((low, high)) = ids_from(text) else { return Ok(Found::Nothing) };
        let sql = "SELECT DISTINCT ON (id) id, seq FROM event WHERE id BETWEEN $1 AND $2 \
             ORDER BY id, verdict = 'routed' DESC, seq LIMIT $3";
        let rows = self.with(async |client| client.query(sql, &[&&low[..], &&high[..], &NAMED_MAX]).await)?;
        match rows.as_slice() {
            [] => Ok(Found::Nothing),
            [one] => Ok(Found::One(EventSeq(one.get(1)))),
            many => {
                let id = |row: &tokio_postgres::Row| row::sixteen(row.get(0)).map(EventId::from_bytes);
                Ok(Found::Many(many.iter().map(id).collect::<Result<_, _>>()?))
            }
        }
    }

    pub fn event(&self, seq: EventSeq) -> Result<Option<EventRow>, StoreError> {
        Ok(self.event_rows("e.seq = $1", &[&seq.0])?.pop())
    }

    pub fn events(&self, filter: &Filter) -> Result<Vec<EventRow>, StoreError> {
        let mut narrowed = Narrowed::default();
        narrowed.to(filter);
        let order = match filter.order {
            Order::OldestFirst => "ASC",
            Order::NewestFirst => "DESC",
        };
        let limit = narrowed.bound(count(filter.limit));
        let Narrowed { sql, values } = narrowed;
        let which = format!("{sql} ORDER BY e.seq {order} LIMIT {limit}");
        self.event_rows(&which, &Narrowed::parameters(&values))
    }

    /// Everything that happened to a customer, as the hub learnt of it. Without repetitions.
    pub fn timeline(
        &self,
        customer: CustomerId,
        after: EventSeq,
        limit: usize,
    ) -> Result<Vec<EventRow>, StoreError> {
        let which = "e.customer = $1 AND e.seq > $2 AND e.verdict = 'routed' ORDER BY e.seq LIMIT $3";
        self.event_rows(which, &[&&customer.as_bytes()[..], &after.0, &count(limit)])
    }

    pub(crate) fn event_rows(
        &self,
        which: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<EventRow>, StoreError> {
        let sql = format!("SELECT {}, {} FROM event e WHERE {which}", row::EVENT, row::EVENT_ROW);
        let rows = self.with(async |client| client.query(&sql, values).await)?;
        rows.iter().map(row::event_row).collect()
    }
}

/// Conditions on the event `e`, each with the value that it asks for.
pub(crate) struct Narrowed {
    pub sql: String,
    pub values: Vec<Box<dyn ToSql + Sync>>,
}

impl Default for Narrowed {
    fn default() -> Self {
        Self { sql: "TRUE".to_owned(), values: Vec::new() }
    }
}

impl Narrowed {
    /// As a call of the database takes them.
    pub fn parameters(values: &[Box<dyn ToSql + Sync>]) -> Vec<&(dyn ToSql + Sync)> {
        values.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect()
    }

    /// How the value is called in a condition.
    pub fn bound(&mut self, value: impl ToSql + Sync + 'static) -> String {
        self.values.push(Box::new(value));
        format!("${}", self.values.len())
    }

    /// The `?` of the condition is the value.
    pub fn by(&mut self, condition: &str, value: impl ToSql + Sync + 'static) {
        let name = self.bound(value);
        self.sql.push_str(" AND ");
        self.sql.push_str(&condition.replace('?', &name));
    }

    pub fn to(&mut self, filter: &Filter) {
        let Filter { channel, kind, customer, since, until, fate, after, order: _, limit: _ } = filter;
        if let Some(channel) = channel {
            self.by("e.channel = ?", channel.as_str().to_owned());
        }
        match kind.as_deref().map(|kind| kind.strip_suffix('*').ok_or(kind)) {
            None | Some(Ok("")) => {}
            Some(Ok(start)) => self.by("starts_with(e.kind, ?)", start.to_owned()),
            Some(Err(kind)) => self.by("e.kind = ?", kind.to_owned()),
        }
        if let Some(customer) = customer {
            self.by("e.customer = ?", customer.as_bytes().to_vec());
        }
        if let Some(after) = after {
            self.by("e.seq > ?", after.0);
        }
        // Times never fall from one event to the next, so a time is a place.
        if let Some(since) = since {
            self.by(
                "e.seq >= (SELECT seq FROM event WHERE accepted >= ? ORDER BY accepted, seq LIMIT 1)",
                since.as_millis(),
            );
        }
        if let Some(until) = until {
            self.by(
                "e.seq <= (SELECT seq FROM event WHERE accepted <= ? ORDER BY accepted DESC, seq DESC LIMIT 1)",
                until.as_millis(),
            );
        }
        if let Some(fate) = fate {
            let name = fate.map(|fate| fate.as_str().to_owned());
            let whole = match fate {
                Some(Fate::Duplicate) => "e.verdict = 'duplicate' OR ",
                Some(Fate::Quarantined) => "e.verdict = 'quarantined' OR ",
                Some(Fate::Filtered) => "e.filtered > 0 OR ",
                _ => "",
            };
            let condition = format!(
                "({whole}EXISTS (SELECT 1 FROM delivery d WHERE d.event = e.seq AND d.fate IS NOT DISTINCT FROM ?::text))"
            );
            self.by(&condition, name);
        }
    }
}
