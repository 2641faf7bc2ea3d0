//! The ledger: counts the rows, and can be compared with the numbers that the nodes keep. A message that waits at the broker is in
//! neither: it is counted as accepted once it is in the database, which is moments later unless the database is away.

use std::future::Future;
use std::sync::Arc;

use deadpool_postgres::Object;
use snodo_core::{Fate, Timestamp};
use snodo_store::{Audit, Balance, Events, Messages, StoreError, Tally};
use tokio_postgres::{Error, Row};

use crate::database::COUNT_TIME_MAX;
use crate::{Reader, row};

/// The numbers of a tally in the order in which they are stored, which never changes.
pub(crate) fn numbers(tally: &Tally) -> Vec<i64> {
    let Tally { messages, events, expected, fates, in_flight } = tally;
    let mut numbers = vec![
        messages.accepted,
        messages.pending,
        messages.decoded,
        messages.quarantined,
        events.decoded,
        events.routed,
        events.duplicate,
        events.quarantined,
        *expected,
        *in_flight,
    ];
    numbers.extend(fates.iter().map(|(_, count)| count));
    numbers
}

fn of_numbers(numbers: &[i64]) -> Tally {
    let mut tally = Tally::default();
    let [
        accepted,
        pending,
        decoded,
        unreadable,
        events,
        routed,
        duplicate,
        quarantined,
        expected,
        in_flight,
        fates @ ..,
    ] = numbers
    else {
        // No node has written yet.
        return tally;
    };
    tally.messages =
        Messages { accepted: *accepted, pending: *pending, decoded: *decoded, quarantined: *unreadable };
    tally.events =
        Events { decoded: *events, routed: *routed, duplicate: *duplicate, quarantined: *quarantined };
    (tally.expected, tally.in_flight) = (*expected, *in_flight);
    for (fate, count) in Fate::ALL.into_iter().zip(fates) {
        tally.fates[fate] = *count;
    }
    tally
}

pub(crate) const SUMS: &str = "SELECT coalesce(array_agg(sum ORDER BY place), '{}') FROM ( \
     SELECT place, sum(number)::bigint AS sum FROM tally, unnest(numbers) WITH ORDINALITY AS n (number, place) GROUP BY place) s";

fn kept(row: &Row) -> Tally {
    of_numbers(&row.get::<_, Vec<i64>>(0))
}

impl Reader {
    /// Counts all rows; with `since`, messages received from then on, and events accepted from then on.
    pub fn balance(&self, since: Option<Timestamp>) -> Result<Balance, StoreError> {
        let (counted, removed) =
            self.count(async |client| Ok((count(&client, since).await?, removed(&client).await?)))?;
        let mut balance = counted.balance()?;
        if since.is_none() {
            balance.add(parsed(removed.as_ref())?);
        }
        Ok(balance)
    }

    pub fn audit(&self) -> Result<Audit, StoreError> {
        let (counted, removed, kept) = self.count(async |client| {
            let (counted, removed) = (count(&client, None).await?, removed(&client).await?);
            Ok((counted, removed, kept(&client.query_one(SUMS, &[]).await?)))
        })?;
        let mut counted = counted.balance()?;
        counted.add(parsed(removed.as_ref())?);
        Ok(Audit { counted: counted.tally, kept })
    }

    /// What retention has removed, in the ledger's numbers.
    pub fn removed(&self) -> Result<Tally, StoreError> {
        Ok(parsed(self.with(async |client| removed(&client).await)?.as_ref())?.tally)
    }

    fn count<T, F>(&self, read: impl FnOnce(Arc<Object>) -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, Error>>,
    {
        self.wait(self.database.snapshot(COUNT_TIME_MAX, read))
    }

    /// The numbers as the nodes keep them: cheap.
    pub fn tally(&self) -> Result<Tally, StoreError> {
        self.with(async |client| Ok(kept(&client.query_one(SUMS, &[]).await?)))
    }
}

/// What is not there any more.
pub(crate) const REMOVED: &str = "SELECT balance FROM removed";

async fn removed(client: &Object) -> Result<Option<Row>, Error> {
    client.query_opt(REMOVED, &[]).await
}

pub(crate) fn parsed(removed: Option<&Row>) -> Result<Balance, StoreError> {
    let Some(row) = removed else { return Ok(Balance::default()) };
    serde_json::from_str(row.get(0)).map_err(|error| {
        StoreError::corrupt(format!("the numbers of what was removed are unreadable: {error}"))
    })
}

/// What was counted, before it is sorted.
pub(crate) struct Counted {
    messages: Row,
    events: Vec<Row>,
    deliveries: Vec<Row>,
}

pub(crate) async fn count(client: &Object, since: Option<Timestamp>) -> Result<Counted, Error> {
    let since = since.map_or(i64::MIN, Timestamp::as_millis);
    let messages = client
        .query_one(
            "SELECT (SELECT count(*) FROM message WHERE received >= $1), p.waiting, p.events, s.settled, s.quarantined, s.events \
             FROM (SELECT count(*) AS waiting, coalesce(sum(p.events), 0)::bigint AS events \
                 FROM pending p JOIN message m ON m.seq = p.message WHERE m.received >= $1) p, \
             (SELECT count(*) AS settled, count(problem) AS quarantined, coalesce(sum(events), 0)::bigint AS events \
                 FROM settled_message WHERE received >= $1) s",
            &[&since],
        )
        .await?;
    let events = client
        .query(
            "SELECT verdict, count(*), coalesce(sum(routes), 0)::bigint, coalesce(sum(filtered), 0)::bigint FROM event \
             WHERE accepted >= $1 GROUP BY verdict",
            &[&since],
        )
        .await?;
    let deliveries = client
        .query(
            "SELECT d.fate, d.route, count(*) FROM delivery d WHERE d.event >= coalesce(( \
                 SELECT seq FROM event WHERE accepted >= $1 ORDER BY accepted, seq LIMIT 1), 9223372036854775807) GROUP BY 1, 2",
            &[&since],
        )
        .await?;
    Ok(Counted { messages, events, deliveries })
}

impl Counted {
    pub fn balance(self) -> Result<Balance, StoreError> {
        let mut balance = Balance::default();
        let tally = &mut balance.tally;
        let number = |at: usize| self.messages.get::<_, i64>(at);
        tally.messages.accepted = number(0);
        tally.messages.pending = number(1);
        tally.messages.decoded = number(3) - number(4);
        tally.messages.quarantined = number(4);
        tally.events.decoded = number(2) + number(5);
        for row in self.events {
            tally.count_events(row.get(0), row.get(1), row.get(2), row.get(3));
        }
        for row in self.deliveries {
            let (fate, route, count): (_, String, i64) = (row::fate(row.get(0))?, row.get(1), row.get(2));
            match fate {
                Some(fate) => tally.fates[fate] += count,
                None => tally.in_flight += count,
            }
            let name = fate.map_or("in flight", Fate::as_str);
            *balance.routes.entry(route).or_default().entry(name.to_owned()).or_default() += count;
        }
        Ok(balance)
    }
}
