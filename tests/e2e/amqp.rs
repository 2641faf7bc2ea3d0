//! Messages by AMQP, in and out, with a real RabbitMQ: each is acknowledged when it is safe, and none is lost when the broker or the
//! hub goes away.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use futures_util::StreamExt;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions,
    ExchangeDeleteOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, ExchangeKind};
use serde_json::{Value, json};

use crate::brokers::{connected, own_name, until};
use crate::company::{Company, balanced, get};
use crate::line::order;
use crate::mqtt::each_told;
use crate::services;
use crate::wire::Wire;

/// Somebody else at the broker, who has made what the hub uses, and takes it away again.
pub struct Friend {
    connection: Connection,
    channel: Channel,
    own: String,
    heard: Arc<Mutex<Vec<Delivery>>>,
}

impl Friend {
    /// The exchange `{own}` whose messages of orders go to the queue `{own}-out`, where they are taken down.
    pub async fn meet(broker: SocketAddr, own: &str) -> Self {
        let uri = format!("amqp://guest:guest@{broker}");
        let connection = Connection::connect(&uri, ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        channel
            .exchange_declare(own.into(), ExchangeKind::Topic, durable, FieldTable::default())
            .await
            .unwrap();
        let this = Self { connection, channel, own: own.to_owned(), heard: Arc::default() };
        this.queue("out").await;
        this.bind("commerce.order.*").await;
        let queue = format!("{own}-out").as_str().into();
        let consumed = this.channel.basic_consume(
            queue,
            "".into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        );
        let (mut consumer, heard) = (consumed.await.unwrap(), Arc::clone(&this.heard));
        tokio::spawn(async move {
            while let Some(Ok(delivery)) = consumer.next().await {
                delivery.ack(BasicAckOptions::default()).await.unwrap();
                heard.lock().unwrap().push(delivery);
            }
        });
        this
    }

    pub async fn queue(&self, name: &str) {
        let name = format!("{}-{name}", self.own);
        let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        self.channel.queue_declare(name.as_str().into(), durable, FieldTable::default()).await.unwrap();
    }

    async fn bind(&self, key: &str) {
        let queue = format!("{}-out", self.own);
        let (queue, exchange) = (queue.as_str().into(), self.own.as_str().into());
        let bound = self.channel.queue_bind(
            queue,
            exchange,
            key.into(),
            QueueBindOptions::default(),
            FieldTable::default(),
        );
        bound.await.unwrap();
    }

    /// Puts a message into the queue `{own}-in`, and waits until the broker has it.
    pub async fn tell(&self, body: &[u8], headers: FieldTable) {
        let properties = BasicProperties::default()
            .with_delivery_mode(2)
            .with_content_type("application/json".into())
            .with_headers(headers);
        let queue = format!("{}-in", self.own);
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let sent =
            self.channel.basic_publish("".into(), queue.as_str().into(), options, body, properties).await;
        let confirmed = sent.unwrap().await.unwrap();
        assert!(confirmed.is_ack() && confirmed.take_message().is_none(), "there is no such queue");
    }

    async fn tell_orders(&self, ids: std::ops::Range<u32>) {
        for id in ids {
            self.tell(order(id, "rosa@example.com").to_string().as_bytes(), FieldTable::default()).await;
        }
    }

    /// What came, as often as it came.
    fn events(&self) -> Vec<Value> {
        let heard = self.heard.lock().unwrap();
        heard.iter().map(|delivery| serde_json::from_slice(&delivery.data).unwrap()).collect()
    }

    /// The orders that came, each once.
    fn orders(&self) -> BTreeSet<u32> {
        let order = |event: &Value| event["data"]["order"]["id"].as_str().unwrap().parse().unwrap();
        self.events().iter().map(order).collect()
    }

    pub async fn leave(self) {
        for queue in ["in", "out"] {
            let name = format!("{}-{queue}", self.own);
            self.channel.queue_delete(name.as_str().into(), QueueDeleteOptions::default()).await.unwrap();
        }
        let gone = self.channel.exchange_delete(self.own.as_str().into(), ExchangeDeleteOptions::default());
        gone.await.unwrap();
        self.connection.close(200, "bye".into()).await.unwrap();
    }
}

/// Orders come in from the queue `{own}-in`, and go out to the exchange `{own}`.
fn channels(company: &Company, own: &str, broker: SocketAddr, inlet: &str, routing_key: &str) {
    company.write("password", "guest\n");
    let login = "user = \"guest\"\npassword = { file = \"password\" }\n";
    company.channel(
        "feed",
        &format!(
            "connector = \"canonical\"\n[receive]\ntransport = \"amqp\"\nurl = \"amqp://{broker}\"\nqueue = \"{own}-in\"\n{login}{inlet}"
        ),
    );
    company.channel(
        "board",
        &format!(
            "connector = \"canonical\"\n[send]\ntransport = \"amqp\"\nurl = \"amqp://{broker}\"\nexchange = \"{own}\"\n{login}\
             [config]\nrouting_key = \"{routing_key}\"\n"
        ),
    );
    company.route("orders", "feed", "board", "");
}

fn counted(company: &Company, channel: &str, result: &str) -> u32 {
    let start =
        format!("snodo_connections_total{{channel=\"{channel}\",transport=\"amqp\",result=\"{result}\"}}");
    let (_, metrics) = get(company.address, "/metrics").unwrap_or_default();
    let found = metrics.lines().find_map(|line| line.strip_prefix(&start)?.trim().parse().ok());
    found.unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_come_in_and_go_out_whatever_breaks_on_the_way() {
    let (broker, own) = (services::amqp(), own_name("amqp"));
    let proxy = Wire::to(broker).await;
    let company = Company::new();
    channels(&company, &own, proxy.address, "", "{type}");
    let friend = Friend::meet(broker, &own).await;
    friend.queue("in").await;
    let hub = company.start();
    connected(&company, "feed", "amqp", 1).await;
    friend.tell_orders(0..20).await;
    // In binary mode the attributes are headers, of which the connector's manifest names those of CloudEvents.
    let mut headers = FieldTable::default();
    let placed = order(20, "rosa@example.com");
    for (name, value) in
        [("Ce-Type", "commerce.order.placed"), ("ce-id", "o-20"), ("ce-specversion", "1.0"), ("other", "x")]
    {
        headers.insert(name.into(), AMQPValue::LongString(value.into()));
    }
    friend.tell(placed["data"].to_string().as_bytes(), headers).await;
    until("the first orders", || friend.orders().len() == 21).await;
    {
        let heard = friend.heard.lock().unwrap();
        let properties = &heard[0].properties;
        assert_eq!(heard[0].routing_key.as_str(), "commerce.order.placed");
        assert_eq!(properties.content_type().as_ref().unwrap().as_str(), "application/cloudevents+json");
        assert_eq!(properties.delivery_mode(), &Some(2));
        assert!(properties.message_id().as_ref().unwrap().as_str().ends_with(".orders"));
    }

    // The broker goes away, and messages come meanwhile: it keeps them.
    proxy.cut();
    friend.tell_orders(21..60).await;
    until("several attempts", || {
        counted(&company, "feed", "away") > 2 && counted(&company, "board", "away") > 2
    })
    .await;
    proxy.mend();
    until("the orders of the break", || friend.orders().len() == 60).await;

    // The hub is killed in the middle of more, twice.
    let mut hub = hub;
    for round in 1..=2u32 {
        let from = 60 + (round - 1) * 300;
        friend.tell_orders(from..from + 300).await;
        let some = from as usize + 50;
        until("some orders", || friend.orders().len() >= some).await;
        hub.kill();
        hub = company.start();
    }
    until("all orders", || friend.orders().len() == 660).await;
    let balance = company.settled();
    balanced(&balance);
    assert_eq!(
        (&balance["fates"]["delivered"], &balance["fates"]["dead"]),
        (&json!(660), &json!(0)),
        "{balance}"
    );
    // At each of the two kills what was under way may be told once more, under the same id.
    each_told(&friend.events(), 3);

    proxy.cut();
    until("several attempts", || {
        counted(&company, "feed", "away") > 1 && counted(&company, "board", "away") > 1
    })
    .await;
    proxy.mend();
    connected(&company, "feed", "amqp", 2).await;
    connected(&company, "board", "amqp", 2).await;
    let log = hub.stop();
    let count = |what: &str| log.lines().filter(|line| line.contains(what)).count();
    assert_eq!((count("not connected"), count("connected again")), (2, 2), "{log}");
    assert!(!log.contains("rosa") && !log.contains("ERROR"), "{log}");
    friend.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_at_the_broker_is_told_clearly_and_waited_for() {
    let (broker, own) = (services::amqp(), own_name("amqp"));
    let company = Company::new();
    channels(&company, &own, broker, "", "nobody.listens");
    let friend = Friend::meet(broker, &own).await;
    let hub = company.start();
    until("two looks in vain", || counted(&company, "feed", "missing") > 1).await;
    friend.queue("in").await;
    connected(&company, "feed", "amqp", 1).await;

    // What is too large is rejected, what no queue takes fails, and both say why.
    friend.tell(&vec![b'x'; (1 << 20) + 1], FieldTable::default()).await;
    friend.tell_orders(0..1).await;
    let why = || {
        let events = company.json(&["events"]);
        let id = events.first()?["event"]["id"].as_str()?.to_owned();
        let explained = company.json(&["explain", &id]).remove(0);
        Some(explained["routes"][0]["attempts"][0]["reason"].as_str()?.to_owned())
    };
    until("a failure", || why().is_some_and(|why| why.contains("no queue for that routing key"))).await;
    friend.bind("nobody.listens").await;
    until("the order", || friend.orders().len() == 1).await;
    balanced(&company.settled());
    let (_, metrics) = get(company.address, "/metrics").unwrap();
    for line in [
        "snodo_amqp_in_total{channel=\"feed\",result=\"accepted\"} 1\n",
        "snodo_amqp_in_total{channel=\"feed\",result=\"too-large\"} 1\n",
    ] {
        assert!(metrics.contains(line), "{line} is missing in:\n{metrics}");
    }
    let log = hub.stop();
    assert!(log.contains(&format!("the broker has no queue \"{own}-in\"")), "{log}");
    assert_eq!(log.matches("not connected").count(), 1, "{log}");

    // A wrong password.
    company.write("password", "wrong-s3cret\n");
    let hub = company.start();
    until("two refusals", || {
        counted(&company, "feed", "refused") > 0 && counted(&company, "board", "refused") > 0
    })
    .await;
    let log = hub.stop();
    assert_eq!(log.matches("compare user and password with the broker's").count(), 2, "{log}");
    assert!(!log.contains("s3cret"), "{log}");
    friend.leave().await;

    // Where the channel asks for it, the hub makes the queue.
    channels(&company, &own, broker, "declare = true\n", "{type}");
    let hub = company.start();
    connected(&company, "feed", "amqp", 1).await;
    let friend = Friend::meet(broker, &own).await;
    friend.tell_orders(1..2).await;
    until("the order", || friend.orders().len() == 1).await;
    hub.stop();
    friend.leave().await;
}
