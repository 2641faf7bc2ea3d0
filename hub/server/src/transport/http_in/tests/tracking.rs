//! `POST /v1/…`: calls that name no channel, and pages of other sites.

use super::*;

/// `Basic` with that user and no password.
fn basic(key: &str) -> String {
    snodo_core::verify::check::write_key_authorization(key)
}

#[tokio::test]
async fn a_tracking_call_finds_its_channel_by_the_write_key() {
    let hub = hub(Limits::default()).await;
    let (new, old) = (basic("k1"), basic("k0"));
    for (path, authorization, body, name, kept) in [
        ("/v1/track", Some(&new), r#"{"event":"A"}"#, "track", r#"{"event":"A"}"#),
        ("/v1/t", None, r#"{"event":"B","writeKey":"k1"}"#, "track", r#"{"event":"B","writeKey":null}"#),
        (
            "/v1/batch",
            Some(&old),
            r#"{"batch":[],"writeKey":"x"}"#,
            "batch",
            r#"{"batch":[],"writeKey":null}"#,
        ),
        ("/v1/i?x=1", Some(&new), "{}", "identify", "{}"),
    ] {
        let headers: Vec<_> = authorization.iter().map(|key| ("authorization", key.as_str())).collect();
        let (status, answer, head) = hub.post(path, &headers, body).await;
        assert_eq!((status, answer), (200, serde_json::json!({"success": true})), "{path} {head}");
        let message = hub.accepted.lock().unwrap().pop().unwrap();
        assert_eq!((message.channel.as_str(), message.envelope.name.as_str()), ("site", name));
        assert_eq!(message.envelope.headers, []);
        assert_eq!(message.body, kept);
    }
    // By the channel's own address the key is not kept either; what is no call is kept as it is.
    for (body, kept) in [
        ("{}", "{}"),
        (r#"{"event":"A","writeKey":"k1"}"#, r#"{"event":"A","writeKey":null}"#),
        ("[7]", "[7]"),
        ("", ""),
    ] {
        let (status, ..) = hub.post("/in/site", &[("authorization", &new)], body).await;
        assert_eq!(status, 202, "{body}");
        assert_eq!(hub.accepted.lock().unwrap().pop().unwrap().body, kept);
    }
    let torn = hub.post("/in/site", &[("authorization", &new)], r#"{"writeKey":"k1""#).await;
    assert_eq!((torn.0, &torn.1["type"]), (400, &"urn:snodo:problem:not-json".into()));
    let open = r#"{"writeKey":"k1"}"#;
    assert_eq!(hub.post("/in/open", &[], open).await.0, 202);
    assert_eq!(
        hub.accepted.lock().unwrap().pop().unwrap().body,
        open,
        "another channel's body is nobody's business"
    );
}

#[tokio::test]
async fn pages_of_declared_sites_may_send_and_read_the_answer() {
    const SHOP: &str = "https://shop.example.com";
    let hub = hub(Limits::default()).await;
    let site = || inbound("site", "scheme = \"write-key\"\nkey = { env = \"k1\" }", Limits::default());
    for inbound in [
        site().with_origins(&[SHOP.into()]),
        inbound("open", "scheme = \"none\"", Limits::default()).with_origins(&["*".into()]),
        inbound("closed", "scheme = \"none\"", Limits::default()),
    ] {
        hub.channels.open(inbound);
    }
    let allowed = |head: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix("access-control-allow-origin: "));
        line.map(str::to_owned)
    };
    for (path, origin, expected) in [
        ("/in/site", SHOP, Some(SHOP)),
        ("/in/site", "https://evil.example.com", None),
        ("/in/site", "https://shop.example.com.evil.example", None),
        ("/in/open", "https://any.example.com", Some("*")),
        ("/in/open", "null", Some("*")),
        ("/in/closed", SHOP, None),
        ("/v1/t", SHOP, Some(SHOP)),
        ("/v1/t", "https://any.example.com", None),
    ] {
        let preflight = format!(
            "OPTIONS {path} HTTP/1.1\r\nhost: hub\r\nconnection: close\r\norigin: {origin}\r\n\
             access-control-request-method: POST\r\naccess-control-request-headers: authorization,content-type\r\n\r\n"
        );
        let (status, _, head) = split(&hub.raw(preflight.as_bytes()).await);
        assert_eq!(allowed(&head).as_deref(), expected, "{path} {origin} {head}");
        let told = |line: &str| head.lines().any(|one| one == line);
        match expected {
            Some(_) => {
                assert_eq!(status, 204, "{path} {origin}");
                for line in [
                    "access-control-allow-methods: POST",
                    "access-control-allow-headers: authorization,content-type",
                    "access-control-max-age: 7200",
                    "vary: origin",
                ] {
                    assert!(told(line), "{path} {origin} {line} {head}");
                }
            }
            None => assert_eq!(status, 405, "{path} {origin}"),
        }
        // What the library for browsers sends: JSON as plain text, so that no browser has to ask first, and the key in the body.
        let headers = [("origin", origin), ("content-type", "text/plain")];
        let (status, _, head) = hub.post(path, &headers, r#"{"event":"A","writeKey":"k1"}"#).await;
        assert_eq!(allowed(&head).as_deref(), expected, "{path} {origin} {head}");
        let believed = match path {
            "/in/site" => 401,
            "/v1/t" => 200,
            _ => 202,
        };
        assert_eq!(status, believed, "a browser's page is no sender: {path} {origin}");
    }
    let (status, _, head) =
        split(&hub.raw(b"OPTIONS /in/open HTTP/1.1\r\nhost: hub\r\nconnection: close\r\n\r\n").await);
    assert_eq!((status, allowed(&head)), (405, None), "nobody asks for a page");
    hub.channels.open(site());
    let headers = [("origin", SHOP), ("content-type", "text/plain")];
    assert_eq!(allowed(&hub.post("/v1/t", &headers, "{}").await.2), None, "off by default");
}

#[tokio::test]
async fn a_tracking_call_that_is_not_taken_is_a_problem() {
    let limits = Limits { body_bytes_max: 100, json_depth_max: 3, ..Limits::default() };
    let hub = hub(limits).await;
    let (key, wrong) = (basic("k1"), basic("s3cret"));
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(100));
    for (path, authorization, body, status, name) in [
        ("/v1/track", wrong.as_str(), "{}", 401, "not-verified"),
        ("/v1/track", "Bearer k1", "{}", 401, "not-verified"),
        ("/v1/track", "", "{}", 401, "not-verified"),
        ("/v1/track", "", r#"{"writeKey":"s3cret"}"#, 401, "not-verified"),
        ("/v1/track", &wrong, r#"{"writeKey":"k1"}"#, 401, "not-verified"),
        ("/v1/track", &key, "[]", 400, "not-json"),
        ("/v1/track", &key, "{", 400, "not-json"),
        ("/v1/track", &key, r#"{"a":[[["#, 422, "too-deep"),
        ("/v1/track", &key, &long, 413, "too-large"),
        ("/v1/tracking", &key, "{}", 404, "unknown-channel"),
    ] {
        let headers = if authorization.is_empty() { vec![] } else { vec![("authorization", authorization)] };
        let (answered, body, head) = hub.post(path, &headers, body).await;
        assert_eq!(answered, status, "{path} {authorization} {head}");
        assert_eq!(body["type"], format!("urn:snodo:problem:{name}"), "{path} {authorization}");
    }
    let (status, ..) =
        hub.post("/v1/track", &[("authorization", &key), ("content-encoding", "br")], "{}").await;
    assert_eq!(status, 415);
    hub.answer.lock().unwrap().clone_from(&Err(AcceptError::Full));
    assert_eq!(hub.post("/v1/track", &[("authorization", &key)], "{}").await.0, 503);
    hub.channels.close(&hub.channels.find("site").unwrap()).await;
    assert_eq!(hub.post("/v1/track", &[("authorization", &key)], "{}").await.0, 404);
    assert!(hub.accepted.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_packed_call_is_unpacked_within_the_bounds_of_a_body() {
    use std::io::Write;
    let pack = |body: &str| {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(body.as_bytes()).unwrap();
        packed.finish().unwrap()
    };
    let hub = hub(Limits { body_bytes_max: 1000, ..Limits::default() }).await;
    let whole = pack(r#"{"event":"A","writeKey":"k1"}"#);
    let bomb = pack(&format!("{{\"a\":\"{}\"}}", "x".repeat(500_000)));
    assert!(bomb.len() < 1000, "small enough to come in packed");
    for (body, status) in [(&whole[..], 200), (&whole[..20], 400), (&bomb, 413), (b"{}", 400)] {
        let mut request = format!(
            "POST /v1/track HTTP/1.1\r\nhost: hub\r\nconnection: close\r\nauthorization: {}\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
            basic("k1"),
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(body);
        assert_eq!(split(&hub.raw(&request).await).0, status);
    }
    let accepted = hub.accepted.lock().unwrap();
    assert_eq!(accepted.len(), 1);
    assert_eq!(accepted[0].body, r#"{"event":"A","writeKey":null}"#);
}
