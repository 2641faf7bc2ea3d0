//! A directory is opened by one hub at a time, and only by one that knows its format; others may look.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::Connection;
use snodo_core::Timestamp;
use snodo_store::{FORMAT, Options, Store, StoreError};

use crate::bench::*;

fn refusal<T>(opened: Result<T, StoreError>) -> String {
    opened.err().expect("it must be refused").to_string()
}

#[test]
fn a_second_hub_is_refused_and_told_who_is_there() {
    let bench = Bench::new();
    let refused = refusal(Store::open(bench.directory.path(), Options::default()));
    assert!(refused.contains("another hub"), "{refused}");
    assert!(refused.contains(&std::process::id().to_string()), "{refused}");
    bench.store.close_blocking();
    Store::open(bench.directory.path(), Options::default()).unwrap();
}

#[test]
fn what_this_version_does_not_know_is_left_alone() {
    for (spoil, expected) in [
        (
            format!("PRAGMA user_version = {}", FORMAT + 6),
            format!("has format {}, and this binary knows formats up to {FORMAT}", FORMAT + 6),
        ),
        ("PRAGMA application_id = 7".into(), "not a store of this hub".into()),
    ] {
        let bench = Bench::new();
        bench.accept("shop", "raw");
        bench.store.close_blocking();
        let file = bench.directory.path().join("hub.db");
        Connection::open(&file).unwrap().execute_batch(&spoil).unwrap();
        let before = std::fs::read(&file).unwrap();
        for refused in [
            refusal(Store::open(bench.directory.path(), Options::default())),
            refusal(Store::open_read_only(bench.directory.path())),
        ] {
            assert!(refused.contains(&expected), "{refused}");
        }
        assert!(std::fs::read(&file).unwrap() == before, "{spoil}: the file has changed");
    }
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("hub.db"), [b'x'; 8192]).unwrap();
    let refused = refusal(Store::open(directory.path(), Options::default()));
    assert!(refused.contains("not a store of this hub"), "{refused}");
}

#[test]
fn others_can_look_while_the_hub_runs_and_when_it_does_not() {
    let bench = Bench::new();
    let reader = Store::open_read_only(bench.directory.path()).unwrap();
    for count in 1..=3 {
        bench.bring(vec![event(&count.to_string(), "a")]);
        assert_eq!(reader.balance(None).unwrap().in_flight, count);
    }
    drop(reader);
    bench.store.close_blocking();
    assert!(!bench.directory.path().join("hub.db-wal").exists(), "the log is copied when the hub stops");
    let reader = Store::open_read_only(bench.directory.path()).unwrap();
    assert_eq!(reader.fresh(&name("crm"), MANY, MANY).unwrap().len(), 3);
    // And a reader that is open does not keep the next hub out.
    let store = Store::open(bench.directory.path(), Options::default()).unwrap();
    wait(store.accept(message("shop", "raw", bench.now()))).unwrap();
    assert_eq!(reader.balance(None).unwrap().messages.accepted, 4);
}

#[test]
fn looking_where_nothing_is_makes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let refused = refusal(Store::open_read_only(directory.path()));
    assert!(refused.contains("no hub has stored anything"), "{refused}");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_closed_store_takes_nothing_more_and_has_lost_nothing() {
    let bench = Bench::new();
    let store = bench.store.clone();
    let accepted = wait(async {
        let calls: Vec<_> = (0..500)
            .map(|n| {
                let (store, message) = (store.clone(), message("shop", &n.to_string(), bench.now()));
                tokio::spawn(async move { store.accept(message).await.is_ok() })
            })
            .collect();
        tokio::task::yield_now().await;
        store.close().await;
        let mut accepted = 0;
        for call in calls {
            accepted += i64::from(call.await.unwrap());
        }
        accepted
    });
    let after = wait(store.accept(message("shop", "late", bench.now())));
    assert!(matches!(after, Err(StoreError::Closed)), "{after:?}");
    drop(store);
    let bench = bench.reopen();
    assert_eq!(bench.store.balance(None).unwrap().messages.accepted, accepted);
    bench.assert_balanced();
}

#[test]
fn below_the_reserve_new_messages_are_refused_and_the_others_are_settled() {
    let directory = tempfile::tempdir().unwrap();
    let free = Arc::new(AtomicU64::new(u64::MAX));
    let told = free.clone();
    let options =
        Options { free_bytes: Some(Arc::new(move || told.load(Ordering::SeqCst))), ..Options::default() };
    let store = Store::open(directory.path(), options).unwrap();
    let accept = || wait(store.accept(message("shop", "raw", Timestamp::from_millis(START))));
    let seq = accept().unwrap();

    free.store(1 << 20, Ordering::SeqCst);
    let refused = accept();
    assert!(matches!(refused, Err(StoreError::Full)), "{refused:?}");
    let batch = vec![snodo_store::Recorded {
        message: seq,
        result: snodo_store::Decoding::Decoded(vec![event("1", "a")]),
    }];
    store.record_blocking(batch, Default::default()).unwrap();
    let due = store.fresh(&name("crm"), MANY, MANY).unwrap();
    store.settle_blocking(vec![settled(&due[0], finally(snodo_core::Fate::Delivered))]).unwrap();

    free.store(1 << 40, Ordering::SeqCst);
    accept().unwrap();
}

const FORMAT_1: &str = include_str!("../../src/format/1.sql");

/// Two messages of format 1: an event with one delivery delivered, one dead after two attempts, one in flight that was tried, one fresh;
/// and an event in quarantine.
const OF_FORMAT_1: &str = r#"
INSERT INTO message VALUES (1, x'00000000000000000000000000000001', 'shop', 1700000000000, '{}', x'7b7d'),
    (2, x'00000000000000000000000000000002', 'shop', 1700000000000, '{}', x'7b7d');
INSERT INTO settled_message VALUES (1, 1700000000000, 1700000000000, 1, NULL), (2, 1700000000000, 1700000000000, 1, NULL);
INSERT INTO event VALUES
    (1, x'01890000000070008000000000000001', 1, 0, 'shop', 'commerce.order.placed', 'snodo://acme/shop', 'order/1',
        '2026-01-01T10:00:00Z', 'snodo:snodo/commerce.order.placed/1-0-0', NULL, NULL, NULL, 1700000000000, 5, 1, NULL, 1, 4,
        'routed', NULL, NULL, x'00000000000000000000000000000001', x'7b7d'),
    (2, x'01890000000070008000000000000002', 2, 0, 'shop', 'commerce.order.placed', 'snodo://acme/shop', 'order/2',
        '2026-01-01T10:00:00Z', 'snodo:snodo/commerce.order.placed/1-0-0', NULL, NULL, NULL, 1700000000000, 5, 0, NULL, 5, 0,
        'quarantined', '[]', NULL, x'00000000000000000000000000000002', x'7b7d');
INSERT INTO delivery VALUES
    (1, 1, 'a', 'crm', 'o1', 'orders', 'delivered', 0, 1, NULL, '{"n":1}', 1700000000000),
    (2, 1, 'b', 'crm', 'o1', 'orders', 'dead', 0, 2, 'refused', '{"n":2}', 1700000000000),
    (3, 1, 'c', 'crm', 'o1', 'orders', NULL, 1700000000000, 1, NULL, '{"n":1}', NULL),
    (4, 1, 'd', 'crm', 'o1', 'orders', NULL, 0, 0, NULL, NULL, NULL);
INSERT INTO attempt VALUES (2, 1, '{"n":1}');
INSERT INTO tally VALUES (1, '{"messages":{"accepted":2,"pending":0,"decoded":2,"quarantined":0},
    "events":{"decoded":2,"routed":1,"duplicate":0,"quarantined":1},"expected":10,
    "fates":{"delivered":1,"filtered":1,"quarantined":5,"dead":1},"in_flight":2}');
PRAGMA application_id = 0x534e444f;
PRAGMA user_version = 1;
"#;

#[test]
fn what_an_earlier_version_has_stored_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let file = Connection::open(directory.path().join("hub.db")).unwrap();
    file.execute_batch(&format!("PRAGMA journal_mode = wal; {FORMAT_1}{OF_FORMAT_1}")).unwrap();
    drop(file);
    let refused = refusal(Store::open_read_only(directory.path()));
    assert!(refused.contains("format 1"), "{refused}");

    let bench = Bench::of(directory);
    bench.assert_balanced();
    let crm = name("crm");
    let due = claimed(&bench.store, &crm, bench.now());
    let seen: Vec<_> = due.iter().map(|due| (due.seq.0, due.attempt, due.attempt_now, due.fresh)).collect();
    assert_eq!(seen, [(3, 2, 2, false), (4, 1, 1, true)]);
    for due in &due {
        bench.store.settle_blocking(vec![settled(due, finally(snodo_core::Fate::Delivered))]).unwrap();
        bench.assert_balanced();
    }
    wait(bench.store.requeue(vec![snodo_store::Item::Event(snodo_store::EventSeq(1))])).unwrap();
    let dead = claimed(&bench.store, &crm, bench.now()).remove(0);
    assert_eq!((dead.seq.0, dead.attempt, dead.attempt_now), (2, 3, 1));
    bench.store.settle_blocking(vec![settled(&dead, finally(snodo_core::Fate::Delivered))]).unwrap();
    let trail = bench.store.trail(snodo_store::EventSeq(1)).unwrap().unwrap();
    assert_eq!(trail.deliveries[1].attempts, [r#"{"n":1}"#, r#"{"n":2}"#, r#"{"n":3}"#]);
    let bench = bench.reopen();
    bench.bring(vec![event("3", "3")]);
    bench.assert_balanced();
    assert_eq!(bench.store.tally().unwrap().fates[snodo_core::Fate::Delivered], 4);
}
