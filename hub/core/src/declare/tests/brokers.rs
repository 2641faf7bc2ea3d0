//! Channels over brokers and lasting connections: what is told to whoever writes one wrongly.

use super::*;

const CONNECTOR: &str = r#"name = "hub"
version = "1.0.0"
title = "Hub"
touchpoint = "iot"
summary = "Messages."
contract = "1.0"

[source]
emits = ["commerce.order.placed"]
transports = ["mqtt", "amqp", "websocket"]
verify = { scheme = "write-key" }

[destination]
accepts = ["commerce.*"]
transports = ["mqtt", "amqp"]
"#;

const HEAD: &str = "title = \"x\"\nowner = \"x\"\npurpose = \"x\"\nconnector = \"hub\"\n";

fn read_channel(text: &str) -> Result<Declarations, Vec<Mistake>> {
    let mut files = company();
    files.push(file("channels/live.toml", &format!("{HEAD}{text}")));
    let mut known = manifests();
    known.push(Manifest::parse(&file("connector.toml", CONNECTOR)).unwrap());
    read(&files, Known { manifests: &known, types: &TYPES, standings: &BTreeMap::new() })
}

const MQTT_IN: &str =
    "[receive]\ntransport = \"mqtt\"\nurl = \"mqtts://broker.example.com\"\ntopics = [\"shop/+/orders\"]\n";
const MQTT_OUT: &str = "[send]\ntransport = \"mqtt\"\nurl = \"mqtt://broker\"\ntopics = [\"customers/#\"]\n";
const AMQP_IN: &str = "[receive]\ntransport = \"amqp\"\nurl = \"amqps://broker\"\nuser = \"snodo\"\n\
                       password = { env = \"BROKER_PASSWORD\" }\nqueue = \"orders\"\n";
const AMQP_OUT: &str = "[send]\ntransport = \"amqp\"\nurl = \"amqp://broker\"\nuser = \"snodo\"\n\
                        password = { file = \"broker\" }\nexchange = \"\"\n";
const CLIENTS: &str = "[receive]\ntransport = \"websocket\"\nverify.key = { env = \"SITE_KEY\" }\n";
const FEED: &str = "[receive]\ntransport = \"websocket\"\nurl = \"wss://feed.example.com/v1?x=y\"\n";

#[test]
fn channels_as_they_are_meant_are_read() {
    for text in [MQTT_IN, MQTT_OUT, AMQP_IN, AMQP_OUT, CLIENTS, FEED] {
        let declared = read_channel(text).unwrap_or_else(|mistakes| panic!("{text}{mistakes:#?}"));
        assert!(declared.channels.contains_key("live"), "{text}");
    }
    let both = format!("{MQTT_IN}{AMQP_OUT}");
    let declared = read_channel(&both).unwrap();
    let channel = &declared.channels["live"];
    let (Some(Inlet::Mqtt(mqtt)), Some(Outlet::Amqp(amqp))) = (&channel.receive, &channel.send) else {
        panic!("{channel:?}")
    };
    assert_eq!(
        (mqtt.prefetch, mqtt.session.to_string().as_str(), mqtt.password.is_none()),
        (64, "7 days", true)
    );
    assert_eq!((amqp.vhost.as_str(), amqp.concurrent), ("/", 64));
    let declared = read_channel(CLIENTS).unwrap();
    let Some(Inlet::WebSocket(clients)) = &declared.channels["live"].receive else { panic!("{declared:?}") };
    assert!(
        matches!(clients.verify, Some(crate::verify::Verify::WriteKey { .. })),
        "the connector brings its scheme"
    );
}

/// A declaration with something wrong in it, and what is said of it: a part of the message and a part of the remedy.
#[test]
fn each_mistake_has_its_remedy() {
    let change = |text: &str, old: &str, new: &str| {
        assert!(text.contains(old), "{old}");
        text.replacen(old, new, 1)
    };
    let mut failed = String::new();
    for (text, message, remedy) in [
        (
            change(MQTT_IN, "url = \"mqtts://broker.example.com\"\n", ""),
            "does not say its `url`",
            "mqtts://broker.example.com:8883",
        ),
        (change(MQTT_IN, "mqtts://", "https://"), "does not begin with a scheme", "mqtts://"),
        (
            change(MQTT_IN, "mqtts://", "mqtts://snodo:hunter2@"),
            "holds a user or a password",
            "keys of their own",
        ),
        (change(MQTT_IN, "broker.example.com", "broker.example.com/x"), "behind the host", "mqtts://"),
        (change(MQTT_IN, "[\"shop/+/orders\"]", "[]"), "`topics` is empty", "shop/orders/#"),
        (change(MQTT_IN, "shop/+/orders", "shop/#/orders"), "no filter of topics", "at its end"),
        (change(MQTT_IN, "shop/+/orders", "$share/x/orders"), "no filter of topics", "at its end"),
        (format!("{MQTT_IN}queue_group = \"a/b\"\n"), "`queue_group` cannot be \"a/b\"", "letters"),
        (format!("{MQTT_IN}prefetch = 5000\n"), "`prefetch` is too large", "1024"),
        (format!("{MQTT_IN}user = \"snodo\"\n"), "has a `user` and no `password`", "add password"),
        (format!("{MQTT_OUT}password = {{ env = \"X\" }}\n"), "has a `password` and no `user`", "add user"),
        (
            format!("{MQTT_OUT}user = \"snodo\"\npassword = \"hunter2\"\n"),
            "holds the secret itself",
            "LIVE_PASSWORD",
        ),
        (change(MQTT_OUT, "topics = [\"customers/#\"]\n", ""), "does not say its `topics`", "customers/#"),
        (
            format!("{MQTT_IN}client_id = \"a\"\n{MQTT_OUT}client_id = \"a\"\n"),
            "both ways of the channel have the same `client_id`",
            "leave both out",
        ),
        (change(AMQP_IN, "queue = \"orders\"\n", ""), "does not say its `queue`", "queue = \"orders\""),
        (
            change(AMQP_IN, "password = { env = \"BROKER_PASSWORD\" }\n", ""),
            "does not say its `password`",
            "LIVE_PASSWORD",
        ),
        (change(AMQP_IN, "amqps://broker", "amqps://broker/shop"), "behind the host", "amqps://"),
        (
            change(AMQP_OUT, "exchange = \"\"\n", ""),
            "does not say its `exchange`",
            "exchange = \"customers\"",
        ),
        (
            change(
                CLIENTS,
                "verify.key = { env = \"SITE_KEY\" }\n",
                "verify.scheme = \"standard-webhooks\"\nverify.secret = { env = \"X\" }\n",
            ),
            "needs a body",
            "\"bearer\"",
        ),
        (format!("{CLIENTS}hello = \"hi\"\n"), "`hello` is for a feed", "add url"),
        (
            format!("{FEED}verify = {{ scheme = \"none\" }}\n"),
            "`verify` does not go with `url`",
            "leave verify out",
        ),
        (
            change(FEED, "wss://feed.example.com/v1?x=y", "https://feed.example.com"),
            "does not begin with a scheme",
            "wss://",
        ),
    ] {
        let found = read_channel(&text).map(|declared| declared.notes).unwrap_or_else(|mistakes| mistakes);
        let about: Vec<_> = found.iter().filter(|one| one.severity == Severity::Mistake).collect();
        let told = found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        assert!(!told.contains("hunter2"), "{told}");
        if about.len() != 1 || !about[0].message.contains(message) || !about[0].remedy.contains(remedy) {
            failed += &format!("\n{text}=> {message:?}, {remedy:?}, and was told\n{told}\n");
        }
    }
    assert!(failed.is_empty(), "{failed}");
}
