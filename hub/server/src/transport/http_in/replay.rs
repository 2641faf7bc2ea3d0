//! Remembers what was just taken, so that a copy of a signed request is answered like the first and not taken twice. Bounded,
//! and gone with the process: what gets past it is caught by the events' own keys, which are durable.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use snodo_core::{ChannelName, MessageId, Timestamp};

/// Two generations of so many entries of 48 bytes: at most 7 MiB, and a minute of 1,000 messages a second.
const ENTRIES_MAX: usize = 1 << 16;

type Key = [u8; 16];

#[derive(Debug, Default)]
pub struct Replays(Mutex<Generations>);

/// The older one is forgotten as a whole when the newer one is full.
#[derive(Debug, Default)]
struct Generations {
    new: HashMap<Key, Entry>,
    old: HashMap<Key, Entry>,
}

#[derive(Clone, Copy, Debug)]
enum Entry {
    /// Being taken right now.
    Pending,
    Taken {
        id: MessageId,
        until: Timestamp,
    },
}

/// What is known of a request.
#[derive(Debug)]
pub enum Seen<'a> {
    /// New: it is this one's to take.
    First(Claim<'a>),
    /// Its copy is being taken at this moment.
    Pending,
    /// It was taken, under this id.
    Taken(MessageId),
}

/// The right to take a request. Dropped without `taken`, another may try.
#[derive(Debug)]
pub struct Claim<'a> {
    replays: &'a Replays,
    key: Key,
    until: Timestamp,
    settled: bool,
}

impl Replays {
    /// `window` is how long a copy would still be believed.
    pub fn claim(
        &self,
        channel: &ChannelName,
        replay_key: Key,
        window: Duration,
        now: Timestamp,
    ) -> Seen<'_> {
        let key = key(channel, replay_key);
        let mut generations = self.lock();
        let known = generations.new.get(&key).or_else(|| generations.old.get(&key)).copied();
        match known {
            Some(Entry::Pending) => return Seen::Pending,
            Some(Entry::Taken { id, until }) if now <= until => return Seen::Taken(id),
            Some(Entry::Taken { .. }) | None => {}
        }
        generations.put(key, Entry::Pending);
        Seen::First(Claim { replays: self, key, until: now + window, settled: false })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Generations> {
        // Every change is one insertion or removal: a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Generations {
    fn put(&mut self, key: Key, entry: Entry) {
        if self.new.len() >= ENTRIES_MAX {
            self.old = std::mem::take(&mut self.new);
        }
        self.old.remove(&key);
        self.new.insert(key, entry);
    }
}

impl Claim<'_> {
    pub fn taken(mut self, id: MessageId) {
        self.settled = true;
        self.replays.lock().put(self.key, Entry::Taken { id, until: self.until });
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if !self.settled {
            let mut generations = self.replays.lock();
            generations.new.remove(&self.key);
            generations.old.remove(&self.key);
        }
    }
}

/// Two channels may share a secret, and then a copy sent to the other one is another message.
fn key(channel: &ChannelName, replay_key: Key) -> Key {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&replay_key);
    hasher.update(channel.as_str().as_bytes());
    hasher.finalize().as_bytes()[..16].try_into().expect("a digest has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_known_until_it_would_not_be_believed_any_more() {
        let replays = Replays::default();
        let (shop, till): (ChannelName, ChannelName) = ("shop".parse().unwrap(), "till".parse().unwrap());
        let window = Duration::from_secs(10);
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1000);
        let id = MessageId::new(at(0), 1);
        let Seen::First(given_up) = replays.claim(&shop, [1; 16], window, at(0)) else {
            panic!("it is the first")
        };
        assert!(matches!(replays.claim(&shop, [1; 16], window, at(0)), Seen::Pending));
        drop(given_up);
        let Seen::First(claim) = replays.claim(&shop, [1; 16], window, at(0)) else {
            panic!("the first gave up")
        };
        claim.taken(id);
        assert!(matches!(replays.claim(&shop, [1; 16], window, at(10)), Seen::Taken(known) if known == id));
        assert!(matches!(replays.claim(&till, [1; 16], window, at(0)), Seen::First(_)));
        assert!(matches!(replays.claim(&shop, [1; 16], window, at(11)), Seen::First(_)));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let replays = Replays::default();
        let shop: ChannelName = "shop".parse().unwrap();
        for number in 0..3 * ENTRIES_MAX as u128 {
            let seen =
                replays.claim(&shop, number.to_le_bytes(), Duration::from_secs(1), Timestamp::default());
            let Seen::First(claim) = seen else { panic!("each is new") };
            claim.taken(MessageId::new(Timestamp::default(), number));
        }
        let generations = replays.lock();
        assert!(generations.new.len() + generations.old.len() <= 2 * ENTRIES_MAX);
    }
}
