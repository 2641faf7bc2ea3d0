//! `hub.toml`: what the people who run the hub decide. Paths are taken from the folder that the file is in.

mod mail;
mod retention;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::consent::Basis;
use crate::declare::{Period, Trust};
use crate::message::BODY_BYTES_MAX;
use crate::retry::Schedule;

pub use mail::Mail;
pub use retention::Retention;

/// The hub itself: where it listens, where it keeps its data, its limits, and what it may use data about customers for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("required" = ["company"]))]
pub struct Hub {
    /// The name of the company or of this hub, in lower-case letters, digits and hyphens. It is part of every event's source
    /// (`snodo://{company}/{channel}`) and so of its id: do not change it later.
    #[schemars(extend("format" = "name", "examples" = ["acme"]), transform = without_default)]
    pub company: String,
    /// The address and port on which the hub takes messages and shows its state. Use `0.0.0.0` to be reached from other machines.
    #[schemars(with = "String", extend("format" = "listen"))]
    pub listen: SocketAddr,
    /// The folder in which everything is stored that the hub must not lose.
    pub data: PathBuf,
    /// A folder of further connectors, beside those that are built in: installed ones (`*.wasm`), and folders of those under
    /// development. It need not exist.
    pub connectors: PathBuf,
    /// Which connectors channels may use.
    pub trust: Trust,
    /// What the hub accepts at most.
    pub limits: Limits,
    /// How repeated messages are recognised.
    pub dedup: Dedup,
    /// When a delivery that did not work is tried again.
    pub retry: Retry,
    /// How long what is stored is kept.
    pub retention: Retention,
    /// Where the hub takes mail, for the channels that receive by it. Without it, nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mail: Option<Mail>,
    /// What the hub writes about itself to standard error.
    pub log: Log,
    /// What data about customers may be used for. A route names one of these purposes.
    pub purposes: BTreeMap<String, Purpose>,
}

/// What the hub accepts at most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The longest message body, in bytes. A longer one is answered 413.
    #[schemars(range(min = 1024, max = 104_857_600))]
    pub body_bytes_max: usize,
    /// How deep a message's objects and lists may be nested.
    #[schemars(range(min = 8, max = 512))]
    pub depth_max: usize,
    /// How long a sender may take for one request.
    pub request_time_max: Period,
    /// How many requests are worked on at once. Further ones are answered 503.
    #[schemars(range(min = 1, max = 65_536))]
    pub requests_max: usize,
}

/// How repeated messages are recognised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Dedup {
    /// For how long the hub remembers that it has had an event. The same event again within that time is a duplicate.
    pub window: Period,
}

/// When a delivery that did not work is tried again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    /// The wait before each further attempt. When the list runs out, the delivery is dead and waits for a person.
    #[schemars(length(max = 64))]
    pub delays: Vec<Period>,
}

/// What the hub writes about itself to standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// How a line is written.
    pub format: LogFormat,
    /// From which level on lines are written.
    pub level: LogLevel,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for a log store.
    Json,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Data at risk, or someone must act.
    Error,
    /// Something went wrong and the hub recovered.
    Warn,
    /// An action finished.
    #[default]
    Info,
    /// One line per event and stage.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// Something that data about customers is used for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Purpose {
    /// What it is for, in a few words that a customer would understand.
    #[schemars(length(min = 1), extend("examples" = ["News and offers by e-mail"]))]
    pub title: String,
    /// What it rests on in law. With `consent`, nothing is sent for a customer who has not agreed.
    pub basis: Basis,
}

/// The one key that must be chosen.
fn without_default(schema: &mut schemars::Schema) {
    schema.remove("default");
}

impl Default for Hub {
    fn default() -> Self {
        Self {
            // Without a default: ids hang on it. `read` asks for it.
            company: String::new(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 7070)),
            data: "data".into(),
            connectors: "connectors".into(),
            trust: Trust::default(),
            limits: Limits::default(),
            dedup: Dedup::default(),
            retry: Retry::default(),
            retention: Retention::default(),
            mail: None,
            log: Log::default(),
            purposes: BTreeMap::new(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes_max: BODY_BYTES_MAX,
            // The deepest real payload seen has 14 levels.
            depth_max: 64,
            // Senders of webhooks give up after 5 to 30 seconds themselves.
            request_time_max: Period::of_secs(10),
            // With bodies of the largest size all of them together stay under what a small machine has.
            requests_max: 512,
        }
    }
}

impl Default for Dedup {
    /// Vendors repeat a webhook for up to three days; the rest is for a queue that stood over a weekend.
    fn default() -> Self {
        Self { window: Period::of_secs(7 * 86_400) }
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self { delays: Schedule::default().delays().iter().copied().map(Period).collect() }
    }
}

impl Retry {
    pub fn schedule(&self) -> Schedule {
        Schedule::new(self.delays.iter().map(|delay| delay.0).collect())
    }
}
