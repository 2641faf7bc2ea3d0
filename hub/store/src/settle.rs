//! Settles deliveries: gives each its fate, or the time at which it is tried again, with a record of the attempt.

use rusqlite::{OptionalExtension, params};
use snodo_core::{Fate, Timestamp};

use crate::writer::Writing;
use crate::{DeliverySeq, StoreError};

/// What became of one attempt to deliver.
#[derive(Clone, Debug)]
pub struct Settled {
    pub seq: DeliverySeq,
    /// The number of the attempt, as `Due` gave it: what was settled in the meantime is not settled twice.
    pub attempt: u32,
    /// The attempt as JSON; `None` if nothing was sent (it had expired).
    pub record: Option<String>,
    pub result: Settlement,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    Final {
        fate: Fate,
        reason: Option<String>,
    },
    /// It is tried again, and those behind it in its lane wait for it.
    Again {
        due: Timestamp,
    },
    /// It is tried again beside its lane, and those behind it go on.
    Aside {
        due: Timestamp,
    },
    /// The same as `Again`, and the attempt does not count: its destination fails as a whole, which is no fault of the delivery.
    Excused {
        due: Timestamp,
    },
}

impl Writing<'_, '_> {
    pub fn settle(&mut self, batch: &[Settled]) -> Result<(), StoreError> {
        batch.iter().try_for_each(|settled| self.check_in_flight(settled))?;
        batch.iter().try_for_each(|settled| self.settle_one(settled))
    }

    fn check_in_flight(&self, settled: &Settled) -> Result<(), StoreError> {
        let mut find =
            self.statements.prepare("SELECT attempts FROM delivery WHERE seq = ?1 AND fate IS NULL")?;
        let attempts: Option<u32> = find.query_row([settled.seq], |row| row.get(0)).optional()?;
        match attempts {
            Some(attempts) if attempts + 1 == settled.attempt => Ok(()),
            _ => Err(StoreError::Settled(format!("attempt {} of delivery {}", settled.attempt, settled.seq))),
        }
    }

    fn settle_one(&mut self, settled: &Settled) -> Result<(), StoreError> {
        let Settled { seq, attempt, record, result } = settled;
        if *attempt > 1 && record.is_some() {
            let mut keep = self.statements.prepare(
                "INSERT INTO attempt (delivery, n, record) \
                 SELECT seq, attempts, last FROM delivery WHERE seq = ?1 AND last IS NOT NULL",
            )?;
            keep.execute([seq])?;
        }
        let tried = u32::from(record.is_some());
        let mut update = self.statements.prepare(
            "UPDATE delivery SET fate = ?2, due_at = ?3, reason = ?4, settled_at = ?5, attempts = attempts + ?6, \
                 last = coalesce(?7, last), attempts_before = attempts_before + ?8 WHERE seq = ?1 AND fate IS NULL",
        )?;
        let (fate, due, reason, at) = match result {
            Settlement::Final { fate, reason } => {
                (Some(fate.as_str()), 0, reason.as_ref(), Some(self.now.as_millis()))
            }
            // 0 is for those that were never tried.
            Settlement::Again { due } | Settlement::Aside { due } | Settlement::Excused { due } => {
                (None, due.as_millis().max(1), None, None)
            }
        };
        let excused = if matches!(result, Settlement::Excused { .. }) { tried } else { 0 };
        if update.execute(params![seq, fate, due, reason, at, tried, record, excused])? == 0 {
            return Err(StoreError::Settled(format!("delivery {seq} twice in one batch")));
        }
        match result {
            Settlement::Again { .. } | Settlement::Excused { .. } => Ok(()),
            Settlement::Final { fate, .. } => {
                self.state.tally.in_flight -= 1;
                self.state.tally.fates[*fate] += 1;
                self.let_next_go(*seq)
            }
            Settlement::Aside { .. } => self.leave_lane(*seq),
        }
    }
}
