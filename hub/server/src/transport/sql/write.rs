//! Rows out: what a connector asks for is one transaction, answered after its commit. One that the database refuses is split
//! until the rows that it is about are found; the others go in all the same. Retries nothing: that is the schedule's.

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::{Duration, Instant};

use serde::Serialize;
use snodo_core::declare::channel::TableName;
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::explain::explain;
use super::fail::{Case, Judged, Refusal, SqlError, judge};
use super::order::Order;
use super::{Database, settings};
use crate::transport::{Answer, Request};

/// Writes to the tables of one channel.
#[derive(Debug)]
pub struct SqlOut {
    database: Database,
    tables: BTreeSet<TableName>,
}

/// What became of one row, as the connector is told.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Entry {
    Taken {
        ok: bool,
        /// 0 if it was there already. Not there where it is not known.
        #[serde(skip_serializing_if = "Option::is_none")]
        written: Option<u64>,
    },
    Refused {
        error: Refusal,
    },
}

enum Written {
    All(u64),
    Some(Vec<Entry>),
}

impl SqlOut {
    pub const fn new(database: Database, tables: BTreeSet<TableName>) -> Self {
        Self { database, tables }
    }

    /// Resolves once the rows are committed.
    pub async fn send(&self, request: &Request) -> Result<Answer, SqlError> {
        let started = Instant::now();
        let order = Order::read(request)?;
        if !self.tables.contains(&order.table) {
            let allowed: Vec<String> = self.tables.iter().map(ToString::to_string).collect();
            return Err(SqlError::Table { table: order.table, allowed: allowed.join(", ") });
        }
        let work = async {
            let mut client = self.database.connection().await?;
            let written = write(&mut client, &order, self.database.timeout).await?;
            self.database.keep(client);
            Ok(written)
        };
        let (status, body) = match self.database.bounded(work).await? {
            Written::All(rows) => (200, serde_json::json!({ "rows": rows }).to_string()),
            Written::Some(entries) => (207, serde_json::json!({ "rows": entries }).to_string()),
        };
        Ok(Answer { status, headers: Vec::new(), body: body.into(), elapsed: started.elapsed() })
    }
}

/// All at once if the database takes them, which is the rule; otherwise in parts.
async fn write(client: &mut Client, order: &Order<'_>, timeout: Duration) -> Result<Written, SqlError> {
    let table = &order.table;
    let broken = |error: tokio_postgres::Error| match judge(&error, table) {
        Judged::Whole(error) => error,
        Judged::Row(_) => SqlError::Busy(error.code().map_or(String::new(), |code| code.code().to_owned())),
    };
    let begin = format!("BEGIN; {}", settings(timeout));
    client.batch_execute(&begin).await.map_err(broken)?;
    let whole = async {
        let rows = insert(client, order, 0..order.rows.len()).await?;
        // What is checked at the end only is refused here.
        client.batch_execute("COMMIT").await?;
        Ok::<u64, tokio_postgres::Error>(rows)
    };
    match whole.await {
        Ok(rows) => return Ok(Written::All(rows)),
        Err(error) => match judge(&error, table) {
            Judged::Whole(error) => return Err(error),
            Judged::Row(_) => client.batch_execute("ROLLBACK").await.map_err(broken)?,
        },
    }
    client.batch_execute(&format!("{begin}; SET CONSTRAINTS ALL IMMEDIATE")).await.map_err(broken)?;
    let entries = in_parts(client, order).await?;
    if let Some(told) = all_misconfigured(&entries) {
        return Err(told.of_all(table));
    }
    client.batch_execute("COMMIT").await.map_err(broken)?;
    Ok(Written::Some(entries))
}

/// The rows of a range, in their order. How many were written.
async fn insert(
    client: &Client,
    order: &Order<'_>,
    range: Range<usize>,
) -> Result<u64, tokio_postgres::Error> {
    let mut rows = 0;
    for run in order.runs(range) {
        let (sql, body) = (order.statement(&run), order.body(&run));
        rows += client.execute_typed(&sql, &[(&body, Type::TEXT)]).await?;
    }
    Ok(rows)
}

/// Halves what is refused until it is single rows: one bad row among a thousand costs twenty statements.
async fn in_parts(client: &Client, order: &Order<'_>) -> Result<Vec<Entry>, SqlError> {
    let table = &order.table;
    let mut entries = Vec::with_capacity(order.rows.len());
    #[expect(clippy::single_range_in_vec_init, reason = "it is the first part, and there will be more")]
    let mut parts = vec![0..order.rows.len()];
    let broken = |error: tokio_postgres::Error| match judge(&error, table) {
        Judged::Whole(error) => error,
        Judged::Row(_) => SqlError::Broken("a savepoint failed".to_owned()),
    };
    // The last of the parts is the next in the order of the rows.
    while let Some(part) = parts.pop() {
        client.batch_execute("SAVEPOINT part").await.map_err(broken)?;
        match insert(client, order, part.clone()).await {
            Ok(rows) => {
                client.batch_execute("RELEASE SAVEPOINT part").await.map_err(broken)?;
                let each = match rows {
                    0 => Some(0),
                    rows if rows == part.len() as u64 => Some(1),
                    _ => None,
                };
                entries.extend(part.map(|_| Entry::Taken { ok: true, written: each }));
            }
            Err(error) => {
                let case = match judge(&error, table) {
                    Judged::Whole(error) => return Err(error),
                    Judged::Row(case) => case,
                };
                client.batch_execute("ROLLBACK TO SAVEPOINT part").await.map_err(broken)?;
                if part.len() > 1 {
                    let middle = part.start + part.len() / 2;
                    parts.extend([middle..part.end, part.start..middle]);
                } else if let Some(told) = error.as_db_error() {
                    let column = explain(client, order, part.start, told.code().code()).await?;
                    entries.push(Entry::Refused { error: Refusal::new(case, told, table, column) });
                }
                client.batch_execute("RELEASE SAVEPOINT part").await.map_err(broken)?;
            }
        }
    }
    Ok(entries)
}

/// Where the table is not as the connector expects it for any row, it is no matter of the rows.
fn all_misconfigured(entries: &[Entry]) -> Option<&Refusal> {
    let first = misconfigured(entries.first()?)?;
    entries.iter().all(|entry| misconfigured(entry).is_some()).then_some(first)
}

fn misconfigured(entry: &Entry) -> Option<&Refusal> {
    match entry {
        Entry::Refused { error } if error.case == Case::Misconfigured => Some(error),
        _ => None,
    }
}
