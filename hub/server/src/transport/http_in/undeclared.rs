//! Who sends to a channel that nobody declared: the touchpoints that governance does not know of. Keeps names and counts,
//! nothing of what was sent.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use snodo_core::{ChannelName, Timestamp};

/// More names than this are somebody guessing; they are counted together.
const NAMES_MAX: usize = 256;
/// Enough to tell the product that sends.
const SENDER_CHARS_MAX: usize = 80;

#[derive(Debug, Default)]
pub struct Undeclared(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    by_name: HashMap<ChannelName, Sender>,
    others: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Sender {
    pub count: u64,
    pub first: Timestamp,
    pub last: Timestamp,
    /// The `user-agent` of the last one.
    pub sender: String,
}

impl Undeclared {
    /// Whether the name is a new one.
    pub fn note(&self, name: &str, user_agent: Option<&str>, now: Timestamp) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Ok(name) = name.parse::<ChannelName>() else {
            seen.others += 1;
            return false;
        };
        if !seen.by_name.contains_key(&name) && seen.by_name.len() >= NAMES_MAX {
            seen.others += 1;
            return false;
        }
        let printable = |c: &char| c.is_ascii_graphic() || *c == ' ';
        let sender =
            user_agent.unwrap_or_default().chars().filter(printable).take(SENDER_CHARS_MAX).collect();
        let entry = seen.by_name.entry(name).or_insert(Sender {
            count: 0,
            first: now,
            last: now,
            sender: String::new(),
        });
        entry.count += 1;
        entry.last = now;
        entry.sender = sender;
        entry.count == 1
    }

    /// By name, and how many requests named none of them.
    pub fn list(&self) -> (Vec<(ChannelName, Sender)>, u64) {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut list: Vec<_> =
            seen.by_name.iter().map(|(name, sender)| (name.clone(), sender.clone())).collect();
        list.sort_by(|(a, _), (b, _)| a.cmp(b));
        (list, seen.others)
    }

    /// Forgets a name that has been declared since.
    pub fn declared(&self, name: &ChannelName) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).by_name.remove(name);
    }
}
