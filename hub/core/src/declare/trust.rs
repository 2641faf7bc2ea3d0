//! How far a connector is to be trusted before a channel may use it: which level it must hold, and whose signature it must bear.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How far a connector is to be trusted. Each level holds everything of those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing is known of it, or it does not do what it says.
    #[default]
    None,
    /// It says what it is, and does what its cases say.
    Bronze,
    /// Nothing that comes in makes it fail, lose or mistake an event.
    Silver,
    /// It also says the right thing of every bad day that the vendor may have.
    Gold,
}

impl Level {
    pub const ALL: [Self; 4] = [Self::None, Self::Bronze, Self::Silver, Self::Gold];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Bronze => "bronze",
            Self::Silver => "silver",
            Self::Gold => "gold",
        }
    }
}

/// Which connectors channels may use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Trust {
    /// The level that a connector must hold, as the hub itself found it when the connector was installed. Those that are built in
    /// hold gold. Above `none`, a connector's folder under development is not used.
    pub level: Level,
    /// The public keys (minisign's) of those whose connectors may be installed. With none of them, unsigned ones may be too.
    #[schemars(extend(
        "items" = { "type": "string", "format": "minisign-key" },
        "examples" = [["RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"]]
    ))]
    pub keys: Vec<String>,
}

/// Where a connector comes from, and so what is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It comes with the hub, whose tests certify it.
    BuiltIn,
    /// The hub has certified it when it was installed.
    Installed(Level),
    /// A folder that somebody works on: no two starts need find the same in it.
    UnderDevelopment,
}

impl Standing {
    pub const fn level(self) -> Level {
        match self {
            Self::BuiltIn => Level::Gold,
            Self::Installed(level) => level,
            Self::UnderDevelopment => Level::None,
        }
    }
}

/// Whether a text has the form of a public key of minisign's: "Ed", 8 bytes of a number and 32 of the key, in Base64
/// (<https://jedisct1.github.io/minisign/>, "Public key format").
pub fn is_public_key(text: &str) -> bool {
    STANDARD.decode(text).is_ok_and(|bytes| bytes.len() == 42 && bytes.starts_with(b"Ed"))
}
