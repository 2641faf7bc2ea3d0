//! Events that are made of events: routes bring them and take them away, each is made once, and no circle is endless.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::company::{Company, balanced};
use crate::line::{client, order, post};
use crate::poll::install;
use crate::receiver::Receiver;

fn junction(company: &Company, name: &str, copies: u32) {
    company.channel(name, &format!("connector = \"walker\"\n[config]\ncopies = {copies}\n"));
}

fn code(body: &Value) -> String {
    body["data"]["alert"]["code"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_event_becomes_its_events_once_through_kills_and_every_delivery_has_its_fate() {
    const ORDERS: u32 = 60;
    let receiver = Receiver::start().await;
    let company = Company::new();
    install(&company);
    company.canonical_in("shop");
    junction(&company, "twice", 2);
    company.webhook_out("crm", receiver.address);
    company.route("in", "shop", "twice", "");
    company.route("out", "twice", "crm", "");
    // Refused, broken, and of no consequence.
    let odd = [666, 667, 668];
    let client = client();
    let mut sent = 0;
    for kill in 0..4 {
        let hub = company.start();
        let orders = (1 + kill * ORDERS / 4..=(kill + 1) * ORDERS / 4).chain(odd.get(kill as usize).copied());
        for id in orders {
            assert_eq!(post(&client, &company, "shop", &order(id, "a@example.com")).await, Ok(202));
            sent += 1;
        }
        hub.kill();
    }
    let hub = company.start();
    let balance = company.settled();
    balanced(&balance);
    let fates = &balance["fates"];
    // Each order into the transform (all but the refused and the broken), and the two that were made of it to the receiver. Either
    // route leaves aside what comes from the other's channel.
    assert_eq!(fates["delivered"], ORDERS + 1 + 2 * ORDERS, "{balance}");
    assert_eq!(
        (&fates["dead"], &fates["quarantined"], &fates["duplicate"]),
        (&json!(1), &json!(1), &json!(0))
    );
    assert_eq!(fates["filtered"], sent + 2 * ORDERS);

    let made: Vec<Value> = receiver.taken().into_iter().map(|one| one.body).collect();
    let codes: HashSet<String> = made.iter().map(code).collect();
    let wanted: HashSet<String> =
        (1..=ORDERS).flat_map(|id| [format!("order/{id}.0"), format!("order/{id}.1")]).collect();
    assert_eq!(codes, wanted);
    let ids: HashSet<&str> = made.iter().map(|event| event["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), wanted.len(), "made twice, under other ids");

    let placed = company.json(&["events", "--channel", "shop", "--limit", "1000"]);
    let cause = placed.iter().find(|one| one["event"]["subject"] == "order/7").unwrap();
    let cause = cause["event"]["id"].as_str().unwrap();
    let of_it = made.iter().find(|event| code(event) == "order/7.1").unwrap();
    assert_eq!(
        (&of_it["causationid"], &of_it["correlationid"], &of_it["hops"], &of_it["time"]),
        (&json!(cause), &json!(cause), &json!("1"), &json!("2026-03-01T10:00:00+01:00"))
    );
    let explained = company.json(&["explain", cause]).remove(0);
    let route = &explained["routes"].as_array().unwrap().iter().find(|one| one["route"] == "in").unwrap();
    assert_eq!(route["fate"], "delivered");
    let message = route["attempts"][0]["remote"].as_str().unwrap();
    let explained = company.json(&["explain", of_it["id"].as_str().unwrap()]).remove(0);
    assert_eq!(
        (&explained["message"]["id"], &explained["message"]["name"]),
        (&json!(message), &json!(format!("{cause}.in")))
    );
    let nothing = placed.iter().find(|one| one["event"]["subject"] == "order/668").unwrap();
    let explained = company.json(&["explain", nothing["event"]["id"].as_str().unwrap()]).remove(0);
    assert!(explained["routes"].to_string().contains("made no event"), "{explained}");
    hub.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_circle_is_told_of_beforehand_and_ends_by_itself() {
    let receiver = Receiver::start().await;
    let company = Company::new();
    install(&company);
    company.canonical_in("shop");
    junction(&company, "one", 1);
    junction(&company, "other", 1);
    company.webhook_out("crm", receiver.address);
    company.route("begin", "shop", "one", "");
    company.route("there", "one", "other", "");
    company.route("back", "other", "one", "");
    company.route("out", "one\", \"other", "crm", "");
    let checked = String::from_utf8(company.run(&["check"]).stdout).unwrap();
    assert_eq!(checked.matches("events can go in a circle").count(), 1, "{checked}");
    assert!(checked.contains("routes/back.toml") && checked.contains("other → one → other"), "{checked}");

    let hub = company.start();
    let client = client();
    assert_eq!(post(&client, &company, "shop", &order(1, "a@example.com")).await, Ok(202));
    // What is made waits from the moment on that what it was made of does not.
    let balance = company.settled();
    assert_eq!((&balance["difference"], &balance["fates"]["quarantined"]), (&json!(0), &json!(1)));
    let hops: HashSet<String> =
        receiver.taken().iter().map(|one| one.body["hops"].as_str().unwrap().to_owned()).collect();
    assert_eq!(hops, (1..=8).map(|hop: u32| hop.to_string()).collect());
    let why = company.json(&["quarantine", "list"]).remove(0).to_string();
    assert!(why.contains("in a circle"), "{why}");
    hub.stop();
}
