//! Random work: whatever is sent again, and whenever, the ledger is balanced, a trial says what is done, and of every lane exactly
//! one may go.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use snodo_core::{Fate, Lane, Stuck};
use snodo_store::{
    DeliverySeq, EventSeq, Filter, NEW, NEW_SUPPRESSED, NewDelivery, NewEvent, Replayed, Selector,
    Settlement, Which,
};
use snodo_test_power::Dice;

use super::{DESTINATIONS, fate, of, ready, replay};
use crate::bench::Bench;
use crate::values::*;

crate::both!(whatever_is_sent_again_everything_is_accounted_for);

fn whatever_is_sent_again_everything_is_accounted_for(bench: &mut Bench) {
    let mut met: HashMap<String, u64> = HashMap::new();
    for seed in 1..=bench.either(8, 1) {
        let mut dice = Dice::new(seed * 77);
        let mut bench = Bench::new(bench.kind);
        let mut events = 0;
        // Those that left their lanes, with how often they had been sent again by then.
        let mut aside: HashMap<DeliverySeq, u32> = HashMap::new();
        for _ in 0..200 {
            match dice.below(10) {
                0..3 => {
                    events += 1;
                    bench.bring(vec![some_event(&mut dice, &events.to_string())]);
                }
                3..7 => {
                    let destination = DESTINATIONS[dice.below(2)];
                    let found = ready(&bench, destination);
                    let Some(due) = found.get(dice.below(found.len().max(1))) else { continue };
                    let result = match dice.below(5) {
                        0 => Settlement::Again { due: bench.now() + Duration::from_secs(5) },
                        1 => Settlement::Aside { due: bench.now() + Duration::from_secs(5) },
                        2 => finally(Fate::Delivered),
                        _ => finally(Fate::Dead),
                    };
                    if matches!(result, Settlement::Aside { .. }) {
                        aside.insert(due.seq, due.replays);
                    }
                    bench.settle(due, result);
                }
                7 => bench.pass(Duration::from_secs(3)),
                8 => {
                    let done = replay_some(&bench, &mut dice, events);
                    for (before, count) in done.deliveries.into_values().flatten() {
                        *met.entry(before).or_default() += count;
                    }
                }
                // A hub that has claimed what it never settles takes ten seconds to leave its partitions.
                _ if bench.either(true, dice.below(10) == 0) => bench.reopen(),
                _ => {}
            }
            bench.assert_balanced();
            one_of_every_lane_may_go(&bench, &aside);
        }
    }
    for before in ["dead", "delivered", "suppressed", NEW, NEW_SUPPRESSED] {
        assert!(met.contains_key(before), "{before} was not met: {met:?}");
    }
}

/// One whose lane is its ordering key's.
fn in_lane(key: &str, to: &str) -> NewDelivery {
    NewDelivery { lane: Some(Lane::of(key)), ordering_key: Some(key.to_owned()), ..delivery(to) }
}

fn some_event(dice: &mut Dice, key: &str) -> NewEvent {
    let lane = dice.below(3).to_string();
    let routed = |filtered, deliveries| of_two_routes(key, filtered, deliveries);
    match dice.below(6) {
        0 => broken(key, "b"),
        1 => routed(2, vec![]),
        2 => routed(0, vec![in_lane(&lane, "crm"), suppressed("mail")]),
        _ => routed(1, vec![in_lane(&lane, "crm")]),
    }
}

fn replay_some(bench: &Bench, dice: &mut Dice, events: usize) -> Replayed {
    let which = match dice.below(3) {
        0 => fate(Fate::Dead),
        1 => fate(Fate::ALL[dice.below(7)]),
        _ => Which::default(),
    };
    let some = (0..3).map(|_| EventSeq(1 + dice.below(events.max(1)) as i64)).collect();
    let rematch = dice.below(2) == 0;
    let selector = Selector { events: some, rematch, ..of(which) };
    let odd = dice.below(2) as i64;
    let wanted = move |seq: EventSeq| {
        let mail = if seq.0 % 2 == odd { in_lane("x", "mail") } else { suppressed("mail") };
        let third =
            NewDelivery { route: "third".parse().unwrap(), stuck: Stuck::Newest, ..in_lane("x", "crm") };
        rematch.then(|| vec![in_lane("o1", "crm"), mail, third])
    };
    replay(bench, &selector, wanted)
}

fn one_of_every_lane_may_go(bench: &Bench, aside: &HashMap<DeliverySeq, u32>) {
    let mut lanes: BTreeMap<_, (u32, u32)> = BTreeMap::new();
    let in_flight = Filter { fate: Some(None), limit: MANY, ..Filter::default() };
    for event in bench.home.events(&in_flight).unwrap() {
        let trail = bench.home.trail(event.seq).unwrap().unwrap();
        for row in trail.deliveries.into_iter().map(|one| one.delivery) {
            if row.fate.is_none() && aside.get(&row.seq) != Some(&row.replays) {
                let (count, ready) = lanes.entry((row.destination, row.ordering_key)).or_default();
                *count += 1;
                *ready += u32::from(!row.waits);
            }
        }
    }
    for ((destination, key), (count, ready)) in lanes {
        assert_eq!(ready, 1, "of {count} in the lane {key:?} to {destination}");
    }
}
