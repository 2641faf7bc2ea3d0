use super::file;
use crate::declare::lock::{Findings, Lock, Locked};
use crate::declare::{Level, Manifest};

const MANIFEST: &str = r#"name = "bells"
version = "1.0.0"
title = "Bells"
touchpoint = "iot"
summary = "Rings."
contract = "1.0"

[source]
emits = ["iot.alert.raised"]
transports = ["http"]
headers = ["x-topic", "ce-*"]
personal_data = ["contact"]

[destination]
accepts = ["*"]
transports = ["http"]
hosts = ["api.bells.example"]
personal_data = ["name"]
"#;

fn locked(manifest: &str, signed_by: Option<&str>, level: Level) -> Locked {
    let manifest = Manifest::parse(&file("connector.toml", manifest)).unwrap();
    let findings = Findings {
        digest: "blake3:00".into(),
        level,
        signed_by: signed_by.map(str::to_owned),
        roles: manifest.roles().into_iter().map(str::to_owned).collect(),
    };
    Locked::new(&manifest, findings)
}

#[test]
fn whatever_a_new_version_wants_more_than_the_old_is_told() {
    let before = locked(MANIFEST, Some("RWold"), Level::Gold);
    for (old, new, told) in [
        ("", "", &[][..]),
        ("version = \"1.0.0\"", "version = \"2.0.0\"", &[]),
        (
            "transports = [\"http\"]\nheaders",
            "transports = [\"http\", \"file\"]\nheaders",
            &["a further transport: file"],
        ),
        ("[\"x-topic\", \"ce-*\"]", "[\"ce-id\", \"ce-*\"]", &[]),
        ("\"ce-*\"", "\"c*\"", &["a further header: c*"]),
        ("\"ce-*\"", "\"ce-*\", \"authorization-hint\"", &["a further header: authorization-hint"]),
        ("api.bells", "api.belles", &["a further host: api.belles.example"]),
        ("[\"contact\"]", "[\"*\"]", &["a further class of personal data: *"]),
        (
            "[\"contact\"]",
            "[\"birth\", \"health\"]",
            &["a further class of personal data: birth", "a further class of personal data: health"],
        ),
        (
            "[destination]\n",
            "[transform]\naccepts = [\"*\"]\nemits = [\"*\"]\n[destination]\n",
            &["a further role: transform"],
        ),
    ] {
        let now = locked(&MANIFEST.replace(old, new), Some("RWold"), Level::Gold);
        assert_eq!(now.wider_than(&before), told, "{new}");
    }
}

#[test]
fn another_signer_and_a_lower_level_are_told_and_the_first_signature_is_not() {
    let (unsigned, signed) =
        (locked(MANIFEST, None, Level::Gold), locked(MANIFEST, Some("RWold"), Level::Gold));
    for (now, before, told) in [
        (&signed, &unsigned, &[][..]),
        (&unsigned, &signed, &["another signer: nobody, it was RWold"]),
        (&locked(MANIFEST, Some("RWnew"), Level::Gold), &signed, &["another signer: RWnew, it was RWold"]),
        (&locked(MANIFEST, None, Level::Silver), &unsigned, &["a lower level: silver, it was gold"]),
        (&unsigned, &locked(MANIFEST, None, Level::Bronze), &[]),
    ] {
        assert_eq!(now.wider_than(before), told);
    }
    // What covered all covers each.
    let all = locked(&MANIFEST.replace("[\"contact\"]", "[\"*\"]"), None, Level::Gold);
    assert_eq!(unsigned.wider_than(&all), [] as [&str; 0]);
}

#[test]
fn a_lock_is_read_as_it_was_written_sorted_and_with_one_of_each_name() {
    let mut lock = Lock::default();
    for (name, version) in [("bells", "1.0.0"), ("alarms", "1.0.0"), ("bells", "1.1.0")] {
        let text =
            MANIFEST.replace("\"bells\"", &format!("{name:?}")).replace("\"1.0.0\"", &format!("{version:?}"));
        lock.put(locked(&text, None, Level::Silver));
    }
    let text = lock.to_text();
    assert_eq!(Lock::parse(&file("connectors.lock", &text)).unwrap(), lock);
    let places: Vec<_> = ["name = \"alarms\"", "name = \"bells\"", "version = \"1.1.0\""]
        .map(|one| text.find(one).unwrap())
        .into();
    assert!(places.is_sorted() && text.matches("[[connector]]").count() == 2, "{text}");
    assert!(text.contains("version = 1\n") && !text.contains("signed_by"), "{text}");
    assert!(lock.remove("bells") && !lock.remove("bells") && lock.get("bells").is_none());
}

#[test]
fn what_is_no_lock_is_told_with_a_remedy() {
    for (text, message) in [
        ("version = 2\n", "version 1, and this is 2"),
        ("version = \"one\"\n", "no lock of connectors"),
        ("version = 1\n[[connector]]\nname = \"bells\"\n", "missing field"),
        ("version = 1\n[[connectors]]\n", "unknown field"),
        ("<<<<<<< HEAD\nversion = 1\n", "no lock of connectors"),
    ] {
        let mistake = Lock::parse(&file("connectors.lock", text)).unwrap_err();
        assert!(
            mistake.message.contains(message) && mistake.remedy.contains("version control"),
            "{text}: {mistake}"
        );
    }
}
