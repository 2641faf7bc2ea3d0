//! What is there already is not there twice, what contradicts it is kept apart, and what was decided on old facts is refused.

use std::time::Duration;

use snodo_core::Fate;
use snodo_core::consent::State;
use snodo_core::identity::Identifier;
use snodo_store::{
    Decoding, EventSeq, Item, MessageSeq, NewEvent, NewVerdict, Outcome, Recorded, Standing, StoreError,
    Verdict,
};

use crate::bench::*;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

enum Step {
    Bring(Box<NewEvent>, &'static str),
    Pass(Duration),
}
use Step::Pass;

fn bring(event: NewEvent, expected: &'static str) -> Step {
    Step::Bring(Box::new(event), expected)
}

fn word(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Routed(_) => "routed".into(),
        Outcome::Unchanged => "unchanged".into(),
        Outcome::Duplicate { of } => format!("duplicate of {of}"),
        Outcome::Quarantined => "quarantined".into(),
    }
}

#[test]
fn an_event_is_taken_once() {
    for (case, steps) in [
        (
            "another id is another event",
            vec![bring(event("1", "a"), "routed"), bring(event("2", "a"), "routed")],
        ),
        (
            "a repetition",
            vec![
                bring(event("1", "a"), "routed"),
                bring(event("1", "a"), "duplicate of 1"),
                bring(event("1", "a"), "duplicate of 1"),
            ],
        ),
        (
            "another body",
            vec![
                bring(event("1", "a"), "routed"),
                bring(event("1", "b"), "quarantined"),
                bring(event("1", "a"), "duplicate of 1"),
            ],
        ),
        (
            "another body, repeated",
            vec![
                bring(event("1", "a"), "routed"),
                bring(event("1", "b"), "quarantined"),
                bring(event("1", "b"), "duplicate of 2"),
            ],
        ),
        (
            "within the window",
            vec![bring(event("1", "a"), "routed"), Pass(6 * DAY), bring(event("1", "a"), "duplicate of 1")],
        ),
        (
            "outside the window",
            vec![
                bring(event("1", "a"), "routed"),
                Pass(8 * DAY),
                bring(event("1", "a"), "routed"),
                bring(event("1", "a"), "duplicate of 2"),
            ],
        ),
        (
            "a violation, repeated",
            vec![
                bring(broken("1", "a"), "quarantined"),
                bring(broken("1", "a"), "duplicate of 1"),
                bring(broken("1", "b"), "quarantined"),
            ],
        ),
        (
            "mended by the source",
            vec![
                bring(broken("1", "a"), "quarantined"),
                bring(event("1", "b"), "routed"),
                bring(event("1", "b"), "duplicate of 2"),
            ],
        ),
        (
            "mended by the connector",
            vec![bring(broken("1", "a"), "quarantined"), bring(event("1", "a"), "routed")],
        ),
        (
            "broken after it was taken",
            vec![
                bring(event("1", "a"), "routed"),
                bring(broken("1", "a"), "duplicate of 1"),
                bring(broken("1", "b"), "quarantined"),
            ],
        ),
    ] {
        let bench = Bench::new();
        for (at, step) in steps.into_iter().enumerate() {
            match step {
                Pass(time) => bench.pass(time),
                Step::Bring(event, expected) => {
                    assert_eq!(word(&bench.bring(vec![*event])[0].outcome), expected, "{case}, step {at}");
                }
            }
        }
        bench.assert_balanced();
    }
}

#[test]
fn within_one_message_too() {
    let bench = Bench::new();
    let events = ["a", "a", "b"].into_iter().enumerate();
    let done = bench.bring(events.map(|(at, body)| at_place(at as u32, event("1", body))).collect());
    let words: Vec<String> = done.iter().map(|one| word(&one.outcome)).collect();
    assert_eq!(words, ["routed", "duplicate of 1", "quarantined"]);
    bench.assert_balanced();
}

#[test]
fn a_duplicate_has_no_body_of_its_own_and_settles_all_its_routes() {
    let bench = Bench::new();
    let twice = || NewEvent {
        routes: 5,
        filtered: 2,
        verdict: NewVerdict::Routed(vec![delivery("crm"), delivery("erp"), suppressed("mail")]),
        ..event("1", "a")
    };
    bench.bring(vec![twice()]);
    bench.bring(vec![twice()]);
    bench.bring(vec![NewEvent { routes: 5, ..event("1", "b") }]);
    let tally = bench.store.balance(None).unwrap().tally;
    let fates: Vec<(Fate, i64)> = tally.fates.iter().filter(|(_, count)| *count > 0).collect();
    let expected = [(Fate::Filtered, 2), (Fate::Suppressed, 1), (Fate::Duplicate, 5), (Fate::Quarantined, 5)];
    assert_eq!(fates, expected);
    assert_eq!((tally.expected, tally.in_flight), (15, 2));
    let repetition = bench.store.event(EventSeq(2)).unwrap().unwrap();
    assert_eq!(repetition.verdict, Verdict::Duplicate { of: EventSeq(1) });
    assert_eq!(repetition.event, event("1", "a").event);
    let other = bench.store.event(EventSeq(3)).unwrap().unwrap();
    assert!(
        matches!(other.verdict, Verdict::Quarantined { violations } if violations.contains("another body"))
    );
    assert_eq!(other.event, event("1", "b").event);
    bench.assert_balanced();
}

#[test]
fn a_message_that_is_decoded_again_replaces_only_what_was_in_quarantine() {
    let bench = Bench::new();
    let message = bench.accept("shop", "raw");
    let first = vec![event("a", "1"), at_place(1, broken("b", "2")), at_place(2, broken("c", "3"))];
    bench.decode(message, first).unwrap();
    bench.assert_balanced();

    let requeued =
        wait(bench.store.requeue(vec![Item::Event(EventSeq(2)), Item::Event(EventSeq(3))])).unwrap();
    assert_eq!((requeued.messages, requeued.channels), (1, [name("shop")].into()));
    let waiting = bench.store.pending_messages(&name("shop"), MessageSeq(0), MANY, MANY).unwrap();
    assert_eq!(waiting.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [message]);
    bench.assert_balanced();

    // The connector has been mended: what was an event at place 1 is one at place 2, and one is no longer told.
    let again = vec![event("a", "1"), at_place(1, event("new", "4")), at_place(2, event("b", "2"))];
    let done = bench.decode(message, again).unwrap();
    let found: Vec<(i64, String)> = done.iter().map(|one| (one.seq.0, word(&one.outcome))).collect();
    assert_eq!(found, [(1, "unchanged".into()), (4, "routed".into()), (5, "routed".into())]);
    assert_eq!(bench.store.event(EventSeq(2)).unwrap(), None);
    assert_eq!(bench.store.event(EventSeq(3)).unwrap(), None);
    assert_eq!(bench.store.quarantine(MANY).unwrap(), Default::default());
    bench.assert_balanced();
}

#[test]
fn a_message_that_nobody_could_decode_is_kept_and_can_be_tried_again() {
    let bench = Bench::new();
    let seq = bench.accept("shop", "???");
    let problem = r#"{"case":"permanent"}"#;
    let quarantine = || vec![Recorded { message: seq, result: Decoding::Quarantined(problem.into()) }];
    bench.store.record_blocking(quarantine(), bench.as_of()).unwrap();
    let kept = bench.store.quarantine(MANY).unwrap().messages.remove(0);
    assert_eq!(kept.message, message("shop", "???", bench.now()));
    assert_eq!(kept.standing, Standing::Quarantined { problem: problem.into(), at: bench.now() });
    assert_eq!(bench.store.quarantined_message(kept.message.id).unwrap(), Some(kept));
    bench.assert_balanced();

    let refused = bench.store.record_blocking(quarantine(), bench.as_of());
    assert!(matches!(refused, Err(StoreError::Settled(_))), "{refused:?}");

    wait(bench.store.requeue(vec![Item::Message(seq)])).unwrap();
    assert_eq!(bench.store.message(seq).unwrap().unwrap().standing, Standing::Pending);
    bench.assert_balanced();
    bench.decode(seq, vec![event("1", "a")]).unwrap();
    bench.assert_balanced();
}

#[test]
fn what_was_decided_on_facts_that_have_changed_is_refused_whole() {
    let (anna, other) = (customer(1), customer(2));
    let with_consent = |event: NewEvent, state, at| NewEvent { consents: vec![said(state, at)], ..event };
    let known = |event: NewEvent| NewEvent { customer: Some(anna), ..event };
    for (case, meanwhile, decided, stale) in [
        ("nothing happened", event("m", "x"), of_customer(anna, "a@x.it", event("1", "a")), false),
        (
            "somebody else took it",
            of_customer(other, "a@x.it", event("m", "x")),
            of_customer(anna, "a@x.it", event("1", "a")),
            true,
        ),
        (
            "the same took it",
            of_customer(anna, "a@x.it", event("m", "x")),
            of_customer(anna, "a@x.it", event("1", "a")),
            false,
        ),
        (
            "the customer withdrew",
            with_consent(known(event("m", "x")), State::Withdrawn, 5),
            known(event("1", "a")),
            true,
        ),
        (
            "another customer withdrew",
            with_consent(NewEvent { customer: Some(other), ..event("m", "x") }, State::Withdrawn, 5),
            known(event("1", "a")),
            false,
        ),
    ] {
        let bench = Bench::new();
        let before = bench.as_of();
        let neighbour = bench.accept("shop", "raw");
        let seq = bench.accept("shop", "raw");
        bench.bring(vec![meanwhile]);
        let batch = vec![
            Recorded { message: neighbour, result: Decoding::Decoded(vec![event("n", "n")]) },
            Recorded { message: seq, result: Decoding::Decoded(vec![decided]) },
        ];
        let refused = bench.store.record_blocking(batch.clone(), before);
        assert_eq!(matches!(refused, Err(StoreError::Stale)), stale, "{case}: {refused:?}");
        let pending = bench.store.balance(None).unwrap().messages.pending;
        assert_eq!(pending, if stale { 2 } else { 0 }, "{case}");
        bench.assert_balanced();
    }
}

#[test]
fn facts_are_what_events_have_said() {
    let bench = Bench::new();
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
        let facts = bench.store.facts(&[mail.key]).unwrap();
        assert_eq!(facts.customers[&mail.key], anna);
        assert_eq!(facts.consents[&anna].state("marketing.email"), Some(stands), "after event {key}");
    }
    // A repetition and an event in quarantine say nothing.
    bench.bring(vec![NewEvent { consents: vec![said(State::Granted, 40)], ..event("6", "6") }]);
    bench.bring(vec![NewEvent {
        customer: Some(customer(2)),
        consents: vec![said(State::Granted, 50)],
        ..broken("7", "7")
    }]);
    assert_eq!(bench.store.consents(&[anna]).unwrap()[&anna].state("marketing.email"), Some(State::Denied));
    assert!(bench.store.consents(&[customer(2)]).unwrap().is_empty());
    assert_eq!(bench.store.identifiers_of(anna).unwrap(), [("email".to_owned(), bench.now())]);
    assert_eq!(bench.store.timeline(anna, EventSeq(0), MANY).unwrap().len(), 6);
}
