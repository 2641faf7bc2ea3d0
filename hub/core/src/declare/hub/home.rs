//! `[home]`: where the hub keeps what it must not lose.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::secret::SecretRef;

/// Where the hub keeps what it must not lose.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Home {
    /// In its data directory: one machine, one hub.
    #[default]
    Local,
    /// In a PostgreSQL database and at a RabbitMQ broker, which several hubs with the same configuration share.
    Cluster(ClusterHome),
}

/// Both URLs hold a password: they are kept where secrets are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClusterHome {
    /// Where the broker's URL is: `amqp://user:password@host:5672/vhost`.
    pub broker: SecretRef,
    /// Where the database's URL is: `postgresql://user:password@host:5432/database`, with `?sslmode=require` over networks that others
    /// use, too.
    pub database: SecretRef,
    /// What the home is called in the database (schema `snodo_NAME`) and at the broker (`snodo.NAME.…`), in lower-case letters, digits
    /// and underscores. Without it: the company's name, with underscores for hyphens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 40), extend("examples" = ["acme"]))]
    pub name: Option<String>,
    /// How finely the work can be shared: at most so many hubs have some. Fixed when the first one starts.
    #[serde(default = "ClusterHome::default_partitions")]
    #[schemars(range(min = 1, max = 1024))]
    pub partitions: u32,
}

impl ClusterHome {
    /// 2, 3, 4, 6, 8 and 12 hubs share them alike.
    const fn default_partitions() -> u32 {
        24
    }
}
