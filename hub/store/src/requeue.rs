//! Takes what is in quarantine, or dead, back onto its way.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};
use snodo_core::{ChannelName, Fate};

use crate::writer::Writing;
use crate::{DeliverySeq, EventSeq, MessageSeq, StoreError, row};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Item {
    /// A message that could not be decoded: it is decoded again.
    Message(MessageSeq),
    /// An event in quarantine: its message is decoded again. One that was routed: its deliveries that failed are tried again.
    Event(EventSeq),
    /// A delivery that failed: it is tried again.
    Delivery(DeliverySeq),
}

/// Where there is something to do again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requeued {
    pub messages: u64,
    pub deliveries: u64,
    pub channels: BTreeSet<ChannelName>,
    /// Deliveries come back as ones that are due again, not as fresh ones.
    pub destinations: BTreeSet<ChannelName>,
}

impl Writing<'_, '_> {
    pub fn requeue(&mut self, items: &[Item]) -> Result<Requeued, StoreError> {
        let mut requeued = Requeued::default();
        for item in items {
            match *item {
                Item::Message(seq) => self.requeue_message(seq, &mut requeued)?,
                Item::Event(seq) => self.requeue_event(seq, &mut requeued)?,
                Item::Delivery(seq) => self.requeue_delivery(seq, &mut requeued)?,
            }
        }
        Ok(requeued)
    }

    fn requeue_message(&mut self, seq: MessageSeq, requeued: &mut Requeued) -> Result<(), StoreError> {
        let mut find =
            self.statements.prepare("SELECT problem IS NOT NULL FROM settled_message WHERE message = ?1")?;
        match find.query_row([seq], |row| row.get(0)).optional()? {
            Some(true) => self.requeue_whole(seq, requeued),
            _ => Ok(()),
        }
    }

    fn requeue_whole(&mut self, seq: MessageSeq, requeued: &mut Requeued) -> Result<(), StoreError> {
        if let Some(channel) = self.decode_again(seq)? {
            requeued.messages += 1;
            requeued.channels.insert(channel);
        }
        Ok(())
    }

    fn requeue_event(&mut self, seq: EventSeq, requeued: &mut Requeued) -> Result<(), StoreError> {
        let mut find = self.statements.prepare("SELECT verdict, message FROM event WHERE seq = ?1")?;
        let found: Option<(String, MessageSeq)> =
            find.query_row([seq], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        match found {
            Some((verdict, message)) if verdict == "quarantined" => self.requeue_whole(message, requeued),
            Some((verdict, _)) if verdict == "routed" => {
                let mut failed = self.statements.prepare(
                    "SELECT d.seq FROM event e \
                     CROSS JOIN delivery d ON d.seq >= e.first_delivery AND d.seq < e.first_delivery + e.deliveries \
                     WHERE e.seq = ?1 AND d.fate IN ('quarantined', 'dead') \
                     UNION ALL SELECT seq FROM delivery INDEXED BY delivery_added \
                     WHERE added = 1 AND event = ?1 AND fate IN ('quarantined', 'dead')",
                )?;
                let seqs =
                    failed.query_map([seq], |row| row.get(0))?.collect::<Result<Vec<DeliverySeq>, _>>()?;
                seqs.into_iter().try_for_each(|seq| self.requeue_delivery(seq, requeued))
            }
            _ => Ok(()),
        }
    }

    /// The channel of the message, which waits to be decoded from now on. `None`: it is gone, or waits already.
    pub(crate) fn decode_again(&mut self, seq: MessageSeq) -> Result<Option<ChannelName>, StoreError> {
        let mut take = self.statements.prepare(
            "DELETE FROM settled_message WHERE message = ?1 RETURNING problem IS NOT NULL, events",
        )?;
        let taken: Option<(bool, i64)> =
            take.query_row([seq], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let Some((was_quarantined, events)) = taken else { return Ok(None) };
        let mut queue = self.statements.prepare(
            "INSERT INTO pending (channel, message, events) SELECT channel, seq, ?2 FROM message WHERE seq = ?1 \
             RETURNING channel",
        )?;
        let channel = queue.query_row(params![seq, events], |row| row::parsed(row, 0))?;
        let messages = &mut self.state.tally.messages;
        messages.pending += 1;
        match was_quarantined {
            true => messages.quarantined -= 1,
            false => messages.decoded -= 1,
        }
        Ok(Some(channel))
    }

    fn requeue_delivery(&mut self, seq: DeliverySeq, requeued: &mut Requeued) -> Result<(), StoreError> {
        let mut find = self.statements.prepare(
            "SELECT fate, destination FROM delivery WHERE seq = ?1 AND fate IN ('quarantined', 'dead')",
        )?;
        let found: Option<(Option<Fate>, ChannelName)> =
            find.query_row([seq], |row| Ok((row::fate(row, 0)?, row::parsed(row, 1)?))).optional()?;
        let Some((Some(fate), destination)) = found else { return Ok(()) };
        self.resume(seq, fate)?;
        requeued.deliveries += 1;
        requeued.destinations.insert(destination);
        Ok(())
    }

    /// Puts a delivery that has this fate on its way again, with the whole schedule before it.
    pub(crate) fn resume(&mut self, seq: DeliverySeq, fate: Fate) -> Result<(), StoreError> {
        let mut resume = self.statements.prepare(
            "UPDATE delivery SET fate = NULL, due_at = ?2, reason = NULL, settled_at = NULL, resumed_at = ?3, \
                 attempts_before = attempts WHERE seq = ?1",
        )?;
        // Whoever reads the fresh ones is past it: it comes back among those that are due again.
        resume.execute(params![seq, self.due_again(seq)?, self.now.as_millis()])?;
        self.state.tally.fates[fate] -= 1;
        self.state.tally.in_flight += 1;
        Ok(())
    }
}
