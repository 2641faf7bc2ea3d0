//! What is kept, and for how long: the hub gives up and removes by itself, at its start and every minute, and its ledger goes on.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::company::{Company, PATIENCE, get};
use crate::line::{order, placed};
use crate::receiver::Receiver;

fn company(receiver: &Receiver, rest: &str) -> Company {
    let company = Company::with_orders_to(receiver.address);
    company.route("large", "shop", "crm", "when = \"double(event.data.order.total.amount) > 100.0\"\n");
    keep(&company, rest);
    company
}

/// What `[retention]` says from the next start on.
fn keep(company: &Company, rest: &str) {
    let hub = std::fs::read_to_string(company.path("hub.toml")).unwrap();
    let before = hub.split("[dedup]").next().unwrap();
    company.write("hub.toml", &format!("{before}[dedup]\nwindow = \"1 ms\"\n[retention]\n{rest}"));
}

fn until(company: &Company, is_so: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let balance = company.balance();
        if is_so(&balance) {
            return balance;
        }
        assert!(begun.elapsed() < PATIENCE, "not in time: {balance}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_come_to_its_age_is_removed_and_the_ledger_goes_on() {
    let receiver = Receiver::start().await;
    let company = company(&receiver, "");
    let hub = company.start();
    receiver.answer(|number| if number == 0 { StatusCode::BAD_REQUEST } else { StatusCode::OK });
    placed(&company, (1..=30).map(|id| order(id, "rosa@example.com"))).await;
    let before = company.settled();
    assert_eq!((&before["fates"]["dead"], &before["fates"]["delivered"]), (&json!(1), &json!(29)));
    hub.stop();
    assert_eq!(company.balance()["removed"]["events"]["decoded"], 0, "without a key nothing is removed");

    // By age: all but the evidence of the customer, the dead one, and the last one.
    keep(&company, "settled = \"1 ms\"\n");
    let hub = company.start();
    let after = until(&company, |balance| balance["removed"]["events"]["decoded"].as_i64() >= Some(28));
    for key in ["messages", "events", "fates", "expected", "in_flight", "routes", "difference"] {
        assert_eq!(after[key], before[key], "{key}");
    }
    let whole = String::from_utf8(company.run(&["balance"]).stdout).unwrap();
    assert!(whole.contains("removed by retention"), "{whole}");
    assert_eq!(
        company.json(&["events"]).len() as i64 + after["removed"]["events"]["decoded"].as_i64().unwrap(),
        30
    );
    assert_eq!(company.json(&["events", "--fate", "dead"]).len(), 1);
    let removed = until_counted(hub.address, "snodo_retention_removed_total{kind=\"event\"}");
    assert_eq!(Some(removed), after["removed"]["events"]["decoded"].as_i64());
    // The customer is still known by what the first event said.
    placed(&company, [order(31, "rosa@example.com")]).await;
    company.settled();
    assert_eq!(company.run(&["timeline", "email:rosa@example.com"]).status.code(), Some(0));
    hub.stop();

    // The dead one is given up, and then it has ended, too.
    keep(&company, "settled = \"1 ms\"\nfailed = \"1 ms\"\n");
    let hub = company.start();
    let after = until(&company, |balance| balance["fates"]["dead"] == 0);
    assert_eq!((&after["fates"]["expired"], &after["difference"]), (&json!(1), &json!(0)));
    let log = hub.stop();
    assert!(!log.contains("does not balance"), "{log}");
}

fn until_counted(address: std::net::SocketAddr, name: &str) -> i64 {
    let begun = Instant::now();
    loop {
        let (_, metrics) = get(address, "/metrics").unwrap();
        if let Some(line) = metrics.lines().find(|line| line.starts_with(name)) {
            return line.rsplit(' ').next().unwrap().parse().unwrap();
        }
        assert!(begun.elapsed() < PATIENCE, "{name} is missing in:\n{metrics}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_on_its_way_for_too_long_is_given_up() {
    let receiver = Receiver::start().await;
    receiver.answer(|_| StatusCode::SERVICE_UNAVAILABLE);
    let company = company(&receiver, "waiting = \"600 ms\"\n");
    let hub = company.start();
    placed(&company, (1..=3).map(|id| order(id, "rosa@example.com"))).await;
    // Each when its turn comes: the first by the schedule, and those behind it after it.
    let balance = company.settled();
    assert_eq!((&balance["fates"]["expired"], &balance["difference"]), (&json!(3), &json!(0)));
    let events = company.json(&["events", "--fate", "expired"]);
    let explained = company.json(&["explain", events[0]["event"]["id"].as_str().unwrap()]).remove(0);
    assert_eq!(explained["routes"][0]["why"], "older than retention.waiting");
    // What is sent again has all its time before it.
    receiver.answer(|_| StatusCode::OK);
    assert!(company.run(&["replay", "--fate", "expired"]).status.success());
    assert_eq!(company.settled()["fates"]["delivered"], 3);
    hub.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_too_much_room_goes_oldest_first() {
    let receiver = Receiver::start().await;
    let company = company(&receiver, "");
    let hub = company.start();
    let large = |id| {
        let mut order = order(id, "rosa@example.com");
        order["data"]["order"]["note"] = json!("x".repeat(40_000));
        order
    };
    placed(&company, (0..60).map(large)).await;
    company.settled();
    hub.stop();
    keep(&company, "bytes = 2097152\n");
    let hub = company.start();
    let after = until(&company, |balance| balance["removed"]["events"]["decoded"].as_i64() > Some(10));
    assert_eq!(after["difference"], 0);
    hub.stop();
    let left = company.json(&["events", "-n", "100"]);
    let ids: Vec<u64> = left
        .iter()
        .map(|row| row["event"]["subject"].as_str().unwrap().trim_start_matches("order/").parse().unwrap())
        .collect();
    // The first is evidence; of the others the newest are left.
    assert_eq!((ids[0], ids[1..].is_sorted(), ids.last()), (0, true, Some(&59)));
    assert!(ids.len() > 10 && ids[1] as usize == 61 - ids.len(), "{ids:?}");
}
