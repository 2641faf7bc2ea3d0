//! Certification finds each planted fault by its name, and none where there is none.

use std::fs;
use std::path::Path;

use snodo_core::vocabulary::Vocabulary;
use snodo_host::{Compile, Limits, Options, Role, Sandbox};
use snodo_kit::build::Language;
use snodo_kit::create::{New, create};
use snodo_kit::golden::Mode;
use snodo_kit::{Folder, Level, Report, certify};

/// What is planted, and what it is called when it is found.
const PLANTED: [(&str, &str); 25] = [
    ("panics", "panics"),
    ("drops", "drops-events"),
    ("counts", "not-deterministic"),
    ("swallows", "swallows-rate-limit"),
    ("believes", "error-as-success"),
    ("leaks", "undeclared-personal-data"),
    ("order", "wrong-order"),
    ("grows", "grows-memory"),
    ("lax", "accepts-bad-configuration"),
    ("currency", "currency-scale"),
    ("zone", "loses-time-zone"),
    ("keys", "duplicates-on-retry"),
    ("retries", "duplicates-on-retry"),
    ("naps", "swallows-rate-limit"),
    ("trusts", "error-as-success"),
    ("wanders", "undeclared-host"),
    ("skips", "drops-events"),
    ("stuck", "endless-walk"),
    ("forgets", "forgets-cursor"),
    ("places", "loses-moved-records"),
    ("trips", "panics"),
    ("stamps", "duplicates-on-retry"),
    ("merges", "shared-key"),
    ("retypes", "undeclared-type"),
    ("reveals", "undeclared-personal-data"),
];

#[test]
fn every_planted_fault_is_found_by_its_name_and_nothing_else_is() {
    let options = Options { cache_dir: None, compile: Compile::InProcess, limits: Limits::default() };
    let sandbox = Sandbox::new(options).unwrap();
    let connector = sandbox.load(snodo_test_components::PLANTED).unwrap();
    let vocabulary = Vocabulary::load();
    let try_with = |fault: &str| {
        let parent = tempfile::tempdir().unwrap();
        let folder = folder_with(parent.path(), fault);
        for case in &folder.cases {
            // Whoever plants a fault finds its results right.
            case.check(&connector, Mode::Update).unwrap();
        }
        certify(&folder, &connector, &vocabulary)
    };
    let good = try_with("none");
    assert_eq!(good.level, Level::Gold, "{}", list(&good));
    for (fault, name) in PLANTED {
        let report = try_with(fault);
        assert!(
            report.findings().any(|found| found.fault == name),
            "{fault} is not {name}:\n{}",
            list(&report)
        );
        // Whatever is different each time also differs from its golden case.
        let follows = |found: &str| fault == "counts" && found == "golden-differs";
        let is_it = |found: &str| found == name || follows(found);
        assert!(
            report.findings().all(|found| is_it(found.fault)),
            "{fault} is only {name}:\n{}",
            list(&report)
        );
        assert!(report.level < Level::Gold, "{fault}");
    }
}

#[test]
fn a_case_that_does_not_fit_says_what_is_too_much_or_missing() {
    let options = Options { cache_dir: None, compile: Compile::InProcess, limits: Limits::default() };
    let connector = Sandbox::new(options).unwrap().load(snodo_test_components::PLANTED).unwrap();
    let parent = tempfile::tempdir().unwrap();
    let folder = folder_with(parent.path(), "none");
    let answer = r#"{"status": 200, "body": {"alerts": [], "next_page": null}}"#;
    let to_be_continued = r#"{"status": 200, "body": {"alerts": [], "next_page": 2}}"#;
    for (case, file, text, expected) in [
        ("nothing-new", "answers.json", "[]".to_owned(), "there are 0 answers, and none to question 1"),
        ("nothing-new", "answers.json", format!("[{to_be_continued}]"), "and none to question 2"),
        ("nothing-new", "answers.json", format!("[{answer}, {answer}]"), "2 answers, but only 1 questions"),
        ("nothing-new", "answers.json", "[{}]".to_owned(), "missing field `status`"),
        ("without-the-customer", "event.json", "{}".to_owned(), "missing field `id`"),
    ] {
        fs::write(folder.path.join("golden").join(case).join(file), text).unwrap();
        let case = folder.cases.iter().find(|one| one.name == case).unwrap();
        let why = case.check(&connector, Mode::Compare).unwrap_err();
        assert!(why.contains(expected), "{why}");
    }
    fs::write(folder.path.join("golden/nothing-new/event.json"), "{}").unwrap();
    let why = Folder::open(&folder.path).err().unwrap().to_string();
    let expected =
        "nothing-new is no case: put one of message.toml, poll.toml, deliveries.json, event.json there";
    assert!(why.contains(expected), "{why}");
}

fn list(report: &Report) -> String {
    let lines = report.findings().map(|found| format!("{} · {} · {}", found.fault, found.at, found.what));
    format!("{:?}\n{}", report.level, lines.collect::<Vec<_>>().join("\n"))
}

/// A new connector's folder, whose every case has the fault configured.
fn folder_with(parent: &Path, fault: &str) -> Folder {
    let new = New { name: "planted", roles: &Role::ALL, language: Language::Rust };
    let path = create(parent, &new).unwrap();
    let manifest = path.join("connector.toml");
    let mut text = fs::read_to_string(&manifest).unwrap();
    text += "\n[config.properties.fault]\ntitle = \"Fault\"\ndescription = \"What is planted.\"\n";
    match fault {
        "lax" => text = text.replace("additionalProperties = false", "additionalProperties = true"),
        _ => text += "type = \"string\"\n",
    }
    fs::write(&manifest, text).unwrap();
    let cassette = path.join("cassette.toml");
    let text = fs::read_to_string(&cassette).unwrap();
    let text = text.replace("error-in-success = \"its status says everything\"\n", "");
    fs::write(
        &cassette,
        text + "\n[[answer]]\nfault = \"error-in-success\"\nstatus = 200\nbody = { ok = false }\n",
    )
    .unwrap();
    let priced = path.join("golden/priced");
    fs::create_dir(&priced).unwrap();
    fs::write(priced.join("message.toml"), "[config]\n").unwrap();
    let body = r#"{"id": "a-2", "device": "bell-7", "code": "sold", "at": "2026-03-01T10:00:00+01:00", "price": 1299, "currency": "EUR"}"#;
    fs::write(priced.join("body.json"), body).unwrap();
    // Cases of one configuration are tried together.
    for case in ["first-alert", "something-new", "priced"] {
        fs::write(
            path.join("golden").join(case).join("message.toml"),
            format!("[config]\nfault = \"{fault}\"\n"),
        )
        .unwrap();
    }
    let passed_on = path.join("golden/alert-passed-on/config.toml");
    let text = fs::read_to_string(&passed_on).unwrap();
    fs::write(&passed_on, format!("{text}fault = \"{fault}\"\n")).unwrap();
    for case in ["first-walk", "nothing-new"] {
        let walk = path.join("golden").join(case).join("poll.toml");
        let text = fs::read_to_string(&walk).unwrap();
        fs::write(&walk, format!("{text}\n[config]\nfault = \"{fault}\"\n")).unwrap();
    }
    let original = path.join("golden/without-the-customer/config.toml");
    fs::write(&original, format!("fault = \"{fault}\"\n")).unwrap();
    Folder::open(&path).unwrap()
}
