//! Hands out every row of every table, for another home that takes them over. Reads only.

use rusqlite::types::Value as Sqlite;

use crate::{Reader, StoreError};

/// A table and its columns, as this version's format has them. What the ledger keeps in numbers is not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    pub name: &'static str,
    pub columns: &'static [&'static str],
}

/// What stands in a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// In an order in which what is referred to comes first.
pub const TABLES: [Table; 12] = [
    Table { name: "message", columns: &["seq", "id", "channel", "received", "envelope", "body"] },
    Table { name: "pending", columns: &["channel", "message", "events"] },
    Table { name: "settled_message", columns: &["message", "received", "at", "events", "problem"] },
    Table {
        name: "event",
        columns: &[
            "seq",
            "id",
            "message",
            "place",
            "channel",
            "kind",
            "source",
            "subject",
            "time",
            "dataschema",
            "ordering_key",
            "attributes",
            "customer",
            "accepted",
            "routes",
            "filtered",
            "reasons",
            "verdict",
            "violations",
            "duplicate_of",
            "digest",
            "data",
        ],
    },
    Table {
        name: "delivery",
        columns: &[
            "seq",
            "event",
            "route",
            "destination",
            "ordering_key",
            "lane",
            "class",
            "purpose",
            "fate",
            "due_at",
            "attempts",
            "replays",
            "resumed_at",
            "attempts_before",
            "reason",
            "last",
            "settled_at",
        ],
    },
    Table { name: "attempt", columns: &["delivery", "n", "record"] },
    Table { name: "identifier", columns: &["key", "namespace", "customer", "event", "at"] },
    Table { name: "consent", columns: &["customer", "purpose", "state", "at", "change"] },
    Table {
        name: "consent_change",
        columns: &["seq", "customer", "purpose", "state", "at", "event", "accepted"],
    },
    Table { name: "cursor", columns: &["channel", "name", "value", "at"] },
    Table { name: "failing", columns: &["destination", "since", "disabled_at", "reason"] },
    Table { name: "quota", columns: &["destination", "began", "used"] },
];

impl Reader {
    /// Every row of the table, column by column, as long as `take` wants more. How many it took.
    pub fn export(&self, table: Table, mut take: impl FnMut(Vec<Value>) -> bool) -> Result<u64, StoreError> {
        let sql = format!("SELECT {} FROM {}", table.columns.join(", "), table.name);
        self.snapshot(|sqlite| {
            let mut statement = sqlite.prepare(&sql)?;
            let mut rows = statement.query([])?;
            let mut taken = 0;
            while let Some(row) = rows.next()? {
                let values = (0..table.columns.len()).map(|column| Ok(value(row.get(column)?)));
                if !take(values.collect::<Result<_, StoreError>>()?) {
                    break;
                }
                taken += 1;
            }
            Ok(taken)
        })
    }
}

fn value(value: Sqlite) -> Value {
    match value {
        Sqlite::Null => Value::Null,
        Sqlite::Integer(number) => Value::Integer(number),
        Sqlite::Text(text) => Value::Text(text),
        Sqlite::Blob(bytes) => Value::Bytes(bytes),
        // No column of a strict table with these types holds one.
        Sqlite::Real(_) => Value::Null,
    }
}
