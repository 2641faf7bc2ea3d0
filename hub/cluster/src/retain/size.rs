//! How much the rows take. PostgreSQL's files do not become smaller when rows are removed, so their size says nothing of that; and to look
//! at every row would take as long as the home is large. So a sample of each table's pages is looked at, always the same: what rows it
//! has there is in proportion what the table would take if it had no room in it that is free.

use snodo_store::StoreError;
use tokio_postgres::Row;

use crate::Reader;

/// The tables that rows are removed from. What the others take is little, and counts as it is.
const SAMPLED: [&str; 5] = ["message", "settled_message", "event", "delivery", "attempt"];

/// Pages of a table that are looked at: of a smaller one, all. With so many the estimate is a few per cent off at most.
const PAGES: f64 = 500.0;

/// What a row takes beside its columns: its header, and its place in the page.
const ROW_BYTES: i64 = 28;

/// With what it takes to write down the length of each column, wherever the column is stored.
const TABLES: &str = "SELECT c.relname::text, pg_relation_size(c.oid) / current_setting('block_size')::bigint, pg_table_size(c.oid), \
     pg_total_relation_size(c.oid), (SELECT string_agg('coalesce(pg_column_size(' || quote_ident(a.attname) || '), 0)', ' + ') \
         FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) \
     FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'";

/// A table's size.
struct Table {
    name: String,
    pages: i64,
    /// Without its indexes.
    bytes: i64,
    with_indexes: i64,
    /// The length of a row, in SQL.
    length: String,
}

impl Table {
    fn of(row: &Row) -> Self {
        Self {
            name: row.get(0),
            pages: row.get(1),
            bytes: row.get(2),
            with_indexes: row.get(3),
            length: row.get(4),
        }
    }

    /// Per cent of its pages.
    fn share(&self) -> f64 {
        (100.0 * PAGES / self.pages.max(1) as f64).min(100.0)
    }

    fn sample(&self) -> String {
        format!(
            "SELECT count(*), coalesce(sum({}), 0)::bigint FROM {} TABLESAMPLE SYSTEM ({}) REPEATABLE (1)",
            self.length,
            self.name,
            self.share()
        )
    }

    /// What it would take with its indexes, if nothing of it were free.
    fn used(&self, (rows, bytes): (i64, i64)) -> f64 {
        let live = (rows * ROW_BYTES + bytes) as f64 * 100.0 / self.share();
        (live / self.bytes.max(1) as f64).min(1.0) * self.with_indexes as f64
    }
}

impl Reader {
    /// What the rows take in the database, in bytes, with their indexes: an estimate. Room that removed ones have left does not count: it
    /// is used again when PostgreSQL has cleaned it up, which it does by itself.
    pub fn used_bytes(&self) -> Result<u64, StoreError> {
        let sizes = self.snapshot(async |client| {
            let mut sizes = Vec::new();
            for row in &client.query(TABLES, &[]).await? {
                let table = Table::of(row);
                if !SAMPLED.contains(&table.name.as_str()) {
                    sizes.push(table.with_indexes as f64);
                    continue;
                }
                let found = client.query_one(&table.sample(), &[]).await?;
                sizes.push(table.used((found.get(0), found.get(1))));
            }
            Ok(sizes)
        })?;
        Ok(sizes.iter().sum::<f64>() as u64)
    }
}
