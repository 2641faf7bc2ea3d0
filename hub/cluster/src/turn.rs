//! Turns: what only one node may do at a time, such as a poll or a folder. A turn is a lock of the database that lasts as long as one
//! connection; when that is gone, the turn is lost, and whoever has it is told before the database gives it to another.

use std::collections::HashSet;
use std::sync::{Arc, Mutex as Names, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

use crate::database::Database;
use crate::schema;

/// How often a turn that another has is asked for, and the connection whether it is there.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// Shorter than what the database takes to notice that a node is gone without a word.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(3);

/// All turns of a node are on one connection.
pub(crate) struct Turns {
    database: Arc<Database>,
    schema: String,
    line: Mutex<Option<Line>>,
    /// The database would give a connection a lock twice.
    taken: Names<HashSet<String>>,
    stop: CancellationToken,
    /// A turn may be dropped anywhere.
    runtime: Handle,
}

struct Line {
    client: Arc<Client>,
    lost: CancellationToken,
}

/// It is this node's turn until this is dropped or lost.
pub struct Turn {
    name: String,
    client: Arc<Client>,
    lost: CancellationToken,
    turns: Arc<Turns>,
}

impl Turns {
    /// To be called within a runtime.
    pub fn new(database: Arc<Database>, schema: String, stop: CancellationToken) -> Arc<Self> {
        let (line, taken, runtime) = (Mutex::new(None), Names::default(), Handle::current());
        Arc::new(Self { database, schema, line, taken, stop, runtime })
    }

    /// Waits until it is this node's turn: for as long as another has it, or the database is away.
    pub async fn turn(self: &Arc<Self>, name: &str) -> Turn {
        loop {
            if let Some(turn) = self.ask(name).await {
                return turn;
            }
            sleep(ASK_EVERY).await;
        }
    }

    async fn ask(self: &Arc<Self>, name: &str) -> Option<Turn> {
        let mut line = self.line.lock().await;
        if line.as_ref().is_none_or(|line| line.lost.is_cancelled()) {
            *line = Some(self.connect().await?);
        }
        let Line { client, lost } = line.as_ref().expect("it was just made");
        let is_mine = |taken: &HashSet<String>| taken.contains(name);
        if is_mine(&self.taken.lock().unwrap_or_else(PoisonError::into_inner)) {
            return None;
        }
        let lock = schema::lock(&self.schema, &format!("turn/{name}"));
        match timeout(ANSWER_TIME_MAX, client.query_one("SELECT pg_try_advisory_lock($1)", &[&lock])).await {
            Ok(Ok(row)) if row.get(0) => {
                self.taken.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
                let (client, lost) = (Arc::clone(client), lost.clone());
                Some(Turn { name: name.to_owned(), client, lost, turns: Arc::clone(self) })
            }
            Ok(Ok(_)) => None,
            Ok(Err(_)) | Err(_) => {
                lost.cancel();
                None
            }
        }
    }

    async fn connect(&self) -> Option<Line> {
        let client = Arc::new(self.database.connect().await.ok()?);
        let lost = self.stop.child_token();
        let (watched, told) = (Arc::clone(&client), lost.clone());
        tokio::spawn(async move {
            while !told.is_cancelled() {
                let there = timeout(ANSWER_TIME_MAX, watched.batch_execute("")).await;
                if !matches!(there, Ok(Ok(()))) {
                    told.cancel();
                }
                told.run_until_cancelled(sleep(ASK_EVERY)).await;
            }
        });
        Some(Line { client, lost })
    }
}

impl Turn {
    /// Resolves when it is over: what is under way has to end.
    pub async fn lost(&self) {
        self.lost.cancelled().await;
    }

    pub fn is_lost(&self) -> bool {
        self.lost.is_cancelled()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let lock = schema::lock(&self.turns.schema, &format!("turn/{}", self.name));
        let (client, lost, turns) = (Arc::clone(&self.client), self.lost.clone(), Arc::clone(&self.turns));
        let name = std::mem::take(&mut self.name);
        let unlock = async move {
            if !lost.is_cancelled() {
                let given =
                    timeout(ANSWER_TIME_MAX, client.execute("SELECT pg_advisory_unlock($1)", &[&lock])).await;
                // A lock that may still be there is given back with the connection.
                if !matches!(given, Ok(Ok(_))) {
                    lost.cancel();
                }
            }
            turns.taken.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
        };
        self.turns.runtime.spawn(unlock);
    }
}
