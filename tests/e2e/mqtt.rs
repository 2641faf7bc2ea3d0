//! Messages by MQTT, in and out, with a real broker: each is acknowledged when it is safe, and none is lost when the broker or the
//! hub goes away.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, Publish, PublishProperties};
use rumqttc::v5::{AsyncClient, Event, MqttOptions};
use serde_json::{Value, json};

use crate::brokers::{Guarded, connected, own_name, until};
use crate::company::{Company, balanced};
use crate::line::order;
use crate::services;
use crate::wire::Wire;

/// A client of the test's own, which takes down what it is subscribed to.
pub struct Friend {
    pub client: AsyncClient,
    heard: Arc<Mutex<Vec<Publish>>>,
    confirmed: Arc<Mutex<usize>>,
}

impl Friend {
    pub async fn meet(broker: SocketAddr, topic: Option<&str>) -> Self {
        let mut options = MqttOptions::new(own_name("friend"), broker.ip().to_string(), broker.port());
        options.set_keep_alive(Duration::from_secs(30)).set_max_packet_size(Some(8 << 20));
        let (client, mut events) = AsyncClient::new(options, 64);
        let (heard, confirmed) = (Arc::<Mutex<Vec<Publish>>>::default(), Arc::<Mutex<usize>>::default());
        let (listening, acknowledged) = (Arc::clone(&heard), Arc::clone(&confirmed));
        let subscribed = Arc::new(tokio::sync::Notify::new());
        let ready = Arc::clone(&subscribed);
        tokio::spawn(async move {
            loop {
                match events.poll().await {
                    Ok(Event::Incoming(Packet::Publish(publish))) => listening.lock().unwrap().push(publish),
                    Ok(Event::Incoming(Packet::PubAck(_))) => *acknowledged.lock().unwrap() += 1,
                    Ok(Event::Incoming(Packet::SubAck(_))) => ready.notify_one(),
                    Ok(_) => {}
                    Err(_) => return,
                }
            }
        });
        if let Some(topic) = topic {
            client.subscribe(topic, QoS::AtLeastOnce).await.unwrap();
            subscribed.notified().await;
        }
        Self { client, heard, confirmed }
    }

    async fn tell(&self, topic: &str, body: impl Into<Vec<u8>>) {
        let properties = PublishProperties {
            content_type: Some("application/cloudevents+json".into()),
            ..PublishProperties::default()
        };
        let body: Vec<u8> = body.into();
        self.client.publish_with_properties(topic, QoS::AtLeastOnce, false, body, properties).await.unwrap();
    }

    async fn tell_orders(&self, topic: &str, ids: std::ops::Range<u32>) {
        for id in ids {
            self.tell(&format!("{topic}/{id}"), order(id, "rosa@example.com").to_string()).await;
        }
    }

    pub fn heard(&self) -> Vec<Publish> {
        self.heard.lock().unwrap().clone()
    }

    /// The orders that came, each once.
    fn orders(&self) -> BTreeSet<u32> {
        self.heard().iter().map(order_of).collect()
    }
}

fn order_of(publish: &Publish) -> u32 {
    let event: Value = serde_json::from_slice(&publish.payload).unwrap();
    event["data"]["order"]["id"].as_str().unwrap().parse().unwrap()
}

/// Orders come in at `{own}/in/…`, and go out to `{own}/out/…`.
fn channels(company: &Company, own: &str, broker: SocketAddr, connection: &str) {
    company.channel(
        "feed",
        &format!(
            "connector = \"canonical\"\n[receive]\ntransport = \"mqtt\"\nurl = \"mqtt://{broker}\"\ntopics = [\"{own}/in/#\"]\n\
             client_id = \"{own}\"\nsession = \"2 minutes\"\n{connection}"
        ),
    );
    company.channel(
        "board",
        &format!(
            "connector = \"canonical\"\n[send]\ntransport = \"mqtt\"\nurl = \"mqtt://{broker}\"\ntopics = [\"{own}/out/+\"]\n\
             client_id = \"{own}-out\"\n{connection}[config]\ntopic = \"{own}/out/{{type}}\"\n"
        ),
    );
    company.route("orders", "feed", "board", "");
}

/// No event came more often than that, and no order as two events.
pub fn each_told(events: &[Value], times_max: usize) {
    let mut ids: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for event in events {
        let order = event["data"]["order"]["id"].as_str().unwrap();
        ids.entry(order).or_default().push(event["id"].as_str().unwrap());
    }
    for (order, ids) in ids {
        let is_one = ids.iter().all(|id| *id == ids[0]);
        assert!(is_one && ids.len() <= times_max, "the order {order} came as {ids:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_come_in_and_go_out_whatever_breaks_on_the_way() {
    let (broker, own) = (services::mqtt(), own_name("mqtt"));
    let proxy = Wire::to(broker).await;
    let company = Company::new();
    channels(&company, &own, proxy.address, "");
    let friend = Friend::meet(broker, Some(&format!("{own}/out/+"))).await;
    let hub = company.start();
    connected(&company, "feed", "mqtt", 1).await;
    let into = format!("{own}/in");
    friend.tell_orders(&into, 0..20).await;
    until("the first orders", || friend.orders().len() == 20).await;
    let first = friend.heard()[0].clone();
    assert_eq!(first.topic, format!("{own}/out/commerce.order.placed"));
    assert_eq!(first.properties.unwrap().content_type.as_deref(), Some("application/cloudevents+json"));

    // The broker goes away, and messages come meanwhile: it keeps them.
    proxy.cut();
    friend.tell_orders(&into, 20..60).await;
    until("the broker has them", || *friend.confirmed.lock().unwrap() >= 60).await;
    proxy.mend();
    until("the orders of the break", || friend.orders().len() == 60).await;

    // The hub is killed in the middle of more, twice.
    let mut killed = hub;
    for round in 1..=2u32 {
        let from = 60 + (round - 1) * 300;
        friend.tell_orders(&into, from..from + 300).await;
        let some = from as usize + 50;
        until("some orders", || friend.orders().len() >= some).await;
        killed.kill();
        killed = company.start();
    }
    until("all orders", || friend.orders().len() == 660).await;
    let balance = company.settled();
    balanced(&balance);
    assert_eq!(balance["fates"]["delivered"], 660, "{balance}");
    assert_eq!(balance["fates"]["dead"], 0, "{balance}");
    // At each of the two kills what was under way may be told once more, under the same id.
    let told: Vec<Value> =
        friend.heard().iter().map(|one| serde_json::from_slice(&one.payload).unwrap()).collect();
    each_told(&told, 3);

    // While the hub is away the broker keeps what comes; one break is told once, and once that it is over.
    killed.stop();
    friend.tell_orders(&into, 660..680).await;
    until("the broker has them", || *friend.confirmed.lock().unwrap() >= 680).await;
    let hub = company.start();
    until("the orders of the night", || friend.orders().len() == 680).await;
    proxy.cut();
    let away = |channel: &str| {
        let line =
            format!("snodo_connections_total{{channel=\"{channel}\",transport=\"mqtt\",result=\"away\"}}");
        let (_, metrics) = crate::company::get(company.address, "/metrics").unwrap_or_default();
        metrics
            .lines()
            .find_map(|one| one.strip_prefix(&line)?.trim().parse::<u32>().ok())
            .unwrap_or_default()
    };
    until("several attempts", || away("feed") > 2 && away("board") > 2).await;
    proxy.mend();
    connected(&company, "feed", "mqtt", 2).await;
    connected(&company, "board", "mqtt", 2).await;
    let log = hub.stop();
    let count = |what: &str| log.lines().filter(|line| line.contains(what)).count();
    assert_eq!((count("not connected"), count("connected again")), (2, 2), "{log}");
    assert!(!log.contains("rosa") && !log.contains("/in/"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_hub_cannot_take_keeps_nobody_waiting() {
    let (broker, own) = (services::mqtt(), own_name("mqtt"));
    let company = Company::new();
    channels(&company, &own, broker, "");
    let friend = Friend::meet(broker, Some(&format!("{own}/out/+"))).await;
    let hub = company.start();
    connected(&company, "feed", "mqtt", 1).await;
    let into = format!("{own}/in");
    friend.tell(&into, vec![b'x'; (1 << 20) + 1]).await;
    friend.tell(&into, "no event").await;
    friend.tell_orders(&into, 0..3).await;
    until("the orders behind them", || friend.orders().len() == 3).await;
    let balance = company.settled();
    balanced(&balance);
    assert_eq!(balance["messages"], json!({"accepted": 4, "pending": 0, "decoded": 3, "quarantined": 1}));
    let (_, metrics) = crate::company::get(company.address, "/metrics").unwrap();
    for line in [
        "snodo_mqtt_in_total{channel=\"feed\",result=\"accepted\"} 4\n",
        "snodo_mqtt_in_total{channel=\"feed\",result=\"too-large\"} 1\n",
    ] {
        assert!(metrics.contains(line), "{line} is missing in:\n{metrics}");
    }
    // A topic that the channel does not allow is nobody's fault but the declaration's, which says so.
    company.channel(
        "board",
        &format!(
            "connector = \"canonical\"\n[send]\ntransport = \"mqtt\"\nurl = \"mqtt://{broker}\"\ntopics = [\"{own}/else/#\"]\n\
             [config]\ntopic = \"{own}/out/{{type}}\"\n"
        ),
    );
    hub.stop();
    let hub = company.start();
    connected(&company, "feed", "mqtt", 1).await;
    friend.tell_orders(&into, 3..4).await;
    until("a refusal", || refusals(&company).iter().any(|why| why.contains("may not publish to that topic")))
        .await;
    hub.stop();
}

/// Why deliveries that are still under way did not work.
fn refusals(company: &Company) -> Vec<String> {
    let mut found = Vec::new();
    for row in company.json(&["events"]) {
        let id = row["event"]["id"].as_str().unwrap();
        let explained = company.json(&["explain", id]).remove(0);
        for route in explained["routes"].as_array().unwrap() {
            for attempt in route["attempts"].as_array().into_iter().flatten() {
                found.extend(attempt["reason"].as_str().map(str::to_owned));
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_does_not_let_the_hub_in_is_told_clearly_and_waited_for() {
    const PASSWORD: &str = "s3cret-of-the-broker";
    let own = own_name("mqtt");
    let broker = Guarded::start(
        "snodo",
        PASSWORD,
        &format!("user snodo\ntopic read {own}/in/#\ntopic write {own}/out/#\n"),
    );
    let company = Company::new();
    let login = "user = \"snodo\"\npassword = { file = \"password\" }\n";
    company.write("password", "wrong-s3cret\n");
    channels(&company, &own, broker.plain, login);
    let hub = company.start();
    let refused = |company: &Company, channel: &str| {
        let line =
            format!("snodo_connections_total{{channel=\"{channel}\",transport=\"mqtt\",result=\"refused\"}}");
        let (_, metrics) = crate::company::get(company.address, "/metrics").unwrap_or_default();
        metrics.contains(&line)
    };
    until("two refusals", || refused(&company, "feed") && refused(&company, "board")).await;
    let log = hub.stop();
    assert!(log.contains("compare user and password with the broker's"), "{log}");
    assert_eq!(log.matches("does not let the hub in").count(), 2, "{log}");
    assert!(!log.contains("s3cret"), "{log}");

    // With the right one, over TLS, to a name that its certificate has.
    company.write("password", PASSWORD);
    channels(&company, &own, broker.plain, login);
    let feed = std::fs::read_to_string(company.path("channels/feed.toml")).unwrap();
    let tls = format!("mqtts://localhost:{}", broker.tls.port());
    company.write("channels/feed.toml", &feed.replace(&format!("mqtt://{}", broker.plain), &tls));
    let mut command = company.command(&["run"]);
    command.env("SSL_CERT_FILE", broker.folder.path().join("cert.pem"));
    let hub = company.start_as(command);
    connected(&company, "feed", "mqtt", 1).await;
    connected(&company, "board", "mqtt", 1).await;
    let log = hub.stop();
    assert!(!log.contains("s3cret"), "{log}");

    // A certificate of nobody's is not believed.
    let hub = company.start();
    until("a refusal", || refused(&company, "feed")).await;
    let log = hub.stop();
    assert!(log.contains("failed to speak TLS"), "{log}");
}
