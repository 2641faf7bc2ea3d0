//! Rows as values. Knows the columns' order; decides nothing.

use std::str::FromStr;

use bytes::Bytes;
use rusqlite::Row;
use rusqlite::types::{FromSqlError, Type};
use serde::Serialize;
use snodo_core::message::Envelope;
use snodo_core::{ChannelName, CustomerId, Event, EventId, Fate, Message, MessageId, RouteName, Timestamp};

use crate::{DeliverySeq, EventSeq, MessageSeq};

/// A stored message and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRow {
    pub seq: MessageSeq,
    pub message: Message,
    pub standing: Standing,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// It is to be decoded.
    Pending,
    Decoded {
        events: u32,
        at: Timestamp,
    },
    /// Nobody could decode it; the problem as JSON.
    Quarantined {
        problem: String,
        at: Timestamp,
    },
}

/// A stored event and what was decided about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    pub seq: EventSeq,
    pub message: MessageSeq,
    pub place: u32,
    pub channel: ChannelName,
    /// A duplicate has the body of the event that it repeats; an empty one if that is gone.
    pub event: Event,
    pub customer: Option<CustomerId>,
    pub accepted: Timestamp,
    pub routes: u32,
    pub filtered: u32,
    pub reasons: Option<String>,
    pub verdict: Verdict,
    /// How often the delivery of it that was sent once more most often was.
    pub replays: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Routed,
    Duplicate {
        of: EventSeq,
    },
    /// The violations, as JSON.
    Quarantined {
        violations: String,
    },
}

/// A stored delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRow {
    pub seq: DeliverySeq,
    pub event: EventSeq,
    pub route: RouteName,
    pub destination: ChannelName,
    pub ordering_key: Option<String>,
    pub purpose: Option<String>,
    /// `None` while in flight.
    pub fate: Option<Fate>,
    pub reason: Option<String>,
    /// When it is tried again, if it was tried and is in flight.
    pub due: Option<Timestamp>,
    /// It is in flight behind another of its lane.
    pub waits: bool,
    pub attempts: u32,
    /// The last attempt, as JSON.
    pub last: Option<String>,
    pub settled: Option<Timestamp>,
    /// How often it was sent once more after it had its fate.
    pub replays: u32,
}

/// What `message` reads, in its order.
pub(crate) const MESSAGE: &str = "m.seq, m.id, m.channel, m.received, m.envelope, m.body";

pub(crate) fn message(row: &Row<'_>) -> rusqlite::Result<(MessageSeq, Message)> {
    let envelope: Envelope = serde_json::from_str(row.get_ref(4)?.as_str()?)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(4, Type::Text, Box::new(error)))?;
    let message = Message {
        id: MessageId::from_bytes(row.get(1)?),
        channel: parsed(row, 2)?,
        received: Timestamp::from_millis(row.get(3)?),
        envelope,
        body: Bytes::copy_from_slice(row.get_ref(5)?.as_blob()?),
    };
    Ok((row.get(0)?, message))
}

/// What `event` reads, in its order, from the row `e`.
pub(crate) const EVENT: &str = "e.id, e.kind, e.source, e.subject, e.time, e.dataschema, e.ordering_key, e.attributes, \
     coalesce(e.data, (SELECT o.data FROM event o WHERE o.seq = e.duplicate_of), x'')";

pub(crate) fn event(row: &Row<'_>) -> rusqlite::Result<Event> {
    let attributes = match row.get_ref(7)?.as_str_or_null()? {
        None => Vec::new(),
        Some(text) => serde_json::from_str(text)
            .map_err(|error| rusqlite::Error::FromSqlConversionFailure(7, Type::Text, Box::new(error)))?,
    };
    Ok(Event {
        id: EventId::from_bytes(row.get(0)?),
        kind: row.get(1)?,
        source: row.get(2)?,
        subject: row.get(3)?,
        time: row.get(4)?,
        dataschema: row.get(5)?,
        ordering_key: row.get(6)?,
        attributes,
        data: Bytes::copy_from_slice(row.get_ref(8)?.as_blob()?),
    })
}

macro_rules! deliveries {
    () => {
        "SELECT seq FROM delivery WHERE seq >= e.first_delivery AND seq < e.first_delivery + e.deliveries \
         UNION ALL SELECT seq FROM delivery INDEXED BY delivery_added WHERE added = 1 AND event = e.seq"
    };
}

/// The places of the deliveries of the event `e`.
pub(crate) const DELIVERIES: &str = deliveries!();

/// What `event_row` reads after the columns of `EVENT`.
pub(crate) const EVENT_ROW: &str = concat!(
    "e.seq, e.message, e.place, e.channel, e.customer, e.accepted, e.routes, e.filtered, e.reasons, e.verdict, e.violations, \
     e.duplicate_of, (SELECT coalesce(max(replays), 0) FROM delivery WHERE seq IN (",
    deliveries!(),
    "))"
);

pub(crate) fn event_row(row: &Row<'_>) -> rusqlite::Result<EventRow> {
    let verdict = match row.get_ref(18)?.as_str()? {
        "routed" => Verdict::Routed,
        "duplicate" => Verdict::Duplicate { of: row.get(20)? },
        _ => Verdict::Quarantined { violations: row.get(19)? },
    };
    Ok(EventRow {
        seq: row.get(9)?,
        message: row.get(10)?,
        place: row.get(11)?,
        channel: parsed(row, 12)?,
        event: event(row)?,
        customer: row.get::<_, Option<[u8; 16]>>(13)?.map(CustomerId::from_bytes),
        accepted: Timestamp::from_millis(row.get(14)?),
        routes: row.get(15)?,
        filtered: row.get(16)?,
        reasons: row.get(17)?,
        verdict,
        replays: row.get(21)?,
    })
}

/// The `due_at` of a delivery that waits for another of its lane.
pub(crate) const WAITS: i64 = i64::MAX;

/// What `delivery` reads, in its order.
pub(crate) const DELIVERY: &str = "d.seq, d.event, d.route, d.destination, d.ordering_key, d.purpose, d.fate, d.reason, \
     d.due_at, d.attempts, d.last, d.settled_at, d.replays";

pub(crate) fn delivery(row: &Row<'_>) -> rusqlite::Result<DeliveryRow> {
    let fate = fate(row, 6)?;
    let due: i64 = row.get(8)?;
    Ok(DeliveryRow {
        seq: row.get(0)?,
        event: row.get(1)?,
        route: parsed(row, 2)?,
        destination: parsed(row, 3)?,
        ordering_key: row.get(4)?,
        purpose: row.get(5)?,
        fate,
        reason: row.get(7)?,
        due: (fate.is_none() && due > 0 && due < WAITS).then(|| Timestamp::from_millis(due)),
        waits: fate.is_none() && due == WAITS,
        attempts: row.get(9)?,
        last: row.get(10)?,
        settled: row.get::<_, Option<i64>>(11)?.map(Timestamp::from_millis),
        replays: row.get(12)?,
    })
}

/// `None` is in flight.
pub(crate) fn fate(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Fate>> {
    let Some(text) = row.get_ref(column)?.as_str_or_null()? else { return Ok(None) };
    match Fate::parse(text) {
        Some(fate) => Ok(Some(fate)),
        None => Err(FromSqlError::Other(format!("{text:?} is no fate").into()).into()),
    }
}

/// A name that was checked when it was declared.
pub(crate) fn parsed<T>(row: &Row<'_>, column: usize) -> rusqlite::Result<T>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    let text = row.get_ref(column)?.as_str()?;
    text.parse()
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}
