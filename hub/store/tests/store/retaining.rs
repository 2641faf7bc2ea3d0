//! What is settled is removed when its time has come, what waits or has failed for too long is given up, and the ledger forgets nothing
//! of it.

use std::time::Duration;

use snodo_core::consent::State;
use snodo_core::declare::Order;
use snodo_core::{Fate, Lane, Timestamp};
use snodo_store::{
    Decoding, DeliverySeq, EventSeq, Failing, Item, MessageSeq, NewDelivery, NewEvent, NewVerdict, Outcome,
    Patience, Recorded, Removal, Removed, Settlement, StoreError, Tally,
};
use snodo_test_power::Dice;

use crate::bench::*;

const HOUR: Duration = Duration::from_secs(3_600);

/// All that may be removed of what was accepted until then.
fn remove(bench: &Bench, until: Timestamp) -> Removed {
    let store = &bench.store;
    let (mut removed, mut after) = (Removed::default(), MessageSeq(0));
    let last = store.received_until(until).unwrap();
    loop {
        let messages = store.removable(until, after, last).unwrap();
        if messages.is_empty() {
            return removed;
        }
        let progress = store.remove_blocking(Removal::Settled { messages: messages.clone(), until }).unwrap();
        assert!(progress.done > 0 || progress.removed.events > 0);
        after = progress.done.checked_sub(1).map_or(after, |last| messages[last]);
        removed.add(progress.removed);
        bench.assert_balanced();
    }
}

fn remove_quarantined(bench: &Bench, until: Timestamp) -> Removed {
    let events = bench.store.quarantined_until(until, EventSeq(0)).unwrap();
    let messages = bench.store.undecoded_until(until, MessageSeq(0)).unwrap();
    let mut removed = bench.store.remove_blocking(Removal::Quarantined(events)).unwrap().removed;
    removed.add(bench.store.remove_blocking(Removal::Undecoded(messages)).unwrap().removed);
    bench.assert_balanced();
    removed
}

fn expire_failed(bench: &Bench, until: Timestamp) -> usize {
    let found = bench.store.failed_until(until, DeliverySeq(0)).unwrap();
    let done = bench.store.expire_failed_blocking(found, "older than retention.failed").unwrap();
    bench.assert_balanced();
    done
}

fn expire_waiting(bench: &Bench, until: Timestamp, order: Order) -> usize {
    let patience = Patience { until, destinations: [(name("crm"), order)].into() };
    let found = bench.store.overdue(&patience, bench.now()).unwrap();
    let done = bench
        .store
        .expire_waiting_blocking(found.deliveries, patience, "older than retention.waiting")
        .unwrap();
    bench.assert_balanced();
    done
}

fn settle_all(bench: &Bench, fate: Fate) {
    let due = claimed(&bench.store, &name("crm"), bench.now());
    bench
        .store
        .settle_blocking(due.iter().map(|due| settled(due, finally(fate))).collect::<Vec<_>>())
        .unwrap();
}

/// Something that is never removed: the last of each table.
fn last(bench: &Bench) {
    bench.bring(vec![event("last", "last")]);
}

#[test]
fn what_has_ended_well_is_removed_at_its_age_and_stays_in_the_ledger() {
    let bench = Bench::new();
    let two = NewVerdict::Routed(vec![delivery("crm"), suppressed("mail")]);
    bench.bring(vec![NewEvent { routes: 3, filtered: 1, verdict: two, ..event("1", "1") }]);
    let due = claimed(&bench.store, &name("crm"), bench.now()).remove(0);
    let again = Settlement::Again { due: bench.now() };
    bench.store.settle_blocking(vec![settled(&due, again)]).unwrap();
    settle_all(&bench, Fate::Delivered);
    bench.bring(vec![]);
    bench.pass(HOUR);
    bench.bring(vec![event("2", "2")]);
    settle_all(&bench, Fate::Delivered);
    last(&bench);
    let whole = bench.store.balance(None).unwrap();

    assert_eq!(remove(&bench, bench.now() - HOUR * 2), Removed::default(), "it is too young");
    let removed = remove(&bench, bench.now() - HOUR);
    assert_eq!(removed, Removed { messages: 2, events: 1, deliveries: 2, attempts: 1 });
    assert!(bench.store.event(EventSeq(1)).unwrap().is_none());
    assert!(bench.store.message(MessageSeq(1)).unwrap().is_none());

    let bench = bench.reopen();
    assert_eq!(bench.store.balance(None).unwrap(), whole);
    bench.assert_balanced();
    let gone = bench.store.removed().unwrap();
    assert_eq!((gone.messages.accepted, gone.events.routed, gone.expected), (2, 1, 3));
    assert_eq!((gone.fates[Fate::Delivered], gone.fates[Fate::Filtered], gone.in_flight), (1, 1, 0));
    // Asked about a time, the rows answer for themselves.
    let since = bench.store.balance(Some(Timestamp::from_millis(START))).unwrap();
    assert_eq!((since.expected, since.difference(), since.events_difference()), (2, 0, 0));
}

#[test]
fn what_is_still_needed_stays() {
    let bench = Bench::new();
    let nothing = |key: &str| NewEvent { routes: 0, verdict: NewVerdict::Routed(vec![]), ..event(key, key) };
    let anna = |new| of_customer(customer(1), "anna@example.com", new);
    for (case, events) in [
        ("the evidence of an identifier", vec![anna(nothing("1"))]),
        ("not again", vec![anna(nothing("2"))]),
        (
            "the evidence of a consent, and what came with it",
            vec![
                anna(NewEvent { consents: vec![said(State::Granted, 5)], ..nothing("3") }),
                at_place(1, nothing("4")),
            ],
        ),
        ("one in flight", vec![event("5", "5")]),
        (
            "one beside an event in quarantine: the message may be decoded again",
            vec![nothing("6"), at_place(1, broken("7", "7"))],
        ),
        ("an original", vec![nothing("8")]),
        ("and its repetition", vec![nothing("8")]),
    ] {
        let done = bench.bring(events);
        assert!(!done.is_empty(), "{case}");
    }
    last(&bench);
    bench.pass(HOUR);
    let removed = remove(&bench, bench.now());
    // 2, 4, and the repetition of 8, of which the message goes too; in the next round the original.
    assert_eq!(removed, Removed { messages: 2, events: 3, ..Removed::default() });
    let removed = remove(&bench, bench.now());
    assert_eq!(removed, Removed { messages: 1, events: 1, ..Removed::default() });
    let there: Vec<i64> =
        (1..=10).filter(|seq| bench.store.event(EventSeq(*seq)).unwrap().is_some()).collect();
    assert_eq!(there, [1, 3, 5, 6, 7, 10]);
    // The message of the evidence, with the body that proves it, counts the events that it still has.
    let message = bench.store.message(MessageSeq(3)).unwrap().unwrap();
    assert!(matches!(message.standing, snodo_store::Standing::Decoded { events: 1, .. }));
    assert_eq!(bench.store.identifiers_of(customer(1)).unwrap().len(), 1);
    settle_all(&bench, Fate::Dead);
    assert_eq!(remove(&bench, bench.now()), Removed::default(), "what is dead waits for a person");
}

#[test]
fn what_has_failed_for_too_long_is_given_up() {
    let bench = Bench::new();
    bench.bring(vec![event("1", "1")]);
    settle_all(&bench, Fate::Dead);
    bench.bring(vec![NewEvent { routes: 2, ..broken("2", "2") }]);
    let raw = bench.accept("till", "raw");
    let recorded = vec![Recorded { message: raw, result: Decoding::Quarantined("{}".into()) }];
    bench.store.record_blocking(recorded, bench.as_of()).unwrap();
    last(&bench);
    let before = bench.now();
    bench.pass(HOUR);
    assert_eq!(expire_failed(&bench, before - HOUR), 0);
    assert_eq!(remove_quarantined(&bench, before - HOUR), Removed::default());

    assert_eq!(expire_failed(&bench, before), 1);
    let row = &bench.store.trail(EventSeq(1)).unwrap().unwrap().deliveries[0].delivery;
    assert_eq!((row.fate, row.reason.as_deref()), (Some(Fate::Expired), Some("older than retention.failed")));
    assert_eq!(remove_quarantined(&bench, before), Removed { messages: 2, events: 1, ..Removed::default() });
    let tally: Tally = bench.store.tally().unwrap();
    assert_eq!((tally.fates[Fate::Expired], tally.fates[Fate::Quarantined]), (3, 0));
    assert_eq!((tally.messages.quarantined, bench.store.removed().unwrap().messages.quarantined), (1, 1));
    assert_eq!(remove(&bench, before), Removed { messages: 1, events: 1, deliveries: 1, attempts: 0 });
}

#[test]
fn what_waits_for_too_long_is_given_up_unless_somebody_has_it_in_hand() {
    let lane = |key: &str| NewDelivery { lane: Some(Lane::of(key)), ..delivery("crm") };
    for (order, expected) in [(Order::Key, 2), (Order::Strict, 0)] {
        let bench = Bench::new();
        // Three of one lane: the first is handed out, and the others wait.
        for key in ["1", "2", "3"] {
            let verdict = NewVerdict::Routed(vec![lane("a")]);
            bench.bring(vec![NewEvent { verdict, ..event(key, key) }]);
        }
        // One is tried again tomorrow, and one of another destination that is not there any more.
        bench
            .bring(vec![NewEvent { verdict: NewVerdict::Routed(vec![delivery("gone")]), ..event("4", "4") }]);
        let under_way = claimed(&bench.store, &name("crm"), bench.now()).remove(0);
        let old = bench.now();
        bench.pass(HOUR);
        bench.bring(vec![event("5", "5")]);
        assert_eq!(expire_waiting(&bench, old - HOUR, order), 0);
        assert_eq!(expire_waiting(&bench, old, order), expected + 1, "{order:?}");
        // Whoever has it can settle it.
        let due = bench.now() + HOUR * 24;
        bench.store.settle_blocking(vec![settled(&under_way, Settlement::Again { due })]).unwrap();
        assert_eq!(expire_waiting(&bench, old, order), usize::from(order == Order::Key), "it is not due");
        let row = |seq| bench.store.trail(EventSeq(seq)).unwrap().unwrap().deliveries.remove(0).delivery;
        assert_eq!((row(4).fate, row(5).fate), (Some(Fate::Expired), None));
        assert_eq!(row(4).reason.as_deref(), Some("older than retention.waiting"));
        // What is taken up again has all its time before it.
        if order == Order::Key {
            bench.pass(HOUR);
            bench.store.settle_blocking(Vec::new()).unwrap();
            let first = claimed(&bench.store, &name("crm"), bench.now()).remove(0);
            bench.store.settle_blocking(vec![settled(&first, finally(Fate::Dead))]).unwrap();
            wait(bench.store.requeue(vec![Item::Delivery(first.seq)])).unwrap();
            bench.assert_balanced();
            let patience = Patience { until: old + HOUR, destinations: [(name("crm"), order)].into() };
            let found = bench.store.overdue(&patience, bench.now()).unwrap();
            assert_eq!((found.deliveries, found.next), (vec![], Some(bench.now())));
        }
    }
}

#[test]
fn what_is_for_a_destination_that_was_given_up_is_given_up_too() {
    let bench = Bench::new();
    bench.bring(vec![event("1", "1")]);
    let (old, crm) = (bench.now(), name("crm"));
    let failing = Failing { since: old, disabled: Some(old), reason: "it is away".into() };
    wait(bench.store.set_failing(crm.clone(), Some(failing))).unwrap();
    bench.pass(Duration::from_secs(60));
    assert_eq!(expire_waiting(&bench, old, Order::Strict), 0, "it may be under way from before");
    bench.pass(HOUR);
    assert_eq!(expire_waiting(&bench, old - HOUR, Order::Strict), 0);
    assert_eq!(expire_waiting(&bench, old, Order::Strict), 1);
}

#[test]
fn what_was_removed_frees_room_that_is_used_again() {
    let bench = Bench::new();
    let body = "x".repeat(20_000);
    let fill = |from: usize| {
        for key in from..from + 50 {
            bench.bring(vec![event(&key.to_string(), &body)]);
        }
        settle_all(&bench, Fate::Delivered);
    };
    fill(0);
    let file = bench.directory.path().join("hub.db");
    let full = bench.store.used_bytes().unwrap();
    assert!(full > 1_000_000, "{full}");
    bench.pass(HOUR);
    assert_eq!(remove(&bench, bench.now()).events, 49);
    assert!(bench.store.used_bytes().unwrap() < full / 3);
    let bench = bench.reopen();
    let length = std::fs::metadata(&file).unwrap().len();
    for key in 100..140 {
        bench.bring(vec![event(&key.to_string(), &body)]);
    }
    let bench = bench.reopen();
    assert_eq!(std::fs::metadata(&file).unwrap().len(), length, "the file has grown");
    bench.assert_balanced();
}

/// A page of a poll is one message, and the writer is not to be held up by it.
#[test]
fn a_message_of_many_events_goes_bit_by_bit() {
    let bench = Bench::new();
    let settled = |place: u32| NewEvent {
        verdict: NewVerdict::Routed(vec![suppressed("mail")]),
        ..event(&place.to_string(), "b")
    };
    bench.bring((0..350).map(|place| at_place(place, settled(place))).collect());
    last(&bench);
    bench.pass(HOUR);
    let first = Removal::Settled { messages: vec![MessageSeq(1)], until: bench.now() };
    let progress = bench.store.remove_blocking(first).unwrap();
    assert_eq!((progress.done, progress.removed.events, progress.removed.messages), (0, 100, 0));
    bench.assert_balanced();
    assert_eq!(
        remove(&bench, bench.now()),
        Removed { messages: 1, events: 250, deliveries: 250, attempts: 0 }
    );
}

/// A place that was given once is not given again, whatever was removed: a repetition of the old one would show the new one's body.
#[test]
fn places_are_not_given_twice() {
    let bench = Bench::new();
    for key in ["1", "2", "3"] {
        bench.bring(vec![event(key, key)]);
    }
    settle_all(&bench, Fate::Delivered);
    bench.pass(HOUR);
    assert_eq!(remove(&bench, bench.now()).events, 2);
    let bench = bench.reopen();
    let done = bench.bring(vec![event("4", "4")]);
    assert_eq!(done[0].seq, EventSeq(4));
    assert_eq!(done[0].outcome, Outcome::Routed(DeliverySeq(4)..DeliverySeq(5)));
}

/// Random work with retention in between: rows and what was removed are together what was accepted, and a delivery that was handed out
/// can be settled.
#[test]
fn whatever_is_removed_everything_is_accounted_for() {
    let mut gone = Removed::default();
    for seed in 1..=6 {
        let mut dice = Dice::new(seed * 131);
        let mut bench = Bench::new();
        let mut keys = 0;
        for _ in 0..200 {
            let age = HOUR * dice.below(200) as u32;
            let until = bench.now() - age;
            match dice.below(12) {
                0..4 => {
                    let mut events = Vec::new();
                    for place in 0..dice.below(3) as u32 {
                        keys += 1;
                        let key = if dice.below(5) == 0 { keys - 1 } else { keys };
                        let key = format!("k{key}");
                        let lane = Some(Lane::of(&dice.below(2).to_string()));
                        let to_crm = NewDelivery { lane, ..delivery("crm") };
                        let new = match dice.below(6) {
                            0 => broken(&key, "b"),
                            1 => NewEvent {
                                consents: vec![said(State::Granted, i64::from(place))],
                                customer: Some(customer(1)),
                                ..event(&key, "b")
                            },
                            2 => NewEvent {
                                routes: 2,
                                verdict: NewVerdict::Routed(vec![to_crm, suppressed("mail")]),
                                ..event(&key, "b")
                            },
                            _ => NewEvent {
                                routes: 2,
                                filtered: 1,
                                verdict: NewVerdict::Routed(vec![to_crm]),
                                ..event(&key, "b")
                            },
                        };
                        events.push(at_place(place, new));
                    }
                    bench.bring(events);
                }
                4..7 => {
                    let mut due = claimed(&bench.store, &name("crm"), bench.now());
                    due.truncate(3);
                    // While they are under way, others are given up and removed.
                    if dice.below(2) == 0 {
                        expire_waiting(&bench, until, Order::Key);
                        gone.add(remove(&bench, until));
                    }
                    let fates = [Fate::Delivered, Fate::Delivered, Fate::Dead, Fate::Quarantined];
                    let batch = due.iter().map(|due| {
                        settled(
                            due,
                            match dice.below(4) {
                                0 => Settlement::Again { due: bench.now() + HOUR },
                                _ => finally(fates[dice.below(4)]),
                            },
                        )
                    });
                    let settled: Result<(), StoreError> =
                        bench.store.settle_blocking(batch.collect::<Vec<_>>());
                    settled.unwrap();
                }
                7 => bench.pass(HOUR * dice.below(60) as u32),
                8 => gone.add(remove(&bench, until)),
                9 => {
                    expire_failed(&bench, until);
                    gone.add(remove_quarantined(&bench, until));
                }
                10 => {
                    let found = bench.store.quarantine(3).unwrap();
                    let items = found.events.iter().map(|row| Item::Event(row.seq));
                    let items: Vec<_> =
                        items.chain(found.deliveries.iter().map(|row| Item::Delivery(row.seq))).collect();
                    wait(bench.store.requeue(items)).unwrap();
                    for (seq, _) in
                        bench.store.pending_messages(&name("shop"), MessageSeq(0), MANY, MANY).unwrap()
                    {
                        bench.decode(seq, vec![]).unwrap();
                    }
                }
                _ => bench = bench.reopen(),
            }
            bench.assert_balanced();
        }
        // What is left can all be listed, with the bodies of what is repeated.
        let found = bench.store.events(&snodo_store::Filter { limit: MANY, ..Default::default() }).unwrap();
        for row in found {
            assert!(!row.event.data.is_empty(), "event {} has lost its body", row.seq);
        }
    }
    assert!(gone.messages > 50 && gone.events > 50 && gone.deliveries > 50, "{gone:?}");
}
