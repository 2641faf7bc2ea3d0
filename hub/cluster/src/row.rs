//! Rows as values. Knows the columns' order; decides nothing.

use std::str::FromStr;

use bytes::Bytes;
use snodo_core::{Class, CustomerId, Event, EventId, Fate, Message, MessageId, Timestamp};
use snodo_store::{
    DeliveryRow, DeliverySeq, Due, EventRow, EventSeq, MessageRow, MessageSeq, Standing, StoreError, Verdict,
};
use tokio_postgres::Row;

use crate::text::given;

type Read<T> = Result<T, StoreError>;

/// What `message` reads, in its order.
pub(crate) const MESSAGE: &str = "m.seq, m.id, m.channel, m.received, m.envelope, m.body";

pub(crate) fn message(row: &Row) -> Read<(MessageSeq, Message)> {
    let envelope = serde_json::from_str(row.get(4))
        .map_err(|error| StoreError::corrupt(format!("an envelope is unreadable: {error}")))?;
    let message = Message {
        id: MessageId::from_bytes(sixteen(row.get(1))?),
        channel: parsed(row.get(2))?,
        received: Timestamp::from_millis(row.get(3)),
        envelope,
        body: Bytes::copy_from_slice(row.get(5)),
    };
    Ok((MessageSeq(row.get(0)), message))
}

/// What `message_row` reads after the columns of `MESSAGE`, from the row `s` of `settled_message`, which need not be there.
pub(crate) const STANDING: &str = "s.at, s.events, s.problem";

pub(crate) fn message_row(row: &Row) -> Read<MessageRow> {
    let (seq, message) = message(row)?;
    let standing = match (row.get::<_, Option<i64>>(6).map(Timestamp::from_millis), row.get(8)) {
        (None, _) => Standing::Pending,
        (Some(at), Some(problem)) => Standing::Quarantined { problem, at },
        (Some(at), None) => {
            Standing::Decoded { events: number(row.get::<_, Option<i64>>(7).unwrap_or(0))?, at }
        }
    };
    Ok(MessageRow { seq, message, standing })
}

/// What `event` reads, in its order, from the row `e`.
pub(crate) const EVENT: &str = "e.id, e.kind, e.source, e.subject, e.time, e.dataschema, e.ordering_key, e.attributes, \
     coalesce(e.data, (SELECT o.data FROM event o WHERE o.seq = e.duplicate_of), ''::bytea)";

pub(crate) fn event(row: &Row) -> Read<Event> {
    let attributes = match row.get::<_, Option<&str>>(7) {
        None => Vec::new(),
        Some(text) => serde_json::from_str(text)
            .map_err(|error| StoreError::corrupt(format!("attributes are unreadable: {error}")))?,
    };
    Ok(Event {
        id: EventId::from_bytes(sixteen(row.get(0))?),
        kind: row.get::<_, &str>(1).into(),
        source: row.get::<_, &str>(2).into(),
        subject: row.get::<_, Option<String>>(3).map(given),
        time: given(row.get(4)),
        dataschema: row.get::<_, &str>(5).into(),
        ordering_key: row.get::<_, Option<String>>(6).map(given),
        attributes,
        data: Bytes::copy_from_slice(row.get(8)),
    })
}

/// What `event_row` reads after the columns of `EVENT`.
pub(crate) const EVENT_ROW: &str = "e.seq, e.message, e.place, e.channel, e.customer, e.accepted, e.routes, e.filtered, \
     e.reasons, e.verdict, e.violations, e.duplicate_of, \
     (SELECT coalesce(max(d.replays), 0) FROM delivery d WHERE d.event = e.seq)";

pub(crate) fn event_row(row: &Row) -> Read<EventRow> {
    let verdict = match row.get(18) {
        "routed" => Verdict::Routed,
        "duplicate" => Verdict::Duplicate { of: EventSeq(row.get(20)) },
        _ => Verdict::Quarantined { violations: row.get(19) },
    };
    Ok(EventRow {
        seq: EventSeq(row.get(9)),
        message: MessageSeq(row.get(10)),
        place: number(row.get(11))?,
        channel: parsed(row.get(12))?,
        event: event(row)?,
        customer: customer(row.get(13))?,
        accepted: Timestamp::from_millis(row.get(14)),
        routes: number(row.get(15))?,
        filtered: number(row.get(16))?,
        reasons: row.get(17),
        verdict,
        replays: number(row.get(21))?,
    })
}

/// The `due_at` of a delivery that waits for another of its lane.
pub(crate) const WAITS: i64 = i64::MAX;

/// What `delivery` reads, in its order.
pub(crate) const DELIVERY: &str = "d.seq, d.event, d.route, d.destination, d.ordering_key, d.purpose, d.fate, d.reason, \
     d.due_at, d.attempts, d.last, d.settled_at, d.replays";

pub(crate) fn delivery(row: &Row) -> Read<DeliveryRow> {
    let fate = fate(row.get(6))?;
    let due: i64 = row.get(8);
    Ok(DeliveryRow {
        seq: DeliverySeq(row.get(0)),
        event: EventSeq(row.get(1)),
        route: parsed(row.get(2))?,
        destination: parsed(row.get(3))?,
        ordering_key: row.get::<_, Option<String>>(4).map(given),
        purpose: row.get(5),
        fate,
        reason: row.get::<_, Option<String>>(7).map(given),
        due: (fate.is_none() && due > 0 && due < WAITS).then(|| Timestamp::from_millis(due)),
        waits: fate.is_none() && due == WAITS,
        attempts: number(row.get(9))?,
        last: row.get(10),
        settled: row.get::<_, Option<i64>>(11).map(Timestamp::from_millis),
        replays: number(row.get(12))?,
    })
}

/// What `due` reads after the columns of `EVENT`, from the rows `d` and `e`.
pub(crate) const DUE: &str = "d.seq, d.route, d.destination, d.attempts, d.ordering_key, e.customer, e.accepted, d.due_at, \
     d.class, d.replays, d.partition, d.attempts_before, d.resumed_at";

pub(crate) fn due(row: &Row) -> Read<Due> {
    let class = usize::try_from(row.get::<_, i16>(17)).ok();
    let (attempts, attempts_before): (i64, i64) = (row.get(12), row.get(20));
    let accepted: i64 = row.get(15);
    Ok(Due {
        event: event(row)?,
        seq: DeliverySeq(row.get(9)),
        route: parsed(row.get(10))?,
        destination: parsed(row.get(11))?,
        attempt: number(attempts + 1)?,
        attempt_now: number(attempts + 1 - attempts_before)?,
        since: Timestamp::from_millis(row.get::<_, Option<i64>>(21).unwrap_or(accepted)),
        ordering_key: row.get::<_, Option<String>>(13).map(given),
        customer: customer(row.get(14))?,
        accepted: Timestamp::from_millis(accepted),
        fresh: row.get::<_, i64>(16) == 0,
        class: class.and_then(|class| Class::ALL.get(class)).copied().unwrap_or_default(),
        replays: number(row.get(18))?,
    })
}

/// `None` is in flight.
pub(crate) fn fate(text: Option<&str>) -> Read<Option<Fate>> {
    let known =
        |text: &str| Fate::parse(text).ok_or_else(|| StoreError::corrupt(format!("{text:?} is no fate")));
    text.map(known).transpose()
}

/// A name that was checked when it was declared.
pub(crate) fn parsed<T: FromStr>(text: &str) -> Read<T>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error| StoreError::corrupt(format!("{error}")))
}

pub(crate) fn customer(bytes: Option<&[u8]>) -> Read<Option<CustomerId>> {
    bytes.map(|bytes| sixteen(bytes).map(CustomerId::from_bytes)).transpose()
}

pub(crate) fn sixteen(bytes: &[u8]) -> Read<[u8; 16]> {
    bytes.try_into().map_err(|_| StoreError::corrupt("an id has not 16 bytes"))
}

fn number<T: TryFrom<i64>>(number: i64) -> Read<T> {
    T::try_from(number).map_err(|_| StoreError::corrupt(format!("{number} is out of range")))
}
