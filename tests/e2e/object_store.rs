//! Events as Parquet files in a store with S3's interface that checks every signature: what it has is read back as those do who use
//! it, with Amazon's library and Apache Arrow.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::company::{Company, balanced};
use crate::doors::{environment, install};
use crate::line::{order, placed};
use crate::sql::tried;
use crate::websocket::Script;
use crate::wire::Wire;

const ORDERS: u32 = 12;

/// Where the store's program is. Its libraries are large, and nobody else needs them.
static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
    install("object-store", "object_store.txt", |folder| environment(folder, "object_store.txt"))
});

/// A store of the test's own. Stopped when dropped.
struct Store {
    script: Script,
    address: SocketAddr,
    /// Its region, its bucket, and the key that lets in.
    says: Value,
}

impl Store {
    async fn start() -> Self {
        tokio::task::spawn_blocking(|| {
            let mut command = Command::new(PROGRAM.join("env/bin/python"));
            let script = Script::start(command.arg(PROGRAM.join("object_store.py")).env("NO_PROXY", "*"));
            let says = script.next();
            let port = u16::try_from(says["port"].as_u64().unwrap()).unwrap();
            Self { script, address: (Ipv4Addr::LOCALHOST, port).into(), says }
        })
        .await
        .unwrap()
    }

    fn say(&self, what: &str) -> &str {
        self.says[what].as_str().unwrap()
    }

    /// Orders over http go into the bucket, by way of that address, with that secret.
    fn company(&self, by: SocketAddr, secret: &str) -> Company {
        let company = Company::new();
        company.canonical_in("shop");
        company.write("secret", secret);
        let (region, bucket, key) = (self.say("region"), self.say("bucket"), self.say("access_key"));
        company.channel(
            "lake",
            &format!(
                r#"connector = "parquet"
[send]
transport = "http"
hosts = ["127.0.0.1"]
private_networks = true
sign = {{ scheme = "aws-sigv4", region = "{region}", access_key = "{key}", secret_key = {{ file = "secret" }} }}
[queue]
keep_trying = "1 day"
[config]
url = "http://{by}/{bucket}/events"
columns = [
    {{ name = "total", from = "/data/order/total/amount" }},
    {{ name = "number", from = "/data/order/id", type = "integer" }},
    {{ name = "coupon", from = "/data/order/coupon" }},
]
"#
            ),
        );
        company.route("orders", "shop", "lake", "");
        company
    }

    /// All that the store has: rows by their subject. Each stands once, in the folder of its day.
    fn rows(&mut self) -> BTreeMap<String, Value> {
        self.script.tell(&json!("objects"));
        let mut rows = BTreeMap::new();
        for object in self.script.next().as_array().unwrap() {
            for row in object["rows"].as_array().unwrap() {
                let folder = format!("events/dt={}/", &row["time"].as_str().unwrap()[..10]);
                assert!(object["key"].as_str().unwrap().starts_with(&folder), "{object}");
                let twice = rows.insert(row["subject"].as_str().unwrap().to_owned(), row.clone());
                assert!(twice.is_none(), "{row} stands twice");
            }
        }
        rows
    }
}

/// Orders of two days: the first half an hour after midnight, which in UTC is the day before.
fn orders() -> Vec<Value> {
    let mut orders: Vec<Value> = (1..=ORDERS).map(|id| order(id, "rosa@example.com")).collect();
    orders[0]["time"] = json!("2026-03-02T00:30:00+01:00");
    orders[1]["time"] = json!("2026-03-02T10:00:00.123456+01:00");
    orders
}

/// The orders are in these rows, and nothing else is.
fn check(company: &Company, rows: &BTreeMap<String, Value>, orders: &[Value]) {
    let events = company.json(&["events"]);
    assert_eq!((rows.len(), events.len()), (orders.len(), orders.len()));
    for stored in events {
        let event = &stored["event"];
        let row = &rows[event["subject"].as_str().unwrap()];
        let order = orders.iter().find(|order| order["subject"] == event["subject"]).unwrap();
        let number: u32 = order["data"]["order"]["id"].as_str().unwrap().parse().unwrap();
        let time = match number {
            1 => "2026-03-01T23:30:00+00:00",
            2 => "2026-03-02T09:00:00.123456+00:00",
            _ => "2026-03-01T09:00:00+00:00",
        };
        let mut row = row.clone();
        let data: Value = serde_json::from_str(row["data"].take().as_str().unwrap()).unwrap();
        assert_eq!(data, order["data"]);
        assert!(row["customer"].take().is_string(), "{row}");
        assert_eq!(
            row,
            json!({
                "id": event["id"], "type": "commerce.order.placed", "source": "snodo://test/shop",
                "subject": event["subject"], "time": time, "customer": null, "data": null,
                "total": order["data"]["order"]["total"]["amount"], "number": number, "coupon": null,
            })
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_store_does_not_let_in_waits_for_the_right_key() {
    let mut store = Store::start().await;
    let company = store.company(store.address, "wr0ng-secret");
    let hub = company.start();
    placed(&company, &orders()).await;
    tried(&company, "auth", "the store answered 403").await;
    let log = hub.stop();
    assert!(!log.contains("wr0ng"), "{log}");
    let balance = company.balance();
    balanced(&balance);
    assert_eq!((&balance["in_flight"], &balance["fates"]["dead"]), (&json!(ORDERS), &json!(0)), "{balance}");
    assert!(store.rows().is_empty());

    company.write("secret", store.say("secret_key"));
    let hub = company.start();
    let balance = company.settled();
    balanced(&balance);
    assert_eq!(balance["fates"]["delivered"], ORDERS, "{balance}");
    check(&company, &store.rows(), &orders());
    let log = hub.stop();
    assert!(!log.contains(store.say("secret_key")), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_was_away_has_every_event_once() {
    let mut store = Store::start().await;
    let proxy = Wire::to(store.address).await;
    let company = store.company(proxy.address, store.say("secret_key"));
    let (orders, half) = (orders(), ORDERS as usize / 2);
    let hub = company.start();
    placed(&company, &orders[..half]).await;
    company.settled();
    assert_eq!(store.rows().len(), half);

    proxy.cut();
    placed(&company, &orders[half..]).await;
    tried(&company, "retry", "").await;
    assert_eq!(company.balance()["in_flight"], ORDERS as usize - half);
    proxy.mend();
    let balance = company.settled();
    balanced(&balance);
    assert_eq!(balance["fates"]["delivered"], ORDERS, "{balance}");
    check(&company, &store.rows(), &orders);
    hub.stop();
}
