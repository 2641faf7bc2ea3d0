//! Messages over WebSocket: clients that stay connected, with the library that most of them use, and feeds that the hub connects to.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, Stdio};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message as Frame};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::brokers::{connected, until};
use crate::company::{Company, balanced, get};
use crate::doors::node_command;
use crate::line::order;
use crate::receiver::Receiver;
use crate::wire::Wire;

/// A script of the test's that is told what to do line by line, and tells what it saw.
pub struct Script {
    child: Child,
    said: std::sync::mpsc::Receiver<Value>,
    stdin: ChildStdin,
}

impl Script {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (lines, stdin) =
            (BufReader::new(child.stdout.take().unwrap()).lines(), child.stdin.take().unwrap());
        let (say, said) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                _ = say.send(serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}")));
            }
        });
        Self { child, said, stdin }
    }

    pub fn tell(&mut self, what: &Value) {
        use std::io::Write;
        writeln!(self.stdin, "{what}").unwrap();
    }

    pub fn next(&self) -> Value {
        self.said.recv_timeout(crate::company::PATIENCE).expect("the script says something in time")
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn receives(company: &Company, rest: &str) {
    company
        .channel("live", &format!("connector = \"canonical\"\n[receive]\ntransport = \"websocket\"\n{rest}"));
}

pub type Socket = WebSocketStream<TcpStream>;

pub async fn connect(
    hub: SocketAddr,
    path: &str,
    headers: &[(&'static str, &str)],
) -> Result<Socket, Box<Error>> {
    let stream = TcpStream::connect(hub).await.unwrap();
    let mut request = format!("ws://{hub}{path}").into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    client_async(request, stream).await.map(|(socket, _)| socket).map_err(Box::new)
}

fn status(refused: Result<Socket, Box<Error>>) -> u16 {
    match refused.map_err(|error| *error) {
        Err(Error::Http(answer)) => answer.status().as_u16(),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it was let in"),
    }
}

pub async fn next(socket: &mut Socket) -> Frame {
    loop {
        let frame = tokio::time::timeout(crate::company::PATIENCE, socket.next()).await;
        match frame.expect("a frame in time").unwrap().unwrap() {
            Frame::Ping(_) | Frame::Pong(_) => {}
            frame => return frame,
        }
    }
}

pub async fn answer(socket: &mut Socket) -> Value {
    serde_json::from_str(next(socket).await.to_text().unwrap()).unwrap()
}

pub fn closed(frame: &Frame) -> u16 {
    match frame {
        Frame::Close(Some(close)) => close.code.into(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_answered_in_order_once_its_messages_are_safe() {
    let receiver = Receiver::start().await;
    let company = Company::new();
    company.write("token", "t0ken\n");
    receives(&company, "verify = { scheme = \"bearer\", token = { file = \"token\" } }\n");
    company.webhook_out("crm", receiver.address);
    company.route("orders", "live", "crm", "");
    let mut hub = company.start();

    let address = format!("ws://{}/ws/live", hub.address);
    let mut accepted = std::collections::BTreeSet::new();
    let mut from = 0;
    // With the library `ws`, through two kills: what was not answered is sent again.
    for round in 0..3 {
        let mut script = Script::start(&mut node_command("ws-client.mjs", &[&address, "t0ken"]));
        assert_eq!(script.next(), json!({"open": true}));
        let to = from + 200;
        for id in from..to {
            script.tell(&json!({"send": order(id, "rosa@example.com").to_string(), "binary": id % 2 == 1}));
        }
        let most = if round == 2 { 200 } else { 60 };
        for _ in 0..most {
            let answer = script.next();
            let id = answer["message"]["accepted"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
            assert!(accepted.insert(id), "{answer} came twice");
        }
        from += most;
        if round < 2 {
            hub.kill();
            hub = company.start();
        }
    }
    assert_eq!(from, 320);
    let orders = || {
        let id = |body: &Value| body["data"]["order"]["id"].as_str().unwrap().parse::<u32>().unwrap();
        receiver.taken().iter().map(|one| id(&one.body)).collect::<std::collections::BTreeSet<u32>>()
    };
    until("all orders", || (0..320).all(|id| orders().contains(&id))).await;
    balanced(&company.settled());

    // At the stop everybody is told.
    let mut script = Script::start(&mut node_command("ws-client.mjs", &[&address, "t0ken"]));
    assert_eq!(script.next(), json!({"open": true}));
    script.tell(&json!({"send": "no event"}));
    assert!(script.next()["message"]["accepted"].is_string(), "what it says is judged later");
    hub.stop();
    assert_eq!(script.next(), json!({"close": 1001}));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_not_connect_is_told_why() {
    let company = Company::new();
    company.write("key", "wk-1\n");
    receives(
        &company,
        "verify = { scheme = \"write-key\", key = { file = \"key\" } }\norigins = [\"https://shop.example.com\"]\nclients_max = 1\n\
         idle = \"3 seconds\"\n",
    );
    company.channel(
        "open",
        "connector = \"canonical\"\n[receive]\ntransport = \"websocket\"\nverify = { scheme = \"none\" }\n",
    );
    company.channel(
        "feeds",
        "connector = \"canonical\"\n[receive]\ntransport = \"websocket\"\n\
         verify = { scheme = \"api-key-query\", parameter = \"key\", key = { file = \"key\" } }\n",
    );
    let hub = company.start();
    let at = hub.address;
    assert_eq!(status(connect(at, "/ws/nobody", &[]).await), 404);
    assert_eq!(status(connect(at, "/ws/live", &[]).await), 401);
    assert_eq!(status(connect(at, "/ws/live?writeKey=wk-2", &[]).await), 401);
    let elsewhere = [("origin", "https://else.example.com")];
    assert_eq!(status(connect(at, "/ws/live?writeKey=wk-1", &elsewhere).await), 403);
    assert_eq!(status(connect(at, "/ws/open", &elsewhere).await), 403);
    assert_eq!(get(at, "/ws/open").unwrap().0, 400);
    assert_eq!(status(connect(at, "/ws/feeds?key=wk-2", &[]).await), 401);
    assert!(connect(at, "/ws/feeds?key=wk-1", &[]).await.is_ok());

    // A page that may, with the key where a page can put it; a second client is one too many.
    let page = [("origin", "https://shop.example.com")];
    let mut first = connect(at, "/ws/live?till=7&writeKey=wk-1", &page).await.unwrap();
    first.send(Frame::text(order(1, "rosa@example.com").to_string())).await.unwrap();
    assert!(answer(&mut first).await["accepted"].is_string());
    let mut second = connect(at, "/ws/live?writeKey=wk-1", &[]).await.unwrap();
    assert_eq!(closed(&next(&mut second).await), 1013);
    // Nested too deeply for any reader; then too large for the hub.
    first.send(Frame::text("[".repeat(100))).await.unwrap();
    assert_eq!(answer(&mut first).await, json!({"refused": {"reason": "too-deep"}}));
    let (mut to_hub, mut from_hub) = first.split();
    // The hub reads no further than it has to, so that this may not end well.
    tokio::spawn(async move { to_hub.send(Frame::binary(vec![b'x'; (1 << 20) + 1])).await });
    let goodbye = loop {
        match from_hub.next().await.unwrap().unwrap() {
            Frame::Ping(_) => {}
            frame => break frame,
        }
    };
    assert_eq!(closed(&goodbye), 1009);
    drop(from_hub);

    // Who is there no more but does not say so: no ping is answered, because nobody reads.
    let mut silent = loop {
        let mut one = connect(at, "/ws/live?writeKey=wk-1", &[]).await.unwrap();
        one.send(Frame::text(order(2, "rosa@example.com").to_string())).await.unwrap();
        match next(&mut one).await {
            Frame::Close(_) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
            _ => break one,
        }
    };
    let line = "snodo_websocket_in_total{channel=\"live\",result=\"closed\"}";
    let clients = || get(at, "/metrics").unwrap().1.contains("snodo_websocket_clients{channel=\"live\"} 0\n");
    until("the silent client is closed", clients).await;
    assert_eq!(closed(&next(&mut silent).await), 1008);
    assert!(get(at, "/metrics").unwrap().1.contains(line));

    let stored = company.json(&["events"]);
    assert!(!format!("{stored:?}").contains("wk-1"), "{stored:?}");
    let log = hub.stop();
    assert!(!log.contains("wk-") && !log.contains("rosa"), "{log}");
    balanced(&company.balance());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_is_connected_to_for_ever() {
    let receiver = Receiver::start().await;
    let mut feed = Script::start(&mut node_command("ws-server.mjs", &["f33d-token"]));
    let port = u16::try_from(feed.next()["port"].as_u64().unwrap()).unwrap();
    let proxy = Wire::to(SocketAddr::from(([127, 0, 0, 1], port))).await;
    let company = Company::new();
    company.write("token", "wrong-token\n");
    receives(
        &company,
        &format!(
            "url = \"ws://{}/v1/events\"\nauth = {{ scheme = \"bearer\", token = {{ file = \"token\" }} }}\nhello = \"subscribe orders\"\n",
            proxy.address
        ),
    );
    company.webhook_out("crm", receiver.address);
    company.route("orders", "live", "crm", "");
    let hub = company.start();
    let refused = || {
        get(hub.address, "/metrics")
            .is_some_and(|(_, text)| text.contains("transport=\"websocket\",result=\"refused\""))
    };
    until("a refusal", refused).await;
    let log = hub.stop();
    assert!(log.contains("answered 401") && !log.contains("wrong-token"), "{log}");

    company.write("token", "f33d-token\n");
    let hub = company.start();
    connected(&company, "live", "websocket", 1).await;
    assert_eq!(feed.next(), json!({"hello": "subscribe orders", "path": "/v1/events"}));
    feed.tell(&json!({"send": order(1, "rosa@example.com").to_string()}));
    feed.tell(&json!({"send": "x".repeat((1 << 20) + 1)}));
    feed.tell(&json!({"send": order(2, "rosa@example.com").to_string(), "binary": true}));
    until("two orders", || receiver.taken().len() == 2).await;
    proxy.cut();
    let away = || {
        get(hub.address, "/metrics")
            .is_some_and(|(_, text)| text.contains("transport=\"websocket\",result=\"away\""))
    };
    until("it is missed", away).await;
    proxy.mend();
    connected(&company, "live", "websocket", 2).await;
    assert_eq!(feed.next()["hello"], "subscribe orders");
    // A feed that closes politely is called again, too.
    feed.tell(&json!({"close": 1012}));
    connected(&company, "live", "websocket", 3).await;
    assert_eq!(feed.next()["hello"], "subscribe orders");
    feed.tell(&json!({"send": order(3, "rosa@example.com").to_string()}));
    until("the order after the breaks", || receiver.taken().len() == 3).await;
    balanced(&company.settled());
    let log = hub.stop();
    assert_eq!(log.matches("connected again").count(), 2, "{log}");
    assert!(!log.contains("rosa") && !log.contains("f33d"), "{log}");
}
