//! Records what became of messages: the events they were decoded to, with what each event adds to what is known of its
//! customer and where it is to go. Decides one thing: whether an event is already there.

use std::ops::Range;

use rusqlite::{OptionalExtension, params};
use snodo_core::consent::Change;
use snodo_core::identity::Identifier;
use snodo_core::{ChannelName, Class, CustomerId, Event, Fate, Lane, RouteName, Stuck};

use crate::facts::AsOf;
use crate::writer::Writing;
use crate::{DeliverySeq, EventSeq, MessageSeq, StoreError};

mod rows;

use rows::{Kind, Row};

/// What became of one message.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub message: MessageSeq,
    pub result: Decoding,
}

#[derive(Clone, Debug)]
pub enum Decoding {
    Decoded(Vec<NewEvent>),
    /// The connector could not decode it. It is kept whole, with the problem as JSON.
    Quarantined(String),
}

#[derive(Clone, Debug)]
pub struct NewEvent {
    pub event: Event,
    /// Where it stood in the message's events.
    pub place: u32,
    /// Of everything that a repetition must have in common with it.
    pub digest: [u8; 16],
    pub customer: Option<CustomerId>,
    /// Identifiers that nobody had yet, and that are this customer's from now on.
    pub identifiers: Vec<Identifier>,
    pub consents: Vec<Change>,
    /// How many routes it was considered for.
    pub routes: u32,
    /// How many of them did not want it.
    pub filtered: u32,
    /// Why not, where there is more to say than the declaration does: JSON.
    pub reasons: Option<String>,
    pub verdict: NewVerdict,
}

#[derive(Clone, Debug)]
pub enum NewVerdict {
    Routed(Vec<NewDelivery>),
    /// The violations, as JSON.
    Quarantined(String),
}

#[derive(Clone, Debug)]
pub struct NewDelivery {
    pub route: RouteName,
    pub destination: ChannelName,
    pub ordering_key: Option<String>,
    /// Those of one destination that have the same one keep their order. `None` keeps none.
    pub lane: Option<Lane>,
    pub stuck: Stuck,
    pub class: Class,
    pub purpose: Option<String>,
    /// Settled already, and why (`Suppressed`); otherwise in flight.
    pub fate: Option<(Fate, String)>,
}

/// Where an event of a recorded message is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedEvent {
    pub seq: EventSeq,
    pub message: MessageSeq,
    pub place: u32,
    pub outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its deliveries, in the order in which they were given.
    Routed(Range<DeliverySeq>),
    /// The message had been decoded before, and this event of it accepted: it is left as it was.
    Unchanged,
    Duplicate {
        of: EventSeq,
    },
    Quarantined,
}

/// Why an event is in quarantine whose id another event has. In the shape of core's violations.
const ANOTHER_BODY: &str = r#"[{"schema":"snodo:snodo/envelope/1-0-0","pointer":"/id","rule":"unique","message":"an event with this id was accepted before, with another body"}]"#;

/// A message that is to be decoded, as it stands.
struct Undecoded {
    channel: String,
    received: i64,
    /// How many events it has from before; `None` the first time.
    events: Option<i64>,
    /// The events of it that are in quarantine: what comes of them now takes their place.
    quarantined: Vec<Replaced>,
}

struct Replaced {
    id: [u8; 16],
    seq: EventSeq,
    routes: i64,
    digest: [u8; 16],
}

impl Undecoded {
    /// The one in quarantine that this event is now: with the same body if there is one, else with the same id.
    fn take_replaced(&mut self, new: &NewEvent) -> Option<Replaced> {
        let same_id = |one: &Replaced| one.id == *new.event.id.as_bytes();
        let same_body = self.quarantined.iter().position(|one| same_id(one) && one.digest == new.digest);
        let replaced = same_body.or_else(|| self.quarantined.iter().position(same_id))?;
        Some(self.quarantined.remove(replaced))
    }
}

impl Writing<'_, '_> {
    pub fn record(&mut self, batch: &[Recorded], as_of: AsOf) -> Result<Vec<RecordedEvent>, StoreError> {
        // First everything that can be refused, then the writing.
        let mut messages = Vec::with_capacity(batch.len());
        for recorded in batch {
            messages.push(self.undecoded(recorded.message)?);
            if let Decoding::Decoded(events) = &recorded.result {
                events.iter().try_for_each(|new| self.check_fresh(new, as_of))?;
            }
        }
        let mut done = Vec::new();
        for (recorded, mut message) in batch.iter().zip(messages) {
            match &recorded.result {
                Decoding::Decoded(events) => {
                    for new in events {
                        let (seq, outcome) = self.record_event(recorded.message, &mut message, new)?;
                        done.push(RecordedEvent {
                            seq,
                            message: recorded.message,
                            place: new.place,
                            outcome,
                        });
                    }
                    self.settle_message(recorded.message, &message, events.len(), None)?;
                }
                Decoding::Quarantined(problem) => {
                    self.settle_message(recorded.message, &message, 0, Some(problem))?;
                }
            }
        }
        Ok(done)
    }

    fn undecoded(&self, seq: MessageSeq) -> Result<Undecoded, StoreError> {
        let mut find = self.statements.prepare(
            "SELECT m.channel, m.received, p.events FROM message m \
             CROSS JOIN pending p ON p.channel = m.channel AND p.message = m.seq WHERE m.seq = ?1",
        )?;
        let found = find.query_row([seq], |row| {
            Ok(Undecoded {
                channel: row.get(0)?,
                received: row.get(1)?,
                events: row.get(2)?,
                quarantined: Vec::new(),
            })
        });
        let mut message = found.optional()?.ok_or_else(|| StoreError::Settled(format!("message {seq}")))?;
        if message.events.is_some() {
            let mut find = self.statements.prepare(
                "SELECT id, seq, routes, digest FROM event WHERE message = ?1 AND verdict = 'quarantined' \
                 ORDER BY place",
            )?;
            let rows = find.query_map([seq], |row| {
                Ok(Replaced { id: row.get(0)?, seq: row.get(1)?, routes: row.get(2)?, digest: row.get(3)? })
            })?;
            message.quarantined = rows.collect::<Result<_, _>>()?;
        }
        Ok(message)
    }

    /// What the caller decided on still holds: nobody has taken its identifiers, and its customer has said nothing new.
    fn check_fresh(&self, new: &NewEvent, as_of: AsOf) -> Result<(), StoreError> {
        let Some(customer) = new.customer else { return Ok(()) };
        let mut owner = self.statements.prepare("SELECT customer FROM identifier WHERE key = ?1")?;
        for identifier in &new.identifiers {
            let owned: Option<[u8; 16]> =
                owner.query_row([&identifier.key.0[..]], |row| row.get(0)).optional()?;
            if owned.is_some_and(|owner| owner != *customer.as_bytes()) {
                return Err(StoreError::Stale);
            }
        }
        if self.state.consent_change > as_of.0 && self.has_spoken_since(customer, as_of)? {
            return Err(StoreError::Stale);
        }
        Ok(())
    }

    pub(crate) fn has_spoken_since(&self, customer: CustomerId, as_of: AsOf) -> Result<bool, StoreError> {
        let mut last =
            self.statements.prepare("SELECT coalesce(max(change), 0) FROM consent WHERE customer = ?1")?;
        let last: i64 = last.query_row([&customer.as_bytes()[..]], |row| row.get(0))?;
        Ok(last > as_of.0)
    }

    fn record_event(
        &mut self,
        seq: MessageSeq,
        message: &mut Undecoded,
        new: &NewEvent,
    ) -> Result<(EventSeq, Outcome), StoreError> {
        if message.events.is_some()
            && let Some(there) = self.accepted_before(seq, message, new)?
        {
            return Ok((there, Outcome::Unchanged));
        }
        let at = self.state.next_event();
        if let Some(replaced) = message.take_replaced(new) {
            self.remove_quarantined(&replaced)?;
            self.repeat_instead(&replaced, at)?;
        }
        let row = Row { seq: at, message: seq, channel: &message.channel, new };
        let outcome = match (self.there_already(new)?, &new.verdict) {
            (Some(There::Same(of)), _) => {
                self.insert_event(&row, &Kind::Duplicate(of))?;
                Outcome::Duplicate { of }
            }
            (Some(There::Another), _) => {
                self.insert_event(&row, &Kind::Quarantined(ANOTHER_BODY))?;
                Outcome::Quarantined
            }
            (None, NewVerdict::Quarantined(violations)) => {
                self.insert_event(&row, &Kind::Quarantined(violations))?;
                Outcome::Quarantined
            }
            (None, NewVerdict::Routed(deliveries)) => {
                self.insert_event(&row, &Kind::Routed(deliveries))?;
                self.learn(at, new)?;
                let first = self.state.delivery_end();
                deliveries.iter().try_for_each(|delivery| self.insert_delivery(at, delivery))?;
                Outcome::Routed(first..self.state.delivery_end())
            }
        };
        Ok((at, outcome))
    }

    /// The event of an earlier decoding of this same message.
    fn accepted_before(
        &self,
        seq: MessageSeq,
        message: &Undecoded,
        new: &NewEvent,
    ) -> Result<Option<EventSeq>, StoreError> {
        // The one at the same place first; another place is the same event too, if the body is.
        let mut find = self.statements.prepare(
            "SELECT seq, duplicate_of FROM event WHERE message = ?1 AND id = ?2 AND verdict <> 'quarantined' \
             AND (place = ?3 OR digest = ?4) ORDER BY place = ?3 DESC",
        )?;
        let mut rows = find.query(params![seq, &new.event.id.as_bytes()[..], new.place, &new.digest[..]])?;
        while let Some(row) = rows.next()? {
            let of: Option<EventSeq> = row.get(1)?;
            // A repetition of what is in quarantine is accepted no more than that is.
            if !message.quarantined.iter().any(|one| Some(one.seq) == of) {
                return Ok(Some(row.get(0)?));
            }
        }
        Ok(None)
    }

    fn remove_quarantined(&mut self, replaced: &Replaced) -> Result<(), StoreError> {
        self.statements.prepare("DELETE FROM event WHERE seq = ?1")?.execute([replaced.seq])?;
        let tally = &mut self.state.tally;
        tally.events.quarantined -= 1;
        tally.expected -= replaced.routes;
        tally.fates[Fate::Quarantined] -= replaced.routes;
        Ok(())
    }

    /// Repetitions of the one that is gone are repetitions of the one in its place.
    fn repeat_instead(&self, replaced: &Replaced, at: EventSeq) -> Result<(), StoreError> {
        let mut update = self.statements.prepare(
            "UPDATE event SET duplicate_of = ?3 WHERE id = ?1 AND verdict = 'duplicate' AND duplicate_of = ?2",
        )?;
        update.execute(params![&replaced.id[..], replaced.seq, at])?;
        Ok(())
    }

    /// Whether an event with this id came within the window. One that was accepted counts; one in quarantine only if the
    /// new one would come to lie beside it.
    fn there_already(&self, new: &NewEvent) -> Result<Option<There>, StoreError> {
        let window = i64::try_from(self.options.dedup_window.as_millis()).unwrap_or(i64::MAX);
        let from = self.now.as_millis().saturating_sub(window);
        let mut find = self.statements.prepare(
            "SELECT seq, digest FROM event WHERE id = ?1 AND verdict = ?2 AND accepted >= ?3 ORDER BY seq DESC LIMIT ?4",
        )?;
        let id = &new.event.id.as_bytes()[..];
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let accepted: Option<(EventSeq, [u8; 16])> =
            find.query_row(params![id, "routed", from, 1], read).optional()?;
        match accepted {
            Some((seq, digest)) if digest == new.digest => return Ok(Some(There::Same(seq))),
            None if matches!(new.verdict, NewVerdict::Routed(_)) => return Ok(None),
            _ => {}
        }
        let mut rows = find.query(params![id, "quarantined", from, ALIKE_MAX])?;
        while let Some(row) = rows.next()? {
            let (seq, digest): (EventSeq, [u8; 16]) = read(row)?;
            if digest == new.digest {
                return Ok(Some(There::Same(seq)));
            }
        }
        Ok(accepted.map(|_| There::Another))
    }
}

/// Of the events in quarantine with one id, how many are looked at for one with the same body.
const ALIKE_MAX: i64 = 16;

enum There {
    Same(EventSeq),
    Another,
}
