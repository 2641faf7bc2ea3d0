//! They hold the highest level.

use std::sync::Mutex;

use snodo_core::vocabulary::Vocabulary;
use snodo_kit::{Level, certify};

use super::{folders, sandbox};

#[test]
fn every_connector_of_the_catalogue_is_certified_at_the_highest_level() {
    let (sandbox, vocabulary) = (sandbox(), Vocabulary::load());
    let below = Mutex::new(Vec::new());
    let waiting = Mutex::new(folders());
    // Two at a time: each takes seconds, most of it in the sandbox.
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some((folder, component)) = waiting.lock().unwrap().next() else { return };
                    let report = certify(&folder, &sandbox.load(component).unwrap(), &vocabulary);
                    if report.level == Level::Gold {
                        continue;
                    }
                    let found = report
                        .findings()
                        .map(|found| format!("  {} · {} · {}", found.fault, found.at, found.what));
                    let found: Vec<String> = found.collect();
                    let empty =
                        report.checks.iter().filter(|check| check.tried == 0 && check.needless.is_none());
                    let empty: Vec<&str> = empty.map(|check| check.name).collect();
                    below.lock().unwrap().push(format!(
                        "{}: {}, nothing tried of {empty:?}\n{}",
                        report.name,
                        report.level.as_str(),
                        found.join("\n")
                    ));
                }
            });
        }
    });
    let below = below.into_inner().unwrap();
    assert!(below.is_empty(), "{}", below.join("\n\n"));
}

/// A golden case may show what is not valid, or what the manifest does not name; an embedded connector's may not.
#[test]
fn every_golden_event_is_valid_and_of_a_type_that_the_manifest_names() {
    let vocabulary = Vocabulary::load();
    for (folder, _) in folders() {
        let manifest = &folder.manifest;
        let source = manifest.source.iter().flat_map(|source| &source.emits);
        let poll = manifest.poll.iter().flat_map(|poll| &poll.emits);
        let emits: Vec<&String> = source.chain(poll).collect();
        for case in folder.cases.iter().filter(|case| case.folder.join("message.toml").exists()) {
            let at = format!("{}, {}", manifest.name, case.name);
            let expected = std::fs::read(case.folder.join("expected.json")).unwrap();
            let expected: serde_json::Value = serde_json::from_slice(&expected).unwrap();
            for event in expected.as_array().into_iter().flatten() {
                let kind = event["kind"].as_str().unwrap();
                let fits = |emitted: &&&String| {
                    emitted
                        .strip_suffix('*')
                        .map_or(emitted.as_str() == kind, |begin| kind.starts_with(begin))
                };
                assert!(emits.iter().any(|emitted| fits(&emitted)), "{at}: {kind} is not in emits");
                // A sender of canonical events may send anything: the hub validates.
                if manifest.name != "canonical" {
                    let violations = vocabulary.check(kind, &(&event["data"]).into());
                    assert_eq!(violations, Ok(()), "{at}: {kind}");
                }
            }
        }
    }
}
