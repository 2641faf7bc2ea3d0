//! Another build of a connector takes the place of the one at work in a running hub: nothing is lost, nothing is sent twice,
//! and what does not fit is refused while the old one goes on.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use snodo_test_components::PLANTED;

use crate::company::Company;
use crate::doors::with_tools;
use crate::kit;
use crate::line::{client, post};
use crate::receiver::Receiver;
use crate::senders::Senders;

const SWAPS: usize = 30;
const SENDERS: u32 = 8;

/// A company whose doors and pager have one connector, and a CRM that is told of the same.
fn company(receiver: &Receiver, crm: &Receiver) -> Company {
    let company = Company::new();
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
    company.webhook_out("crm", crm.address);
    company.route("alerts", "doors", "pager", "");
    company.route("alerts-to-crm", "doors", "crm", "");
    company
}

/// The connector's folder as `new` makes it, in that language.
pub fn bells(company: &Company, language: &str) -> PathBuf {
    let connectors = company.path("connectors");
    std::fs::create_dir_all(&connectors).unwrap();
    let mut new = crate::company::snodo();
    new.args(["connector", "new", "bells", "--role", "source,destination", "--lang", language, "--in"]);
    assert!(new.arg(&connectors).output().unwrap().status.success());
    connectors.join("bells")
}

/// The build at hand, and one that calls a device a gadget: a text of the same length, in the data of the component.
fn builds() -> [Vec<u8>; 2] {
    let (from, to) = (b"device/", b"gadget/");
    let mut other = PLANTED.to_vec();
    let places: Vec<usize> =
        (0..other.len() - from.len()).filter(|at| other[*at..].starts_with(from)).collect();
    assert!(!places.is_empty());
    places.iter().for_each(|at| other[*at..*at + to.len()].copy_from_slice(to));
    [PLANTED.to_vec(), other]
}

pub fn alert(number: u32) -> Value {
    json!({"id": format!("a-{number}"), "device": format!("bell-{number}"), "code": "help", "at": "2026-03-01T10:00:00+01:00"})
}

#[tokio::test(flavor = "multi_thread")]
async fn swaps_under_load_lose_nothing_and_send_nothing_twice() {
    let (pager, crm) = (Receiver::start().await, Receiver::start().await);
    let company = Arc::new(company(&pager, &crm));
    let component = bells(&company, "rust").join("bells.wasm");
    let builds = builds();
    std::fs::write(&component, &builds[0]).unwrap();
    let hub = company.start();

    let senders = Senders::start(&company, SENDERS, "doors", alert);
    let mut digests = HashSet::new();
    for swap in 0..SWAPS {
        std::fs::write(&component, &builds[(swap + 1) % 2]).unwrap();
        let before = senders.begun.load(Ordering::SeqCst);
        let company_of_swap = Arc::clone(&company);
        let swapped =
            tokio::task::spawn_blocking(move || company_of_swap.json(&["connector", "reload", "bells"]));
        let swapped = swapped.await.unwrap().remove(0);
        assert_eq!(swapped["channels"], json!(["doors", "pager"]));
        digests.insert(swapped["digest"].as_str().unwrap().to_owned());
        // Load between any two.
        while senders.begun.load(Ordering::SeqCst) < before + 4 * SENDERS {
            tokio::task::yield_now().await;
        }
    }
    let sent = senders.stop().await as usize;
    let balance = company.settled();
    hub.stop();

    assert_eq!(digests.len(), 2);
    assert_eq!(
        (&balance["difference"], &balance["fates"]["delivered"]),
        (&json!(0), &json!(2 * sent)),
        "{balance}"
    );
    for receiver in [&pager, &crm] {
        let mut times: HashMap<String, usize> = HashMap::new();
        for one in receiver.taken() {
            let device = one.body["data"]["device"]["id"].as_str().unwrap().to_owned();
            *times.entry(device).or_default() += 1;
        }
        let twice: Vec<_> = times.iter().filter(|(_, times)| **times > 1).collect();
        assert!(twice.is_empty(), "sent twice: {twice:?}");
        assert_eq!(times.len(), sent, "lost");
    }
    let subjects: HashSet<String> = crm
        .taken()
        .iter()
        .map(|one| one.body["subject"].as_str().unwrap().split('/').next().unwrap().to_owned())
        .collect();
    assert_eq!(
        subjects,
        HashSet::from(["device".to_owned(), "gadget".to_owned()]),
        "both builds were at work"
    );
    println!("{sent} messages over {SWAPS} swaps, each delivered once to each of two destinations");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_refused_and_the_old_build_goes_on() {
    let (pager, crm) = (Receiver::start().await, Receiver::start().await);
    let company = company(&pager, &crm);
    let folder = bells(&company, "rust");
    let [good, other] = builds();
    std::fs::write(folder.join("bells.wasm"), &good).unwrap();
    let manifest = std::fs::read_to_string(folder.join("connector.toml")).unwrap();
    let pager_file = std::fs::read_to_string(company.path("channels/pager.toml")).unwrap();
    let hub = company.start();

    let stricter = manifest.replace("[config.properties.url]", "[config.properties.address]");
    let other_key = pager_file.replace("private_networks", "private_network");
    assert!(stricter != manifest && other_key != pager_file);
    let cases: [(&[u8], &str, &str, &str); 4] = [
        (b"no component", &manifest, &pager_file, "it is not a WebAssembly component"),
        (snodo_test_components::HOSTILE, "", &pager_file, "connector.toml"),
        (&other, &stricter, &pager_file, "channels/pager.toml"),
        (&other, &manifest, &other_key, "no key `private_network`"),
    ];
    for (number, (component, manifest, pager_file, expected)) in (0..).zip(cases) {
        // The hub looks at its files itself, too: there is never a moment at which they are right.
        company.write("channels/pager.toml", pager_file);
        std::fs::write(folder.join("connector.toml"), manifest).unwrap();
        std::fs::write(folder.join("bells.wasm"), component).unwrap();
        let output = company.run(&["connector", "reload", "bells"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(3) && said.contains(expected), "{expected}: {said}");
        assert_eq!(post(&client(), &company, "doors", &alert(number)).await, Ok(202));
    }
    std::fs::write(folder.join("connector.toml"), &manifest).unwrap();
    company.write("channels/pager.toml", &pager_file);
    let output = company.run(&["connector", "reload", "nobody"]);
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("no channel of the running hub uses the connector")
    );
    let balance = company.settled();
    assert_eq!(balance["fates"]["delivered"], 8);
    assert!(crm.taken().iter().all(|one| one.body["subject"].as_str().unwrap().starts_with("device/")));
    assert_eq!(company.json(&["connector", "reload", "bells"]).len(), 1, "mended, it is taken");
    hub.stop();
    let output = company.run(&["connector", "reload", "bells"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("failed to reach the running hub"));
}

/// Reads what `dev` says until it has said all of these, in this order.
fn until(lines: &mut impl Iterator<Item = std::io::Result<String>>, expected: &[&str]) -> String {
    let mut said = String::new();
    for text in expected {
        loop {
            let line = lines.next().unwrap_or_else(|| panic!("it ended before {text:?}:\n{said}")).unwrap();
            said += &line;
            said.push('\n');
            if line.contains(text) {
                break;
            }
        }
    }
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn while_it_is_written_a_connector_is_at_work() {
    let (pager, crm) = (Receiver::start().await, Receiver::start().await);
    let company = company(&pager, &crm);
    let folder = bells(&company, "python");
    let dev = |args: &[&str]| {
        let mut command = with_tools(env!("CARGO_BIN_EXE_snodo"));
        command.arg("--config").arg(company.path("")).args(["connector", "dev"]).args(args).arg(&folder);
        command.env("SNODO_TOOLS", kit::TOOLS).stdout(Stdio::piped());
        command
    };
    // Without a hub it is built and tested all the same.
    let output = dev(&["--once"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("3 of 3 cases as expected"), "{said}");
    assert!(said.contains("no hub is running"), "{said}");

    let hub = company.start();
    let mut developing = dev(&["--reveal"]).spawn().unwrap();
    let mut lines = BufReader::new(developing.stdout.take().unwrap()).lines();
    until(&mut lines, &["3 of 3 cases as expected", "is at work on doors, pager"]);
    assert_eq!(post(&client(), &company, "doors", &alert(1)).await, Ok(202));
    // What came and its event; the event and its request.
    until(
        &mut lines,
        &["doors · message ", "\"bell-1\"", "→ iot.alert.raised", "pager · iot.alert.raised", "\"POST\""],
    );
    company.settled();

    let source = folder.join("src/source.py");
    let text = std::fs::read_to_string(&source).unwrap();
    let changed = text.replace("subject=f\"device/", "subject=f\"gadget/");
    assert_ne!(changed, text);
    std::fs::write(&source, changed).unwrap();
    let said = until(
        &mut lines,
        &[
            "FAILED  first-alert",
            "of 3 cases as expected",
            "otherwise than before: message ",
            "is at work on",
        ],
    );
    assert!(said.contains("/0/subject"), "{said}");
    assert_eq!(post(&client(), &company, "doors", &alert(2)).await, Ok(202));
    until(&mut lines, &["doors · message ", "\"bell-2\""]);
    company.settled();
    developing.kill().unwrap();
    developing.wait().unwrap();
    let subjects: Vec<String> =
        crm.taken().iter().map(|one| one.body["subject"].as_str().unwrap().to_owned()).collect();
    assert_eq!(subjects, ["device/bell-1", "gadget/bell-2"]);
    hub.stop();
}
