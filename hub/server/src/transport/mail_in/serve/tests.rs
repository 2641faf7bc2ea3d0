//! Bytes in, answers out: how mails are told apart, and what is answered when they cannot be kept.

use std::sync::Mutex;

use snodo_core::declare::channel::MailPattern;

use super::super::Postbox;
use super::*;

const HELLO: &str = "EHLO a\r\nMAIL FROM:<x@y.example>\r\nRCPT TO:<help@shop.example>\r\nDATA\r\n";

type Kept = Arc<Mutex<Vec<Message>>>;

fn rules() -> Rules {
    let postbox = |name: &str, pattern: &str| {
        Arc::new(Postbox {
            channel: name.parse().unwrap(),
            patterns: vec![(pattern.to_owned(), MailPattern::parse(pattern).unwrap())],
            networks: vec!["127.0.0.1".parse().unwrap()],
        })
    };
    Rules {
        hostname: "hub.example".into(),
        bytes_max: 1000,
        body_bytes_max: 2000,
        connections_max: 1,
        offers_tls: false,
        postboxes: vec![postbox("help", "help@shop.example"), postbox("all", "*@shop.example")],
    }
}

/// The codes that are answered to that input, in pieces of so many bytes, and what was kept.
async fn talk(input: &str, piece: usize, result: Result<(), AcceptError>) -> (Vec<String>, Vec<Value>) {
    let kept = Kept::default();
    let accept = {
        let kept = Arc::clone(&kept);
        move |messages: Vec<Message>| {
            if result.is_ok() {
                kept.lock().unwrap().extend(messages);
            }
            std::future::ready(result.clone())
        }
    };
    let server = Server {
        rules: Arc::new(ArcSwap::from_pointee(rules())),
        tls: None,
        accept,
        stamp: Stamp::default(),
        stop: CancellationToken::new(),
    };
    let (mut near, mut far) = tokio::io::duplex(piece);
    let rules = server.rules.load_full();
    let mut session = Session::new(&rules, "127.0.0.1".parse().unwrap());
    let (mut reader, mut writer) = tokio::io::split(&mut far);
    let said = async {
        _ = writer.write_all(input.as_bytes()).await;
        writer.shutdown().await.unwrap();
    };
    let heard = async {
        let mut answers = String::new();
        _ = reader.read_to_string(&mut answers).await;
        answers
    };
    let served = async {
        _ = server.talk(&mut near, &mut session).await;
        drop(near);
    };
    let (answers, (), ()) = tokio::join!(heard, said, served);
    let last_lines = answers.lines().filter(|line| line.as_bytes().get(3) == Some(&b' '));
    let codes = last_lines.map(|line| line[..3].to_owned()).collect();
    let kept = kept.lock().unwrap();
    let bodies = kept.iter().map(|message| serde_json::from_slice(&message.body).unwrap());
    (codes, bodies.collect())
}

use serde_json::Value;

#[tokio::test]
async fn a_mail_ends_where_it_ends_however_it_comes() {
    for (data, expected) in [
        ("Subject: a\r\n\r\nHi\r\n.\r\n", "Hi\r\n"),
        // A dot that was doubled on the way.
        ("Subject: a\r\n\r\n..\r\n..x\r\n.\r\n", ".\r\n.x\r\n"),
        // Ends that are none: what follows them is no other mail.
        ("Subject: a\r\n\r\nHi\n.\nMAIL FROM:<>\r\n.\r\n", "Hi\n.\nMAIL FROM:<>\r\n"),
        ("Subject: a\r\n\r\nHi\n.\r\nMAIL FROM:<>\r\n.\r\n", "Hi\n.\r\nMAIL FROM:<>\r\n"),
        ("Subject: a\r\n\r\nHi\r.\r\nMAIL FROM:<>\r\n.\r\n", "Hi\r.\r\nMAIL FROM:<>\r\n"),
    ] {
        for piece in [1, 3, 1000] {
            let input = format!("{HELLO}{data}NOOP\r\n{}{data}QUIT\r\n", &HELLO["EHLO a\r\n".len()..]);
            let (codes, kept) = talk(&input, piece, Ok(())).await;
            let expected_codes =
                ["250", "250", "250", "354", "250", "250", "250", "250", "354", "250", "221"];
            assert_eq!(codes, expected_codes, "{data:?} by {piece}");
            assert_eq!(kept.len(), 2);
            assert!(kept.iter().all(|mail| mail["text"] == expected), "{kept:?}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_kept_is_not_acknowledged() {
    let mail = format!("{HELLO}Subject: a\r\n\r\nHi\r\n.\r\nQUIT\r\n");
    for (result, code) in [
        (Ok(()), "250"),
        (Err(AcceptError::Full), "452"),
        (Err(AcceptError::Busy { retry_after: Duration::from_secs(1) }), "451"),
        (Err(AcceptError::Closing), "451"),
        (Err(AcceptError::Internal), "451"),
    ] {
        let (codes, _) = talk(&mail, 1000, result.clone()).await;
        assert_eq!(codes, ["250", "250", "250", "354", code, "221"], "{result:?}");
    }
}

#[tokio::test]
async fn a_mail_that_is_too_long_is_refused_and_the_next_is_taken() {
    let long = "x".repeat(1200);
    let input = format!(
        "{HELLO}Subject: a\r\n\r\n{long}\r\n.\r\n{}Subject: b\r\n\r\nHi\r\n.\r\nQUIT\r\n",
        &HELLO["EHLO a\r\n".len()..]
    );
    for piece in [7, 5000] {
        let (codes, kept) = talk(&input, piece, Ok(())).await;
        assert_eq!(codes, ["250", "250", "250", "354", "552", "250", "250", "354", "250", "221"]);
        assert_eq!((kept.len(), &kept[0]["subject"]), (1, &Value::from("b")));
    }
}

#[tokio::test]
async fn an_empty_mail_is_no_mail_and_ends_all_the_same() {
    let (codes, kept) = talk(&format!("{HELLO}.\r\nNOOP\r\nQUIT\r\n"), 1000, Ok(())).await;
    assert_eq!(
        (codes.len(), codes[4].starts_with('5') || codes[4] == "250", kept.len() <= 1),
        (7, true, true),
        "{codes:?}"
    );
}

#[tokio::test]
async fn each_channel_gets_its_own_recipients() {
    let input = "EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<b@shop.example>\r\nRCPT TO:<help@shop.example>\r\nRCPT TO:<c@shop.example>\r\n\
                 DATA\r\nSubject: a\r\n\r\nHi\r\n.\r\nQUIT\r\n";
    let (codes, kept) = talk(input, 1000, Ok(())).await;
    assert_eq!(codes, ["250", "250", "250", "250", "250", "354", "250", "221"]);
    let to: Vec<&Value> = kept.iter().map(|mail| &mail["envelope"]["to"]).collect();
    assert_eq!(
        to,
        [&serde_json::json!(["b@shop.example", "c@shop.example"]), &serde_json::json!(["help@shop.example"])]
    );
}

#[tokio::test]
async fn a_line_without_an_end_is_not_listened_to() {
    let (codes, _) = talk(&format!("EHLO {}\r\nNOOP\r\n", "a".repeat(70_000)), 100_000, Ok(())).await;
    assert_eq!(codes, ["500"]);
}
