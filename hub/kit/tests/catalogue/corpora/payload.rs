//! Reads the corpora: each file in its own form, as messages and what they say.

use std::path::{Path, PathBuf};

use roxmltree::{Document, Node};
use serde_json::{Map, Value, json};

pub struct Payload {
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// The same as JSON, whatever form the body has.
    pub says: Value,
}

impl Payload {
    fn json(headers: Vec<(String, String)>, body: Vec<u8>) -> Self {
        let says = serde_json::from_slice(&body).unwrap();
        Self { headers, body, says }
    }
}

/// A captured request: headers and body.
pub fn captured(path: &Path) -> Vec<Payload> {
    let sample = document(path);
    let Some(headers) = sample["headers"].as_object() else { return Vec::new() };
    let headers = headers.iter().map(|(name, value)| (name.to_lowercase(), super::text(value))).collect();
    vec![Payload::json(headers, super::text(&sample["body"]).into_bytes())]
}

/// A body alone.
pub fn bare(path: &Path) -> Vec<Payload> {
    vec![Payload::json(Vec::new(), std::fs::read(path).unwrap())]
}

/// What another system's readers are tested with: cases with an `input`, or inputs. Each message of a list, and each event of a
/// batch, by itself.
pub fn cases(path: &Path) -> Vec<Payload> {
    let sample = document(path);
    let inputs = sample.as_array().into_iter().flatten().map(|case| case.get("input").unwrap_or(case));
    let bodies = inputs.flat_map(|input| match input {
        Value::Array(several) => several.clone(),
        one => vec![one.clone()],
    });
    let alone = |body: Value| match body["events"].as_array() {
        Some(events) => events.iter().map(|event| json!({"events": [event]})).collect(),
        None => vec![body],
    };
    let bodies = bodies.flat_map(alone);
    bodies.map(|body| Payload::json(Vec::new(), body.to_string().into_bytes())).collect()
}

/// Each row of a CSV as a file of its own, with the header. No field is in quotation marks.
pub fn rows(path: &Path) -> Vec<Payload> {
    let text = std::fs::read_to_string(path).unwrap();
    let (header, rows) = text.split_once('\n').unwrap();
    let fields = |line: &str| line.split(',').map(|field| field.trim().to_owned()).collect::<Vec<_>>();
    let names = fields(header);
    let payload = |row: &str| {
        let values = fields(row).into_iter().map(Value::String);
        let says = names.iter().cloned().zip(values).collect::<Map<_, _>>();
        Payload { headers: Vec::new(), body: format!("{header}\n{row}\n").into_bytes(), says: says.into() }
    };
    rows.lines().filter(|row| !row.trim().is_empty()).map(payload).collect()
}

/// Each transaction of a till's log as a log of its own.
pub fn transactions(path: &Path) -> Vec<Payload> {
    let text = std::fs::read_to_string(path).unwrap();
    let document = Document::parse(&text).unwrap();
    let root = document.root_element();
    let begin = &text[root.range().start..root.first_child().unwrap().range().start];
    let name = begin[1..].split([' ', '>', '\r', '\n']).next().unwrap();
    let transactions = root.children().filter(|child| child.tag_name().name() == "Transaction");
    let payload = |transaction: Node| Payload {
        headers: Vec::new(),
        body: format!("{begin}{}</{name}>", &text[transaction.range()]).into_bytes(),
        says: json!({"Transaction": element(transaction)}),
    };
    transactions.map(payload).collect()
}

/// Attributes as `@name`, text as `#text`, or alone if there is nothing else, and every child in a list of its name.
fn element(node: Node) -> Value {
    let mut fields = Map::new();
    for attribute in node.attributes() {
        fields.insert(format!("@{}", attribute.name()), attribute.value().into());
    }
    for child in node.children().filter(Node::is_element) {
        let several = fields.entry(child.tag_name().name()).or_insert_with(|| json!([]));
        several.as_array_mut().unwrap().push(element(child));
    }
    let text = node.text().unwrap_or_default().trim();
    if fields.is_empty() {
        return text.into();
    }
    fields.insert("#text".to_owned(), text.into());
    fields.into()
}

fn document(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Of a folder all that is in it, or the file itself.
pub fn files(of: &Path) -> Vec<PathBuf> {
    if of.is_file() {
        return vec![of.to_owned()];
    }
    let mut found = Vec::new();
    for path in std::fs::read_dir(of).into_iter().flatten().flatten().map(|entry| entry.path()) {
        found.extend(files(&path));
    }
    found.sort();
    found
}
