//! Retention, by the rules of the store on one machine: what has waited or lain for too long is given up as expired, and what is settled is
//! removed, oldest first. The readers here find what may go; the writer looks again at each, and stops after a moment: all hubs wait
//! for it.

use snodo_core::Timestamp;
use snodo_store::retain::FOUND_MAX;
use snodo_store::{EventSeq, MessageSeq, StoreError};
use tokio_postgres::Row;

use crate::Reader;
use crate::reader::count;

mod expire;
mod remove;
mod size;

/// So many messages are looked at in one go: an answer stays short however few of them may go.
const LOOKED_AT: usize = 1_000;

impl Reader {
    /// The place of the last message that was received until then; 0 if there is none.
    pub fn received_until(&self, until: Timestamp) -> Result<MessageSeq, StoreError> {
        let sql = "SELECT seq FROM message WHERE received <= $1 ORDER BY received DESC, seq DESC LIMIT 1";
        let found = self.with(async |client| client.query_opt(sql, &[&until.as_millis()]).await)?;
        Ok(found.map_or_else(MessageSeq::default, |row| MessageSeq(row.get(0))))
    }

    /// Messages after `after`, up to `last`, of which something may be removed: events accepted until then, all of whose deliveries have
    /// ended well. Oldest first, some at a time.
    pub fn removable(
        &self,
        until: Timestamp,
        mut after: MessageSeq,
        last: MessageSeq,
    ) -> Result<Vec<MessageSeq>, StoreError> {
        let sql = remove::messages(LOOKED_AT);
        loop {
            let values = (until.as_millis(), after.0, last.0);
            let row = self.with(async |client| {
                let statement = client.prepare_cached(&sql).await?;
                client.query_one(&statement, &[&values.0, &values.1, &values.2]).await
            })?;
            let (looked_until, mut found): (Option<i64>, Vec<i64>) = (row.get(0), row.get(1));
            let Some(looked_until) = looked_until else { return Ok(Vec::new()) };
            if !found.is_empty() {
                found.truncate(FOUND_MAX);
                return Ok(found.into_iter().map(MessageSeq).collect());
            }
            after = MessageSeq(looked_until);
        }
    }

    /// Events that have been in quarantine since then or longer, some at a time.
    pub fn quarantined_until(&self, until: Timestamp, after: EventSeq) -> Result<Vec<EventSeq>, StoreError> {
        let sql = remove::quarantined();
        let rows = self.some(&sql, until, after.0)?;
        Ok(rows.iter().map(|row| EventSeq(row.get(0))).collect())
    }

    /// The same for messages that are in quarantine whole.
    pub fn undecoded_until(
        &self,
        until: Timestamp,
        after: MessageSeq,
    ) -> Result<Vec<MessageSeq>, StoreError> {
        let sql = "SELECT message FROM settled_message WHERE problem IS NOT NULL AND at <= $1 AND message > $2 \
             ORDER BY message LIMIT $3";
        let rows = self.some(sql, until, after.0)?;
        Ok(rows.iter().map(|row| MessageSeq(row.get(0))).collect())
    }

    /// What lies until `until`, after that place, some at a time.
    fn some(&self, sql: &str, until: Timestamp, after: i64) -> Result<Vec<Row>, StoreError> {
        let until = until.as_millis();
        self.with(async |client| {
            let statement = client.prepare_cached(sql).await?;
            client.query(&statement, &[&until, &after, &count(FOUND_MAX)]).await
        })
    }
}
