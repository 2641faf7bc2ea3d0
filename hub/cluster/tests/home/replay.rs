//! What has its fate goes once more, by the routes it had or by those of today; a trial counts the same and changes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use snodo_cluster::{Bells, Options, Role};
use snodo_core::consent::State;
use snodo_core::declare::Order;
use snodo_core::{Class, Fate, Lane, Timestamp};
use snodo_store::{
    AsOf, Decoding, Due, EventSeq, Filter, Item, LeftOut, MessageSeq, NEW, NEW_SUPPRESSED, NewDelivery,
    NewEvent, NewVerdict, Recorded, Replay, Replayed, Selected, Selector, Settlement, StoreError, Which,
};

use crate::bench::{Bench, node};
use crate::services::{Name, until, wait};
use crate::values::*;

mod random;

crate::both!(
    what_is_dead_goes_again_last_and_in_its_order_with_all_its_attempts_before_it,
    a_selector_means_what_all_of_it_says,
    todays_routes_take_what_they_did_not_take_then,
    a_route_that_goes_elsewhere_today_takes_its_deliveries_along,
    a_decision_that_a_customer_has_overtaken_is_refused,
    a_second_replay_and_a_retry_begin_the_schedule_anew,
);

const DESTINATIONS: [&str; 2] = ["crm", "mail"];

/// All that the selector means, by what `wanted` says of each event; a trial before it says the same and leaves everything as it is.
fn replay(
    bench: &Bench,
    selector: &Selector,
    wanted: impl Fn(EventSeq) -> Option<Vec<NewDelivery>>,
) -> Replayed {
    let trial = replayed(bench, selector, &wanted, true);
    let before = bench.home.audit().unwrap();
    assert_eq!(replayed(bench, selector, &wanted, true), trial);
    assert_eq!(bench.home.audit().unwrap(), before);
    let done = replayed(bench, selector, &wanted, false);
    assert_eq!(done, trial);
    bench.assert_balanced();
    done
}

fn replayed(
    bench: &Bench,
    selector: &Selector,
    wanted: impl Fn(EventSeq) -> Option<Vec<NewDelivery>>,
    trial: bool,
) -> Replayed {
    let home = &bench.home;
    let page = |events: Vec<EventSeq>, messages| Replay {
        events: events.into_iter().map(|event| Selected { event, wanted: wanted(event) }).collect(),
        messages,
        which: selector.which.clone(),
        destinations: DESTINATIONS.iter().map(|one| (name(one), Order::Key)).collect(),
        as_of: bench.as_of(),
        trial,
    };
    let (mut done, last) = (Replayed::default(), home.last_event().unwrap());
    let mut after = EventSeq(0);
    loop {
        let events = home.replayable_events(selector, after, last).unwrap();
        let Some(end) = events.last() else { break };
        after = *end;
        done.add(wait(home.replay(page(events, vec![]))).unwrap());
    }
    let messages = home.replayable_messages(selector, MessageSeq(0)).unwrap();
    done.add(wait(home.replay(page(vec![], messages))).unwrap());
    done
}

fn as_before(_: EventSeq) -> Option<Vec<NewDelivery>> {
    None
}

fn of(which: Which) -> Selector {
    Selector { which, ..Selector::default() }
}

fn fate(fate: Fate) -> Which {
    Which { fate: Some(fate), ..Which::default() }
}

fn counts<const N: usize>(
    list: [(&str, &str, u64); N],
) -> BTreeMap<snodo_core::ChannelName, BTreeMap<String, u64>> {
    let mut counts: BTreeMap<_, BTreeMap<String, u64>> = BTreeMap::new();
    for (destination, before, count) in list {
        counts.entry(name(destination)).or_default().insert(before.to_owned(), count);
    }
    counts
}

fn ready(bench: &Bench, destination: &str) -> Vec<Due> {
    bench.claimed(&name(destination), bench.now())
}

fn settle_all(bench: &Bench, destination: &str, result: &Settlement) {
    loop {
        let due = ready(bench, destination);
        if due.is_empty() {
            return;
        }
        let batch: Vec<_> = due.iter().map(|due| settled(due, result.clone())).collect();
        wait(bench.home.settle(batch.into())).unwrap();
    }
}

/// Three orders of one customer to the CRM, and no consent for mail.
fn three(bench: &Bench) {
    for key in ["1", "2", "3"] {
        let crm = NewDelivery { lane: Some(Lane::of("o1")), ..delivery("crm") };
        let verdict = NewVerdict::Routed(vec![crm, suppressed("mail")]);
        bench.bring(vec![NewEvent { routes: 2, verdict, ..event(key, key) }]);
    }
}

fn what_is_dead_goes_again_last_and_in_its_order_with_all_its_attempts_before_it(bench: &mut Bench) {
    three(bench);
    let why = Some("the server is on fire".to_owned());
    settle_all(bench, "crm", &Settlement::Final { fate: Fate::Dead, reason: why });
    bench.pass(Duration::from_secs(3_600));
    let burnt = Which { reason: Some("on fire".into()), ..fate(Fate::Dead) };
    let done = replay(bench, &of(burnt), as_before);
    assert_eq!((done.deliveries, done.left), (counts([("crm", "dead", 3)]), BTreeMap::new()));

    bench.reopen();
    let first = ready(bench, "crm");
    assert_eq!(first.len(), 1, "the others wait for it");
    let Due { seq, attempt, attempt_now, since, class, replays, fresh, .. } = first[0].clone();
    assert_eq!((seq.0, attempt, attempt_now, since), (1, 2, 1, bench.now()));
    assert_eq!((class, replays, fresh), (Class::Replay, 1, false));
    let again = Settlement::Again { due: bench.now() };
    bench.settle(&first[0], again);
    let second = ready(bench, "crm").remove(0);
    assert_eq!((second.attempt, second.attempt_now), (3, 2));
    let mut order = Vec::new();
    while let Some(due) = ready(bench, "crm").first() {
        order.push(due.seq.0);
        bench.settle(due, finally(Fate::Delivered));
    }
    assert_eq!(order, [1, 3, 5]);
    let trail = bench.home.trail(EventSeq(1)).unwrap().unwrap();
    assert_eq!(trail.deliveries[0].attempts.len(), 3);
    assert_eq!((trail.deliveries[0].delivery.replays, trail.event.replays), (1, 1));
    bench.assert_balanced();
}

fn a_selector_means_what_all_of_it_says(bench: &mut Bench) {
    three(bench);
    let first = ready(bench, "crm").remove(0);
    bench.settle(&first, finally(Fate::Delivered));
    // 1 delivered, 2 and 3 in flight; a repetition; an event and a message in quarantine.
    bench.pass(Duration::from_secs(60));
    let since = bench.now();
    bench.bring(vec![event("1", "1")]);
    bench.bring(vec![broken("4", "4"), at_place(1, broken("5", "5"))]);
    let raw = bench.accept("till", "raw");
    let result = Decoding::Quarantined(r#"{"message":"no JSON"}"#.into());
    let recorded = vec![Recorded { message: raw, result }];
    bench.record(recorded, bench.as_of()).unwrap();

    let left = |list: &[(LeftOut, u64)]| list.iter().copied().collect::<BTreeMap<_, _>>();
    let all = counts([("crm", "delivered", 1), ("mail", "suppressed", 3)]);
    let filter = |filter| Selector { filter, ..Selector::default() };
    for (case, selector, deliveries, messages, left_out) in [
        (
            "everything",
            Selector::default(),
            all.clone(),
            2,
            left(&[(LeftOut::InFlight, 2), (LeftOut::Repetition, 1)]),
        ),
        ("delivered", of(fate(Fate::Delivered)), counts([("crm", "delivered", 1)]), 0, left(&[])),
        ("repetitions", of(fate(Fate::Duplicate)), counts([]), 0, left(&[(LeftOut::Repetition, 1)])),
        ("in quarantine", of(fate(Fate::Quarantined)), counts([]), 2, left(&[])),
        (
            "in quarantine, of one type",
            Selector {
                filter: Filter { kind: Some("commerce.*".into()), ..Filter::default() },
                ..of(fate(Fate::Quarantined))
            },
            counts([]),
            1,
            left(&[]),
        ),
        (
            "by a reason of quarantine",
            of(Which { reason: Some("no JSON".into()), ..Which::default() }),
            counts([]),
            1,
            left(&[]),
        ),
        (
            "to the mail",
            of(Which { destination: Some(name("mail")), ..Which::default() }),
            counts([("mail", "suppressed", 3)]),
            0,
            left(&[]),
        ),
        (
            "by a route, of some events",
            Selector {
                events: vec![EventSeq(1), EventSeq(2)],
                ..of(Which { route: Some("to-mail".parse().unwrap()), ..Which::default() })
            },
            counts([("mail", "suppressed", 2)]),
            0,
            left(&[]),
        ),
        (
            "of a time",
            filter(Filter { since: Some(since), ..Filter::default() }),
            counts([]),
            2,
            left(&[(LeftOut::Repetition, 1)]),
        ),
        (
            "of the time before",
            filter(Filter { until: Some(since), channel: Some(name("shop")), ..Filter::default() }),
            all,
            1,
            left(&[(LeftOut::InFlight, 2), (LeftOut::Repetition, 1)]),
        ),
        (
            "of nobody",
            filter(Filter { customer: Some(customer(9)), ..Filter::default() }),
            counts([]),
            0,
            left(&[]),
        ),
        (
            "of no reason",
            of(Which { reason: Some("nowhere".into()), ..Which::default() }),
            counts([]),
            0,
            left(&[]),
        ),
    ] {
        let found = replayed(bench, &selector, as_before, true);
        assert_eq!(
            (found.deliveries, found.messages.len(), found.left),
            (deliveries, messages, left_out),
            "{case}"
        );
    }
    let done = replay(bench, &Selector::default(), as_before);
    assert_eq!((done.count(), done.channels.len()), (6, 2));
    // It is on its way; nothing of it goes twice.
    let again = replay(bench, &Selector::default(), as_before);
    assert_eq!((again.count(), &again.left[&LeftOut::InFlight], &again.left[&LeftOut::Waiting]), (0, &6, &2));
}

fn todays_routes_take_what_they_did_not_take_then(bench: &mut Bench) {
    three(bench);
    settle_all(bench, "crm", &finally(Fate::Delivered));
    let told = |route: &str, to| NewDelivery {
        route: route.parse().unwrap(),
        lane: Some(Lane::of("o1")),
        ..delivery(to)
    };
    let unwanted = NewEvent {
        routes: 3,
        filtered: 2,
        reasons: Some(r#"{"large":"too small"}"#.into()),
        ..event("4", "4")
    };
    bench.bring(vec![unwanted]);
    settle_all(bench, "crm", &finally(Fate::Delivered));
    let before = bench.home.tally().unwrap();

    // Of the fourth, one of the two that were filtered takes it now, and one that was not declared then is not counted twice.
    let wanted = |event: EventSeq| {
        let refused = NewDelivery { route: "news".parse().unwrap(), ..suppressed("mail") };
        let mut wanted = vec![told("large", "crm"), refused];
        if event == EventSeq(4) {
            wanted.push(told("late", "mail"));
        }
        Some(wanted)
    };
    let selector = Selector { events: vec![EventSeq(3), EventSeq(4)], rematch: true, ..Selector::default() };
    let only = Selector {
        which: Which { reason: Some("too small".into()), ..Which::default() },
        ..selector.clone()
    };
    assert_eq!(replayed(bench, &only, wanted, true).deliveries, counts([("crm", NEW, 1)]));
    let done = replay(bench, &selector, wanted);
    let expected = counts([("crm", NEW, 2), ("mail", NEW, 1), ("mail", NEW_SUPPRESSED, 2)]);
    assert_eq!((done.deliveries, done.left), (expected, [(LeftOut::Unwanted, 3)].into()));

    let after = bench.home.tally().unwrap();
    assert_eq!(after.expected - before.expected, 3, "two routes of the third, one of the fourth");
    assert_eq!(after.fates[Fate::Filtered] - before.fates[Fate::Filtered], -2);
    assert_eq!(after.in_flight, 3);
    let row = bench.home.event(EventSeq(4)).unwrap().unwrap();
    assert_eq!((row.routes, row.filtered, row.reasons, row.replays), (4, 0, None, 1));
    let trail = bench.home.trail(EventSeq(4)).unwrap().unwrap();
    let routes: Vec<&str> = trail.deliveries.iter().map(|one| one.delivery.route.as_str()).collect();
    assert_eq!(routes, ["to-crm", "large", "news", "late"]);
    let found = bench.home.events(&Filter { fate: Some(None), ..Filter::default() }).unwrap();
    assert_eq!(found.iter().map(|row| row.seq.0).collect::<Vec<_>>(), [4, 3]);
    // They keep their order, and what was asked since then does not count them.
    assert_eq!(ready(bench, "crm").len(), 1);
    assert_eq!(ready(bench, "crm")[0].class, Class::Replay);
    bench.pass(Duration::from_secs(60));
    let since = bench.now();
    bench.bring(vec![event("5", "5")]);
    let balance = bench.home.balance(Some(since)).unwrap();
    assert_eq!((balance.expected, balance.in_flight, balance.difference()), (1, 1, 0));
    settle_all(bench, "crm", &finally(Fate::Delivered));
    settle_all(bench, "mail", &finally(Fate::Delivered));
    bench.assert_balanced();
    // A second time there is nothing new.
    let again = replay(bench, &selector, wanted);
    assert_eq!(
        again.deliveries,
        counts([("crm", "delivered", 2), ("mail", "delivered", 1), ("mail", "suppressed", 2)])
    );
}

fn a_route_that_goes_elsewhere_today_takes_its_deliveries_along(bench: &mut Bench) {
    three(bench);
    settle_all(bench, "crm", &finally(Fate::Dead));
    let wanted = |_| Some(vec![NewDelivery { route: "to-crm".parse().unwrap(), ..delivery("mail") }]);
    let selector =
        Selector { rematch: true, ..of(Which { destination: Some(name("mail")), ..fate(Fate::Dead) }) };
    assert_eq!(replay(bench, &selector, wanted).deliveries, counts([("mail", "dead", 3)]));
    assert_eq!((ready(bench, "crm").len(), ready(bench, "mail").len()), (0, 1));
    // Where nothing of the kind is declared, nothing goes.
    settle_all(bench, "mail", &finally(Fate::Dead));
    let nowhere = |_| Some(vec![NewDelivery { route: "to-crm".parse().unwrap(), ..delivery("gone") }]);
    let selector = Selector { rematch: true, ..of(fate(Fate::Dead)) };
    assert_eq!(replay(bench, &selector, nowhere).left, [(LeftOut::Undeclared, 3)].into());
}

fn a_decision_that_a_customer_has_overtaken_is_refused(bench: &mut Bench) {
    bench.bring(vec![of_customer(customer(1), "anna@example.com", event("1", "1"))]);
    let as_of = bench.as_of();
    let said = NewEvent { consents: vec![said(State::Denied, 5)], ..event("2", "2") };
    bench.bring(vec![of_customer(customer(1), "anna@example.com", said)]);
    let page = |as_of| Replay {
        events: vec![Selected { event: EventSeq(1), wanted: Some(vec![delivery("mail")]) }],
        destinations: [(name("mail"), Order::Free)].into(),
        as_of,
        ..Replay::default()
    };
    let refused = wait(bench.home.replay(page(as_of)));
    assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
    bench.assert_balanced();
    assert_eq!(wait(bench.home.replay(page(bench.as_of()))).unwrap().count(), 1);
    bench.assert_balanced();
}

fn a_second_replay_and_a_retry_begin_the_schedule_anew(bench: &mut Bench) {
    three(bench);
    settle_all(bench, "crm", &finally(Fate::Dead));
    bench.requeue(vec![Item::Event(EventSeq(1))]);
    let due = ready(bench, "crm").remove(0);
    assert_eq!((due.attempt, due.attempt_now, due.replays, due.class), (2, 1, 0, Class::Service));
    settle_all(bench, "crm", &finally(Fate::Delivered));
    for times in 1..=2 {
        replay(bench, &Selector { events: vec![EventSeq(1)], ..of(fate(Fate::Delivered)) }, as_before);
        let due = ready(bench, "crm").remove(0);
        assert_eq!((due.attempt, due.attempt_now, due.replays), (2 + times, 1, times));
        settle_all(bench, "crm", &finally(Fate::Delivered));
    }
}

/// Whoever works on what goes again is told, wherever it was asked for.
#[test]
fn a_hub_is_told_of_what_another_has_put_on_its_way_again() {
    let home = Name::new(1);
    let rung = Arc::new(AtomicU32::new(0));
    let (bell, crm) = (Arc::clone(&rung), name("crm"));
    let bells =
        Bells { on_delivery: Arc::new(move |_| _ = bell.fetch_add(1, Ordering::SeqCst)), ..Bells::default() };
    let hub = node(&home, Options { bells, ..Options::default() });
    until("it works", Duration::from_secs(20), || hub.partitions().len() == 1);
    let guest = node(&home, Options { role: Role::Guest, ..Options::default() });
    wait(hub.accept(message("shop", "raw", Timestamp::from_millis(START)))).unwrap();
    until("it can be decoded", Duration::from_secs(15), || hub.pending_channels().unwrap().len() == 1);
    let decoded = vec![Recorded { message: MessageSeq(1), result: Decoding::Decoded(vec![event("1", "1")]) }];
    hub.record_blocking(decoded, AsOf(0)).unwrap();
    let due = hub.fresh(&crm, 1, MANY).unwrap().remove(0);
    hub.settle_blocking(vec![settled(&due, finally(Fate::Dead))]).unwrap();

    let before = rung.load(Ordering::SeqCst);
    let page = |trial| Replay {
        events: vec![Selected { event: EventSeq(1), wanted: None }],
        destinations: [(crm.clone(), Order::Key)].into(),
        trial,
        ..Replay::default()
    };
    let counted = wait(guest.replay(page(true))).unwrap();
    assert_eq!((counted.count(), hub.tally().unwrap().in_flight), (1, 0));
    assert_eq!(wait(guest.replay(page(false))).unwrap(), counted);
    until("it is told", Duration::from_secs(10), || rung.load(Ordering::SeqCst) > before);
    until("it is this hub's to send", Duration::from_secs(10), || {
        hub.head(&crm, 1, MANY).unwrap().is_some_and(|(_, due)| due[0].replays == 1)
    });
    assert!(guest.partitions().is_empty(), "whoever only changes something takes no part in the work");
    wait(guest.close());
    wait(hub.close());
}
