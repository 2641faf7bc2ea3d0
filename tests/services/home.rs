//! Takes a home of several nodes away, that a test or the benchmark has made: its schema, its queues and their exchange.

use lapin::options::{ExchangeDeleteOptions, QueueDeleteOptions};
use lapin::{Connection, ConnectionProperties};
use tokio_postgres::NoTls;

/// What is not there any more is no mistake.
pub async fn remove(name: &str, partitions: u32, broker: &str, database: &str) {
    let (client, connection) = tokio_postgres::connect(database, NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(&format!("DROP SCHEMA IF EXISTS snodo_{name} CASCADE")).await.unwrap();
    let broker = Connection::connect(broker, ConnectionProperties::default()).await.unwrap();
    let channel = broker.create_channel().await.unwrap();
    for partition in 0..partitions {
        let queue = format!("snodo.{name}.{partition}").into();
        channel.queue_delete(queue, QueueDeleteOptions::default()).await.unwrap();
    }
    let exchange = format!("snodo.{name}").into();
    channel.exchange_delete(exchange, ExchangeDeleteOptions::default()).await.unwrap();
}
