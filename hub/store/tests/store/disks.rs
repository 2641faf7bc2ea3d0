//! Disks that fail: a sync that fails, once or for a while, and a disk without room. Whoever asked is told; what was acknowledged is
//! there, also when the power is cut later.

use snodo_test_power::{Honesty, Operation, Watch};

use crate::bench::scale;
use crate::power::{Watched, answers, assert_nothing_lost, cut};
use crate::writing::Task;

const TASK: Task = Task { answers: 400, body_bytes: 1000, reserve_bytes: 1 << 20, ballast_bytes: 0 };

fn failing(from: u64, syncs: u64) -> Watch {
    Watch { fail_syncs: Some(from..from + syncs), ..Watch::default() }
}

#[test]
fn what_was_acknowledged_survives_syncs_that_fail() {
    for seed in 0..scale() as u64 {
        // Among them those that make the store, and those of commits.
        for from in [1, 3, 6, 9, 20, 60].map(|from| from + seed) {
            for syncs in [1, 30] {
                let mut watched = Watched::new();
                watched.run(&failing(from, syncs), &TASK);
                let answered = answers(&watched.operations());
                // A single one may go by: a commit of several calls is tried again call by call.
                assert!(
                    syncs == 1 || !answered.refused.is_empty(),
                    "nobody was told that sync {from} failed"
                );
                watched.check(&answered).unwrap();
                watched.run(&Watch::default(), &TASK);
                assert_nothing_lost(&cut(&watched.operations(), 4, Honesty::Honest, from));
            }
        }
    }
}

/// What the system shows of a commit that was not synced is in its memory only: the next hub must not build on it.
#[test]
fn a_hub_that_is_killed_when_a_sync_fails_leaves_no_gap() {
    let mut lost = 0;
    for seed in 0..8 * scale() as u64 {
        let mut watched = Watched::new();
        watched.run(&Watch::default(), &Task { answers: 40, ..TASK });
        let died = Watch { kill_at_failed_sync: true, ..failing(8 + seed % 20, 1) };
        watched.run(&died, &TASK);
        assert!(matches!(watched.operations().last(), Some(Operation::SyncFailed { .. })));
        watched.run(&Watch::default(), &TASK);
        assert_nothing_lost(&cut(&watched.operations(), 4, Honesty::Honest, seed));
        let built_on_it =
            [watched.operations_of(0), watched.operations_of(1), unsecured(watched.operations_of(2))];
        lost += cut(&built_on_it.concat(), 4, Honesty::Honest, seed)
            .iter()
            .filter(|result| result.is_err())
            .count();
    }
    assert!(lost > 0, "a hub that did not write the log anew would lose nothing here");
}

/// Without what a start writes anew of the log.
fn unsecured(operations: Vec<Operation>) -> Vec<Operation> {
    let is_of_log = |path: &str| path.ends_with("-wal");
    let secured =
        |operation: &Operation| matches!(operation, Operation::Syncing { path, .. } if is_of_log(path));
    let end = operations.iter().position(secured).expect("a start syncs the log");
    let written =
        |operation: &Operation| matches!(operation, Operation::Written { path, .. } if is_of_log(path));
    let all = operations.into_iter().enumerate();
    all.filter(|(at, operation)| *at > end || !written(operation)).map(|(_, operation)| operation).collect()
}

#[test]
fn a_full_disk_refuses_and_goes_on_when_there_is_room() {
    for reserve_bytes in [4 << 20, 0] {
        let task = Task { answers: 3_000, body_bytes: 4_000, reserve_bytes, ballast_bytes: 30 << 20 };
        let watch = Watch { room_bytes: Some(42 << 20), ..Watch::default() };
        let mut watched = Watched::new();
        watched.run(&watch, &task);
        let operations = watched.operations();
        let answered = answers(&operations);
        let refused =
            |beginning: &str| answered.refused.iter().filter(|line| line.starts_with(beginning)).count();
        assert!(refused("refused accept full") > 0, "it was never full");
        assert_eq!(
            refused("refused accept failed") + refused("refused open"),
            0,
            "a full disk is called something else"
        );
        assert_eq!(refused("refused room"), 1, "{:?}", answered.refused.last());
        let carrying = refused("refused record") + refused("refused settle");
        if reserve_bytes > 0 {
            assert_eq!(refused("refused room 0"), 1, "what was there was not settled");
            assert_eq!(carrying, 0, "the reserve was not kept");
        } else {
            assert!(carrying > 0, "without a reserve there would be room to settle, too");
        }
        let room = operations
            .iter()
            .position(|operation| matches!(operation, Operation::Removed(path) if path == "ballast"));
        let after = answers(&operations[room.unwrap()..]);
        assert!(after.messages.len() > 10 && after.deliveries.len() > 10, "it does not go on");
        watched.check(&answered).unwrap();
        assert_nothing_lost(&cut(&operations, 6, Honesty::Honest, reserve_bytes));
    }
}
