//! Golden cases: what a connector makes of known input, kept as files and compared in the sandbox, without a vendor.
//!
//! A case is a folder in `golden/` of the connector. With `message.toml` it is one for the source, with `poll.toml` for the poll,
//! with `deliveries.json` for the destination, with `event.json` for the transform; `expected.json` is what must come out.

mod answer;
mod case;
mod destination;
mod difference;
mod event;
mod poll;
mod shown;
mod source;
mod transform;

use std::path::{Path, PathBuf};

use serde_json::Value;
use snodo_host::{Connector, Role};

pub use answer::Answered;
pub use case::{CHANNEL, RECEIVED_MS, config, plain};
pub use destination::{Batch, Given, Run};
pub use difference::differences;
pub use event::GivenEvent;
pub use poll::{End, Stepped, Walk, Walked, step_shown as step};
pub use shown::{draft, fault, outcome, request};
pub use source::Sample;
pub use transform::Original;

/// One folder in `golden/`.
#[derive(Clone, Debug)]
pub struct Case {
    pub name: String,
    pub folder: PathBuf,
    pub side: Side,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Source,
    Poll,
    Destination,
    Transform,
}

impl Side {
    pub const ALL: [Self; 4] = [Self::Source, Self::Poll, Self::Destination, Self::Transform];

    /// The file that makes a folder a case of this side.
    const fn input(self) -> &'static str {
        match self {
            Self::Source => source::INPUT,
            Self::Poll => poll::INPUT,
            Self::Destination => destination::INPUT,
            Self::Transform => transform::INPUT,
        }
    }

    pub const fn role(self) -> Role {
        match self {
            Self::Source => Role::Source,
            Self::Poll => Role::Poll,
            Self::Destination => Role::Destination,
            Self::Transform => Role::Transform,
        }
    }
}

/// What to do with what came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Compare,
    /// Make it what is expected.
    Update,
}

/// The cases of a connector's folder, by name. A folder that is no case is a mistake.
pub fn cases(connector: &Path) -> Result<Vec<Case>, String> {
    let golden = connector.join("golden");
    if !golden.exists() {
        return Ok(Vec::new());
    }
    let entries = std::fs::read_dir(&golden)
        .map_err(|error| format!("failed to list {}: {error}", golden.display()))?;
    let mut cases = Vec::new();
    for folder in entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()) {
        let sides = Side::ALL.into_iter().filter(|side| folder.join(side.input()).is_file());
        let &[side] = sides.collect::<Vec<_>>().as_slice() else {
            let inputs = Side::ALL.map(Side::input).join(", ");
            return Err(format!("{} is no case: put one of {inputs} there", folder.display()));
        };
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        cases.push(Case { name, folder, side });
    }
    cases.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(cases)
}

impl Case {
    /// What the connector makes of it, in the form of `expected.json`.
    pub fn run(&self, connector: &Connector) -> Result<Value, String> {
        match self.side {
            Side::Source => source::run(connector, &self.folder),
            Side::Poll => poll::run(connector, &self.folder),
            Side::Destination => destination::run(connector, &self.folder),
            Side::Transform => transform::run(connector, &self.folder),
        }
    }

    pub fn expected(&self) -> Result<Value, String> {
        case::json(&self.folder.join("expected.json"))
    }

    /// Runs it and compares; says each place that differs.
    pub fn check(&self, connector: &Connector, mode: Mode) -> Result<(), String> {
        let actual = self.run(connector)?;
        case::settle(&self.folder, &actual, mode == Mode::Update)
    }
}
