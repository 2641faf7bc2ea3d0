//! Deliveries that a replay brings to routes that had taken nothing of an event, and what they change in the ledger.

use rusqlite::params;
use serde_json::{Map, Value};
use snodo_core::{Class, Fate, Stuck};

use super::{NEW, NEW_SUPPRESSED, Replayed, Which};
use crate::record::NewDelivery;
use crate::writer::Writing;
use crate::{EventSeq, StoreError};

impl Writing<'_, '_> {
    /// Deliveries by routes that took nothing of the event. The ledger has one fate for each route that was considered: where the
    /// event counts routes that did not want it, the new one is one of those, and is counted there no longer. The row does not say
    /// which routes they were, only how many. Where it counts none, the route was not there yet, and is considered now.
    pub(super) fn add(
        &mut self,
        which: &Which,
        event: EventSeq,
        added: &[&NewDelivery],
        done: &mut Replayed,
    ) -> Result<(), StoreError> {
        let mut find = self.statements.prepare("SELECT filtered, reasons FROM event WHERE seq = ?1")?;
        let (mut filtered, reasons): (i64, Option<String>) =
            find.query_row([event], |row| Ok((row.get(0)?, row.get(1)?)))?;
        drop(find);
        let reasons = reasons.as_deref().map_or(Ok(Map::new()), serde_json::from_str);
        let mut reasons: Map<String, Value> = reasons.map_err(|error| {
            StoreError::corrupt(format!("the reasons of event {event} are unreadable: {error}"))
        })?;
        let mut routes = 0;
        for new in added {
            let reason = reasons.get(new.route.as_str()).and_then(Value::as_str);
            if !which.takes_on(&new.route, &new.destination, reason) {
                continue;
            }
            reasons.remove(new.route.as_str());
            // It is older than what waits in its lane, and takes nobody's place.
            let new = NewDelivery { class: Class::Replay, stuck: Stuck::Block, ..(*new).clone() };
            let seq = self.state.delivery_end();
            self.insert_delivery(event, &new)?;
            let mut mark = self
                .statements
                .prepare("UPDATE delivery SET added = 1, replays = 1, resumed_at = ?2 WHERE seq = ?1")?;
            mark.execute((seq, self.now.as_millis()))?;
            match filtered {
                0 => routes += 1,
                _ => filtered -= 1,
            }
            done.counted(&new.destination, if new.fate.is_none() { NEW } else { NEW_SUPPRESSED });
        }
        self.consider(event, routes, filtered, &reasons)
    }

    fn consider(
        &mut self,
        event: EventSeq,
        more_routes: i64,
        filtered: i64,
        reasons: &Map<String, Value>,
    ) -> Result<(), StoreError> {
        let mut find = self.statements.prepare("SELECT filtered FROM event WHERE seq = ?1")?;
        let before: i64 = find.query_row([event], |row| row.get(0))?;
        drop(find);
        let reasons =
            (!reasons.is_empty()).then(|| serde_json::to_string(reasons).expect("text is always JSON"));
        let mut update = self
            .statements
            .prepare("UPDATE event SET routes = routes + ?2, filtered = ?3, reasons = ?4 WHERE seq = ?1")?;
        update.execute(params![event, more_routes, filtered, reasons])?;
        self.state.tally.expected += more_routes;
        self.state.tally.fates[Fate::Filtered] -= before - filtered;
        Ok(())
    }
}
