//! The database and the broker that the tests work with, and a home's traces in them, which are removed at the end.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use lapin::{Connection, ConnectionProperties};
use tokio::runtime::Runtime;

#[expect(dead_code, reason = "the end-to-end tests need more of it")]
#[path = "../../../../tests/services.rs"]
mod found;
#[expect(dead_code, reason = "the end-to-end tests need more of it")]
#[path = "../../../../tests/services/home.rs"]
mod home;

/// Where the nodes' tasks run: not where the tests wait.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
    })
}

pub fn wait<T>(future: impl Future<Output = T>) -> T {
    runtime().block_on(future)
}

pub fn amqp_url() -> String {
    let named = std::env::var("SNODO_TEST_AMQP_URL");
    named.unwrap_or_else(|_| format!("amqp://guest:guest@{}/%2F", found::amqp()))
}

pub fn postgres_url() -> String {
    let found::postgres::Shared { address, user, database, .. } = found::postgres::shared();
    let named = std::env::var("SNODO_TEST_POSTGRES_URL");
    named.unwrap_or_else(|_| format!("postgresql://{user}@{address}/{database}?sslmode=disable"))
}

pub async fn broker() -> Connection {
    Connection::connect(&amqp_url(), ConnectionProperties::default()).await.expect(
        "these tests need RabbitMQ 3.10 or later: start one on 127.0.0.1:5672 with the user guest, or name one in SNODO_TEST_AMQP_URL",
    )
}

pub async fn database() -> tokio_postgres::Client {
    home::client(&postgres_url()).await
}

/// A name that no other test has. What the home leaves is removed when this is dropped.
pub struct Name {
    pub text: String,
    pub partitions: u32,
}

impl Name {
    pub fn new(partitions: u32) -> Self {
        let digits = uuid::Uuid::new_v4().simple().to_string();
        Self { text: format!("test_{}", &digits[..12]), partitions }
    }

    pub fn schema(&self) -> String {
        format!("snodo_{}", self.text)
    }

    pub fn queue(&self, partition: u32) -> String {
        format!("snodo.{}.{partition}", self.text)
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        wait(home::remove(&self.text, self.partitions, &amqp_url(), &postgres_url()));
    }
}

/// Waits for what is about to become true, and says what was waited for if it does not.
#[track_caller]
pub fn until(what: &str, time: Duration, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + time;
    while !is_so() {
        assert!(Instant::now() < end, "waited for {time:?} in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
