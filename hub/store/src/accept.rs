//! Takes messages in as they came. What it has answered is on the disk.

use rusqlite::params;
use snodo_core::{ChannelName, Message};

use crate::writer::Writing;
use crate::{MessageSeq, StoreError};

/// How far a poll or a file has come, saved with what it brought.
#[derive(Clone, Debug)]
pub struct Cursor {
    pub channel: ChannelName,
    pub name: String,
    pub value: Vec<u8>,
}

impl Writing<'_, '_> {
    pub fn accept(&mut self, messages: &[Message]) -> Result<Vec<MessageSeq>, StoreError> {
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        self.check_room()?;
        let mut store = self.statements.prepare(
            "INSERT INTO message (seq, id, channel, received, envelope, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        let mut queue = self.statements.prepare("INSERT INTO pending (channel, message) VALUES (?1, ?2)")?;
        let mut seqs = Vec::with_capacity(messages.len());
        for message in messages {
            let envelope = serde_json::to_string(&message.envelope).expect("an envelope is made of strings");
            let seq = self.state.next_message();
            let channel = message.channel.as_str();
            let received = message.received.as_millis();
            store.execute(params![
                seq,
                &message.id.as_bytes()[..],
                channel,
                received,
                envelope,
                &message.body[..]
            ])?;
            queue.execute((channel, seq))?;
            self.state.tally.messages.accepted += 1;
            self.state.tally.messages.pending += 1;
            seqs.push(seq);
        }
        Ok(seqs)
    }

    pub fn set_cursor(&mut self, cursor: &Cursor) -> Result<(), StoreError> {
        let mut save = self.statements.prepare(
            "INSERT INTO cursor (channel, name, value, at) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT DO UPDATE SET value = excluded.value, at = excluded.at",
        )?;
        save.execute((cursor.channel.as_str(), &cursor.name, &cursor.value, self.now.as_millis()))?;
        Ok(())
    }
}
