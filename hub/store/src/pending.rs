//! What is to be decoded next, and how far polls and files have come. Reads only.

use rusqlite::OptionalExtension;
use snodo_core::{ChannelName, Message};

use crate::{MessageSeq, Reader, StoreError, row};

impl Reader {
    /// The channels whose messages wait to be decoded.
    pub fn pending_channels(&self) -> Result<Vec<ChannelName>, StoreError> {
        self.snapshot(|sqlite| {
            let mut channels = sqlite.prepare_cached("SELECT DISTINCT channel FROM pending")?;
            let rows = channels.query_map([], |row| row::parsed(row, 0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The oldest messages of a channel that wait to be decoded, after `after`. At least one if there is one, then as many
    /// as fit.
    pub fn pending_messages(
        &self,
        channel: &ChannelName,
        after: MessageSeq,
        limit: usize,
        bytes_max: usize,
    ) -> Result<Vec<(MessageSeq, Message)>, StoreError> {
        let sql = format!(
            "SELECT {} FROM pending p CROSS JOIN message m ON m.seq = p.message \
             WHERE p.channel = ?1 AND p.message > ?2 ORDER BY p.message LIMIT ?3",
            row::MESSAGE
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.snapshot(|sqlite| {
            let mut statement = sqlite.prepare_cached(&sql)?;
            let mut rows = statement.query((channel.as_str(), after, limit))?;
            let (mut found, mut bytes) = (Vec::new(), 0);
            while let Some(row) = rows.next()? {
                let (seq, message) = row::message(row)?;
                bytes += message.body.len();
                if bytes > bytes_max && !found.is_empty() {
                    break;
                }
                found.push((seq, message));
            }
            Ok(found)
        })
    }

    /// How far the poll or the file of that name has come.
    pub fn cursor(&self, channel: &ChannelName, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.snapshot(|sqlite| {
            let mut cursor =
                sqlite.prepare_cached("SELECT value FROM cursor WHERE channel = ?1 AND name = ?2")?;
            Ok(cursor.query_row((channel.as_str(), name), |row| row.get(0)).optional()?)
        })
    }
}
