//! Finds events: by id, by the beginning of one, or by what they are. Reads only.

use snodo_core::{CustomerId, EventId, Fate};
use snodo_store::{EventRow, EventSeq, Filter, Found, Order, StoreError};
use tokio_postgres::types::ToSql;

use crate::reader::count;
use crate::{Reader, row};

/// How many ids are named when the beginning of one stands for several.
const NAMED_MAX: i64 = 10;

impl Reader {
    /// The event whose id is `text`, or begins with it; hyphens do not matter.
    pub fn find(&self, text: &str) -> Result<Found, StoreError> {
        let Some((low, high)) = range(text) else { return Ok(Found::Nothing) };
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
        let (which, values) = which(filter);
        let values: Vec<&(dyn ToSql + Sync)> =
            values.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect();
        self.event_rows(&which, &values)
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

/// The first and the last id that begin with these hexadecimal digits. `None` if they are none.
fn range(text: &str) -> Option<([u8; 16], [u8; 16])> {
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

type Values = Vec<Box<dyn ToSql + Sync>>;

fn which(filter: &Filter) -> (String, Values) {
    let Filter { channel, kind, customer, since, until, fate, after, order, limit } = filter;
    let mut which = "TRUE".to_owned();
    let mut values: Values = Vec::new();
    let mut narrow = |condition: &str, value: Box<dyn ToSql + Sync>| {
        values.push(value);
        which.push_str(" AND ");
        which.push_str(&condition.replace('?', &format!("${}", values.len())));
    };
    if let Some(channel) = channel {
        narrow("e.channel = ?", Box::new(channel.as_str().to_owned()));
    }
    match kind.as_deref().map(|kind| kind.strip_suffix('*').ok_or(kind)) {
        None | Some(Ok("")) => {}
        Some(Ok(start)) => narrow("starts_with(e.kind, ?)", Box::new(start.to_owned())),
        Some(Err(kind)) => narrow("e.kind = ?", Box::new(kind.to_owned())),
    }
    if let Some(customer) = customer {
        narrow("e.customer = ?", Box::new(customer.as_bytes().to_vec()));
    }
    if let Some(after) = after {
        narrow("e.seq > ?", Box::new(after.0));
    }
    // Times never fall from one event to the next, so a time is a place.
    if let Some(since) = since {
        narrow(
            "e.seq >= (SELECT seq FROM event WHERE accepted >= ? ORDER BY accepted, seq LIMIT 1)",
            Box::new(since.as_millis()),
        );
    }
    if let Some(until) = until {
        narrow(
            "e.seq <= (SELECT seq FROM event WHERE accepted <= ? ORDER BY accepted DESC, seq DESC LIMIT 1)",
            Box::new(until.as_millis()),
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
        narrow(&condition, Box::new(name));
    }
    let order = match order {
        Order::OldestFirst => "ASC",
        Order::NewestFirst => "DESC",
    };
    values.push(Box::new(count(*limit)));
    which.push_str(&format!(" ORDER BY e.seq {order} LIMIT ${}", values.len()));
    (which, values)
}
