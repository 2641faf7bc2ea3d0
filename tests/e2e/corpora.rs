//! Real payloads that nobody here wrote, posted as they are: each ends in a fate, none is an error of the hub's.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::company::{Company, corpora};
use crate::line::client;

const SECRET: &str = "corpus-secret";

fn files(folder: &Path, end: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path, end)),
            false if path.extension().is_some_and(|extension| extension == end) => found.push(path),
            false => {}
        }
    }
    found.sort();
    found
}

fn company() -> Company {
    let company = Company::new();
    company.write("secrets/shop", SECRET);
    company.channel("shop", "connector = \"shopify\"\n[receive]\ntransport = \"http\"\nverify.secret = { file = \"secrets/shop\" }\n");
    company.channel(
        "till",
        "connector = \"poslog\"\n[receive]\ntransport = \"http\"\nverify = { scheme = \"none\" }\n[config]\ncurrency = \"USD\"\nutc_offset = \"-06:00\"\n",
    );
    company.channel(
        "archive",
        "connector = \"canonical\"\n[send]\ntransport = \"file\"\nfolder = \"archive\"\n",
    );
    company.route("all", "shop\", \"till", "archive", "");
    company
}

/// The headers and the body of a captured webhook.
fn captured(path: &Path) -> Option<(Vec<(String, String)>, String)> {
    let sample: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let headers = sample["headers"].as_object()?;
    let headers = headers
        .iter()
        .map(|(name, value)| (name.to_lowercase(), value.as_str().unwrap_or_default().to_owned()));
    let body = match &sample["body"] {
        Value::String(text) => text.clone(),
        body => body.to_string(),
    };
    Some((headers.filter(|(name, _)| name.starts_with("x-shopify")).collect(), body))
}

fn hmac(body: &str) -> String {
    use hmac::{KeyInit, Mac};
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_captured_payload_ends_in_a_fate() {
    let (Some(shopify), Some(poslog)) = (corpora("webhook-samples/shopify"), corpora("poslog")) else {
        println!("the corpora are not at hand beside the repository: nothing to post");
        return;
    };
    let company = company();
    let hub = company.start();
    let client = client();
    let mut posted = 0;
    for path in files(&shopify, "json") {
        let Some((headers, body)) = captured(&path) else { continue };
        let mut request = client
            .post(format!("http://{}/in/shop", company.address))
            .header("content-type", "application/json");
        for (name, value) in headers.iter().filter(|(name, _)| name != "x-shopify-hmac-sha256") {
            request = request.header(name, value);
        }
        let answer = request.header("x-shopify-hmac-sha256", hmac(&body)).body(body).send().await.unwrap();
        assert_eq!(answer.status(), 202, "{}", path.display());
        posted += 1;
    }
    for path in files(&poslog, "xml") {
        let body = std::fs::read(&path).unwrap();
        let url = format!("http://{}/in/till", company.address);
        let answer =
            client.post(url).header("content-type", "application/xml").body(body).send().await.unwrap();
        assert_eq!(answer.status(), 202, "{}", path.display());
        posted += 1;
    }
    assert!(posted > 60, "only {posted} payloads were posted");
    let balance = company.settled();
    assert_eq!(balance["messages"]["accepted"], posted);
    assert_eq!(balance["messages"]["quarantined"], 0, "{:?}", company.json(&["quarantine", "list"]));
    assert_eq!(balance["events"]["quarantined"], 0, "{:?}", company.json(&["quarantine", "list"]));
    assert_eq!(balance["difference"], 0);

    let events = company.json(&["events", "-n", "10000"]);
    let count = |kind: &str| {
        events.iter().filter(|event| event["event"]["type"].as_str().unwrap().starts_with(kind)).count()
    };
    for kind in
        ["commerce.order.", "crm.contact.", "commerce.refund.issued", "pos.", "unknown.message.received"]
    {
        assert!(count(kind) > 0, "no {kind} among {} events", events.len());
    }
    hub.stop();
}
