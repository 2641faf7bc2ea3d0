//! Certification: tries a connector on its own samples, whole and spoilt, and on what vendors answer on bad days. Offline, and
//! always the same for the same component and folder. The report names every fault, and the level that it stands in the way of.

mod cassette;
mod destination;
mod events;
mod hosts;
mod input;
mod menu;
mod mutants;
mod paper;
mod poll;
mod scales;
mod source;
mod strain;
mod transform;
mod values;

use serde::Serialize;
pub use snodo_core::declare::Level;
use snodo_core::privacy::Privacy;
use snodo_core::vocabulary::Vocabulary;
use snodo_host::{Connector, Role};

use crate::folder::Folder;
use crate::golden::{Mode, Side};

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Its name, always the same: `drops-events`.
    pub fault: &'static str,
    /// The case and what was done to it.
    pub at: String,
    pub what: String,
}

/// One sort of trial, with what it found.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    pub name: &'static str,
    /// Of which role; `None` if it is of the connector as a whole.
    pub role: Option<&'static str>,
    pub level: Level,
    /// How many trials were made. With none the check says nothing, and is not passed.
    pub tried: usize,
    pub findings: Vec<Finding>,
    /// Why there was nothing to try, where that is fine.
    pub needless: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub name: String,
    pub version: String,
    pub contract: String,
    /// Of the component that was tried: it is for this one and no other.
    pub digest: String,
    pub level: Level,
    pub checks: Vec<Check>,
}

impl Report {
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.checks.iter().flat_map(|check| &check.findings)
    }
}

/// Findings of one fault in one check that are told; the rest is the same again.
const TOLD_MAX: usize = 3;

impl Check {
    fn new(name: &'static str, level: Level) -> Self {
        Self { name, role: None, level, tried: 0, findings: Vec::new(), needless: None }
    }

    fn find(&mut self, fault: &'static str, at: impl Into<String>, what: impl Into<String>) {
        if self.findings.iter().filter(|found| found.fault == fault).count() < TOLD_MAX {
            self.findings.push(Finding { fault, at: at.into(), what: what.into() });
        }
    }

    fn needless(&mut self, why: impl Into<String>) {
        self.needless = Some(why.into());
    }

    fn is_passed(&self) -> bool {
        self.findings.is_empty() && (self.tried > 0 || self.needless.is_some())
    }
}

/// Everything that the trials need.
struct Trial<'a> {
    folder: &'a Folder,
    connector: &'a Connector,
    vocabulary: &'a Vocabulary,
    privacy: Privacy,
}

/// Tries the component of the folder. That it was loaded already says that it is pure and fits the contract.
pub fn certify(folder: &Folder, connector: &Connector, vocabulary: &Vocabulary) -> Report {
    let trial = Trial { folder, connector, vocabulary, privacy: Privacy::new(vocabulary) };
    let mut checks = vec![paper::manifest(&trial), paper::configuration(&trial), golden(&trial)];
    for role in Role::ALL.into_iter().filter(|role| connector.has(*role)) {
        let of_role = match role {
            Role::Source => source::checks(&trial),
            Role::Poll => poll::checks(&trial),
            Role::Destination => destination::checks(&trial),
            Role::Transform => transform::checks(&trial),
        };
        checks.extend(of_role.into_iter().map(|check| Check { role: Some(role.as_str()), ..check }));
    }
    let manifest = &folder.manifest;
    Report {
        name: manifest.name.clone(),
        version: manifest.version.clone(),
        contract: manifest.contract.clone(),
        digest: connector.digest(),
        level: level(&checks),
        checks,
    }
}

/// The highest level under which nothing is left open.
fn level(checks: &[Check]) -> Level {
    let holds = |level: &Level| checks.iter().filter(|check| check.level <= *level).all(Check::is_passed);
    [Level::Bronze, Level::Silver, Level::Gold].into_iter().take_while(holds).last().unwrap_or(Level::None)
}

/// After each of these numbers of calls the memory is looked at.
const CALLS: [usize; 4] = [300; 4];

/// The same call on one instance again and again: its memory grows at first, but not for ever.
fn growth(trial: &Trial<'_>, at: &str, mut call: impl FnMut(&str)) -> Check {
    const CHANNEL: &str = "memory";
    let mut check = Check::new("memory", Level::Silver);
    let mut sizes = Vec::new();
    for calls in CALLS {
        for _ in 0..calls {
            call(CHANNEL);
            check.tried += 1;
        }
        // `None` is an instance that was let go because it had grown too much.
        sizes.push(trial.connector.memory_bytes(CHANNEL));
    }
    trial.connector.forget(CHANNEL);
    if sizes.windows(2).all(|pair| pair[1].is_none() || pair[1] > pair[0]) {
        let size =
            |size: &Option<usize>| size.map_or_else(|| "too much".to_owned(), |bytes| bytes.to_string());
        let sizes: Vec<String> = sizes.iter().map(size).collect();
        check.find(
            "grows-memory",
            at,
            format!("after every 300 calls it holds more: {} bytes", sizes.join(", ")),
        );
    }
    check
}

fn golden(trial: &Trial<'_>) -> Check {
    let mut check = Check::new("golden cases", Level::Bronze);
    for case in &trial.folder.cases {
        check.tried += 1;
        if let Err(why) = case.check(trial.connector, Mode::Compare) {
            check.find("golden-differs", &case.name, why);
        }
    }
    for side in Side::ALL.into_iter().filter(|side| trial.connector.has(side.role())) {
        if !trial.folder.cases.iter().any(|case| case.side == side) {
            let what = format!("there is no case for the {}", side.role().as_str());
            check.find("no-golden-case", "golden/", what);
        }
    }
    check
}
