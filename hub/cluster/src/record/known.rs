//! What is known before a group of calls is recorded, and what those of them that are decided already have added to it.

use std::collections::{BTreeMap, HashMap};

use snodo_core::CustomerId;
use snodo_core::consent::Change;
use snodo_store::{Decoding, EventSeq, MessageSeq, NewEvent, NewVerdict, StoreError};

use super::{Asks, At, There};
use crate::row::sixteen;
use crate::text::kept;
use crate::writer::Writing;

type Id = [u8; 16];

/// A message that is to be decoded, as it stands.
pub(super) struct Standing {
    pub channel: String,
    pub received: i64,
    /// How many events it has from before; `None` the first time.
    pub events: Option<i64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Routed,
    Duplicate,
    Quarantined,
}

struct Event {
    id: Id,
    message: MessageSeq,
    place: i64,
    digest: Id,
    verdict: Verdict,
    /// Which one it repeats.
    of: Option<EventSeq>,
    routes: i64,
    accepted: i64,
}

/// What stands of what a customer has said about a purpose, by the text that is stored.
pub(super) struct Said {
    pub state: &'static str,
    pub at: i64,
    pub change: i64,
    /// It was said in this group.
    pub is_new: bool,
}

#[derive(Default)]
pub(super) struct Known {
    pub messages: HashMap<MessageSeq, Standing>,
    events: BTreeMap<EventSeq, Event>,
    by_id: HashMap<Id, Vec<EventSeq>>,
    by_message: HashMap<MessageSeq, Vec<EventSeq>>,
    owners: HashMap<Id, Id>,
    pub consents: HashMap<(Id, String), Said>,
    last_change: HashMap<Id, i64>,
}

impl Known {
    pub async fn load(writing: &Writing<'_>, asks: &Asks) -> Result<Self, StoreError> {
        let mut known = Self::default();
        let batches = || asks.iter().flat_map(|ask| &ask.input.batch);
        let messages: Vec<i64> = batches().map(|recorded| recorded.message.0).collect();
        let events = || {
            batches().flat_map(|recorded| match &recorded.result {
                Decoding::Decoded(events) => events.as_slice(),
                Decoding::Quarantined(_) => &[],
            })
        };
        let ids: Vec<&[u8]> = events().map(|new| &new.event.id.as_bytes()[..]).collect();
        let digests: Vec<&[u8]> = events().map(|new| &new.digest[..]).collect();
        let keys: Vec<&[u8]> = events().flat_map(|new| &new.identifiers).map(|one| &one.key.0[..]).collect();
        let customers: Vec<&[u8]> = events()
            .filter_map(|new| new.customer.as_ref())
            .map(|customer| &customer.as_bytes()[..])
            .collect();
        known.load_messages(writing, &messages).await?;
        known.load_events(writing, &ids, &digests).await?;
        known.load_decoded_before(writing).await?;
        if !keys.is_empty() {
            let rows =
                writing.query("SELECT key, customer FROM identifier WHERE key = ANY ($1)", &[&keys]).await?;
            for row in &rows {
                known.owners.insert(sixteen(row.get(0))?, sixteen(row.get(1))?);
            }
        }
        if !customers.is_empty() {
            known.load_consents(writing, &customers).await?;
        }
        Ok(known)
    }

    async fn load_messages(&mut self, writing: &Writing<'_>, messages: &[i64]) -> Result<(), StoreError> {
        let rows = writing
            .query(
                "SELECT p.message, m.channel, m.received, p.events FROM pending p JOIN message m ON m.seq = p.message \
                 WHERE p.message = ANY ($1)",
                &[&messages],
            )
            .await?;
        for row in &rows {
            let standing = Standing { channel: row.get(1), received: row.get(2), events: row.get(3) };
            self.messages.insert(MessageSeq(row.get(0)), standing);
        }
        Ok(())
    }

    /// Events with the same ids within the window: those that were accepted, and those in quarantine with the same body.
    async fn load_events(
        &mut self,
        writing: &Writing<'_>,
        ids: &[&[u8]],
        digests: &[&[u8]],
    ) -> Result<(), StoreError> {
        if ids.is_empty() {
            return Ok(());
        }
        let rows = writing
            .query(
                "SELECT DISTINCT e.seq, e.id, e.message, e.place, e.digest, e.verdict, e.routes, e.accepted, e.duplicate_of \
                 FROM unnest($1::bytea[], $2::bytea[]) AS n (id, digest) JOIN event e ON e.id = n.id \
                 WHERE e.accepted >= $3 AND (e.verdict = 'routed' OR (e.verdict = 'quarantined' AND e.digest = n.digest))",
                &[&ids, &digests, &writing.dedup_from],
            )
            .await?;
        rows.iter().try_for_each(|row| self.load_event(row))
    }

    /// All events of the messages that were decoded before.
    async fn load_decoded_before(&mut self, writing: &Writing<'_>) -> Result<(), StoreError> {
        let again = self.messages.iter().filter(|(_, standing)| standing.events.is_some());
        let again: Vec<i64> = again.map(|(seq, _)| seq.0).collect();
        if again.is_empty() {
            return Ok(());
        }
        let rows = writing
            .query(
                "SELECT seq, id, message, place, digest, verdict, routes, accepted, duplicate_of FROM event WHERE message = ANY ($1)",
                &[&again],
            )
            .await?;
        rows.iter().try_for_each(|row| self.load_event(row))
    }

    fn load_event(&mut self, row: &tokio_postgres::Row) -> Result<(), StoreError> {
        let event = Event {
            id: sixteen(row.get(1))?,
            message: MessageSeq(row.get(2)),
            place: row.get(3),
            digest: sixteen(row.get(4))?,
            verdict: match row.get(5) {
                "routed" => Verdict::Routed,
                "duplicate" => Verdict::Duplicate,
                _ => Verdict::Quarantined,
            },
            routes: row.get(6),
            accepted: row.get(7),
            of: row.get::<_, Option<i64>>(8).map(EventSeq),
        };
        self.insert(EventSeq(row.get(0)), event);
        Ok(())
    }

    async fn load_consents(&mut self, writing: &Writing<'_>, customers: &[&[u8]]) -> Result<(), StoreError> {
        let rows = writing
            .query(
                "SELECT customer, purpose, state, at, change FROM consent WHERE customer = ANY ($1)",
                &[&customers],
            )
            .await?;
        for row in &rows {
            let customer = sixteen(row.get(0))?;
            let state = snodo_core::consent::State::parse(row.get(2)).as_str();
            let said = Said { state, at: row.get(3), change: row.get(4), is_new: false };
            let last = self.last_change.entry(customer).or_default();
            *last = said.change.max(*last);
            self.consents.insert((customer, row.get(1)), said);
        }
        Ok(())
    }

    /// What the caller decided on still holds: nobody has taken its identifiers, and its customer has said nothing new.
    pub fn is_fresh(&self, new: &NewEvent, as_of: i64) -> bool {
        let Some(customer) = new.customer else { return true };
        let is_owned_by_another =
            |key: &Id| self.owners.get(key).is_some_and(|owner| owner != customer.as_bytes());
        !new.identifiers.iter().any(|one| is_owned_by_another(&one.key.0))
            && self.last_change.get(customer.as_bytes()).is_none_or(|last| *last <= as_of)
    }

    /// The events of a message that are in quarantine: what comes of them now takes their place.
    pub fn quarantined_of(&self, message: MessageSeq, standing: &Standing) -> Vec<EventSeq> {
        if standing.events.is_none() {
            return Vec::new();
        }
        let mut found: Vec<EventSeq> = self
            .mine(message)
            .filter(|(_, event)| event.verdict == Verdict::Quarantined)
            .map(|(seq, _)| seq)
            .collect();
        found.sort_by_key(|seq| self.events[seq].place);
        found
    }

    fn mine(&self, message: MessageSeq) -> impl Iterator<Item = (EventSeq, &Event)> {
        self.by_message.get(&message).into_iter().flatten().map(|seq| (*seq, &self.events[seq]))
    }

    /// The event of an earlier decoding of this same message: the one at the same place first; another place is the same event too, if
    /// the body is.
    pub fn accepted_before(
        &self,
        message: MessageSeq,
        quarantined: &[EventSeq],
        new: &NewEvent,
    ) -> Option<EventSeq> {
        // A repetition of what is in quarantine is accepted no more than that is.
        let is_in_quarantine = |event: &Event| {
            event.verdict == Verdict::Quarantined || event.of.is_some_and(|of| quarantined.contains(&of))
        };
        let mine = || {
            let mine = self.mine(message).filter(|(_, event)| event.id == *new.event.id.as_bytes());
            mine.filter(|(_, event)| !is_in_quarantine(event))
        };
        let same_place = mine().find(|(_, event)| event.place == i64::from(new.place));
        let same_body = || mine().find(|(_, event)| event.digest == new.digest);
        same_place.or_else(same_body).map(|(seq, _)| seq)
    }

    /// Whether an event with this id came within the window. One that was accepted counts; one in quarantine only if the new one would
    /// come to lie beside it.
    pub fn there_already(&self, new: &NewEvent, from: i64) -> Option<There> {
        let alike = self.by_id.get(new.event.id.as_bytes()).into_iter().flatten().rev();
        let recent = |verdict| {
            alike
                .clone()
                .map(|seq| (*seq, &self.events[seq]))
                .filter(move |(_, event)| event.verdict == verdict && event.accepted >= from)
        };
        let accepted = recent(Verdict::Routed).next();
        match accepted {
            Some((seq, event)) if event.digest == new.digest => return Some(There::Same(seq)),
            None if matches!(new.verdict, NewVerdict::Routed(_)) => return None,
            _ => {}
        }
        if let Some((seq, _)) = recent(Verdict::Quarantined).find(|(_, event)| event.digest == new.digest) {
            return Some(There::Same(seq));
        }
        accepted.map(|_| There::Another)
    }

    /// Which of those in quarantine this event is now: one with the same body if there is one, else with the same id.
    pub fn replaced_by(&self, quarantined: &[EventSeq], new: &NewEvent) -> Option<usize> {
        let same_id =
            |seq: &EventSeq| self.events.get(seq).is_some_and(|event| event.id == *new.event.id.as_bytes());
        let same_body = |seq: &EventSeq| same_id(seq) && self.events[seq].digest == new.digest;
        let found = quarantined.iter().position(same_body);
        found.or_else(|| quarantined.iter().position(same_id))
    }

    /// Repetitions of the one that is gone are repetitions of the one in its place.
    pub fn repeat_instead(&mut self, replaced: EventSeq, seq: EventSeq) {
        for event in self.events.values_mut().filter(|event| event.of == Some(replaced)) {
            event.of = Some(seq);
        }
    }

    pub fn add(&mut self, at: &At, new: &NewEvent, verdict: Verdict, of: Option<EventSeq>) {
        let event = Event {
            id: *new.event.id.as_bytes(),
            message: at.message,
            place: i64::from(new.place),
            digest: new.digest,
            verdict,
            of,
            routes: i64::from(new.routes),
            accepted: at.accepted,
        };
        self.insert(at.seq, event);
    }

    fn insert(&mut self, seq: EventSeq, event: Event) {
        if self.events.contains_key(&seq) {
            return;
        }
        // In the order of their places, whatever order they were read in.
        let sorted = |seqs: &mut Vec<EventSeq>| seqs.insert(seqs.partition_point(|one| *one < seq), seq);
        sorted(self.by_id.entry(event.id).or_default());
        sorted(self.by_message.entry(event.message).or_default());
        self.events.insert(seq, event);
    }

    /// How many routes it was considered for.
    pub fn remove(&mut self, seq: EventSeq) -> i64 {
        let event = self.events.remove(&seq).expect("it is known: it was found");
        self.by_id.entry(event.id).or_default().retain(|one| *one != seq);
        self.by_message.entry(event.message).or_default().retain(|one| *one != seq);
        event.routes
    }

    /// How many events of the message there are. Those of a message that is decoded for the first time are all of this group.
    pub fn events_of(&self, message: MessageSeq) -> i64 {
        i64::try_from(self.mine(message).count()).expect("a message has few events")
    }

    /// Attaches an identifier, if it is nobody's. Whether it was.
    pub fn attach(&mut self, key: Id, customer: CustomerId) -> bool {
        let is_free = !self.owners.contains_key(&key);
        self.owners.entry(key).or_insert(*customer.as_bytes());
        is_free
    }

    /// What was said later counts; of two things said at one time, the one that agrees to less (`Consents::apply`).
    pub fn hear(&mut self, customer: CustomerId, said: &Change, change: i64) {
        let customer = *customer.as_bytes();
        let stands = self.consents.get(&(customer, kept(&said.purpose).into_owned()));
        let at = said.at.as_millis();
        let counts = stands.is_none_or(|stands| {
            at > stands.at
                || (at == stands.at && stands.state == "granted" && said.state.as_str() != "granted")
        });
        if counts {
            let said_now = Said { state: said.state.as_str(), at, change, is_new: true };
            self.consents.insert((customer, kept(&said.purpose).into_owned()), said_now);
            self.last_change.insert(customer, change);
        }
    }
}
