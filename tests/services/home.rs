//! Takes a home of several nodes away, that a test or the benchmark has made: its schema, its queues and their exchange.

use lapin::options::{ExchangeDeleteOptions, QueueDeleteOptions};
use lapin::{Connection, ConnectionProperties};

use crate::services::{amqp, postgres};

pub async fn remove(name: &str, partitions: u32) {
    let (client, connection) = tokio_postgres::connect(postgres::url(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(&format!("DROP SCHEMA snodo_{name} CASCADE")).await.unwrap();
    let url = format!("amqp://guest:guest@{}/%2F", amqp());
    let broker = Connection::connect(&url, ConnectionProperties::default()).await.unwrap();
    let channel = broker.create_channel().await.unwrap();
    for partition in 0..partitions {
        let queue = format!("snodo.{name}.{partition}").into();
        channel.queue_delete(queue, QueueDeleteOptions::default()).await.unwrap();
    }
    let exchange = format!("snodo.{name}").into();
    channel.exchange_delete(exchange, ExchangeDeleteOptions::default()).await.unwrap();
}
