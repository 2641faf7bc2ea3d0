mod tracking;

use std::sync::Mutex;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use snodo_core::secret::{Secret, SecretRef};
use snodo_core::verify::{Challenger, Verifier, Verify};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::*;

const NOW: i64 = 1_700_000_000;

fn clock() -> Timestamp {
    Timestamp::from_millis(NOW * 1000)
}

/// A door on a port of its own; what it accepted, and what it is to answer next.
struct Hub {
    port: u16,
    channels: Channels,
    accepted: Arc<Mutex<Vec<Message>>>,
    answer: Arc<Mutex<Result<(), AcceptError>>>,
    undeclared: Arc<Undeclared>,
    stop: CancellationToken,
    served: tokio::task::JoinHandle<()>,
}

fn inbound(name: &str, declared: &str, limits: Limits) -> Inbound {
    let declared: Verify = toml::from_str(declared).unwrap();
    let named = |at: &SecretRef| match at {
        SecretRef::Env(name) => Ok(Secret::new(name.as_bytes())),
        SecretRef::File(_) => panic!("tests keep no secrets in files"),
    };
    let verifier = Verifier::new(&declared, named).unwrap();
    Inbound::new(
        name.parse().unwrap(),
        verifier,
        &["X-Topic", "x-key", "authorization", "X-K*", "auth*", "ce-*", "*"],
        limits,
    )
}

async fn hub(limits: Limits) -> Hub {
    let channels = Channels::default();
    for inbound in [
        inbound("open", "scheme = \"none\"", limits),
        inbound("keyed", "scheme = \"api-key\"\nheader = \"x-key\"\nkey = { env = \"s3cret\" }", limits),
        inbound(
            "site",
            "scheme = \"write-key\"\nkey = { env = \"k1\" }\nprevious = [{ env = \"k0\" }]",
            limits,
        ),
        inbound(
            "signed",
            "scheme = \"standard-webhooks\"\nsecret = { env = \"whsec_c2lnbmluZw==\" }",
            limits,
        ),
    ] {
        channels.open(inbound);
    }
    let (accepted, answer) = (Arc::new(Mutex::new(vec![])), Arc::new(Mutex::new(Ok(()))));
    let accept = {
        let (accepted, answer) = (accepted.clone(), answer.clone());
        move |message: Message| {
            let id = message.id;
            let answer: Result<(), AcceptError> = answer.lock().unwrap().clone();
            if answer.is_ok() {
                accepted.lock().unwrap().push(message);
            }
            std::future::ready(answer.map(|()| id))
        }
    };
    let door = Door::new(channels.clone(), accept, clock);
    let undeclared = door.undeclared();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let stop = CancellationToken::new();
    let served = tokio::spawn(serve(listener, door.router(), stop.clone()));
    Hub { port, channels, accepted, answer, undeclared, stop, served }
}

impl Hub {
    /// Sends raw bytes and reads until the other side closes.
    async fn raw(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        // A reset after the answer is how a server closes on a body that it does not want.
        _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    async fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (u16, serde_json::Value, String) {
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = body.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: hub\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}"
        );
        split(&self.raw(request.as_bytes()).await)
    }
}

/// Status, body, head.
fn split(answer: &str) -> (u16, serde_json::Value, String) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
    (head[9..12].parse().unwrap(), serde_json::from_str(body).unwrap_or_default(), head.to_owned())
}

fn sign(id: &str, seconds: i64, body: &str) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"signing").unwrap();
    mac.update(format!("{id}.{seconds}.{body}").as_bytes());
    format!(
        "v1,{}",
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, mac.finalize().into_bytes())
    )
}

#[tokio::test]
async fn a_message_is_kept_with_what_the_manifest_lists_and_no_credential() {
    let hub = hub(Limits::default()).await;
    let headers = [
        ("X-Topic", "orders/create"),
        ("x-key", "s3cret"),
        ("authorization", "Basic abc"),
        ("x-other", "no"),
        ("x-kind", "a"),
        ("CE-Id", "1"),
        ("ce-type", "web.page.viewed"),
        ("content-type", "application/json"),
    ];
    let (status, body, head) = hub.post("/in/keyed?shop=1", &headers, "{\"a\":1}").await;
    assert_eq!(status, 202, "{head}");
    let accepted = hub.accepted.lock().unwrap();
    let message = &accepted[0];
    assert_eq!(body["id"], message.id.to_string());
    assert_eq!(message.channel.as_str(), "keyed");
    assert_eq!(message.received, clock());
    assert_eq!(message.envelope.name, "shop=1");
    let kept = [
        ("content-type", "application/json"),
        ("x-topic", "orders/create"),
        ("x-kind", "a"),
        ("ce-id", "1"),
        ("ce-type", "web.page.viewed"),
    ];
    assert_eq!(message.envelope.headers, kept.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(message.body, "{\"a\":1}");
}

#[tokio::test]
async fn what_is_not_taken_is_a_problem_that_says_what_to_do() {
    let limits = Limits { body_bytes_max: 100, json_depth_max: 3, ..Limits::default() };
    let hub = hub(limits).await;
    let long = "x".repeat(101);
    for (path, headers, body, status, name) in [
        ("/in/nobody", vec![], "{}", 404, "unknown-channel"),
        ("/in/keyed", vec![], "{}", 401, "not-verified"),
        ("/in/keyed", vec![("x-key", "wrong")], "{}", 401, "not-verified"),
        ("/in/open", vec![], long.as_str(), 413, "too-large"),
        ("/in/open", vec![("content-encoding", "gzip")], "{}", 415, "content-encoding"),
        ("/in/open", vec![], "[[[[", 422, "too-deep"),
        (
            "/in/open",
            vec![("content-type", "application/cloudevents+json; charset=utf-8")],
            "[[[[",
            422,
            "too-deep",
        ),
        ("/in/open", vec![("content-type", "text/xml")], "[[[[", 202, ""),
        ("/in/open", vec![], "", 202, ""),
    ] {
        let (answered, body, head) = hub.post(path, &headers, body).await;
        assert_eq!(answered, status, "{path} {headers:?} {head}");
        if status != 202 {
            assert!(head.contains("application/problem+json"), "{head}");
            assert_eq!(body["type"], format!("urn:snodo:problem:{name}"));
            assert_eq!(body["status"], status);
            assert!(
                !body["title"].as_str().unwrap().is_empty() && !body["detail"].as_str().unwrap().is_empty()
            );
            assert!(!body.to_string().contains("s3cret"));
        }
    }
    let (status, _, head) =
        split(&hub.raw(b"GET /in/open HTTP/1.1\r\nhost: hub\r\nconnection: close\r\n\r\n").await);
    assert_eq!(status, 405);
    assert!(head.contains("allow: POST"), "{head}");
    assert_eq!(hub.accepted.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_body_is_measured_while_it_comes_when_nobody_says_how_long_it_is() {
    let hub = hub(Limits { body_bytes_max: 10, ..Limits::default() }).await;
    let chunked = |chunks: &[&str]| {
        let chunks: String = chunks.iter().map(|chunk| format!("{:x}\r\n{chunk}\r\n", chunk.len())).collect();
        format!(
            "POST /in/open HTTP/1.1\r\nhost: hub\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n{chunks}0\r\n\r\n"
        )
    };
    for (chunks, expected) in
        [(&["12345", "67890"][..], 202), (&["12345", "67890", "1"][..], 413), (&["12345678901"][..], 413)]
    {
        assert_eq!(split(&hub.raw(chunked(chunks).as_bytes()).await).0, expected, "{chunks:?}");
    }
    assert_eq!(hub.accepted.lock().unwrap()[0].body, "1234567890");
}

#[tokio::test]
async fn a_slow_body_is_not_waited_for() {
    let hub = hub(Limits { body_time_max: Duration::from_millis(50), ..Limits::default() }).await;
    let (status, _, head) =
        split(&hub.raw(b"POST /in/open HTTP/1.1\r\nhost: hub\r\ncontent-length: 10\r\n\r\n12345").await);
    assert_eq!(status, 408);
    assert!(head.contains("connection: close"), "{head}");
    assert!(hub.accepted.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_copy_of_a_signed_message_is_answered_like_the_first_and_not_taken_again() {
    let hub = hub(Limits::default()).await;
    let send = async |id: &str, seconds: i64, body: &str, signed: &str| {
        let time = seconds.to_string();
        let signature = sign(id, seconds, signed);
        let headers = [
            ("webhook-id", id),
            ("webhook-timestamp", time.as_str()),
            ("webhook-signature", signature.as_str()),
        ];
        hub.post("/in/signed", &headers, body).await
    };
    assert_eq!(send("m1", NOW, "{ }", "{}").await.0, 401, "the body was altered");
    assert_eq!(send("m1", NOW - 301, "{}", "{}").await.0, 401, "it is too old");
    let (status, first, _) = send("m1", NOW, "{}", "{}").await;
    assert_eq!(status, 202);
    // A full hub gives the same answer: there is nothing to keep.
    *hub.answer.lock().unwrap() = Err(AcceptError::Full);
    let (status, copy, _) = send("m1", NOW, "{}", "{}").await;
    assert_eq!((status, &copy["id"], &copy["repeated"]), (202, &first["id"], &true.into()));
    // A new attempt is signed anew, and it is not the door's to say that it is the same event.
    assert_eq!(send("m1", NOW + 1, "{}", "{}").await.0, 503);
    *hub.answer.lock().unwrap() = Ok(());
    assert_eq!(send("m1", NOW + 1, "{}", "{}").await.0, 202, "what failed is not remembered");
    assert_eq!(hub.accepted.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_hub_that_cannot_keep_a_message_says_when_to_come_back() {
    let hub = hub(Limits::default()).await;
    for (error, status, wait) in [
        (AcceptError::Full, 503, Some("retry-after: 30")),
        (AcceptError::Closing, 503, Some("retry-after: 5")),
        (AcceptError::Busy { retry_after: Duration::from_secs(2) }, 429, Some("retry-after: 2")),
        (AcceptError::Internal, 500, None),
    ] {
        *hub.answer.lock().unwrap() = Err(error.clone());
        let (answered, _, head) = hub.post("/in/open", &[], "{}").await;
        assert_eq!(answered, status, "{error}");
        assert_eq!(head.lines().find(|line| line.starts_with("retry-after")), wait);
    }
}

#[tokio::test]
async fn more_than_a_channels_share_at_once_is_sent_away() {
    let hub = hub(Limits { concurrent_max: 1, ..Limits::default() }).await;
    let mut slow = TcpStream::connect(("127.0.0.1", hub.port)).await.unwrap();
    // The hub asks for the body: from then on that request is under way.
    slow.write_all(
        b"POST /in/open HTTP/1.1\r\nhost: hub\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n",
    )
    .await
    .unwrap();
    let mut go_on = [0; 25];
    slow.read_exact(&mut go_on).await.unwrap();
    assert!(go_on.starts_with(b"HTTP/1.1 100"));
    assert_eq!(hub.post("/in/open", &[], "{}").await.0, 429);
    assert_eq!(
        hub.post("/in/keyed", &[("x-key", "s3cret")], "{}").await.0,
        202,
        "another channel is not touched"
    );
    slow.write_all(b"{}").await.unwrap();
    let mut answer = [0; 12];
    slow.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 202");
    assert_eq!(hub.post("/in/open", &[], "{}").await.0, 202);
}

#[tokio::test]
async fn undeclared_senders_are_shown_by_name_until_they_are_declared() {
    let hub = hub(Limits::default()).await;
    for path in ["/in/shadow", "/in/shadow", "/in/Not-A-Name"] {
        assert_eq!(hub.post(path, &[("user-agent", "Mailer/2.0")], "{}").await.0, 404);
    }
    let (seen, others) = hub.undeclared.list();
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].0.as_str(), seen[0].1.count, seen[0].1.sender.as_str()), ("shadow", 2, "Mailer/2.0"));
    assert_eq!(others, 1);
    hub.channels.open(inbound("shadow", "scheme = \"none\"", Limits::default()));
    hub.channels.close(&hub.channels.find("open").unwrap()).await;
    assert_eq!(hub.post("/in/shadow", &[], "{}").await.0, 202, "a declaration takes effect at once");
    assert_eq!(hub.post("/in/open", &[], "{}").await.0, 404);
}

#[tokio::test]
async fn a_hub_that_stops_answers_what_it_has_begun_and_takes_nothing_new() {
    let hub = hub(Limits::default()).await;
    let mut idle = TcpStream::connect(("127.0.0.1", hub.port)).await.unwrap();
    let mut begun = TcpStream::connect(("127.0.0.1", hub.port)).await.unwrap();
    begun
        .write_all(
            b"POST /in/open HTTP/1.1\r\nhost: hub\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n",
        )
        .await
        .unwrap();
    begun.read_exact(&mut [0; 25]).await.unwrap();
    hub.stop.cancel();
    assert_eq!(idle.read(&mut [0; 1]).await.unwrap(), 0, "a connection that says nothing is closed");
    begun.write_all(b"{}").await.unwrap();
    let mut answer = String::new();
    begun.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    hub.served.await.unwrap();
    assert!(TcpStream::connect(("127.0.0.1", hub.port)).await.is_err());
}

#[tokio::test]
async fn the_second_version_of_http_is_spoken_in_the_clear() {
    let hub = hub(Limits::default()).await;
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(crate::transport::http_out::tests::no_tls())
        .http2_prior_knowledge()
        .no_proxy()
        .build()
        .unwrap();
    let url = format!("http://127.0.0.1:{}/in/open", hub.port);
    let answer = client.post(url).body("{}").send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.version()), (202, reqwest::Version::HTTP_2));
}

#[tokio::test]
async fn an_address_is_tried_without_a_secret_and_its_key_is_kept_nowhere() {
    let hub = hub(Limits::default()).await;
    let asking = |name: &str, verify: &str, challenge: &str| {
        let challenge = toml::from_str(&format!("scheme = \"{challenge}\"")).unwrap();
        let challenger = Challenger::new(Some(&challenge), |_| panic!("it has no secret")).unwrap();
        inbound(name, verify, Limits::default()).with_challenger(challenger)
    };
    let signed = "scheme = \"hmac-sha256\"\nheader = \"x-wc-webhook-signature\"\nsecret = { env = \"hush\" }";
    let in_the_query = "scheme = \"api-key-query\"\nparameter = \"secret\"\nkey = { env = \"s3cret\" }";
    hub.channels.open(asking("shop", signed, "woocommerce"));
    hub.channels.open(asking("audience", in_the_query, "mailchimp"));
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: hub\r\nconnection: close\r\n\r\n");
    for (path, status) in [("/in/audience", 200), ("/in/audience?secret=any", 200), ("/in/shop", 405)] {
        assert_eq!(split(&hub.raw(get(path).as_bytes()).await).0, status, "{path}");
    }
    for (path, body, status) in [
        ("/in/shop", "webhook_id=7", 200),
        ("/in/shop", "webhook_id=7&order=1", 401),
        ("/in/audience", "type=subscribe", 401),
        ("/in/audience?secret=s3cre", "type=subscribe", 401),
        ("/in/audience?secret=s3cret&list=a", "type=subscribe", 202),
    ] {
        assert_eq!(hub.post(path, &[], body).await.0, status, "{path} {body}");
    }
    let accepted = hub.accepted.lock().unwrap();
    let [message] = &accepted[..] else { panic!("{accepted:?}") };
    assert_eq!((message.envelope.name.as_str(), &message.body[..]), ("list=a", &b"type=subscribe"[..]));
}
