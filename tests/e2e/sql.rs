//! A database at either end of the line: events become rows, and rows become messages, whatever happens to the hub, to the
//! database or to the wire between them.

mod rows_in;
mod rows_out;

use std::time::Instant;

use serde_json::Value;
use tokio_postgres::{Client, NoTls};

use crate::company::{Company, PATIENCE};
use crate::services::postgres;

/// The clerk as a connector of the company: no connector that is built in writes rows as these tests want them.
pub fn install(company: &Company, transport: &str) {
    let folder = company.path("connectors/clerk");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("clerk.wasm"), snodo_test_components::CLERK).unwrap();
    std::fs::write(
        folder.join("connector.toml"),
        format!(
            "name = \"clerk\"\nversion = \"1.0.0\"\ntitle = \"Clerk\"\ntouchpoint = \"generic\"\nsummary = \"Keeps books.\"\ncontract = \"1.0\"\n\
             [source]\nemits = [\"unknown.*\"]\ntransports = [\"{transport}\"]\npersonal_data = [\"*\"]\n\
             [destination]\naccepts = [\"*\"]\ntransports = [\"{transport}\"]\nbatch_max = 16\npersonal_data = [\"*\"]\n\
             [config]\ntype = \"object\"\n"
        ),
    )
    .unwrap();
}

/// A table of the test's own, gone when this is dropped.
pub struct Table {
    pub name: String,
    pub client: Client,
}

impl Table {
    /// With these columns.
    pub async fn new(what: &str, columns: &str) -> Self {
        let client = connect().await;
        let name = format!("snodo_test_{what}_{}", uuid::Uuid::new_v4().simple());
        client.batch_execute(&format!("CREATE TABLE {name} ({columns})")).await.unwrap();
        Self { name, client }
    }

    /// One value, as text.
    pub async fn one(&self, sql: &str) -> String {
        let row = self.client.query_one(&format!("SELECT ({sql})::text"), &[]).await.unwrap();
        row.get::<_, Option<String>>(0).unwrap_or_default()
    }

    pub async fn run(&self, sql: &str) {
        self.client.batch_execute(sql).await.unwrap();
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        let name = std::mem::take(&mut self.name);
        // With a runtime of its own: that of the test is busy dropping this.
        let drop_it = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let _ = connect().await.batch_execute(&format!("DROP TABLE IF EXISTS {name}")).await;
            });
        };
        let _ = std::thread::spawn(drop_it).join();
    }
}

async fn connect() -> Client {
    let (client, connection) = tokio_postgres::connect(postgres::url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// `url` and `tls` of a channel, by way of that address.
pub fn database(by: std::net::SocketAddr) -> String {
    let shared = postgres::shared();
    format!("url = \"postgres://{}@{by}/{}\"\ntls = \"none\"\n", shared.user, shared.database)
}

pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < PATIENCE, "{what}: not in time");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

/// Everything that was tried with a delivery, on every route, for each event.
pub fn attempts(company: &Company) -> Vec<Value> {
    let events = company.json(&["events"]);
    let ids = events.iter().map(|event| event["event"]["id"].as_str().unwrap());
    ids.flat_map(|id| {
        let explained = company.json(&["explain", id]).remove(0);
        let routes = explained["routes"].as_array().unwrap().clone();
        routes.into_iter().flat_map(|route| route["attempts"].as_array().cloned().unwrap_or_default())
    })
    .collect()
}

/// Waits until a delivery was tried with that outcome, for a reason that says this.
pub async fn tried(company: &Company, outcome: &str, reason: &str) {
    let is_it = |one: &Value| {
        one["outcome"] == outcome && one["reason"].as_str().unwrap_or_default().contains(reason)
    };
    until(reason, async || attempts(company).iter().any(is_it)).await;
}
