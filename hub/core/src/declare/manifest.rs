//! `connector.toml`: what a connector says about itself. A channel's declaration begins where this ends: the vendor's scheme
//! of signing, its hosts and its way of letting callers in need not be repeated there.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::document::{Document, Spot};
use super::shape;
use super::{Mistake, SourceFile, schema};
use super::{Period, wording};

/// The version of the contract (`plugin-sdk/wit/v1`) that this hub speaks.
pub const CONTRACT: &str = "1.0";

/// The transports that this hub has for messages.
pub const INLETS: [&str; 7] = ["http", "file", "mqtt", "amqp", "websocket", "mail", "sql"];

/// The transports that this hub has for requests.
pub const OUTLETS: [&str; 6] = ["http", "file", "mqtt", "amqp", "mail", "sql"];

/// What a channel writes as the transport of what the hub asks for.
pub const POLL: &str = "poll";

/// What a connector says about itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The name that channels choose it by; the same as its crate's.
    #[schemars(extend("format" = "name", "examples" = ["shopify"]))]
    pub name: String,
    /// Its own version, `major.minor.patch`.
    #[schemars(length(min = 1), extend("examples" = ["1.0.0"]))]
    pub version: String,
    /// What people call the system that it speaks with.
    #[schemars(length(min = 1), extend("examples" = ["Shopify"]))]
    pub title: String,
    /// The kind of touchpoint.
    pub touchpoint: Touchpoint,
    /// What it is for, in one sentence.
    #[schemars(length(min = 1), extend("examples" = ["Orders and customers of a Shopify shop."]))]
    pub summary: String,
    /// The version of the contract that it was made for.
    #[schemars(extend("examples" = ["1.0"]))]
    pub contract: String,
    /// The vendor's page that its mapping follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub documentation: Option<String>,
    /// What comes in through it. Left out if nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// What is fetched through it. Left out if nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll: Option<Poll>,
    /// What goes out through it. Left out if nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<Destination>,
    /// What it makes other events of. Left out if it makes none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transform: Option<Transform>,
    /// The JSON Schema (2020-12) of a channel's `[config]`. Without it a channel has none.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub config: Map<String, Value>,
}

/// Where a customer meets the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Touchpoint {
    Crm,
    ECommerce,
    Pos,
    ContactCentre,
    Social,
    Messaging,
    ArVr,
    Mobile,
    Web,
    EMail,
    Advertising,
    Iot,
    Chatbot,
    Voc,
    ThirdParty,
    Generic,
}

impl Touchpoint {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Crm => "crm",
            Self::ECommerce => "e-commerce",
            Self::Pos => "pos",
            Self::ContactCentre => "contact-centre",
            Self::Social => "social",
            Self::Messaging => "messaging",
            Self::ArVr => "ar-vr",
            Self::Mobile => "mobile",
            Self::Web => "web",
            Self::EMail => "e-mail",
            Self::Advertising => "advertising",
            Self::Iot => "iot",
            Self::Chatbot => "chatbot",
            Self::Voc => "voc",
            Self::ThirdParty => "third-party",
            Self::Generic => "generic",
        }
    }
}

/// What comes in through a connector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The types of event that it can tell of, as a route's `events` are written.
    #[schemars(length(min = 1), extend("examples" = [["commerce.order.placed"]]))]
    pub emits: Vec<String>,
    /// The transports that its messages can come by.
    #[schemars(length(min = 1), extend("examples" = [["http"]]))]
    pub transports: Vec<String>,
    /// The headers that it gets to see, in lower case. All others are kept from it. One that ends in `*` stands for all that
    /// begin so: `ce-*`. Credentials are kept from it in any case.
    #[schemars(extend("items" = { "type": "string", "format": "header" }))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<String>,
    /// The classes of personal data that it can carry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub personal_data: Vec<String>,
    /// What the vendor signs with: all of a channel's `[receive.verify]` but the secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<Map<String, Value>>,
    /// How the vendor asks whether an address is the right one: all of a channel's `[receive.challenge]` but the secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<Map<String, Value>>,
}

/// What is fetched through a connector: a source that must be asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Poll {
    /// The types of event that it can tell of, as a route's `events` are written.
    #[schemars(length(min = 1), extend("examples" = [["crm.contact.updated"]]))]
    pub emits: Vec<String>,
    /// The vendor's hosts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("items" = { "type": "string", "format": "host" }))]
    pub hosts: Vec<String>,
    /// How often the vendor is asked, where the channel does not say: `"5 minutes"`.
    pub every: Period,
    /// The classes of personal data that it can carry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub personal_data: Vec<String>,
    /// How the vendor lets callers in: all of a channel's `auth` but the secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<Map<String, Value>>,
}

/// What a connector makes other events of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Transform {
    /// The types of event that it takes, as a route's `events` are written.
    #[schemars(length(min = 1), extend("examples" = [["*"]]))]
    pub accepts: Vec<String>,
    /// The types of event that it can make of them.
    #[schemars(length(min = 1), extend("examples" = [["*"]]))]
    pub emits: Vec<String>,
    /// The classes of personal data that its events can hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub personal_data: Vec<String>,
}

/// What goes out through a connector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Destination {
    /// The types of event that it can tell the system of, as a route's `events` are written.
    #[schemars(length(min = 1), extend("examples" = [["*"]]))]
    pub accepts: Vec<String>,
    /// The transports that its requests can go by.
    #[schemars(length(min = 1), extend("examples" = [["http"]]))]
    pub transports: Vec<String>,
    /// The vendor's hosts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("items" = { "type": "string", "format": "host" }))]
    pub hosts: Vec<String>,
    /// How many deliveries one call of `encode` may be given.
    #[serde(default = "Destination::default_batch_max")]
    #[schemars(range(min = 1, max = 1000))]
    pub batch_max: usize,
    /// The classes of personal data that it passes on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub personal_data: Vec<String>,
    /// How the vendor lets callers in: all of a channel's `auth` but the secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<Map<String, Value>>,
    /// How the vendor wants requests signed: all of a channel's `sign` but the secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign: Option<Map<String, Value>>,
}

impl Destination {
    /// One sandboxed call costs the same for sixteen deliveries as for one.
    const fn default_batch_max() -> usize {
        16
    }
}

impl Manifest {
    /// Reads a `connector.toml`. All mistakes at once.
    pub fn parse(file: &SourceFile) -> Result<Self, Vec<Mistake>> {
        let document = Document::parse(file)?;
        let mut mistakes = shape::check(&document, schema::manifest(), &document.value);
        check_transports(&document, &mut mistakes);
        check_schemes(&document, &mut mistakes);
        check_config(&document, &mut mistakes);
        check_contract(&document, &mut mistakes);
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        serde_json::from_value(document.value.clone()).map_err(|error| vec![document.unread(&error)])
    }

    /// What it says that it is, in the order of the contract: source, poll, destination, transform.
    pub fn roles(&self) -> Vec<&'static str> {
        let roles = [
            ("source", self.source.is_some()),
            ("poll", self.poll.is_some()),
            ("destination", self.destination.is_some()),
            ("transform", self.transform.is_some()),
        ];
        roles.into_iter().filter_map(|(role, is_said)| is_said.then_some(role)).collect()
    }

    /// The ways in that a channel with this connector may name.
    pub fn inlets(&self) -> Vec<&str> {
        let transports = self.source.iter().flat_map(|source| &source.transports).map(String::as_str);
        transports.chain(self.poll.iter().map(|_| POLL)).collect()
    }

    /// The classes of personal data that a channel with this connector can carry.
    pub fn personal_data(&self) -> Vec<&str> {
        let source = self.source.iter().flat_map(|source| &source.personal_data);
        let poll = self.poll.iter().flat_map(|poll| &poll.personal_data);
        let destination = self.destination.iter().flat_map(|destination| &destination.personal_data);
        let transform = self.transform.iter().flat_map(|transform| &transform.personal_data);
        let all = source.chain(poll).chain(destination).chain(transform);
        let mut classes: Vec<&str> = all.map(String::as_str).collect();
        classes.sort_unstable();
        classes.dedup();
        classes
    }
}

fn check_transports(document: &Document<'_>, mistakes: &mut Vec<Mistake>) {
    for (role, transports) in [("source", INLETS.as_slice()), ("destination", OUTLETS.as_slice())] {
        let at = format!("/{role}/transports");
        let listed = document.value.pointer(&at).and_then(Value::as_array);
        for (place, name) in listed.into_iter().flatten().enumerate() {
            let Some(name) = name.as_str() else { continue };
            if !transports.contains(&name) {
                let spot = Spot::Value(&format!("{at}/{place}"));
                let message = format!("there is no transport {name:?}");
                mistakes.push(document.mistake(&spot, message, wording::choose(name, transports)));
            }
        }
    }
}

/// The schemes that the manifest names must be the hub's; secrets are no business of a manifest, so none need be there.
fn check_schemes(document: &Document<'_>, mistakes: &mut Vec<Mistake>) {
    for (at, full) in [
        ("/source/verify", schema::verify()),
        ("/source/challenge", schema::challenge()),
        ("/poll/auth", schema::auth()),
        ("/destination/auth", schema::auth()),
        ("/destination/sign", schema::sign()),
    ] {
        if let Some(value) = document.value.pointer(at).filter(|value| value.is_object()) {
            mistakes.extend(shape::check_part(document, &schema::without_required(full), value, at));
        }
    }
}

fn check_config(document: &Document<'_>, mistakes: &mut Vec<Mistake>) {
    let Some(config) = document.value.get("config").filter(|config| config.is_object()) else { return };
    if let Err(error) = jsonschema::draft202012::new(config) {
        let at = format!("/config{}", error.instance_path());
        mistakes.push(document.mistake(
            &Spot::Value(&at),
            format!("[config] is not a JSON Schema: {error}"),
            "write what a channel's [config] may hold, as JSON Schema 2020-12 in TOML: type = \"object\", [config.properties.NAME] …"
                .to_owned(),
        ));
    }
}

fn check_contract(document: &Document<'_>, mistakes: &mut Vec<Mistake>) {
    let asked = document.value.get("contract").and_then(Value::as_str).unwrap_or(CONTRACT);
    if asked != CONTRACT {
        mistakes.push(document.mistake(
            &Spot::Value("/contract"),
            format!("this hub does not speak version {asked} of the connector contract"),
            format!("write contract = \"{CONTRACT}\" and build the connector with the SDK of that version"),
        ));
    }
}
