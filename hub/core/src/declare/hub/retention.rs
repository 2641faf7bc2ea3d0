//! `[retention]`: how long the hub keeps what it has stored. Without a key here, nothing is ever given up or removed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::declare::Period;

/// How long things are kept, by what became of them, and how much is kept in all. Nothing is removed without one of these keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Events that have ended well on every route (delivered, filtered, suppressed, duplicate or expired) are removed so long after
    /// they were accepted. Not less than `dedup.window`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled: Option<Period>,
    /// A delivery that is dead or in quarantine is expired after so long. An event or a message in quarantine is removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<Period>,
    /// A delivery that has been on its way for so long is expired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Period>,
    /// When what is stored takes more than this, in bytes, the oldest events that have ended well are removed, but none that is younger
    /// than `dedup.window`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1_048_576))]
    pub bytes: Option<u64>,
}
