//! Settles deliveries: gives each its fate, or the time at which it is tried again, with a record of the attempt. Only the node that holds
//! a delivery's partition may: what another node has taken over is its to settle.

use std::collections::{BTreeSet, HashMap, HashSet};

use snodo_core::Message;
use snodo_store::{DeliverySeq, Settled, Settlement, StoreError};

use tokio_postgres::Row;

use crate::lanes::Place;
use crate::text::kept;
use crate::writer::{Ask, Settling, Writing};

/// A delivery in flight, as it stands.
pub(crate) struct InFlight {
    pub attempts: i64,
    partition: i32,
    lane: Option<Place>,
}

impl InFlight {
    /// From the columns seq, attempts, partition, destination and lane.
    pub fn of(row: &Row) -> Self {
        let lane = row.get::<_, Option<i64>>(4).map(|lane| (row.get(3), lane));
        Self { attempts: row.get(1), partition: row.get(2), lane }
    }
}

impl Writing<'_> {
    pub async fn settle_all(
        &mut self,
        asks: &[Ask<Settling, ()>],
    ) -> Result<Vec<Result<(), StoreError>>, StoreError> {
        let seqs: Vec<i64> =
            asks.iter().flat_map(|ask| ask.input.batch.iter()).map(|settled| settled.seq.0).collect();
        let rows = self
            .query(
                "SELECT seq, attempts, partition, destination, lane FROM delivery WHERE seq = ANY ($1) AND fate IS NULL",
                &[&seqs],
            )
            .await?;
        let mut in_flight: HashMap<DeliverySeq, InFlight> = HashMap::with_capacity(rows.len());
        for row in &rows {
            in_flight.insert(DeliverySeq(row.get(0)), InFlight::of(row));
        }
        let (mut answers, mut settled, mut made) = (Vec::with_capacity(asks.len()), Vec::new(), Vec::new());
        for ask in asks {
            let Settling { batch, made: of_it } = &ask.input;
            let answer = self.check_settled(batch, &in_flight);
            if answer.is_ok() {
                for one in batch.iter() {
                    let standing = in_flight.remove(&one.seq).expect("it was checked");
                    settled.push((one, standing));
                }
                made.extend(of_it.iter());
            }
            answers.push(answer);
        }
        self.write_settled(settled.iter().map(|(one, standing)| (*one, standing))).await?;
        let made: Vec<&Message> = made;
        self.accept(&made).await?;
        Ok(answers)
    }

    fn check_settled(
        &self,
        batch: &[Settled],
        in_flight: &HashMap<DeliverySeq, InFlight>,
    ) -> Result<(), StoreError> {
        let mut seen = HashSet::with_capacity(batch.len());
        for settled in batch {
            let Settled { seq, attempt, .. } = settled;
            if !seen.insert(*seq) {
                return Err(StoreError::Settled(format!("delivery {seq} twice in one batch")));
            }
            match in_flight.get(seq) {
                Some(standing) if standing.attempts + 1 == i64::from(*attempt) => {
                    if !self.holds(standing.partition) {
                        return Err(StoreError::Settled(format!(
                            "delivery {seq} here: another node works on it"
                        )));
                    }
                }
                _ => return Err(StoreError::Settled(format!("attempt {attempt} of delivery {seq}"))),
            }
        }
        Ok(())
    }

    /// Whoever calls has seen that they are in flight, and may be settled.
    pub async fn write_settled<'s>(
        &mut self,
        settled: impl Iterator<Item = (&'s Settled, &'s InFlight)>,
    ) -> Result<(), StoreError> {
        let settled: Vec<_> = settled.collect();
        if settled.is_empty() {
            return Ok(());
        }
        let kept_before: Vec<i64> = settled
            .iter()
            .filter(|(one, _)| one.attempt > 1 && one.record.is_some())
            .map(|(one, _)| one.seq.0)
            .collect();
        if !kept_before.is_empty() {
            self.execute(
                "INSERT INTO attempt (delivery, n, record) \
                 SELECT seq, attempts, last FROM delivery WHERE seq = ANY ($1) AND last IS NOT NULL ON CONFLICT DO NOTHING",
                &[&kept_before],
            )
            .await?;
        }
        let now = self.now.as_millis();
        let mut rows = Columns::default();
        let mut lanes = BTreeSet::new();
        for (Settled { seq, record, result, .. }, standing) in settled {
            let (fate, due, reason, at) = match result {
                Settlement::Final { fate, reason } => (Some(fate.as_str()), 0, reason.as_deref(), Some(now)),
                // 0 is for those that were never tried.
                Settlement::Again { due } | Settlement::Aside { due } | Settlement::Excused { due } => {
                    (None, due.as_millis().max(1), None, None)
                }
            };
            let tried = i64::from(record.is_some());
            rows.seqs.push(seq.0);
            rows.fates.push(fate);
            rows.dues.push(due);
            rows.reasons.push(reason.map(kept));
            rows.at.push(at);
            rows.tried.push(tried);
            rows.excused.push(if matches!(result, Settlement::Excused { .. }) { tried } else { 0 });
            rows.records.push(record.as_deref());
            rows.aside.push(matches!(result, Settlement::Aside { .. }));
            if let Settlement::Final { fate, .. } = result {
                self.tally.in_flight -= 1;
                self.tally.fates[*fate] += 1;
            }
            if matches!(result, Settlement::Final { .. } | Settlement::Aside { .. }) {
                lanes.extend(standing.lane.clone());
            }
        }
        self.execute(
            "UPDATE delivery d SET fate = n.fate, due_at = n.due, reason = n.reason, settled_at = n.at, \
                 attempts = d.attempts + n.tried, last = coalesce(n.record, d.last), \
                 lane = CASE WHEN n.aside THEN NULL ELSE d.lane END, attempts_before = d.attempts_before + n.excused \
             FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::text[], $8::boolean[], \
                     $9::bigint[]) \
                 AS n (seq, fate, due, reason, at, tried, record, aside, excused) WHERE d.seq = n.seq",
            &[
                &rows.seqs,
                &rows.fates,
                &rows.dues,
                &rows.reasons,
                &rows.at,
                &rows.tried,
                &rows.records,
                &rows.aside,
                &rows.excused,
            ],
        )
        .await?;
        self.let_go(&lanes, i64::MAX).await
    }
}

#[derive(Default)]
struct Columns<'a> {
    seqs: Vec<i64>,
    fates: Vec<Option<&'a str>>,
    dues: Vec<i64>,
    reasons: Vec<Option<std::borrow::Cow<'a, str>>>,
    at: Vec<Option<i64>>,
    tried: Vec<i64>,
    records: Vec<Option<&'a str>>,
    aside: Vec<bool>,
    excused: Vec<i64>,
}
