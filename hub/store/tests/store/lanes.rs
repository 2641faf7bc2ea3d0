//! Deliveries of one lane go one after another, whatever becomes of them; those of other lanes never wait for them.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use snodo_core::{Class, Fate, Lane, Stuck};
use snodo_store::{DeliverySeq, Due, EventSeq, Item, NewDelivery, NewEvent, NewVerdict, Settlement};
use snodo_test_power::Dice;

use crate::bench::*;

fn in_lane(key: &str, stuck: Stuck) -> NewDelivery {
    NewDelivery { lane: Some(Lane::of(key)), stuck, ..delivery("crm") }
}

fn bring(bench: &Bench, key: &str, delivery: NewDelivery) {
    bench.bring(vec![NewEvent { verdict: NewVerdict::Routed(vec![delivery]), ..event(key, key) }]);
}

fn of(due: &[Due]) -> Vec<i64> {
    due.iter().map(|one| one.seq.0).collect()
}

fn ready(bench: &Bench) -> Vec<Due> {
    claimed(&bench.store, &name("crm"), bench.now())
}

fn settle(bench: &Bench, due: &Due, result: Settlement) {
    bench.store.settle_blocking(vec![settled(due, result)]).unwrap();
    bench.assert_balanced();
}

/// Two of `a`, then two of `b`.
fn two_lanes(stuck: Stuck) -> Bench {
    let bench = Bench::new();
    for (key, lane) in [("1", "a"), ("2", "a"), ("3", "b"), ("4", "b")] {
        bring(&bench, key, in_lane(lane, stuck));
    }
    bench
}

#[test]
fn the_next_of_a_lane_waits_for_the_one_before_it() {
    let bench = two_lanes(Stuck::Block);
    let first = ready(&bench);
    assert_eq!(of(&first), [1, 3]);
    let due = bench.now() + Duration::from_secs(60);
    settle(&bench, &first[0], Settlement::Again { due });
    settle(&bench, &first[1], finally(Fate::Delivered));
    let bench = bench.reopen();
    assert_eq!(of(&ready(&bench)), [4], "1 is not due, and 2 waits for it");
    assert_eq!(bench.store.next_due(&name("crm")).unwrap(), Some(bench.now()));
    bench.pass(Duration::from_secs(60));
    let again = ready(&bench);
    assert_eq!(of(&again), [4, 1]);
    settle(&bench, &again[1], finally(Fate::Dead));
    assert_eq!(of(&ready(&bench)), [4, 2], "the dead hold up nobody");
}

#[test]
fn one_that_is_skipped_is_tried_again_beside_its_lane() {
    let bench = two_lanes(Stuck::Skip);
    let due = bench.now() + Duration::from_secs(60);
    settle(&bench, &ready(&bench)[0], Settlement::Aside { due });
    assert_eq!(of(&ready(&bench)), [2, 3]);
    bench.pass(Duration::from_secs(60));
    let all = ready(&bench);
    assert_eq!(of(&all), [2, 1, 3]);
    settle(&bench, &all[1], finally(Fate::Delivered));
    assert_eq!(of(&ready(&bench)), [2, 3]);
}

#[test]
fn the_newest_takes_the_place_of_those_that_wait() {
    let bench = two_lanes(Stuck::Newest);
    let counted = |bench: &Bench| bench.store.tally().unwrap().fates[Fate::Expired];
    assert_eq!(of(&ready(&bench)), [1, 3], "what is under way is not replaced");
    let due = bench.now() + Duration::from_secs(60);
    settle(&bench, &ready(&bench)[0], Settlement::Again { due });
    // 1 is put off, 2 waits for it: the newest replaces both. One of another type does not.
    bring(&bench, "5", in_lane("a", Stuck::Newest));
    assert_eq!((of(&ready(&bench)), counted(&bench)), (vec![5, 3], 2));
    let other = in_lane("b", Stuck::Newest);
    let kind = event("6", "6");
    let kind = snodo_core::Event { kind: "commerce.order.cancelled".into(), ..kind.event };
    let verdict = NewVerdict::Routed(vec![other]);
    bench.bring(vec![NewEvent { event: kind, verdict, ..event("6", "6") }]);
    assert_eq!(counted(&bench), 2);
    let reason = bench.store.trail(EventSeq(2)).unwrap().unwrap().deliveries[0].delivery.reason.clone();
    assert!(reason.is_some_and(|reason| reason.contains("newer")));
    bench.assert_balanced();
}

#[test]
fn one_that_is_taken_up_again_stands_in_line() {
    let bench = two_lanes(Stuck::Block);
    settle(&bench, &ready(&bench)[0], finally(Fate::Dead));
    let under_way = ready(&bench);
    assert_eq!(of(&under_way), [2, 3]);
    wait(bench.store.requeue(vec![Item::Delivery(DeliverySeq(1))])).unwrap();
    bench.assert_balanced();
    assert_eq!(of(&ready(&bench)), [2, 3], "2 may be under way");
    bring(&bench, "5", in_lane("a", Stuck::Block));
    settle(&bench, &under_way[0], finally(Fate::Delivered));
    assert_eq!(of(&ready(&bench)), [1, 3], "what was accepted first goes first");
}

#[test]
fn lanes_that_are_given_up_keep_nobody_waiting() {
    let bench = two_lanes(Stuck::Block);
    let due = bench.now() + Duration::from_secs(60);
    settle(&bench, &ready(&bench)[0], Settlement::Again { due });
    wait(bench.store.free_lanes(name("crm"))).unwrap();
    assert_eq!(of(&ready(&bench)), [2, 3, 4]);
    bench.assert_balanced();
}

#[test]
fn classes_go_before_each_other_and_lanes_before_classes() {
    let bench = Bench::new();
    for (key, lane, class) in [
        ("1", "a", Class::Marketing),
        ("2", "b", Class::Service),
        ("3", "a", Class::Privacy),
        ("4", "c", Class::Privacy),
        ("5", "d", Class::Service),
    ] {
        bring(&bench, key, NewDelivery { class, ..in_lane(lane, Stuck::Block) });
    }
    let first = ready(&bench);
    assert_eq!(of(&first), [4, 2, 5, 1], "3 waits for 1");
    settle(&bench, &first[3], finally(Fate::Delivered));
    assert_eq!(of(&ready(&bench)), [3, 4, 2, 5]);
}

/// Random work: of every lane exactly the oldest may go, whatever was tried, settled, taken up again, or crashed.
#[test]
fn of_every_lane_one_may_go_and_the_order_is_kept() {
    for seed in 1..=8 {
        let mut dice = Dice::new(seed);
        let mut bench = Bench::new();
        let mut lanes: HashMap<i64, usize> = HashMap::new();
        let mut waiting: BTreeMap<usize, Vec<i64>> = BTreeMap::new();
        let mut next = 1;
        for _ in 0..300 {
            match dice.below(8) {
                0..3 => {
                    let lane = dice.below(4);
                    bring(&bench, &next.to_string(), in_lane(&lane.to_string(), Stuck::Block));
                    lanes.insert(next, lane);
                    waiting.entry(lane).or_default().push(next);
                    next += 1;
                }
                3..6 => {
                    let found = ready(&bench);
                    let Some(due) = found.get(dice.below(found.len().max(1))) else { continue };
                    let result = match dice.below(3) {
                        0 => Settlement::Again { due: bench.now() + Duration::from_secs(5) },
                        _ => finally(Fate::Dead),
                    };
                    if let Settlement::Final { .. } = result {
                        waiting.get_mut(&lanes[&due.seq.0]).unwrap().retain(|seq| *seq != due.seq.0);
                    }
                    settle(&bench, due, result);
                }
                6 => bench.pass(Duration::from_secs(3)),
                _ => bench = bench.reopen(),
            }
            let mut seen = HashMap::new();
            for due in claimed(&bench.store, &name("crm"), bench.now() + Duration::from_secs(60)) {
                let lane = lanes[&due.seq.0];
                assert_eq!(seen.insert(lane, due.seq.0), None, "two of lane {lane} may go");
                assert_eq!(waiting[&lane].first(), Some(&due.seq.0), "lane {lane} is out of order");
            }
            let busy = waiting.values().filter(|lane| !lane.is_empty()).count();
            assert_eq!(seen.len(), busy, "a lane stands still");
        }
    }
}
