//! What comes out is all that the manifest names, and free of what is about the request alone.

use std::fs;
use std::path::{Path, PathBuf};

use segment::Segment;
use serde_json::{Value, json};
use snodo_connector::{Context, Draft, Message, Source};
use snodo_core::declare::{Manifest, SourceFile};

fn golden() -> Vec<(PathBuf, Vec<Value>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    let read = |path: PathBuf| {
        let expected: Value =
            serde_json::from_str(&fs::read_to_string(path.join("expected.json")).unwrap()).unwrap();
        (path, expected.as_array().cloned().unwrap_or_default())
    };
    fs::read_dir(folder).unwrap().map(|entry| read(entry.unwrap().path())).collect()
}

#[test]
fn no_golden_event_holds_the_write_key() {
    let mut checked = 0;
    for (case, events) in golden() {
        for event in events {
            let text = event.to_string();
            assert!(
                !text.contains("wk-secret") && !text.contains("retryCount"),
                "{}: {text}",
                case.display()
            );
            checked += 1;
        }
    }
    assert!(checked > 50, "only {checked} events");
}

#[test]
fn the_manifest_names_exactly_the_types_that_are_told() {
    let text = include_str!("../connector.toml").to_owned();
    let manifest = Manifest::parse(&SourceFile { path: "connector.toml".into(), text }).unwrap();
    let mut told: Vec<String> = golden()
        .into_iter()
        .flat_map(|(_, events)| events)
        .map(|event| event["kind"].as_str().unwrap().to_owned())
        .collect();
    told.sort();
    told.dedup();
    assert_eq!(told, manifest.source.unwrap().emits);
}

#[test]
fn a_call_sent_again_is_the_same_event() {
    let told = |sent: &str, retries: u64, received_at: u64| -> Vec<Draft> {
        let body = json!({
            "batch": [{
                "type": "track", "event": "Signed Up", "userId": "u-1", "messageId": "m-1", "sentAt": sent,
                "timestamp": "2026-01-01T00:00:00.000Z", "_metadata": {"retryCount": retries},
            }, {
                "type": "track", "event": "Product Viewed", "userId": "u-1", "messageId": "m-2",
                "timestamp": "2026-01-01T00:00:00.000Z", "properties": {"sku": "MOKA"},
            }],
            "sentAt": sent,
        });
        let body = body.to_string().into_bytes();
        let message =
            Message { id: "1".into(), received_at, headers: Vec::new(), name: "batch".into(), body };
        let ctx = Context { channel: "web".into(), config: b"{}".to_vec(), now: received_at };
        Segment::decode(&ctx, message).unwrap()
    };
    let first = told("2026-01-01T00:00:01.000Z", 0, 1_767_225_602_000);
    let again = told("2026-01-01T00:05:00.000Z", 3, 1_767_225_902_500);
    for (first, again) in first.iter().zip(&again) {
        assert_eq!((&first.key, &first.kind, &first.time), (&again.key, &again.kind, &again.time));
        assert_eq!(first.data, again.data);
        let skew = |draft: &Draft| {
            draft.attributes.iter().find(|(name, _)| name == "clockskewms").unwrap().1.clone()
        };
        assert_eq!((skew(first), skew(again)), ("1000".into(), "2500".into()));
    }
}
