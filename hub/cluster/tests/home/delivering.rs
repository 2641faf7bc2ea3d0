//! Deliveries are handed out in order, tried again when they are due, and settled once.

use std::collections::HashSet;
use std::time::Duration;

use snodo_core::{Class, Fate, Timestamp};
use snodo_store::{
    Claim, DeliverySeq, Due, EventSeq, Item, NewEvent, NewVerdict, Settled, Settlement, StoreError,
};

use crate::bench::Bench;
use crate::services::wait;
use crate::values::*;

crate::both!(
    fresh_ones_come_in_order_and_within_limits,
    what_is_made_of_deliveries_is_kept_with_their_fates_or_not_at_all,
    one_that_failed_comes_back_when_it_is_due,
    an_attempt_that_is_excused_does_not_count,
    what_is_settled_is_not_settled_again,
    one_that_expires_was_not_tried,
    one_that_is_dead_can_be_tried_again,
    the_head_is_the_oldest_that_was_tried,
    the_ledger_can_be_asked_about_what_came_since,
);

fn seqs(due: &[Due]) -> Vec<i64> {
    due.iter().map(|one| one.seq.0).collect()
}

/// Those that come back.
fn back(bench: &Bench, at: Timestamp) -> Vec<Due> {
    bench.claimed(&name("crm"), at).into_iter().filter(|due| !due.fresh).collect()
}

fn three_for_the_crm(bench: &Bench) {
    for key in ["1", "2", "3"] {
        let both = NewVerdict::Routed(vec![delivery("crm"), suppressed("mail")]);
        bench.bring(vec![NewEvent { routes: 2, verdict: both, ..event(key, key) }]);
    }
}

fn fresh_ones_come_in_order_and_within_limits(bench: &mut Bench) {
    three_for_the_crm(bench);
    let crm = name("crm");
    let body = event("1", "1").event.data.len();
    let first = bench.home.fresh(&crm, 1, MANY).unwrap().remove(0);
    assert_eq!(first.event, event("1", "1").event);
    assert_eq!((first.attempt, first.route.as_str()), (1, "to-crm"));
    assert_eq!(bench.home.destinations_in_flight().unwrap(), [(crm.clone(), 3)]);
    assert!(bench.home.fresh(&name("mail"), MANY, MANY).unwrap().is_empty());
    for (limit, bytes_max, expected) in
        [(MANY, MANY, vec![1, 3, 5]), (2, MANY, vec![1, 3]), (MANY, 2 * body, vec![1, 3]), (MANY, 0, vec![1])]
    {
        let found = bench.home.fresh(&crm, limit, bytes_max).unwrap();
        assert_eq!(seqs(&found), expected, "{limit} or {bytes_max} bytes");
    }
    for (after, limit, bytes_max, expected) in [
        (0, 2, MANY, vec![1, 3]),
        (0, MANY, 2 * body, vec![1, 3]),
        (0, MANY, 0, vec![1]),
        (0, MANY, MANY, vec![1, 3, 5]),
        (1, MANY, MANY, vec![3, 5]),
        (5, MANY, MANY, vec![]),
    ] {
        let marks = [DeliverySeq(after); Class::ALL.len()];
        let out = HashSet::new();
        let claim = Claim { destination: &crm, marks, out: &out, now: bench.now(), limit, bytes_max };
        assert_eq!(seqs(&bench.home.claim(&claim).unwrap()), expected, "{after} {limit} {bytes_max}");
    }
}

fn what_is_made_of_deliveries_is_kept_with_their_fates_or_not_at_all(bench: &mut Bench) {
    three_for_the_crm(bench);
    let crm = name("crm");
    let due = bench.home.fresh(&crm, MANY, MANY).unwrap();
    let made = |bench: &Bench| vec![message("crm", "made", bench.now())];
    let standing = |bench: &Bench| (bench.pending(&crm).len(), bench.home.tally().unwrap().in_flight);
    wait(bench.home.settle_with(vec![bench.deliver(&due[0])], made(bench))).unwrap();
    assert_eq!(standing(bench), (1, 2));
    // The second has no fate yet, but the first has: nothing of this call is kept.
    let again = vec![bench.deliver(&due[1]), bench.deliver(&due[0])];
    let refused = wait(bench.home.settle_with(again, made(bench)));
    assert!(matches!(refused, Err(StoreError::Settled(_))), "{refused:?}");
    assert_eq!(standing(bench), (1, 2));
    bench.reopen();
    assert_eq!(standing(bench), (1, 2));
    assert_eq!(bench.home.pending_channels().unwrap(), [name("crm")]);
    bench.assert_balanced();
}

fn one_that_failed_comes_back_when_it_is_due(bench: &mut Bench) {
    three_for_the_crm(bench);
    let crm = name("crm");
    let first = bench.home.fresh(&crm, 1, MANY).unwrap().remove(0);
    let due = bench.now() + Duration::from_secs(30);
    bench.settle(&first, Settlement::Again { due });
    bench.assert_balanced();

    assert_eq!(seqs(&bench.home.fresh(&crm, MANY, MANY).unwrap()), [3, 5]);
    assert_eq!(bench.home.next_due(&crm).unwrap(), Some(due));
    assert!(back(bench, bench.now()).is_empty());

    bench.reopen();
    let again = back(bench, due).remove(0);
    assert_eq!((again.seq, again.attempt, &again.event), (DeliverySeq(1), 2, &first.event));
    bench.settle(&again, finally(Fate::Delivered));
    assert_eq!(bench.home.next_due(&crm).unwrap(), None);
    let trail = bench.home.trail(EventSeq(1)).unwrap().unwrap();
    assert_eq!(trail.deliveries[0].attempts, [r#"{"n":1}"#, r#"{"n":2}"#]);
    assert_eq!(trail.deliveries[0].delivery.attempts, 2);
    bench.assert_balanced();
}

fn an_attempt_that_is_excused_does_not_count(bench: &mut Bench) {
    three_for_the_crm(bench);
    let crm = name("crm");
    let mut first = bench.home.fresh(&crm, 1, MANY).unwrap().remove(0);
    // The attempts, and those of them that its schedule counts.
    for (excused, attempt, attempt_now) in [(false, 2, 2), (true, 3, 2), (true, 4, 2), (false, 5, 3)] {
        let due = bench.now();
        bench.settle(&first, if excused { Settlement::Excused { due } } else { Settlement::Again { due } });
        first = back(bench, due).remove(0);
        assert_eq!((first.seq, first.attempt, first.attempt_now), (DeliverySeq(1), attempt, attempt_now));
        bench.assert_balanced();
    }
    bench.settle(&first, finally(Fate::Delivered));
}

fn what_is_settled_is_not_settled_again(bench: &mut Bench) {
    three_for_the_crm(bench);
    let due = bench.home.fresh(&name("crm"), MANY, MANY).unwrap();
    bench.settle(&due[0], finally(Fate::Delivered));
    let good = || bench.deliver(&due[1]);
    let before = bench.home.balance(None).unwrap();
    for (case, batch) in [
        ("it has a fate", vec![good(), settled(&due[0], finally(Fate::Dead))]),
        ("another attempt", vec![good(), Settled { attempt: 2, ..bench.deliver(&due[2]) }]),
        ("not there", vec![good(), Settled { seq: DeliverySeq(99), ..good() }]),
        ("twice at once", vec![good(), good()]),
    ] {
        let refused = wait(bench.home.settle(batch.into()));
        assert!(matches!(refused, Err(StoreError::Settled(_))), "{case}: {refused:?}");
        assert_eq!(bench.home.balance(None).unwrap(), before, "{case}");
        bench.assert_balanced();
    }
    wait(bench.home.settle([good()].into())).unwrap();
    bench.assert_balanced();
}

fn one_that_expires_was_not_tried(bench: &mut Bench) {
    three_for_the_crm(bench);
    let due = bench.home.fresh(&name("crm"), 1, MANY).unwrap().remove(0);
    let reason = Some("older than a day".to_owned());
    let result = Settlement::Final { fate: Fate::Expired, reason: reason.clone() };
    wait(bench.home.settle([Settled { record: None, ..settled(&due, result) }].into())).unwrap();
    let trail = bench.home.trail(EventSeq(1)).unwrap().unwrap();
    let row = &trail.deliveries[0].delivery;
    assert_eq!((row.fate, &row.reason, row.attempts), (Some(Fate::Expired), &reason, 0));
    assert!(trail.deliveries[0].attempts.is_empty());
    bench.assert_balanced();
}

fn one_that_is_dead_can_be_tried_again(bench: &mut Bench) {
    three_for_the_crm(bench);
    let crm = name("crm");
    for due in bench.home.fresh(&crm, 2, MANY).unwrap() {
        bench.settle(&due, finally(Fate::Dead));
    }
    assert_eq!(bench.home.quarantine(MANY).unwrap().deliveries.len(), 2);
    let items = vec![
        Item::Delivery(DeliverySeq(1)),
        Item::Event(EventSeq(2)),
        // In flight, and suppressed: as they are.
        Item::Delivery(DeliverySeq(5)),
        Item::Delivery(DeliverySeq(2)),
    ];
    let requeued = bench.requeue(items);
    assert_eq!((requeued.deliveries, requeued.destinations), (2, [crm].into()));
    bench.assert_balanced();
    let back = back(bench, bench.now());
    assert_eq!(back.iter().map(|due| (due.seq.0, due.attempt)).collect::<Vec<_>>(), [(1, 2), (3, 2)]);
    bench.settle(&back[0], finally(Fate::Delivered));
    bench.assert_balanced();
}

fn the_head_is_the_oldest_that_was_tried(bench: &mut Bench) {
    three_for_the_crm(bench);
    let crm = name("crm");
    assert_eq!(bench.home.head(&crm, MANY, MANY).unwrap(), None, "none was tried");
    let due = bench.home.fresh(&crm, MANY, MANY).unwrap();
    let (later, sooner) = (bench.now() + Duration::from_secs(60), bench.now() + Duration::from_secs(5));
    bench.settle(&due[0], Settlement::Again { due: later });
    bench.settle(&due[1], Settlement::Again { due: sooner });
    let (at, head) = bench.home.head(&crm, MANY, MANY).unwrap().unwrap();
    assert_eq!((at, seqs(&head)), (later, vec![1, 3]), "the oldest holds up what is due sooner");
}

fn the_ledger_can_be_asked_about_what_came_since(bench: &mut Bench) {
    three_for_the_crm(bench);
    bench.pass(Duration::from_secs(60));
    let since = bench.now();
    bench.bring(vec![event("4", "4")]);
    for (since, expected, in_flight, messages) in
        [(None, 7, 4, 4), (Some(since), 1, 1, 1), (Some(Timestamp::from_millis(START * 2)), 0, 0, 0)]
    {
        let balance = bench.home.balance(since).unwrap();
        let found = (balance.expected, balance.in_flight, balance.messages.accepted, balance.difference());
        assert_eq!(found, (expected, in_flight, messages, 0), "{since:?}");
    }
    let routes = bench.home.balance(None).unwrap().routes;
    assert_eq!(routes["to-crm"]["in flight"], 4);
    assert_eq!(routes["to-mail"]["suppressed"], 3);
}
