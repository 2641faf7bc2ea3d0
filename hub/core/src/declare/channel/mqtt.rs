//! A channel over an MQTT 5 broker: what it is subscribed to, and what it may publish.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::declare::Period;
use crate::secret::SecretRef;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MqttInlet {
    /// The broker: `mqtts://name:8883`, or `mqtt://name:1883` without TLS.
    #[schemars(extend("format" = "mqtt-url", "examples" = ["mqtts://broker.example.com:8883"]))]
    pub url: String,
    /// The topics whose messages are taken: `+` stands for one level, `#` at the end for all further ones.
    #[schemars(length(min = 1), extend("items" = { "type": "string", "format": "topic-filter" }, "examples" = [["shop/orders/#"]]))]
    pub topics: Vec<String>,
    /// The name that the broker knows this subscriber by, and keeps messages for. Without it: `snodo-COMPANY-CHANNEL`. No two hubs
    /// may use one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub client_id: Option<String>,
    /// Shares the messages out among all subscribers that name the same group, instead of each getting all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), extend("format" = "topic-level"))]
    pub queue_group: Option<String>,
    /// How long the broker keeps messages while the hub is away.
    #[serde(default = "MqttInlet::default_session")]
    pub session: Period,
    /// How many messages may be under way, taken and not yet acknowledged.
    #[serde(default = "MqttInlet::default_prefetch")]
    #[schemars(range(min = 1, max = 1024))]
    pub prefetch: u16,
    /// The user that the broker knows. Without it the hub connects without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub user: Option<String>,
    /// The user's password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretRef>,
}

impl MqttInlet {
    /// Longer than a long weekend without anybody at the hub.
    const fn default_session() -> Period {
        Period::of_secs(7 * 86_400)
    }

    /// What one group commit of the store takes.
    const fn default_prefetch() -> u16 {
        64
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MqttOutlet {
    /// The broker: `mqtts://name:8883`, or `mqtt://name:1883` without TLS.
    #[schemars(extend("format" = "mqtt-url", "examples" = ["mqtts://broker.example.com:8883"]))]
    pub url: String,
    /// The topics that may be published to: `+` stands for one level, `#` at the end for all further ones. Nothing else is sent.
    #[schemars(length(min = 1), extend("items" = { "type": "string", "format": "topic-filter" }, "examples" = [["customers/#"]]))]
    pub topics: Vec<String>,
    /// The name that the broker knows this publisher by. Without it: `snodo-COMPANY-CHANNEL-out`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub client_id: Option<String>,
    /// How many messages are under way at once. With 1 they arrive in the order in which they were sent.
    #[serde(default = "MqttOutlet::default_concurrent")]
    #[schemars(range(min = 1, max = 1024))]
    pub concurrent: usize,
    /// How long the broker may take to confirm one.
    #[serde(default = "MqttOutlet::default_timeout")]
    pub timeout: Period,
    /// The user that the broker knows. Without it the hub connects without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub user: Option<String>,
    /// The user's password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretRef>,
}

impl MqttOutlet {
    /// Most brokers have room for twenty.
    const fn default_concurrent() -> usize {
        16
    }

    const fn default_timeout() -> Period {
        Period::of_secs(30)
    }
}
