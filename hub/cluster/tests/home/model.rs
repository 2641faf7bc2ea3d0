//! Random work against an oracle: after every step the ledger of the rows, the ledger that is kept and the ledger of the oracle say the same,
//! and so do two homes that do the same work.

use std::fmt::Debug;
use std::time::Duration;

use snodo_core::Fate;
use snodo_store::{
    Decoding, Due, EventSeq, Fates, Filter, Item, MessageSeq, NewEvent, NewVerdict, Order, Recorded,
    Settlement,
};
use snodo_test_power::Dice;

use crate::bench::{Bench, Kind, WINDOW};
use crate::services::wait;
use crate::values::*;

mod oracle;

use oracle::{Oracle, Told};

const DESTINATIONS: [&str; 3] = ["crm", "erp", "mail"];
const FINAL: [Fate; 5] = [Fate::Delivered, Fate::Duplicate, Fate::Quarantined, Fate::Dead, Fate::Expired];

#[test]
fn whatever_happens_in_whatever_order_everything_is_accounted_for() {
    let mut met = Fates::default();
    for seed in 1..=6 {
        let mut run = Run::new(vec![Bench::new(Kind::OneMachine)], seed);
        run.work(400);
        run.add_met(&mut met);
    }
    assert!(met.iter().all(|(_, count)| count > 0), "not every fate was met: {met:?}");
}

#[test]
fn both_homes_say_the_same_of_the_same_work() {
    let mut met = Fates::default();
    let homes = [Kind::OneMachine, Kind::SeveralNodes].map(Bench::new);
    let mut run = Run::new(homes.into(), 7);
    run.work(250);
    run.add_met(&mut met);
    assert!(met.iter().filter(|(_, count)| *count > 0).count() >= 6, "too little was met: {met:?}");
}

/// The oracle sees what is wrong: here that a repetition is taken for something new.
#[test]
#[should_panic(expected = "became of message")]
fn a_home_that_forgets_too_soon_is_found_out() {
    let forgetful = Bench::with_window(Kind::OneMachine, WINDOW / 7);
    Run::new(vec![forgetful], 1).work(400);
}

struct Run {
    /// All of them do the same.
    homes: Vec<Bench>,
    oracle: Oracle,
    dice: Dice,
}

impl Run {
    fn new(homes: Vec<Bench>, seed: u64) -> Self {
        Self { homes, oracle: Oracle::default(), dice: Dice::new(seed) }
    }

    fn work(&mut self, steps: usize) {
        for step in 0..steps {
            self.step();
            self.check(step);
        }
    }

    fn add_met(&self, met: &mut Fates) {
        for (fate, count) in self.oracle.tally().fates.iter() {
            met[fate] += count;
        }
    }

    /// What every home says.
    #[track_caller]
    fn all<T: Debug + PartialEq>(&self, ask: impl Fn(&Bench) -> T) -> T {
        let mut answers = self.homes.iter().map(ask);
        let first = answers.next().expect("there is a home");
        answers.for_each(|other| assert_eq!(other, first, "the homes do not say the same"));
        first
    }

    fn check(&self, step: usize) {
        let audit = self.all(|bench| bench.home.audit().unwrap());
        assert_eq!(audit.counted, self.oracle.tally(), "rows, step {step}");
        assert_eq!(audit.kept, audit.counted, "kept, step {step}");
        assert_eq!(audit.counted.difference(), 0, "step {step}");
        assert_eq!(audit.counted.events_difference(), 0, "step {step}");
        let quarantine = self.all(|bench| bench.home.quarantine(MANY).unwrap());
        let found: [Vec<i64>; 3] = [
            quarantine.messages.iter().map(|row| row.seq.0).collect(),
            quarantine.events.iter().map(|row| row.seq.0).collect(),
            quarantine.deliveries.iter().map(|row| row.seq.0).collect(),
        ];
        assert_eq!(found, self.oracle.quarantine(), "step {step}");
        let all = Filter { order: Order::OldestFirst, limit: MANY, ..Filter::default() };
        self.all(|bench| bench.home.events(&all).unwrap());
        for destination in DESTINATIONS.map(name) {
            self.all(|bench| bench.home.next_due(&destination).unwrap());
        }
    }

    fn step(&mut self) {
        match self.dice.below(20) {
            0..=5 => {
                let raw = message("shop", "raw", self.homes[0].now());
                let seq = self.all(|bench| bench.take_in(raw.clone()));
                self.oracle.accept(seq);
            }
            6..=11 => self.decode(),
            12..=16 => self.deliver(),
            17 => self.requeue(),
            18 => {
                let hours = Duration::from_secs(60 * 60 * self.dice.below(60) as u64);
                self.homes.iter().for_each(|bench| bench.pass(hours));
            }
            _ => self.reopen(),
        }
    }

    fn reopen(&mut self) {
        let is_slow = self.homes.iter().any(|bench| bench.kind == Kind::SeveralNodes);
        // A home of several nodes counts on from where it was, one on one machine from what is there.
        if self.oracle.has_lost_its_last() || (is_slow && self.dice.below(8) > 0) {
            return;
        }
        self.homes.iter_mut().for_each(Bench::reopen);
    }

    fn decode(&mut self) {
        let (shop, limit) = (name("shop"), 1 + self.dice.below(3));
        let waiting =
            self.all(|bench| bench.home.pending_messages(&shop, MessageSeq(0), limit, MANY).unwrap());
        let (mut batch, mut expected) = (Vec::new(), Vec::new());
        for (seq, _) in waiting {
            if self.dice.below(8) == 0 {
                batch.push(Recorded { message: seq, result: Decoding::Quarantined("{}".into()) });
                self.oracle.refuse(seq);
                continue;
            }
            let told = self.tell(seq);
            let events = told.iter().map(|one| one.new.clone()).collect();
            batch.push(Recorded { message: seq, result: Decoding::Decoded(events) });
            expected.extend(self.oracle.decode(seq, &told, self.homes[0].now().as_millis()));
        }
        let done = self.all(|bench| bench.record(batch.clone(), bench.as_of()).unwrap());
        assert_eq!(done, expected, "what became of messages");
    }

    /// Up to three events with ids out of few; or what was told before, mended or not.
    fn tell(&mut self, message: MessageSeq) -> Vec<Told> {
        let before = self.oracle.told(message);
        let specs = match before.is_empty() || self.dice.below(4) == 0 {
            true => (0..self.dice.below(4)).map(|_| self.spec()).collect(),
            false => before,
        };
        let at_places = specs.into_iter().enumerate();
        let told = at_places.map(|(place, (key, body))| {
            let new = at_place(place as u32, self.draw(&key, &body));
            Told { key, body, new }
        });
        told.collect()
    }

    fn spec(&mut self) -> (String, String) {
        let key = self.oracle.decoded() + self.dice.below(6);
        (format!("k{key}"), format!("b{}", self.dice.below(2)))
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
        let due = self.all(|bench| {
            let mut due: Vec<Due> = bench.home.fresh(&destination, 4, MANY).unwrap();
            let back = bench.claimed(&destination, bench.now()).into_iter().filter(|due| !due.fresh);
            due.extend(back.take(4));
            due
        });
        let mut batch = Vec::new();
        for due in due {
            let again = self.homes[0].now() + Duration::from_secs(self.dice.below(9) as u64);
            let result = match self.dice.below(3) {
                0 => Settlement::Again { due: again },
                _ => finally(FINAL[self.dice.below(FINAL.len())]),
            };
            if let Settlement::Final { fate, .. } = result {
                self.oracle.settle(due.seq, fate);
            }
            batch.push(settled(&due, result));
        }
        self.all(|bench| wait(bench.home.settle(batch.clone().into())).unwrap());
    }

    fn requeue(&mut self) {
        let most = 1 + self.dice.below(3);
        let quarantine = self.all(|bench| bench.home.quarantine(most).unwrap());
        let mut items: Vec<Item> = quarantine.messages.iter().map(|row| Item::Message(row.seq)).collect();
        items.extend(quarantine.events.iter().map(|row| Item::Event(row.seq)));
        items.extend(quarantine.deliveries.iter().map(|row| Item::Delivery(row.seq)));
        items.push(Item::Event(EventSeq(1 + self.dice.below(20) as i64)));
        let requeued = self.all(|bench| bench.requeue(items.clone()));
        assert_eq!((requeued.messages, requeued.deliveries), self.oracle.requeue(&items));
    }
}
