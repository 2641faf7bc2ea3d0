//! Takes over what a store on one machine has: all rows of all tables, in one transaction, counted and compared before it is committed.

use bytes::BytesMut;
use deadpool_postgres::Object;
use futures_util::pin_mut;
use snodo_core::{Lane, Timestamp};
use snodo_store::export::{TABLES, Table, Value};
use snodo_store::{Balance, Store, StoreError};
use tokio::sync::mpsc;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use crate::cluster::{Options, schema_of};
use crate::database::Database;
use crate::open::OpenError;
use crate::partition::Partitions;
use crate::text::kept;
use crate::{ledger, schema};

/// Rows between the thread that reads and the task that writes.
const ROWS_MAX: usize = 256;

/// What was moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promoted {
    /// Tables, with how many rows of each.
    pub rows: Vec<(&'static str, u64)>,
    pub balance: Balance,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PromoteError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(
        "the home {0} has something in it already, and two stores cannot become one: name another one, or drop its schema in the database"
    )]
    Occupied(String),
    #[error("{table}: {read} rows were read, and {written} are there; nothing was moved")]
    Rows { table: &'static str, read: u64, written: u64 },
    #[error("the ledgers of the two do not agree; nothing was moved")]
    Ledger,
    #[error("failed to move the store: {0}; nothing was moved")]
    Internal(String),
}

impl From<StoreError> for PromoteError {
    fn from(error: StoreError) -> Self {
        Self::Open(error.into())
    }
}

/// Moves what `store` has, which nobody else may have open, into the home that these options name. All of it, or nothing.
pub async fn promote(store: &Store, options: &Options) -> Result<Promoted, PromoteError> {
    let schema = schema_of(&options.name)?;
    let database = Database::new(&options.database, &schema)?;
    schema::prepare(&database, &schema, options.partitions).await?;
    let client = database.client().await?;
    let failed = |error: tokio_postgres::Error| PromoteError::from(database.failed(&error));
    // Nobody writes meanwhile; and it takes as long as it takes.
    let lock = schema::lock(&schema, "writers");
    let begin = format!(
        "BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0; SELECT pg_advisory_xact_lock({lock})"
    );
    client.batch_execute(&begin).await.map_err(failed)?;
    let moved = fill(&client, store, Partitions(options.partitions), &options.name).await;
    let ending = if moved.is_ok() { "COMMIT" } else { "ROLLBACK" };
    client.batch_execute(ending).await.map_err(failed)?;
    moved
}

async fn fill(
    client: &Object,
    store: &Store,
    partitions: Partitions,
    name: &str,
) -> Result<Promoted, PromoteError> {
    let used = "SELECT message + event + delivery > 0 OR EXISTS (SELECT 1 FROM cursor) OR EXISTS (SELECT 1 FROM removed) FROM ends";
    if client.query_one(used, &[]).await?.get(0) {
        return Err(PromoteError::Occupied(name.to_owned()));
    }
    let mut rows = Vec::new();
    for table in TABLES {
        let read = copy(client, store, table, partitions).await?;
        let count = format!("SELECT count(*) FROM {}", table.name);
        let written = client.query_one(&count, &[]).await?.get::<_, i64>(0).unsigned_abs();
        if read != written {
            return Err(PromoteError::Rows { table: table.name, read, written });
        }
        rows.push((table.name, read));
    }
    let ends = "UPDATE ends SET message = (SELECT coalesce(max(seq), 0) FROM message), event = (SELECT coalesce(max(seq), 0) FROM event), \
         delivery = (SELECT coalesce(max(seq), 0) FROM delivery), accepted = (SELECT coalesce(max(accepted), 0) FROM event), \
         consent_change = (SELECT coalesce(max(seq), 0) FROM consent_change)";
    client.execute(ends, &[]).await?;
    let (tally, removed) = (store.tally()?, store.removed_balance()?);
    let insert = "INSERT INTO tally (slot, numbers) VALUES (0, $1)";
    client.execute(insert, &[&ledger::numbers(&tally)]).await?;
    if removed != Balance::default() {
        let text =
            serde_json::to_string(&removed).map_err(|error| PromoteError::Internal(error.to_string()))?;
        client.execute("INSERT INTO removed (balance) VALUES ($1)", &[&text]).await?;
    }
    let mut balance = ledger::count(client, None::<Timestamp>).await?.balance()?;
    balance.add(removed);
    match balance == store.balance(None)? && balance.tally == tally {
        true => Ok(Promoted { rows, balance }),
        false => Err(PromoteError::Ledger),
    }
}

/// Shows no row: what PostgreSQL says of one may quote it.
impl From<tokio_postgres::Error> for PromoteError {
    fn from(error: tokio_postgres::Error) -> Self {
        let code =
            error.code().map_or_else(|| "the connection broke".to_owned(), |code| code.code().to_owned());
        Self::Internal(code)
    }
}

/// Where a column of deliveries stands in their table.
fn place(table: Table, column: &str) -> Option<usize> {
    table.columns.iter().position(|one| *one == column)
}

async fn copy(
    client: &Object,
    store: &Store,
    table: Table,
    partitions: Partitions,
) -> Result<u64, PromoteError> {
    let mut columns = table.columns.to_vec();
    // Which partition a delivery is of, only a home on several nodes knows.
    let lane = (table.name == "delivery").then(|| (place(table, "destination"), place(table, "lane")));
    if lane.is_some() {
        columns.push("partition");
    }
    let prepared = format!("SELECT {} FROM {}", columns.join(", "), table.name);
    let types = client.prepare(&prepared).await?;
    let types: Vec<Type> = types.columns().iter().map(|column| column.type_().clone()).collect();
    let sql = format!("COPY {} ({}) FROM STDIN (FORMAT binary)", table.name, columns.join(", "));
    let sink = client.copy_in(&sql).await?;
    let writer = BinaryCopyInWriter::new(sink, &types);
    pin_mut!(writer);
    let (send, mut rows) = mpsc::channel(ROWS_MAX);
    let reader = snodo_store::Reader::clone(store);
    let reading = tokio::task::spawn_blocking(move || {
        reader.export(table, |row: Vec<Value>| send.blocking_send(row).is_ok())
    });
    while let Some(mut row) = rows.recv().await {
        if let Some((Some(destination), Some(lane))) = lane {
            let lane = match &row[lane] {
                Value::Integer(lane) => Some(Lane(*lane)),
                _ => None,
            };
            let Value::Text(destination) = &row[destination] else {
                return Err(PromoteError::Internal("a delivery goes nowhere".to_owned()));
            };
            row.push(Value::Integer(partitions.of_delivery(destination, lane).into()));
        }
        let cells: Vec<Cell> =
            row.into_iter().zip(&columns).map(|(value, column)| Cell(escaped(value, column))).collect();
        writer.as_mut().write_raw(cells.iter().map(|cell| cell as &dyn ToSql)).await?;
    }
    writer.finish().await?;
    let read = reading.await.map_err(|panic| PromoteError::Internal(panic.to_string()))?;
    Ok(read?)
}

/// Columns with words that a sender or a destination wrote, which may have a NUL: written as they are elsewhere in this home. JSON writes
/// one in its own way.
const FREE: [&str; 7] = ["subject", "time", "ordering_key", "reason", "namespace", "purpose", "name"];

fn escaped(value: Value, column: &str) -> Value {
    match value {
        Value::Text(text) if FREE.contains(&column) => Value::Text(kept(&text).into_owned()),
        value => value,
    }
}

/// A value in the type of its column.
#[derive(Debug)]
struct Cell(Value);

impl ToSql for Cell {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match (&self.0, kind) {
            (Value::Null, _) => Ok(IsNull::Yes),
            (Value::Integer(number), &Type::INT2) => i16::try_from(*number)?.to_sql(kind, out),
            (Value::Integer(number), &Type::INT4) => i32::try_from(*number)?.to_sql(kind, out),
            (Value::Integer(number), &Type::INT8) => number.to_sql(kind, out),
            (Value::Text(text), &Type::TEXT) => text.to_sql(kind, out),
            (Value::Bytes(bytes), &Type::BYTEA) => bytes.to_sql(kind, out),
            _ => Err(format!("a column of type {kind} does not take what stands in it").into()),
        }
    }

    fn accepts(kind: &Type) -> bool {
        [Type::INT2, Type::INT4, Type::INT8, Type::TEXT, Type::BYTEA].contains(kind)
    }

    to_sql_checked!();
}
