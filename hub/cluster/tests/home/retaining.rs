//! What is settled is removed when its time has come, what waits or has failed for too long is given up, and the ledger forgets nothing
//! of it.

use std::time::Duration;

use snodo_cluster::{Options, Role};
use snodo_core::consent::State;
use snodo_core::declare::Order;
use snodo_core::{Fate, Lane, Timestamp};
use snodo_store::{
    AsOf, Decoding, DeliverySeq, Due, EventSeq, Failing, Filter, Item, MessageSeq, NewDelivery, NewEvent,
    NewVerdict, Outcome, Patience, Recorded, Removal, Removed, Settlement, Standing, StoreError, Tally,
};
use snodo_test_power::Dice;

use crate::bench::{Bench, node};
use crate::services::{Name, until, wait};
use crate::values::*;

crate::both!(
    what_has_ended_well_is_removed_at_its_age_and_stays_in_the_ledger,
    what_is_still_needed_stays,
    what_has_failed_for_too_long_is_given_up,
    what_waits_for_too_long_is_given_up_unless_somebody_has_it_in_hand,
    where_the_order_is_strict_any_of_it_may_be_in_somebodys_hand,
    what_is_for_a_destination_that_was_given_up_is_given_up_too,
    what_was_removed_takes_no_room,
    a_message_of_many_events_goes_bit_by_bit,
    places_are_not_given_twice,
    whatever_is_removed_everything_is_accounted_for,
);

const HOUR: Duration = Duration::from_secs(3_600);

/// All that may be removed of what was accepted until then.
fn remove(bench: &Bench, until: Timestamp) -> Removed {
    let home = &bench.home;
    let (mut removed, mut after) = (Removed::default(), MessageSeq(0));
    let last = home.received_until(until).unwrap();
    loop {
        let messages = home.removable(until, after, last).unwrap();
        if messages.is_empty() {
            return removed;
        }
        let progress = wait(home.remove(Removal::Settled { messages: messages.clone(), until })).unwrap();
        assert!(progress.done > 0 || progress.removed.events > 0);
        after = progress.done.checked_sub(1).map_or(after, |last| messages[last]);
        removed.add(progress.removed);
        bench.assert_balanced();
    }
}

fn remove_quarantined(bench: &Bench, until: Timestamp) -> Removed {
    let events = bench.home.quarantined_until(until, EventSeq(0)).unwrap();
    let messages = bench.home.undecoded_until(until, MessageSeq(0)).unwrap();
    let mut removed = wait(bench.home.remove(Removal::Quarantined(events))).unwrap().removed;
    removed.add(wait(bench.home.remove(Removal::Undecoded(messages))).unwrap().removed);
    bench.assert_balanced();
    removed
}

fn expire_failed(bench: &Bench, until: Timestamp) -> usize {
    let found = bench.home.failed_until(until, DeliverySeq(0)).unwrap();
    let done = wait(bench.home.expire_failed(found, "older than retention.failed")).unwrap();
    bench.assert_balanced();
    done
}

fn expire_waiting(bench: &Bench, until: Timestamp, order: Order) -> usize {
    let patience = Patience { until, destinations: [(name("crm"), order)].into() };
    let found = bench.home.overdue(&patience, bench.now()).unwrap();
    let expiring = bench.home.expire_waiting(found.deliveries, patience, "older than retention.waiting");
    let done = wait(expiring).unwrap();
    bench.assert_balanced();
    done
}

fn settle_all(bench: &Bench, fate: Fate) {
    let due = bench.claimed(&name("crm"), bench.now());
    let batch: Vec<_> = due.iter().map(|due| settled(due, finally(fate))).collect();
    wait(bench.home.settle(batch.into())).unwrap();
}

/// Something that is never removed: the last of each table.
fn last(bench: &Bench) {
    bench.bring(vec![event("last", "last")]);
}

fn what_has_ended_well_is_removed_at_its_age_and_stays_in_the_ledger(bench: &mut Bench) {
    let two = NewVerdict::Routed(vec![delivery("crm"), suppressed("mail")]);
    bench.bring(vec![NewEvent { routes: 3, filtered: 1, verdict: two, ..event("1", "1") }]);
    let due = bench.claimed(&name("crm"), bench.now()).remove(0);
    let again = Settlement::Again { due: bench.now() };
    bench.settle(&due, again);
    settle_all(bench, Fate::Delivered);
    bench.bring(vec![]);
    bench.pass(HOUR);
    bench.bring(vec![event("2", "2")]);
    settle_all(bench, Fate::Delivered);
    last(bench);
    let whole = bench.home.balance(None).unwrap();

    assert_eq!(remove(bench, bench.now() - HOUR * 2), Removed::default(), "it is too young");
    let removed = remove(bench, bench.now() - HOUR);
    assert_eq!(removed, Removed { messages: 2, events: 1, deliveries: 2, attempts: 1 });
    assert!(bench.home.event(EventSeq(1)).unwrap().is_none());
    assert!(bench.home.message(MessageSeq(1)).unwrap().is_none());

    bench.reopen();
    assert_eq!(bench.home.balance(None).unwrap(), whole);
    bench.assert_balanced();
    let gone = bench.home.removed().unwrap();
    assert_eq!((gone.messages.accepted, gone.events.routed, gone.expected), (2, 1, 3));
    assert_eq!((gone.fates[Fate::Delivered], gone.fates[Fate::Filtered], gone.in_flight), (1, 1, 0));
    // Asked about a time, the rows answer for themselves.
    let since = bench.home.balance(Some(Timestamp::from_millis(START))).unwrap();
    assert_eq!((since.expected, since.difference(), since.events_difference()), (2, 0, 0));
}

fn what_is_still_needed_stays(bench: &mut Bench) {
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
    last(bench);
    bench.pass(HOUR);
    let removed = remove(bench, bench.now());
    // 2, 4, and the repetition of 8, of which the message goes too; in the next round the original.
    assert_eq!(removed, Removed { messages: 2, events: 3, ..Removed::default() });
    let removed = remove(bench, bench.now());
    assert_eq!(removed, Removed { messages: 1, events: 1, ..Removed::default() });
    let there: Vec<i64> =
        (1..=10).filter(|seq| bench.home.event(EventSeq(*seq)).unwrap().is_some()).collect();
    assert_eq!(there, [1, 3, 5, 6, 7, 10]);
    // The message of the evidence, with the body that proves it, counts the events that it still has.
    let message = bench.home.message(MessageSeq(3)).unwrap().unwrap();
    assert!(matches!(message.standing, Standing::Decoded { events: 1, .. }));
    assert_eq!(bench.home.identifiers_of(customer(1)).unwrap().len(), 1);
    settle_all(bench, Fate::Dead);
    assert_eq!(remove(bench, bench.now()), Removed::default(), "what is dead waits for a person");
}

fn what_has_failed_for_too_long_is_given_up(bench: &mut Bench) {
    bench.bring(vec![event("1", "1")]);
    settle_all(bench, Fate::Dead);
    bench.bring(vec![NewEvent { routes: 2, ..broken("2", "2") }]);
    let raw = bench.accept("till", "raw");
    let recorded = vec![Recorded { message: raw, result: Decoding::Quarantined("{}".into()) }];
    bench.record(recorded, bench.as_of()).unwrap();
    last(bench);
    let before = bench.now();
    bench.pass(HOUR);
    assert_eq!(expire_failed(bench, before - HOUR), 0);
    assert_eq!(remove_quarantined(bench, before - HOUR), Removed::default());

    assert_eq!(expire_failed(bench, before), 1);
    let row = &bench.home.trail(EventSeq(1)).unwrap().unwrap().deliveries[0].delivery;
    assert_eq!((row.fate, row.reason.as_deref()), (Some(Fate::Expired), Some("older than retention.failed")));
    assert_eq!(remove_quarantined(bench, before), Removed { messages: 2, events: 1, ..Removed::default() });
    let tally: Tally = bench.home.tally().unwrap();
    assert_eq!((tally.fates[Fate::Expired], tally.fates[Fate::Quarantined]), (3, 0));
    assert_eq!((tally.messages.quarantined, bench.home.removed().unwrap().messages.quarantined), (1, 1));
    assert_eq!(remove(bench, before), Removed { messages: 1, events: 1, deliveries: 1, attempts: 0 });
}

fn what_waits_for_too_long_is_given_up_unless_somebody_has_it_in_hand(bench: &mut Bench) {
    let old = waiting_for_too_long(bench, Order::Key, 2);
    // What is taken up again has all its time before it.
    bench.pass(HOUR);
    let first = bench.claimed(&name("crm"), bench.now()).remove(0);
    bench.settle(&first, finally(Fate::Dead));
    bench.requeue(vec![Item::Delivery(first.seq)]);
    bench.assert_balanced();
    let patience = Patience { until: old + HOUR, destinations: [(name("crm"), Order::Key)].into() };
    let found = bench.home.overdue(&patience, bench.now()).unwrap();
    assert_eq!((found.deliveries, found.next), (vec![], Some(bench.now())));
}

fn where_the_order_is_strict_any_of_it_may_be_in_somebodys_hand(bench: &mut Bench) {
    waiting_for_too_long(bench, Order::Strict, 0);
}

/// Since when.
fn waiting_for_too_long(bench: &Bench, order: Order, expected: usize) -> Timestamp {
    let routed = |key: &str, to| NewEvent { verdict: NewVerdict::Routed(vec![to]), ..event(key, key) };
    // Three of one lane: the first is handed out, and the others wait.
    for key in ["1", "2", "3"] {
        bench.bring(vec![routed(key, NewDelivery { lane: Some(Lane::of("a")), ..delivery("crm") })]);
    }
    // One is of another destination that is not there any more.
    bench.bring(vec![routed("4", delivery("gone"))]);
    let under_way = bench.claimed(&name("crm"), bench.now()).remove(0);
    let old = bench.now();
    bench.pass(HOUR);
    bench.bring(vec![event("5", "5")]);
    assert_eq!(expire_waiting(bench, old - HOUR, order), 0);
    assert_eq!(expire_waiting(bench, old, order), expected + 1, "{order:?}");
    // Whoever has it can settle it: it is tried again tomorrow.
    let due = bench.now() + HOUR * 24;
    bench.settle(&under_way, Settlement::Again { due });
    assert_eq!(expire_waiting(bench, old, order), usize::from(order == Order::Key), "it is not due");
    let row = |seq| bench.home.trail(EventSeq(seq)).unwrap().unwrap().deliveries.remove(0).delivery;
    assert_eq!((row(4).fate, row(5).fate), (Some(Fate::Expired), None));
    assert_eq!(row(4).reason.as_deref(), Some("older than retention.waiting"));
    old
}

fn what_is_for_a_destination_that_was_given_up_is_given_up_too(bench: &mut Bench) {
    bench.bring(vec![event("1", "1")]);
    let (old, crm) = (bench.now(), name("crm"));
    let failing = Failing { since: old, disabled: Some(old), reason: "it is away".into() };
    wait(bench.home.set_failing(crm.clone(), Some(failing))).unwrap();
    bench.pass(Duration::from_secs(60));
    assert_eq!(expire_waiting(bench, old, Order::Strict), 0, "it may be under way from before");
    bench.pass(HOUR);
    assert_eq!(expire_waiting(bench, old - HOUR, Order::Strict), 0);
    assert_eq!(expire_waiting(bench, old, Order::Strict), 1);
}

/// A body that nothing makes shorter, and that lies in its row.
fn noise(dice: &mut Dice) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    (0..1_500).map(|_| char::from(LETTERS[dice.below(64)])).collect()
}

/// More than is measured of a table whose size is estimated.
fn what_was_removed_takes_no_room(bench: &mut Bench) {
    let mut dice = Dice::new(5);
    let empty = bench.home.used_bytes().unwrap();
    for page in 0..40 {
        let some =
            (0..100).map(|place| at_place(place, event(&format!("{page}/{place}"), &noise(&mut dice))));
        bench.bring(some.collect());
    }
    while bench.home.tally().unwrap().in_flight > 0 {
        settle_all(bench, Fate::Delivered);
    }
    let full = bench.home.used_bytes().unwrap() - empty;
    assert!((6_000_000..15_000_000).contains(&full), "{full}");
    bench.pass(HOUR);
    assert_eq!(remove(bench, bench.now()).events, 3_900, "the last message stays");
    let left = bench.home.used_bytes().unwrap() - empty;
    assert!(left < full / 4, "{left} of {full}");
}

/// A page of a poll is one message, and the writer is not to be held up by it.
fn a_message_of_many_events_goes_bit_by_bit(bench: &mut Bench) {
    let settled = |place: u32| NewEvent {
        verdict: NewVerdict::Routed(vec![suppressed("mail")]),
        ..event(&place.to_string(), "b")
    };
    bench.bring((0..350).map(|place| at_place(place, settled(place))).collect());
    last(bench);
    bench.pass(HOUR);
    let first = Removal::Settled { messages: vec![MessageSeq(1)], until: bench.now() };
    let progress = wait(bench.home.remove(first)).unwrap();
    assert_eq!((progress.done, progress.removed.events, progress.removed.messages), (0, 100, 0));
    bench.assert_balanced();
    assert_eq!(
        remove(bench, bench.now()),
        Removed { messages: 1, events: 250, deliveries: 250, attempts: 0 }
    );
}

/// A place that was given once is not given again, whatever was removed: a repetition of the old one would show the new one's body.
fn places_are_not_given_twice(bench: &mut Bench) {
    for key in ["1", "2", "3"] {
        bench.bring(vec![event(key, key)]);
    }
    settle_all(bench, Fate::Delivered);
    bench.pass(HOUR);
    assert_eq!(remove(bench, bench.now()).events, 2);
    bench.reopen();
    let done = bench.bring(vec![event("4", "4")]);
    assert_eq!(done[0].seq, EventSeq(4));
    assert_eq!(done[0].outcome, Outcome::Routed(DeliverySeq(4)..DeliverySeq(5)));
}

/// Random work with retention in between: rows and what was removed are together what was accepted, and a delivery that was handed out
/// can be settled.
fn whatever_is_removed_everything_is_accounted_for(bench: &mut Bench) {
    let mut gone = Removed::default();
    let seeds = bench.either(6, 2);
    for seed in 1..=seeds {
        let mut dice = Dice::new(seed * 131);
        let mut bench = Bench::new(bench.kind);
        let mut keys = 0;
        for _ in 0..200 {
            let age = HOUR * dice.below(200) as u32;
            let until = bench.now() - age;
            match dice.below(12) {
                0..4 => _ = bench.bring(some_events(&mut dice, &mut keys)),
                4..7 => {
                    let mut due = bench.claimed(&name("crm"), bench.now());
                    due.truncate(3);
                    // While they are under way, others are given up and removed.
                    if dice.below(2) == 0 {
                        expire_waiting(&bench, until, Order::Key);
                        gone.add(remove(&bench, until));
                    }
                    settle_some(&bench, &mut dice, &due);
                }
                7 => bench.pass(HOUR * dice.below(60) as u32),
                8 => gone.add(remove(&bench, until)),
                9 => {
                    expire_failed(&bench, until);
                    gone.add(remove_quarantined(&bench, until));
                }
                10 => take_up_again(&bench),
                // A hub that has claimed what it never settles takes ten seconds to leave its partitions.
                _ if bench.either(true, dice.below(10) == 0) => bench.reopen(),
                _ => {}
            }
            bench.assert_balanced();
        }
        // What is left can all be listed, with the bodies of what is repeated.
        let found = bench.home.events(&Filter { limit: MANY, ..Filter::default() }).unwrap();
        for row in found {
            assert!(!row.event.data.is_empty(), "event {} has lost its body", row.seq);
        }
    }
    let least = 8 * seeds;
    assert!(gone.messages > least && gone.events > least && gone.deliveries > least, "{gone:?}");
}

fn some_events(dice: &mut Dice, keys: &mut u32) -> Vec<NewEvent> {
    (0..dice.below(3) as u32)
        .map(|place| {
            *keys += 1;
            let key = if dice.below(5) == 0 { *keys - 1 } else { *keys };
            at_place(place, some_event(dice, &format!("k{key}"), place))
        })
        .collect()
}

fn some_event(dice: &mut Dice, key: &str, place: u32) -> NewEvent {
    let to_crm = NewDelivery { lane: Some(Lane::of(&dice.below(2).to_string())), ..delivery("crm") };
    let routed = |filtered, deliveries| of_two_routes(key, filtered, deliveries);
    match dice.below(6) {
        0 => broken(key, "b"),
        1 => NewEvent {
            consents: vec![said(State::Granted, i64::from(place))],
            customer: Some(customer(1)),
            ..event(key, "b")
        },
        2 => routed(0, vec![to_crm, suppressed("mail")]),
        _ => routed(1, vec![to_crm]),
    }
}

fn settle_some(bench: &Bench, dice: &mut Dice, due: &[Due]) {
    let fates = [Fate::Delivered, Fate::Delivered, Fate::Dead, Fate::Quarantined];
    let mut result = || match dice.below(4) {
        0 => Settlement::Again { due: bench.now() + HOUR },
        _ => finally(fates[dice.below(4)]),
    };
    let batch: Vec<_> = due.iter().map(|due| settled(due, result())).collect();
    wait(bench.home.settle(batch.into())).unwrap();
}

fn take_up_again(bench: &Bench) {
    let found = bench.home.quarantine(3).unwrap();
    let events = found.events.iter().map(|row| Item::Event(row.seq));
    let deliveries = found.deliveries.iter().map(|row| Item::Delivery(row.seq));
    bench.requeue(events.chain(deliveries).collect());
    for (seq, _) in bench.home.pending_messages(&name("shop"), MessageSeq(0), MANY, MANY).unwrap() {
        bench.decode(seq, vec![]).unwrap();
    }
}

/// A hub that has something in hand is told that it is settled, and nothing is counted twice.
#[test]
fn what_another_hub_has_in_hand_is_settled_once() {
    let home = Name::new(1);
    let hub = node(&home, Options::default());
    until("it works", Duration::from_secs(20), || hub.partitions().len() == 1);
    let guest = node(&home, Options { role: Role::Guest, ..Options::default() });
    wait(hub.accept(message("shop", "raw", Timestamp::from_millis(START)))).unwrap();
    until("it can be decoded", Duration::from_secs(15), || hub.pending_channels().unwrap().len() == 1);
    let decoded = vec![Recorded { message: MessageSeq(1), result: Decoding::Decoded(vec![event("1", "1")]) }];
    hub.record_blocking(decoded, AsOf(0)).unwrap();
    let in_hand = hub.fresh(&name("crm"), 1, MANY).unwrap().remove(0);
    let gone = Patience { until: Timestamp::from_millis(i64::MAX), destinations: [].into() };
    let strict = Patience { destinations: [(name("crm"), Order::Strict)].into(), ..gone.clone() };
    for (patience, expected) in [(strict, 0), (gone, 1)] {
        wait(guest.expire_waiting(vec![in_hand.seq], patience, "older than retention.waiting")).unwrap();
        assert_eq!(hub.tally().unwrap().fates[Fate::Expired], expected);
    }
    let late = hub.settle_blocking(vec![settled(&in_hand, finally(Fate::Delivered))]);
    assert!(matches!(late, Err(StoreError::Settled(_))), "{late:?}");
    let audit = hub.audit().unwrap();
    assert_eq!(audit.counted, audit.kept);
    let Tally { fates, in_flight, expected, .. } = audit.kept;
    assert_eq!((fates.sum(), fates[Fate::Expired], in_flight, expected), (1, 1, 0, 1));
    wait(guest.close());
    wait(hub.close());
}
