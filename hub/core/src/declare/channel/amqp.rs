//! A channel over an AMQP 0-9-1 broker such as RabbitMQ: the queue that it takes from, and the exchange that it publishes to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::declare::Period;
use crate::secret::SecretRef;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AmqpInlet {
    /// The broker: `amqps://name:5671`, or `amqp://name:5672` without TLS. User and password have keys of their own.
    #[schemars(extend("format" = "amqp-url", "examples" = ["amqps://broker.example.com:5671"]))]
    pub url: String,
    /// The broker's virtual host.
    #[serde(default = "root")]
    #[schemars(length(min = 1))]
    pub vhost: String,
    /// The user that the broker knows.
    #[schemars(length(min = 1), extend("examples" = ["snodo"]))]
    pub user: String,
    /// The user's password.
    pub password: SecretRef,
    /// The queue that messages are taken from.
    #[schemars(length(min = 1, max = 255), extend("examples" = ["orders"]))]
    pub queue: String,
    /// Whether the hub makes the queue if it is not there: a durable quorum queue. Otherwise it waits until somebody has made it.
    #[serde(default)]
    pub declare: bool,
    /// How many messages may be under way, taken and not yet acknowledged.
    #[serde(default = "AmqpInlet::default_prefetch")]
    #[schemars(range(min = 1, max = 1024))]
    pub prefetch: u16,
}

impl AmqpInlet {
    /// Twice what one group commit of the store takes, so that the next is there when it is done.
    const fn default_prefetch() -> u16 {
        128
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AmqpOutlet {
    /// The broker: `amqps://name:5671`, or `amqp://name:5672` without TLS. User and password have keys of their own.
    #[schemars(extend("format" = "amqp-url", "examples" = ["amqps://broker.example.com:5671"]))]
    pub url: String,
    /// The broker's virtual host.
    #[serde(default = "root")]
    #[schemars(length(min = 1))]
    pub vhost: String,
    /// The user that the broker knows.
    #[schemars(length(min = 1), extend("examples" = ["snodo"]))]
    pub user: String,
    /// The user's password.
    pub password: SecretRef,
    /// The exchange that messages are published to. `""` is the broker's own, whose routing keys are names of queues.
    #[schemars(length(max = 255), extend("examples" = ["customers"]))]
    pub exchange: String,
    /// How many messages are under way at once. With 1 they arrive in the order in which they were sent.
    #[serde(default = "AmqpOutlet::default_concurrent")]
    #[schemars(range(min = 1, max = 1024))]
    pub concurrent: usize,
    /// How long the broker may take to confirm one.
    #[serde(default = "AmqpOutlet::default_timeout")]
    pub timeout: Period,
}

impl AmqpOutlet {
    /// A broker writes confirmed messages in groups: more of them cost no more.
    const fn default_concurrent() -> usize {
        64
    }

    const fn default_timeout() -> Period {
        Period::of_secs(30)
    }
}

fn root() -> String {
    "/".to_owned()
}
