//! The connector gives `data` on as it got it, byte for byte, whatever form the events come in.

use canonical::Canonical;
use snodo_connector::{Context, Delivery, Destination, Draft, Event, Fault, Message, Source};

/// Spaces, an escape, a number that a float would round: all of it must survive.
const DATA: &str = r#"{ "order" : {"id":"1001","note":"caff\u00e8  ","total":{"amount":"12.50","currency":"EUR"}},"vendor":{"n":12345678901234567890.10} }"#;

fn context(config: &str) -> Context {
    Context { channel: "test".into(), config: config.as_bytes().to_vec(), now: 1_767_225_600_000 }
}

fn decode(body: &str) -> Result<Vec<Draft>, Fault> {
    let message = Message {
        id: "1".into(),
        received_at: 1_767_225_600_000,
        headers: Vec::new(),
        name: String::new(),
        body: body.as_bytes().to_vec(),
    };
    Canonical::decode(&context("{}"), message)
}

fn envelope(id: &str) -> String {
    format!(r#"{{"specversion":"1.0","id":"{id}","type":"commerce.order.placed","data":{DATA}}}"#)
}

#[test]
fn data_is_the_senders_bytes_in_every_form() {
    let (one, two) = (envelope("1"), envelope("2"));
    for (form, body, keys) in [
        ("one object", one.clone(), vec!["1"]),
        ("an array", format!("[{one},\n {two}]"), vec!["1", "2"]),
        ("JSON Lines", format!("{one}\n{two}\n"), vec!["1", "2"]),
        ("an empty array", "[]".to_owned(), vec![]),
    ] {
        let drafts = decode(&body).unwrap();
        let found: Vec<_> = drafts.iter().map(|draft| draft.key.as_deref().unwrap()).collect();
        assert_eq!(found, keys, "{form}");
        for draft in drafts {
            assert_eq!(String::from_utf8(draft.data).unwrap(), DATA, "{form}");
        }
    }
}

#[test]
fn a_fault_names_the_place() {
    let one = envelope("1");
    for (why, body, at) in [
        ("no type", r#"{"data":{}}"#.to_owned(), Some("/type")),
        ("no data", r#"{"type":"web.page.viewed"}"#.to_owned(), Some("/data")),
        ("data that is no object", r#"{"type":"web.page.viewed","data":[1]}"#.to_owned(), Some("/data")),
        ("bytes for data", r#"{"type":"a.b.c","data_base64":"e30="}"#.to_owned(), Some("/data_base64")),
        (
            "another version",
            r#"{"specversion":"0.3","type":"a.b.c","data":{}}"#.to_owned(),
            Some("/specversion"),
        ),
        (
            "another media type",
            r#"{"datacontenttype":"text/xml","type":"a.b.c","data":{}}"#.to_owned(),
            Some("/datacontenttype"),
        ),
        ("the second of an array", format!(r#"[{one},{{"type":""}}]"#), Some("/1/type")),
        ("the second of an array is no object", format!("[{one},7]"), Some("/1")),
        ("the second line", format!("{one}\n{{\"type\":3}}\n"), Some("/1")),
        ("an extension that is a list", r#"{"type":"a.b.c","data":{},"tags":[]}"#.to_owned(), Some("")),
        ("not JSON", "<xml/>".to_owned(), Some("")),
        ("nothing", " \n".to_owned(), None),
    ] {
        match decode(&body) {
            Err(Fault::Permanent(problem)) => {
                assert_eq!(problem.at.as_deref(), at, "{why}: {}", problem.message);
            }
            other => panic!("{why}: {other:?}"),
        }
    }
}

#[test]
fn what_is_sent_can_be_read_again() {
    let delivery = |number: u32| Delivery {
        idempotency_key: format!("k{number}"),
        attempt: 1,
        customer: None,
        event: Event {
            id: format!("e{number}"),
            kind: "commerce.order.placed".into(),
            source: "snodo://example/shop".into(),
            subject: Some("order/\"1001\"".into()),
            time: "2026-01-01T00:00:00Z".into(),
            dataschema: "snodo:snodo/commerce.order.placed/1-0-0".into(),
            ordering_key: "c1".into(),
            attributes: vec![("correlationid".into(), "a\nb".into())],
            data: DATA.as_bytes().to_vec(),
        },
    };
    for (config, bodies) in [
        ("{}", 3),
        (r#"{"url":"https://events.example.com/in"}"#, 3),
        (r#"{"url":"https://events.example.com/in","batch":true}"#, 1),
    ] {
        let plan = Canonical::encode(&context(config), (1..=3).map(delivery).collect());
        assert_eq!(plan.calls.len(), bodies, "{config}");
        let texts: Vec<_> =
            plan.calls.iter().map(|call| String::from_utf8(call.request.body.clone()).unwrap()).collect();
        let drafts = decode(&texts.join("\n")).unwrap();
        assert_eq!(drafts.len(), 3, "{config}");
        for (draft, number) in drafts.iter().zip(1..) {
            assert_eq!(draft.key, Some(format!("snodo://example/shop#e{number}")));
            assert_eq!(draft.subject.as_deref(), Some("order/\"1001\""));
            assert_eq!(draft.attributes[0], ("correlationid".into(), "a\nb".into()));
            assert_eq!(draft.data, DATA.as_bytes());
        }
    }
}
