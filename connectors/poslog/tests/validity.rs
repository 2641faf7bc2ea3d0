//! Everything that the connector makes is valid by the vocabulary: of the golden cases, and of real logs where they are.

use std::fs;
use std::path::{Path, PathBuf};

use poslog::Poslog;
use roxmltree::{Document, Node};
use serde_json::Value;
use snodo_connector::{Context, Draft, Fault, Message, Source};
use snodo_core::vocabulary::Vocabulary;

fn decode(body: Vec<u8>) -> Result<Vec<Draft>, Fault> {
    let config = br#"{"currency": "EUR", "utc_offset": "+01:00"}"#.to_vec();
    let context = Context { channel: "test".into(), config, now: 0 };
    Poslog::decode(
        &context,
        Message { id: "1".into(), received_at: 0, headers: Vec::new(), name: String::new(), body },
    )
}

fn files(folder: &Path, keep: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
    let (mut found, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = open.pop() {
        for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                open.push(path);
            } else if keep(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn data(draft: &Draft) -> Value {
    serde_json::from_slice(&draft.data).expect("a draft's data is JSON")
}

/// Values of a JSON value: what is neither a list nor an object.
fn leaves(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(leaves).sum(),
        Value::Object(fields) => fields.values().map(leaves).sum(),
        _ => 1,
    }
}

/// Fields of an element: its attributes, and the texts of the elements without children.
fn fields(element: Node) -> usize {
    let text = |node: &Node| {
        !node.children().any(|child| child.is_element())
            && node.text().is_some_and(|text| !text.trim().is_empty())
    };
    element
        .descendants()
        .filter(Node::is_element)
        .map(|node| node.attributes().len() + usize::from(text(&node)))
        .sum()
}

#[test]
fn every_event_of_every_golden_case_is_valid() {
    let vocabulary = Vocabulary::load();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    let cases = files(&golden, |path| path.file_stem().is_some_and(|stem| stem == "body"));
    assert!(!cases.is_empty());
    for case in cases {
        for draft in decode(fs::read(&case).unwrap()).unwrap_or_default() {
            assert_eq!(
                vocabulary.check(&draft.kind, &(&data(&draft)).into()),
                Ok(()),
                "{} in {}",
                draft.kind,
                case.display()
            );
        }
    }
}

#[test]
fn real_logs_decode_without_a_fault_into_valid_events_with_keys_of_their_own() {
    let logs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora/poslog");
    let vocabulary = Vocabulary::load();
    for log in files(&logs, |path| path.extension().is_some_and(|kind| kind.eq_ignore_ascii_case("xml"))) {
        let body = fs::read(&log).unwrap();
        let drafts = decode(body.clone()).unwrap_or_else(|fault| panic!("{}: {fault:?}", log.display()));
        let text = String::from_utf8(body).unwrap();
        let document = Document::parse(&text).unwrap();
        let sent: usize = document
            .descendants()
            .filter(|node| node.tag_name().name() == "Transaction")
            .filter(|node| node.children().any(|child| child.tag_name().name() == "RetailTransaction"))
            .map(fields)
            .sum();
        let (mut keys, mut kept_aside, mut unknown) = (Vec::new(), 0, 0);
        for draft in &drafts {
            let data = data(draft);
            assert_eq!(
                vocabulary.check(&draft.kind, &(&data).into()),
                Ok(()),
                "{} in {}",
                draft.kind,
                log.display()
            );
            kept_aside += data.get("vendor").map_or(0, leaves);
            unknown += usize::from(draft.kind == "unknown.message.received");
            keys.push(draft.key.clone().expect("a till numbers its transactions"));
        }
        let events = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), events, "keys repeat in {}", log.display());
        println!(
            "{}: {events} events, {unknown} of them unknown; of {sent} fields of retail transactions {} are mapped ({} %)",
            log.file_name().unwrap_or_default().display(),
            sent - kept_aside,
            (sent - kept_aside) * 100 / sent.max(1)
        );
    }
}
