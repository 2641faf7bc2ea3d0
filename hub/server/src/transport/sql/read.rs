//! Rows in: the next page of a channel's query behind a position, in the order of the cursor. Reads in a transaction that can
//! only read. Keeps nothing: whoever asks keeps the rows together with the position.

use std::error::Error;

use bytes::{Bytes, BytesMut};
use snodo_core::declare::channel::TableName;
use tokio_postgres::Client;
use tokio_postgres::types::{Format, IsNull, ToSql, Type, to_sql_checked};

use super::fail::{Judged, SqlError, judge};
use super::{Database, quoted, settings};

/// Rows that are in memory before they are counted.
const CHUNK: i32 = 32;

/// Bodies of one page in memory.
const PAGE_BYTES_MAX: usize = 8 << 20;

/// Rows that may have the same cursor: all of them are one page, whatever its size, or some would be left out.
const SAME_MAX: usize = 10_000;

/// What is asked of one channel's database.
#[derive(Debug)]
pub struct SqlIn {
    pub database: Database,
    pub query: String,
    pub cursor: Vec<String>,
    pub start: Vec<String>,
    pub rows_max: usize,
    pub body_bytes_max: usize,
}

/// Rows, and the position of the last of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Each as a JSON object.
    pub rows: Vec<Bytes>,
    /// The values of the cursor, as text. `None` if there was no row.
    pub position: Option<Vec<String>>,
    /// There may be more right now.
    pub more: bool,
    /// Rows that were left out because they are longer than a message may be.
    pub too_large: usize,
}

/// A value whose type the server finds out.
#[derive(Debug)]
struct AsText<'a>(&'a str);

impl ToSql for AsText<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

impl SqlIn {
    /// The next page behind `after`, or from the start.
    pub async fn page(&self, after: Option<&[String]>) -> Result<Page, SqlError> {
        let work = async {
            let mut client = self.database.connection().await?;
            let page = self.read(&mut client, after).await?;
            self.database.keep(client);
            Ok(page)
        };
        self.database.bounded(work).await
    }

    async fn read(&self, client: &mut Client, after: Option<&[String]>) -> Result<Page, SqlError> {
        let failed = |error: tokio_postgres::Error| failure(&error);
        let reading = client.build_transaction().read_only(true).start().await.map_err(failed)?;
        reading.batch_execute(&settings(self.database.timeout)).await.map_err(failed)?;
        let statement = reading.prepare(&self.statement(after.is_some())).await.map_err(|e| refused(&e))?;
        let values: Vec<AsText<'_>> =
            after.unwrap_or(&self.start).iter().map(|value| AsText(value)).collect();
        if statement.params().len() != values.len() {
            let what = "the query has parameters of its own: the hub adds the condition on the cursor itself";
            return Err(SqlError::misconfigured(what, "42P02"));
        }
        let parameters: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
        let portal = reading.bind(&statement, &parameters).await.map_err(failed)?;
        let (mut page, mut bytes, mut seen) = (Page::default(), 0, 0);
        'page: loop {
            let chunk = reading.query_portal(&portal, CHUNK).await.map_err(failed)?;
            let last = chunk.len() < usize::try_from(CHUNK).unwrap_or_default();
            for row in chunk {
                let position: Vec<String> = (1..=self.cursor.len())
                    .map(|place| row.try_get(place))
                    .collect::<Result<_, _>>()
                    .map_err(failed)?;
                let full = seen >= self.rows_max || bytes >= PAGE_BYTES_MAX;
                if full && page.position.as_ref() != Some(&position) {
                    page.more = true;
                    break 'page;
                }
                if seen >= self.rows_max + SAME_MAX {
                    let what = format!(
                        "more than {SAME_MAX} rows have the same cursor: name a further column in it, such as the key"
                    );
                    return Err(SqlError::misconfigured(what, "00000"));
                }
                match row.try_get::<_, Option<&str>>(0).map_err(failed)? {
                    Some(body) => {
                        bytes += body.len();
                        page.rows.push(Bytes::copy_from_slice(body.as_bytes()));
                    }
                    None => page.too_large += 1,
                }
                seen += 1;
                page.position = Some(position);
            }
            if last {
                break;
            }
        }
        reading.rollback().await.map_err(failed)?;
        Ok(page)
    }

    /// Whether there are rows that can never be read, because a column of their cursor is NULL.
    pub async fn has_rows_without_cursor(&self) -> Result<bool, SqlError> {
        let failed = |error: tokio_postgres::Error| failure(&error);
        let nulls: Vec<String> = self.columns().map(|column| format!("{column} IS NULL")).collect();
        let sql = format!("SELECT EXISTS (SELECT 1 FROM {} WHERE {})", self.source(), nulls.join(" OR "));
        let work = async {
            let mut client = self.database.connection().await?;
            let reading = client.build_transaction().read_only(true).start().await.map_err(failed)?;
            reading.batch_execute(&settings(self.database.timeout)).await.map_err(failed)?;
            let found = reading.query_typed_one(&sql, &[]).await.map_err(failed)?;
            let found = found.try_get(0).map_err(failed)?;
            reading.rollback().await.map_err(failed)?;
            self.database.keep(client);
            Ok(found)
        };
        self.database.bounded(work).await
    }

    fn columns(&self) -> impl Iterator<Item = String> {
        self.cursor.iter().map(|column| format!("snodo_row.{}", quoted(column)))
    }

    /// The line end is for a query that ends with a remark.
    fn source(&self) -> String {
        let query = self.query.trim_end().trim_end_matches(';');
        format!("({query}\n) AS snodo_row")
    }

    fn statement(&self, goes_on: bool) -> String {
        let columns: Vec<String> = self.columns().collect();
        let texts: Vec<String> = columns.iter().map(|column| format!("{column}::text")).collect();
        let mut conditions: Vec<String> =
            columns.iter().map(|column| format!("{column} IS NOT NULL")).collect();
        let (known, sign) = if goes_on { (columns.len(), ">") } else { (self.start.len(), ">=") };
        if known > 0 {
            let places: Vec<String> = (1..=known).map(|place| format!("${place}")).collect();
            let (left, right) = (columns[..known].join(", "), places.join(", "));
            conditions.push(format!("ROW({left}) {sign} ROW({right})"));
        }
        format!(
            "SELECT CASE WHEN octet_length(snodo_json.body) <= {max} THEN snodo_json.body END, {texts} \
             FROM {source} CROSS JOIN LATERAL (SELECT pg_catalog.row_to_json(snodo_row)::text AS body) AS snodo_json \
             WHERE {conditions} ORDER BY {order} LIMIT {limit}",
            max = self.body_bytes_max,
            texts = texts.join(", "),
            source = self.source(),
            conditions = conditions.join(" AND "),
            order = columns.join(", "),
            limit = self.rows_max + SAME_MAX + 1,
        )
    }
}

/// Before a row was read a server speaks of the query only, so its words are of use and quote nobody.
fn refused(error: &tokio_postgres::Error) -> SqlError {
    match error.as_db_error() {
        Some(told) if matches!(told.code().code().get(..2), Some("42" | "0A" | "22")) => {
            let what = format!("the database refuses the query: {}", told.message());
            SqlError::misconfigured(what, told.code().code())
        }
        _ => failure(error),
    }
}

fn failure(error: &tokio_postgres::Error) -> SqlError {
    let none = TableName { schema: String::new(), name: "the query".to_owned() };
    match (judge(error, &none), error.code()) {
        (Judged::Whole(error), _) => error,
        (Judged::Row(_), Some(code)) => SqlError::misconfigured(
            "the database refuses a value of the query, of start or of the cursor",
            code.code(),
        ),
        (Judged::Row(_), None) => SqlError::Broken("for no reason given".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use snodo_core::declare::channel::SqlTls;

    use super::super::connect::Login;
    use super::*;

    #[test]
    fn the_hub_adds_what_makes_pages_of_a_query() {
        let login = Login::new("postgres://a@localhost/b".parse().unwrap(), None, SqlTls::None).unwrap();
        let inlet = |cursor: &[&str], start: &[&str]| SqlIn {
            database: Database::new("db".parse().unwrap(), login.clone(), Duration::from_secs(1)),
            query: "SELECT * FROM t -- all;\n; ".to_owned(),
            cursor: cursor.iter().map(ToString::to_string).collect(),
            start: start.iter().map(ToString::to_string).collect(),
            rows_max: 10,
            body_bytes_max: 100,
        };
        const HEAD: &str = "SELECT CASE WHEN octet_length(snodo_json.body) <= 100 THEN snodo_json.body END, ";
        const FROM: &str = " FROM (SELECT * FROM t -- all;\n\n) AS snodo_row CROSS JOIN LATERAL \
            (SELECT pg_catalog.row_to_json(snodo_row)::text AS body) AS snodo_json WHERE ";
        let one = inlet(&["at"], &[]);
        assert_eq!(
            one.statement(false),
            format!(
                "{HEAD}snodo_row.\"at\"::text{FROM}snodo_row.\"at\" IS NOT NULL ORDER BY snodo_row.\"at\" LIMIT 10011"
            )
        );
        let two = inlet(&["at", "i\"d"], &["2026-01-01"]);
        let begins = two.statement(false);
        assert!(begins.contains("AND ROW(snodo_row.\"at\") >= ROW($1) ORDER BY"), "{begins}");
        let goes_on = two.statement(true);
        let condition = "AND ROW(snodo_row.\"at\", snodo_row.\"i\"\"d\") > ROW($1, $2) \
            ORDER BY snodo_row.\"at\", snodo_row.\"i\"\"d\" LIMIT";
        assert!(goes_on.contains(condition), "{goes_on}");
    }
}
