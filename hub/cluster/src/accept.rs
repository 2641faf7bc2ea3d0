//! Takes messages in: those that the broker has handed over, and those that must be there together with a cursor or with the fates of
//! deliveries. One that is there already, by its id, is not taken twice.

use std::collections::HashMap;

use snodo_core::Message;
use snodo_store::{Cursor, MessageSeq, StoreError};

use crate::text::kept;
use crate::writer::{Accepting, Ask, Wake, Writing};

impl Writing<'_> {
    pub async fn accept_all(
        &mut self,
        asks: &[Ask<Accepting, Vec<MessageSeq>>],
    ) -> Result<Vec<Result<Vec<MessageSeq>, StoreError>>, StoreError> {
        let messages: Vec<&Message> = asks.iter().flat_map(|ask| &ask.input.messages).collect();
        let seqs = self.accept(&messages).await?;
        let mut seqs = seqs.into_iter();
        let answers =
            asks.iter().map(|ask| Ok(seqs.by_ref().take(ask.input.messages.len()).collect())).collect();
        // The last one of each name counts: a statement may change a row once.
        let named = |cursor: &Cursor| (cursor.channel.clone(), cursor.name.clone());
        let cursors: HashMap<_, _> = asks
            .iter()
            .filter_map(|ask| ask.input.cursor.as_ref())
            .map(|cursor| (named(cursor), cursor))
            .collect();
        let cursors: Vec<&Cursor> = cursors.into_values().collect();
        if !cursors.is_empty() {
            self.set_cursors(&cursors).await?;
        }
        Ok(answers)
    }

    /// The places of the messages, in their order.
    pub async fn accept(&mut self, messages: &[&Message]) -> Result<Vec<MessageSeq>, StoreError> {
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<&[u8]> = messages.iter().map(|message| &message.id.as_bytes()[..]).collect();
        let there = self.query("SELECT id, seq FROM message WHERE id = ANY ($1)", &[&ids]).await?;
        let mut known: HashMap<Vec<u8>, MessageSeq> =
            there.iter().map(|row| (row.get(0), MessageSeq(row.get(1)))).collect();
        let (mut seqs, mut new) = (Vec::with_capacity(messages.len()), Vec::new());
        for message in messages {
            let id = &message.id.as_bytes()[..];
            let seq = match known.get(id) {
                Some(seq) => *seq,
                None => {
                    let seq = self.next_message();
                    known.insert(id.to_vec(), seq);
                    new.push((seq, *message));
                    seq
                }
            };
            seqs.push(seq);
        }
        self.insert_messages(&new).await?;
        Ok(seqs)
    }

    async fn insert_messages(&mut self, new: &[(MessageSeq, &Message)]) -> Result<(), StoreError> {
        if new.is_empty() {
            return Ok(());
        }
        let envelope = |message: &Message| {
            serde_json::to_string(&message.envelope).expect("an envelope is made of strings")
        };
        let seqs: Vec<i64> = new.iter().map(|(seq, _)| seq.0).collect();
        let ids: Vec<&[u8]> = new.iter().map(|(_, message)| &message.id.as_bytes()[..]).collect();
        let channels: Vec<&str> = new.iter().map(|(_, message)| message.channel.as_str()).collect();
        let received: Vec<i64> = new.iter().map(|(_, message)| message.received.as_millis()).collect();
        let envelopes: Vec<String> = new.iter().map(|(_, message)| envelope(message)).collect();
        let bodies: Vec<&[u8]> = new.iter().map(|(_, message)| &message.body[..]).collect();
        self.execute(
            "WITH new AS (SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::text[], $4::bigint[], $5::text[], $6::bytea[]) \
                 AS n (seq, id, channel, received, envelope, body)), \
             waiting AS (INSERT INTO pending (channel, message) SELECT channel, seq FROM new) \
             INSERT INTO message (seq, id, channel, received, envelope, body) SELECT * FROM new",
            &[&seqs, &ids, &channels, &received, &envelopes, &bodies],
        )
        .await?;
        let count = i64::try_from(new.len()).expect("a group has few messages");
        self.tally.messages.accepted += count;
        self.tally.messages.pending += count;
        for (_, message) in new {
            let partition = self.partitions.of_channel(message.channel.as_str());
            self.wakes.insert(Wake::Messages { partition, channel: message.channel.clone() });
        }
        Ok(())
    }

    async fn set_cursors(&self, cursors: &[&Cursor]) -> Result<(), StoreError> {
        let channels: Vec<&str> = cursors.iter().map(|cursor| cursor.channel.as_str()).collect();
        let names: Vec<_> = cursors.iter().map(|cursor| kept(&cursor.name)).collect();
        let values: Vec<&[u8]> = cursors.iter().map(|cursor| &cursor.value[..]).collect();
        self.execute(
            "INSERT INTO cursor (channel, name, value, at) \
             SELECT channel, name, value, $4::bigint FROM unnest($1::text[], $2::text[], $3::bytea[]) AS n (channel, name, value) \
             ON CONFLICT (channel, md5(name)) DO UPDATE SET value = excluded.value, at = excluded.at",
            &[&channels, &names, &values, &self.now.as_millis()],
        )
        .await?;
        Ok(())
    }
}
