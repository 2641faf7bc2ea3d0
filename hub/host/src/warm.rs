//! Instances that wait for their next call. One serves one channel only, so that nothing of a channel can reach another.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::instance::Instance;
use crate::limits::IDLE_PER_CHANNEL_MAX;

#[derive(Default)]
pub struct Warm(Mutex<HashMap<Arc<str>, Vec<Instance>>>);

impl Warm {
    /// The channel's name as instances share it, and one of them if there is one.
    pub fn take(&self, channel: &str) -> (Arc<str>, Option<Instance>) {
        let mut idle = self.idle();
        match idle.get_key_value(channel).map(|(name, _)| Arc::clone(name)) {
            Some(name) => {
                let instance = idle.get_mut(channel).and_then(Vec::pop);
                (name, instance)
            }
            None => (channel.into(), None),
        }
    }

    pub fn give_back(&self, channel: Arc<str>, instance: Instance) {
        if !instance.is_fresh() {
            return;
        }
        let mut idle = self.idle();
        let of_channel = idle.entry(channel).or_default();
        if of_channel.len() < IDLE_PER_CHANNEL_MAX {
            of_channel.push(instance);
        }
    }

    /// The linear memory of the largest one that waits for the channel.
    pub fn memory_bytes(&self, channel: &str) -> Option<usize> {
        self.idle().get(channel)?.iter().map(Instance::memory_bytes).max()
    }

    /// The fuel that the busiest one has used which waits for the channel.
    pub fn fuel(&self, channel: &str) -> Option<u64> {
        self.idle().get(channel)?.iter().filter_map(Instance::fuel).max()
    }

    /// For a channel that is no more.
    pub fn forget(&self, channel: &str) {
        self.idle().remove(channel);
    }

    fn idle(&self) -> MutexGuard<'_, HashMap<Arc<str>, Vec<Instance>>> {
        // Nothing panics while it is held, and a half-done change of a pool would do no harm.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
