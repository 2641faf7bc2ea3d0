//! Reads the home, from any thread that may wait, beside what is written and never in its way. Each read sees one moment.

use std::future::Future;
use std::sync::Arc;

use deadpool_postgres::Object;
use snodo_store::StoreError;
use tokio::runtime::Handle;
use tokio_postgres::Error;

use crate::cluster::Clock;
use crate::database::{ANSWER_TIME_MAX, Database};
use crate::open::OpenError;
use crate::partition::{Holdings, Partitions};
use crate::{cluster, schema};

/// A handle for reading. Cheap to clone. Its calls wait for the database: not for threads that run tasks.
#[derive(Clone)]
pub struct Reader {
    pub(crate) database: Arc<Database>,
    pub(crate) runtime: Handle,
    pub(crate) partitions: Partitions,
    pub(crate) scope: Scope,
    pub(crate) clock: Clock,
}

/// Whose work is shown by what asks for work.
#[derive(Clone)]
pub(crate) enum Scope {
    /// Everybody's: a reader beside the nodes.
    All,
    /// Of the partitions that this node holds.
    Held(Holdings),
}

impl Reader {
    /// For reading beside the nodes, or when none is running. `name` is the home's.
    pub fn open(url: &str, name: &str, runtime: Handle) -> Result<Self, OpenError> {
        let schema = cluster::schema_of(name)?;
        let database = Database::new(url, &schema)?;
        let partitions = runtime.block_on(async {
            let client = database.connect().await?;
            schema::partitions(&client, &schema).await
        })?;
        Ok(Self {
            database,
            runtime,
            partitions: Partitions(partitions),
            scope: Scope::All,
            clock: cluster::system_clock(),
        })
    }

    pub(crate) fn with<T, F>(&self, work: impl FnOnce(Arc<Object>) -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, Error>>,
    {
        self.runtime.block_on(self.database.with(work))
    }

    pub(crate) fn snapshot<T, F>(&self, read: impl FnOnce(Arc<Object>) -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, Error>>,
    {
        self.runtime.block_on(self.database.snapshot(ANSWER_TIME_MAX, read))
    }

    /// Whether this node decodes the messages of that channel.
    pub(crate) fn decodes(&self, channel: &str) -> bool {
        match &self.scope {
            Scope::All => true,
            Scope::Held(holdings) => holdings.holds(self.partitions.of_channel(channel)),
        }
    }

    /// The partitions whose deliveries are this node's.
    pub(crate) fn workable(&self) -> Vec<i32> {
        match &self.scope {
            Scope::All => (0..self.partitions.0.cast_signed()).collect(),
            Scope::Held(holdings) => holdings.workable(),
        }
    }
}

pub(crate) fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
