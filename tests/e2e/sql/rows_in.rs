//! Rows become messages.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::{Table, database, install, until};
use crate::company::{Company, balanced, get};
use crate::receiver::Receiver;
use crate::services::postgres;
use crate::wire::Wire;

const CUSTOMERS: &str = "id serial PRIMARY KEY, updated_at timestamptz, name text, score numeric";

/// Rows of `table` become messages, which go to that receiver.
fn company(table: &str, by: std::net::SocketAddr, receive: &str, receiver: &Receiver) -> Company {
    let company = Company::new();
    install(&company, "sql");
    company.channel(
        "books",
        &format!(
            "connector = \"clerk\"\n[receive]\ntransport = \"sql\"\n{}query = \"SELECT * FROM {table} -- all\"\nevery = \"100 ms\"\n{receive}",
            database(by)
        ),
    );
    company.webhook_out("crm", receiver.address);
    company.route("rows", "books", "crm", "");
    company
}

/// So many rows more, seven of each moment.
async fn grow(table: &Table, count: usize) {
    table
        .run(&format!(
            "INSERT INTO {0} (updated_at, name, score) SELECT '2026-03-01 10:00:00+01'::timestamptz + \
             interval '1 microsecond' * ((i + (SELECT count(*) FROM {0})) / 7), 'Rosa ' || i, 12345678901234567890.1234567890 \
             FROM generate_series(0, {count} - 1) AS i",
            table.name
        ))
        .await;
}

fn row_of(body: &Value) -> Value {
    body["data"]["body"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_read_in_pages_and_kills_lose_and_double_nothing() {
    const ROWS: usize = 600;
    let table = Table::new("customers", CUSTOMERS).await;
    let (receiver, proxy) = (Receiver::start().await, Wire::to(postgres::shared().address).await);
    let company = company(
        &table.name,
        proxy.address,
        "cursor = [\"updated_at\", \"id\"]\nrows_max = 10\nname = \"customer\"\n",
        &receiver,
    );
    let accepted = || company.balance()["messages"]["accepted"].as_u64().unwrap_or_default();
    grow(&table, ROWS / 2).await;
    // Killed as soon as there is more than before: between a page and the next, a page and its commit.
    for _ in 0..5 {
        let hub = company.start();
        let seen = accepted();
        until("more rows", async || accepted() > seen || seen >= (ROWS / 2) as u64).await;
        hub.kill();
        grow(&table, ROWS / 20).await;
    }
    // Away when the hub starts.
    proxy.cut();
    let hub = company.start();
    grow(&table, ROWS / 4).await;
    proxy.mend();
    until("all rows", async || accepted() >= ROWS as u64).await;
    proxy.cut();
    grow(&table, 1).await;
    proxy.mend();
    until("one more row", async || accepted() > ROWS as u64).await;
    let balance = company.settled();
    balanced(&balance);
    // Each page was kept in one commit with its cursor, so nothing was even a duplicate.
    assert_eq!(balance["messages"]["decoded"], ROWS + 1);
    assert_eq!(balance["fates"]["delivered"], ROWS + 1);
    let mut ids: HashMap<u64, HashSet<String>> = HashMap::new();
    for one in receiver.taken() {
        ids.entry(row_of(&one.body)["id"].as_u64().unwrap()).or_default().insert(one.id);
    }
    assert_eq!(ids.len(), ROWS + 1);
    assert!(ids.values().all(|ids| ids.len() == 1), "delivered under several ids: {ids:?}");
    let first = receiver.taken().into_iter().find(|one| row_of(&one.body)["id"] == 1).unwrap();
    assert_eq!(first.body["data"]["topic"], "customer");
    assert_eq!(row_of(&first.body)["updated_at"], "2026-03-01T09:00:00+00:00");
    let raw = String::from_utf8(first.raw.to_vec()).unwrap();
    assert!(raw.contains("12345678901234567890.1234567890"), "a number lost digits: {raw}");
    hub.stop();

    // Where it had come to survives a restart.
    let hub = company.start();
    grow(&table, 3).await;
    until("three more rows", async || accepted() >= (ROWS + 4) as u64).await;
    assert_eq!(company.settled()["messages"]["decoded"], ROWS + 4);
    let (_, metrics) = get(hub.address, "/metrics").unwrap();
    let line = "snodo_sql_in_total{channel=\"books\",result=\"accepted\"} 3\n";
    assert!(metrics.contains(line), "{line} is missing in:\n{metrics}");
    hub.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_share_a_cursor_are_one_page_and_reading_begins_where_it_should() {
    let table = Table::new("customers", CUSTOMERS).await;
    let receiver = Receiver::start().await;
    table.run(&format!(
        "INSERT INTO {0} (updated_at, name) SELECT '2026-01-01T00:00:00Z', 'old' FROM generate_series(1, 20); \
         INSERT INTO {0} (updated_at, name) SELECT '2026-02-01T00:00:00Z', 'new' FROM generate_series(1, 90)",
        table.name
    ))
    .await;
    let receive = "cursor = [\"updated_at\"]\nrows_max = 20\nstart = [\"2026-02-01T01:00:00+01:00\"]\n";
    let company = company(&table.name, postgres::shared().address, receive, &receiver);
    let hub = company.start();
    until("the new ones", async || receiver.taken().len() >= 90).await;
    balanced(&company.settled());
    assert!(receiver.taken().iter().all(|one| row_of(&one.body)["name"] == "new"));
    hub.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_told_and_keeps_nothing_back() {
    let table = Table::new("customers", CUSTOMERS).await;
    let receiver = Receiver::start().await;
    let receive = "cursor = [\"updated_at\", \"id\"]\n";
    let company = company(&format!("{}_later", table.name), postgres::shared().address, receive, &receiver);
    let hub = company.start();
    let failed =
        || get(company.address, "/metrics").is_some_and(|(_, text)| text.contains("result=\"failed\""));
    until("a page that failed", async || failed()).await;
    let name = &table.name;
    table
        .run(&format!(
            "CREATE TABLE {name}_later (LIKE {name} INCLUDING ALL); \
             INSERT INTO {name}_later (updated_at, name) VALUES (now(), 'a'), (NULL, 'rosa@example.com'), (now(), repeat('x', 2000000)), (now(), 'b')"
        ))
        .await;
    let logged_null =
        || get(company.address, "/metrics").is_some_and(|(_, text)| text.contains("result=\"no-cursor\"} 1"));
    until("rows", async || receiver.taken().len() == 2 && logged_null()).await;
    balanced(&company.settled());
    // Sixteen requests are under way at once, and any of them may be the first to arrive.
    let names: HashSet<Value> =
        receiver.taken().iter().map(|one| row_of(&one.body)["name"].clone()).collect();
    assert_eq!(names, HashSet::from([json!("a"), json!("b")]));
    let log = hub.stop();
    table.run(&format!("DROP TABLE {name}_later")).await;
    // The log quotes the error once more.
    let missing = format!("relation \\\"{name}_later\\\" does not exist (SQLSTATE 42P01)");
    for told in [missing.as_str(), "longer than a message may be", "rows that are never read"] {
        assert_eq!(log.matches(told).count(), 1, "{told}: {log}");
    }
    assert!(!log.contains("rosa@example.com"), "{log}");
}

/// Mistakes in a declaration are found before anything is asked.
#[test]
fn a_password_in_the_url_is_a_mistake_and_is_not_repeated() {
    let company = Company::new();
    install(&company, "sql");
    company.channel(
        "books",
        "connector = \"clerk\"\n[receive]\ntransport = \"sql\"\nurl = \"postgres://snodo:hunter2@db/shop\"\nquery = \"SELECT 1 AS id\"\n\
         cursor = [\"id\"]\nstart = [\"1\", \"2\"]\n[send]\ntransport = \"sql\"\nurl = \"postgres://snodo@db/shop\"\ntables = []\n",
    );
    let output = company.run(&["check"]);
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    for part in ["`url` holds a password", "`start` has 2 values, and `cursor` only 1", "`tables` is empty"] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    assert!(!text.contains("hunter2"), "{text}");
}
