//! The columns of the rows that recorded messages leave: each table is written with one statement, which takes a list for each column.

use std::borrow::Cow;
use std::collections::BTreeSet;

use snodo_store::StoreError;

use super::known::Known;
use crate::lanes::Place;
use crate::writer::Writing;

#[derive(Default)]
pub(super) struct Events<'b> {
    pub seqs: Vec<i64>,
    pub ids: Vec<&'b [u8]>,
    pub messages: Vec<i64>,
    pub places: Vec<i64>,
    pub channels: Vec<String>,
    pub kinds: Vec<&'b str>,
    pub sources: Vec<&'b str>,
    pub subjects: Vec<Option<Cow<'b, str>>>,
    pub times: Vec<Cow<'b, str>>,
    pub dataschemas: Vec<&'b str>,
    pub ordering_keys: Vec<Option<Cow<'b, str>>>,
    pub attributes: Vec<Option<String>>,
    pub customers: Vec<Option<&'b [u8]>>,
    pub routes: Vec<i64>,
    pub filtered: Vec<i64>,
    pub reasons: Vec<Option<&'b str>>,
    pub verdicts: Vec<&'static str>,
    pub violations: Vec<Option<&'b str>>,
    pub duplicate_of: Vec<Option<i64>>,
    pub digests: Vec<&'b [u8]>,
    pub data: Vec<Option<&'b [u8]>>,
}

#[derive(Default)]
pub(super) struct Repeated {
    pub ids: Vec<Vec<u8>>,
    pub before: Vec<i64>,
    pub now: Vec<i64>,
}

#[derive(Default)]
pub(super) struct SettledMessages<'b> {
    pub seqs: Vec<i64>,
    pub channels: Vec<String>,
    pub received: Vec<i64>,
    pub events: Vec<i64>,
    pub problems: Vec<Option<&'b str>>,
}

#[derive(Default)]
pub(super) struct Deliveries<'b> {
    pub seqs: Vec<i64>,
    pub events: Vec<i64>,
    pub routes: Vec<&'b str>,
    pub destinations: Vec<&'b str>,
    pub partitions: Vec<i32>,
    pub ordering_keys: Vec<Option<Cow<'b, str>>>,
    pub lanes: Vec<Option<i64>>,
    pub classes: Vec<i16>,
    pub purposes: Vec<Option<&'b str>>,
    pub fates: Vec<Option<&'static str>>,
    pub dues: Vec<i64>,
    pub reasons: Vec<Option<Cow<'b, str>>>,
    pub settled_at: Vec<Option<i64>>,
}

#[derive(Default)]
pub(super) struct Identifiers<'b> {
    pub keys: Vec<&'b [u8]>,
    pub namespaces: Vec<Cow<'b, str>>,
    pub customers: Vec<&'b [u8]>,
    pub events: Vec<i64>,
}

#[derive(Default)]
pub(super) struct Changes<'b> {
    pub seqs: Vec<i64>,
    pub customers: Vec<&'b [u8]>,
    pub purposes: Vec<Cow<'b, str>>,
    pub states: Vec<&'static str>,
    pub at: Vec<i64>,
    pub events: Vec<i64>,
}

impl SettledMessages<'_> {
    pub async fn write(self, writing: &Writing<'_>, now: i64) -> Result<(), StoreError> {
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
    pub async fn write(self, writing: &Writing<'_>, now: i64) -> Result<(), StoreError> {
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
    pub async fn write(self, writing: &Writing<'_>) -> Result<(), StoreError> {
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
    /// Those whose turn it is in these lanes may go.
    pub async fn write(self, writing: &Writing<'_>, lanes: &BTreeSet<Place>) -> Result<(), StoreError> {
        let Some(first) = self.seqs.first() else { return Ok(()) };
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
        writing.let_go(lanes, *first).await
    }
}

impl Identifiers<'_> {
    pub async fn write(self, writing: &Writing<'_>, now: i64) -> Result<(), StoreError> {
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
    pub async fn write(self, writing: &Writing<'_>, now: i64, known: &Known) -> Result<(), StoreError> {
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
        let stands = || known.consents.iter().filter(|(_, said)| said.is_new);
        let customers: Vec<&[u8]> = stands().map(|((customer, _), _)| &customer[..]).collect();
        let purposes: Vec<&str> = stands().map(|((_, purpose), _)| purpose.as_str()).collect();
        let states: Vec<&str> = stands().map(|(_, said)| said.state).collect();
        let at: Vec<i64> = stands().map(|(_, said)| said.at).collect();
        let changes: Vec<i64> = stands().map(|(_, said)| said.change).collect();
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
