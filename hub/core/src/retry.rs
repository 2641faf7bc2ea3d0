//! When a delivery that did not work is tried again. Pure: time comes in, a due time goes out.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// A destination that asks for more patience than this is asked again anyway.
pub const PATIENCE_MAX: Duration = Duration::from_secs(24 * 3600);

/// How often a channel that keeps trying tries at least: whoever waits for a line to come back wants to see it soon.
pub const TRY_EVERY: Duration = Duration::from_secs(60);

/// Delays before each retry. When they run out, the delivery is dead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Schedule(Vec<Duration>);

impl Default for Schedule {
    /// Twelve attempts over about three days: long enough for a weekend's outage.
    fn default() -> Self {
        let seconds = [5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 57_600, 86_400];
        Self(seconds.into_iter().map(Duration::from_secs).collect())
    }
}

impl Schedule {
    pub const fn new(delays: Vec<Duration>) -> Self {
        Self(delays)
    }

    pub fn delays(&self) -> &[Duration] {
        &self.0
    }

    pub fn attempts_max(&self) -> usize {
        self.0.len() + 1
    }

    /// When to try again after the given attempt (1 for the first) failed; `None` means give up. `asked` is the time that the
    /// destination named: it knows better than we do, but never sooner than us.
    pub fn next_due(
        &self,
        attempt: u32,
        asked: Option<Duration>,
        spread: Spread,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let delay = *self.0.get(attempt.checked_sub(1)? as usize)?;
        Some(now + spread.over(asked.unwrap_or_default().min(PATIENCE_MAX).max(delay)))
    }
}

/// What failed together is not tried again together: each waits up to a fifth longer than it must.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread(f64);

impl Spread {
    pub const NONE: Self = Self(0.0);

    /// The same for one attempt of one delivery, and another for the next.
    pub fn of(delivery: i64, attempt: u32) -> Self {
        let digest = blake3::hash(&[&delivery.to_le_bytes()[..], &attempt.to_le_bytes()].concat());
        let drawn = u16::from_le_bytes([digest.as_bytes()[0], digest.as_bytes()[1]]);
        Self(f64::from(drawn) / f64::from(u16::MAX))
    }

    fn over(self, delay: Duration) -> Duration {
        delay + delay.mul_f64(self.0 / 5.0)
    }
}

impl Schedule {
    /// The same for a channel that keeps trying: at least once in [`TRY_EVERY`], without an end.
    pub fn keep_trying(
        &self,
        attempt: u32,
        asked: Option<Duration>,
        spread: Spread,
        now: Timestamp,
    ) -> Timestamp {
        let place = (attempt.max(1) - 1) as usize;
        let delay = self.0.get(place).or(self.0.last()).copied().unwrap_or(TRY_EVERY);
        let asked = asked.unwrap_or_default().min(PATIENCE_MAX);
        now + spread.over(delay).min(TRY_EVERY).max(asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_waits_longer_each_time_and_then_dies() {
        let schedule = Schedule::new(vec![Duration::from_secs(1), Duration::from_secs(10)]);
        let now = Timestamp::from_millis(0);
        for (attempt, asked, due) in [
            (1, None, Some(1)),
            (1, Some(5), Some(5)),
            (2, Some(5), Some(10)),
            (2, Some(u64::MAX), Some(PATIENCE_MAX.as_secs())),
            (3, None, None),
            (0, None, None),
        ] {
            let due = due.map(|seconds| now + Duration::from_secs(seconds));
            assert_eq!(
                schedule.next_due(attempt, asked.map(Duration::from_secs), Spread::NONE, now),
                due,
                "{attempt} {asked:?}"
            );
        }
    }

    #[test]
    fn what_failed_together_is_tried_again_one_after_another() {
        let schedule = Schedule::new(vec![Duration::from_secs(100)]);
        let now = Timestamp::from_millis(0);
        let due = |delivery| schedule.next_due(1, None, Spread::of(delivery, 1), now).unwrap().as_millis();
        let dues: std::collections::BTreeSet<i64> = (0..100).map(due).collect();
        assert!(dues.iter().all(|due| (100_000..=120_000).contains(due)), "{dues:?}");
        assert!(dues.len() > 90 && dues.last().unwrap() - dues.first().unwrap() > 15_000, "{dues:?}");
        assert_eq!(due(7), due(7));
    }

    #[test]
    fn a_channel_that_keeps_trying_tries_every_minute() {
        let now = Timestamp::from_millis(0);
        let seconds = Duration::from_secs;
        for (delays, attempt, asked, due) in [
            (vec![1, 10], 1, None, 1),
            (vec![1, 10], 7, None, 10),
            (vec![1, 600], 2, None, 60),
            (vec![1, 600], 2, Some(90), 90),
            (vec![], 1, None, 60),
        ] {
            let schedule = Schedule::new(delays.iter().copied().map(seconds).collect());
            let found = schedule.keep_trying(attempt, asked.map(seconds), Spread::NONE, now);
            assert_eq!(found, now + seconds(due), "{delays:?} {attempt}");
        }
    }
}
