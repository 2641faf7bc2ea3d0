//! Finds out which column a refusal is about, where the database does not say: it names the type and the value, and only the
//! name of the column may be passed on.

use std::collections::HashSet;

use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::fail::{Judged, SqlError, judge};
use super::order::{Order, pair};

/// Columns that are tried one by one.
const TRIED_MAX: usize = 64;

/// Within the savepoint `part`, to which it goes back.
pub async fn explain(
    client: &Client,
    order: &Order<'_>,
    place: usize,
    sqlstate: &str,
) -> Result<Option<String>, SqlError> {
    match sqlstate {
        "42703" => unknown_column(client, order, place).await,
        code if code.starts_with("22") => unfit_value(client, order, place).await,
        _ => Ok(None),
    }
}

/// The first column that the table does not have.
async fn unknown_column(
    client: &Client,
    order: &Order<'_>,
    place: usize,
) -> Result<Option<String>, SqlError> {
    const COLUMNS: &str = "SELECT attname::text FROM pg_catalog.pg_attribute \
        WHERE attrelid = $1::text::pg_catalog.regclass AND attnum > 0 AND NOT attisdropped";
    let found = client.query_typed(COLUMNS, &[(&order.table_sql(), Type::TEXT)]).await;
    let rows = found.map_err(|error| whole(&error, order))?;
    let there: HashSet<String> = rows.iter().filter_map(|row| row.try_get(0).ok()).collect();
    Ok(order.rows[place].values.keys().find(|column| !there.contains(*column)).cloned())
}

/// The first column that does not take its value.
async fn unfit_value(client: &Client, order: &Order<'_>, place: usize) -> Result<Option<String>, SqlError> {
    let table = order.table_sql();
    let sql = format!("SELECT 1 FROM pg_catalog.json_populate_record(null::{table}, $1::text::json)");
    for (column, value) in order.rows[place].values.iter().take(TRIED_MAX) {
        let alone = format!("{{{}}}", pair(column, value));
        if let Err(error) = client.execute_typed(&sql, &[(&alone, Type::TEXT)]).await {
            if let Judged::Whole(error) = judge(&error, &order.table) {
                return Err(error);
            }
            let back = client.batch_execute("ROLLBACK TO SAVEPOINT part").await;
            back.map_err(|error| whole(&error, order))?;
            return Ok(Some(column.clone()));
        }
    }
    Ok(None)
}

fn whole(error: &tokio_postgres::Error, order: &Order<'_>) -> SqlError {
    match judge(error, &order.table) {
        Judged::Whole(error) => error,
        Judged::Row(_) => SqlError::Broken("the refused row could not be looked into".to_owned()),
    }
}
