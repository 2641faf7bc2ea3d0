//! The connectors that come with the hub hold the highest level.

use std::path::Path;

use snodo_core::vocabulary::Vocabulary;
use snodo_host::{Compile, Limits, Options, Sandbox};
use snodo_kit::{Folder, Level, certify};

#[test]
fn every_connector_of_the_catalogue_is_certified_at_the_highest_level() {
    let options = Options { cache_dir: None, compile: Compile::InProcess, limits: Limits::default() };
    let sandbox = Sandbox::new(options).unwrap();
    let vocabulary = Vocabulary::load();
    let connectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../connectors");
    let mut below = Vec::new();
    for embedded in snodo_catalogue::catalogue() {
        let folder = Folder::open(&connectors.join(embedded.name)).unwrap_or_else(|error| panic!("{error}"));
        let connector = sandbox.load(embedded.component).unwrap();
        let report = certify(&folder, &connector, &vocabulary);
        let found: Vec<String> = report
            .findings()
            .map(|found| format!("  {} · {} · {}", found.fault, found.at, found.what))
            .collect();
        let empty = report.checks.iter().filter(|check| check.tried == 0 && check.needless.is_none());
        let empty: Vec<&str> = empty.map(|check| check.name).collect();
        if report.level < Level::Gold {
            below.push(format!(
                "{}: {}, nothing tried of {empty:?}\n{}",
                report.name,
                report.level.as_str(),
                found.join("\n")
            ));
        }
    }
    assert!(below.is_empty(), "{}", below.join("\n\n"));
}
