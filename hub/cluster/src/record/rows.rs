//! The rows that recorded messages leave, gathered and written with one statement for each table. Decides nothing.

use std::borrow::Cow;
use std::collections::BTreeSet;

use snodo_core::consent::Change;
use snodo_core::identity::Identifier;
use snodo_core::{Event, Stuck};
use snodo_store::{DeliverySeq, EventSeq, MessageSeq, NewDelivery, NewEvent, StoreError};

use super::known::{Known, Standing};
use crate::lanes::Place;
use crate::row::WAITS;
use crate::text::kept;
use crate::writer::{Wake, Writing};

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

#[derive(Default)]
struct Events<'b> {
    seqs: Vec<i64>,
    ids: Vec<&'b [u8]>,
    messages: Vec<i64>,
    places: Vec<i64>,
    channels: Vec<String>,
    kinds: Vec<&'b str>,
    sources: Vec<&'b str>,
    subjects: Vec<Option<Cow<'b, str>>>,
    times: Vec<Cow<'b, str>>,
    dataschemas: Vec<&'b str>,
    ordering_keys: Vec<Option<Cow<'b, str>>>,
    attributes: Vec<Option<String>>,
    customers: Vec<Option<&'b [u8]>>,
    routes: Vec<i64>,
    filtered: Vec<i64>,
    reasons: Vec<Option<&'b str>>,
    verdicts: Vec<&'static str>,
    violations: Vec<Option<&'b str>>,
    duplicate_of: Vec<Option<i64>>,
    digests: Vec<&'b [u8]>,
    data: Vec<Option<&'b [u8]>>,
}

#[derive(Default)]
struct Repeated {
    ids: Vec<Vec<u8>>,
    before: Vec<i64>,
    now: Vec<i64>,
}

#[derive(Default)]
struct SettledMessages<'b> {
    seqs: Vec<i64>,
    channels: Vec<String>,
    received: Vec<i64>,
    events: Vec<i64>,
    problems: Vec<Option<&'b str>>,
}

#[derive(Default)]
struct Deliveries<'b> {
    seqs: Vec<i64>,
    events: Vec<i64>,
    routes: Vec<&'b str>,
    destinations: Vec<&'b str>,
    partitions: Vec<i32>,
    ordering_keys: Vec<Option<Cow<'b, str>>>,
    lanes: Vec<Option<i64>>,
    classes: Vec<i16>,
    purposes: Vec<Option<&'b str>>,
    fates: Vec<Option<&'static str>>,
    dues: Vec<i64>,
    reasons: Vec<Option<Cow<'b, str>>>,
    settled_at: Vec<Option<i64>>,
}

#[derive(Default)]
struct Identifiers<'b> {
    keys: Vec<&'b [u8]>,
    namespaces: Vec<Cow<'b, str>>,
    customers: Vec<&'b [u8]>,
    events: Vec<i64>,
}

#[derive(Default)]
struct Changes<'b> {
    seqs: Vec<i64>,
    customers: Vec<&'b [u8]>,
    purposes: Vec<Cow<'b, str>>,
    states: Vec<&'static str>,
    at: Vec<i64>,
    events: Vec<i64>,
}

impl<'b> Rows<'b> {
    pub fn add_event(
        &mut self,
        seq: EventSeq,
        message: MessageSeq,
        channel: &str,
        kind: Kind<'b>,
        new: &'b NewEvent,
    ) {
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
        rows.seqs.push(seq.0);
        rows.ids.push(id.as_bytes());
        rows.messages.push(message.0);
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
        let first = self.deliveries.seqs.first().copied().unwrap_or(i64::MAX);
        self.deliveries.write(writing).await?;
        writing.let_go(&self.lanes, first).await?;
        let emptied = writing.supersede(&self.newest).await?;
        writing.let_go(&emptied, i64::MAX).await
    }
}

impl SettledMessages<'_> {
    async fn write(self, writing: &Writing<'_>, now: i64) -> Result<(), StoreError> {
        if self.seqs.is_empty() {
            return Ok(());
        }
        writing
            .execute(
                "WITH done AS (SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::text[]) \
                     AS n (message, channel, received, events, problem)), \
                 gone AS (DELETE FROM pending p USING done WHERE p.channel = done.channel AND p.message = done.message) \
                 INSERT INTO settled_message (message, received, at, events, problem) \
                 SELECT message, received, $6::bigint, events, problem FROM done",
                &[&self.seqs, &self.channels, &self.received, &self.events, &self.problems, &now],
            )
            .await?;
        Ok(())
    }
}

impl Events<'_> {
    async fn write(self, writing: &Writing<'_>, now: i64) -> Result<(), StoreError> {
        if self.seqs.is_empty() {
            return Ok(());
        }
        writing
            .execute(
                "INSERT INTO event (seq, id, message, place, channel, kind, source, subject, time, dataschema, ordering_key, attributes, \
                     customer, routes, filtered, reasons, verdict, violations, duplicate_of, digest, data, accepted) \
                 SELECT n.*, $22::bigint FROM unnest($1::bigint[], $2::bytea[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[], \
                     $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::bytea[], $14::bigint[], $15::bigint[], \
                     $16::text[], $17::text[], $18::text[], $19::bigint[], $20::bytea[], $21::bytea[]) n",
                &[
                    &self.seqs,
                    &self.ids,
                    &self.messages,
                    &self.places,
                    &self.channels,
                    &self.kinds,
                    &self.sources,
                    &self.subjects,
                    &self.times,
                    &self.dataschemas,
                    &self.ordering_keys,
                    &self.attributes,
                    &self.customers,
                    &self.routes,
                    &self.filtered,
                    &self.reasons,
                    &self.verdicts,
                    &self.violations,
                    &self.duplicate_of,
                    &self.digests,
                    &self.data,
                    &now,
                ],
            )
            .await?;
        Ok(())
    }
}

impl Repeated {
    async fn write(self, writing: &Writing<'_>) -> Result<(), StoreError> {
        if self.ids.is_empty() {
            return Ok(());
        }
        writing
            .execute(
                "UPDATE event e SET duplicate_of = n.now FROM unnest($1::bytea[], $2::bigint[], $3::bigint[]) AS n (id, before, now) \
                 WHERE e.id = n.id AND e.verdict = 'duplicate' AND e.duplicate_of = n.before",
                &[&self.ids, &self.before, &self.now],
            )
            .await?;
        Ok(())
    }
}

impl Deliveries<'_> {
    async fn write(self, writing: &Writing<'_>) -> Result<(), StoreError> {
        if self.seqs.is_empty() {
            return Ok(());
        }
        writing
            .execute(
                "INSERT INTO delivery (seq, event, route, destination, partition, ordering_key, lane, class, purpose, fate, due_at, \
                     reason, settled_at) \
                 SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::integer[], $6::text[], $7::bigint[], \
                     $8::smallint[], $9::text[], $10::text[], $11::bigint[], $12::text[], $13::bigint[])",
                &[
                    &self.seqs,
                    &self.events,
                    &self.routes,
                    &self.destinations,
                    &self.partitions,
                    &self.ordering_keys,
                    &self.lanes,
                    &self.classes,
                    &self.purposes,
                    &self.fates,
                    &self.dues,
                    &self.reasons,
                    &self.settled_at,
                ],
            )
            .await?;
        Ok(())
    }
}

impl Identifiers<'_> {
    async fn write(self, writing: &Writing<'_>, now: i64) -> Result<(), StoreError> {
        if self.keys.is_empty() {
            return Ok(());
        }
        writing
            .execute(
                "INSERT INTO identifier (key, namespace, customer, event, at) \
                 SELECT n.*, $5::bigint FROM unnest($1::bytea[], $2::text[], $3::bytea[], $4::bigint[]) n",
                &[&self.keys, &self.namespaces, &self.customers, &self.events, &now],
            )
            .await?;
        Ok(())
    }
}

impl Changes<'_> {
    async fn write(self, writing: &Writing<'_>, now: i64, known: &Known) -> Result<(), StoreError> {
        if self.seqs.is_empty() {
            return Ok(());
        }
        writing
            .execute(
                "INSERT INTO consent_change (seq, customer, purpose, state, at, event, accepted) \
                 SELECT n.*, $7::bigint FROM unnest($1::bigint[], $2::bytea[], $3::text[], $4::text[], $5::bigint[], $6::bigint[]) n",
                &[&self.seqs, &self.customers, &self.purposes, &self.states, &self.at, &self.events, &now],
            )
            .await?;
        let stands = known.consents.iter().filter(|(_, said)| said.is_new);
        let mut columns: (Vec<&[u8]>, Vec<&str>, Vec<&str>, Vec<i64>, Vec<i64>) = Default::default();
        for ((customer, purpose), said) in stands {
            columns.0.push(customer);
            columns.1.push(purpose);
            columns.2.push(said.state);
            columns.3.push(said.at);
            columns.4.push(said.change);
        }
        let (customers, purposes, states, at, changes) = columns;
        writing
            .execute(
                "INSERT INTO consent (customer, purpose, state, at, change) \
                 SELECT * FROM unnest($1::bytea[], $2::text[], $3::text[], $4::bigint[], $5::bigint[]) \
                 ON CONFLICT (customer, md5(purpose)) DO UPDATE SET state = excluded.state, at = excluded.at, change = excluded.change",
                &[&customers, &purposes, &states, &at, &changes],
            )
            .await?;
        Ok(())
    }
}
