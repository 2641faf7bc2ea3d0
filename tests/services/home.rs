//! A home of several nodes that a test or the benchmark has made: who works on it, and how it is taken away.

use lapin::options::{ExchangeDeleteOptions, QueueDeleteOptions};
use lapin::{Connection, ConnectionProperties};
use tokio_postgres::{Client, NoTls};

/// How many partitions each of its hubs works on.
pub async fn shares(name: &str, database: &str) -> Vec<i64> {
    let sql = format!(
        "SELECT count(*) FROM snodo_{name}.lease WHERE valid_until > clock_timestamp() GROUP BY owner ORDER BY 1"
    );
    let rows = client(database).await.query(&sql, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// With its schema, its queues and their exchange. What is not there any more is no mistake.
pub async fn remove(name: &str, partitions: u32, broker: &str, database: &str) {
    let drop = format!("DROP SCHEMA IF EXISTS snodo_{name} CASCADE");
    client(database).await.batch_execute(&drop).await.unwrap();
    let broker = Connection::connect(broker, ConnectionProperties::default()).await.unwrap();
    let channel = broker.create_channel().await.unwrap();
    for partition in 0..partitions {
        let queue = format!("snodo.{name}.{partition}").into();
        channel.queue_delete(queue, QueueDeleteOptions::default()).await.unwrap();
    }
    let exchange = format!("snodo.{name}").into();
    channel.exchange_delete(exchange, ExchangeDeleteOptions::default()).await.unwrap();
}

pub async fn client(database: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(database, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
