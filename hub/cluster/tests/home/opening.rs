//! What can be wrong when a node opens its home is explained, and shows no password.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use snodo_cluster::{Bells, Cluster, FORMAT, OpenError, Options, Reader};
use snodo_core::Timestamp;

use crate::bench::node;
use crate::nodes::holds;
use crate::services::{Name, amqp_url, broker, database, postgres_url, runtime, until, wait};
use crate::values::{START, message};

fn options(name: &Name) -> Options {
    Options {
        name: name.text.clone(),
        partitions: name.partitions,
        database: postgres_url(),
        broker: amqp_url(),
        ..Options::default()
    }
}

fn open(options: Options) -> Result<Cluster, OpenError> {
    wait(Cluster::open(options))
}

#[test]
fn every_node_has_the_same_partitions() {
    let name = Name::new(2);
    let first = node(&name, Options::default());
    let error = open(Options { partitions: 3, ..options(&name) }).err().expect("it has another number");
    assert_eq!(error, OpenError::OtherPartitions { name: name.schema(), found: 2, told: 3 });
    wait(first.close());
}

#[test]
fn an_older_binary_leaves_a_newer_home_alone() {
    let name = Name::new(1);
    wait(node(&name, Options::default()).close());
    let sql = format!("UPDATE {}.home SET format = {}", name.schema(), FORMAT + 1);
    wait(async { database().await.batch_execute(&sql).await.unwrap() });
    let error = open(options(&name)).err().expect("it is newer");
    assert_eq!(error, OpenError::NewerFormat { schema: name.schema(), found: FORMAT + 1, known: FORMAT });
}

#[test]
fn a_schema_of_something_else_is_left_alone() {
    let name = Name::new(1);
    let sql = format!("CREATE SCHEMA {0}; CREATE TABLE {0}.orders (id integer)", name.schema());
    wait(async { database().await.batch_execute(&sql).await.unwrap() });
    assert_eq!(open(options(&name)).err(), Some(OpenError::Foreign(name.schema())));
}

#[test]
fn a_queue_that_is_otherwise_is_explained() {
    let name = Name::new(1);
    wait(async {
        let channel = broker().await.create_channel().await.unwrap();
        let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        channel.queue_declare(name.queue(0).into(), durable, FieldTable::default()).await.unwrap();
    });
    let error = open(options(&name)).err().expect("it is no quorum queue");
    assert!(matches!(&error, OpenError::Topology { what, .. } if what.contains(&name.queue(0))), "{error}");
    assert!(error.to_string().contains("single active consumer"), "{error}");
}

#[test]
fn no_error_shows_a_password() {
    let name = Name::new(1);
    let secret = "swordfish";
    for (database, broker) in [
        (format!("postgresql://hub:{secret}@127.0.0.1:1/hub?sslmode=disable"), amqp_url()),
        (format!("postgresql://hub:{secret}@127.0.0.1:port/hub"), amqp_url()),
        (postgres_url(), format!("amqp://hub:{secret}@127.0.0.1:1/%2F")),
        (postgres_url(), format!("amqp://hub:{secret}@127.0.0.1:5672/%2F")),
        (postgres_url(), format!("ftp://hub:{secret}@127.0.0.1/%2F")),
    ] {
        let error = open(Options { database, broker, ..options(&name) }).err().expect("it cannot be opened");
        assert!(!format!("{error} {error:?}").contains(secret), "{error:?}");
    }
}

#[test]
fn only_plain_names_are_taken() {
    let long = "a".repeat(41);
    for text in ["", "Shop", "1shop", "a-b", "a;drop", long.as_str()] {
        let name = Options { name: text.into(), ..Options::default() };
        assert_eq!(open(name).err(), Some(OpenError::Name(text.into())));
    }
}

#[test]
fn a_reader_beside_the_nodes_sees_everybody_s_work() {
    let name = Name::new(2);
    let missing = Reader::open(&postgres_url(), &name.text, runtime().handle().clone()).err();
    assert_eq!(missing, Some(OpenError::Missing(name.schema())));
    let home = node(&name, Options::default());
    holds(&home, 2);
    wait(home.accept(message("shop", "0", Timestamp::from_millis(START)))).unwrap();
    let reader = Reader::open(&postgres_url(), &name.text, runtime().handle().clone()).unwrap();
    let shop = crate::values::name("shop");
    until("it waits to be decoded", Duration::from_secs(15), || {
        reader.pending_channels().unwrap() == [shop.clone()]
    });
    assert_eq!(reader.tally().unwrap(), home.tally().unwrap());
    wait(home.close());
}

#[test]
fn bells_ring_for_what_comes() {
    let name = Name::new(2);
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let (one, other) = (Arc::clone(&heard), Arc::clone(&heard));
    let bells = Bells {
        on_message: Arc::new(move |channel| one.lock().unwrap().push(format!("message {channel}"))),
        on_delivery: Arc::new(move |destination| {
            other.lock().unwrap().push(format!("delivery {destination}"));
        }),
    };
    let home = node(&name, Options { bells, ..Options::default() });
    holds(&home, 2);
    wait(home.accept(message("shop", "0", Timestamp::from_millis(START)))).unwrap();
    let rang = |what: &str| heard.lock().unwrap().iter().any(|one| one == what);
    until("the intake is rung for", Duration::from_secs(15), || rang("message shop"));
    until("it is decoded", Duration::from_secs(15), || crate::work::decode(&home).unwrap() == 1);
    until("the outbox is rung for", Duration::from_secs(15), || rang("delivery crm"));
    wait(home.close());
}
