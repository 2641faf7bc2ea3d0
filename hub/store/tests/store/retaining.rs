//! What was removed leaves pages in the file that are used again before it grows. What else retention promises is checked for both homes.

use std::time::Duration;

use snodo_core::Fate;
use snodo_store::{MessageSeq, Removal};

use crate::bench::*;

fn fill(bench: &Bench, keys: std::ops::Range<usize>) {
    let body = "x".repeat(20_000);
    for key in keys {
        bench.bring(vec![event(&key.to_string(), &body)]);
    }
}

#[test]
fn what_was_removed_frees_room_that_is_used_again() {
    let bench = Bench::new();
    fill(&bench, 0..50);
    let due = claimed(&bench.store, &name("crm"), bench.now());
    let batch: Vec<_> = due.iter().map(|due| settled(due, finally(Fate::Delivered))).collect();
    bench.store.settle_blocking(batch).unwrap();
    let file = bench.directory.path().join("hub.db");
    let full = bench.store.used_bytes().unwrap();
    assert!(full > 1_000_000, "{full}");
    bench.pass(Duration::from_secs(3_600));
    let until = bench.now();
    let last = bench.store.received_until(until).unwrap();
    let (mut removed, mut after) = (0, MessageSeq(0));
    while removed < 49 {
        let messages = bench.store.removable(until, after, last).unwrap();
        let progress =
            wait(bench.store.remove(Removal::Settled { messages: messages.clone(), until })).unwrap();
        removed += progress.removed.events;
        after = messages[progress.done - 1];
    }
    assert!(bench.store.used_bytes().unwrap() < full / 3);
    let bench = bench.reopen();
    let length = std::fs::metadata(&file).unwrap().len();
    fill(&bench, 100..140);
    let bench = bench.reopen();
    assert_eq!(std::fs::metadata(&file).unwrap().len(), length, "the file has grown");
    bench.assert_balanced();
}
