//! What a disk may hold after a power cut, as POSIX leaves it open. Of a file: everything up to its last sync, and of what came after
//! any of the sectors, in any order. Of a folder: everything up to its last sync, and of what came after any of the names.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::Path;

use crate::{Dice, Operation};

/// The least that a disk writes whole.
const SECTOR_BYTES: u64 = 512;

/// How likely something that was not synced is on the disk all the same, in percent: all of it or nothing are cuts that happen, too.
const LIKELY: [usize; 5] = [0, 10, 50, 90, 100];

/// Whether what the disk says is synced is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Honesty {
    Honest,
    /// It says so and has not done it.
    Lies,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Entry {
    Folder,
    /// By its place among the files.
    File(usize),
}

#[derive(Default)]
struct File {
    synced: Vec<u8>,
    /// What came after, each with the moment at which it came.
    pending: Vec<(u64, Change)>,
}

enum Change {
    Written { at: u64, data: Vec<u8> },
    Cut(u64),
}

/// What changes the names in a folder.
enum Naming {
    Named(String, Entry),
    Removed(String),
}

pub struct Disk {
    honesty: Honesty,
    files: Vec<File>,
    /// As a running system shows it.
    names: BTreeMap<String, Entry>,
    synced_names: BTreeMap<String, Entry>,
    pending_names: Vec<(u64, Naming)>,
    /// Syncs under way, and when they began.
    syncing: HashMap<u64, (String, u64)>,
    moment: u64,
    dice: Dice,
}

impl Disk {
    pub fn new(honesty: Honesty, seed: u64) -> Self {
        Self {
            honesty,
            files: Vec::new(),
            names: [(String::new(), Entry::Folder)].into(),
            synced_names: [(String::new(), Entry::Folder)].into(),
            pending_names: Vec::new(),
            syncing: HashMap::new(),
            moment: 0,
            dice: Dice::new(seed),
        }
    }

    pub fn apply(&mut self, operation: &Operation) {
        self.moment += 1;
        match operation {
            Operation::Made(path) => {
                self.files.push(File::default());
                self.name(path, Entry::File(self.files.len() - 1));
            }
            Operation::Folder(path) => self.name(path, Entry::Folder),
            Operation::Removed(path) => self.unname(path),
            Operation::Renamed { from, to } => {
                let entry = self.names[from];
                self.unname(from);
                self.name(to, entry);
            }
            Operation::Written { path, at, data } => {
                self.change(path, Change::Written { at: *at, data: data.clone() });
            }
            Operation::Cut { path, length } => self.change(path, Change::Cut(*length)),
            Operation::Syncing { path, number } => {
                self.syncing.insert(*number, (path.clone(), self.moment));
            }
            Operation::Synced { number } => {
                if let Some((path, began)) = self.syncing.remove(number)
                    && self.honesty == Honesty::Honest
                {
                    self.sync(&path, began, 100);
                }
            }
            // The system holds what it failed to write for written from then on, and never tries again.
            Operation::SyncFailed { number } => {
                if let Some((path, began)) = self.syncing.remove(number)
                    && let Some(Entry::File(_)) = self.names.get(&path)
                {
                    let likely = LIKELY[self.dice.below(LIKELY.len())];
                    self.sync(&path, began, likely);
                }
            }
            Operation::Said(_) => {}
        }
    }

    fn name(&mut self, path: &str, entry: Entry) {
        self.names.insert(path.to_owned(), entry);
        self.pending_names.push((self.moment, Naming::Named(path.to_owned(), entry)));
    }

    fn unname(&mut self, path: &str) {
        self.names.remove(path);
        self.pending_names.push((self.moment, Naming::Removed(path.to_owned())));
    }

    fn change(&mut self, path: &str, change: Change) {
        // A file without a name is gone whatever is written into it.
        if let Some(Entry::File(file)) = self.names.get(path) {
            self.files[*file].pending.push((self.moment, change));
        }
    }

    /// What came before that moment is on the disk, as far as it is likely; the rest of it will not be.
    fn sync(&mut self, path: &str, began: u64, likely: usize) {
        let Self { files, names, synced_names, pending_names, dice, .. } = self;
        match names.get(path) {
            Some(Entry::File(file)) => {
                let File { synced, pending } = &mut files[*file];
                let later = pending.partition_point(|(moment, _)| *moment < began);
                for (_, change) in pending.drain(..later) {
                    change.apply(synced, likely, dice);
                }
            }
            Some(Entry::Folder) => {
                let (done, later) = std::mem::take(pending_names)
                    .into_iter()
                    .partition(|(moment, naming)| *moment < began && naming.folder() == path);
                *pending_names = later;
                let done: Vec<_> = done;
                done.iter().for_each(|(_, naming)| naming.apply(synced_names));
            }
            None => {}
        }
    }

    /// Makes what could be left of the watched folder, in an empty one.
    pub fn cut(&self, into: &Path, dice: &mut Dice) -> io::Result<()> {
        let mut names = self.synced_names.clone();
        let likely = LIKELY[dice.below(LIKELY.len())];
        for (_, naming) in &self.pending_names {
            if dice.percent(likely) {
                naming.apply(&mut names);
            }
        }
        // Parents come before what is in them.
        for (path, entry) in &names {
            let place = into.join(path);
            if !place.parent().is_some_and(Path::is_dir) {
                continue;
            }
            match entry {
                Entry::Folder => std::fs::create_dir_all(place)?,
                Entry::File(file) => std::fs::write(place, self.files[*file].cut(dice))?,
            }
        }
        Ok(())
    }
}

impl File {
    fn cut(&self, dice: &mut Dice) -> Vec<u8> {
        let likely = LIKELY[dice.below(LIKELY.len())];
        let mut bytes = self.synced.clone();
        self.pending.iter().for_each(|(_, change)| change.apply(&mut bytes, likely, dice));
        bytes
    }
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>, likely: usize, dice: &mut Dice) {
        match self {
            Self::Written { at, data } => {
                let mut from = 0;
                while from < data.len() {
                    let place = *at + from as u64;
                    let sector = (SECTOR_BYTES - place % SECTOR_BYTES) as usize;
                    let to = data.len().min(from + sector);
                    if dice.percent(likely) {
                        write_at(bytes, place as usize, &data[from..to]);
                    }
                    from = to;
                }
            }
            Self::Cut(length) => {
                if dice.percent(likely) {
                    bytes.resize(*length as usize, 0);
                }
            }
        }
    }
}

fn write_at(bytes: &mut Vec<u8>, at: usize, data: &[u8]) {
    let end = at + data.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[at..end].copy_from_slice(data);
}

impl Naming {
    fn folder(&self) -> &str {
        let (Self::Named(path, _) | Self::Removed(path)) = self;
        path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    fn apply(&self, names: &mut BTreeMap<String, Entry>) {
        match self {
            Self::Named(path, entry) => names.insert(path.clone(), *entry),
            Self::Removed(path) => names.remove(path),
        };
    }
}
