//! The rows that a recorded message leaves, and the ledger's numbers that change with them. Decides nothing.

use rusqlite::params;
use snodo_core::consent::Change;
use snodo_core::identity::Identifier;
use snodo_core::{Event, Fate, Stuck};

use super::{NewDelivery, NewEvent, Undecoded};
use crate::writer::Writing;
use crate::{EventSeq, MessageSeq, StoreError, row};

/// A row of the table of events, before it is one.
pub(super) struct Row<'a> {
    pub seq: EventSeq,
    pub message: MessageSeq,
    pub channel: &'a str,
    pub new: &'a NewEvent,
}

pub(super) enum Kind<'a> {
    Routed(&'a [NewDelivery]),
    Duplicate(EventSeq),
    Quarantined(&'a str),
}

impl Writing<'_, '_> {
    /// What the event says about its customer.
    pub(super) fn learn(&mut self, seq: EventSeq, new: &NewEvent) -> Result<(), StoreError> {
        let Some(customer) = new.customer else { return Ok(()) };
        let (customer, now) = (&customer.as_bytes()[..], self.now.as_millis());
        let mut attach = self.statements.prepare(
            "INSERT INTO identifier (key, namespace, customer, event, at) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
        )?;
        for Identifier { namespace, key } in &new.identifiers {
            attach.execute(params![&key.0[..], namespace, customer, seq, now])?;
        }
        // What was said later counts; of two things said at one time, the one that agrees to less (`Consents::apply`).
        let mut stand = self.statements.prepare(
            "INSERT INTO consent (customer, purpose, state, at, change) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT DO UPDATE SET state = excluded.state, at = excluded.at, change = excluded.change \
             WHERE excluded.at > at OR (excluded.at = at AND state = 'granted' AND excluded.state <> 'granted')",
        )?;
        let mut add = self.statements.prepare(
            "INSERT INTO consent_change (seq, customer, purpose, state, at, event, accepted) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        for Change { purpose, state, at } in &new.consents {
            let (change, state, at) = (self.state.next_consent_change(), state.as_str(), at.as_millis());
            add.execute(params![change, customer, purpose, state, at, seq, now])?;
            stand.execute(params![customer, purpose, state, at, change])?;
        }
        Ok(())
    }

    pub(super) fn insert_event(&mut self, row: &Row<'_>, kind: &Kind<'_>) -> Result<(), StoreError> {
        let Row { seq, message, channel, new } = row;
        let Event { id, kind: event_kind, source, subject, time, dataschema, ordering_key, attributes, data } =
            &new.event;
        let routes = i64::from(new.routes);
        let filtered = i64::from(new.filtered);
        let customer = new.customer.as_ref().map(|customer| &customer.as_bytes()[..]);
        let attributes = (!attributes.is_empty())
            .then(|| serde_json::to_string(attributes).expect("attributes are made of strings"));
        let tally = &mut self.state.tally;
        tally.expected += routes;
        let (verdict, violations, of, filtered, reasons, customer, deliveries) = match kind {
            Kind::Routed(deliveries) => {
                tally.events.routed += 1;
                tally.fates[Fate::Filtered] += filtered;
                ("routed", None, None, filtered, new.reasons.as_ref(), customer, deliveries.len())
            }
            Kind::Duplicate(of) => {
                tally.events.duplicate += 1;
                tally.fates[Fate::Duplicate] += routes;
                ("duplicate", None, Some(of), 0, None, customer, 0)
            }
            // Whose it is has not been accepted either.
            Kind::Quarantined(violations) => {
                tally.events.quarantined += 1;
                tally.fates[Fate::Quarantined] += routes;
                ("quarantined", Some(violations), None, 0, None, None, 0)
            }
        };
        let deliveries = i64::try_from(deliveries).expect("an event has few deliveries");
        let data = of.is_none().then_some(&data[..]);
        let mut insert = self.statements.prepare(
            "INSERT INTO event (seq, id, message, place, channel, kind, source, subject, time, dataschema, ordering_key, \
                 attributes, customer, accepted, routes, filtered, reasons, first_delivery, deliveries, verdict, violations, duplicate_of, \
                 digest, data) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24)",
        )?;
        insert.execute(params![
            seq,
            &id.as_bytes()[..],
            message,
            new.place,
            channel,
            &**event_kind,
            &**source,
            subject,
            time,
            &**dataschema,
            ordering_key,
            attributes,
            customer,
            self.now.as_millis(),
            routes,
            filtered,
            reasons,
            self.state.delivery_end(),
            deliveries,
            verdict,
            violations,
            of,
            &new.digest[..],
            data,
        ])?;
        Ok(())
    }

    pub(crate) fn insert_delivery(&mut self, event: EventSeq, new: &NewDelivery) -> Result<(), StoreError> {
        let NewDelivery { route, destination, ordering_key, lane, stuck, class, purpose, fate } = new;
        let seq = self.state.next_delivery();
        let (route, destination) = (route.as_str(), destination.as_str());
        let lane = lane.filter(|_| fate.is_none());
        let waits = match lane {
            Some(lane) => self.is_busy(destination, lane)?,
            None => false,
        };
        match fate {
            Some((fate, _)) => self.state.tally.fates[*fate] += 1,
            None => self.state.tally.in_flight += 1,
        }
        let settled_at = fate.as_ref().map(|_| self.now.as_millis());
        let (fate, reason) = fate.as_ref().map(|(fate, reason)| (fate.as_str(), reason)).unzip();
        let mut insert = self.statements.prepare(
            "INSERT INTO delivery (seq, event, route, destination, ordering_key, purpose, fate, due_at, attempts, reason, \
                 settled_at, lane, class) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, ?9, ?10, ?11, ?12)",
        )?;
        insert.execute(params![
            seq,
            event,
            route,
            destination,
            ordering_key,
            purpose,
            fate,
            if waits { row::WAITS } else { 0 },
            reason,
            settled_at,
            lane.map(|lane| lane.0),
            *class as i64,
        ])?;
        match (waits, stuck) {
            (true, Stuck::Newest) => self.supersede(seq),
            _ => Ok(()),
        }
    }

    pub(super) fn settle_message(
        &mut self,
        seq: MessageSeq,
        message: &Undecoded,
        events: usize,
        problem: Option<&String>,
    ) -> Result<(), StoreError> {
        let events = match message.events {
            None => i64::try_from(events).expect("a message has few events"),
            Some(_) => self.settle_again(seq, message, problem)?,
        };
        let mut done = self.statements.prepare("DELETE FROM pending WHERE channel = ?1 AND message = ?2")?;
        if done.execute((&message.channel, seq))? == 0 {
            return Err(StoreError::Settled(format!("message {seq} twice in one batch")));
        }
        let mut settle = self.statements.prepare(
            "INSERT INTO settled_message (message, received, at, events, problem) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        settle.execute(params![seq, message.received, self.now.as_millis(), events, problem])?;
        let tally = &mut self.state.tally;
        tally.messages.pending -= 1;
        match problem {
            None => tally.messages.decoded += 1,
            Some(_) => tally.messages.quarantined += 1,
        }
        tally.events.decoded += events - message.events.unwrap_or(0);
        Ok(())
    }

    /// Events in quarantine that the message no longer decodes to have been superseded; how many it has now.
    fn settle_again(
        &mut self,
        seq: MessageSeq,
        message: &Undecoded,
        problem: Option<&String>,
    ) -> Result<i64, StoreError> {
        if problem.is_none() {
            message.quarantined.iter().try_for_each(|replaced| self.remove_quarantined(replaced))?;
        }
        let mut count = self.statements.prepare("SELECT count(*) FROM event WHERE message = ?1")?;
        Ok(count.query_row([seq], |row| row.get(0))?)
    }
}
