use std::collections::BTreeMap;
use std::sync::Mutex;

use snodo_core::authorize::{Auth, Sign};
use snodo_core::secret::{Secret, SecretRef};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::transport::Mends;

const NOW: Timestamp = Timestamp::from_millis(1_614_265_330_000);

/// A client configuration that trusts nobody.
pub(crate) fn no_tls() -> rustls::ClientConfig {
    rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth()
}

/// Answers every connection with the same bytes, and keeps what it was asked.
struct Destination {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

async fn destination(answer: &'static str) -> Destination {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::new(Mutex::new(vec![]));
    let seen = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let seen = seen.clone();
            tokio::spawn(async move {
                let mut request = vec![0; 8192];
                let bytes = stream.read(&mut request).await.unwrap();
                seen.lock().unwrap().push(String::from_utf8_lossy(&request[..bytes]).into_owned());
                _ = stream.write_all(answer.as_bytes()).await;
                if answer.is_empty() {
                    // Keeps the line open and says nothing.
                    _ = stream.read(&mut request).await;
                }
            });
        }
    });
    Destination { port, asked }
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";

fn named(at: &SecretRef) -> Result<Secret, snodo_core::secret::SecretError> {
    match at {
        SecretRef::Env(name) => Ok(Secret::new(name.as_bytes())),
        SecretRef::File(_) => panic!("tests keep no secrets in files"),
    }
}

fn outbound(hosts: &[&str], networks: Networks) -> Outbound {
    Outbound {
        hosts: Hosts::parse(hosts).unwrap(),
        networks,
        credential: Credential::None,
        signer: Signer::new(&Sign::default(), named).unwrap(),
        secrets: Secrets(BTreeMap::from([("key".to_owned(), Secret::new(b"s3cret"))])),
        timeout: Duration::from_secs(5),
        answer_bytes_max: 100,
    }
}

fn local() -> Outbound {
    outbound(&["127.0.0.1", "localhost"], Networks::PublicAndPrivate)
}

fn request(target: &str, headers: &[(&str, &str)]) -> Request {
    Request {
        id: "msg_1".to_owned(),
        method: "POST".to_owned(),
        target: target.to_owned(),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body: "{}".into(),
    }
}

async fn send(to: &Outbound, target: &str, headers: &[(&str, &str)]) -> Result<Answer, SendError> {
    Client::new().unwrap().send(to, request(target, headers), NOW).await
}

#[tokio::test]
async fn a_request_goes_out_and_its_answer_comes_back() {
    let there = destination(
        "HTTP/1.1 429 Slow Down\r\nRetry-After: Thu, 25 Feb 2021 15:03:10 GMT\r\nSet-Cookie: a=b\r\ncontent-length: 4\r\n\r\nwait",
    )
    .await;
    let answer =
        send(&local(), &format!("http://127.0.0.1:{}/a?b=c", there.port), &[("X-Mine", "1")]).await.unwrap();
    assert_eq!((answer.status, answer.body.as_ref()), (429, &b"wait"[..]));
    // 15:02:10 is NOW.
    let expected = [("retry-after", "60"), ("content-length", "4")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(answer.headers, expected);
    let asked = there.asked.lock().unwrap();
    assert!(asked[0].starts_with("POST /a?b=c HTTP/1.1\r\n"), "{}", asked[0]);
    assert!(asked[0].contains("x-mine: 1\r\n") && asked[0].contains("user-agent: snodo/"), "{}", asked[0]);
    assert!(asked[0].ends_with("\r\n\r\n{}"), "{}", asked[0]);
}

#[tokio::test]
async fn proxies_of_the_environment_are_ignored() {
    // The test above once more, in a process whose environment names a proxy that nobody is behind.
    let mut again = std::process::Command::new(std::env::current_exe().unwrap());
    again.args(["transport::http_out::tests::a_request_goes_out_and_its_answer_comes_back", "--exact"]);
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        again.env(name, "http://127.0.0.1:9");
    }
    let ran =
        tokio::task::spawn_blocking(move || again.env_remove("NO_PROXY").env_remove("no_proxy").output())
            .await
            .unwrap();
    let ran = ran.unwrap();
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let there = destination(
        "HTTP/1.1 307 Over There\r\nlocation: /elsewhere\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    )
    .await;
    let answer = send(&local(), &format!("http://127.0.0.1:{}/", there.port), &[]).await.unwrap();
    assert_eq!(answer.status, 307);
    assert_eq!(there.asked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn nothing_private_is_called_unless_it_was_granted() {
    let there = destination(OK).await;
    let port = there.port;
    // Each is on the allow-list: it is the address that is refused.
    for (host, granted) in [
        ("127.0.0.1", true),
        ("2130706433", true),
        ("0x7f.1", true),
        ("localhost", true),
        ("[::ffff:127.0.0.1]", true),
        ("0.0.0.0", false),
        ("0", false),
        ("169.254.169.254", false),
        ("[::]", false),
        ("[fe80::1]", false),
    ] {
        let url = format!("https://{host}:{port}/");
        let parsed = reqwest::Url::parse(&url).unwrap();
        let hosts = [parsed.host_str().unwrap()];
        let refused = send(&outbound(&hosts, Networks::Public), &url, &[]).await.unwrap_err();
        assert!(matches!(refused, SendError::Address(_)), "{host}: {refused}");
        assert_eq!(refused.mends(), Mends::Channel);
        let plain = format!("http://{host}:{port}/");
        let result = send(&outbound(&hosts, Networks::PublicAndPrivate), &plain, &[]).await;
        match granted {
            true => assert_eq!(result.unwrap().body, "ok", "{host}"),
            false => assert!(matches!(result, Err(SendError::Address(_))), "{host}: {result:?}"),
        }
    }
    assert_eq!(there.asked.lock().unwrap().len(), 5);
}

#[tokio::test]
async fn only_declared_hosts_are_called_and_only_they_see_a_secret() {
    let there = destination(OK).await;
    let header = [("x-key", "Key {{secret:key}}.{{secret:key}}")];
    let url = format!("http://127.0.0.1:{}/", there.port);
    let other = outbound(&["api.example.com"], Networks::PublicAndPrivate);
    let refused = send(&other, &url, &header).await.unwrap_err();
    assert!(
        matches!(&refused, SendError::Host { .. }) && !refused.to_string().contains("s3cret"),
        "{refused}"
    );
    assert!(there.asked.lock().unwrap().is_empty());
    send(&local(), &url, &header).await.unwrap();
    assert!(there.asked.lock().unwrap()[0].contains("x-key: Key s3cret.s3cret\r\n"));
    assert_eq!(
        send(&local(), &url, &[("x-key", "{{secret:other}}")]).await,
        Err(SendError::Secret("other".to_owned()))
    );
}

#[test]
fn a_secret_stands_behind_the_host_or_in_no_target_at_all() {
    let to = |secret: &str| Outbound {
        secrets: Secrets(BTreeMap::from([("key".to_owned(), Secret::new(secret.as_bytes()))])),
        ..outbound(&["hooks.example.com"], Networks::Public)
    };
    let prepared = |secret: &str, target: &str| {
        prepare::prepare(&to(secret), request(target, &[]), None, NOW)
            .map(|request| request.url().to_string())
    };
    for (target, expected) in [
        ("https://hooks.example.com/services/{{secret:key}}", "https://hooks.example.com/services/T0/B0/s3"),
        (
            "https://hooks.example.com/{{secret:key}}/send?to=1",
            "https://hooks.example.com/T0/B0/s3/send?to=1",
        ),
        ("https://hooks.example.com/?key={{secret:key}}", "https://hooks.example.com/?key=T0/B0/s3"),
        // What an event's text became of a connector that escapes it.
        (
            "https://hooks.example.com/%7B%7Bsecret:key%7D%7D",
            "https://hooks.example.com/%7B%7Bsecret:key%7D%7D",
        ),
    ] {
        assert_eq!(prepared("T0/B0/s3", target).as_deref(), Ok(expected));
    }
    for target in [
        "https://{{secret:key}}/services",
        "https://{{secret:key}}.example.com/",
        "https://hooks.example.com:{{secret:key}}/",
        "https://hooks.example.com{{secret:key}}",
        "https://hooks.example.com?{{secret:key}}/",
        "https:{{secret:key}}",
        "{{secret:key}}",
        "https://hooks.example.com/{{secret:key",
    ] {
        let refused = prepared("evil.example.com", target).unwrap_err();
        assert_eq!(refused.mends(), Mends::Connector, "{target}: {refused}");
        assert!(!refused.to_string().contains("evil"), "{refused}");
    }
    let elsewhere = prepared("s3", "https://other.example.com/{{secret:key}}").unwrap_err();
    assert!(matches!(elsewhere, SendError::Host { .. }), "{elsewhere}");
    for unfit in ["a b", "a\nb", "caf\u{e9}"] {
        let refused = prepared(unfit, "https://hooks.example.com/{{secret:key}}").unwrap_err();
        assert_eq!(refused.mends(), Mends::Channel, "{refused}");
        assert!(!refused.to_string().contains(unfit), "{refused}");
    }
}

#[test]
fn a_connector_can_ask_for_nothing_that_is_the_hubs_to_decide() {
    let public = outbound(&["api.example.com"], Networks::Public);
    for (target, header) in [
        ("https://api.example.com/", ("Host", "other.example.com")),
        ("https://api.example.com/", ("content-length", "0")),
        ("https://api.example.com/", ("Transfer-Encoding", "chunked")),
        ("https://api.example.com/", ("x y", "1")),
        ("https://api.example.com/", ("x", "1\r\ny: 2")),
        ("https://api.example.com/", ("x", "{{secret:key")),
        ("https://user:pw@api.example.com/", ("x", "1")),
        ("ftp://api.example.com/", ("x", "1")),
        ("file:///etc/passwd", ("x", "1")),
        ("/relative", ("x", "1")),
    ] {
        let refused = prepare::prepare(&public, request(target, &[header]), None, NOW).unwrap_err();
        assert_eq!(refused.mends(), Mends::Connector, "{target} {header:?} {refused}");
    }
    let clear = prepare::prepare(&public, request("http://api.example.com/", &[]), None, NOW).unwrap_err();
    assert_eq!(clear, SendError::Clear("api.example.com".to_owned()));
    let mut strange = request("https://api.example.com/", &[]);
    strange.method = "CONNECT".to_owned();
    assert!(matches!(prepare::prepare(&public, strange, None, NOW), Err(SendError::Malformed(_))));
}

#[test]
fn credentials_and_signatures_are_the_hubs_and_win_over_the_connectors() {
    let bearer: Auth = toml::from_str("scheme = \"bearer\"\ntoken = { env = \"t0ken\" }").unwrap();
    let query: Auth =
        toml::from_str("scheme = \"api-key-query\"\nparameter = \"api key\"\nkey = { env = \"a&b\" }")
            .unwrap();
    let sign: Sign = toml::from_str(
        "scheme = \"standard-webhooks\"\nsecret = { env = \"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\" }",
    )
    .unwrap();
    let mut to = outbound(&["api.example.com"], Networks::Public);
    to.credential = bearer.credential(named).unwrap();
    to.signer = Signer::new(&sign, named).unwrap();
    let own = [
        ("authorization", "Bearer mine"),
        ("webhook-signature", "v1,mine"),
        ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
    ];
    let mut asked = request("https://api.example.com/", &own);
    asked.body = r#"{"test": 2432232314}"#.into();
    let prepared = prepare::prepare(&to, asked, None, NOW).unwrap();
    let header = |name: &str| {
        prepared.headers().get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(header("authorization"), ["Bearer t0ken"]);
    // The documented example of Standard Webhooks: the connector's id is signed.
    assert_eq!(header("webhook-signature"), ["v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="]);
    assert!(!format!("{prepared:?} {to:?}").contains("t0ken"));
    to.credential = query.credential(named).unwrap();
    let prepared = prepare::prepare(&to, request("https://api.example.com/a?b=c", &[]), None, NOW).unwrap();
    assert_eq!(prepared.url().as_str(), "https://api.example.com/a?b=c&api+key=a%26b");
    assert_eq!(prepared.headers()["webhook-id"], "msg_1");
}

#[tokio::test]
async fn no_answer_is_told_apart_by_who_can_mend_it() {
    let too_long = "HTTP/1.1 200 OK\r\ncontent-length: 101\r\n\r\n";
    let endless = "HTTP/1.1 200 OK\r\n\r\n0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789xyz";
    let broken = "HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhalf";
    let mut impatient = local();
    impatient.timeout = Duration::from_millis(100);
    let too_large = SendError::AnswerTooLarge { status: 200, bytes_max: 100 };
    for (answer, to, expected) in [
        (too_long, local(), Some(too_large.clone())),
        (endless, local(), Some(too_large)),
        ("", impatient.clone(), Some(SendError::Timeout(Duration::from_millis(100)))),
        (broken, local(), None),
        ("not http\r\n\r\n", local(), None),
    ] {
        let there = destination(answer).await;
        let error =
            send(&to, &format!("http://127.0.0.1:{}/?key=s3cret", there.port), &[]).await.unwrap_err();
        match expected {
            Some(expected) => assert_eq!(error, expected),
            None => assert!(matches!(error, SendError::Broken(_)), "{answer:?} {error:?}"),
        }
        assert_eq!(error.mends(), Mends::Destination);
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let error = send(&local(), &format!("http://127.0.0.1:{nobody}/"), &[]).await.unwrap_err();
    assert!(matches!(error, SendError::Connect(_)), "{error:?}");
    let there = destination("HTTP/1.1 200 OK\r\n\r\n").await;
    let error = send(&local(), &format!("https://127.0.0.1:{}/", there.port), &[]).await.unwrap_err();
    assert!(matches!(error, SendError::Connect(_)), "{error:?}");
}

#[test]
fn a_request_line_tells_no_secret_and_no_person() {
    for (target, shown) in [
        ("https://api.example.com/v3/contacts", "POST https://api.example.com/v3/contacts"),
        ("https://api.example.com/v3?key=s3cret", "POST https://api.example.com/v3?…"),
        (
            "https://api.example.com/contacts/jo@example.com/tags#x",
            "POST https://api.example.com/contacts/*/tags",
        ),
        ("https://api.example.com/contacts/jo%40example.com", "POST https://api.example.com/contacts/*"),
        ("https://me:pw@api.example.com/", "POST https://api.example.com/"),
        ("jo@example.com", "POST (no URL)"),
    ] {
        assert_eq!(request_line("POST", target), shown);
    }
}
