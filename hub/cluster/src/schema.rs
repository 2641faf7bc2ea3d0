//! The tables: their format's number, and the migrations that lead to it. One node at a time; the others wait for it.

use snodo_core::Lane;
use tokio_postgres::Client;

use crate::database::Database;
use crate::open::OpenError;

/// Each leads from the format before it to the next. Released ones are never edited, and none is ever taken back.
const MIGRATIONS: [&str; 1] = [include_str!("schema/1.sql")];

/// The format that this version writes.
pub const FORMAT: i32 = MIGRATIONS.len() as i32;

const HOME: &str = "CREATE TABLE home (one boolean PRIMARY KEY DEFAULT TRUE CHECK (one), format integer NOT NULL, \
     partitions integer NOT NULL)";

/// A lock of PostgreSQL for what a home does one at a time.
pub(crate) fn lock(schema: &str, what: &str) -> i64 {
    Lane::of(&format!("snodo/{schema}/{what}")).0
}

/// Makes the schema if there is none, brings it to this version's format, and compares the number of partitions.
pub(crate) async fn prepare(database: &Database, schema: &str, partitions: u32) -> Result<(), OpenError> {
    let mut client = database.connect().await?;
    let failed = |error: tokio_postgres::Error| OpenError::from(database.failed(&error));
    let transaction = client.transaction().await.map_err(failed)?;
    let one_at_a_time = format!("SELECT pg_advisory_xact_lock({})", lock(schema, "schema"));
    transaction.batch_execute(&one_at_a_time).await.map_err(failed)?;
    let there = "SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1)";
    let there: bool = transaction.query_one(there, &[&schema]).await.map_err(failed)?.get(0);
    if !there {
        // Names are checked when the home is opened: lower-case letters, digits and underscores.
        transaction.batch_execute(&format!("CREATE SCHEMA {schema}")).await.map_err(failed)?;
    }
    let tables =
        "SELECT count(*), count(*) FILTER (WHERE tablename = 'home') FROM pg_tables WHERE schemaname = $1";
    let row = transaction.query_one(tables, &[&schema]).await.map_err(failed)?;
    match (row.get::<_, i64>(0), row.get::<_, i64>(1)) {
        (0, _) => {
            transaction.batch_execute(HOME).await.map_err(failed)?;
            let begin = "INSERT INTO home (format, partitions) VALUES (0, $1)";
            transaction.execute(begin, &[&partitions.cast_signed()]).await.map_err(failed)?;
        }
        (_, 0) => return Err(OpenError::Foreign(schema.to_owned())),
        _ => {}
    }
    let row = transaction.query_one("SELECT format, partitions FROM home", &[]).await.map_err(failed)?;
    let (found, known): (i32, i32) = (row.get(0), row.get(1));
    if found > FORMAT {
        return Err(OpenError::NewerFormat { schema: schema.to_owned(), found, known: FORMAT });
    }
    if known != partitions.cast_signed() {
        return Err(OpenError::OtherPartitions { name: schema.to_owned(), found: known, told: partitions });
    }
    for (step, to) in MIGRATIONS.iter().zip(1..).skip(usize::try_from(found).unwrap_or(0)) {
        transaction.batch_execute(step).await.map_err(failed)?;
        transaction.execute("UPDATE home SET format = $1", &[&to]).await.map_err(failed)?;
        tracing::info!(to, "brought the home to its next format");
    }
    let leases = "INSERT INTO lease (partition) SELECT generate_series(0, $1 - 1) ON CONFLICT DO NOTHING";
    transaction.execute(leases, &[&partitions.cast_signed()]).await.map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// For reading beside the nodes: how many partitions the home has.
pub(crate) async fn partitions(client: &Client, schema: &str) -> Result<u32, OpenError> {
    let there = "SELECT EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = $1 AND tablename = 'home')";
    let failed = |error: tokio_postgres::Error| OpenError::Internal(error.to_string());
    let there: bool = client.query_one(there, &[&schema]).await.map_err(failed)?.get(0);
    if !there {
        return Err(OpenError::Missing(schema.to_owned()));
    }
    let row = client.query_one("SELECT format, partitions FROM home", &[]).await.map_err(failed)?;
    match row.get::<_, i32>(0) {
        FORMAT => Ok(row.get::<_, i32>(1).cast_unsigned()),
        found => Err(OpenError::NewerFormat { schema: schema.to_owned(), found, known: FORMAT }),
    }
}
