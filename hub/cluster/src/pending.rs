//! What is to be decoded next by this node, and how far polls and files have come. Reads only.

use snodo_core::{ChannelName, Message};
use snodo_store::{MessageSeq, StoreError};

use crate::reader::count;
use crate::{Reader, row};

/// Read in one go: what the bytes leave out of it is read again by the next.
const READ_MAX: usize = 1_024;

impl Reader {
    /// The channels whose messages wait to be decoded by this node.
    pub fn pending_channels(&self) -> Result<Vec<ChannelName>, StoreError> {
        let rows = self.with(async |client| {
            client.query("SELECT DISTINCT channel FROM pending ORDER BY 1", &[]).await
        })?;
        let channels = rows.iter().map(|row| row.get::<_, &str>(0)).filter(|channel| self.decodes(channel));
        channels.map(row::parsed).collect()
    }

    /// The oldest messages of a channel that wait to be decoded, after `after`. At least one if there is one, then as many as fit. None
    /// if the channel's messages are another node's to decode.
    pub fn pending_messages(
        &self,
        channel: &ChannelName,
        after: MessageSeq,
        limit: usize,
        bytes_max: usize,
    ) -> Result<Vec<(MessageSeq, Message)>, StoreError> {
        if !self.decodes(channel.as_str()) {
            return Ok(Vec::new());
        }
        // The bodies that fit are told by their lengths, so that no others are sent.
        let sql = format!(
            "SELECT {} FROM (SELECT message, sum(octet_length(body)) OVER (ORDER BY message) AS bytes, \
                 row_number() OVER (ORDER BY message) AS place FROM ( \
                     SELECT p.message, m.body FROM pending p JOIN message m ON m.seq = p.message \
                     WHERE p.channel = $1 AND p.message > $2 ORDER BY p.message LIMIT $3) o) fits \
             JOIN message m ON m.seq = fits.message WHERE bytes <= $4 OR place = 1 ORDER BY m.seq",
            row::MESSAGE
        );
        let (limit, bytes_max) = (count(limit.min(READ_MAX)), count(bytes_max));
        let rows = self.with(async |client| {
            let statement = client.prepare_cached(&sql).await?;
            client.query(&statement, &[&channel.as_str(), &after.0, &limit, &bytes_max]).await
        })?;
        rows.iter().map(row::message).collect()
    }

    /// How far the poll or the file of that name has come.
    pub fn cursor(&self, channel: &ChannelName, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT value FROM cursor WHERE channel = $1 AND md5(name) = md5($2)";
        let name = crate::text::kept(name);
        let row = self.with(async |client| {
            let statement = client.prepare_cached(sql).await?;
            client.query_opt(&statement, &[&channel.as_str(), &name]).await
        })?;
        Ok(row.map(|row| row.get(0)))
    }
}
