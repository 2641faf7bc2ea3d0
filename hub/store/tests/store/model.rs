//! Random work against an oracle that knows the rules and nothing of how they are kept: after every step the ledger of the
//! rows, the ledger of the writer and the ledger of the oracle say the same.

use std::collections::BTreeMap;
use std::time::Duration;

use snodo_core::Fate;
use snodo_store::{
    Decoding, DeliverySeq, Due, EventSeq, Fates, Item, MessageSeq, NewEvent, NewVerdict, Outcome, Recorded,
    Settlement, Tally,
};
use snodo_test_power::Dice;

use crate::bench::*;

const STEPS: usize = 400;
const DESTINATIONS: [&str; 3] = ["crm", "erp", "mail"];
const FINAL: [Fate; 5] = [Fate::Delivered, Fate::Duplicate, Fate::Quarantined, Fate::Dead, Fate::Expired];

#[derive(Clone, Copy, PartialEq, Debug)]
enum Kept {
    Routed,
    Duplicate,
    Quarantined,
}

struct OracleEvent {
    key: String,
    body: String,
    message: i64,
    place: u32,
    at: i64,
    kept: Kept,
    routes: i64,
    filtered: i64,
}

#[derive(Default)]
struct Oracle {
    pending: Vec<i64>,
    decoded: Vec<i64>,
    in_quarantine: Vec<i64>,
    events: BTreeMap<i64, OracleEvent>,
    last_event: i64,
    /// Of every delivery: its event, and its fate once it has one.
    deliveries: BTreeMap<i64, (i64, Option<Fate>)>,
}

impl Oracle {
    /// What must become of an event, by the rules as they are told to people.
    fn expect(
        &self,
        message: i64,
        again: bool,
        new: &NewEvent,
        (key, body, now): (&str, &str, i64),
    ) -> Outcome {
        let same_id = || self.events.iter().filter(|(_, one)| one.key == key);
        if again {
            let mut mine =
                same_id().filter(|(_, one)| one.message == message && one.kept != Kept::Quarantined);
            let same_place = mine.clone().find(|(_, one)| one.place == new.place);
            if same_place.or_else(|| mine.find(|(_, one)| one.body == body)).is_some() {
                return Outcome::Unchanged;
            }
        }
        let window = Options::WINDOW;
        let recent =
            |kept| same_id().rev().filter(move |(_, one)| one.kept == kept && one.at >= now - window);
        let valid = matches!(new.verdict, NewVerdict::Routed(_));
        let accepted = recent(Kept::Routed).next();
        let beside = recent(Kept::Quarantined).find(|(_, one)| one.body == body);
        match (accepted, beside) {
            (Some((seq, one)), _) if one.body == body => Outcome::Duplicate { of: EventSeq(*seq) },
            (None, _) if valid => Outcome::Routed(DeliverySeq(0)..DeliverySeq(0)),
            (_, Some((seq, _))) => Outcome::Duplicate { of: EventSeq(*seq) },
            _ => Outcome::Quarantined,
        }
    }

    fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        tally.messages.pending = self.pending.len() as i64;
        tally.messages.decoded = self.decoded.len() as i64;
        tally.messages.quarantined = self.in_quarantine.len() as i64;
        tally.messages.accepted = (self.pending.len() + self.decoded.len() + self.in_quarantine.len()) as i64;
        for event in self.events.values() {
            tally.expected += event.routes;
            tally.events.decoded += 1;
            match event.kept {
                Kept::Routed => {
                    tally.events.routed += 1;
                    tally.fates[Fate::Filtered] += event.filtered;
                }
                Kept::Duplicate => {
                    tally.events.duplicate += 1;
                    tally.fates[Fate::Duplicate] += event.routes;
                }
                Kept::Quarantined => {
                    tally.events.quarantined += 1;
                    tally.fates[Fate::Quarantined] += event.routes;
                }
            }
        }
        for (_, fate) in self.deliveries.values() {
            match fate {
                Some(fate) => tally.fates[*fate] += 1,
                None => tally.in_flight += 1,
            }
        }
        tally
    }
}

struct Options;

impl Options {
    const WINDOW: i64 = 7 * 24 * 60 * 60 * 1000;
}

struct Run {
    bench: Bench,
    oracle: Oracle,
    dice: Dice,
}

#[test]
fn whatever_happens_in_whatever_order_everything_is_accounted_for() {
    let mut met = Fates::default();
    for seed in 1..=6 {
        let mut run = Run { bench: Bench::new(), oracle: Oracle::default(), dice: Dice::new(seed) };
        for step in 0..STEPS {
            run = run.step();
            let audit = run.bench.store.audit().unwrap();
            assert_eq!(audit.counted, run.oracle.tally(), "rows, seed {seed}, step {step}");
            assert_eq!(audit.kept, audit.counted, "kept, seed {seed}, step {step}");
            assert_eq!(audit.counted.difference(), 0, "seed {seed}, step {step}");
            assert_eq!(audit.counted.events_difference(), 0, "seed {seed}, step {step}");
        }
        for (fate, count) in run.oracle.tally().fates.iter() {
            met[fate] += count;
        }
    }
    assert!(met.iter().all(|(_, count)| count > 0), "not every fate was met: {met:?}");
}

impl Run {
    fn step(mut self) -> Self {
        match self.dice.below(20) {
            0..=5 => {
                let seq = self.bench.accept("shop", "raw");
                self.oracle.pending.push(seq.0);
            }
            6..=11 => self.decode(),
            12..=16 => self.deliver(),
            17 => self.requeue(),
            18 => self.bench.pass(Duration::from_secs(60 * 60 * self.dice.below(60) as u64)),
            _ => self.bench = self.bench.reopen(),
        }
        self
    }

    fn decode(&mut self) {
        let waiting =
            self.bench.store.pending_messages(&name("shop"), MessageSeq(0), 1 + self.dice.below(3), MANY);
        for (seq, _) in waiting.unwrap() {
            let again = self.oracle.events.values().any(|one| one.message == seq.0);
            if self.dice.below(8) == 0 && !again {
                let batch = vec![Recorded { message: seq, result: Decoding::Quarantined("{}".into()) }];
                self.bench.store.record_blocking(batch, self.bench.as_of()).unwrap();
                self.oracle.in_quarantine.push(seq.0);
            } else {
                self.record(seq, again);
                self.oracle.decoded.push(seq.0);
            }
            self.oracle.pending.retain(|one| *one != seq.0);
        }
    }

    /// Decodes a message to up to three events with ids that are all different, out of few.
    fn record(&mut self, seq: MessageSeq, again: bool) {
        let first = self.oracle.decoded.len() + self.dice.below(6);
        let mut specs: Vec<(String, String)> = Vec::new();
        if again {
            // What is told again is what was told, mended or not.
            for one in self.oracle.events.values().filter(|one| one.message == seq.0) {
                specs.push((one.key.clone(), one.body.clone()));
            }
        } else {
            for at in 0..self.dice.below(4) {
                specs.push((format!("k{}", first + at), format!("b{}", self.dice.below(2))));
            }
        }
        let events: Vec<NewEvent> = specs
            .iter()
            .enumerate()
            .map(|(at, (key, body))| at_place(at as u32, self.draw(key, body)))
            .collect();
        let done = self.bench.decode(seq, events.clone()).unwrap();
        assert_eq!(done.len(), events.len());
        let now = self.bench.now().as_millis();

        // What was in quarantine gives up its place to what it is now.
        for ((new, (key, body)), done) in events.into_iter().zip(specs).zip(done) {
            let expected = self.oracle.expect(seq.0, again, &new, (&key, &body, now));
            let replaced = || {
                let mut mine = self.oracle.events.iter();
                mine.find(|(_, one)| one.message == seq.0 && one.key == key && one.kept == Kept::Quarantined)
                    .map(|(seq, _)| *seq)
            };
            if expected == Outcome::Unchanged {
                assert_eq!(done.outcome, expected);
                continue;
            }
            let at = self.oracle.last_event + 1;
            let replaced = replaced().and_then(|replaced| self.oracle.events.remove(&replaced));
            // Itself does not count against it.
            let expected = match replaced {
                Some(_) => self.oracle.expect(seq.0, again, &new, (&key, &body, now)),
                None => expected,
            };
            assert_eq!(done.seq.0, at);
            let kept = match (&done.outcome, expected) {
                (Outcome::Routed(range), Outcome::Routed(_)) => {
                    let NewVerdict::Routed(deliveries) = &new.verdict else {
                        panic!("only what is valid is routed")
                    };
                    for (offset, delivery) in deliveries.iter().enumerate() {
                        let fate = delivery.fate.as_ref().map(|(fate, _)| *fate);
                        self.oracle.deliveries.insert(range.start.0 + offset as i64, (at, fate));
                    }
                    Kept::Routed
                }
                (Outcome::Duplicate { of }, Outcome::Duplicate { of: expected }) if *of == expected => {
                    Kept::Duplicate
                }
                (Outcome::Quarantined, Outcome::Quarantined) => Kept::Quarantined,
                (found, expected) => panic!("{key} {body}: {found:?}, and should be {expected:?}"),
            };
            let (routes, filtered) = (i64::from(new.routes), i64::from(new.filtered));
            let event =
                OracleEvent { key, body, message: seq.0, place: new.place, at: now, kept, routes, filtered };
            self.oracle.events.insert(at, event);
            self.oracle.last_event = at;
        }
    }

    fn draw(&mut self, key: &str, body: &str) -> NewEvent {
        let routes = self.dice.below(4) as u32;
        if self.dice.below(4) == 0 {
            return NewEvent { routes, ..broken(key, body) };
        }
        let wanted = self.dice.below(routes as usize + 1);
        let deliveries = (0..wanted).map(|at| match self.dice.below(5) {
            0 => suppressed(DESTINATIONS[at]),
            _ => delivery(DESTINATIONS[at]),
        });
        let verdict = NewVerdict::Routed(deliveries.collect());
        NewEvent { routes, filtered: routes - wanted as u32, verdict, ..event(key, body) }
    }

    fn deliver(&mut self) {
        let destination = name(DESTINATIONS[self.dice.below(3)]);
        let store = &self.bench.store;
        let mut due: Vec<Due> = store.fresh(&destination, 4, MANY).unwrap();
        due.extend(back_at(store, &destination, self.bench.now()).into_iter().take(4));
        let mut batch = Vec::new();
        for due in due {
            let result = match self.dice.below(3) {
                0 => Settlement::Again {
                    due: self.bench.now() + Duration::from_secs(self.dice.below(9) as u64),
                },
                _ => finally(FINAL[self.dice.below(FINAL.len())]),
            };
            if let Settlement::Final { fate, .. } = result {
                let before = self.oracle.deliveries.get_mut(&due.seq.0).map(|(_, known)| known.replace(fate));
                assert_eq!(before, Some(None), "delivery {} was not in flight", due.seq);
            }
            batch.push(settled(&due, result));
        }
        self.bench.store.settle_blocking(batch).unwrap();
    }

    fn requeue(&mut self) {
        let quarantine = self.bench.store.quarantine(1 + self.dice.below(3)).unwrap();
        let mut items: Vec<Item> = quarantine.messages.iter().map(|row| Item::Message(row.seq)).collect();
        items.extend(quarantine.events.iter().map(|row| Item::Event(row.seq)));
        items.extend(quarantine.deliveries.iter().map(|row| Item::Delivery(row.seq)));
        wait(self.bench.store.requeue(items)).unwrap();
        let messages = quarantine.messages.iter().map(|row| row.seq.0);
        for seq in messages.chain(quarantine.events.iter().map(|row| row.message.0)) {
            let settled = self.oracle.decoded.len() + self.oracle.in_quarantine.len();
            self.oracle.decoded.retain(|one| *one != seq);
            self.oracle.in_quarantine.retain(|one| *one != seq);
            if self.oracle.decoded.len() + self.oracle.in_quarantine.len() < settled {
                self.oracle.pending.push(seq);
            }
        }
        for row in quarantine.deliveries {
            self.oracle.deliveries.get_mut(&row.seq.0).expect("it is known").1 = None;
        }
    }
}
