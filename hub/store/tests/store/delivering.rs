//! Deliveries are handed out in order, tried again when they are due, and settled once.

use std::collections::HashSet;
use std::time::Duration;

use snodo_core::{Class, Fate, Timestamp};
use snodo_store::{
    Claim, DeliverySeq, Due, Item, MessageSeq, NewEvent, NewVerdict, Settled, Settlement, StoreError,
};

use crate::bench::*;

fn seqs(due: &[Due]) -> Vec<i64> {
    due.iter().map(|one| one.seq.0).collect()
}

/// Those that come back.
fn back(bench: &Bench, at: Timestamp) -> Vec<Due> {
    back_at(&bench.store, &name("crm"), at)
}

fn three_for_the_crm() -> Bench {
    let bench = Bench::new();
    for key in ["1", "2", "3"] {
        let both = NewVerdict::Routed(vec![delivery("crm"), suppressed("mail")]);
        bench.bring(vec![NewEvent { routes: 2, verdict: both, ..event(key, key) }]);
    }
    bench
}

#[test]
fn fresh_ones_come_in_order_and_within_limits() {
    let bench = three_for_the_crm();
    let crm = name("crm");
    let body = event("1", "1").event.data.len();
    for (after, limit, bytes_max, expected) in [
        (0, MANY, MANY, vec![1, 3, 5]),
        (1, MANY, MANY, vec![3, 5]),
        (0, 2, MANY, vec![1, 3]),
        (0, MANY, 2 * body, vec![1, 3]),
        (0, MANY, 0, vec![1]),
        (5, MANY, MANY, vec![]),
    ] {
        let marks = [DeliverySeq(after); Class::ALL.len()];
        let out = HashSet::new();
        let claim = Claim { destination: &crm, marks, out: &out, now: bench.now(), limit, bytes_max };
        assert_eq!(seqs(&bench.store.claim(&claim).unwrap()), expected, "{after} {limit} {bytes_max}");
        if after == 0 {
            let found = bench.store.fresh(&crm, limit, bytes_max).unwrap();
            assert_eq!(seqs(&found), expected, "{limit} or {bytes_max} bytes");
        }
    }
    let first = bench.store.fresh(&crm, 1, MANY).unwrap().remove(0);
    assert_eq!(first.event, event("1", "1").event);
    assert_eq!((first.attempt, first.route.as_str()), (1, "to-crm"));
    assert_eq!(bench.store.destinations_in_flight().unwrap(), [(crm, 3)]);
    assert!(bench.store.fresh(&name("mail"), MANY, MANY).unwrap().is_empty());
}

#[test]
fn what_is_made_of_deliveries_is_kept_with_their_fates_or_not_at_all() {
    let bench = three_for_the_crm();
    let crm = name("crm");
    let due = bench.store.fresh(&crm, MANY, MANY).unwrap();
    let fate = || Settlement::Final { fate: Fate::Delivered, reason: None };
    let made = || vec![message("crm", "made", bench.now())];
    let waiting =
        |bench: &Bench| bench.store.pending_messages(&crm, MessageSeq(0), MANY, MANY).unwrap().len();

    wait(bench.store.settle_with(vec![settled(&due[0], fate())], made())).unwrap();
    assert_eq!((waiting(&bench), bench.store.tally().unwrap().in_flight), (1, 2));
    // The second has no fate yet, but the first has: nothing of this call is kept.
    let again = vec![settled(&due[1], fate()), settled(&due[0], fate())];
    let refused = wait(bench.store.settle_with(again, made()));
    assert!(matches!(refused, Err(StoreError::Settled(_))), "{refused:?}");
    assert_eq!((waiting(&bench), bench.store.tally().unwrap().in_flight), (1, 2));

    let bench = bench.reopen();
    assert_eq!((waiting(&bench), bench.store.tally().unwrap().in_flight), (1, 2));
    bench.assert_balanced();
}

#[test]
fn one_that_failed_comes_back_when_it_is_due() {
    let bench = three_for_the_crm();
    let crm = name("crm");
    let first = bench.store.fresh(&crm, 1, MANY).unwrap().remove(0);
    let due = bench.now() + Duration::from_secs(30);
    bench.store.settle_blocking(vec![settled(&first, Settlement::Again { due })]).unwrap();
    bench.assert_balanced();

    assert_eq!(seqs(&bench.store.fresh(&crm, MANY, MANY).unwrap()), [3, 5]);
    assert_eq!(bench.store.next_due(&crm).unwrap(), Some(due));
    assert!(back(&bench, bench.now()).is_empty());

    let bench = bench.reopen();
    let again = back(&bench, due).remove(0);
    assert_eq!((again.seq, again.attempt, &again.event), (DeliverySeq(1), 2, &first.event));
    bench.store.settle_blocking(vec![settled(&again, finally(Fate::Delivered))]).unwrap();
    assert_eq!(bench.store.next_due(&crm).unwrap(), None);
    let trail = bench.store.trail(snodo_store::EventSeq(1)).unwrap().unwrap();
    assert_eq!(trail.deliveries[0].attempts, [r#"{"n":1}"#, r#"{"n":2}"#]);
    assert_eq!(trail.deliveries[0].delivery.attempts, 2);
    bench.assert_balanced();
}

#[test]
fn what_is_settled_is_not_settled_again() {
    let bench = three_for_the_crm();
    let due = bench.store.fresh(&name("crm"), MANY, MANY).unwrap();
    bench.store.settle_blocking(vec![settled(&due[0], finally(Fate::Delivered))]).unwrap();
    let good = || settled(&due[1], finally(Fate::Delivered));
    let ahead = Settled { attempt: 2, ..settled(&due[2], finally(Fate::Delivered)) };
    let unknown = Settled { seq: DeliverySeq(99), ..good() };
    let before = bench.store.balance(None).unwrap();
    for (case, batch) in [
        ("it has a fate", vec![good(), settled(&due[0], finally(Fate::Dead))]),
        ("another attempt", vec![good(), ahead]),
        ("not there", vec![good(), unknown]),
        ("twice at once", vec![good(), good()]),
    ] {
        let refused = bench.store.settle_blocking(batch);
        assert!(matches!(refused, Err(StoreError::Settled(_))), "{case}: {refused:?}");
        assert_eq!(bench.store.balance(None).unwrap(), before, "{case}");
        bench.assert_balanced();
    }
    bench.store.settle_blocking(vec![good()]).unwrap();
    bench.assert_balanced();
}

#[test]
fn one_that_expires_was_not_tried() {
    let bench = three_for_the_crm();
    let due = bench.store.fresh(&name("crm"), 1, MANY).unwrap().remove(0);
    let reason = Some("older than a day".to_owned());
    let result = Settlement::Final { fate: Fate::Expired, reason: reason.clone() };
    bench.store.settle_blocking(vec![Settled { record: None, ..settled(&due, result) }]).unwrap();
    let trail = bench.store.trail(snodo_store::EventSeq(1)).unwrap().unwrap();
    let row = &trail.deliveries[0].delivery;
    assert_eq!((row.fate, &row.reason, row.attempts), (Some(Fate::Expired), &reason, 0));
    assert!(trail.deliveries[0].attempts.is_empty());
    bench.assert_balanced();
}

#[test]
fn one_that_is_dead_can_be_tried_again() {
    let bench = three_for_the_crm();
    let crm = name("crm");
    for due in bench.store.fresh(&crm, 2, MANY).unwrap() {
        bench.store.settle_blocking(vec![settled(&due, finally(Fate::Dead))]).unwrap();
    }
    assert_eq!(bench.store.quarantine(MANY).unwrap().deliveries.len(), 2);
    let items = vec![
        Item::Delivery(DeliverySeq(1)),
        Item::Event(snodo_store::EventSeq(2)),
        // In flight, and suppressed: as they are.
        Item::Delivery(DeliverySeq(5)),
        Item::Delivery(DeliverySeq(2)),
    ];
    let requeued = wait(bench.store.requeue(items)).unwrap();
    assert_eq!((requeued.deliveries, requeued.destinations), (2, [crm.clone()].into()));
    bench.assert_balanced();
    let back = back(&bench, bench.now());
    assert_eq!(back.iter().map(|due| (due.seq.0, due.attempt)).collect::<Vec<_>>(), [(1, 2), (3, 2)]);
    bench.store.settle_blocking(vec![settled(&back[0], finally(Fate::Delivered))]).unwrap();
    bench.assert_balanced();
}

#[test]
fn the_ledger_can_be_asked_about_what_came_since() {
    let bench = three_for_the_crm();
    bench.pass(Duration::from_secs(60));
    let since = bench.now();
    bench.bring(vec![event("4", "4")]);
    for (since, expected, in_flight, messages) in
        [(None, 7, 4, 4), (Some(since), 1, 1, 1), (Some(Timestamp::from_millis(START * 2)), 0, 0, 0)]
    {
        let balance = bench.store.balance(since).unwrap();
        let found = (balance.expected, balance.in_flight, balance.messages.accepted, balance.difference());
        assert_eq!(found, (expected, in_flight, messages, 0), "{since:?}");
    }
    let routes = bench.store.balance(None).unwrap().routes;
    assert_eq!(routes["to-crm"]["in flight"], 4);
    assert_eq!(routes["to-mail"]["suppressed"], 3);
}
