//! A connector's request as what it asks for: rows for a table. Reads and checks it, and writes the hub's SQL. Keeps each value
//! as the connector wrote it, so that no digit of a number is lost. Does no I/O.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::ops::Range;

use serde_json::value::RawValue;
use snodo_core::declare::channel::TableName;

use super::fail::SqlError;
use super::quoted;
use crate::transport::Request;

/// Rows of one request: far more than a connector is given deliveries at once.
const ROWS_MAX: usize = 10_000;

/// PostgreSQL cuts longer names off.
const NAME_BYTES_MAX: usize = 63;

/// The header that names the key columns.
const KEY: &str = "sql-key";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    /// What is there already stays as it is.
    Insert,
    /// What is there already is overwritten.
    Upsert,
}

#[derive(Debug)]
pub struct Order<'a> {
    method: Method,
    pub table: TableName,
    key: Vec<&'a str>,
    pub rows: Vec<Row<'a>>,
}

#[derive(Debug)]
pub struct Row<'a> {
    /// By column. A column that is named twice has the later value, as in PostgreSQL.
    pub values: BTreeMap<String, &'a RawValue>,
}

impl<'a> Order<'a> {
    pub fn read(request: &'a Request) -> Result<Self, SqlError> {
        let malformed = |why: String| SqlError::Malformed(why);
        let method = match request.method.as_str() {
            "INSERT" => Method::Insert,
            "UPSERT" => Method::Upsert,
            other => return Err(malformed(format!("{other:?} is no method: there are INSERT and UPSERT"))),
        };
        let table = TableName::parse(&request.target)
            .ok_or_else(|| malformed("its target is not the name of a table".to_owned()))?;
        let named = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(KEY));
        let key: Vec<&str> = named.map_or(Vec::new(), |(_, value)| value.split(',').map(str::trim).collect());
        if key.iter().any(|column| !is_column(column)) {
            return Err(malformed(format!("{KEY} is not a list of columns")));
        }
        if key.is_empty() && method == Method::Upsert {
            return Err(malformed(format!("UPSERT needs the key columns in {KEY}")));
        }
        let rows: Vec<BTreeMap<String, &RawValue>> = serde_json::from_slice(&request.body)
            .map_err(|_| malformed("its body is not a JSON array of objects".to_owned()))?;
        if rows.is_empty() || rows.len() > ROWS_MAX {
            return Err(malformed(format!("it has {} rows, and 1 to {ROWS_MAX} are taken", rows.len())));
        }
        for (place, row) in rows.iter().enumerate() {
            if row.is_empty() || !row.keys().all(|column| is_column(column)) {
                return Err(malformed(format!(
                    "its row {place} has no columns, or one without a sound name"
                )));
            }
            let missing = key.iter().find(|column| !row.contains_key(**column));
            if let (Some(column), Method::Upsert) = (missing, method) {
                return Err(malformed(format!("its row {place} lacks the key column {column}")));
            }
        }
        Ok(Self { method, table, key, rows: rows.into_iter().map(|values| Row { values }).collect() })
    }

    /// Splits a range of rows into those that one statement can take: of the same columns, and each key once.
    pub fn runs(&self, range: Range<usize>) -> Vec<Range<usize>> {
        let mut runs: Vec<Range<usize>> = Vec::new();
        let mut seen: HashSet<Vec<&str>> = HashSet::new();
        for place in range {
            let row = &self.rows[place];
            let key: Vec<&str> = self
                .key
                .iter()
                .filter_map(|column| row.values.get(*column).map(|value| value.get()))
                .collect();
            let fits = |run: &Range<usize>| {
                self.rows[run.start].values.keys().eq(row.values.keys())
                    && (self.key.is_empty() || !seen.contains(&key))
            };
            match runs.last_mut() {
                Some(run) if fits(run) => run.end = place + 1,
                _ => {
                    seen.clear();
                    runs.push(place..place + 1);
                }
            }
            seen.insert(key);
        }
        runs
    }

    /// The statement for a run. Its one parameter is what `body` gives.
    pub fn statement(&self, run: &Range<usize>) -> String {
        let columns = || self.rows[run.start].values.keys();
        let list = |names: &mut dyn Iterator<Item = &str>| names.map(quoted).collect::<Vec<_>>().join(", ");
        let table = self.table_sql();
        let all = list(&mut columns().map(String::as_str));
        let mut sql = format!(
            "INSERT INTO {table} ({all}) SELECT {all} FROM pg_catalog.json_populate_recordset(null::{table}, $1::text::json)"
        );
        if self.key.is_empty() {
            return sql;
        }
        _ = write!(sql, " ON CONFLICT ({}) DO ", list(&mut self.key.iter().copied()));
        let others: Vec<String> = columns()
            .filter(|column| !self.key.contains(&column.as_str()))
            .map(|column| format!("{0} = EXCLUDED.{0}", quoted(column)))
            .collect();
        match (self.method, others.is_empty()) {
            (Method::Upsert, false) => _ = write!(sql, "UPDATE SET {}", others.join(", ")),
            _ => sql.push_str("NOTHING"),
        }
        sql
    }

    pub fn body(&self, run: &Range<usize>) -> String {
        let rows: Vec<String> = self.rows[run.clone()].iter().map(Row::json).collect();
        format!("[{}]", rows.join(","))
    }

    pub fn table_sql(&self) -> String {
        format!("{}.{}", quoted(&self.table.schema), quoted(&self.table.name))
    }
}

impl Row<'_> {
    fn json(&self) -> String {
        let pairs: Vec<String> = self.values.iter().map(|(column, value)| pair(column, value)).collect();
        format!("{{{}}}", pairs.join(","))
    }
}

/// A column and its value, as JSON.
pub fn pair(column: &str, value: &RawValue) -> String {
    format!("{}:{}", serde_json::Value::from(column), value.get())
}

fn is_column(name: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, target: &str, key: Option<&str>, body: &str) -> Request {
        let headers = key.map(|key| (KEY.to_owned(), key.to_owned())).into_iter().collect();
        let body = bytes::Bytes::copy_from_slice(body.as_bytes());
        Request { id: "1".into(), method: method.into(), target: target.into(), headers, body }
    }

    #[test]
    fn rows_become_statements_of_the_hubs_own() {
        const ROWS: &str =
            r#"[{"id": 1, "total": 12345678901234567890.10}, {"total": "2", "id": 2}, {"id": 3}, {"id": 3}]"#;
        for (method, key, expected) in [
            (
                "INSERT",
                None,
                vec![
                    r#"INSERT INTO "public"."o" ("id", "total") SELECT "id", "total" FROM pg_catalog.json_populate_recordset(null::"public"."o", $1::text::json)"#,
                    r#"INSERT INTO "public"."o" ("id") SELECT "id" FROM pg_catalog.json_populate_recordset(null::"public"."o", $1::text::json)"#,
                ],
            ),
            (
                "UPSERT",
                Some("id"),
                vec![
                    r#"INSERT INTO "public"."o" ("id", "total") SELECT "id", "total" FROM pg_catalog.json_populate_recordset(null::"public"."o", $1::text::json) ON CONFLICT ("id") DO UPDATE SET "total" = EXCLUDED."total""#,
                    r#"INSERT INTO "public"."o" ("id") SELECT "id" FROM pg_catalog.json_populate_recordset(null::"public"."o", $1::text::json) ON CONFLICT ("id") DO NOTHING"#,
                    r#"INSERT INTO "public"."o" ("id") SELECT "id" FROM pg_catalog.json_populate_recordset(null::"public"."o", $1::text::json) ON CONFLICT ("id") DO NOTHING"#,
                ],
            ),
        ] {
            let request = request(method, "o", key, ROWS);
            let order = Order::read(&request).unwrap();
            let runs = order.runs(0..4);
            let statements: Vec<String> = runs.iter().map(|run| order.statement(run)).collect();
            assert_eq!(statements, expected);
            assert_eq!(
                order.body(&runs[0]),
                r#"[{"id":1,"total":12345678901234567890.10},{"id":2,"total":"2"}]"#
            );
        }
    }

    #[test]
    fn no_name_leaves_its_quotation_marks() {
        let request = request("INSERT", "crm.o", Some("a\"b"), r#"[{"a\"b": 1, "); DROP TABLE o; --": 2}]"#);
        let order = Order::read(&request).unwrap();
        let statement = order.statement(&(0..1));
        assert!(statement.contains(r#"("); DROP TABLE o; --", "a""b")"#), "{statement}");
        assert!(statement.ends_with(r#"ON CONFLICT ("a""b") DO NOTHING"#), "{statement}");
    }

    #[test]
    fn what_is_no_order_is_the_connectors_mistake_and_quotes_no_value() {
        for (method, target, key, body, expected) in [
            ("DELETE", "o", None, "[{}]", "no method"),
            ("INSERT", "a.b.c", None, r#"[{"a": 1}]"#, "name of a table"),
            ("INSERT", "o", Some("a,,b"), r#"[{"a": 1}]"#, "list of columns"),
            ("UPSERT", "o", None, r#"[{"a": 1}]"#, "key columns"),
            ("UPSERT", "o", Some("b"), r#"[{"a": "rosa@example.com"}]"#, "row 0 lacks the key column b"),
            ("INSERT", "o", None, r#"{"a": "rosa@example.com"}"#, "JSON array of objects"),
            ("INSERT", "o", None, "[]", "0 rows"),
            ("INSERT", "o", None, "[{}]", "row 0 has no columns"),
            ("INSERT", "o", None, r#"[{"": 1}]"#, "row 0 has no columns"),
        ] {
            let request = request(method, target, key, body);
            let error = Order::read(&request).unwrap_err();
            assert!(matches!(error, SqlError::Malformed(_)), "{error}");
            assert!(error.to_string().contains(expected) && !error.to_string().contains("rosa"), "{error}");
        }
    }
}
