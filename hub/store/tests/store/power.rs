//! What was acknowledged survives a power cut: the disk has what was synced, and any part of what was not.

use std::path::PathBuf;

use snodo_test_power::{Dice, Disk, Honesty, Operation, Watch, read};
use tempfile::TempDir;

use crate::bench::scale;
use crate::writing::{Answered, Task, child, write_if_child};

const TEST: &str = "power::what_was_acknowledged_survives_a_power_cut";
/// The data directory lies in the watched folder, since its own name can be lost, too.
const DATA: &str = "data";

/// A folder that is watched, and what was journalled of it, process by process.
pub struct Watched {
    home: TempDir,
    runs: usize,
}

impl Watched {
    pub fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap(), runs: 0 }
    }

    fn folder(&self) -> PathBuf {
        let folder = self.home.path().canonicalize().unwrap().join("disk");
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn data(&self) -> PathBuf {
        self.folder().join(DATA)
    }

    /// Of what the system shows. Checked is a copy: what a check does is in no journal.
    pub fn check(&self, answered: &Answered) -> Result<(), String> {
        let copy = tempfile::tempdir().unwrap();
        // A hub that could not even make it has answered nothing.
        for file in std::fs::read_dir(self.data()).into_iter().flatten() {
            let file = file.unwrap();
            std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
        }
        answered.check(copy.path())
    }

    fn journal(&self, run: usize) -> PathBuf {
        self.home.path().join(format!("journal-{run}"))
    }

    /// A child writes, until it has enough or is killed.
    pub fn run(&mut self, watch: &Watch, task: &Task) -> &mut Self {
        let folder = self.folder();
        let mut command = child(TEST, &self.data(), task);
        watch.over(&mut command, &folder, &self.journal(self.runs));
        command.output().unwrap();
        self.runs += 1;
        self
    }

    pub fn operations(&self) -> Vec<Operation> {
        (0..self.runs).flat_map(|run| self.operations_of(run)).collect()
    }

    pub fn operations_of(&self, run: usize) -> Vec<Operation> {
        read(&self.journal(run)).unwrap()
    }
}

pub fn killed_at(operations: u64) -> Watch {
    Watch { kill_at: Some(operations), ..Watch::default() }
}

/// Cuts the power at that many moments; what was wrong after each.
pub fn cut(operations: &[Operation], cuts: usize, honesty: Honesty, seed: u64) -> Vec<Result<(), String>> {
    let mut dice = Dice::new(seed);
    let mut moments: Vec<_> = (0..cuts).map(|_| dice.below(operations.len() + 1)).collect();
    moments.sort_unstable();
    let mut disk = Disk::new(honesty, seed);
    let (mut said, mut done, mut results) = (Vec::new(), 0, Vec::new());
    for moment in moments {
        for operation in &operations[done..moment] {
            disk.apply(operation);
            if let Operation::Said(bytes) = operation {
                said.extend_from_slice(bytes);
            }
        }
        done = moment;
        let result = check(&disk, &mut dice, &heard(&said));
        results.push(result.map_err(|error| format!("cut {seed} at operation {moment}: {error}")));
    }
    results
}

fn heard(said: &[u8]) -> Answered {
    let mut answered = Answered::default();
    String::from_utf8_lossy(said).lines().for_each(|line| answered.hear(line));
    answered
}

/// All that a process has said.
pub fn answers(operations: &[Operation]) -> Answered {
    let said = operations.iter().filter_map(|operation| match operation {
        Operation::Said(bytes) => Some(&bytes[..]),
        _ => None,
    });
    heard(&said.collect::<Vec<_>>().concat())
}

fn check(disk: &Disk, dice: &mut Dice, answered: &Answered) -> Result<(), String> {
    let after = tempfile::tempdir().unwrap();
    disk.cut(after.path(), dice).unwrap();
    answered.check(&after.path().join(DATA))
}

pub fn assert_nothing_lost(results: &[Result<(), String>]) {
    let lost: Vec<_> = results.iter().filter_map(|result| result.as_ref().err()).collect();
    assert!(lost.is_empty(), "{} of {} cuts: {lost:#?}", lost.len(), results.len());
}

#[test]
fn what_was_acknowledged_survives_a_power_cut() {
    write_if_child();
    let short = Task { answers: 300, ..Task::default() };
    for seed in 0..scale() as u64 {
        // Made anew, killed while it is made or soon after, and closed and opened again: all that a store does to its files.
        let mut dice = Dice::new(seed);
        let mut watched = Watched::new();
        watched.run(&killed_at(10 + dice.below(100) as u64), &short);
        watched.run(&killed_at(200 + dice.below(1_000) as u64), &short);
        watched.run(&Watch::default(), &short).run(&Watch::default(), &short);
        assert_nothing_lost(&cut(&watched.operations(), 56, Honesty::Honest, seed));
        // Long enough for the log to be copied on the way and started over.
        let mut watched = Watched::new();
        watched.run(&Watch::default(), &Task { answers: 1_500, body_bytes: 60_000, ..Task::default() });
        let operations = watched.operations();
        assert!(starts_over(&operations), "the log has not started over");
        assert_nothing_lost(&cut(&operations, 8, Honesty::Honest, seed));
    }
}

/// A file whose name was not on the disk yet when its maker was killed: whoever finds it sees to that before anything is answered.
#[test]
fn names_that_a_killed_hub_has_left_last() {
    let task = Task { answers: 30, ..Task::default() };
    let mut whole = Watched::new();
    let operations = whole.run(&Watch::default(), &task).operations();
    let is_made = |operation: &Operation| matches!(operation, Operation::Made(_) | Operation::Folder(_));
    let made = operations.iter().zip(1..).filter(|(operation, _)| is_made(operation));
    let mut lost = 0;
    for (_, moment) in made {
        let mut watched = Watched::new();
        watched.run(&killed_at(moment), &task).run(&Watch::default(), &task);
        let operations = watched.operations();
        assert_nothing_lost(&cut(&operations, 6, Honesty::Honest, moment));
        let unsynced = without_folders(operations);
        lost += cut(&unsynced, 6, Honesty::Honest, moment).iter().filter(|result| result.is_err()).count();
    }
    assert!(lost > 0, "a hub that did not sync its folders would lose nothing here");
}

/// Without the syncs of folders.
fn without_folders(operations: Vec<Operation>) -> Vec<Operation> {
    let is_folder = |operation: &Operation| matches!(operation, Operation::Syncing { path, .. } if path.is_empty() || path == DATA);
    operations.into_iter().filter(|operation| !is_folder(operation)).collect()
}

/// The beginning of the log is written more than once.
fn starts_over(operations: &[Operation]) -> bool {
    let begins = |operation: &&Operation| matches!(operation, Operation::Written { path, at: 0, .. } if path.ends_with("-wal"));
    operations.iter().filter(begins).count() > 1
}

/// A disk that lies loses something, or these tests would find nothing on any disk.
#[test]
fn a_disk_that_has_not_synced_what_it_says_is_found_out() {
    let mut watched = Watched::new();
    watched.run(&Watch::default(), &Task { answers: 300, ..Task::default() });
    let results = cut(&watched.operations(), 16, Honesty::Lies, 1);
    assert!(results.iter().filter(|result| result.is_err()).count() > 4, "{results:?}");
}

#[test]
fn one_answer_that_nobody_gave_is_found_out() {
    let mut watched = Watched::new();
    watched.run(&Watch::default(), &Task { answers: 100, ..Task::default() });
    let (mut disk, operations) = (Disk::new(Honesty::Honest, 1), watched.operations());
    operations.iter().for_each(|operation| disk.apply(operation));
    let answered = answers(&operations);
    assert!(answered.messages.len() > 10 && answered.events.len() > 10 && answered.deliveries.len() > 10);
    let mut dice = Dice::new(1);
    check(&disk, &mut dice, &answered).unwrap();
    for (line, expected) in [
        ("accepted 100000 1-2-3 end", "message 100000 is lost"),
        ("accepted 1 another end", "message 1 has another body"),
        ("recorded 1 100000 100000 end", "event 100000 is lost"),
        ("settled 100000 delivered 1 end", "delivery 100000 is lost"),
        ("settled 1 expired 9 end", "delivery 1 is"),
    ] {
        let mut doctored = answered.clone();
        doctored.hear(line);
        let found = check(&disk, &mut dice, &doctored).unwrap_err();
        assert!(found.contains(expected), "{line}: {found}");
    }
}
