//! A hub whose disk is full, or whose syncs fail: senders are told, what is there goes out, and nothing that was accepted is lost.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::{Value, json};
use snodo_test_power::Watch;

use crate::brokers::until;
use crate::company::{Company, Hub, balanced};
use crate::line::{client, order, post};
use crate::receiver::Receiver;

/// What the hub keeps free to settle what it has accepted, and some room for more.
const ROOM_BYTES: u64 = (64 + 24) << 20;

async fn company() -> (Receiver, Company) {
    let receiver = Receiver::start().await;
    let company = Company::with_orders_to(receiver.address);
    (receiver, company)
}

fn start(company: &Company, watch: &Watch) -> Hub {
    let mut command = company.command(&["run"]);
    let data = company.path("data");
    std::fs::create_dir_all(&data).unwrap();
    watch.over(&mut command, &data.canonicalize().unwrap(), &company.path("journal"));
    company.start_as(command)
}

/// Orders from that number on, one after another, until one gets another answer than those before, and what that was.
async fn send(company: &Company, from: u32, accepted: &mut HashSet<u32>, told: u16) -> (u32, u16) {
    let client = client();
    for number in from.. {
        let mut placed = order(number, "rosa@example.com");
        placed["data"]["order"]["note"] = json!("linen ".repeat(5_000));
        let answer = post(&client, company, "shop", &placed).await.unwrap();
        if answer == 202 {
            accepted.insert(number);
        }
        if answer != told {
            return (number, answer);
        }
        if answer != 202 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    unreachable!("the numbers do not end")
}

fn taken(receiver: &Receiver) -> HashSet<u32> {
    let number = |body: &Value| body["data"]["order"]["id"].as_str().unwrap().parse().unwrap();
    receiver.taken().iter().map(|one| number(&one.body)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_what_is_new_and_sends_what_is_there() {
    let (receiver, company) = company().await;
    let mut accepted = HashSet::new();
    let hub = start(&company, &Watch { room_bytes: Some(ROOM_BYTES), ..Watch::default() });
    let (number, answer) = send(&company, 1, &mut accepted, 202).await;
    assert_eq!(answer, 503, "order {number}");
    assert!(accepted.len() > 50, "only {} orders fit", accepted.len());
    until("what was accepted is sent", || taken(&receiver) == accepted).await;
    balanced(&company.settled());
    hub.kill();

    // With more room it takes what was refused.
    let hub = start(&company, &Watch::default());
    let client = client();
    assert_eq!(post(&client, &company, "shop", &order(number, "rosa@example.com")).await, Ok(202));
    accepted.insert(number);
    until("it goes on", || taken(&receiver) == accepted).await;
    balanced(&company.settled());
    hub.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn syncs_that_fail_are_told_to_senders_and_lose_nothing() {
    let (receiver, company) = company().await;
    let mut accepted = HashSet::new();
    let hub = start(&company, &Watch { fail_syncs: Some(60..160), ..Watch::default() });
    let (failed, answer) = send(&company, 1, &mut accepted, 202).await;
    assert_eq!(answer, 500, "order {failed}");
    // What comes next is tried until it is taken.
    let (taken_again, answer) = send(&company, failed, &mut accepted, 500).await;
    assert_eq!(answer, 202, "order {taken_again}");
    hub.kill();

    let hub = start(&company, &Watch::default());
    until("what was accepted is sent", || taken(&receiver).is_superset(&accepted)).await;
    balanced(&company.settled());
    hub.stop();
}
