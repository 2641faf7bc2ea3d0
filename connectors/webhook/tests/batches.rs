//! Whatever comes and whatever is answered: every delivery is covered by exactly one call or settled, every event is sent
//! whole, one event at fault fails alone, and one set of events has one id.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use snodo_connector::{Answer, Context, Delivery, Destination, Event, Exchange, Outcome, Plan};
use webhook::Webhook;

/// An array of 100 comes apart in two rounds.
const ROUNDS_MAX: usize = 3;

#[test]
fn the_event_at_fault_fails_alone_in_every_batch() {
    for count in [1, 2, 9, 10, 11, 37, 99, 100] {
        for size_max in [1, 2, 7, 100] {
            for at_fault in [0, count / 2, count - 1] {
                let failed = run(count, size_max, at_fault);
                assert_eq!(failed, [at_fault], "{count} events, {size_max} in a request");
            }
        }
    }
}

/// The places of the deliveries that failed, for a receiver that will not have the one `at_fault`.
fn run(count: usize, size_max: usize, at_fault: usize) -> Vec<usize> {
    let config = json!({"url": "https://receiver.example/", "events_per_request_max": size_max});
    let ctx = Context { channel: "hook".into(), config: config.to_string().into_bytes(), now: 0 };
    let deliveries: Vec<Delivery> = (0..count).map(delivery).collect();
    let mut ids: BTreeMap<String, Value> = BTreeMap::new();
    let mut ends = BTreeMap::new();
    let mut open = vec![(deliveries.clone(), Webhook::encode(&ctx, deliveries))];
    for _ in 0..=ROUNDS_MAX {
        let mut next = Vec::new();
        for (deliveries, plan) in open {
            check(&plan, deliveries.len());
            for settled in &plan.settled {
                let place: usize = deliveries[settled.delivery as usize].event.id.parse().unwrap();
                let before = ends.insert(place, matches!(settled.outcome, Outcome::Failed(_)));
                assert!(before.is_none(), "settled twice");
            }
            for call in plan.calls {
                let covered: Vec<Delivery> =
                    call.covers.iter().map(|&at| deliveries[at as usize].clone()).collect();
                let body: Value = serde_json::from_slice(&call.request.body).unwrap();
                let events = body.as_array().cloned().unwrap_or_else(|| vec![body.clone()]);
                let sent: Vec<&str> = events.iter().map(|event| event["id"].as_str().unwrap()).collect();
                let meant: Vec<&str> = covered.iter().map(|delivery| delivery.event.id.as_str()).collect();
                assert_eq!(sent, meant);
                let id =
                    call.request.headers.iter().find(|(name, _)| name == "webhook-id").unwrap().1.clone();
                assert!(ids.insert(id, body).is_none(), "two requests have one id");
                let status = if meant.contains(&at_fault.to_string().as_str()) { 400 } else { 200 };
                let answer = Answer { status, headers: Vec::new(), body: Vec::new() };
                let exchange = Exchange { deliveries: covered.clone(), state: call.state, answer };
                next.push((covered, Webhook::interpret(&ctx, exchange)));
            }
        }
        open = next;
    }
    assert!(open.is_empty(), "the batch has no end");
    assert_eq!(ends.keys().copied().collect::<BTreeSet<_>>(), (0..count).collect());
    ends.into_iter().filter_map(|(place, failed)| failed.then_some(place)).collect()
}

fn check(plan: &Plan, count: usize) {
    let mut times = vec![0; count];
    plan.calls.iter().flat_map(|call| &call.covers).for_each(|&at| times[at as usize] += 1);
    plan.settled.iter().for_each(|settled| times[settled.delivery as usize] += 1);
    assert!(times.iter().all(|&times| times == 1), "{times:?}");
}

fn delivery(at: usize) -> Delivery {
    Delivery {
        idempotency_key: format!("key-{at}"),
        attempt: 1,
        customer: None,
        event: Event {
            id: at.to_string(),
            kind: "web.page.viewed".into(),
            source: "snodo://example/shop".into(),
            subject: None,
            time: "2026-01-01T00:00:00Z".into(),
            dataschema: "snodo:snodo/web.page.viewed/1-0-0".into(),
            ordering_key: String::new(),
            attributes: Vec::new(),
            data: br#"{"touchpoint":{"channel":"web"}}"#.to_vec(),
        },
    }
}
