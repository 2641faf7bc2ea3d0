//! Nothing that goes in is lost, over real webhooks where there are some beside the checkout: what is not told is under `vendor`, in
//! the very same place.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use shopify::Shopify;
use snodo_connector::{Context, Draft, Message, Source};

const UNKNOWN: &str = "unknown.message.received";

#[test]
fn real_webhooks_lose_nothing() {
    let samples =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora/webhook-samples/shopify");
    if !samples.exists() {
        println!("no samples at {}", samples.display());
        return;
    }
    let (mut all, mut reached, mut known, mut unknown) = (0, 0, 0, 0);
    for file in folders(&samples).iter().flat_map(|version| folders(version)) {
        let sample: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let body = &sample["body"];
        let draft =
            decode(&sample["headers"], body).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
        let mut data: Value = serde_json::from_slice(&draft.data).unwrap();
        if draft.kind == UNKNOWN {
            assert_eq!(&data["body"], body, "{}", file.display());
            unknown += 1;
            continue;
        }
        known += 1;
        let vendor = data.as_object_mut().unwrap().remove("vendor").unwrap_or_default();
        let share = share(body, &data, &vendor, &draft);
        assert!(share.lost.is_empty(), "{}: lost {:#?}", file.display(), share.lost);
        println!("{:5.1} %  {:38} {}", percent(share.reached, share.all), draft.kind, name(&file));
        all += share.all;
        reached += share.reached;
    }
    println!(
        "{:5.1} %  of {all} fields in {known} webhooks with a type of their own; {unknown} others are kept whole",
        percent(reached, all)
    );
    assert!(known > 0, "no sample has a type of its own");
}

struct Share {
    all: usize,
    reached: usize,
    lost: Vec<String>,
}

/// Where each value of the payload is: in the canonical body, or under `vendor` in the very same place, or lost.
fn share(body: &Value, canonical: &Value, vendor: &Value, draft: &Draft) -> Share {
    let mut told = HashSet::new();
    leaves(canonical, "", &mut |_, leaf| {
        told.insert(text(leaf).to_lowercase());
    });
    told.extend(draft.subject.clone());
    let mut share = Share { all: 0, reached: 0, lost: Vec::new() };
    leaves(body, "", &mut |at, leaf| {
        share.all += 1;
        if vendor.pointer(at).is_some_and(|kept| kept == leaf) {
            return;
        }
        share.reached += 1;
        if !leaf.is_boolean() && !is_told(&told, &text(leaf).to_lowercase()) {
            share.lost.push(format!("{at}: {leaf}"));
        }
    });
    share
}

/// Told as it is, or in the canonical words for it.
fn is_told(told: &HashSet<String>, leaf: &str) -> bool {
    let consent = ["subscribed", "not_subscribed", "unsubscribed", "pending"].contains(&leaf);
    let same = |one: &str| {
        told.contains(one)
            || number(one).is_some_and(|one| told.iter().any(|other| number(other) == Some(one)))
    };
    let within = |part: &str| part.len() > 2 && told.iter().any(|other| other.contains(part));
    let gid = leaf.strip_prefix("gid://").and_then(|gid| gid.rsplit('/').next());
    consent
        || same(leaf)
        || within(leaf)
        || gid.is_some_and(|id| same(id) || within(id))
        || leaf.split(", ").all(within)
}

/// Everything in it that is neither null nor empty, by its JSON Pointer.
fn leaves<'a>(value: &'a Value, at: &str, found: &mut impl FnMut(&str, &'a Value)) {
    match value {
        Value::Null => {}
        Value::String(text) if text.is_empty() => {}
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(place, item)| leaves(item, &format!("{at}/{place}"), found));
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                leaves(field, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        leaf => found(at, leaf),
    }
}

fn decode(headers: &Value, body: &Value) -> Result<Draft, String> {
    let message = Message {
        id: "1".into(),
        received_at: 1_767_225_600_000,
        headers: headers
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.clone(), text(value)))
            .collect(),
        name: String::new(),
        body: serde_json::to_vec(body).unwrap(),
    };
    let ctx = Context { channel: "samples".into(), config: b"{}".to_vec(), now: 1_767_225_600_000 };
    let mut drafts = Shopify::decode(&ctx, message).map_err(|fault| format!("{fault:?}"))?;
    assert_eq!(drafts.len(), 1);
    Ok(drafts.remove(0))
}

fn folders(of: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        fs::read_dir(of).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

fn name(file: &Path) -> String {
    file.components()
        .rev()
        .take(2)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .collect::<PathBuf>()
        .display()
        .to_string()
}

#[allow(clippy::cast_precision_loss)] // Counts of fields are small.
fn percent(part: usize, whole: usize) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}
