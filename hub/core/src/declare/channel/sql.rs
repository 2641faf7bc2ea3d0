//! A channel that is a database: which one, which of its tables, and what is asked of it. Knows no SQL.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::declare::Period;
use crate::secret::SecretRef;

/// Rows of a PostgreSQL database become messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SqlInlet {
    /// The database, without a password: `postgres://USER@HOST:PORT/DATABASE`.
    pub url: DatabaseUrl,
    /// The user's password. Without it, none is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretRef>,
    /// Whether the connection is encrypted.
    #[serde(default)]
    pub tls: SqlTls,
    /// What is asked: one SELECT, without conditions on the cursor, order or limit. Those the hub adds.
    #[schemars(length(min = 1), extend("examples" = ["SELECT * FROM customers"]))]
    pub query: String,
    /// The columns that say how far the hub has read, the first one foremost: together they differ in each row, and grow.
    #[schemars(length(min = 1, max = 8), extend("examples" = [["updated_at", "id"]]))]
    pub cursor: Vec<String>,
    /// Where reading begins the first time: values of the first columns of the cursor, that row included. Without it: at the
    /// first row.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub start: Vec<String>,
    /// What the messages are called, for a connector that tells them apart by name.
    #[serde(default = "SqlInlet::default_name")]
    #[schemars(length(min = 1))]
    pub name: String,
    /// How long the database is left alone before it is asked again.
    #[serde(default = "SqlInlet::default_every")]
    pub every: Period,
    /// How many rows are read, and kept, at once.
    #[serde(default = "SqlInlet::default_rows_max")]
    #[schemars(range(min = 1, max = 10_000))]
    pub rows_max: usize,
    /// How long one page may take.
    #[serde(default = "default_timeout")]
    pub timeout: Period,
}

/// Events become rows of a PostgreSQL database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SqlOutlet {
    /// The database, without a password: `postgres://USER@HOST:PORT/DATABASE`.
    pub url: DatabaseUrl,
    /// The user's password. Without it, none is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretRef>,
    /// Whether the connection is encrypted.
    #[serde(default)]
    pub tls: SqlTls,
    /// The tables that may be written to, each as `schema.table`, as they are called in the database. Without a schema: `public`.
    #[schemars(length(min = 1), extend("examples" = [["public.orders"]], "items" = { "type": "string", "format": "table" }))]
    pub tables: Vec<String>,
    /// How many requests are under way at once, each on a connection of its own.
    #[serde(default = "SqlOutlet::default_concurrent")]
    #[schemars(range(min = 1, max = 64))]
    pub concurrent: usize,
    /// How long one request may take.
    #[serde(default = "default_timeout")]
    pub timeout: Period,
}

/// Whether a connection to a database is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SqlTls {
    /// Always, and the server must prove its name.
    #[default]
    Required,
    /// Not at all: only to this machine, or within a private network.
    None,
}

const fn default_timeout() -> Period {
    Period::of_secs(30)
}

impl SqlInlet {
    fn default_name() -> String {
        "row".to_owned()
    }

    /// A query over an index that finds nothing new costs a database less than a millisecond.
    const fn default_every() -> Period {
        Period::of_secs(10)
    }

    /// A page is kept in one commit beside others.
    const fn default_rows_max() -> usize {
        500
    }
}

impl SqlOutlet {
    /// Each is a process of the server, and few servers allow more than a hundred to all.
    const fn default_concurrent() -> usize {
        4
    }
}

/// Which database, and as whom. Never holds a password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("format" = "postgres-url", "examples" = ["postgres://snodo@db.example.com:5432/shop"]))]
pub struct DatabaseUrl {
    pub user: String,
    /// A name or an address; of version 6 without brackets.
    pub host: String,
    pub port: u16,
    pub database: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseUrlError {
    #[error("is not the address of a PostgreSQL database")]
    Form,
    #[error("has a password in it")]
    Password,
}

impl FromStr for DatabaseUrl {
    type Err = DatabaseUrlError;

    fn from_str(text: &str) -> Result<Self, DatabaseUrlError> {
        let wrong = DatabaseUrlError::Form;
        let rest = text.strip_prefix("postgres://").or_else(|| text.strip_prefix("postgresql://"));
        let (authority, database) = rest.and_then(|rest| rest.split_once('/')).ok_or(wrong)?;
        let (user, server) = authority.rsplit_once('@').ok_or(wrong)?;
        if user.contains(':') {
            return Err(DatabaseUrlError::Password);
        }
        let (host, port) = match server.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| wrong)?),
            _ => (server, 5432),
        };
        let host = match host.strip_prefix('[') {
            Some(inner) => inner.strip_suffix(']').filter(|inner| inner.contains(':')).ok_or(wrong)?,
            None => host,
        };
        let plain = |part: &str, also: &str| {
            let fits = |c: char| c.is_ascii_alphanumeric() || also.contains(c);
            !part.is_empty() && part.len() <= 253 && part.chars().all(fits)
        };
        match plain(host, "-._:") && plain(user, "-._+@$") && plain(database, "-._+$") {
            true => Ok(Self { user: user.into(), host: host.into(), port, database: database.into() }),
            false => Err(wrong),
        }
    }
}

impl TryFrom<String> for DatabaseUrl {
    type Error = DatabaseUrlError;

    fn try_from(text: String) -> Result<Self, DatabaseUrlError> {
        text.parse()
    }
}

impl From<DatabaseUrl> for String {
    fn from(url: DatabaseUrl) -> Self {
        url.to_string()
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, host, port, database } = self;
        match host.contains(':') {
            true => write!(f, "postgres://{user}@[{host}]:{port}/{database}"),
            false => write!(f, "postgres://{user}@{host}:{port}/{database}"),
        }
    }
}

/// A table by its schema and name, as both are called in the database.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TableName {
    pub schema: String,
    pub name: String,
}

impl TableName {
    /// `table` or `schema.table`. `None` if it is neither.
    pub fn parse(text: &str) -> Option<Self> {
        let (schema, name) = text.split_once('.').unwrap_or(("public", text));
        // PostgreSQL cuts longer names off.
        let plain = |part: &str| {
            (1..=63).contains(&part.len())
                && !part.contains(|c: char| c.is_control() || c.is_whitespace() || matches!(c, '.' | '"'))
        };
        (plain(schema) && plain(name)).then(|| Self { schema: schema.to_owned(), name: name.to_owned() })
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_named_without_a_password() {
        for (text, expected) in [
            ("postgres://snodo@db.example.com:5433/shop", Ok("postgres://snodo@db.example.com:5433/shop")),
            ("postgresql://snodo@localhost/shop", Ok("postgres://snodo@localhost:5432/shop")),
            ("postgres://snodo@[::1]:5432/shop", Ok("postgres://snodo@[::1]:5432/shop")),
            ("postgres://snodo@[::1]/shop", Ok("postgres://snodo@[::1]:5432/shop")),
            ("postgres://a@b@db/shop", Ok("postgres://a@b@db:5432/shop")),
            ("postgres://snodo:hunter2@db/shop", Err(DatabaseUrlError::Password)),
            ("postgres://snodo@db/", Err(DatabaseUrlError::Form)),
            ("postgres://snodo@db", Err(DatabaseUrlError::Form)),
            ("postgres://db/shop", Err(DatabaseUrlError::Form)),
            ("postgres://snodo@db:x/shop", Err(DatabaseUrlError::Form)),
            ("postgres://snodo@db/shop?sslmode=disable", Err(DatabaseUrlError::Form)),
            ("mysql://snodo@db/shop", Err(DatabaseUrlError::Form)),
        ] {
            let parsed = text.parse::<DatabaseUrl>().map(|url| url.to_string());
            assert_eq!(parsed.as_deref().map_err(|error| *error), expected, "{text}");
        }
    }

    #[test]
    fn a_table_without_a_schema_is_public() {
        for (text, expected) in [
            ("orders", Some("public.orders")),
            ("crm.orders", Some("crm.orders")),
            ("Crm.Größe", Some("Crm.Größe")),
            ("a.b.c", None),
            ("", None),
            ("crm.", None),
            ("crm.\"orders\"", None),
            ("orders; DROP", None),
        ] {
            assert_eq!(TableName::parse(text).map(|table| table.to_string()).as_deref(), expected, "{text}");
        }
    }
}
