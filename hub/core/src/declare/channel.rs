//! `channels/{name}.toml`: one system that the hub is joined to, who answers for it, and how bytes go in and out.
//! Paths are taken from the folder that `hub.toml` is in. Secrets are only ever named here, never written.

mod amqp;
mod mail;
mod mqtt;
mod sql;
pub(crate) mod websocket;

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroU64};
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::authorize::{Auth, Sign};
use crate::declare::Period;
use crate::secret::SecretRef;
use crate::verify::{Challenge, Verify};

pub use amqp::{AmqpInlet, AmqpOutlet};
pub use mail::{MailFrom, MailInlet, MailOutlet, MailPattern, MailTls, Network, is_mail_address};
pub use mqtt::{MqttInlet, MqttOutlet};
pub use sql::{DatabaseUrl, DatabaseUrlError, SqlInlet, SqlOutlet, SqlTls, TableName};
pub use websocket::WebSocketInlet;

/// One system that the hub is joined to. The name of the file is the name of the channel.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    /// What people call it.
    #[schemars(length(min = 1), extend("examples" = ["Our web shop"]))]
    pub title: String,
    /// The team that answers for it. A team, not a person: this is shown to everybody.
    #[schemars(length(min = 1), extend("examples" = ["E-commerce team"]))]
    pub owner: String,
    /// Why the channel exists, in a sentence.
    #[schemars(length(min = 1), extend("examples" = ["Orders and customers of the web shop"]))]
    pub purpose: String,
    /// The connector that speaks the system's language. `snodo connector list` shows them.
    #[schemars(extend("examples" = ["shopify"]))]
    pub connector: String,
    /// The classes of personal data that the channel carries. Without it: all that its connector can carry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub carries: Vec<String>,
    /// How messages come in. Leave it out if none do. A channel with neither [receive] nor [send] makes other events of those that
    /// routes bring it, if its connector is a transform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receive: Option<Inlet>,
    /// How requests go out. Leave it out if none do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send: Option<Outlet>,
    /// How what is to be sent waits for its turn. Leave it out where each may go when it can.
    #[serde(default, skip_serializing_if = "Queue::is_default")]
    pub queue: Queue,
    /// The connector's own settings. `snodo connector show NAME` explains them.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub config: Map<String, Value>,
}

impl Channel {
    /// Whether routes lead to it and from it, and nothing goes in or out: its connector is a transform.
    pub const fn is_junction(&self) -> bool {
        self.receive.is_none() && self.send.is_none()
    }

    /// Whether messages come from it.
    pub const fn is_source(&self) -> bool {
        self.receive.is_some() || self.is_junction()
    }

    /// Whether routes may lead to it.
    pub const fn is_destination(&self) -> bool {
        self.send.is_some() || self.is_junction()
    }
}

/// How what is to be sent waits for its turn.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Queue {
    /// `"key"`: those with one ordering key, by default those about one customer, go one after another, in the order of acceptance;
    /// others never wait for them. `"strict"`: all go one after another; what cannot be sent now holds up what comes after it. For a
    /// line that may be away for days, such as a shop's to its headquarters. `"free"`: each goes when it can. Without it: `"key"`,
    /// or `"strict"` where deliveries are gathered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
    /// For how long a delivery is tried again, at least once a minute. Without it: as `retry` in hub.toml says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_trying: Option<Period>,
    /// How long deliveries may wait for others, so that they are sent together: for files and objects of many events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gather: Option<Period>,
    /// How many requests are sent in a second at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_second: Option<NonZeroU32>,
    /// How many requests are sent in a day at most. Days begin at midnight, UTC. The rest waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_day: Option<NonZeroU64>,
    /// How long a destination may fail as a whole until the hub stops trying, keeps what is for it, and waits for
    /// `snodo destination enable`. Without it: `keep_trying`, or 7 days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disable_after: Option<Period>,
}

/// Whoever has not missed a system for a week does not need it; and its deliveries are kept.
const DISABLE_AFTER: Period = Period::of_secs(7 * 86_400);

impl Queue {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }

    pub fn disable_after(&self) -> Duration {
        self.disable_after.or(self.keep_trying).unwrap_or(DISABLE_AFTER).0
    }

    pub fn order(&self) -> Order {
        self.order.unwrap_or(if self.gather.is_some() { Order::Strict } else { Order::Key })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    Key,
    Strict,
    Free,
}

/// How messages come in.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "transport", rename_all = "lowercase", deny_unknown_fields)]
pub enum Inlet {
    /// The system calls `POST /in/{channel}`.
    Http(HttpInlet),
    /// The system puts files into a folder.
    File(FileInlet),
    /// The hub asks the system's API for what is new.
    Poll(PollInlet),
    /// The hub is subscribed to topics of an MQTT broker.
    Mqtt(MqttInlet),
    /// The hub takes from a queue of an AMQP broker.
    Amqp(AmqpInlet),
    /// Clients keep a connection to the hub, or the hub keeps one to a feed.
    WebSocket(WebSocketInlet),
    /// Rows of a PostgreSQL database, which the hub reads.
    Sql(SqlInlet),
    /// Mail that is delivered to the hub.
    Mail(MailInlet),
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpInlet {
    /// How a message proves where it comes from. The connector knows its vendor's scheme; the secret is yours to bring.
    /// `{ scheme = "none" }` lets anyone send.
    pub verify: Verify,
    /// How the vendor asks, before its first message, whether the address is the right one. The connector knows its vendor's
    /// way. Without it the hub answers to messages only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<Challenge>,
    /// The web sites whose pages may send from a browser, each as `https://name`, or `*` for all. Without it browsers send nothing
    /// from pages that are not the hub's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("items" = { "type": "string", "format": "origin" }))]
    pub origins: Vec<String>,
    /// How many messages are taken in a second. Further ones are answered 429, with `Retry-After`: for a system that floods
    /// its neighbours. Without it, as many as the hub can keep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_second: Option<NonZeroU32>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileInlet {
    /// The folder that is watched. A file that was taken is moved into its subfolder `done`.
    pub folder: PathBuf,
    /// Which files are taken, by name: `*` stands for anything.
    #[serde(default = "FileInlet::default_pattern")]
    #[schemars(length(min = 1))]
    pub pattern: String,
    /// How long a file must have been left alone before it counts as whole.
    #[serde(default = "FileInlet::default_settle")]
    pub settle: Period,
    /// Takes files apart, so that they may be of any size: what a record is. Without it a file is one message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<Split>,
}

/// Where a file may be taken apart. Each part is a message, and a file of the same form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "by", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Split {
    /// Between lines: JSON Lines.
    Line {},
    /// Between the rows of a CSV (RFC 4180); each part begins with the file's first row, the header.
    CsvRow {
        /// What stands between two fields.
        #[serde(default)]
        delimiter: Delimiter,
    },
    /// Between the elements under the root of an XML document; each part has the root around it.
    XmlElement {},
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Delimiter {
    #[default]
    Comma,
    Semicolon,
    Tab,
    Pipe,
}

impl Delimiter {
    pub const fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
            Self::Pipe => b'|',
        }
    }
}

impl FileInlet {
    fn default_pattern() -> String {
        "*".to_owned()
    }

    /// Copying over a network pauses for less than that.
    const fn default_settle() -> Period {
        Period::of_secs(2)
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PollInlet {
    /// How long the system is left alone before it is asked again. Without it: as the connector says.
    pub every: Period,
    /// The hosts that may be asked, each as `name` or `name:port`. Without it: those that the connector names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("items" = { "type": "string", "format": "host" }))]
    pub hosts: Vec<String>,
    /// Whether those hosts may be on this machine or in a private network. Otherwise only public addresses are called.
    pub private_networks: bool,
    /// How long one request may take, answer included.
    pub timeout: Period,
    /// What the hub shows to be let in. The connector knows its vendor's scheme; the secret is yours to bring.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,
    /// Further secrets, by the name with which the connector asks for them: `{{secret:NAME}}` in a header, or in a target behind its host.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, SecretRef>,
}

impl Default for PollInlet {
    fn default() -> Self {
        let HttpOutlet { hosts, private_networks, timeout, auth, secrets, .. } = HttpOutlet::default();
        // Every connector that polls says how often; few vendors mind being asked that often.
        Self { every: Period::of_secs(300), hosts, private_networks, timeout, auth, secrets }
    }
}

/// What the hub needs to call a system: the same for what it sends and for what it asks.
#[derive(Clone, Copy, Debug)]
pub struct Access<'a> {
    pub hosts: &'a [String],
    pub private_networks: bool,
    pub timeout: Period,
    pub auth: Option<&'a Auth>,
    pub sign: Option<&'a Sign>,
    pub secrets: &'a BTreeMap<String, SecretRef>,
}

impl PollInlet {
    pub const fn access(&self) -> Access<'_> {
        let Self { hosts, private_networks, timeout, auth, secrets, .. } = self;
        let (auth, timeout) = (auth.as_ref(), *timeout);
        Access {
            hosts: hosts.as_slice(),
            private_networks: *private_networks,
            timeout,
            auth,
            sign: None,
            secrets,
        }
    }
}

impl HttpOutlet {
    pub const fn access(&self) -> Access<'_> {
        let Self { hosts, private_networks, timeout, auth, sign, secrets, .. } = self;
        let (auth, sign, timeout) = (auth.as_ref(), sign.as_ref(), *timeout);
        Access { hosts: hosts.as_slice(), private_networks: *private_networks, timeout, auth, sign, secrets }
    }
}

/// How requests go out.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "transport", rename_all = "lowercase", deny_unknown_fields)]
pub enum Outlet {
    /// Requests to the system's API.
    Http(HttpOutlet),
    /// Lines of files, or whole files, in a folder.
    File(FileOutlet),
    /// Messages to topics of an MQTT broker.
    Mqtt(MqttOutlet),
    /// Messages to an exchange of an AMQP broker.
    Amqp(AmqpOutlet),
    /// Rows of a PostgreSQL database.
    Sql(SqlOutlet),
    /// Mail.
    Mail(MailOutlet),
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HttpOutlet {
    /// The hosts that requests may go to, each as `name` or `name:port`. Without it: those that the connector names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("items" = { "type": "string", "format": "host" }))]
    pub hosts: Vec<String>,
    /// Whether those hosts may be on this machine or in a private network. Otherwise only public addresses are called.
    pub private_networks: bool,
    /// How many requests are under way at once.
    #[schemars(range(min = 1, max = 1024))]
    pub concurrent: usize,
    /// How long one request may take, answer included.
    pub timeout: Period,
    /// What the hub shows to be let in. The connector knows its vendor's scheme; the secret is yours to bring.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,
    /// How the hub signs its requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sign: Option<Sign>,
    /// Further secrets, by the name with which the connector asks for them: `{{secret:NAME}}` in a header, or in a target behind its host.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, SecretRef>,
}

impl Default for HttpOutlet {
    fn default() -> Self {
        Self {
            hosts: Vec::new(),
            private_networks: false,
            // Enough to fill a link of 100 ms at 80 requests a second; few vendors allow more.
            concurrent: 8,
            timeout: Period::of_secs(30),
            auth: None,
            sign: None,
            secrets: BTreeMap::new(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileOutlet {
    /// The folder that the files are written to.
    pub folder: PathBuf,
    /// A file is closed and the next one begun when it has this many bytes.
    #[serde(default = "FileOutlet::default_rotate_bytes")]
    #[schemars(range(min = 1024))]
    pub rotate_bytes: u64,
    /// A file is closed and the next one begun when it is this old.
    #[serde(default = "FileOutlet::default_rotate_after")]
    pub rotate_after: Period,
}

impl FileOutlet {
    /// A size that every editor still opens.
    const fn default_rotate_bytes() -> u64 {
        64 << 20
    }

    const fn default_rotate_after() -> Period {
        Period::of_secs(86_400)
    }
}
