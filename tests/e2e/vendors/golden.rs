//! The requests of the golden cases, and the manifests of those who make them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value, json};

const CONNECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../connectors");

/// A request of a destination, and the events that it carries.
#[derive(Clone, Debug, Serialize)]
pub struct Request {
    pub case: String,
    pub method: String,
    pub target: String,
    pub headers: Map<String, Value>,
    /// JSON as such; text for everything else.
    pub body: Value,
    pub events: Vec<Value>,
}

impl Request {
    /// The target without the query, and the query.
    pub fn parts(&self) -> (&str, &str) {
        split(&self.target)
    }

    /// The body by its names, a form's too.
    pub fn fields(&self) -> Value {
        match self.form() {
            Some(form) => pairs(form).into_iter().map(|(name, value)| (name, Value::from(value))).collect(),
            None => self.body.clone(),
        }
    }

    /// The body, if it is a form.
    pub fn form(&self) -> Option<&str> {
        let kind = self.headers.get("content-type")?;
        self.body.as_str().filter(|_| kind == "application/x-www-form-urlencoded")
    }

    /// What stands behind the host.
    pub fn path(&self) -> &str {
        let (address, _) = self.parts();
        let from = address.find("://").map_or(0, |at| at + 3);
        address[from..].find('/').map_or("", |at| &address[from + at..])
    }
}

pub fn split(target: &str) -> (&str, &str) {
    target.split_once('?').unwrap_or((target, ""))
}

/// What a form or a query says, in any order.
pub fn pairs(text: &str) -> Vec<(String, String)> {
    let mut pairs: Vec<_> = form_urlencoded::parse(text.as_bytes()).into_owned().collect();
    pairs.sort();
    pairs
}

fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut all: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    all.retain(|one| one.is_dir());
    all.sort();
    all
}

fn json(path: &Path) -> Value {
    let text = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub fn manifest(connector: &str) -> toml::Table {
    let path = Path::new(CONNECTORS).join(connector).join("connector.toml");
    std::fs::read_to_string(path).unwrap().parse().unwrap()
}

/// The connectors that are destinations.
pub fn destinations() -> Vec<String> {
    let connectors = folders(Path::new(CONNECTORS)).into_iter();
    let connectors = connectors.filter(|folder| folder.join("connector.toml").is_file());
    let names = connectors.map(|folder| folder.file_name().unwrap().to_str().unwrap().to_owned());
    names.filter(|name| manifest(name).contains_key("destination")).collect()
}

/// How many deliveries the hub hands to the connector at once.
pub fn batch_max(manifest: &toml::Table) -> usize {
    let declared = manifest["destination"].get("batch_max").and_then(toml::Value::as_integer);
    // The default of the manifest.
    usize::try_from(declared.unwrap_or(16)).unwrap()
}

/// Every request of the golden cases, once.
pub fn all_requests(connector: &str) -> Vec<Request> {
    read(connector, |_| true)
}

/// Those that go where the vendor's library sends by itself: no other address, no other version.
pub fn requests(connector: &str) -> Vec<Request> {
    read(connector, |config| !config.contains("base_url") && !config.contains("square_version"))
}

fn read(connector: &str, wanted: impl Fn(&str) -> bool) -> Vec<Request> {
    let mut known = BTreeSet::new();
    let mut all = Vec::new();
    for folder in folders(&Path::new(CONNECTORS).join(connector).join("golden")) {
        let deliveries = folder.join("deliveries.json");
        let config = std::fs::read_to_string(folder.join("config.toml")).unwrap_or_default();
        if !deliveries.is_file() || !wanted(&config) {
            continue;
        }
        let case = folder.file_name().unwrap().to_str().unwrap();
        let of_case = of_case(case, &json(&folder.join("expected.json")), &json(&deliveries)).into_iter();
        // What a file channel writes goes to nobody's address.
        all.extend(of_case.filter(|request| request.target.contains("://")).filter(|request| {
            let (target, body) = (&request.target, &request.body);
            known.insert(json!([request.method, target, request.headers, body, request.events]).to_string())
        }));
    }
    all
}

fn of_case(case: &str, expected: &Value, deliveries: &Value) -> Vec<Request> {
    let rounds = expected["rounds"].as_array().into_iter().flatten();
    let calls = rounds.flat_map(|round| round["calls"].as_array().into_iter().flatten());
    let request = |call: &Value| Request {
        case: case.to_owned(),
        method: call["method"].as_str().unwrap().to_owned(),
        target: call["target"].as_str().unwrap().to_owned(),
        headers: call["headers"].as_object().unwrap().clone(),
        body: call["body"].clone(),
        events: places(call).map(|place| deliveries[place]["event"].clone()).collect(),
    };
    calls.map(request).collect()
}

fn places(call: &Value) -> impl Iterator<Item = usize> {
    let covers = call["covers"].as_array().into_iter().flatten();
    covers.map(|place| usize::try_from(place.as_u64().unwrap()).unwrap())
}
