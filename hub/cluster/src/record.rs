//! Records what became of messages: the events they were decoded to, with what each event adds to what is known of its customer and
//! where it is to go. Decides one thing: whether an event is already there. What the calls of a group need to know is read first, all of
//! it at once; then they are decided one after another, each seeing what those before it have come to; then the rows are written.

use std::collections::HashSet;

use snodo_core::Fate;
use snodo_store::{
    Decoding, EventSeq, MessageSeq, NewEvent, NewVerdict, Outcome, Recorded, RecordedEvent, StoreError,
};

use crate::writer::{Ask, Recording, Writing};

mod columns;
mod known;
mod rows;

use known::{Known, Standing, Verdict};
use rows::{Kind, Rows};

/// Why an event is in quarantine whose id another event has. In the shape of core's violations.
const ANOTHER_BODY: &str = r#"[{"schema":"snodo:snodo/envelope/1-0-0","pointer":"/id","rule":"unique","message":"an event with this id was accepted before, with another body"}]"#;

/// What is known, and what is to be written: each call adds to both.
struct Draft<'b> {
    known: Known,
    rows: Rows<'b>,
}

/// Where an event comes to lie.
struct At {
    seq: EventSeq,
    message: MessageSeq,
    accepted: i64,
}

type Asks = [Ask<Recording, Vec<RecordedEvent>>];

impl Writing<'_> {
    pub async fn record_all(
        &mut self,
        asks: &Asks,
    ) -> Result<Vec<Result<Vec<RecordedEvent>, StoreError>>, StoreError> {
        let mut draft = Draft { known: Known::load(self, asks).await?, rows: Rows::default() };
        let answers = asks
            .iter()
            .map(|ask| {
                let Recording { batch, as_of } = &ask.input;
                self.check(&draft.known, batch, as_of.0)?;
                Ok(self.decide(&mut draft, batch))
            })
            .collect();
        draft.rows.write(self, &draft.known).await?;
        Ok(answers)
    }

    /// Everything that can be refused, before anything is changed.
    fn check(&self, known: &Known, batch: &[Recorded], as_of: i64) -> Result<(), StoreError> {
        let mut seen = HashSet::with_capacity(batch.len());
        for Recorded { message, result } in batch {
            let Some(standing) = known.messages.get(message) else {
                return Err(StoreError::Settled(format!("message {message}")));
            };
            if !seen.insert(*message) {
                return Err(StoreError::Settled(format!("message {message} twice in one batch")));
            }
            if !self.holds(self.partitions.of_channel(&standing.channel)) {
                return Err(StoreError::Settled(format!("message {message} here: another node decodes it")));
            }
            if let Decoding::Decoded(events) = result
                && !events.iter().all(|new| known.is_fresh(new, as_of))
            {
                return Err(StoreError::Stale);
            }
        }
        Ok(())
    }

    fn decide<'b>(&mut self, draft: &mut Draft<'b>, batch: &'b [Recorded]) -> Vec<RecordedEvent> {
        let mut done = Vec::new();
        for Recorded { message, result } in batch {
            let standing = draft.known.messages.remove(message).expect("it was checked");
            let mut quarantined = draft.known.quarantined_of(*message, &standing);
            match result {
                Decoding::Decoded(events) => {
                    for new in events {
                        let of = (*message, &standing);
                        let (seq, outcome) = self.decide_event(draft, of, &mut quarantined, new);
                        done.push(RecordedEvent { seq, message: *message, place: new.place, outcome });
                    }
                    // Events in quarantine that the message no longer decodes to have been superseded.
                    for replaced in quarantined {
                        self.remove_quarantined(draft, replaced);
                    }
                    self.settle_message(draft, *message, &standing, None);
                }
                Decoding::Quarantined(problem) => {
                    self.settle_message(draft, *message, &standing, Some(problem));
                }
            }
        }
        done
    }

    fn decide_event<'b>(
        &mut self,
        draft: &mut Draft<'b>,
        (message, standing): (MessageSeq, &Standing),
        quarantined: &mut Vec<EventSeq>,
        new: &'b NewEvent,
    ) -> (EventSeq, Outcome) {
        if standing.events.is_some()
            && let Some(there) = draft.known.accepted_before(message, quarantined, new)
        {
            return (there, Outcome::Unchanged);
        }
        let seq = self.next_event();
        let id = *new.event.id.as_bytes();
        if let Some(replaced) = draft.known.replaced_by(quarantined, new) {
            let replaced = quarantined.remove(replaced);
            self.remove_quarantined(draft, replaced);
            draft.known.repeat_instead(replaced, seq);
            draft.rows.repeat_instead(id, replaced, seq);
        }
        let there = draft.known.there_already(new, self.dedup_from);
        let (kind, verdict, outcome) = match (there, &new.verdict) {
            (Some(There::Same(of)), _) => {
                (Kind::Duplicate(of), Verdict::Duplicate, Outcome::Duplicate { of })
            }
            (Some(There::Another), _) => {
                (Kind::Quarantined(ANOTHER_BODY), Verdict::Quarantined, Outcome::Quarantined)
            }
            (None, NewVerdict::Quarantined(violations)) => {
                (Kind::Quarantined(violations), Verdict::Quarantined, Outcome::Quarantined)
            }
            (None, NewVerdict::Routed(deliveries)) => {
                let first = self.delivery_end();
                for delivery in deliveries {
                    let delivery_seq = self.next_delivery();
                    draft.rows.add_delivery(self, delivery_seq, seq, delivery);
                }
                draft.rows.learn(self, &mut draft.known, seq, new);
                (Kind::Routed, Verdict::Routed, Outcome::Routed(first..self.delivery_end()))
            }
        };
        self.count(&kind, new);
        let at = At { seq, message, accepted: self.now.as_millis() };
        let of = if let Outcome::Duplicate { of } = &outcome { Some(*of) } else { None };
        draft.known.add(&at, new, verdict, of);
        draft.rows.add_event(&at, &standing.channel, kind, new);
        (seq, outcome)
    }

    fn count(&mut self, kind: &Kind<'_>, new: &NewEvent) {
        let (routes, filtered) = (i64::from(new.routes), i64::from(new.filtered));
        let tally = &mut self.tally;
        tally.expected += routes;
        match kind {
            Kind::Routed => {
                tally.events.routed += 1;
                tally.fates[Fate::Filtered] += filtered;
            }
            Kind::Duplicate(_) => {
                tally.events.duplicate += 1;
                tally.fates[Fate::Duplicate] += routes;
            }
            Kind::Quarantined(_) => {
                tally.events.quarantined += 1;
                tally.fates[Fate::Quarantined] += routes;
            }
        }
    }

    fn remove_quarantined(&mut self, draft: &mut Draft<'_>, replaced: EventSeq) {
        let routes = draft.known.remove(replaced);
        draft.rows.remove_event(replaced);
        self.tally.events.quarantined -= 1;
        self.tally.expected -= routes;
        self.tally.fates[Fate::Quarantined] -= routes;
    }

    fn settle_message<'b>(
        &mut self,
        draft: &mut Draft<'b>,
        message: MessageSeq,
        standing: &Standing,
        problem: Option<&'b String>,
    ) {
        let events = draft.known.events_of(message);
        draft.rows.settle_message(message, standing, events, problem);
        let tally = &mut self.tally;
        tally.messages.pending -= 1;
        match problem {
            None => tally.messages.decoded += 1,
            Some(_) => tally.messages.quarantined += 1,
        }
        tally.events.decoded += events - standing.events.unwrap_or(0);
    }
}

/// What an event's id stands for already.
enum There {
    Same(EventSeq),
    Another,
}
