//! A destination that is dead, slow, lying, impatient or rationed: nothing for it is lost, and nobody else notices.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::brokers::until;
use crate::company::{Company, get};
use crate::line::{client, order, placed, post};
use crate::witness::{Answer, Witness};

/// A shop, and a destination with more in its file.
fn company(witness: &Witness, queue: &str) -> Company {
    let company = Company::new();
    company.canonical_in("shop");
    destination(&company, "crm", witness, queue);
    company.route("orders", "shop", "crm", "");
    company
}

fn destination(company: &Company, name: &str, witness: &Witness, queue: &str) {
    company.webhook_out(name, witness.address);
    let path = format!("channels/{name}.toml");
    let channel = std::fs::read_to_string(company.path(&path)).unwrap();
    company.write(&path, &channel.replace("[config]", &format!("[queue]\n{queue}\n[config]")));
}

async fn send(company: &Company, ids: std::ops::Range<u32>) {
    placed(company, ids.map(|id| order(id, &format!("c{id}@example.com")))).await;
}

fn state_of(company: &Company, name: &str) -> Value {
    let listed = company.json(&["destination", "list"]);
    listed.into_iter().find(|one| one["destination"] == name).unwrap_or(Value::Null)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_down_is_left_alone_and_nothing_dies_of_it() {
    const ORDERS: u32 = 60;
    let up = Arc::new(AtomicBool::new(false));
    let is_up = Arc::clone(&up);
    let witness = Witness::start(move |_| match is_up.load(Ordering::SeqCst) {
        true => Answer::ok(),
        false => Answer::of(StatusCode::SERVICE_UNAVAILABLE),
    })
    .await;
    let company = company(&witness, "");
    // Two attempts, and dead: were it not that all fail.
    company.retry_after(&["100ms"]);
    let hub = company.start();
    send(&company, 0..ORDERS).await;
    until("it fails", || state_of(&company, "crm")["state"] == "fails").await;
    assert!(
        get(hub.address, "/metrics")
            .unwrap()
            .1
            .contains("snodo_destination_failing{destination=\"crm\",state=\"fails\"} 1")
    );
    // It is known after a restart, too, and tried now and then.
    hub.kill();
    let hub = company.start();
    assert_eq!(state_of(&company, "crm")["state"], "fails");
    let asked = witness.seen().len();
    until("it is tried", || witness.seen().len() > asked + 1).await;
    // However often a person has it tried: not even those that it is tried with.
    let dead = || company.balance()["fates"]["dead"].as_u64().unwrap();
    let before = dead();
    for _ in 0..5 {
        let asked = witness.seen().len();
        assert!(company.run(&["destination", "enable", "crm"]).status.success());
        until("it is tried at once", || witness.seen().len() > asked).await;
        until("it is known to fail", || state_of(&company, "crm")["state"] == "fails").await;
    }
    assert_eq!(dead(), before);
    up.store(true, Ordering::SeqCst);
    let balance = company.settled();
    let dead = balance["fates"]["dead"].as_u64().unwrap();
    assert_eq!(dead, before);
    // Those that ran out of attempts before it was known that all fail: a few at the very beginning.
    assert_eq!(balance["fates"]["delivered"].as_u64().unwrap() + dead, u64::from(ORDERS), "{balance}");
    assert!(dead < 20, "{dead} died of a destination that was down");
    assert_eq!(state_of(&company, "crm"), Value::Null, "it works, and nothing waits");
    hub.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails_for_long_is_disabled_and_its_events_are_kept() {
    const ORDERS: u32 = 12;
    let witness = Witness::start(|_| Answer::of(StatusCode::UNAUTHORIZED)).await;
    let company = company(&witness, "disable_after = \"1 second\"");
    let hub = company.start();
    send(&company, 0..ORDERS).await;
    until("it is disabled", || state_of(&company, "crm")["state"] == "disabled").await;
    let asked = witness.seen().len();
    let balance = company.balance();
    assert_eq!((&balance["in_flight"], &balance["difference"]), (&json!(ORDERS), &json!(0)), "{balance}");
    hub.stop();
    let hub = company.start();
    send(&company, ORDERS..ORDERS + 1).await;
    until("the new one waits, too", || company.balance()["in_flight"] == ORDERS + 1).await;
    assert_eq!(witness.seen().len(), asked, "a disabled destination was tried");
    assert_eq!(company.run(&["destination", "enable", "nobody"]).status.code(), Some(1));
    witness.answer(|_| Answer::ok());
    assert!(company.run(&["destination", "enable", "crm"]).status.success());
    assert_eq!(company.settled()["fates"]["delivered"], ORDERS + 1);
    hub.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_event_that_always_fails_is_its_own_trouble() {
    let witness = Witness::start(|seen| match seen.number {
        7 => Answer::of(StatusCode::INTERNAL_SERVER_ERROR),
        _ => Answer::ok(),
    })
    .await;
    let company = company(&witness, "");
    let hub = company.start();
    send(&company, 0..20).await;
    let balance = company.settled();
    assert_eq!((&balance["fates"]["delivered"], &balance["fates"]["dead"]), (&json!(19), &json!(1)));
    hub.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_asks_for_patience_is_left_alone_for_so_long() {
    let mut first = true;
    let witness = Witness::start(move |_| match std::mem::replace(&mut first, false) {
        true => Answer { retry_after: Some(2), ..Answer::of(StatusCode::TOO_MANY_REQUESTS) },
        false => Answer::ok(),
    })
    .await;
    let company = company(&witness, "");
    let concurrent = std::fs::read_to_string(company.path("channels/crm.toml")).unwrap();
    company.write("channels/crm.toml", &concurrent.replace("concurrent = 16", "concurrent = 1"));
    let hub = company.start();
    send(&company, 0..10).await;
    assert_eq!(company.settled()["fates"]["delivered"], 10);
    let seen = witness.seen();
    let waited = seen[1].at - seen[0].at;
    assert!(waited >= Duration::from_millis(1_900), "asked again after {waited:?}");
    hub.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_goes_out_in_a_second_than_its_quota() {
    const PER_SECOND: u32 = 5;
    const ORDERS: u32 = 20;
    let witness = Witness::start(|_| Answer::ok()).await;
    let company = company(&witness, &format!("per_second = {PER_SECOND}"));
    let hub = company.start();
    send(&company, 0..ORDERS).await;
    assert_eq!(company.settled()["fates"]["delivered"], ORDERS);
    let seen = witness.seen();
    let took = seen[ORDERS as usize - 1].at - seen[0].at;
    // The first second's may go at once.
    let least =
        Duration::from_secs(u64::from((ORDERS - PER_SECOND) / PER_SECOND)) - Duration::from_millis(300);
    assert!(took >= least, "{ORDERS} requests in {took:?}");
    hub.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_goes_out_in_a_day_than_its_quota_whatever_restarts() {
    let witness = Witness::start(|_| Answer::ok()).await;
    let company = company(&witness, "per_day = 5");
    let hub = company.start();
    send(&company, 0..4).await;
    company.settled();
    hub.kill();
    let hub = company.start();
    send(&company, 4..8).await;
    until("the last of the day", || witness.seen().len() == 5).await;
    until("the rest waits", || company.balance()["in_flight"] == 3).await;
    assert_eq!(state_of(&company, "crm")["sent_today"], 5);
    assert_eq!((witness.seen().len(), &company.balance()["difference"]), (5, &json!(0)));
    hub.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn privacy_goes_before_service_and_service_before_marketing() {
    let witness = Witness::start(|_| Answer::of(StatusCode::SERVICE_UNAVAILABLE)).await;
    let company = Company::new();
    company.canonical_in("shop");
    destination(&company, "crm", &witness, "per_second = 1");
    company.route("orders", "shop", "crm", "events = [\"commerce.*\"]\n");
    company.route("offers", "shop", "crm", "events = [\"commerce.*\"]\npriority = \"marketing\"\n");
    company.route("requests", "shop", "crm", "events = [\"privacy.*\"]\n");
    let hub = company.start();
    send(&company, 0..6).await;
    let request = json!({
        "specversion": "1.0", "id": "p-1", "type": "privacy.request.received", "source": "/test",
        "subject": "request/1", "time": "2026-03-01T10:00:00+01:00",
        "data": {"customer": {"identifiers": [{"namespace": "email", "value": "rosa@example.com"}]},
            "privacy_request": {"id": "1", "kind": "erasure"}},
    });
    assert_eq!(post(&client(), &company, "shop", &request).await, Ok(202));
    until("all are known", || company.balance()["events"]["routed"] == 7).await;
    witness.answer(|_| Answer::ok());
    let balance = company.settled();
    assert_eq!(balance["fates"]["delivered"], 13, "{balance}");
    let order: Vec<&str> = {
        let kind = |id: &str| match id.split('.').nth(1) {
            Some("requests") => "privacy",
            Some("orders") => "service",
            _ => "marketing",
        };
        witness.taken().iter().map(|one| kind(&one.id)).collect()
    };
    // What was under way already when it came is not called back.
    let place = order.iter().position(|one| *one == "privacy").unwrap();
    assert!(place <= 2, "{order:?}");
    let last_service = order.iter().rposition(|one| *one == "service").unwrap();
    let early = order[..last_service].iter().filter(|one| **one == "marketing").count();
    assert!(early <= 2, "{order:?}");
    hub.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_and_a_slow_destination_keep_nobody_else_waiting() {
    let fine = Witness::start(|_| Answer::ok()).await;
    let slow = Witness::start(|_| Answer { after: Duration::from_secs(30), ..Answer::ok() }).await;
    let dead = Witness::start(|_| Answer::of(StatusCode::BAD_GATEWAY)).await;
    let company = company(&fine, "");
    destination(&company, "slow", &slow, "");
    destination(&company, "dead", &dead, "");
    company.route("to-slow", "shop", "slow", "");
    company.route("to-dead", "shop", "dead", "");
    let hub = company.start();
    send(&company, 0..50).await;
    let before = hub.memory_bytes();
    send(&company, 50..1_000).await;
    let begun = Instant::now();
    until("the other one has all", || fine.taken().len() == 1_000).await;
    println!("the last came {:?} after it was accepted", begun.elapsed());
    let grown = hub.memory_bytes().saturating_sub(before);
    assert!(grown < 64 << 20, "{grown} bytes more with two destinations that take nothing");
    let balance = company.balance();
    assert_eq!(balance["difference"], 0, "{balance}");
}

/// A server that sends half of its first answer and hangs up, and is well afterwards.
async fn half_answering() -> (std::net::SocketAddr, Arc<Mutex<Vec<String>>>) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let ids: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = Arc::clone(&ids);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let seen = Arc::clone(&seen);
            tokio::spawn(async move {
                let mut buffer = vec![0; 64 << 10];
                let mut length = 0;
                while !buffer[..length].ends_with(b"}") {
                    match stream.read(&mut buffer[length..]).await {
                        Ok(0) | Err(_) => return,
                        Ok(more) => length += more,
                    }
                }
                let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
                let id = request.lines().find_map(|line| line.strip_prefix("webhook-id: ")).unwrap();
                let times = {
                    let mut seen = seen.lock().unwrap();
                    seen.push(id.to_owned());
                    seen.iter().filter(|one| *one == id).count()
                };
                let answer: &[u8] = match times {
                    1 => b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"ok\":",
                    _ => b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n",
                };
                stream.write_all(answer).await.unwrap();
            });
        }
    });
    (address, ids)
}

#[tokio::test(flavor = "multi_thread")]
async fn half_an_answer_is_none_and_the_event_is_sent_again_under_its_id() {
    let (address, ids) = half_answering().await;
    let company = Company::with_orders_to(address);
    let hub = company.start();
    send(&company, 0..3).await;
    let balance = company.settled();
    assert_eq!((&balance["fates"]["delivered"], &balance["difference"]), (&json!(3), &json!(0)), "{balance}");
    let ids = ids.lock().unwrap();
    let distinct: std::collections::HashSet<&String> = ids.iter().collect();
    assert_eq!((ids.len(), distinct.len()), (6, 3), "{ids:?}");
    hub.stop();
}

fn slack(witness: &Witness) -> String {
    format!(
        "connector = \"slack\"\n[send]\ntransport = \"http\"\nhosts = [\"127.0.0.1\"]\nprivate_networks = true\n\
         auth = {{ scheme = \"bearer\", token = {{ file = \"token\" }} }}\n\
         [config]\nbase_url = \"http://{}/api\"\nchannel = \"C0123456789\"\n",
        witness.address
    )
}

/// Slack answers 200 to everything, and says in the body whether it took it.
#[tokio::test(flavor = "multi_thread")]
async fn a_200_with_an_error_in_it_is_no_delivery() {
    let mut times = 0;
    let witness = Witness::start(move |_| {
        times += 1;
        let body = match times {
            1 | 2 => r#"{"ok":false,"error":"internal_error"}"#,
            3 => r#"{"ok":false,"error":"invalid_blocks"}"#,
            _ => r#"{"ok":true,"ts":"1"}"#,
        };
        Answer { body, ..Answer::of(StatusCode::OK) }
    })
    .await;
    let company = Company::new();
    company.canonical_in("shop");
    company.write("token", "xoxb-of-a-test\n");
    company.channel("team", &slack(&witness));
    company.route("orders", "shop", "team", "");
    let hub = company.start();
    send(&company, 1..2).await;
    let balance = company.settled();
    // Twice it could not, and the third time it told for good that it will not.
    assert_eq!((&balance["fates"]["dead"], witness.seen().len()), (&json!(1), 3), "{balance}");
    send(&company, 2..3).await;
    assert_eq!(company.settled()["fates"]["delivered"], 1);
    hub.stop();
}
