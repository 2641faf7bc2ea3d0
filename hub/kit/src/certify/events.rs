//! What is made of the samples: events of the vocabulary, of the types and the classes of personal data that the manifest tells.

use std::path::Path;

use serde_json::Value;
use snodo_core::body::Body;
use snodo_host::Draft;

use super::input::Input;
use super::{Check, Level, Trial};
use crate::golden::{self, Side};

pub const UNKNOWN: &str = "unknown.message.received";

/// What the manifest says of a role's events.
#[derive(Default)]
pub struct Told<'a> {
    pub emits: &'a [String],
    pub personal_data: &'a [String],
}

pub struct Known<I> {
    pub name: String,
    pub input: I,
    /// What it makes of it, whole. Cases that are faults are no samples to spoil.
    pub drafts: Vec<Draft>,
}

impl<I: Input> Known<I> {
    /// The cases of that side. One that cannot be read or is a fault is told of by the golden cases.
    pub fn of_side(trial: &Trial<'_>, side: Side, read: fn(&Path) -> Result<I, String>) -> Vec<Self> {
        let known = |case: &golden::Case| {
            let input = read(&case.folder).ok()?;
            let drafts = input.drafts(trial.connector, golden::CHANNEL).ok()?;
            Some(Self { name: case.name.clone(), input, drafts })
        };
        trial.folder.cases.iter().filter(|case| case.side == side).filter_map(known).collect()
    }

    /// What to call one of its bodies that was spoilt.
    pub fn at(&self, place: usize, how: &str) -> String {
        match self.input.bodies().len() {
            0 | 1 => format!("{}: {how}", self.name),
            _ => format!("{}: answer {}: {how}", self.name, place + 1),
        }
    }
}

pub fn canonical<I>(trial: &Trial<'_>, told: &Told<'_>, samples: &[Known<I>]) -> Check {
    let mut check = Check::new("canonical events", Level::Bronze);
    for Known { name, drafts, .. } in samples {
        check.tried += 1;
        for draft in drafts {
            let data = match Body::parse(&draft.data) {
                Ok(data) => data,
                Err(error) => {
                    check.find(
                        "invalid-event",
                        name,
                        format!("the body of {} is not JSON: {error}", draft.kind),
                    );
                    continue;
                }
            };
            for violation in trial.vocabulary.check(&draft.kind, &data).err().into_iter().flatten() {
                check.find(
                    "invalid-event",
                    name,
                    format!("{} at {}: {}", draft.kind, violation.pointer, violation.message),
                );
            }
            if let Some(time) = draft.time.as_deref().filter(|time| time.parse::<jiff::Timestamp>().is_err())
            {
                check.find("invalid-event", name, format!("{time:?} is no time with an offset"));
            }
            if draft.kind != UNKNOWN && !covers(told.emits, &draft.kind) {
                check.find("undeclared-type", name, format!("{} is not in the manifest's emits", draft.kind));
            }
        }
    }
    check
}

/// `commerce.*` covers `commerce.order.placed`.
pub fn covers(patterns: &[String], kind: &str) -> bool {
    patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(start) => kind.starts_with(start),
        None => pattern == kind,
    })
}

pub fn personal_data<I>(trial: &Trial<'_>, told: &Told<'_>, samples: &[Known<I>]) -> Check {
    let mut check = Check::new("personal data", Level::Silver);
    for Known { name, drafts, .. } in samples {
        check.tried += 1;
        // Of a message that nobody understood nobody can say what is in it.
        for draft in drafts.iter().filter(|draft| draft.kind != UNKNOWN) {
            let Some(data) = data(draft) else { continue };
            for value in trial.privacy.personal_values(&draft.kind, &data) {
                let class = value.class.as_str();
                if !told.personal_data.iter().any(|one| one == "*" || one == class) {
                    let what = format!(
                        "{} of {} is {class} data, which the manifest does not declare",
                        value.pointer, draft.kind
                    );
                    check.find("undeclared-personal-data", name, what);
                }
            }
        }
    }
    check
}

pub fn data(draft: &Draft) -> Option<Value> {
    serde_json::from_slice(&draft.data).ok()
}
