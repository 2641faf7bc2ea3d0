//! Puts events on their way again, by the rules of the store on one machine. A page of events is one transaction under the writers' lock:
//! what it needs to know is read first, all of it at once, then each event is decided, then the rows are written. A trial does the very
//! same and takes it back.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use snodo_core::{Class, Fate};
use snodo_store::{
    Again, AsOf, DeliverySeq, Earlier, EventSeq, LeftOut, MessageSeq, NewDelivery, Replay, Replayed,
    Selected, StoreError, Untaken,
};

use crate::lanes::Place;
use crate::row;
use crate::row::WAITS;
use crate::text::given;
use crate::writer::{Wake, Writing};

mod select;

/// What is known of the events of a page.
#[derive(Default)]
struct Known {
    events: HashMap<EventSeq, Event>,
    earlier: HashMap<EventSeq, Vec<Earlier>>,
}

struct Event {
    verdict: String,
    message: MessageSeq,
    filtered: i64,
    reasons: Option<String>,
}

/// What is to be written of it.
#[derive(Default)]
struct Draft<'k> {
    again: Vec<Again<'k>>,
    added: Vec<(EventSeq, NewDelivery)>,
    untaken: Vec<(EventSeq, Untaken)>,
    /// Each as often as it was selected, by itself or by an event of it.
    messages: Vec<MessageSeq>,
}

impl Writing<'_> {
    /// A refusal is the answer of this call alone.
    pub async fn replay(&mut self, replay: &Replay) -> Result<Result<Replayed, StoreError>, StoreError> {
        if self.has_spoken_of(&replay.events, replay.as_of).await? {
            return Ok(Err(StoreError::Stale));
        }
        if !replay.trial {
            return self.replay_page(replay).await.map(Ok);
        }
        let before = self.point().await?;
        let found = self.replay_page(replay).await?;
        self.back_to(before).await?;
        Ok(Ok(found))
    }

    /// Whether what today's routes decided of these events does not hold any more.
    async fn has_spoken_of(&self, selected: &[Selected], as_of: AsOf) -> Result<bool, StoreError> {
        let decided = selected.iter().filter(|selected| selected.wanted.is_some());
        let events: Vec<i64> = decided.map(|selected| selected.event.0).collect();
        if events.is_empty() || self.consent_change <= as_of.0 {
            return Ok(false);
        }
        let sql = "SELECT EXISTS (SELECT 1 FROM event e JOIN consent c ON c.customer = e.customer \
             WHERE e.seq = ANY ($1) AND c.change > $2)";
        Ok(self.query(sql, &[&events, &as_of.0]).await?[0].get(0))
    }

    async fn replay_page(&mut self, replay: &Replay) -> Result<Replayed, StoreError> {
        let known = self.known_of(replay).await?;
        let (mut done, mut draft, mut seen) = (Replayed::default(), Draft::default(), HashSet::new());
        for selected in &replay.events {
            if seen.insert(selected.event) {
                draft.add(replay, selected, &known, &mut done)?;
            }
        }
        draft.messages.extend(&replay.messages);
        self.send_again(&draft.again).await?;
        self.add_again(&draft.added).await?;
        self.consider(&draft.untaken).await?;
        self.decode_messages(&draft.messages, &mut done).await?;
        Ok(done)
    }

    async fn known_of(&self, replay: &Replay) -> Result<Known, StoreError> {
        let events: Vec<i64> = replay.events.iter().map(|selected| selected.event.0).collect();
        let mut known = Known::default();
        if events.is_empty() {
            return Ok(known);
        }
        let sql = "SELECT seq, verdict, message, filtered, reasons FROM event WHERE seq = ANY ($1)";
        for row in &self.query(sql, &[&events]).await? {
            let event = Event {
                verdict: row.get(1),
                message: MessageSeq(row.get(2)),
                filtered: row.get(3),
                reasons: row.get(4),
            };
            known.events.insert(EventSeq(row.get(0)), event);
        }
        let sql = "SELECT event, seq, route, destination, ordering_key, purpose, fate, reason FROM delivery \
             WHERE event = ANY ($1) ORDER BY seq";
        for row in &self.query(sql, &[&events]).await? {
            let earlier = Earlier {
                seq: DeliverySeq(row.get(1)),
                route: row::parsed(row.get(2))?,
                destination: row::parsed(row.get(3))?,
                ordering_key: row.get::<_, Option<String>>(4).map(given),
                purpose: row.get(5),
                fate: row::fate(row.get(6))?,
                reason: row.get::<_, Option<String>>(7).map(given),
            };
            known.earlier.entry(EventSeq(row.get(0))).or_default().push(earlier);
        }
        Ok(known)
    }

    /// Whoever reads the fresh ones is past them: they come back among those that are due again, at once or when it is their turn in their
    /// lanes. Where today's route leads elsewhere, or by another lane, they are another partition's.
    async fn send_again(&mut self, again: &[Again<'_>]) -> Result<(), StoreError> {
        if again.is_empty() {
            return Ok(());
        }
        let (mut lanes, mut partitions): (BTreeSet<Place>, Vec<i32>) = Default::default();
        for Again { fate, destination, lane, .. } in again {
            let partition = self.partitions.of_delivery(destination.as_str(), *lane);
            partitions.push(partition);
            lanes.extend(lane.map(|lane| (destination.as_str().to_owned(), lane.0)));
            self.wakes.insert(Wake::Deliveries { partition, destination: (*destination).clone() });
            self.tally.fates[*fate] -= 1;
            self.tally.in_flight += 1;
        }
        let seqs: Vec<i64> = again.iter().map(|one| one.seq.0).collect();
        let destinations: Vec<&str> = again.iter().map(|one| one.destination.as_str()).collect();
        let purposes: Vec<Option<&str>> = again.iter().map(|one| one.purpose).collect();
        let numbers: Vec<Option<i64>> = again.iter().map(|one| one.lane.map(|lane| lane.0)).collect();
        self.execute(
            "UPDATE delivery d SET destination = n.destination, partition = n.partition, purpose = n.purpose, lane = n.lane, class = $6, \
                 replays = d.replays + 1, fate = NULL, reason = NULL, settled_at = NULL, resumed_at = $7::bigint, \
                 attempts_before = d.attempts, due_at = CASE WHEN n.lane IS NULL THEN $7::bigint ELSE $8::bigint END \
             FROM unnest($1::bigint[], $2::text[], $3::integer[], $4::text[], $5::bigint[]) \
                 AS n (seq, destination, partition, purpose, lane) WHERE d.seq = n.seq",
            &[
                &seqs,
                &destinations,
                &partitions,
                &purposes,
                &numbers,
                &(Class::Replay as i16),
                &self.now.as_millis().max(1),
                &WAITS,
            ],
        )
        .await?;
        self.let_go(&lanes, i64::MAX).await
    }

    async fn add_again(&mut self, added: &[(EventSeq, NewDelivery)]) -> Result<(), StoreError> {
        let seqs = self.add_deliveries(added).await?;
        if !seqs.is_empty() {
            let mark = "UPDATE delivery SET replays = 1, resumed_at = $2 WHERE seq = ANY ($1)";
            self.execute(mark, &[&seqs, &self.now.as_millis()]).await?;
        }
        Ok(())
    }

    /// What the deliveries that were added change in the ledger.
    async fn consider(&mut self, untaken: &[(EventSeq, Untaken)]) -> Result<(), StoreError> {
        if untaken.is_empty() {
            return Ok(());
        }
        for (_, one) in untaken {
            self.tally.expected += one.more_routes;
            self.tally.fates[Fate::Filtered] -= one.fewer_filtered;
        }
        let seqs: Vec<i64> = untaken.iter().map(|(event, _)| event.0).collect();
        let routes: Vec<i64> = untaken.iter().map(|(_, one)| one.more_routes).collect();
        let filtered: Vec<i64> = untaken.iter().map(|(_, one)| one.filtered()).collect();
        let reasons: Vec<Option<String>> = untaken.iter().map(|(_, one)| one.reasons()).collect();
        self.execute(
            "UPDATE event e SET routes = e.routes + n.routes, filtered = n.filtered, reasons = n.reasons \
             FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[]) AS n (seq, routes, filtered, reasons) WHERE e.seq = n.seq",
            &[&seqs, &routes, &filtered, &reasons],
        )
        .await?;
        Ok(())
    }

    async fn decode_messages(
        &mut self,
        messages: &[MessageSeq],
        done: &mut Replayed,
    ) -> Result<(), StoreError> {
        if messages.is_empty() {
            return Ok(());
        }
        let seqs: Vec<i64> = messages.iter().map(|message| message.0).collect();
        let taken = self.decode_again("message = ANY ($1)", &[&seqs]).await?;
        let mut channels: BTreeMap<MessageSeq, _> = taken.into_iter().collect();
        for message in messages {
            if !done.messages.contains(message) {
                done.decodes(*message, channels.remove(message));
            }
        }
        Ok(())
    }
}

impl<'k> Draft<'k> {
    fn add(
        &mut self,
        replay: &'k Replay,
        selected: &'k Selected,
        known: &'k Known,
        done: &mut Replayed,
    ) -> Result<(), StoreError> {
        let Some(event) = known.events.get(&selected.event) else { return Ok(()) };
        match event.verdict.as_str() {
            "routed" => self.add_routed(replay, selected, (event, known), done)?,
            "quarantined" => self.messages.push(event.message),
            _ => done.leave(LeftOut::Repetition),
        }
        Ok(())
    }

    fn add_routed(
        &mut self,
        replay: &'k Replay,
        selected: &'k Selected,
        (event, known): (&Event, &'k Known),
        done: &mut Replayed,
    ) -> Result<(), StoreError> {
        let earlier = known.earlier.get(&selected.event).map_or(&[][..], Vec::as_slice);
        self.again.extend(replay.again(selected, earlier, done));
        let unmet = replay.unmet(selected, earlier);
        if unmet.is_empty() {
            return Ok(());
        }
        let mut untaken = Untaken::new(selected.event, event.filtered, event.reasons.as_deref())?;
        for new in unmet {
            self.added.extend(untaken.take(&replay.which, new, done).map(|new| (selected.event, new)));
        }
        self.untaken.push((selected.event, untaken));
        Ok(())
    }
}
