//! What this node is to deliver next to a destination: of the partitions that it holds. Reads only; which of it goes out, and when, is the
//! caller's to say.

use snodo_core::{ChannelName, Class, Timestamp};
use snodo_store::{Claim, Due, Marks, Room, StoreError};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::reader::{Scope, count};
use crate::{Reader, row};

type Parameters<'a> = &'a [&'a (dyn ToSql + Sync)];

impl Reader {
    /// Deliveries that may go now, by class; of one class those that have come back first, since their turn came before that of
    /// anything new. At least one if there is one, then as many as fit.
    pub fn claim(&self, claim: &Claim<'_>) -> Result<Vec<Due>, StoreError> {
        let Claim { destination, marks, out, now, limit, bytes_max } = claim;
        let mine = self.marks(destination, marks);
        let partitions: Vec<i32> = mine.iter().map(|(partition, _)| *partition).collect();
        let back = selection(
            "d.destination = $1 AND d.class = $2 AND d.due_at BETWEEN 1 AND $3 AND d.partition = ANY ($4) \
             ORDER BY d.due_at, d.seq LIMIT $5",
        );
        let fresh = selection(
            "d.destination = $1 AND d.class = $2 AND d.due_at = 0 AND EXISTS ( \
                 SELECT 1 FROM unnest($3::integer[], $4::bigint[]) AS mine (partition, mark) \
                 WHERE mine.partition = d.partition AND d.seq > mine.mark) ORDER BY d.seq LIMIT $5",
        );
        let (mut room, mut found) = (Room::new(*limit, *bytes_max), Vec::new());
        for class in Class::ALL {
            let number = class as i16;
            if room.deliveries > 0 {
                let enough = count(room.deliveries + out.len());
                let now = now.as_millis();
                let rows =
                    self.select(&back, &[&destination.as_str(), &number, &now, &partitions, &enough])?;
                take(&rows, &mut room, |due| !out.contains(&due.seq), &mut found)?;
            }
            if room.deliveries > 0 {
                let marks: Vec<i64> = mine.iter().map(|(_, marks)| marks[class as usize].0).collect();
                // A partition that was lost and taken back has marks that know nothing of what is still out.
                let enough = count(room.deliveries + out.len());
                let rows =
                    self.select(&fresh, &[&destination.as_str(), &number, &partitions, &marks, &enough])?;
                take(&rows, &mut room, |due| !out.contains(&due.seq), &mut found)?;
            }
        }
        Ok(self.hand_out(found))
    }

    /// Deliveries that were never tried, in the order in which they were accepted, whatever their class.
    pub fn fresh(
        &self,
        destination: &ChannelName,
        limit: usize,
        bytes_max: usize,
    ) -> Result<Vec<Due>, StoreError> {
        let sql = selection(
            "d.destination = $1 AND d.class = $2 AND d.due_at = 0 AND d.partition = ANY ($3) ORDER BY d.seq LIMIT $4",
        );
        let (partitions, mut found) = (self.workable(), Vec::new());
        for class in Class::ALL {
            let mut room = Room::new(limit, bytes_max);
            let rows =
                self.select(&sql, &[&destination.as_str(), &(class as i16), &partitions, &count(limit)])?;
            take(&rows, &mut room, |_| true, &mut found)?;
        }
        found.sort_by_key(|(_, due)| due.seq);
        let mut room = Room::new(limit, bytes_max);
        let fit = found.iter().take_while(|(_, due)| room.takes(due)).count();
        found.truncate(fit);
        Ok(self.hand_out(found))
    }

    /// Of the deliveries that were tried those at the head, in their order, whether they are due or not; and when the first is. One that
    /// waits in a lane, from a time when the destination had some, is due: what comes first here goes first.
    pub fn head(
        &self,
        destination: &ChannelName,
        limit: usize,
        bytes_max: usize,
    ) -> Result<Option<(Timestamp, Vec<Due>)>, StoreError> {
        // Of all but the first, the index tells all that is needed.
        let sql = selection(
            "d.seq IN (SELECT seq FROM delivery WHERE fate IS NULL AND destination = $1 AND class = ANY ($2) AND due_at > 0 \
                AND partition = ANY ($3) ORDER BY seq LIMIT $4) ORDER BY d.seq",
        );
        let classes = Class::ALL.map(|class| class as i16);
        let rows =
            self.select(&sql, &[&destination.as_str(), &&classes[..], &self.workable(), &count(limit)])?;
        let Some(first) = rows.first() else { return Ok(None) };
        let due_at: i64 = first.get(16);
        let at = Timestamp::from_millis(if due_at == row::WAITS { 0 } else { due_at });
        let (mut room, mut found) = (Room::new(limit, bytes_max), Vec::new());
        take(&rows, &mut room, |_| true, &mut found)?;
        // Those that are not due yet are looked at, and stay.
        let found = match at > (self.clock)() {
            true => found.into_iter().map(|(_, due)| due).collect(),
            false => self.hand_out(found),
        };
        Ok((!found.is_empty()).then_some((at, found)))
    }

    /// When the next of the deliveries that were tried is due again.
    pub fn next_due(&self, destination: &ChannelName) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT min(due_at) FROM delivery WHERE fate IS NULL AND destination = $1 AND due_at > 0 AND due_at < $2 \
             AND partition = ANY ($3)";
        let rows = self.select(sql, &[&destination.as_str(), &row::WAITS, &self.workable()])?;
        let soonest = rows.first().and_then(|row| row.get::<_, Option<i64>>(0));
        Ok(soonest.map(Timestamp::from_millis))
    }

    /// Every destination that something is on its way to from this node, and how much.
    pub fn destinations_in_flight(&self) -> Result<Vec<(ChannelName, u64)>, StoreError> {
        let sql = "SELECT destination, count(*) FROM delivery WHERE fate IS NULL AND partition = ANY ($1) GROUP BY 1 ORDER BY 1";
        let rows = self.select(sql, &[&self.workable()])?;
        rows.iter().map(|row| Ok((row::parsed(row.get(0))?, row.get::<_, i64>(1).unsigned_abs()))).collect()
    }

    fn select(&self, sql: &str, parameters: Parameters<'_>) -> Result<Vec<Row>, StoreError> {
        self.with(async |client| {
            let statement = client.prepare_cached(sql).await?;
            client.query(&statement, parameters).await
        })
    }

    /// How far the fresh ones of each partition have been handed out: as far as both the caller and this node say.
    fn marks(&self, destination: &ChannelName, asked: &Marks) -> Vec<(i32, Marks)> {
        match &self.scope {
            Scope::All => self.workable().into_iter().map(|partition| (partition, *asked)).collect(),
            Scope::Held(holdings) => {
                let least = |mine: Marks| std::array::from_fn(|class| asked[class].min(mine[class]));
                let mine = holdings.marks(destination);
                mine.into_iter().map(|(partition, mine)| (partition, least(mine))).collect()
            }
        }
    }

    fn hand_out(&self, mut found: Vec<(i32, Due)>) -> Vec<Due> {
        if let Scope::Held(holdings) = &self.scope {
            holdings.hand_out(&mut found);
        }
        found.into_iter().map(|(_, due)| due).collect()
    }
}

fn selection(which: &str) -> String {
    format!(
        "SELECT {}, {} FROM delivery d JOIN event e ON e.seq = d.event WHERE d.fate IS NULL AND {which}",
        row::EVENT,
        row::DUE
    )
}

/// Takes what fits of those that are wanted.
fn take(
    rows: &[Row],
    room: &mut Room,
    is_wanted: impl Fn(&Due) -> bool,
    found: &mut Vec<(i32, Due)>,
) -> Result<(), StoreError> {
    for row in rows {
        let due = row::due(row)?;
        if !is_wanted(&due) {
            continue;
        }
        if !room.takes(&due) {
            break;
        }
        found.push((row.get(19), due));
    }
    Ok(())
}
