//! Tells when a destination fails as a whole, so that the hub leaves it alone but for one attempt now and then: what is for it
//! waits, and dies of nothing that is not its own fault. Pure: what answers mean and the time come in, what may be sent goes out.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::Timestamp;

/// So many calls in a row that say the destination is away, or lets nobody in.
const AWAY_MAX: u32 = 5;

/// So many deliveries in a row that it could not take: one that always fails is its own trouble, five are the destination's.
const FAILED_MAX: usize = 5;

/// The wait before the first attempt of a destination that fails. It doubles each time.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// Whoever mends a destination wants to see it soon.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// What became of a call, as far as it says something of the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// It has answered: it took the delivery, or has told for good that it will not.
    Works,
    /// It could not take the delivery of this number now.
    Failed(i64),
    /// There was no answer, or it lets nobody in.
    Away,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Works,
    Fails {
        since: Timestamp,
        /// Attempts since then, to find out whether it works again.
        tried: u32,
        next: Timestamp,
    },
    /// It has failed for so long that a person has to say when to go on.
    Disabled {
        since: Timestamp,
    },
}

/// What may be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    All,
    /// One, to find out.
    One,
    Nothing {
        until: Option<Timestamp>,
    },
}

/// What the last sign changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    None,
    Fails,
    Works,
    Disabled,
}

#[derive(Clone, Debug)]
pub struct Breaker {
    state: State,
    away: u32,
    failed: BTreeSet<i64>,
    disable_after: Duration,
}

impl Breaker {
    pub const fn new(disable_after: Duration) -> Self {
        Self { state: State::Works, away: 0, failed: BTreeSet::new(), disable_after }
    }

    /// As it was before a restart: one that failed is tried at once.
    pub fn restore(&mut self, state: State) {
        (self.state, self.away) = (state, 0);
        self.failed.clear();
    }

    pub const fn state(&self) -> State {
        self.state
    }

    /// Whether what fails now fails with all others: then it is not given up.
    pub const fn fails(&self) -> bool {
        !matches!(self.state, State::Works)
    }

    pub const fn allowed(&self, now: Timestamp) -> Allowed {
        match self.state {
            State::Works => Allowed::All,
            State::Fails { next, .. } if next.as_millis() <= now.as_millis() => Allowed::One,
            State::Fails { next, .. } => Allowed::Nothing { until: Some(next) },
            State::Disabled { .. } => Allowed::Nothing { until: None },
        }
    }

    pub fn saw(&mut self, sign: Sign, now: Timestamp) -> Change {
        match sign {
            Sign::Works => {
                let was = std::mem::replace(&mut self.state, State::Works);
                self.away = 0;
                self.failed.clear();
                return if was == State::Works { Change::None } else { Change::Works };
            }
            Sign::Away => self.away += 1,
            Sign::Failed(of) => drop(self.failed.insert(of)),
        }
        match self.state {
            State::Works if self.away < AWAY_MAX && self.failed.len() < FAILED_MAX => Change::None,
            State::Works => {
                self.state = State::Fails { since: now, tried: 0, next: now + FIRST_WAIT };
                Change::Fails
            }
            State::Fails { since, .. } if now.since(since) >= self.disable_after => {
                self.state = State::Disabled { since };
                Change::Disabled
            }
            // Calls that were under way when it began to fail say nothing new.
            State::Fails { next, .. } if now < next => Change::None,
            State::Fails { since, tried, .. } => {
                let wait = FIRST_WAIT.saturating_mul(1 << (tried + 1).min(16)).min(WAIT_MAX);
                self.state = State::Fails { since, tried: tried + 1, next: now + wait };
                self.failed.clear();
                Change::None
            }
            State::Disabled { .. } => Change::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn after(signs: &[Sign]) -> Breaker {
        let mut breaker = Breaker::new(HOUR);
        for sign in signs {
            breaker.saw(*sign, at(0));
        }
        breaker
    }

    #[test]
    fn what_fails_for_many_fails_as_a_whole_and_what_fails_for_one_does_not() {
        use Sign::{Away, Failed, Works};
        for (signs, fails) in [
            (vec![Away; 4], false),
            (vec![Away; 5], true),
            (vec![Away, Away, Away, Away, Works, Away], false),
            (vec![Failed(1); 50], false),
            (vec![Failed(1), Failed(2), Failed(3), Failed(4), Failed(5)], true),
            (vec![Failed(1), Failed(2), Failed(3), Works, Failed(4), Failed(5)], false),
        ] {
            assert_eq!(after(&signs).fails(), fails, "{signs:?}");
        }
    }

    #[test]
    fn one_at_a_time_is_tried_with_longer_and_longer_waits() {
        let mut breaker = after(&[Sign::Away; 5]);
        let (mut now, mut waits) = (at(0), Vec::new());
        for _ in 0..8 {
            let Allowed::Nothing { until: Some(next) } = breaker.allowed(now) else { panic!("{breaker:?}") };
            waits.push(next.since(now).as_secs());
            // One that was under way comes back late.
            assert_eq!(breaker.saw(Sign::Away, now), Change::None);
            now = next;
            assert_eq!(breaker.allowed(now), Allowed::One);
            breaker.saw(Sign::Away, now);
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(breaker.saw(Sign::Works, now), Change::Works);
        assert_eq!(breaker.allowed(now), Allowed::All);
    }

    #[test]
    fn one_that_fails_for_long_is_disabled_until_a_person_says_otherwise() {
        let mut breaker = after(&[Sign::Away; 5]);
        assert_eq!(breaker.saw(Sign::Away, at(3599)), Change::None);
        assert_eq!(breaker.saw(Sign::Away, at(3600)), Change::Disabled);
        assert_eq!(breaker.allowed(at(1 << 40)), Allowed::Nothing { until: None });
        breaker.restore(State::Works);
        assert_eq!(breaker.saw(Sign::Away, at(0)), Change::None);
    }
}
