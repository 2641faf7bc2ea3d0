//! The rows that recorded messages leave, gathered for all calls of a group. Decides nothing.

use std::collections::BTreeSet;

use snodo_core::consent::Change;
use snodo_core::identity::Identifier;
use snodo_core::{Event, Stuck};
use snodo_store::{DeliverySeq, EventSeq, MessageSeq, NewDelivery, NewEvent, StoreError};

use super::At;
use super::columns::{Changes, Deliveries, Events, Identifiers, Repeated, SettledMessages};
use super::known::{Known, Standing};
use crate::lanes::Place;
use crate::row::WAITS;
use crate::text::kept;
use crate::writer::{Wake, Writing};

#[derive(Clone, Copy)]
pub(super) enum Kind<'b> {
    Routed,
    Duplicate(EventSeq),
    Quarantined(&'b str),
}

#[derive(Default)]
pub(super) struct Rows<'b> {
    events: Events<'b>,
    removed: Vec<i64>,
    repeated: Repeated,
    settled: SettledMessages<'b>,
    deliveries: Deliveries<'b>,
    identifiers: Identifiers<'b>,
    changes: Changes<'b>,
    /// Lanes that something was added to.
    lanes: BTreeSet<Place>,
    /// Deliveries that take the place of older ones of their type.
    newest: Vec<i64>,
}

impl<'b> Rows<'b> {
    pub fn add_event(&mut self, at: &At, channel: &str, kind: Kind<'b>, new: &'b NewEvent) {
        let Event { id, kind: event_kind, source, subject, time, dataschema, ordering_key, attributes, data } =
            &new.event;
        let (verdict, violations, of) = match kind {
            Kind::Routed => ("routed", None, None),
            Kind::Duplicate(of) => ("duplicate", None, Some(of.0)),
            Kind::Quarantined(violations) => ("quarantined", Some(violations), None),
        };
        let is_routed = verdict == "routed";
        // Whose it is that is in quarantine has not been accepted either.
        let customer = new.customer.as_ref().filter(|_| violations.is_none());
        let rows = &mut self.events;
        rows.seqs.push(at.seq.0);
        rows.ids.push(id.as_bytes());
        rows.messages.push(at.message.0);
        rows.places.push(i64::from(new.place));
        rows.channels.push(channel.to_owned());
        rows.kinds.push(event_kind);
        rows.sources.push(source);
        rows.subjects.push(subject.as_deref().map(kept));
        rows.times.push(kept(time));
        rows.dataschemas.push(dataschema);
        rows.ordering_keys.push(ordering_key.as_deref().map(kept));
        rows.attributes.push(
            (!attributes.is_empty())
                .then(|| serde_json::to_string(attributes).expect("attributes are made of strings")),
        );
        rows.customers.push(customer.map(|customer| &customer.as_bytes()[..]));
        rows.routes.push(i64::from(new.routes));
        rows.filtered.push(if is_routed { i64::from(new.filtered) } else { 0 });
        rows.reasons.push(new.reasons.as_deref().filter(|_| is_routed));
        rows.verdicts.push(verdict);
        rows.violations.push(violations);
        rows.duplicate_of.push(of);
        rows.digests.push(&new.digest);
        rows.data.push(of.is_none().then_some(&data[..]));
    }

    pub fn remove_event(&mut self, seq: EventSeq) {
        self.removed.push(seq.0);
    }

    pub fn repeat_instead(&mut self, id: [u8; 16], before: EventSeq, now: EventSeq) {
        self.repeated.ids.push(id.to_vec());
        self.repeated.before.push(before.0);
        self.repeated.now.push(now.0);
    }

    pub fn add_delivery(
        &mut self,
        writing: &mut Writing<'_>,
        seq: DeliverySeq,
        event: EventSeq,
        new: &'b NewDelivery,
    ) {
        let NewDelivery { route, destination, ordering_key, lane, stuck, class, purpose, fate } = new;
        let lane = lane.filter(|_| fate.is_none());
        let partition = writing.partitions.of_delivery(destination.as_str(), lane);
        match fate {
            Some((fate, _)) => writing.tally.fates[*fate] += 1,
            None => {
                writing.tally.in_flight += 1;
                writing.wakes.insert(Wake::Deliveries { partition, destination: destination.clone() });
            }
        }
        if let Some(lane) = lane {
            self.lanes.insert((destination.as_str().to_owned(), lane.0));
            if *stuck == Stuck::Newest {
                self.newest.push(seq.0);
            }
        }
        let settled_at = fate.as_ref().map(|_| writing.now.as_millis());
        let (fate, reason) = fate.as_ref().map(|(fate, reason)| (fate.as_str(), kept(reason))).unzip();
        let rows = &mut self.deliveries;
        rows.seqs.push(seq.0);
        rows.events.push(event.0);
        rows.routes.push(route.as_str());
        rows.destinations.push(destination.as_str());
        rows.partitions.push(partition);
        rows.ordering_keys.push(ordering_key.as_deref().map(kept));
        rows.lanes.push(lane.map(|lane| lane.0));
        rows.classes.push(*class as i16);
        rows.purposes.push(purpose.as_deref());
        rows.fates.push(fate);
        // Of those in a lane, the one whose turn it is is let go when all are there.
        rows.dues.push(if lane.is_some() { WAITS } else { 0 });
        rows.reasons.push(reason);
        rows.settled_at.push(settled_at);
    }

    /// What the event says about its customer.
    pub fn learn(&mut self, writing: &mut Writing<'_>, known: &mut Known, seq: EventSeq, new: &'b NewEvent) {
        let Some(customer) = &new.customer else { return };
        for Identifier { namespace, key } in &new.identifiers {
            if known.attach(key.0, *customer) {
                let rows = &mut self.identifiers;
                rows.keys.push(&key.0);
                rows.namespaces.push(kept(namespace));
                rows.customers.push(customer.as_bytes());
                rows.events.push(seq.0);
            }
        }
        for said in &new.consents {
            let change = writing.next_consent_change();
            known.hear(*customer, said, change);
            let Change { purpose, state, at } = said;
            let rows = &mut self.changes;
            rows.seqs.push(change);
            rows.customers.push(customer.as_bytes());
            rows.purposes.push(kept(purpose));
            rows.states.push(state.as_str());
            rows.at.push(at.as_millis());
            rows.events.push(seq.0);
        }
    }

    pub fn settle_message(
        &mut self,
        seq: MessageSeq,
        standing: &Standing,
        events: i64,
        problem: Option<&'b String>,
    ) {
        let rows = &mut self.settled;
        rows.seqs.push(seq.0);
        rows.channels.push(standing.channel.clone());
        rows.received.push(standing.received);
        rows.events.push(events);
        rows.problems.push(problem.map(String::as_str));
    }

    pub async fn write(self, writing: &mut Writing<'_>, known: &Known) -> Result<(), StoreError> {
        let now = writing.now.as_millis();
        self.settled.write(writing, now).await?;
        self.events.write(writing, now).await?;
        if !self.removed.is_empty() {
            writing.execute("DELETE FROM event WHERE seq = ANY ($1)", &[&self.removed]).await?;
        }
        self.repeated.write(writing).await?;
        self.identifiers.write(writing, now).await?;
        self.changes.write(writing, now, known).await?;
        self.deliveries.write(writing, &self.lanes).await?;
        let emptied = writing.supersede(&self.newest).await?;
        writing.let_go(&emptied, i64::MAX).await
    }
}

impl Writing<'_> {
    /// Deliveries of events that are there, each in its lane. Their places.
    pub async fn add_deliveries(
        &mut self,
        added: &[(EventSeq, NewDelivery)],
    ) -> Result<Vec<i64>, StoreError> {
        let mut rows = Rows::default();
        for (event, new) in added {
            let seq = self.next_delivery();
            rows.add_delivery(self, seq, *event, new);
        }
        let seqs = rows.deliveries.seqs.clone();
        rows.deliveries.write(self, &rows.lanes).await?;
        Ok(seqs)
    }
}
