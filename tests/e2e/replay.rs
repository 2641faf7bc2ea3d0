//! Sent once more: to the routes that an event had or to those of today, counted before it is done, and marked so that whoever gets it
//! can tell.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::company::Company;
use crate::line::{order, placed};
use crate::receiver::Receiver;

fn replay(company: &Company, args: &[&str]) -> (Option<i32>, Value) {
    let output = company.run(&[&["replay", "--json"], args].concat());
    let said = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code(), said)
}

/// What would be done, then what is done: the same.
fn counted_and_replayed(company: &Company, args: &[&str]) -> Value {
    let (code, mut counted) = replay(company, &[args, &["--dry-run"]].concat());
    assert_eq!((code, &counted["dry_run"]), (Some(0), &json!(true)), "{counted}");
    let before = company.settled();
    let (code, done) = replay(company, args);
    assert_eq!((code, &done["dry_run"]), (Some(0), &json!(false)), "{done}");
    counted["dry_run"] = json!(false);
    assert_eq!(counted, done, "{before}");
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn what_died_while_a_destination_was_ill_is_sent_again_when_it_is_well() {
    let receiver = Receiver::start().await;
    let company = Company::with_orders_to(receiver.address);
    let hub = company.start();
    placed(&company, [order(1, "a@example.com")]).await;
    company.settled();
    receiver.answer(|_| StatusCode::BAD_REQUEST);
    placed(&company, (2..=4).map(|id| order(id, "a@example.com"))).await;
    placed(&company, [order(1, "a@example.com")]).await;
    assert_eq!(company.settled()["fates"]["dead"], 3);
    receiver.answer(|_| StatusCode::OK);

    let (code, counted) = replay(&company, &["--since", "1h", "--dry-run"]);
    assert_eq!((code, &counted["left_out"]), (Some(0), &json!({"repetition": 1})));
    assert_eq!(counted["by_destination"], json!({"crm": {"dead": 3, "delivered": 1}}));
    let done = counted_and_replayed(&company, &["--fate", "dead", "--to", "crm", "--type", "commerce.*"]);
    assert_eq!((&done["by_destination"], &done["left_out"]), (&json!({"crm": {"dead": 3}}), &json!({})));
    let balance = company.settled();
    let fates = (&balance["fates"]["dead"], &balance["fates"]["delivered"], &balance["difference"]);
    assert_eq!(fates, (&json!(0), &json!(4), &json!(0)));

    // And by its id, which had been delivered: the same key, and the mark.
    let first = receiver.taken()[0].clone();
    let id = first.id.split('.').next().unwrap();
    assert_eq!(counted_and_replayed(&company, &[&id[..30]])["deliveries"], 1);
    company.settled();
    let taken = receiver.taken();
    let again = &taken[4];
    assert_eq!((taken.len(), &again.id), (5, &first.id));
    assert_eq!((&first.body["replayof"], &again.body["replayof"]), (&Value::Null, &json!(id)));
    assert_eq!((&again.body["data"], &again.body["id"]), (&first.body["data"], &json!(id)));
    let explained = company.json(&["explain", id]).remove(0);
    assert_eq!(explained["routes"][0]["replays"], 1, "{explained}");
    assert_eq!(explained["event"]["replayof"], Value::Null, "the stored event is as it was");
    assert_eq!(explained["routes"][0]["attempts"].as_array().unwrap().len(), 2);
    let listed = company.json(&["events", "--fate", "delivered"]);
    let replays: Vec<_> = listed.iter().map(|row| row["replays"].as_u64().unwrap()).collect();
    assert_eq!(replays, [1, 1, 1, 1]);
    hub.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_that_is_new_takes_what_came_before_it() {
    let (crm, erp) = (Receiver::start().await, Receiver::start().await);
    let company = Company::with_orders_to(crm.address);
    company.route("large", "shop", "crm", "when = \"double(event.data.order.total.amount) > 100.0\"\n");
    let hub = company.start();
    placed(&company, [50, 150].map(|id| order(id, "a@example.com"))).await;
    company.settled();
    hub.stop();

    company.webhook_out("erp", erp.address);
    company.route("books", "shop", "erp", "");
    let route = std::fs::read_to_string(company.path("routes/large.toml")).unwrap();
    company.write("routes/large.toml", &route.replace("100.0", "10.0"));
    // No hub runs: the command does it, and the hub sends it when it starts.
    let done = counted_and_replayed(&company, &["--since", "1h", "--rematch", "--fate", "filtered"]);
    assert_eq!(done["by_destination"], json!({"crm": {"new": 1}, "erp": {"new": 2}}));
    let hub = company.start();
    let balance = company.settled();
    let fates = (&balance["fates"]["delivered"], &balance["fates"]["filtered"], &balance["difference"]);
    // Two events, three routes: the first was considered for one more than it had filtered.
    assert_eq!((fates, &balance["expected"]), ((&json!(6), &json!(0), &json!(0)), &json!(6)));
    let mut told: Vec<String> = erp.taken().iter().map(|one| one.body["subject"].to_string()).collect();
    told.sort();
    assert_eq!(told, ["\"order/150\"", "\"order/50\""]);
    assert!(
        erp.taken().iter().all(|one| one.id.ends_with(".books") && one.body["replayof"] == one.body["id"])
    );
    // In the running hub there is nothing new to be found.
    assert_eq!(replay(&company, &["--since", "1h", "--rematch", "--fate", "filtered"]).0, Some(1));
    hub.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_customer_has_withdrawn_since_is_not_sent_again() {
    let receiver = Receiver::start().await;
    let company = Company::with_orders_to(receiver.address);
    company.route("letters", "shop", "crm", "purpose = \"news\"\n");
    let hub = company.start();
    let said = |id, state: &str, at: &str| {
        let mut event = order(id, "rosa@example.com");
        event["data"]["consent"] = json!({"purposes": {"news": {"state": state, "at": at}}});
        event
    };
    placed(&company, [said(1, "granted", "2026-03-01T10:00:00+01:00")]).await;
    assert_eq!(company.settled()["fates"]["delivered"], 2);
    placed(&company, [said(2, "withdrawn", "2026-03-02T10:00:00+01:00")]).await;
    company.settled();
    let done = counted_and_replayed(
        &company,
        &["--customer", "email:rosa@example.com", "--route", "letters", "--fate", "delivered"],
    );
    assert_eq!(done["deliveries"], 1);
    let balance = company.settled();
    let fates = (&balance["fates"]["delivered"], &balance["fates"]["suppressed"], &balance["difference"]);
    assert_eq!(fates, (&json!(2), &json!(2), &json!(0)));
    assert_eq!(receiver.taken().len(), 3, "nothing was sent again");
    hub.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_events_keep_the_order_of_each_customer() {
    let receiver = Receiver::start().await;
    let company = Company::with_orders_to(receiver.address);
    let hub = company.start();
    placed(&company, (0..200).map(|id| order(id, &format!("customer-{}@example.com", id % 4)))).await;
    company.settled();
    let (code, counted) = replay(&company, &["--channel", "shop"]);
    assert_eq!((code, &counted["dry_run"], &counted["deliveries"]), (Some(1), &json!(true), &json!(200)));
    assert_eq!(company.settled()["fates"]["delivered"], 200);
    assert_eq!(receiver.taken().len(), 200, "that much is not sent unasked");
    assert_eq!(counted_and_replayed(&company, &["--channel", "shop", "--yes"])["deliveries"], 200);
    assert_eq!(company.settled()["difference"], 0);
    let taken = receiver.taken();
    assert_eq!(taken.len(), 400);
    for which in 0..4 {
        let ids = taken[200..].iter().map(|one| one.body["data"]["order"]["id"].as_str().unwrap());
        let ids: Vec<u32> = ids.map(|id| id.parse().unwrap()).filter(|id| id % 4 == which).collect();
        assert_eq!(ids.len(), 50);
        assert!(ids.is_sorted(), "customer {which}: {ids:?}");
    }
    hub.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_understood_or_not_there_is_refused() {
    let receiver = Receiver::start().await;
    let company = Company::with_orders_to(receiver.address);
    let code = |args: &[&str]| {
        let output = company.run(&[&["replay"], args].concat());
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(code(&["--since", "1h"]).0, Some(3), "nothing is stored yet");
    let hub = company.start();
    placed(&company, [order(1, "a@example.com")]).await;
    company.settled();
    for (args, expected, says) in [
        (&[][..], 1, "--since"),
        (&["--rematch", "--yes"], 1, "say what to send again"),
        (&["--fate", "lost"], 2, "quarantined"),
        (&["--fate", "in-flight"], 2, "no fate"),
        (&["--since", "yesterday"], 2, "how long ago"),
        (&["--wen", "1h"], 2, "--wen"),
        (&["ffffffff"], 1, "no event"),
        (&["--customer", "email:nobody@example.com"], 1, "no customer"),
        (&["--to", "nobody"], 1, ""),
    ] {
        let (code, said) = code(args);
        assert_eq!(code, Some(expected), "{args:?}: {said}");
        assert!(said.contains(says), "{args:?}: {said}");
    }
    assert_eq!(receiver.taken().len(), 1);
    hub.stop();
}
