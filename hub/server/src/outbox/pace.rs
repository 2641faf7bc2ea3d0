//! How fast a destination is sent to: so many requests in a second, and in a day.

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use snodo_core::declare::Queue;
use snodo_core::{ChannelName, Timestamp};
use snodo_store::home::Home;
use snodo_store::{Draw, StoreError};
use tokio::sync::Mutex;

use crate::clock;

/// How many requests go to a destination: in a second, and in a day.
pub struct Pace {
    destination: ChannelName,
    second: Option<(NonZeroU32, DefaultDirectRateLimiter)>,
    day: Option<Day>,
}

struct Day {
    limit: NonZeroU64,
    left: Mutex<Left>,
}

/// What was drawn from the store and is not used up.
#[derive(Default)]
struct Left {
    began: Timestamp,
    requests: u64,
}

/// The day's quota is used up: until when.
#[derive(Clone, Copy, Debug)]
pub struct UsedUp {
    pub until: Timestamp,
}

const DAY: Duration = Duration::from_secs(86_400);

/// A kill loses what was drawn and not used: so much of a day's quota at most.
const DRAWN_PART: u64 = 100;

impl Pace {
    pub fn new(destination: ChannelName, queue: &Queue) -> Self {
        Self {
            destination,
            second: queue.per_second.map(|per| (per, RateLimiter::direct(Quota::per_second(per)))),
            day: queue.per_day.map(|limit| Day { limit, left: Mutex::default() }),
        }
    }

    /// Requests that may wait for their second: no more, or what is more urgent waits behind them.
    pub fn requests_max(&self) -> Option<usize> {
        self.second.as_ref().map(|(per_second, _)| 2 * per_second.get() as usize)
    }

    /// Resolves when the next request of this second may go.
    pub async fn second(&self) {
        if let Some((_, second)) = &self.second {
            second.until_ready().await;
        }
    }

    /// Takes one request of the day. Days begin at midnight, UTC.
    pub async fn day(&self, store: &dyn Home) -> Result<Result<(), UsedUp>, StoreError> {
        let Some(Day { limit, left }) = &self.day else { return Ok(Ok(())) };
        let mut left = left.lock().await;
        let began = day_of(clock::now());
        if left.began != began {
            *left = Left { began, requests: 0 };
        }
        if left.requests == 0 {
            let (destination, limit) = (self.destination.clone(), limit.get());
            let draw = Draw { destination, began, wanted: (limit / DRAWN_PART).max(1), limit };
            left.requests = store.draw(draw).await?;
        }
        match left.requests.checked_sub(1) {
            Some(rest) => {
                left.requests = rest;
                Ok(Ok(()))
            }
            None => Ok(Err(UsedUp { until: began + DAY })),
        }
    }
}

/// When the day of a moment began.
pub fn day_of(now: Timestamp) -> Timestamp {
    let day = i64::try_from(DAY.as_millis()).expect("a day has few milliseconds");
    Timestamp::from_millis(now.as_millis() - now.as_millis().rem_euclid(day))
}
