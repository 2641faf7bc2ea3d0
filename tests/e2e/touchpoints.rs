//! The catalogue's connectors for what has no vendor, in one hub between real servers: devices at an MQTT broker, orders in a queue of
//! RabbitMQ, tables of PostgreSQL, mail, files, and a scene that stays connected. What arrived at the other ends is looked at value by
//! value, before and after all of the servers were away.

mod channels;

use std::collections::BTreeSet;

use futures_util::SinkExt;
use lapin::types::{AMQPValue, FieldTable};
use rumqttc::v5::mqttbytes::QoS;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message as Frame;

use crate::brokers::{connected, own_name, until};
use crate::company::{Company, Hub, balanced};
use crate::services;
use crate::sql::Table;
use crate::wire::Wire;
use crate::{amqp, mail, mqtt, websocket};

/// Rows of the file of contacts: three messages, as a part has at most 500.
const CONTACTS: usize = 1001;

/// All that is around the hub.
struct Ends {
    company: Company,
    own: String,
    devices: mqtt::Friend,
    shop: amqp::Friend,
    mails: mail::Server,
    mailbox: u16,
    customers: Table,
    /// Every event is a row of it.
    books: Table,
    mqtt: Wire,
    amqp: Wire,
    database: Wire,
    mail: Wire,
}

impl Ends {
    async fn meet() -> Self {
        let (company, own) = (Company::new(), own_name("points"));
        let devices = mqtt::Friend::meet(services::mqtt(), Some(&format!("{own}/display/+"))).await;
        let shop = amqp::Friend::meet(services::amqp(), &own).await;
        shop.queue("in").await;
        let mails = tokio::task::spawn_blocking(|| mail::Server::start(&json!({}))).await.unwrap();
        let columns =
            "id integer PRIMARY KEY, name text, email text, spent numeric(10, 2), changed timestamptz";
        let log = "id uuid PRIMARY KEY, type text NOT NULL, source text NOT NULL, subject text, time timestamptz NOT NULL, \
                   customer text, data jsonb NOT NULL";
        let this = Self {
            mailbox: mail::opened(&company, ""),
            customers: Table::new("customers", columns).await,
            books: Table::new("books", log).await,
            mqtt: Wire::to(services::mqtt()).await,
            amqp: Wire::to(services::amqp()).await,
            database: Wire::to(services::postgres::shared().address).await,
            mail: Wire::to(mails.address).await,
            company,
            own,
            devices,
            shop,
            mails,
        };
        channels::declare(&this);
        this
    }

    async fn measured(&self, body: &Value) {
        let topic = format!("{}/shops/MI-01/cold/f7/state", self.own);
        self.devices.client.publish(topic, QoS::AtLeastOnce, false, body.to_string()).await.unwrap();
    }

    async fn ordered(&self, number: u32, who: &str) {
        let order = json!({
            "orderNo": number, "created": "1.3.2026 09:30", "cur": "EUR", "sum": "149.90",
            "buyer": {"name": who, "mail": format!("{who}@Example.com")},
        });
        let mut headers = FieldTable::default();
        headers.insert("X-Shop-Event".into(), AMQPValue::LongString("ORDER_NEW".into()));
        self.shop.tell(order.to_string().as_bytes(), headers).await;
    }

    async fn changed(&self, id: u32, who: &str) {
        let table = &self.customers.name;
        let row = format!("({id}, '{who}', '{who}@Example.com', 1234.50, '2026-03-01T10:00:00+01:00')");
        self.customers.run(&format!("INSERT INTO {table} VALUES {row}")).await;
    }

    async fn written(&self) {
        let mail = "From: Anna <Anna@Example.com>\nTo: help@shop.example\nSubject: My order\nMessage-ID: <m1@example.com>\n\
                    Date: Sun, 01 Mar 2026 10:30:00 +0100\n\nWhere is it?\n";
        let mails = json!([{"from": "anna@example.com", "to": ["help@shop.example"], "mail": mail}]);
        assert_eq!(mail::brought(self.mailbox, mails).await, [250]);
    }

    /// A session in the scene, whose server the hub is.
    async fn visited(&self, hub: &Hub) {
        let page = [("origin", "https://lume.example")];
        let mut socket = websocket::connect(hub.address, "/ws/showroom?writeKey=wk-7", &page).await.unwrap();
        let batch = json!({
            "session": {"id": "s-1"}, "mode": "immersive-vr", "scene": {"id": "loft", "name": "The loft"},
            "customer": {"anonymous_id": "v-1"}, "consent": {"analytics": "granted"},
            "batch": [
                {"id": "x-1", "type": "session.started", "at": "2026-03-01T11:00:00+01:00"},
                {"id": "x-2", "type": "squeezestart", "at": "2026-03-01T11:00:02+01:00", "object": {"id": "lamp-1"}},
                {"id": "x-3", "type": "session.ended", "at": "2026-03-01T11:05:00+01:00"},
            ],
        });
        socket.send(Frame::text(batch.to_string())).await.unwrap();
        assert!(websocket::answer(&mut socket).await["accepted"].is_string());
    }

    /// The ledger, once there are so many deliveries.
    async fn delivered(&self, count: usize) {
        let enough = || self.company.balance()["fates"]["delivered"].as_u64() >= Some(count as u64);
        until("all deliveries", enough).await;
        let balance = self.company.settled();
        balanced(&balance);
        assert_eq!(balance["fates"]["delivered"], count, "{balance}");
        assert_eq!((&balance["fates"]["dead"], &balance["messages"]["quarantined"]), (&json!(0), &json!(0)));
    }

    async fn asked(&self, sql: &str) -> Value {
        serde_json::from_str(&self.books.one(&sql.replace("books", &self.books.name)).await).unwrap()
    }

    /// In the books the event of that type, in the order of their times, has this value at this place.
    async fn check(&self, (kind, number, place, value): (&str, usize, &str, Value)) {
        let sql = format!("SELECT jsonb_agg(data ORDER BY time, id) FROM books WHERE type = '{kind}'");
        let rows = self.asked(&sql).await;
        assert_eq!(rows[number].pointer(place), Some(&value), "{kind} {number} {place}: {}", rows[number]);
    }

    /// What the displays were told.
    async fn check_displays(&self, degrees: &[f64]) {
        until("commands", || self.devices.heard().len() >= degrees.len()).await;
        let heard = self.devices.heard();
        let body = |command: &[u8]| serde_json::from_slice::<Value>(command).unwrap();
        let bodies: Vec<Value> = heard.iter().map(|one| body(&one.payload)).collect();
        let expected = degrees.iter().map(|one| json!({"text": "Close the door", "degrees": one}));
        assert_eq!(bodies, expected.collect::<Vec<_>>());
        assert!(heard.iter().all(|one| one.topic == format!("{}/display/f7", self.own)), "{heard:?}");
    }

    /// Who got a mail, and about which order.
    async fn check_letters(&self, expected: &[(&str, &str)]) {
        until("mails", || self.mails.taken().len() >= expected.len()).await;
        let mails = self.mails.taken();
        assert_eq!(mails.len(), expected.len(), "{mails:?}");
        for (mail, (name, number)) in mails.iter().zip(expected) {
            assert_eq!(mail["to"], json!([format!("{name}@example.com")]));
            assert_eq!(mail::header(mail, "Subject"), [format!("Your order {number}")]);
            let text = format!("Dear {name}, your order of 149.90 EUR is on its way.");
            assert!(mail["content"].as_str().unwrap().contains(&text), "{mail}");
        }
    }

    /// The export begins with its header and has each contact once.
    fn check_export(&self, of_tables: &[&str]) {
        let mut contacts: BTreeSet<String> = of_tables.iter().map(|&line| line.to_owned()).collect();
        contacts.extend((1..=CONTACTS).map(|number| match number {
            600 => "600,Rosa Neri,1234.50".to_owned(),
            601 => "601,'=1+1,1234.50".to_owned(),
            _ => format!("{number},Kunde; {number},1234.50"),
        }));
        let files: Vec<_> = std::fs::read_dir(self.company.path("outbox")).unwrap().collect();
        assert_eq!(files.len(), 1, "{files:?}");
        let text = std::fs::read_to_string(files[0].as_ref().unwrap().path()).unwrap();
        let (head, lines) = text.split_once('\n').unwrap();
        assert_eq!(head.trim_end(), "Number,Name,Spent");
        assert_eq!(lines.lines().count(), contacts.len());
        assert_eq!(lines.lines().map(str::to_owned).collect::<BTreeSet<_>>(), contacts);
    }
}

/// Contacts as a spreadsheet writes them: with a line end in a name, and a name that another spreadsheet would run.
fn contacts() -> String {
    let row = |number: usize| match number {
        600 => "600;\"Rosa\nNeri\";1.234,50;01.03.2026 09:30:00\r\n".to_owned(),
        601 => "601;=1+1;1.234,50;01.03.2026 09:30:00\r\n".to_owned(),
        _ => format!("{number};\"Kunde; {number}\";1.234,50;01.03.2026 09:30:00\r\n"),
    };
    std::iter::once("Nr;Name;Umsatz;Stand\r\n".to_owned()).chain((1..=CONTACTS).map(row)).collect()
}

const HOUSEHOLDS: &str = "E-mail,Household size,Postcode,As of
bruno@example.com,3,00184,2026-02-01T00:00:00+01:00
carla@example.com,4
dora@example.com,2,20121,2026-02-02T00:00:00+01:00
";

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_server_is_joined_with_every_other_and_all_of_them_may_go_away() {
    let ends = Ends::meet().await;
    ends.company.write("inbox/contacts/kunden.csv", &contacts());
    ends.company.write("inbox/households/acme.csv", HOUSEHOLDS);
    let hub = ends.company.start();
    for (channel, transport) in [("devices", "mqtt"), ("displays", "mqtt"), ("orders", "amqp")] {
        connected(&ends.company, channel, transport, 1).await;
    }
    ends.measured(&json!({"ts": 1_772_353_800, "seq": 1, "temperature": 7.4, "humidity": 61})).await;
    ends.measured(&json!({"ts": 1_772_353_860, "seq": 2, "temperature": 9.1, "door": "open"})).await;
    ends.ordered(70012, "anna").await;
    ends.changed(1, "anna").await;
    ends.written().await;
    // Books: three events of two readings, order, customer, mail, contacts, three households. Then a command, a letter, the export.
    ends.delivered(9 + CONTACTS + 2 + CONTACTS + 1).await;
    for expected in [
        ("iot.telemetry.sampled", 0, "/telemetry/readings/0/value", json!(61)),
        ("iot.telemetry.sampled", 0, "/touchpoint/location/store/id", json!("MI-01")),
        ("iot.telemetry.sampled", 1, "/vendor/door", json!("open")),
        ("iot.threshold.crossed", 0, "/telemetry/value", json!(9.1)),
        ("iot.threshold.crossed", 0, "/telemetry/threshold", json!(8)),
        ("commerce.order.placed", 0, "/order/total", json!({"amount": "149.90", "currency": "EUR"})),
        ("crm.contact.updated", 0, "/customer/identifiers/0/value", json!("1")),
        ("crm.contact.updated", 0, "/customer/traits/total_spent/currency", json!("EUR")),
        ("contactcentre.message.received", 0, "/message/text", json!("Where is it?\r\n")),
        ("contactcentre.message.received", 0, "/message/from", json!("anna@example.com")),
        ("thirdparty.attribute.appended", 0, "/appended/attributes/1/value", json!("00184")),
        ("unknown.message.received", 0, "/body/fields", json!(["carla@example.com", "4"])),
        ("unknown.message.received", 0, "/body/place", json!("part 1, line 3")),
    ] {
        ends.check(expected).await;
    }
    // Order, table and mail tell of one customer.
    let anna = "SELECT count(DISTINCT customer) FROM books WHERE data::text LIKE '%anna@example.com%'";
    assert_eq!(ends.asked(anna).await, 1);
    ends.check_displays(&[9.1]).await;
    ends.check_letters(&[("anna", "70012")]).await;
    ends.check_export(&["1,anna,1234.5"]);

    let wires = [&ends.mqtt, &ends.amqp, &ends.database, &ends.mail];
    wires.iter().for_each(|wire| wire.cut());
    ends.measured(&json!({"ts": 1_772_353_920, "seq": 3, "temperature": 8.8})).await;
    ends.ordered(70013, "bruno").await;
    ends.changed(2, "bruno").await;
    ends.visited(&hub).await;
    until("the scene's events wait", || ends.company.balance()["in_flight"] == 3).await;
    balanced(&ends.company.balance());
    wires.iter().for_each(|wire| wire.mend());
    // Two events of a reading, an order, a customer and three of the scene; a command, a letter, a line of the export.
    ends.delivered(9 + CONTACTS + 2 + CONTACTS + 1 + 10).await;
    let counts = ends.asked("SELECT jsonb_object_agg(type, n) FROM (SELECT type, count(*) AS n FROM books GROUP BY type) AS t").await;
    assert_eq!(
        counts,
        json!({
            "iot.telemetry.sampled": 3, "iot.threshold.crossed": 2, "commerce.order.placed": 2, "crm.contact.updated": 2,
            "contactcentre.message.received": 1, "crm.contact.created": CONTACTS, "thirdparty.attribute.appended": 2,
            "unknown.message.received": 1, "xr.session.started": 1, "xr.object.grabbed": 1, "xr.session.ended": 1,
        })
    );
    for expected in [
        ("xr.object.grabbed", 0, "/scene_object/id", json!("lamp-1")),
        ("xr.object.grabbed", 0, "/scene/name", json!("The loft")),
        ("crm.contact.updated", 1, "/customer/identifiers/1/value", json!("bruno@example.com")),
    ] {
        ends.check(expected).await;
    }
    ends.check_displays(&[9.1, 8.8]).await;
    ends.check_letters(&[("anna", "70012"), ("bruno", "70013")]).await;
    ends.check_export(&["1,anna,1234.5", "2,bruno,1234.5"]);
    let log = hub.stop();
    assert!(!log.to_lowercase().contains("@example.com") && !log.contains("wk-7"), "{log}");
    ends.shop.leave().await;
}
