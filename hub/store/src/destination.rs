//! What the hub remembers of a destination from one start to the next: that it fails as a whole, and how much of its quota is
//! used up. Decides nothing but whether a quota has room.

use rusqlite::{OptionalExtension, Row, params};
use snodo_core::{ChannelName, Timestamp};

use crate::writer::Writing;
use crate::{Reader, StoreError, row};

/// A destination that fails as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failing {
    pub since: Timestamp,
    /// Since when the hub does not try any more.
    pub disabled: Option<Timestamp>,
    /// What was wrong last.
    pub reason: String,
}

/// What is to be taken of a quota.
#[derive(Clone, Debug)]
pub struct Draw {
    pub destination: ChannelName,
    /// When the period began that it is taken in.
    pub began: Timestamp,
    pub wanted: u64,
    /// What may be taken within the period.
    pub limit: u64,
}

impl Reader {
    pub fn failing(&self, destination: &ChannelName) -> Result<Option<Failing>, StoreError> {
        self.snapshot(|sqlite| {
            let mut find = sqlite.prepare_cached(
                "SELECT since, disabled_at, reason, destination FROM failing WHERE destination = ?1",
            )?;
            Ok(find.query_row([destination.as_str()], failing).optional()?)
        })
    }

    pub fn all_failing(&self) -> Result<Vec<(ChannelName, Failing)>, StoreError> {
        self.snapshot(|sqlite| {
            let mut all = sqlite.prepare_cached(
                "SELECT since, disabled_at, reason, destination FROM failing ORDER BY destination",
            )?;
            let rows = all.query_map([], |row| Ok((row::parsed(row, 3)?, failing(row)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// How much was taken of each quota in the period that began then.
    pub fn all_drawn(&self, began: Timestamp) -> Result<Vec<(ChannelName, u64)>, StoreError> {
        self.snapshot(|sqlite| {
            let mut all = sqlite.prepare_cached("SELECT destination, used FROM quota WHERE began = ?1")?;
            let rows = all.query_map([began.as_millis()], |row| {
                Ok((row::parsed(row, 0)?, row.get::<_, i64>(1)?.unsigned_abs()))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

fn failing(row: &Row<'_>) -> rusqlite::Result<Failing> {
    Ok(Failing {
        since: Timestamp::from_millis(row.get(0)?),
        disabled: row.get::<_, Option<i64>>(1)?.map(Timestamp::from_millis),
        reason: row.get(2)?,
    })
}

impl Writing<'_, '_> {
    /// `None`: it works.
    pub fn set_failing(
        &self,
        destination: &ChannelName,
        failing: Option<&Failing>,
    ) -> Result<(), StoreError> {
        let Some(Failing { since, disabled, reason }) = failing else {
            self.statements
                .prepare("DELETE FROM failing WHERE destination = ?1")?
                .execute([destination.as_str()])?;
            return Ok(());
        };
        let mut save = self.statements.prepare(
            "INSERT OR REPLACE INTO failing (destination, since, disabled_at, reason) VALUES (?1, ?2, ?3, ?4)",
        )?;
        let disabled = disabled.map(Timestamp::as_millis);
        save.execute(params![destination.as_str(), since.as_millis(), disabled, reason])?;
        Ok(())
    }

    /// How much of what was wanted there is. What was taken is not given back: it may have been used.
    pub fn draw(&self, draw: &Draw) -> Result<u64, StoreError> {
        let (name, began) = (draw.destination.as_str(), draw.began.as_millis());
        let mut find =
            self.statements.prepare("SELECT used FROM quota WHERE destination = ?1 AND began = ?2")?;
        let used: Option<i64> = find.query_row((name, began), |row| row.get(0)).optional()?;
        let used = used.unwrap_or(0).unsigned_abs();
        let granted = draw.wanted.min(draw.limit.saturating_sub(used));
        if granted > 0 {
            let mut save = self
                .statements
                .prepare("INSERT OR REPLACE INTO quota (destination, began, used) VALUES (?1, ?2, ?3)")?;
            save.execute((name, began, (used + granted).cast_signed()))?;
        }
        Ok(granted)
    }
}
