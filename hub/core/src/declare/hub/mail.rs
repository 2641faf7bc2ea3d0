//! `[mail]`: where the hub takes mail, for its channels that receive by it.

use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::secret::SecretRef;

/// Where the hub takes mail, by SMTP. Which mail is taken, and from where, the channels say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// The address and port on which the hub takes mail.
    #[schemars(with = "String", extend("format" = "listen", "examples" = ["127.0.0.1:2525"]))]
    pub listen: SocketAddr,
    /// The name by which the hub greets those who bring mail.
    #[serde(default = "Mail::default_hostname")]
    #[schemars(extend("format" = "host"))]
    pub hostname: String,
    /// A file with the certificate for that name, and those between it and its authority, in PEM. With it, STARTTLS is offered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// The certificate's private key, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<SecretRef>,
    /// The longest mail, in bytes, with its attachments. A longer one is refused. What is kept of a mail is bounded by
    /// `limits.body_bytes_max`.
    #[serde(default = "Mail::default_bytes_max")]
    #[schemars(range(min = 65_536, max = 104_857_600))]
    pub bytes_max: usize,
    /// How many connections are served at once. Further ones are asked to come back.
    #[serde(default = "Mail::default_connections_max")]
    #[schemars(range(min = 1, max = 1024))]
    pub connections_max: usize,
}

impl Mail {
    fn default_hostname() -> String {
        "localhost".to_owned()
    }

    /// What most providers take, but for the very large ones.
    const fn default_bytes_max() -> usize {
        10 << 20
    }

    /// With mails of the largest size all of them together stay under what a small machine has.
    const fn default_connections_max() -> usize {
        32
    }
}
