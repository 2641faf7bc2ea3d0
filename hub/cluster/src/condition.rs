//! Whether the broker and the database can be reached, and since when it is so. What a node's health is made of.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// One of the two, as it was found last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    Up {
        since: SystemTime,
    },
    /// Why, for whoever mends it. Shows no secret.
    Down {
        since: SystemTime,
        reason: String,
    },
}

impl Standing {
    pub const fn is_up(&self) -> bool {
        matches!(self, Self::Up { .. })
    }
}

/// Both, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    pub broker: Standing,
    pub database: Standing,
}

/// What is watched of one of them. Each change is told once.
#[derive(Clone)]
pub(crate) struct Watch {
    what: &'static str,
    standing: Arc<Mutex<Standing>>,
}

impl Watch {
    pub fn new(what: &'static str) -> Self {
        let standing = Standing::Down { since: SystemTime::now(), reason: "not called yet".into() };
        Self { what, standing: Arc::new(Mutex::new(standing)) }
    }

    pub fn standing(&self) -> Standing {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn is_up(&self) -> bool {
        self.standing().is_up()
    }

    pub fn up(&self) {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        if !standing.is_up() {
            tracing::info!(what = self.what, "reached");
            *standing = Standing::Up { since: SystemTime::now() };
        }
    }

    pub fn down(&self, why: impl fmt::Display) {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let reason = why.to_string();
        match &mut *standing {
            Standing::Down { reason: known, .. } => *known = reason,
            Standing::Up { .. } => {
                tracing::warn!(what = self.what, %reason, "not reached; the hub goes on trying");
                *standing = Standing::Down { since: SystemTime::now(), reason };
            }
        }
    }
}

/// A server that restarts is back within seconds.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// What a server that has been away for long is waited for at most, once it is back.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// How long to wait before a further attempt.
#[derive(Default)]
pub(crate) struct Backoff {
    attempt: u32,
}

impl Backoff {
    pub fn reset(&mut self) {
        self.attempt = 0;
    }

    pub fn next(&mut self) -> Duration {
        self.attempt = self.attempt.saturating_add(1);
        pause(self.attempt, uuid::Uuid::new_v4().as_fields().0)
    }
}

/// Twice as long each time, and by chance up to half of it less: nodes that lost one server do not come back in step.
fn pause(attempt: u32, chance: u32) -> Duration {
    let full = PAUSE_MIN.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(PAUSE_MAX);
    full - full / 2 * (chance % 1024) / 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_differ() {
        for (attempt, chance, millis) in [
            (1, 0, 100),
            (1, 512, 75),
            (2, 0, 200),
            (7, 0, 5000),
            (u32::MAX, 0, 5000),
            (u32::MAX, 1023, 2503),
        ] {
            assert_eq!(pause(attempt, chance).as_micros().div_ceil(1000), millis, "attempt {attempt}");
        }
    }

    #[test]
    fn it_is_down_since_it_broke_and_not_since_it_was_tried_last() {
        let watch = Watch::new("the broker");
        watch.up();
        watch.down("first");
        let Standing::Down { since, .. } = watch.standing() else { panic!("it is down") };
        watch.down("second");
        assert_eq!(watch.standing(), Standing::Down { since, reason: "second".into() });
        watch.up();
        assert!(watch.is_up());
    }
}
