//! A hostile guest against the sandbox: the host lives, the item at fault is named, its neighbours have their results.

mod frozen;
mod refusals;

use std::sync::LazyLock;
use std::time::Duration;

use snodo_test_components::HOSTILE;

use crate::{
    Answer, Compile, Connector, Context, Delivery, Draft, Event, Exchange, Failure, Fault, Limits, Message,
    Options, Planned, Reply, Role, Sandbox, Step,
};

/// Long enough for a guest that fills its memory on a machine that has much else to do.
const SINGLE: Duration = Duration::from_millis(500);
const BATCH: Duration = Duration::from_millis(500);

/// Compiled once for all tests; they may run at the same time, as channels do.
static CONNECTOR: LazyLock<Connector> =
    LazyLock::new(|| sandbox().load(HOSTILE).expect("the guest is a connector"));

pub fn sandbox() -> Sandbox {
    let limits = Limits { single_time: SINGLE, batch_time: BATCH, ..Limits::default() };
    Sandbox::new(Options { cache_dir: None, compile: Compile::InProcess, limits })
        .expect("a sandbox can be had")
}

fn ctx(channel: &str) -> Context<'_> {
    Context { channel, config: b"good", now: 0 }
}

fn message(body: &str) -> Message<'_> {
    Message { id: "m", received_at: 0, headers: &[], name: "", body: body.as_bytes() }
}

fn event(data: &str) -> Event<'_> {
    Event {
        id: "e",
        kind: "unknown.message.received",
        source: "snodo://acme/till",
        subject: None,
        time: "2026-01-01T00:00:00Z",
        dataschema: "snodo:snodo/unknown.message.received/1-0-0",
        ordering_key: "k",
        attributes: &[],
        data: data.as_bytes(),
    }
}

fn delivery(data: &str) -> Delivery<'_> {
    Delivery { idempotency_key: "i", attempt: 1, customer: None, event: event(data) }
}

/// Whether a failure is of the expected kind.
type Expected = fn(&Failure) -> bool;

const DEEDS: [(&str, Expected); 8] = [
    ("spin", |failure| *failure == Failure::TimedOut(SINGLE)),
    ("allocate", |failure| *failure == Failure::OutOfMemory(Limits::default().memory_bytes)),
    ("recurse", |failure| *failure == Failure::StackOverflow),
    ("panic", |failure| matches!(failure, Failure::Trapped { .. })),
    ("huge", |failure| matches!(failure, Failure::Output(_))),
    ("many", |failure| matches!(failure, Failure::Output(_))),
    ("few", |failure| matches!(failure, Failure::Broken(_))),
    ("fault", |failure| matches!(failure, Failure::Fault(Fault::Permanent(_)))),
];

fn check_neighbours(
    deed: &str,
    expected: Expected,
    results: &[Result<Vec<Draft>, Failure>],
    bodies: &[&str],
) {
    assert_eq!(results.len(), bodies.len(), "{deed}");
    for (result, body) in results.iter().zip(bodies) {
        let drafts = match result {
            Ok(drafts) => drafts,
            Err(failure) => {
                assert!(*body == deed && expected(failure), "{deed}, {body}: {failure:?}");
                continue;
            }
        };
        assert_eq!((drafts[0].data.as_slice(), *body != deed), (body.as_bytes(), true), "{deed}");
    }
}

#[test]
fn a_message_at_fault_fails_alone() {
    for (deed, expected) in DEEDS {
        let bodies = ["one", "two", deed, "three", deed, "four"];
        let messages = bodies.map(message);
        let results = CONNECTOR.decode(&ctx("decode"), &messages);
        check_neighbours(deed, expected, &results, &bodies);
    }
}

#[test]
fn an_event_at_fault_fails_alone() {
    for (deed, expected) in DEEDS.into_iter().filter(|(deed, _)| *deed != "fault") {
        let bodies = ["one", deed, "two"];
        let results = CONNECTOR.apply(&ctx("apply"), &bodies.map(event));
        check_neighbours(deed, expected, &results, &bodies);
    }
}

#[test]
fn a_panic_says_where_it_was() {
    let results = CONNECTOR.decode(&ctx("panic"), &[message("panic")]);
    let Err(Failure::Trapped { said: Some(said), .. }) = &results[0] else { panic!("{results:?}") };
    assert!(said.starts_with("panicked at ") && said.contains("hostile/src/lib.rs:"), "{said}");
}

#[test]
fn a_delivery_at_fault_fails_alone_and_the_others_still_share_a_call() {
    for (deed, expected) in DEEDS.into_iter().filter(|(deed, _)| !["fault", "many"].contains(deed)) {
        let deliveries = ["one", deed, "two", "three", "duplicate"].map(delivery);
        let planned = CONNECTOR.encode(&ctx("encode"), &deliveries);
        let [(1, failure)] = planned.failed.as_slice() else { panic!("{deed}: {:?}", planned.failed) };
        assert!(expected(failure), "{deed}: {failure:?}");
        assert_eq!(
            planned.calls.iter().map(|call| call.covers.clone()).collect::<Vec<_>>(),
            [[0, 2, 3]],
            "{deed}"
        );
        assert_eq!(planned.outcome(4), Some(&crate::Outcome::Duplicate), "{deed}");
    }
}

#[test]
fn a_plan_is_held_to_the_contract() {
    for (deed, failed, calls) in
        [("twice", vec![0, 1, 2], 0), ("elsewhere", vec![0, 1, 2], 0), ("memory", vec![1], 1)]
    {
        let Planned { calls: sent, failed: found, .. } =
            CONNECTOR.encode(&ctx("contract"), &["one", deed, "two"].map(delivery));
        assert_eq!(found.iter().map(|(place, _)| *place).collect::<Vec<_>>(), failed, "{deed}");
        assert!(found.iter().all(|(_, failure)| matches!(failure, Failure::Broken(_))), "{deed}");
        assert_eq!(sent.len(), calls, "{deed}");
    }
}

#[test]
fn an_answer_at_fault_fails_its_own_call_only() {
    let deliveries = ["one", "two"].map(delivery);
    for (deed, expected) in DEEDS.into_iter().filter(|(deed, _)| !["fault", "many", "huge"].contains(deed)) {
        let exchange = |body: &'static str| Exchange {
            deliveries: &deliveries,
            state: b"",
            answer: Answer { status: 200, headers: &[], body: body.as_bytes() },
        };
        let plans =
            CONNECTOR.interpret(&ctx("interpret"), &[exchange("one"), exchange(deed), exchange("two")]);
        for (place, plan) in plans.iter().enumerate() {
            let wrong = place == 1;
            assert_eq!(
                (plan.settled.len(), plan.failed.len()),
                if wrong { (0, 2) } else { (2, 0) },
                "{deed}"
            );
            assert!(plan.failed.iter().all(|(_, failure)| expected(failure)), "{deed}: {:?}", plan.failed);
        }
    }
}

#[test]
fn a_poll_asks_and_reads_or_fails() {
    let reply = |state: &'static [u8], body: &'static str| {
        Some(Reply { state, answer: Answer { status: 200, headers: &[], body: body.as_bytes() } })
    };
    let answer = |body| reply(b"second", body);
    let ctx = ctx("poll");
    for (told, state) in [(None, b"first".as_slice()), (reply(b"first", "one"), b"second")] {
        let Ok(Step::Ask(question)) = CONNECTOR.next(&ctx, None, told) else { panic!("it did not ask") };
        assert_eq!(question.state, state);
    }
    let Ok(Step::Page(page)) = CONNECTOR.next(&ctx, Some(b"cursor"), answer("one")) else {
        panic!("it read no page")
    };
    assert_eq!((page.cursor.as_slice(), page.events.len()), (&b"cursor"[..], 1));
    for cursor in [vec![0; 16 << 10], vec![0; (16 << 10) + 1]] {
        let is_kept = CONNECTOR.next(&ctx, Some(&cursor), answer("one")).is_ok();
        assert_eq!(is_kept, cursor.len() <= 16 << 10, "{} bytes of cursor", cursor.len());
    }
    for (deed, expected) in DEEDS.into_iter().filter(|(deed, _)| !["fault", "few"].contains(deed)) {
        let result = CONNECTOR.next(&ctx, None, answer(deed));
        assert!(result.as_ref().is_err_and(expected), "{deed}: {result:?}");
    }
}

#[test]
fn a_trap_in_every_export_leaves_the_connector_well() {
    let ctx = Context { config: b"panic", ..ctx("trap") };
    assert!(CONNECTOR.decode(&ctx, &[message(""); 3]).iter().all(Result::is_err));
    assert!(CONNECTOR.apply(&ctx, &[event(""); 3]).iter().all(Result::is_err));
    assert_eq!(CONNECTOR.encode(&ctx, &[delivery(""); 3]).failed.len(), 3);
    assert!(CONNECTOR.next(&ctx, None, None).is_err());
    let answer = Answer { status: 200, headers: &[], body: b"" };
    let plans = CONNECTOR.interpret(&ctx, &[Exchange { deliveries: &[delivery("")], state: b"", answer }]);
    assert_eq!(plans[0].failed.len(), 1);
    assert!(CONNECTOR.decode(&ctx, &[message("one")])[0].is_ok());
}

#[test]
fn a_flood_of_log_lines_is_dammed() {
    assert!(CONNECTOR.decode(&ctx("flood"), &[message("flood"), message("one")]).iter().all(Result::is_ok));
}

#[test]
fn more_instances_than_the_pool_holds_are_made_without_it() {
    let sandbox = sandbox();
    let connector = sandbox.load(HOSTILE).expect("the guest is a connector");
    let channels: Vec<String> =
        (0..crate::limits::POOLED_INSTANCES + 8).map(|number| format!("c{number}")).collect();
    for _ in 0..2 {
        for channel in &channels {
            assert!(connector.decode(&ctx(channel), &[message("one")])[0].is_ok(), "{channel}");
        }
    }
    assert!(connector.went_without_pool());
    channels.iter().for_each(|channel| connector.forget(channel));
    assert!(connector.decode(&ctx("c0"), &[message("one")])[0].is_ok());
}

#[test]
fn large_batches_come_back_whole_and_in_order() {
    let bodies: Vec<String> = (0..1_000).map(|number| format!("n{number}")).collect();
    let messages: Vec<Message> = bodies.iter().map(|body| message(body)).collect();
    let results = CONNECTOR.decode(&ctx("large"), &messages);
    let data: Vec<String> = results
        .into_iter()
        .map(|result| String::from_utf8(result.unwrap().remove(0).data).unwrap())
        .collect();
    assert_eq!(data, bodies);
    let deliveries: Vec<Delivery> = bodies.iter().map(|body| delivery(body)).collect();
    let planned = CONNECTOR.encode(&ctx("large"), &deliveries);
    let covered: Vec<u32> = planned.calls.iter().flat_map(|call| call.covers.clone()).collect();
    assert_eq!(covered, (0..1_000).collect::<Vec<_>>());
}

#[test]
fn roles_are_read_from_the_component() {
    assert!(Role::ALL.into_iter().all(|role| CONNECTOR.has(role)));
    assert_eq!(CONNECTOR.digest(), blake3::hash(HOSTILE).to_hex().to_string());
}
