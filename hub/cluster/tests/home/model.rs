//! Random work done in both homes at once: after every step they say the same. The store on one machine has an oracle of its own, in its own
//! tests; here it is the oracle.

use std::time::Duration;

use snodo_core::Fate;
use snodo_store::{Decoding, Due, EventSeq, Filter, Item, NewEvent, NewVerdict, Order, Recorded, Settlement};

use crate::bench::Bench;
use crate::values::*;

const STEPS: usize = 250;
const DESTINATIONS: [&str; 3] = ["crm", "erp", "mail"];
const FINAL: [Fate; 5] = [Fate::Delivered, Fate::Duplicate, Fate::Quarantined, Fate::Dead, Fate::Expired];

#[test]
fn both_homes_say_the_same_of_the_same_work() {
    let (mut one, mut many) = (Bench::embedded(), Bench::cluster());
    let mut dice = Dice(0xc0ffee);
    for step in 0..STEPS {
        match dice.below(20) {
            0..=5 => {
                let raw = message("shop", "raw", one.now());
                assert_eq!(one.home.accept(raw.clone()), many.home.accept(raw));
            }
            6..=11 => decode(&one, &many, &mut dice),
            12..=16 => deliver(&one, &many, &mut dice),
            17 => requeue(&one, &many, &mut dice),
            18 => {
                let hours = Duration::from_secs(60 * 60 * dice.below(60) as u64);
                one.pass(hours);
                many.pass(hours);
            }
            _ if step % 8 == 0 => {
                one.reopen();
                many.reopen();
            }
            _ => {}
        }
        compare(&one, &many, step);
    }
    let met = one.home.tally().unwrap().fates;
    assert!(met.iter().filter(|(_, count)| *count > 0).count() >= 6, "too little was met: {met:?}");
}

fn compare(one: &Bench, many: &Bench, step: usize) {
    let (audit, other) = (one.home.audit().unwrap(), many.home.audit().unwrap());
    assert!(other.agrees(), "step {step}: {other:?}");
    assert_eq!(audit, other, "step {step}");
    let all = Filter { order: Order::OldestFirst, limit: MANY, ..Filter::default() };
    assert_eq!(one.home.events(&all).unwrap(), many.home.events(&all).unwrap(), "step {step}");
    assert_eq!(one.home.quarantine(MANY).unwrap(), many.home.quarantine(MANY).unwrap(), "step {step}");
    for destination in DESTINATIONS.map(name) {
        let next = |bench: &Bench| bench.home.next_due(&destination).unwrap();
        assert_eq!(next(one), next(many), "step {step}");
    }
}

fn decode(one: &Bench, many: &Bench, dice: &mut Dice) {
    let shop = name("shop");
    let waiting = one.home.pending(&shop, 1 + dice.below(3), MANY).unwrap();
    assert_eq!(waiting, many.home.pending(&shop, waiting.len().max(1), MANY).unwrap());
    let mut batch = Vec::new();
    for (seq, _) in waiting {
        let result = match dice.below(8) {
            0 => Decoding::Quarantined("{}".into()),
            _ => {
                let events = (0..dice.below(4)).map(|place| at_place(place as u32, draw(dice)));
                Decoding::Decoded(events.collect())
            }
        };
        batch.push(Recorded { message: seq, result });
    }
    let found = one.home.record(batch.clone(), one.as_of()).unwrap();
    assert_eq!(found, many.home.record(batch, many.as_of()).unwrap());
}

fn draw(dice: &mut Dice) -> NewEvent {
    let (key, body) = (format!("k{}", dice.below(30)), format!("b{}", dice.below(2)));
    let routes = dice.below(4) as u32;
    if dice.below(4) == 0 {
        return NewEvent { routes, ..broken(&key, &body) };
    }
    let wanted = dice.below(routes as usize + 1);
    let deliveries = (0..wanted).map(|at| match dice.below(5) {
        0 => suppressed(DESTINATIONS[at]),
        _ => delivery(DESTINATIONS[at]),
    });
    let verdict = NewVerdict::Routed(deliveries.collect());
    NewEvent { routes, filtered: routes - wanted as u32, verdict, ..event(&key, &body) }
}

fn deliver(one: &Bench, many: &Bench, dice: &mut Dice) {
    let destination = name(DESTINATIONS[dice.below(3)]);
    let take = |bench: &Bench| {
        let mut due: Vec<Due> = bench.home.fresh(&destination, 4, MANY).unwrap();
        let back = bench.claimed(&destination, bench.now()).into_iter().filter(|due| !due.fresh);
        due.extend(back.take(4));
        due
    };
    let due = take(one);
    assert_eq!(due, take(many));
    let mut batch = Vec::new();
    for due in due {
        let result = match dice.below(3) {
            0 => Settlement::Again { due: one.now() + Duration::from_secs(dice.below(9) as u64) },
            _ => finally(FINAL[dice.below(FINAL.len())]),
        };
        batch.push(settled(&due, result));
    }
    one.home.settle(batch.clone()).unwrap();
    many.home.settle(batch).unwrap();
}

fn requeue(one: &Bench, many: &Bench, dice: &mut Dice) {
    let quarantine = one.home.quarantine(1 + dice.below(3)).unwrap();
    let mut items: Vec<Item> = quarantine.messages.iter().map(|row| Item::Message(row.seq)).collect();
    items.extend(quarantine.events.iter().map(|row| Item::Event(row.seq)));
    items.extend(quarantine.deliveries.iter().map(|row| Item::Delivery(row.seq)));
    items.push(Item::Event(EventSeq(1 + dice.below(20) as i64)));
    let requeued = one.home.requeue(items.clone()).unwrap();
    assert_eq!(requeued, many.home.requeue(items).unwrap());
}
