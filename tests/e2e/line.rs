//! The line, from a request in to a request out, and what the commands say of it.

use std::borrow::Borrow;

use serde_json::{Value, json};

use crate::company::{Company, get};
use crate::receiver::Receiver;

pub fn order(id: u32, email: &str) -> Value {
    json!({
        "specversion": "1.0", "id": format!("o-{id}"), "type": "commerce.order.placed", "source": "/test",
        "subject": format!("order/{id}"), "time": "2026-03-01T10:00:00+01:00",
        "data": {
            "customer": {"identifiers": [{"namespace": "email", "value": email}], "traits": {"given_name": "Rosa"}},
            "order": {"id": id.to_string(), "currency": "EUR", "total": {"amount": format!("{id}.00"), "currency": "EUR"}, "lines": []},
        },
    })
}

/// The hub's status, or why there is none.
pub async fn post(
    client: &reqwest::Client,
    company: &Company,
    channel: &str,
    body: &Value,
) -> Result<u16, String> {
    let url = format!("http://{}/in/{channel}", company.address);
    let answer = client.post(url).header("content-type", "application/json").body(body.to_string()).send();
    answer.await.map(|answer| answer.status().as_u16()).map_err(|error| error.to_string())
}

/// Posts them to the shop, one after another; each is accepted.
pub async fn placed(company: &Company, events: impl IntoIterator<Item = impl Borrow<Value>>) {
    let client = client();
    for event in events {
        assert_eq!(post(&client, company, "shop", event.borrow()).await, Ok(202));
    }
}

pub fn client() -> reqwest::Client {
    snodo::transport::http_out::install_tls();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

fn fates(balance: &Value) -> Value {
    let fates = balance["fates"].as_object().unwrap();
    fates
        .iter()
        .filter(|(_, count)| **count != 0)
        .map(|(fate, count)| (fate.clone(), count.clone()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_has_a_fate_on_every_route_and_each_can_be_explained() {
    let receiver = Receiver::start().await;
    let company = Company::with_orders_to(receiver.address);
    company.route("large", "shop", "crm", "when = \"double(event.data.order.total.amount) > 100.0\"\n");
    company.route("news", "shop", "crm", "purpose = \"news\"\n");
    let hub = company.start();
    let client = client();

    let placed = order(50, "rosa@example.com");
    assert_eq!(post(&client, &company, "shop", &placed).await, Ok(202));
    company.settled();
    // Told once more, the same; then another body under the same id; then one that breaks its schema; then no JSON at all.
    assert_eq!(post(&client, &company, "shop", &placed).await, Ok(202));
    let mut other = placed.clone();
    other["data"]["order"]["total"]["amount"] = json!("51.00");
    assert_eq!(post(&client, &company, "shop", &other).await, Ok(202));
    let mut broken = order(60, "rosa@example.com");
    broken["data"]["order"]["total"]["amount"] = json!("sixty");
    assert_eq!(post(&client, &company, "shop", &broken).await, Ok(202));
    assert_eq!(post(&client, &company, "shop", &json!("not an event")).await, Ok(202));
    assert_eq!(post(&client, &company, "nobody", &placed).await, Ok(404));
    let balance = company.settled();

    assert_eq!(balance["messages"], json!({"accepted": 5, "pending": 0, "decoded": 4, "quarantined": 1}));
    assert_eq!(
        fates(&balance),
        json!({"delivered": 1, "filtered": 1, "suppressed": 1, "duplicate": 3, "quarantined": 6})
    );
    assert_eq!((&balance["difference"], &balance["expected"]), (&json!(0), &json!(12)));
    let taken = receiver.taken();
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].body["data"], placed["data"]);

    let events = company.json(&["events"]);
    let first = &events[0]["event"];
    assert_eq!(first["data"]["order"]["total"]["amount"], "50.00");
    assert!(!events[0].to_string().contains("rosa@example.com"), "personal data in a listing: {}", events[0]);
    assert_eq!(taken[0].id.split('.').next(), first["id"].as_str());
    let explained = company.json(&["explain", first["id"].as_str().unwrap()]).remove(0);
    let route = |name: &str| {
        let routes = explained["routes"].as_array().unwrap();
        routes.iter().find(|route| route["route"] == name).unwrap().clone()
    };
    assert_eq!(route("orders")["fate"], "delivered");
    assert_eq!(route("orders")["attempts"][0]["sent"]["status"], 204);
    assert_eq!(route("orders")["request"]["body"]["data"]["order"]["id"], "50");
    assert_eq!(route("large")["fate"], "filtered");
    assert_eq!(route("news")["fate"], "suppressed");
    assert!(!explained.to_string().contains("rosa@example.com"), "{explained}");
    assert!(
        String::from_utf8(company.run(&["explain", first["id"].as_str().unwrap(), "--reveal"]).stdout)
            .unwrap()
            .contains("rosa@example.com")
    );

    let (status, metrics) = get(hub.address, "/metrics").unwrap();
    assert_eq!(status, 200);
    for line in [
        "snodo_ledger_difference 0",
        "snodo_ledger_fates{fate=\"delivered\"} 1",
        "snodo_messages{state=\"accepted\"} 5",
    ] {
        assert!(metrics.contains(line), "{line} is missing in:\n{metrics}");
    }
    assert_eq!(get(hub.address, "/healthz").unwrap(), (200, "alive\n".to_owned()));
    hub.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_destination_refuses_for_good_waits_in_quarantine_until_it_is_retried() {
    let receiver = Receiver::start().await;
    receiver.answer(|_| axum::http::StatusCode::BAD_REQUEST);
    let company = Company::with_orders_to(receiver.address);
    let hub = company.start();
    assert_eq!(post(&client(), &company, "shop", &order(1, "a@example.com")).await, Ok(202));
    assert_eq!(fates(&company.settled()), json!({"dead": 1}));

    let listed = company.json(&["quarantine", "list"]);
    let id = listed[0]["id"].as_str().unwrap();
    assert_eq!((listed.len(), id.starts_with("delivery:")), (1, true));
    assert!(company.run(&["quarantine", "show", id]).status.success());
    receiver.answer(|_| axum::http::StatusCode::OK);
    let requeued = company.json(&["quarantine", "retry", id]).remove(0);
    assert_eq!(requeued["deliveries"], 1);
    assert_eq!(fates(&company.settled()), json!({"delivered": 1}));
    assert_eq!(receiver.taken().len(), 1);
    hub.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_is_down_is_tried_again_until_it_is_back() {
    let receiver = Receiver::start().await;
    receiver.answer(|number| match number {
        0..6 => axum::http::StatusCode::SERVICE_UNAVAILABLE,
        _ => axum::http::StatusCode::OK,
    });
    let company = Company::with_orders_to(receiver.address);
    let hub = company.start();
    for id in 1..=3 {
        assert_eq!(post(&client(), &company, "shop", &order(id, "a@example.com")).await, Ok(202));
    }
    assert_eq!(fates(&company.settled()), json!({"delivered": 3}));
    let mut ids: Vec<String> = receiver.taken().into_iter().map(|one| one.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
    hub.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_that_floods_is_asked_to_come_back_and_its_neighbours_are_not() {
    let receiver = Receiver::start().await;
    let company = Company::new();
    company.canonical_in("shop");
    company.channel(
        "flood",
        "connector = \"canonical\"\n[receive]\ntransport = \"http\"\nverify = { scheme = \"none\" }\nper_second = 2\n",
    );
    company.webhook_out("crm", receiver.address);
    company.route("orders", "shop\", \"flood", "crm", "");
    let hub = company.start();
    let client = client();
    let mut statuses = Vec::new();
    for id in 0..30 {
        let url = format!("http://{}/in/flood", company.address);
        let placed = order(id, "rosa@example.com").to_string();
        let answer =
            client.post(url).header("content-type", "application/json").body(placed).send().await.unwrap();
        if answer.status() == 429 {
            assert_eq!(answer.headers()["retry-after"], "1");
        }
        statuses.push(answer.status().as_u16());
        assert_eq!(post(&client, &company, "shop", &order(100 + id, "a@example.com")).await, Ok(202));
    }
    let taken = statuses.iter().filter(|status| **status == 202).count();
    assert!(
        taken >= 2 && statuses.contains(&429) && statuses.iter().all(|one| [202, 429].contains(one)),
        "{statuses:?}"
    );
    assert_eq!(company.settled()["fates"]["delivered"], 30 + taken);
    hub.stop();
}
