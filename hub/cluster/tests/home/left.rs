//! What is left of channels and routes that are gone is counted, and settled when somebody has decided what becomes of it.

use std::time::Duration;

use snodo_core::{Fate, Lane, Stuck};
use snodo_store::{EventSeq, Left, NewDelivery, NewEvent, NewVerdict, Settlement};

use crate::bench::Bench;
use crate::services::wait;
use crate::values::*;

crate::both!(
    it_is_settled_in_parts_and_what_waited_for_it_goes_on,
    messages_that_wait_are_counted_with_the_first_and_the_last_of_them,
);

fn in_lane(route: &str, key: &str) -> NewDelivery {
    let (lane, stuck) = (Some(Lane::of(key)), Stuck::Block);
    NewDelivery { route: route.parse().unwrap(), lane, stuck, ..delivery("crm") }
}

fn left(route: Option<&str>) -> Left {
    Left { destination: name("crm"), route: route.map(|route| route.parse().unwrap()) }
}

/// Five deliveries to the CRM, those of one customer in order, and one to the desk.
fn six(bench: &Bench) {
    for (key, route, lane) in
        [("1", "old", "a"), ("2", "new", "a"), ("3", "old", "a"), ("4", "new", "b"), ("5", "old", "c")]
    {
        let verdict = NewVerdict::Routed(vec![in_lane(route, lane)]);
        bench.bring(vec![NewEvent { verdict, ..event(key, key) }]);
    }
    let verdict = NewVerdict::Routed(vec![delivery("desk")]);
    bench.bring(vec![NewEvent { verdict, ..event("6", "6") }]);
}

fn it_is_settled_in_parts_and_what_waited_for_it_goes_on(bench: &mut Bench) {
    six(bench);
    let count = |route| bench.home.left(&left(route)).unwrap();
    assert_eq!((count(None), count(Some("old")), count(Some("none"))), (5, 3, 0));
    let ready = || bench.claimed(&name("crm"), bench.now()).iter().map(|due| due.seq.0).collect::<Vec<_>>();
    assert_eq!(ready(), [1, 4, 5]);
    let settle = |route, fate, limit| {
        let settled =
            wait(bench.home.settle_left(left(route), fate, "its route was removed", limit)).unwrap();
        bench.assert_balanced();
        settled
    };
    // One that was tried is settled, too.
    let first = bench.claimed(&name("crm"), bench.now()).remove(0);
    let again = Settlement::Again { due: bench.now() + Duration::from_secs(60) };
    bench.settle(&first, again);
    assert_eq!(settle(Some("old"), Fate::Expired, 2), 2);
    assert_eq!((ready(), count(None)), (vec![2, 4, 5], 3), "the next of its lane goes");
    assert_eq!(settle(Some("old"), Fate::Expired, 2), 1);
    assert_eq!(settle(Some("old"), Fate::Expired, 2), 0);
    assert_eq!((ready(), count(Some("new"))), (vec![2, 4], 2));
    assert_eq!(settle(None, Fate::Dead, 9), 2);
    let tally = bench.home.tally().unwrap();
    assert_eq!((tally.fates[Fate::Expired], tally.fates[Fate::Dead], tally.in_flight), (3, 2, 1));
    let routes = bench.home.routes_in_flight().unwrap();
    assert_eq!(routes, [("to-desk".parse().unwrap(), 1)]);
    let explained = bench.home.trail(EventSeq(3)).unwrap().unwrap();
    assert_eq!(explained.deliveries[0].delivery.reason.as_deref(), Some("its route was removed"));
}

fn messages_that_wait_are_counted_with_the_first_and_the_last_of_them(bench: &mut Bench) {
    let found = |channel: &str| {
        let undecoded = bench.home.undecoded(&name(channel)).unwrap();
        (undecoded.count, undecoded.ends.map(|(first, last)| (first.0, last.0)))
    };
    assert_eq!(found("shop"), (0, None));
    let first = bench.accept("shop", "1");
    bench.accept("tills", "2");
    bench.accept("shop", "3");
    assert_eq!((found("shop"), found("tills")), ((2, Some((1, 3))), (1, Some((2, 2)))));
    bench.decode(first, vec![event("1", "1")]).unwrap();
    assert_eq!(found("shop"), (1, Some((3, 3))));
}
