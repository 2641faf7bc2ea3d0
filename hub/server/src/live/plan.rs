//! What is said of a change of the configuration: what it would do, what it has done, or why it was refused. The same words over the
//! operator's socket, in the log and on the screen.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use snodo_core::Fate;
use snodo_core::declare::{Changes, Difference, Mistake};

/// What becomes of what still waits for something that is not declared any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// It is dead: it can be looked at, and tried again once its destination is back.
    Dead,
    /// It has expired.
    Expired,
    /// It stays where it is until its channel comes back.
    Wait,
}

impl Answer {
    pub const fn fate(self) -> Option<Fate> {
        match self {
            Self::Dead => Some(Fate::Dead),
            Self::Expired => Some(Fate::Expired),
            Self::Wait => None,
        }
    }
}

/// By what they are about: `NAME` of a channel, or `routes/NAME`.
pub type Answers = BTreeMap<String, Answer>;

/// Something that waits for what is not declared any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// As it is named in an answer.
    pub of: String,
    pub what: What,
    pub count: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// Deliveries to a destination that ends.
    Deliveries,
    /// Deliveries on a route that ends, to a destination that stays.
    Routed,
    /// Messages of a source that ends, which are not decoded yet.
    Messages,
}

impl What {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deliveries | Self::Routed => "deliveries",
            Self::Messages => "messages",
        }
    }

    /// The answers that there are.
    pub const fn answers(self) -> &'static [Answer] {
        match self {
            Self::Deliveries => &[Answer::Dead, Answer::Expired, Answer::Wait],
            // Whoever reads the queue of the destination comes upon them.
            Self::Routed => &[Answer::Dead, Answer::Expired],
            // What was not decoded has no fate to be given.
            Self::Messages => &[Answer::Wait],
        }
    }
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { of, what, count } = self;
        match what {
            What::Deliveries => write!(
                f,
                "{count} deliveries to {of} are in flight, and the new configuration does not send to it: wait until they are delivered, \
                 or say what becomes of them: `snodo reload --let {of}=dead`, `--let {of}=expired`, or `--let {of}=wait` to keep them \
                 until the channel comes back"
            ),
            What::Routed => write!(
                f,
                "{count} deliveries of {of} are in flight, and the new configuration does not have the route: wait until they are \
                 delivered, or say what becomes of them: `snodo reload --let {of}=dead` or `--let {of}=expired`"
            ),
            What::Messages => write!(
                f,
                "{count} messages of {of} wait to be decoded, and the new configuration does not receive from it: wait until they are, \
                 or `snodo reload --let {of}=wait` to keep them until the channel comes back"
            ),
        }
    }
}

/// What applying the files as they are would do to the running hub.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Plan {
    /// `None` if the files cannot be read as a configuration.
    pub changes: Option<Difference>,
    /// What waits right now for what would not be there any more.
    pub left: Vec<Left>,
    /// Why it would be refused. What waits is a reason only if it still does when the change is applied.
    pub refusal: Option<Refusal>,
}

/// What was applied.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Applied {
    pub changes: Difference,
    /// What was settled by an answer, or stays in the store.
    pub left: Vec<Left>,
}

/// Why nothing was changed: all of it at once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Of the files, as `snodo check` tells them.
    pub mistakes: Vec<Mistake>,
    /// Each a sentence with a remedy.
    pub reasons: Vec<String>,
}

impl Refusal {
    pub fn because(reason: impl Into<String>) -> Self {
        Self { mistakes: Vec::new(), reasons: vec![reason.into()] }
    }

    pub const fn is_empty(&self) -> bool {
        self.mistakes.is_empty() && self.reasons.is_empty()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mistakes = self.mistakes.iter().map(Mistake::to_string);
        let lines: Vec<String> = mistakes.chain(self.reasons.iter().cloned()).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl From<anyhow::Error> for Refusal {
    fn from(error: anyhow::Error) -> Self {
        Self::because(format!("{error:#}"))
    }
}

/// A change in lines for people.
pub fn lines(changes: &Difference) -> Vec<String> {
    let mut lines = Vec::new();
    tell(&mut lines, "channel", &changes.channels);
    tell(&mut lines, "route", &changes.routes);
    tell(&mut lines, "purpose", &changes.purposes);
    lines.extend(changes.hub.iter().map(|key| format!("~ hub.toml {key}")));
    lines.extend(changes.restart.iter().map(|fixed| format!("! hub.toml {}: takes a restart", fixed.key)));
    lines
}

fn tell<N: fmt::Display>(lines: &mut Vec<String>, kind: &str, changes: &Changes<N>) {
    for (sign, names) in [('+', &changes.added), ('~', &changes.changed), ('-', &changes.removed)] {
        lines.extend(names.iter().map(|name| format!("{sign} {kind} {name}")));
    }
}
