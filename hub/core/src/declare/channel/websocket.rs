//! A channel over WebSocket (RFC 6455): clients connect to the hub, or the hub dials out to a feed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::authorize::Auth;
use crate::declare::Period;
use crate::verify::Verify;

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WebSocketInlet {
    /// The feed that the hub connects to: `wss://name/path`. Without it clients connect to the hub, at `/ws/{channel}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "ws-url", "examples" = ["wss://feed.example.com/v1/events"]))]
    pub url: Option<String>,
    /// How a client proves who it is: `bearer`, `basic`, `api-key`, `write-key` or `none`. There is no body to sign when it connects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify: Option<Verify>,
    /// The web sites whose pages may connect from a browser, each as `https://name`, or `*` for all. Without it none may.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("items" = { "type": "string", "format": "origin" }))]
    pub origins: Vec<String>,
    /// How many clients may be connected at once.
    #[schemars(range(min = 1, max = 4096))]
    pub clients_max: usize,
    /// How many messages of one connection may be under way, taken and not yet answered.
    #[schemars(range(min = 1, max = 1024))]
    pub in_flight: usize,
    /// How long a connection may say nothing, not even in answer to a ping, before it is closed.
    pub idle: Period,
    /// For a `url`: what the hub shows to be let in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,
    /// For a `url`: a text that the hub sends first, such as what it wants to hear of.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub hello: Option<String>,
}

impl Default for WebSocketInlet {
    fn default() -> Self {
        Self {
            url: None,
            verify: None,
            origins: Vec::new(),
            // Connections to all channels share what one port may have.
            clients_max: 1024,
            // What one group commit of the store takes.
            in_flight: 64,
            // Proxies and mobile networks forget connections that were idle for longer.
            idle: Period::of_secs(60),
            auth: None,
            hello: None,
        }
    }
}

/// The schemes by which a request without a body can prove where it comes from.
pub const SCHEMES: [&str; 6] = ["bearer", "basic", "api-key", "api-key-query", "write-key", "none"];

/// Whether a manifest's scheme is one of those.
pub fn fits(scheme: &Map<String, Value>) -> bool {
    scheme.get("scheme").and_then(Value::as_str).is_some_and(|name| SCHEMES.contains(&name))
}
