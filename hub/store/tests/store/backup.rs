//! A copy is of one moment, also while the hub writes, and a hub can go on from it.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use snodo_store::{Options, Store, StoreError, restore};

use crate::bench::*;

fn files(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_copy_that_is_made_while_the_hub_writes_is_of_one_moment() {
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    for count in 0..200 {
        bench.bring(vec![event(&format!("before-{count}"), "a")]);
    }
    let stop = AtomicBool::new(false);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            for count in 0.. {
                bench.bring(vec![event(&format!("meanwhile-{count}"), "b")]);
                if stop.load(Ordering::Relaxed) {
                    return;
                }
            }
        });
        for turn in 0..5 {
            let reader = Store::open_read_only(bench.directory.path()).unwrap();
            let file = folder.path().join(format!("copy-{turn}"));
            let made = reader.back_up(&file).unwrap();
            let metadata = std::fs::metadata(&file).unwrap();
            assert_eq!((made.bytes, metadata.permissions().mode() & 0o777), (metadata.len(), 0o600));

            let restored = tempfile::tempdir().unwrap();
            assert_eq!(restore(&file, restored.path()).unwrap(), made.bytes);
            let store = Store::open(restored.path(), Options::default()).unwrap();
            let audit = store.audit().unwrap();
            assert!(audit.agrees(), "{audit:?}");
            assert_eq!(store.tally().unwrap(), made.tally);
            let tally = &made.tally;
            assert_eq!(
                (tally.difference(), tally.messages_difference(), tally.events_difference()),
                (0, 0, 0)
            );
            assert!(tally.messages.accepted >= 200, "{tally:?}");
        }
        stop.store(true, Ordering::Relaxed);
    });
    // No half copy is left.
    assert_eq!(files(folder.path()), ["copy-0", "copy-1", "copy-2", "copy-3", "copy-4"]);
    bench.assert_balanced();
}

#[test]
fn nothing_is_written_over_and_nothing_else_is_taken_back() {
    let bench = Bench::new();
    bench.bring(vec![event("1", "a")]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("copy");
    bench.store.back_up(&file).unwrap();
    assert!(matches!(bench.store.back_up(&file), Err(StoreError::Exists(_))));
    let nowhere = folder.path().join("nowhere/copy");
    let refused = bench.store.back_up(&nowhere).unwrap_err().to_string();
    assert!(
        refused.starts_with(&format!("failed to write {}: No such file", nowhere.display())),
        "{refused}"
    );
    // A hub is at work there; then it is not, but something is stored.
    assert!(matches!(restore(&file, bench.directory.path()), Err(StoreError::Locked { .. })));
    bench.store.close_blocking();
    assert!(matches!(restore(&file, bench.directory.path()), Err(StoreError::Occupied(_))));

    let whole = std::fs::read(&file).unwrap();
    let torn = &whole[..whole.len() / 2];
    let mut spoilt = whole.clone();
    for page in spoilt.chunks_exact_mut(8192).skip(1) {
        page[..64].fill(0xff);
    }
    for (case, content) in
        [("torn", torn), ("spoilt", &spoilt), ("empty", &[]), ("another", b"no store at all")]
    {
        let other = folder.path().join(case);
        std::fs::write(&other, content).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let refused = restore(&other, directory.path()).expect_err(case).to_string();
        assert!(refused.contains(case) && !refused.contains("failed to use the store"), "{case}: {refused}");
        assert_eq!(files(directory.path()), ["lock"], "{case}");
    }
    let directory = tempfile::tempdir().unwrap();
    restore(&file, directory.path()).unwrap();
    assert_eq!(files(directory.path()), ["hub.db", "lock"]);
}
