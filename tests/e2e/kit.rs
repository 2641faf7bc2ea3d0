//! The connector kit as an integrator uses it: from nothing to a certified connector in a running hub.

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::company::Company;
use crate::doors::with_tools;
use crate::install::copy;
use crate::line::{client, post};
use crate::receiver::Receiver;

/// Where the languages' tools are installed: once for all tests.
pub const TOOLS: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/kit");

fn kit(folder: &Path, args: &[&str]) -> Output {
    let mut command = with_tools(env!("CARGO_BIN_EXE_snodo"));
    command.current_dir(folder).arg("connector").args(args).env("SNODO_TOOLS", TOOLS).output().unwrap()
}

pub fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[track_caller]
fn fine(folder: &Path, args: &[&str]) -> String {
    let output = kit(folder, args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", said(&output));
    said(&output)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_connector_in_rust_is_certified_and_runs_in_a_hub() {
    from_nothing_to_delivered("rust").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_connector_in_javascript_is_certified_and_runs_in_a_hub() {
    from_nothing_to_delivered("javascript").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_connector_in_python_is_certified_and_runs_in_a_hub() {
    from_nothing_to_delivered("python").await;
}

async fn from_nothing_to_delivered(language: &str) {
    let receiver = Receiver::start().await;
    let company = Company::new();
    let connectors = company.path("connectors");
    std::fs::create_dir_all(&connectors).unwrap();
    let roles = "source,destination,transform,poll";
    fine(&connectors, &["new", "bells", "--role", roles, "--lang", language]);
    assert_eq!(kit(&connectors, &["new", "bells"]).status.code(), Some(3), "it is already there");
    let built = fine(&connectors, &["build", "bells"]);
    assert!(built.contains("source, poll, destination, transform, pure"), "{built}");
    assert!(fine(&connectors, &["test", "bells"]).contains("6 passed, 0 failed"));
    let report: Value = serde_json::from_str(&fine(&connectors, &["certify", "bells", "--json"])).unwrap();
    assert_eq!(report["level"], "gold", "{report:#}");

    let alert = json!({"id": "a-9", "device": "bell-9", "code": "help", "at": "2026-03-01T10:00:00+01:00"});
    let file = company.path("alert.json");
    std::fs::write(&file, alert.to_string()).unwrap();
    let tried = fine(&connectors, &["try", file.to_str().unwrap(), "--folder", "bells", "--role", "source"]);
    assert!(
        tried.contains("\"iot.alert.raised\"") && tried.contains("KiB of memory") && tried.contains("M fuel"),
        "{tried}"
    );

    let asked =
        fine(&connectors, &["try", "--folder", "bells", "--role", "poll", "--cursor", "{\"since\":5}"]);
    assert!(asked.contains("/v1/alerts?updated_since=5"), "{asked}");
    std::fs::write(&file, json!({"alerts": [alert, {"id": "a-10"}]}).to_string()).unwrap();
    let fetched = fine(&connectors, &["try", file.to_str().unwrap(), "--folder", "bells", "--role", "poll"]);
    assert!(fetched.contains("\"a-9\"") && fetched.contains("unknown.message.received"), "{fetched}");
    let event = json!({"id": "e-9", "type": "iot.alert.raised", "time": "2026-03-01T10:00:00+01:00",
        "data": {"device": {"id": "bell-9"}, "customer": {"traits": {"email": "ada@example.com"}}}});
    std::fs::write(&file, event.to_string()).unwrap();
    let made =
        fine(&connectors, &["try", file.to_str().unwrap(), "--folder", "bells", "--role", "transform"]);
    assert!(made.contains("bell-9") && !made.contains("ada@example.com"), "{made}");

    company.channel(
        "doors",
        "connector = \"bells\"\n[receive]\ntransport = \"http\"\nverify = { scheme = \"none\" }\n",
    );
    company.channel(
        "pager",
        &format!(
            "connector = \"bells\"\n[send]\ntransport = \"http\"\nhosts = [\"127.0.0.1\"]\nprivate_networks = true\n\
             [config]\nurl = \"http://{}/\"\n",
            receiver.address
        ),
    );
    company.route("alerts", "doors", "pager", "");
    let hub = company.start();
    assert_eq!(post(&client(), &company, "doors", &alert).await, Ok(202));
    let balance = company.settled();
    assert_eq!((&balance["fates"]["delivered"], &balance["difference"]), (&json!(1), &json!(0)), "{balance}");
    assert_eq!(receiver.taken()[0].body["data"]["device"]["id"], "bell-9");
    hub.stop();
}

#[test]
fn the_sdks_examples_are_certified_at_the_highest_level() {
    let folder = tempfile::tempdir().unwrap();
    for language in ["javascript", "python"] {
        let example =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugin-sdk").join(language).join("example");
        copy(&example, &folder.path().join(language));
        fine(folder.path(), &["build", language]);
        fine(folder.path(), &["certify", language]);
    }
}

#[test]
fn what_fails_says_which_case_and_where() {
    let folder = tempfile::tempdir().unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../connectors/webhook");
    let bells = folder.path().join("webhook");
    copy(&source, &bells);
    let embedded = snodo_catalogue::catalogue().iter().find(|one| one.name == "webhook").unwrap();
    std::fs::write(bells.join("webhook.wasm"), embedded.component).unwrap();
    fine(folder.path(), &["test", "webhook"]);
    let case = std::fs::read_dir(bells.join("golden")).unwrap().next().unwrap().unwrap().path();
    let name = case.file_name().unwrap().to_str().unwrap().to_owned();
    std::fs::write(case.join("expected.json"), "{}").unwrap();
    let output = kit(folder.path(), &["test", "webhook"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains(&format!("FAILED  {name}\n  /rounds: ")), "{}", said(&output));
    let output = kit(folder.path(), &["certify", "webhook"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("golden-differs") && said(&output).contains("none"), "{}", said(&output));
    fine(folder.path(), &["test", "webhook", "--update"]);
    fine(folder.path(), &["certify", "webhook"]);
    let output = kit(folder.path(), &["test", "nowhere"]);
    assert!(
        output.status.code() == Some(3) && said(&output).contains("nowhere/connector.toml"),
        "{}",
        said(&output)
    );
}
