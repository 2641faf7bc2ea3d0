//! A running hub takes changed files: all of a change or nothing, without a restart, and without losing or doubling an event.

mod load;

use std::time::Instant;

use futures_util::SinkExt;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message as Frame;

use crate::company::{Company, PATIENCE, get};
use crate::line::{client, order, post};
use crate::receiver::Receiver;
use crate::websocket::{answer, closed, connect, next};

/// What `snodo reload` says, and whether it was applied.
fn reload(company: &Company, answers: &[&str]) -> (bool, String) {
    let mut args = vec!["reload"];
    answers.iter().for_each(|answer| args.extend(["--let", *answer]));
    let output = company.run(&args);
    let said = String::from_utf8(output.stdout).unwrap();
    let code = output.status.code();
    assert!(matches!(code, Some(0 | 1)), "{code:?} {said} {}", String::from_utf8_lossy(&output.stderr));
    (code == Some(0), said)
}

fn plan(company: &Company) -> Value {
    company.json(&["plan"]).remove(0)
}

/// Whether the running hub works with the files as they are.
pub fn is_at_work(company: &Company) -> bool {
    let changes = &plan(company)["changes"];
    let lists = ["channels", "routes", "purposes"].iter().flat_map(|kind| {
        ["added", "changed", "removed"].map(|list| changes[kind][list].as_array().map_or(1, Vec::len))
    });
    lists.sum::<usize>() == 0 && changes["hub"] == json!([]) && changes["restart"] == json!([])
}

pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "not in time: {what}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

fn metric(company: &Company, name: &str) -> String {
    let (_, text) = get(company.address, "/metrics").unwrap();
    let line = text.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap();
    line[name.len() + 1..].to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_file_is_refused_once_with_line_and_remedy_and_the_hub_goes_on() {
    let receiver = Receiver::start().await;
    let company = Company::with_orders_to(receiver.address);
    let hub = company.start();
    let client = client();
    let route = std::fs::read_to_string(company.path("routes/orders.toml")).unwrap();
    let hub_file = std::fs::read_to_string(company.path("hub.toml")).unwrap();
    let crm = std::fs::read_to_string(company.path("channels/crm.toml")).unwrap();

    // Nobody tells the hub: it looks itself, and says so where operators look.
    company.write("routes/orders.toml", &route.replace("to = \"crm\"", "to = \"crmm\""));
    until("the wrong file is refused", || metric(&company, "snodo_configuration_refused") == "1");
    let (status, ready) = get(company.address, "/readyz").unwrap();
    let ready: Value = serde_json::from_str(&ready).unwrap();
    assert_eq!((status, &ready["configuration"]["refused"]), (200, &json!(true)));
    assert!(ready["configuration"]["why"].as_str().unwrap().contains("routes/orders.toml:3:"), "{ready}");
    let planned = plan(&company);
    assert_eq!(planned["refusal"]["mistakes"][0]["line"], 3, "{planned}");
    assert_eq!(post(&client, &company, "shop", &order(1, "a@example.com")).await, Ok(202));
    assert_eq!(company.settled()["fates"]["delivered"], 1);
    // Two more looks: it is not told again.
    let looks = Instant::now();
    until("two looks have passed", || looks.elapsed().as_secs() >= 3);

    // What the files say, and what is said of it.
    let key = "a.secret";
    for (path, text, expected) in [
        (
            "routes/orders.toml",
            route.replace("to = \"crm\"", "to = \"crmm\""),
            vec!["routes/orders.toml:3:", "\"crm\""],
        ),
        (
            "hub.toml",
            hub_file.replace("[log]", "[dedup]\nwindow = \"1 day\"\n[log]"),
            vec!["`dedup` takes a restart"],
        ),
        (
            "hub.toml",
            hub_file.replace("company = \"test\"", "company = \"tast\""),
            vec!["`company` takes a restart"],
        ),
        (
            "hub.toml",
            hub_file
                .replace(&company.address.port().to_string(), "1")
                .replace("level = \"warn\"", "level = \"info\""),
            vec!["`listen` takes a restart", "`log` takes a restart"],
        ),
        (
            "channels/crm.toml",
            crm.replace(
                "sign.scheme = \"none\"",
                &format!(
                    "sign.scheme = \"none\"\nauth = {{ scheme = \"bearer\", token = {{ file = \"{key}\" }} }}"
                ),
            ),
            vec!["channels/crm.toml: failed to prepare send", key],
        ),
    ] {
        company.write("routes/orders.toml", &route);
        company.write("hub.toml", &hub_file);
        company.write("channels/crm.toml", &crm);
        company.write(path, &text);
        let (applied, said) = reload(&company, &[]);
        assert!(!applied && expected.iter().all(|part| said.contains(part)), "{path}: {said}");
        assert_eq!(post(&client, &company, "shop", &order(2, "a@example.com")).await, Ok(202));
    }
    // A secret that comes is as good as a file that is mended.
    company.write(key, "s3cret\n");
    assert!(reload(&company, &[]).0);
    assert_eq!(metric(&company, "snodo_configuration_refused"), "0");
    assert_eq!(post(&client, &company, "shop", &order(3, "a@example.com")).await, Ok(202));
    let balance = company.settled();
    assert_eq!((&balance["difference"], &balance["fates"]["delivered"]), (&json!(0), &json!(3)));
    assert_eq!(receiver.taken()[2].headers["authorization"], "Bearer s3cret");
    let log = hub.stop();
    let told = log.lines().filter(|line| line.contains("the configuration was refused")).count();
    assert_eq!(told, 6, "once by the hub itself, and each time that somebody asked: {log}");
    assert!(!log.contains("s3cret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_destination_that_ends_asks_what_becomes_of_it() {
    let (receiver, other) = (Receiver::start().await, Receiver::start().await);
    let company = Company::new();
    company.retry_after(&["1s"; 60]);
    company.canonical_in("shop");
    company.webhook_out("crm", receiver.address);
    company.webhook_out("desk", other.address);
    company.route("to-crm", "shop", "crm", "");
    company.route("to-desk", "shop", "desk", "");
    let hub = company.start();
    let client = client();
    let crm = std::fs::read_to_string(company.path("channels/crm.toml")).unwrap();
    let route = std::fs::read_to_string(company.path("routes/to-crm.toml")).unwrap();
    let remove = |path: &str| std::fs::remove_file(company.path(path)).unwrap();
    let is_in_flight = |count: u64| company.balance()["in_flight"] == count;

    let mut number = 0;
    let mut delivered = 0;
    // What is removed, what is answered, which fate that is.
    for (files, wrong, answer, fate) in [
        (&["channels/crm.toml", "routes/to-crm.toml"][..], "routes/to-crm=dead", "crm=wait", None),
        (&["channels/crm.toml", "routes/to-crm.toml"][..], "desk=dead", "crm=dead", Some("dead")),
        (&["channels/crm.toml", "routes/to-crm.toml"][..], "crm=dead", "crm=expired", Some("expired")),
        (&["routes/to-crm.toml"][..], "routes/to-crm=wait", "routes/to-crm=dead", Some("dead")),
    ] {
        receiver.answer(|_| axum::http::StatusCode::SERVICE_UNAVAILABLE);
        let before = company.balance();
        for _ in 0..3 {
            number += 1;
            assert_eq!(post(&client, &company, "shop", &order(number, "a@example.com")).await, Ok(202));
        }
        delivered += 3;
        until("three are in flight", || {
            is_in_flight(3) && company.balance()["fates"]["delivered"] == delivered
        });
        files.iter().for_each(|path| remove(path));
        let planned = plan(&company);
        let of = answer.split_once('=').unwrap().0;
        assert_eq!(planned["left"], json!([{"of": of, "what": planned["left"][0]["what"], "count": 3}]));
        let (applied, said) = reload(&company, &[]);
        assert!(
            !applied && said.contains("3 deliveries") && said.contains(&format!("--let {answer}")),
            "{said}"
        );
        assert!(!is_at_work(&company) && is_in_flight(3), "everything is as it was");
        if wrong != "crm=dead" {
            let (applied, said) = reload(&company, &[wrong]);
            assert!(!applied && said.contains(&format!("--let {wrong}").replace("=dead", "=")), "{said}");
        }

        let output = company.json(&["reload", "--let", answer]).remove(0);
        assert_eq!(output["applied"]["changes"], planned["changes"], "what was planned was done");
        assert_eq!(output["applied"]["left"], planned["left"]);
        assert!(is_at_work(&company));
        let after = company.balance();
        assert_eq!(after["difference"], 0);
        match fate {
            Some(fate) => {
                let count = |balance: &Value| balance["fates"][fate].as_u64().unwrap();
                assert_eq!(count(&after), count(&before) + 3, "{after}");
                assert!(is_in_flight(0));
            }
            None => assert!(is_in_flight(3)),
        }
        // The other destination has gone on.
        number += 1;
        assert_eq!(post(&client, &company, "shop", &order(number, "a@example.com")).await, Ok(202));
        delivered += 1;
        until("the other destination has it", || company.balance()["fates"]["delivered"] == delivered);

        receiver.answer(|_| axum::http::StatusCode::NO_CONTENT);
        company.write("channels/crm.toml", &crm);
        company.write("routes/to-crm.toml", &route);
        assert!(reload(&company, &[]).0);
        delivered += if fate.is_none() { 3 } else { 0 };
        assert_eq!(
            company.settled()["fates"]["delivered"],
            delivered,
            "what waited is delivered when its channel is back"
        );
    }
    // Dead ones can be tried again.
    assert!(company.run(&["quarantine", "retry", "--help"]).status.success());
    hub.stop();

    // Without a hub: what a start would find.
    receiver.answer(|_| axum::http::StatusCode::SERVICE_UNAVAILABLE);
    let hub = company.start();
    assert_eq!(post(&client, &company, "shop", &order(1000, "a@example.com")).await, Ok(202));
    until("one is in flight", || is_in_flight(1));
    hub.stop();
    ["channels/crm.toml", "routes/to-crm.toml"].into_iter().for_each(remove);
    let planned = plan(&company);
    assert_eq!(
        (&planned["running"], &planned["left"][0]),
        (&json!(false), &json!({"of": "crm", "what": "deliveries", "count": 1}))
    );
    let output = company.run(&["reload"]);
    assert_eq!(output.status.code(), Some(3), "there is no hub to tell");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_did_not_change_goes_on_untouched() {
    let receiver = Receiver::start().await;
    let company = Company::new();
    company.canonical_in("shop");
    for name in ["steady", "moving"] {
        company.channel(
            name,
            "connector = \"canonical\"\n[receive]\ntransport = \"websocket\"\nverify = { scheme = \"none\" }\n",
        );
        company.route(&format!("of-{name}"), name, "crm", "");
    }
    company.webhook_out("crm", receiver.address);
    company.route("orders", "shop", "crm", "");
    let hub = company.start();
    let mut steady = connect(company.address, "/ws/steady", &[]).await.unwrap();
    let mut moving = connect(company.address, "/ws/moving", &[]).await.unwrap();
    let told = |number: u32| Frame::text(order(number, "a@example.com").to_string());
    steady.send(told(1)).await.unwrap();
    answer(&mut steady).await;

    let file = std::fs::read_to_string(company.path("channels/moving.toml")).unwrap();
    company.write("channels/moving.toml", &format!("{file}in_flight = 3\n"));
    company.canonical_in("tills");
    company.route("sales", "tills", "crm", "");
    let planned = company.run(&["plan"]);
    let planned = String::from_utf8(planned.stdout).unwrap();
    for line in
        ["+ channel tills", "~ channel moving", "+ route sales", "3 channels and 3 routes go on as they are."]
    {
        assert!(planned.lines().any(|one| one == line), "{line}: {planned}");
    }
    // As a service manager tells a service to read its files anew.
    hub.signal(libc::SIGHUP);
    until("the change is at work", || is_at_work(&company));
    assert_eq!(closed(&next(&mut moving).await), 1001);
    steady.send(told(2)).await.unwrap();
    answer(&mut steady).await;
    let mut moving = connect(company.address, "/ws/moving", &[]).await.unwrap();
    moving.send(told(3)).await.unwrap();
    answer(&mut moving).await;
    assert_eq!(post(&client(), &company, "tills", &order(4, "a@example.com")).await, Ok(202));
    assert_eq!(company.settled()["fates"]["delivered"], 4);
    // A title is nobody's business but people's: nothing is stopped for it.
    let file = std::fs::read_to_string(company.path("channels/moving.toml")).unwrap();
    company.write("channels/moving.toml", &file.replace("title = \"moving\"", "title = \"Moved\""));
    let (applied, said) = reload(&company, &[]);
    assert!(applied && said.contains("~ channel moving"), "{said}");
    moving.send(told(5)).await.unwrap();
    answer(&mut moving).await;
    assert_eq!(reload(&company, &[]).1, "Nothing has changed: the hub works with these files.\n");
    hub.stop();
}
