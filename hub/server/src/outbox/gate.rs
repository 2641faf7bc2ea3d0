//! When a destination may be sent to: not while it asks for patience or its quota is used up, and only now and then while it fails
//! as a whole. What may not go yet waits in the store.

use std::time::Duration;

use snodo_core::breaker::{Allowed, Breaker, Change, State};
use snodo_core::declare::Queue;
use snodo_core::{ChannelName, Timestamp};
use snodo_store::Failing;
use tracing::{error, info, warn};

use crate::pipeline::interpret::Heard;

/// A destination that asks for more patience than this is tried again anyway; its deliveries keep to the time that was asked.
const PATIENCE_MAX: Duration = Duration::from_secs(3600);

/// For a destination that asks for patience and does not say for how long.
const PATIENCE: Duration = Duration::from_secs(1);

pub struct Gate {
    destination: ChannelName,
    breaker: Breaker,
    paused_until: Option<Timestamp>,
}

impl Gate {
    pub fn new(destination: ChannelName, queue: &Queue) -> Self {
        Self { destination, breaker: Breaker::new(queue.disable_after()), paused_until: None }
    }

    /// As the store remembers it.
    pub fn restore(&mut self, failing: Option<&Failing>, now: Timestamp) {
        let state = match failing {
            None => State::Works,
            Some(Failing { since, disabled: Some(_), .. }) => State::Disabled { since: *since },
            Some(Failing { since, disabled: None, .. }) => {
                State::Fails { since: *since, tried: 0, next: now }
            }
        };
        self.breaker.restore(state);
    }

    /// Somebody says that it is to be tried, whatever it did before. What to remember.
    pub fn try_again(&mut self, now: Timestamp) -> Failing {
        let failing = Failing { since: now, disabled: None, reason: "it is tried again".into() };
        self.restore(Some(&failing), now);
        failing
    }

    /// Whether it goes on as it does by what the store remembers.
    pub const fn knows(&self, failing: &Failing) -> bool {
        match self.breaker.state() {
            State::Works => false,
            State::Fails { .. } => failing.disabled.is_none(),
            State::Disabled { .. } => failing.disabled.is_some(),
        }
    }

    pub fn allowed(&self, now: Timestamp) -> Allowed {
        match self.paused_until {
            Some(until) if now < until => Allowed::Nothing { until: Some(until) },
            _ => self.breaker.allowed(now),
        }
    }

    /// Whether what fails now fails with all others.
    pub const fn fails(&self) -> bool {
        self.breaker.fails()
    }

    pub fn pause(&mut self, until: Timestamp) {
        self.paused_until = Some(self.paused_until.map_or(until, |known| known.max(until)));
    }

    /// What an answer said of the destination. `Some`: what the store is to remember from now on.
    pub fn heard(&mut self, heard: Heard, now: Timestamp) -> Option<Option<Failing>> {
        let (sign, reason) = match heard {
            Heard::Sign(sign, reason) => (sign, reason),
            Heard::Limited(asked) => {
                let asked = asked.unwrap_or(PATIENCE).min(PATIENCE_MAX);
                self.pause(now + asked);
                let seconds = asked.as_secs();
                info!(destination = %self.destination, seconds, "the destination asks for patience");
                return None;
            }
        };
        let destination = &self.destination;
        let change = self.breaker.saw(sign, now);
        let since = match (change, self.breaker.state()) {
            (Change::None, _) => return None,
            (Change::Works, _) | (_, State::Works) => {
                info!(%destination, "the destination works again");
                return Some(None);
            }
            (_, State::Fails { since, .. } | State::Disabled { since }) => since,
        };
        match change {
            Change::Disabled => error!(
                %destination, %since, reason,
                "the destination is disabled: it has failed for too long. What is for it is kept; when it works again: snodo destination enable"
            ),
            _ => warn!(%destination, reason, "the destination fails as a whole: what is for it waits"),
        }
        let disabled = (change == Change::Disabled).then_some(now);
        Some(Some(Failing { since, disabled, reason: reason.to_owned() }))
    }
}
