//! What the nodes remember of a destination together: that it fails as a whole, and how much of its quota is used up. Decides nothing but
//! whether a quota has room.

use snodo_core::{ChannelName, Timestamp};
use snodo_store::{Draw, Failing, StoreError};
use tokio_postgres::Row;

use crate::text::{given, kept};
use crate::writer::Writing;
use crate::{Reader, row};

const FAILING: &str = "SELECT since, disabled_at, reason, destination FROM failing";

impl Reader {
    pub fn failing(&self, destination: &ChannelName) -> Result<Option<Failing>, StoreError> {
        let sql = format!("{FAILING} WHERE destination = $1");
        let found = self.with(async |client| client.query_opt(&sql, &[&destination.as_str()]).await)?;
        Ok(found.as_ref().map(failing))
    }

    pub fn all_failing(&self) -> Result<Vec<(ChannelName, Failing)>, StoreError> {
        let sql = format!("{FAILING} ORDER BY destination");
        let rows = self.with(async |client| client.query(&sql, &[]).await)?;
        rows.iter().map(|row| Ok((row::parsed(row.get(3))?, failing(row)))).collect()
    }

    /// How much was taken of each quota in the period that began then.
    pub fn all_drawn(&self, began: Timestamp) -> Result<Vec<(ChannelName, u64)>, StoreError> {
        let sql = "SELECT destination, used FROM quota WHERE began = $1";
        let rows = self.with(async |client| client.query(sql, &[&began.as_millis()]).await)?;
        rows.iter().map(|row| Ok((row::parsed(row.get(0))?, row.get::<_, i64>(1).unsigned_abs()))).collect()
    }
}

fn failing(row: &Row) -> Failing {
    Failing {
        since: Timestamp::from_millis(row.get(0)),
        disabled: row.get::<_, Option<i64>>(1).map(Timestamp::from_millis),
        reason: given(row.get(2)),
    }
}

impl Writing<'_> {
    /// `None`: it works.
    pub async fn set_failing(
        &self,
        destination: &ChannelName,
        failing: Option<&Failing>,
    ) -> Result<(), StoreError> {
        let Some(Failing { since, disabled, reason }) = failing else {
            self.execute("DELETE FROM failing WHERE destination = $1", &[&destination.as_str()]).await?;
            return Ok(());
        };
        let save = "INSERT INTO failing (destination, since, disabled_at, reason) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (destination) DO UPDATE SET since = excluded.since, disabled_at = excluded.disabled_at, reason = excluded.reason";
        let disabled = disabled.map(Timestamp::as_millis);
        self.execute(save, &[&destination.as_str(), &since.as_millis(), &disabled, &kept(reason)]).await?;
        Ok(())
    }

    /// How much of what was wanted there is. What was taken is not given back: it may have been used.
    pub async fn draw(&self, draw: &Draw) -> Result<u64, StoreError> {
        let (name, began) = (draw.destination.as_str(), draw.began.as_millis());
        let find = "SELECT used FROM quota WHERE destination = $1 AND began = $2";
        let found = self.query(find, &[&name, &began]).await?;
        let used = found.first().map_or(0, |row| row.get::<_, i64>(0)).unsigned_abs();
        let granted = draw.wanted.min(draw.limit.saturating_sub(used));
        if granted > 0 {
            let save = "INSERT INTO quota (destination, began, used) VALUES ($1, $2, $3) \
                 ON CONFLICT (destination) DO UPDATE SET began = excluded.began, used = excluded.used";
            self.execute(save, &[&name, &began, &(used + granted).cast_signed()]).await?;
        }
        Ok(granted)
    }
}
