//! What a database says went wrong, sorted by who must act. Tells codes, and names of tables, columns and constraints; what a
//! server says in words may quote a value, and is not passed on.

use std::error::Error as _;
use std::time::Duration;

use serde::Serialize;
use snodo_core::declare::channel::{DatabaseUrl, TableName};
use tokio_postgres::error::DbError;

use crate::transport::Mends;

/// Why nothing was done. It concerns everything that was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SqlError {
    #[error(
        "the database at {0} would be called in the clear over a public network: write tls = \"required\""
    )]
    Clear(String),
    #[error("{table} is not among the channel's tables ({allowed}): add it under tables if it should be")]
    Table { table: TableName, allowed: String },
    #[error("{what} (SQLSTATE {sqlstate})")]
    Misconfigured { what: String, sqlstate: String },
    #[error("the database does not let {user} in (SQLSTATE {sqlstate}): check user and password")]
    Auth { user: String, sqlstate: String },
    #[error("the connector made no sound request: {0}")]
    Malformed(String),
    #[error("failed to reach the database: {0}")]
    Connect(String),
    #[error("the database was not done within {} s", .0.as_secs_f32())]
    Timeout(Duration),
    #[error("the connection to the database broke: {0}")]
    Broken(String),
    #[error("the database could not do it now (SQLSTATE {0})")]
    Busy(String),
}

/// Why the database refused one row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    pub case: Case,
    pub sqlstate: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub constraint: Option<String>,
    pub message: String,
}

/// The contract's faults that a row can be refused with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Case {
    /// The row will never do.
    Permanent,
    /// The table is not as the connector expects it.
    Misconfigured,
}

/// What an error concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged {
    /// This row, or one of these rows.
    Row(Case),
    Whole(SqlError),
}

impl SqlError {
    pub const fn mends(&self) -> Mends {
        match self {
            Self::Auth { .. } => Mends::Credentials,
            Self::Clear(_) | Self::Table { .. } | Self::Misconfigured { .. } => Mends::Channel,
            Self::Malformed(_) => Mends::Connector,
            Self::Connect(_) | Self::Timeout(_) | Self::Broken(_) | Self::Busy(_) => Mends::Destination,
        }
    }

    /// Whether the database cannot be worked with at all.
    pub const fn is_away(&self) -> bool {
        matches!(self, Self::Connect(_) | Self::Timeout(_) | Self::Broken(_))
    }

    pub(super) fn misconfigured(what: impl Into<String>, sqlstate: &str) -> Self {
        Self::Misconfigured { what: what.into(), sqlstate: sqlstate.to_owned() }
    }

    pub(super) fn of_login(error: &tokio_postgres::Error, to: &DatabaseUrl) -> Self {
        let Some(told) = error.as_db_error() else {
            return Self::Connect(reason(error));
        };
        let sqlstate = told.code().code();
        match &sqlstate[..2] {
            "28" => Self::Auth { user: to.user.clone(), sqlstate: sqlstate.to_owned() },
            "3D" => Self::misconfigured(format!("there is no database {}", to.database), sqlstate),
            "42" => Self::misconfigured(format!("{} may not connect to {}", to.user, to.database), sqlstate),
            _ => Self::Connect(format!("it takes no connection now (SQLSTATE {sqlstate})")),
        }
    }
}

/// Sorts what a statement on that table came to, after the classes of appendix A of PostgreSQL's manual.
pub(super) fn judge(error: &tokio_postgres::Error, table: &TableName) -> Judged {
    match error.as_db_error() {
        Some(told) => judge_code(told.code().code(), table),
        None => Judged::Whole(SqlError::Broken(reason(error))),
    }
}

fn judge_code(sqlstate: &str, table: &TableName) -> Judged {
    let whole = |what: String| Judged::Whole(SqlError::misconfigured(what, sqlstate));
    match (sqlstate.get(..2).unwrap_or(""), sqlstate) {
        (_, "42P01" | "3F000") => whole(format!("there is no table {table}")),
        (_, "42P10") => whole(format!("{table} has no unique index over exactly the key columns")),
        // Also what a policy of the table refuses: a matter of the row.
        ("42" | "0A", _) => Judged::Row(Case::Misconfigured),
        ("28", _) => {
            Judged::Whole(SqlError::Auth { user: "the user".to_owned(), sqlstate: sqlstate.to_owned() })
        }
        // Data, constraints, the same row twice, a view's check, a trigger's word, too large.
        ("22" | "23" | "21" | "44" | "P0" | "54", _) => Judged::Row(Case::Permanent),
        // Connection, resources, shutdown, locks, serialization, a standby, a fault of the server.
        _ => Judged::Whole(SqlError::Busy(sqlstate.to_owned())),
    }
}

impl Refusal {
    /// In the hub's own words.
    pub(super) fn new(case: Case, told: &DbError, table: &TableName, column: Option<String>) -> Self {
        let sqlstate = told.code().code().to_owned();
        let column = told.column().map(str::to_owned).or(column);
        let constraint = told.constraint().map(str::to_owned);
        let message = words(&sqlstate, table, column.as_deref(), constraint.as_deref());
        Self { case, message: format!("{message} (SQLSTATE {sqlstate})"), sqlstate, column, constraint }
    }

    /// The same, where it is no matter of one row.
    pub(super) fn of_all(&self, table: &TableName) -> SqlError {
        let what = words(&self.sqlstate, table, self.column.as_deref(), self.constraint.as_deref());
        SqlError::misconfigured(what, &self.sqlstate)
    }
}

fn words(sqlstate: &str, table: &TableName, column: Option<&str>, constraint: Option<&str>) -> String {
    match (sqlstate, column, constraint) {
        ("23502", Some(column), _) => format!("the column {column} of {table} needs a value"),
        ("23505", _, Some(rule)) => format!("{table} has another row that is the same by {rule}"),
        ("23503", _, Some(rule)) => format!("what the row refers to by {rule} of {table} is not there"),
        ("23514", _, Some(rule)) => format!("the row breaks the rule {rule} of {table}"),
        ("42501", ..) => format!("the user has no right to write this to {table}"),
        ("42703", Some(column), _) => format!("{table} has no column {column}"),
        ("428C9", Some(column), _) => format!("the column {column} of {table} makes its values itself"),
        (code, Some(column), _) if code.starts_with("22") => {
            format!("a value does not fit the column {column} of {table}")
        }
        (code, ..) if code.starts_with("22") => format!("a value does not fit its column of {table}"),
        _ => format!("{table} refuses the row"),
    }
}

/// The innermost cause: the outer ones say only that there was one.
fn reason(error: &tokio_postgres::Error) -> String {
    match error.source() {
        Some(source) => source.to_string(),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_of_error_is_for_whoever_can_mend_it() {
        let table = TableName::parse("orders").unwrap();
        let case = |code| match judge_code(code, &table) {
            Judged::Row(Case::Permanent) => "row: permanent",
            Judged::Row(Case::Misconfigured) => "row: misconfigured",
            Judged::Whole(error) => match error.mends() {
                Mends::Credentials => "auth",
                Mends::Channel => "misconfigured",
                Mends::Connector => "permanent",
                Mends::Destination => "retry",
            },
        };
        for (code, expected) in [
            ("08006", "retry"),
            ("25006", "retry"),
            ("40001", "retry"),
            ("40P01", "retry"),
            ("53300", "retry"),
            ("55P03", "retry"),
            ("57014", "retry"),
            ("57P01", "retry"),
            ("58030", "retry"),
            ("XX000", "retry"),
            ("28P01", "auth"),
            ("42P01", "misconfigured"),
            ("42P10", "misconfigured"),
            ("3F000", "misconfigured"),
            ("42703", "row: misconfigured"),
            ("42501", "row: misconfigured"),
            ("22P02", "row: permanent"),
            ("22001", "row: permanent"),
            ("23502", "row: permanent"),
            ("23505", "row: permanent"),
            ("21000", "row: permanent"),
            ("P0001", "row: permanent"),
        ] {
            assert_eq!(case(code), expected, "{code}");
        }
    }
}
