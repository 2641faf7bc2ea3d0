//! What can be wrong when a node opens its home, and what to do about it. No message shows a URL: there is a password in it.

use snodo_store::StoreError;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    #[error("the URL of the database is not one: write postgresql://user:password@host:5432/database")]
    DatabaseUrl,
    #[error("the broker can be reached by amqp:// only: for amqps:// let a proxy on this machine speak TLS")]
    BrokerTls,
    #[error(
        "the URL of the broker is not one: write amqp://user:password@host:5672/vhost, with %2F for the vhost /"
    )]
    BrokerUrl,
    #[error(
        "{0:?} cannot be the name of a home: use 1 to 40 lower-case letters, digits and underscores, beginning with a letter"
    )]
    Name(String),
    #[error("{0} partitions are not possible: use 1 to 1024")]
    Partitions(u32),
    #[error(
        "the schema {schema} in the database has format {found}, and this binary knows formats up to {known}. Use the version of \
         snodo that last ran on it, or a later one; formats are never taken back"
    )]
    NewerFormat { schema: String, found: i32, known: i32 },
    #[error(
        "the home {name} has {found} partitions, and this node was told {told}. All nodes need the same number; it is fixed when the \
         first node starts"
    )]
    OtherPartitions { name: String, found: i32, told: u32 },
    #[error("the schema {0} in the database is not a home of this hub: name another one")]
    Foreign(String),
    #[error("the schema {0} in the database is not there yet: start a node once, which makes it")]
    Missing(String),
    #[error(
        "the broker has {what} with other settings than the hub needs ({wanted}). Delete it when it is empty, or name another home"
    )]
    Topology { what: String, wanted: &'static str },
    #[error(transparent)]
    Away(#[from] Unreachable),
    #[error("failed to open the home: {0}")]
    Internal(String),
}

/// A server did not answer, or sent the hub away.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreachable(pub String);

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Away(_) => Unreachable(error.to_string()).into(),
            error => Self::Internal(error.to_string()),
        }
    }
}
