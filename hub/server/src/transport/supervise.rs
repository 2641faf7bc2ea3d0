//! Keeps a connection up for as long as the hub runs: what breaks is tried again for ever, ever more slowly, and told once. Knows
//! nothing of what is spoken over it.

use std::collections::HashSet;
use std::future::Future;
use std::time::Duration;

use futures_util::FutureExt;
use snodo_core::ChannelName;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// A broker that restarts is back within seconds.
const PAUSE_MIN: Duration = Duration::from_millis(250);
/// What a broker that has been away for the night is waited for at most, once it is back.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Why there is no connection: the class is one of a few fixed words, the text is for whoever mends it and shows no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Trouble {
    pub class: Class,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Nobody answers, or the connection broke.
    Away,
    /// The other side does not let the hub in.
    Refused,
    /// What the channel declares is not there: a queue, an exchange, a topic.
    Missing,
    /// What the other side says makes no sense.
    Garbled,
}

impl Class {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Away => "away",
            Self::Refused => "refused",
            Self::Missing => "missing",
            Self::Garbled => "garbled",
        }
    }
}

impl Trouble {
    pub fn new(class: Class, text: impl Into<String>) -> Self {
        Self { class, text: text.into() }
    }

    pub fn away(text: impl Into<String>) -> Self {
        Self::new(Class::Away, text)
    }
}

/// What is remembered of a connection between two attempts.
#[derive(Debug)]
pub struct Watch {
    channel: ChannelName,
    /// `mqtt` or another transport's name, for logs and metrics.
    transport: &'static str,
    attempt: u32,
    /// The classes of trouble that were told since it was last up.
    told: HashSet<Class>,
}

impl Watch {
    pub fn new(channel: ChannelName, transport: &'static str) -> Self {
        Self { channel, transport, attempt: 0, told: HashSet::new() }
    }

    /// It is up: to be called once the other side has agreed to everything.
    pub fn up(&mut self) {
        self.count("up");
        match self.told.is_empty() {
            true => info!(channel = %self.channel, transport = self.transport, "connected"),
            false => {
                warn!(channel = %self.channel, transport = self.transport, "connected again");
            }
        }
        self.told.clear();
        self.attempt = 0;
    }

    /// It is not: told once for each class until it is up again. How long to wait before the next attempt.
    pub fn broke(&mut self, trouble: &Trouble) -> Duration {
        self.count(trouble.class.as_str());
        if self.told.insert(trouble.class) {
            let (class, text) = (trouble.class.as_str(), &trouble.text);
            warn!(channel = %self.channel, transport = self.transport, class, reason = %text, "not connected; the hub goes on trying");
        }
        self.attempt = self.attempt.saturating_add(1);
        pause(self.attempt, chance())
    }

    /// After a session of those who ask: whoever asks before the next may begin is told at once, because its schedule knows better
    /// when to come back. `None` when nobody can ask any more.
    pub async fn turn_away<O>(
        &mut self,
        trouble: &Trouble,
        orders: &mut mpsc::Receiver<O>,
        refuse: impl Fn(O),
    ) -> Option<()> {
        let mut pause = std::pin::pin!(tokio::time::sleep(self.broke(trouble)));
        loop {
            tokio::select! {
                () = &mut pause => return Some(()),
                order = orders.recv() => refuse(order?),
            }
        }
    }

    /// After a session: returns when the next may begin, or at `stop`.
    pub async fn rest(&mut self, ended: Result<(), Trouble>, stop: &CancellationToken) {
        let Err(trouble) = ended else { return };
        if !stop.is_cancelled() {
            let pause = self.broke(&trouble);
            stop.run_until_cancelled(tokio::time::sleep(pause)).await;
        }
    }

    fn count(&self, result: &'static str) {
        metrics::counter!("snodo_connections_total", "channel" => self.channel.to_string(), "transport" => self.transport, "result" => result)
            .increment(1);
    }
}

/// Twice as long each time, and by chance up to half of it less: hubs that lost one broker do not come back in step.
fn pause(attempt: u32, chance: u32) -> Duration {
    let full = PAUSE_MIN.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(PAUSE_MAX);
    full - full / 2 * (chance % 1024) / 1024
}

fn chance() -> u32 {
    uuid::Uuid::new_v4().as_fields().0
}

/// What a session came to, also if it panicked.
pub async fn guarded<T>(session: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
    let ended = std::panic::AssertUnwindSafe(session).catch_unwind().await;
    ended.unwrap_or_else(|_| Err(Trouble::new(Class::Garbled, "the connection's own code failed")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_differ() {
        for (attempt, chance, millis) in [
            (1, 0, 250),
            (1, 512, 188),
            (2, 0, 500),
            (5, 0, 4000),
            (8, 0, 30_000),
            (u32::MAX, 0, 30_000),
            (u32::MAX, 1023, 15_015),
        ] {
            let paused = pause(attempt, chance).as_micros().div_ceil(1000);
            assert_eq!(paused, millis, "attempt {attempt}, chance {chance}");
        }
    }

    #[test]
    fn each_class_of_trouble_is_told_once_until_it_is_up() {
        let mut watch = Watch::new("shop".parse().unwrap(), "mqtt");
        let (away, refused) = (Trouble::away("a"), Trouble::new(Class::Refused, "b"));
        for trouble in [&away, &away, &refused, &away] {
            watch.broke(trouble);
        }
        assert_eq!(watch.told.len(), 2);
        assert_eq!(watch.attempt, 4);
        watch.up();
        assert!(watch.told.is_empty() && watch.attempt == 0);
    }

    #[tokio::test]
    async fn a_session_that_panics_is_one_that_broke() {
        let ended = guarded(async {
            if true {
                panic!("a session fails in a test");
            }
            Ok(())
        });
        assert_eq!(ended.await.unwrap_err().class, Class::Garbled);
        assert_eq!(guarded(async { Ok(7) }).await, Ok(7));
    }
}
