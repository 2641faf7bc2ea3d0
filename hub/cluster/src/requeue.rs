//! Takes what is in quarantine, or dead, back onto its way.

use std::collections::BTreeSet;

use snodo_core::ChannelName;
use snodo_store::{Item, MessageSeq, Requeued, StoreError};

use crate::lanes::Place;
use crate::row;
use crate::row::WAITS;
use crate::writer::{Parameters, Wake, Writing};

impl Writing<'_> {
    pub async fn requeue(&mut self, items: &[Item]) -> Result<Requeued, StoreError> {
        let (mut messages, mut events, mut deliveries) = (Vec::new(), Vec::new(), Vec::new());
        for item in items {
            match item {
                Item::Message(seq) => messages.push(seq.0),
                Item::Event(seq) => events.push(seq.0),
                Item::Delivery(seq) => deliveries.push(seq.0),
            }
        }
        let mut requeued = Requeued::default();
        let quarantined = "(message = ANY ($1) AND problem IS NOT NULL) OR message IN ( \
             SELECT message FROM event WHERE seq = ANY ($2) AND verdict = 'quarantined')";
        for (_, channel) in self.decode_again(quarantined, &[&messages, &events]).await? {
            requeued.messages += 1;
            requeued.channels.insert(channel);
        }
        self.deliver_again(&events, &deliveries, &mut requeued).await?;
        Ok(requeued)
    }

    /// Of the settled messages those that `which` says wait to be decoded from now on, with their channels. One that waits already is left
    /// waiting.
    pub async fn decode_again(
        &mut self,
        which: &str,
        parameters: Parameters<'_>,
    ) -> Result<Vec<(MessageSeq, ChannelName)>, StoreError> {
        let sql = format!(
            "WITH taken AS (DELETE FROM settled_message WHERE {which} \
                 RETURNING message, events, problem IS NOT NULL AS was_quarantined), \
             queued AS (INSERT INTO pending (channel, message, events) \
                 SELECT m.channel, t.message, t.events FROM taken t JOIN message m ON m.seq = t.message) \
             SELECT t.message, m.channel, t.was_quarantined FROM taken t JOIN message m ON m.seq = t.message"
        );
        let mut decoded = Vec::new();
        for row in &self.query(&sql, parameters).await? {
            let tally = &mut self.tally.messages;
            tally.pending += 1;
            match row.get(2) {
                true => tally.quarantined -= 1,
                false => tally.decoded -= 1,
            }
            let partition = self.partitions.of_channel(row.get(1));
            let channel: ChannelName = row::parsed(row.get(1))?;
            self.wakes.insert(Wake::Messages { partition, channel: channel.clone() });
            decoded.push((MessageSeq(row.get(0)), channel));
        }
        Ok(decoded)
    }

    /// Deliveries that failed, and those of events. Whoever reads the fresh ones is past them: they come back among those that are due
    /// again, at once or when it is their turn in their lanes.
    async fn deliver_again(
        &mut self,
        events: &[i64],
        deliveries: &[i64],
        requeued: &mut Requeued,
    ) -> Result<(), StoreError> {
        let now = self.now.as_millis().max(1);
        let rows = self
            .query(
                "WITH failed AS (SELECT seq, fate FROM delivery WHERE fate IN ('quarantined', 'dead') AND (seq = ANY ($1) OR event IN ( \
                     SELECT seq FROM event WHERE seq = ANY ($2) AND verdict = 'routed'))) \
                 UPDATE delivery d SET fate = NULL, reason = NULL, settled_at = NULL, resumed_at = $3::bigint, \
                     attempts_before = d.attempts, \
                     due_at = CASE WHEN d.lane IS NULL THEN $3::bigint ELSE $4::bigint END \
                 FROM failed WHERE d.seq = failed.seq RETURNING failed.fate, d.destination, d.lane, d.partition",
                &[&deliveries, &events, &now, &WAITS],
            )
            .await?;
        let mut lanes: BTreeSet<Place> = BTreeSet::new();
        for row in &rows {
            if let Some(fate) = row::fate(row.get(0))? {
                self.tally.fates[fate] -= 1;
                self.tally.in_flight += 1;
            }
            let destination: ChannelName = row::parsed(row.get(1))?;
            lanes.extend(row.get::<_, Option<i64>>(2).map(|lane| (destination.as_str().to_owned(), lane)));
            self.wakes.insert(Wake::Deliveries { partition: row.get(3), destination: destination.clone() });
            requeued.deliveries += 1;
            requeued.destinations.insert(destination);
        }
        self.let_go(&lanes, i64::MAX).await
    }
}
