//! The table of a channel, and events as its rows.

use declarative::columns::{self, Column};
use serde::Deserialize;
use serde_json::{Map, Value};
use snodo_connector::{Delivery, Fault, Outcome, Request};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    table: String,
    columns: Option<Vec<Column>>,
    key: Option<Vec<String>>,
    existing: Option<Existing>,
}

impl Default for Config {
    fn default() -> Self {
        Self { table: "events".into(), columns: None, key: None, existing: None }
    }
}

/// What becomes of a row whose key is there already.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Existing {
    Keep,
    Overwrite,
}

pub struct Table {
    name: String,
    columns: Vec<Column>,
    /// Empty: rows are only added.
    key: Vec<String>,
    existing: Existing,
}

impl Table {
    /// The log of events keeps what it has: an event never changes. A table of things has their latest state.
    pub fn of(config: Config) -> Result<Self, Fault> {
        let (key, existing) = match config.columns {
            None => (vec!["id".to_owned()], Existing::Keep),
            Some(_) => (Vec::new(), Existing::Overwrite),
        };
        let columns = config.columns.unwrap_or_else(columns::log);
        let key = config.key.unwrap_or(key);
        if let Some(name) = key.iter().find(|name| !columns.iter().any(|column| column.name == **name)) {
            return Err(Fault::misconfigured(format!("the key's column {name} is not among the columns")));
        }
        Ok(Self { name: config.table, columns, key, existing: config.existing.unwrap_or(existing) })
    }

    /// What the event does not have is null. Without its key it is no row of this table.
    pub fn row(&self, delivery: &Delivery) -> Result<Map<String, Value>, Outcome> {
        let event = columns::event(delivery)?;
        let value = |column: &Column| (column.name.clone(), column.of(&event).cloned().unwrap_or_default());
        let row: Map<String, Value> = self.columns.iter().map(value).collect();
        match self.key.iter().find(|name| row[name.as_str()].is_null()) {
            Some(name) => Err(Outcome::ignored(format!("the event has no {name}, which is part of the key"))),
            None => Ok(row),
        }
    }

    pub fn request(&self, rows: &[Map<String, Value>]) -> Request {
        let method = match self.existing {
            Existing::Overwrite if !self.key.is_empty() => "UPSERT",
            Existing::Overwrite | Existing::Keep => "INSERT",
        };
        let request = Request::json(method, self.name.as_str(), &rows);
        match self.key.is_empty() {
            true => request,
            false => request.with_header("sql-key", self.key.join(",")),
        }
    }
}
