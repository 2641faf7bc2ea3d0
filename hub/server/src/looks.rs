//! Says when files that are looked at now and then have changed, once they have been left alone between two looks: editors and copies
//! write in steps.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::path::PathBuf;
use std::time::SystemTime;

/// What a look tells of a file without reading it.
pub type Stamp = (u64, Option<SystemTime>);

pub fn stamp_of(meta: &Metadata) -> Stamp {
    (meta.len(), meta.modified().ok())
}

/// Of each file that was looked at; `None` of one that is not there.
pub type Stamps = BTreeMap<PathBuf, Option<Stamp>>;

pub struct Looks {
    /// Of which it was told.
    known: Stamps,
    seen: Stamps,
}

impl Looks {
    /// Only what changes from now on is news.
    pub fn from(known: Stamps) -> Self {
        Self { seen: known.clone(), known }
    }

    /// What is there is news as a whole.
    pub const fn at(seen: Stamps) -> Self {
        Self { known: Stamps::new(), seen }
    }

    /// The files that are other than when it was last told, if this look shows what the last one did.
    pub fn look(&mut self, now: Stamps) -> Vec<PathBuf> {
        let is_still = now == self.seen;
        self.seen = now;
        if !is_still || self.seen == self.known {
            return Vec::new();
        }
        let differs = |path: &&PathBuf| self.known.get(*path) != self.seen.get(*path);
        let mut changed: Vec<PathBuf> =
            self.known.keys().chain(self.seen.keys()).filter(differs).cloned().collect();
        changed.sort();
        changed.dedup();
        self.known.clone_from(&self.seen);
        changed
    }
}
