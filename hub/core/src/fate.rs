//! What became of an event on a route. Each (event, route) ends in exactly one of these, or is still in flight.

use std::fmt;

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// The destination took it.
    Delivered,
    /// The route does not want it: another source or type, or its condition said no. Or the destination has no use for it.
    Filtered,
    /// The customer has not agreed to the route's purpose.
    Suppressed,
    /// The hub, or the destination, already had it.
    Duplicate,
    /// It cannot be processed, and is kept whole until a person decides.
    Quarantined,
    /// The destination refused it for good, or the attempts ran out.
    Dead,
    /// Its time was up before it could be delivered.
    Expired,
}

impl Fate {
    /// In the order in which they are shown.
    pub const ALL: [Self; 7] = [
        Self::Delivered,
        Self::Filtered,
        Self::Suppressed,
        Self::Duplicate,
        Self::Quarantined,
        Self::Dead,
        Self::Expired,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Filtered => "filtered",
            Self::Suppressed => "suppressed",
            Self::Duplicate => "duplicate",
            Self::Quarantined => "quarantined",
            Self::Dead => "dead",
            Self::Expired => "expired",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fate| fate.as_str() == text)
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
