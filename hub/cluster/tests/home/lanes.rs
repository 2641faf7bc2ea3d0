//! Deliveries of one lane go one after another, whatever becomes of them; those of other lanes never wait for them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use snodo_core::{Class, Event, Fate, Lane, Stuck};
use snodo_store::{DeliverySeq, Due, EventSeq, Item, NewDelivery, NewEvent, NewVerdict, Settlement};
use snodo_test_power::Dice;

use crate::bench::Bench;
use crate::services::wait;
use crate::values::*;

crate::both!(
    the_next_of_a_lane_waits_for_the_one_before_it,
    one_that_is_skipped_is_tried_again_beside_its_lane,
    the_newest_takes_the_place_of_those_that_wait,
    one_that_is_taken_up_again_stands_in_line,
    lanes_that_are_given_up_keep_nobody_waiting,
    what_failed_in_a_lane_comes_back_in_its_order_where_all_go_one_after_another,
    classes_go_before_each_other_and_lanes_before_classes,
    of_every_lane_one_may_go_and_the_order_is_kept,
);

pub fn in_lane(key: &str, stuck: Stuck) -> NewDelivery {
    NewDelivery { lane: Some(Lane::of(key)), stuck, ..delivery("crm") }
}

fn bring(bench: &Bench, key: &str, delivery: NewDelivery) {
    bench.bring(vec![NewEvent { verdict: NewVerdict::Routed(vec![delivery]), ..event(key, key) }]);
}

/// What may go, in the order in which it goes.
fn ready(bench: &Bench) -> Vec<Due> {
    bench.claimed(&name("crm"), bench.now())
}

fn of(ready: &[Due]) -> Vec<i64> {
    ready.iter().map(|due| due.seq.0).collect()
}

fn settle(bench: &Bench, due: &Due, result: Settlement) {
    bench.settle(due, result);
    bench.assert_balanced();
}

/// Two of `a`, then two of `b`.
fn two_lanes(bench: &Bench, stuck: Stuck) {
    for (key, lane) in [("1", "a"), ("2", "a"), ("3", "b"), ("4", "b")] {
        bring(bench, key, in_lane(lane, stuck));
    }
}

fn the_next_of_a_lane_waits_for_the_one_before_it(bench: &mut Bench) {
    two_lanes(bench, Stuck::Block);
    let first = ready(bench);
    assert_eq!(of(&first), [1, 3]);
    let due = bench.now() + Duration::from_secs(60);
    settle(bench, &first[0], Settlement::Again { due });
    settle(bench, &first[1], finally(Fate::Delivered));
    bench.reopen();
    assert_eq!(of(&ready(bench)), [4], "1 is not due, and 2 waits for it");
    assert_eq!(bench.home.next_due(&name("crm")).unwrap(), Some(bench.now()));
    bench.pass(Duration::from_secs(60));
    let again = ready(bench);
    assert_eq!(of(&again), [4, 1]);
    settle(bench, &again[1], finally(Fate::Dead));
    assert_eq!(of(&ready(bench)), [4, 2], "the dead hold up nobody");
}

fn one_that_is_skipped_is_tried_again_beside_its_lane(bench: &mut Bench) {
    two_lanes(bench, Stuck::Skip);
    let due = bench.now() + Duration::from_secs(60);
    settle(bench, &ready(bench)[0], Settlement::Aside { due });
    assert_eq!(of(&ready(bench)), [2, 3]);
    bench.pass(Duration::from_secs(60));
    let all = ready(bench);
    assert_eq!(of(&all), [2, 1, 3]);
    settle(bench, &all[1], finally(Fate::Delivered));
    assert_eq!(of(&ready(bench)), [2, 3]);
}

fn the_newest_takes_the_place_of_those_that_wait(bench: &mut Bench) {
    two_lanes(bench, Stuck::Newest);
    let expired = |bench: &Bench| bench.home.tally().unwrap().fates[Fate::Expired];
    let first = ready(bench);
    assert_eq!(of(&first), [1, 3], "what is under way is not replaced");
    let due = bench.now() + Duration::from_secs(60);
    settle(bench, &first[0], Settlement::Again { due });
    // 1 is put off, 2 waits for it: the newest replaces both. One of another type does not.
    bring(bench, "5", in_lane("a", Stuck::Newest));
    assert_eq!((of(&ready(bench)), expired(bench)), (vec![5, 3], 2));
    let new = event("6", "6");
    let other = Event { kind: "commerce.order.cancelled".into(), ..new.event };
    let verdict = NewVerdict::Routed(vec![in_lane("b", Stuck::Newest)]);
    bench.bring(vec![NewEvent { event: other, verdict, ..event("6", "6") }]);
    assert_eq!(expired(bench), 2);
    let reason = bench.home.trail(EventSeq(2)).unwrap().unwrap().deliveries[0].delivery.reason.clone();
    assert!(reason.is_some_and(|reason| reason.contains("newer")));
    bench.assert_balanced();
}

fn one_that_is_taken_up_again_stands_in_line(bench: &mut Bench) {
    two_lanes(bench, Stuck::Block);
    settle(bench, &ready(bench)[0], finally(Fate::Dead));
    let under_way = ready(bench);
    assert_eq!(of(&under_way), [2, 3]);
    bench.requeue(vec![Item::Delivery(DeliverySeq(1))]);
    bench.assert_balanced();
    assert_eq!(of(&ready(bench)), [2, 3], "2 may be under way");
    bring(bench, "5", in_lane("a", Stuck::Block));
    settle(bench, &under_way[0], finally(Fate::Delivered));
    assert_eq!(of(&ready(bench)), [1, 3], "what was accepted first goes first");
}

fn lanes_that_are_given_up_keep_nobody_waiting(bench: &mut Bench) {
    two_lanes(bench, Stuck::Block);
    let due = bench.now() + Duration::from_secs(60);
    settle(bench, &ready(bench)[0], Settlement::Again { due });
    wait(bench.home.free_lanes(name("crm"))).unwrap();
    // Which of those that are free goes first is no promise.
    assert_eq!(of(&ready(bench)), bench.either([2, 3, 4], [2, 4, 3]));
    bench.assert_balanced();
}

/// The younger one is taken up first, so that the older one waits for it in their lane: who asks what comes first does not.
fn what_failed_in_a_lane_comes_back_in_its_order_where_all_go_one_after_another(bench: &mut Bench) {
    two_lanes(bench, Stuck::Block);
    for expected in [[1, 3], [2, 4]] {
        let failed = ready(bench);
        assert_eq!(of(&failed), expected);
        failed.iter().for_each(|due| settle(bench, due, finally(Fate::Dead)));
    }
    wait(bench.home.free_lanes(name("crm"))).unwrap();
    bench.requeue([2, 1].map(|seq| Item::Delivery(DeliverySeq(seq))).into());
    for expected in [vec![1, 2], vec![2]] {
        let (due_at, head) = bench.home.head(&name("crm"), MANY, MANY).unwrap().unwrap();
        assert_eq!(of(&head), expected);
        assert!(due_at <= bench.now(), "{due_at}");
        settle(bench, &head[0], finally(Fate::Delivered));
    }
    assert!(bench.home.head(&name("crm"), MANY, MANY).unwrap().is_none());
}

fn classes_go_before_each_other_and_lanes_before_classes(bench: &mut Bench) {
    for (key, lane, class) in [
        ("1", "a", Class::Marketing),
        ("2", "b", Class::Service),
        ("3", "a", Class::Privacy),
        ("4", "c", Class::Privacy),
        ("5", "d", Class::Service),
    ] {
        bring(bench, key, NewDelivery { class, ..in_lane(lane, Stuck::Block) });
    }
    let first = ready(bench);
    assert_eq!(of(&first), [4, 2, 5, 1], "3 waits for 1");
    settle(bench, &first[3], finally(Fate::Delivered));
    assert_eq!(of(&ready(bench)), [3, 4, 2, 5]);
}

/// Random work: of every lane exactly the oldest may go, whatever was tried, settled, taken up again, or begun anew.
fn of_every_lane_one_may_go_and_the_order_is_kept(bench: &mut Bench) {
    // A step takes some hundred times as long on several nodes, and a start a second.
    let (seeds, steps, one_start_in) = bench.either((8, 300, 1), (1, 200, 9));
    for seed in 1..=seeds {
        let mut work = Work::new(Bench::new(bench.kind), seed);
        for _ in 0..steps {
            work.step(one_start_in);
            work.check();
        }
    }
}

/// What is known of the lanes by whoever does the work.
struct Work {
    bench: Bench,
    dice: Dice,
    lanes: HashMap<i64, usize>,
    /// Of each lane what is in flight, in the order in which it may go.
    waiting: BTreeMap<usize, Vec<i64>>,
    dead: BTreeSet<i64>,
    last: i64,
}

impl Work {
    fn new(bench: Bench, seed: u64) -> Self {
        let (lanes, waiting, dead) = Default::default();
        Self { bench, dice: Dice::new(seed), lanes, waiting, dead, last: 0 }
    }

    fn step(&mut self, one_start_in: usize) {
        match self.dice.below(10) {
            0..4 => self.bring(),
            4..7 => self.settle(),
            7 => self.requeue(),
            8 => self.bench.pass(Duration::from_secs(3)),
            _ if self.dice.below(one_start_in) == 0 => self.bench.reopen(),
            _ => {}
        }
    }

    fn bring(&mut self) {
        let lane = self.dice.below(4);
        self.last += 1;
        bring(&self.bench, &self.last.to_string(), in_lane(&lane.to_string(), Stuck::Block));
        self.lanes.insert(self.last, lane);
        self.waiting.entry(lane).or_default().push(self.last);
    }

    fn settle(&mut self) {
        let found = ready(&self.bench);
        let Some(due) = found.get(self.dice.below(found.len().max(1))) else { return };
        let result = match self.dice.below(3) {
            0 => Settlement::Again { due: self.bench.now() + Duration::from_secs(5) },
            _ => finally(Fate::Dead),
        };
        if let Settlement::Final { .. } = result {
            self.waiting.get_mut(&self.lanes[&due.seq.0]).unwrap().retain(|seq| *seq != due.seq.0);
            self.dead.insert(due.seq.0);
        }
        settle(&self.bench, due, result);
    }

    fn requeue(&mut self) {
        let Some(seq) = self.dead.pop_first() else { return };
        self.bench.requeue(vec![Item::Delivery(DeliverySeq(seq))]);
        let lane = self.waiting.entry(self.lanes[&seq]).or_default();
        // It stands behind the one that may be under way, and before all that are newer.
        let at = lane.iter().skip(1).position(|one| *one > seq).map_or(lane.len(), |at| at + 1);
        lane.insert(at, seq);
    }

    fn check(&self) {
        let later = self.bench.now() + Duration::from_secs(60);
        let mut seen = HashMap::new();
        for due in self.bench.claimed(&name("crm"), later) {
            let lane = self.lanes[&due.seq.0];
            assert_eq!(seen.insert(lane, due.seq.0), None, "two of lane {lane} may go");
            assert_eq!(self.waiting[&lane].first(), Some(&due.seq.0), "lane {lane} is out of order");
        }
        let busy = self.waiting.values().filter(|lane| !lane.is_empty()).count();
        assert_eq!(seen.len(), busy, "a lane stands still");
    }
}
