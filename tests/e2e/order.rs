//! The deliveries of one key keep their order: through failures, restarts and kills, whatever the others do. `SNODO_TEST_SCALE`
//! multiplies the numbers.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::brokers::until;
use crate::company::Company;
use crate::line::{client, order, post};
use crate::witness::{Answer, Seen, Witness, inversions};

const KEYS: u32 = 40;
const ORDERS: u32 = 25;
const SENDERS: u32 = 8;

/// Of a run of usual size; a larger one has more, and more time between them.
const KILLS: u32 = 5;

/// How much larger than usual the numbers are.
pub fn scale() -> u32 {
    std::env::var("SNODO_TEST_SCALE").ok().map_or(1, |scale| scale.parse().expect("a number"))
}

/// The same answers for the same numbers: about one in three fails.
pub fn fails_now_and_then() -> impl FnMut(&Seen) -> Answer + Send + 'static {
    let mut dice = 0x9e37_79b9_u64;
    move |_| {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        match dice % 6 {
            0 => Answer::of(StatusCode::SERVICE_UNAVAILABLE),
            1 => Answer { after: Duration::from_millis(20), ..Answer::of(StatusCode::INTERNAL_SERVER_ERROR) },
            2 => Answer { after: Duration::from_millis(15), ..Answer::ok() },
            _ => Answer::ok(),
        }
    }
}

fn company(witness: &Witness, queue: &str, route: &str) -> Company {
    let company = Company::new();
    company.canonical_in("shop");
    company.webhook_out("crm", witness.address);
    let channel = std::fs::read_to_string(company.path("channels/crm.toml")).unwrap();
    company.write("channels/crm.toml", &channel.replace("[config]", &format!("{queue}\n[config]")));
    company.route("orders", "shop", "crm", route);
    // A delivery that fails by chance must not run out of attempts.
    company.retry_after(&["50ms"; 60]);
    company
}

/// An order of a key's customer, numbered within the key.
pub fn of_key(key: u32, number: u32) -> Value {
    let mut placed = order(number, &format!("c{key}@example.com"));
    placed["id"] = json!(format!("o-{key}-{number}"));
    placed["subject"] = json!(format!("order/{key}-{number}"));
    placed
}

/// Keys times orders, each key's in order, with a kill now and then. What was accepted.
async fn send_all(company: Arc<Company>, keys: u32, orders: u32, kills: u32) -> u32 {
    let start = || {
        let company = Arc::clone(&company);
        async move { tokio::task::spawn_blocking(move || company.start()).await.unwrap() }
    };
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let company = Arc::clone(&company);
            tokio::spawn(async move {
                let client = client();
                for number in 1..=orders {
                    // Each key has one sender: what comes from two has no order.
                    for key in (sender..keys).step_by(SENDERS as usize) {
                        let placed = of_key(key, number);
                        while post(&client, &company, "shop", &placed).await != Ok(202) {
                            tokio::time::sleep(Duration::from_millis(5)).await;
                        }
                    }
                }
            })
        })
        .collect();
    let mut hub = start().await;
    for _ in 0..kills {
        tokio::time::sleep(Duration::from_millis(300) * scale().isqrt()).await;
        hub.kill();
        hub = start().await;
    }
    for sender in senders {
        sender.await.unwrap();
    }
    let settled = Arc::clone(&company);
    let balance = tokio::task::spawn_blocking(move || settled.settled()).await.unwrap();
    assert_eq!(balance["difference"], 0);
    hub.stop();
    keys * orders
}

#[tokio::test(flavor = "multi_thread")]
async fn no_key_is_out_of_order_after_failures_and_kills() {
    let witness = Witness::start(fails_now_and_then()).await;
    let company = Arc::new(company(&witness, "", ""));
    let (keys, orders) = (KEYS * scale(), ORDERS);
    let kills = KILLS * scale().isqrt();
    let sent = send_all(company, keys, orders, kills).await;
    let taken = witness.taken();
    let distinct: HashSet<&str> = taken.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(distinct.len(), sent as usize, "lost");
    let failed = witness.seen().len() - taken.len();
    assert!(failed > sent as usize / 10, "only {failed} failures: nothing was tried");
    assert_eq!(inversions(&taken), Vec::<String>::new());
    println!("{sent} orders of {keys} keys, {failed} failures, {kills} kills, 0 inversions");
}

/// The negative control: without an order the same receiver sees keys out of order, so the checker can see it.
#[tokio::test(flavor = "multi_thread")]
async fn without_an_order_the_checker_finds_inversions() {
    let witness = Witness::start(fails_now_and_then()).await;
    let company = Arc::new(company(&witness, "[queue]\norder = \"free\"", ""));
    send_all(company, KEYS, ORDERS, 0).await;
    assert!(!inversions(&witness.taken()).is_empty());
}

/// Of the orders of `c0` the first fails until it is let go.
fn refuses_the_first(seen: &Seen) -> Answer {
    match (seen.key.as_str(), seen.number) {
        ("c0@example.com", 1) => Answer::of(StatusCode::SERVICE_UNAVAILABLE),
        _ => Answer::ok(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stuck_event_holds_up_its_own_key_as_its_route_says() {
    for (stuck, others_of_its_key, expired) in [("block", 0, 0), ("skip", 4, 0), ("newest", 4, 1)] {
        let witness = Witness::start(refuses_the_first).await;
        let company = company(&witness, "", &format!("stuck = \"{stuck}\"\n"));
        company.retry_after(&["1h"]);
        let hub = company.start();
        let client = client();
        let send = async |key: u32, number: u32| {
            assert_eq!(post(&client, &company, "shop", &of_key(key, number)).await, Ok(202));
        };
        send(0, 1).await;
        until("the first was tried", || !witness.seen().is_empty()).await;
        // Its failure is settled before the next one comes.
        until("it is put off", || {
            company.json(&["events", "--fate", "in-flight"]).len() == 1
                && company.json(&["destination", "list"])[0]["in_flight"] == 1
        })
        .await;
        until("its attempt is written down", || {
            let id = company.json(&["events"])[0]["event"]["id"].as_str().unwrap().to_owned();
            company.json(&["explain", &id])[0]["routes"][0]["attempts"]
                .as_array()
                .is_some_and(|a| !a.is_empty())
        })
        .await;
        for number in 2..=5 {
            send(0, number).await;
        }
        for key in 1..=20 {
            send(key, 1).await;
        }
        until("the others are there", || {
            witness.taken().iter().filter(|one| one.key != "c0@example.com").count() == 20
        })
        .await;
        let mine = || witness.taken().iter().filter(|one| one.key == "c0@example.com").count();
        until(stuck, || mine() == others_of_its_key).await;
        let balance = company.balance();
        assert_eq!(
            (&balance["fates"]["expired"], &balance["difference"], mine()),
            (&json!(expired), &json!(0), others_of_its_key),
            "{stuck}: {balance}"
        );
        hub.stop();
    }
}
