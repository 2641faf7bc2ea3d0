//! Events become rows.

use serde_json::{Value, json};

use super::{Table, attempts, database, install, until};
use crate::company::{Company, balanced};
use crate::line::{order, placed};
use crate::services::postgres::{self, Own};
use crate::wire::Wire;

const ORDERS: &str = "id integer PRIMARY KEY, email text NOT NULL, note text DEFAULT 'new', \
    total numeric(10, 2) CONSTRAINT not_too_dear CHECK (total < 1000)";

/// Orders over http become rows of `table`, on a database that is reached as `database` says.
fn company(table: &str, database: &str, config: &str) -> Company {
    let company = Company::new();
    install(&company, "sql");
    company.canonical_in("shop");
    company.channel(
        "books",
        &format!(
            "connector = \"clerk\"\n[send]\ntransport = \"sql\"\n{database}tables = [\"public.{table}\"]\ntimeout = \"5 seconds\"\n\
             [config]\ntable = \"{table}\"\n{config}"
        ),
    );
    company.route("orders", "shop", "books", "");
    company
}

/// An order with another id, or total.
fn other(id: &str, total: &str) -> Value {
    let mut order = order(900, "rosa@example.com");
    order["id"] = json!(format!("o-{id}-{total}"));
    order["data"]["order"]["id"] = json!(id);
    order["data"]["order"]["total"]["amount"] = json!(total);
    order
}

#[tokio::test(flavor = "multi_thread")]
async fn events_become_rows_and_a_bad_one_keeps_no_other_back() {
    let table = Table::new("orders", ORDERS).await;
    let company = company(&table.name, &database(postgres::shared().address), "");
    // All at once, before the hub looks: batches with bad ones among them.
    let hub = company.start();
    placed(&company, (1..=20).map(|id| order(id, "a@example.com"))).await;
    placed(&company, [other("twelve", "1.00"), other("901", "5000.00"), other("902", "12.50")]).await;
    placed(&company, (21..=40).map(|id| order(id, "a@example.com"))).await;
    let balance = company.settled();
    balanced(&balance);
    assert_eq!((&balance["fates"]["delivered"], &balance["fates"]["dead"]), (&json!(41), &json!(2)));
    assert_eq!(table.one(&format!("SELECT count(*) FROM {}", table.name)).await, "41");
    assert_eq!(table.one(&format!("SELECT total FROM {} WHERE id = 902", table.name)).await, "12.50");
    // A column that only some rows name keeps its default in the others.
    let notes = format!("SELECT string_agg(DISTINCT note, ',' ORDER BY note) FROM {}", table.name);
    assert_eq!(table.one(&notes).await, "new,seven");

    let dead = company.json(&["quarantine", "list"]);
    let told: String = dead.iter().map(Value::to_string).collect();
    for part in ["22P02", "the column id of", "23514", "not_too_dear"] {
        assert!(told.contains(part), "{part} is missing in {told}");
    }
    assert!(!told.contains("twelve") && !told.contains("5000.00"), "a value was quoted: {told}");

    // Another event about the same order: what it says takes the place of what was there.
    let mut changed = other("902", "13.00");
    changed["data"]["customer"]["identifiers"][0]["value"] = json!("b@example.com");
    placed(&company, [changed]).await;
    balanced(&company.settled());
    let now = format!("SELECT total || ' ' || email FROM {} WHERE id = 902", table.name);
    assert_eq!(table.one(&now).await, "13.00 b@example.com");
    hub.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_was_away_gets_everything_once_it_is_back() {
    let table = Table::new("orders", ORDERS).await;
    let proxy = Wire::to(postgres::shared().address).await;
    let company = company(&table.name, &database(proxy.address), "");
    // Away before the hub starts: that is no error.
    proxy.cut();
    let hub = company.start();
    placed(&company, (1..=5).map(|id| order(id, "a@example.com"))).await;
    until("an attempt that failed", async || attempts(&company).iter().any(|one| one["outcome"] == "retry"))
        .await;
    proxy.mend();
    balanced(&company.settled());
    // And once more, while connections are open.
    proxy.cut();
    placed(&company, (6..=10).map(|id| order(id, "a@example.com"))).await;
    until("attempts that failed", async || {
        attempts(&company).iter().filter(|one| one["outcome"] == "retry").count() >= 2
    })
    .await;
    proxy.mend();
    let balance = company.settled();
    balanced(&balance);
    assert_eq!(balance["fates"]["delivered"], 10);
    assert_eq!(table.one(&format!("SELECT count(*) FROM {}", table.name)).await, "10");
    let log = hub.stop();
    assert_eq!(log.matches("the database is away").count(), 2, "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_people_can_mend_is_told_clearly() {
    let table = Table::new("orders", ORDERS).await;
    let reached = database(postgres::shared().address);
    for (name, tables, config, expected) in [
        (
            "no_such_table",
            "public.no_such_table",
            "",
            "there is no table public.no_such_table (SQLSTATE 42P01)",
        ),
        (&*table.name, "public.other", "", "is not among the channel's tables (public.other)"),
        (
            &*table.name,
            &*format!("public.{}", table.name),
            "column = \"colour\"\n",
            "has no column colour (SQLSTATE 42703)",
        ),
    ] {
        let company = company(name, &reached, config);
        let channel = std::fs::read_to_string(company.path("channels/books.toml")).unwrap();
        company.write(
            "channels/books.toml",
            &channel.replace(&format!("[\"public.{name}\"]"), &format!("[\"{tables}\"]")),
        );
        let hub = company.start();
        placed(&company, [order(1, "rosa@example.com")]).await;
        until(expected, async || {
            attempts(&company).iter().any(|one| {
                one["outcome"] == "misconfigured"
                    && one["reason"].as_str().is_some_and(|why| why.contains(expected))
            })
        })
        .await;
        let log = hub.stop();
        assert!(!log.contains("rosa@example.com"), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_and_a_certificate_are_what_they_must_be() {
    let own = tokio::task::spawn_blocking(|| Own::start("scram-sha-256")).await.unwrap();
    let port = own.address.port();
    let certificate = own.folder.path().join("cert.pem");
    let tables = format!("CREATE TABLE orders ({ORDERS})");
    let url = format!("postgres://postgres:hush@localhost:{port}/postgres");
    let (admin, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    admin.batch_execute(&tables).await.unwrap();

    for (password, trusted, outcome, expected) in [
        ("hush\n", true, "accepted", ""),
        ("hash\n", true, "auth", "the database does not let postgres in (SQLSTATE 28P01)"),
        ("hush\n", false, "retry", "failed to reach the database"),
    ] {
        let reached = format!(
            "url = \"postgres://postgres@localhost:{port}/postgres\"\npassword = {{ file = \"password\" }}\n"
        );
        let company = company("orders", &reached, "");
        company.write("password", password);
        let mut command = company.command(&["run"]);
        if trusted {
            command.env("SSL_CERT_FILE", &certificate);
        }
        let hub = company.start_as(command);
        placed(&company, [order(1, "a@example.com")]).await;
        until(outcome, async || {
            attempts(&company).iter().any(|one| {
                one["outcome"] == outcome && one["reason"].as_str().unwrap_or("").contains(expected)
            })
        })
        .await;
        let log = hub.stop();
        assert!(!log.contains(password.trim()), "{log}");
    }
}
