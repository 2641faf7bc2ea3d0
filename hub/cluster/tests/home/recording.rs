//! What is there already is not there twice, what contradicts it is kept apart, and what was decided on old facts is refused.

use std::time::Duration;

use snodo_core::Fate;
use snodo_core::consent::State;
use snodo_core::identity::Identifier;
use snodo_store::{
    Decoding, EventSeq, Item, MessageSeq, NewEvent, NewVerdict, Outcome, Recorded, Standing, StoreError,
    Verdict,
};

use crate::bench::Bench;
use crate::values::*;

crate::both!(
    an_event_is_taken_once,
    within_one_message_too,
    a_duplicate_settles_all_its_routes,
    a_message_that_is_decoded_again_replaces_only_what_was_in_quarantine,
    what_a_message_says_twice_comes_out_of_quarantine_once,
    of_two_bodies_with_one_id_the_one_that_is_told_again_stays_in_quarantine,
    a_message_that_nobody_could_decode_is_kept_and_can_be_tried_again,
    what_was_decided_on_facts_that_have_changed_is_refused_whole,
    facts_are_what_events_have_said,
    a_batch_is_refused_whole,
    senders_may_write_any_character,
);

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What is expected of a step: of a duplicate, which step it repeats.
#[derive(Debug, PartialEq, Eq)]
enum Expected {
    Routed,
    DuplicateOf(usize),
    Quarantined,
    /// Nothing is brought: time passes.
    Days(u32),
}
use Expected::{Days, DuplicateOf, Quarantined, Routed};

fn an_event_is_taken_once(bench: &mut Bench) {
    let (good, bad) = (event, broken);
    let pass = |days| (None, Days(days));
    let bring = |new: NewEvent, expected| (Some(new), expected);
    for (case, steps) in [
        ("another id", vec![bring(good("a1", "a"), Routed), bring(good("a2", "a"), Routed)]),
        (
            "a repetition",
            vec![
                bring(good("b1", "a"), Routed),
                bring(good("b1", "a"), DuplicateOf(0)),
                bring(good("b1", "a"), DuplicateOf(0)),
            ],
        ),
        (
            "another body",
            vec![
                bring(good("j1", "a"), Routed),
                bring(good("j1", "b"), Quarantined),
                bring(good("j1", "b"), DuplicateOf(1)),
            ],
        ),
        (
            "another body, and both repeated",
            vec![
                bring(good("c1", "a"), Routed),
                bring(good("c1", "b"), Quarantined),
                bring(good("c1", "a"), DuplicateOf(0)),
                bring(good("c1", "b"), DuplicateOf(1)),
            ],
        ),
        (
            "within the window",
            vec![bring(good("d1", "a"), Routed), pass(6), bring(good("d1", "a"), DuplicateOf(0))],
        ),
        (
            "outside the window",
            vec![
                bring(good("e1", "a"), Routed),
                pass(8),
                bring(good("e1", "a"), Routed),
                bring(good("e1", "a"), DuplicateOf(2)),
            ],
        ),
        (
            "a violation, repeated",
            vec![
                bring(bad("f1", "a"), Quarantined),
                bring(bad("f1", "a"), DuplicateOf(0)),
                bring(bad("f1", "b"), Quarantined),
            ],
        ),
        (
            "mended by the source",
            vec![
                bring(bad("g1", "a"), Quarantined),
                bring(good("g1", "b"), Routed),
                bring(good("g1", "b"), DuplicateOf(1)),
            ],
        ),
        ("mended by the connector", vec![bring(bad("h1", "a"), Quarantined), bring(good("h1", "a"), Routed)]),
        (
            "broken after it was taken",
            vec![
                bring(good("i1", "a"), Routed),
                bring(bad("i1", "a"), DuplicateOf(0)),
                bring(bad("i1", "b"), Quarantined),
            ],
        ),
    ] {
        let mut seqs = Vec::new();
        for (at, (new, expected)) in steps.into_iter().enumerate() {
            let Some(new) = new else {
                let Days(days) = expected else { panic!("time passes in days") };
                bench.pass(days * DAY);
                seqs.push(EventSeq(0));
                continue;
            };
            let done = bench.bring(vec![new]).remove(0);
            let found = match done.outcome {
                Outcome::Routed(_) => Routed,
                Outcome::Duplicate { of } => {
                    DuplicateOf(seqs.iter().position(|seq| *seq == of).expect("it repeats one of its steps"))
                }
                Outcome::Quarantined => Quarantined,
                Outcome::Unchanged => panic!("{case}: nothing is decoded again"),
            };
            seqs.push(done.seq);
            assert_eq!(found, expected, "{case}, step {at}");
        }
        bench.assert_balanced();
    }
}

fn within_one_message_too(bench: &mut Bench) {
    let events = ["a", "a", "b"].into_iter().enumerate();
    let done = bench.bring(events.map(|(at, body)| at_place(at as u32, event("1", body))).collect());
    let outcomes: Vec<&Outcome> = done.iter().map(|one| &one.outcome).collect();
    let first = done[0].seq;
    assert!(
        matches!(outcomes[..], [Outcome::Routed(_), Outcome::Duplicate { of }, Outcome::Quarantined] if *of == first)
    );
    bench.assert_balanced();
}

fn a_duplicate_settles_all_its_routes(bench: &mut Bench) {
    let twice = || NewEvent {
        routes: 5,
        filtered: 2,
        verdict: NewVerdict::Routed(vec![delivery("crm"), delivery("erp"), suppressed("mail")]),
        ..event("1", "a")
    };
    bench.bring(vec![twice()]);
    bench.bring(vec![twice()]);
    bench.bring(vec![NewEvent { routes: 5, ..event("1", "b") }]);
    let tally = bench.home.balance(None).unwrap().tally;
    let fates: Vec<(Fate, i64)> = tally.fates.iter().filter(|(_, count)| *count > 0).collect();
    assert_eq!(
        fates,
        [(Fate::Filtered, 2), (Fate::Suppressed, 1), (Fate::Duplicate, 5), (Fate::Quarantined, 5)]
    );
    assert_eq!((tally.expected, tally.in_flight), (15, 2));
    let repetition = bench.home.event(EventSeq(2)).unwrap().unwrap();
    assert_eq!(repetition.verdict, Verdict::Duplicate { of: EventSeq(1) });
    assert_eq!(repetition.event, event("1", "a").event, "its body is that of the one it repeats");
    let other = bench.home.event(EventSeq(3)).unwrap().unwrap();
    assert!(
        matches!(other.verdict, Verdict::Quarantined { violations } if violations.contains("another body"))
    );
    assert_eq!(other.event, event("1", "b").event);
    bench.assert_balanced();
}

fn a_message_that_is_decoded_again_replaces_only_what_was_in_quarantine(bench: &mut Bench) {
    let message = bench.accept("shop", "raw");
    let first = vec![event("a", "1"), at_place(1, broken("b", "2")), at_place(2, broken("c", "3"))];
    bench.decode(message, first).unwrap();
    bench.assert_balanced();
    // A repetition of what is in quarantine is one of what comes in its place.
    bench.bring(vec![broken("b", "2")]);
    bench.assert_balanced();

    let requeued = bench.requeue(vec![Item::Event(EventSeq(2)), Item::Event(EventSeq(3))]);
    assert_eq!((requeued.messages, requeued.channels), (1, [name("shop")].into()));
    let waiting = bench.pending(&name("shop"));
    assert_eq!(waiting.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [message]);
    bench.assert_balanced();

    // The connector has been mended: what was an event at place 1 is one at place 2, and one is no longer told.
    let again = vec![event("a", "1"), at_place(1, event("new", "4")), at_place(2, event("b", "2"))];
    let done = bench.decode(message, again).unwrap();
    let seqs: Vec<i64> = done.iter().map(|one| one.seq.0).collect();
    assert_eq!(seqs, [1, 5, 6]);
    assert_eq!(done[0].outcome, Outcome::Unchanged);
    assert!(done[1..].iter().all(|one| matches!(one.outcome, Outcome::Routed(_))));
    assert_eq!(bench.home.event(EventSeq(2)).unwrap(), None);
    assert_eq!(bench.home.event(EventSeq(3)).unwrap(), None);
    let repetition = bench.home.event(EventSeq(4)).unwrap().unwrap();
    assert_eq!(repetition.verdict, Verdict::Duplicate { of: EventSeq(6) });
    assert_eq!(bench.home.quarantine(MANY).unwrap(), Default::default());
    bench.assert_balanced();
}

fn what_a_message_says_twice_comes_out_of_quarantine_once(bench: &mut Bench) {
    let message = bench.accept("shop", "raw");
    let decode_twice = |bench: &Bench, new: &dyn Fn() -> NewEvent| {
        let done = bench.decode(message, vec![new(), at_place(1, new())]).unwrap();
        bench.assert_balanced();
        done.into_iter().map(|one| (one.seq.0, one.outcome)).collect::<Vec<_>>()
    };
    let repetition = (2, Outcome::Duplicate { of: EventSeq(1) });
    assert_eq!(decode_twice(bench, &|| broken("1", "a")), [(1, Outcome::Quarantined), repetition]);
    bench.requeue(vec![Item::Event(EventSeq(1))]);
    // It is broken still, and in quarantine once.
    let again = decode_twice(bench, &|| broken("1", "a"));
    assert_eq!(again, [(3, Outcome::Quarantined), (2, Outcome::Unchanged)]);
    bench.requeue(vec![Item::Event(EventSeq(3))]);
    let mended = decode_twice(bench, &|| event("1", "a"));
    assert!(matches!(mended[..], [(4, Outcome::Routed(_)), (2, Outcome::Unchanged)]), "{mended:?}");
    let repetition = bench.home.event(EventSeq(2)).unwrap().unwrap();
    assert_eq!(repetition.verdict, Verdict::Duplicate { of: EventSeq(4) });
    assert_eq!(bench.home.quarantine(MANY).unwrap(), Default::default());
    assert_eq!(bench.home.tally().unwrap().in_flight, 1);
}

fn of_two_bodies_with_one_id_the_one_that_is_told_again_stays_in_quarantine(bench: &mut Bench) {
    let message = bench.accept("shop", "raw");
    bench.decode(message, vec![broken("1", "a"), at_place(1, broken("1", "b"))]).unwrap();
    bench.requeue(vec![Item::Event(EventSeq(1))]);
    let done = bench.decode(message, vec![broken("1", "b")]).unwrap();
    assert_eq!((done[0].seq, &done[0].outcome), (EventSeq(3), &Outcome::Quarantined));
    let kept = bench.home.quarantine(MANY).unwrap().events;
    assert_eq!(
        kept.iter().map(|row| (row.seq.0, &row.event)).collect::<Vec<_>>(),
        [(3, &event("1", "b").event)]
    );
    bench.assert_balanced();
}

fn a_message_that_nobody_could_decode_is_kept_and_can_be_tried_again(bench: &mut Bench) {
    let raw = message("shop", "???", bench.now());
    let seq = bench.take_in(raw.clone());
    let problem = r#"{"case":"permanent"}"#;
    let quarantine = || vec![Recorded { message: seq, result: Decoding::Quarantined(problem.into()) }];
    bench.record(quarantine(), bench.as_of()).unwrap();
    let kept = bench.home.quarantine(MANY).unwrap().messages.remove(0);
    assert_eq!(kept.message, raw);
    assert_eq!(kept.standing, Standing::Quarantined { problem: problem.into(), at: bench.now() });
    assert_eq!(bench.home.quarantined_message(kept.message.id).unwrap(), Some(kept));
    bench.assert_balanced();

    let refused = bench.record(quarantine(), bench.as_of());
    assert!(matches!(refused, Err(StoreError::Settled(_))), "{refused:?}");
    bench.requeue(vec![Item::Message(seq)]);
    assert_eq!(bench.home.message(seq).unwrap().unwrap().standing, Standing::Pending);
    bench.assert_balanced();
    bench.decode(seq, vec![event("1", "a")]).unwrap();
    assert_eq!(
        bench.home.message(seq).unwrap().unwrap().standing,
        Standing::Decoded { events: 1, at: bench.now() }
    );
    bench.assert_balanced();
}

fn what_was_decided_on_facts_that_have_changed_is_refused_whole(bench: &mut Bench) {
    for (number, (case, is_stale)) in [
        ("nothing happened", false),
        ("somebody else took it", true),
        ("the same took it", false),
        ("the customer withdrew", true),
        ("another customer withdrew", false),
    ]
    .into_iter()
    .enumerate()
    {
        let key = |what: &str| format!("{number}-{what}");
        let (anna, other, mail) = (customer(10 + number as i64), customer(100), format!("{number}@x.it"));
        let withdrew = |who| {
            let at = 5 + number as i64;
            NewEvent {
                customer: Some(who),
                consents: vec![said(State::Withdrawn, at)],
                ..event(&key("m"), "x")
            }
        };
        let (meanwhile, decided) = match case {
            "nothing happened" => (event(&key("m"), "x"), of_customer(anna, &mail, event(&key("1"), "a"))),
            "somebody else took it" => (
                of_customer(other, &mail, event(&key("m"), "x")),
                of_customer(anna, &mail, event(&key("1"), "a")),
            ),
            "the same took it" => (
                of_customer(anna, &mail, event(&key("m"), "x")),
                of_customer(anna, &mail, event(&key("1"), "a")),
            ),
            "the customer withdrew" => {
                (withdrew(anna), NewEvent { customer: Some(anna), ..event(&key("1"), "a") })
            }
            _ => (withdrew(other), NewEvent { customer: Some(anna), ..event(&key("1"), "a") }),
        };
        let before = bench.as_of();
        let (neighbour, seq) = (bench.accept("shop", "raw"), bench.accept("shop", "raw"));
        bench.bring(vec![meanwhile]);
        let batch = vec![
            Recorded { message: neighbour, result: Decoding::Decoded(vec![event(&key("n"), "n")]) },
            Recorded { message: seq, result: Decoding::Decoded(vec![decided]) },
        ];
        let refused = bench.record(batch.clone(), before);
        assert_eq!(matches!(refused, Err(StoreError::Stale)), is_stale, "{case}: {refused:?}");
        let pending = bench.home.balance(None).unwrap().messages.pending;
        assert_eq!(pending, if is_stale { 2 } else { 0 }, "{case}");
        if is_stale && case == "the customer withdrew" {
            bench.record(batch, bench.as_of()).unwrap();
        } else if is_stale {
            let nothing = |message| Recorded { message, result: Decoding::Decoded(vec![]) };
            bench.record(vec![nothing(neighbour), nothing(seq)], bench.as_of()).unwrap();
        }
        bench.assert_balanced();
    }
}

fn facts_are_what_events_have_said(bench: &mut Bench) {
    let anna = customer(1);
    let mail = Identifier::new("email", "a@x.it").unwrap();
    let said_so = |key: &str, state, at| NewEvent {
        consents: vec![said(state, at)],
        ..of_customer(anna, "a@x.it", event(key, key))
    };
    for (key, state, at, stands) in [
        ("1", State::Granted, 10, State::Granted),
        ("2", State::Withdrawn, 20, State::Withdrawn),
        ("3", State::Granted, 15, State::Withdrawn),
        ("4", State::Granted, 20, State::Withdrawn),
        ("5", State::Granted, 30, State::Granted),
        ("6", State::Denied, 30, State::Denied),
    ] {
        bench.bring(vec![said_so(key, state, at)]);
        let facts = bench.home.facts(&[mail.key]).unwrap();
        assert_eq!(facts.customers[&mail.key], anna);
        assert_eq!(facts.consents[&anna].state("marketing.email"), Some(stands), "after event {key}");
    }
    // A repetition and an event in quarantine say nothing.
    bench.bring(vec![NewEvent { consents: vec![said(State::Granted, 40)], ..event("6", "6") }]);
    let quarantined = NewEvent {
        customer: Some(customer(2)),
        consents: vec![said(State::Granted, 50)],
        ..broken("7", "7")
    };
    bench.bring(vec![quarantined]);
    assert_eq!(bench.home.consents(&[anna]).unwrap()[&anna].state("marketing.email"), Some(State::Denied));
    assert!(bench.home.consents(&[customer(2)]).unwrap().is_empty());
    assert_eq!(bench.home.identifiers_of(anna).unwrap(), [("email".to_owned(), bench.now())]);
    assert_eq!(bench.home.customer_of(mail.key).unwrap(), Some(anna));
    assert_eq!(bench.home.timeline(anna, EventSeq(0), MANY).unwrap().len(), 6);
}

fn a_batch_is_refused_whole(bench: &mut Bench) {
    let (one, two) = (bench.accept("shop", "raw"), bench.accept("shop", "raw"));
    let decoded = |message, key| Recorded { message, result: Decoding::Decoded(vec![event(key, "a")]) };
    for (case, batch) in [
        ("twice in one batch", vec![decoded(one, "1"), decoded(two, "2"), decoded(one, "3")]),
        ("one that is not there", vec![decoded(one, "1"), decoded(MessageSeq(999), "2")]),
    ] {
        let refused = bench.record(batch, bench.as_of());
        assert!(matches!(refused, Err(StoreError::Settled(_))), "{case}: {refused:?}");
        assert_eq!(bench.home.balance(None).unwrap().messages.pending, 2, "{case}");
        bench.assert_balanced();
    }
    bench.record(vec![decoded(one, "1"), decoded(two, "2")], bench.as_of()).unwrap();
    assert_eq!(bench.home.balance(None).unwrap().messages.decoded, 2);
}

fn senders_may_write_any_character(bench: &mut Bench) {
    let odd = "a\0b\u{10fffd}\u{10fffd}0";
    let mut new = of_customer(customer(1), "a@x.it", event("1", "a"));
    new.event.subject = Some(odd.into());
    new.event.ordering_key = Some(odd.into());
    new.event.attributes = vec![(odd.into(), odd.into())];
    new.consents = vec![snodo_core::consent::Change { purpose: odd.repeat(1000), ..said(State::Granted, 1) }];
    new.identifiers[0].namespace = odd.into();
    new.verdict = NewVerdict::Routed(vec![snodo_store::NewDelivery {
        ordering_key: Some(odd.into()),
        ..delivery("crm")
    }]);
    bench.bring(vec![new.clone()]);
    assert_eq!(bench.home.event(EventSeq(1)).unwrap().unwrap().event, new.event);
    let due = bench.home.fresh(&name("crm"), 1, MANY).unwrap().remove(0);
    assert_eq!((due.event, due.ordering_key.as_deref()), (new.event, Some(odd)));
    let consents = bench.home.consents(&[customer(1)]).unwrap();
    assert_eq!(consents[&customer(1)].state(&odd.repeat(1000)), Some(State::Granted));
    assert_eq!(bench.home.identifiers_of(customer(1)).unwrap()[0].0, odd);
}
