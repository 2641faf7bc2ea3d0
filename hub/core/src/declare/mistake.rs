//! What is wrong with a declaration: where, what, and what to write instead. Never shows a secret's place with its content.

use std::fmt;

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The configuration is refused.
    Mistake,
    /// The configuration stands, and probably does not do what was meant.
    Note,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mistake {
    pub severity: Severity,
    /// From the configuration's folder: `channels/shop.toml`.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to write or do instead.
    pub remedy: String,
}

impl Mistake {
    /// About a file as a whole.
    pub fn of_file(file: &str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            severity: Severity::Mistake,
            file: file.to_owned(),
            line: 1,
            column: 1,
            message: message.into(),
            remedy: remedy.into(),
        }
    }

    pub fn noted(mut self) -> Self {
        self.severity = Severity::Note;
        self
    }
}

/// `channels/shop.toml:4:1: there is no key "conector" here` and, on a line of its own, the remedy.
impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let note = if self.severity == Severity::Note { "note: " } else { "" };
        write!(f, "{}:{}:{}: {note}{}\n    {}", self.file, self.line, self.column, self.message, self.remedy)
    }
}
