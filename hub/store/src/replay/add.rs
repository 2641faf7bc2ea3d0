//! Deliveries that a replay brings to routes that had taken nothing of an event, and what they change in the ledger.

use rusqlite::params;
use snodo_core::Fate;

use super::{Replayed, Untaken, Which};
use crate::record::NewDelivery;
use crate::writer::Writing;
use crate::{EventSeq, StoreError};

impl Writing<'_, '_> {
    /// Those of them that are meant.
    pub(super) fn add(
        &mut self,
        which: &Which,
        event: EventSeq,
        unmet: &[&NewDelivery],
        done: &mut Replayed,
    ) -> Result<(), StoreError> {
        let mut find = self.statements.prepare("SELECT filtered, reasons FROM event WHERE seq = ?1")?;
        let (filtered, reasons): (i64, Option<String>) =
            find.query_row([event], |row| Ok((row.get(0)?, row.get(1)?)))?;
        drop(find);
        let mut untaken = Untaken::new(event, filtered, reasons.as_deref())?;
        for new in unmet {
            let Some(new) = untaken.take(which, new, done) else { continue };
            let seq = self.state.delivery_end();
            self.insert_delivery(event, &new)?;
            let mut mark = self
                .statements
                .prepare("UPDATE delivery SET added = 1, replays = 1, resumed_at = ?2 WHERE seq = ?1")?;
            mark.execute((seq, self.now.as_millis()))?;
        }
        self.consider(event, &untaken)
    }

    fn consider(&mut self, event: EventSeq, untaken: &Untaken) -> Result<(), StoreError> {
        let mut update = self
            .statements
            .prepare("UPDATE event SET routes = routes + ?2, filtered = ?3, reasons = ?4 WHERE seq = ?1")?;
        update.execute(params![event, untaken.more_routes, untaken.filtered(), untaken.reasons()])?;
        self.state.tally.expected += untaken.more_routes;
        self.state.tally.fates[Fate::Filtered] -= untaken.fewer_filtered;
        Ok(())
    }
}
