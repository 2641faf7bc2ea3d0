//! Asks the database of one channel for new rows, page by page, and keeps each page and how far it brings the channel in one
//! commit: a kill between the two asks for the page again, and never leaves one out nor doubles one. One task per channel, so
//! that its pages never overlap.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use snodo_core::message::Envelope;
use snodo_core::{ChannelName, Message};
use snodo_store::{Cursor, StoreError};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::clock;
use crate::hub::Condition;
use crate::transport::Stamp;
use crate::transport::sql::SqlError;
use crate::transport::sql::read::{Page, SqlIn};

/// The cursor's name in the store: a channel has one.
const CURSOR: &str = "sql";

/// How long to wait after a page that did not work, at first and at most. What only people can mend is tried again at the
/// latter pace: the declaration may be right and the table made a minute later.
const PAUSE_MIN: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// The shortest time between two pages that brought nothing, whatever the channel says: a mistyped unit must not flood a database.
const EVERY_MIN: Duration = Duration::from_millis(100);

pub struct Query {
    pub channel: ChannelName,
    pub rows: SqlIn,
    /// What the messages are called.
    pub name: String,
    pub every: Duration,
    pub condition: Arc<Condition>,
    pub stamp: Stamp,
}

/// How far a channel has come, as it is stored. Of other columns it says nothing.
#[derive(Serialize, Deserialize)]
struct Position {
    columns: Vec<String>,
    values: Vec<String>,
}

/// Why no page was kept.
enum Trouble {
    Database(SqlError),
    Store(StoreError),
}

impl Query {
    /// Returns when told to stop. A page that is under way then is asked for again after the next start.
    pub async fn run(&self, stop: CancellationToken) {
        let (mut failed, mut told) = (0, None);
        let mut looked = false;
        loop {
            let work = async {
                let page = self.page().await?;
                // On a database that answers, and once: on a large table it may take long.
                if !std::mem::replace(&mut looked, true) {
                    self.look_for_rows_without_cursor().await;
                }
                Ok::<_, Trouble>(page)
            };
            let Some(page) = stop.run_until_cancelled(work).await else { return };
            let pause = match page {
                Ok(more) => {
                    if std::mem::take(&mut told).is_some() {
                        info!(channel = %self.channel, "rows are read again");
                    }
                    failed = 0;
                    if more { Duration::ZERO } else { self.every.max(EVERY_MIN) }
                }
                Err(trouble) => {
                    failed += 1;
                    self.count("failed", 1);
                    self.tell(&trouble, &mut told);
                    pause_after(failed)
                }
            };
            if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                return;
            }
        }
    }

    /// Reads one page and keeps it. Whether there may be another right now.
    async fn page(&self) -> Result<bool, Trouble> {
        let after = self.position().await?;
        let page = self.rows.page(after.as_deref()).await?;
        let more = page.more;
        self.keep(page).await?;
        Ok(more)
    }

    async fn position(&self) -> Result<Option<Vec<String>>, Trouble> {
        let (store, channel) = (self.condition.store.clone(), self.channel.clone());
        let read = tokio::task::spawn_blocking(move || store.cursor(&channel, CURSOR));
        let stored = read.await.expect("reading does not panic")?;
        let position: Option<Position> = stored.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Ok(position.filter(|position| position.columns == self.rows.cursor).map(|position| position.values))
    }

    async fn keep(&self, page: Page) -> Result<(), Trouble> {
        let Page { rows, position, too_large, .. } = page;
        let Some(values) = position else { return Ok(()) };
        let position = Position { columns: self.rows.cursor.clone(), values };
        let value = serde_json::to_vec(&position).expect("a position is made of strings");
        let cursor = Cursor { channel: self.channel.clone(), name: CURSOR.to_owned(), value };
        let count = rows.len();
        let messages = rows.into_iter().map(|row| self.message(row)).collect();
        let accepted = self.condition.store.accept_all(messages, Some(cursor)).await;
        self.condition.full.store(matches!(accepted, Err(StoreError::Full)), Ordering::Relaxed);
        accepted?;
        self.condition.sources.ring(&self.channel);
        if count > 0 {
            self.count("accepted", count);
            info!(channel = %self.channel, rows = count, "accepted");
        }
        if too_large > 0 {
            self.count("too-large", too_large);
            let bytes_max = self.rows.body_bytes_max;
            error!(channel = %self.channel, rows = too_large, bytes_max, "rows were left out: they are longer than a message may be");
        }
        Ok(())
    }

    fn message(&self, body: Bytes) -> Message {
        let envelope = Envelope { name: self.name.clone(), ..Envelope::default() };
        self.stamp.message(&self.channel, clock::now(), envelope, body)
    }

    /// If it takes too long, it is not known.
    async fn look_for_rows_without_cursor(&self) {
        if let Ok(true) = self.rows.has_rows_without_cursor().await {
            error!(
                channel = %self.channel,
                "there are rows that are never read, because a column of their cursor is NULL: fill it in the query, with COALESCE(…)"
            );
            self.count("no-cursor", 1);
        }
    }

    fn count(&self, result: &'static str, rows: usize) {
        metrics::counter!("snodo_sql_in_total", "channel" => self.channel.to_string(), "result" => result)
            .increment(rows as u64);
    }

    /// Each kind of trouble once, until it is over. That the database is away the connection tells.
    fn tell(&self, trouble: &Trouble, told: &mut Option<String>) {
        let channel = &self.channel;
        let words = match trouble {
            Trouble::Database(error) => error.to_string(),
            Trouble::Store(error) => error.to_string(),
        };
        if told.as_ref() == Some(&words) {
            return;
        }
        match trouble {
            Trouble::Database(error) if error.is_away() => return,
            Trouble::Database(SqlError::Busy(_)) => {
                warn!(%channel, error = words, "rows wait in the database");
            }
            Trouble::Database(_) => error!(%channel, error = words, "no rows can be read"),
            Trouble::Store(_) => {
                warn!(%channel, error = words, "rows could not be kept, and wait in the database");
            }
        }
        *told = Some(words);
    }
}

impl From<SqlError> for Trouble {
    fn from(error: SqlError) -> Self {
        Self::Database(error)
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Twice as long each time, and never at the same moment as others that failed together.
fn pause_after(failed: u32) -> Duration {
    let whole = PAUSE_MIN.saturating_mul(1 << failed.saturating_sub(1).min(16)).min(PAUSE_MAX);
    let part = f64::from(uuid::Uuid::new_v4().as_bytes()[0]) / 255.0;
    whole.mul_f64(0.75 + part / 4.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_are_bounded() {
        for (failed, least, most) in [(1, 187, 250), (2, 375, 500), (5, 3_000, 4_000), (90, 22_500, 30_000)] {
            let pause = pause_after(failed).as_millis();
            assert!((least..=most).contains(&pause), "{failed}: {pause} ms");
        }
    }
}
